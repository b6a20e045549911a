"""Copies that are not made, or are given up, or are over: what stands in the way, and what is left of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import copy_tables
from licence_vault.actions.finish_copy import abandon_copy, finish_copy, read_copy
from licence_vault.actions.make_copy import CopyOrder, begin_copy, make_copy
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.copies import CopyState
from licence_vault.limits import COPY_LEASE_SECONDS, COPY_SELF_CHECK_SECONDS
from licence_vault.uses import DONE, UseAction
from standards.errors import TrustError
from tests.fakes.sealer import refused, unavailable
from tests.licence_vault.copying_here import OFFICE, REASON, WINDOW, copies, copy, here, licence, outcomes, refusal, shared, take

if TYPE_CHECKING:
    from licence_vault.actions.issuing_means import IssuingMeans, LogProof
    from licence_vault.register import LicenceRecord
    from tests.licence_vault.issuing_here import IssuingHere


__all__ = ["here", "licence", "shared"]  # fixtures, each module's own


def test_a_licence_revoked_while_its_copy_is_made_is_not_given_out(here: IssuingHere, licence: LicenceRecord) -> None:
    here.sealer.before = lambda key: take(here, licence, "revoke")
    assert refusal(here, licence, key="revoked").code == "LICENCE_STATE_CONFLICT"
    [given_up] = copies(here, licence)
    assert (given_up.state, given_up.blob, given_up.refusal) == (CopyState.ABANDONED, None, "LICENCE_STATE_CONFLICT")
    assert outcomes(here, licence) == [(UseAction.REFUSED, "LICENCE_STATE_CONFLICT")]
    assert here.trail(licence.id)[-1] == ("licence.copy", "refused")
    with pytest.raises(TrustError, match="LICENCE_COPY_ABANDONED"):
        finish_copy(here.means, given_up)
    with pytest.raises(TrustError, match="LICENCE_COPY_NOT_FOUND"):
        read_copy(here.means, given_up)


def test_what_is_not_there_now_is_tried_again(here: IssuingHere, licence: LicenceRecord) -> None:
    here.sealer.fail_with = unavailable()
    assert refusal(here, licence).code == "TIME_STAMP_UNAVAILABLE"
    here.vault.clock.at += timedelta(seconds=20)
    assert sweep_copies(here.means) == {"made": 0, "left": 1}
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=20)
    assert sweep_copies(here.means) == {"made": 1, "left": 0}
    assert outcomes(here, licence) == [(UseAction.COPIED, DONE)]


def test_what_is_refused_for_good_is_abandoned_and_its_key_free(here: IssuingHere, licence: LicenceRecord) -> None:
    here.sealer.fail_with = refused()
    assert refusal(here, licence, key="refused").code == "SEAL_NOT_ACTIVE"
    here.sealer.fail_with = None
    made = copy(here, licence, key="refused")
    assert sorted(each.state for each in copies(here, licence)) == [CopyState.ABANDONED, CopyState.MADE]
    assert made.record.state is CopyState.MADE


def test_a_copy_whose_time_passed_before_it_was_made_is_never_made(here: IssuingHere, licence: LicenceRecord) -> None:
    begin_copy(here.means, CopyOrder(licence.id, "pdf", WINDOW, REASON, here.vault.clock.at + timedelta(seconds=60)), OFFICE)
    here.vault.clock.at += timedelta(seconds=COPY_LEASE_SECONDS + 1)
    assert sweep_copies(here.means) == {"made": 0, "left": 1}
    assert [(each.state, each.refusal) for each in copies(here, licence)] == [(CopyState.ABANDONED, "LICENCE_COPY_OVER")]


@pytest.mark.parametrize(
    "spoil", [lambda sealed: sealed[:-1] + b"x", lambda sealed: sealed.replace(b"%PDF-1.", b"%PDF-2.", 1)], ids=["seal", "content"]
)
def test_what_our_own_verifier_does_not_accept_is_not_given_out(here: IssuingHere, licence: LicenceRecord, spoil: Any) -> None:
    here.sealer.spoil = spoil
    assert refusal(here, licence).code == "LICENCE_SELF_CHECK_FAILED"
    assert [each.state for each in copies(here, licence)] == [CopyState.MAKING]
    assert outcomes(here, licence) == []


def test_what_our_own_verifier_never_accepts_is_given_up_at_last(here: IssuingHere, licence: LicenceRecord) -> None:
    here.sealer.spoil = lambda sealed: sealed[:-1] + b"x"
    assert refusal(here, licence).code == "LICENCE_SELF_CHECK_FAILED"
    here.vault.clock.at += timedelta(seconds=COPY_SELF_CHECK_SECONDS)
    sweep_copies(here.means)
    assert [(each.state, each.refusal) for each in copies(here, licence)] == [(CopyState.ABANDONED, "LICENCE_SELF_CHECK_FAILED")]
    assert outcomes(here, licence) == [(UseAction.REFUSED, "LICENCE_SELF_CHECK_FAILED")]


def test_a_copy_whose_note_cannot_be_read_is_given_up_all_the_same(here: IssuingHere, licence: LicenceRecord) -> None:
    record = begin_copy(here.means, CopyOrder(licence.id, "pdf", WINDOW, REASON), OFFICE)
    here.vault.context.database.write(
        lambda conn: conn.execute(copy_tables.copies.update().where(copy_tables.copies.c.id == record.id).values(note_sealed=bytes(60)))
    )
    abandon_copy(here.means, record, "LICENCE_COPY_OVER")
    assert [each.state for each in copies(here, licence)] == [CopyState.ABANDONED]
    assert outcomes(here, licence) == []


def slow_log(here: IssuingHere) -> IssuingMeans:
    """The means of a vault whose log takes two seconds."""

    def wait(entry_id: str) -> LogProof:
        here.vault.clock.at += timedelta(seconds=2)
        return here.means.await_proof(entry_id)

    return replace(here.means, await_proof=wait)


def test_the_end_of_a_copy_is_still_to_come_when_it_is_written_down(here: IssuingHere, licence: LicenceRecord) -> None:
    order = CopyOrder(licence.id, "pdf", WINDOW, REASON, here.vault.clock.at + timedelta(seconds=1))
    with pytest.raises(TrustError) as raised:
        begin_copy(slow_log(here), order, OFFICE)
    assert (raised.value.code, raised.value.facts["field"]) == ("FIELD_UNACCEPTABLE", "until")
    assert copies(here, licence) == []


def test_a_copy_that_is_over_is_not_given_again(here: IssuingHere, licence: LicenceRecord) -> None:
    until = here.vault.clock.at + timedelta(minutes=1)
    made = copy(here, licence, key="brief", until=until)
    assert copy(here, licence, key="brief", until=until) == made
    here.vault.clock.at = until - timedelta(seconds=1)
    with pytest.raises(TrustError, match="LICENCE_COPY_OVER"):
        make_copy(slow_log(here), CopyOrder(licence.id, "pdf", WINDOW, REASON, until), OFFICE, idempotency_key="brief")


def test_a_sealer_that_gives_another_copy_back_is_found_out(here: IssuingHere, licence: LicenceRecord) -> None:
    kept: list[bytes] = []

    def swap(sealed: bytes) -> bytes:
        kept.append(sealed)
        return kept[0]

    here.sealer.spoil = swap
    copy(here, licence)
    assert refusal(here, licence).facts["reason"] == "what is attached under the seal"
