"""What rules say about the seals of each kind of unit, as data. Each line names where it stands.

The texts of 国发〔1999〕25号 and 内政办发〔1996〕32号 were read in copies on the web, not in the official gazettes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seal_service.pictures.design import Centre, Shape

INNER_MONGOLIA: Final = "15"  # first two digits of its divisions (GB/T 2260)

OFFICIAL_SEALS: Final = "国发〔1999〕25号"
BILINGUAL_SEALS: Final = "内政办发〔1996〕32号 第二条、第三条"
INVOICE_SEALS: Final = "国家税务总局公告2011年第7号"
SEEN_IN_FILES: Final = "实际电子印章文件中所见，未见规定"
PRACTICE: Final = "刻章惯例，未见规定"


class Unit(StrEnum):
    """Kinds of units and seals that rules tell apart."""

    GOVERNMENT = "government"  # of a prefecture-level city, banner, county, city district
    LEAGUE = "league"  # 盟, 地区行政公署
    TOWNSHIP = "township"
    DEPARTMENT = "department"  # a working department of a local government
    INTERNAL = "internal"  # an internal organ, or a unit directly under an administrative organ
    ENTERPRISE = "enterprise"  # enterprises, public institutions, associations
    INVOICE = "invoice"  # the special seal for invoices of any taxpayer
    TAX = "tax"  # the oval of tax authorities on electronic invoices
    PERSON = "person"  # name seals


@dataclass(frozen=True, slots=True)
class UnitRule:
    """What a seal of this kind looks like. Sizes are the width (of a round one the diameter) in millimetres.

    ``common_mm`` is what practice takes where the rule only states a limit. ``centre`` None: the rule says nothing of it.
    """

    unit: Unit
    name_zh: str
    name_en: str
    shapes: frozenset[Shape]
    least_mm: float
    most_mm: float
    common_mm: float
    height_mm: float | None
    centre: Centre | None
    is_bilingual_in_inner_mongolia: bool
    source: str


_ROUND: Final = frozenset({Shape.ROUND})
_OVAL: Final = frozenset({Shape.OVAL})
_ANGULAR: Final = frozenset({Shape.SQUARE, Shape.RECTANGLE})

UNIT_RULES: Final[dict[Unit, UnitRule]] = {
    rule.unit: rule
    for rule in (
        UnitRule(
            Unit.GOVERNMENT,
            "市、旗县、市辖区人民政府",
            "government of a city, banner, county or city district",
            _ROUND,
            45,
            45,
            45,
            None,
            Centre.EMBLEM,
            is_bilingual_in_inner_mongolia=True,
            source=f"{OFFICIAL_SEALS} 第九条",
        ),
        UnitRule(
            Unit.LEAGUE,
            "盟行政公署",
            "administrative office of a league",
            _ROUND,
            45,
            45,
            45,
            None,
            Centre.STAR,
            is_bilingual_in_inner_mongolia=True,
            source=f"{OFFICIAL_SEALS} 第十条",
        ),
        UnitRule(
            Unit.TOWNSHIP,
            "乡镇、苏木人民政府",
            "government of a township or sumu",
            _ROUND,
            42,
            42,
            42,
            None,
            Centre.STAR,
            is_bilingual_in_inner_mongolia=True,
            source=OFFICIAL_SEALS,
        ),
        UnitRule(
            Unit.DEPARTMENT,
            "地方人民政府工作部门",
            "working department of a local government",
            _ROUND,
            0,
            45,
            42,
            None,
            Centre.STAR,
            is_bilingual_in_inner_mongolia=True,
            source=f"{OFFICIAL_SEALS}（42 毫米为惯例，各地规定不一）",
        ),
        UnitRule(
            Unit.INTERNAL,
            "行政机关内设机构、直属单位",
            "internal organ of, or unit directly under, an administrative organ",
            _ROUND,
            0,
            45,
            42,
            None,
            Centre.STAR,
            is_bilingual_in_inner_mongolia=True,
            source=OFFICIAL_SEALS,
        ),
        UnitRule(
            Unit.ENTERPRISE,
            "企业事业单位、社会团体",
            "enterprise, public institution or association",
            _ROUND,
            0,
            45,
            42,
            None,
            Centre.STAR,
            is_bilingual_in_inner_mongolia=True,
            source=OFFICIAL_SEALS,
        ),
        UnitRule(
            Unit.INVOICE,
            "发票专用章",
            "special seal for invoices",
            _OVAL,
            40,
            40,
            40,
            30,
            None,
            is_bilingual_in_inner_mongolia=False,
            source=INVOICE_SEALS,
        ),
        UnitRule(
            Unit.TAX,
            "税务机关椭圆印章",
            "oval seal of a tax authority",
            _OVAL,
            30,
            30,
            30,
            20,
            None,
            is_bilingual_in_inner_mongolia=False,
            source=SEEN_IN_FILES,
        ),
        UnitRule(
            Unit.PERSON,
            "个人名章",
            "name seal of a person",
            _ANGULAR,
            10,
            25,
            18,
            None,
            None,
            is_bilingual_in_inner_mongolia=False,
            source=PRACTICE,
        ),
    )
}

LARGEST_MM: Final = 45.0  # of a round seal, of whatever unit this program serves; ministries and provinces have 50, the State Council 60

# Common suffixes of traditional Mongolian that are written apart from their word but joined to it by U+202F: genitive, accusative, dative,
# ablative, instrumental, comitative, reflexive and plural. No reader of the language has checked the list.
SUFFIXES: Final = frozenset(
    {
        "ᠤᠨ",
        "ᠦᠨ",
        "ᠤ",
        "ᠦ",
        "ᠶᠢᠨ",
        "ᠢ",
        "ᠶᠢ",
        "ᠳᠤ",
        "ᠳᠦ",
        "ᠲᠤ",
        "ᠲᠦ",
        "ᠳᠤᠷ",
        "ᠳᠦᠷ",
        "ᠲᠤᠷ",
        "ᠲᠦᠷ",
        "ᠠᠴᠠ",
        "ᠡᠴᠡ",
        "ᠪᠠᠷ",
        "ᠪᠡᠷ",
        "ᠢᠶᠠᠷ",
        "ᠢᠶᠡᠷ",
        "ᠲᠠᠢ",
        "ᠲᠡᠢ",
        "ᠪᠠᠨ",
        "ᠪᠡᠨ",
        "ᠢᠶᠠᠨ",
        "ᠢᠶᠡᠨ",
        "ᠤᠳ",
        "ᠦᠳ",
        "ᠨᠤᠭᠤᠳ",
        "ᠨᠦᠭᠦᠳ",
    }
)
