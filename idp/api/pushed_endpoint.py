"""``POST /oauth2/par``: authorization requests pushed ahead of the browser (RFC 9126)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from idp.actions.push_request import PUSH_PATH, PushDesk, push_request
from idp.api.client_endpoint import ClientEndpoint, certificates_of
from idp.api.token_endpoint import error_answer
from idp.model.pushed import PUSHED_SECONDS, REQUEST_URI_PREFIX

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

PUSH_BYTES_MAX: Final = 32 * 1024  # a signed request object of 8 KiB and an assertion beside it, with room for escapes


def push_route(desk: PushDesk) -> BaseRoute:
    """The endpoint."""
    return Route(
        PUSH_PATH,
        ClientEndpoint(
            partial(push_request, desk),
            status=HTTPStatus.CREATED,
            limit=PUSH_BYTES_MAX,
            certificates=certificates_of(desk.persons.tokens.door),
        ),
        name="push_request",
    )


OPENAPI: Final[dict[str, Any]] = {
    PUSH_PATH: {
        "post": {
            "operationId": "push_request",
            "tags": ["identity"],
            "summary": "Push an authorization request",
            "description": "RFC 9126. The parameters of the authorization request, or a signed request object (RFC 9101) in `request`; the client "
            "proves who it is as at the token endpoint. The browser then brings `client_id` and `request_uri` alone, once.",
            "security": [{"clientSecret": []}, {}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "properties": {"request": {"type": "string", "description": "A request object, signed by the client."}},
                            "additionalProperties": {"type": "string"},
                        },
                        "example": {
                            "response_type": "code",
                            "redirect_uri": "https://portal.example.org/cb",
                            "scope": "openid",
                            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                            "code_challenge_method": "S256",
                        },
                    }
                },
            },
            "responses": {
                "201": {
                    "description": "Under which name the browser brings the request.",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["request_uri", "expires_in"],
                                "properties": {
                                    "request_uri": {"type": "string"},
                                    "expires_in": {"type": "integer", "description": "seconds"},
                                },
                            },
                            "example": {
                                "request_uri": REQUEST_URI_PREFIX + "6esc_11ACC5bwc014ltc14eY22c6esc_11ACC5bwc01",
                                "expires_in": PUSHED_SECONDS,
                            },
                        }
                    },
                },
                "400": error_answer("Refused: the request or what it asks for.", "REQUEST_OBJECT_INVALID"),
                "401": error_answer("The client is not who it says it is.", "CLIENT_AUTH_FAILED"),
                "413": error_answer("The request is too large.", "TOKEN_REQUEST_TOO_LARGE"),
                "429": error_answer("Too many requests; see Retry-After.", "RATE_EXCEEDED"),
                "503": error_answer("The request cannot be stored now; see Retry-After.", "AUDIT_UNAVAILABLE"),
            },
        }
    }
}
