"""Batches: documents come one by one, then all of them are sealed alike, in the background, each as if it had come alone.

Every document is a message of the outbox with an idempotency key of its own: whatever process dies, each is sealed once, and what became of
it is on record. A failed document does not hold up the rest. What cannot be done now (no audit trail, no time-stamp) is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from seal_service import store
from seal_service.actions.draft_document import form_of
from seal_service.actions.note_refusal import refusals_noted
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import route_of_sealing, seal_document
from seal_service.actions.seal_order import SealOrder, read_order, write_order
from seal_service.batch import Batch, BatchItem, BatchState, ItemState, item_key, new_batch_id
from seal_service.errors import (
    batch_caller_gone,
    batch_document_unacceptable,
    batch_full,
    batch_not_found,
    batch_state_conflict,
    batch_too_large,
    batches_too_many,
    key_elsewhere,
    seal_not_found,
)
from seal_service.limits import BATCH_BYTES_MAX, BATCH_DOCUMENTS_MAX, BATCHES_PER_HOLDER
from seal_service.model import DocumentForm
from seal_service.ports import CALLER_CHECK
from service_kit import fail_points
from service_kit.callers import PERSON_PREFIX, Caller, claimant_of, human_in
from service_kit.idempotency import ClaimState, digest_of_request, key_digest
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext
    from service_kit.idempotency import Claim
    from service_kit.outbox import Message

TOPIC: Final = "seal.batch-item"
NAME_CHARACTERS: Final = 255
_LATER: Final = frozenset({Kind.UNAVAILABLE, Kind.TOO_MANY})
_IN_FLIGHT: Final = "IDEMPOTENCY_IN_FLIGHT"


@dataclass(frozen=True, slots=True)
class Named:
    """A document whose content is kept already. ``digest``: of the blob."""

    name: str
    digest: str
    size_bytes: int


def open_batch(context: ServiceContext, user: User, seal_id: str, order: SealOrder, *, idempotency_key: str | None = None) -> Batch:
    """A batch that takes documents. ``order``: how each is to be sealed.

    Raises TrustError SEAL_NOT_FOUND, SEAL_KEY_ELSEWHERE, BATCHES_TOO_MANY, IDEMPOTENCY_*.
    """
    at = context.clock.now()
    wishes = write_order(replace(order, idempotency_key=None))
    batch = Batch(
        new_batch_id(),
        seal_id,
        user.client_id,
        user.name,
        user.actor,
        wishes,
        BatchState.OPEN,
        total=0,
        total_bytes=0,
        created_at=at,
        token_grant_id=user.token_grant_id,
    )

    def store_batch(conn: Connection) -> Batch:
        seal = store.load_seal(conn, seal_id)
        if seal is None or not store.is_granted(conn, seal_id, user.name):
            raise seal_not_found(seal_id)
        if not seal.is_key_here:
            raise key_elsewhere(seal_id)
        claim = _claim(
            context, conn, user, f"POST /v1/seals/{seal_id}/batches", idempotency_key, digest_of_request(wishes.encode()), batch.id
        )
        if claim is not None and claim.state is ClaimState.DONE:
            return _owned(store.load_batch(conn, str(claim.reference)), user, seal_id, batch.id)
        if store.count_living_batches(conn, user.name) >= BATCHES_PER_HOLDER:
            raise batches_too_many(BATCHES_PER_HOLDER)
        store.insert_batch(conn, batch)
        _record(context, conn, user.actor, batch, "opened", {})
        if claim is not None:
            context.idempotency.finish(conn, claim, status=201)
        return batch

    return context.database.write(store_batch)


def add_document(
    context: ServiceContext,
    user: User,
    seal_id: str,
    batch_id: str,
    name: str,
    document: bytes,
    *,
    idempotency_key: str | None = None,
) -> BatchItem:
    """One more document. ``name``: how the report calls it.

    Raises TrustError BATCH_NOT_FOUND, BATCH_STATE_CONFLICT, BATCH_FULL, BATCH_TOO_LARGE, BATCH_DOCUMENT_UNACCEPTABLE, IDEMPOTENCY_*.
    """
    name = name or "document"
    check_open(context, user, seal_id, batch_id, idempotency_key, len(document))  # first, so that nobody else's document is kept
    check_document(name, document)
    named = Named(name, context.blobs.put(document), len(document))
    request_digest = digest_of_request(name.encode(), bytes.fromhex(named.digest))
    return add_named(context, user, seal_id, batch_id, [named], request_digest=request_digest, idempotency_key=idempotency_key)[0]


def check_document(name: str, document: bytes) -> None:
    """Whether it may stand in a batch under that name. BATCH_DOCUMENT_UNACCEPTABLE."""
    if len(name) > NAME_CHARACTERS or not is_plain_text(name):
        raise batch_document_unacceptable(name[:NAME_CHARACTERS], f"a name of at most {NAME_CHARACTERS} plain characters")
    if form_of(document) is not DocumentForm.OFD and b"%PDF-" not in document[:1024]:
        raise batch_document_unacceptable(name, "PDF or OFD")


def add_named(
    context: ServiceContext,
    user: User,
    seal_id: str,
    batch_id: str,
    named: Sequence[Named],
    *,
    request_digest: bytes,
    idempotency_key: str | None,
) -> list[BatchItem]:
    """Put documents on record, all or none. BATCH_NOT_FOUND, BATCH_STATE_CONFLICT, BATCH_FULL, BATCH_TOO_LARGE, IDEMPOTENCY_*."""

    def add(conn: Connection) -> list[BatchItem]:
        batch = _owned(store.load_batch(conn, batch_id, is_locked=True), user, seal_id, batch_id)
        items = [BatchItem(batch_id, batch.total + place, each.name, each.digest) for place, each in enumerate(named, 1)]
        claim = _claim(
            context, conn, user, f"POST /v1/seals/{seal_id}/batches/{batch_id}", idempotency_key, request_digest, str(batch.total)
        )
        if claim is not None and claim.state is ClaimState.DONE:
            return store.list_batch_items(conn, batch_id, after=int(str(claim.reference)), limit=len(named))
        if batch.state is not BatchState.OPEN:
            raise batch_state_conflict(batch_id, batch.state)
        if batch.total + len(items) > BATCH_DOCUMENTS_MAX:
            raise batch_full(BATCH_DOCUMENTS_MAX)
        if batch.total_bytes + sum(each.size_bytes for each in named) > BATCH_BYTES_MAX:
            raise batch_too_large(BATCH_BYTES_MAX)
        for item, each in zip(items, named, strict=True):
            store.add_batch_item(conn, item, each.size_bytes)
        if claim is not None:
            context.idempotency.finish(conn, claim, status=201)
        return items

    return context.database.write(add)


def start_batch(context: ServiceContext, user: User, seal_id: str, batch_id: str) -> Batch:
    """Seal them all from now on; started before, it stays so. BATCH_NOT_FOUND, BATCH_STATE_CONFLICT for an empty or cancelled one.

    Whoever starts it is the one who uses the seal, whoever of its holder's people opened it and through which system: his are the rights that
    are asked for and the entries of the audit trail.
    """
    at = context.clock.now()

    def start(conn: Connection) -> Batch:
        batch = _owned(store.load_batch(conn, batch_id, is_locked=True), user, seal_id, batch_id)
        if batch.state in {BatchState.RUNNING, BatchState.DONE}:
            return batch
        if batch.state is not BatchState.OPEN or not batch.total:
            raise batch_state_conflict(batch_id, batch.state)
        running = replace(
            batch,
            state=BatchState.RUNNING,
            started_at=at,
            client_id=user.client_id,
            actor=user.actor,
            token_grant_id=user.token_grant_id,
        )
        store.update_batch_started(conn, running)
        for number in range(1, batch.total + 1):
            context.outbox.put(conn, topic=TOPIC, payload={"batch": batch_id, "number": number}, at=at)
        _record(context, conn, user.actor, running, "started", {"documents": batch.total})
        return running

    return context.database.write(start)


def cancel_batch(context: ServiceContext, user: User, seal_id: str, batch_id: str) -> Batch:
    """End it: what waits is not sealed any more, what is sealed stays. BATCH_NOT_FOUND, BATCH_STATE_CONFLICT for one that is done."""
    at = context.clock.now()

    def cancel(conn: Connection) -> Batch:
        batch = _owned(store.load_batch(conn, batch_id, is_locked=True), user, seal_id, batch_id)
        if batch.state is BatchState.CANCELLED:
            return batch
        if batch.state is BatchState.DONE:
            raise batch_state_conflict(batch_id, batch.state)
        ended = store.cancel_waiting_items(conn, batch_id, at)
        store.update_batch(conn, batch_id, state=BatchState.CANCELLED, ended_at=at)
        _record(context, conn, user.actor, batch, "cancelled", {"not_sealed": ended})
        return replace(batch, state=BatchState.CANCELLED, ended_at=at)

    return context.database.write(cancel)


def find_batch(context: ServiceContext, user: User, seal_id: str, batch_id: str) -> tuple[Batch, dict[ItemState, int]]:
    """A batch of this user, and how many of its documents are in which state. BATCH_NOT_FOUND."""
    with context.database.read() as conn:
        batch = _owned(store.load_batch(conn, batch_id), user, seal_id, batch_id)
        return batch, store.count_batch_items(conn, batch_id)


def list_batches(context: ServiceContext, user: User, *, before: str | None, limit: int) -> list[tuple[Batch, dict[ItemState, int]]]:
    """This user's batches, newest first, from behind the batch ``before``, each with how many of its documents are in which state."""
    with context.database.read() as conn:
        return [
            (batch, store.count_batch_items(conn, batch.id)) for batch in store.list_batches(conn, user.name, before=before, limit=limit)
        ]


