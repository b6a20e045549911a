"""A holder's own licences, every use of them, and everything that is held on one person."""

from __future__ import annotations

import json
from datetime import date, datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions.export_subject import export_own, export_subject
from licence_vault.actions.find_entrusted_licences import find_entrusted_licences
from licence_vault.actions.find_licence_uses import list_licence_uses
from licence_vault.actions.find_own_licences import list_own_licences, list_own_uses, show_own_licence
from licence_vault.api.parameters import EntrustmentBefore, LicenceId  # noqa: TC001 - FastAPI reads the annotations at run time
from licence_vault.api.use_shapes import (
    LICENCE_EXAMPLE,
    EntrustmentAnswer,
    HolderName,
    OfficerAnswer,
    Purpose,
    write_entrustment,
    write_officer,
)
from licence_vault.model import SCOPE_READ
from licence_vault.uses import SCOPE_EXPORT, SCOPE_OWN
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.actions.export_subject import Part
    from licence_vault.actions.find_entrusted_licences import ReceivedEntrustment
    from licence_vault.actions.find_own_licences import OwnLicence, SeenUse
    from licence_vault.actions.use_desk import UseDesk

_TAGS: Final[list[Any]] = ["my licences"]
_LINES: Final = "application/x-ndjson"
_EXPORTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One JSON object a line, of the kinds `licence`, `imported`, `entrustment` (given), `received_entrustment`, `use`; the last is of "
        "the kind `end`: without it the export was cut off, and with `complete` false there is more than fits.",
        "content": {_LINES: {"schema": {"type": "string"}, "example": '{"kind":"end","complete":true}\n'}},
    }
}


class OwnLicenceAnswer(BaseModel):
    """A licence as its holder sees it."""

    id: str
    identifier: str
    type: str
    state: str
    valid_from: date
    valid_to: date | None
    data: dict[str, Any] | None
    field_names: Annotated[dict[str, str], Field(description="What the fields are called on the licence, by key.")]


class OwnLicenceList(BaseModel):
    """Masked, newest first."""

    licences: list[OwnLicenceAnswer]
    next_before: str | None


class ReceivedEntrustmentAnswer(EntrustmentAnswer):
    """An entrustment that somebody gave, with the licences that one may let others use by it: of its type, issued, newest first, masked.
    `has_more`: there are others that are not listed; at most 50 are for one entrustment, and 200 in all.
    """

    licences: list[OwnLicenceAnswer]
    has_more: bool


class ReceivedEntrustmentList(BaseModel):
    """Those that stand: first those by which there are licences, then the others, each newest first."""

    entrustments: list[ReceivedEntrustmentAnswer]
    next_before: str | None


class UseAnswer(BaseModel):
    """One use: who, why, when, and what became of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 42,
                    "at": "2026-11-28T09:00:00Z",
                    "licence": LICENCE_EXAMPLE,
                    "type": "11150700MB1234562Q901",
                    "client": "cl_registry",
                    "by": "client:cl_registry",
                    "officer": {"name": "李示例", "role": "执法人员", "division": "卫生监督所"},
                    "mode": "duty",
                    "action": "queried",
                    "reason": "公共场所卫生监督检查",
                    "outcome": "done",
                    "audit_entry": "0193f0c5-a1b2-7000-8000-000000000000",
                    "is_own": False,
                }
            ]
        }
    )

    number: int
    at: datetime
    licence: str | None
    type: str | None
    client: str
    by: str
    officer: OfficerAnswer | None
    mode: str | None
    action: str
    reason: str
    outcome: str
    audit_entry: str
    is_own: bool = Field(description="Whether whoever asks did it himself.")


class UseList(BaseModel):
    """Uses, newest first."""

    uses: list[UseAnswer]
    next_before: int | None


class ExportBody(RequestShape):
    """On whom, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"holder": {"code_type": "111", "code": "11010519491231002X"}, "reason": "本人申请查询其个人信息"}]}
    )

    holder: HolderName
    reason: Purpose


