"""Every kind of seal: what is drawn stays inside its border, nothing overlaps, sizes are exact, and what cannot be drawn is refused."""

from __future__ import annotations

import io
import itertools
import json
import math
from dataclasses import replace

import pytest
from PIL import Image, ImageChops

from seal_service.pictures import draw_seal as drawing
from seal_service.pictures.arc_text import Band, Sizes, fit_run
from seal_service.pictures.design import (
    Arrangement,
    Centre,
    SealDesign,
    Shape,
    Typeface,
    read_design,
    write_design,
)
from seal_service.pictures.draw_seal import draw_seal, is_mongolian_here, typefaces_here
from seal_service.pictures.fonts import Run, mongolian_font
from seal_service.pictures.outline import Contour, SealPicture, bounds
from seal_service.render import draw_picture
from standards.errors import TrustError
from tests.optional import need

NAME = "呼伦贝尔市行政审批和政务服务局"
CODE = "15070012345678"
# Not checked by a reader of the language: the words only have to be letters of the script.
MONGOLIAN = "ᠬᠥᠯᠥᠨ ᠪᠤᠶᠢᠷ ᠬᠣᠲᠠ\u202fᠶᠢᠨ ᠵᠠᠬᠢᠷᠭᠠᠨ\u202fᠤ ᠵᠥᠪᠰᠢᠶᠡᠷᠡᠯ ᠪᠠ ᠵᠠᠰᠠᠭ\u202fᠤᠨ ᠦᠢᠯᠡᠴᠢᠯᠡᠭᠡᠨ\u202fᠦ ᠲᠣᠪᠴᠢᠶ\u180eᠠ"
SHORT = "ᠵᠠᠩ ᠰᠠᠨ"

CHINESE = [
    SealDesign(Shape.ROUND, NAME, 42, 42, code=CODE),
    SealDesign(Shape.ROUND, "呼伦贝尔市人民政府", 45, 45, centre=Centre.EMBLEM),
    SealDesign(Shape.OVAL, "呼伦贝尔市某某样例有限公司", 40, 30, centre_text="91150700MA0N123456", purpose="发票专用章"),
    SealDesign(Shape.OVAL, "呼伦贝尔市某某样例有限公司", 45, 30, purpose="合同专用章", code=CODE),
    SealDesign(Shape.OVAL, "样例税务局", 30, 20),
    SealDesign(Shape.OVAL, "样例外事机构", 30, 20.5, centre=Centre.EMBLEM),
    SealDesign(Shape.SQUARE, "张三", 20, 20, purpose="之印"),
    SealDesign(Shape.SQUARE, "王小明", 18, 18),
    SealDesign(Shape.RECTANGLE, "王小明", 24, 10, purpose="印"),
    SealDesign(Shape.RECTANGLE, "王小明", 10, 24, purpose="印"),
    SealDesign(Shape.RECTANGLE, NAME, 60, 24, purpose="收文专用章", code=CODE),
    SealDesign(Shape.SQUARE, NAME, 40, 40, purpose="业务专用章"),
]
BILINGUAL = [
    SealDesign(Shape.ROUND, NAME, 45, 45, Arrangement.RINGS, MONGOLIAN, code=CODE),
    SealDesign(Shape.ROUND, NAME, 45, 45, Arrangement.RINGS, MONGOLIAN, purpose="业务专用章"),
    SealDesign(Shape.ROUND, NAME, 45, 45, Arrangement.HALVES, MONGOLIAN, code=CODE, centre=Centre.EMBLEM),
    SealDesign(Shape.ROUND, "样例局", 42, 42, Arrangement.HALVES, SHORT, purpose="业务专用章"),
    SealDesign(Shape.OVAL, "呼伦贝尔市样例中心", 45, 30, Arrangement.HALVES, SHORT, purpose="合同专用章"),
    SealDesign(Shape.SQUARE, "张三", 22, 22, Arrangement.COLUMN, SHORT, purpose="之印"),
    SealDesign(Shape.RECTANGLE, NAME, 60, 30, Arrangement.COLUMN, MONGOLIAN, purpose="收文专用章", code=CODE),
    SealDesign(Shape.RECTANGLE, "张三", 12, 26, Arrangement.COLUMN, SHORT, purpose="之印"),
]
ALL = CHINESE + BILINGUAL


def _need(design: SealDesign) -> None:
    if design.is_bilingual:
        need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")


def _ids(design: SealDesign) -> str:
    return f"{design.shape.value} {design.arrangement.value} {design.purpose or '-'} {len(design.name)}"


def _is_inside(design: SealDesign, x: float, y: float, border: float) -> bool:
    half_width, half_height = design.width_mm / 2 - border, design.height_mm / 2 - border
    if design.shape in {Shape.ROUND, Shape.OVAL}:
        return math.hypot(x / half_width, y / half_height) <= 1
    return abs(x) <= half_width and abs(y) <= half_height


