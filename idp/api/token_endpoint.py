"""``POST /oauth2/token`` as plain ASGI: the hottest route of the house (half a millisecond of processor time, durable record included)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from idp.actions.issue_for_person import GRANTS, issue_for_person
from idp.actions.issue_token import GRANT_TYPE, TOKEN_PATH, issue_token
from idp.api.client_endpoint import HEADERS, BodyAbandonedError, certificates_of, read_call, send_answer, send_error
from idp.errors import OAUTH_ERRORS, OAUTH_OTHER
from idp.model.clients import TOKEN_SECONDS
from idp.tokens.client_assertion import ASSERTION_TYPE
from idp.tokens.exchange import SUBJECT_TYPES
from service_kit.composition import public
from standards.errors import TrustError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from idp.actions.issue_token import TokenDesk
    from idp.actions.person_desk import PersonDesk

PATH: Final = TOKEN_PATH


@public("clients come here to authenticate")
class TokenEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, desk: TokenDesk, people: PersonDesk) -> None:
        self._desk = desk
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await send_answer(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", [(b"allow", b"POST")])
            return
        try:
            request, peer = await read_call(scope, receive, certificates=certificates_of(self._desk.door))
            if request.grant_type in GRANTS:
                answer = await issue_for_person(self._people, request, peer)
            else:
                answer = await issue_token(self._desk, request, peer)
        except BodyAbandonedError:
            return
        except TrustError as error:
            await send_error(send, error)
            return
        await send_answer(send, HTTPStatus.OK, answer, HEADERS)


_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": [GRANT_TYPE, *GRANTS]},
        "code": {"type": "string", "description": "Of authorization_code: the code that came to the redirect address."},
        "redirect_uri": {"type": "string", "format": "uri", "description": "Of authorization_code: that address, as it was asked for."},
        "code_verifier": {"type": "string", "description": "Of authorization_code: the PKCE verifier (RFC 7636)."},
        "device_code": {"type": "string", "description": "Of the device grant (RFC 8628): the code of the device."},
        "subject_token": {"type": "string", "description": "Of token exchange (RFC 8693): a person's access token, or a trust ticket."},
        "subject_token_type": {"type": "string", "enum": [*SUBJECT_TYPES]},
        "requested_token_type": {"type": "string", "enum": [*SUBJECT_TYPES]},
        "audience": {"type": "string", "description": "Of token exchange: the client that a trust ticket is for."},
        "refresh_token": {"type": "string", "description": "Of refresh_token: the newest one; each is good once."},
        "scope": {"type": "string", "description": "Scopes separated by spaces; everything the client may have where missing."},
        "resource": {"type": "string", "format": "uri", "description": "The resource server the token is for (RFC 8707)."},
        "client_id": {"type": "string", "description": "Where the client authenticates in the form instead of the header."},
        "client_secret": {"type": "string", "format": "password"},
        "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
        "client_assertion": {"type": "string", "description": "A JWT by which the client proves itself (RFC 7523 2.2)."},
    },
}
ERROR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "enum": sorted({error for error, _ in OAUTH_ERRORS.values()})},
        "error_description": {"type": "string"},
        "code": {"type": "string", "description": "Stable code of the error catalogue."},
        "facts": {"type": "object", "description": "Which rule was broken, where one may know: such as `parameter` or `reason`."},
    },
}


def error_answer(description: str, code: str) -> dict[str, Any]:
    """A refusal as the API documentation shows it."""
    error, text = OAUTH_ERRORS.get(code, OAUTH_OTHER)
    example = {"error": error, "error_description": text, "code": code}
    return {"description": description, "content": {"application/json": {"schema": ERROR_SCHEMA, "example": example}}}


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
                "400": error_answer("Refused: the request or what it asks for.", "SCOPE_NOT_GRANTED"),
                "401": error_answer("The client is not who it says it is.", "CLIENT_AUTH_FAILED"),
                "413": error_answer("The request is too large.", "TOKEN_REQUEST_TOO_LARGE"),
                "429": error_answer("Too many requests; see Retry-After.", "RATE_EXCEEDED"),
                "503": error_answer("No token can be issued now; see Retry-After.", "AUDIT_UNAVAILABLE"),
            },
        }
    }
}
