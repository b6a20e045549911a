"""Merkle trees of RFC 6962 (RFC 9162 2.1) over a digest of choice: growing, tiles, inclusion and consistency proofs.

Hashing separates leaves from nodes (RFC 6962 2.1): leaf = H(0x00 || data), node = H(0x01 || left || right), empty tree = H().
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3_behind
from standards import gbt33560_oids as oids
from standards.c2sp_tlog_checkpoint import SIZE_LIMIT
from standards.c2sp_tlog_tiles import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, tile_widths
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


TILES_KEPT: Final = 64  # of one tree that proofs are made of, 16 kB each with the roots within


def _sha256_behind(prefix: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.sha256(prefix + data).digest()


_BEHIND: Final[dict[str, Callable[[bytes], Callable[[bytes], bytes]]]] = {oids.SM3: sm3_behind, oids.SHA256: _sha256_behind}


class TreeHash:
    """The hashing of one tree. ``digest_oid``: SM3 or SHA-256, both 32 bytes as tiles demand."""

    __slots__ = ("_node", "digest_oid", "leaf")

    def __init__(self, digest_oid: str) -> None:
        if digest_oid not in _BEHIND:
            raise TrustError(Kind.UNACCEPTABLE, "LOG_DIGEST_UNSUPPORTED", digest=digest_oid)
        self.digest_oid = digest_oid
        self.leaf = _BEHIND[digest_oid](b"\x00")
        """The hash of an entry."""
        self._node = _BEHIND[digest_oid](b"\x01")

    def node(self, left: bytes, right: bytes) -> bytes:
        """The hash of two neighbours."""
        return self._node(left + right)

    def empty(self) -> bytes:
        """The root of the tree without leaves."""
        return _BEHIND[self.digest_oid](b"")(b"")

    def root(self, hashes: Sequence[bytes]) -> bytes:
        """The root over ``hashes`` as leaves, or as roots of equal subtrees of which the last may be smaller."""
        if not hashes:
            return self.empty()
        row, node = list(hashes), self._node
        while len(row) > 1:
            above = [node(row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)]
            if len(row) % 2:
                above.append(row[-1])  # the right edge moves up until it meets a neighbour: the same tree as RFC 6962's splitting
            row = above
        return row[0]


class GrowingTree:
    """The right edge of a tree: what is needed to append, to know the root, and to write tiles. Append costs two hashes per leaf."""

    def __init__(self, tree_hash: TreeHash) -> None:
        self._hash = tree_hash
        # Of each level the hashes of its partial tile, and the rows above them as far as they are whole
        self._edge: list[list[list[bytes]]] = []
        self.size = 0

    @classmethod
    def from_tiles(cls, tree_hash: TreeHash, size: int, read_tile: Callable[[int, int, int], bytes]) -> GrowingTree:
        """The tree of ``size`` leaves, from its partial tiles. ``read_tile(level, index, width)`` gives ``width`` hashes, concatenated."""
        tree = cls(tree_hash)
        tree.size = size
        for level, (full, width) in enumerate(tile_widths(size)):
            tree._edge.append([_split(read_tile(level, full, width), width) if width else []])
        return tree

    def append(self, leaf_hashes: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
        """Append leaves; yields each tile (level, index, 256 hashes) in the moment it is full. Must be read to the end."""
        leaves, at = list(leaf_hashes), 0
        while at < len(leaves):
            # 1. As many as fill the lowest row
            row = self._row(0)[0]
            some = leaves[at : at + TILE_WIDTH - len(row)]
            row += some
            at += len(some)
            self.size += len(some)
            # 2. What is full goes up as one
            level = 0
            while len(row) == TILE_WIDTH:
                yield level, (self.size >> TILE_HEIGHT * (level + 1)) - 1, b"".join(row)
                whole = self._paired(level)[-1][0]
                self._edge[level] = [[]]
                level += 1
                row = self._row(level)[0]
                row.append(whole)

    def _row(self, level: int) -> list[list[bytes]]:
        if level == len(self._edge):
            self._edge.append([[]])
        return self._edge[level]

    def _paired(self, level: int) -> list[list[bytes]]:
        """The rows of a level, with every pair that has come since the last time hashed."""
        rows, node, at = self._edge[level], self._hash.node, 0
        while len(rows[at]) > 1:
            if at + 1 == len(rows):
                rows.append([])
            below, above = rows[at], rows[at + 1]
            above += [node(below[i], below[i + 1]) for i in range(2 * len(above), len(below) - 1, 2)]
            at += 1
        return rows

    def partial_tiles(self) -> Iterator[tuple[int, int, bytes]]:
        """The partial tiles of the present size: level, index, hashes."""
        for level, (row, *_) in enumerate(self._edge):
            if row:
                yield level, self.size >> TILE_HEIGHT * (level + 1), b"".join(row)

    def root(self) -> bytes:
        """The root of the present size."""
        # RFC 6962 2.1 splits at the largest power of two, so the root is that of the whole subtrees from the smallest, at the right, up
        right: bytes | None = None
        for level in range(len(self._edge)):
            for row in self._paired(level):
                if len(row) % 2:
                    right = row[-1] if right is None else self._hash.node(row[-1], right)
        return self._hash.empty() if right is None else right


class TiledTree:
    """Reads hashes of a tree of a given size from tiles, and makes proofs of them. The tiles read last are kept, with the roots within them."""

    def __init__(
        self, tree_hash: TreeHash, size: int, read_tile: Callable[[int, int, int], bytes], *, older: TiledTree | None = None
    ) -> None:
        """``older``: the same tree at a smaller size; roots that it has worked out are taken over where the hashes below them are the same."""
        self._hash = tree_hash
        self.size = size
        self._read_tile = read_tile
        self._older = {} if older is None else dict(older._tiles)  # noqa: SLF001 - the same class
        self._tiles: dict[tuple[int, int], _Tile] = {}

    def root(self) -> bytes:
        """The root, recomputed from the tiles."""
        return self._range(0, self.size) if self.size else self._hash.empty()

    def leaf(self, index: int) -> bytes:
        """The hash of one leaf."""
        return self._range(index, index + 1)

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """RFC 9162 2.1.3.1: from the leaf's sibling up. ``index`` < size."""
        if not 0 <= index < self.size:
            raise TrustError(Kind.NOT_FOUND, "LOG_INDEX_UNKNOWN", index=index, size=self.size)
        start, end, proof = 0, self.size, []
        while end - start > 1:
            middle = start + _left_size(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        return tuple(reversed(proof))

    def consistency_proof(self, older: int) -> tuple[bytes, ...]:
        """RFC 9162 2.1.4.1: that the tree of ``older`` leaves is a prefix of this one. Empty where both are equal or ``older`` is 0."""
        if not 0 <= older <= self.size:
            raise TrustError(Kind.NOT_FOUND, "LOG_SIZE_UNKNOWN", asked=older, size=self.size)
        if older in {0, self.size}:
            return ()
        start, end, proof, whole = 0, self.size, [], True
        while older != end:
            middle = start + _left_size(end - start)
            if older <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        return tuple(reversed(proof))

    def _range(self, start: int, end: int) -> bytes:
        """The root over leaves start..end, where start is a multiple of the smallest power of two that is not less than the range."""
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            level, inner = divmod(height, TILE_HEIGHT)
            first = start >> TILE_HEIGHT * level
            return self._tile(level, first // TILE_WIDTH).root(first % TILE_WIDTH, inner)
        middle = start + _left_size(count)
        return self._hash.node(self._range(start, middle), self._range(middle, end))

    def _tile(self, level: int, index: int) -> _Tile:
        known = self._tiles.get((level, index))
        if known is None:
            width = min(TILE_WIDTH, (self.size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
            hashes, narrower = _split(self._read_tile(level, index, width), width), self._older.get((level, index))
            known = _Tile(self._hash, hashes) if narrower is None else narrower.widened(hashes)
            if len(self._tiles) >= TILES_KEPT:
                self._tiles.clear()
            self._tiles[level, index] = known
        return known


class _Tile:
    """The hashes of one tile, and the rows above them as far as they were asked for."""

    __slots__ = ("_hash", "_rows")

    def __init__(self, tree_hash: TreeHash, hashes: list[bytes]) -> None:
        self._hash = tree_hash
        self._rows: tuple[list[bytes], ...] = (hashes,)

    def widened(self, hashes: list[bytes]) -> _Tile:
        """The same tile with more hashes behind these; one of its own where it does not begin with them."""
        wider, known = _Tile(self._hash, hashes), self._rows
        if hashes[: len(known[0])] == known[0]:
            rows, node = [hashes], self._hash.node
            for row in known[1:]:
                below = rows[-1]
                rows.append([*row, *(node(below[i], below[i + 1]) for i in range(2 * len(row), len(below) - 1, 2))])
            wider._rows = tuple(rows)
        return wider

    def root(self, first: int, height: int) -> bytes:
        """The root over 2^``height`` hashes from ``first``, a multiple of that number; all of them are there."""
        rows, node = self._rows, self._hash.node
        while len(rows) <= height:
            row = rows[-1]
            rows = self._rows = (*rows, [node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
        return rows[height][first >> height]


def _split(tile: bytes, width: int) -> list[bytes]:
    if len(tile) != width * HASH_BYTES:
        raise TrustError(Kind.UNAVAILABLE, "LOG_TILE_DAMAGED", expected_bytes=width * HASH_BYTES, found_bytes=len(tile))
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def _left_size(count: int) -> int:
    """The largest power of two less than ``count`` (RFC 6962 2.1)."""
    return 1 << (count - 1).bit_length() - 1


def is_included(tree_hash: TreeHash, *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Verify an inclusion proof (RFC 9162 2.1.3.2). Never raises; ``leaf`` is the leaf's hash."""
    if not 0 <= index < size <= SIZE_LIMIT:
        return False
    node, last, computed = index, size - 1, leaf
    for each in proof:
        if last == 0 or len(each) != HASH_BYTES:
            return False
        if node & 1 or node == last:
            computed = tree_hash.node(each, computed)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            computed = tree_hash.node(computed, each)
        node >>= 1
        last >>= 1
    return last == 0 and hmac.compare_digest(computed, root)


def is_consistent(
    tree_hash: TreeHash, *, older_size: int, older_root: bytes, newer_size: int, newer_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Verify a consistency proof (RFC 9162 2.1.4.2). Never raises. The empty tree is a prefix of every tree and needs no proof."""
    if not 0 <= older_size <= newer_size <= SIZE_LIMIT or any(len(each) != HASH_BYTES for each in proof):
        return False
    if older_size == newer_size:
        return not proof and hmac.compare_digest(older_root, newer_root)
    if older_size == 0:
        return not proof and hmac.compare_digest(older_root, tree_hash.empty())
    path = list(proof)
    if older_size & (older_size - 1) == 0:
        path.insert(0, older_root)
    if not path:
        return False
    node, last = older_size - 1, newer_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    older = newer = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            older, newer = tree_hash.node(each, older), tree_hash.node(each, newer)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            newer = tree_hash.node(newer, each)
        node >>= 1
        last >>= 1
    return last == 0 and hmac.compare_digest(older, older_root) and hmac.compare_digest(newer, newer_root)
