"""What goes over the wire about the life of seals: applications, powers, grants, papers, history. Times are RFC 3339 in UTC."""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from seal_service import limits
from seal_service.api.design_shapes import WarningAnswer  # noqa: TC001 - pydantic reads the annotations at run time
from seal_service.api.shapes import KEY_REQUEST, DataVersion
from service_kit.request_shapes import RequestShape, WrittenTime

_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_OFFSET: Final = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)")
Holders = Annotated[list[str], Field(max_length=limits.HOLDERS_PER_POWER)]
PaperIds = Annotated[list[str], Field(max_length=limits.PAPERS_PER_ACT, description="Ids of papers handed in with POST /v1/seal-papers.")]


class _Request(RequestShape):
    model_config = ConfigDict(str_strip_whitespace=True)


class Apply(_Request):
    """An application: for a new seal, or (with `seal_id`) for its change, renewal or end. Of a change, members left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "new",
                    "reason": "机构设立",
                    "organisation": "呼伦贝尔市政务服务演示中心（样例）",
                    "credit_code": "11150700MB1234562Q",
                    "managers": ["seal-office"],
                    "users": ["portal"],
                    "auditors": ["audit-office"],
                }
            ]
        }
    )

    kind: Literal["new", "change", "renew", "cancel"]
    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS)]
    seal_id: Annotated[str | None, Field(pattern=r"^sl_[0-9a-f]{24}$")] = None
    organisation: Annotated[str, Field(max_length=limits.ORGANISATION_CHARACTERS, description="The registered name.")] = ""
    credit_code: Annotated[str, Field(max_length=18, description="Unified social credit code (GB 32100).")] = ""
    name: Annotated[str, Field(max_length=limits.SEAL_NAME_CHARACTERS)] = ""
    name_mongolian: Annotated[
        str, Field(max_length=128, description="Traditional Mongolian; goes into the seal as 1.2.156.112600.7.2.")
    ] = ""
    name_romanised: Annotated[str, Field(max_length=128, description="Goes into the seal as 1.2.156.112600.7.3.")] = ""
    purpose: Annotated[str, Field(max_length=limits.PURPOSE_CHARACTERS)] = ""
    type_code: Annotated[str, Field(pattern=r"^[0-9]{1,2}$", description="See GET /v1/seal-types.")] = "1"
    division: Annotated[str, Field(pattern=r"^([0-9]{6})?$")] = ""
    design: Annotated[dict[str, Any] | None, Field(description="A seal design; without it the usual one.")] = None
    picture: Annotated[
        str | None,
        Field(pattern=r"^sp_[0-9a-f]{24}$", description="A picture of one's own (POST /v1/seal-pictures), in place of a design."),
    ] = None
    picture_width_mm: Annotated[float, Field(ge=20, le=60)] = 42.0
    managers: Holders = Field(default=[])
    users: Holders = Field(default=[])
    auditors: Holders = Field(default=[])
    certificate: Annotated[
        Literal["built-in", "external"],
        Field(description="Who issues the certificate: the built-in authority, or another one by a request."),
    ] = "built-in"
    papers: PaperIds = Field(default=[])


class Step(_Request):
    """Why a step is taken, and on which papers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "documents checked"}]})

    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""
    papers: PaperIds = Field(default=[])


class GrantRequest(_Request):
    """Who may use a seal, and within which limits; a member left out is no limit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "holder": "portal",
                    "forms": ["pdf"],
                    "document_types": ["批文"],
                    "uses_max": 100,
                    "valid_until": "2026-12-31T16:00:00Z",
                    "hours": "08:30-17:30",
                    "utc_offset": "+08:00",
                }
            ]
        }
    )

    holder: Annotated[str, Field(max_length=255, description="A client id, or `person:` and a subject.")]
    via_client: Annotated[str, Field(max_length=128, description="Only through this system.")] = ""
    forms: Annotated[list[Literal["pdf", "ofd", "digest"]], Field(max_length=3)] = Field(default=[])
    document_types: Annotated[list[str], Field(max_length=limits.DOCUMENT_TYPES_PER_GRANT)] = Field(default=[])
    uses_max: Annotated[int | None, Field(ge=1, le=limits.USES_MAX)] = None
    valid_from: WrittenTime | None = None
    valid_until: WrittenTime | None = None
    hours: Annotated[str, Field(max_length=11, description="Such as 08:30-17:30; over midnight 22:00-06:00.")] = ""
    utc_offset: Annotated[str, Field(description="The zone the hours are in.")] = "+08:00"
    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""


class PowerRequest(_Request):
    """A power that is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "takes over from a colleague"}]})

    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS)]


