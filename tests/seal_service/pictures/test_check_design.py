"""Which design breaks which rule: each warning with a design that earns it and one that does not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from seal_service.pictures.check_design import DesignWarning, Owner, check_design, is_red
from seal_service.pictures.design import Arrangement, Centre, SealDesign, Shape, Typeface
from seal_service.pictures.draw_seal import is_mongolian_here, typefaces_here
from seal_service.pictures.rules import SUFFIXES, UNIT_RULES, Unit
from standards.errors import TrustError
from tests.optional import need

NAME = "呼伦贝尔市行政审批和政务服务局"
PLAIN = SealDesign(Shape.ROUND, NAME, 42, 42)
NOT_SONG = "SEAL_TYPE_NOT_SONG"


def codes(design: SealDesign, unit: Unit | None = None, *, name: str = "", division: str = "") -> set[str]:
    """The codes without the one that every picture of the brought face gets."""
    return {warning.code for warning in check_design(design, Owner(unit, name, division))} - {NOT_SONG}


@pytest.mark.clause("国发〔1999〕25号")
@pytest.mark.parametrize(
    ("unit", "design", "expected"),
    [
        (Unit.GOVERNMENT, replace(PLAIN, width_mm=45, height_mm=45, centre=Centre.EMBLEM), {"SEAL_EMBLEM_PLACEHOLDER"}),
        (Unit.GOVERNMENT, replace(PLAIN, centre=Centre.EMBLEM), {"SEAL_EMBLEM_PLACEHOLDER", "SEAL_SIZE_NOT_OF_GRADE"}),
        (Unit.GOVERNMENT, replace(PLAIN, width_mm=45, height_mm=45), {"SEAL_CENTRE_NOT_OF_GRADE"}),
        (Unit.LEAGUE, replace(PLAIN, width_mm=45, height_mm=45), set()),
        (Unit.LEAGUE, replace(PLAIN, width_mm=44, height_mm=44), {"SEAL_SIZE_NOT_OF_GRADE"}),
        (Unit.TOWNSHIP, PLAIN, set()),
        (Unit.TOWNSHIP, replace(PLAIN, width_mm=45, height_mm=45), {"SEAL_SIZE_NOT_OF_GRADE"}),
        (Unit.DEPARTMENT, PLAIN, set()),
        (Unit.DEPARTMENT, replace(PLAIN, width_mm=45.2, height_mm=45.2), {"SEAL_SIZE_NOT_OF_GRADE"}),
        (Unit.INTERNAL, replace(PLAIN, width_mm=40, height_mm=40), set()),
        (Unit.ENTERPRISE, replace(PLAIN, width_mm=45, height_mm=45), set()),
        (Unit.ENTERPRISE, SealDesign(Shape.OVAL, "样例公司", 45, 30), {"SEAL_SHAPE_NOT_OF_KIND"}),
        (Unit.ENTERPRISE, SealDesign(Shape.OVAL, "样例公司", 45, 30, purpose="合同专用章"), set()),
        (Unit.ENTERPRISE, SealDesign(Shape.ROUND, "样例公司", 38, 38, purpose="财务专用章", centre=Centre.NONE), set()),
        (None, replace(PLAIN, width_mm=46, height_mm=46), {"SEAL_SIZE_NOT_OF_GRADE"}),
        (None, PLAIN, set()),
        (Unit.PERSON, SealDesign(Shape.SQUARE, "张三", 18, 18, purpose="之印"), set()),
        (Unit.PERSON, SealDesign(Shape.SQUARE, "张三", 30, 30, purpose="之印"), {"SEAL_SIZE_NOT_OF_GRADE"}),
        (Unit.PERSON, SealDesign(Shape.ROUND, "张三", 20, 20), {"SEAL_SHAPE_NOT_OF_KIND"}),
        (Unit.TAX, SealDesign(Shape.OVAL, "样例税务局", 30, 20), set()),
        (Unit.TAX, SealDesign(Shape.OVAL, "样例税务局", 30, 22), {"SEAL_SIZE_NOT_OF_GRADE"}),
        (Unit.INVOICE, SealDesign(Shape.OVAL, "样例公司", 40, 30, purpose="发票专用章", centre_text="91150700MA0N123456"), set()),
        (Unit.INVOICE, SealDesign(Shape.OVAL, "样例公司", 40, 30, purpose="发票专用章"), {"SEAL_INVOICE_TEXT_MISSING"}),
        (
            Unit.INVOICE,
            SealDesign(Shape.OVAL, "样例公司", 45, 30, centre_text="1"),
            {"SEAL_INVOICE_TEXT_MISSING", "SEAL_SIZE_NOT_OF_GRADE"},
        ),
    ],
)
def test_shape_size_and_centre_of_each_kind(unit: Unit | None, design: SealDesign, expected: set[str]) -> None:
    assert codes(design, unit) == expected


def test_the_name_is_compared_with_the_registered_one_without_regard_to_width() -> None:
    assert codes(PLAIN, name=NAME) == set()
    assert codes(replace(PLAIN, name="样例中心（甲）"), name="样例中心(甲) ") == set()
    assert codes(PLAIN, name="呼伦贝尔市政务服务局") == {"SEAL_NAME_NOT_REGISTERED"}


def test_traditional_characters_are_named() -> None:
    (warning,) = [each for each in check_design(replace(PLAIN, name="呼倫貝爾市政務局")) if each.code == "SEAL_NAME_NOT_SIMPLIFIED"]
    assert "倫務爾貝" in warning.text_zh
    assert codes(replace(PLAIN, name="一二三（4）Ab𫞩局")) == set()  # rare, foreign and plain ones are not traditional


def test_a_crowded_name_is_told() -> None:
    assert codes(replace(PLAIN, name="印" * 34)) == {"SEAL_NAME_CROWDED"}


def test_song_type_is_asked_for_on_official_seals_and_not_on_name_seals() -> None:
    assert [warning.code for warning in check_design(PLAIN)] == [NOT_SONG]
    assert check_design(SealDesign(Shape.SQUARE, "张三", 18, 18, purpose="之印"), Owner(Unit.PERSON)) == []
    need("a Song face", Typeface.SONG in typefaces_here(), "install fonts-noto-cjk")
    assert check_design(replace(PLAIN, typeface=Typeface.SONG)) == []


@pytest.mark.clause("内政办发〔1996〕32号 art. 2")
def test_official_seals_in_inner_mongolia_are_bilingual() -> None:
    assert codes(PLAIN, Unit.DEPARTMENT, division="150700") == {"SEAL_BILINGUAL_MISSING"}
    assert codes(replace(PLAIN, code="15070012345678"), Unit.DEPARTMENT) == {"SEAL_BILINGUAL_MISSING"}
    assert codes(PLAIN, Unit.DEPARTMENT, division="230100") == set()
    assert codes(SealDesign(Shape.SQUARE, "张三", 18, 18), Unit.PERSON, division="150700") == set()
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    both = replace(PLAIN, arrangement=Arrangement.RINGS, mongolian="ᠬᠣᠲᠠ\u202fᠶᠢᠨ ᠲᠣᠪᠴᠢᠶ\u180eᠠ")
    assert codes(both, Unit.DEPARTMENT, division="150700") == set()
    assert codes(replace(both, mongolian="ᠬᠣᠲᠠ ᠶᠢᠨ ᠲᠣᠪᠴᠢᠶ\u180eᠠ")) == {"SEAL_SUFFIX_NOT_JOINED"}


def test_a_seal_is_red() -> None:
    assert codes(replace(PLAIN, colour="#1a1acc")) == {"SEAL_COLOUR_NOT_RED"}
    assert [is_red(colour) for colour in ((1, 0, 0), (0.8, 0.1, 0.1), (0.9, 0.3, 0.2))] == [True] * 3
    assert [is_red(colour) for colour in ((0.2, 0, 0), (1, 0.8, 0.8), (0, 0, 0), (1, 1, 1), (0, 0.6, 0))] == [False] * 5


def test_what_cannot_be_drawn_is_not_judged() -> None:
    with pytest.raises(TrustError) as refused:
        check_design(replace(PLAIN, name=""))
    assert refused.value.code == "SEAL_NAME_EMPTY"


def test_every_warning_speaks_both_languages_and_names_its_rule() -> None:
    worst = replace(PLAIN, name="呼倫貝爾" + "印" * 30, width_mm=60, height_mm=60, centre=Centre.EMBLEM, colour="#000000")
    found: list[DesignWarning] = []
    for unit in UNIT_RULES:
        found += check_design(worst, Owner(unit, NAME, "150700"))
        found += check_design(SealDesign(Shape.OVAL, "样例", 60, 40), Owner(unit))
        found += check_design(SealDesign(Shape.ROUND, "样例", 50, 50, centre=Centre.NONE), Owner(unit))
    assert len({warning.code for warning in found}) >= 10
    for warning in found:
        assert re.fullmatch(r"SEAL_[A-Z_]+", warning.code)
        assert warning.text("zh").endswith("。")
        assert warning.text("en").endswith(".")
        assert re.search(r"[\u4e00-\u9fff]", warning.text_zh)
        assert warning.source


def test_rules_are_complete() -> None:
    assert set(UNIT_RULES) == set(Unit)
    for rule in UNIT_RULES.values():
        assert rule.least_mm <= rule.common_mm <= rule.most_mm
        assert rule.source
        assert rule.name_en.isascii()
    assert all("\u1820" <= letter <= "\u1878" for suffix in SUFFIXES for letter in suffix)
