"""Seal designs as they go over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from seal_service.pictures import design as model
from seal_service.pictures.check_design import DesignWarning, Owner
from seal_service.pictures.design import Arrangement, Centre, SealDesign, Shape, Typeface, read_design
from seal_service.pictures.rules import Unit  # noqa: TC001 - pydantic reads the annotations at run time
from service_kit.request_shapes import RequestShape

DESIGN_EXAMPLE: Final[dict[str, Any]] = {
    "shape": "round",
    "arrangement": "bilingual-rings",
    "name": "呼伦贝尔市政务服务演示中心（样例）",
    "mongolian": "ᠬᠥᠯᠥᠨ ᠪᠤᠶᠢᠷ ᠬᠣᠲᠠ\u202fᠶᠢᠨ ᠲᠣᠪᠴᠢᠶ\u180eᠠ",
    "centre": "star",
    "code": "15070000000001",
    "width_mm": 42,
    "height_mm": 42,
    "unit": "department",
    "division": "150700",
}


class DesignOrder(RequestShape):
    """A design to be looked at, and what is known of who it is for. Unknown members are refused."""

    model_config = ConfigDict(str_strip_whitespace=True, json_schema_extra={"examples": [DESIGN_EXAMPLE]})

    shape: Annotated[Shape, Field(strict=False)]
    arrangement: Annotated[Arrangement, Field(strict=False)] = Arrangement.CHINESE
    name: Annotated[str, Field(max_length=model.NAME_CHARACTERS_MAX, description="As it shall read, in Chinese.")]
    mongolian: Annotated[
        str,
        Field(
            max_length=model.MONGOLIAN_CHARACTERS_MAX,
            description="The name in traditional Mongolian, suffixes joined by U+202F; only in a bilingual arrangement.",
        ),
    ] = ""
    purpose: Annotated[
        str, Field(max_length=model.PURPOSE_CHARACTERS_MAX, description="A short line such as 合同专用章; on a name seal 印 or 之印.")
    ] = ""
    centre: Annotated[Centre, Field(strict=False, description="`emblem` draws a place holder: its artwork is not ours to draw.")] = (
        Centre.STAR
    )
    centre_text: Annotated[
        str, Field(max_length=model.CENTRE_TEXT_CHARACTERS_MAX, description="A number across an oval, such as a taxpayer's.")
    ] = ""
    code: Annotated[str, Field(pattern=r"^([0-9]{13,14})?$", description="Seal code of 13 or 14 digits, or empty.")] = ""
    typeface: Annotated[Typeface, Field(strict=False, description="`song` only where the answer's `typefaces` name it.")] = Typeface.SANS
    width_mm: Annotated[float, Field(ge=model.SIDE_MM_MIN, le=model.SIDE_MM_MAX, allow_inf_nan=False)]
    height_mm: Annotated[float, Field(ge=model.SIDE_MM_MIN, le=model.SIDE_MM_MAX, allow_inf_nan=False)]
    colour: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")] = model.DEFAULT_COLOUR
    unit: Annotated[Unit | None, Field(strict=False, description="Kind of unit or seal, for the rules on size, shape and centre.")] = None
    registered_name: Annotated[str, Field(max_length=model.NAME_CHARACTERS_MAX, description="To be compared with `name`.")] = ""
    division: Annotated[str, Field(pattern=r"^([0-9]{6})?$", description="GB/T 2260; without it that of the seal code.")] = ""

    def design(self) -> SealDesign:
        """The design alone."""
        return read_design(self.model_dump(mode="json", exclude={"unit", "registered_name", "division"}))

    def owner(self) -> Owner:
        """Who it is for."""
        return Owner(self.unit, self.registered_name, self.division)


class WarningAnswer(BaseModel):
    """One deviation from a rule. It keeps nobody from making the seal."""

    code: str
    text: Annotated[str, Field(description="In the language of Accept-Language.")]
    text_zh: str
    text_en: str
    source: Annotated[str, Field(description="Where the rule stands.")]


class PreviewAnswer(BaseModel):
    """How a design looks and what rules say to it."""

    svg: Annotated[str, Field(description="The picture in its true size.")]
    width_mm: float
    height_mm: float
    warnings: list[WarningAnswer]
    typefaces: Annotated[list[str], Field(description="Typefaces for Chinese that this server has.")]
    has_mongolian: Annotated[bool, Field(description="Whether this server can draw bilingual seals.")]


def write_warning(warning: DesignWarning, language: str) -> WarningAnswer:
    """A warning as it goes out."""
    return WarningAnswer(
        code=warning.code, text=warning.text(language), text_zh=warning.text_zh, text_en=warning.text_en, source=warning.source
    )
