"""The audit trail: who did what to what, when, with what outcome; recorded in the transaction of the change itself.

An entry is canonical JSON (RFC 8785), kept as bytes. Each carries a MAC (HMAC-SM3) under a key the database does not hold, and the
running number of its writer, so that an altered row, a removed one and one put elsewhere all show, even before the transparency
log has taken them. A writer is one run of one process. Its row 0 has the action ``audit.opened`` and names the latest writers with
the number each had reached: so the end of one writer's rows cannot be cut off unseen once another has begun.

Where an entry cannot be written, the job that asked for it fails with AUDIT_UNAVAILABLE, and all it did is undone.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from crypto.sm3 import hmac_sm3
from service_kit.database_errors import is_connection_lost, is_read_only, is_transient, unavailable_reason
from service_kit.entry_ids import new_entry_id
from service_kit.prepared import execute_text
from service_kit.tables import audit as table
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from service_kit.database import Database

Fact = str | int | bool | None

OPENED: Final = "audit.opened"
FACTS_BYTES: Final = 60_000  # leaves room for the rest of the entry, which has at most 65,535 (C2SP tlog-tiles: its length is a uint16)
NAME_CHARACTERS: Final = 255
ACTION_CHARACTERS: Final = 100
INTEGER_LIMIT: Final = 2**53 - 1  # RFC 8785 3.2.2.3: beyond it, JSON readers disagree
HEADS_NAMED: Final = 16  # writers named by an opened row: more than the workers of one machine
OUTCOMES: Final = frozenset({"intended", "done", "failed", "refused", "voided"})

_quote = json.encoder.encode_basestring
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_ZERO: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it was recorded. ``entry`` is what was MACed and what is logged; the other fields are read from it."""

    entry_id: str
    writer_id: str
    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str
    facts: Mapping[str, Fact]
    entry: bytes
    log_index: int | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A row that lacks only what is known when it is written: its number and writer."""

    entry_id: str
    at: datetime
    actor: str
    action: str
    subject: str
    head: bytes
    tail: bytes


class Audit:
    """The trail of one process. ``mac_key``: 32 bytes from the keystore. ``writer_id``: this run of this process (``new_writer_id``)."""

    def __init__(self, database: Database, mac_key: bytes, writer_id: str) -> None:
        if len(mac_key) < 16:
            raise ValueError("the MAC key has at least 16 bytes")
        self.writer_id: Final = writer_id
        self._database = database
        self._mac_key = mac_key
        self._writer_json = _quote(writer_id)
        self._next: int | None = None
        self._written = 0
        self._placeholders = "(?,?,?,?,?,?,?,?)" if database.is_sqlite else "(%s,%s,%s,%s,%s,%s,%s,%s)"
        database.hold_row_key(mac_key)  # rows that give rights count by the trail in which their giving stands

    def __repr__(self) -> str:
        return f"Audit(writer_id={self.writer_id!r})"

    def record(
        self,
        connection: Connection,
        *,
        at: datetime,
        actor: str,
        action: str,
        subject: str,
        outcome: str,
        facts: Mapping[str, Fact] | None = None,
    ) -> str:
        """Record within a write job, on its connection; returns the entry's id (UUIDv7).

        ``at``: aware UTC. ``actor``, ``subject``: who and what, such as ``client:portal-1`` (at most 255 characters). ``outcome``: one
        of OUTCOMES. ``facts``: small, no secrets, no documents. The entry is durable when the job's ``write`` has returned.
        Raises TrustError AUDIT_ENTRY_TOO_LARGE, TEXT_NOT_UNICODE; where the row cannot be written, ``write`` raises AUDIT_UNAVAILABLE.
        """
        waiting = self._prepare(at, actor, action, subject, outcome, facts)
        self._database.defer(connection, self, waiting)
        return waiting.entry_id

    def own_entries(self, connection: Connection, subject: str, actions: Collection[str]) -> Iterator[AuditEntry]:
        """The entries of some actions on a subject that this trail's key made, newest first; none whose columns say anything else than the entry:
        a copy under another name, or behind what was recorded since, proves nothing.
        """
        of_it = select(table).where(table.c.subject == subject, table.c.action.in_(actions))
        for row in connection.execute(of_it.order_by(table.c.position.desc())):
            if not hmac.compare_digest(hmac_sm3(self._mac_key, row.entry), row.mac):
                continue
            entry = read_entry(row.entry, row.log_index)
            made = (entry.entry_id, entry.writer_id, entry.number, entry.actor, entry.action, entry.subject)
            if made == (row.entry_id, row.writer_id, row.number, row.actor, row.action, row.subject):
                yield entry

    @staticmethod
    def _prepare(at: datetime, actor: str, action: str, subject: str, outcome: str, facts: Mapping[str, Fact] | None) -> _Waiting:
        if at.utcoffset() != _ZERO:
            raise ValueError("the time of an entry is aware UTC")
        if outcome not in OUTCOMES:
            raise ValueError(f"not an outcome: {outcome}")
        if len(actor) > NAME_CHARACTERS or len(subject) > NAME_CHARACTERS or len(action) > ACTION_CHARACTERS:
            raise TrustError(Kind.TOO_LARGE, "AUDIT_ENTRY_TOO_LARGE", limit=NAME_CHARACTERS)
        facts_json = _encode(facts) if facts else "{}"
        if facts:
            _check_facts(facts)
        entry_id = new_entry_id(at)
        instant = at.isoformat(timespec="microseconds")[:26]
        try:
            head = (
                f'{{"action":{_quote(action)},"actor":{_quote(actor)},"at":"{instant}Z","facts":{facts_json},"id":"{entry_id}","number":'
            ).encode()
            tail = f',"outcome":"{outcome}","subject":{_quote(subject)},"v":1,"writer":'.encode()
        except UnicodeEncodeError:
            raise TrustError(Kind.MALFORMED, "TEXT_NOT_UNICODE") from None
        if len(head) > FACTS_BYTES:
            raise TrustError(Kind.TOO_LARGE, "AUDIT_ENTRY_TOO_LARGE", limit=FACTS_BYTES)
        return _Waiting(entry_id, at, actor, action, subject, head, tail)

    # ---- as RowSink of the database's writer, in its thread

    def write_rows(self, connection: Connection, rows: Sequence[_Waiting]) -> None:
        """Number, MAC and insert all rows of a batch by one statement."""
        try:
            if self._next is None:
                rows = [*self._open(connection, rows[0].at), *rows]
            number = self._next or 0
            key, writer_id, end = self._mac_key, self.writer_id, (self._writer_json + "}").encode()
            values: list[Any] = []
            for row in rows:
                entry = b"%b%d%b%b" % (row.head, number, row.tail, end)
                values += (row.entry_id, entry, writer_id, number, row.actor, row.action, row.subject, hmac_sm3(key, entry))
                number += 1
            self._written = number
            execute_text(
                connection,
                "INSERT INTO kit_audit (entry_id, entry, writer_id, number, actor, action, subject, mac) VALUES "  # noqa: S608 - placeholders only
                + ",".join([self._placeholders] * len(rows)),
                values,
            )
        except Exception as error:  # edge: whatever prevents the row, the change must not happen
            if is_transient(error) or is_connection_lost(error) or is_read_only(error):
                raise
            raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE", reason=unavailable_reason(error) or "cannot be written") from error

    def rows_committed(self) -> None:
        """The numbers given out are used."""
        self._next = self._written

    def rows_undone(self) -> None:
        """Look again how far the numbers go: the commit may have been refused, or its answer lost."""
        self._next = None

    def _open(self, connection: Connection, at: datetime) -> Sequence[_Waiting]:
        reached = connection.execute(select(func.max(table.c.number)).where(table.c.writer_id == self.writer_id)).scalar()
        if reached is not None:
            self._next = int(reached) + 1
            return ()
        self._next = 0
        latest = select(table.c.writer_id).where(table.c.number == 0).order_by(table.c.position.desc()).limit(HEADS_NAMED)
        heads: dict[str, Fact] = {}
        for writer_id in connection.execute(latest).scalars().all():
            heads[writer_id] = connection.execute(select(func.max(table.c.number)).where(table.c.writer_id == writer_id)).scalar()
        return (self._prepare(at, f"writer:{self.writer_id}", OPENED, "audit", "done", heads),)


def _check_facts(facts: Mapping[str, Fact]) -> None:
    for name, value in facts.items():
        if type(value) is str and name.isascii():
            continue  # as nearly all are
        if isinstance(value, float) or not (value is None or isinstance(value, str | int)):
            raise TypeError(f"fact {name} is text, an integer, true, false or null")
        if isinstance(value, int) and abs(value) > INTEGER_LIMIT:
            raise TypeError(f"fact {name} is beyond 2^53; give it as text")
        if not name.isascii():
            raise TypeError("names of facts are ASCII")


def new_writer_id() -> str:
    """A name for this run of this process: host, process id and a random part."""
    return f"{socket.gethostname()[:32]}-{os.getpid()}-{os.urandom(6).hex()}"


def read_entry(entry: bytes, log_index: int | None = None) -> AuditEntry:
    """Read an entry's bytes."""
    read = json.loads(entry)
    return AuditEntry(
        entry_id=read["id"],
        writer_id=read["writer"],
        number=read["number"],
        at=datetime.fromisoformat(read["at"]),
        actor=read["actor"],
        action=read["action"],
        subject=read["subject"],
        outcome=read["outcome"],
        facts=read["facts"],
        entry=entry,
        log_index=log_index,
    )


