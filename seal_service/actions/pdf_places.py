"""From the words of an order to places on the pages of a PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.errors import placement_unclear
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement, find_keyword, find_keywords
from seal_service.pdf.riding_seam import cut_seam
from seal_service.places import EVERY, LAST_PAGE, read_pages

if TYPE_CHECKING:
    from seal_service.actions.seal_order import SealOrder
    from seal_service.pictures.outline import SealPicture

SEAM_SKIPPED: Final = "SEAM_SKIPPED"  # a riding seam was wanted, and the document has a single page


def place_on_pdf(order: SealOrder, picture: SealPicture) -> tuple[list[Placement], tuple[str, ...]]:
    """Every place the seal is shown at, none for an invisible one; and warnings, by code.

    Raises TrustError PLACEMENT_UNCLEAR, KEYWORD_*, PAGES_UNCLEAR, PAGE_NOT_FOUND, SEAM_*, PDF_*.
    """
    found = [*_single(order, picture), *_listed(order, picture)]
    if order.seam is None:
        return found, ()
    document = PdfDocument.open(order.document)
    if document.page_count() == 1:
        return found, (SEAM_SKIPPED,)
    return [*found, *cut_seam(document, order.seam, *_size(order.seam.width_mm, picture))], ()


def _size(width_mm: float | None, picture: SealPicture) -> tuple[float, float]:
    width_mm = picture.width_mm if width_mm is None else width_mm
    return width_mm, width_mm * picture.height_mm / picture.width_mm


def _single(order: SealOrder, picture: SealPicture) -> list[Placement]:
    """By keyword, or by page (or pages) and millimetres."""
    width_mm, height_mm = _size(order.width_mm, picture)
    if order.keyword is not None:
        if order.x_mm is not None or order.y_mm is not None or order.pages is not None:
            raise placement_unclear("keyword, or x_mm and y_mm (with page or pages), not both")
        if order.occurrence == EVERY:
            return find_keywords(order.document, order.keyword, page=order.page, width_mm=width_mm, height_mm=height_mm)
        one = find_keyword(
            order.document, order.keyword, occurrence=order.occurrence, page=order.page, width_mm=width_mm, height_mm=height_mm
        )
        return [one]
    is_elsewhere = order.width_mm is None or order.field is not None or bool(order.places) or order.seam is not None
    if is_elsewhere and order.x_mm is None and order.y_mm is None and order.page is None and order.pages is None:
        return []
    if order.x_mm is None or order.y_mm is None:
        raise placement_unclear("x_mm and y_mm, or keyword")
    if order.pages is None:
        return [Placement(LAST_PAGE if order.page is None else order.page, order.x_mm, order.y_mm, width_mm, height_mm)]
    if order.page is not None:
        raise placement_unclear("page or pages, not both")
    pages = read_pages(order.pages, PdfDocument.open(order.document).page_count())
    return [Placement(page, order.x_mm, order.y_mm, width_mm, height_mm) for page in pages]


def _listed(order: SealOrder, picture: SealPicture) -> list[Placement]:
    return [
        Placement(place.page, place.x_mm, place.y_mm, *_size(order.width_mm if place.width_mm is None else place.width_mm, picture))
        for place in order.places
    ]
