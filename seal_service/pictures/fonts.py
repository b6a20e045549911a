"""Glyph outlines for seals: from a font file to contours, through HarfBuzz.

The default is the face that the wheel ``justmytype-intl-cjk`` brings (Noto Sans SC, SIL Open Font License), so that the same name gives the
same picture on every machine. Practice asks for a Song face: where one is installed, ``song_font()`` finds it and the maker of a seal may
choose it; it is never chosen behind his back.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

from service_kit.typefaces.faces import brought_file, face_number
from service_kit.typefaces.outlines import Glyph, Outlines
from standards.errors import Kind, TrustError

__all__ = ["DEFAULT_WEIGHT", "SONG_FACES", "Glyph", "OutlineFont", "default_font", "face_number", "song_font"]

DEFAULT_WEIGHT: Final = 600  # semi-bold: strokes of 0.4 mm in a ring text 5 mm high, they survive a copying machine

# Where distributions put a Song face with the rare characters (Debian fonts-noto-cjk, Fedora google-noto-serif-cjk-ttc-fonts).
SONG_FACES: Final = (
    ("/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
    ("/usr/share/fonts/google-noto-serif-cjk-fonts/NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
    ("/usr/share/fonts/noto-cjk/NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
)
_IDEOGRAPHIC_SPACE: Final = "\u3000"


class OutlineFont:
    """One face at one weight, for texts of seals. May be shared by threads."""

    def __init__(self, path: Path, *, face_index: int = 0, weight: int = DEFAULT_WEIGHT) -> None:
        """``weight`` (100..900) is set where the face is variable and ignored elsewhere."""
        self.outlines = Outlines(path, index=face_index, weight=weight)

    def glyph(self, character: str) -> Glyph:
        """The outline of one character.

        :raises TrustError: ``SEAL_GLYPH_MISSING`` where the face has none: glyph 0, the empty box, is never drawn.
        """
        category = unicodedata.category(character)
        is_drawable = category[0] in "LNPS" or character in {" ", _IDEOGRAPHIC_SPACE}
        number = self.outlines.number_of(character) if is_drawable else 0
        if not number:
            raise TrustError(Kind.UNACCEPTABLE, "SEAL_GLYPH_MISSING", character=f"U+{ord(character):04X}")
        return self.outlines.glyph(number)


@lru_cache(maxsize=4)
def default_font(weight: int = DEFAULT_WEIGHT) -> OutlineFont:
    """The face every machine has."""
    return OutlineFont(brought_file(), weight=weight)


@lru_cache(maxsize=1)
def song_font() -> OutlineFont | None:
    """The first Song face of ``SONG_FACES`` on this machine, or None."""
    for name, family in SONG_FACES:
        path = Path(name)
        if path.is_file():
            index = face_number(path, family)
            if index is not None:
                return OutlineFont(path, face_index=index)
    return None
