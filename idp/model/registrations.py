"""What a client has registered beyond its credentials: how it signs people in (OpenID Connect Registration 1.0, RFC 7591 2). No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from crypto.sm2_form import SM2_FORM, SM2_NAMES, SM2_SIGNATURES, Sm2Form
from idp.model.clients import GM_ALGORITHM, SCOPE_PATTERN, SCOPES_PER_CLIENT_MAX, SIGNING_ALGORITHMS, is_resource
from idp.model.openings import BOTH_TYPE, CLOSED, CODE_TYPE, IMPLICIT_TYPES, RESPONSE_TYPES
from idp.model.redirects import SignInRegistration, is_among, is_redirect_uri
from idp.model.requests import ClientProfile
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Collection

    from idp.model.clients import Client
    from idp.model.openings import Opened

REDIRECTS_MAX: Final = 32
KEYS_MAX: Final = 16
REQUEST_URIS_MAX: Final = 16
TEXT_CHARACTERS_MAX: Final = 200
CLAIMS_MAX: Final = 64
SERVES_MAX: Final = 16
BY_KEY, BY_HMAC = "private_key_jwt", "client_secret_jwt"  # OpenID Connect Core 9
BY_SUBJECT, BY_CERTIFICATE = "tls_client_auth", "self_signed_tls_client_auth"  # RFC 8705 2.1.1, 2.2.1
AUTH_METHODS: Final = (
    "client_secret_basic",
    "client_secret_post",
    BY_HMAC,
    BY_KEY,
    BY_SUBJECT,
    BY_CERTIFICATE,
    "none",
)
CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANT_TYPES: Final = (CODE, REFRESH, CREDENTIALS, DEVICE, EXCHANGE)
"""What the token endpoint takes."""
IMPLICIT: Final = "implicit"
REGISTERED_GRANTS: Final = (*GRANT_TYPES, IMPLICIT)
"""What a client may register: of ``implicit`` the token endpoint knows nothing."""
OFFLINE: Final = "offline_access"
SIGN_IN_SCOPES: Final = ("openid", "profile", "phone", "email", "address", "subject_hash", "identity", OFFLINE)
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # of a JWK (RFC 7518 6)
TRUST: Final = "client.trust"  # the scope of who may let clients skip consent and stand for resource servers
FAPI2: Final = "fapi2"
FAPI_ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519", "PS256")  # FAPI 2.0 security profile 5.4.1
RESPONSE_MEMBERS: Final = ("id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg")
"""Where a client chooses how we sign what it is told."""
SIGNATURE_MEMBERS: Final = (*RESPONSE_MEMBERS, "request_object_signing_alg")
"""Where a client chooses how something is signed."""
_ALGORITHM: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NAME: Final = re.compile(r"[a-z_]{1,64}")
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url


@dataclass(frozen=True, slots=True)
class Registration:
    """The names are those of RFC 7591 and OpenID Connect Registration where they have one.

    ``scopes``: what it may learn of people. ``person_scopes``: scopes of APIs that it may ask people for, to call these in their name; what the
    client may do by itself is never theirs. ``jwks``: public keys as JWK. ``allowed_claims``: empty:
    those its scopes name. ``purpose``: shown at consent. ``is_own``: belongs to this deployment, so that no consent is asked. ``acting``:
    for whom people may act towards it. ``profile``: ``fapi2`` holds it to the FAPI 2.0 security profile. ``is_pkce_required`` False only for
    a confidential client that cannot send a challenge. ``response_types``: in the spelling of ``RESPONSE_TYPES``. ``request_uris``: where its request
    objects may be fetched, a fragment being the SHA-256 of what lies there (OIDC Core 6.2). ``serves``: the resource servers that this client is, whose tokens it may exchange. ``registration_token_digest``: SM3 of the token that manages it (RFC 7592).
    ``sm2_jws_alg``, ``sm2_signature_form``: how it reads what is signed for it with SM2: the name in ``alg``, and r and s side by side or in DER.
    ``policy_uri``, ``tos_uri``: what people may read of how their data is used and of the terms, linked where they sign in and consent.
    ``scopes_most``: the scopes of signing in within which the client may choose its own, as an administrator last set them.
    """

    client_id: str
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = (CODE,)
    response_types: tuple[str, ...] = (CODE_TYPE,)
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - a name of RFC 7591
    scopes: tuple[str, ...] = SIGN_IN_SCOPES
    person_scopes: tuple[str, ...] = ()
    jwks: tuple[dict[str, Any], ...] = ()
    jwks_uri: str = ""
    tls_client_auth_subject_dn: str = ""
    id_token_signed_response_alg: str = "ES256"  # noqa: S105 - the name of an algorithm
    userinfo_signed_response_alg: str = ""
    introspection_signed_response_alg: str = ""
    sm2_jws_alg: Literal["SGD_SM3_SM2", "SM2"] = "SGD_SM3_SM2"
    sm2_signature_form: Literal["raw", "der"] = "raw"
    request_object_signing_alg: str = ""
    request_uris: tuple[str, ...] = ()
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier_uri: str = ""
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    require_signed_request_object: bool = False
    profile: Literal["", "fapi2"] = ""
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    initiate_login_uri: str = ""
    allowed_claims: tuple[str, ...] = ()
    purpose: str = ""
    is_own: bool = False
    acting: Literal["any", "person", "organisation"] = "any"
    is_pkce_required: bool = True
    serves: tuple[str, ...] = ()
    registration_token_digest: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    scopes_most: tuple[str, ...] = SIGN_IN_SCOPES

    @property
    def is_public(self) -> bool:
        """Whether the client cannot keep a secret."""
        return self.token_endpoint_auth_method == "none"  # noqa: S105 - a name of RFC 7591, no secret

    def answers_at(self, address: str) -> bool:
        """Whether an answer may go there: one of the registered addresses, by ``is_among``."""
        return is_among(address, self.redirect_uris, is_public=self.is_public)

    @property
    def is_fapi(self) -> bool:
        """Whether it is held to the FAPI 2.0 security profile."""
        return self.profile == FAPI2

    def serves_who_acts(self, acting_for: str | None) -> bool:
        """Whether a person may come to it acting for this organisation, or (None) for himself."""
        return self.acting == "any" or (self.acting == "organisation") == (acting_for is not None)


def check_registration(registration: Registration) -> None:
    """Raise CLIENT_FIELD_INVALID naming the first member that breaks its rule."""
    _check_addresses(registration)
    _check_grants(registration)
    _check_response_types(registration)
    _check_request_uris(registration)
    _check_authentication(registration)
    _check_scopes(registration)
    _check_algorithms(registration)
    _check_keys(registration)
    _check_texts(registration)
    _check_kind(registration)
    _check_pairwise(registration)
    if registration.is_fapi:
        _check_fapi(registration)


def _check_addresses(registration: Registration) -> None:
    for name, addresses, most in (
        ("redirect_uris", registration.redirect_uris, REDIRECTS_MAX),
        ("post_logout_redirect_uris", registration.post_logout_redirect_uris, REDIRECTS_MAX),
        ("backchannel_logout_uri", _given(registration.backchannel_logout_uri), 1),
        ("initiate_login_uri", _given(registration.initiate_login_uri), 1),
        ("jwks_uri", _given(registration.jwks_uri), 1),
        ("sector_identifier_uri", _given(registration.sector_identifier_uri), 1),
        ("policy_uri", _given(registration.policy_uri), 1),
        ("tos_uri", _given(registration.tos_uri), 1),
    ):
        if len(addresses) > most or len(set(addresses)) != len(addresses) or not all(is_redirect_uri(each) for each in addresses):
            raise _invalid(name, f"at most {most} https addresses (http on a loopback address alone), none twice, without fragment")
    # OpenID Connect Registration 2; people are sent there, so no loopback either
    for name in ("initiate_login_uri", "policy_uri", "tos_uri"):
        if getattr(registration, name) and urlsplit(getattr(registration, name)).scheme != "https":
            raise _invalid(name, "an https address")


def _check_grants(registration: Registration) -> None:
    if not registration.grant_types or not set(registration.grant_types) <= set(REGISTERED_GRANTS):
        raise _invalid("grant_types", "some of " + " ".join(REGISTERED_GRANTS))
    if CODE in registration.grant_types and not registration.redirect_uris:
        raise _invalid("redirect_uris", "at least one for authorization_code")
    if REFRESH in registration.grant_types and not {CODE, DEVICE} & set(registration.grant_types):
        raise _invalid("grant_types", "refresh_token only beside authorization_code or the device grant")


def _check_request_uris(registration: Registration) -> None:
    uris = registration.request_uris
    if len(uris) > REQUEST_URIS_MAX or len(set(uris)) != len(uris) or not all(map(is_request_uri, uris)):
        raise _invalid(
            "request_uris", f"at most {REQUEST_URIS_MAX} https addresses, none twice, a fragment being the SHA-256 of what lies there"
        )


def _check_authentication(registration: Registration) -> None:
    if registration.token_endpoint_auth_method not in AUTH_METHODS:
        raise _invalid("token_endpoint_auth_method", "one of " + " ".join(AUTH_METHODS))
    if registration.is_public and {CREDENTIALS, EXCHANGE} & set(registration.grant_types):
        raise _invalid("grant_types", "a client without credentials acts for people only")


def _check_scopes(registration: Registration) -> None:
    if not set(registration.scopes) <= set(SIGN_IN_SCOPES) or len(set(registration.scopes)) != len(registration.scopes):
        raise _invalid("scopes", "some of " + " ".join(SIGN_IN_SCOPES))
    persons = registration.person_scopes
    if len(persons) > SCOPES_PER_CLIENT_MAX or len(set(persons)) != len(persons) or not all(map(SCOPE_PATTERN.fullmatch, persons)):
        raise _invalid("person_scopes", f"at most {SCOPES_PER_CLIENT_MAX} names such as licence.own, none twice")
    if set(persons) & set(SIGN_IN_SCOPES):
        raise _invalid("person_scopes", "scopes of APIs: those of signing in go into scopes")


def _check_algorithms(registration: Registration) -> None:
    for name in SIGNATURE_MEMBERS:
        value = getattr(registration, name)
        if (value and not _ALGORITHM.fullmatch(value)) or value.lower() == "none":
            raise _invalid(name, "the name of a signature algorithm, never none")
    _check_sm2(registration)
    for name in RESPONSE_MEMBERS:  # a promise: whoever registered another would learn only at its first answer that nobody makes it
        if (getattr(registration, name) or SIGNING_ALGORITHMS[0]) not in SIGNING_ALGORITHMS:
            raise _invalid(name, "one of " + " ".join(SIGNING_ALGORITHMS))


def _check_keys(registration: Registration) -> None:
    if len(registration.jwks) > KEYS_MAX or (registration.jwks and registration.jwks_uri):
        raise _invalid("jwks", f"at most {KEYS_MAX} keys, and not beside jwks_uri")
    if not all(isinstance(key.get("kty"), str) and not PRIVATE_MEMBERS & set(key) for key in registration.jwks):
        raise _invalid("jwks", "public keys, and no others")  # whoever sends us a private key has lost it
    if registration.token_endpoint_auth_method in {BY_KEY, BY_CERTIFICATE} and not (registration.jwks or registration.jwks_uri):
        raise _invalid("jwks", "keys, for this way to authenticate")
    if (registration.token_endpoint_auth_method == BY_SUBJECT) != bool(registration.tls_client_auth_subject_dn):
        raise _invalid("tls_client_auth_subject_dn", "the subject, for tls_client_auth alone")


def _check_texts(registration: Registration) -> None:
    if len(registration.allowed_claims) > CLAIMS_MAX or not all(_NAME.fullmatch(each) for each in registration.allowed_claims):
        raise _invalid("allowed_claims", "names of claims")
    if len(registration.purpose) > TEXT_CHARACTERS_MAX or (registration.purpose and not is_printable(registration.purpose)):
        raise _invalid("purpose", f"at most {TEXT_CHARACTERS_MAX} visible characters")
    if len(registration.tls_client_auth_subject_dn) > TEXT_CHARACTERS_MAX:
        raise _invalid("tls_client_auth_subject_dn", f"at most {TEXT_CHARACTERS_MAX} characters")


def _check_kind(registration: Registration) -> None:
    """What goes with being a resource server, without credentials, or under a profile."""
    if len(registration.serves) > SERVES_MAX or not all(is_resource(each) for each in registration.serves):
        raise _invalid("serves", f"at most {SERVES_MAX} absolute URIs without fragment")
    if registration.serves and registration.is_public:
        raise _invalid("serves", "nothing, for a client without credentials")
    if not registration.is_pkce_required and (registration.is_public or registration.is_fapi):
        raise _invalid("is_pkce_required", "true for a client without credentials and under FAPI 2.0")


def _check_sm2(registration: Registration) -> None:
    """Forms of SM2 are for clients that have asked for SM2, and are one of two each."""
    for name, possible in (("sm2_jws_alg", SM2_NAMES), ("sm2_signature_form", SM2_SIGNATURES)):
        if getattr(registration, name) not in possible:
            raise _invalid(name, " or ".join(possible))
    has_sm2 = any(getattr(registration, name) == GM_ALGORITHM for name in SIGNATURE_MEMBERS)
    if not has_sm2 and sm2_form_of(registration) != SM2_FORM:
        raise _invalid("sm2_jws_alg", f"with {GM_ALGORITHM} in one of " + " ".join(RESPONSE_MEMBERS))


def sm2_form_of(registration: Registration | None) -> Sm2Form:
    """How a client reads SM2; by the defaults where it has registered nothing."""
    if registration is None:
        return SM2_FORM
    return Sm2Form(registration.sm2_jws_alg, is_der=registration.sm2_signature_form == "der")


def _check_response_types(registration: Registration) -> None:
    """Grant types and response types say the same (OpenID Connect Registration 2); tokens by way of the browser go to https alone, bound to nothing."""
    types, grants = registration.response_types, registration.grant_types
    if not types or len(set(types)) != len(types) or not set(types) <= set(RESPONSE_TYPES):
        raise _invalid("response_types", "some of " + ", ".join(RESPONSE_TYPES))
    is_implicit = bool(set(types) & set(IMPLICIT_TYPES))
    if is_implicit != (IMPLICIT in grants):
        raise _invalid("grant_types", "implicit beside id_token or id_token token in response_types, and beside nothing else")
    if (CODE in grants) != (CODE_TYPE in types) and (is_implicit or CODE in grants):
        raise _invalid("response_types", "code with the grant type authorization_code, and without it not")
    if not is_implicit:
        return
    if not registration.redirect_uris or not all(each.startswith("https://") for each in registration.redirect_uris):
        raise _invalid("redirect_uris", "https addresses, and at least one, for implicit")
    if BOTH_TYPE in types and (registration.dpop_bound_access_tokens or registration.tls_client_certificate_bound_access_tokens):
        raise _invalid("response_types", "no access token by way of the browser, for a client whose tokens are bound")


def is_request_uri(text: str) -> bool:
    """Whether a request object may be registered there: an https address as ``is_redirect_uri`` has them, whatever its object is signed with."""
    address, hash_sign, digest = text.partition("#")
    return address.startswith("https://") and is_redirect_uri(address) and (not hash_sign or bool(_DIGEST.fullmatch(digest)))


def demand_opened(registration: Registration, opened: Opened) -> None:
    """Raise CLIENT_FIELD_INVALID for what the operator has not opened."""
    if not opened.implicit and (IMPLICIT in registration.grant_types or set(registration.response_types) & set(IMPLICIT_TYPES)):
        raise _invalid("response_types", "code: nothing else is open here (openid.implicit)")
    if not opened.request_uri and registration.request_uris:
        raise _invalid("request_uris", "none: requests are not fetched here (openid.request_uri)")


def _check_pairwise(registration: Registration) -> None:
    """OpenID Connect Core 8.1: with redirect addresses on several hosts, the sector must be named."""
    hosts = {urlsplit(each).hostname for each in registration.redirect_uris}
    if registration.subject_type == "pairwise" and len(hosts) > 1 and not registration.sector_identifier_uri:
        raise _invalid("sector_identifier_uri", "an address, because the redirect addresses are on several hosts")


def _check_fapi(registration: Registration) -> None:
    """FAPI 2.0 security profile 5.3.2: asymmetric client authentication, pushed requests, sender-constrained tokens."""
    if registration.token_endpoint_auth_method not in {BY_KEY, BY_SUBJECT, BY_CERTIFICATE}:
        raise _invalid("token_endpoint_auth_method", "private_key_jwt or TLS under FAPI 2.0")
    if not registration.require_pushed_authorization_requests:
        raise _invalid("require_pushed_authorization_requests", "true under FAPI 2.0")
    if not (registration.dpop_bound_access_tokens or registration.tls_client_certificate_bound_access_tokens):
        raise _invalid("dpop_bound_access_tokens", "tokens bound to the sender under FAPI 2.0")
    if registration.response_types != (CODE_TYPE,) or registration.request_uris:
        raise _invalid("response_types", "code, and no request_uris, under FAPI 2.0")
    for name in SIGNATURE_MEMBERS:
        if getattr(registration, name) not in {"", *FAPI_ALGORITHMS}:
            raise _invalid(name, "one of " + " ".join(FAPI_ALGORITHMS) + " under FAPI 2.0")


def demand_control(client: Client, registration: Registration | None, grantable: Collection[str] | None) -> None:
    """Raise SCOPE_NOT_HELD unless the actor holds all that the client has: who decides how it proves itself or where it sends people acts as it.

    ``grantable``: the scopes the actor holds (None: all). A client that asks no consent, stands for resource servers, or asks people for scopes
    of APIs without credentials of its own, has TRUST besides.
    """
    persons = () if registration is None else registration.person_scopes
    is_trusted = registration is not None and (
        registration.is_own or bool(registration.serves) or (registration.is_public and bool(persons))
    )
    for scope in (*client.scopes, *persons, *((TRUST,) if is_trusted else ())):
        if grantable is not None and scope not in grantable:
            raise TrustError(Kind.FORBIDDEN, "SCOPE_NOT_HELD", scope=scope)


def sign_in_of(client: Client, registration: Registration, opened: Opened = CLOSED) -> SignInRegistration:
    """What the reader of authorization requests needs to know. What was registered while it was open counts no more once it is closed."""
    is_open = opened.implicit and not registration.is_fapi
    signs_in = CODE in registration.grant_types or (is_open and IMPLICIT in registration.grant_types)
    return SignInRegistration(
        client_id=client.client_id,
        redirect_uris=registration.redirect_uris if signs_in else (),
        scopes=(*registration.scopes, *registration.person_scopes),
        audiences=client.audiences,
        is_pkce_required=registration.is_pkce_required,
        is_par_required=registration.require_pushed_authorization_requests,
        response_types=tuple(each for each in registration.response_types if is_open or each == CODE_TYPE),
        is_implicit_open=is_open,
        is_public=registration.is_public,
    )


def profile_of(client: Client, registration: Registration) -> ClientProfile:
    """What sign-in needs to know."""
    return ClientProfile(
        client_id=client.client_id,
        name=client.name,
        purpose=registration.purpose,
        allowed_claims=frozenset(registration.allowed_claims),
        is_own=registration.is_own,
        acting=registration.acting,
        post_logout_redirect_uris=registration.post_logout_redirect_uris,
        policy_uri=registration.policy_uri,
        tos_uri=registration.tos_uri,
    )


def _given(address: str) -> tuple[str, ...]:
    return (address,) if address else ()


def _invalid(field: str, expected: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field=field, expected=expected)
