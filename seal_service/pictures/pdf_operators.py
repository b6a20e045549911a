"""Outlines as PDF content stream operators (ISO 32000-1 8.5), compact: whole numbers in fiftieths of a millimetre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seal_service.pictures.outline import Colour, Contour

# 0.02 mm is half a pixel at 600 dpi. Whole numbers keep a seal at a third of the size decimals would need.
UNIT_MM: Final = 0.02
_PER_MM: Final = 50
_STRAIGHT: Final = 0.7  # units a control point may lie beside the chord of a curve that is drawn straight: half a unit off at most


def write_operators(outline: Iterable[Contour], colour: Colour) -> bytes:
    """Set the fill colour, draw every contour, fill by the non-zero rule."""
    out = [f"{colour[0]:g} {colour[1]:g} {colour[2]:g} rg"]
    for contour in outline:
        at = (round(contour.start[0] * _PER_MM), round(contour.start[1] * _PER_MM))
        drawn = [f"{at[0]} {at[1]} m"]
        for piece in contour.pieces:
            end = (round(piece[-2] * _PER_MM), round(piece[-1] * _PER_MM))
            if len(piece) == 2:
                if end != at:
                    drawn.append(f"{end[0]} {end[1]} l")
            else:
                p, q, r, s = (round(value * _PER_MM) for value in piece[:4])
                if _is_straight(at, (p, q), (r, s), end):
                    if end != at:
                        drawn.append(f"{end[0]} {end[1]} l")
                elif (p, q) == at:
                    drawn.append(f"{r} {s} {end[0]} {end[1]} v")
                elif (r, s) == end:
                    drawn.append(f"{p} {q} {end[0]} {end[1]} y")
                else:
                    drawn.append(f"{p} {q} {r} {s} {end[0]} {end[1]} c")
            at = end
        drawn.append("h")
        out += drawn
    out.append("f")
    return "\n".join(out).encode("ascii")


def _is_straight(start: tuple[int, int], one: tuple[int, int], two: tuple[int, int], end: tuple[int, int]) -> bool:
    """Whether a curve between these points keeps so close to its chord that nobody can see the difference."""
    x, y = end[0] - start[0], end[1] - start[1]
    limit = _STRAIGHT * (abs(x) + abs(y))  # the true length is shorter by up to 30 %: the stricter side is not needed at this size
    for point in (one, two):
        a, b = point[0] - start[0], point[1] - start[1]
        along = a * x + b * y
        if abs(a * y - b * x) > limit or along < 0 or along > x * x + y * y:
            return False
    return True
