"""Following somebody else's log by its public files: every new entry is read, and every checkpoint is held against what was seen before.

Who follows keeps, for each tree, its size, its root and its right edge (the partial tiles): a few kilobytes, however large the log is.
From these and the new entries he computes every later root himself, so that nothing that was logged can change without his noticing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crypto.checkpoints import verify_checkpoint
from crypto.merkle import GrowingTree, TreeHash, is_consistent
from standards.c2sp_tlog_tiles import CHECKPOINT_PATH, TILE_WIDTH, bundle_path, read_bundle
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crypto.checkpoints import LogIdentity
    from standards.c2sp_tlog_checkpoint import Checkpoint

Fetch = Callable[[str], bytes | None]
"""A path below the log's address -> its content, None where there is none. TrustError where it cannot be known."""

Fact = str | int | None


@dataclass(frozen=True, slots=True)
class SeenTree:
    """What was seen of one tree. ``edge``: its partial tiles, hashes by (level, index)."""

    size: int
    root: bytes
    edge: Mapping[tuple[int, int], bytes]

    def to_json(self) -> dict[str, object]:
        """For the state file."""
        return {"size": self.size, "root": self.root.hex(), "edge": [[*place, hashes.hex()] for place, hashes in self.edge.items()]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SeenTree:
        """Read it. ValueError, KeyError or TypeError where it is none."""
        edge = {(int(level), int(index)): bytes.fromhex(hashes) for level, index, hashes in value["edge"]}
        return cls(int(value["size"]), bytes.fromhex(value["root"]), edge)


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that is wrong. ``code`` is stable."""

    code: str
    facts: dict[str, Fact]


@dataclass(slots=True)
class Followed:
    """One round. ``seen``: to be kept for the next where nothing was noticed. ``size``: entries that all trees cover."""

    size: int = 0
    seen: dict[str, SeenTree] = field(default_factory=dict)
    noticed: list[Noticed] = field(default_factory=list)

    def notice(self, code: str, **facts: Fact) -> None:
        """Add a finding."""
        self.noticed.append(Noticed(code, facts))


def follow(
    fetch: Fetch, trees: Mapping[str, LogIdentity], before: Mapping[str, SeenTree], on_entry: Callable[[int, bytes], object]
) -> Followed:
    """Read the newest checkpoints of ``trees`` (by name) and all entries since ``before``; ``on_entry`` gets each new one in its order.

    What ``on_entry`` got counts only where nothing was noticed. TrustError where the log cannot be reached.
    """
    round_ = Followed()
    # 1. The checkpoints: signed, not smaller than before, and of one mind about each other
    heads: dict[str, Checkpoint] = {}
    furthest = max((seen.size for seen in before.values()), default=0)  # a round ago: by now every tree has come as far
    notes = {name: fetch(f"{name}/{CHECKPOINT_PATH}") for name in trees}
    if not before and not any(notes.values()):
        return round_  # a log that has no entry yet
    for name, identity in trees.items():
        note = notes[name]
        result = None if note is None else verify_checkpoint(note, identity)
        if result is None or result.verified is not True or result.checkpoint is None:
            round_.notice("FOLLOWED_CHECKPOINT_BAD", tree=name)
            continue
        heads[name] = result.checkpoint
        seen = before.get(name)
        if seen is not None and result.checkpoint.size < seen.size:
            round_.notice("FOLLOWED_ROLLED_BACK", tree=name, seen=seen.size, shown=result.checkpoint.size)
        elif seen is not None and result.checkpoint.size == seen.size and result.checkpoint.root != seen.root:
            round_.notice("FOLLOWED_FORKED", tree=name, size=seen.size)
        elif result.checkpoint.size < furthest:
            # What only the other trees have would count for whoever trusts one of them, and nobody would look at it
            round_.notice("FOLLOWED_TREE_BEHIND", tree=name, seen=furthest, shown=result.checkpoint.size)
    for tree in _left_out(heads, trees, before):  # the same: a proof in the tree that nobody follows is a proof
        round_.notice("FOLLOWED_TREE_LEFT_OUT", tree=tree)
    if round_.noticed:
        return round_
    for name, head in heads.items():
        for other, other_head in heads.items():
            line = f"tree {trees[other].origin} {other_head.root.hex()}"
            if name != other and head.size == other_head.size and line not in head.extensions:
                round_.notice("FOLLOWED_TREES_DIFFER", tree=name, other=other, size=head.size)
    # 2. The entries: each tree grows by them, from where it was seen last
    edges = {name: _edge(trees[name], before.get(name)) for name in heads}
    round_.size = min(head.size for head in heads.values())
    start = min(edge.size for edge in edges.values())
    known = min((seen.size for seen in before.values()), default=0)  # so many were handed on before: what all trees covered
    try:
        for index, entry in _entries(fetch, next(iter(heads)), start, max(head.size for head in heads.values())):
            for name, edge in edges.items():
                if edge.size == index < heads[name].size:
                    for _ in edge.append([TreeHash(trees[name].digest_oid).leaf(entry)]):
                        pass  # full tiles are of no use here
            if known <= index < round_.size:
                on_entry(index, entry)
    except MalformedError as error:
        round_.notice("FOLLOWED_ENTRIES_MISSING", rule=error.code)
        return round_
    # 3. The roots that the entries give must be those that were signed
    for name, edge in edges.items():
        if edge.root() != heads[name].root:
            round_.notice("FOLLOWED_FORKED", tree=name, size=heads[name].size)
        round_.seen[name] = SeenTree(edge.size, edge.root(), {(level, at): hashes for level, at, hashes in edge.partial_tiles()})
    return round_


def compare_with_witness(
    note: bytes, name: str, identity: LogIdentity, seen: SeenTree | None, prove: Callable[[int, int], tuple[bytes, ...]]
) -> Noticed | None:
    """Whether a witness was shown the same log. ``note``: its newest checkpoint; ``prove``: asks the log for consistency (older, newer)."""
    result = verify_checkpoint(note, identity)
    if result.verified is not True or result.checkpoint is None:
        # What the log did not sign is the witness's own, and says nothing of the log
        return Noticed("MONITOR_WITNESS_BAD", {"tree": name})
    theirs = result.checkpoint
    if seen is None:  # an empty log is shown here, and the witness has seen entries
        return Noticed("FOLLOWED_SPLIT_VIEW", {"tree": name, "witness_size": theirs.size, "size": 0})
    older, newer = sorted(((theirs.size, theirs.root), (seen.size, seen.root)))
    try:
        proof = prove(older[0], newer[0]) if 0 < older[0] < newer[0] else ()
    except TrustError as error:
        if error.kind in {Kind.UNAVAILABLE, Kind.TOO_MANY}:  # not asked yet: nothing is known, and nobody is accused
            raise
        return Noticed("FOLLOWED_SPLIT_VIEW", {"tree": name, "witness_size": theirs.size, "size": seen.size, "rule": error.code})
    tree = TreeHash(identity.digest_oid)
    if is_consistent(tree, older_size=older[0], older_root=older[1], newer_size=newer[0], newer_root=newer[1], proof=proof):
        return None
    return Noticed("FOLLOWED_SPLIT_VIEW", {"tree": name, "witness_size": theirs.size, "size": seen.size})


def _left_out(heads: Mapping[str, Checkpoint], trees: Mapping[str, LogIdentity], before: Mapping[str, SeenTree]) -> tuple[str, ...]:
    """The trees that are not followed: those that checkpoints name (by origin), and those that were followed before (by name)."""
    known = {identity.origin for identity in trees.values()}
    named = (line.split(" ")[1] for head in heads.values() for line in head.extensions if line.startswith("tree "))
    origins = dict.fromkeys(origin for origin in named if origin not in known)
    dropped = (name for name in before if name not in trees and not any(origin.endswith(f"/{name}") for origin in origins))
    return (*origins, *dropped)


def _edge(identity: LogIdentity, seen: SeenTree | None) -> GrowingTree:
    tree = TreeHash(identity.digest_oid)
    if seen is None:
        return GrowingTree(tree)
    return GrowingTree.from_tiles(tree, seen.size, lambda level, index, _width: seen.edge.get((level, index), b""))


def _entries(fetch: Fetch, tree: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The entries from ``start`` to ``end``, from the bundles. MalformedError where one is not there or not whole."""
    for at in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
        width = min(TILE_WIDTH, end - at * TILE_WIDTH)
        data = fetch(f"{tree}/{bundle_path(at, width)}")
        if data is None and width < TILE_WIDTH:  # a bundle that is full by now
            data = fetch(f"{tree}/{bundle_path(at)}")
        entries = [] if data is None else read_bundle(data)
        if len(entries) < width:
            raise MalformedError("LOG_BUNDLE_FORM")
        for inner, entry in enumerate(entries[:width]):
            if at * TILE_WIDTH + inner >= start:
                yield at * TILE_WIDTH + inner, entry
