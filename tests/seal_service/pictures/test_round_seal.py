"""The round seal: geometry checked by numbers, the ink by pixels."""

from __future__ import annotations

import io
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seal_service.pictures.arc_text import Band, Sizes, draw_characters, draw_digits, fit_characters
from seal_service.pictures.arcs import Arc
from seal_service.pictures.design import Centre, SealDesign, Shape
from seal_service.pictures.draw_seal import draw_seal
from seal_service.pictures.fonts import DEFAULT_WEIGHT, Glyph, OutlineFont, default_font
from seal_service.pictures.outline import Contour, SealPicture, bounds
from seal_service.pictures.round_seal import draw_round
from seal_service.render import draw_picture
from standards.errors import TrustError
from tests.costs import at_most
from tests.seal_service.pictures.test_fonts import FACE

NAME = "呼伦贝尔市行政审批和政务服务局"
CODE = "15070012345678"
BLOCK = Glyph((Contour((0.0, -0.09), ((1.0, -0.09), (1.0, 0.85), (0.0, 0.85))),), 1.0)


def draw_round_seal(
    name: str, code: str = "", *, purpose: str = "", diameter_mm: float = 42.0, centre: Centre = Centre.STAR
) -> SealPicture:
    return draw_seal(SealDesign(Shape.ROUND, name, diameter_mm, diameter_mm, purpose=purpose, code=code, centre=centre))


def _ring_text(count: int, top: float, span: float) -> list[Contour]:
    band = Band(top, top, span)
    sizes = Sizes(highest_mm=6.0, lowest_mm=3.2, crowded_mm=2.3, narrowest_mm=1.3)
    return draw_characters([BLOCK] * count, band, fit_characters([BLOCK] * count, band, sizes))


def _middles(contours: list[Contour]) -> list[tuple[float, float]]:
    """Polar coordinates of each block's middle: degrees to the right of the top, distance from the centre."""
    found = []
    for contour in contours:
        points = list(contour.points())
        x, y = sum(p[0] for p in points) / 4, sum(p[1] for p in points) / 4
        found.append((math.degrees(math.atan2(x, y)), math.hypot(x, y)))
    return found


@pytest.mark.clause("国发〔1999〕25号")
@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 12, 15, 20, 25, 30, 40])
def test_ring_text_runs_evenly_from_left_to_right_and_stays_inside(count: int) -> None:
    contours = _ring_text(count, 18.8, math.radians(250))
    middles = _middles(contours)
    angles = [angle for angle, _ in middles]
    assert angles == sorted(angles)
    assert sum(angles) == pytest.approx(0, abs=1e-6)  # as far to the left as to the right
    steps = [b - a for a, b in itertools.pairwise(angles)]
    assert steps == pytest.approx([steps[0]] * len(steps)) if steps else count == 1
    assert not steps or max(angles) - min(angles) <= 250 + 1e-6
    corners = [math.hypot(*point) for contour in contours for point in contour.points()]
    assert max(corners) <= 19.8 - 0.4  # clear of the border
    assert min(corners) >= 7 + 1  # clear of the star
    # Neighbours do not touch: the corners nearest to the centre are apart by a twelfth of a character at least.
    for one, other in itertools.pairwise(contours):
        assert math.dist(one.pieces[0], other.start) > math.dist(one.start, one.pieces[0]) / 12


def test_every_character_stands_upright_on_its_radius() -> None:
    contours = _ring_text(9, 18.8, math.radians(250))
    for contour in contours:
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = list(contour.points())
        foot, head = ((x0 + x1) / 2, (y0 + y1) / 2), ((x2 + x3) / 2, (y2 + y3) / 2)
        assert foot[0] * head[1] - foot[1] * head[0] == pytest.approx(0, abs=1e-9)  # foot, head and centre on one line
        assert math.hypot(*head) > math.hypot(*foot)


def test_code_reads_from_left_to_right_on_the_lower_arc_with_tops_to_the_centre() -> None:
    contours = draw_digits([BLOCK] * 14, Arc(18.8, 18.8, is_lower=True), 1.9, 1.75)
    middles = [(sum(x for x, _ in c.points()) / 4, sum(y for _, y in c.points()) / 4) for c in contours]
    assert all(y < -14 for _, y in middles)
    assert [x for x, _ in middles] == sorted(x for x, _ in middles)
    for contour in contours:
        (x0, y0), _, (x2, y2), _ = list(contour.points())
        assert math.hypot(x2, y2) < math.hypot(x0, y0)


@pytest.mark.parametrize("diameter", [20.0, 42.0, 45.0, 60.0])
def test_size_is_the_border_and_everything_scales_with_it(diameter: float) -> None:
    picture = draw_round_seal(NAME, CODE, purpose="合同专用章", diameter_mm=diameter)
    assert (picture.width_mm, picture.height_mm) == (diameter, diameter)
    assert bounds(picture.outline) == pytest.approx((-diameter / 2, -diameter / 2, diameter / 2, diameter / 2))
    assert picture.title == f"{NAME} 合同专用章 {CODE}"


