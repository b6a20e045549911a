"""Getting results again and verifying a file, and the form of a sealing. Bodies are read within limits, verifying is done in threads, and how
much of it may be under way at once is bounded.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from crypto.report_json import write_report
from seal_service import limits
from seal_service.actions.find_seals import find_use, load_result
from seal_service.actions.seal_order import LEVELS, SealOrder
from seal_service.actions.verify_document import verify_document
from seal_service.api.bodies import HOLDER_FIELDS, peer_of, read_document, read_holder, read_json_field, read_lock
from seal_service.api.parameters import UseId, check_document_type
from seal_service.api.shapes import PlacementOrder, SeamOrder, UseAnswer, write_use
from seal_service.api.verification_shapes import VerificationAnswer
from seal_service.errors import field_unacceptable
from seal_service.model import SCOPE_READ, SCOPE_USE, UseKind
from seal_service.places import EVERY, Edge, Place, Seam
from seal_service.seal_data.seal_file import Content, content_of
from seal_service.verify import OFD, PDF, SES, media_type_of
from service_kit.admission import Admission
from service_kit.clock import in_utc
from service_kit.composition import caller_of, needs, public
from service_kit.multipart import read_form
from service_kit.problems import language_of, problem_answers
from service_kit.request_shapes import read_written_time

if TYPE_CHECKING:
    from datetime import datetime

    from seal_service.actions.publish_status import StatusPublisher
    from seal_service.actions.seal_document import SealedDocument
    from service_kit.admission import Held
    from service_kit.composition import ServiceContext
    from service_kit.multipart import Form

CMS: Final = "application/pkcs7-signature"
BINARY: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
_SEALING_FIELDS: Final = frozenset({"placement", "keyword", "reason", "location", "timestamp", "level", "document_type", "profile"})
_KEEP: Final = "keep_result"
_TRUTH: Final = {"true": True, "false": False}
SEALING_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["document"],
                    "additionalProperties": False,
                    "properties": {
                        "document": {**BINARY, "description": "The PDF or OFD to be sealed."},
                        "placement": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": "JSON of the schema PlacementOrder. Centre of the seal in millimetres from the lower-left corner of the "
                            "page as seen; page 1 is the first, -1 the last. Without placement and keyword the seal is invisible.",
                        },
                        "keyword": {"type": "string", "description": "Put the seal on this text of the document."},
                        "reason": {"type": "string", "maxLength": limits.REASON_CHARACTERS},
                        "location": {"type": "string", "maxLength": limits.LOCATION_CHARACTERS},
                        "timestamp": {
                            "type": "string",
                            "enum": ["true", "false"],
                            "description": "Without it: where the deployment has an authority.",
                        },
                        "level": {
                            "type": "string",
                            "enum": list(LEVELS),
                            "description": "PAdES baseline level of a PDF: B-T has a time-stamp, B-LT what shows the certificates good as well, "
                            "B-LTA a document time-stamp over all of it.",
                        },
                        "document_type": {
                            "type": "string",
                            "maxLength": limits.DOCUMENT_TYPE_CHARACTERS,
                            "description": "What kind of document it is, in the words of the grant.",
                        },
                        _KEEP: {
                            "type": "string",
                            "enum": ["true", "false"],
                            "description": "false: of the sealed document nothing but its digest stays here, because who sends it keeps it himself, "
                            "and so it cannot be given out again: no Idempotency-Key then. POST /v1/seals/{seal_id}/signatures only.",
                        },
                        "profile": {
                            "type": "string",
                            "description": "PDF: pades+ses, a PAdES signature that also carries the seal of GB/T 38540 (the default where the seal "
                            "has its data); pades, without it; ses, the seal's own signature alone. OFD: seal (the default); sign, without a seal; "
                            "integrity, the signed list of all files of GM/T 0099 beside seals that are there. May also stand in placement.",
                        },
                    },
                },
                "examples": {"bottom right": {"value": {"document": "(file)", "placement": '{"page": -1, "x_mm": 150, "y_mm": 60}'}}},
            }
        },
    }
}
_VERIFYING_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["document"],
                    "additionalProperties": False,
                    "properties": {
                        "document": {**BINARY, "description": "The sealed file."},
                        "at": {"type": "string", "format": "date-time", "description": "Judge as of this time instead of now."},
                        "holder_name": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": limits.HOLDER_NAME_CHARACTERS,
                            "description": "Ask too whether the licence is held by who has this name and `holder_code`: the question `holder`. Both "
                            "together or neither; a file that does not say who holds it is not valid then.",
                        },
                        "holder_code": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": limits.HOLDER_CODE_CHARACTERS,
                            "description": "The holder's code, as the licence has it. Neither is kept, logged or said in the answer.",
                        },
                    },
                }
            }
        },
    }
}
SEALED_HEADERS: Final[dict[str, Any]] = {
    "Seal-Use": {"schema": {"type": "string"}, "description": "The record of this use: /v1/seal-uses/{id}."},
    "Audit-Entry": {"schema": {"type": "string"}, "description": "The audit entry: /v1/audit/entries/{id}/receipt proves it."},
    "Seal-Warnings": {
        "schema": {"type": "string"},
        "description": "What came out otherwise than ordered: SEAM_SKIPPED (a single page), SEAL_MAY_BE_HIDDEN (a form with /NeedAppearances).",
    },
    "Idempotent-Replay": {"schema": {"type": "string", "enum": ["true"]}, "description": "This is the answer given before."},
}


def add_document_routes(router: APIRouter, context: ServiceContext, publisher: StatusPublisher) -> None:
    """Add them to the service's router."""
    verifying = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    document_bytes = min(limits.DOCUMENT_BYTES, context.settings.limits.body_bytes)
    verifying_threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))

    @router.get(
        "/v1/seal-uses/{use_id}",
        name="show_seal_use",
        summary="Show a use of a seal",
        response_model=UseAnswer,
        responses=problem_answers(401, 403, 404),
        tags=["sealing"],
    )
    @needs(SCOPE_READ)
    def read_use(request: Request, use_id: UseId) -> UseAnswer:
        return write_use(find_use(context, caller_of(request), use_id))

    @router.get(
        "/v1/seal-uses/{use_id}/result",
        name="fetch_seal_use_result",
        summary="The result of a use again",
        response_class=Response,
        responses={
            200: {
                "description": "The sealed document, or the value over a digest.",
                "content": {PDF: {"schema": BINARY}, OFD: {"schema": BINARY}, CMS: {"schema": BINARY}, SES: {"schema": BINARY}},
            },
            **problem_answers(401, 403, 404, 409),
        },
        tags=["sealing"],
    )
    @needs(SCOPE_USE)
    def read_result(request: Request, use_id: UseId) -> Response:
        use, content = load_result(context, caller_of(request), use_id)
        media_type, suffix = media_form_of(content) if use.kind is not UseKind.DIGEST else value_form_of(content)
        headers = {"content-disposition": f'attachment; filename="{use.id}.{suffix}"', "cache-control": "no-store", "seal-use": use.id}
        return Response(content, media_type=media_type, headers=headers)

    @router.post(
        "/v1/verifications",
        name="verify_document",
        summary="Verify a file",
        description="The same report as `yinxin verify --json` gives per file, under the trust list of this deployment. Nothing is stored.",
        response_model=VerificationAnswer,
        responses=problem_answers(400, 413, 422, 429),
        openapi_extra=_VERIFYING_BODY,
        tags=["verification"],
    )
    @public("whoever was given a sealed document may have it verified; nothing is stored, size and number are limited")
    async def create_verification(request: Request) -> Response:
        with verifying.take(peer_of(request)) as held:
            form = await read_form(
                request,
                files={"document"},
                fields={"at", *HOLDER_FIELDS},
                file_bytes_max=document_bytes,
                field_bytes_max=limits.FORM_FIELD_BYTES,
                held=held,
            )
            document = read_document(form)
            at = _read_at(form.fields.get("at"))
            holder = read_holder(form.fields)
            language = language_of(request.headers.get("accept-language"))
            report = await anyio.to_thread.run_sync(
                partial(verify_document, context, document, at=at, publisher=publisher, holder=holder), limiter=verifying_threads
            )
        name = form.files["document"].file_name[: limits.FILE_NAME_CHARACTERS]
        answer = VerificationAnswer.model_validate(write_report(name, report, language))
        return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json", headers={"cache-control": "no-store"})


