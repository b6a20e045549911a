"""``POST /oauth2/device_authorization``: codes for devices that cannot show a sign-in page (RFC 8628)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from idp.actions.begin_device import DEVICE_PATH, begin_device
from idp.api.client_endpoint import ClientEndpoint, certificates_of
from idp.api.token_endpoint import error_answer
from idp.model.devices import DEVICE_SECONDS, INTERVAL_SECONDS

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from idp.actions.person_desk import PersonDesk


def device_route(desk: PersonDesk) -> BaseRoute:
    """The endpoint."""
    return Route(
        DEVICE_PATH, ClientEndpoint(partial(begin_device, desk), certificates=certificates_of(desk.tokens.door)), name="begin_device"
    )


OPENAPI: Final[dict[str, Any]] = {
    DEVICE_PATH: {
        "post": {
            "operationId": "begin_device",
            "tags": ["identity"],
            "summary": "Obtain codes for a device",
            "description": "RFC 8628. The device shows `user_code` and `verification_uri`, somebody signs in there, and the device asks the token "
            "endpoint every `interval` seconds. The client proves who it is as at the token endpoint.",
            "security": [{"clientSecret": []}, {}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "scope": {"type": "string", "description": "Scopes separated by spaces; openid where missing."},
                                "resource": {"type": "string", "format": "uri"},
                                "client_id": {"type": "string", "description": "Of a client without credentials."},
                            },
                        },
                        "example": {"scope": "openid profile"},
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "The codes.",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["device_code", "user_code", "verification_uri", "expires_in", "interval"],
                                "properties": {
                                    "device_code": {"type": "string"},
                                    "user_code": {"type": "string"},
                                    "verification_uri": {"type": "string", "format": "uri"},
                                    "verification_uri_complete": {"type": "string", "format": "uri"},
                                    "expires_in": {"type": "integer", "description": "seconds"},
                                    "interval": {"type": "integer", "description": "seconds"},
                                },
                            },
                            "example": {
                                "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
                                "user_code": "WDJB-MJHT",
                                "verification_uri": "https://trust.example.org/device",
                                "verification_uri_complete": "https://trust.example.org/device?user_code=WDJB-MJHT",
                                "expires_in": DEVICE_SECONDS,
                                "interval": INTERVAL_SECONDS,
                            },
                        }
                    },
                },
                "400": error_answer("Refused: the request or what it asks for.", "SCOPE_NOT_GRANTED"),
                "401": error_answer("The client is not who it says it is.", "CLIENT_AUTH_FAILED"),
                "413": error_answer("The request is too large.", "TOKEN_REQUEST_TOO_LARGE"),
                "429": error_answer("Too many requests; see Retry-After.", "RATE_EXCEEDED"),
                "503": error_answer("No codes can be stored now; see Retry-After.", "AUDIT_UNAVAILABLE"),
            },
        }
    }
}
