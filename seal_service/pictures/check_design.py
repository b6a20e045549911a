"""Compare a design with the rules. What comes out are warnings: they never keep anybody from making the seal.

Errors are another matter: what cannot be drawn is refused by ``draw_seal``.
"""

from __future__ import annotations

import colorsys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.pictures.design import Centre, Shape, Typeface, normal_form
from seal_service.pictures.draw_seal import NAME_CROWDED, draw_seal
from seal_service.pictures.rules import (
    BILINGUAL_SEALS,
    INNER_MONGOLIA,
    INVOICE_SEALS,
    LARGEST_MM,
    OFFICIAL_SEALS,
    PRACTICE,
    SUFFIXES,
    UNIT_RULES,
    Unit,
    UnitRule,
)

if TYPE_CHECKING:
    from seal_service.pictures.design import SealDesign
    from seal_service.pictures.outline import Colour

SIZE_TOLERANCE_MM: Final = 0.05
INVOICE_PURPOSE: Final = "发票专用章"
UNICODE_SUFFIXES: Final = "Unicode 核心规范（蒙古文，U+202F）"


@dataclass(frozen=True, slots=True)
class Owner:
    """What is known of who the seal is for. ``division``: six digits (GB/T 2260); empty or None where it is not known."""

    unit: Unit | None = None
    registered_name: str = ""
    division: str = ""


@dataclass(frozen=True, slots=True)
class DesignWarning:
    """One deviation: a stable code, a sentence in Chinese and in English, and where the rule stands."""

    code: str
    text_zh: str
    text_en: str
    source: str

    def text(self, language: str) -> str:
        """The sentence in ``zh`` or ``en``."""
        return self.text_zh if language == "zh" else self.text_en


def check_design(design: SealDesign, owner: Owner | None = None) -> list[DesignWarning]:
    """Every deviation of a design from the rules, in the order in which a reader would look at the seal.

    :raises TrustError: what ``draw_seal`` raises: a design that cannot be drawn is not judged.
    """
    design = normal_form(design)
    picture = draw_seal(design)
    owner = owner or Owner()
    rule = None if owner.unit is None else UNIT_RULES[owner.unit]
    found: list[DesignWarning] = []

    # 1. Shape, size and centre of the unit's grade. A seal for a purpose may look otherwise (第二十二条), but never be larger.
    if rule is not None:
        found += _unlike_its_kind(design, rule)
    elif design.shape is Shape.ROUND and design.width_mm > LARGEST_MM + SIZE_TOLERANCE_MM:
        found.append(
            DesignWarning(
                "SEAL_SIZE_NOT_OF_GRADE",
                f"直径 {design.width_mm:g} 毫米，超过 {LARGEST_MM:g} 毫米。",
                f"The diameter is {design.width_mm:g} mm, more than {LARGEST_MM:g} mm.",
                OFFICIAL_SEALS,
            )
        )
    if design.centre is Centre.EMBLEM and design.shape in {Shape.ROUND, Shape.OVAL} and not design.centre_text:
        found.append(
            DesignWarning(
                "SEAL_EMBLEM_PLACEHOLDER",
                "国徽处仅为占位图形，国徽图案须由制发机关提供。",
                "The emblem is only a place holder; its artwork comes from the authority that issues the seal.",
                OFFICIAL_SEALS,
            )
        )

    # 2. The name: the registered one, simplified, legible.
    if owner.registered_name and _plain(design.name) != _plain(owner.registered_name):
        found.append(
            DesignWarning(
                "SEAL_NAME_NOT_REGISTERED",
                "印文与登记的法定名称不一致；名称字数过多时可采用规范化简称。",
                "The text is not the registered name; only where that is too long may its statutory short form stand.",
                OFFICIAL_SEALS,
            )
        )
    unusual = "".join(sorted({character for character in design.name + design.purpose if _is_traditional(character)}))
    if unusual:
        found.append(
            DesignWarning(
                "SEAL_NAME_NOT_SIMPLIFIED",
                f"印文含繁体字“{unusual}”，应使用国务院公布的简化字。",
                f"The text has traditional characters ({unusual}); simplified ones are prescribed.",
                OFFICIAL_SEALS,
            )
        )
    if NAME_CROWDED in picture.warnings:
        found.append(
            DesignWarning(
                NAME_CROWDED,
                "名称字数过多，字符过窄，盖印后不易辨认；可采用规范化简称。",
                "The name is so long that its characters are hard to read in print; the statutory short form may be used.",
                OFFICIAL_SEALS,
            )
        )
    if design.typeface is not Typeface.SONG and (rule is None or rule.unit not in {Unit.PERSON, Unit.INVOICE, Unit.TAX}):
        found.append(
            DesignWarning(
                "SEAL_TYPE_NOT_SONG",
                "印文未使用宋体；安装宋体字库后可选用。",
                "The text is not set in Song type; it can be chosen where such a face is installed.",
                OFFICIAL_SEALS,
            )
        )

    # 3. Two scripts in Inner Mongolia, and how the second one is written.
    division = owner.division or design.code
    is_due = rule is not None and rule.is_bilingual_in_inner_mongolia
    if is_due and division.startswith(INNER_MONGOLIA) and not design.is_bilingual:
        found.append(
            DesignWarning(
                "SEAL_BILINGUAL_MISSING",
                "内蒙古自治区内公章须并用蒙汉两种文字：蒙文在外环、汉文在内环，或蒙文在上半环、汉文在下半环。",
                "Official seals in Inner Mongolia carry Mongolian and Chinese: in the outer and inner ring, or in the upper and lower half.",
                BILINGUAL_SEALS,
            )
        )
    if any(word in SUFFIXES for word in design.mongolian.split(" ")[1:]):
        found.append(
            DesignWarning(
                "SEAL_SUFFIX_NOT_JOINED",
                "蒙古文词缀前应使用 U+202F 而不是空格，否则字形不同。",
                "Before a Mongolian suffix stands U+202F, not a space: its letters have other forms there.",
                UNICODE_SUFFIXES,
            )
        )

    # 4. Colour.
    if not is_red(design.rgb):
        found.append(DesignWarning("SEAL_COLOUR_NOT_RED", "印色不是红色。", "The colour is not red.", PRACTICE))
    return found


