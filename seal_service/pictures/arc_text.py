"""Text along an arc: Chinese characters each turned upright to it, a Mongolian run bent as a whole so that its stem stays joined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from seal_service.pictures.arcs import Arc
from seal_service.pictures.bending import bent
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pictures.fonts import Glyph, Run
    from seal_service.pictures.outline import Contour, Point

# An ideograph's ink fills about 0.94 em, from -0.09 to 0.85; digits stand 0.733 em high on the base line (Noto Sans SC).
INK_BOTTOM_EM: Final = -0.09
INK_TOP_EM: Final = 0.85
INK_EM: Final = 0.94
MIDDLE_EM: Final = 0.38
DIGIT_EM: Final = 0.733

SLENDERNESS: Final = 0.68  # width / height a ring character should keep: Song characters on seals stand tall
FILL: Final = 0.86  # share of the step a character takes; the rest is the space to its neighbour
STEP_WIDEST: Final = math.radians(30)  # a name of four characters stays a group, it is not scattered
HEIGHT_STEP_MM: Final = 0.1

MONGOLIAN_NARROWEST: Final = 0.5  # how far a run may be pressed together along its line, of its natural length
MONGOLIAN_CROWDED: Final = 0.7  # below this the maker is warned
_BENT_PIECE_MM: Final = 1.0  # at 10 mm from the centre a chord that long leaves its arc by 0.0125 mm, less than one unit of the output


@dataclass(frozen=True, slots=True)
class Band:
    """A ring between two ellipses: the outer edge by its half axes, which half, and the angle from the first to the last middle."""

    half_width_mm: float
    half_height_mm: float
    span: float
    is_lower: bool = False

    def middle(self, height_mm: float) -> Arc:
        """The line half way up letters of that height whose outer side touches the outer edge."""
        return Arc(self.half_width_mm - height_mm / 2, self.half_height_mm - height_mm / 2, self.is_lower)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Letters in millimetres: height at most and at least, width below which the maker is warned, and below which it is refused."""

    highest_mm: float
    lowest_mm: float
    crowded_mm: float
    narrowest_mm: float


@dataclass(frozen=True, slots=True)
class Setting:
    """How a text fits: height and width of a character in millimetres, where each stands along the line, and whether it is crowded."""

    height_mm: float
    width_mm: float
    places_mm: tuple[float, ...]
    is_crowded: bool


def fit_characters(glyphs: Sequence[Glyph], band: Band, sizes: Sizes) -> Setting:
    """The largest setting of the characters in a band.

    They get equal distances (weighted by advance, so that Latin letters stand closer). The fewer they are, the larger: the height falls
    until a character is no longer too slender for its height.

    :raises TrustError: ``SEAL_NAME_TOO_LONG`` where they would be narrower than can be engraved or read.
    """
    between = [(left.advance_em + right.advance_em) / 2 for left, right in pairwise(glyphs)]
    height = sizes.highest_mm
    while True:
        arc = band.middle(height)
        step = STEP_WIDEST * (arc.half_width_mm + arc.half_height_mm) / 2  # distance of one em
        if between:
            step = min(step, 2 * arc.distance_to(band.span / 2) / sum(between))
        places = [-sum(between) * step / 2]
        for share in between:
            places.append(places[-1] + share * step)
        width = min(height, _narrowest_step(arc, places, between, height, step) * FILL)
        if width >= height * SLENDERNESS or height - HEIGHT_STEP_MM < sizes.lowest_mm:
            break
        height -= HEIGHT_STEP_MM
    if width < sizes.narrowest_mm:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", characters=len(glyphs))
    return Setting(height, width, tuple(places), width < sizes.crowded_mm)


def _narrowest_step(arc: Arc, places: Sequence[float], between: Sequence[float], height: float, step: float) -> float:
    """The smallest distance of one em on the side of the letters that is nearer to the centre, where neighbours meet first."""
    if not between:
        return 2 * (min(arc.half_width_mm, arc.half_height_mm) - height / 2) * math.sin(STEP_WIDEST / 2)
    inwards = height / 2 if arc.is_lower else -height / 2
    feet = []
    for place in places:
        stand = arc.at(place)
        feet.append((stand.x + inwards * stand.up_x, stand.y + inwards * stand.up_y))
    return min(step, *(math.dist(one, other) / share for (one, other), share in zip(pairwise(feet), between, strict=True)))


def draw_characters(glyphs: Sequence[Glyph], band: Band, setting: Setting) -> list[Contour]:
    """The characters, each upright on the line."""
    arc = band.middle(setting.height_mm)
    across, up = setting.width_mm / INK_EM, setting.height_mm / INK_EM
    contours: list[Contour] = []
    for glyph, place in zip(glyphs, setting.places_mm, strict=True):
        contours += _upright(glyph, arc, place, across, up, MIDDLE_EM)
    return contours


def _upright(glyph: Glyph, arc: Arc, place: float, across: float, up: float, middle_em: float) -> list[Contour]:
    stand = arc.at(place)
    dx, dy = glyph.advance_em / 2 * across, middle_em * up
    origin = (stand.x - dx * stand.along_x - dy * stand.up_x, stand.y - dx * stand.along_y - dy * stand.up_y)
    along, upright = (across * stand.along_x, across * stand.along_y), (up * stand.up_x, up * stand.up_y)
    return [contour.moved(along, upright, origin) for contour in glyph.contours]


def draw_digits(digits: Sequence[Glyph], arc: Arc, height_mm: float, step_mm: float) -> list[Contour]:
    """Digits on an arc, their feet on it, from middle to middle ``step_mm``."""
    size = height_mm / DIGIT_EM
    place = -(len(digits) - 1) / 2 * step_mm
    contours: list[Contour] = []
    for digit in digits:
        contours += _upright(digit, arc, place, size, size, 0)
        place += step_mm
    return contours


def fit_run(run: Run, band: Band, sizes: Sizes) -> Setting:
    """The largest setting of a Mongolian run in a band: natural width first, then pressed together, then smaller.

    ``width_mm`` is the length of the whole run; ``crowded_mm`` and ``narrowest_mm`` do not apply.

    :raises TrustError: ``SEAL_NAME_TOO_LONG``.
    """
    height = sizes.highest_mm
    while True:
        room = 2 * band.middle(height).distance_to(band.span / 2)
        natural = run.length_em * height / (run.top_em - run.bottom_em)
        if natural * MONGOLIAN_CROWDED <= room or height - HEIGHT_STEP_MM < sizes.lowest_mm:
            break
        height -= HEIGHT_STEP_MM
    if natural * MONGOLIAN_NARROWEST > room:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", script="Mong")
    return Setting(height, min(natural, room), (0.0,), natural * MONGOLIAN_CROWDED > room)


def draw_run(run: Run, band: Band, setting: Setting) -> list[Contour]:
    """The run bent along the band: every point of its outline is put on the arc, so the stem stays one line."""
    arc = band.middle(setting.height_mm)
    across, up = setting.width_mm / run.length_em, setting.height_mm / (run.top_em - run.bottom_em)
    middle_em = (run.bottom_em + run.top_em) / 2

    def place(x: float, y: float) -> Point:
        stand = arc.at((x - run.length_em / 2) * across)
        height = (y - middle_em) * up
        return stand.x + height * stand.up_x, stand.y + height * stand.up_y

    return [bent(contour, place, _BENT_PIECE_MM / max(across, up)) for contour in run.contours]
