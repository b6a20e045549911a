"""Glyph outlines and shaped runs of one face, read by HarfBuzz. TrueType and CFF outlines come out alike: lines and cubics."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import uharfbuzz as hb

from service_kit.typefaces.contours import Contour, Cubic, Line, Point

if TYPE_CHECKING:
    from pathlib import Path

MAX_GLYPHS_KEPT: Final = 4096  # glyphs remembered per face and weight; a county's documents use a few hundred
MAX_RUN_CHARACTERS: Final = 4096  # shaped at once
WEIGHT_AXIS: Final = "wght"


@dataclass(frozen=True, slots=True)
class Glyph:
    """One outline in em (1.0 = font size), origin on the base line, y upwards."""

    contours: tuple[Contour, ...]
    advance_em: float


@dataclass(frozen=True, slots=True)
class PlacedGlyph:
    """A glyph of a shaped run: how far it moves the pen, how far it is drawn off it, and the first character it stands for."""

    number: int
    advance_em: float
    x_em: float
    y_em: float
    first_character: int


class Outlines:
    """One face at one weight. May be shared by threads."""

    def __init__(self, source: Path | bytes, *, index: int = 0, weight: int | None = None, thicker_em: float = 0) -> None:
        """A file, or its bytes; ``index`` within a collection. ``weight`` (100..900) is set where the face is variable, ignored elsewhere.

        ``thicker_em`` makes every stroke thicker by that much, for faces that have one weight only.
        """
        blob = hb.Blob(source) if isinstance(source, bytes) else hb.Blob.from_file_path(str(source))
        face = hb.Face(blob, index)
        self._font = hb.Font(face)
        if weight is not None and any(axis.tag == WEIGHT_AXIS for axis in face.axis_infos):
            self._font.set_variations({WEIGHT_AXIS: weight})
        if thicker_em:
            self._font.synthetic_bold = (thicker_em, thicker_em, True)
        self._em = float(face.upem)
        self.glyph_count = int(face.glyph_count)
        # HarfBuzz objects are not shared between threads without a lock; what was drawn once is remembered, so waiting is rare.
        self._lock = threading.Lock()
        self._draw = _draw_functions()
        self.glyph = lru_cache(maxsize=MAX_GLYPHS_KEPT)(self._read_glyph)

    def number_of(self, character: str) -> int:
        """The glyph of a character; 0 where the face has none."""
        with self._lock:
            return int(self._font.get_nominal_glyph(ord(character)) or 0)

    def advance_em(self, number: int) -> float:
        """How far a glyph moves the pen, by its number."""
        with self._lock:
            return float(self._font.get_glyph_h_advance(number) / self._em)

    def _read_glyph(self, number: int) -> Glyph:
        """The outline of a glyph by its number; without contours where the face has no such glyph."""
        pen = _Pen(1 / self._em)
        with self._lock:
            self._font.draw_glyph(number, self._draw, pen)
            return Glyph(tuple(pen.contours), self._font.get_glyph_h_advance(number) / self._em)

    def shape(self, text: str, *, script: str, language: str) -> tuple[PlacedGlyph, ...]:
        """A run from left to right with the forms, joins and marks of its script (ISO 15924, such as ``Mong``) and language (BCP 47).

        A glyph numbered 0 in the result is a character the face lacks. ValueError for more than ``MAX_RUN_CHARACTERS``.
        """
        if len(text) > MAX_RUN_CHARACTERS:
            raise ValueError(f"a run has at most {MAX_RUN_CHARACTERS} characters")
        if not text:
            return ()
        buffer = hb.Buffer()
        buffer.add_codepoints([ord(character) for character in text])
        buffer.direction, buffer.script, buffer.language = "ltr", script, language
        with self._lock:
            hb.shape(self._font, buffer)
        em = self._em
        return tuple(
            PlacedGlyph(info.codepoint, place.x_advance / em, place.x_offset / em, place.y_offset / em, info.cluster)
            for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
        )


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


@lru_cache(maxsize=1)
def _draw_functions() -> Any:
    functions = hb.DrawFuncs()
    functions.set_move_to_func(lambda x, y, pen: pen.move(x, y))
    functions.set_line_to_func(lambda x, y, pen: pen.line(x, y))
    functions.set_quadratic_to_func(lambda p, q, x, y, pen: pen.quadratic(p, q, x, y))
    functions.set_cubic_to_func(lambda p, q, r, s, x, y, pen: pen.cubic(p, q, r, s, x, y))
    functions.set_close_path_func(lambda pen: pen.close())
    return functions
