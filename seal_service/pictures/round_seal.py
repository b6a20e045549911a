"""The round seal of an organ or enterprise: border, name in the ring, star in the centre, code on the lower arc.

Rules: 国发〔1999〕25号 (read in copies): round, at most 45 mm, 42 mm as common for departments; star in the middle; the name from left to
right in a ring around it; simplified characters. Border, star and text proportions follow the practice of engravers for 42 mm seals
(border 1.2 mm, star 14 mm from point to point across, characters about 6 mm) and scale with the diameter.
"""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from seal_service.pictures.fonts import Glyph, OutlineFont, default_font
from seal_service.pictures.outline import Contour, SealPicture, five_pointed_star, ring
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_DIAMETER_MM: Final = 42.0
DIAMETER_MM_MIN: Final = 20.0  # below this a code of 14 digits cannot be read in print
DIAMETER_MM_MAX: Final = 60.0  # 国发〔1999〕25号 allows 45 mm, more for the highest organs
NAME_CHARACTERS_MAX: Final = 64  # ub-common-name of RFC 5280: the name also stands in the certificate
PURPOSE_CHARACTERS_MAX: Final = 16
CODE_DIGITS: Final = (13, 14)  # physical seals carry 13, electronic ones 14 (division of the maker and serial)
PICTURES_KEPT: Final = 512

# All of the following are millimetres of a seal 42 mm across.
_BORDER: Final = 1.2
_GAP: Final = 1.0  # between border and text
_STAR_RADIUS: Final = 7.0
_TEXT_HIGHEST: Final = 6.0
_TEXT_LOWEST: Final = 3.2
_TEXT_STEP: Final = 0.1
_TEXT_NARROWEST: Final = 1.3  # character width below which the name cannot be engraved or read: refused
_TEXT_CROWDED: Final = 2.3  # character width below which the maker is warned
_CODE_HEIGHT: Final = 1.9
_CODE_STEP: Final = 1.75  # from digit to digit along the base line
_PURPOSE_HEIGHT: Final = 3.6
_PURPOSE_WIDTH: Final = 17.0
_PURPOSE_BASE: Final = -11.6

_SLENDERNESS: Final = 0.68  # width / height a ring character should keep: Song characters on seals stand tall
_FILL: Final = 0.86  # share of the step a character takes; the rest is the space to its neighbour
_STEP_WIDEST: Final = math.radians(30)  # a name of four characters stays a group, it is not scattered
_SPAN: Final = math.radians(286)  # from the middle of the first to the middle of the last character, no code below
_SPAN_WITH_CODE: Final = math.radians(250)
_SPAN_WITH_PURPOSE: Final = math.radians(232)

# An ideograph's ink fills about 0.94 em, from -0.09 to 0.85; digits stand 0.733 em high on the base line (Noto Sans SC).
_INK_EM: Final = 0.94
_MIDDLE_EM: Final = 0.38
_DIGIT_EM: Final = 0.733


def draw_round_seal(
    name: str,
    code: str = "",
    *,
    star: bool = True,
    purpose: str = "",
    diameter_mm: float = DEFAULT_DIAMETER_MM,
    font: OutlineFont | None = None,
) -> SealPicture:
    """Draw the seal of ``name`` (the registered name, as it shall read) with ``code`` (13 or 14 digits, or empty).

    ``purpose`` is a short line below the star (合同专用章). Pictures are remembered: drawing the same seal again costs nothing.
    A crowded name gives the warning ``SEAL_NAME_CROWDED``.

    :raises TrustError: ``SEAL_NAME_EMPTY``, ``SEAL_NAME_TOO_LONG``, ``SEAL_PURPOSE_TOO_LONG``, ``SEAL_CODE_BAD``, ``SEAL_SIZE_BAD``,
        ``SEAL_GLYPH_MISSING`` (a character the face does not have; nothing is drawn in its place).
    """
    return _draw(unicodedata.normalize("NFC", name).strip(), code, star, unicodedata.normalize("NFC", purpose).strip(), diameter_mm, font)