def sealed_answer(sealed: SealedDocument) -> Response:
    """The sealed document with the headers that say where it is on record."""
    headers = {"seal-use": sealed.use_id, "audit-entry": sealed.audit_id, "cache-control": "no-store"}
    media_type, suffix = media_form_of(sealed.content)
    headers["content-disposition"] = f'attachment; filename="{sealed.use_id}.{suffix}"'
    if sealed.warnings:
        headers["seal-warnings"] = ", ".join(sealed.warnings)
    if sealed.is_repeated:
        headers["idempotent-replay"] = "true"
    return Response(sealed.content, media_type=media_type, headers=headers)


def media_form_of(document: bytes) -> tuple[str, str]:
    """Media type and file suffix of a sealed document."""
    return (OFD, "ofd") if media_type_of(document) == OFD else (PDF, "pdf")


def value_form_of(value_der: bytes) -> tuple[str, str]:
    """Media type and file suffix of a value over a digest."""
    return (SES, "dat") if content_of(value_der) is Content.SIGNATURE else (CMS, "p7s")


async def read_sealing(request: Request, key: str | None, document_bytes: int, held: Held, *, may_let_go: bool = False) -> SealOrder:
    """The order of a sealing from its body. ``may_let_go``: the sender may wish that the result is not kept here. Raises TrustError MULTIPART_*, FIELD_*, FILE_TOO_LARGE, DOCUMENT_MISSING."""
    form = await read_form(
        request,
        files={"document"},
        fields=_SEALING_FIELDS | {_KEEP} if may_let_go else _SEALING_FIELDS,
        file_bytes_max=document_bytes,
        field_bytes_max=limits.FORM_FIELD_BYTES,
        held=held,
    )
    kept = form.fields.get(_KEEP) or "true"
    if kept not in _TRUTH or (key is not None and not _TRUTH[kept]):
        raise field_unacceptable(_KEEP, "true, or false without an Idempotency-Key")
    return replace(read_order(form, key), is_result_kept=_TRUTH[kept])


