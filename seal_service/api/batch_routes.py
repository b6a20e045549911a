"""Batches over HTTP: open, add documents one by one or as an archive, start, watch, fetch report and results."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from seal_service import limits
from seal_service.actions import seal_batch
from seal_service.actions.add_batch_archive import add_archive
from seal_service.actions.note_refusal import refusals_noted
from seal_service.actions.pack_batch_results import pack_results
from seal_service.api.bodies import read_document
from seal_service.api.document_routes import read_order
from seal_service.api.parameters import SealId, user_of
from seal_service.api.shapes import PlacementOrder  # noqa: TC001 - pydantic reads the annotations at run time
from seal_service.batch import Batch, BatchItem, ItemState
from seal_service.model import SCOPE_USE
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.multipart import FilePart, Form, read_form
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - fastapi reads the annotations at run time
from service_kit.problems import CREATED, problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.row_values import POSITION_MAX

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

ZIP: Final = "application/zip"
_TAGS: Final[list[Any]] = ["sealing"]
_EXAMPLE: Final[dict[str, Any]] = {"placement": {"page": -1, "x_mm": 150, "y_mm": 60}, "reason": "年检"}
BatchId = Annotated[str, Path(pattern=r"^sb_[0-9a-f]{24}$", description="Identifier of the batch.")]


class BatchOrder(RequestShape):
    """How every document of the batch is to be sealed; the members mean what they do in the form of POST /v1/seals/{seal_id}/signatures."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    placement: PlacementOrder | None = None
    keyword: Annotated[str, Field(max_length=limits.KEYWORD_CHARACTERS)] = ""
    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""
    location: Annotated[str, Field(max_length=limits.LOCATION_CHARACTERS)] = ""
    timestamp: bool | None = None
    level: Annotated[str, Field(max_length=8)] = ""
    document_type: Annotated[str, Field(max_length=limits.DOCUMENT_TYPE_CHARACTERS)] = ""
    profile: Annotated[str, Field(max_length=16)] = ""


class BatchAnswer(BaseModel):
    """A batch and how far it is."""

    id: str
    seal_id: str
    state: Annotated[str, Field(description="open, running, done or cancelled")]
    total: int
    total_bytes: Annotated[int, Field(description="Of its documents together.")]
    waiting: int
    sealed: int
    failed: int
    cancelled: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class BatchList(BaseModel):
    """Batches, newest first. ``next_before``: the value of ``before`` for the following page, null on the last."""

    batches: list[BatchAnswer]
    next_before: str | None


class BatchItemAnswer(BaseModel):
    """What became of one document. `seal_use`: its result is at /v1/seal-uses/{id}/result. `code`: why it failed."""

    number: int
    name: str
    state: str
    seal_use: str | None
    code: str | None
    finished_at: datetime | None


class BatchReport(BaseModel):
    """Documents in their order, and where the next page begins."""

    items: list[BatchItemAnswer]
    next_after: int | None


