"""Supervision of seals: summaries, what ends soon, anomalies, export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from seal_service.actions import supervise_seals
from seal_service.model import SCOPE_AUDIT
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from service_kit.request_shapes import WrittenTime

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["supervision"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Since = Annotated[WrittenTime | None, Query(description="Inclusive, with zone; 30 days before `until` where missing.")]
Until = Annotated[WrittenTime | None, Query(description="Exclusive, with zone; now where missing.")]


class UseCountAnswer(BaseModel):
    """Uses of one seal by one holder in one form within a day."""

    seal_id: str
    holder: str
    form: str
    day: Annotated[str, Field(description="UTC.")]
    done: int
    voided: int


class SummaryAnswer(BaseModel):
    """Seals by state, uses by seal, holder, form and day (at most 1,000 lines, the newest days first)."""

    seals_by_state: dict[str, int]
    uses: list[UseCountAnswer]


class ExpiringSeal(BaseModel):
    """A seal whose time ends soon."""

    id: str
    code: str
    name: str
    state: str
    valid_until: datetime | None
    days_left: float


class ExpiringAnswer(BaseModel):
    """The nearest end first."""

    seals: list[ExpiringSeal]


class RefusalAnswer(BaseModel):
    """Uses that were refused for one reason within an hour."""

    seal_id: str
    holder: str
    client_id: str
    code: str
    times: int
    last_at: datetime


class CrowdAnswer(BaseModel):
    """More uses than usual within ten minutes."""

    seal_id: str
    holder: str
    began_at: datetime
    uses: int


class AnomaliesAnswer(BaseModel):
    """What is out of the ordinary."""

    refusals: list[RefusalAnswer]
    crowds: list[CrowdAnswer]


def add_supervision_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    @router.get(
        "/v1/supervision/summary",
        name="summarise_seals",
        summary="Seals by state and how they were used",
        response_model=SummaryAnswer,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_AUDIT)
    def read_summary(request: Request, since: Since = None, until: Until = None) -> SummaryAnswer:
        period = supervise_seals.period_of(since, until, context.clock.now())
        found = supervise_seals.summarise(context, caller_of(request), period)
        counted = [
            UseCountAnswer(
                seal_id=each.seal_id,
                holder=each.holder,
                form=each.form,
                day=(_EPOCH + timedelta(days=each.day)).date().isoformat(),
                done=each.done,
                voided=each.voided,
            )
            for each in found.uses
        ]
        return SummaryAnswer(seals_by_state=found.states, uses=counted)

    @router.get(
        "/v1/supervision/expiring",
        name="list_expiring_seals",
        summary="Seals that end soon",
        response_model=ExpiringAnswer,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_AUDIT)
    def read_expiring(request: Request, days: Annotated[int, Query(ge=0, le=3650)] = 30) -> ExpiringAnswer:
        now = context.clock.now()
        seals = supervise_seals.list_expiring(context, caller_of(request), days=days)
        return ExpiringAnswer(
            seals=[
                ExpiringSeal(
                    id=seal.id,
                    code=seal.code,
                    name=seal.name,
                    state=seal.state.value,
                    valid_until=seal.valid_until,
                    days_left=0.0 if seal.valid_until is None else round((seal.valid_until - now).total_seconds() / 86_400, 1),
                )
                for seal in seals
            ]
        )

    @router.get(
        "/v1/supervision/anomalies",
        name="list_seal_anomalies",
        summary="Refused uses and crowds of uses",
        response_model=AnomaliesAnswer,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_AUDIT)
    def read_anomalies(request: Request, since: Since = None, until: Until = None) -> AnomaliesAnswer:
        period = supervise_seals.period_of(since, until, context.clock.now())
        found = supervise_seals.find_anomalies(context, caller_of(request), period)
        return AnomaliesAnswer(
            refusals=[
                RefusalAnswer(
                    seal_id=each.seal_id,
                    holder=each.holder,
                    client_id=each.client_id,
                    code=each.code,
                    times=each.times,
                    last_at=each.last_at,
                )
                for each in found.refusals
            ],
            crowds=[CrowdAnswer(seal_id=each.seal_id, holder=each.holder, began_at=each.began_at, uses=each.uses) for each in found.crowds],
        )

    @router.get(
        "/v1/supervision/uses.csv",
        name="export_seal_uses",
        summary="Every use as CSV",
        response_class=StreamingResponse,
        responses={
            200: {"description": "UTF-8, RFC 4180.", "content": {"text/csv": {"schema": {"type": "string"}}}},
            **problem_answers(401, 403, 422),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_AUDIT)
    def export_uses(request: Request, since: Since = None, until: Until = None) -> StreamingResponse:
        period = supervise_seals.period_of(since, until, context.clock.now())
        headers = {"content-disposition": 'attachment; filename="seal-uses.csv"', "cache-control": "no-store"}
        lines = supervise_seals.export_uses(context, caller_of(request), period)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
