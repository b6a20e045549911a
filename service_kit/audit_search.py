"""Searching the audit trail: by whom, of what kind, about what, when.

Only the subject has an index beside the order itself; an index for every question would be paid for by every change of the house. So a
search looks at so many rows at once, and says where to go on: what it costs is bounded, whatever is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from service_kit.audit import read_entry
from service_kit.csv_tables import MARK, write_rows
from service_kit.tables import audit as table
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from service_kit.audit import AuditEntry
    from service_kit.database import Database

ROWS_SEARCHED: Final = 100_000  # in one answer; a tenth of a second
EXPORT_ROWS: Final = 100_000
EXPORT_PAGE: Final = 500
_COLUMNS: Final = ("id", "at", "actor", "action", "subject", "outcome", "facts", "writer", "number", "log_index")


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What is looked for; None: anything. ``action``: whole, or with a dot at its end the beginning of it. ``since`` (included) and ``until``
    (excluded): aware UTC, exact to the millisecond.
    """

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundEntries:
    """Entries, newest first. ``next_before``: what to give as ``before`` to go on, None where there is nothing left; the page may be empty then."""

    entries: tuple[AuditEntry, ...]
    next_before: str | None


def search_entries(connection: Connection, search: AuditSearch, *, before: str | None = None, limit: int = 100) -> FoundEntries:
    """Up to ``limit`` entries from behind the entry ``before``; fewer where ``ROWS_SEARCHED`` rows did not hold as many. AUDIT_ENTRY_UNKNOWN."""
    # 1. Which rows are looked at
    top = connection.execute(select(func.max(table.c.position))).scalar() or 0
    if before is not None:
        behind = connection.execute(select(table.c.position).where(table.c.entry_id == before)).scalar()
        if behind is None:
            raise TrustError(Kind.NOT_FOUND, "AUDIT_ENTRY_UNKNOWN")
        top = behind - 1
    elif search.until is not None:
        top = _last_of_before(connection, _least_id(search.until), top)
    bottom = 0 if search.subject is not None else max(0, top - ROWS_SEARCHED)

    # 2. The entries among them
    wanted = select(table.c.entry_id, table.c.entry, table.c.log_index).where(table.c.position <= top, table.c.position > bottom)
    if search.subject is not None:
        wanted = wanted.where(table.c.subject == search.subject)
    if search.actor is not None:
        wanted = wanted.where(table.c.actor == search.actor)
    if search.action is not None:
        is_beginning = search.action.endswith(".")
        wanted = wanted.where(
            table.c.action.startswith(search.action, autoescape=True) if is_beginning else table.c.action == search.action
        )
    if search.since is not None:
        wanted = wanted.where(table.c.entry_id >= _least_id(search.since))
    if search.until is not None:
        wanted = wanted.where(table.c.entry_id < _least_id(search.until))
    rows = connection.execute(wanted.order_by(table.c.position.desc()).limit(limit + 1)).all()
    entries = tuple(read_entry(row.entry, row.log_index) for row in rows[:limit])
    if len(rows) > limit:
        return FoundEntries(entries, rows[limit - 1].entry_id)

    # 3. Where to go on: below the rows that were looked at, if anything there can be of the time that is asked for
    if bottom == 0:
        return FoundEntries(entries, None)
    lowest = select(table.c.entry_id).where(table.c.position > bottom).order_by(table.c.position).limit(1)
    last: str | None = connection.execute(lowest).scalar()
    if search.since is not None and last is not None and last < _least_id(search.since):
        further = select(table.c.position).where(table.c.entry_id >= _least_id(search.since), table.c.position <= bottom).limit(1)
        if connection.execute(further).first() is None:
            return FoundEntries(entries, None)
    return FoundEntries(entries, last)


def _last_of_before(connection: Connection, least_id: str, top: int) -> int:
    """The position of the last row whose id is below ``least_id``; 0 where there is none. Rows stand in the order in which they were written, ids in that of
    the times at which what they tell of was begun: a row may stand behind many with later ids, and is looked for among so many.
    """
    newest = connection.execute(select(table.c.entry_id).where(table.c.position == top)).scalar()
    if newest is None or newest < least_id:
        return top
    nearest = select(table.c.position).where(table.c.entry_id < least_id).order_by(table.c.entry_id.desc()).limit(1)
    at: int = connection.execute(nearest).scalar() or 0
    within = (table.c.position > at, table.c.position <= at + ROWS_SEARCHED)
    late = select(table.c.position).where(*within, table.c.entry_id < least_id).order_by(table.c.position.desc()).limit(1)
    return (connection.execute(late).scalar() or at) if at else 0


def export_entries(database: Database, search: AuditSearch) -> Iterator[bytes]:
    """What a search finds as CSV (UTF-8 with its mark, RFC 4180), newest first, page by page; the last line says where it was cut off."""
    yield MARK + write_rows([_COLUMNS])
    before, written = None, 0
    while True:
        with database.read() as connection:
            found = search_entries(connection, search, before=before, limit=min(EXPORT_PAGE, EXPORT_ROWS - written))
        if found.entries:
            yield write_rows([_row(each) for each in found.entries])
        before, written = found.next_before, written + len(found.entries)
        if before is None:
            return
        if written >= EXPORT_ROWS:
            yield write_rows([(f"# {EXPORT_ROWS} lines: more may follow; ask for a shorter period", *[""] * (len(_COLUMNS) - 1))])
            return


def _least_id(at: datetime) -> str:
    """The least id that an entry of that millisecond can have (UUIDv7)."""
    text = f"{(int(at.timestamp() * 1000) & 0xFFFFFFFFFFFF):012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"


def _row(entry: AuditEntry) -> tuple[str, ...]:
    at = entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    facts = json.dumps(dict(entry.facts), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    texts = (entry.entry_id, at, entry.actor, entry.action, entry.subject, entry.outcome, facts, entry.writer_id)
    index = "" if entry.log_index is None else str(entry.log_index)
    return (*texts, str(entry.number), index)
