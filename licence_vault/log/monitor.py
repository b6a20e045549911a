"""A department's look at the licence log: does it hold what the department issued, all of it and nothing else in its name?

Its own books are a list of what it ordered, kept where the operator of the log cannot reach: an event and a commitment for each.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from licence_vault.log.leaf import LICENCE_EVENTS, LicenceLeaf, read_leaf
from service_kit.log_follower import Noticed
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BOOK_LINES: Final = 10_000_000
NOTICED_MAX: Final = 100  # after so many the reader knows enough
_LINE: Final = re.compile(r"([a-z_]+) ([0-9a-f]{64})")


def read_books(lines: Iterable[str]) -> Counter[str]:
    """The department's own books: ``<event> <commitment in hexadecimal>`` a line, ``#`` begins a remark. MalformedError MONITOR_BOOKS_FORM."""
    books: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _LINE.fullmatch(text)
        if match is None or match[1] not in LICENCE_EVENTS or number > BOOK_LINES:
            raise MalformedError("MONITOR_BOOKS_FORM", line=number)
        books[text] += 1
    return books


@dataclass(slots=True)
class Observed:
    """What the log says in the name of one issuer. ``events``: ``<event> <commitment>`` -> how often; ``types``: (type, event) -> how often."""

    issuer_code: str
    events: Counter[str] = field(default_factory=Counter)
    types: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreadable: int = 0

    def take(self, _index: int, entry: bytes) -> None:
        """One entry of the log."""
        try:
            leaf = read_leaf(entry)
        except MalformedError:
            self.unreadable += 1
            return
        if isinstance(leaf, LicenceLeaf) and leaf.issuer_code == self.issuer_code:
            self.events[f"{leaf.event} {leaf.commitment.hex()}"] += 1
            self.types[leaf.type_code, leaf.event] += 1

    def to_json(self) -> dict[str, Any]:
        """For the state file."""
        types = [[*kind, count] for kind, count in self.types.items()]
        return {"issuer": self.issuer_code, "events": dict(self.events), "types": types, "unreadable": self.unreadable}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Observed:
        """Read it. ValueError, KeyError or TypeError where it is none."""
        types = Counter({(str(code), str(event)): int(count) for code, event, count in value["types"]})
        events = Counter({str(text): int(count) for text, count in value["events"].items()})
        return cls(str(value["issuer"]), events, types, int(value["unreadable"]))


def compare_books(observed: Observed, books: Counter[str]) -> list[Noticed]:
    """What the log has in the department's name and the books have not, and the reverse."""
    noticed: list[Noticed] = []
    for code, found in (
        ("MONITOR_ENTRY_NOT_OURS", observed.events - books),  # somebody issued in our name
        ("MONITOR_ENTRY_MISSING", books - observed.events),  # we issued, and it was never logged, or was taken out
    ):
        for text, count in sorted(found.items())[:NOTICED_MAX]:
            event, _, commitment = text.partition(" ")
            noticed.append(Noticed(code, {"event": event, "commitment": commitment, "count": count}))
    if observed.unreadable:
        noticed.append(Noticed("MONITOR_LEAF_UNREADABLE", {"count": observed.unreadable}))
    return noticed


def compare_counts(observed: Observed, counts: Iterable[Mapping[str, Any]]) -> list[Noticed]:
    """The counts that the log publishes for this issuer, held against its entries."""
    published = {(str(each.get("type")), str(each.get("event"))): each.get("entries") for each in counts}
    if published == dict(observed.types):
        return []
    kinds = sorted(kind for kind in {*published, *observed.types} if published.get(kind) != observed.types.get(kind))
    return [Noticed("MONITOR_COUNTS_DIFFER", {"type": kind[0], "event": kind[1]}) for kind in kinds[:NOTICED_MAX]]
