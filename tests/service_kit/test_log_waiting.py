"""What waits for a log is counted with a number and without, and a log that stands still is told by processes that met no error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from service_kit.entry_ids import new_entry_id, time_of_entry_id
from service_kit.log_waiting import STANDSTILL_SECONDS, LogState, log_state
from standards.errors import Kind, TrustError
from tests.service_kit.log_setting import AT, add

if TYPE_CHECKING:
    from service_kit.audit import Audit
    from service_kit.database import Database
    from tests.clocks import FixedClock


def test_an_id_tells_when_it_was_made() -> None:
    at = datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC)
    assert time_of_entry_id(new_entry_id(at)) == at


def test_what_has_no_number_waits_too(database: Database, audit: Audit, make_log: Any, clock: FixedClock) -> None:
    log = make_log(batch=2)
    assert log_state(log, clock) == LogState(0, 0, 0)
    add(database, audit, 3)  # and the row that opens the trail
    clock.advance(30)
    assert log_state(log, clock) == LogState(0, 4, 30)
    log.run_once()
    assert log_state(log, clock) == LogState(2, 2, 30)
    database.write(log._assign)  # a leader that ends behind this
    assert log_state(log, clock) == LogState(2, 2, 30)
    log.run_once()
    assert log_state(log, clock) == LogState(4, 0, 0)


def test_a_log_whose_leader_does_nothing_is_told_by_those_that_follow(
    database: Database, audit: Audit, make_log: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database, audit, 1)
    waited = 600
    clock.advance(waited)  # nobody served
    log = make_log()
    monkeypatch.setattr(log, "run_once", lambda: 0)  # as long as another leads
    log.start()
    try:
        clock.advance(STANDSTILL_SECONDS)
        assert log_state(log, clock) == LogState(0, 2, waited + int(STANDSTILL_SECONDS)), "those of before are taken in by the first turn"
        clock.advance(1)
        with pytest.raises(TrustError, match="LOG_STANDS_STILL") as raised:
            log_state(log, clock)
        assert raised.value.facts == {"log": "audit", "waiting": 2, "waiting_seconds": waited + STANDSTILL_SECONDS + 1}
    finally:
        log.stop()
    assert log_state(log, clock).waiting_seconds == waited + STANDSTILL_SECONDS + 1, "where none serves, it waits for the next start"


def test_an_error_of_the_last_turn_comes_first(database: Database, audit: Audit, make_log: Any, clock: FixedClock) -> None:
    add(database, audit, 1)
    log = make_log()
    log.last_error = TrustError(Kind.UNAVAILABLE, "LOG_FILES_UNAVAILABLE")
    with pytest.raises(TrustError, match="LOG_FILES_UNAVAILABLE"):
        log_state(log, clock)


def test_entries_of_a_clock_that_was_ahead_wait_for_no_negative_time(
    database: Database, audit: Audit, make_log: Any, clock: FixedClock
) -> None:
    add(database, audit, 1)
    clock.at = AT.replace(year=2025)
    assert log_state(make_log(), clock).waiting_seconds == 0
