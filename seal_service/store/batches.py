"""Batches and their documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, or_, select, update

from seal_service.batch import Batch, BatchItem, BatchState, ItemState
from seal_service.tables import batch_items, batches, uses
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


def _batch(row: RowMapping) -> Batch:
    return Batch(
        id=row["id"],
        seal_id=row["seal_id"],
        client_id=row["client_id"],
        holder=row["holder"],
        actor=row["actor"],
        order_json=row["order_json"],
        state=BatchState(row["state"]),
        total=row["total"],
        total_bytes=row["total_bytes"],
        created_at=read_time(row["created_at"]),
        started_at=read_optional_time(row["started_at"]),
        ended_at=read_optional_time(row["ended_at"]),
        token_grant_id=row["token_grant_id"],
    )


def _item(row: RowMapping) -> BatchItem:
    return BatchItem(
        batch_id=row["batch_id"],
        number=row["number"],
        name=row["name"],
        document_digest=row["document_digest"],
        state=ItemState(row["state"]),
        use_id=row["use_id"],
        code=row["code"],
        finished_at=read_optional_time(row["finished_at"]),
    )


def insert_batch(conn: Connection, batch: Batch) -> None:
    """A new batch."""
    values: dict[str, Any] = {
        "id": batch.id,
        "seal_id": batch.seal_id,
        "client_id": batch.client_id,
        "holder": batch.holder,
        "actor": batch.actor,
        "order_json": batch.order_json,
        "state": batch.state.value,
        "total": batch.total,
        "total_bytes": batch.total_bytes,
        "created_at": write_time(batch.created_at),
        "started_at": write_optional_time(batch.started_at),
        "ended_at": write_optional_time(batch.ended_at),
        "token_grant_id": batch.token_grant_id,
    }
    conn.execute(insert(batches), values)


def load_batch(conn: Connection, batch_id: str, *, is_locked: bool = False) -> Batch | None:
    """One batch; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(batches).where(batches.c.id == batch_id)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _batch(row)


def list_batches(conn: Connection, holder: str, *, before: str | None, limit: int) -> list[Batch]:
    """Somebody's batches, newest first, from behind the batch ``before``."""
    statement = select(batches).where(batches.c.holder == holder)
    if before is not None:
        at = select(batches.c.created_at).where(batches.c.id == before).scalar_subquery()
        statement = statement.where(or_(batches.c.created_at < at, and_(batches.c.created_at == at, batches.c.id < before)))
    newest = statement.order_by(batches.c.created_at.desc(), batches.c.id.desc()).limit(limit)
    return [_batch(row) for row in conn.execute(newest).mappings()]


def count_living_batches(conn: Connection, holder: str) -> int:
    """How many batches of somebody are open or running."""
    living = batches.c.state.in_([BatchState.OPEN.value, BatchState.RUNNING.value])
    return int(conn.execute(select(func.count()).select_from(batches).where(and_(batches.c.holder == holder, living))).scalar_one())


def update_batch_started(conn: Connection, batch: Batch) -> None:
    """It runs from now on, for whoever started it."""
    values = {
        "state": batch.state.value,
        "started_at": write_optional_time(batch.started_at),
        "client_id": batch.client_id,
        "actor": batch.actor,
        "token_grant_id": batch.token_grant_id,
    }
    conn.execute(update(batches).where(batches.c.id == batch.id).values(values))


def update_batch(
    conn: Connection, batch_id: str, *, state: BatchState, started_at: datetime | None = None, ended_at: datetime | None = None
) -> None:
    """Another state, with its time."""
    values: dict[str, Any] = {"state": state.value}
    if started_at is not None:
        values["started_at"] = write_time(started_at)
    if ended_at is not None:
        values["ended_at"] = write_time(ended_at)
    conn.execute(update(batches).where(batches.c.id == batch_id).values(values))


def add_batch_item(conn: Connection, item: BatchItem, size_bytes: int) -> None:
    """One more document of ``size_bytes``; the batch's counts follow."""
    conn.execute(
        insert(batch_items),
        {
            "batch_id": item.batch_id,
            "number": item.number,
            "name": item.name,
            "document_digest": item.document_digest,
            "state": item.state.value,
        },
    )
    conn.execute(
        update(batches).where(batches.c.id == item.batch_id).values(total=item.number, total_bytes=batches.c.total_bytes + size_bytes)
    )


def load_batch_item(conn: Connection, batch_id: str, number: int) -> BatchItem | None:
    """One document of a batch."""
    statement = select(batch_items).where(and_(batch_items.c.batch_id == batch_id, batch_items.c.number == number))
    row = conn.execute(statement).mappings().one_or_none()
    return None if row is None else _item(row)


def list_batch_items(conn: Connection, batch_id: str, *, after: int, limit: int) -> list[BatchItem]:
    """The documents of a batch behind the number ``after``, in their order."""
    statement = (
        select(batch_items).where(and_(batch_items.c.batch_id == batch_id, batch_items.c.number > after)).order_by(batch_items.c.number)
    )
    return [_item(row) for row in conn.execute(statement.limit(limit)).mappings()]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A document of a batch, and the blob of its result where it was sealed."""

    item: BatchItem
    result_digest: str | None
    result_bytes: int


def list_batch_results(conn: Connection, batch_id: str, *, after: int, limit: int) -> list[BatchResult]:
    """As ``list_batch_items``, with the results."""
    statement = (
        select(batch_items, uses.c.result_digest, uses.c.result_bytes)
        .outerjoin(uses, uses.c.id == batch_items.c.use_id)
        .where(and_(batch_items.c.batch_id == batch_id, batch_items.c.number > after))
        .order_by(batch_items.c.number)
        .limit(limit)
    )
    return [BatchResult(_item(row), row["result_digest"], row["result_bytes"] or 0) for row in conn.execute(statement).mappings()]


def end_batch_item(
    conn: Connection, batch_id: str, number: int, *, state: ItemState, at: datetime, use_id: str | None = None, code: str | None = None
) -> bool:
    """What became of a document; False where that was known before. One that was sealed is sealed, whatever was said of it before: that its
    batch was cancelled, or that it failed where two processes were at it.
    """
    others = [ItemState.CANCELLED.value, ItemState.FAILED.value] if state is ItemState.SEALED else []
    before = [ItemState.WAITING.value, *others]
    waiting = and_(batch_items.c.batch_id == batch_id, batch_items.c.number == number, batch_items.c.state.in_(before))
    values = {"state": state.value, "use_id": use_id, "code": code, "finished_at": write_time(at)}
    return conn.execute(update(batch_items).where(waiting).values(values)).rowcount == 1


def cancel_waiting_items(conn: Connection, batch_id: str, at: datetime) -> int:
    """End every document that waits; how many."""
    waiting = and_(batch_items.c.batch_id == batch_id, batch_items.c.state == ItemState.WAITING.value)
    return conn.execute(update(batch_items).where(waiting).values(state=ItemState.CANCELLED.value, finished_at=write_time(at))).rowcount


def count_batch_items(conn: Connection, batch_id: str) -> dict[ItemState, int]:
    """How many documents are in which state."""
    statement = select(batch_items.c.state, func.count()).where(batch_items.c.batch_id == batch_id).group_by(batch_items.c.state)
    found = {ItemState(row[0]): int(row[1]) for row in conn.execute(statement)}
    return {state: found.get(state, 0) for state in ItemState}
