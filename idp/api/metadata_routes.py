"""What verifiers and clients read before anything else: the key set and the provider's metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Response

from idp.actions.begin_device import DEVICE_PATH
from idp.actions.claims_of import IDENTITY_CLAIMS
from idp.actions.look_into_token import INTROSPECT_PATH
from idp.actions.push_request import PUSH_PATH
from idp.actions.register_itself import REGISTER_PATH
from idp.actions.revoke_token import REVOKE_PATH
from idp.api import token_endpoint, userinfo_endpoint
from idp.model.clients import KEY_SET_MAX_AGE_SECONDS, SIGNING_ALGORITHMS
from idp.model.openings import CLOSED, CODE_TYPE, RESPONSE_TYPES
from idp.model.registrations import AUTH_METHODS, BY_CERTIFICATE, BY_SUBJECT, GRANT_TYPES, REGISTERED_GRANTS, SIGN_IN_SCOPES
from idp.model.requests import LEVEL_MAX, acr_of
from idp.tokens.authorization_request import PROMPTS
from idp.tokens.client_assertion import SECRET_ALGORITHM
from idp.tokens.client_jwt import CLIENT_ALGORITHMS
from service_kit.composition import public
from service_kit.dpop import ALGORITHMS

if TYPE_CHECKING:
    from idp.actions.choose_signing_key import KeyRing
    from idp.model.openings import Opened
    from service_kit.clock import Clock

JWKS_PATH: Final = "/oauth2/jwks"
GM_JWKS_PATH: Final = "/oauth2/gm-jwks"
AUTHORIZE_PATH: Final = "/authorize"  # pages of their own, see idp/pages
LOGOUT_PATH: Final = "/logout"
METADATA_PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_CACHED: Final = {"cache-control": f"public, max-age={KEY_SET_MAX_AGE_SECONDS}"}


def provider_metadata(issuer: str, scopes: list[str], *, has_certificates: bool = False, opened: Opened = CLOSED) -> dict[str, Any]:
    """What this provider can do (OpenID Connect Discovery 3, RFC 8414 2, RFC 9207 3): only what exists.

    ``has_certificates``: a proxy in front shows certificates of clients. ``opened``: what the operator has opened beyond codes.
    """
    methods = [each for each in AUTH_METHODS if has_certificates or each not in {BY_SUBJECT, BY_CERTIFICATE}]
    assertions = [*CLIENT_ALGORITHMS, SECRET_ALGORITHM]  # RFC 8414 2 wants them for each endpoint where assertions are taken
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE_PATH,
        "token_endpoint": issuer + token_endpoint.PATH,
        "registration_endpoint": issuer + REGISTER_PATH,
        "introspection_endpoint": issuer + INTROSPECT_PATH,
        "introspection_endpoint_auth_methods_supported": [each for each in methods if each != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": assertions,
        "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "revocation_endpoint": issuer + REVOKE_PATH,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "userinfo_endpoint": issuer + userinfo_endpoint.PATH,
        "end_session_endpoint": issuer + LOGOUT_PATH,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "jwks_uri": issuer + JWKS_PATH,
        "gm_jwks_uri": issuer + GM_JWKS_PATH,
        "scopes_supported": [*SIGN_IN_SCOPES, *scopes],
        "response_types_supported": list(RESPONSE_TYPES) if opened.implicit else [CODE_TYPE],
        "response_modes_supported": ["query", "form_post", *(["fragment"] if opened.implicit else [])],
        "grant_types_supported": list(REGISTERED_GRANTS if opened.implicit else GRANT_TYPES),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": [*SIGNING_ALGORITHMS],
        "userinfo_signing_alg_values_supported": [*SIGNING_ALGORITHMS],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertions,
        "tls_client_certificate_bound_access_tokens": has_certificates,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": [*ALGORITHMS],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": True,
        "device_authorization_endpoint": issuer + DEVICE_PATH,
        "pushed_authorization_request_endpoint": issuer + PUSH_PATH,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": [*CLIENT_ALGORITHMS],
        "request_uri_parameter_supported": opened.request_uri,
        **({"require_request_uri_registration": True} if opened.request_uri else {}),
        "prompt_values_supported": sorted(PROMPTS),
        "acr_values_supported": [acr_of(level) for level in range(LEVEL_MAX + 1)],
        "claims_supported": sorted({"sub", "acr", "amr", "auth_time", "act"} | IDENTITY_CLAIMS),
        "ui_locales_supported": ["zh-CN", "en"],
        "service_documentation": issuer + "/docs",
    }


def add_metadata_routes(
    router: APIRouter,
    *,
    ring: KeyRing,
    clock: Clock,
    issuer: str,
    scopes: list[str],
    has_certificates: bool = False,
    opened: Opened = CLOSED,
) -> None:
    """Add them to the service's router."""
    stated = provider_metadata(issuer, scopes, has_certificates=has_certificates, opened=opened)
    metadata = json.dumps(stated, separators=(",", ":")).encode()

    @router.get(JWKS_PATH, summary="Keys that verify access tokens", **_documented("A JWK set (RFC 7517).", {"keys": []}))
    @public("whoever verifies a token needs them")
    def read_key_set() -> Response:
        return Response(ring.public_set(clock.now()), media_type="application/json", headers=_CACHED)

    @router.get(
        GM_JWKS_PATH, summary="SM2 keys that verify tokens of clients that asked for SM2", **_documented("A JWK set.", {"keys": []})
    )
    @public("whoever verifies a token needs them")
    def read_gm_key_set() -> Response:
        return Response(ring.gm_set(clock.now()), media_type="application/json", headers=_CACHED)

    @public("clients read it before they have anything to authenticate with")
    def read_metadata() -> Response:
        return Response(metadata, media_type="application/json", headers=_CACHED)

    for path in METADATA_PATHS:
        documented = _documented("Provider metadata (RFC 8414).", provider_metadata("https://trust.example.org", ["seal.use"]))
        router.get(path, summary="What this provider can do", **documented)(read_metadata)


def _documented(description: str, example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"response_class": Response, "responses": {200: {"description": description, "content": content}}, "tags": ["identity"]}
