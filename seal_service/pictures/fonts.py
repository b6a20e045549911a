"""Glyph outlines for seals: from a font file to contours, through HarfBuzz.

The default is the face that the wheel ``justmytype-intl-cjk`` brings (Noto Sans SC, SIL Open Font License), so that the same name gives the
same picture on every machine. Practice asks for a Song face: where one is installed, ``song_font()`` finds it and the maker of a seal may
choose it; it is never chosen behind his back.
"""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import uharfbuzz as hb

from seal_service.pictures.outline import Contour, Cubic, Line, Point
from standards.errors import Kind, TrustError

DEFAULT_WEIGHT: Final = 600  # semi-bold: strokes of 0.4 mm in a ring text 5 mm high, they survive a copying machine
MAX_GLYPHS_KEPT: Final = 4096  # glyphs remembered per face and weight; a county's seals use a few hundred

# Where distributions put a Song face with the rare characters (Debian fonts-noto-cjk, Fedora google-noto-serif-cjk-ttc-fonts).
SONG_FACES: Final = (
    ("/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
    ("/usr/share/fonts/google-noto-serif-cjk-fonts/NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
    ("/usr/share/fonts/noto-cjk/NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
)
MAX_FACES_PER_FILE: Final = 64  # the largest collections in use have under 40
_IDEOGRAPHIC_SPACE: Final = "\u3000"


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character's outline in em (1.0 = font size), origin on the base line, y upwards."""

    contours: tuple[Contour, ...]
    advance_em: float


class OutlineFont:
    """One face at one weight. May be shared by threads."""

    def __init__(self, path: Path, *, face_index: int = 0, weight: int = DEFAULT_WEIGHT) -> None:
        """``weight`` (100..900) is set where the face is variable and ignored elsewhere."""
        face = hb.Face(hb.Blob.from_file_path(str(path)), face_index)
        self._font = hb.Font(face)
        if any(axis.tag == "wght" for axis in face.axis_infos):
            self._font.set_variations({"wght": weight})
        self._em = float(face.upem)
        # HarfBuzz objects are not shared between threads without a lock; what was drawn once is remembered, so waiting is rare.
        self._lock = threading.Lock()
        self._draw = _draw_functions()
        self.glyph = lru_cache(maxsize=MAX_GLYPHS_KEPT)(self._read_glyph)

    def _read_glyph(self, character: str) -> Glyph:
        """The outline of one character.

        :raises TrustError: ``SEAL_GLYPH_MISSING`` where the face has none: glyph 0, the empty box, is never drawn.
        """
        category = unicodedata.category(character)
        is_drawable = category[0] in "LNPS" or character in {" ", _IDEOGRAPHIC_SPACE}
        with self._lock:
            number = self._font.get_nominal_glyph(ord(character)) if is_drawable else 0
            if not number:
                raise TrustError(Kind.UNACCEPTABLE, "SEAL_GLYPH_MISSING", character=f"U+{ord(character):04X}")
            pen = _Pen(1 / self._em)
            self._font.draw_glyph(number, self._draw, pen)
            return Glyph(tuple(pen.contours), self._font.get_glyph_h_advance(number) / self._em)


class _Pen:
    """Collects what HarfBuzz draws; quadratic curves are raised to cubics (exactly the same curve)."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._start: Point = (0, 0)
        self._at: Point = (0, 0)
        self._pieces: list[Line | Cubic] = []
        self.contours: list[Contour] = []

    def move(self, x: float, y: float) -> None:
        self._start = self._at = (x * self._scale, y * self._scale)
        self._pieces = []

    def line(self, x: float, y: float) -> None:
        self._at = (x * self._scale, y * self._scale)
        self._pieces.append(self._at)

    def quadratic(self, p: float, q: float, x: float, y: float) -> None:
        p, q, x, y = p * self._scale, q * self._scale, x * self._scale, y * self._scale
        a, b = self._at
        self._pieces.append((a + 2 / 3 * (p - a), b + 2 / 3 * (q - b), x + 2 / 3 * (p - x), y + 2 / 3 * (q - y), x, y))
        self._at = (x, y)

    def cubic(self, p: float, q: float, r: float, s: float, x: float, y: float) -> None:
        scale = self._scale
        self._at = (x * scale, y * scale)
        self._pieces.append((p * scale, q * scale, r * scale, s * scale, *self._at))

    def close(self) -> None:
        if self._pieces:
            self.contours.append(Contour(self._start, tuple(self._pieces)))
        self._pieces = []


def _draw_functions() -> Any:
    functions = hb.DrawFuncs()
    functions.set_move_to_func(lambda x, y, pen: pen.move(x, y))
    functions.set_line_to_func(lambda x, y, pen: pen.line(x, y))
    functions.set_quadratic_to_func(lambda p, q, x, y, pen: pen.quadratic(p, q, x, y))
    functions.set_cubic_to_func(lambda p, q, r, s, x, y, pen: pen.cubic(p, q, r, s, x, y))
    functions.set_close_path_func(lambda pen: pen.close())
    return functions


@lru_cache(maxsize=4)
def default_font(weight: int = DEFAULT_WEIGHT) -> OutlineFont:
    """The face every machine has."""
    folder = resources.files("justmytype_intl_cjk") / "fonts" / "ofl" / "notosanssc"
    with resources.as_file(folder / "NotoSansSC[wght].ttf") as path:  # an installed wheel is a folder: the file stays where it is
        return OutlineFont(path, weight=weight)


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


def face_number(path: Path, family: str) -> int | None:
    """The place of a family within a font collection, or None."""
    blob = hb.Blob.from_file_path(str(path))
    for index in range(min(hb.Face(blob, 0).count, MAX_FACES_PER_FILE)):
        if hb.Face(blob, index).get_name(hb.OTNameIdPredefined.FONT_FAMILY) == family:
            return index
    return None
