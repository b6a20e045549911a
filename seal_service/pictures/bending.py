"""Curves bent by a map of the plane, so that a text written along a straight line follows an arc with its letters still joined."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from seal_service.pictures.outline import Contour, Cubic, Line, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def bent(contour: Contour, place: Callable[[float, float], Point], longest: float) -> Contour:
    """The same curve with every point put where ``place`` says, after cutting it into pieces no longer than ``longest``.

    The closing line is cut, too. Control points are placed like ends: on pieces that short nobody can see the difference.
    """
    at = contour.start
    pieces: list[Line | Cubic] = []
    closing: tuple[Line, ...] = () if contour.pieces and contour.pieces[-1][-2:] == contour.start else (contour.start,)
    for piece in (*contour.pieces, *closing):
        for part in _cut(at, piece, longest):
            if len(part) == 2:
                pieces.append(place(*part))
            else:
                p, q, r, s, x, y = part
                pieces.append((*place(p, q), *place(r, s), *place(x, y)))
        at = (piece[-2], piece[-1])
    return Contour(place(*contour.start), tuple(pieces))


def _cut(start: Point, piece: Line | Cubic, longest: float) -> Iterable[Line | Cubic]:
    """A piece as pieces of equal share of its parameter, none with a longer control polygon than about ``longest``."""
    length, at = 0.0, start
    for index in range(0, len(piece), 2):
        to = (piece[index], piece[index + 1])
        length += math.dist(at, to)
        at = to
    count = max(1, math.ceil(length / longest))
    if count == 1:
        yield piece
        return
    if len(piece) == 2:
        for step in range(1, count + 1):
            share = step / count
            yield (start[0] + (piece[0] - start[0]) * share, start[1] + (piece[1] - start[1]) * share)
        return
    for left in range(count):
        yield _part(start, piece, left / count, (left + 1) / count)


def _part(start: Point, piece: Cubic, low: float, high: float) -> Cubic:
    """The cubic between two values of its parameter: its polar form at the mixed arguments."""

    def polar(a: float, b: float, c: float) -> Point:
        weights = (
            (1 - a) * (1 - b) * (1 - c),
            a * (1 - b) * (1 - c) + (1 - a) * b * (1 - c) + (1 - a) * (1 - b) * c,
            a * b * (1 - c) + a * (1 - b) * c + (1 - a) * b * c,
            a * b * c,
        )
        return (
            weights[0] * start[0] + weights[1] * piece[0] + weights[2] * piece[2] + weights[3] * piece[4],
            weights[0] * start[1] + weights[1] * piece[1] + weights[2] * piece[3] + weights[3] * piece[5],
        )

    return (*polar(low, low, high), *polar(low, high, high), *polar(high, high, high))
