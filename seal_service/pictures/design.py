"""The design of a seal as a value: what is drawn follows from it and from nothing else.

A design is stored as JSON beside the seal it belongs to. ``read_design`` takes nothing it does not know, so that a design that was
written by a later program is refused and never drawn in part.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seal_service.pictures.outline import Colour

DESIGN_FORMAT: Final = 1  # of the JSON form

DEFAULT_WIDTH_MM: Final = 42.0
ROUND_MM_MIN: Final = 20.0  # below this a code of 14 digits cannot be read in print
ROUND_MM_MAX: Final = 60.0  # 国发〔1999〕25号 allows 45 mm, 60 mm for the State Council
SIDE_MM_MIN: Final = 8.0  # the smallest name seals sold are 10 mm
SIDE_MM_MAX: Final = 100.0  # SES_ESPictureInfo counts whole millimetres; nothing larger was seen
OVAL_RATIO_MAX: Final = 2.0  # the flattest oval in use is 45 x 30; flatter ones leave no room at the ends of the long axis
RECTANGLE_RATIO_MAX: Final = 6.0

NAME_CHARACTERS_MAX: Final = 64  # ub-common-name of RFC 5280: the name also stands in the certificate
MONGOLIAN_CHARACTERS_MAX: Final = 200  # letters, vowel separators and suffix marks; the longest name tried has under 100
PURPOSE_CHARACTERS_MAX: Final = 16
CENTRE_TEXT_CHARACTERS_MAX: Final = 20  # a taxpayer's number has 15 to 20
CODE_DIGITS: Final = (13, 14)  # physical seals carry 13, electronic ones 14 (division of the maker and serial)
_CENTRE_TEXT: Final = re.compile(r"[0-9A-Z]*")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
# The red of seal paste (印泥): saturated, and dark enough to read on a grey copy. 国发〔1999〕25号 states no colour value.
DEFAULT_COLOUR: Final = "#cc1a1a"
# Letters, digits, punctuation and joining marks of the script, spaces, and U+202F before suffixes.
_MONGOLIAN: Final = re.compile("[\u1800-\u180e\u1810-\u1819\u1820-\u1878\u1880-\u18aa\u200c\u200d\u202f ]*")
_MONGOLIAN_LETTER: Final = re.compile("[\u1820-\u1878\u1880-\u18aa]")


class Shape(StrEnum):
    """The border."""

    ROUND = "round"
    OVAL = "oval"
    SQUARE = "square"
    RECTANGLE = "rectangle"


class Arrangement(StrEnum):
    """Which scripts stand where (内政办发〔1996〕32号 article 3 for the bilingual ones)."""

    CHINESE = "chinese"
    RINGS = "bilingual-rings"  # Mongolian in the outer ring, Chinese in the inner one
    HALVES = "bilingual-halves"  # Mongolian in the upper half, Chinese in the lower one
    COLUMN = "bilingual-column"  # Mongolian in a column on the left, Chinese on its right


class Centre(StrEnum):
    """What stands in the middle of a round or oval seal."""

    STAR = "star"
    EMBLEM = "emblem"  # a place holder for the national emblem, whose artwork is not drawn by programs
    NONE = "none"


class Typeface(StrEnum):
    """Of the Chinese text. ``song`` is only there where the machine has such a face."""

    SANS = "sans"
    SONG = "song"


# What each shape can carry.
ARRANGEMENTS: Final[dict[Shape, frozenset[Arrangement]]] = {
    Shape.ROUND: frozenset({Arrangement.CHINESE, Arrangement.RINGS, Arrangement.HALVES}),
    Shape.OVAL: frozenset({Arrangement.CHINESE, Arrangement.HALVES}),
    Shape.SQUARE: frozenset({Arrangement.CHINESE, Arrangement.COLUMN}),
    Shape.RECTANGLE: frozenset({Arrangement.CHINESE, Arrangement.COLUMN}),
}


@dataclass(frozen=True, slots=True)
class SealDesign:
    """One design. Sizes in millimetres over all; texts as they read; ``colour`` as #rrggbb in lower case.

    ``name`` is the name in Chinese, ``mongolian`` the same in traditional Mongolian (empty where the arrangement is Chinese). ``purpose``
    is a short line (合同专用章); on a name seal it is what follows the name (印, 之印). ``centre_text`` is a number across the middle of
    an oval (a taxpayer's). ``code`` has 13 or 14 digits or is empty.
    """

    shape: Shape
    name: str
    width_mm: float
    height_mm: float
    arrangement: Arrangement = Arrangement.CHINESE
    mongolian: str = ""
    purpose: str = ""
    centre: Centre = Centre.STAR
    centre_text: str = ""
    code: str = ""
    typeface: Typeface = Typeface.SANS
    colour: str = DEFAULT_COLOUR

    @property
    def is_bilingual(self) -> bool:
        """Whether Mongolian is drawn beside Chinese."""
        return self.arrangement is not Arrangement.CHINESE

    @property
    def rgb(self) -> Colour:
        """The colour as DeviceRGB, each part 0..1."""
        red, green, blue = (round(int(self.colour[at : at + 2], 16) / 255, 3) for at in (1, 3, 5))
        return red, green, blue


def default_design(organisation: str, purpose: str, code: str, type_code: str, width_mm: float = DEFAULT_WIDTH_MM) -> SealDesign:
    """The design a seal gets where nobody chose one: round, with a star. ``purpose`` may be empty.

    The one exception is a person's seal (types 0 个人名章 and 5 法定代表人名章) whose name is as short as a person's: a square name seal,
    which reads 印 after the name where no purpose is given and carries no code.
    """
    if type_code in _PERSONAL_TYPES and 2 <= len(organisation) <= PERSON_CHARACTERS_MAX:
        return SealDesign(Shape.SQUARE, organisation, width_mm, width_mm, purpose=purpose or "印", centre=Centre.NONE)
    return SealDesign(Shape.ROUND, organisation, width_mm, width_mm, purpose=purpose, code=code)


PERSON_CHARACTERS_MAX: Final = 4  # names of two to four characters; longer ones (transcribed names) are set by a chosen design
_PERSONAL_TYPES: Final = frozenset({"0", "5"})  # of the national list of type codes


def normal_form(design: SealDesign) -> SealDesign:
    """The same design with its texts composed (NFC) and trimmed: two ways of writing it draw the same seal."""
    return replace(
        design,
        name=unicodedata.normalize("NFC", design.name).strip(),
        mongolian=unicodedata.normalize("NFC", design.mongolian).strip(),
        purpose=unicodedata.normalize("NFC", design.purpose).strip(),
    )


def require_drawable(design: SealDesign) -> None:
    """Refuse what no picture can be made of.

    :raises TrustError: ``SEAL_NAME_EMPTY``, ``SEAL_NAME_TOO_LONG``, ``SEAL_PURPOSE_TOO_LONG``, ``SEAL_CODE_BAD``, ``SEAL_SIZE_BAD``,
        ``SEAL_MONGOLIAN_BAD``, ``SEAL_DESIGN_IMPOSSIBLE`` (parts that do not go together).
    """
    # 1. Texts.
    if not design.name:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_EMPTY")
    if len(design.name) > NAME_CHARACTERS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", characters=len(design.name), most=NAME_CHARACTERS_MAX)
    if len(design.purpose) > PURPOSE_CHARACTERS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_PURPOSE_TOO_LONG", characters=len(design.purpose), most=PURPOSE_CHARACTERS_MAX)
    if design.code and not (len(design.code) in CODE_DIGITS and design.code.isascii() and design.code.isdigit()):
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_CODE_BAD", characters=len(design.code), expected="13 or 14 digits")
    if len(design.centre_text) > CENTRE_TEXT_CHARACTERS_MAX or not _CENTRE_TEXT.fullmatch(design.centre_text):
        raise impossible("centre_text", f"at most {CENTRE_TEXT_CHARACTERS_MAX} digits and capital letters")
    if not _COLOUR.fullmatch(design.colour):
        raise impossible("colour", "#rrggbb in lower case")

    # 2. Sizes.
    least, most = (ROUND_MM_MIN, ROUND_MM_MAX) if design.shape in {Shape.ROUND, Shape.OVAL} else (SIDE_MM_MIN, SIDE_MM_MAX)
    if not (least <= design.width_mm <= most and least <= design.height_mm <= most):
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_SIZE_BAD", least_mm=least, most_mm=most)
    if design.shape in {Shape.ROUND, Shape.SQUARE} and not math.isclose(design.width_mm, design.height_mm):
        raise impossible("height_mm", f"as wide as high: {design.shape.value}")
    ratio = max(design.width_mm, design.height_mm) / min(design.width_mm, design.height_mm)
    if design.shape is Shape.OVAL and (design.height_mm >= design.width_mm or ratio > OVAL_RATIO_MAX):
        raise impossible("height_mm", f"an oval is wider than high, at most {OVAL_RATIO_MAX:g} times")
    if ratio > RECTANGLE_RATIO_MAX:
        raise impossible("height_mm", f"one side at most {RECTANGLE_RATIO_MAX:g} times the other")

    # 3. What goes together.
    if design.arrangement not in ARRANGEMENTS[design.shape]:
        raise impossible("arrangement", f"{design.shape.value}: {', '.join(sorted(ARRANGEMENTS[design.shape]))}")
    if design.centre_text and design.shape is not Shape.OVAL:
        raise impossible("centre_text", "only on an oval")
    if design.code and design.shape is Shape.SQUARE:
        raise impossible("code", "not on a square seal")
    if not design.is_bilingual:
        if design.mongolian:
            raise impossible("mongolian", "only in a bilingual arrangement")
        return
    if not _MONGOLIAN_LETTER.search(design.mongolian):
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_MONGOLIAN_BAD", rule="a bilingual seal needs the name in Mongolian")
    if len(design.mongolian) > MONGOLIAN_CHARACTERS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", script="Mong", most=MONGOLIAN_CHARACTERS_MAX)
    if not _MONGOLIAN.fullmatch(design.mongolian):
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_MONGOLIAN_BAD", rule="letters of the traditional script, spaces and U+202F")


def impossible(field: str, rule: str) -> TrustError:
    """A design whose parts do not go together. ``rule`` names the rule, never the value."""
    return TrustError(Kind.UNACCEPTABLE, "SEAL_DESIGN_IMPOSSIBLE", field=field, rule=rule)


def write_design(design: SealDesign) -> dict[str, str | float | int]:
    """The design as JSON-compatible values, every field stated."""
    return {
        "format": DESIGN_FORMAT,
        "shape": design.shape.value,
        "arrangement": design.arrangement.value,
        "name": design.name,
        "mongolian": design.mongolian,
        "purpose": design.purpose,
        "centre": design.centre.value,
        "centre_text": design.centre_text,
        "code": design.code,
        "typeface": design.typeface.value,
        "width_mm": design.width_mm,
        "height_mm": design.height_mm,
        "colour": design.colour,
    }


def read_design(stored: Mapping[str, Any]) -> SealDesign:
    """The design from its JSON form. Left-out fields other than shape, name, width and height have their defaults.

    :raises TrustError: ``SEAL_DESIGN_MALFORMED`` naming the field.
    """
    if stored.get("format", DESIGN_FORMAT) != DESIGN_FORMAT:
        raise _malformed("format")
    known = {field.name: field.type for field in fields(SealDesign)}
    values: dict[str, Any] = {}
    for key, value in stored.items():
        if key == "format":
            continue
        kind = known.get(key)
        if kind is None:
            raise _malformed(key[:40])
        if kind == "float":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise _malformed(key)
            values[key] = float(value)
        elif not isinstance(value, str):
            raise _malformed(key)
        elif key in _CHOICES:
            try:
                values[key] = _CHOICES[key](value)
            except ValueError as error:
                raise _malformed(key) from error
        else:
            values[key] = value
    for key in ("shape", "name", "width_mm", "height_mm"):
        if key not in values:
            raise _malformed(key)
    return SealDesign(**values)


_CHOICES: Final[dict[str, type[StrEnum]]] = {"shape": Shape, "arrangement": Arrangement, "centre": Centre, "typeface": Typeface}


def _malformed(field: str) -> TrustError:
    return TrustError(Kind.MALFORMED, "SEAL_DESIGN_MALFORMED", field=field)
