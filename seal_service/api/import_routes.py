"""Seals that were made elsewhere: hand one in to be kept here, and read what was found out about it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Header, Request, Response
from pydantic import ValidationError

from seal_service import limits
from seal_service.actions.apply_for_import import apply_for_import
from seal_service.actions.find_import import find_import
from seal_service.actions.read_import import ImportOrder
from seal_service.api.application_routes import ApplicationId  # noqa: TC001 - read at run time
from seal_service.api.bodies import read_document, read_json_field
from seal_service.api.import_shapes import ImportAnswer, ImportRequest, write_import
from seal_service.api.parameters import etag_of, read_key_request
from seal_service.errors import field_unacceptable
from seal_service.model import SCOPE_APPLY, SCOPE_READ, KeyCustody
from service_kit.admission import Admission
from service_kit.callers import person_of
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - fastapi reads the annotations at run time
from service_kit.problems import CREATED, language_of, problem_answers

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from service_kit.multipart import Form

_TAGS: Final[list[Any]] = ["applications"]
_FILES: Final = frozenset({"seal", "certificates", "key"})
_FIELDS: Final = frozenset({"order", "password"})
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["seal", "order"],
                    "additionalProperties": False,
                    "properties": {
                        "seal": {"type": "string", "format": "binary", "description": "SESeal (.esl) of GB/T 38540 or GM/T 0031, DER."},
                        "order": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "contentSchema": ImportRequest.model_json_schema(),
                            "description": "JSON: where the key is, and who is to hold which power.",
                        },
                        "certificates": {
                            "type": "string",
                            "format": "binary",
                            "description": "PEM, or one certificate in DER: needed where the seal lists digests, and for what stands above it.",
                        },
                        "key": {
                            "type": "string",
                            "format": "binary",
                            "description": "For custody keystore: PKCS#12, or a private key in PKCS#8 or SEC 1.",
                        },
                        "password": {"type": "string", "format": "password", "description": "Of the key; it is neither kept nor logged."},
                    },
                },
                "examples": {
                    "with its key": {
                        "value": {
                            "seal": "(file)",
                            "key": "(file)",
                            "password": "(password)",
                            "order": '{"reason": "系统迁移", "custody": "keystore", "managers": ["seal-office"], "users": ["portal"]}',
                        }
                    }
                },
            }
        },
    }
}


def add_import_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    uploads = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.UPLOAD_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))  # a key under a password takes seconds of one core

    @router.post(
        "/v1/seal-imports",
        status_code=201,
        name="apply_for_seal_import",
        summary="Hand in a seal that was made elsewhere, to be kept here",
        description="The seal is verified as far as it can be, and its key proves itself by a signature. Somebody else approves the application "
        "(POST /v1/seal-applications/{id}/approve), and a maker takes the seal over (POST /v1/seal-applications/{id}/make).",
        response_model=ImportAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 409, 413, 422, 429, 503)},
        openapi_extra=_BODY,
        tags=_TAGS,
    )
    @needs(SCOPE_APPLY)
    async def create_import(
        request: Request, response: Response, key: IdempotencyKey = None, accept_language: Annotated[str | None, Header()] = None
    ) -> ImportAnswer:
        with uploads.take(caller_of(request).holder) as held:
            form = await read_form(
                request,
                files=_FILES,
                fields=_FIELDS,
                file_bytes_max=limits.IMPORT_SEAL_BYTES,
                field_bytes_max=limits.FORM_FIELD_BYTES,
                held=held,
            )
            apply = partial(apply_for_import, context, person_of(caller_of(request)), _read_order(form), idempotency_key=key)
            application, taken_in = await anyio.to_thread.run_sync(apply, limiter=threads)
            response.headers["location"] = f"/v1/seal-imports/{application.id}"
            response.headers["etag"] = etag_of(application)
            return write_import(application, taken_in, language_of(accept_language))

    @router.get(
        "/v1/seal-imports/{application_id}",
        name="show_seal_import",
        summary="What was found out about a seal from elsewhere",
        response_model=ImportAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_one(
        request: Request, application_id: ApplicationId, response: Response, accept_language: Annotated[str | None, Header()] = None
    ) -> ImportAnswer:
        application, papers, taken_in = find_import(context, caller_of(request), application_id)
        response.headers["etag"] = etag_of(application)
        return write_import(application, taken_in, language_of(accept_language), papers)


def _read_order(form: Form) -> ImportOrder:
    """The order in a form. Raises TrustError DOCUMENT_MISSING, FIELD_UNACCEPTABLE, SEAL_KEY_REQUEST_REFUSED."""
    seal_der = read_document(form, "seal")
    try:
        wanted = ImportRequest.model_validate(read_json_field("order", form.fields.get("order", "")))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise field_unacceptable(".".join(["order", *map(str, first["loc"])]), str(first["type"])) from None
    certificates, key_file = form.files.get("certificates"), form.files.get("key")
    return ImportOrder(
        seal_der=seal_der,
        reason=wanted.reason,
        custody=KeyCustody(wanted.custody),
        certificates=b"" if certificates is None else certificates.content,
        key_file=b"" if key_file is None else key_file.content,
        password=form.fields.get("password", ""),
        device_key=wanted.device_key,
        key_request_der=read_key_request(wanted.certificate_request),
        organisation=wanted.organisation,
        credit_code=wanted.credit_code,
        managers=tuple(wanted.managers),
        users=tuple(wanted.users),
        auditors=tuple(wanted.auditors),
        papers=tuple(wanted.papers),
    )