class MakeOrder(_Request):
    """With whose key a seal is made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"certificate_request": "-----BEGIN CERTIFICATE REQUEST-----\nMIIB...\n-----END CERTIFICATE REQUEST-----\n"}]
        }
    )

    certificate_request: Annotated[str, Field(max_length=limits.PEM_CHARACTERS, description=KEY_REQUEST)] = ""
    data_version: DataVersion = None


class CertificateChain(_Request):
    """The certificate of a seal, and what stands above it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"certificates": "-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n"}]}
    )

    certificates: Annotated[
        str, Field(max_length=limits.JSON_BYTES, description="PEM: the seal's certificate first, then its issuers, nearest first.")
    ]
    data_version: DataVersion = None


class PaperAnswer(BaseModel):
    """A paper that was handed in."""

    id: str
    name: str
    digest: Annotated[str, Field(description="SM3 of the content, hex.")]
    size_bytes: int
    handed_in_by: str
    handed_in_at: datetime


class PictureAnswer(BaseModel):
    """A picture of one's own as it would go into a seal."""

    id: Annotated[str, Field(description="For `picture` of an application; GET /v1/seal-papers/{id} gives the clean PNG.")]
    digest: Annotated[str, Field(description="SM3 of the clean PNG, hex.")]
    size_bytes: int
    width_mm: float
    height_mm: float
    width_px: int
    height_px: int
    warnings: list[WarningAnswer]


class ApplicationAnswer(BaseModel):
    """An application and where it stands."""

    id: str
    kind: str
    state: str
    seal_id: str | None
    applied_by: str
    applied_at: datetime
    reason: str
    organisation: str
    credit_code: str
    name: str
    name_mongolian: str
    name_romanised: str
    purpose: str
    type_code: str
    division: str
    design: str
    own_picture: Annotated[bool, Field(description="A picture of one's own stands in place of a design.")] = False
    picture_width_mm: float
    managers: list[str]
    users: list[str]
    auditors: list[str]
    certificate: Literal["built-in", "external"]
    reviewed_by: str | None
    reviewed_at: datetime | None
    review_reason: str | None
    version: int
    state_at: datetime | None
    papers: list[PaperAnswer] | None = None


class ApplicationPage(BaseModel):
    """Applications, and where the next page begins."""

    applications: list[ApplicationAnswer]
    next_after: str | None


class GrantAnswer(BaseModel):
    """A grant and how much of it is used."""

    id: str
    seal_id: str
    holder: str
    granted_by: str
    granted_at: datetime
    via_client: str
    forms: list[str]
    document_types: list[str]
    uses_max: int | None
    used: Annotated[int, Field(description="Counted only for a grant with uses_max.")]
    valid_from: datetime | None
    valid_until: datetime | None
    hours: str
    utc_offset: str
    revoked_by: str | None
    revoked_at: datetime | None
    revoked_reason: str | None
    version: int


class GrantPage(BaseModel):
    """Grants, and where the next page begins."""

    grants: list[GrantAnswer]
    next_after: str | None


class PowerAnswer(BaseModel):
    """Who holds a power over a seal."""

    holder: str
    power: str
    given_by: str
    given_at: datetime


class PowerList(BaseModel):
    """Everybody with a power over a seal; `separated`: nobody may hold two."""

    separated: bool
    powers: list[PowerAnswer]


class ActAnswer(BaseModel):
    """One line of a history."""

    position: int
    seal_id: str | None
    application_id: str | None
    act: str
    from_state: str
    to_state: str
    by: str
    at: datetime
    reason: str
    papers: list[dict[str, str]]
    audit_entry: Annotated[str, Field(description="/v1/audit/entries/{id}/receipt proves it.")]


class Timeline(BaseModel):
    """A part of a history, the oldest first, and where the next page begins."""

    acts: list[ActAnswer]
    next_after: int | None


class EditionAnswer(BaseModel):
    """One making of a seal."""

    edition: int
    state: str
    name: str
    organisation: str
    purpose: str
    application_id: str | None
    begun_at: datetime
    made_at: datetime | None
    retired_at: datetime | None
    key_destroyed: bool
    key_left_with: Annotated[
        str | None,
        Field(description="`device` or `owner`: the key is over and not ours to destroy; whoever keeps it is to destroy it there."),
    ]


class EditionList(BaseModel):
    """Every making of a seal, the first one first."""

    editions: list[EditionAnswer]


class SealTypeAnswer(BaseModel):
    """A type of seal."""

    code: str
    name_zh: str
    name_en: str


class SealTypeList(BaseModel):
    """The published type codes; regions add their own."""

    types: list[SealTypeAnswer]
