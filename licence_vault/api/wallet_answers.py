"""What wallets are answered: errors in the form of RFC 6749 5.2 with our stable code beside it, and limits on how often they may ask."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi import Response

from licence_vault.credentials.issuance_messages import REQUEST_BYTES
from service_kit.problem_catalogue import text_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from service_kit.admission import Held

NO_STORE: Final = {"cache-control": "no-store"}
_STATUS: Final = {
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""All else is 400 (RFC 6749 5.2)."""
WORDS: Final = {
    "CREDENTIAL_OFFER_INVALID": "invalid_grant",
    "CREDENTIAL_TX_CODE_MISSING": "invalid_request",
    "CREDENTIAL_GRANT_UNSUPPORTED": "unsupported_grant_type",
    "CREDENTIAL_CONFIGURATION_UNKNOWN": "unknown_credential_configuration",
    "CREDENTIAL_PROOF_INVALID": "invalid_proof",
    "CREDENTIAL_NONCE_INVALID": "invalid_nonce",
    "CREDENTIAL_TOKEN_INVALID": "invalid_token",
    "CREDENTIAL_DENIED": "credential_request_denied",
    "CREDENTIAL_TOO_LARGE": "credential_request_denied",
    "PRESENTATION_UNKNOWN": "invalid_request",
    "PRESENTATION_OVER": "invalid_request",
    "PRESENTATION_STATE_WRONG": "invalid_request",
}
"""The words of OpenID4VCI 1.0 6.3 and 8.3.1.2, and of RFC 6750 3.1."""
_RETRY_SECONDS: Final = 5
ERROR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "code": {"type": "string", "description": "Stable code of the error catalogue."},
    },
}


async def read_body(request: Request, limit_bytes: int = REQUEST_BYTES, *, held: Held | None = None) -> bytes:
    """The body. ``held``: what it is counted by while it arrives. BODY_TOO_LARGE, TOO_BUSY."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit_bytes:
            raise TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit_bytes=limit_bytes)
        if held is not None:
            held.arrived(len(part))
    if held is not None:
        held.whole()
    return bytes(body)


def word_of(error: TrustError, *, malformed: str) -> str:
    """The standard's word for a refusal. ``malformed``: for requests that cannot be read at this endpoint."""
    if error.kind in {Kind.MALFORMED, Kind.TOO_LARGE} and error.code not in WORDS:
        return malformed
    if error.kind in {Kind.TOO_MANY, Kind.UNAVAILABLE}:
        return "temporarily_unavailable"
    return WORDS.get(error.code, malformed)


def refuse(error: TrustError, *, malformed: str = "invalid_request") -> Response:
    """The answer that tells a refusal."""
    status = _STATUS.get(error.kind, HTTPStatus.BAD_REQUEST)
    word = word_of(error, malformed=malformed)
    entry = text_of(error.code)
    headers = dict(NO_STORE)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = f'Bearer error="{word}"'
    if error.kind in {Kind.TOO_MANY, Kind.UNAVAILABLE}:
        headers["retry-after"] = str(error.facts.get("retry_after_seconds") or _RETRY_SECONDS)
    reason = error.facts.get("reason", error.facts.get("found"))
    described = ("" if entry is None else entry.cause_en) + ("" if reason is None else f" ({reason})")
    body = {"error": word, "error_description": described.replace('"', "'"), "code": error.code}
    return Response(json.dumps(body), status, media_type="application/json", headers=headers)


def answer(members: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json.dumps(members, ensure_ascii=False), media_type="application/json", headers=dict(headers or NO_STORE))


def json_answer(description: str, example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """A JSON answer as the API documentation shows it."""
    return {200: {"description": description, "content": {"application/json": {"schema": {"type": "object"}, "example": example}}}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals as the API documentation shows them."""
    shown = {
        400: ("The request, or what it asks for, is refused.", "CREDENTIAL_OFFER_INVALID"),
        401: ("The access token does not count.", "CREDENTIAL_TOKEN_INVALID"),
        404: ("There is none.", "CREDENTIAL_TYPE_UNKNOWN"),
        413: ("The request is too large.", "BODY_TOO_LARGE"),
        429: ("Too many requests; see Retry-After.", "WALLET_RATE_EXCEEDED"),
        503: ("Not now; see Retry-After.", "AUDIT_UNAVAILABLE"),
    }
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        description, code = shown[status]
        example = {"error": WORDS.get(code, "temporarily_unavailable" if status > 413 else "invalid_request"), "code": code}
        found[status] = {"description": description, "content": {"application/json": {"schema": ERROR_SCHEMA, "example": example}}}
    return found
