"""Licences that go on in another place: transferred out, taken in by another authority here or from elsewhere, taken back, and erased in the end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.arrival import Arrival
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_licences import find_licence
from licence_vault.actions.receive_licence import receive_licence
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.limits import ISSUING_LEASE_SECONDS, ISSUING_RETRY_SECONDS
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.model import Holder, LicenceState, step_named
from standards.errors import TrustError
from standards.gbt36904_licence_number import SERIAL_CHARACTERS_MIN, compute_legacy_check_character, write_licence_number
from tests.fakes.sealer import refused, unavailable
from tests.licence_vault.issuing_here import ISSUER, OTHER_ISSUER, IssuingHere
from tests.licence_vault.type_files import AUTHORITY, TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.register import LicenceRecord

ELSEWHERE = "11100000000013338W"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("transfers") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    yield shared
    shared.sealer.fail_with = None
    shared.vault.clock.at += timedelta(seconds=ISSUING_LEASE_SECONDS + 1)
    sweep_issues(shared.means)


def take(here: IssuingHere, record: LicenceRecord, name: str) -> LicenceRecord:
    here.take_in()
    return change_licence_state(here.vault.context, here.clerk, record.id, step_named(name), reason="依据", if_revision=None)


def departed(here: IssuingHere) -> LicenceRecord:
    return take(here, here.issue(), "transfer")


def receive(here: IssuingHere, identifier: str, *, key: str | None = None, **changes: Any) -> LicenceRecord:
    here.take_in()
    order = here.order(**{"issuer_code": OTHER_ISSUER, **changes})
    return receive_licence(here.means, here.stranger, order, Arrival(identifier, "迁入"), idempotency_key=key)


def erase(here: IssuingHere, record: LicenceRecord) -> LicenceRecord:
    return erase_licence(here.vault.context, here.clerk, record.id, reason="保存期满", if_revision=None)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(TrustError) as raised:
        act()
    return raised.value.code


def test_a_licence_is_taken_in_by_another_authority(here: IssuingHere) -> None:
    left = departed(here)
    record = receive(here, left.identifier, key="arrival")
    assert (record.state, record.version, record.issuer_code) == (LicenceState.ISSUED, 1, OTHER_ISSUER)
    assert (record.predecessor_id, record.transferred_from) == (left.id, left.identifier)
    assert record.root_id == record.id
    assert receive(here, left.identifier, key="arrival").id == record.id
    history = here.history(record.id, here.stranger)
    assert [(each.event.value, each.operation, each.reason) for each in history] == [("made", "", "迁入"), ("transferred_in", "08", "迁入")]

    # in the public log the first leaf of the new one follows the last of the old one
    here.take_in()
    made = here.index(history[0].entry_id)
    assert made is not None
    leaf = read_leaf(here.vault.log.receipt_at(made).entry)
    assert isinstance(leaf, LicenceLeaf)
    assert leaf.previous == here.index(left.last_entry_id)

    # the one that left is over, is taken in once, and says nothing any more when its keeper wants that
    assert code_of(lambda: take(here, left, "take-back")) == "LICENCE_SUCCEEDED"
    assert code_of(lambda: receive(here, left.identifier)) == "LICENCE_TRANSFER_UNFIT"
    assert erase(here, left).data_sealed is None


def test_a_licence_of_elsewhere_is_taken_in_once(here: IssuingHere) -> None:
    identifier = write_licence_number(TYPE, ELSEWHERE, "B" * SERIAL_CHARACTERS_MIN, 1)
    record = receive(here, identifier)
    assert (record.state, record.predecessor_id, record.transferred_from) == (LicenceState.ISSUED, None, identifier)
    assert code_of(lambda: receive(here, identifier)) == "LICENCE_TRANSFER_UNFIT"
    body = TYPE + ELSEWHERE + "B" * SERIAL_CHARACTERS_MIN + "001"
    legacy = compute_legacy_check_character(body)
    assert code_of(lambda: receive(here, identifier[:-1] + legacy)) == "LICENCE_TRANSFER_UNFIT", "the same licence in another spelling"
    wrong = next(each for each in "012" if each not in {legacy, identifier[-1]})
    assert code_of(lambda: receive(here, identifier[:-1] + wrong)) == "LICENCE_NUMBER_CHECK"


def test_what_does_not_fit_is_not_taken_in_and_told_nothing(here: IssuingHere) -> None:
    left, in_force = departed(here), here.issue()
    attempts: list[Callable[[], object]] = [
        lambda: receive(here, in_force.identifier),
        lambda: receive(here, left.identifier, holders=(Holder("李四（示例）", "52150700MJ0000001A", "099"),)),
        lambda: receive(here, left.identifier, type_code=f"{AUTHORITY}991", number="示字第9号"),
        lambda: receive(here, write_licence_number(TYPE, ISSUER, "C" * SERIAL_CHARACTERS_MIN, 1)),
        lambda: receive_licence(here.means, here.clerk, here.order(), Arrival(left.identifier)),
    ]
    assert {code_of(attempt) for attempt in attempts} == {"LICENCE_TRANSFER_UNFIT"}
    assert take(here, left, "take-back").state is LicenceState.ISSUED


def test_what_is_given_up_leaves_the_licence_to_be_taken_in_again(here: IssuingHere) -> None:
    left = departed(here)
    here.sealer.fail_with = refused()
    assert code_of(lambda: receive(here, left.identifier)) == "SEAL_NOT_ACTIVE"
    here.sealer.fail_with = None
    assert receive(here, left.identifier).state is LicenceState.ISSUED


def test_what_is_only_transferred_out_is_not_erased(here: IssuingHere) -> None:
    left = departed(here)
    assert code_of(lambda: erase(here, left)) == "LICENCE_STATE_CONFLICT"
    here.sealer.fail_with = unavailable()
    assert code_of(lambda: receive(here, left.identifier)) == "TIME_STAMP_UNAVAILABLE"
    assert code_of(lambda: erase(here, left)) == "LICENCE_STATE_CONFLICT", "its place is not taken before the new one is released"
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=ISSUING_RETRY_SECONDS)
    sweep_issues(here.means)
    assert erase(here, left).data_sealed is None

    # taken in where nobody tells us: it is cancelled first, and then it cannot be taken back
    other = departed(here)
    assert take(here, other, "cancel").state is LicenceState.CANCELLED
    assert code_of(lambda: take(here, other, "take-back")) == "LICENCE_STATE_CONFLICT"
    assert erase(here, other).data_sealed is None
    assert find_licence(here.vault.context, here.means.contents, here.clerk, other.id).data is None