def _pixels(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P"
    return image.convert("RGBA")


def test_ink_is_red_on_nothing_and_where_it_should_be() -> None:
    """600 dpi: border, star, empty ground between star and ring text, transparent corners."""
    image = _pixels(draw_picture(draw_round_seal(NAME, CODE), dpi=600))
    per_mm = 600 / 25.4
    assert image.size == pytest.approx((42 * per_mm, 42 * per_mm), abs=2)

    def at(x_mm: float, y_mm: float) -> tuple[int, int, int, int]:
        return image.getpixel((round((21 + x_mm) * per_mm), round((21 - y_mm) * per_mm)))  # type: ignore[return-value]

    red = (204, 26, 26, 255)
    assert [abs(a - b) <= 1 for a, b in zip(at(0, 0), red, strict=True)] == [True] * 4
    assert at(0, 6.5)[3] == 255  # the star's upper point
    assert at(0, -6.5)[3] == 0  # between its feet
    assert at(20.4, 0)[3] == 255  # border
    assert at(19.4, 0)[3] == 0  # between border and text
    assert at(10, 0)[3] == 0  # between star and text
    assert at(20, 20)[3] == 0  # outside
    ink = {colour[:3] for _, colour in image.getcolors(1 << 20) or [] if isinstance(colour, tuple) and colour[3] == 255}
    assert ink
    assert all(abs(one - other) <= 1 for colour in ink for one, other in zip(colour, red, strict=False))


def test_without_star_the_middle_is_empty() -> None:
    image = _pixels(draw_picture(draw_round_seal(NAME, centre=Centre.NONE), dpi=100))
    middle = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(middle, tuple)
    assert middle[3] == 0


def test_without_code_the_name_takes_the_larger_arc() -> None:
    """A long name's first character stands lower where no code is below it, and higher where a purpose line is."""
    lowest = [
        min(y for _, y in draw_round_seal("呼伦贝尔市行政审批和政务服务局机关党委办", code, purpose=purpose).outline[2].points())
        for code, purpose in (("", ""), (CODE, ""), (CODE, "合同专用章"))
    ]
    assert lowest == sorted(lowest)
    assert len({round(y, 3) for y in lowest}) == 3


def test_the_same_seal_is_drawn_once_and_operators_are_small() -> None:
    picture = draw_round_seal(NAME, CODE)
    assert draw_round_seal(NAME, CODE) is picture
    assert 2000 < len(picture.packed_operators) < 16_384
    longest = draw_round_seal("内蒙古自治区呼伦贝尔市鄂伦春自治旗住房和城乡建设局", CODE, purpose="行政审批专用章")
    assert len(longest.packed_operators) < 16_384


def test_a_fresh_seal_is_drawn_fast() -> None:
    """Target 8 ms; the bound is loose because the machine is shared. The glyphs are new to the font, too."""
    font = OutlineFont(FACE, weight=DEFAULT_WEIGHT)
    default_font()
    with at_most(0.08):
        outline, _ = draw_round(SealDesign(Shape.ROUND, NAME, 42, 42, code=CODE), font, None)
        SealPicture(tuple(outline), 42, 42).to_pdf_operators()


def test_crowded_names_warn_and_longer_ones_are_refused() -> None:
    assert draw_round_seal("印" * 20, CODE).warnings == ()
    assert draw_round_seal("印" * 34, CODE).warnings == ("SEAL_NAME_CROWDED",)
    with pytest.raises(TrustError) as refused:
        draw_round_seal("印" * 60, CODE)
    assert refused.value.code == "SEAL_NAME_TOO_LONG"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "  "}, "SEAL_NAME_EMPTY"),
        ({"name": "印" * 65}, "SEAL_NAME_TOO_LONG"),
        ({"name": "某\u1820局"}, "SEAL_GLYPH_MISSING"),
        ({"purpose": "章" * 17}, "SEAL_PURPOSE_TOO_LONG"),
        ({"code": "123"}, "SEAL_CODE_BAD"),
        ({"code": "1507001234567x"}, "SEAL_CODE_BAD"),
        ({"code": "１５０７００１２３４５６７"}, "SEAL_CODE_BAD"),
        ({"diameter_mm": 19.0}, "SEAL_SIZE_BAD"),
        ({"diameter_mm": float("nan")}, "SEAL_SIZE_BAD"),
    ],
)
def test_what_cannot_be_engraved_is_refused(changed: dict[str, object], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        draw_round_seal(**({"name": NAME, "code": CODE} | changed))  # type: ignore[arg-type]
    assert refused.value.code == code


def test_decomposed_and_padded_names_draw_the_same_seal() -> None:
    assert draw_round_seal(" Cafe\u0301 局 ") is draw_round_seal("Café 局")


@settings(max_examples=40)
@given(st.text(alphabet="呼伦贝尔市ABCabc（）0123 ·", min_size=1, max_size=40), st.sampled_from(["", CODE, CODE[:13]]))
def test_any_drawn_seal_stays_within_its_border(name: str, code: str) -> None:
    try:
        picture = draw_round_seal(name, code)
    except TrustError as refused:
        assert refused.code in {"SEAL_NAME_EMPTY", "SEAL_NAME_TOO_LONG"}
        return
    for contour in picture.outline[2:]:
        assert max(math.hypot(*point) for point in contour.points()) < 20.2
