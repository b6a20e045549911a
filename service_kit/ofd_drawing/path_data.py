"""AbbreviatedData of paths (GB/T 33190-2016 9.2) as operators of PDF."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.pdf_file import reals

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS: Final = {"S": 2, "M": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}
_TOO_FAR: Final = 1e7
_NOTHING: Final = 1e-6  # millimetres: an arc over less is a straight line

Point = tuple[float, float]


class PathError(ValueError):
    """The data do not follow the grammar."""


def path_operators(data: str, most_points: int) -> tuple[str, int]:
    """The operators of a path and how many points it has. Raises :class:`PathError`."""
    out: list[str] = []
    start = at = (0.0, 0.0)
    count = 0
    is_begun = False
    for command, values in _steps(data):
        count += max(len(values) // 2, 1)
        if count > most_points:
            raise PathError("too many points")
        if command in {"S", "M"}:
            start = at = (values[0], values[1])
            out.append(f"{reals(*at)} m")
            is_begun = True
            continue
        if not is_begun:  # a figure that begins with a line begins where the last one ended
            out.append(f"{reals(*at)} m")
            start, is_begun = at, True
        if command == "C":
            out.append("h")
            at, is_begun = start, False
        elif command == "L":
            out.append(f"{reals(*values)} l")
            at = (values[0], values[1])
        elif command == "Q":
            p, q, x, y = values
            a, b = at
            curve = (a + 2 / 3 * (p - a), b + 2 / 3 * (q - b), x + 2 / 3 * (p - x), y + 2 / 3 * (q - y), x, y)
            out.append(f"{reals(*curve)} c")
            at = (x, y)
        elif command == "B":
            out.append(f"{reals(*values)} c")
            at = (values[4], values[5])
        else:
            out += [f"{reals(*piece)} {'l' if len(piece) == 2 else 'c'}" for piece in _arc(at, values)]
            at = (values[5], values[6])
    return "\n".join(out), count


def _steps(data: str) -> Iterator[tuple[str, list[float]]]:
    words = data.replace(",", " ").split()
    at = 0
    while at < len(words):
        command = words[at]
        if command not in _COUNTS:
            raise PathError(f"no command {command[:10]!r}")
        end = at + 1 + _COUNTS[command]
        try:
            values = [float(word) for word in words[at + 1 : end]]
        except ValueError:
            raise PathError("a number is missing") from None
        if len(values) != _COUNTS[command] or not all(abs(value) < _TOO_FAR for value in values):
            raise PathError("a number is missing or too large")
        yield command, values
        at = end


def _arc(start: Point, values: list[float]) -> list[tuple[float, ...]]:
    """An elliptic arc as cubics of up to a quarter each (the way from end points to the centre is that of SVG 1.1, F.6.5)."""
    rx, ry, turn, is_large, is_clockwise, x1, y1 = values
    x0, y0 = start
    rx, ry = abs(rx), abs(ry)
    if min(rx, ry, math.dist((x0, y0), (x1, y1))) < _NOTHING:
        return [(x1, y1)]
    angle = math.radians(turn)
    cosine, sine = math.cos(angle), math.sin(angle)
    dx, dy = (x0 - x1) / 2, (y0 - y1) / 2
    px, py = cosine * dx + sine * dy, cosine * dy - sine * dx
    scale = (px / rx) ** 2 + (py / ry) ** 2
    if scale > 1:  # radii too small to reach: the smallest that do
        rx, ry = rx * math.sqrt(scale), ry * math.sqrt(scale)
    bottom = (rx * py) ** 2 + (ry * px) ** 2
    root = math.sqrt(max((rx * ry) ** 2 - bottom, 0) / bottom) * (-1 if bool(is_large) == bool(is_clockwise) else 1)
    cx, cy = root * rx * py / ry, -root * ry * px / rx
    middle_x, middle_y = cosine * cx - sine * cy + (x0 + x1) / 2, sine * cx + cosine * cy + (y0 + y1) / 2
    first = math.atan2((py - cy) / ry, (px - cx) / rx)
    sweep = (math.atan2((-py - cy) / ry, (-px - cx) / rx) - first) % (2 * math.pi)
    if not is_clockwise:
        sweep -= 2 * math.pi
    parts = max(math.ceil(abs(sweep) / (math.pi / 2) - 1e-9), 1)
    step = sweep / parts
    reach = 4 / 3 * math.tan(step / 4)

    def moved(x: float, y: float) -> Point:
        return middle_x + cosine * x * rx - sine * y * ry, middle_y + sine * x * rx + cosine * y * ry

    pieces: list[tuple[float, ...]] = []
    for index in range(parts):
        a, b = first + index * step, first + (index + 1) * step
        one = moved(math.cos(a) - reach * math.sin(a), math.sin(a) + reach * math.cos(a))
        two = moved(math.cos(b) + reach * math.sin(b), math.sin(b) - reach * math.cos(b))
        end = moved(math.cos(b), math.sin(b)) if index < parts - 1 else (x1, y1)
        pieces.append((*one, *two, *end))
    return pieces
