"""A log's tiles and bundles made again from the database, where files were lost or damaged, or a database was brought back that is newer than they are.

They depend on nothing but the entries and their order. Nothing is written before the roots of all of them are those of the checkpoints that
were signed: what is made again is what was there, or nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from crypto.merkle import GrowingTree, TreeHash
from service_kit.log_files import COSIGNED_PATH
from service_kit.transparency_log import checkpoint_of
from standards.c2sp_signed_note import read_note
from standards.c2sp_tlog_checkpoint import read_checkpoint
from standards.c2sp_tlog_tiles import TILE_WIDTH, write_bundle
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.log_tree import LogTree
    from service_kit.transparency_log import TransparencyLog

CHUNK: Final = 8 * TILE_WIDTH


def remake_files(log: TransparencyLog) -> list[str]:
    """Write every tile and bundle that is missing or has another content; returns their names below the log's folder.

    It may run while the log grows. TrustError LOG_ROLLED_BACK, LOG_FORKED, LOG_ENTRY_MISSING, LOG_CHECKPOINT_NOT_OURS: the database is not
    what was published; LOG_COSIGNED_UNREADABLE: what witnesses have cosigned is not known. No file is touched then.
    """
    # 1. Which sizes were signed; published ones are read before the head, which may only be ahead of them
    for tree in log.trees:
        _check_cosigned(log, tree)
    notes = {tree.name: [*log.files.published(tree.name), *filter(None, [log.files.cosigned(tree.name)])] for tree in log.trees}
    head = log.head()
    if not head.size and not any(notes.values()):
        return []
    signed: dict[str, dict[int, bytes]] = {}
    for tree in log.trees:
        found = [checkpoint_of(note, tree) for note in (*notes[tree.name], *filter(None, [head.checkpoints.get(tree.name)]))]
        ahead = max((each.size for each in found), default=0)
        if ahead > head.size:
            raise TrustError(Kind.UNAVAILABLE, "LOG_ROLLED_BACK", tree=tree.name, size=head.size, published=ahead)
        signed[tree.name] = {each.size: each.root for each in found if each.size}
    # 2. The entries give just the roots that were signed
    for tree in log.trees:
        _check_roots(log, tree, signed[tree.name])
    # 3. The files, of the sizes that were signed and of full tiles
    sizes = sorted({size for each in signed.values() for size in each})
    written = []
    growing = {tree.name: GrowingTree(TreeHash(tree.digest_oid)) for tree in log.trees}
    bundle: list[bytes] = []
    at = 0
    for entries in _entries(log, sizes):
        bundles = []
        at += len(entries)
        bundle += entries
        while bundle:
            first = at - len(bundle)
            bundles.append((first // TILE_WIDTH, write_bundle(bundle[:TILE_WIDTH]), min(len(bundle), TILE_WIDTH)))
            if len(bundle) < TILE_WIDTH:
                break
            bundle = bundle[TILE_WIDTH:]
        written += log.files.rewrite_bundles((index, width, data) for index, data, width in bundles if width == TILE_WIDTH or at in sizes)
        for tree in log.trees:
            edge = growing[tree.name]
            tiles = list(edge.append(map(TreeHash(tree.digest_oid).leaf, entries)))
            tiles += edge.partial_tiles() if at in sizes else ()
            written += log.files.rewrite_tiles((tree.name, *tile) for tile in tiles)
    return written


def _check_cosigned(log: TransparencyLog, tree: LogTree) -> None:
    """It is not made again: cosignatures are kept in that file alone. To pass over it would be to forget a size that others have seen, unasked."""
    kept = log.files.cosigned(tree.name)
    try:
        if kept is not None:
            read_checkpoint(read_note(kept).text)
    except MalformedError as error:
        raise TrustError(Kind.UNAVAILABLE, "LOG_COSIGNED_UNREADABLE", file=f"{tree.name}/{COSIGNED_PATH}", cause=error.code) from None


def _check_roots(log: TransparencyLog, tree: LogTree, signed: dict[int, bytes]) -> None:
    tree_hash, at = TreeHash(tree.digest_oid), 0
    edge = GrowingTree(tree_hash)
    for entries in _entries(log, sorted(signed)):
        for _ in edge.append(map(tree_hash.leaf, entries)):
            pass  # the tiles are not wanted yet
        at += len(entries)
        if at in signed and edge.root() != signed[at]:
            raise TrustError(Kind.UNAVAILABLE, "LOG_FORKED", tree=tree.name, size=at)


def _entries(log: TransparencyLog, sizes: list[int]) -> Iterator[list[bytes]]:
    """The entries up to the largest size, in order, in pieces that end at every size, and no piece is large."""
    columns = log.table.c
    at = 0
    for size in sizes:
        while at < size:
            end = min(size, at + CHUNK)
            with log.database.read() as connection:
                rows = connection.execute(
                    select(columns.entry, columns.log_index)
                    .where(columns.log_index >= at, columns.log_index < end)
                    .order_by(columns.log_index)
                ).all()
            if [row.log_index for row in rows] != list(range(at, end)):
                raise TrustError(Kind.UNAVAILABLE, "LOG_ENTRY_MISSING", first=at, end=end, found=len(rows))
            yield [row.entry for row in rows]
            at = end
