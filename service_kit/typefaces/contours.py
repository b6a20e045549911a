"""Closed curves of lines and cubics: what a glyph is made of, and what anything drawn from glyphs is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Point = tuple[float, float]
Line = tuple[float, float]  # end
Cubic = tuple[float, float, float, float, float, float]  # first control point, second control point, end


@dataclass(frozen=True, slots=True)
class Contour:
    """One closed curve: a start and the pieces from there; the last piece is joined to the start by a straight line."""

    start: Point
    pieces: tuple[Line | Cubic, ...]

    def moved(self, across: Point, up: Point, origin: Point) -> Contour:
        """The same curve in another frame: (x, y) becomes x * across + y * up + origin."""
        a, b = across
        c, d = up
        e, f = origin
        pieces: list[Line | Cubic] = []
        for piece in self.pieces:
            if len(piece) == 2:
                x, y = piece
                pieces.append((a * x + c * y + e, b * x + d * y + f))
            else:
                p, q, r, s, x, y = piece
                pieces.append(
                    (
                        a * p + c * q + e,
                        b * p + d * q + f,
                        a * r + c * s + e,
                        b * r + d * s + f,
                        a * x + c * y + e,
                        b * x + d * y + f,
                    )
                )
        x, y = self.start
        return Contour((a * x + c * y + e, b * x + d * y + f), tuple(pieces))

    def points(self) -> Iterable[Point]:
        """Every point that bounds the curve, control points included."""
        yield self.start
        for piece in self.pieces:
            for index in range(0, len(piece), 2):
                yield piece[index], piece[index + 1]
