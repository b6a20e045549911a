"""Looking for damage: every audit row by its MAC and number, every log entry by tiles and checkpoint. Reads everything, changes nothing.

What an attacker with the database can do, and what finds it: alter a row (MAC, leaf hash), remove one (number, index, bundle), put one
in another's place (number, leaf hash), cut off the end (opened rows, head, checkpoint, anchors), remove or set back head and checkpoints (indexes, bundles).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from crypto.checkpoints import verify_checkpoint
from crypto.merkle import GrowingTree, TiledTree, TreeHash
from crypto.sm3 import hmac_sm3
from service_kit.audit import OPENED, read_entry
from service_kit.tables import audit as audit_table
from standards.c2sp_tlog_tiles import HASH_BYTES, TILE_WIDTH, read_bundle
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from crypto.checkpoints import LogIdentity
    from service_kit.database import Database
    from service_kit.log_heads import LogHead
    from service_kit.log_tree import LogTree
    from service_kit.transparency_log import TransparencyLog

CHUNK: Final = 2048
FINDINGS: Final = 100  # after so many the reader knows enough
Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``code`` is stable; the facts name the row or file."""

    code: str
    facts: dict[str, Fact]


@dataclass(slots=True)
class CheckReport:
    """What was looked at and what was found. No finding means: nothing is wrong that these checks can see."""

    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    further: int = 0  # findings over the limit, which are counted and not named
    lost: int = 0  # entries whose loss is on record: counted, and no finding

    def add(self, code: str, **facts: Fact) -> None:
        """Note a finding, up to the limit."""
        if len(self.findings) < FINDINGS:
            self.findings.append(Finding(code, facts))
        else:
            self.further += 1


def check_audit(database: Database, mac_key: bytes) -> CheckReport:
    """Check every audit row: MAC, columns against entry, running numbers, and what opened rows say of earlier writers."""
    report = CheckReport()
    reached: dict[str, int] = {}
    named: list[tuple[str, str, int]] = []
    with database.read() as connection:
        for row in _rows(connection, audit_table, audit_table.c.position):
            report.entries += 1
            _check_audit_row(row, mac_key, reached, named, report)
    for by_writer, writer, number in named:
        if reached.get(writer, -1) < number:
            report.add("AUDIT_END_MISSING", writer=writer, expected_number=number, found_number=reached.get(writer, -1), named_by=by_writer)
    return report


def _check_audit_row(row: Any, mac_key: bytes, reached: dict[str, int], named: list[tuple[str, str, int]], report: CheckReport) -> None:
    where: dict[str, Fact] = {"position": row.position, "entry_id": row.entry_id, "writer": row.writer_id, "number": row.number}
    if not hmac.compare_digest(hmac_sm3(mac_key, row.entry), row.mac):
        report.add("AUDIT_ROW_ALTERED", **where)
        reached[row.writer_id] = max(row.number, reached.get(row.writer_id, -1))
        return
    entry = read_entry(row.entry)  # authentic, so it has the form we gave it
    stated = (entry.entry_id, entry.writer_id, entry.number, entry.actor, entry.action, entry.subject)
    if stated != (row.entry_id, row.writer_id, row.number, row.actor, row.action, row.subject):
        report.add("AUDIT_COLUMNS_DIFFER", **where)
    expected = reached.get(entry.writer_id, -1) + 1
    if entry.number > expected:
        report.add("AUDIT_ROWS_MISSING", before_position=row.position, writer=entry.writer_id, first=expected, last=entry.number - 1)
    elif entry.number < expected:
        report.add("AUDIT_ROW_OUT_OF_ORDER", **where)
    reached[entry.writer_id] = max(entry.number, expected - 1)
    if (entry.number == 0) != (entry.action == OPENED):
        report.add("AUDIT_OPENING_WRONG", **where)
    elif entry.number == 0:
        named += ((entry.writer_id, writer, int(number or 0)) for writer, number in entry.facts.items())


def _rows(connection: Connection, table: Any, order: Any) -> Iterator[Any]:
    """All rows by rising ``order``, in chunks; those that have none are left out. The first is looked for and not assumed: who writes past the
    program gives a row any number, and one below all others would be seen by everybody but this check.
    """
    further = order.is_not(None)
    while True:
        rows = connection.execute(select(table).where(further).order_by(order).limit(CHUNK)).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        further = order > rows[-1]._mapping[order.name]  # noqa: SLF001 - SQLAlchemy's public name for it


