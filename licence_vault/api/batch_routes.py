"""Batches of licences over HTTP: try a file, take it in, start, watch, fetch the report."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions import issue_batch
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.issue_licence import FORMS
from licence_vault.batch import LicenceBatch, RowState
from licence_vault.errors import field_unacceptable
from licence_vault.model import SCOPE_ISSUE
from licence_vault.row_files import RowForm
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - fastapi reads the annotations at run time
from service_kit.problems import CREATED, language_of, problem_answers
from service_kit.rule_texts import rule_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.batch import BatchRow

_TAGS: Final[list[Any]] = ["licences"]
_FIELDS: Final = {"type", "issuer", "forms", "format"}
BatchId = Annotated[str, Path(pattern=r"^lb_[0-9a-f]{24}$", description="Identifier of the batch.")]


class ProblemAnswer(BaseModel):
    """Why a row cannot be issued."""

    number: int
    code: str
    place: str
    rule: str
    told: Annotated[str, Field(description="The rule in the caller's language.")]


class DryRunAnswer(BaseModel):
    """What would become of a file; the first problems in the order of the rows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rows": 2,
                    "good": 1,
                    "problems": [
                        {
                            "number": 2,
                            "code": "LICENCE_CONTENT_UNACCEPTABLE",
                            "place": "holders[0].code",
                            "rule": "a resident identity number",
                            "told": "应为有效的公民身份号码",
                        }
                    ],
                }
            ]
        }
    )

    rows: int
    good: int
    problems: list[ProblemAnswer]


class BatchAnswer(BaseModel):
    """A batch and how far it is. `state`: loading, ready, running, done or cancelled."""

    id: str
    type: str
    issuer: str
    forms: list[str]
    state: str
    total: int
    waiting: int
    issued: int
    failed: int
    cancelled: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class BatchList(BaseModel):
    """Batches, newest first. ``next_before``: the value of ``before`` for the following page, null on the last."""

    batches: list[BatchAnswer]
    next_before: str | None


class RowAnswer(BaseModel):
    """What became of one row."""

    number: int
    state: str
    licence: str | None
    code: str | None
    place: str | None
    rule: str | None
    told: Annotated[str | None, Field(description="The rule in the caller's language.")]


class BatchReport(BaseModel):
    """Rows in their order, and where the next page begins."""

    rows: list[RowAnswer]
    next_after: int | None


