"""Borders and rosettes: the fine lines that make a licence look like one. Curves only; nothing in them is a secret or a proof."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from licence_vault.faces.design import FrameKind
from standards.gbt33190_ofd.write_values import Figure, Path, rectangle

if TYPE_CHECKING:
    from licence_vault.faces.design import Colour, FramePart, RosettePart

_WAVE_MM: Final = 9.0  # about how long a wave is
_STRANDS: Final = 4  # waves woven into each other
_HALF_WAVE: Final = 0.3642  # where the control points of a cubic lie that follows half a sine
_STRAND_MM: Final = 0.12
_TINT: Final = 0.55  # of the border's colour
_DECIMALS: Final = 2  # of a millimetre: a tenth of the thinnest line, and the lines are most of what is in a file


def _pale(colour: Colour, strength: float) -> Colour:
    red, green, blue = (round(255 - (255 - part) * strength) for part in colour)
    return red, green, blue


def draw_frame(part: FramePart) -> list[Path]:
    """A border: one line, two, or woven waves between two lines with a rosette in each corner."""
    x, y, width, height, band = part.x_mm, part.y_mm, part.width_mm, part.height_mm, part.band_mm
    outer = rectangle(x, y, width, height, stroke=part.colour, line_width_mm=0.7)
    if part.kind is FrameKind.PLAIN:
        return [outer]
    inner = rectangle(x + band, y + band, width - 2 * band, height - 2 * band, stroke=part.colour, line_width_mm=0.35)
    if part.kind is FrameKind.DOUBLE:
        return [outer, inner]
    paths = [outer, inner]
    middle = band / 2
    for strand in range(_STRANDS):
        figures = [
            _wave(x + band, y + middle, width - 2 * band, band, strand, is_across=True),
            _wave(x + band, y + height - middle, width - 2 * band, band, strand, is_across=True),
            _wave(y + band, x + middle, height - 2 * band, band, strand, is_across=False),
            _wave(y + band, x + width - middle, height - 2 * band, band, strand, is_across=False),
        ]
        paths.append(Path(figures, stroke=_pale(part.colour, _TINT), line_width_mm=_STRAND_MM))
    for corner_x in (x + middle, x + width - middle):
        for corner_y in (y + middle, y + height - middle):
            figures = [petals(corner_x, corner_y, band * size, band * size * 0.55, 8, 0) for size in (0.44, 0.3, 0.16)]
            paths.append(Path(figures, stroke=part.colour, line_width_mm=_STRAND_MM))
    return paths


def _wave(start: float, level: float, length: float, band: float, strand: int, *, is_across: bool) -> Figure:
    """A sine along one side, as cubics of half a wave each; the strands differ in where they begin and how high they go."""
    waves = max(round(length / _WAVE_MM), 1)
    half = length / (2 * waves)
    height = band * (0.42 if strand % 2 else 0.3) * (1 if strand < 2 else -1)
    pieces = []
    for index in range(2 * waves):
        lift = height * (1 if index % 2 == 0 else -1) * math.pi / 2 * 0.85
        a, b = start + index * half, start + (index + 1) * half
        points = ((a + half * _HALF_WAVE, level - lift), (b - half * _HALF_WAVE, level - lift), (b, level))
        pieces.append(
            tuple(round(value, _DECIMALS) for along, across in points for value in ((along, across) if is_across else (across, along)))
        )
    return Figure((start, level) if is_across else (level, start), pieces)


def petals(x: float, y: float, outer: float, inner: float, count: int, turn: float) -> Figure:
    """A closed wave about a middle, from ``inner`` to ``outer``: a cubic from each crest to the next trough, so smooth that nothing is seen
    of where they meet, and a third of what curves through more points would take in every file.
    """
    steps = 2 * count
    reach = 2 * math.pi / steps / 3  # of a control point, as a share of the radius: there the curve runs across it

    def point(step: int, ahead: float) -> tuple[float, float]:
        angle = 2 * math.pi * step / steps + turn
        radius = inner if step % 2 else outer
        across = radius * ahead
        return (
            round(x + radius * math.cos(angle) - across * math.sin(angle), _DECIMALS),
            round(y + radius * math.sin(angle) + across * math.cos(angle), _DECIMALS),
        )

    pieces = [(*point(step, reach), *point(step + 1, -reach), *point(step + 1, 0)) for step in range(steps)]
    return Figure(point(0, 0), pieces, is_closed=True)


def draw_rosette(part: RosettePart) -> list[Path]:
    """Rings of closed waves, each turned a little against the one before."""
    figures = []
    for ring in range(part.rings):
        outer = part.radius_mm * (1 - 0.72 * ring / part.rings)
        figures += [
            petals(part.x_mm, part.y_mm, outer, outer * 0.78, part.petals, ring * 0.17 + shift * math.pi / part.petals) for shift in (0, 1)
        ]
    return [Path(figures, stroke=part.colour, line_width_mm=part.thickness_mm)]
