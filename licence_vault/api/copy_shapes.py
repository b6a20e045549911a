"""What goes over the wire about annotated copies. Times RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.api.parameters import LOG_INDEX_TEXT
from service_kit.request_shapes import Moment, RequestShape

if TYPE_CHECKING:
    from licence_vault.actions.download_copy import OfferedDownload
    from licence_vault.actions.find_copies import CopyView
    from licence_vault.actions.finish_copy import MadeCopy
    from licence_vault.copies import CopyRecord

_EXAMPLE: Final[dict[str, Any]] = {
    "form": "pdf",
    "made_by": "示例区不动产登记窗口",
    "reason": "办理转移登记",
    "until": "2026-12-28T08:00:00Z",
}
_EXAMPLE_MADE: Final[dict[str, Any]] = {
    "id": "cp_01a2212b10004875014759f0",
    "licence": "lc_01a2212b1000f6a8b80a5421",
    "form": "pdf",
    "state": "made",
    "made_at": "2026-11-28T08:00:00Z",
    "until": "2026-12-28T08:00:00Z",
    "digest": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    "bytes": 48213,
    "log_entry": "019ad0c3-0000-7000-8000-000000000000",
    "refusal": "",
    "url": "/v1/licences/lc_01a2212b1000f6a8b80a5421/copies/cp_01a2212b10004875014759f0/file",
}


class CopyBody(RequestShape):
    """A copy that is wanted."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    form: Literal["pdf", "ofd"] = "pdf"
    made_by: Annotated[
        str,
        Field(min_length=1, max_length=limits.COPY_MAKER_CHARACTERS, description="For whom; stands on the copy (certificateCopyCreator)."),
    ]
    reason: Annotated[
        str,
        Field(min_length=1, max_length=limits.COPY_REASON_CHARACTERS, description="What for; stands on the copy (certificateCopyCause)."),
    ]
    until: Annotated[
        Moment | None,
        Field(description=f"How long it may be used; {limits.COPY_DAYS} days where nothing is said, {limits.COPY_DAYS_MAX} at most."),
    ] = None


class CopyAnswer(BaseModel):
    """A copy."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_MADE]})

    id: str
    licence: str
    form: str
    state: str
    made_at: datetime
    until: datetime
    digest: Annotated[str | None, Field(description="SM3 of the file, hex.")]
    bytes: int
    log_entry: str
    refusal: Annotated[str, Field(description="Why it was given up; empty else.")]
    url: str | None


class ListedCopy(CopyAnswer):
    """A copy with what it says; null once that was erased."""

    log_index: Annotated[int | None, Field(description=LOG_INDEX_TEXT)]
    made_by: str | None
    reason: str | None
    client: str | None
    mode: str | None


class CopyList(BaseModel):
    """Copies of a licence, newest first."""

    copies: list[ListedCopy]
    next_before: str | None


class AddressBody(RequestShape):
    """Who is to fetch the copy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"client": "cl_registry"}]})

    client: Annotated[
        str | None,
        Field(
            min_length=1, max_length=128, description="The system that alone can use the address; null: whoever has it, without a token."
        ),
    ]


class AddressAnswer(BaseModel):
    """An address for one download. It is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"url": "/v1/licence-downloads/" + "x" * 43, "client": "cl_registry", "expires_at": "2026-11-28T08:10:00Z"}]
        }
    )

    url: str
    client: str | None
    expires_at: datetime


def write_copy(record: CopyRecord) -> CopyAnswer:
    """The copy without what it says."""
    return CopyAnswer(**_members(record))


def write_listed_copy(view: CopyView) -> ListedCopy:
    """The copy with what it says."""
    note = view.note
    mode = None if note is None or note.use.mode is None else note.use.mode.value
    return ListedCopy(
        **_members(view.record),
        log_index=view.log_index,
        made_by=None if note is None else note.salted.statement.made_by,
        reason=None if note is None else note.salted.statement.reason,
        client=None if note is None else note.use.client,
        mode=mode,
    )


def write_address(offered: OfferedDownload) -> AddressAnswer:
    """The address, by the route on which it is taken."""
    path = "/licences/downloads/" if offered.client is None else "/v1/licence-downloads/"
    return AddressAnswer(url=path + offered.token, client=offered.client, expires_at=offered.expires_at)


def file_headers(made: MadeCopy) -> dict[str, str]:
    """Of an answer that is the file of a copy."""
    return {"content-disposition": f'attachment; filename="{made.record.id}.{made.record.form}"', "cache-control": "no-store"}


def _members(record: CopyRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "licence": record.licence_id,
        "form": record.form,
        "state": record.state.value,
        "made_at": record.made_at,
        "until": record.until,
        "digest": None if record.file_digest is None else record.file_digest.hex(),
        "bytes": record.size_bytes,
        "log_entry": record.entry_id,
        "refusal": record.refusal,
        "url": None if record.blob is None else f"/v1/licences/{record.licence_id}/copies/{record.id}/file",
    }
