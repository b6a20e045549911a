"""Sealing a digest: a CMS that verifies, once per key, nothing behind a freeze, nothing off the record."""

from __future__ import annotations

import asyncio
import base64
import threading
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.certificates import Certificate
from crypto.cms import verify_signed_data
from crypto.sm3 import sm3
from crypto.trust_list import Purpose
from seal_service import store
from seal_service.actions import record_use
from seal_service.actions import sign_digest as sign_digest_module
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.find_seals import find_use, load_result
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import JUDGED_FOR, SealedDigest, read_digest, sign_digest
from seal_service.model import Seal, UseKind, UseState, new_use_id, transition_named
from standards.errors import Kind, TrustError
from tests.audit_trail import blocked
from tests.clocks import FixedClock
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller, open_house

if TYPE_CHECKING:
    from sqlalchemy import Connection

CONTENT = "待盖章的内容".encode()
USER = User("cl_a", "client:cl_a")


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def sign(house: House, seal: Seal, **options: Any) -> SealedDigest:
    return asyncio.run(sign_digest(house.context, USER, seal.id, sm3(CONTENT), **options))


@pytest.mark.parametrize("is_timestamped", [False, True])
def test_the_cms_verifies_over_the_content(house: House, seal: Seal, is_timestamped: bool) -> None:
    sealed = sign(house, seal, is_timestamped=is_timestamped)
    result = verify_signed_data(
        sealed.value_der,
        content_digest=lambda _oid: sm3(CONTENT),
        trust=house.context.trust(),
        at=datetime.now(UTC),
        purpose=Purpose.DOCUMENT,
    )
    assert result.cryptographically_valid
    assert result.document_intact
    assert result.trusted
    assert (result.timestamp_at is not None) is is_timestamped
    use = find_use(house.context, caller(), sealed.use_id)
    assert (use.state, use.result_digest, use.digest, use.is_timestamped) == (
        UseState.DONE,
        sm3(sealed.value_der).hex(),
        sm3(CONTENT),
        is_timestamped,
    )
    assert load_result(house.context, caller(), sealed.use_id)[1] == sealed.value_der
    made = [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"]
    assert made == ["intended", "done"]


def test_a_wrong_content_does_not_verify(house: House, seal: Seal) -> None:
    result = verify_signed_data(
        sign(house, seal).value_der,
        content_digest=lambda _oid: sm3(b"other"),
        trust=house.context.trust(),
        at=datetime.now(UTC),
        purpose=Purpose.DOCUMENT,
    )
    assert result.document_intact is False


def test_digests_are_read_from_hex_and_base64_only_when_they_are_32_bytes() -> None:
    digest = sm3(CONTENT)
    assert read_digest(digest.hex()) == read_digest(digest.hex().upper()) == read_digest(base64.b64encode(digest).decode()) == digest
    for text in ("", "zz", digest.hex()[:-2], base64.b64encode(digest[:31]).decode(), "é" * 44, digest.hex() + "00", "*" * 44):
        with pytest.raises(TrustError) as refused:
            read_digest(text)
        assert refused.value.code == "DIGEST_UNACCEPTABLE"


def test_the_same_key_gives_the_same_signature(house: House, seal: Seal) -> None:
    first = sign(house, seal, idempotency_key="k1")
    again = sign(house, seal, idempotency_key="k1")
    assert again.is_repeated
    assert not first.is_repeated
    assert (again.value_der, again.use_id, again.audit_id, again.signed_at) == (
        first.value_der,
        first.use_id,
        first.audit_id,
        first.signed_at,
    )
    with pytest.raises(TrustError) as refused:
        sign(house, seal, idempotency_key="k1", is_timestamped=True)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


def test_the_answer_stays_after_a_freeze_but_nothing_new_comes(house: House, seal: Seal) -> None:
    first = sign(house, seal, idempotency_key="k1")
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x")
    assert sign(house, seal, idempotency_key="k1").value_der == first.value_der
    with pytest.raises(TrustError) as refused:
        sign(house, seal, idempotency_key="k2")
    assert refused.value.code == "SEAL_NOT_ACTIVE"


def test_sixteen_at_once_with_one_key_sign_once(house: House, seal: Seal) -> None:
    async def all_at_once() -> list[object]:
        attempts = [sign_digest(house.context, USER, seal.id, sm3(CONTENT), idempotency_key="k1") for _ in range(16)]
        return await asyncio.gather(*attempts, return_exceptions=True)

    answers = asyncio.run(all_at_once())
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]
    refusals = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(error, TrustError) and error.code == "IDEMPOTENCY_IN_FLIGHT" for error in refusals)
    assert len({answer.value_der for answer in answers if isinstance(answer, SealedDigest)}) == 1


