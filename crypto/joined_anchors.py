"""The anchors of several trust lists together: trust that one of them ends is ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from crypto.trust_list import Anchor, Purpose


def joined_anchors(lists: Iterable[tuple[Anchor, ...]]) -> tuple[Anchor, ...]:
    """The anchors of several lists, each once. Where a list ends the trust in one, it ends for the same purposes in all of them that name it: an
    older list beside a newer one brings no root back. One list may trust an anchor in several periods.
    """
    together: dict[Anchor, None] = {}
    limits: dict[tuple[bytes, Purpose], datetime] = {}
    for anchors in lists:
        together.update(dict.fromkeys(anchors))
        ends: dict[tuple[bytes, Purpose], list[datetime | None]] = {}
        for anchor in anchors:
            for purpose in anchor.purposes:
                ends.setdefault((anchor.certificate.der, purpose), []).append(anchor.trusted_until)
        for named, stated in ends.items():
            until = [end for end in stated if end is not None]
            if len(until) == len(stated):
                limits[named] = min(max(until), limits.get(named, max(until)))
    return tuple(dict.fromkeys(part for anchor in together for part in _within(anchor, limits)))


def _within(anchor: Anchor, limits: Mapping[tuple[bytes, Purpose], datetime]) -> Iterator[Anchor]:
    """The anchor, in parts where its purposes end at different times; none where it would begin after its end."""
    by_end: dict[datetime | None, set[Purpose]] = {}
    for purpose in sorted(anchor.purposes):
        limit = limits.get((anchor.certificate.der, purpose))
        own = anchor.certificate.not_after if anchor.trusted_until is None else anchor.trusted_until
        by_end.setdefault(anchor.trusted_until if limit is None or limit >= own else limit, set()).add(purpose)
    for end, purposes in by_end.items():
        if anchor.trusted_from is None or end is None or anchor.trusted_from <= end:
            yield replace(anchor, purposes=frozenset(purposes), trusted_until=end)
