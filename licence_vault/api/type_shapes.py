"""What goes over the wire about licence types and issuing authorities. Times are RFC 3339 in UTC."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel

from licence_vault import limits
from service_kit.problem_catalogue import text_of
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from licence_vault.register import IssuingAuthority, TypeVersion

_CODE: Final = "11150700MB1234562Q"
_EXAMPLE_TYPE: Final[dict[str, Any]] = {
    "format": 1,
    "code": f"{_CODE}901",
    "name": "公共场所卫生许可证（样例）",
    "catalogue": {
        "authority_name": "示例市卫生健康委员会",
        "authority_code": _CODE,
        "authority_level": "3",
        "issuing_level": "4",
        "class": "1",
        "holder_category": "organisation",
        "validity_ranges": "4年",
    },
    "items": [{"key": "KZ_address", "block": "basic", "name": "地址", "kind": "text", "is_required": True}],
    "numbering": "示卫公证字〔{year}〕第{serial:6}号",
    "face": {"v": 1, "name": "示例", "page": {"width_mm": 297, "height_mm": 210}, "parts": []},
    "sealing": {"seal": "issuer", "page": 1, "x_mm": 220, "y_mm": 160},
    "sharing": {"modes": ["consented", "duty"], "shown_masked": []},
}


class _Request(RequestShape):
    model_config = ConfigDict(str_strip_whitespace=True)


class TypeWhole(RootModel[dict[str, Any]]):
    """The file of a licence type."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_TYPE]})


class Reason(_Request):
    """Why a step is taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "approved at the meeting of 1 November"}]}, frozen=True)

    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""


class TypeSummary(BaseModel):
    """A version of a licence type."""

    code: str
    version: int
    state: str
    name: str
    authors: list[str]
    reviewed_by: str | None
    reason: str
    written_at: datetime
    state_at: datetime


class TypeAnswer(TypeSummary):
    """A version of a licence type with all its chapters."""

    definition: dict[str, Any]


class TypeList(BaseModel):
    """Versions of licence types, by code and number."""

    types: list[TypeSummary]
    next_after: str | None


class StarterTypes(BaseModel):
    """Files of licence types to begin with."""

    types: list[dict[str, Any]]


class IssuerBody(_Request):
    """What is to be known of an issuing authority."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "示例市卫生健康委员会", "area_code": "150700", "seal_id": "sl_0123456789abcdef01234567"}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
    area_code: Annotated[str, Field(pattern=r"^[0-9]{6}$", description="GB/T 2260.")]
    seal_id: Annotated[str, Field(max_length=64, description="Its seal in the seal service; empty while it has none.")] = ""


class Obstacle(BaseModel):
    """Why nothing can be issued now: the code with which issuing would be refused, in the language of Accept-Language."""

    code: str
    title: str
    detail: str
    fix: str


class IssuerAnswer(BaseModel):
    """An issuing authority. `members`: who acts for it, shown to administrators.

    `can_issue`, for administrators and of one authority: whether its seal can be used for licences at this moment; null where seals are kept elsewhere
    and that is not known here. `obstacle`: why it cannot. An authority is entered all the same, for the seal may be granted to the licence vault later.
    """

    code: str
    name: str
    area_code: str
    seal_id: str
    members: list[str] | None = None
    can_issue: bool | None = None
    obstacle: Obstacle | None = None


class IssuerList(BaseModel):
    """Issuing authorities, by code."""

    issuers: list[IssuerAnswer]
    next_after: str | None


def summarise_type(version: TypeVersion) -> TypeSummary:
    """The version without its chapters."""
    return TypeSummary(**_summary(version))


def write_type(version: TypeVersion) -> TypeAnswer:
    """The version with its chapters."""
    return TypeAnswer(**_summary(version), definition=json.loads(version.file))


def _summary(version: TypeVersion) -> dict[str, Any]:
    return {
        "code": version.code,
        "version": version.version,
        "state": version.state.value,
        "name": version.name,
        "authors": list(version.authors),
        "reviewed_by": version.reviewed_by,
        "reason": version.reason,
        "written_at": version.written_at,
        "state_at": version.state_at,
    }


def write_issuer(issuer: IssuingAuthority, members: list[str] | None = None) -> IssuerAnswer:
    """The authority; ``members`` only for administrators."""
    return IssuerAnswer(code=issuer.code, name=issuer.name, area_code=issuer.area_code, seal_id=issuer.seal_id, members=members)


def with_obstacle(answer: IssuerAnswer, code: str | None, language: str) -> IssuerAnswer:
    """The authority with what stands against issuing for it, as ``find_obstacle`` found it."""
    text = text_of(code) if code else None
    if text is None:
        return answer.model_copy(update={"can_issue": None if code is None else not code})
    told = Obstacle(code=text.code, title=text.title(language), detail=text.cause(language), fix=text.remedy(language))
    return answer.model_copy(update={"can_issue": False, "obstacle": told})