def read_order(form: Form, key: str | None) -> SealOrder:
    """The order in the form of a sealing. Raises TrustError FIELD_UNACCEPTABLE, DOCUMENT_MISSING."""
    fields = form.fields
    placement = PlacementOrder()
    if fields.get("placement"):
        try:
            placement = PlacementOrder.model_validate(read_json_field("placement", fields["placement"]))
        except ValidationError as error:
            first = error.errors()[0]
            raise field_unacceptable(".".join(["placement", *map(str, first["loc"])]), str(first["type"])) from None
    keyword = fields.get("keyword") or placement.keyword
    if keyword is not None and len(keyword) > limits.KEYWORD_CHARACTERS:
        raise field_unacceptable("keyword", f"at most {limits.KEYWORD_CHARACTERS} characters")
    for name, most in (("reason", limits.REASON_CHARACTERS), ("location", limits.LOCATION_CHARACTERS)):
        if len(fields.get(name, "")) > most:
            raise field_unacceptable(name, f"at most {most} characters")
    stamped = fields.get("timestamp") or None
    if stamped is not None and stamped not in _TRUTH:
        raise field_unacceptable("timestamp", "true or false")
    some, all_but = read_lock(None if isinstance(placement.lock, bool) else placement.lock)
    return SealOrder(
        document=read_document(form),
        page=placement.page,
        x_mm=placement.x_mm,
        y_mm=placement.y_mm,
        width_mm=placement.width_mm,
        keyword=keyword,
        reason=fields.get("reason") or None,
        location=fields.get("location") or None,
        is_timestamped=None if stamped is None else _TRUTH[stamped],
        idempotency_key=key,
        pages=placement.pages,
        places=tuple(Place(place.page, place.x_mm, place.y_mm, place.width_mm) for place in placement.places or ()),
        seam=None if placement.seam is None else _read_seam(placement.seam),
        is_locking=placement.lock is True,
        profile=fields.get("profile") or placement.profile,
        occurrence=EVERY if placement.occurrence == "every" else placement.occurrence or 1,
        field=placement.field,
        opacity=placement.opacity,
        certify=placement.certify,
        lock_fields=some,
        lock_except=all_but,
        level=_read_level(fields.get("level"), stamped),
        document_type=check_document_type(fields.get("document_type", "")),
    )


def _read_level(level: str | None, stamped: str | None) -> str | None:
    if not level:
        return None
    if level not in LEVELS:
        raise field_unacceptable("level", ", ".join(LEVELS))
    if stamped is not None and _TRUTH[stamped] is (level == LEVELS[0]):
        raise field_unacceptable("timestamp", "as the level has it")
    return level


def _read_seam(seam: SeamOrder) -> Seam:
    pages = seam.pages if isinstance(seam.pages, str) else tuple(seam.pages)
    return Seam(Edge(seam.edge), pages, seam.offset_mm, seam.width_mm, seam.pages_per_seal)


def _read_at(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return in_utc(read_written_time(text), partial(field_unacceptable, "at"))
    except ValueError:
        raise field_unacceptable("at", "a time with its zone (RFC 3339)") from None
