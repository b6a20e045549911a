"""Designs as they are stored, the design made by default, and odd names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal_service.pictures.design import (
    ARRANGEMENTS,
    Arrangement,
    Centre,
    SealDesign,
    Shape,
    default_design,
    read_design,
    write_design,
)
from seal_service.pictures.draw_seal import draw_seal
from seal_service.pictures.fonts import default_font
from seal_service.pictures.outline import bounds
from standards.errors import TrustError
from tests.seal_service.pictures.test_designs import ALL, BILINGUAL, CODE, NAME, _is_inside, _need


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"format": 2}, "format"),
        ({"shape": "triangle"}, "shape"),
        ({"shape": 3}, "shape"),
        ({"name": None}, "name"),
        ({"width_mm": "42"}, "width_mm"),
        ({"width_mm": True}, "width_mm"),
        ({"height_mm": float("inf")}, "height_mm"),
        ({"sparkle": "yes"}, "sparkle"),
    ],
)
def test_a_stored_design_that_is_not_understood_is_refused_by_its_field(changed: dict[str, object], field: str) -> None:
    stored = write_design(ALL[0]) | changed
    with pytest.raises(TrustError) as refused:
        read_design(stored)
    assert (refused.value.code, refused.value.facts["field"]) == ("SEAL_DESIGN_MALFORMED", field)


def test_a_stored_design_needs_shape_name_and_size_and_the_rest_has_defaults() -> None:
    least = {"shape": "round", "name": NAME, "width_mm": 42, "height_mm": 42}
    assert read_design(least) == SealDesign(Shape.ROUND, NAME, 42.0, 42.0)
    for key in least:
        with pytest.raises(TrustError) as refused:
            read_design({name: value for name, value in least.items() if name != key})
        assert refused.value.facts == {"field": key}


def test_the_default_design_is_round_and_a_name_seal_for_persons() -> None:
    assert default_design(NAME, "", CODE, "1") == SealDesign(Shape.ROUND, NAME, 42.0, 42.0, code=CODE)
    assert default_design(NAME, "合同专用章", CODE, "5", 40) == SealDesign(Shape.ROUND, NAME, 40, 40, purpose="合同专用章", code=CODE)
    assert default_design("张三", "", CODE, "5", 20) == SealDesign(Shape.SQUARE, "张三", 20, 20, purpose="印", centre=Centre.NONE)
    assert default_design("张三", "之印", CODE, "0", 20).purpose == "之印"


def _middles(design: SealDesign) -> list[tuple[float, float]]:
    """Middle of each character in the order in which they are drawn."""
    rest = list(draw_seal(design).outline[2:])
    middles = []
    for character in design.name + design.purpose:
        count = len(default_font().glyph(character).contours)
        left, bottom, right, top = bounds(rest[:count])
        middles.append(((left + right) / 2, (bottom + top) / 2))
        rest = rest[count:]
    assert rest == []
    return middles


def test_a_name_seal_is_read_in_columns_from_the_right() -> None:
    right_up, right_down, left_up, left_down = (True, True), (True, False), (False, True), (False, False)
    for name, purpose in (("张三", "之印"), ("王小明", "印"), ("欧阳某某", "")):
        seen = [(x > 0, y > 0) for x, y in _middles(SealDesign(Shape.SQUARE, name, 20, 20, purpose=purpose))]
        assert seen == [right_up, right_down, left_up, left_down]
    family, *given_name = _middles(SealDesign(Shape.SQUARE, "王小明", 20, 20))
    assert family[0] > 0
    assert abs(family[1]) < 0.5
    assert [(x > 0, y > 0) for x, y in given_name] == [left_up, left_down]


def test_a_wide_seal_is_read_in_lines_and_a_tall_one_in_a_column() -> None:
    wide = _middles(SealDesign(Shape.RECTANGLE, "王小明", 24, 8, purpose="印"))
    assert [x for x, _ in wide] == sorted(x for x, _ in wide)
    assert max(y for _, y in wide) - min(y for _, y in wide) < 1
    tall = _middles(SealDesign(Shape.RECTANGLE, "王小明", 8, 24, purpose="印"))
    assert [y for _, y in tall] == sorted((y for _, y in tall), reverse=True)
    assert max(x for x, _ in tall) - min(x for x, _ in tall) < 1
    lines = _middles(SealDesign(Shape.RECTANGLE, NAME, 60, 24, purpose="收文专用章"))
    assert max(y for _, y in lines[-5:]) - min(y for _, y in lines[-5:]) < 1  # the purpose has a line of its own, the last
    assert min(y for _, y in lines[:-5]) > max(y for _, y in lines[-5:]) + 2


_CHARACTERS = st.sampled_from([*"呼伦贝尔市行政审批（）ABCgjq0189·—一丶丨龘靐齉", "𫞩", "㐱", "Ⅷ", "é"])


@settings(max_examples=60)
@given(
    st.lists(_CHARACTERS, min_size=1, max_size=60).map("".join),
    st.sampled_from(["", "印", "合同专用章", "A", "（1）行政审批业务专用章"]),
    st.sampled_from(["", CODE]),
    st.sampled_from([(Shape.ROUND, 42, 42), (Shape.ROUND, 20, 20), (Shape.OVAL, 40, 30), (Shape.OVAL, 30, 20), (Shape.OVAL, 60, 30.0),
        (Shape.SQUARE, 20, 20), (Shape.SQUARE, 60, 60), (Shape.RECTANGLE, 60, 20), (Shape.RECTANGLE, 10, 60), (Shape.RECTANGLE, 30, 28)]),
)  # fmt: skip
def test_any_name_is_drawn_inside_the_border_or_refused(name: str, purpose: str, code: str, size: tuple[Shape, float, float]) -> None:
    shape, width, height = size
    design = SealDesign(shape, name, width, height, purpose=purpose, code="" if shape is Shape.SQUARE else code)
    try:
        picture = draw_seal(design)
    except TrustError as refused:
        assert refused.code in {"SEAL_NAME_TOO_LONG", "SEAL_GLYPH_MISSING"}
        return
    border = width / 2 - bounds(picture.outline[1:2])[2]
    for contour in picture.outline[2:]:
        for point in contour.points():
            assert _is_inside(design, *point, border)


_LETTERS = st.text("ᠠᠡᠢᠣᠤᠥᠦᠨᠪᠫᠬᠭᠮᠯᠰᠱᠲᠳᠴᠵᠶᠷᠸᠹᠺᠻ", min_size=1, max_size=12)


@settings(max_examples=40)
@given(st.lists(_LETTERS, min_size=1, max_size=14).map(" ".join), st.sampled_from(BILINGUAL))
def test_any_mongolian_is_drawn_inside_the_border_or_refused(mongolian: str, pattern: SealDesign) -> None:
    _need(pattern)
    design = replace(pattern, mongolian=mongolian)
    try:
        picture = draw_seal(design)
    except TrustError as refused:
        assert refused.code == "SEAL_NAME_TOO_LONG"
        return
    border = design.width_mm / 2 - bounds(picture.outline[1:2])[2]
    for contour in picture.outline[2:]:
        for point in contour.points():
            assert _is_inside(design, *point, border)


def test_every_shape_has_an_arrangement_for_chinese_alone() -> None:
    assert set(ARRANGEMENTS) == set(Shape)
    assert all(Arrangement.CHINESE in allowed for allowed in ARRANGEMENTS.values())
