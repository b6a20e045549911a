"""The outline model and what is written from it."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal_service.pictures.outline import SEAL_RED, Contour, SealPicture, bounds, circle, five_pointed_star, ring
from seal_service.pictures.pdf_operators import UNIT_MM, write_operators
from seal_service.pictures.svg import write_svg

SQUARE = Contour((-1.0, -1.0), ((1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)))


def test_star_is_a_regular_pentagram_with_one_point_up() -> None:
    points = list(five_pointed_star(7).points())
    tips, waist = points[::2], points[1::2]
    assert tips[0] == pytest.approx((0, 7))
    assert [math.hypot(*tip) for tip in tips] == pytest.approx([7] * 5)
    sides = [math.dist(a, b) for a, b in zip(points, [*points[1:], points[0]], strict=True)]
    assert sides == pytest.approx([sides[0]] * 10)
    # In a pentagram the waist lies on the straight lines between tips two apart.
    for index, corner in enumerate(waist):
        before, after = tips[index], tips[(index + 2) % 5]
        area = (after[0] - before[0]) * (corner[1] - before[1]) - (after[1] - before[1]) * (corner[0] - before[0])
        assert area == pytest.approx(0, abs=1e-9)


def test_circle_keeps_its_radius_within_a_hundredth_of_a_millimetre() -> None:
    contour = circle(21)
    at = contour.start
    for piece in contour.pieces:
        assert len(piece) == 6
        p, q, r, s, x, y = piece
        for step in range(11):
            t = step / 10
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            point = (
                sum(w * v for w, v in zip(weights, (at[0], p, r, x), strict=True)),
                sum(w * v for w, v in zip(weights, (at[1], q, s, y), strict=True)),
            )
            assert math.hypot(*point) == pytest.approx(21, abs=0.01)
        at = (x, y)
    assert at == contour.start


def _turns(contour: Contour) -> float:
    points = list(contour.points())
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))


def test_ring_is_cut_out_by_an_inner_circle_the_other_way_round() -> None:
    outer, inner = ring(21, 1.2)
    assert _turns(outer) > 0 > _turns(inner)
    assert bounds([outer]) == pytest.approx((-21, -21, 21, 21))
    assert bounds([inner]) == pytest.approx((-19.8, -19.8, 19.8, 19.8))


def test_moved_turns_and_shifts_every_point() -> None:
    curve = Contour((1, 0), ((1, 1, 0, 1, 0, 0), (2, 3)))
    moved = curve.moved((0, 2), (-2, 0), (10, 20))  # a quarter turn to the left, twice the size
    assert moved == Contour((10, 22), ((8, 22, 8, 20, 10, 20), (4, 24)))


def test_operators_are_whole_numbers_and_use_the_short_forms() -> None:
    outline = [
        Contour((0, 0), ((2.0, 0), (2.0, 0.0), (2.0, 1.0, 3.0, 2.0, 4.0, 2.0), (4.0, 2.0, 5.0, 9.0, 6.0, 2.0), (6, 9, 0, 0, 0, 0))),
    ]
    assert write_operators(outline, SEAL_RED).decode().split("\n") == [
        "0.8 0.1 0.1 rg",
        "0 0 m",
        "100 0 l",  # the second line to the same place is left out
        "100 50 150 100 200 100 c",
        "250 450 300 100 v",
        "300 450 0 0 y",
        "h",
        "f",
    ]


def test_curves_as_straight_as_the_eye_can_tell_become_lines() -> None:
    flat = Contour((0, 0), ((1.0, 0.005, 2.0, -0.005, 3.0, 0.0), (3.0, 0.0, 3.0, 0.001, 3.0, 0.001)))
    bent = Contour((0, 0), ((1.0, 0.2, 2.0, 0.2, 3.0, 0.0),))
    beyond = Contour((0, 0), ((-1.0, 0.0, 4.0, 0.0, 3.0, 0.0),))  # runs out beyond its ends: no line
    assert b" c" not in write_operators([flat], SEAL_RED)
    assert b" c" in write_operators([bent], SEAL_RED)
    assert b" c" in write_operators([beyond], SEAL_RED)


def test_picture_gives_operators_compressed_once_and_svg_in_true_size() -> None:
    picture = SealPicture((SQUARE,), 42, 30, title='甲 & "乙" <局>')
    assert picture.to_pdf_operators() is picture.to_pdf_operators()
    assert zlib.decompress(picture.packed_operators) == picture.to_pdf_operators()
    root = ET.fromstring(picture.to_svg())
    assert root.attrib["width"] == "42mm"
    assert root.attrib["height"] == "30mm"
    assert root.attrib["viewBox"] == "-21 -15 42 30"
    title, path = list(root)
    assert title.text == '甲 & "乙" <局>'
    assert path.attrib == {"fill": "#cc1a1a", "d": "M-1 1L1 1L1 -1L-1 -1Z"}


def test_svg_has_nothing_active_and_refers_to_nothing() -> None:
    text = write_svg([SQUARE], 4, 4, SEAL_RED, "<script>alert(1)</script>")
    assert "<script" not in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]


_numbers = st.floats(-30, 30, allow_nan=False)


@given(st.lists(st.tuples(_numbers, _numbers), min_size=2, max_size=20))
def test_written_points_lie_within_half_a_unit_of_the_model(points: list[tuple[float, float]]) -> None:
    lines = write_operators([Contour(points[0], tuple(points[1:]))], SEAL_RED).decode().split("\n")
    written = [tuple(float(number) * UNIT_MM for number in line.split()[:2]) for line in lines if line[-1] in "ml"]
    for x, y in written:
        assert any(abs(x - a) <= UNIT_MM / 2 + 1e-9 and abs(y - b) <= UNIT_MM / 2 + 1e-9 for a, b in points)
    assert lines[-2:] == ["h", "f"]
