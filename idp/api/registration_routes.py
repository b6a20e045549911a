"""What clients register for signing people in, managed. The members are those of RFC 7591 and OpenID Connect Registration where they have one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations
from pydantic import ConfigDict, Field, field_validator

from idp.actions.set_registration import set_registration
from idp.api.client_routes import MANAGE
from idp.model.clients import SCOPES_PER_CLIENT_MAX
from idp.model.openings import CODE_TYPE
from idp.model.registrations import (
    CLAIMS_MAX,
    KEYS_MAX,
    REDIRECTS_MAX,
    REQUEST_URIS_MAX,
    SERVES_MAX,
    SIGN_IN_SCOPES,
    TEXT_CHARACTERS_MAX,
    Registration,
)
from idp.store.clients import load_client
from idp.store.registrations import find_registration
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IfMatch, read_if_match, write_etag
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from idp.actions.register_client import ClientDesk

_EXAMPLE: Final[dict[str, Any]] = {
    "redirect_uris": ["https://housing.example.org/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "client_secret_basic",
    "purpose": "Fill in your housing application",
}
_HIDDEN: Final = frozenset({"client_id", "registration_token_digest", "scopes_most"})


class SignInRegistrationBody(RequestShape):
    """How a client signs people in. Members nobody knows are refused, so that nobody believes to have set something."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    redirect_uris: list[str] = Field(
        default=[],
        max_length=REDIRECTS_MAX,
        description="Compared character by character; of a public client any port on 127.0.0.1 and [::1] (RFC 8252 7.3).",
    )
    post_logout_redirect_uris: list[str] = Field(default=[], max_length=REDIRECTS_MAX)
    grant_types: list[str] = Field(default=["authorization_code"], max_length=8)
    response_types: list[str] = Field(
        default=[CODE_TYPE],
        max_length=3,
        description="Besides code: id_token, id_token token, with the grant type implicit; https alone. Where the operator has opened it.",
    )
    token_endpoint_auth_method: str = Field(default="client_secret_basic", max_length=40)
    scopes: list[str] = Field(
        default=list(SIGN_IN_SCOPES),
        max_length=16,
        description="What it may learn of people; a client that manages its own registration gives itself no more.",
    )
    person_scopes: list[str] = Field(
        default=[],
        max_length=SCOPES_PER_CLIENT_MAX,
        description="Scopes of APIs it may ask people for, to call these in their name. A client without credentials needs client.trust for any.",
    )
    jwks: list[dict[str, Any]] = Field(
        default=[], max_length=KEYS_MAX, description="Public keys as JWK; a JWK set (RFC 7591 2) is taken too."
    )
    jwks_uri: str = ""
    tls_client_auth_subject_dn: str = Field(default="", max_length=TEXT_CHARACTERS_MAX)
    id_token_signed_response_alg: str = Field(default="ES256", max_length=32)
    userinfo_signed_response_alg: str = Field(default="", max_length=32)
    introspection_signed_response_alg: str = Field(default="", max_length=32)
    sm2_jws_alg: Literal["SGD_SM3_SM2", "SM2"] = Field(
        default="SGD_SM3_SM2", description="The name of SM2 in `alg`, for a client that asked for SM2."
    )
    sm2_signature_form: Literal["raw", "der"] = Field(default="raw", description="SM2 signatures: r and s, 32 bytes each, or in DER.")
    request_object_signing_alg: str = Field(default="", max_length=32)
    request_uris: list[str] = Field(
        default=[],
        max_length=REQUEST_URIS_MAX,
        description="Where its signed request objects may be fetched, compared character by character. Where the operator has opened it.",
    )
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier_uri: str = ""
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    require_signed_request_object: bool = False
    profile: Literal["", "fapi2"] = Field(default="", description="fapi2: held to the FAPI 2.0 security profile.")
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    initiate_login_uri: str = ""
    allowed_claims: list[str] = Field(default=[], max_length=CLAIMS_MAX, description="Empty: those its scopes name.")
    purpose: str = Field(default="", max_length=TEXT_CHARACTERS_MAX, description="Shown where consent is asked for.")
    policy_uri: str = Field(default="", description="How the data of people is used, https: linked where they sign in and consent.")
    tos_uri: str = Field(default="", description="The terms of use, https: linked where people sign in and consent.")
    is_own: bool = Field(default=False, description="Belongs to this deployment: no consent is asked for. Needs the scope client.trust.")
    acting: Literal["any", "person", "organisation"] = "any"
    is_pkce_required: bool = True
    serves: list[str] = Field(
        default=[],
        max_length=SERVES_MAX,
        description="The resource servers it is: whose tokens it may exchange (RFC 8693). Needs the scope client.trust.",
    )

    @field_validator("jwks", mode="before")
    @classmethod
    def keys_of_a_set(cls, value: object) -> object:
        """The keys of a JWK set, as clients that register themselves send it; anything else as it is."""
        return value["keys"] if isinstance(value, dict) and set(value) == {"keys"} else value


def read_registration_body(client_id: str, members: dict[str, Any]) -> Registration:
    """JSON-compatible values -> the registration, not yet checked by its rules."""
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
    return Registration(client_id, **given)


def registration_view(registration: Registration) -> dict[str, Any]:
    """As JSON-compatible values, without what manages it."""
    found = ((name, value) for name, value in asdict(registration).items() if name not in _HIDDEN)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found}


def add_registration_routes(router: APIRouter, desk: ClientDesk) -> None:
    """Add them to the service's router."""
    path, tags = "/v1/clients/{client_id}/registration", ["clients"]

    @router.get(
        path,
        summary="Show how a client signs people in",
        response_model=SignInRegistrationBody,
        tags=[*tags],
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def read_registration(client_id: str, response: Response) -> dict[str, Any]:
        with desk.database.read() as connection:
            client = load_client(connection, client_id, desk.mac_key)
            found = find_registration(connection, client_id, desk.mac_key)
        if found is None:
            raise TrustError(Kind.NOT_FOUND, "CLIENT_REGISTRATION_MISSING", client_id=client_id)
        response.headers["etag"] = write_etag(client.version)
        return registration_view(found)

    @router.put(
        path,
        summary="Set how a client signs people in",
        response_model=SignInRegistrationBody,
        tags=[*tags],
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def put_registration(
        request: Request, client_id: str, body: SignInRegistrationBody, response: Response, if_match: IfMatch = None
    ) -> dict[str, Any]:
        caller = caller_of(request)
        wanted = read_registration_body(client_id, body.model_dump())
        kept = set_registration(
            desk, wanted, actor=caller.actor, if_version=read_if_match(if_match), grantable=caller.scopes, keeps_token=True
        )
        with desk.database.read() as connection:
            response.headers["etag"] = write_etag(load_client(connection, client_id, desk.mac_key).version)
        return registration_view(kept)
