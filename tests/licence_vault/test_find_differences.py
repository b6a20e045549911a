"""Reconciling: every record that differs is found, by few questions, and a region that makes its answers up is found out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from crypto.sm3 import sm3
from licence_vault.ports import LogRange, RangeRoots
from licence_vault.reporting import find_differences as module
from licence_vault.reporting.find_differences import find_differences
from licence_vault.reporting.limits import RANGES_PER_REQUEST
from licence_vault.reporting.range_tree import EMPTY, RangeTree, place_hash, top_of
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NODE = b"\x01"


def places_of(indexes: Sequence[int]) -> dict[int, bytes]:
    return {at: place_hash(f"key-{at}", sm3(b"%d" % at)) for at in indexes}


def reader(places: dict[int, bytes]) -> Callable[[int, int], Iterator[tuple[int, bytes]]]:
    return lambda first, end: ((at, places[at]) for at in sorted(places) if first <= at < end)


@dataclass
class OtherSide:
    """A region that keeps every node of its tree in a dictionary: another way to the same roots. ``asked``: one entry per request."""

    size: int
    places: dict[int, bytes]
    asked: list[int] = field(default_factory=list)
    change: Callable[[LogRange, RangeRoots], RangeRoots] = lambda _range, roots: roots

    def __post_init__(self) -> None:
        self.nodes = {(0, at): each for at, each in self.places.items()}
        for level in range(top_of(self.size).level):
            for at in {at >> 1 for lower, at in self.nodes if lower == level}:
                self.nodes[level + 1, at] = sm3(NODE + self.node(level, 2 * at) + self.node(level, 2 * at + 1))

    def node(self, level: int, index: int) -> bytes:
        return self.nodes.get((level, index), EMPTY[level])

    def compare(self, size: int, ranges: Sequence[LogRange]) -> list[RangeRoots]:
        assert size == self.size
        self.asked.append(len(ranges))
        found = []
        for each in ranges:
            left, right = (self.node(each.level - 1, 2 * each.index + half) for half in (0, 1))
            found.append(self.change(each, RangeRoots(self.node(each.level, each.index), left, right)))
        return found


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 700])
def test_two_sides_that_have_the_same_ask_once(size: int) -> None:
    places = places_of(range(0, size, 3))
    other = OtherSide(size, places)
    found = find_differences(RangeTree(size, reader(places)), other.compare)
    assert (found.differences, found.requests, found.root, found.is_complete) == ((), 1, found.region_root, True)


def test_the_tree_is_that_of_its_definition() -> None:
    one, two = (place_hash(f"key-{at}", sm3(b"%d" % at)) for at in (1, 2))
    assert one == sm3(b"\x00key-1\x00" + sm3(b"1"))
    empty = sm3(b"\x00")
    root = sm3(NODE + sm3(NODE + empty + one) + sm3(NODE + two + empty))
    assert RangeTree(4, reader({1: one, 2: two})).root(LogRange(2, 0)) == root


@pytest.mark.parametrize("kind", ["missing", "altered", "unknown"])
@pytest.mark.parametrize("at", [0, 1, 2047, 2048, 4095])
def test_one_record_among_4096_is_found_in_as_many_questions_as_the_tree_is_high(at: int, kind: str) -> None:
    places = places_of(range(4096))
    ours, theirs = dict(places), dict(places)
    if kind == "missing":
        del theirs[at]
    elif kind == "altered":
        theirs[at] = sm3(b"otherwise")
    else:
        del ours[at]
    other = OtherSide(4096, theirs)
    found = find_differences(RangeTree(4096, reader(ours)), other.compare)
    [difference] = found.differences
    assert (difference.place, difference.ours, difference.theirs) == (at, ours.get(at), theirs.get(at))
    assert found.requests == len(other.asked) == 12
    assert sum(other.asked) == 12
    assert found.root != found.region_root


def test_many_differences_of_many_kinds_are_found_each_in_its_logarithm() -> None:
    chance = random.Random(20261128)
    size = 3000
    ours = places_of(sorted(chance.sample(range(size), 1500)))
    theirs = dict(ours)
    wrong = chance.sample(range(size), 60)
    for at in wrong:
        if at in theirs and chance.random() < 0.5:
            del theirs[at]
        else:
            theirs[at] = sm3(b"%d, otherwise" % at)
    other = OtherSide(size, theirs)
    found = find_differences(RangeTree(size, reader(ours)), other.compare)
    assert sorted(each.place for each in found.differences) == sorted(wrong)
    assert {each.place: each.theirs for each in found.differences} == {at: theirs.get(at) for at in wrong}
    assert found.requests == 12  # level by level, however many differ
    assert sum(other.asked) <= 60 * 12
    assert max(other.asked) <= RANGES_PER_REQUEST


def test_where_everything_differs_it_ends_and_says_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FINDINGS", 200)
    ours = places_of(range(1000))
    other = OtherSide(1000, {})
    found = find_differences(RangeTree(1000, reader(ours)), other.compare)
    assert len(found.differences) == 200
    assert not found.is_complete
    assert all(each.theirs is None for each in found.differences)


LIES: dict[str, Callable[[LogRange, RangeRoots], RangeRoots]] = {
    "halves": lambda _range, roots: RangeRoots(roots.root, sm3(roots.left), roots.right),
    "contradiction": lambda range_, roots: (
        roots if range_.level == 12 else RangeRoots(sm3(NODE + roots.right + roots.left), roots.right, roots.left)
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_region_that_makes_its_roots_up_is_found_out(lie: str) -> None:
    theirs = places_of(range(4096))
    del theirs[99]
    other = OtherSide(4096, theirs, change=LIES[lie])
    with pytest.raises(TrustError) as refused:
        find_differences(RangeTree(4096, reader(places_of(range(4096)))), other.compare)
    assert (refused.value.code, refused.value.facts["rule"]) == ("REGION_ANSWER_UNTRUSTED", lie)


def test_a_region_that_answers_less_than_it_was_asked_is_found_out() -> None:
    with pytest.raises(TrustError) as refused:
        find_differences(RangeTree(4, reader({})), lambda _size, _ranges: [])
    assert refused.value.facts["rule"] == "ranges"
