"""``POST /oauth2/token`` as plain ASGI: the hottest route of the house (half a millisecond of processor time, durable record included)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from idp.actions.issue_for_person import GRANTS, issue_for_person
from idp.actions.issue_token import GRANT_TYPE, TOKEN_PATH, issue_token
from idp.errors import OAUTH_ERRORS, OAUTH_OTHER, request_malformed
from idp.model.clients import TOKEN_SECONDS
from idp.tokens.request import FORM_BYTES_MAX, read_token_request
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from idp.actions.issue_token import TokenDesk
    from idp.actions.person_desk import PersonDesk

PATH: Final = TOKEN_PATH
_STATUS: Final = {
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""RFC 6749 5.2 wants 400 for all else."""
_HEADERS: Final = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"pragma", b"no-cache")]  # RFC 6749 5.1
_RETRY_SECONDS: Final = 5  # for outages whose end nobody knows


class BodyAbandonedError(Exception):
    """The caller went away before the body was complete: there is nobody to answer."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body, never holding more than ``limit`` bytes and one part. TOKEN_REQUEST_TOO_LARGE, BodyAbandonedError."""
    message = await receive()
    if message["type"] != "http.request":
        raise BodyAbandonedError
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        if len(body) > limit:
            break
        message = await receive()
        if message["type"] != "http.request":
            raise BodyAbandonedError
        body += message.get("body", b"")
    if len(body) > limit:
        raise TrustError(Kind.TOO_LARGE, "TOKEN_REQUEST_TOO_LARGE", limit_bytes=limit)
    return body


@public("clients come here to authenticate")
class TokenEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, desk: TokenDesk, people: PersonDesk) -> None:
        self._desk = desk
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await _send(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", [(b"allow", b"POST")])
            return
        authorization: bytes | None = None
        content_type = b""
        proof: bytes | None = None
        count = proofs = 0
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
                count += 1
            elif name == b"content-type":
                content_type = value
            elif name == b"dpop":
                proof = value
                proofs += 1
        try:
            body = await read_body(receive, FORM_BYTES_MAX)
            if count > 1:
                raise request_malformed(found="more than one Authorization header")
            if proofs > 1:
                raise TrustError(Kind.UNACCEPTABLE, "DPOP_PROOF_INVALID", reason="more than one proof")
            peer = scope.get("client")
            request, name = read_token_request(content_type, authorization, body, proof), peer[0] if peer else "local"
            if request.grant_type in GRANTS:
                answer = await issue_for_person(self._people, request, name)
            else:
                answer = await issue_token(self._desk, request, name)
        except BodyAbandonedError:
            return
        except TrustError as error:
            await _send_error(send, error)
            return
        await _send(send, HTTPStatus.OK, answer, _HEADERS)


async def _send_error(send: Send, error: TrustError) -> None:
    name, description = OAUTH_ERRORS.get(error.code, OAUTH_OTHER)
    status = _STATUS.get(error.kind, HTTPStatus.BAD_REQUEST)
    headers = list(_HEADERS)
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Basic realm="yinxin", charset="UTF-8"'))  # RFC 9110 15.5.2 wants a challenge with every 401
    if error.kind in {Kind.TOO_MANY, Kind.UNAVAILABLE}:
        headers.append((b"retry-after", b"%d" % int(error.facts.get("retry_after_seconds") or _RETRY_SECONDS)))
    body = f'{{"error":"{name}","error_description":"{description}","code":"{error.code}"}}'
    await _send(send, status, body.encode(), headers)


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": [GRANT_TYPE, *GRANTS]},
        "code": {"type": "string", "description": "Of authorization_code: the code that came to the redirect address."},
        "redirect_uri": {"type": "string", "format": "uri", "description": "Of authorization_code: that address, as it was asked for."},
        "code_verifier": {"type": "string", "description": "Of authorization_code: the PKCE verifier (RFC 7636)."},
        "refresh_token": {"type": "string", "description": "Of refresh_token: the newest one; each is good once."},
        "scope": {"type": "string", "description": "Scopes separated by spaces; everything the client may have where missing."},
        "resource": {"type": "string", "format": "uri", "description": "The resource server the token is for (RFC 8707)."},
        "client_id": {"type": "string", "description": "Where the client authenticates in the form instead of the header."},
        "client_secret": {"type": "string", "format": "password"},
    },
}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "enum": sorted({error for error, _ in OAUTH_ERRORS.values()})},
        "error_description": {"type": "string"},
        "code": {"type": "string", "description": "Stable code of the error catalogue."},
    },
}


def _error(description: str, code: str) -> dict[str, Any]:
    error, text = OAUTH_ERRORS.get(code, OAUTH_OTHER)
    example = {"error": error, "error_description": text, "code": code}
    return {"description": description, "content": {"application/json": {"schema": _ERROR, "example": example}}}


OPENAPI: Final[dict[str, Any]] = {
    PATH: {
        "post": {
            "operationId": "issue_token",
            "tags": ["identity"],
            "summary": "Obtain an access token",
            "description": "Client credentials (RFC 6749 4.4), authorization codes with PKCE (4.1, RFC 7636) and refresh tokens (6). The client "
            "authenticates by the method it registered, never by two.",
            "security": [{"clientSecret": []}, {}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": _FORM,
                        "example": {"grant_type": "client_credentials", "scope": "seal.use"},
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "A token (RFC 9068) for Authorization: Bearer.",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["access_token", "token_type", "expires_in", "scope"],
                                "properties": {
                                    "access_token": {"type": "string"},
                                    "token_type": {"type": "string", "enum": ["Bearer", "DPoP"]},
                                    "expires_in": {"type": "integer", "description": "seconds"},
                                    "scope": {"type": "string"},
                                    "id_token": {
                                        "type": "string",
                                        "description": "Who signed in (OpenID Connect Core 2), with the scope openid.",
                                    },
                                    "refresh_token": {"type": "string", "description": "Where the client registered refresh_token."},
                                },
                            },
                            "example": {
                                "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
                                "token_type": "Bearer",
                                "expires_in": TOKEN_SECONDS,
                                "scope": "seal.use",
                            },
                        }
                    },
                },
                "400": _error("Refused: the request or what it asks for.", "SCOPE_NOT_GRANTED"),
                "401": _error("The client is not who it says it is.", "CLIENT_AUTH_FAILED"),
                "413": _error("The request is too large.", "TOKEN_REQUEST_TOO_LARGE"),
                "429": _error("Too many requests; see Retry-After.", "RATE_EXCEEDED"),
                "503": _error("No token can be issued now; see Retry-After.", "AUDIT_UNAVAILABLE"),
            },
        }
    }
}