def test_a_freeze_between_intent_and_result_releases_nothing(house: House, seal: Seal) -> None:
    stamp = house.context.time_stamp
    assert stamp is not None

    def stamp_late(signature: bytes) -> bytes:
        change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x")
        return stamp(signature)

    object.__setattr__(house.context, "time_stamp", stamp_late)
    with pytest.raises(TrustError) as refused:
        sign(house, seal, is_timestamped=True, idempotency_key="k1")
    assert refused.value.code == "SEAL_NOT_ACTIVE"
    assert house.rows("SELECT state, void_reason, result_inline FROM seal_uses") == [("voided", "seal-not-active", None)]
    outcomes = [(action, outcome) for action, outcome, _ in house.entries(f"seal:{seal.id}")][2:]
    assert outcomes == [("seal.use", "intended"), ("seal.freeze", "done"), ("seal.use", "voided")]
    assert house.rows("SELECT count(*) FROM kit_idempotency WHERE status IS NULL") == [(0,)]


def test_a_failing_time_stamp_voids_the_use_and_frees_the_key(house: House, seal: Seal) -> None:
    def fail(_: bytes) -> bytes:
        raise TrustError(Kind.UNAVAILABLE, "TIME_STAMP_UNAVAILABLE")

    stamp = house.context.time_stamp
    object.__setattr__(house.context, "time_stamp", fail)
    with pytest.raises(TrustError) as refused:
        sign(house, seal, is_timestamped=True, idempotency_key="k1")
    assert refused.value.code == "TIME_STAMP_UNAVAILABLE"
    object.__setattr__(house.context, "time_stamp", stamp)
    assert sign(house, seal, is_timestamped=True, idempotency_key="k1").value_der
    assert sorted(house.rows("SELECT state FROM seal_uses")) == [("done",), ("voided",)]


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_time_out_while_the_intent_is_being_recorded_leaves_none_open(house: House, seal: Seal, is_refused: bool) -> None:
    """One use was granted, and one can be made afterwards, with the same key."""
    grant_seal_within(house.context, caller(), seal.id, GrantOrder("cl_b", uses_max=1), if_version=None)
    user, may_go = User("cl_b", "client:cl_b"), threading.Event()

    async def cut_off() -> None:
        held_up = house.context.database.submit(lambda _: may_go.wait(30))
        signing = asyncio.create_task(sign_digest(house.context, user, seal.id, sm3(CONTENT), idempotency_key="k"))
        await asyncio.sleep(0)  # it waits for tx 1 now
        signing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await signing
        may_go.set()
        assert held_up.result(30)
        await house.context.database.awrite(lambda _: None)  # behind tx 1
        await asyncio.sleep(0)

    with blocked() if is_refused else nullcontext():
        asyncio.run(cut_off())  # its end waits for what still runs in threads
    assert house.rows("SELECT state FROM seal_uses") == ([] if is_refused else [("voided",)])
    assert asyncio.run(sign_digest(house.context, user, seal.id, sm3(CONTENT), idempotency_key="k")).is_repeated is False
    assert house.rows("SELECT used FROM seal_grants WHERE holder = 'cl_b'") == [(1,)]


def test_a_seal_of_a_transaction_that_was_rolled_back_is_not_remembered(house: House, seal: Seal) -> None:
    """Two jobs of one commit, the end of a making and a use: the commit fails, and the version comes to be with another key."""
    context, use_id = house.context, new_use_id(house.context.clock.now())
    assert sign(house, seal).use_id  # the version before is remembered

    def fail(conn: Connection) -> None:
        store.update_edition(conn, replace(seal, key_id="key-that-never-was", edition=2))
        store.update_state(conn, seal, state=seal.state, reason=None, at=context.clock.now())
        found = record_use.record_intent(
            context,
            conn,
            USER,
            seal_id=seal.id,
            use_id=use_id,
            kind=UseKind.DIGEST,
            digest=sm3(CONTENT),
            input_digest=None,
            is_timestamped=False,
            repeatable=None,
        ).seal
        assert found.key_id == "key-that-never-was"
        raise OSError("disk full at the commit")

    with pytest.raises(OSError, match="disk full"):
        context.database.write(fail)
    context.database.write(lambda conn: store.update_state(conn, seal, state=seal.state, reason=None, at=context.clock.now()))
    for _ in range(2):
        assert sign(house, seal).value_der
    assert record_use._known[seal.id, seal.version + 1].key_id == seal.key_id