def batch_upload() -> dict[str, Any]:
    """A file of rows and what it is, as the API documentation describes it."""
    text = {"type": "string"}
    properties = {
        "file": {"type": "string", "format": "binary", "description": f"CSV, XLSX or JSON of at most {limits.BATCH_ROWS} rows."},
        "type": text | {"description": "Code of the type."},
        "issuer": text | {"description": "Credit code of the issuing authority."},
        "format": text | {"enum": [each.value for each in RowForm]},
        "forms": text | {"description": "`pdf`, `ofd` or `pdf,ofd`; pdf where nothing is said."},
    }
    required = ["file", "type", "issuer", "format"]
    schema = {"type": "object", "required": required, "additionalProperties": False, "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def write_batch(batch: LicenceBatch, counts: dict[RowState, int]) -> BatchAnswer:
    """As it goes over the wire."""
    return BatchAnswer(
        id=batch.id,
        type=batch.type_code,
        issuer=batch.issuer_code,
        forms=list(batch.forms),
        state=batch.state.value,
        total=batch.total,
        waiting=counts[RowState.WAITING],
        issued=counts[RowState.ISSUED],
        failed=counts[RowState.FAILED],
        cancelled=counts[RowState.CANCELLED],
        created_at=batch.created_at,
        started_at=batch.started_at,
        ended_at=batch.ended_at,
    )


async def read_batch_file(request: Request, means: IssuingMeans) -> BatchFile:
    """What was sent. TrustError FIELD_UNACCEPTABLE, MULTIPART_*, FILE_TOO_LARGE."""
    file_bytes = min(limits.BATCH_FILE_BYTES, means.context.settings.limits.body_bytes)
    form = await read_form(request, files={"file"}, fields=_FIELDS, file_bytes_max=file_bytes, field_bytes_max=limits.IDENTIFIER_CHARACTERS)
    fields = form.fields
    if "file" not in form.files:
        raise field_unacceptable("file", "a file of rows")
    if fields.get("format") not in {each.value for each in RowForm}:
        raise field_unacceptable("format", ", ".join(RowForm))
    forms = tuple(each.strip() for each in fields.get("forms", "pdf").split(","))
    if set(forms) - set(FORMS) or len(set(forms)) != len(forms):
        raise field_unacceptable("forms", "pdf, ofd, or both")
    return BatchFile(fields.get("type", ""), fields.get("issuer", ""), forms, RowForm(fields["format"]), form.files["file"].content)


def _row_answer(row: BatchRow, language: str) -> RowAnswer:
    told = None if row.rule is None else rule_in(language, row.rule)
    return RowAnswer(
        number=row.number, state=row.state.value, licence=row.licence_id, code=row.code, place=row.place, rule=row.rule, told=told
    )


def add_batch_routes(router: APIRouter, means: IssuingMeans) -> None:
    """Add them to the service's router."""
    threads = CapacityLimiter(limits.BATCH_THREADS)

    @router.post(
        "/v1/licence-batches/dry-run",
        name="try_licence_batch",
        summary="Check every row of a file and change nothing",
        response_model=DryRunAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 413, 422, 503),
        openapi_extra=batch_upload(),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    async def try_file(request: Request) -> DryRunAnswer:
        file = await read_batch_file(request, means)
        run = await anyio.to_thread.run_sync(partial(issue_batch.try_batch, means, caller_of(request), file), limiter=threads)
        language = language_of(request.headers.get("accept-language"))
        problems = [
            ProblemAnswer(number=each.number, code=each.code, place=each.place, rule=each.rule, told=rule_in(language, each.rule))
            for each in run.problems
        ]
        return DryRunAnswer(rows=run.rows, good=run.good, problems=problems)

    @router.post(
        "/v1/licence-batches",
        status_code=201,
        name="open_licence_batch",
        summary="Take in a file of rows to be issued",
        description="Rows that are against the type have failed at once; nothing is issued before the batch is started. "
        "The same `Idempotency-Key` with the same file gives the same batch again.",
        response_model=BatchAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 413, 422, 503)},
        openapi_extra=batch_upload(),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    async def create_batch(request: Request, response: Response, key: IdempotencyKey = None) -> BatchAnswer:
        file, caller = await read_batch_file(request, means), caller_of(request)
        batch = await anyio.to_thread.run_sync(partial(issue_batch.open_batch, means, caller, file, idempotency_key=key), limiter=threads)
        response.headers["location"] = f"/v1/licence-batches/{batch.id}"
        return write_batch(*await anyio.to_thread.run_sync(partial(issue_batch.find_batch, means, caller, batch.id)))

    @router.get(
        "/v1/licence-batches",
        name="list_licence_batches",
        summary="Batches of the authorities one acts for, newest first",
        response_model=BatchList,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def read_batches(
        request: Request,
        before: Annotated[str | None, Query(max_length=40, description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE)] = 20,
        issuer: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{18}$", description="Of this authority only.")] = None,
    ) -> BatchList:
        found = issue_batch.list_batches(means, caller_of(request), issuer_code=issuer, before=before, limit=limit + 1)
        page = [write_batch(*each) for each in found[:limit]]
        return BatchList(batches=page, next_before=page[-1].id if len(found) > limit else None)

    @router.get(
        "/v1/licence-batches/{batch_id}",
        name="show_licence_batch",
        summary="How far a batch is",
        response_model=BatchAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def read_batch(request: Request, batch_id: BatchId) -> BatchAnswer:
        return write_batch(*issue_batch.find_batch(means, caller_of(request), batch_id))

    @router.get(
        "/v1/licence-batches/{batch_id}/rows",
        name="report_licence_batch",
        summary="What became of each row",
        response_model=BatchReport,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def read_rows(
        request: Request,
        batch_id: BatchId,
        state: RowState | None = None,
        after: Annotated[int, Query(ge=0, le=limits.BATCH_ROWS)] = 0,
        limit: Annotated[int, Query(ge=1, le=limits.REPORT_ROWS)] = limits.PAGE_SIZE,
    ) -> BatchReport:
        found = issue_batch.list_batch_rows(means, caller_of(request), batch_id, state=state, after=after, limit=limit + 1)
        page = found[:limit]
        rows = [_row_answer(each, language_of(request.headers.get("accept-language"))) for each in page]
        return BatchReport(rows=rows, next_after=page[-1].number if len(found) > limit else None)

    _add_turn(router, means, "start", "Issue the rows of a batch", issue_batch.start_batch, status_code=202)
    _add_turn(router, means, "cancel", "End a batch: rows without a licence get none any more", issue_batch.cancel_batch, status_code=200)


def _add_turn(
    router: APIRouter, means: IssuingMeans, verb: str, summary: str, act: Callable[..., LicenceBatch], *, status_code: int
) -> None:
    def turn(request: Request, batch_id: BatchId) -> BatchAnswer:
        caller = caller_of(request)
        act(means, caller, batch_id)
        return write_batch(*issue_batch.find_batch(means, caller, batch_id))

    router.post(
        f"/v1/licence-batches/{{batch_id}}/{verb}",
        status_code=status_code,
        name=f"{verb}_licence_batch",
        summary=summary,
        response_model=BatchAnswer,
        responses=problem_answers(401, 403, 404, 409, 503),
        tags=_TAGS,
    )(needs(SCOPE_ISSUE)(turn))
