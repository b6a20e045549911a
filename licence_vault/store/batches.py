"""Batches and their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, insert, or_, select, update

from licence_vault.batch import BatchRow, BatchState, LicenceBatch, RowState
from licence_vault.model import LicenceState
from licence_vault.store.licences import ABANDONED
from licence_vault.tables import batch_rows, batches, licences
from service_kit.row_values import read_list, read_time, write_list, write_time

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_TIMES = ("created_at", "started_at", "ended_at", "lease_until")
_LIVE = batches.c.state.in_([BatchState.RUNNING.value, BatchState.CANCELLED.value])


def _batch(row: RowMapping) -> LicenceBatch:
    values: dict[str, Any] = {name: row[name] for name in LicenceBatch.__slots__}
    values |= {name: None if values[name] is None else read_time(values[name]) for name in _TIMES}
    return LicenceBatch(**(values | {"forms": read_list(row["forms"]), "state": BatchState(row["state"])}))


def _row(row: RowMapping) -> BatchRow:
    return BatchRow(**(dict(row) | {"state": RowState(row["state"])}))


def insert_batch(conn: Connection, batch: LicenceBatch, key_sealed: bytes) -> None:
    """A new batch with the key its rows are sealed under."""
    values: dict[str, Any] = {name: getattr(batch, name) for name in LicenceBatch.__slots__}
    values |= {name: None if values[name] is None else write_time(values[name]) for name in _TIMES}
    conn.execute(insert(batches), values | {"forms": write_list(batch.forms), "state": batch.state.value, "key_sealed": key_sealed})


def load_batch(conn: Connection, batch_id: str, *, is_locked: bool = False) -> LicenceBatch | None:
    """One batch; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(batches).where(batches.c.id == batch_id)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _batch(row)


def list_batches(conn: Connection, issuer_codes: Collection[str], *, before: str | None, limit: int) -> list[LicenceBatch]:
    """Batches of these authorities, newest first, from behind the batch ``before``."""
    statement = select(batches).where(batches.c.issuer_code.in_(issuer_codes))
    if before is not None:
        at = select(batches.c.created_at).where(batches.c.id == before).scalar_subquery()
        statement = statement.where(or_(batches.c.created_at < at, and_(batches.c.created_at == at, batches.c.id < before)))
    newest = statement.order_by(batches.c.created_at.desc(), batches.c.id.desc()).limit(limit)
    return [_batch(row) for row in conn.execute(newest).mappings()]


def load_batch_key(conn: Connection, batch_id: str) -> bytes:
    """The sealed key of a batch that is there."""
    found: bytes = conn.execute(select(batches.c.key_sealed).where(batches.c.id == batch_id)).scalar_one()
    return found


def move_batch(conn: Connection, batch: LicenceBatch, target: BatchState, **times: datetime) -> bool:
    """Move a batch on from the state it was read in, and let it go; False where it is not there any more. ``times``: started_at."""
    values: dict[str, Any] = {"state": target.value, "lease_until": None, **{name: write_time(at) for name, at in times.items()}}
    there = and_(batches.c.id == batch.id, batches.c.state == batch.state.value)
    return conn.execute(update(batches).where(there).values(values)).rowcount == 1


def end_batch(conn: Connection, batch_id: str, at: datetime) -> None:
    """Nothing of it waits any more: what its rows were sealed under goes as well."""
    conn.execute(update(batches).where(batches.c.id == batch_id).values(ended_at=write_time(at), lease_until=None, key_sealed=b""))


def hold_loading(conn: Connection, batch_id: str, until: datetime) -> bool:
    """Go on with a batch that loads; False where it loads no more."""
    loading = and_(batches.c.id == batch_id, batches.c.state == BatchState.LOADING.value)
    return conn.execute(update(batches).where(loading).values(lease_until=write_time(until))).rowcount == 1


def list_left_batches(conn: Connection, at: datetime, *, ready_since: datetime, limit: int) -> list[LicenceBatch]:
    """Batches whose loading nobody goes on with, and those opened before ``ready_since`` that nobody started; oldest first."""
    free = batches.c.lease_until.is_(None) | (batches.c.lease_until <= write_time(at))
    cut_off = and_(batches.c.state == BatchState.LOADING.value, free)
    not_started = and_(batches.c.state == BatchState.READY.value, batches.c.created_at <= write_time(ready_since))
    statement = select(batches).where(or_(cut_off, not_started)).order_by(batches.c.created_at).limit(limit)
    return [_batch(row) for row in conn.execute(statement).mappings()]


def list_batches_to_run(conn: Connection, at: datetime, *, limit: int) -> list[LicenceBatch]:
    """Batches that run, or were cancelled with licences begun, and are nobody's work now; oldest first."""
    free = batches.c.lease_until.is_(None) | (batches.c.lease_until <= write_time(at))
    live = and_(_LIVE, batches.c.ended_at.is_(None), free)
    return [_batch(row) for row in conn.execute(select(batches).where(live).order_by(batches.c.started_at).limit(limit)).mappings()]


def lease_batch(conn: Connection, batch: LicenceBatch, until: datetime | None) -> bool:
    """Take such a batch over, or (None) let it go; False where somebody else has it, or its state is another."""
    was = None if batch.lease_until is None else write_time(batch.lease_until)
    held = and_(batches.c.id == batch.id, batches.c.state == batch.state.value, batches.c.lease_until == was)
    return conn.execute(update(batches).where(held).values(lease_until=None if until is None else write_time(until))).rowcount == 1


