"""A riding seam (骑缝章) on the pages of a PDF: one seal cut into slices, one at the same edge of each page.

The slices come together when the pages are fanned out with the first on top: to the right for the right edge, and so on. So the first
page holds the left slice at the right edge, the right slice at the left edge, the lowest at the top edge, the topmost at the bottom edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.pdf.placement import Placement, seen_size_mm
from seal_service.places import PLACES_MAX, Edge, read_pages, share_out
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument
    from seal_service.places import Seam


def cut_seam(document: PdfDocument, seam: Seam, width_mm: float, height_mm: float) -> list[Placement]:
    """The slices of a seal of this size (as a whole), page by page. Pages may differ in size and turn: each slice stands at its own edge.

    :raises TrustError: ``SEAM_TOO_SHORT``, ``PAGES_UNCLEAR``, ``PAGE_NOT_FOUND``, ``SEAM_TOO_LONG``; where a seal does not fit along the
        edge, :func:`~seal_service.pdf.placement.locate` says so.
    """
    pages = read_pages(seam.pages, document.page_count())
    if len(pages) > PLACES_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAM_TOO_LONG", pages=len(pages), most=PLACES_MAX)
    slices: list[Placement] = []
    for group in share_out(pages, seam.pages_per_seal):
        for number, page in enumerate(group):
            page_width, page_height = seen_size_mm(document, page - 1)
            first, last = number / len(group), (number + 1) / len(group)
            if seam.edge in {Edge.LEFT, Edge.RIGHT}:
                along = page_height / 2 if seam.offset_mm is None else seam.offset_mm
                wide = width_mm / len(group)
                if seam.edge is Edge.RIGHT:
                    slices.append(Placement(page, page_width - wide / 2, along, wide, height_mm, (first, 0.0, last, 1.0)))
                else:
                    slices.append(Placement(page, wide / 2, along, wide, height_mm, (1 - last, 0.0, 1 - first, 1.0)))
            else:
                along = page_width / 2 if seam.offset_mm is None else seam.offset_mm
                high = height_mm / len(group)
                if seam.edge is Edge.TOP:
                    slices.append(Placement(page, along, page_height - high / 2, width_mm, high, (0.0, first, 1.0, last)))
                else:
                    slices.append(Placement(page, along, high / 2, width_mm, high, (0.0, 1 - last, 1.0, 1 - first)))
    return slices
