"""``POST /v1/seals/{id}/digest-signatures`` as plain ASGI: the hot route of the service, two durable records and an SM2 signature."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from seal_service import limits
from seal_service.actions.digest_values import CMS_PROFILE, read_digest_form
from seal_service.actions.note_refusal import note_refused_use
from seal_service.actions.sign_digest import read_digest, sign_digest
from seal_service.api.parameters import check_document_type, user_of
from seal_service.api.shapes import DigestAnswer, DigestOrder
from seal_service.errors import field_unacceptable, seal_not_found
from seal_service.model import SCOPE_USE
from seal_service.pdf.sealing_value import Profile
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_json

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from seal_service.actions.digest_values import DigestForm
    from service_kit.composition import ServiceContext

PATH: Final = "/v1/seals/{seal_id}/digest-signatures"
_SEAL_ID: Final = re.compile(r"sl_[0-9a-f]{24}")
_MEMBERS: Final = frozenset({"digest", "digest_algorithm", "timestamp", "document_type", "profile", "property_info"})


@needs(SCOPE_USE)
class DigestEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await _send(send, 405, b"", [(b"allow", b"POST")])
            return
        user = user_of(caller_of(HTTPConnection(scope)))
        seal_id = scope["path_params"]["seal_id"]
        if _SEAL_ID.fullmatch(seal_id) is None:
            raise seal_not_found(seal_id[:40])
        keys = [value for name, value in scope["headers"] if name == b"idempotency-key"]
        if len(keys) > 1:
            raise field_unacceptable("Idempotency-Key", "at most one")
        body = await _read_body(receive)
        if body is None:
            return
        digest, is_timestamped, document_type, form = _read_order(body)
        key = keys[0].decode("latin-1") if keys else None
        try:
            sealed = await sign_digest(
                self._context,
                user,
                seal_id,
                digest,
                is_timestamped=is_timestamped,
                idempotency_key=key,
                document_type=document_type,
                form=form,
            )
        except TrustError as error:
            await run_in_threadpool(note_refused_use, self._context, user, seal_id, error.code)
            raise
        answer = (
            f'{{"seal_use":"{sealed.use_id}","audit_entry":"{sealed.audit_id}","signed_at":"{sealed.signed_at:%Y-%m-%dT%H:%M:%SZ}",'
            f'"{"ses" if form.profile is Profile.SES else "cms"}":"{base64.b64encode(sealed.value_der).decode("ascii")}"}}'
        )
        headers = [(b"seal-use", sealed.use_id.encode()), (b"audit-entry", sealed.audit_id.encode())]
        if sealed.is_repeated:
            headers.append((b"idempotent-replay", b"true"))
        await _send(send, 200, answer.encode("ascii"), headers)


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, never much more than the limit; None where the caller went away."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > limits.JSON_BYTES:
            raise TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit_bytes=limits.JSON_BYTES)
        if not message.get("more_body"):
            return body


def _read_order(body: bytes) -> tuple[bytes, bool, str, DigestForm]:
    try:
        order = read_json(body)
    except StrictJsonError:
        raise MalformedError("REQUEST_MALFORMED") from None
    if not isinstance(order, dict):
        raise MalformedError("REQUEST_MALFORMED")
    unknown = order.keys() - _MEMBERS
    if unknown:
        raise field_unacceptable(min(unknown)[:64], "unknown member")
    text, is_timestamped = order.get("digest"), order.get("timestamp", False)
    if not isinstance(text, str):
        raise field_unacceptable("digest", "text in hex or base64")
    if order.get("digest_algorithm", "SM3") != "SM3":
        raise field_unacceptable("digest_algorithm", "SM3")
    if not isinstance(is_timestamped, bool):
        raise field_unacceptable("timestamp", "true or false")
    form = read_digest_form(order.get("profile", CMS_PROFILE), order.get("property_info", ""))
    return read_digest(text), is_timestamped, check_document_type(order.get("document_type", "")), form


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    frame = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *frame]})
    await send({"type": "http.response.body", "body": body})


_ANSWER_EXAMPLE: Final = {
    "seal_use": "su_8d0f3a1c5e7b9d2f4a6c8e01",
    "audit_entry": "019a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1b",
    "cms": "MIIEzgYJKoZIhvcNAQcCoIIEvzCCBLsCAQExDDAKBggqgRzPVQGDETALBgkqhkiG9w0BBwGgggOV...",
    "signed_at": "2026-05-01T08:00:00Z",
}


def openapi_paths() -> dict[str, Any]:
    """This operation for the API documentation, by hand because the route is."""
    return {
        PATH: {
            "post": {
                "operationId": "sign_digest",
                "summary": "Seal a digest",
                "description": "A detached CMS over the SM3 of a document that stays with its owner; by `profile` with, or as, the sealing value of "
                "GB/T 38540. See docs/reference/ses-in-pdf.md.",
                "tags": ["sealing"],
                "security": [{"oauth2": [SCOPE_USE]}],
                "parameters": [
                    {"name": "seal_id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^sl_[0-9a-f]{24}$"}},
                    {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}},
                ],
                "requestBody": {"required": True, "content": {"application/json": {"schema": DigestOrder.model_json_schema()}}},
                "responses": {
                    "200": {
                        "description": "The signature.",
                        "content": {"application/json": {"schema": DigestAnswer.model_json_schema(), "example": _ANSWER_EXAMPLE}},
                    },
                    **{str(status): answer for status, answer in problem_answers(400, 401, 403, 404, 409, 413, 422, 429, 503).items()},
                },
            }
        }
    }