def count_living_batches(conn: Connection, issuer_code: str) -> int:
    """How many batches of an authority have not ended."""
    living = batches.c.state.in_([BatchState.LOADING.value, BatchState.READY.value, BatchState.RUNNING.value])
    statement = select(func.count()).select_from(batches).where(and_(batches.c.issuer_code == issuer_code, living))
    return int(conn.execute(statement).scalar_one())


def insert_rows(conn: Connection, rows: Sequence[BatchRow]) -> None:
    """Further rows of a batch; its count follows."""
    conn.execute(
        insert(batch_rows), [{name: getattr(row, name) for name in BatchRow.__slots__} | {"state": row.state.value} for row in rows]
    )
    conn.execute(update(batches).where(batches.c.id == rows[0].batch_id).values(total=rows[-1].number))


_BEGUN = batch_rows.outerjoin(licences, and_(licences.c.id == batch_rows.c.licence_id, batch_rows.c.state == RowState.WAITING.value))
_SHOWN = case(
    (or_(licences.c.id.is_(None), licences.c.state == LicenceState.DRAFT.value), batch_rows.c.state),
    (ABANDONED, RowState.FAILED.value),
    else_=RowState.ISSUED.value,
)
"""What has become of a row: one whose licence the sweeper brought to its end is noted at the batch's next turn, and is so now already."""


def count_progress(conn: Connection, batch_id: str) -> dict[RowState, int]:
    """How many rows are in which state, those included whose licence has ended and which are not noted yet."""
    statement = select(_SHOWN, func.count()).select_from(_BEGUN).where(batch_rows.c.batch_id == batch_id).group_by(_SHOWN)
    found = {RowState(row[0]): int(row[1]) for row in conn.execute(statement)}
    return {state: found.get(state, 0) for state in RowState}


def list_rows(conn: Connection, batch_id: str, *, state: RowState | None, after: int, limit: int) -> list[BatchRow]:
    """Rows in their order, behind the number ``after``; in the state that :func:`count_progress` counts them in."""
    others = [column for column in batch_rows.c if column.name != "state"]
    statement = select(*others, _SHOWN.label("state")).select_from(_BEGUN)
    statement = statement.where(and_(batch_rows.c.batch_id == batch_id, batch_rows.c.number > after))
    if state is not None:
        statement = statement.where(_SHOWN.in_((state.value,)))
    return [_row(row) for row in conn.execute(statement.order_by(batch_rows.c.number).limit(limit)).mappings()]


def list_rows_to_issue(conn: Connection, batch_id: str, at: datetime, *, limit: int) -> list[BatchRow]:
    """Rows that wait, in their order, but for those whose licence is somebody's work now."""
    statement = (
        select(batch_rows)
        .outerjoin(licences, licences.c.id == batch_rows.c.licence_id)
        .where(
            batch_rows.c.batch_id == batch_id,
            batch_rows.c.state == RowState.WAITING.value,
            or_(licences.c.id.is_(None), licences.c.state != LicenceState.DRAFT.value, licences.c.lease_until <= write_time(at)),
        )
    )
    return [_row(row) for row in conn.execute(statement.order_by(batch_rows.c.number).limit(limit)).mappings()]


def note_licence(conn: Connection, batch_id: str, number: int, licence_id: str) -> bool:
    """Which licence is being issued for a row, and with it what the row said; False where it has one already or has ended."""
    free = and_(
        batch_rows.c.batch_id == batch_id,
        batch_rows.c.number == number,
        batch_rows.c.state == RowState.WAITING.value,
        batch_rows.c.licence_id.is_(None),
    )
    return conn.execute(update(batch_rows).where(free).values(licence_id=licence_id, cells_sealed=None)).rowcount == 1


def end_row(
    conn: Connection, batch_id: str, number: int, *, state: RowState, code: str | None, place: str | None, rule: str | None
) -> None:
    """What became of a row that waited; what it said is not kept any longer."""
    waiting = and_(batch_rows.c.batch_id == batch_id, batch_rows.c.number == number, batch_rows.c.state == RowState.WAITING.value)
    values = {"state": state.value, "code": code, "place": place, "rule": rule, "cells_sealed": None}
    conn.execute(update(batch_rows).where(waiting).values(values))


def cancel_rows(conn: Connection, batch_id: str) -> int:
    """End every row that waits and has no licence yet; how many."""
    waiting = and_(batch_rows.c.batch_id == batch_id, batch_rows.c.state == RowState.WAITING.value, batch_rows.c.licence_id.is_(None))
    return conn.execute(update(batch_rows).where(waiting).values(state=RowState.CANCELLED.value, cells_sealed=None)).rowcount


def count_rows(conn: Connection, batch_id: str) -> dict[RowState, int]:
    """How many rows are in which state."""
    statement = select(batch_rows.c.state, func.count()).where(batch_rows.c.batch_id == batch_id).group_by(batch_rows.c.state)
    found = {RowState(row[0]): int(row[1]) for row in conn.execute(statement)}
    return {state: found.get(state, 0) for state in RowState}