@pytest.mark.parametrize("design", ALL, ids=_ids)
def test_the_border_has_the_size_and_everything_else_is_inside_it(design: SealDesign) -> None:
    _need(design)
    picture = draw_seal(design)
    assert (picture.width_mm, picture.height_mm) == (design.width_mm, design.height_mm)
    x, y = design.width_mm / 2, design.height_mm / 2
    assert bounds(picture.outline) == pytest.approx((-x, -y, x, y))
    border = x - bounds(picture.outline[1:2])[2]
    assert 0.3 <= border <= 1.5 or design.width_mm > 42
    for contour in picture.outline[2:]:
        for point in contour.points():
            assert _is_inside(design, *point, border), point


@pytest.mark.parametrize("design", ALL, ids=_ids)
def test_no_two_parts_touch(design: SealDesign) -> None:
    """Each part drawn alone; no pixel has ink of two of them. Parts of one character may overlap, so what is compared are whole parts."""
    _need(design)
    whole = draw_seal(design).outline
    without = {
        "purpose": replace(design, purpose=""),
        "code": replace(design, code=""),
        "centre": replace(design, centre=Centre.NONE),
        "centre_text": replace(design, centre_text="", centre=Centre.NONE),
    }
    if design.shape in {Shape.SQUARE, Shape.RECTANGLE}:
        del without["purpose"]  # the other characters move into its place
    parts = []
    rest = list(whole)
    for name, less in without.items():
        if less == design:
            continue
        # What the design without a part draws is removed; moved contours (another span) leave nothing to compare, so match by shape.
        kept = set(draw_seal(less).outline)
        part = [contour for contour in rest if contour not in kept]
        if len(part) < len(rest) - 2:
            parts.append((name, part))
            rest = [contour for contour in rest if contour in kept]
    parts.append(("rest", rest))
    images = [(name, _mask(design, part)) for name, part in parts]
    for (one, first), (other, second) in itertools.combinations(images, 2):
        both = ImageChops.multiply(first, second)
        assert both.getbbox() is None, (one, other, both.getbbox())


def _mask(design: SealDesign, outline: list[Contour]) -> Image.Image:
    image = Image.open(io.BytesIO(draw_picture(SealPicture(tuple(outline), design.width_mm, design.height_mm), dpi=300))).convert("RGBA")
    return image.getchannel("A").point([255 if value > 127 else 0 for value in range(256)])


@pytest.mark.parametrize("design", ALL, ids=_ids)
def test_pictures_are_small_and_the_same_each_time(design: SealDesign) -> None:
    _need(design)
    png = draw_picture(draw_seal(design))
    assert len(png) < 20_000
    assert Image.open(io.BytesIO(png)).size == pytest.approx((design.width_mm / 25.4 * 300, design.height_mm / 25.4 * 300), abs=2)
    picture = draw_seal(design)
    drawing._draw.cache_clear()
    again = draw_seal(design)
    assert again is not picture
    assert again == picture
    assert draw_picture(draw_seal(design)) == png
    assert again.to_svg() == picture.to_svg()
    assert again.to_pdf_operators() == picture.to_pdf_operators()


@pytest.mark.parametrize("design", ALL, ids=_ids)
def test_a_design_is_the_same_after_its_json(design: SealDesign) -> None:
    assert read_design(json.loads(json.dumps(write_design(design)))) == design


@pytest.mark.clause("内政办发〔1996〕32号 art. 3(3)")
def test_mongolian_is_in_the_outer_ring_or_the_upper_half_and_both_scripts_are_of_one_size() -> None:
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    rings = SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.RINGS, MONGOLIAN, centre=Centre.NONE)
    font = mongolian_font()
    assert font is not None
    count = len(font.shape_mongolian(MONGOLIAN).contours)
    mongolian, chinese = draw_seal(rings).outline[2 : 2 + count], draw_seal(rings).outline[2 + count :]
    inner = [math.hypot(*point) for contour in mongolian for point in contour.points()]
    outer = [math.hypot(*point) for contour in chinese for point in contour.points()]
    assert min(inner) > max(outer)  # one ring is wholly outside the other
    assert max(inner) - min(inner) == pytest.approx(max(outer) - min(outer), rel=0.2)

    halves = draw_seal(replace(rings, arrangement=Arrangement.HALVES)).outline
    above, below = halves[2 : 2 + count], halves[2 + count :]
    assert min(y for contour in above for _, y in contour.points()) > max(y for contour in below for _, y in contour.points())
    starts = [contour.start[0] for contour in above]
    assert starts[0] < -10  # left to right
    assert starts[-1] > 10


@pytest.mark.clause("内政办发〔1996〕32号 art. 3(2)")
def test_a_mongolian_column_stands_on_the_left_and_runs_down() -> None:
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    design = SealDesign(Shape.SQUARE, "张三", 22, 22, Arrangement.COLUMN, SHORT, purpose="之印")
    font = mongolian_font()
    assert font is not None
    words = [len(font.shape_mongolian(word).contours) for word in SHORT.split()]
    outline = draw_seal(design).outline[2:]
    mongolian, chinese = outline[: sum(words)], outline[sum(words) :]
    assert bounds(mongolian)[2] < bounds(chinese)[0]
    first, second = bounds(mongolian[: words[0]]), bounds(mongolian[words[0] :])
    assert first[1] > second[3]  # the first word is wholly above the second
    assert first[3] - first[1] > first[2] - first[0]  # and upright


