"""Batches: every document sealed once and on record, whatever fails, comes twice or dies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from crypto.report import Verdict
from seal_service import store
from seal_service.actions import seal_batch
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.grant_seal import GrantOrder, grant_seal, grant_seal_within
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_batch import (
    TOPIC,
    add_document,
    cancel_batch,
    find_batch,
    list_items,
    open_batch,
    seal_item,
    start_batch,
)
from seal_service.actions.seal_order import SealOrder
from seal_service.api.parameters import user_of
from seal_service.batch import Batch, BatchState, ItemState, is_item_key, item_key
from seal_service.model import Seal, transition_named
from seal_service.ports import CALLER_CHECK
from seal_service.verify import verify_file
from service_kit.callers import Caller
from service_kit.outbox import Message, Outbox
from standards.errors import Kind, TrustError
from tests.audit_trail import blocked, find_entries
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.seal_service.ofd.sealing import plain
from tests.seal_service.pdf.documents import reportlab_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

USER = User("cl_a", "client:cl_a")
ORDER = SealOrder(b"-", page=1, x_mm=150, y_mm=60)
PDF = reportlab_document()


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


@pytest.fixture
def batch(house: House, seal: Seal) -> Batch:
    return open_batch(house.context, USER, seal.id, ORDER)


def worker(house: House) -> Outbox:
    return Outbox(house.context.database, house.context.clock, {TOPIC: lambda message: seal_item(house.context, message)})


def work_through(house: House) -> None:
    outbox = worker(house)
    while outbox.run_once():
        pass


def refused(act: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(TrustError) as raised:
        act(*arguments)
    return raised.value.code


def test_documents_are_sealed_each_as_if_it_had_come_alone(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    names = ["甲.pdf", "乙.pdf", "丙.ofd", "broken.pdf"]
    for name, content in zip(names, (PDF, PDF + b"\n", plain(), b"%PDF-1.7 nothing else"), strict=True):
        add_document(*place, name, content)
    assert start_batch(*place).state is BatchState.RUNNING
    assert start_batch(*place).state is BatchState.RUNNING
    work_through(house)
    found, counts = find_batch(*place)
    assert (found.state, counts[ItemState.SEALED], counts[ItemState.FAILED]) == (BatchState.DONE, 3, 1)
    items = list_items(*place, after=0, limit=10)
    assert [item.name for item in items] == names
    assert (items[3].state, items[3].use_id) == (ItemState.FAILED, None)
    assert str(items[3].code).startswith("PDF_")
    for item in items[:3]:
        with house.context.database.read() as conn:
            use = store.load_use(conn, str(item.use_id))
        assert use is not None
        sealed = house.context.blobs.get(str(use.result_digest))
        assert verify_file(sealed, house.context.trust(), house.context.clock.now()).verdict is Verdict.VALID
    told = [facts["what"] for action, _, facts in house.entries(f"seal:{seal.id}") if action == "seal.batch"]
    assert told == ["opened", "started", "done"]


def test_a_message_that_comes_again_seals_nothing_again(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    add_document(*place, "a.pdf", PDF)
    start_batch(*place)
    message = Message("m", TOPIC, {"batch": batch.id, "number": 1}, 1)
    # As a process leaves it that died between the sealing and the note of it
    house.sql("CREATE TRIGGER halt BEFORE UPDATE ON seal_batch_items BEGIN SELECT RAISE(ABORT, 'halt'); END")
    with pytest.raises(IntegrityError):
        seal_item(house.context, message)
    house.sql("DROP TRIGGER halt")
    assert list_items(*place, after=0, limit=1)[0].state is ItemState.WAITING
    for _ in range(2):
        seal_item(house.context, message)
    assert find_batch(*place)[0].state is BatchState.DONE
    assert house.rows("SELECT count(*), min(state) FROM seal_uses") == [(1, "done")]


def test_a_document_that_another_process_is_still_sealing_has_not_failed(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    add_document(*place, "a.pdf", PDF)
    start_batch(*place)
    stamp, codes = house.context.time_stamp, []
    assert stamp is not None

    def stamp_slowly(data: bytes) -> bytes:  # its lease runs out meanwhile, and the message is given to another
        codes.append(refused(seal_item, house.context, Message("m", TOPIC, {"batch": batch.id, "number": 1}, 2)))
        return stamp(data)

    seal_item(replace(house.context, time_stamp=stamp_slowly), Message("m", TOPIC, {"batch": batch.id, "number": 1}, 1))
    assert codes == ["IDEMPOTENCY_IN_FLIGHT"]
    [item] = list_items(*place, after=0, limit=5)
    assert (item.state, item.code, find_batch(*place)[0].state) == (ItemState.SEALED, None, BatchState.DONE)


def test_what_was_sealed_for_a_person_is_found_when_the_key_is_forgotten(house: House, seal: Seal) -> None:
    grant_seal(house.context, caller(), seal.id, "person:anna")
    anna = User("portal", "client:portal for anna", holder="person:anna")
    batch = open_batch(house.context, anna, seal.id, ORDER)
    add_document(house.context, anna, seal.id, batch.id, "a.pdf", PDF)
    start_batch(house.context, anna, seal.id, batch.id)
    house.sql("CREATE TRIGGER halt BEFORE UPDATE ON seal_batch_items BEGIN SELECT RAISE(ABORT, 'halt'); END")
    with pytest.raises(IntegrityError):
        seal_item(house.context, Message("m", TOPIC, {"batch": batch.id, "number": 1}, 1))
    house.sql("DROP TRIGGER halt")
    house.sql("DELETE FROM kit_idempotency")  # as a day later
    seal_item(house.context, Message("m", TOPIC, {"batch": batch.id, "number": 1}, 2))
    assert find_batch(house.context, anna, seal.id, batch.id)[1][ItemState.SEALED] == 1
    assert house.rows("SELECT count(*), min(state) FROM seal_uses") == [(1, "done")]


def test_the_key_of_a_document_in_a_batch_is_nobodys_to_send(batch: Batch) -> None:
    """What a request sealed under it would be reported as the document of the batch."""
    assert is_item_key(item_key(batch.id, 10_000))
    assert not any(is_item_key(key) for key in ("k1", batch.id, f"{batch.id}-", f"x{batch.id}-1", f"{batch.id}-1x", f"{batch.id}-1\n"))


def test_that_a_document_was_sealed_wins_over_that_it_failed(house: House, seal: Seal, batch: Batch) -> None:
    add_document(house.context, USER, seal.id, batch.id, "a.pdf", PDF)
    at = house.context.clock.now()
    states = (ItemState.FAILED, ItemState.SEALED, ItemState.FAILED)

    def end(conn: Connection) -> list[bool]:
        return [
            store.end_batch_item(conn, batch.id, 1, state=state, at=at, code="x" if state is ItemState.FAILED else None) for state in states
        ]

    assert house.context.database.write(end) == [True, True, False]
    assert house.rows("SELECT state, code FROM seal_batch_items") == [("sealed", None)]


def test_what_may_pass_is_tried_again_and_what_stays_is_reported(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    add_document(*place, "a.pdf", PDF)
    add_document(*place, "b.pdf", PDF)
    start_batch(*place)
    with blocked(), pytest.raises(TrustError) as raised:
        seal_item(house.context, Message("m", TOPIC, {"batch": batch.id, "number": 1}, 1))
    assert raised.value.kind is Kind.UNAVAILABLE
    seal_item(house.context, Message("m", TOPIC, {"batch": batch.id, "number": 1}, 2))
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="lost")
    seal_item(house.context, Message("n", TOPIC, {"batch": batch.id, "number": 2}, 1))
    assert [(item.state, item.code) for item in list_items(*place, after=0, limit=5)] == [
        (ItemState.SEALED, None),
        (ItemState.FAILED, "SEAL_NOT_ACTIVE"),
    ]


def test_cancelling_leaves_what_is_sealed(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    for _ in range(3):
        add_document(*place, "a.pdf", PDF)
    start_batch(*place)
    seal_item(house.context, Message("m", TOPIC, {"batch": batch.id, "number": 1}, 1))
    for _ in range(2):
        assert cancel_batch(*place).state is BatchState.CANCELLED
    work_through(house)
    assert [item.state for item in list_items(*place, after=0, limit=5)] == [ItemState.SEALED, ItemState.CANCELLED, ItemState.CANCELLED]
    assert refused(start_batch, *place) == "BATCH_STATE_CONFLICT"
    assert refused(add_document, *place, "a.pdf", PDF) == "BATCH_STATE_CONFLICT"


def test_a_batch_is_nobody_elses(house: House, seal: Seal, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    other = User("cl_b", "client:cl_b")
    assert refused(open_batch, house.context, other, seal.id, ORDER) == "SEAL_NOT_FOUND"
    for act in (start_batch, cancel_batch, find_batch):
        assert refused(act, house.context, other, seal.id, batch.id) == "BATCH_NOT_FOUND"
        assert refused(act, house.context, USER, "sl_other", batch.id) == "BATCH_NOT_FOUND"
    assert refused(add_document, house.context, other, seal.id, batch.id, "a", PDF) == "BATCH_NOT_FOUND"
    assert refused(start_batch, house.context, USER, seal.id, batch.id) == "BATCH_STATE_CONFLICT", "empty"
    assert refused(add_document, house.context, USER, seal.id, batch.id, "a\nb", PDF) == "BATCH_DOCUMENT_UNACCEPTABLE"
    assert refused(add_document, house.context, USER, seal.id, batch.id, "a", b"GIF89a") == "BATCH_DOCUMENT_UNACCEPTABLE"
    monkeypatch.setattr("seal_service.actions.seal_batch.BATCH_DOCUMENTS_MAX", 1)
    add_document(house.context, USER, seal.id, batch.id, "a", PDF)
    assert refused(add_document, house.context, USER, seal.id, batch.id, "b", PDF) == "BATCH_FULL"
    monkeypatch.setattr("seal_service.actions.seal_batch.BATCHES_PER_HOLDER", 1)
    assert refused(open_batch, house.context, USER, seal.id, ORDER) == "BATCHES_TOO_MANY"
    work_through(house)
    start_batch(house.context, USER, seal.id, batch.id)
    work_through(house)
    assert refused(cancel_batch, house.context, USER, seal.id, batch.id) == "BATCH_STATE_CONFLICT"
    assert open_batch(house.context, USER, seal.id, replace(ORDER, reason="next")).state is BatchState.OPEN


def test_messages_about_nothing_do_nothing(house: House, batch: Batch) -> None:
    for payload in ({"batch": batch.id, "number": 1}, {"batch": "sb_none", "number": 1}):
        seal_item(house.context, Message("m", TOPIC, payload, 1))
    assert house.rows("SELECT count(*) FROM seal_uses") == [(0,)]


def test_a_batch_has_a_limit_on_its_bytes(house: House, seal: Seal, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    monkeypatch.setattr(seal_batch, "BATCH_BYTES_MAX", 2 * len(PDF))
    add_document(*place, "1.pdf", PDF, idempotency_key="one")
    add_document(*place, "2.pdf", PDF)
    assert find_batch(*place)[0].total_bytes == 2 * len(PDF)
    with pytest.raises(TrustError, match="BATCH_TOO_LARGE") as refusal:
        add_document(*place, "3.pdf", PDF)
    assert (refusal.value.kind, refusal.value.facts) == (Kind.TOO_LARGE, {"limit_bytes": 2 * len(PDF)})
    with pytest.raises(TrustError, match="BATCH_TOO_LARGE"):
        add_document(*place, "3.pdf", PDF, idempotency_key="three")
    assert add_document(*place, "1.pdf", PDF, idempotency_key="one").number == 1  # answered before, so answered again
    assert find_batch(*place)[0].total == 2


def test_what_is_left_of_a_batch_is_not_sealed_for_a_client_that_was_disabled(house: House, seal: Seal, batch: Batch) -> None:
    asked: list[Caller] = []

    def stands(who: Caller) -> bool:
        asked.append(who)
        return len(asked) < 2

    house.context = replace(house.context, links={**house.context.links, CALLER_CHECK: stands})
    place = (house.context, USER, seal.id, batch.id)
    for number in range(3):
        add_document(*place, f"{number}.pdf", PDF)
    start_batch(*place)
    work_through(house)
    assert [(each.state, each.code) for each in list_items(*place, after=0, limit=9)] == [
        (ItemState.SEALED, None),
        (ItemState.FAILED, "BATCH_CALLER_DISABLED"),
        (ItemState.FAILED, "BATCH_CALLER_DISABLED"),
    ]
    assert (find_batch(*place)[0].state, len(asked)) == (BatchState.DONE, 3)
    assert asked[0] == Caller("cl_a", "cl_a", frozenset())
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]


def test_whether_a_person_may_still_act_is_asked_by_his_name_and_what_his_token_hung_on(house: House, seal: Seal) -> None:
    asked: list[Caller] = []

    def refuse(who: Caller) -> bool:
        asked.append(who)
        return False

    house.context = replace(house.context, links={**house.context.links, CALLER_CHECK: refuse})
    grant_seal(house.context, caller(), seal.id, "person:anna")
    anna = user_of(Caller("portal", "anna", frozenset({"seal.use"}), "token-1", grant_id="gr_1"))
    batch = open_batch(house.context, anna, seal.id, ORDER)
    add_document(house.context, anna, seal.id, batch.id, "a.pdf", PDF)
    start_batch(house.context, anna, seal.id, batch.id)
    work_through(house)
    assert asked == [Caller("portal", "anna", frozenset(), grant_id="gr_1")]
    assert [item.code for item in list_items(house.context, anna, seal.id, batch.id, after=0, limit=9)] == ["BATCH_CALLER_DISABLED"]


def test_the_seal_is_used_by_whoever_starts_the_batch(house: House, seal: Seal) -> None:
    """Of two who act for one organisation, or of one person at two systems, the other may have opened it."""
    asked: list[Caller] = []

    def stands(who: Caller) -> bool:
        asked.append(who)
        return True

    house.context = replace(house.context, links={**house.context.links, CALLER_CHECK: stands})
    grant_seal_within(house.context, caller(), seal.id, GrantOrder("person:org_1", via_client="portal"), if_version=None)
    anna = user_of(Caller("portal", "org_1", frozenset({"seal.use"}), grant_id="gr_1", acting="pe_anna"))
    berta = user_of(Caller("portal", "org_1", frozenset({"seal.use"}), grant_id="gr_2", acting="pe_berta"))
    elsewhere = user_of(Caller("other", "org_1", frozenset({"seal.use"}), grant_id="gr_3", acting="pe_anna"))
    for starter, code in ((berta, None), (elsewhere, "GRANT_SYSTEM_NOT_COVERED")):
        batch = open_batch(house.context, anna, seal.id, ORDER)
        add_document(house.context, starter, seal.id, batch.id, "a.pdf", PDF)
        started = start_batch(house.context, starter, seal.id, batch.id)
        assert (started.actor, started.client_id) == (starter.actor, starter.client_id)
        work_through(house)
        assert [item.code for item in list_items(house.context, anna, seal.id, batch.id, after=0, limit=9)] == [code]
        assert asked.pop() == Caller(starter.client_id, "org_1", frozenset(), grant_id=starter.token_grant_id)
    with house.context.database.read() as conn:
        uses = find_entries(conn, subject=f"seal:{seal.id}", limit=100)
    assert {entry.actor for entry in uses if entry.action == "seal.use" and entry.outcome == "done"} == {berta.actor}
    assert {entry.actor for entry in uses if entry.action == "seal.use" and entry.outcome == "refused"} == {elsewhere.actor}


def test_one_finds_ones_own_batches_newest_first(house: House, seal: Seal, batch: Batch) -> None:
    later = [open_batch(house.context, USER, seal.id, ORDER) for _ in range(2)]
    first = seal_batch.list_batches(house.context, USER, before=None, limit=2)
    assert [each.id for each, _ in first] == [later[1].id, later[0].id]
    assert first[0][1][ItemState.WAITING] == 0
    rest = seal_batch.list_batches(house.context, USER, before=later[0].id, limit=2)
    assert [each.id for each, _ in rest] == [batch.id]
    assert seal_batch.list_batches(house.context, User("cl_b", "client:cl_b"), before=None, limit=9) == []