@lru_cache(maxsize=PICTURES_KEPT)
def _draw(name: str, code: str, has_star: bool, purpose: str, diameter_mm: float, font: OutlineFont | None) -> SealPicture:  # noqa: FBT001
    _check(name, code, purpose, diameter_mm)
    font = font or default_font()
    scale = diameter_mm / DEFAULT_DIAMETER_MM
    radius = DEFAULT_DIAMETER_MM / 2
    outline = list(ring(radius, _BORDER))
    span = _SPAN_WITH_PURPOSE if purpose else _SPAN_WITH_CODE if code else _SPAN
    text, is_crowded = _ring_text([font.glyph(character) for character in name], name, radius - _BORDER - _GAP, span)
    outline += text
    if has_star:
        outline.append(five_pointed_star(_STAR_RADIUS))
    if purpose:
        outline += _purpose_line([font.glyph(character) for character in purpose])
    if code:
        outline += _code_arc([font.glyph(digit) for digit in code], radius - _BORDER - _GAP)
    if scale != 1:
        outline = [contour.moved((scale, 0), (0, scale), (0, 0)) for contour in outline]
    title = " ".join(part for part in (name, purpose, code) if part)
    return SealPicture(tuple(outline), diameter_mm, diameter_mm, title=title, warnings=("SEAL_NAME_CROWDED",) if is_crowded else ())


def _check(name: str, code: str, purpose: str, diameter_mm: float) -> None:
    if not name:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_EMPTY")
    if len(name) > NAME_CHARACTERS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", characters=len(name), most=NAME_CHARACTERS_MAX)
    if len(purpose) > PURPOSE_CHARACTERS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_PURPOSE_TOO_LONG", characters=len(purpose), most=PURPOSE_CHARACTERS_MAX)
    if code and not (len(code) in CODE_DIGITS and code.isascii() and code.isdigit()):
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_CODE_BAD", characters=len(code), expected="13 or 14 digits")
    if not DIAMETER_MM_MIN <= diameter_mm <= DIAMETER_MM_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_SIZE_BAD", least_mm=DIAMETER_MM_MIN, most_mm=DIAMETER_MM_MAX)


def _ring_text(glyphs: Sequence[Glyph], name: str, top: float, span: float) -> tuple[list[Contour], bool]:
    """The name along the upper arc, its tops touching the circle of radius ``top``, and whether it is crowded.

    Characters get equal angles (weighted by advance, so that Latin letters stand closer). The fewer they are, the larger: the height
    falls until a character is no longer too slender for its height.
    """
    weights = [glyph.advance_em for glyph in glyphs]
    between = [(left + right) / 2 for left, right in pairwise(weights)]
    step = min(_STEP_WIDEST, span / sum(between)) if between else _STEP_WIDEST  # angle of one em
    height = _TEXT_HIGHEST
    while True:
        width = min(height, 2 * (top - height) * math.sin(step / 2) * _FILL)
        if width >= height * _SLENDERNESS or height - _TEXT_STEP < _TEXT_LOWEST:
            break
        height -= _TEXT_STEP
    if width < _TEXT_NARROWEST:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", characters=len(name))
    across, up = width / _INK_EM, height / _INK_EM
    angle = sum(between) * step / 2  # from the top, to the left
    contours: list[Contour] = []
    middle = top - height / 2
    for index, glyph in enumerate(glyphs):
        sine, cosine = math.sin(angle), math.cos(angle)
        # The glyph's middle sits at (-sine, cosine) * middle, its upright points outwards.
        dx, dy = glyph.advance_em / 2 * across, _MIDDLE_EM * up
        origin = (-sine * middle - dx * cosine + dy * sine, cosine * middle - dx * sine - dy * cosine)
        contours += [contour.moved((across * cosine, across * sine), (-up * sine, up * cosine), origin) for contour in glyph.contours]
        if index < len(between):
            angle -= between[index] * step
    return contours, width < _TEXT_CROWDED


def _code_arc(digits: Sequence[Glyph], reach: float) -> list[Contour]:
    """The code along the lower arc, read from left to right, its digits' tops towards the centre."""
    size = _CODE_HEIGHT / _DIGIT_EM
    step = _CODE_STEP / reach
    angle = -(len(digits) - 1) / 2 * step  # from the bottom, to the right
    contours: list[Contour] = []
    for digit in digits:
        sine, cosine = math.sin(angle), math.cos(angle)
        dx = digit.advance_em / 2 * size
        origin = (sine * reach - dx * cosine, -cosine * reach - dx * sine)
        contours += [contour.moved((size * cosine, size * sine), (-size * sine, size * cosine), origin) for contour in digit.contours]
        angle += step
    return contours


def _purpose_line(glyphs: Sequence[Glyph]) -> list[Contour]:
    """A straight line of text below the star, narrowed where it would run into the ring text."""
    up = _PURPOSE_HEIGHT / _INK_EM
    length = sum(glyph.advance_em for glyph in glyphs)
    across = min(up, _PURPOSE_WIDTH / length)
    x = -length * across / 2
    contours: list[Contour] = []
    for glyph in glyphs:
        contours += [contour.moved((across, 0), (0, up), (x, _PURPOSE_BASE)) for contour in glyph.contours]
        x += glyph.advance_em * across
    return contours
