"""Reports to the region, and how far the log was followed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, func, insert, or_, select, update

from licence_vault.log_tables import log
from licence_vault.model import LicenceEvent
from licence_vault.register import EventRecord
from licence_vault.report_tables import followed, reports
from licence_vault.reported import Report, ReportKind, ReportState, ReportTree, erasure_key, type_key
from licence_vault.tables import events, types
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping

    from licence_vault.register import LicenceRecord

REPORTED_STATES: Final = ("published", "retired")
_UNSENT: Final = (ReportState.WAITING.value, ReportState.DEAD.value)


def _report(row: RowMapping) -> Report:
    values: dict[str, Any] = dict(row)
    values |= {"kind": ReportKind(values["kind"]), "state": ReportState(values["state"])}
    values |= {name: read_time(values[name]) for name in ("due_at", "taken_at")}
    return Report(**(values | {"sent_at": read_optional_time(values["sent_at"])}))


def read_followed(conn: Connection, *, is_locked: bool = False) -> int:
    """Entries of the log that were looked at; ``is_locked`` keeps others from following it until this transaction ends."""
    statement = select(followed.c.size)
    return int(conn.execute(statement.with_for_update() if is_locked else statement).scalar_one())


def write_followed(conn: Connection, size: int) -> None:
    """The log was looked at up to here."""
    conn.execute(update(followed).values(size=size))


def list_logged_events(conn: Connection, after: int, limit: int) -> tuple[list[tuple[int, EventRecord]], int]:
    """The events behind the next ``limit`` entries of the log, by index, and the index behind the last of these entries."""
    end = conn.execute(select(func.max(log.c.log_index)).where(log.c.log_index >= after, log.c.log_index < after + limit)).scalar()
    if end is None:
        return [], after
    rows = conn.execute(
        select(log.c.log_index, events)
        .join_from(log, events, events.c.entry_id == log.c.entry_id)
        .where(log.c.log_index >= after, log.c.log_index <= end)
        .order_by(log.c.log_index)
    ).mappings()
    found = []
    for row in rows:
        values = {name: row[name] for name in EventRecord.__slots__}
        found.append((int(row["log_index"]), EventRecord(**values | {"event": LicenceEvent(row["event"]), "at": read_time(row["at"])})))
    return found, int(end) + 1


def list_untold_types(conn: Connection, limit: int) -> list[tuple[str, int, str]]:
    """Versions of types, published or retired, of which there is no report in this state: code, version, state."""
    told = exists().where(
        reports.c.subject == types.c.code, reports.c.type_version == types.c.version, reports.c.type_state == types.c.state
    )
    rows = conn.execute(
        select(types.c.code, types.c.version, types.c.state)
        .where(types.c.state.in_(REPORTED_STATES), ~told)
        .order_by(types.c.code, types.c.version)
        .limit(limit)
    )
    return [(str(code), int(version), str(state)) for code, version, state in rows]


def insert_licence_report(
    conn: Connection, *, key: str, root_id: str, type_code: str, event: EventRecord, log_index: int, at: datetime
) -> None:
    """An event that is to be told."""
    told = {"licence_id": event.licence_id, "event_position": event.position, "type_version": None, "type_state": None}
    _insert(conn, key, ReportKind.LICENCE, root_id, at, told | {"type_code": type_code, "log_index": log_index})


def insert_type_report(conn: Connection, code: str, version: int, state: str, at: datetime) -> None:
    """A version of a type that is to be told in the state it has."""
    told = {"licence_id": None, "event_position": None, "type_code": code, "type_version": version, "type_state": state}
    _insert(conn, type_key(code, version, state), ReportKind.TYPE, code, at, told | {"log_index": None})


def insert_erasure_report(conn: Connection, record: LicenceRecord, at: datetime) -> bool:
    """That what a licence said was erased is to be told, where anything of it is or will be told; whether it is."""
    if conn.execute(select(reports.c.number).where(*_of_licence(record.root_id, record.id)).limit(1)).first() is None:
        return False
    told = {"licence_id": record.id, "event_position": None, "type_code": record.type_code, "type_version": None, "type_state": None}
    _insert(conn, erasure_key(record.identifier, record.version), ReportKind.ERASURE, record.root_id, at, told | {"log_index": None})
    return True


def note_erasure(conn: Connection, erasure: Report, digest: bytes) -> None:
    """The region keeps nothing of a licence's reports any more but their keys: each has the digest of the erasure now."""
    kept = reports.c.kind == ReportKind.LICENCE.value, reports.c.state == ReportState.SENT.value
    conn.execute(update(reports).where(*_of_licence(erasure.subject, erasure.licence_id or ""), *kept).values(digest=digest))


def _of_licence(root_id: str, licence_id: str) -> tuple[ColumnElement[bool], ...]:
    return reports.c.subject == root_id, reports.c.licence_id == licence_id


