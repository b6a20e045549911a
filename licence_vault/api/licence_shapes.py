"""What goes over the wire about licences. Days are `YYYY-MM-DD`, times RFC 3339 in UTC."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions.issue_licence import LicenceOrder
from licence_vault.actions.succeed_licence import NewContent
from licence_vault.api.parameters import LOG_INDEX_TEXT
from licence_vault.model import EVENT_NAMES, Holder
from service_kit.request_shapes import Day, RequestShape

if TYPE_CHECKING:
    from licence_vault.actions.find_licences import LicenceView
    from licence_vault.register import EventRecord, LicenceFile, LicenceRecord

_EXAMPLE_HOLDER: Final[dict[str, Any]] = {"name": "示例餐饮有限公司", "code": "91150700MA0N000012", "code_type": "001"}
_EXAMPLE_FIELDS: Final[dict[str, Any]] = {
    "KZ_legal_person": "王示例",
    "KZ_address": "呼伦贝尔市海拉尔区示例路1号",
    "KZ_project": "沐浴场所",
}
_EXAMPLE_ISSUE: Final[dict[str, Any]] = {
    "type": "11150700MB1234562Q901",
    "issuer": "11150700MB1234562Q",
    "holders": [_EXAMPLE_HOLDER],
    "fields": _EXAMPLE_FIELDS,
    "valid_from": "2026-11-28",
    "valid_to": "2030-11-27",
    "forms": ["pdf", "ofd"],
}
_EXAMPLE_RECEIVE: Final[dict[str, Any]] = _EXAMPLE_ISSUE | {
    "transferred_from": "1.2.156.3005.2.11150700MB1234562Q901.11430000006122244L.AAAAAAAAAAAAAAAAAAAA.001.Z",
    "reason": "经营场所迁入",
}
Fields = Annotated[
    dict[
        Annotated[str, Field(max_length=limits.FIELD_KEY_CHARACTERS)],
        Annotated[str, Field(max_length=limits.FIELD_CHARACTERS)],
    ],
    Field(max_length=limits.FIELDS, description="The information items of the type, by key."),
]


class HolderBody(RequestShape):
    """A holder."""

    name: Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
    code: Annotated[str, Field(min_length=1, max_length=limits.HOLDER_CODE_CHARACTERS)]
    code_type: Annotated[str, Field(pattern=r"^[0-9]{3}$", description="GB/T 36903 Annex A: 001 credit code, 111 resident number, ...")]


Holders = Annotated[list[HolderBody], Field(min_length=1, max_length=limits.HOLDERS)]


class IssueBody(RequestShape):
    """A licence to be issued."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_ISSUE]})

    type: Annotated[str, Field(pattern=r"^[0-9A-Z]{21}$", description="Code of the type.")]
    issuer: Annotated[str, Field(pattern=r"^[0-9A-Z]{18}$", description="Credit code of the issuing authority.")]
    holders: Holders
    fields: Fields = Field(default={})
    valid_from: Day
    valid_to: Annotated[Day | None, Field(description="The last day; null for 长期.")]
    issued_on: Annotated[Day | None, Field(description="Today where nothing is said.")] = None
    name: Annotated[str, Field(max_length=limits.PRINTED_NUMBER_CHARACTERS, description="As on the face; the type's where empty.")] = ""
    number: Annotated[
        str,
        Field(max_length=limits.PRINTED_NUMBER_CHARACTERS, description="The printed number, where the type leaves it to the authority."),
    ] = ""
    area_code: Annotated[str, Field(pattern=r"^([0-9]{6})?$", description="The authority's where empty.")] = ""
    forms: Annotated[list[Literal["pdf", "ofd"]], Field(min_length=1, max_length=2)] = Field(default=["pdf"])

    def to_order(self) -> LicenceOrder:
        """As the action takes it."""
        return LicenceOrder(
            type_code=self.type,
            issuer_code=self.issuer,
            holders=tuple(Holder(each.name, each.code, each.code_type) for each in self.holders),
            fields=self.fields,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            issued_on=self.issued_on,
            name=self.name,
            number=self.number,
            area_code=self.area_code,
            forms=tuple(self.forms),
        )


