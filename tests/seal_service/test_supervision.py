"""Supervision: what is counted, who sees it, what is out of the ordinary, and an export that no spreadsheet runs."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from crypto.sm3 import sm3
from seal_service.actions import supervise_seals
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.note_refusal import note_refused_use, refusals_noted
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import sign_digest
from seal_service.actions.supervise_seals import Period, export_uses, find_anomalies, list_expiring, period_of, summarise
from seal_service.model import Seal, transition_named
from seal_service.store import holds_any_power
from service_kit.audit_search import AuditSearch, search_entries
from service_kit.roles import Role, appoint
from standards.errors import Kind, TrustError
from tests.audit_trail import blocked
from tests.clocks import FixedClock
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, caller

if TYPE_CHECKING:
    from tests.seal_service.house import House

USER = User("cl_a", "client:cl_a")
NOW = datetime.now(UTC)
PERIOD = Period(NOW - timedelta(days=1), NOW + timedelta(days=1))


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


@pytest.fixture
def still(house: House, seal: Seal) -> House:
    """One whose clock stands still, so that no hour and no day ends between two uses."""
    object.__setattr__(house.context, "clock", FixedClock(house.context.clock.now()))
    return house


def use(house: House, seal: Seal, *, document_type: str = "") -> None:
    with refusals_noted(house.context, USER, seal.id):
        asyncio.run(sign_digest(house.context, USER, seal.id, sm3(b"content"), is_timestamped=False, document_type=document_type))


def lines(house: House, client_id: str = "cl_a") -> list[list[str]]:
    text = b"".join(export_uses(house.context, caller(client_id), PERIOD)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_uses_are_counted_by_seal_holder_form_and_day(still: House, seal: Seal) -> None:
    house = still
    for _ in range(3):
        use(house, seal)
    found = summarise(house.context, caller(), PERIOD)
    assert found.states == {"active": 1}
    assert [(each.seal_id, each.holder, each.form, each.done, each.voided) for each in found.uses] == [(seal.id, "cl_a", "digest", 3, 0)]
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=found.uses[0].day) <= datetime.now(UTC)


def test_only_who_audits_or_manages_a_seal_sees_what_concerns_it(house: House, seal: Seal) -> None:
    use(house, seal)
    note_refused_use(house.context, USER, seal.id, "SEAL_NOT_ACTIVE")
    stranger = caller("cl_b")
    assert summarise(house.context, stranger, PERIOD).states == {}
    assert find_anomalies(house.context, stranger, PERIOD).refusals == []
    assert list_expiring(house.context, stranger, days=3650) == []
    assert len(lines(house, "cl_b")) == 1
    house.context.database.write(
        lambda conn: appoint(
            conn,
            house.context.audit,
            holder="cl_b",
            role=Role.AUDIT,
            is_bound=holds_any_power,
            actor="operator:test",
            at=NOW,
            reason="test",
        )
    )
    assert summarise(house.context, stranger, PERIOD).states == {"active": 1}
    assert len(lines(house, "cl_b")) == 2


def test_who_holds_a_power_over_a_living_seal_is_no_administrator(house: House, seal: Seal) -> None:
    def appointed() -> bool:
        return house.context.database.write(
            lambda conn: appoint(
                conn, house.context.audit, "cl_a", Role.AUDIT, is_bound=holds_any_power, actor="operator:test", at=NOW, reason="test"
            )
        )

    with pytest.raises(TrustError, match="ROLE_HOLDER_BOUND"):
        appointed()
    change_seal_state(house.context, caller(), seal.id, transition_named("cancel"), reason="over")
    assert appointed()


def test_a_refused_use_is_counted_and_the_first_of_an_hour_audited(still: House, seal: Seal) -> None:
    house = still
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="lost")
    for _ in range(3):
        with pytest.raises(TrustError, match="SEAL_NOT_ACTIVE"):
            use(house, seal)
    [refusal] = find_anomalies(house.context, caller(), PERIOD).refusals
    assert (refusal.seal_id, refusal.holder, refusal.code, refusal.times) == (seal.id, "cl_a", "SEAL_NOT_ACTIVE", 3)
    outcomes = [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"]
    assert outcomes.count("refused") == 1


def test_a_refusal_that_says_nothing_of_rights_is_not_counted(house: House, seal: Seal) -> None:
    with pytest.raises(TrustError, match="SEAL_NOT_FOUND"), refusals_noted(house.context, USER, seal.id):
        raise TrustError(Kind.NOT_FOUND, "SEAL_NOT_FOUND")
    assert find_anomalies(house.context, caller(), PERIOD).refusals == []


def test_a_refusal_stands_even_where_it_cannot_be_counted(house: House, seal: Seal) -> None:
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="lost")
    with blocked(), pytest.raises(TrustError, match="SEAL_NOT_ACTIVE"):
        use(house, seal)


def test_a_crowd_of_uses_is_an_anomaly(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise_seals, "CROWD_USES", 4)
    for _ in range(3):
        use(house, seal)
    monkeypatch.setattr(supervise_seals, "CROWD_WINDOW_SECONDS", 100 * 24 * 3600)
    assert find_anomalies(house.context, caller(), PERIOD).crowds == []
    use(house, seal)
    [crowd] = find_anomalies(house.context, caller(), PERIOD).crowds
    assert (crowd.seal_id, crowd.holder, crowd.uses) == (seal.id, "cl_a", 4)
    assert crowd.began_at <= datetime.now(UTC)


def test_seals_that_end_soon_come_first(house: House, seal: Seal) -> None:
    other = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    house.sql(f"UPDATE seal_seals SET valid_until = valid_until - 86400000000 WHERE id = '{other.id}'")
    assert [each.id for each in list_expiring(house.context, caller(), days=3650)] == [other.id, seal.id]
    assert list_expiring(house.context, caller(), days=1) == []
    change_seal_state(house.context, caller(), seal.id, transition_named("cancel"), reason="over")
    assert [each.id for each in list_expiring(house.context, caller(), days=3650)] == [other.id]


def test_the_export_has_every_use_and_nothing_a_spreadsheet_would_run(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise_seals, "PAGE_ROWS", 2)
    for document_type in ("=cmd()", "contract", "@x", "-1", "+1"):
        use(house, seal, document_type=document_type)
    found = lines(house)
    assert found[0][0] == "use"
    assert [row[6] for row in found[1:]] == ["'=cmd()", "contract", "'@x", "'-1", "'+1"]
    assert {row[2] for row in found[1:]} == {seal.code}
    assert {row[7] for row in found[1:]} == {"done"}


def test_a_long_export_says_where_it_ends(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise_seals, "EXPORT_ROWS", 3)
    for _ in range(4):
        use(house, seal)
    found = lines(house)
    assert len(found) == 5
    assert found[-1][0].startswith("# 3 lines")


def test_of_which_period_uses_were_taken_out_is_on_record_in_utc(house: House) -> None:
    beijing = timezone(timedelta(hours=8))
    period = period_of(datetime(2026, 11, 1, 8, tzinfo=beijing), datetime(2026, 11, 2, 7, 30, tzinfo=beijing), NOW)
    assert list(export_uses(house.context, caller(), period))
    with house.context.database.read() as conn:
        (entry,) = search_entries(conn, AuditSearch(action="seal.uses-export"), limit=2).entries
    assert entry.facts == {"since": "2026-11-01T00:00:00Z", "until": "2026-11-01T23:30:00Z"}


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (NOW, NOW - timedelta(days=1)),
        (NOW, NOW),
        (NOW - timedelta(days=401), NOW),
        (datetime(2026, 1, 1), NOW),
        (None, datetime(2026, 1, 1)),
        (None, datetime(1, 1, 30, tzinfo=UTC)),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(1, 1, 9, tzinfo=UTC)),
    ],
)
def test_odd_periods_are_refused(since: datetime | None, until: datetime | None) -> None:
    with pytest.raises(TrustError, match="FIELD_UNACCEPTABLE"):
        period_of(since, until, NOW)


def test_without_a_period_the_last_thirty_days_count() -> None:
    assert period_of(None, None, NOW) == Period(NOW - timedelta(days=30), NOW)
