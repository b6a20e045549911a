"""Freezing, unfreezing, revoking and granting: allowed steps only, effective at once, on record."""

from __future__ import annotations

import asyncio

import pytest

from crypto.certificates import Certificate
from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.expire_seals import expire_seals
from seal_service.actions.find_seals import find_seal
from seal_service.actions.grant_seal import grant_seal, withdraw_grant
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.publish_status import find_status
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import sign_digest
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.jobs import starts_of
from seal_service.model import SEAL_LIFE, ApplicationKind, Seal, SealState, Transition, transition_named
from seal_service.seal_data.status_list import SealStatus
from service_kit import fail_points
from standards.errors import Kind, TrustError
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller

VERBS = [step for step in SEAL_LIFE if step.verb is not None]


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def use(house: House, seal: Seal, client_id: str = "cl_a") -> str:
    """The code of the refusal, or done."""
    try:
        asyncio.run(sign_digest(house.context, User(client_id, f"client:{client_id}"), seal.id, bytes(32)))
    except TrustError as error:
        return error.code
    return "done"


@pytest.mark.parametrize("state", list(SealState))
@pytest.mark.parametrize("step", VERBS, ids=lambda step: step.name)
def test_the_table_decides_every_step_from_every_state(house: House, seal: Seal, state: SealState, step: Transition) -> None:
    house.sql(f"UPDATE seal_seals SET state = '{state}'")
    try:
        changed = change_seal_state(house.context, caller(), seal.id, step, reason="test")
    except TrustError as error:
        assert state not in step.sources
        assert (error.kind, error.code) == (Kind.CONFLICT, "SEAL_STATE_CONFLICT")
        assert house.rows("SELECT state FROM seal_seals") == [(state,)]
    else:
        assert state in step.sources
        assert (changed.state, changed.version, changed.state_reason) == (step.target, seal.version + 1, "test")
        assert house.entries(f"seal:{seal.id}")[-1][:2] == (f"seal.{step.name}", "done")


@pytest.mark.parametrize("state", list(SealState))
def test_a_seal_can_be_used_in_one_state_only(house: House, seal: Seal, state: SealState) -> None:
    house.sql(f"UPDATE seal_seals SET state = '{state}'")
    assert use(house, seal) == ("done" if state is SealState.ACTIVE else "SEAL_NOT_ACTIVE")


def test_freezing_holds_for_the_next_use_and_unfreezing_lifts_it(house: House, seal: Seal) -> None:
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="reported lost")
    assert use(house, seal) == "SEAL_NOT_ACTIVE"
    change_seal_state(house.context, caller(), seal.id, transition_named("unfreeze"), reason="found")
    assert use(house, seal) == "done"


def test_a_frozen_seal_stays_frozen_when_its_time_is_over(house: House, seal: Seal) -> None:
    """Expired it could be renewed, and the freeze would be gone without anybody having lifted it. Nor does it come into use by being unfrozen."""
    context = house.context
    change_seal_state(context, caller(), seal.id, transition_named("freeze"), reason="reported lost")
    house.sql("UPDATE seal_seals SET valid_until = 1")
    assert expire_seals(context) == 0
    assert find_seal(context, caller(), seal.id)[0].state is SealState.FROZEN
    assert find_status(context, seal.code).status is SealStatus.FROZEN
    renewal = ApplicationOrder(ApplicationKind.RENEW, "due", seal_id=seal.id)
    with pytest.raises(TrustError) as refused:
        apply_for_seal(context, caller("cl_a", "seal.apply"), renewal)
    assert (refused.value.code, refused.value.facts["state"]) == ("SEAL_STATE_CONFLICT", "frozen")
    assert use(house, seal) == "SEAL_NOT_ACTIVE"

    change_seal_state(context, caller(), seal.id, transition_named("unfreeze"), reason="found")
    assert use(house, seal) == "SEAL_NOT_ACTIVE"  # before the sweep as well
    assert expire_seals(context) == 1
    assert find_seal(context, caller(), seal.id)[0].state is SealState.EXPIRED
    assert find_status(context, seal.code).status is SealStatus.EXPIRED
    assert apply_for_seal(context, caller("cl_a", "seal.apply"), renewal).seal_id == seal.id


def test_only_who_manages_a_seal_changes_it(house: House, seal: Seal) -> None:
    for client_id in ("cl_b", "cl_c"):
        with pytest.raises(TrustError) as refused:
            change_seal_state(house.context, caller(client_id), seal.id, transition_named("freeze"), reason="x")
        assert refused.value.code == "SEAL_NOT_FOUND"
        for act in (grant_seal, withdraw_grant):
            with pytest.raises(TrustError) as refused:
                act(house.context, caller(client_id), seal.id, "cl_d")
            assert refused.value.code == "SEAL_NOT_FOUND"
    with pytest.raises(TrustError) as refused:
        change_seal_state(house.context, caller(), "sl_none", transition_named("freeze"), reason="x")
    assert refused.value.code == "SEAL_NOT_FOUND"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 257, "lost\r\nX-Approved: yes", "lost \u202e on purpose", "a\u2028b", "\ud800"])
def test_a_reason_is_needed(house: House, seal: Seal, reason: str) -> None:
    with pytest.raises(TrustError) as refused:
        change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason=reason)
    assert refused.value.code == "FIELD_UNACCEPTABLE"


