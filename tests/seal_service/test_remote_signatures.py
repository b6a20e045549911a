"""Two phases: the service says what to sign, the owner's device signs it, and only what the seal's key signed becomes a sealed document."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crypto.certificate_requests import create_request
from crypto.report import Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.finish_remote_signature import finish_remote_signature, give_up_remote_signature
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within, revoke_grant
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.prepare_remote_signature import Awaited, find_awaited, prepare_remote_signature
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import SealedDocument, seal_document
from seal_service.actions.seal_order import SealOrder, read_order, write_order
from seal_service.actions.sign_digest import sign_digest
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.limits import REMOTE_ORDER_SECONDS
from seal_service.model import Seal, transition_named
from seal_service.places import Edge, Place, Seam
from seal_service.ports import RESERVED_FILES, ReservedFiles
from seal_service.verify import verify_file
from service_kit import fail_points
from standards.errors import TrustError
from standards.gbt32918_sm2 import read_signature
from standards.rfc5280_names import write_name
from tests.devices.soft import SoftDevice
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.seal_service.ofd.sealing import plain
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.test_attachments import FILES, archival

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.signer import Signer

USER = User("cl_a", "client:cl_a")
ORDER = SealOrder(reportlab_document(), page=1, x_mm=150, y_mm=60)
SUBJECT = write_name((("CN", "a device of the tests"),))


@pytest.fixture(scope="module")
def owner() -> Signer:
    return software_signer(SM2PrivateKey.generate(), "owner")


@pytest.fixture
def seal(house: House, owner: Signer) -> Seal:
    return made_with(house, owner)


def made_with(house: House, signer: Signer) -> Seal:
    request = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, key_request_der=create_request(signer, SUBJECT))
    return make_seal(house.context, caller(), request)


def prepare(house: House, seal: Seal, order: SealOrder = ORDER, **changes: Any) -> Awaited:
    return prepare_remote_signature(house.context, USER, seal.id, replace(order, **changes))


def hand_in(house: House, seal: Seal, awaited: Awaited, signature: bytes, user: User = USER) -> SealedDocument | Awaited:
    return finish_remote_signature(house.context, user, seal.id, awaited.use_id, number=awaited.round, signature=signature)


def sign(house: House, seal: Seal, awaited: Awaited, signer: Signer) -> SealedDocument:
    """Every round, until the document is there."""
    found: SealedDocument | Awaited = awaited
    while isinstance(found, Awaited):
        found = hand_in(house, seal, found, signer.sign(found.to_be_signed))
    return found


def refused(act: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(TrustError) as raised:
        act(*arguments, **options)
    return raised.value.code


@pytest.mark.parametrize(
    ("changes", "rounds"),
    [
        ({}, 2),
        ({"profile": "pades"}, 1),
        ({"profile": "ses"}, 1),
        ({"is_timestamped": False, "reason": "办结"}, 2),
        ({"level": "B-LT"}, 2),
        ({"page": None, "x_mm": None, "y_mm": None, "document": plain()}, 1),
        ({"page": None, "x_mm": None, "y_mm": None, "document": plain(), "profile": "sign"}, 1),
    ],
)
def test_what_the_owner_signed_is_a_sealed_document(house: House, seal: Seal, owner: Signer, changes: dict[str, Any], rounds: int) -> None:
    awaited = prepare(house, seal, **changes)
    assert find_awaited(house.context, USER, seal.id, awaited.use_id) == awaited, "made again, it is the same"
    signed = 0
    found: SealedDocument | Awaited = awaited
    while isinstance(found, Awaited):
        signed += 1
        assert found.round == signed
        found = hand_in(house, seal, found, owner.sign_digest(found.digest) if signed == 1 else owner.sign(found.to_be_signed))
    assert signed == rounds
    report = verify_file(found.content, house.context.trust(), house.context.clock.now())
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "done"]
    assert sign(house, seal, awaited, owner).is_repeated, "handed in again, the same answer"


@pytest.mark.parametrize("kind", ["sdf", "pkcs11"])
def test_with_a_device_that_keeps_its_key(house: House, kind: str, tmp_path: Path) -> None:
    signer = SoftDevice(kind, tmp_path).open().signer("sdf-key" if kind == "sdf" else "sm2-key")
    seal = made_with(house, signer)
    assert not seal.is_key_here
    sealed = sign(house, seal, prepare(house, seal), signer)
    assert verify_file(sealed.content, house.context.trust(), house.context.clock.now()).verdict is Verdict.VALID


def test_raw_values_of_devices_are_taken_too(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal, profile="pades")
    r, s = read_signature(owner.sign(awaited.to_be_signed))
    assert isinstance(hand_in(house, seal, awaited, r.to_bytes(32, "big") + s.to_bytes(32, "big")), SealedDocument)


def test_a_signature_that_is_not_the_keys_changes_nothing(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal)
    stranger = software_signer(SM2PrivateKey.generate(), "stranger")
    for wrong in (stranger.sign(awaited.to_be_signed), owner.sign(awaited.to_be_signed + b"x"), b"", bytes(64), bytes(70), b"0" * 64):
        assert refused(hand_in, house, seal, awaited, wrong) == "REMOTE_SIGNATURE_BAD"
    wrong_round = replace(awaited, round=2)
    assert refused(hand_in, house, seal, wrong_round, owner.sign(awaited.to_be_signed)) == "REMOTE_ROUND_CONFLICT"
    second = hand_in(house, seal, awaited, owner.sign(awaited.to_be_signed))
    assert isinstance(second, Awaited)
    assert refused(hand_in, house, seal, second, owner.sign(awaited.to_be_signed)) == "REMOTE_SIGNATURE_BAD"
    assert refused(hand_in, house, seal, awaited, owner.sign(awaited.to_be_signed)) == "REMOTE_ROUND_CONFLICT"  # another value for round 1
    assert isinstance(hand_in(house, seal, second, owner.sign(second.to_be_signed)), SealedDocument)


def test_an_order_is_nobody_elses(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal)
    other = User("cl_b", "client:cl_b")
    assert refused(prepare_remote_signature, house.context, other, seal.id, ORDER) == "SEAL_NOT_FOUND"
    for user, seal_id, use_id in ((other, seal.id, awaited.use_id), (USER, "sl_other", awaited.use_id), (USER, seal.id, "su_other")):
        assert refused(find_awaited, house.context, user, seal_id, use_id) == "SEAL_USE_NOT_FOUND"
        assert refused(give_up_remote_signature, house.context, user, seal_id, use_id) == "SEAL_USE_NOT_FOUND"
        signature = owner.sign(awaited.to_be_signed)
        assert refused(finish_remote_signature, house.context, user, seal_id, use_id, number=1, signature=signature) == "SEAL_USE_NOT_FOUND"


def test_its_time_runs_out(house: House, seal: Seal, owner: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    awaited = prepare(house, seal)
    assert sweep_intents(house.context)["voided"] == 0, "it waits for a person, not for a process"
    later = house.context.clock.now() + timedelta(seconds=REMOTE_ORDER_SECONDS)
    monkeypatch.setattr(type(house.context.clock), "now", lambda _self: later)
    assert refused(hand_in, house, seal, awaited, owner.sign(awaited.to_be_signed)) == "REMOTE_ORDER_OVER"
    monkeypatch.setattr(type(house.context.clock), "now", lambda _self: later + timedelta(seconds=1))
    assert sweep_intents(house.context)["voided"] == 1
    assert sweep_intents(house.context)["voided"] == 0
    assert refused(find_awaited, house.context, USER, seal.id, awaited.use_id) == "REMOTE_ORDER_OVER"
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "voided"]


def test_it_is_given_up_once_and_for_all(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal)
    for _ in range(2):
        give_up_remote_signature(house.context, USER, seal.id, awaited.use_id)
    assert refused(hand_in, house, seal, awaited, owner.sign(awaited.to_be_signed)) == "REMOTE_ORDER_OVER"
    done = prepare(house, seal, profile="pades")
    sign(house, seal, done, owner)
    assert refused(give_up_remote_signature, house.context, USER, seal.id, done.use_id) == "SEAL_USE_VOIDED"


def test_nothing_is_released_behind_a_freeze(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal, profile="pades")
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="lost")
    assert refused(hand_in, house, seal, awaited, owner.sign(awaited.to_be_signed)) == "SEAL_NOT_ACTIVE"
    assert refused(prepare, house, seal) == "SEAL_NOT_ACTIVE"
    change_seal_state(house.context, caller(), seal.id, transition_named("unfreeze"), reason="found")
    assert isinstance(hand_in(house, seal, awaited, owner.sign(awaited.to_be_signed)), SealedDocument)


def test_nothing_is_released_to_whom_the_right_was_taken_from(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal, profile="pades")
    house.sql("UPDATE seal_grants SET revoked_at = 1")
    assert refused(find_awaited, house.context, USER, seal.id, awaited.use_id) == "SEAL_NOT_FOUND"
    assert refused(hand_in, house, seal, awaited, owner.sign(awaited.to_be_signed)) == "SEAL_NOT_FOUND"
    give_up_remote_signature(house.context, USER, seal.id, awaited.use_id)


def test_what_was_ordered_with_a_time_stamp_is_not_given_without(house: House, seal: Seal, owner: Signer) -> None:
    """The authority may be taken out of the configuration between the two phases."""
    awaited = prepare(house, seal, profile="pades")
    signature = owner.sign(awaited.to_be_signed)
    without = replace(house.context, time_stamp=None)
    assert (
        refused(finish_remote_signature, without, USER, seal.id, awaited.use_id, number=1, signature=signature)
        == "TIME_STAMP_NOT_CONFIGURED"
    )
    assert isinstance(hand_in(house, seal, awaited, signature), SealedDocument)


@pytest.mark.parametrize(
    ("limits", "via", "minutes", "code"),
    [
        ({"via_client": "cl_portal"}, "cl_portal", 0, None),
        ({"via_client": "cl_portal"}, "cl_other", 0, "GRANT_SYSTEM_NOT_COVERED"),
        ({"valid_until": timedelta(minutes=5)}, "cl_portal", 5, "GRANT_OVER"),
        ({"valid_until": timedelta(minutes=5)}, "cl_portal", 4, None),
    ],
)
def test_the_grant_must_cover_the_use_when_it_is_signed_too(
    house: House,
    seal: Seal,
    owner: Signer,
    limits: dict[str, Any],
    via: str,
    minutes: int,
    code: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = house.context.clock.now()
    limits = {name: now + value if isinstance(value, timedelta) else value for name, value in limits.items()}
    grant_seal_within(house.context, caller(), seal.id, GrantOrder("person:anna", **limits), if_version=None)
    anna = User("cl_portal", "client:cl_portal for anna", holder="person:anna")
    awaited = prepare_remote_signature(house.context, anna, seal.id, replace(ORDER, profile="pades"))
    monkeypatch.setattr(type(house.context.clock), "now", lambda _self: now + timedelta(minutes=minutes))
    elsewhere = replace(anna, client_id=via, actor=f"client:{via} for anna")
    signature = owner.sign(awaited.to_be_signed)
    if code is None:
        assert isinstance(hand_in(house, seal, awaited, signature, elsewhere), SealedDocument)
        return
    assert refused(find_awaited, house.context, elsewhere, seal.id, awaited.use_id) == code
    assert refused(hand_in, house, seal, awaited, signature, elsewhere) == code
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended"]
    give_up_remote_signature(house.context, elsewhere, seal.id, awaited.use_id)


def test_another_grant_does_not_stand_in_for_the_one_that_was_taken_back(house: House, seal: Seal, owner: Signer) -> None:
    first = grant_seal_within(house.context, caller(), seal.id, GrantOrder("person:anna", forms=frozenset({"pdf"})), if_version=None)
    grant_seal_within(house.context, caller(), seal.id, GrantOrder("person:anna", forms=frozenset({"ofd"})), if_version=None)
    anna = User("cl_a", "client:cl_a for anna", holder="person:anna")
    awaited = prepare_remote_signature(house.context, anna, seal.id, replace(ORDER, profile="pades"))
    revoke_grant(house.context, caller(), first.id, reason="left the office")
    assert refused(find_awaited, house.context, anna, seal.id, awaited.use_id) == "REMOTE_ORDER_OVER"
    assert refused(hand_in, house, seal, awaited, owner.sign(awaited.to_be_signed), anna) == "REMOTE_ORDER_OVER"
    assert refused(prepare_remote_signature, house.context, anna, seal.id, ORDER) == "GRANT_FORM_NOT_COVERED"


class Died(BaseException):
    """As a process ends that is killed: nothing cleans up behind it."""


@pytest.mark.parametrize("step", ["prepared", "intended", "first-round", "stored", "recorded"])
def test_killed_at_any_step_it_goes_on_from_what_is_on_record(
    house: House, seal: Seal, owner: Signer, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(reached: str) -> None:
        if reached == f"remote-signature.{step}":
            raise Died

    monkeypatch.setattr(fail_points, "reach", die)
    with pytest.raises(Died):
        sign(house, seal, prepare(house, seal, idempotency_key="k"), owner)
    monkeypatch.undo()
    sealed = sign(house, seal, prepare(house, seal, idempotency_key="k"), owner) if step != "recorded" else None
    if sealed is None:  # the answer was lost, not the document
        [(use_id,)] = house.rows("SELECT id FROM seal_uses")
        again = finish_remote_signature(house.context, USER, seal.id, use_id, number=2, signature=b"")
        assert isinstance(again, SealedDocument)
        sealed = again
    assert verify_file(sealed.content, house.context.trust(), house.context.clock.now()).verdict is Verdict.VALID
    outcomes = [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"]
    assert outcomes == ["intended", "done"], "one order, one signature, both on record"


def test_the_same_request_is_one_order(house: House, seal: Seal, owner: Signer) -> None:
    first = prepare(house, seal, idempotency_key="k1")
    again = prepare(house, seal, idempotency_key="k1")
    assert (again.use_id, again.to_be_signed, again.is_repeated) == (first.use_id, first.to_be_signed, True)
    assert refused(prepare, house, seal, idempotency_key="k1", x_mm=100) == "IDEMPOTENCY_KEY_REUSED"
    sign(house, seal, again, owner)
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]


def test_of_eight_who_hand_it_in_at_once_all_get_the_one_document(house: House, seal: Seal, owner: Signer) -> None:
    awaited = prepare(house, seal, profile="pades")
    signature = owner.sign(awaited.to_be_signed)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: hand_in(house, seal, awaited, signature), range(8)))
    assert all(isinstance(each, SealedDocument) for each in found)
    assert len({each.content for each in found if isinstance(each, SealedDocument)}) == 1
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "done"]


def test_attack_files_of_another_service_go_out_under_no_seal(house: House, seal: Seal, owner: Signer) -> None:
    document = archival(FILES)
    assert sign(house, seal, prepare(house, seal, document=document), owner)
    reserved = ReservedFiles(frozenset({"licence.json"}), "~vault", "licence")
    house.context = replace(house.context, links={**house.context.links, **RESERVED_FILES.filled(reserved)})
    awaited = prepare(house, seal, document=document, document_type="licence")
    assert refused(sign, house, seal, awaited, owner) == "DOCUMENT_FILES_RESERVED"
    assert refused(sign, house, seal, find_awaited(house.context, USER, seal.id, awaited.use_id), owner) == "DOCUMENT_FILES_RESERVED"


def test_each_seal_is_used_where_its_key_is(house: House, seal: Seal) -> None:
    assert refused(seal_document, house.context, USER, seal.id, ORDER) == "SEAL_KEY_ELSEWHERE"
    with pytest.raises(TrustError) as raised:
        asyncio.run(sign_digest(house.context, USER, seal.id, bytes(32)))
    assert raised.value.code == "SEAL_KEY_ELSEWHERE"
    ours = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    assert refused(prepare, house, ours) == "SEAL_KEY_HERE"


def test_a_key_that_proves_nothing_gets_no_seal(house: House, owner: Signer) -> None:
    good = create_request(owner, SUBJECT)
    for wrong in (b"x", good[:-1], good[:-3] + bytes([good[-3] ^ 1]) + good[-2:]):
        request = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, key_request_der=wrong)
        assert refused(make_seal, house.context, caller(), request) == "SEAL_KEY_REQUEST_REFUSED"
    assert house.rows("SELECT count(*) FROM seal_seals") == [(0,)]


def test_an_order_comes_back_as_it_was_kept() -> None:
    seam = Seam(Edge.RIGHT, (1, 2), 10.0, 40.0, 2)
    order = replace(ORDER, places=(Place(1, 2.0, 3.0, None),), seam=seam, lock_fields=("a",), certify=2, level="B-T")
    assert read_order(write_order(order), order.document) == order
    text_pages = replace(order, seam=replace(seam, pages="1-4"))
    assert read_order(write_order(text_pages), order.document) == text_pages
