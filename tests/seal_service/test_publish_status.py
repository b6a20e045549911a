"""The published status: what verifiers offline and online are told of a seal, from the very next moment on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from crypto.trust_list import TrustList, read_trust_list, trust_list_from_files, write_trust_list
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.publish_status import STATUS_OF, StatusPublisher, _records, find_status
from seal_service.life import SealState
from seal_service.model import transition_named
from seal_service.seal_data.status_list import (
    MAX_RECORDS,
    SealHistory,
    SealStatus,
    SealStatusList,
    open_status_list,
    write_status_list,
)
from seal_service.verify import verify_file
from service_kit.row_values import write_time
from standards.errors import TrustError
from standards.gbt38540_seal.read import read_seal
from tests.pki import DemoPki
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, caller

if TYPE_CHECKING:
    from seal_service.model import Seal
    from tests.seal_service.house import House

AT = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
PKI = DemoPki.create(AT)


def made(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def change(house: House, seal: Seal, verb: str) -> None:
    change_seal_state(house.context, caller(), seal.id, transition_named(verb), reason="because")


def statuses_in(house: House, list_der: bytes) -> dict[str, SealStatus]:
    content = open_status_list(list_der, house.pki.trust_list(), house.context.clock.now()).content
    assert content is not None
    return {history.seal_id: history.records[-1].status for history in content.seals}


def test_every_state_of_a_seal_has_its_published_status() -> None:
    assert set(STATUS_OF) == set(SealState)
    assert STATUS_OF[SealState.ACTIVE] is SealStatus.VALID
    assert {state for state, status in STATUS_OF.items() if status is SealStatus.VALID} == {SealState.ACTIVE}


def test_a_frozen_seal_is_frozen_in_the_very_next_list_and_answer(house: House) -> None:
    seal = made(house)
    publisher = StatusPublisher(house.context)
    number, _, _ = publisher.current()
    assert find_status(house.context, seal.code).status is SealStatus.VALID
    change(house, seal, "freeze")
    assert find_status(house.context, seal.code).status is SealStatus.FROZEN
    later, _, list_der = publisher.current()
    assert later > number
    opened = open_status_list(list_der, house.pki.trust_list(), house.context.clock.now())
    assert opened.verdict is Verdict.VALID
    assert opened.content is not None
    [history] = opened.content.seals
    assert (history.seal_id, history.records[-1].status) == (seal.code, SealStatus.FROZEN)
    assert "because" not in str(opened.content)


def test_verifiers_with_the_list_see_the_status_of_the_seal(house: House) -> None:
    seal = made(house)
    publisher = StatusPublisher(house.context)
    assert seal.seal_data_der is not None

    def judge() -> tuple[Verdict, set[str]]:
        report = verify_file(seal.seal_data_der or b"", publisher.trust(), house.context.clock.now())
        return report.verdict, {step.code for signature in report.signatures for step in signature.steps}

    verdict, codes = judge()
    assert (verdict, "SEAL_STATUS_OK" in codes) == (Verdict.VALID, True)
    change(house, seal, "freeze")
    verdict, codes = judge()
    assert (verdict, "SEAL_REVOKED" in codes) == (Verdict.INVALID, True)


def test_a_seal_that_the_list_does_not_name_has_an_unknown_status(house: House) -> None:
    _, _, before = StatusPublisher(house.context).current()
    seal = made(house)
    trust = house.context.trust().joined_with(TrustList(status_lists=(before,)))
    report = verify_file(seal.seal_data_der or b"", trust, house.context.clock.now())
    assert report.verdict is Verdict.INDETERMINATE


def test_an_unchanged_list_is_kept_and_an_old_one_made_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made(house)
    publisher = StatusPublisher(house.context)
    first = publisher.current()
    assert publisher.current() == first
    shift = timedelta(hours=2)
    now = house.context.clock.now
    monkeypatch.setattr(type(house.context.clock), "now", lambda _self: now() + shift)
    renewed = publisher.current()
    assert (renewed[0], renewed[2] == first[2]) == (first[0], False)


def test_the_list_is_made_anew_whatever_position_an_act_was_given(house: House) -> None:
    seal, other = made(house), made(house)
    house.sql(f"UPDATE seal_history SET position = position + 1000 WHERE seal_id = '{other.id}'")
    publisher = StatusPublisher(house.context)
    number, _, _ = publisher.current()
    change(house, seal, "freeze")
    house.sql("UPDATE seal_history SET position = 999 WHERE act = 'freeze'")  # as one that began before another and was recorded after it
    later, _, list_der = publisher.current()
    assert (later > number, statuses_in(house, list_der)[seal.code]) == (True, SealStatus.FROZEN)


def test_seals_that_never_were_in_force_are_not_found(house: House) -> None:
    with pytest.raises(TrustError, match="SEAL_NOT_FOUND"):
        find_status(house.context, "15070000009999")


def test_records_are_whole_seconds_in_order_and_only_of_changes() -> None:
    def step(seconds: float, state: SealState) -> tuple[str, str, datetime]:
        return state.value, state.value, AT + timedelta(seconds=seconds)

    steps = [
        step(0, SealState.MADE),
        step(1, SealState.FILED),
        step(2.7, SealState.ACTIVE),
        step(5.1, SealState.FROZEN),
        step(5.9, SealState.ACTIVE),
        step(9, SealState.CHANGED),
        step(10, SealState.MADE),
        step(12, SealState.ACTIVE),
        step(20, SealState.CANCELLED),
        step(30, SealState.DESTROYED),
    ]
    found = [(record.status, (record.since - AT).total_seconds()) for record in _records(steps, AT + timedelta(minutes=1))]
    assert found == [
        (SealStatus.VALID, 2),
        (SealStatus.FROZEN, 9),
        (SealStatus.VALID, 12),
        (SealStatus.CANCELLED, 20),
    ]
    assert _records([step(0, SealState.MADE)], AT) == ()


@pytest.mark.parametrize(
    ("steps", "published"),
    [
        # a host whose clock is behind cancels what another froze
        ([(0, "active"), (102, "frozen"), (99, "cancelled")], [(0, 0), (102, 2), (103, 3)]),
        # one that is behind sets free again: that it was frozen stays to be seen
        ([(0, "active"), (102, "frozen"), (99, "active"), (103.5, "frozen")], [(0, 0), (102, 2)]),
        ([(0, "active"), (102, "frozen"), (99, "active"), (110, "frozen")], [(0, 0), (102, 2), (103, 0), (110, 2)]),
        (
            [(0, "active"), (102, "frozen"), (101, "active"), (100, "frozen"), (99, "cancelled")],
            [(0, 0), (102, 2), (103, 0), (104, 2), (105, 3)],
        ),
        # a clock that was an hour ahead holds up no list
        ([(0, "active"), (4000, "frozen")], [(0, 0), (300, 2)]),
        ([(0, "active"), (4000, "frozen"), (4001, "active"), (300, "cancelled")], [(0, 0), (300, 2), (301, 0), (302, 3)]),
        ([(4000, "active")], [(300, 0)]),
    ],
)
def test_where_clocks_were_at_odds_no_status_is_lost(steps: list[tuple[float, str]], published: list[tuple[int, int]]) -> None:
    now = AT + timedelta(seconds=300)
    records = _records([("act", state, AT + timedelta(seconds=at)) for at, state in steps], now)
    assert [((record.since - AT).total_seconds(), int(record.status)) for record in records] == published
    content = SealStatusList(1, max(now, records[-1].since), now + timedelta(days=7), (SealHistory("15070000000001", records),))
    assert (
        open_status_list(write_status_list(content, PKI.maker_signer, PKI.maker, PKI.chain[:-1]), PKI.trust_list(), now).content == content
    )


def test_an_edition_that_was_replaced_by_a_clock_behind_is_cancelled(house: House) -> None:
    seal = made(house)
    before = house.context.clock.now() - timedelta(hours=1)
    house.sql(
        "INSERT INTO seal_history (seal_id, act, from_state, to_state, holder, actor, at, reason, papers, audit_id) "
        f"SELECT seal_id, 'finish', 'changed', 'active', holder, actor, {write_time(before)}, '', papers, audit_id FROM seal_history LIMIT 1"
    )
    house.sql(f"UPDATE seal_editions SET retired_at = {write_time(before)}")
    _, _, list_der = StatusPublisher(house.context).current()
    content = open_status_list(list_der, house.pki.trust_list(), house.context.clock.now()).content
    assert content is not None
    history = content.history_of(read_seal(seal.seal_data_der or b""))
    assert history is not None
    assert history.records[-1].status is SealStatus.CANCELLED


def test_a_seal_changed_more_often_than_a_list_may_carry_keeps_its_newest_records() -> None:
    steps = [
        ("x", (SealState.FROZEN if number % 2 else SealState.ACTIVE).value, AT + timedelta(seconds=number))
        for number in range(MAX_RECORDS + 7)
    ]
    records = _records(steps, AT + timedelta(minutes=10))
    assert len(records) == MAX_RECORDS
    assert records[-1].since == AT + timedelta(seconds=MAX_RECORDS + 6)


def test_trust_lists_carry_status_lists(house: House) -> None:
    made(house)
    trust = StatusPublisher(house.context).trust()
    assert read_trust_list(write_trust_list(trust)).status_lists == trust.status_lists != ()
    assert trust_list_from_files({"a.status": b"one", "b.json": write_trust_list(trust)}).status_lists == (b"one", *trust.status_lists)
