"""Where a seal stands on a page: millimetres as a person sees the page, turned into the page's own coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.errors import page_not_found
from seal_service.pdf.document import PdfDocument
from seal_service.places import EVERY, LAST_PAGE, PLACES_MAX
from seal_service.render import POINTS_PER_MM, find_text
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from seal_service.render import TextHit

LAST_OCCURRENCE: Final = -1
USER_UNIT_MAX: Final = 75_000.0  # Acrobat's own bound for /UserUnit (implementation note to ISO 32000-1 table 30)
OCCURRENCE_MAX: Final = 10_000  # a keyword counted further than this is a mistake
Part = tuple[float, float, float, float]
WHOLE: Final[Part] = (0.0, 0.0, 1.0, 1.0)
_TOLERANCE_MM: Final = 0.01  # rounding in callers' arithmetic


@dataclass(frozen=True, slots=True)
class Placement:
    """The centre and size of a seal on a page as it is seen.

    ``page`` counts from 1; -1 is the last. ``x_mm`` and ``y_mm``: the seal's centre, from the lower-left corner of what is visible
    (crop box) after the page's rotation. ``width_mm`` and ``height_mm``: the seal's size on paper. ``part``: which part of the picture
    is shown there (left, bottom, right, top as fractions of it); centre and size are then those of the part.
    """

    page: int
    x_mm: float
    y_mm: float
    width_mm: float = 42.0
    height_mm: float = 42.0
    part: Part = WHOLE


@dataclass(frozen=True, slots=True)
class PagePosition:
    """A placement in the coordinates of its page.

    ``index`` from 0, -1 for the last; ``rectangle``: left, bottom, right, top; ``rotation``: how far the page is turned when shown;
    ``part``: which part of the picture is shown.
    """

    index: int
    rectangle: tuple[float, float, float, float]
    rotation: int
    part: Part = WHOLE


def locate(document: PdfDocument, placement: Placement) -> PagePosition:
    """The rectangle on the page.

    :raises TrustError: ``PAGE_NOT_FOUND``; ``PLACEMENT_OFF_PAGE`` where any part of the seal would not be visible; ``PLACEMENT_BAD``
        for sizes that are no sizes.
    """
    numbers = (placement.x_mm, placement.y_mm, placement.width_mm, placement.height_mm)
    if not all(math.isfinite(number) for number in numbers) or placement.width_mm <= 0 or placement.height_mm <= 0:
        raise TrustError(Kind.UNACCEPTABLE, "PLACEMENT_BAD", rule="finite numbers, size above zero")
    if placement.page != LAST_PAGE and not 1 <= placement.page <= document.page_count():
        raise page_not_found(placement.page, document.page_count())
    index = placement.page - 1 if placement.page != LAST_PAGE else LAST_PAGE
    (left, bottom), rotation, per_mm, (width, height) = _measure(document, index)
    x0, x1 = placement.x_mm - placement.width_mm / 2, placement.x_mm + placement.width_mm / 2
    y0, y1 = placement.y_mm - placement.height_mm / 2, placement.y_mm + placement.height_mm / 2
    if min(x0, y0) < -_TOLERANCE_MM or x1 > width + _TOLERANCE_MM or y1 > height + _TOLERANCE_MM:
        raise TrustError(
            Kind.UNACCEPTABLE,
            "PLACEMENT_OFF_PAGE",
            page=placement.page,
            page_width_mm=round(width, 2),
            page_height_mm=round(height, 2),
            x_mm=placement.x_mm,
            y_mm=placement.y_mm,
        )
    # From the page as seen back to the page as written: the inverse of turning it clockwise by /Rotate.
    if rotation == 90:
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
    elif rotation == 180:
        x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
    elif rotation == 270:
        x0, y0, x1, y1 = y0, width - x1, y1, width - x0
    rectangle = (left + x0 * per_mm, bottom + y0 * per_mm, left + x1 * per_mm, bottom + y1 * per_mm)
    return PagePosition(index, rectangle, rotation, placement.part)


def seen_size_mm(document: PdfDocument, index: int) -> tuple[float, float]:
    """Width and height of a page (from 0; -1 the last) as it is seen: crop box, rotation and unit applied."""
    return _measure(document, index)[3]


def _measure(document: PdfDocument, index: int) -> tuple[tuple[float, float], int, float, tuple[float, float]]:
    """Of a page: the lower-left corner of its box in its own units, its turn in degrees, its units per mm, and its size in mm as it is seen."""
    left, bottom, right, top = document.page_box(index)
    rotation = document.page_rotation(index)
    per_mm = POINTS_PER_MM / _user_unit(document, index)
    width, height = (right - left) / per_mm, (top - bottom) / per_mm
    return (left, bottom), rotation, per_mm, (height, width) if rotation % 180 else (width, height)


def _user_unit(document: PdfDocument, index: int) -> float:
    """/UserUnit of a page in points; 1 where absent or nonsense, as readers take it."""
    unit = document.resolve(document.page(index)[1].get("UserUnit"))
    if isinstance(unit, int | float) and not isinstance(unit, bool) and 0 < unit <= USER_UNIT_MAX:
        return float(unit)
    return 1.0


def find_keyword(
    original: bytes,
    keyword: str,
    *,
    occurrence: int = 1,
    page: int | None = None,
    width_mm: float = 42.0,
    height_mm: float = 42.0,
) -> Placement:
    """A placement with its centre on the centre of ``keyword`` in the document's text.

    ``occurrence`` counts from 1 over the whole document, or over one ``page`` where given; -1 is the last. Where the keyword stands so near
    an edge that the seal would leave the page, the seal moves inwards by as much as it takes.

    :raises TrustError: ``KEYWORD_NOT_FOUND`` (facts: how often it was found), ``KEYWORD_BAD``, ``PDF_MALFORMED``.
    """
    if occurrence != LAST_OCCURRENCE and not 1 <= occurrence <= OCCURRENCE_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "KEYWORD_OCCURRENCE_BAD", occurrence=occurrence)
    hits = find_text(original, keyword, page=page, most=OCCURRENCE_MAX if occurrence == LAST_OCCURRENCE else occurrence)
    if not hits or len(hits) < occurrence:
        raise TrustError(Kind.UNACCEPTABLE, "KEYWORD_NOT_FOUND", keyword_characters=len(keyword), occurrence=occurrence, found=len(hits))
    return _onto(PdfDocument.open(original), hits[-1], width_mm, height_mm)


def find_keywords(
    original: bytes, keyword: str, *, page: int | None = None, width_mm: float = 42.0, height_mm: float = 42.0
) -> list[Placement]:
    """A placement on every occurrence of ``keyword``, in the document or on one ``page``; otherwise as :func:`find_keyword`.

    :raises TrustError: ``KEYWORD_NOT_FOUND``, ``KEYWORD_TOO_OFTEN`` (more than a seal is shown at), ``KEYWORD_BAD``, ``PDF_MALFORMED``.
    """
    hits = find_text(original, keyword, page=page, most=PLACES_MAX + 1)
    if not hits:
        raise TrustError(Kind.UNACCEPTABLE, "KEYWORD_NOT_FOUND", keyword_characters=len(keyword), occurrence=EVERY, found=0)
    if len(hits) > PLACES_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "KEYWORD_TOO_OFTEN", most=PLACES_MAX)
    document = PdfDocument.open(original)
    return [_onto(document, hit, width_mm, height_mm) for hit in hits]


def _onto(document: PdfDocument, hit: TextHit, width_mm: float, height_mm: float) -> Placement:
    """The seal's centre on the centre of the text, moved inwards where it would leave the page."""
    unit = _user_unit(document, hit.page - 1)
    page_width, page_height = seen_size_mm(document, hit.page - 1)
    x_mm, y_mm = _inside(hit.x_mm * unit, width_mm, page_width), _inside(hit.y_mm * unit, height_mm, page_height)
    return Placement(hit.page, x_mm, y_mm, width_mm, height_mm)


def _inside(centre: float, size: float, room: float) -> float:
    return min(max(centre, size / 2), max(room - size / 2, size / 2))
