"""Licences of older repositories over HTTP: take rows over, attach files, look at what could be verified."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from licence_vault import limits
from licence_vault.actions import import_licences
from licence_vault.actions.finish_issue import MEDIA_TYPES
from licence_vault.api.batch_routes import batch_upload, read_batch_file
from licence_vault.errors import field_unacceptable
from licence_vault.model import SCOPE_ISSUE, SCOPE_READ
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.problems import language_of, problem_answers
from service_kit.rule_texts import rule_in

if TYPE_CHECKING:
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.imported import ImportedLicence

_TAGS: Final[list[Any]] = ["licences"]
ImportId = Annotated[str, Path(pattern=r"^li_[0-9a-f]{24}$", description="Identifier of the imported licence.")]


class ImportAnswer(BaseModel):
    """What came of a file of rows. ``skipped``: not taken over, because the number was taken over before or, ``issued_here``, is that of a
    licence issued here, which ``identifier`` may say as well.
    """

    rows: int
    taken_over: int
    marked: int
    skipped: int
    issued_here: int


class MarksAnswer(BaseModel):
    """What could be verified: valid, legacy-variant, invalid, indeterminate, or absent where there is nothing to verify."""

    number: str
    content: str
    content_place: str
    content_rule: str
    content_told: Annotated[str, Field(description="The rule in the caller's language.")]
    seal: str
    log: str = "absent"


class ImportedSummary(BaseModel):
    """A licence of an older repository. It was not issued here and is in no log and no status list of ours."""

    id: str
    issuer: str
    type: str
    identifier: str | None
    marks: MarksAnswer
    file_form: str | None
    file_digest: str | None
    imported_by: str
    imported_at: datetime


class ImportedAnswer(ImportedSummary):
    """With its cells as they came."""

    cells: dict[str, str]


class ImportedList(BaseModel):
    """Imported licences by id."""

    imported: list[ImportedSummary]
    next_after: str | None


def add_import_routes(router: APIRouter, means: IssuingMeans) -> None:
    """Add them to the service's router."""
    threads = CapacityLimiter(limits.BATCH_THREADS)
    file_bytes = min(limits.IMPORT_FILE_BYTES, means.context.settings.limits.body_bytes)

    @router.post(
        "/v1/imported-licences",
        name="import_licences",
        summary="Take over licences of an older repository, row by row",
        description="Rows of a printed number that is there already are skipped: the same file may be sent again. So are those whose number "
        "or identifier a licence of the authority has that was issued here; `issued_here` counts them.",
        response_model=ImportAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 413, 422, 503),
        openapi_extra=batch_upload(),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    async def take_over(request: Request) -> ImportAnswer:
        file = await read_batch_file(request, means)
        report = await anyio.to_thread.run_sync(partial(import_licences.import_licences, means, caller_of(request), file), limiter=threads)
        return ImportAnswer(**asdict(report))

    @router.get(
        "/v1/imported-licences",
        name="list_imported_licences",
        summary="List imported licences of the authorities one acts for",
        response_model=ImportedList,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_imports(
        request: Request,
        issuer: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{18}$")] = None,
        number: Annotated[str | None, Query(max_length=limits.PRINTED_NUMBER_CHARACTERS, description="As printed, whole.")] = None,
        holder_code: Annotated[str | None, Query(max_length=limits.HOLDER_CODE_CHARACTERS, description="With `holder_code_type`.")] = None,
        holder_code_type: Annotated[str | None, Query(pattern=r"^[0-9]{3}$")] = None,
        after: Annotated[str, Query(max_length=40, description="The `next_after` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> ImportedList:
        if (holder_code is None) != (holder_code_type is None):
            raise field_unacceptable("holder_code", "together with holder_code_type")
        holder = None if holder_code is None or holder_code_type is None else (holder_code_type, holder_code)
        found = import_licences.list_imports(
            means, caller_of(request), holder=holder, number=number, after=after, limit=limit + 1, issuer_code=issuer
        )
        page = found[:limit]
        is_more = len(found) > limit
        return ImportedList(
            imported=[ImportedSummary(**_summary(each, language_of(request.headers.get("accept-language")))) for each in page],
            next_after=page[-1].id if is_more else None,
        )

    @router.get(
        "/v1/imported-licences/{import_id}",
        name="show_imported_licence",
        summary="Show an imported licence and what could be verified of it",
        response_model=ImportedAnswer,
        responses=problem_answers(401, 403, 404, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_import(request: Request, import_id: ImportId) -> ImportedAnswer:
        imported, cells = import_licences.find_import(means, caller_of(request), import_id)
        return ImportedAnswer(**_summary(imported, language_of(request.headers.get("accept-language"))), cells=cells)

    @router.get(
        "/v1/imported-licences/{import_id}/file",
        name="download_imported_licence_file",
        summary="Download the file that was attached to an imported licence",
        response_class=Response,
        responses={
            200: {"description": "The file, as it came.", "content": {media_type: {} for media_type in MEDIA_TYPES.values()}},
            **problem_answers(401, 403, 404, 503),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_file(request: Request, import_id: ImportId) -> Response:
        form, content = import_licences.read_file(means, caller_of(request), import_id)
        headers = {"content-disposition": f'attachment; filename="{import_id}.{form}"', "cache-control": "no-store"}
        return Response(content, media_type=MEDIA_TYPES[form], headers=headers)

    @router.put(
        "/v1/imported-licences/{import_id}/file",
        name="attach_imported_licence_file",
        summary="Attach the file of an imported licence; its seal is verified",
        response_model=ImportedSummary,
        responses=problem_answers(400, 401, 403, 404, 413, 422, 503),
        openapi_extra=_file_upload(),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    async def put_file(request: Request, import_id: ImportId) -> ImportedSummary:
        form = await read_form(request, files={"file"}, fields=set(), file_bytes_max=file_bytes, field_bytes_max=1)
        content = form.files["file"].content if form.files else b""
        attach = partial(import_licences.attach_file, means, caller_of(request), import_id, content)
        return ImportedSummary(
            **_summary(await anyio.to_thread.run_sync(attach, limiter=threads), language_of(request.headers.get("accept-language")))
        )


def _file_upload() -> dict[str, Any]:
    part = {"type": "string", "format": "binary", "description": "PDF or OFD."}
    schema = {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": part}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _summary(imported: ImportedLicence, language: str) -> dict[str, Any]:
    marks = imported.marks
    return {
        "id": imported.id,
        "issuer": imported.issuer_code,
        "type": imported.type_code,
        "identifier": imported.identifier,
        "marks": MarksAnswer(
            number=marks.number.value,
            content=marks.content.value,
            content_place=marks.content_place,
            content_rule=marks.content_rule,
            content_told=rule_in(language, marks.content_rule),
            seal=marks.seal.value,
        ),
        "file_form": imported.file_form,
        "file_digest": None if imported.file_digest is None else imported.file_digest.hex(),
        "imported_by": imported.imported_by,
        "imported_at": imported.imported_at,
    }