@pytest.mark.clause("内政办发〔1996〕32号 art. 3(3)")
def test_the_stem_of_a_bent_word_stays_joined() -> None:
    """A word of four letters in a row along a stem is one connected piece of ink, in the ring as on the line."""
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    design = SealDesign(Shape.ROUND, "样例局", 45, 45, Arrangement.RINGS, "ᠰᠠᠪᠠᠰ", centre=Centre.NONE)
    font = mongolian_font()
    assert font is not None
    count = len(font.shape_mongolian("ᠰᠠᠪᠠᠰ").contours)
    assert count >= 4
    image = _mask(design, list(draw_seal(design).outline[2 : 2 + count]))
    assert _islands(image) == 1


def _islands(image: Image.Image) -> int:
    from PIL import ImageDraw

    count = 0
    canvas = image.copy()
    while (box := canvas.getbbox()) is not None:
        x = next(x for x in range(box[0], box[2]) if canvas.getpixel((x, box[1])))
        ImageDraw.floodfill(canvas, (x, box[1]), 0)
        count += 1
    return count


def test_suffixes_joined_by_u202f_are_drawn_and_need_a_face_that_knows_them() -> None:
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    font = mongolian_font()
    assert font is not None
    joined, apart = font.shape_mongolian("ᠬᠣᠲᠠ\u202fᠶᠢᠨ"), font.shape_mongolian("ᠬᠣᠲᠠ ᠶᠢᠨ")
    assert joined.contours != apart.contours  # the suffix has its own first form after the mark
    assert joined.length_em < apart.length_em


@pytest.mark.parametrize(
    ("design", "code"),
    [
        (SealDesign(Shape.OVAL, NAME, 30, 40), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.OVAL, NAME, 60, 20), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.ROUND, NAME, 42, 40), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.SQUARE, NAME, 20, 22), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.RECTANGLE, NAME, 100, 10), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.SQUARE, "张三", 20, 20, code=CODE), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, centre_text="1"), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.OVAL, NAME, 40, 30, centre_text="a"), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.COLUMN, SHORT), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, mongolian=SHORT), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, colour="red"), "SEAL_DESIGN_IMPOSSIBLE"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.RINGS), "SEAL_MONGOLIAN_BAD"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.RINGS, "Хулунбуир"), "SEAL_MONGOLIAN_BAD"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.RINGS, SHORT + "局"), "SEAL_MONGOLIAN_BAD"),
        (SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.RINGS, SHORT * 40), "SEAL_NAME_TOO_LONG"),
        (SealDesign(Shape.RECTANGLE, NAME, 7, 20), "SEAL_SIZE_BAD"),
        (SealDesign(Shape.RECTANGLE, NAME, 101, 40), "SEAL_SIZE_BAD"),
        (SealDesign(Shape.RECTANGLE, NAME, 8, 8), "SEAL_NAME_TOO_LONG"),
    ],
)
def test_what_does_not_go_together_is_refused(design: SealDesign, code: str) -> None:
    with pytest.raises(TrustError) as refused:
        draw_seal(design)
    assert refused.value.code == code


def test_a_mongolian_name_too_long_for_its_place_is_refused() -> None:
    run = Run((Contour((0, 0), ((60, 0), (60, 1))),), 60.0, 0.0, 1.0)
    with pytest.raises(TrustError) as refused:
        fit_run(run, Band(18.8, 18.8, math.radians(180)), Sizes(5.2, 2.8, 1.8, 1.2))
    assert refused.value.code == "SEAL_NAME_TOO_LONG"
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    with pytest.raises(TrustError) as refused:
        draw_seal(SealDesign(Shape.SQUARE, "张三", 10, 10, Arrangement.COLUMN, MONGOLIAN))
    assert refused.value.code == "SEAL_NAME_TOO_LONG"


def test_without_the_face_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "mongolian_font", lambda: None)
    monkeypatch.setattr(drawing, "song_font", lambda: None)
    assert not is_mongolian_here()
    assert typefaces_here() == (Typeface.SANS,)
    for design, package in (
        (SealDesign(Shape.ROUND, "缺字体局", 42, 42, Arrangement.RINGS, SHORT), "fonts-noto-core"),
        (SealDesign(Shape.ROUND, "缺字体局", 42, 42, typeface=Typeface.SONG), "fonts-noto-cjk"),
    ):
        with pytest.raises(TrustError) as refused:
            draw_seal(design)
        assert refused.value.code == "SEAL_FACE_MISSING"
        assert refused.value.facts["package"] == package


def test_a_song_face_is_drawn_where_it_is() -> None:
    need("a Song face", Typeface.SONG in typefaces_here(), "install fonts-noto-cjk")
    sans = SealDesign(Shape.ROUND, NAME, 42, 42)
    song = draw_seal(replace(sans, typeface=Typeface.SONG))
    assert song.outline != draw_seal(sans).outline
    assert len(draw_picture(draw_seal(replace(sans, typeface=Typeface.SONG)))) < 20_000
