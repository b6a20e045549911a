"""Where a seal is shown in an OFD document: the places a caller names, turned into boxes and clips of its pages (GB/T 33190-2016 18.2.3).

Callers count from the lower-left corner of a page, OFD from the upper-left one. A riding seam is the whole picture on every page, moved so
far over the edge that the page's own slice lies along it, and clipped to that slice: laid one upon the other, fanned out, the pages show
the whole seal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from seal_service.errors import page_not_found
from seal_service.ofd.refusals import refused
from seal_service.places import LAST_PAGE, Edge, Place, Seam, read_pages, share_out
from standards.errors import Kind
from standards.gbt33190_ofd.signing_parts import Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standards.gbt33190_ofd.graph import Body

A4_MM: Final = (210.0, 297.0)  # where neither page nor document states a size, as readers take it
_TOLERANCE_MM: Final = 0.01  # rounding in callers' arithmetic

Size = tuple[float, float]


class OfdPages:
    """The pages of a document in their order, with identifier and size."""

    def __init__(self, body: Body) -> None:
        self.identifiers = tuple(body.pages)
        default = body.default_box or (0.0, 0.0, *A4_MM)
        self._boxes = [body.boxes.get(part, default) for part in body.pages.values()]

    def number(self, page: int) -> int:
        """The page from 1; raises ``PAGE_NOT_FOUND``."""
        if page == LAST_PAGE and self.identifiers:
            return len(self.identifiers)
        if not 1 <= page <= len(self.identifiers):
            raise page_not_found(page, len(self.identifiers))
        return page

    def size_mm(self, number: int) -> Size:
        """Width and height of a page."""
        return self._boxes[number - 1][2:]


def place_stamps(pages: OfdPages, places: Sequence[Place], seam: Seam | None, picture_mm: Size) -> tuple[Stamp, ...]:
    """All places of one seal. ``picture_mm``: the seal's own width and height.

    Raises TrustError ``PAGE_NOT_FOUND``, ``PAGES_UNCLEAR``, ``SEAM_TOO_SHORT``, ``PLACEMENT_BAD``, ``PLACEMENT_OFF_PAGE``.
    """
    stamps = [_place(pages, place, picture_mm) for place in places]
    if seam is not None:
        for group in share_out(read_pages(seam.pages, len(pages.identifiers)), seam.pages_per_seal):
            stamps += [_slice(pages, seam, page, (index, len(group)), picture_mm) for index, page in enumerate(group)]
    return tuple(stamps)


def _scaled(picture_mm: Size, width_mm: float | None) -> Size:
    width = picture_mm[0] if width_mm is None else width_mm
    _check_numbers(width, is_size=True)
    return width, width * picture_mm[1] / picture_mm[0]


def _check_numbers(*numbers: float, is_size: bool = False) -> None:
    if not all(math.isfinite(number) for number in numbers) or (is_size and min(numbers) <= 0):
        raise refused(Kind.UNACCEPTABLE, "PLACEMENT_BAD", rule="finite numbers, size above zero")


def _place(pages: OfdPages, place: Place, picture_mm: Size) -> Stamp:
    number = pages.number(place.page)
    width, height = _scaled(picture_mm, place.width_mm)
    page = pages.size_mm(number)
    _check_numbers(place.x_mm, place.y_mm)
    left, top = place.x_mm - width / 2, page[1] - place.y_mm - height / 2
    if min(left, top) < -_TOLERANCE_MM or left + width > page[0] + _TOLERANCE_MM or top + height > page[1] + _TOLERANCE_MM:
        raise _off_page(place.page, page, place.x_mm, place.y_mm)
    return Stamp(pages.identifiers[number - 1], (left, top, width, height))


def _slice(pages: OfdPages, seam: Seam, number: int, share: tuple[int, int], picture_mm: Size) -> Stamp:
    """The slice of one page. ``share``: which of how many.

    Fanned out to the right or downwards, the first page lies on top and farthest in, so it has the first slice; to the left or upwards the
    last page lies farthest out and has it.
    """
    width, height = _scaled(picture_mm, seam.width_mm)
    page = pages.size_mm(number)
    index, count = share
    is_upright = seam.edge in {Edge.LEFT, Edge.RIGHT}
    along, length = (height, page[1]) if is_upright else (width, page[0])
    offset = length / 2 if seam.offset_mm is None else seam.offset_mm
    _check_numbers(offset)
    if offset - along / 2 < -_TOLERANCE_MM or offset + along / 2 > length + _TOLERANCE_MM:
        raise _off_page(number, page, *((0.0, offset) if is_upright else (offset, 0.0)))
    across = (width if is_upright else height) / count
    if across > (page[0] if is_upright else page[1]):
        raise _off_page(number, page, across, offset)
    at_far_edge = seam.edge in {Edge.RIGHT, Edge.BOTTOM}
    skipped = index if at_far_edge else count - 1 - index
    start = (page[0] if is_upright else page[1]) - (index + 1) * across if at_far_edge else -skipped * across
    if is_upright:
        boundary = (start, page[1] - offset - height / 2, width, height)
        clip = (skipped * across, 0.0, across, height)
    else:
        boundary = (offset - width / 2, start, width, height)
        clip = (0.0, skipped * across, width, across)
    return Stamp(pages.identifiers[number - 1], boundary, clip)


def _off_page(number: int, page: Size, x_mm: float, y_mm: float) -> Exception:
    return refused(
        Kind.UNACCEPTABLE,
        "PLACEMENT_OFF_PAGE",
        page=number,
        page_width_mm=round(page[0], 2),
        page_height_mm=round(page[1], 2),
        x_mm=x_mm,
        y_mm=y_mm,
    )