def add_my_licence_routes(router: APIRouter, desk: UseDesk) -> None:
    """Add them to the service's router."""

    @router.get(
        "/v1/my/licences",
        name="list_my_licences",
        summary="List one's own licences and those in one's power, masked",
        response_model=OwnLicenceList,
        responses=problem_answers(401, 403, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_own(
        request: Request,
        response: Response,
        before: Annotated[str | None, Query(pattern=r"^lc_[0-9a-f]{24}$", description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE)] = limits.PAGE_SIZE,
    ) -> OwnLicenceList:
        found = list_own_licences(desk, caller_of(request), before=before, limit=limit)
        response.headers["cache-control"] = "no-store"
        return OwnLicenceList(licences=[_own(each) for each in found], next_before=found[-1].record.id if len(found) == limit else None)

    @router.get(
        "/v1/my/licences/{licence_id}",
        name="show_my_licence",
        summary="Show one of one's own licences, whole or as in the list",
        response_model=OwnLicenceAnswer,
        responses=problem_answers(401, 403, 404, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_one(
        request: Request,
        licence_id: LicenceId,
        response: Response,
        *,
        masked: Annotated[bool, Query(description="As in the list, so that nothing is on a screen that nobody asked for.")] = False,
    ) -> OwnLicenceAnswer:
        response.headers["cache-control"] = "no-store"
        return _own(show_own_licence(desk, caller_of(request), licence_id, is_masked=masked))

    @router.get(
        "/v1/my/received-entrustments",
        name="list_received_entrustments",
        summary="List what was entrusted to one, and the licences that one may let others use by it",
        description="Masked, and each licence with its line in its holder's log. What one lets others use goes through `POST /v1/my/use-consents`.",
        response_model=ReceivedEntrustmentList,
        responses=problem_answers(401, 403, 404, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_entrusted(
        request: Request,
        response: Response,
        before: EntrustmentBefore = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> ReceivedEntrustmentList:
        found = find_entrusted_licences(desk, caller_of(request), before=before, limit=limit)
        response.headers["cache-control"] = "no-store"
        next_before = found[-1].entrustment.id if len(found) == limit else None
        return ReceivedEntrustmentList(entrustments=[_received(each) for each in found], next_before=next_before)

    @router.get(
        "/v1/my/licence-uses",
        name="list_my_licence_uses",
        summary="List every use of one's licences: by whom, why, when",
        response_model=UseList,
        responses=problem_answers(401, 403, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_uses(
        request: Request,
        response: Response,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
        licence: Annotated[str | None, Query(pattern=r"^lc_[0-9a-f]{24}$", description="Of this licence only.")] = None,
        *,
        own: Annotated[bool, Query(description="With what one looked at oneself; what others looked at is always there.")] = False,
    ) -> UseList:
        found = list_own_uses(desk, caller_of(request), before=before, limit=limit, has_own=own, licence_id=licence)
        response.headers["cache-control"] = "no-store"
        return UseList(uses=[_use(each) for each in found], next_before=found[-1].record.id if len(found) == limit else None)

    @router.get(
        "/v1/licences/{licence_id}/uses",
        name="list_licence_uses",
        summary="List who used a licence of an authority one acts for, and why",
        description="Without what a holder looked at himself, and without the names of officers of other authorities. Reading it is audited.",
        response_model=UseList,
        responses=problem_answers(401, 403, 404, 422, 503),
        tags=["licences"],
    )
    @needs(SCOPE_READ)
    def read_uses_of_one(
        request: Request,
        licence_id: LicenceId,
        response: Response,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> UseList:
        found = list_licence_uses(desk, caller_of(request), licence_id, before=before, limit=limit)
        response.headers["cache-control"] = "no-store"
        shown = [_use(each) for each in found]
        for each in shown:
            if each.officer is not None:
                each.officer.name = ""
        return UseList(uses=shown, next_before=found[-1].record.id if len(found) == limit else None)

    @router.get(
        "/v1/my/licence-data",
        name="export_my_licence_data",
        summary="Export everything that is held on oneself",
        response_class=StreamingResponse,
        responses={**_EXPORTED, **problem_answers(401, 403, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_everything(request: Request) -> StreamingResponse:
        return _stream(export_own(desk, caller_of(request)))

    @router.post(
        "/v1/licence-data-exports",
        name="export_licence_data",
        summary="Export everything that is held on one holder, with a reason that he sees",
        response_class=StreamingResponse,
        responses={**_EXPORTED, **problem_answers(400, 401, 403, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_EXPORT)
    def export(request: Request, body: ExportBody) -> StreamingResponse:
        return _stream(export_subject(desk, caller_of(request), body.holder.to_pair(), reason=body.reason))


def _stream(parts: Iterator[Part]) -> StreamingResponse:
    lines = (json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in parts)
    return StreamingResponse(lines, media_type=_LINES, headers={"cache-control": "no-store"})


def _own(own: OwnLicence) -> OwnLicenceAnswer:
    record = own.record
    return OwnLicenceAnswer(
        id=record.id,
        identifier=record.identifier,
        type=record.type_code,
        state=record.state,
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        data=None if own.data is None else own.data.as_json(),
        field_names=dict(own.names),
    )


def _received(received: ReceivedEntrustment) -> ReceivedEntrustmentAnswer:
    licences = [_own(each) for each in received.licences]
    return ReceivedEntrustmentAnswer(**write_entrustment(received.entrustment).model_dump(), licences=licences, has_more=received.has_more)


def _use(seen: SeenUse) -> UseAnswer:
    record, officer = seen.record, seen.officer
    return UseAnswer(
        number=record.id,
        at=record.at,
        licence=record.licence_id,
        type=record.type_code,
        client=record.client,
        by=record.actor,
        officer=write_officer(officer),
        mode=record.mode,
        action=record.action,
        reason=record.reason,
        outcome=record.outcome,
        audit_entry=record.audit_id,
        is_own=seen.is_own,
    )
