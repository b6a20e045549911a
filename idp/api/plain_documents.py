"""What the API documentation says of the routes that the framework does not describe by itself, and of the groups of all routes."""

from __future__ import annotations

from typing import Any, Final

from idp.api import device_endpoint, introspection_endpoint, pushed_endpoint, token_endpoint, userinfo_endpoint

PATHS: Final[dict[str, Any]] = {
    **token_endpoint.OPENAPI,
    **device_endpoint.OPENAPI,
    **pushed_endpoint.OPENAPI,
    **introspection_endpoint.OPENAPI,
    **userinfo_endpoint.OPENAPI,
}
TAGS: Final = (
    {"name": "identity", "description": "Access tokens and the keys that verify them."},
    {"name": "signing keys", "description": "The keys that sign tokens, seen and changed."},
    {"name": "clients", "description": "Registration of clients."},
    {"name": "cas", "description": "Services that speak CAS 3.0: validation of their tickets, and their registration."},
    {"name": "directory", "description": "Changes of accounts, for directories that follow this one."},
    {"name": "federation", "description": "Identities of other providers that are in doubt."},
    {"name": "scim", "description": "Provisioning of persons and organisations by other systems (SCIM 2.0)."},
    {"name": "accounts", "description": "Persons and organisations, and what proves them."},
    {"name": "agents", "description": "Who may act for which organisation."},
    {"name": "sessions", "description": "Where people are signed in."},
)
