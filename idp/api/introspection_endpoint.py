"""``POST /oauth2/introspect`` (RFC 7662, RFC 9701) and ``POST /oauth2/revoke`` (RFC 7009) as plain ASGI: resource servers ask about every call."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from idp.actions.look_into_token import INTROSPECT_PATH, STATEMENT_TYPE, look_into_token
from idp.actions.revoke_token import REVOKE_PATH, revoke_token
from idp.api.client_endpoint import HEADERS, BodyAbandonedError, ClientEndpoint, certificates_of, read_call, send_answer, send_error
from idp.api.token_endpoint import error_answer
from service_kit.composition import public
from standards.errors import TrustError

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from idp.actions.look_into_token import LookDesk

_STATEMENT: Final = b"application/" + STATEMENT_TYPE.encode()
_STATEMENT_HEADERS: Final = [(b"content-type", _STATEMENT), *HEADERS[1:]]


@public("clients come here to authenticate")
class IntrospectionEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, desk: LookDesk) -> None:
        self._desk = desk
        self._certificates = certificates_of(desk.persons.tokens.door)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; as a signed statement where the caller accepts that and not JSON (RFC 9701 4)."""
        if scope["method"] != "POST":
            await send_answer(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", [(b"allow", b"POST")])
            return
        accepted = [
            value.partition(b";")[0].strip().lower()
            for name, values in scope["headers"]
            if name == b"accept"
            for value in values.split(b",")
        ]
        is_signed = _STATEMENT in accepted
        try:
            request, peer = await read_call(scope, receive, has_grant=False, certificates=self._certificates)
            answer = await look_into_token(self._desk, request, peer, is_signed=is_signed)
        except BodyAbandonedError:
            return
        except TrustError as error:
            await send_error(send, error)
            return
        await send_answer(send, HTTPStatus.OK, answer, _STATEMENT_HEADERS if is_signed else HEADERS)


def introspection_routes(desk: LookDesk) -> tuple[BaseRoute, ...]:
    """Both endpoints."""
    certificates = certificates_of(desk.persons.tokens.door)
    revoke = ClientEndpoint(partial(revoke_token, desk.persons), certificates=certificates)
    return (
        Route(INTROSPECT_PATH, IntrospectionEndpoint(desk), name="introspect_token"),
        Route(REVOKE_PATH, revoke, name="revoke_token"),
    )


_FORM: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["token"],
                "properties": {
                    "token": {"type": "string", "description": "An access token or a refresh token."},
                    "token_type_hint": {"type": "string", "description": "Not needed: a token shows what it is."},
                },
            },
            "example": {"token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl"},
        }
    },
}
_ERRORS: Final[dict[str, Any]] = {
    "400": error_answer("Refused: the request.", "TOKEN_PARAMETER_MISSING"),
    "401": error_answer("The client is not who it says it is.", "CLIENT_AUTH_FAILED"),
    "413": error_answer("The request is too large.", "TOKEN_REQUEST_TOO_LARGE"),
    "429": error_answer("Too many requests; see Retry-After.", "RATE_EXCEEDED"),
    "503": error_answer("No answer can be given now; see Retry-After.", "DATABASE_UNAVAILABLE"),
}
OPENAPI: Final[dict[str, Any]] = {
    INTROSPECT_PATH: {
        "post": {
            "operationId": "introspect_token",
            "tags": ["identity"],
            "summary": "Ask what a token is worth",
            "description": "RFC 7662. A client learns about its own tokens, with the scope token.introspect also about those for the resource "
            "servers it is registered for. Accept: application/token-introspection+jwt gives a signed statement (RFC 9701).",
            "security": [{"clientSecret": []}, {}],
            "requestBody": _FORM,
            "responses": {
                "200": {
                    "description": "What it is worth now.",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["active"],
                                "properties": {"active": {"type": "boolean"}},
                                "additionalProperties": True,
                            },
                            "example": {"active": True, "client_id": "portal", "scope": "seal.use", "token_type": "Bearer"},
                        },
                        "application/token-introspection+jwt": {"schema": {"type": "string"}},
                    },
                },
                **_ERRORS,
            },
        }
    },
    REVOKE_PATH: {
        "post": {
            "operationId": "revoke_token",
            "tags": ["identity"],
            "summary": "Revoke a token",
            "description": "RFC 7009. A person's token ends with all tokens of the same grant. What is no token is answered as if it had been one.",
            "security": [{"clientSecret": []}, {}],
            "requestBody": _FORM,
            "responses": {
                "200": {
                    "description": "It counts no more.",
                    "content": {"application/json": {"schema": {"type": "object"}, "example": {}}},
                },
                **_ERRORS,
            },
        }
    },
}
