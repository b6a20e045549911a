"""A seal's picture that its owner has: kept with the seal as a clean PNG, and traced into the one outline model that everything is drawn from.

Tracing follows the edges of the pixels, at the resolution the picture has; what was a step in the picture stays one. A seal is one ink: the
picture is drawn in the mean colour of what is seen of it.
"""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Final

from seal_service.pictures.outline import Contour, SealPicture
from seal_service.pictures.upload import InkMask, UploadedPicture, read_ink
from standards.errors import Kind, TrustError

PNG_BYTES_MAX: Final = 64 * 1024  # it is kept with the seal and embedded in every sealed document
CORNERS_MAX: Final = 60_000  # of the outlines: a detailed seal at 300 dpi has ten thousand, a noisy scan a million
PICTURES_KEPT: Final = 16
_MEMBER: Final = "own_picture"
NO_PICTURE: Final = '{"no_picture": true}'  # as it stands in ``Seal.design_json``: the seal has a picture that cannot be drawn here
_RIGHT, _UP, _LEFT, _DOWN = (1, 0), (0, 1), (-1, 0), (0, -1)


def write_own_picture(picture: UploadedPicture) -> str:
    """As it stands in ``Seal.design_json``. Raises TrustError PICTURE_TOO_LARGE, PICTURE_TOO_BUSY."""
    if len(picture.png) > PNG_BYTES_MAX:
        raise TrustError(Kind.TOO_LARGE, "PICTURE_TOO_LARGE", bytes=len(picture.png), most_bytes=PNG_BYTES_MAX)
    trace(read_ink(picture.png), picture.width_mm)
    kept = {"png": base64.b64encode(picture.png).decode(), "width_mm": picture.width_mm, "height_mm": picture.height_mm}
    return json.dumps({_MEMBER: kept}, sort_keys=True)


def is_own_picture(design_json: str) -> bool:
    """Whether a seal is drawn from its owner's picture, not from a design."""
    return design_json.startswith('{"' + _MEMBER + '"')


@lru_cache(maxsize=PICTURES_KEPT)
def draw_own_picture(design_json: str, title: str) -> SealPicture:
    """The picture of :func:`write_own_picture` as outlines. Drawing the same one again costs nothing."""
    kept = json.loads(design_json)[_MEMBER]
    ink = read_ink(base64.b64decode(kept["png"]))
    return SealPicture(trace(ink, kept["width_mm"]), kept["width_mm"], kept["height_mm"], colour=ink.colour, title=title)


def trace(ink: InkMask, width_mm: float) -> tuple[Contour, ...]:
    """The outlines of the ink: outer ones counter-clockwise, holes clockwise. Raises TrustError PICTURE_TOO_BUSY."""
    # 1. Every edge between ink and ground, with the ink to its left; y counts upwards from here on.
    ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
    corners = 0
    width, height = ink.width_px, ink.height_px

    def is_ink(x: int, y: int) -> bool:
        return 0 <= x < width and 0 <= y < height and ink.mask[(height - 1 - y) * width + x] != 0

    for y in range(height):
        row = ink.mask[(height - 1 - y) * width : (height - y) * width]
        x = row.find(1)
        while x >= 0:
            if not is_ink(x, y - 1):
                ways.setdefault((x, y), []).append(_RIGHT)
            if not is_ink(x + 1, y):
                ways.setdefault((x + 1, y), []).append(_UP)
            if not is_ink(x, y + 1):
                ways.setdefault((x + 1, y + 1), []).append(_LEFT)
            if not is_ink(x - 1, y):
                ways.setdefault((x, y + 1), []).append(_DOWN)
            x = row.find(1, x + 1)

    # 2. Edge after edge until the outline is closed; only where it turns there is a corner.
    per_pixel = width_mm / width
    found: list[Contour] = []
    while ways:
        start = at = next(iter(ways))
        points: list[tuple[float, float]] = []
        way: tuple[int, int] | None = None
        while True:
            step = _next_way(ways, at, way)
            if step != way:
                points.append(((at[0] - width / 2) * per_pixel, (at[1] - height / 2) * per_pixel))
                corners += 1
                if corners > CORNERS_MAX:
                    raise TrustError(Kind.UNACCEPTABLE, "PICTURE_TOO_BUSY", most_corners=CORNERS_MAX)
            at, way = (at[0] + step[0], at[1] + step[1]), step
            if at == start and not _goes_on(ways, at, way):
                break
        found.append(Contour(points[0], tuple(points[1:])))
    return tuple(found)


def _next_way(ways: dict[tuple[int, int], list[tuple[int, int]]], at: tuple[int, int], way: tuple[int, int] | None) -> tuple[int, int]:
    """Take an edge out of the corner; where two pixels only touch, the one to the left, so that each keeps an outline of its own."""
    possible = ways[at]
    left = None if way is None else (-way[1], way[0])
    step = left if left in possible else possible[0]
    possible.remove(step)
    if not possible:
        del ways[at]
    return step


def _goes_on(ways: dict[tuple[int, int], list[tuple[int, int]]], at: tuple[int, int], way: tuple[int, int]) -> bool:
    """Whether the outline only passes through its start: two pixels touch there, and the way to the left is still open."""
    return (-way[1], way[0]) in ways.get(at, ())
