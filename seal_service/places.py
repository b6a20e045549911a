"""Where a seal is wanted, as callers say it: one place, several, the same place on several pages, a riding seam (骑缝).

The same words for every kind of document; what they come to on its pages is the engines' business. Lengths are millimetres, from the
lower-left corner of the page as a person sees it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from seal_service.errors import page_not_found, pages_unclear, seam_too_short

LAST_PAGE: Final = -1
EVERY: Final = 0  # as the occurrence of a keyword: all of them
PLACES_MAX: Final = 1000  # places of one seal in one document: each costs a drawing
SLICES_MAX: Final = 20  # pages that share one seal where the caller does not say: at 42 mm a slice is then 2 mm
PAGES_TEXT_MAX: Final = 1000  # characters of a rule of pages
_RANGE: Final = re.compile(r"(-1|\d{1,7})(?:-(\d{1,7}))?")


class Edge(StrEnum):
    """The edge of the page that a riding seam runs along, as a person sees the page."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class Place:
    """A page (from 1; -1 is the last) and the seal's centre on it. ``width_mm`` None: the seal's own."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Seam:
    """A seal cut into slices over several pages.

    ``pages`` is a rule of :func:`read_pages` or page numbers. ``offset_mm``: the seal's centre along the edge, from its lower or left end;
    None is the middle. ``width_mm``: of the whole seal; None is its own. ``pages_per_seal``: how many pages share one seal.
    """

    edge: Edge = Edge.RIGHT
    pages: str | tuple[int, ...] = "all"
    offset_mm: float | None = None
    width_mm: float | None = None
    pages_per_seal: int | None = None


def read_pages(rule: str | tuple[int, ...], page_count: int) -> tuple[int, ...]:
    """The pages, from 1, in ascending order, each once.

    ``rule`` is ``all``, ``odd``, ``even``, ``first``, ``last``, or numbers and ranges such as ``1,3-5,-1``; or the numbers themselves.
    Raises TrustError ``PAGES_UNCLEAR`` (no such rule, or no page fits it), ``PAGE_NOT_FOUND``.
    """
    if isinstance(rule, str):
        named = {
            "all": range(1, page_count + 1),
            "odd": range(1, page_count + 1, 2),
            "even": range(2, page_count + 1, 2),
            "first": range(1, min(page_count, 1) + 1),
            "last": range(max(page_count, 1), page_count + 1),
        }.get(rule.strip().lower())
        found = {*named} if named is not None else _read_ranges(rule, page_count)
    else:
        found = {_existing(page, page_count) for page in rule}
    if not found:
        raise pages_unclear("at least one page")
    return tuple(sorted(found))


def _read_ranges(rule: str, page_count: int) -> set[int]:
    found: set[int] = set()
    for item in rule[: PAGES_TEXT_MAX + 1].split(","):
        match = _RANGE.fullmatch(item.strip())
        if match is None or len(rule) > PAGES_TEXT_MAX:
            raise pages_unclear("all, odd, even, first, last, or numbers and ranges such as 1,3-5")
        first = _existing(int(match[1]), page_count)
        last = first if match[2] is None else _existing(int(match[2]), page_count)
        if last < first:
            raise pages_unclear("a range begins with its lower page")
        found.update(range(first, last + 1))
    return found


def _existing(page: int, page_count: int) -> int:
    if page == LAST_PAGE and page_count:
        return page_count
    if not 1 <= page <= page_count:
        raise page_not_found(page, page_count)
    return page


def share_out(pages: tuple[int, ...], pages_per_seal: int | None) -> tuple[tuple[int, ...], ...]:
    """The pages in groups of neighbours that share one seal each, as even as they come; no page is left alone.

    Raises TrustError ``SEAM_TOO_SHORT`` where there are not two pages.
    """
    if len(pages) < 2:
        raise seam_too_short(len(pages))
    most = SLICES_MAX if pages_per_seal is None else max(pages_per_seal, 2)
    groups = -(-len(pages) // most)
    if len(pages) // groups < 2:
        groups -= 1
    ends = [len(pages) * number // groups for number in range(groups + 1)]
    return tuple(pages[start:end] for start, end in pairwise(ends))