def list_items(context: ServiceContext, user: User, seal_id: str, batch_id: str, *, after: int, limit: int) -> list[BatchItem]:
    """What became of each document. BATCH_NOT_FOUND."""
    with context.database.read() as conn:
        _owned(store.load_batch(conn, batch_id), user, seal_id, batch_id)
        return store.list_batch_items(conn, batch_id, after=after, limit=limit)


def seal_item(context: ServiceContext, message: Message) -> None:
    """Seal one document of a batch; the handler of its message. Raises what may pass by itself, so that the message comes again."""
    batch_id, number = str(message.payload["batch"]), int(message.payload["number"])
    with context.database.read() as conn:
        batch, item = store.load_batch(conn, batch_id), store.load_batch_item(conn, batch_id, number)
    if batch is None or item is None or item.state is not ItemState.WAITING or batch.state is not BatchState.RUNNING:
        return
    user = User(batch.client_id, batch.actor, holder=batch.holder, human=human_in(batch.actor))
    use_id, code = None, None
    key = item_key(batch_id, number)
    try:
        document = context.blobs.get(item.document_digest)
        order = replace(read_order(batch.order_json, document), idempotency_key=key)
        use_id = _sealed_before(context, batch, key) if message.attempt > 1 else None
        if use_id is None:
            _check_caller(context, batch)
            with refusals_noted(context, user, batch.seal_id):
                use_id = seal_document(context, user, batch.seal_id, order).use_id
    except TrustError as error:
        if error.kind in _LATER or error.code == _IN_FLIGHT:  # in flight: whoever took the message before is still at it, past his lease
            raise
        code = error.code
    fail_points.reach("seal-batch.sealed")
    state = ItemState.SEALED if code is None else ItemState.FAILED
    context.database.write(lambda conn: _end_item(context, conn, batch, number, state, use_id, code))


