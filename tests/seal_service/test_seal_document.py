"""Sealing documents: the right verdict outside, the right record inside, and nothing released that is not both."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from crypto.report import Report, Verdict
from seal_service.actions import draft_document as draft_document_module
from seal_service.actions import record_use
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.find_seals import find_use, load_result
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import SealedDocument, seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.actions.verify_document import verify_document
from seal_service.model import Seal, transition_named
from seal_service.ports import PresentPerson
from seal_service.verify import Examined, examine_file
from service_kit import fail_points
from standards.errors import Kind, TrustError
from tests.audit_trail import blocked
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller, open_house
from tests.watched_steps import watch_steps
from yinxin.demo.document import SEAL_KEYWORD, draw_document
from yinxin.demo.forgery import forge_amount

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.trust_list import TrustList

USER = User("cl_a", "client:cl_a")
DOCUMENT = draw_document()
ORDER = SealOrder(DOCUMENT, page=1, x_mm=150, y_mm=60)


class Killed(BaseException):
    """Ends a job as a killed process does: no handler of ours runs."""


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def do(house: House, seal: Seal, **changes: Any) -> SealedDocument:
    return seal_document(house.context, USER, seal.id, replace(ORDER, **changes))


def report(house: House, content: bytes) -> Report:
    return verify_document(house.context, content, at=datetime.now(UTC))


def test_of_no_holder_is_asked_where_nobody_verifies_licences(house: House) -> None:
    with pytest.raises(TrustError) as refused:
        verify_document(house.context, b"%PDF-1.7", holder=PresentPerson("x", "y"))
    assert (refused.value.code, refused.value.facts["field"]) == ("FIELD_UNACCEPTABLE", "holder_name")


@pytest.mark.parametrize("is_timestamped", [False, True])
@pytest.mark.parametrize(
    "place",
    [
        {},
        {"page": -1, "width_mm": 30.0},
        {"page": None, "x_mm": None, "y_mm": None},
        {"page": None, "x_mm": None, "y_mm": None, "keyword": SEAL_KEYWORD},
    ],
)
def test_the_sealed_document_is_valid_and_begins_with_the_document(
    house: House, seal: Seal, place: dict[str, Any], is_timestamped: bool
) -> None:
    sealed = do(house, seal, is_timestamped=is_timestamped, reason="办结", location="海拉尔", **place)
    assert sealed.content.startswith(DOCUMENT)
    found = report(house, sealed.content)
    assert (found.verdict, found.tampered) == (Verdict.VALID, False)
    assert found.signatures[0].signer is not None
    assert load_result(house.context, caller(), sealed.use_id)[1] == sealed.content
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "done"]


@pytest.mark.parametrize("is_timestamped", [True, False])
def test_little_room_is_left_behind_a_value(house: House, seal: Seal, is_timestamped: bool) -> None:
    """What stays free behind it is hashed by nobody, but sealed, stored, sent and read wherever the document goes."""
    content = do(house, seal, is_timestamped=is_timestamped).content
    value = content[content.rindex(b"/Contents") :].split(b">")[0]
    assert len(value) - len(value.rstrip(b"0")) < 2 * 768


def test_a_sealed_document_can_be_sealed_again(house: House, seal: Seal) -> None:
    twice = do(house, seal, document=do(house, seal).content, x_mm=60)
    found = report(house, twice.content)
    assert [signature.verdict for signature in found.signatures] == [Verdict.VALID, Verdict.VALID]


def test_a_tampered_document_gets_no_further_seal(house: House, seal: Seal) -> None:
    with pytest.raises(TrustError) as refused:
        do(house, seal, document=forge_amount(do(house, seal).content))
    assert (refused.value.kind, refused.value.code) == (Kind.UNACCEPTABLE, "DOCUMENT_TAMPERED")
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]


def test_a_tampered_document_gets_none_either_where_its_signature_is_written_in_disguise(house: House, seal: Seal) -> None:
    """Names may be written with #: the bytes do not show then that the document was signed."""
    sealed = do(house, seal).content
    start = sealed.rindex(b"/ByteRange")
    room = sealed[start : sealed.index(b"/Contents", start)]
    escaped = sealed.replace(room, room.replace(b"/ByteRange", b"/Byte#52ange").removesuffix(b"  "))
    with pytest.raises(TrustError, match="DOCUMENT_TAMPERED"):
        do(house, seal, document=escaped, x_mm=60)
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]