class BatchAddition(BaseModel):
    """The numbers that the added documents have in the batch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"first": 1, "last": 200}]})

    first: int
    last: int


def _upload(name: str, description: str) -> dict[str, Any]:
    """One file, as the API documentation describes it."""
    part = {"type": "string", "format": "binary", "description": description}
    schema = {"type": "object", "required": [name], "additionalProperties": False, "properties": {name: part}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def write_batch(batch: Batch, counts: dict[ItemState, int]) -> BatchAnswer:
    """As it goes over the wire."""
    return BatchAnswer(
        id=batch.id,
        seal_id=batch.seal_id,
        state=batch.state.value,
        total=batch.total,
        total_bytes=batch.total_bytes,
        waiting=counts[ItemState.WAITING],
        sealed=counts[ItemState.SEALED],
        failed=counts[ItemState.FAILED],
        cancelled=counts[ItemState.CANCELLED],
        created_at=batch.created_at,
        started_at=batch.started_at,
        ended_at=batch.ended_at,
    )


def write_item(item: BatchItem) -> BatchItemAnswer:
    """As it goes over the wire."""
    return BatchItemAnswer(
        number=item.number, name=item.name, state=item.state.value, seal_use=item.use_id, code=item.code, finished_at=item.finished_at
    )


def add_batch_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    admission = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    document_bytes = min(limits.DOCUMENT_BYTES, context.settings.limits.body_bytes)
    threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))
    path = "/v1/seals/{seal_id}/batches"

    @router.post(
        path,
        status_code=201,
        name="open_batch",
        summary="Open a batch of documents that are sealed alike",
        response_model=BatchAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def create_batch(request: Request, seal_id: SealId, body: BatchOrder, response: Response, key: IdempotencyKey = None) -> BatchAnswer:
        user = user_of(caller_of(request))
        fields = {name: value for name, value in body.model_dump(exclude={"placement", "timestamp"}).items() if value}
        if body.placement is not None:
            fields["placement"] = body.placement.model_dump_json(exclude_unset=True)
        if body.timestamp is not None:
            fields["timestamp"] = "true" if body.timestamp else "false"
        order = read_order(Form({"document": FilePart("", b"-")}, fields), None)
        with refusals_noted(context, user, seal_id):
            batch = seal_batch.open_batch(context, user, seal_id, order, idempotency_key=key)
        response.headers["location"] = f"/v1/seals/{seal_id}/batches/{batch.id}"
        return write_batch(*seal_batch.find_batch(context, user, seal_id, batch.id))

    @router.post(
        path + "/{batch_id}/documents",
        status_code=201,
        name="add_batch_document",
        summary="Add a document to an open batch",
        response_model=BatchItemAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 413, 422, 429, 503),
        openapi_extra=_upload("document", "A PDF or OFD."),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    async def create_document(request: Request, seal_id: SealId, batch_id: BatchId, key: IdempotencyKey = None) -> BatchItemAnswer:
        user = user_of(caller_of(request))
        with admission.take(user.name) as held:
            form = await read_form(
                request, files={"document"}, fields=set(), file_bytes_max=document_bytes, field_bytes_max=limits.FORM_FIELD_BYTES, held=held
            )
            add = partial(
                seal_batch.add_document,
                context,
                user,
                seal_id,
                batch_id,
                form.files["document"].file_name if form.files else "",
                read_document(form),
                idempotency_key=key,
            )
            return write_item(await anyio.to_thread.run_sync(add, limiter=threads))

    @router.post(
        path + "/{batch_id}/archives",
        status_code=201,
        name="add_batch_archive",
        summary="Add every document of a ZIP archive to an open batch, or none",
        response_model=BatchAddition,
        responses=problem_answers(400, 401, 403, 404, 409, 413, 422, 429, 503),
        openapi_extra=_upload("archive", "A ZIP archive of PDF and OFD documents; the names in it are those of the report."),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    async def create_documents(request: Request, seal_id: SealId, batch_id: BatchId, key: IdempotencyKey = None) -> BatchAddition:
        user = user_of(caller_of(request))
        with admission.take(user.name) as held:
            form = await read_form(
                request, files={"archive"}, fields=set(), file_bytes_max=document_bytes, field_bytes_max=limits.FORM_FIELD_BYTES, held=held
            )
            archive = read_document(form, "archive")
            add = partial(add_archive, context, user, seal_id, batch_id, archive, idempotency_key=key)
            items = await anyio.to_thread.run_sync(add, limiter=threads)
        return BatchAddition(first=items[0].number, last=items[-1].number)

    @router.post(
        path + "/{batch_id}/start",
        status_code=202,
        name="start_batch",
        summary="Seal the documents of a batch",
        response_model=BatchAnswer,
        responses=problem_answers(401, 403, 404, 409, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def begin_batch(request: Request, seal_id: SealId, batch_id: BatchId) -> BatchAnswer:
        user = user_of(caller_of(request))
        seal_batch.start_batch(context, user, seal_id, batch_id)
        return write_batch(*seal_batch.find_batch(context, user, seal_id, batch_id))

    @router.post(
        path + "/{batch_id}/cancel",
        name="cancel_batch",
        summary="End a batch: what waits is not sealed any more",
        response_model=BatchAnswer,
        responses=problem_answers(401, 403, 404, 409, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def end_batch(request: Request, seal_id: SealId, batch_id: BatchId) -> BatchAnswer:
        user = user_of(caller_of(request))
        seal_batch.cancel_batch(context, user, seal_id, batch_id)
        return write_batch(*seal_batch.find_batch(context, user, seal_id, batch_id))

    @router.get(
        "/v1/seal-batches",
        name="list_batches",
        summary="One's own batches, newest first",
        response_model=BatchList,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def read_batches(
        request: Request,
        before: Annotated[str | None, Query(pattern=r"^sb_[0-9a-f]{24}$", description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE)] = limits.BATCHES_PER_HOLDER,
    ) -> BatchList:
        found = seal_batch.list_batches(context, user_of(caller_of(request)), before=before, limit=limit + 1)
        page = [write_batch(*each) for each in found[:limit]]
        return BatchList(batches=page, next_before=page[-1].id if len(found) > limit else None)

    @router.get(
        path + "/{batch_id}",
        name="show_batch",
        summary="How far a batch is",
        response_model=BatchAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def read_batch(request: Request, seal_id: SealId, batch_id: BatchId) -> BatchAnswer:
        return write_batch(*seal_batch.find_batch(context, user_of(caller_of(request)), seal_id, batch_id))

    @router.get(
        path + "/{batch_id}/items",
        name="list_batch_items",
        summary="The report: what became of each document",
        response_model=BatchReport,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def read_items(
        request: Request,
        seal_id: SealId,
        batch_id: BatchId,
        after: Annotated[int, Query(ge=0, le=POSITION_MAX, description="Number of the last one seen.")] = 0,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> BatchReport:
        user = user_of(caller_of(request))
        found = seal_batch.list_items(context, user, seal_id, batch_id, after=after, limit=limit + 1)
        page = found[:limit]
        return BatchReport(items=[write_item(item) for item in page], next_after=page[-1].number if len(found) > limit else None)

    @router.get(
        path + "/{batch_id}/results",
        name="fetch_batch_results",
        summary="The sealed documents of a batch that has ended, and the report, as a ZIP archive",
        description=f"At most {limits.RESULT_ARCHIVE_BYTES // 1024**2} MiB of them: where more follow, the answer says so in the header "
        "Next-After, to be sent as `after`.",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "The archive.",
                "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
                "headers": {"Next-After": {"schema": {"type": "integer"}, "description": "Number behind which the next part begins."}},
            },
            **problem_answers(401, 403, 404, 409, 422),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def read_results(
        request: Request,
        seal_id: SealId,
        batch_id: BatchId,
        after: Annotated[int, Query(ge=0, le=POSITION_MAX, description="Number of the last one fetched.")] = 0,
        limit: Annotated[int, Query(ge=1, le=limits.RESULTS_PER_ARCHIVE)] = limits.RESULTS_PER_ARCHIVE,
    ) -> StreamingResponse:
        found = pack_results(context, user_of(caller_of(request)), seal_id, batch_id, after=after, limit=limit)
        headers = {"content-disposition": f'attachment; filename="{batch_id}-{after + 1}.zip"', "cache-control": "no-store"}
        if found.next_after is not None:
            headers["next-after"] = str(found.next_after)
        return StreamingResponse(found.chunks, media_type=ZIP, headers=headers)
