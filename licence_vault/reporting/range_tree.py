"""The trees by which both sides compare what was reported: SM3 over the entries of the public log, one place for each; over the register (types
and erasures), at the numbers of their reports.

A place holds SM3(0x00 ‖ key ‖ 0x00 ‖ digest of the record), or SM3(0x00) where nothing was reported; a node SM3(0x01 ‖ left ‖ right), as in
RFC 6962. The tree is filled up with empty places to a power of two, so that a range is the same node on both sides whatever else there is.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from crypto.merkle import TreeHash
from licence_vault.ports import LogRange
from licence_vault.reporting.limits import BLOCK_LEVEL
from standards import gbt33560_oids as oids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Place = tuple[int, bytes]  # entry of the log, hash

TREE_HASH: Final = TreeHash(oids.SM3)
LEVELS: Final = 48  # entries of a log that none will reach


def place_hash(key: str, digest: bytes) -> bytes:
    """The hash of a place in which there is a report. ``digest``: SM3 of its record."""
    return TREE_HASH.leaf(key.encode() + b"\x00" + digest)


def _empty_roots() -> tuple[bytes, ...]:
    roots = [TREE_HASH.leaf(b"")]
    for _ in range(LEVELS):
        roots.append(TREE_HASH.node(roots[-1], roots[-1]))
    return tuple(roots)


EMPTY: Final = _empty_roots()
"""The roots over ranges in which nothing was reported, by level."""


def top_of(size: int) -> LogRange:
    """The range that covers ``size`` entries."""
    return LogRange(max(1, (size - 1).bit_length()), 0)


class RangeTree:
    """Our side: nodes over blocks of 256 entries are kept, what is below them is read again when it is asked for.

    ``read``: first entry, and the one behind the last -> the places in between in their order. ``size``: entries of the log.
    """

    def __init__(self, size: int, read: Callable[[int, int], Iterable[Place]]) -> None:
        self.size = size
        self._read = read
        block_of: Callable[[Place], int] = lambda place: place[0] >> BLOCK_LEVEL  # noqa: E731 - a key for groupby
        row = {block: _root(dict(places), BLOCK_LEVEL) for block, places in groupby(read(0, size), block_of)}
        self._rows = [row]
        for level in range(BLOCK_LEVEL, top_of(size).level):
            row = _above(row, level)
            self._rows.append(row)

    def root(self, range_: LogRange) -> bytes:
        """The root over a range; of one entry at level 0."""
        if range_.level >= BLOCK_LEVEL:
            row = self._rows[range_.level - BLOCK_LEVEL]
            return row.get(range_.index, EMPTY[range_.level])
        first, end = range_.index << range_.level, (range_.index + 1) << range_.level
        return _root({at - first: each for at, each in self._read(first, min(end, self.size))}, range_.level)


def _root(places: Mapping[int, bytes], levels: int) -> bytes:
    """The root over places, of which only the lowest ``levels`` bits of their numbers count."""
    row: Mapping[int, bytes] = {at & ((1 << levels) - 1): each for at, each in places.items()}
    for level in range(levels):
        row = _above(row, level)
    return row.get(0, EMPTY[levels])


def _above(row: Mapping[int, bytes], level: int) -> dict[int, bytes]:
    empty, node = EMPTY[level], TREE_HASH.node
    return {at: node(row.get(2 * at, empty), row.get(2 * at + 1, empty)) for at in dict.fromkeys(each >> 1 for each in row)}
