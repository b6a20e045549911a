"""The access log: every use of a licence, found by licence and by whom it was about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, insert, not_, or_, select

from licence_vault.use_tables import use_subjects, uses
from licence_vault.uses import DONE, UseAction, UseMode, UseRecord
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Connection, RowMapping

_NEWEST: Final = 200  # lines that are looked through for one that is there already
_LOOKS: Final = tuple(each.value for each in (UseAction.QUERIED, UseAction.SHOWN, UseAction.DOWNLOADED, UseAction.COPIED))


def _use(row: RowMapping) -> UseRecord:
    values: dict[str, Any] = dict(row)
    values |= {"client": values.pop("client_id"), "at": read_time(values["at"]), "action": UseAction(values["action"])}
    values["mode"] = None if values["mode"] is None else UseMode(values["mode"])
    return UseRecord(**values)


def insert_use(
    conn: Connection,
    *,
    at: datetime,
    licence_id: str | None,
    type_code: str | None,
    client: str,
    actor: str,
    officer_sealed: bytes | None,
    mode: UseMode | None,
    action: UseAction,
    reason: str,
    outcome: str,
    audit_id: str,
    subjects: Collection[bytes],
) -> int:
    """One more line, found by each of ``subjects`` (keyed hashes of holders, 32 bytes); its number."""
    values = {
        "at": write_time(at),
        "licence_id": licence_id,
        "type_code": type_code,
        "client_id": client,
        "actor": actor,
        "officer_sealed": officer_sealed,
        "mode": None if mode is None else mode.value,
        "action": action.value,
        "reason": reason,
        "outcome": outcome,
        "audit_id": audit_id,
    }
    use_id = int(conn.execute(insert(uses).returning(uses.c.id), values).scalar_one())
    if subjects:
        conn.execute(insert(use_subjects), [{"code_digest": each, "use_id": use_id} for each in sorted(set(subjects))])
    return use_id


def list_uses_of_subjects(
    conn: Connection,
    subjects: Collection[bytes],
    *,
    before: int | None,
    limit: int,
    without_looks_of: str | None = None,
    licence_id: str | None = None,
) -> list[UseRecord]:
    """Uses about any of these holders, newest first, from behind the number ``before``; ``without_looks_of``: a person, as ``Caller.actor`` ends
    with his name, what he looked at himself, as a holder or for one, being left out; ``licence_id``: of one licence only.
    """
    about = select(use_subjects.c.use_id).where(use_subjects.c.code_digest.in_(subjects))
    statement = select(uses).where(uses.c.id.in_(about))
    if licence_id is not None:
        statement = statement.where(uses.c.licence_id == licence_id)
    if without_looks_of is not None:
        is_look = or_(uses.c.mode == UseMode.OWN.value, and_(uses.c.mode == UseMode.ENTRUSTED.value, uses.c.action.in_(_LOOKS)))
        is_his = or_(*(_ends_with(uses.c.actor, f" {word} {without_looks_of}") for word in ("for", "by")))
        statement = statement.where(uses.c.mode.is_(None) | not_(and_(is_look, is_his)))
    if before is not None:
        statement = statement.where(uses.c.id < before)
    return [_use(row) for row in conn.execute(statement.order_by(uses.c.id.desc()).limit(limit)).mappings()]


def list_uses_of_licence(conn: Connection, licence_id: str, *, before: int | None, limit: int) -> list[UseRecord]:
    """Uses of one licence, without what a holder looked at himself, newest first, from behind the number ``before``."""
    statement = select(uses).where(uses.c.licence_id == licence_id, uses.c.mode.is_(None) | (uses.c.mode != UseMode.OWN.value))
    if before is not None:
        statement = statement.where(uses.c.id < before)
    return [_use(row) for row in conn.execute(statement.order_by(uses.c.id.desc()).limit(limit)).mappings()]


def has_use_since(
    conn: Connection, since: datetime, *, licence_id: str | None, subjects: Collection[bytes], actor: str, action: UseAction, reason: str
) -> bool:
    """Whether such a line is there from ``since`` (aware UTC) on: of a licence, or of none and about one of ``subjects`` (keyed hashes). Among the newest
    lines alone: of a licence that is used all day nobody reads through all of them.
    """
    if licence_id is not None:
        newest = select(uses.c.id).where(uses.c.licence_id == licence_id).order_by(uses.c.id.desc()).limit(_NEWEST)
    else:
        about = use_subjects.c.code_digest.in_(subjects)
        newest = select(use_subjects.c.use_id).where(about).order_by(use_subjects.c.use_id.desc()).limit(_NEWEST)
    which = and_(uses.c.id.in_(newest), uses.c.licence_id == licence_id)  # None: IS NULL
    same = and_(uses.c.actor == actor, uses.c.action == action.value, uses.c.reason == reason, uses.c.outcome == DONE)
    return conn.execute(select(uses.c.id).where(which, same, uses.c.at > write_time(since)).limit(1)).first() is not None


def _ends_with(column: Column[str], end: str) -> ColumnElement[bool]:
    """Exactly: LIKE takes upper and lower case for one in SQLite, and reads underscores."""
    return func.substr(column, func.length(column) + (1 - len(end))) == end
