"""What only PDF has: carrying a sealed document on, and empty fields for those who seal later."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from crypto.revocation import RevocationEvidence
from seal_service import limits
from seal_service.actions.extend_document import extend_document
from seal_service.actions.show_changes import sealed_revision, show_changes
from seal_service.api.bodies import peer_of, read_document, read_json_field, read_lock
from seal_service.api.change_shapes import ChangesAnswer, write_changes
from seal_service.api.parameters import user_of
from seal_service.api.shapes import EmptyFieldOrder, EmptyFields
from seal_service.errors import field_unacceptable
from seal_service.model import SCOPE_USE
from seal_service.pdf.empty_fields import EmptyField, add_empty_fields
from seal_service.pdf.permissions import FieldLock
from seal_service.pdf.placement import Placement
from seal_service.verify import PDF
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs, public
from service_kit.multipart import read_form
from service_kit.problems import language_of, problem_answers

if TYPE_CHECKING:
    from service_kit.admission import Held
    from service_kit.composition import ServiceContext

_BINARY: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
_FIELD_WIDTH_MM: Final = 42.0


def _body(**further: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["document"],
        "additionalProperties": False,
        "properties": {"document": {**_BINARY, "description": "The PDF."}, **further},
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def add_pdf_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    working = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    showing = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    document_bytes = min(limits.DOCUMENT_BYTES, context.settings.limits.body_bytes)
    threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))

    async def read_with(request: Request, field: str, held: Held) -> tuple[bytes, str]:
        """The document of a request and the text beside it, empty where there is none."""
        form = await read_form(
            request,
            files={"document"},
            fields={field},
            file_bytes_max=document_bytes,
            field_bytes_max=limits.FORM_FIELD_BYTES,
            held=held,
        )
        return read_document(form), form.fields.get(field, "")

    @router.post(
        "/v1/documents/extensions",
        name="extend_document",
        summary="Carry a sealed PDF on",
        description="Adds what shows the certificates good today, and a document time-stamp over all of it (PAdES B-LTA). Done again before the "
        "last time-stamp's authority expires, the document stays verifiable. It begins with the document that was sent, byte for byte.",
        response_class=Response,
        responses={
            200: {"description": "The extended document.", "content": {PDF: {"schema": _BINARY}}},
            **problem_answers(400, 401, 403, 413, 422, 429, 503),
        },
        openapi_extra=_body(
            crl={**_BINARY, "description": "A revocation list (DER) beside those of this deployment."},
            ocsp={**_BINARY, "description": "An OCSP response (DER)."},
        ),
        tags=["sealing"],
    )
    @needs(SCOPE_USE)
    async def create_extension(request: Request) -> Response:
        user = user_of(caller_of(request))
        with working.take(user.name) as held:
            form = await read_form(
                request,
                files={"document", "crl", "ocsp"},
                fields=set(),
                file_bytes_max=document_bytes,
                field_bytes_max=limits.FORM_FIELD_BYTES,
                held=held,
            )
            crls, ocsp = (tuple(form.files[name].content for name in (part,) if name in form.files) for part in ("crl", "ocsp"))
            extended = await anyio.to_thread.run_sync(
                partial(extend_document, context, user, read_document(form), evidence=RevocationEvidence(crls, ocsp)), limiter=threads
            )
        headers = {"audit-entry": extended.audit_id, "cache-control": "no-store"}
        return Response(extended.content, media_type=PDF, headers=headers)

    @router.post(
        "/v1/documents/fields",
        name="prepare_fields",
        summary="Prepare empty signature fields",
        description="Adds empty signature fields to a PDF that is not sealed, or whose seals allow it. They are sealed later by their names. "
        "Nothing is stored.",
        response_class=Response,
        responses={
            200: {"description": "The document with its fields.", "content": {PDF: {"schema": _BINARY}}},
            **problem_answers(400, 401, 403, 409, 413, 422, 429),
        },
        openapi_extra=_body(
            fields={
                "type": "string",
                "contentMediaType": "application/json",
                "description": 'JSON: {"fields": [{"name", "page", "x_mm", "y_mm", "width_mm", "height_mm", "lock"}]}. The centre in '
                "millimetres from the lower-left corner of the page as seen.",
            }
        ),
        tags=["sealing"],
    )
    @needs(SCOPE_USE)
    async def create_fields(request: Request) -> Response:
        with working.take(user_of(caller_of(request)).name) as held:
            document, ordered = await read_with(request, "fields", held)
            prepared = await anyio.to_thread.run_sync(partial(add_empty_fields, document, _read_fields(ordered)), limiter=threads)
        return Response(prepared, media_type=PDF, headers={"cache-control": "no-store"})

    @router.post(
        "/v1/verifications/sealed-revision",
        name="fetch_sealed_revision",
        summary="The document as it was sealed",
        description="Of the field named, else of the last signature whose bytes are whole. Nothing is stored.",
        response_class=Response,
        responses={
            200: {"description": "The sealed revision.", "content": {PDF: {"schema": _BINARY}}},
            **problem_answers(400, 413, 422, 429),
        },
        openapi_extra=_body(field={"type": "string", "description": "Name of the signature."}),
        tags=["verification"],
    )
    @public("whoever was given a sealed document may see what was sealed; nothing is stored, size and number are limited")
    async def create_sealed_revision(request: Request) -> Response:
        with showing.take(peer_of(request)) as held:
            document, field = await read_with(request, "field", held)
            _, sealed = await anyio.to_thread.run_sync(partial(sealed_revision, context, document, field=field or None), limiter=threads)
        return Response(sealed, media_type=PDF, headers={"cache-control": "no-store"})

    @router.post(
        "/v1/verifications/changes",
        name="show_changes",
        summary="What changed after sealing",
        description="The verifier's list of changes after a signature, and pictures of the first pages that look different. Nothing is stored.",
        response_model=ChangesAnswer,
        responses=problem_answers(400, 413, 422, 429),
        openapi_extra=_body(field={"type": "string", "description": "Name of the signature."}),
        tags=["verification"],
    )
    @public("whoever was given a sealed document may see what was changed; nothing is stored, size and number are limited")
    async def create_changes(request: Request) -> Response:
        with showing.take(peer_of(request)) as held:
            document, field = await read_with(request, "field", held)
            shown = await anyio.to_thread.run_sync(partial(show_changes, context, document, field=field or None), limiter=threads)
        answer = write_changes(shown, language_of(request.headers.get("accept-language")))
        return Response(answer.model_dump_json(), media_type="application/json", headers={"cache-control": "no-store"})


def _read_fields(text: str) -> list[EmptyField]:
    try:
        ordered = EmptyFields.model_validate(read_json_field("fields", text))
    except ValidationError as error:
        first = error.errors()[0]
        raise field_unacceptable(".".join(map(str, first["loc"])) or "fields", str(first["type"])) from None
    return [_read_field(each) for each in ordered.fields]


def _read_field(order: EmptyFieldOrder) -> EmptyField:
    width_mm = order.width_mm or _FIELD_WIDTH_MM
    lock = FieldLock("All", frozenset()) if order.lock is True else None
    if not isinstance(order.lock, bool):
        some, all_but = read_lock(order.lock)
        lock = FieldLock("Include", frozenset(some)) if some else FieldLock("Exclude", frozenset(all_but))
    return EmptyField(order.name, Placement(order.page, order.x_mm, order.y_mm, width_mm, order.height_mm or width_mm), lock)
