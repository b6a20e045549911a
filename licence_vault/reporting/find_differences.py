"""Find where two sides differ: compare the roots of a range, go on in the halves that differ, until single entries are left.

One record among n takes log2 n requests, and k of them no more than k times as many; those of one level are asked for together. A region that
answers cannot make things up as it goes: halves must make the root, and must be what was said of them one level up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.ports import LogRange
from licence_vault.report_errors import answer_untrusted
from licence_vault.reporting.limits import FINDINGS, RANGES_PER_REQUEST
from licence_vault.reporting.range_tree import EMPTY, TREE_HASH, top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from licence_vault.ports import RangeRoots
    from licence_vault.reporting.range_tree import RangeTree


CONTRADICTION: Final = "contradiction"  # rule of an answer that is not what was said before


@dataclass(frozen=True, slots=True)
class Difference:
    """A place of a tree at which the sides have something else. ``ours``, ``theirs``: hash of the place, None where there is nothing."""

    place: int
    ours: bytes | None
    theirs: bytes | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it. ``requests``: how often the region was asked; ``is_complete``: False where there are more differences than are told."""

    root: bytes
    region_root: bytes
    differences: tuple[Difference, ...]
    requests: int
    is_complete: bool


def find_differences(tree: RangeTree, compare: Callable[[int, Sequence[LogRange]], Sequence[RangeRoots]]) -> Comparison:
    """Compare. ``compare``: as ``ports.RegionalCollector.compare`` of this tree. Raises REGION_ANSWER_UNTRUSTED, and what ``compare`` raises."""
    # 1. The whole.
    top = top_of(tree.size)
    said: Mapping[LogRange, bytes | None] = {top: None}  # what the region has said of a range before, one level up
    root, region_root = tree.root(top), b""
    requests, is_complete = 0, True
    differences: list[Difference] = []
    while said:
        # 2. One level: every range that differs, some at a time.
        below: dict[LogRange, bytes] = {}
        asked = list(said)
        for first in range(0, len(asked), RANGES_PER_REQUEST):
            part = asked[first : first + RANGES_PER_REQUEST]
            answers = compare(tree.size, part)
            requests += 1
            if len(answers) != len(part):
                raise answer_untrusted("ranges")
            for range_, found in zip(part, answers, strict=True):
                if TREE_HASH.node(found.left, found.right) != found.root:
                    raise answer_untrusted("halves")
                if said[range_] not in {None, found.root}:
                    raise answer_untrusted(CONTRADICTION)
                if range_ == top:
                    region_root = found.root
                for at, theirs in enumerate((found.left, found.right)):
                    half = LogRange(range_.level - 1, 2 * range_.index + at)
                    if theirs != tree.root(half):
                        below[half] = theirs
        # 3. Single entries are findings; of ranges only so many are gone into that it ends.
        if len(below) > FINDINGS:
            below, is_complete = dict(list(below.items())[:FINDINGS]), False
        if next(iter(below), top).level == 0:
            differences = [_difference(tree, half, theirs) for half, theirs in below.items()]
            below = {}
        said = below
    return Comparison(root, region_root, tuple(differences), requests, is_complete)


def _difference(tree: RangeTree, place: LogRange, theirs: bytes) -> Difference:
    ours, nothing = tree.root(place), EMPTY[0]
    return Difference(place.index, None if ours == nothing else ours, None if theirs == nothing else theirs)