def check_log(log: TransparencyLog) -> CheckReport:
    """Check a log: indexes without gap, entries against bundles and leaf hashes, every tile, the roots, the signatures, the anchors."""
    report = CheckReport()
    # What was published is read before the head: read behind it, an anchor of a log that has grown meanwhile would be ahead of it
    notes = {tree.name: ([*log.files.published(tree.name)], log.files.cosigned(tree.name)) for tree in log.trees}
    head = log.head()
    edges = [_TreeCheck(log, tree, head.size, *notes[tree.name]) for tree in log.trees]
    with log.database.read() as connection:
        bundle: list[bytes] = []
        bundle_at = -1
        expected = 0
        for row in _rows(connection, log.table, log.table.c.log_index):
            if row.log_index >= head.size:
                break
            if row.log_index < 0:  # beside the log: no tile has it, and no number that the sequencer gave
                report.add("LOG_INDEX_WRONG", index=row.log_index, entry_id=row.entry_id)
                continue
            while expected < row.log_index:  # rows that are gone: the bundle still knows what they said
                bundle, bundle_at = _bundle(log, expected, head, bundle, bundle_at, report)
                lost = bundle[expected % TILE_WIDTH] if expected % TILE_WIDTH < len(bundle) else b""
                report.add("LOG_ENTRY_MISSING", index=expected, entry_id=_id_in(lost))
                for edge in edges:
                    edge.append(expected, lost, row=None, report=report)
                expected += 1
            bundle, bundle_at = _bundle(log, expected, head, bundle, bundle_at, report)
            kept = bundle[expected % TILE_WIDTH] if expected % TILE_WIDTH < len(bundle) else None
            if kept != row.entry:
                report.add("LOG_BUNDLE_DIFFERS", index=expected, entry_id=row.entry_id, bundle_entry_id=_id_in(kept or b""))
            for edge in edges:
                edge.append(expected, row.entry, row=row, report=report)
            expected += 1
            report.entries += 1
    if expected < head.size:
        report.add("LOG_END_MISSING", first=expected, last=head.size - 1)
    for edge in edges:
        edge.finish(head, complete=expected == head.size, report=report)
    if not any(each.code == "LOG_ROLLED_BACK" for each in report.findings):  # which says as much, and by a signature
        _check_beyond(log, head, report)
    return report