def test_a_seal_changed_meanwhile_stays_as_it_is(house: House, seal: Seal) -> None:
    with pytest.raises(TrustError) as refused:
        change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x", if_version=seal.version - 1)
    assert refused.value.code == "SEAL_CHANGED"
    changed = change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x", if_version=seal.version)
    assert changed.state is SealState.FROZEN


def test_revoking_revokes_the_certificate(house: House, seal: Seal) -> None:
    change_seal_state(house.context, caller(), seal.id, transition_named("revoke"), reason="organisation dissolved")
    assert house.issuer.revoked == [Certificate.from_der(seal.certificate_der or b"").serial]
    assert sweep_intents(house.context)["certificates_revoked"] == 0


def test_a_certificate_left_unrevoked_is_revoked_by_the_sweeper(house: House, seal: Seal) -> None:
    house.sql("UPDATE seal_seals SET state = 'cancelled'")  # as a process killed between the two steps leaves it
    assert sweep_intents(house.context)["certificates_revoked"] == 1
    assert len(house.issuer.revoked) == 1
    assert sweep_intents(house.context)["certificates_revoked"] == 0


def test_a_revocation_cut_off_before_it_was_noted_is_noted_by_the_sweeper(
    house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(name: str) -> None:
        if name == "revoke-certificate.revoked":
            raise RuntimeError(name)

    with monkeypatch.context() as cutting, pytest.raises(RuntimeError):
        cutting.setattr(fail_points, "reach", cut)
        change_seal_state(house.context, caller(), seal.id, transition_named("cancel"), reason="x")
    assert house.rows("SELECT state, is_certificate_revoked FROM seal_seals") == [("cancelled", 0)]
    assert [sweep_intents(house.context)["certificates_revoked"] for _ in range(2)] == [1, 0]


def test_a_seal_whose_certificate_the_operator_revoked_before_can_be_cancelled(house: House, seal: Seal) -> None:
    house.issuer.revoke(Certificate.from_der(seal.certificate_der or b"").serial, reason="keyCompromise", actor="operator:x")
    change_seal_state(house.context, caller(), seal.id, transition_named("cancel"), reason="x")
    assert house.rows("SELECT state, is_certificate_revoked FROM seal_seals") == [("cancelled", 1)]


def test_one_item_that_cannot_be_ended_keeps_nothing_else_from_its_end(house: House, seal: Seal, caplog: pytest.LogCaptureFixture) -> None:
    other = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, purpose="专用章"))
    house.issuer.unknown = {Certificate.from_der(seal.certificate_der or b"").serial}
    house.sql(f"UPDATE seal_seals SET state = 'cancelled' WHERE id = '{seal.id}'")
    house.sql(f"UPDATE seal_seals SET state = 'destroyed' WHERE id = '{other.id}'")
    assert sweep_intents(house.context)["certificates_revoked"] == 1
    assert house.rows("SELECT id, is_certificate_revoked, is_key_destroyed FROM seal_seals ORDER BY made_at") == [
        (seal.id, 0, 0),
        (other.id, 1, 1),
    ]
    [logged] = [record for record in caplog.records if record.name.startswith("seal_service")]
    assert vars(logged)["facts"] == {"item": seal.id, "error": "CERTIFICATE_UNKNOWN"}


@pytest.mark.parametrize("statement", ["ALTER TABLE seal_uses RENAME TO gone", "UPDATE seal_seals SET state = 'making', made_by = 'x-1-2'"])
def test_a_process_starts_where_the_sweep_cannot_be_done(house: House, seal: Seal, statement: str) -> None:
    house.sql(statement)
    house.sql("CREATE TRIGGER planted BEFORE INSERT ON kit_audit BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    house.sql("UPDATE seal_seals SET made_at = 1")
    [start] = starts_of(house.context)
    start()
    house.context.mark.release()
    assert house.rows("SELECT count(*) FROM seal_seals WHERE state = 'abandoned'") == [(0,)]


def test_a_grant_lets_use_and_taking_it_back_ends_that(house: House, seal: Seal) -> None:
    assert use(house, seal, "cl_b") == "SEAL_NOT_FOUND"
    grant_seal(house.context, caller(), seal.id, "cl_b")
    grant_seal(house.context, caller(), seal.id, "cl_b")
    assert use(house, seal, "cl_b") == "done"
    assert find_seal(house.context, caller(), seal.id)[1] == ["cl_a", "cl_b"]
    withdraw_grant(house.context, caller(), seal.id, "cl_b")
    withdraw_grant(house.context, caller(), seal.id, "cl_b")
    assert use(house, seal, "cl_b") == "SEAL_NOT_FOUND"
    acts = [action for action, _, _ in house.entries(f"seal:{seal.id}")]
    assert acts.count("seal.grant") == acts.count("seal.withdraw") == 1


def test_who_manages_does_not_use_without_a_grant(house: House, seal: Seal) -> None:
    withdraw_grant(house.context, caller(), seal.id, "cl_a")
    assert use(house, seal) == "SEAL_NOT_FOUND"


def test_grants_are_limited(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seal_service.actions.grant_seal.GRANTS_PER_SEAL", 1)
    with pytest.raises(TrustError) as refused:
        grant_seal(house.context, caller(), seal.id, "cl_b")
    assert refused.value.code == "SEAL_GRANTS_EXHAUSTED"
    with pytest.raises(TrustError) as refused:
        grant_seal(house.context, caller(), seal.id, "no spaces please")
    assert refused.value.code == "FIELD_UNACCEPTABLE"
