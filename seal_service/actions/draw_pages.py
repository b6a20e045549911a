"""Pictures of the pages of a document, for a person who is about to put a seal on them. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service import limits
from seal_service.errors import page_not_found
from seal_service.ofd.draw import draw_sealed_ofd
from seal_service.render import DPI_MAX, DPI_MIN, count_pages, draw_page, page_size_mm
from seal_service.verify import OFD, PDF, media_type_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable

MM_PER_INCH: Final = 25.4


@dataclass(frozen=True, slots=True)
class PagePicture:
    """One page as it is seen: ``page`` from 1, its size in millimetres, and its picture as PNG."""

    page: int
    width_mm: float
    height_mm: float
    png: bytes


@dataclass(frozen=True, slots=True)
class DrawnPages:
    """``pages`` are in the document; ``pictures`` are of those that were asked for and fit the limits, in their order."""

    media_type: str
    pages: int
    pictures: tuple[PagePicture, ...]


def draw_pages(document: bytes, *, first: int, count: int, width_px: int) -> DrawnPages:
    """Draw up to ``count`` pages from ``first`` on, each at most ``width_px`` wide and twice as high, seals in them included.

    Fewer come back where the pictures together would be larger than ``PAGE_PICTURES_BYTES``, but at least one.

    :raises TrustError: ``DOCUMENT_NOT_DRAWABLE`` where it is neither PDF nor OFD; ``PAGE_NOT_FOUND``; ``RENDER_TOO_LARGE``; PDF_* and OFD_*.
    """
    # 1. OFD is drawn as PDF first, only the pages that are wanted
    kind = media_type_of(document)
    if kind == OFD:
        drawn, _ = draw_sealed_ofd(document, pages=range(first, first + count))
        pages, numbers, document = drawn.page_count, drawn.pages, drawn.pdf
        places: Iterable[tuple[int, int]] = zip(numbers, range(1, len(numbers) + 1), strict=True)
    elif kind == PDF:
        pages = count_pages(document)
        places = ((number, number) for number in range(first, min(first + count, pages + 1)))
    else:
        raise TrustError(Kind.UNACCEPTABLE, "DOCUMENT_NOT_DRAWABLE")
    if first > pages:
        raise page_not_found(first, pages)

    # 2. Page by page, so that the renderer is free for others in between
    pictures: list[PagePicture] = []
    size_bytes = 0
    for number, place in places:
        width_mm, height_mm = page_size_mm(document, place)
        fitting = min(width_px / max(width_mm, 1), 2 * width_px / max(height_mm, 1)) * MM_PER_INCH
        dpi = min(max(fitting, DPI_MIN), DPI_MAX)
        if width_mm * height_mm * (dpi / MM_PER_INCH) ** 2 > limits.PAGE_PICTURE_PIXELS:
            raise TrustError(Kind.TOO_LARGE, "RENDER_TOO_LARGE", most_pixels=limits.PAGE_PICTURE_PIXELS)
        png = draw_page(document, place, dpi=dpi)
        size_bytes += len(png)
        if pictures and size_bytes > limits.PAGE_PICTURES_BYTES:
            break
        pictures.append(PagePicture(number, width_mm, height_mm, png))
    return DrawnPages(kind, pages, tuple(pictures))
