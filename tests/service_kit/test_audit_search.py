"""Searching the audit trail by time: rows stand in the order in which they were written, not of the times that they state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from service_kit import audit_search
from service_kit.audit import Audit, new_writer_id
from service_kit.audit_search import AuditSearch, search_entries
from standards.errors import TrustError

if TYPE_CHECKING:
    from service_kit.database import Database

MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def record(database: Database, *seconds: float) -> None:
    """Entries of so many seconds behind midnight, written in this order."""
    audit = Audit(database, b"k" * 32, new_writer_id())
    for each in seconds:
        at, subject = MIDNIGHT + timedelta(seconds=each), f"thing:{each:g}"

        def job(connection: object, at: datetime = at, subject: str = subject) -> str:
            return audit.record(connection, at=at, actor="client:a", action="thing.changed", subject=subject, outcome="done")  # type: ignore[arg-type]

        database.write(job)


def found(database: Database, since: datetime | None = None, until: datetime | None = None, limit: int = 100) -> list[str]:
    """The subjects, page by page to the end."""
    search, before, subjects = AuditSearch(action="thing.changed", since=since, until=until), None, []
    while True:
        with database.read() as connection:
            page = search_entries(connection, search, before=before, limit=limit)
        subjects += [entry.subject.removeprefix("thing:") for entry in page.entries]
        before = page.next_before
        if before is None:
            return subjects


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_was_begun_before_the_end_of_a_period_and_written_after_later_entries_is_in_it(database: Database, limit: int) -> None:
    """A request that takes a second over midnight: its entry was in no period at all, neither that before nor that after."""
    record(database, -9, -3, 1, -2, 2, -1, 3, 9)
    assert found(database, until=MIDNIGHT, limit=limit) == ["-1", "-2", "-3", "-9"]
    assert found(database, since=MIDNIGHT, limit=limit) == ["9", "3", "2", "1"]
    assert found(database, since=MIDNIGHT - DAY, until=MIDNIGHT, limit=limit) == ["-1", "-2", "-3", "-9"]


def test_entries_of_a_clock_that_was_ahead_hide_none_of_those_behind_them(database: Database) -> None:
    record(database, -9, 7200, -8, -7, -6)
    assert found(database, until=MIDNIGHT) == ["-6", "-7", "-8", "-9"]
    assert found(database, until=MIDNIGHT + DAY) == ["-6", "-7", "-8", "7200", "-9"]
    assert found(database, since=MIDNIGHT) == ["7200"]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_search_that_looks_at_few_rows_at_once_finds_all_the_same(database: Database, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    record(database, -9, 1, -8, -7, 2, 3, 4, 5, -1)
    monkeypatch.setattr(audit_search, "ROWS_SEARCHED", rows)
    assert found(database, since=MIDNIGHT) == ["5", "4", "3", "2", "1"], "one of them stands below what is older"
    assert found(database, until=MIDNIGHT + timedelta(seconds=2)) == ["-1", "-7", "-8", "1", "-9"]


def test_a_time_before_all_entries_finds_none(database: Database) -> None:
    record(database, 1, 2)
    assert found(database, until=MIDNIGHT) == []
    assert found(database, since=MIDNIGHT + DAY) == []


def test_a_page_behind_an_entry_that_there_is_not_is_refused_and_not_the_last(database: Database) -> None:
    """A cursor cut short said that the trail had no more entries."""
    record(database, 1, 2)
    with database.read() as connection:
        cursor = search_entries(connection, AuditSearch(), limit=1).next_before
        assert cursor is not None
        assert len(search_entries(connection, AuditSearch(), before=cursor).entries) == 2
        with pytest.raises(TrustError, match="AUDIT_ENTRY_UNKNOWN"):
            search_entries(connection, AuditSearch(), before=cursor[:-1])