def _unlike_its_kind(design: SealDesign, rule: UnitRule) -> list[DesignWarning]:
    found = []
    is_for_purpose = bool(design.purpose) and rule.unit not in {Unit.INVOICE, Unit.TAX, Unit.PERSON}
    if design.shape not in rule.shapes and not is_for_purpose:
        found.append(
            DesignWarning(
                "SEAL_SHAPE_NOT_OF_KIND",
                f"{rule.name_zh}的印章应为{'或'.join(_SHAPES[shape][0] for shape in sorted(rule.shapes))}。",
                f"The seal of this kind ({rule.name_en}) is {' or '.join(_SHAPES[shape][1] for shape in sorted(rule.shapes))}.",
                rule.source,
            )
        )
        return found
    width = design.width_mm
    least = 0 if is_for_purpose else rule.least_mm
    is_off = not least - SIZE_TOLERANCE_MM <= width <= rule.most_mm + SIZE_TOLERANCE_MM
    is_off = is_off or (rule.height_mm is not None and abs(design.height_mm - rule.height_mm) > SIZE_TOLERANCE_MM)
    if is_off:
        size = f"{rule.common_mm:g}" if rule.height_mm is None else f"{rule.common_mm:g} × {rule.height_mm:g}"
        bound_zh = f"应为 {size} 毫米" if rule.least_mm == rule.most_mm else f"应为 {rule.least_mm:g} 至 {rule.most_mm:g} 毫米"
        bound_en = f"{size} mm" if rule.least_mm == rule.most_mm else f"{rule.least_mm:g} to {rule.most_mm:g} mm"
        if not rule.least_mm:
            bound_zh, bound_en = f"不得大于 {rule.most_mm:g} 毫米，常用 {size} 毫米", f"at most {rule.most_mm:g} mm, commonly {size} mm"
        found.append(
            DesignWarning(
                "SEAL_SIZE_NOT_OF_GRADE",
                f"{rule.name_zh}的印章{bound_zh}，现为 {width:g} × {design.height_mm:g} 毫米。",
                f"The seal of this kind ({rule.name_en}) measures {bound_en}; this one has {width:g} × {design.height_mm:g} mm.",
                rule.source,
            )
        )
    if rule.centre is not None and design.shape is Shape.ROUND and design.centre is not rule.centre and not is_for_purpose:
        centre = ("国徽", "the national emblem") if rule.centre is Centre.EMBLEM else ("五角星", "a five-pointed star")
        found.append(
            DesignWarning(
                "SEAL_CENTRE_NOT_OF_GRADE",
                f"{rule.name_zh}的印章中央应刊{centre[0]}。",
                f"The seal of this kind ({rule.name_en}) has {centre[1]} in its centre.",
                rule.source,
            )
        )
    if rule.unit is Unit.INVOICE and (design.purpose != INVOICE_PURPOSE or not design.centre_text):
        found.append(
            DesignWarning(
                "SEAL_INVOICE_TEXT_MISSING",
                "发票专用章中央应刊纳税人识别号，下方刊“发票专用章”字样。",
                "A seal for invoices has the taxpayer's number in its middle and 发票专用章 below.",
                INVOICE_SEALS,
            )
        )
    return found


_SHAPES: Final = {
    Shape.ROUND: ("圆形", "round"),
    Shape.OVAL: ("椭圆形", "oval"),
    Shape.SQUARE: ("正方形", "square"),
    Shape.RECTANGLE: ("长方形", "rectangular"),
}


def is_red(colour: Colour) -> bool:
    """Whether readers would call it the red of a seal: hue within 25 degrees of red, saturated, neither black nor pale."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    return min(hue, 1 - hue) <= 25 / 360 and saturation >= 0.5 and value >= 0.5


def _plain(name: str) -> str:
    """A name for comparing: full-width forms as half-width ones, no spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def _is_traditional(character: str) -> bool:
    """Whether a character is known in Big5 and not in GB 2312: common ones like that are traditional forms."""
    return _is_in(character, "big5") and not _is_in(character, "gb2312") and "\u4e00" <= character <= "\u9fff"


def _is_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
