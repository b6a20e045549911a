"""Lines of writing: measured against the circle's own formulas and against finely cut ellipses."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal_service.pictures.arcs import Arc
from seal_service.pictures.bending import bent
from seal_service.pictures.outline import Contour


def _length(half_width: float, half_height: float, angle: float) -> float:
    """From the top to the ray at that angle, by a polygon of ten thousand sides."""
    end = math.atan2(half_height * math.sin(angle), half_width * math.cos(angle))
    points = [(half_width * math.sin(end * i / 10_000), half_height * math.cos(end * i / 10_000)) for i in range(10_001)]
    return sum(math.dist(one, other) for one, other in itertools.pairwise(points))


@pytest.mark.parametrize("half_width", [10.0, 15.0, 20.0, 22.5])
@pytest.mark.parametrize("angle", [0.3, 1.2, math.pi / 2, 2.2, 3.0])
def test_distances_along_an_ellipse_are_true_to_a_hundredth_of_a_millimetre(half_width: float, angle: float) -> None:
    assert Arc(half_width, 12.0).distance_to(angle) == pytest.approx(_length(half_width, 12.0, angle), abs=0.01)


@given(st.floats(9, 30), st.floats(9, 20), st.floats(0.01, 3.1), st.booleans(), st.booleans())
def test_a_writer_stands_on_the_curve_square_to_it_and_letters_point_out_above_and_in_below(
    half_width: float, half_height: float, angle: float, is_lower: bool, to_the_left: bool
) -> None:
    arc = Arc(half_width, half_height, is_lower)
    stand = arc.at(arc.distance_to(angle) * (-1 if to_the_left else 1))
    assert (stand.x / half_width) ** 2 + (stand.y / half_height) ** 2 == pytest.approx(1)
    assert math.hypot(stand.along_x, stand.along_y) == pytest.approx(1)
    assert stand.along_x * stand.up_x + stand.along_y * stand.up_y == pytest.approx(0, abs=1e-9)
    # A quarter turn to the left of the writing direction: letters are never mirrored.
    assert (stand.up_x, stand.up_y) == pytest.approx((-stand.along_y, stand.along_x))
    outwards = stand.x * stand.up_x + stand.y * stand.up_y
    assert (outwards < 0) == is_lower
    seen = math.atan2(abs(stand.x), -stand.y if is_lower else stand.y)
    assert seen == pytest.approx(angle, abs=2e-3)
    assert (stand.x < 0) == to_the_left


def test_bending_cuts_long_lines_and_keeps_curves() -> None:
    """A square of four pieces on a circle: every point of its long sides ends on the arc it belongs to."""
    arc = Arc(15.0, 15.0)

    def place(x: float, y: float) -> tuple[float, float]:
        stand = arc.at(x)
        return stand.x + y * stand.up_x, stand.y + y * stand.up_y

    bar = bent(Contour((-10, -1), ((10, -1), (10, 1), (-10, 1))), place, 1.0)
    radii = sorted({round(math.hypot(x, y), 6) for x, y in bar.points()})
    assert radii[0] == 14.0
    assert radii[-1] == 16.0
    steps = [math.dist(one[-2:], other[-2:]) for one, other in itertools.pairwise(bar.pieces)]
    assert max(steps) < 1.08  # sixteen fifteenths of a millimetre on the outer side
    assert len(bar.pieces) == 44

    wave = Contour((0, 0), ((2.0, 3.0, 4.0, -3.0, 6.0, 0.0), (0.0, 0.0)))
    same = bent(wave, lambda x, y: (x, y), 0.5)
    for x, y in [piece[-2:] for piece in same.pieces]:
        if y:  # on the curve: y of the cubic at the parameter that x names (x is linear in it)
            t = x / 6
            assert y == pytest.approx(9 * t * (1 - t) ** 2 - 9 * t * t * (1 - t), abs=1e-9)