def test_without_an_authority_no_time_stamp_is_promised(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_house(tmp_path_factory.mktemp("house"), time_stamp=None) as house:
        seal = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
        with pytest.raises(TrustError) as refused:
            sign(house, seal, is_timestamped=True)
        assert refused.value.code == "TIME_STAMP_NOT_CONFIGURED"
        assert sign(house, seal).value_der


def test_with_the_audit_trail_blocked_nothing_is_signed(house: House, seal: Seal) -> None:
    with blocked(), pytest.raises(TrustError) as refused:
        sign(house, seal)
    assert (refused.value.kind, refused.value.code) == (Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    assert house.rows("SELECT count(*) FROM seal_uses") == [(0,)]


def test_a_signature_that_does_not_verify_is_not_released(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a faulted computation would give it: such a value could betray the key."""
    signer = house.context.keystore.signer(seal.key_id)
    other = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    faulty = SimpleNamespace(
        algorithm=signer.algorithm, public_spki_der=signer.public_spki_der, sign=house.context.keystore.signer(other.key_id).sign
    )
    monkeypatch.setattr(house.context.keystore, "signer", lambda _key_id: faulty)
    with pytest.raises(TrustError) as refused:
        sign(house, seal)
    assert refused.value.code == "SEAL_SELF_CHECK_FAILED"
    assert house.rows("SELECT state, void_reason FROM seal_uses") == [("voided", "failed")]


@pytest.mark.parametrize("is_timestamped", [False, True])
def test_with_a_certificate_that_was_revoked_past_the_seal_nothing_is_released(house: House, seal: Seal, is_timestamped: bool) -> None:
    """The seal is still active: somebody revoked at the authority. A document would not be sealed either."""
    assert sign(house, seal, is_timestamped=is_timestamped).value_der
    assert seal.certificate_der is not None
    house.issuer.revoke(Certificate.from_der(seal.certificate_der).serial, reason="keyCompromise", actor="operator:test")
    newer = house.pki.trust_list()
    object.__setattr__(house.context, "trust", lambda: newer)
    object.__setattr__(house.context, "clock", FixedClock(datetime.now(UTC) + JUDGED_FOR))
    for _ in range(2):
        with pytest.raises(TrustError) as refused:
            sign(house, seal, is_timestamped=is_timestamped)
        assert refused.value.code == "SEAL_SELF_CHECK_FAILED"
        assert "CERT_REVOKED" in str(refused.value.facts["steps"])
    assert sorted(house.rows("SELECT state FROM seal_uses")) == [("done",), ("voided",), ("voided",)]


def test_a_seal_whose_time_is_over_is_not_used(house: House, seal: Seal) -> None:
    assert seal.valid_until is not None
    object.__setattr__(house.context, "clock", FixedClock(seal.valid_until + timedelta(seconds=1)))
    with pytest.raises(TrustError) as refused:
        sign(house, seal)
    assert (refused.value.code, refused.value.facts["state"]) == ("SEAL_NOT_ACTIVE", "expired")
    assert house.rows("SELECT count(*) FROM seal_uses") == [(0,)]


def test_with_an_expired_certificate_nothing_is_released(house: House, seal: Seal) -> None:
    assert seal.certificate_der is not None
    house.sql("UPDATE seal_seals SET valid_until = NULL")  # as seals stand that were made before this was recorded
    object.__setattr__(house.context, "clock", FixedClock(Certificate.from_der(seal.certificate_der).not_after + timedelta(seconds=1)))
    with pytest.raises(TrustError) as refused:
        sign(house, seal)
    assert refused.value.code == "SEAL_SELF_CHECK_FAILED"
    assert "CERT_NOT_VALID_AT_TIME" in str(refused.value.facts["steps"])


def test_the_certificates_whose_judgement_is_remembered_are_bounded(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_digest_module, "KNOWN_CERTIFICATES", 1)
    other = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    for each in (seal, other, seal):
        assert sign(house, each).value_der
    assert len(sign_digest_module._found_good) == 1


@pytest.mark.parametrize("verb", ["INSERT", "UPDATE"])
@pytest.mark.parametrize("table", ["seal_uses", "kit_audit", "kit_idempotency"])
def test_whichever_statement_fails_nothing_signed_is_off_the_record(house: House, seal: Seal, table: str, verb: str) -> None:
    before = house.rows("SELECT count(*) FROM kit_audit")
    house.sql(f"CREATE TRIGGER planted BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'planted'); END")
    try:
        sealed = sign(house, seal, idempotency_key="k1")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        assert "planted" in str(error) or isinstance(error, TrustError)
        assert house.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(0,)]
        if verb == "INSERT":
            assert house.rows("SELECT count(*) FROM kit_audit") == before
    else:
        assert (table, verb) == ("kit_audit", "UPDATE")  # which signing never does
        assert sealed.value_der
    house.sql("DROP TRIGGER planted")


def test_the_signed_digest_is_what_was_intended(house: House, seal: Seal) -> None:
    sealed = sign(house, seal)
    intended = [facts for action, outcome, facts in house.entries() if (action, outcome) == ("seal.use", "intended")]
    assert intended[0]["digest"] == sm3(CONTENT).hex()
    done = [facts for action, outcome, facts in house.entries() if (action, outcome) == ("seal.use", "done")]
    assert done[0]["result"] == sm3(sealed.value_der).hex()


def test_nobody_else_reads_the_use(house: House, seal: Seal) -> None:
    sealed = sign(house, seal)
    for read in (find_use, load_result):
        with pytest.raises(TrustError) as refused:
            read(house.context, caller("cl_b"), sealed.use_id)
        assert refused.value.code == "SEAL_USE_NOT_FOUND"
    with pytest.raises(TrustError):
        find_use(house.context, caller(), "su_none")