def test_a_seal_that_broke_an_earlier_one_is_not_released(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should our own writing ever damage an earlier signature, the check before the release finds it."""
    sealed = do(house, seal).content

    def examine_harshly(data: bytes, trust: TrustList, at: datetime) -> Examined:
        found = examine_file(data, trust, at)
        first, *others = found.report.signatures
        return replace(found, report=replace(found.report, signatures=(replace(first, verdict=Verdict.INVALID), *others)))

    monkeypatch.setattr(draft_document_module, "examine_file", examine_harshly)
    with pytest.raises(TrustError) as refused:
        do(house, seal, document=sealed, x_mm=60)
    assert refused.value.facts["steps"] == "EARLIER_SIGNATURE_BROKEN"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"document": b"no pdf at all"}, "PDF_"),
        ({"reason": "approved\r\nby nobody"}, "FIELD_UNACCEPTABLE"),
        ({"location": "\u202egnijieB"}, "FIELD_UNACCEPTABLE"),
        ({"page": 2}, "PAGE_NOT_FOUND"),
        ({"x_mm": 1.0}, "PLACEMENT_OFF_PAGE"),
        ({"x_mm": None}, "PLACEMENT_UNCLEAR"),
        ({"keyword": SEAL_KEYWORD}, "PLACEMENT_UNCLEAR"),
        ({"keyword": "nowhere", "x_mm": None, "y_mm": None}, "KEYWORD_NOT_FOUND"),
    ],
)
def test_what_cannot_be_sealed_is_refused_before_anything_is_recorded(house: House, seal: Seal, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        do(house, seal, **changes)
    assert refused.value.code.startswith(code)
    assert house.rows("SELECT count(*) FROM seal_uses") == [(0,)]


def test_without_an_authority_the_seal_has_no_time_stamp(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_house(tmp_path_factory.mktemp("house"), time_stamp=None) as house:
        seal = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
        assert report(house, do(house, seal).content).verdict is Verdict.VALID
        with pytest.raises(TrustError) as refused:
            do(house, seal, is_timestamped=True)
        assert refused.value.code == "TIME_STAMP_NOT_CONFIGURED"


def test_a_stranger_learns_nothing_and_an_operator_needs_no_grant(house: House, seal: Seal) -> None:
    stranger = User("cl_b", "client:cl_b")
    for seal_id in (seal.id, "sl_none"):
        with pytest.raises(TrustError) as refused:
            seal_document(house.context, stranger, seal_id, ORDER)
        assert refused.value.code == "SEAL_NOT_FOUND"
    operator = User("root", "operator:root", is_operator=True)
    assert seal_document(house.context, operator, seal.id, ORDER).content
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x")
    with pytest.raises(TrustError) as refused:
        seal_document(house.context, operator, seal.id, ORDER)
    assert refused.value.code == "SEAL_NOT_ACTIVE"


def test_the_same_key_gives_the_same_document_also_after_a_freeze(house: House, seal: Seal) -> None:
    first = do(house, seal, idempotency_key="k1")
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x")
    again = do(house, seal, idempotency_key="k1")
    assert (again.content, again.use_id, again.audit_id, again.is_repeated) == (first.content, first.use_id, first.audit_id, True)
    for changes in ({"x_mm": 100}, {"reason": "other"}, {"document": draw_document("9.99")}):
        with pytest.raises(TrustError) as refused:
            do(house, seal, idempotency_key="k1", **changes)
        assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    with pytest.raises(TrustError) as refused:
        do(house, seal, idempotency_key="k2")
    assert refused.value.code == "SEAL_NOT_ACTIVE"


def test_the_same_key_gives_the_same_document_also_without_the_seals_key(house: House, seal: Seal) -> None:
    first = do(house, seal, idempotency_key="k1")
    for step in ("cancel", "destroy"):
        change_seal_state(house.context, caller(), seal.id, transition_named(step), reason="dissolved")
    assert seal.key_id not in {key.key_id for key in house.context.keystore.list()}
    again = do(house, seal, idempotency_key="k1")
    assert (again.content, again.use_id, again.audit_id, again.is_repeated) == (first.content, first.use_id, first.audit_id, True)
    for changes, code in (
        ({"idempotency_key": "k1", "reason": "x"}, "IDEMPOTENCY_KEY_REUSED"),
        ({"idempotency_key": "k2"}, "SEAL_NOT_ACTIVE"),
    ):
        with pytest.raises(TrustError) as refused:
            do(house, seal, **changes)
        assert refused.value.code == code


def test_sixteen_at_once_with_one_key_seal_once(house: House, seal: Seal) -> None:
    def attempt(_: int) -> bytes | str:
        try:
            return do(house, seal, idempotency_key="k1").content
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(attempt, range(16)))
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]
    assert len(answers - {"IDEMPOTENCY_IN_FLIGHT"}) == 1


def test_no_use_is_on_record_behind_a_freeze(house: House, seal: Seal) -> None:
    """Many seal while one freezes: what was released stands before the freeze in the trail, and is dated before it."""

    def attempt(_: int) -> bool:
        try:
            do(house, seal)
        except TrustError as error:
            assert error.code == "SEAL_NOT_ACTIVE"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(attempt, number) for number in range(24)]
        while house.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(0,)]:
            pass
        change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="x")
        released = sum(future.result() for future in running)
    trail = [(action, outcome) for action, outcome, _ in house.entries(f"seal:{seal.id}")]
    frozen = trail.index(("seal.freeze", "done"))
    assert trail[:frozen].count(("seal.use", "done")) == released
    assert ("seal.use", "done") not in trail[frozen:]
    assert ("seal.use", "intended") not in trail[frozen:]
    assert house.rows("SELECT count(*) FROM seal_uses u, seal_seals s WHERE u.state = 'done' AND u.finished_at > s.state_at") == [(0,)]


STEPS = ["prepared", "intended", "signed", "time-stamped", "checked", "stored", "recorded"]


@pytest.mark.parametrize("step", STEPS)
def test_a_death_at_any_step_leaves_a_record_and_the_key_gives_one_result(
    house: House, seal: Seal, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(reached: str) -> None:
        if reached == f"seal-document.{step}":
            raise Killed

    monkeypatch.setattr(fail_points, "reach", die)
    monkeypatch.setattr(record_use, "give_up", lambda *_: None)  # a dead process gives nothing up
    with pytest.raises(Killed):
        do(house, seal, idempotency_key="k1")
    monkeypatch.undo()

    uses = house.rows("SELECT state FROM seal_uses")
    assert uses == {"prepared": [], "recorded": [("done",)]}.get(step, [("intent",)])
    house.sql("UPDATE seal_uses SET owner = 'another' WHERE state = 'intent'")
    house.sql("UPDATE seal_uses SET intent_at = 0 WHERE state = 'intent'")
    assert sweep_intents(house.context)["voided"] == len([use for use in uses if use == ("intent",)])

    sealed = do(house, seal, idempotency_key="k1")
    assert sealed.is_repeated is (step == "recorded")
    assert report(house, sealed.content).verdict is Verdict.VALID
    assert house.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(1,)]
    trail = [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"]
    assert trail.count("intended") == trail.count("done") + trail.count("voided")
    assert house.rows("SELECT count(*) FROM seal_uses WHERE state = 'intent'") == [(0,)]


def test_a_claim_whose_lease_ran_out_is_taken_over_without_the_sweeper(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_use, "give_up", lambda *_: None)
    monkeypatch.setattr(fail_points, "reach", killing_at("seal-document.signed"))
    with pytest.raises(Killed):
        do(house, seal, idempotency_key="k1")
    monkeypatch.undo()
    house.sql("UPDATE kit_idempotency SET in_flight_until = 0")
    assert not do(house, seal, idempotency_key="k1").is_repeated
    assert sorted(house.rows("SELECT state FROM seal_uses")) == [("done",), ("voided",)]


def test_nobody_waits_for_an_attempt_whose_process_died(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_use, "give_up", lambda *_: None)
    monkeypatch.setattr(fail_points, "reach", killing_at("seal-document.signed"))
    with pytest.raises(Killed):
        do(house, seal, idempotency_key="k1")
    monkeypatch.undo()
    with pytest.raises(TrustError) as refused:
        do(house, seal, idempotency_key="k1")
    assert refused.value.code == "IDEMPOTENCY_IN_FLIGHT"
    house.sql(f"UPDATE kit_idempotency SET owner = '{socket.gethostname()[:32]}-1-dead'")
    assert not do(house, seal, idempotency_key="k1").is_repeated
    assert sorted(house.rows("SELECT state FROM seal_uses")) == [("done",), ("voided",)]


def killing_at(step: str) -> Callable[[str], None]:
    def die(reached: str) -> None:
        if reached == step:
            raise Killed

    return die


def test_a_living_process_is_not_swept(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[dict[str, int]] = []
    monkeypatch.setattr(fail_points, "reach", lambda step: swept.append(sweep_intents(house.context)) if step.endswith("signed") else None)
    assert do(house, seal).content
    assert swept == [{"voided": 0, "abandoned": 0, "certificates_revoked": 0}]


def test_what_was_voided_meanwhile_is_not_released(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    def void(step: str) -> None:
        if step == "seal-document.stored":
            house.sql("UPDATE seal_uses SET intent_at = 0")
            assert sweep_intents(house.context)["voided"] == 1

    monkeypatch.setattr(fail_points, "reach", void)
    with pytest.raises(TrustError) as refused:
        do(house, seal)
    assert refused.value.code == "SEAL_USE_VOIDED"
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "voided"]


def test_what_our_own_verifier_does_not_call_valid_is_not_released(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    house.pki.revoked_by_root.clear()
    empty = house.context.trust()
    object.__setattr__(house.context, "trust", lambda: replace(empty, crls=()))
    with pytest.raises(TrustError) as refused:
        do(house, seal)
    assert (refused.value.kind, refused.value.code) == (Kind.UNAVAILABLE, "SEAL_SELF_CHECK_FAILED")
    assert "CERT_REVOCATION_UNKNOWN" in str(refused.value.facts["steps"])
    assert house.rows("SELECT state, void_reason FROM seal_uses") == [("voided", "failed")]


def test_a_full_blob_store_voids_the_use(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: bytes) -> str:
        raise TrustError(Kind.UNAVAILABLE, "BLOB_STORE_UNAVAILABLE")

    monkeypatch.setattr(house.context.blobs, "put", full)
    with pytest.raises(TrustError) as refused:
        do(house, seal, idempotency_key="k1")
    assert refused.value.code == "BLOB_STORE_UNAVAILABLE"
    monkeypatch.undo()
    assert not do(house, seal, idempotency_key="k1").is_repeated


def test_with_the_audit_trail_blocked_sealing_refuses_and_verifying_works(house: House, seal: Seal) -> None:
    sealed = do(house, seal)
    with blocked():
        with pytest.raises(TrustError) as refused:
            do(house, seal)
        assert (refused.value.kind, refused.value.code) == (Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
        assert report(house, sealed.content).verdict is Verdict.VALID
    assert do(house, seal).content


@pytest.mark.parametrize("table", ["seal_uses", "kit_audit", "kit_idempotency"])
@pytest.mark.parametrize("outcome", ["intended", "done"])
def test_a_failing_insert_releases_nothing(house: House, seal: Seal, table: str, outcome: str) -> None:
    when = f"""WHEN instr(NEW.entry, '"outcome":"{outcome}"')""" if table == "kit_audit" else ""
    house.sql(f"CREATE TRIGGER planted BEFORE INSERT ON {table} {when} BEGIN SELECT RAISE(ABORT, 'planted'); END")
    with pytest.raises(Exception) as told:
        do(house, seal, idempotency_key="k1")
    assert "planted" in str(told.value) or isinstance(told.value, TrustError)
    assert house.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(0,)]
    house.sql("DROP TRIGGER planted")
    assert not do(house, seal, idempotency_key="k1").is_repeated


def test_a_use_without_result_has_nothing_to_fetch(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fail_points, "reach", killing_at("seal-document.signed"))
    with pytest.raises(Killed):
        do(house, seal)
    [(use_id,)] = house.rows("SELECT id FROM seal_uses")
    assert find_use(house.context, caller(), use_id).void_reason == "failed"
    with pytest.raises(TrustError) as refused:
        load_result(house.context, caller(), use_id)
    assert refused.value.code == "SEAL_USE_WITHOUT_RESULT"


def test_no_step_of_a_sealing_waits_for_anything(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step holds up everybody who computes; a document that is signed already is verified in one."""
    taken, found = watch_steps(monkeypatch)
    assert report(house, do(house, seal, document=do(house, seal).content, x_mm=60).content).verdict is Verdict.VALID
    assert found == []
    assert taken == {"seal.see", "seal.draft", "seal.finish"}
