"""From a design to its picture: the one doorway to every kind of seal."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from seal_service.pictures.design import Shape, Typeface, normal_form, require_drawable
from seal_service.pictures.fonts import default_font, mongolian_font, song_font
from seal_service.pictures.outline import SealPicture
from seal_service.pictures.oval_seal import draw_oval
from seal_service.pictures.round_seal import draw_round
from seal_service.pictures.square_seal import draw_square
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from seal_service.pictures.design import SealDesign
    from seal_service.pictures.fonts import OutlineFont

PICTURES_KEPT: Final = 64  # a bilingual one takes about a megabyte; drawing anew takes some milliseconds
NAME_CROWDED: Final = "SEAL_NAME_CROWDED"


def draw_seal(design: SealDesign) -> SealPicture:
    """Draw a design. Pictures are remembered: drawing the same seal again costs nothing.

    A crowded name gives the warning ``SEAL_NAME_CROWDED``; ``check_design`` gives all warnings.

    :raises TrustError: what ``require_drawable`` raises; ``SEAL_GLYPH_MISSING`` (a character the face does not have; nothing is drawn in
        its place), ``SEAL_FACE_MISSING`` (no such face on this machine), ``SEAL_NAME_TOO_LONG``.
    """
    return _draw(normal_form(design))


@lru_cache(maxsize=PICTURES_KEPT)
def _draw(design: SealDesign) -> SealPicture:
    require_drawable(design)
    font = chinese_font(design.typeface)
    mongolian = _mongolian() if design.is_bilingual else None
    if design.shape in {Shape.SQUARE, Shape.RECTANGLE}:
        words = [] if mongolian is None else [mongolian.shape_mongolian(word) for word in design.mongolian.split(" ") if word]
        outline, is_crowded = draw_square(design, font, words)
    else:
        run = None if mongolian is None else mongolian.shape_mongolian(" ".join(design.mongolian.split(" ")))
        outline, is_crowded = (draw_round if design.shape is Shape.ROUND else draw_oval)(design, font, run)
    title = " ".join(part for part in (design.mongolian, design.name, design.purpose, design.centre_text, design.code) if part)
    warnings = (NAME_CROWDED,) if is_crowded else ()
    return SealPicture(tuple(outline), design.width_mm, design.height_mm, colour=design.rgb, title=title, warnings=warnings)


def chinese_font(typeface: Typeface) -> OutlineFont:
    """The face for Chinese. Raises TrustError ``SEAL_FACE_MISSING`` where this machine has none of that kind."""
    font = default_font() if typeface is Typeface.SANS else song_font()
    if font is None:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_FACE_MISSING", typeface=typeface.value, package="fonts-noto-cjk")
    return font


def _mongolian() -> OutlineFont:
    font = mongolian_font()
    if font is None:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_FACE_MISSING", typeface="mongolian", package="fonts-noto-core")
    return font


def typefaces_here() -> tuple[Typeface, ...]:
    """The faces for Chinese that this machine has."""
    return (Typeface.SANS, Typeface.SONG) if song_font() is not None else (Typeface.SANS,)


def is_mongolian_here() -> bool:
    """Whether bilingual seals can be drawn on this machine."""
    return mongolian_font() is not None
