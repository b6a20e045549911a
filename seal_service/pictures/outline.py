"""The one outline model of every seal picture: closed contours in millimetres, origin at the centre, y upwards.

A contour is filled by the non-zero winding rule: what runs the other way round inside cuts a hole, overlaps of the same direction merge.
From this model come the PDF operators, the SVG and the PNG, so that what is previewed is what is sealed.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from seal_service.pictures.pdf_operators import write_operators
from seal_service.pictures.svg import write_svg
from service_kit.typefaces.contours import Contour, Cubic, Line, Point

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "SEAL_RED",
    "Colour",
    "Contour",
    "Cubic",
    "Line",
    "Point",
    "SealPicture",
    "bounds",
    "circle",
    "ellipse",
    "five_pointed_star",
    "frame",
    "oval_ring",
    "rectangle",
    "ring",
]

Colour = tuple[float, float, float]  # DeviceRGB, each 0..1

# The red of seal paste (印泥): saturated, and dark enough to read on a grey copy. 国发〔1999〕25号 states no colour value.
SEAL_RED: Final[Colour] = (0.8, 0.1, 0.1)

_CIRCLE: Final = 4 / 3 * (math.sqrt(2) - 1)  # control point distance that makes four cubics a circle to 0.03 %
_STAR_WAIST: Final = math.sin(math.radians(18)) / math.sin(math.radians(54))  # inner radius of a regular pentagram / outer radius


@dataclass(frozen=True)
class SealPicture:
    """A seal as it is drawn: ``width_mm`` by ``height_mm`` around the origin, in one colour.

    ``title`` is what the seal reads (for readers that cannot see it). ``warnings`` are codes of what a maker should know, such as
    ``SEAL_NAME_CROWDED``.
    """

    outline: tuple[Contour, ...]
    width_mm: float
    height_mm: float
    colour: Colour = SEAL_RED
    title: str = ""
    warnings: tuple[str, ...] = field(default=())

    @cached_property
    def operators(self) -> bytes:
        """PDF content stream operators in units of ``pdf_operators.UNIT_MM``, colour and fill included."""
        return write_operators(self.outline, self.colour)

    @cached_property
    def packed_operators(self) -> bytes:
        """:attr:`operators` compressed (FlateDecode), as they go into a file."""
        return zlib.compress(self.operators, 9)

    def to_pdf_operators(self) -> bytes:
        """The picture as PDF operators; unit and origin as in :attr:`operators`. Made once per picture."""
        return self.operators

    def to_svg(self) -> str:
        """The picture as an SVG document of its true size."""
        return write_svg(self.outline, self.width_mm, self.height_mm, self.colour, self.title)


def circle(radius_mm: float, *, is_hole: bool = False) -> Contour:
    """A circle about the origin; a hole runs clockwise."""
    k = _CIRCLE * radius_mm
    r = radius_mm
    if is_hole:
        return Contour((r, 0), ((r, -k, k, -r, 0, -r), (-k, -r, -r, -k, -r, 0), (-r, k, -k, r, 0, r), (k, r, r, k, r, 0)))
    return Contour((r, 0), ((r, k, k, r, 0, r), (-k, r, -r, k, -r, 0), (-r, -k, -k, -r, 0, -r), (k, -r, r, -k, r, 0)))


def ring(outer_radius_mm: float, line_mm: float) -> tuple[Contour, Contour]:
    """A circular line that lies wholly inside ``outer_radius_mm``."""
    return circle(outer_radius_mm), circle(outer_radius_mm - line_mm, is_hole=True)


def ellipse(half_width_mm: float, half_height_mm: float, *, is_hole: bool = False) -> Contour:
    """An ellipse about the origin; a hole runs clockwise."""
    return circle(1, is_hole=is_hole).moved((half_width_mm, 0), (0, half_height_mm), (0, 0))


def oval_ring(half_width_mm: float, half_height_mm: float, line_mm: float) -> tuple[Contour, Contour]:
    """An elliptic line that lies wholly inside the ellipse of these half axes and is ``line_mm`` thick on the axes."""
    return ellipse(half_width_mm, half_height_mm), ellipse(half_width_mm - line_mm, half_height_mm - line_mm, is_hole=True)


def rectangle(half_width_mm: float, half_height_mm: float, *, is_hole: bool = False) -> Contour:
    """A rectangle about the origin; a hole runs clockwise."""
    x, y = half_width_mm, half_height_mm
    return Contour((x, y), ((x, -y), (-x, -y), (-x, y)) if is_hole else ((-x, y), (-x, -y), (x, -y)))


def frame(half_width_mm: float, half_height_mm: float, line_mm: float) -> tuple[Contour, Contour]:
    """A rectangular line that lies wholly inside the rectangle of these half sides."""
    return rectangle(half_width_mm, half_height_mm), rectangle(half_width_mm - line_mm, half_height_mm - line_mm, is_hole=True)


def five_pointed_star(radius_mm: float, centre: Point = (0, 0)) -> Contour:
    """A regular five-pointed star, one point straight up; ``radius_mm`` from its centre to its points."""
    corners = []
    for index in range(10):
        reach = radius_mm * (_STAR_WAIST if index % 2 else 1)
        angle = math.pi / 2 + index * math.pi / 5
        corners.append((centre[0] + reach * math.cos(angle), centre[1] + reach * math.sin(angle)))
    return Contour(corners[0], tuple(corners[1:]))


def bounds(outline: Iterable[Contour]) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of all points, control points included (so never less than the ink)."""
    points = [point for contour in outline for point in contour.points()]
    xs = [x for x, _ in points]
    ys = [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)