def last_entry(connection: Connection, subject: str, action: str) -> AuditEntry | None:
    """The newest entry of an action on a subject; None where there is none."""
    of_it = select(table.c.entry, table.c.log_index).where(table.c.subject == subject, table.c.action == action)
    row = connection.execute(of_it.order_by(table.c.position.desc()).limit(1)).first()
    return None if row is None else read_entry(row.entry, row.log_index)


def list_entries_since(connection: Connection, subject: str, action: str, *, since: str) -> list[AuditEntry]:
    """The entries of an action on a subject after the newest of the action ``since`` on it (all, where there is none), oldest first."""
    last = select(func.max(table.c.position)).where(table.c.subject == subject, table.c.action == since).scalar_subquery()
    of_it = select(table.c.entry, table.c.log_index).where(table.c.subject == subject, table.c.action == action)
    rows = connection.execute(of_it.where(table.c.position > func.coalesce(last, 0)).order_by(table.c.position))
    return [read_entry(row.entry, row.log_index) for row in rows]


def find_entry(connection: Connection, entry_id: str) -> AuditEntry:
    """One entry by its id; TrustError AUDIT_ENTRY_UNKNOWN."""
    row = connection.execute(select(table.c.entry, table.c.log_index).where(table.c.entry_id == entry_id)).first()
    if row is None:
        raise TrustError(Kind.NOT_FOUND, "AUDIT_ENTRY_UNKNOWN")
    return read_entry(row.entry, row.log_index)