class ReceiveBody(IssueBody):
    """A licence to be issued in place of one that was transferred out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_RECEIVE]})

    transferred_from: Annotated[
        str, Field(max_length=limits.IDENTIFIER_CHARACTERS, description="Identifier (GB/T 36904) of the licence that was transferred out.")
    ]
    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""


class SucceedBody(RequestShape):
    """What the next version is to say otherwise; a member that is left out stays as it was."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "续期", "valid_to": "2034-11-27"}]})

    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""
    holders: Annotated[Holders | None, Field(description="All of them, in the place of those there are.")] = None
    fields: Annotated[
        Fields | None,
        Field(description="All items, in the place of those there are: one that is left out does not stand on the next version."),
    ] = None
    valid_from: Day | None = None
    valid_to: Day | None = None
    open_ended: Annotated[bool, Field(description="No end any more (长期).")] = False

    def to_content(self) -> NewContent:
        """As the action takes it."""
        holders = None if self.holders is None else tuple(Holder(each.name, each.code, each.code_type) for each in self.holders)
        return NewContent(holders, self.fields, self.valid_from, self.valid_to, self.open_ended)


class FileAnswer(BaseModel):
    """A released file."""

    form: str
    digest: Annotated[str, Field(description="SM3, hex.")]
    bytes: int
    url: str


class LicenceSummary(BaseModel):
    """A licence without what it says."""

    id: str
    identifier: Annotated[str, Field(description="GB/T 36904.")]
    version: int
    state: str
    state_reason: str
    type: str
    type_version: int
    issuer: str
    area_code: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status_index: int
    predecessor: str | None
    transferred_from: str | None
    successor: str | None
    made_at: datetime
    state_at: datetime


class LicenceAnswer(LicenceSummary):
    """A licence with what it says (null once that was erased) and its files."""

    data: dict[str, Any] | None
    files: list[FileAnswer]


class LicenceList(BaseModel):
    """Licences of the authorities one acts for, newest last."""

    licences: list[LicenceSummary]
    next_after: str | None


class EventAnswer(BaseModel):
    """An event in the life of a licence."""

    position: int
    event: str
    event_name: str
    step: str
    from_state: str
    to_state: str
    operation: Annotated[str, Field(description="operateType of the collection interface.")]
    by: str
    at: datetime
    reason: str
    file_digest: str | None
    log_entry: str
    log_index: Annotated[int | None, Field(description=LOG_INDEX_TEXT)]
    audit_entry: str


class History(BaseModel):
    """What happened to a licence, oldest first."""

    events: list[EventAnswer]


def summarise_licence(record: LicenceRecord) -> LicenceSummary:
    """The licence without what it says."""
    return LicenceSummary(**_summary(record))


def write_licence(view: LicenceView) -> LicenceAnswer:
    """The licence with what it says and its files."""
    data = None if view.data is None else view.data.as_json()
    return LicenceAnswer(**_summary(view.record), data=data, files=[_file(each) for each in view.files])


def write_event(event: EventRecord, log_index: int | None) -> EventAnswer:
    """One line of the history. ``log_index``: where it stands in the public log."""
    return EventAnswer(
        position=event.position,
        event=event.event.value,
        event_name=EVENT_NAMES[event.event],
        step=event.step,
        from_state=event.from_state,
        to_state=event.to_state,
        operation=event.operation,
        by=event.holder,
        at=event.at,
        reason=event.reason,
        file_digest=None if event.file_digest is None else event.file_digest.hex(),
        log_entry=event.entry_id,
        log_index=log_index,
        audit_entry=event.audit_id,
    )


def _file(file: LicenceFile) -> FileAnswer:
    url = f"/v1/licences/{file.licence_id}/files/{file.form}"
    return FileAnswer(form=file.form, digest=file.digest.hex(), bytes=file.size_bytes, url=url)


def _summary(record: LicenceRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "identifier": record.identifier,
        "version": record.version,
        "state": record.state.value,
        "state_reason": record.state_reason,
        "type": record.type_code,
        "type_version": record.type_version,
        "issuer": record.issuer_code,
        "area_code": record.area_code,
        "issued_on": record.issued_on,
        "valid_from": record.valid_from,
        "valid_to": record.valid_to,
        "status_index": record.status_index,
        "predecessor": record.predecessor_id,
        "transferred_from": record.transferred_from,
        "successor": record.successor_id,
        "made_at": record.made_at,
        "state_at": record.state_at,
    }
