"""Glyph outlines for seals: characters of a Chinese face, runs of a Mongolian one.

The default is the face that the wheel ``justmytype-intl-cjk`` brings (Noto Sans SC, SIL Open Font License), so that the same name gives the
same picture on every machine. Practice asks for a Song face: where one is installed, ``song_font()`` finds it and the maker of a seal may
choose it; it is never chosen behind his back.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from seal_service.pictures.outline import Contour, bounds
from service_kit.typefaces.faces import BOLD, REGULAR, Style, brought_file, system_faces
from service_kit.typefaces.outlines import Glyph, Outlines
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_WEIGHT", "Glyph", "OutlineFont", "Run", "default_font", "mongolian_font", "song_font"]

DEFAULT_WEIGHT: Final = 600  # semi-bold: strokes of 0.4 mm in a ring text 5 mm high, they survive a copying machine
_MONGOLIAN_THICKER_EM: Final = 0.045  # the face has one weight, made for reading: beside semi-bold Chinese its strokes look like hairs
_IDEOGRAPHIC_SPACE: Final = "\u3000"


@dataclass(frozen=True, slots=True)
class Run:
    """A shaped text's outline in em, origin on the base line at its beginning, y upwards. ``bottom_em`` and ``top_em`` bound its ink."""

    contours: tuple[Contour, ...]
    length_em: float
    bottom_em: float
    top_em: float


class OutlineFont:
    """One face at one weight, for texts of seals. May be shared by threads."""

    def __init__(self, path: Path, *, face_index: int = 0, weight: int = DEFAULT_WEIGHT, thicker_em: float = 0) -> None:
        """``weight`` (100..900) is set where the face is variable and ignored elsewhere; ``thicker_em`` widens every stroke by that much."""
        self.outlines = Outlines(path, index=face_index, weight=weight, thicker_em=thicker_em)

    def glyph(self, character: str) -> Glyph:
        """The outline of one character.

        :raises TrustError: ``SEAL_GLYPH_MISSING`` where the face has none: glyph 0, the empty box, is never drawn.
        """
        category = unicodedata.category(character)
        is_drawable = category[0] in "LNPS" or character in {" ", _IDEOGRAPHIC_SPACE}
        number = self.outlines.number_of(character) if is_drawable else 0
        if not number:
            raise _glyph_missing(character)
        return self.outlines.glyph(number)

    def shape_mongolian(self, text: str) -> Run:
        """Traditional Mongolian as one run, written from left to right with its stem on the base line, letters joined.

        A column is this run turned 90 degrees clockwise. U+202F joins a suffix to its word.

        :raises TrustError: ``SEAL_GLYPH_MISSING`` where the face has no glyph (the empty box is never drawn); ``SEAL_MONGOLIAN_BAD`` where
            nothing of the text is seen.
        """
        contours: list[Contour] = []
        x = 0.0
        for placed in self.outlines.shape(text, script="Mong", language="mn"):
            if not placed.number:
                raise _glyph_missing(text[placed.first_character])
            origin = (x + placed.x_em, placed.y_em)
            contours += [contour.moved((1, 0), (0, 1), origin) for contour in self.outlines.glyph(placed.number).contours]
            x += placed.advance_em
        if not contours:
            raise TrustError(Kind.UNACCEPTABLE, "SEAL_MONGOLIAN_BAD", rule="every word has letters")
        _, bottom, _, top = bounds(contours)
        return Run(tuple(contours), x, bottom, top)


def _glyph_missing(character: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "SEAL_GLYPH_MISSING", character=f"U+{ord(character):04X}")


@lru_cache(maxsize=4)
def default_font(weight: int = DEFAULT_WEIGHT) -> OutlineFont:
    """The face every machine has."""
    return OutlineFont(brought_file(), weight=weight)


@lru_cache(maxsize=1)
def song_font() -> OutlineFont | None:
    """The first bold Song face of this machine, or None."""
    return _first(Style.SONG, BOLD, 0)


@lru_cache(maxsize=1)
def mongolian_font() -> OutlineFont | None:
    """The first face of the traditional Mongolian script on this machine, or None."""
    return _first(Style.MONGOLIAN, REGULAR, _MONGOLIAN_THICKER_EM)


def _first(style: Style, weight: int, thicker_em: float) -> OutlineFont | None:
    for face in system_faces(weight):
        if face.style is style:
            return OutlineFont(face.path, face_index=face.index, weight=face.weight, thicker_em=thicker_em)
    return None