def _check_beyond(log: TransparencyLog, head: LogHead, report: CheckReport) -> None:
    """Whether more entries were numbered than the head knows of: it counts on before it gives an index, and before files are written for it. Where it is
    gone with every checkpoint, or was set back with them, rows and files still show it.
    """
    known = head.size + head.waiting
    files = known - known % TILE_WIDTH + log.files.width_kept(known // TILE_WIDTH)
    with log.database.read() as connection:
        highest = connection.execute(select(func.max(log.table.c.log_index))).scalar()
    rows = 0 if highest is None else int(highest) + 1
    if max(rows, files) <= known:
        return
    now = log.head()  # a log that grew meanwhile has counted on
    if max(rows, files) > now.size + now.waiting:
        report.add("LOG_HEAD_BEHIND", size=now.size, numbered=max(rows, files))


def _bundle(
    log: TransparencyLog, index: int, head: LogHead, known: list[bytes], known_at: int, report: CheckReport
) -> tuple[list[bytes], int]:
    at = index // TILE_WIDTH
    if at == known_at:
        return known, known_at
    width = min(TILE_WIDTH, head.size - at * TILE_WIDTH)
    data = log.files.read_bundle(at, width)
    try:
        if data is None:
            report.add("LOG_BUNDLE_MISSING", bundle=at)
        return (read_bundle(data) if data is not None else []), at
    except MalformedError:
        report.add("LOG_BUNDLE_DAMAGED", bundle=at)
        return [], at


def _id_in(entry: bytes) -> str | None:
    """The entry id inside an entry's bytes, where it is one of the audit trail's."""
    try:
        return read_entry(entry).entry_id
    except (ValueError, KeyError, TypeError):
        return None


class _TreeCheck:
    """One tree while the entries pass by."""

    def __init__(self, log: TransparencyLog, tree: LogTree, size: int, published: list[bytes], cosigned: bytes | None) -> None:
        self._log, self._tree = log, tree
        self._hash = TreeHash(tree.digest_oid)
        self._edge = GrowingTree(self._hash)
        self._published, self._cosigned = published, cosigned
        self._size = size  # of the head that is checked: the log may have grown since
        self._leaves = b""
        self._leaves_at = -1

    def append(self, index: int, entry: bytes, *, row: Any, report: CheckReport) -> None:
        leaf = self._hash.leaf(entry)
        at, inner = divmod(index, TILE_WIDTH)
        if at != self._leaves_at:
            self._leaves, self._leaves_at = self._tile(0, at, min(TILE_WIDTH, self._size - at * TILE_WIDTH), report), at
        stored = self._leaves[inner * HASH_BYTES : (inner + 1) * HASH_BYTES]
        if row is not None and stored and stored != leaf:
            report.add("LOG_ENTRY_DIFFERS", tree=self._tree.name, index=index, entry_id=row.entry_id, position=row.position)
        for level, tile_index, hashes in self._edge.append([leaf]):
            if level and self._tile(level, tile_index, TILE_WIDTH, report) != hashes:
                report.add("LOG_TILE_DIFFERS", tree=self._tree.name, level=level, tile=tile_index)

    def _tile(self, level: int, index: int, width: int, report: CheckReport) -> bytes:
        try:
            return self._log.files.read_tile(self._tree.name, level, index, width)
        except TrustError:
            report.add("LOG_TILE_MISSING", tree=self._tree.name, level=level, tile=index)
            return b""

    def finish(self, head: LogHead, *, complete: bool, report: CheckReport) -> None:
        tree = self._tree
        if not head.size:  # nothing is signed in the database; what was published may say that something was
            for place, notes in (("anchor", self._published), ("cosigned", [] if self._cosigned is None else [self._cosigned])):
                found = [self._check_note(note, tree.identity, place, report) for note in notes]
                for size, _ in filter(None, found):
                    if size:
                        report.add("LOG_ROLLED_BACK", tree=tree.name, size=0, published=size)
            return
        for level, index, hashes in self._edge.partial_tiles() if complete else ():
            if level and self._tile(level, index, len(hashes) // HASH_BYTES, report) != hashes:
                report.add("LOG_TILE_DIFFERS", tree=tree.name, level=level, tile=index)
        # What was published there cannot be held against the database: it may be an older one
        for file in self._log.files.unpublished(tree.name):
            report.add("LOG_CHECKPOINT_MISSING", tree=tree.name, file=file)
        root = self._check_note(head.checkpoints.get(tree.name, b""), tree.identity, "head", report)
        if root is not None and root != (head.size, self._edge.root()):
            report.add("LOG_ROOT_DIFFERS", tree=tree.name, size=head.size)
        for note in self._published:
            anchor = self._check_note(note, tree.identity, "anchor", report)
            if anchor is not None and anchor[0] > head.size:
                report.add("LOG_ROLLED_BACK", tree=tree.name, size=head.size, published=anchor[0])
            elif anchor is not None and anchor[0] == head.size and root is not None and anchor[1] != root[1]:
                report.add("LOG_FORKED", tree=tree.name, size=head.size)
            elif anchor is not None and anchor[0] < head.size and self._root_at(anchor[0]) != anchor[1]:  # the log has grown past it
                report.add("LOG_FORKED", tree=tree.name, size=anchor[0])

        cosigned = self._cosigned
        seen = None if cosigned is None else self._check_note(cosigned, tree.identity, "cosigned", report)
        if seen is not None and seen[0] > head.size:
            report.add("LOG_ROLLED_BACK", tree=tree.name, size=head.size, published=seen[0])
        elif seen is not None and self._root_at(seen[0]) != seen[1]:
            report.add("LOG_FORKED", tree=tree.name, size=seen[0])

    def _root_at(self, size: int) -> bytes | None:
        """The root the tiles give for an earlier size; None where they are damaged, which is a finding of its own."""
        try:
            return TiledTree(self._hash, size, partial(self._log.files.read_tile, self._tree.name)).root()
        except TrustError:
            return None

    def _check_note(self, note: bytes, identity: LogIdentity, place: str, report: CheckReport) -> tuple[int, bytes] | None:
        result = verify_checkpoint(note, identity)
        if result.verified is not True or result.checkpoint is None:
            report.add("LOG_CHECKPOINT_NOT_OURS", tree=self._tree.name, place=place)
            return None
        return result.checkpoint.size, result.checkpoint.root
