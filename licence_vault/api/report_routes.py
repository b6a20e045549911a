"""Reports to the region over HTTP: where they stand, which were not taken, sending one again. What they say is shown nowhere."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions import find_reports
from licence_vault.actions.reconcile_reports import FindingKind, reconcile_reports
from licence_vault.model import SCOPE_REPORT
from licence_vault.report_errors import collector_missing
from licence_vault.reported import ReportState  # noqa: TC001 - pydantic reads the annotations at run time
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from licence_vault.actions.reconcile_reports import Finding, Reconciliation
    from licence_vault.actions.report_desk import ReportDesk
    from licence_vault.reported import Report
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["licence reports"]
_NUMBER_MAX: Final = 2**63 - 1
_EXAMPLE: Final[dict[str, Any]] = {
    "number": 12,
    "key": "1.2.156.3005.2.11100000000013338W999.11430000006122244L.TEST0000000000000000.001.C:001:issued:2",
    "kind": "licence",
    "licence": "lc_0199a7c3f2e04b7d1c9a5e02",
    "type": "11100000000013338W999",
    "type_version": None,
    "log_index": 4711,
    "map": "gbt36903/1",
    "digest": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    "state": "dead",
    "attempts": 1,
    "due_at": "2026-11-28T08:00:01Z",
    "last_error": "LICENCE_REPORT_REFUSED",
    "receipt": None,
    "taken_at": "2026-11-28T08:00:00Z",
    "sent_at": None,
}


class ReportAnswer(BaseModel):
    """One report. `state`: waiting, sent, or dead (given up until somebody has looked at it); `last_error` stands in the error catalogue."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    number: int
    key: Annotated[str, Field(description="The same for every repetition: identifier, version, event, line of the history.")]
    kind: Annotated[str, Field(description="licence, type, or erasure.")]
    licence: str | None
    type: str
    type_version: int | None
    log_index: Annotated[int | None, Field(description="Where its event stands in the public log.")]
    map: Annotated[str, Field(description="Field map by which it was sent last, with its version; empty before.")]
    digest: Annotated[str | None, Field(description="SM3 of the record as it was sent last, hex.")]
    state: str
    attempts: int
    due_at: datetime
    last_error: str | None
    receipt: str | None
    taken_at: datetime
    sent_at: datetime | None


class ReportList(BaseModel):
    """Reports by number."""

    reports: list[ReportAnswer]
    next_after: int | None


class ReportingAnswer(BaseModel):
    """Where reporting stands. `followed`: entries of the public log that were looked at; `oldest_at`: since when one is waiting."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"is_configured": True, "map": "gbt36903/1", "followed": 4712, "waiting": 0, "dead": 1, "oldest_at": None}]
        }
    )

    is_configured: bool
    map: str | None
    followed: int
    waiting: int
    dead: int
    oldest_at: datetime | None


class RetryBody(RequestShape):
    """Why, and whether the region is to take it in place of what it has under the key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "平台已更正类型目录", "replacing": False}]})

    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS)]
    replacing: bool = False


class ReconcileBody(RequestShape):
    """Whether what is missing or altered is to be sent again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"repair": True}]})

    repair: bool = False


class FindingAnswer(BaseModel):
    """What the region has otherwise: an entry of the public log, or (types, erasures) the report of a number. `kind`: missing or altered, though there is a receipt for it;
    unconfirmed: it has what we wait to hear of; unknown: it has what was never reported.
    """

    log_index: int | None
    number: int | None
    kind: FindingKind
    report: int | None
    key: str | None
    state: str | None


class ReconciliationAnswer(BaseModel):
    """What comparing found. `size`: entries of the log that were compared; `repaired`: reports that are on their way again; `is_complete`:
    false where more differ than are told, which the next reconciliation finds. `waiting`, `dead`: reports that are on their way or were given up: where the
    region has nothing of one there is no difference, and it lacks it all the same.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "size": 4096,
                    "root": "9f6f0c6ac4f1b1d2b1b9f9a4e0c8f5a1d2e3c4b5a69788796a5b4c3d2e1f0a1b",
                    "region_root": "0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5061728394a5b6c7d8e9f",
                    "register_root": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
                    "region_register_root": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
                    "requests": 13,
                    "is_complete": True,
                    "findings": [
                        {"log_index": 4711, "number": None, "kind": "altered", "report": 12, "key": _EXAMPLE["key"], "state": "waiting"}
                    ],
                    "repaired": 1,
                    "waiting": 1,
                    "dead": 0,
                }
            ]
        }
    )

    size: int
    root: Annotated[str, Field(description="SM3, hex: what the region has given receipts for.")]
    region_root: Annotated[str, Field(description="The same over what the region says that it has.")]
    register_root: Annotated[str, Field(description="SM3, hex: the types and erasures that the region has given receipts for.")]
    region_register_root: Annotated[str, Field(description="The same over what the region says that it has.")]
    requests: Annotated[int, Field(description="How often the region was asked.")]
    is_complete: bool
    findings: list[FindingAnswer]
    repaired: int
    waiting: int
    dead: int


