"""Where the national emblem goes. Its artwork is fixed by law and comes from the authority that makes the seal: it is not drawn here.

What is drawn is a thin circle with the word 国徽 in it, so that nobody takes it for a finished seal; ``check_design`` says so, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.pictures.arc_text import INK_EM, MIDDLE_EM
from seal_service.pictures.outline import ring

if TYPE_CHECKING:
    from seal_service.pictures.fonts import OutlineFont
    from seal_service.pictures.outline import Contour

WORD: Final = "国徽"
_LINE_MM: Final = 0.3
_SHARE: Final = 0.62  # height of the word, of the radius


def emblem_place(font: OutlineFont, radius_mm: float) -> list[Contour]:
    """The place holder about the origin."""
    size = radius_mm * _SHARE / INK_EM
    x = -sum(font.glyph(character).advance_em for character in WORD) * size / 2
    contours = list(ring(radius_mm, _LINE_MM))
    for character in WORD:
        glyph = font.glyph(character)
        contours += [contour.moved((size, 0), (0, size), (x, -MIDDLE_EM * size)) for contour in glyph.contours]
        x += glyph.advance_em * size
    return contours
