"""What goes over the wire about using licences. Times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.uses import Officer
from service_kit.request_shapes import RequestShape, WrittenTime

if TYPE_CHECKING:
    from licence_vault.actions.consent_to_use import GrantedCode
    from licence_vault.uses import Entrustment

CODE_EXAMPLE: Final = "yxu_Vn7Qb0s3mD1kE5cTtq2H8aYw4uRzJpLgXfC6oNe"
LICENCE_EXAMPLE: Final = "lc_0193f0c5a1b2000102030405"
_TYPE_EXAMPLE: Final = "11150700MB1234562Q901"
Purpose = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.USE_REASON_CHARACTERS,
        description="What for, in words that the holder understands; the same when the code is used.",
    ),
]
ServiceItem = Annotated[str, Field(max_length=limits.SERVICE_ITEM_CHARACTERS, description="Code of the matter (事项), if there is one.")]
TypeOfLicence = Annotated[str, Field(pattern=r"^[0-9A-Z]{21}$", description="Code of the licence type.")]
_OfficerText = Annotated[str, Field(min_length=1, max_length=limits.OFFICER_CHARACTERS)]


class HolderName(RequestShape):
    """A holder by code type and code."""

    code_type: Annotated[str, Field(pattern=r"^[0-9]{3}$", description="GB/T 36903 Annex A: 001 credit code, 111 resident number, ...")]
    code: Annotated[str, Field(min_length=1, max_length=limits.HOLDER_CODE_CHARACTERS)]

    def to_pair(self) -> tuple[str, str]:
        """As the actions take it."""
        return self.code_type, self.code


class OfficerBody(RequestShape):
    """For whom a system acts by duty; the holder sees it."""

    name: _OfficerText
    role: _OfficerText
    division: _OfficerText

    def to_officer(self) -> Officer:
        """As the actions take it."""
        return Officer(self.name, self.role, self.division)


class OfficerAnswer(BaseModel):
    """For whom a system acted by duty, as it was written down."""

    name: str
    role: str
    division: str


def write_officer(officer: Officer | None) -> OfficerAnswer | None:
    """As holders see him."""
    return None if officer is None else OfficerAnswer(name=officer.name, role=officer.role, division=officer.division)


class DutyBody(RequestShape):
    """Whose licences an officer needs, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": _TYPE_EXAMPLE,
                    "holder": {"code_type": "001", "code": "91150700MA0N000012"},
                    "purpose": "公共场所卫生监督检查",
                    "officer": {"name": "李示例", "role": "执法人员", "division": "卫生监督所"},
                }
            ]
        }
    )

    type: TypeOfLicence
    holder: HolderName
    purpose: Purpose
    officer: OfficerBody
    service_item: ServiceItem = ""


class GrantedAnswer(BaseModel):
    """A use code. It is shown once, counts once, and for its client and purpose alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "uc_0123456789abcdef01234567",
                    "code": CODE_EXAMPLE,
                    "licence": LICENCE_EXAMPLE,
                    "mode": "consented",
                    "client": "cl_registry",
                    "purpose": "办理变更登记",
                    "expires_at": "2026-11-28T09:10:00Z",
                }
            ]
        }
    )

    id: str
    code: str
    licence: str
    mode: str
    client: str
    purpose: str
    expires_at: datetime


class GrantedList(BaseModel):
    """A use code for each licence."""

    codes: list[GrantedAnswer]


class RedeemBody(RequestShape):
    """A code, and what for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": CODE_EXAMPLE, "purpose": "办理变更登记"}]})

    code: Annotated[str, Field(min_length=1, max_length=limits.USE_CODE_CHARACTERS)]
    purpose: Purpose


class UsedAnswer(BaseModel):
    """What a licence says."""

    licence: str
    mode: str
    state: str
    data: dict[str, Any]


class ConsentBody(RequestShape):
    """What one consents to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"licence": LICENCE_EXAMPLE, "client": "cl_registry", "purpose": "办理变更登记"}]}
    )

    licence: Annotated[str, Field(pattern=r"^lc_[0-9a-f]{24}$")]
    client: Annotated[str, Field(min_length=1, max_length=128, description="The system that may use it.")]
    purpose: Purpose
    service_item: ServiceItem = ""


class EntrustmentBody(RequestShape):
    """Whom one entrusts, with which of one's licences, until when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agent": {"code_type": "111", "code": "11010519491231002X"},
                    "type": _TYPE_EXAMPLE,
                    "until": "2026-12-31T16:00:00Z",
                    "reason": "委托办理变更登记",
                }
            ]
        }
    )

    agent: HolderName
    type: TypeOfLicence
    until: WrittenTime
    reason: Purpose
    holder: Annotated[HolderName | None, Field(description="Which of the holders one is, where one is several.")] = None


class EntrustmentAnswer(BaseModel):
    """An entrustment. Whom it was given to is not kept in a form that can be shown."""

    id: str
    type: str
    reason: str
    given_at: datetime
    until: datetime
    ended_at: datetime | None


class EntrustmentList(BaseModel):
    """Entrustments: on the first page all that stand, newest first; then those that were ended or are over, newest first."""

    entrustments: list[EntrustmentAnswer]
    next_before: str | None


def write_granted(granted: GrantedCode) -> GrantedAnswer:
    """As it goes over the wire, once."""
    record = granted.record
    return GrantedAnswer(
        id=record.id,
        code=granted.code,
        licence=record.licence_id,
        mode=record.mode,
        client=record.client_id,
        purpose=record.purpose,
        expires_at=record.expires_at,
    )


def write_entrustment(entrustment: Entrustment) -> EntrustmentAnswer:
    """As it goes over the wire."""
    return EntrustmentAnswer(
        id=entrustment.id,
        type=entrustment.type_code,
        reason=entrustment.reason,
        given_at=entrustment.given_at,
        until=entrustment.until,
        ended_at=entrustment.ended_at,
    )
