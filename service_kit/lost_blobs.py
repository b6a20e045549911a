"""Blobs that no backup has: put on record as lost, so that checks count them apart and the next loss is seen.

The record is the audit trail itself: nothing but an entry of this deployment's own key takes a blob out of the findings. It ends when a check
finds the blob there again, which is recorded as well, so that losing it once more is a finding.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from service_kit.audit import read_entry
from service_kit.named_blobs import named_blobs
from service_kit.tables import audit as audit_table
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from service_kit.audit import Audit, AuditEntry, Fact
    from service_kit.blobs import Blobs
    from service_kit.database import Database
    from service_kit.named_blobs import BlobPlace

SUBJECT: Final = "documents"
LOST: Final = "document.lost"
BACK: Final = "document.back"
REASON_CHARACTERS: Final = 256


def lost_on_record(connection: Connection, audit: Audit) -> frozenset[str]:
    """The blobs that are on record as lost."""
    return _lost(audit.own_entries(connection, SUBJECT, (LOST, BACK)))


def lost_as_told(connection: Connection) -> frozenset[str]:
    """The same of a database whose key is not at hand, as it says: nothing in it is proved."""
    of_them = select(audit_table.c.entry).where(audit_table.c.subject == SUBJECT, audit_table.c.action.in_((LOST, BACK)))
    return _lost(_readable(row.entry for row in connection.execute(of_them.order_by(audit_table.c.position.desc()))))


def _readable(entries: Iterable[bytes]) -> Iterator[AuditEntry]:
    for data in entries:
        try:
            entry = read_entry(data)
        except (ValueError, KeyError, TypeError):  # written past the program: it tells of no loss
            continue
        if isinstance(entry.facts, dict) and "blob" in entry.facts:
            yield entry


def _lost(newest_first: Iterable[AuditEntry]) -> frozenset[str]:
    latest: dict[str, str] = {}
    for entry in newest_first:
        latest.setdefault(str(entry.facts["blob"]), entry.action)
    return frozenset(blob for blob, action in latest.items() if action == LOST)


def record_losses(
    database: Database,
    blobs: Blobs,
    places: Sequence[BlobPlace],
    audit: Audit,
    lost: Sequence[str],
    *,
    actor: str,
    reason: str,
    at: datetime,
) -> int:
    """Put blobs on record as lost, all of them or none; returns how many were not yet. ``lost``: SM3 in hexadecimal. ``at``: aware UTC.

    TrustError FIELD_UNACCEPTABLE (reason), BLOB_UNNAMED (no row names it), BLOB_PRESENT (it is there), BLOB_STORE_UNAVAILABLE.
    """
    if not 1 <= len(reason.strip()) <= REASON_CHARACTERS or not is_printable(reason):
        rule = f"1 to {REASON_CHARACTERS} visible characters"
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="reason", rule=rule)
    is_stored = blobs.listed()
    asked = set(lost)
    with database.read() as connection:
        rows = [each for each in named_blobs(connection, places) if each.blob in asked]
        known = lost_on_record(connection, audit)
    first = {each.blob: each for each in reversed(rows)}
    counts = Counter(each.blob for each in rows)
    for blob in lost:
        if blob not in first:
            raise TrustError(Kind.NOT_FOUND, "BLOB_UNNAMED", blob=blob[:100])
        if is_stored(blob):
            raise TrustError(Kind.CONFLICT, "BLOB_PRESENT", blob=blob)
    new = [first[blob] for blob in sorted(asked - known)]

    def record(connection: Connection) -> None:
        for each in new:
            facts: dict[str, Fact] = {"blob": each.blob, "table": each.table, "row": each.row, "rows": counts[each.blob], "reason": reason}
            audit.record(connection, at=at, actor=actor, action=LOST, subject=SUBJECT, outcome="done", facts=facts)

    if new:
        database.write(record)
    return len(new)


def end_losses(database: Database, audit: Audit, is_stored: Callable[[str], bool], *, actor: str, at: datetime) -> frozenset[str]:
    """Record of what was lost and is there again that it is back; returns what stays on record as lost."""
    with database.read() as connection:
        lost = lost_on_record(connection, audit)
    back = sorted(blob for blob in lost if is_stored(blob))

    def record(connection: Connection) -> None:
        for blob in back:
            audit.record(connection, at=at, actor=actor, action=BACK, subject=SUBJECT, outcome="done", facts={"blob": blob})

    if back:
        database.write(record)
    return lost.difference(back)