def _insert(conn: Connection, key: str, kind: ReportKind, subject: str, at: datetime, told: dict[str, Any]) -> None:
    begun = {"map_name": "", "is_replacing": False, "state": ReportState.WAITING.value, "attempts": 0}
    times = {"due_at": write_time(at), "taken_at": write_time(at)}
    conn.execute(insert(reports), {"key": key, "kind": kind.value, "subject": subject, **told, **begun, **times})


def load_report(conn: Connection, number: int, *, is_locked: bool = False) -> Report | None:
    """One report; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(reports).where(reports.c.number == number)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _report(row)


def list_due_reports(conn: Connection, at: datetime, limit: int) -> list[Report]:
    """What is to be sent now: of each subject only the first report that has not reached the region.

    An erasure waits for nothing but what of its licence is on its way just now: nothing is to arrive behind it that was written before it.
    """
    earlier = reports.alias()
    is_unsent = and_(earlier.c.subject == reports.c.subject, earlier.c.number < reports.c.number, earlier.c.state != ReportState.SENT.value)
    is_on_its_way = and_(
        earlier.c.licence_id == reports.c.licence_id,
        earlier.c.state == ReportState.WAITING.value,
        earlier.c.attempts > 0,
        earlier.c.due_at > write_time(at),
    )
    is_held_back = exists().where(is_unsent, or_(reports.c.kind != ReportKind.ERASURE.value, is_on_its_way))
    statement = (
        select(reports)
        .where(reports.c.state == ReportState.WAITING.value, reports.c.due_at <= write_time(at), ~is_held_back)
        .order_by(reports.c.due_at, reports.c.number)
        .limit(limit)
    )
    return [_report(row) for row in conn.execute(statement).mappings()]


def list_reports(conn: Connection, *, state: ReportState | None, after: int, limit: int) -> list[Report]:
    """Reports by number, behind ``after``."""
    statement = select(reports).where(reports.c.number > after).order_by(reports.c.number).limit(limit)
    if state is not None:
        statement = statement.where(reports.c.state == state.value)
    return [_report(row) for row in conn.execute(statement).mappings()]


def count_unsent(conn: Connection) -> dict[ReportState, int]:
    """How many wait and how many were given up."""
    rows = conn.execute(select(reports.c.state, func.count()).where(reports.c.state.in_(_UNSENT)).group_by(reports.c.state))
    return {ReportState.WAITING: 0, ReportState.DEAD: 0} | {ReportState(state): int(count) for state, count in rows}


def oldest_waiting(conn: Connection) -> datetime | None:
    """Since when the report that waits longest is waiting."""
    waiting = reports.c.state == ReportState.WAITING.value
    return read_optional_time(conn.execute(select(func.min(reports.c.taken_at)).where(waiting)).scalar())


def update_report(conn: Connection, before: Report, after: Report) -> bool:
    """Everything of a report that may change, if it is as ``before`` had it: whether it was."""
    values = {
        "map_name": after.map_name,
        "digest": after.digest,
        "is_replacing": after.is_replacing,
        "state": after.state.value,
        "attempts": after.attempts,
        "due_at": write_time(after.due_at),
        "last_error": after.last_error,
        "receipt": after.receipt,
        "sent_at": write_optional_time(after.sent_at),
    }
    as_before = and_(
        reports.c.number == before.number,
        reports.c.state == before.state.value,
        reports.c.attempts == before.attempts,
        reports.c.due_at == write_time(before.due_at),
    )
    return conn.execute(update(reports).where(as_before).values(values)).rowcount == 1


def stream_sent(conn: Connection, tree: ReportTree, first: int, end: int) -> Iterator[tuple[int, str, bytes]]:
    """Place, key and digest of what the region has acknowledged, from a place of a tree to before another, in their order."""
    place, is_in_it = _place(tree)
    rows = conn.execute(
        select(place, reports.c.key, reports.c.digest)
        .where(is_in_it, place >= first, place < end, reports.c.state == ReportState.SENT.value)
        .order_by(place)
        .execution_options(stream_results=True)
    )
    for at, key, digest in rows:
        yield int(at), str(key), bytes(digest)


def read_size(conn: Connection, tree: ReportTree) -> int:
    """The place of a tree from which on nothing was looked at, or entered, yet."""
    if tree is ReportTree.LOG:
        return read_followed(conn)
    place, is_in_it = _place(tree)
    return int(conn.execute(select(func.coalesce(func.max(place) + 1, 0)).where(is_in_it)).scalar_one())


def load_report_of_place(conn: Connection, tree: ReportTree, at: int) -> Report | None:
    """The report at a place of a tree."""
    place, is_in_it = _place(tree)
    row = conn.execute(select(reports).where(is_in_it, place == at)).mappings().one_or_none()
    return None if row is None else _report(row)


def _place(tree: ReportTree) -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """What a report's place in a tree is, and which reports are in it."""
    if tree is ReportTree.LOG:
        return reports.c.log_index, reports.c.log_index.is_not(None)
    return reports.c.number, reports.c.log_index.is_(None)