def _check_caller(context: ServiceContext, batch: Batch) -> None:
    """Asked for every document, as a gate asks for every request: BATCH_CALLER_DISABLED where who started the batch may act no more."""
    stands = CALLER_CHECK.of(context)
    subject = batch.holder.removeprefix(PERSON_PREFIX)
    if stands is not None and not stands(Caller(batch.client_id, subject, frozenset(), grant_id=batch.token_grant_id)):
        raise batch_caller_gone(batch.id)


def _sealed_before(context: ServiceContext, batch: Batch, key: str) -> str | None:
    """The use that sealed an item without a note of it. Idempotency keys are forgotten after a day, and a server may be away for longer."""
    claimed = key_digest(claimant_of(batch.client_id, batch.holder), route_of_sealing(batch.seal_id), key)
    with context.database.read() as conn:
        return store.find_use_by_claim(conn, batch.seal_id, claimed, since=batch.started_at or batch.created_at)


def _end_item(
    context: ServiceContext, conn: Connection, batch: Batch, number: int, state: ItemState, use_id: str | None, code: str | None
) -> None:
    at = context.clock.now()
    now = store.load_batch(conn, batch.id, is_locked=True)
    if not store.end_batch_item(conn, batch.id, number, state=state, at=at, use_id=use_id, code=code):
        return
    counts = store.count_batch_items(conn, batch.id)
    if now is not None and now.state is BatchState.RUNNING and not counts[ItemState.WAITING]:
        store.update_batch(conn, batch.id, state=BatchState.DONE, ended_at=at)
        facts = {"sealed": counts[ItemState.SEALED], "failed": counts[ItemState.FAILED]}
        _record(context, conn, batch.actor, batch, "done", facts)


def check_open(context: ServiceContext, user: User, seal_id: str, batch_id: str, idempotency_key: str | None, size_bytes: int = 0) -> None:
    """Whether it is this user's batch and takes as many bytes more; a request that may have been answered is decided later."""
    with context.database.read() as conn:
        batch = _owned(store.load_batch(conn, batch_id), user, seal_id, batch_id)
    if batch.state is not BatchState.OPEN and idempotency_key is None:
        raise batch_state_conflict(batch_id, batch.state)
    if batch.total_bytes + size_bytes > BATCH_BYTES_MAX and idempotency_key is None:
        raise batch_too_large(BATCH_BYTES_MAX)


def _claim(
    context: ServiceContext, conn: Connection, user: User, route: str, key: str | None, request_digest: bytes, reference: str
) -> Claim | None:
    if key is None:
        return None
    at = context.clock.now()
    return context.idempotency.claim(
        conn, caller=user.claimant, route=route, key=key, request_digest=request_digest, reference=reference, at=at
    )


def _owned(batch: Batch | None, user: User, seal_id: str, batch_id: str) -> Batch:
    if batch is None or batch.seal_id != seal_id or batch.holder != user.name:
        raise batch_not_found(batch_id)
    return batch


def _record(context: ServiceContext, conn: Connection, actor: str, batch: Batch, what: str, facts: dict[str, Any]) -> None:
    context.audit.record(
        conn,
        at=context.clock.now(),
        actor=actor,
        action="seal.batch",
        subject=f"seal:{batch.seal_id}",
        outcome="done",
        facts={"batch": batch.id, "what": what, **facts},
    )
