"""The transparency log: rows that are already durable are put into an order nobody can change unseen.

A log is one stream of entries (a table made by ``tables.log_table``) under one or more Merkle trees, each with its own digest, origin
and keys. A turn of the sequencer goes in steps, every one of which may be the last before a crash:

1. lead: hold the lease, and give the waiting rows their indexes (transaction A). From here on their order is fixed.
2. write bundles and tiles for all indexed entries: immutable files, the same bytes whoever writes them.
3. sign a checkpoint for each tree. No two checkpoints can contradict each other, because indexes are never given anew.
4. move the head on by compare-and-swap (transaction B). Who is too late loses, and has done no harm.
5. publish: replace the checkpoint files, here and at the anchors.

A database that is older than a published checkpoint was restored from a backup: the log refuses to go on (LOG_ROLLED_BACK), because
new entries would take indexes that others have seen taken.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select

from crypto.checkpoints import Receipt, verify_checkpoint
from crypto.merkle import GrowingTree, TiledTree, TreeHash
from service_kit.audit import new_writer_id
from service_kit.fail_points import reach
from service_kit.log_files import LogFiles, files_unavailable
from service_kit.log_heads import HEAD, LEAD, MOVE, LogHead, is_led_by_another, numbering_of, read_head
from service_kit.prepared import Prepared
from service_kit.tables import log_head as heads
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.c2sp_tlog_tiles import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, write_bundle
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from service_kit.clock import Clock
    from service_kit.database import Database
    from service_kit.log_tree import LogTree

BATCH: Final = 4096  # entries per turn: some 30 ms of the writer's time
INTERVAL_SECONDS: Final = 0.5  # twice the promised pace of one checkpoint a second
LEASE_SECONDS: Final = 2.0  # how long the log stands still when the leader dies
_logger = logging.getLogger(__name__)


class TransparencyLog:
    """One log. Reading works in every process; writing in the one that leads."""

    def __init__(
        self,
        database: Database,
        name: str,
        table: Table,
        folder: Path,
        trees: Sequence[LogTree],
        clock: Clock,
        *,
        anchor_folders: Sequence[Path] = (),
        interval_seconds: float = INTERVAL_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
        batch: int = BATCH,
    ) -> None:
        if not trees or len({tree.origin for tree in trees}) < len(trees) or len({tree.name for tree in trees}) < len(trees):
            raise ValueError("a log has at least one tree, each with a name and an origin of its own")
        self.name: Final = name
        self.trees: Final = tuple(trees)
        self.table: Final = table
        self.files: Final = LogFiles(folder, anchor_folders)
        self.database: Final = database
        self._clock = clock
        self._interval = interval_seconds
        self._lease_microseconds = int(lease_seconds * 1_000_000)
        self._batch = batch
        self._holder = new_writer_id()
        self._growing: list[GrowingTree] | None = None
        self._last_bundle = b""  # content of the last bundle where it is not full and the trees above come from this process; else nothing
        self._is_signed = False  # the head, by every key that signs now: looked at when it is loaded
        self._proving: dict[str, TiledTree] = {}
        self._waiting = Prepared(select(table.c.position).where(table.c.log_index.is_(None)).limit(1))
        self._numbering = Prepared(numbering_of(table))
        self._indexed = Prepared(
            select(table.c.entry, table.c.log_index)
            .where(table.c.log_index >= bindparam("first"), table.c.log_index < bindparam("end"))
            .order_by(table.c.log_index)
        )
        self._found = (
            f"SELECT e.entry, e.log_index, h.size, h.assigned, h.checkpoints FROM {table.name} e "  # noqa: S608 - names of tables
            f"LEFT JOIN {heads.name} h ON h.log = :log WHERE e.entry_id = :entry"
        )
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._moved = threading.Condition()
        self._turns = 0  # that moved the head, of this process
        self._thread: threading.Thread | None = None
        self.sequencing_since: datetime | None = None  # aware UTC; None while no thread of this process does
        self.last_error: TrustError | None = None
        """Why the last turn failed; None when it went well. For readiness."""

    # ---- reading

    def head(self) -> LogHead:
        """The newest signed state."""
        with self.database.read() as connection:
            return read_head(HEAD.first(connection, {"of": self.name}))

    def tree_named(self, name: str | None) -> LogTree:
        """A tree by its name; the first where none is named. TrustError LOG_TREE_UNKNOWN."""
        for tree in self.trees:
            if name in {None, tree.name}:
                return tree
        raise TrustError(Kind.NOT_FOUND, "LOG_TREE_UNKNOWN")

    def receipt(self, entry_id: str, tree_name: str | None = None) -> Receipt:
        """The entry with its index, inclusion proof and signed checkpoint: all a stranger needs.

        TrustError LOG_ENTRY_UNKNOWN; LOG_ENTRY_PENDING (not yet under a checkpoint: come again in a second).
        """
        tree = self.tree_named(tree_name)
        return self._receipt(tree, *self._entry_and_head(entry_id))

    def receipts(self, entry_id: str) -> dict[str, Receipt]:
        """The receipts of an entry in all trees, by their names, all under one state of the log. Errors as ``receipt``."""
        row, head = self._entry_and_head(entry_id)
        return {tree.name: self._receipt(tree, row, head) for tree in self.trees}

    def _entry_and_head(self, entry_id: str) -> tuple[Any, LogHead]:
        # One look by key, since nearly everybody who comes too early comes again and again
        found = self.database.look(self._found, {"log": self.name, "entry": entry_id})
        if found is None:
            raise TrustError(Kind.NOT_FOUND, "LOG_ENTRY_UNKNOWN")
        entry, index, size, assigned, checkpoints = found
        if index is None or size is None or index >= size:
            raise self._pending()
        head = read_head({"size": size, "assigned": assigned, "checkpoints": checkpoints})
        return SimpleNamespace(entry=entry, log_index=index), head

    def receipt_at(self, index: int, tree_name: str | None = None) -> Receipt:
        """The same for the entry with this index. TrustError LOG_INDEX_UNKNOWN."""
        tree = self.tree_named(tree_name)
        with self.database.read() as connection:
            columns = self.table.c
            row = connection.execute(select(columns.entry, columns.log_index).where(columns.log_index == index)).first()
            head = read_head(HEAD.first(connection, {"of": self.name}))
        if row is None or index >= head.size:
            raise TrustError(Kind.NOT_FOUND, "LOG_INDEX_UNKNOWN", index=index, size=head.size)
        return self._receipt(tree, row, head)

    def _receipt(self, tree: LogTree, row: Any, head: LogHead) -> Receipt:
        """Under the newest checkpoint that witnesses have cosigned, where it covers the entry; else under the newest."""
        size, note = head.size, head.checkpoints[tree.name]
        cosigned = self.files.cosigned(tree.name)
        if cosigned is not None:
            seen = verify_checkpoint(cosigned, tree.believed)  # one that is not ours is passed over; the check of the log names it
            if seen.verified is True and seen.checkpoint is not None and row.log_index < seen.checkpoint.size <= head.size:
                size, note = seen.checkpoint.size, cosigned
        return Receipt(row.entry, row.log_index, self._proving_tree(tree, size).inclusion_proof(row.log_index), note)

    @property
    def turns(self) -> int:
        """How many turns of this process have put entries under a checkpoint."""
        return self._turns

    def wait_beyond(self, turns: int, seconds: float) -> None:
        """Wait until this process has put entries under a checkpoint since ``turns``, at most so long; another process may do it unheard."""
        with self._moved:
            self._moved.wait_for(lambda: self._turns != turns, seconds)

    def _pending(self) -> TrustError:
        self._wake.set()  # somebody waits for it: the next turn begins now, where this process leads
        return TrustError(Kind.CONFLICT, "LOG_ENTRY_PENDING", retry_after_seconds=1)

    def inclusion_proof(self, entry_id: str, tree_name: str | None = None) -> tuple[int, tuple[bytes, ...]]:
        """(index, hashes) of an entry under the newest checkpoint."""
        receipt = self.receipt(entry_id, tree_name)
        return receipt.index, receipt.proof

    def consistency_proof(self, older: int, newer: int, tree_name: str | None = None) -> tuple[bytes, ...]:
        """That the tree of ``older`` entries is a prefix of that of ``newer``, whatever sizes had a checkpoint. TrustError LOG_SIZE_UNKNOWN."""
        size = self.head().size
        if newer > size:
            raise TrustError(Kind.NOT_FOUND, "LOG_SIZE_UNKNOWN", asked=newer, size=size)
        tree = self.tree_named(tree_name)
        return TiledTree(TreeHash(tree.digest_oid), newer, partial(self._read_within, tree, size)).consistency_proof(older)

    def _read_within(self, tree: LogTree, size: int, level: int, index: int, width: int) -> bytes:
        """``width`` hashes of a tile, from the tile as it is in the tree of ``size``: one of just that width need never have been written."""
        written = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
        return self.files.read_tile(tree.name, level, index, written)[: width * HASH_BYTES]

    def _proving_tree(self, tree: LogTree, size: int) -> TiledTree:
        """The tree that proofs are made of, kept while its size is asked for: entries come in numbers under one checkpoint."""
        kept = self._proving.get(tree.name)
        if kept is None or kept.size != size:
            older = kept if kept is not None and kept.size < size else None
            kept = self._proving[tree.name] = self._tiled(tree, size, older)
        return kept

    def _tiled(self, tree: LogTree, size: int, older: TiledTree | None = None) -> TiledTree:
        return TiledTree(TreeHash(tree.digest_oid), size, partial(self.files.read_tile, tree.name), older=older)

    # ---- sequencing

    def open(self) -> None:
        """Compare the database with the published checkpoints. TrustError LOG_ROLLED_BACK, LOG_FORKED: the deployment must not go on."""
        with self._turn:
            self._load()

    def start(self) -> None:
        """Sequence in a thread of this process. Raises as ``open`` where the log must not go on."""
        if self._thread is not None:
            return
        self.open()
        self._stop.clear()
        self._wake.clear()
        self.sequencing_since = self._clock.now()
        self._thread = threading.Thread(target=self._serve, name=f"log-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take in what waits, then stop."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = self.sequencing_since = None

    def _serve(self) -> None:
        while True:
            last, began = self._stop.is_set(), time.monotonic()
            try:
                while self.run_once() == self._batch:
                    continue
                self.last_error = None
            except Exception as error:  # noqa: BLE001 # edge: the thread outlives every failure, and says it by last_error
                self._failed(error)
            if last:
                return
            self._wake.wait(max(0.0, began + self._interval - time.monotonic()))  # a pace and no pause: a long turn is followed sooner
            self._wake.clear()

    def _failed(self, error: Exception) -> None:
        self._growing = None
        before = self.last_error
        self.last_error = error if isinstance(error, TrustError) else files_unavailable(error)
        if before is None or before.code != self.last_error.code:  # once, not twice a second
            _logger.error("log turn failed", exc_info=error, extra={"facts": {"log": self.name, "error": self.last_error.code}})

    def run_once(self) -> int:
        """One turn; returns how many entries came under the new checkpoint (0: nothing to do, or another leads)."""
        with self._turn:
            now = int(self._clock.now().timestamp() * 1_000_000)
            with self.database.read() as connection:
                row, waits = HEAD.first(connection, {"of": self.name}), self._waiting.first(connection, {})
            head = read_head(row)
            another_leads = is_led_by_another(row, self._holder, now, self._lease_microseconds)
            if another_leads or (waits is None and not head.waiting and self._is_signed):
                return 0
            if self._growing is None or self._growing[0].size != head.size:
                head = self._load()
            assigned = self.database.write(self._assign)
            reach("log.assigned")
            if assigned is None or self._growing is None or (assigned <= head.size and self._is_signed):
                return 0
            trees, self._growing = self._growing, None  # should anything fail from here, the files are the truth
            last_bundle = self._write_entries(trees, assigned)
            reach("log.tiles")
            checkpoints = self._sign(trees)
            reach("log.signed")
            if not self.database.write(lambda connection: self._move_head(connection, head.size, assigned, checkpoints)):
                return 0
            with self._moved:
                self._turns += 1
                self._moved.notify_all()
            reach("log.head")
            for tree in self.trees:
                self.files.publish(tree.name, checkpoints[tree.name])
            reach("log.published")
            self._growing, self._last_bundle, self._is_signed = trees, last_bundle, True
            return assigned - head.size

    def look(self) -> LogHead:
        """As ``open``, and writes nothing: for whoever only asks whether this log can go on."""
        with self._turn:
            head, _, _ = self._compared()
        return head

    def _load(self) -> LogHead:
        """Bring the trees' right edges into memory and hold the published checkpoints against them."""
        head, growing, published = self._compared()
        for tree in self.trees:  # a leader that died between moving the head and publishing left an older file
            if head.size and head.checkpoints[tree.name] not in published[tree.name]:
                self.files.publish(tree.name, head.checkpoints[tree.name])
        self._growing, self._last_bundle = growing, b""
        self._is_signed = not head.size or all(tree.is_signed_by_all(head.checkpoints[tree.name]) for tree in self.trees)
        return head

    def _compared(self) -> tuple[LogHead, list[GrowingTree], dict[str, list[bytes]]]:
        """The head, the trees' right edges and what was published of each, where they hold together."""
        published = {tree.name: self.files.published(tree.name) for tree in self.trees}  # read before the head: it may only be behind
        head = self.head()
        growing = []
        for tree in self.trees:
            anchors = [checkpoint_of(note, tree) for note in published[tree.name]]
            ahead = max((anchor.size for anchor in anchors), default=0)
            if ahead > head.size:  # before any tile is read: those of an older database may be gone as well, and this is what happened
                raise TrustError(Kind.UNAVAILABLE, "LOG_ROLLED_BACK", tree=tree.name, size=head.size, published=ahead)
            tree_hash = TreeHash(tree.digest_oid)
            edge = GrowingTree.from_tiles(tree_hash, head.size, partial(self.files.read_tile, tree.name))
            if head.size and checkpoint_of(head.checkpoints[tree.name], tree).root != edge.root():
                raise TrustError(Kind.UNAVAILABLE, "LOG_TILE_DAMAGED", tree=tree.name, size=head.size)
            for anchor in anchors:
                if self._tiled(tree, anchor.size).root() != anchor.root:
                    raise TrustError(Kind.UNAVAILABLE, "LOG_FORKED", tree=tree.name, size=anchor.size)
            growing.append(edge)
        return head, growing, published

    def _assign(self, connection: Connection) -> int | None:
        """Transaction A: hold the lease and number the waiting rows; returns how many rows have an index, None where another leads."""
        now = int(self._clock.now().timestamp() * 1_000_000)
        found = HEAD.first(connection, {"of": self.name})
        until = now + self._lease_microseconds
        if found is None:
            first = {"log": self.name, "assigned": 0, "size": 0, "checkpoints": b"{}", "lease_holder": self._holder, "lease_until": until}
            connection.execute(insert(heads), first)
            assigned = 0
        elif is_led_by_another(found, self._holder, now, self._lease_microseconds):
            return None
        else:
            assigned = int(found["assigned"])
        room = max(0, self._batch - (assigned - (found["size"] if found else 0)))
        assigned += self._numbering.change(connection, {"first": assigned, "room": room})
        LEAD.change(connection, {"of": self.name, "until_index": assigned, "holder": self._holder, "until": until})
        return assigned

    def _write_entries(self, trees: list[GrowingTree], assigned: int) -> bytes:
        """Bundles and tiles of the entries up to ``assigned``; returns the last bundle where it is not full."""
        size, last = trees[0].size, self._last_bundle
        start = size if last else size - size % TILE_WIDTH  # the last bundle is written anew, whole
        with self.database.read() as connection:
            rows = self._indexed.all(connection, {"first": start, "end": assigned})
        if [row["log_index"] for row in rows] != list(range(start, assigned)):
            raise TrustError(Kind.UNAVAILABLE, "LOG_ENTRY_MISSING", first=start, end=assigned, found=len(rows))
        entries = [row["entry"] for row in rows]
        bundles, at = [], start
        while at < assigned:
            end = min(assigned, at - at % TILE_WIDTH + TILE_WIDTH)
            last += write_bundle(entries[at - start : end - start])
            bundles.append((at // TILE_WIDTH, (end - 1) % TILE_WIDTH + 1, last))
            at, last = end, last if end % TILE_WIDTH else b""
        self.files.write_bundles(bundles)
        reach("log.bundles")
        new = entries[size - start :]
        tiles = []  # of all trees: their syncs wait for the disk side by side
        for tree, growing in zip(self.trees, trees, strict=True):
            full = list(growing.append(map(TreeHash(tree.digest_oid).leaf, new)))
            tiles += [(tree.name, *tile) for tile in (*full, *growing.partial_tiles())]
        self.files.write_tiles(tiles)
        return last

    def _sign(self, trees: list[GrowingTree]) -> dict[str, bytes]:
        """A checkpoint for each tree; where there are several, each names the roots of the others."""
        roots = {tree.name: growing.root() for tree, growing in zip(self.trees, trees, strict=True)}
        notes = {}
        for tree in self.trees:
            others = tuple(f"tree {other.origin} {roots[other.name].hex()}" for other in self.trees if other is not tree)
            notes[tree.name] = tree.sign(Checkpoint(tree.origin, trees[0].size, roots[tree.name], others))
        return notes

    def _move_head(self, connection: Connection, old: int, new: int, checkpoints: dict[str, bytes]) -> bool:
        """Transaction B: compare and swap."""
        written = json.dumps({name: note.decode() for name, note in checkpoints.items()}, ensure_ascii=False).encode()
        now = int(self._clock.now().timestamp() * 1_000_000)
        until = now + self._lease_microseconds
        return (
            MOVE.change(connection, {"of": self.name, "old": old, "new": new, "holder": self._holder, "written": written, "until": until})
            == 1
        )


def checkpoint_of(note: bytes, tree: LogTree) -> Checkpoint:
    """The checkpoint of a note that this log itself must have signed."""
    result = verify_checkpoint(note, tree.identity)
    if result.verified is not True or result.checkpoint is None:
        raise TrustError(Kind.UNAVAILABLE, "LOG_CHECKPOINT_NOT_OURS", tree=tree.name)
    return result.checkpoint