def add_report_routes(router: APIRouter, context: ServiceContext, desk: ReportDesk | None) -> None:
    """Add them to the service's router. ``desk``: None where nothing is reported."""

    @router.get(
        "/v1/licence-reporting",
        name="show_licence_reporting",
        summary="Where reporting to the region stands",
        response_model=ReportingAnswer,
        responses=problem_answers(401, 403),
        tags=_TAGS,
    )
    @needs(SCOPE_REPORT)
    def show_state() -> ReportingAnswer:
        found = find_reports.find_reporting_state(context)
        return ReportingAnswer(
            is_configured=desk is not None,
            map=None if desk is None else desk.fields.label,
            followed=found.followed,
            waiting=found.waiting,
            dead=found.dead,
            oldest_at=found.oldest_at,
        )

    @router.get(
        "/v1/licence-reports",
        name="list_licence_reports",
        summary="Reports to the region",
        response_model=ReportList,
        responses=problem_answers(400, 401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_REPORT)
    def show_reports(
        state: Annotated[ReportState | None, Query(description="Only of this state.")] = None,
        after: Annotated[int, Query(ge=0, le=_NUMBER_MAX, description="`next_after` of the page before.")] = 0,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> ReportList:
        found = find_reports.list_reports(context, state=state, after=after, limit=limit)
        return ReportList(reports=[write_report(each) for each in found], next_after=found[-1].number if len(found) == limit else None)

    @router.post(
        "/v1/licence-reports/{number}/retry",
        name="retry_licence_report",
        summary="Send a report that was given up once more",
        response_model=ReportAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_REPORT)
    def retry(
        request: Request, number: Annotated[int, Path(ge=1, le=_NUMBER_MAX, description="Number of the report.")], body: RetryBody
    ) -> ReportAnswer:
        caller = caller_of(request)
        return write_report(find_reports.retry_report(context, caller, number, reason=body.reason, is_replacing=body.replacing))

    @router.post(
        "/v1/licence-reconciliations",
        name="reconcile_licence_reports",
        summary="Compare with the region what it has, and send again what it lacks",
        description="By the roots of ranges, of the public log and of the register of types and erasures: one record among n takes about log2 n requests.",
        response_model=ReconciliationAnswer,
        responses=problem_answers(400, 401, 403, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_REPORT)
    def reconcile(request: Request, body: ReconcileBody) -> ReconciliationAnswer:
        if desk is None:
            raise collector_missing()
        return write_reconciliation(reconcile_reports(desk, actor=caller_of(request).actor, is_repairing=body.repair))


def write_reconciliation(done: Reconciliation) -> ReconciliationAnswer:
    """As it goes over the wire, and to the terminal."""
    return ReconciliationAnswer(
        size=done.size,
        root=done.comparison.root.hex(),
        region_root=done.comparison.region_root.hex(),
        register_root=done.register.root.hex(),
        region_register_root=done.register.region_root.hex(),
        requests=done.requests,
        is_complete=done.is_complete,
        findings=[_finding(each) for each in done.findings],
        repaired=done.repaired,
        waiting=done.waiting,
        dead=done.dead,
    )


def _finding(finding: Finding) -> FindingAnswer:
    report = finding.report
    return FindingAnswer(
        log_index=finding.log_index,
        number=finding.number,
        kind=finding.kind,
        report=None if report is None else report.number,
        key=None if report is None else report.key,
        state=None if report is None else report.state.value,
    )


def write_report(report: Report) -> ReportAnswer:
    """As it goes over the wire."""
    return ReportAnswer(
        number=report.number,
        key=report.key,
        kind=report.kind.value,
        licence=report.licence_id,
        type=report.type_code,
        type_version=report.type_version,
        log_index=report.log_index,
        map=report.map_name,
        digest=None if report.digest is None else report.digest.hex(),
        state=report.state.value,
        attempts=report.attempts,
        due_at=report.due_at,
        last_error=report.last_error,
        receipt=report.receipt,
        taken_at=report.taken_at,
        sent_at=report.sent_at,
    )
