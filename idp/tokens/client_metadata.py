"""What a client says about itself when it registers (RFC 7591 2, OpenID Connect Registration 1.0 2), read and written. Pure.

Members that we do not know are ignored, as RFC 7591 2 wants, and do not come back in the answer. Members that would make the client expect
what we do not do (encryption, other response types) are refused: silence would be a promise. What a client may not decide about itself
(consent, the profile it is held to, what it may see at all) cannot be said here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from idp.model.clients import NAME_CHARACTERS_MAX
from idp.model.names import is_shown
from idp.model.openings import CLOSED, CODE_TYPE, response_type_of
from idp.model.registrations import CODE, KEYS_MAX, PRIVATE_MEMBERS, SIGN_IN_SCOPES, Registration
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.model.openings import Opened

METADATA_BYTES_MAX: Final = 64 * 1024
TEXTS_MAX: Final = 64
TEXT_CHARACTERS_MAX: Final = 2048
_TEXTS: Final = (
    "token_endpoint_auth_method",
    "jwks_uri",
    "tls_client_auth_subject_dn",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "introspection_signed_response_alg",
    "sm2_jws_alg",
    "sm2_signature_form",
    "request_object_signing_alg",
    "subject_type",
    "sector_identifier_uri",
    "backchannel_logout_uri",
    "initiate_login_uri",
    "policy_uri",
    "tos_uri",
)
_LISTS: Final = ("redirect_uris", "post_logout_redirect_uris", "grant_types")
_FLAGS: Final = (
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "require_signed_request_object",
    "backchannel_logout_session_required",
)

_ENCRYPTION: Final = tuple(
    f"{place}_{part}"
    for place in ("id_token", "userinfo", "request_object", "introspection", "authorization")
    for part in ("encrypted_response_alg", "encrypted_response_enc", "encryption_alg", "encryption_enc")
)
_ALGORITHM_DEFAULT: Final = "RS256"  # OpenID Connect Registration 2, where our own registrations have ES256
_STATED: Final = frozenset((*_TEXTS, *_LISTS, *_FLAGS, "request_uris"))


@dataclass(frozen=True, slots=True)
class StatedClient:
    """What a client said. ``registration`` has no client id yet and is not checked by its rules. ``scopes``: None where it named none."""

    name: str
    scopes: tuple[str, ...] | None
    registration: Registration


def refused(member: str, expected: str) -> TrustError:
    """The one refusal of metadata."""
    return TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field=member, expected=expected)


def read_metadata(members: Mapping[str, Any], opened: Opened = CLOSED) -> StatedClient:
    """Read what a client says about itself. CLIENT_FIELD_INVALID names the member. Where requests are not fetched ``request_uris`` is not known."""
    # 1. What would be a promise
    for name in _ENCRYPTION:
        if members.get(name) is not None:
            raise refused(name, "nothing: answers are not encrypted here")
    types = tuple(map(response_type_of, _texts(members, "response_types", (CODE_TYPE,))))
    if types != (CODE_TYPE,) and not opened.implicit:
        raise refused("response_types", CODE_TYPE)
    # 2. What it is called, and what it may ask for
    name = members.get("client_name", "")
    if not isinstance(name, str) or len(name) > NAME_CHARACTERS_MAX or (name and not is_shown(name)) or name != name.strip():
        raise refused("client_name", f"at most {NAME_CHARACTERS_MAX} visible characters")
    scope = members.get("scope")
    if scope is not None and (not isinstance(scope, str) or len(scope) > TEXT_CHARACTERS_MAX):
        raise refused("scope", "names separated by spaces")
    # 3. The rest by its kind
    given: dict[str, Any] = {name: _text(members, name) for name in _TEXTS if members.get(name) is not None}
    lists = (*_LISTS, "request_uris") if opened.request_uri else _LISTS
    given |= {name: _texts(members, name, ()) for name in lists if members.get(name) is not None}
    given |= {name: _flag(members, name) for name in _FLAGS if members.get(name) is not None}
    given.setdefault("id_token_signed_response_alg", _ALGORITHM_DEFAULT)
    given.setdefault("grant_types", (CODE,))
    if given.get("subject_type", "public") not in {"public", "pairwise"}:
        raise refused("subject_type", "public or pairwise")
    registration = Registration("", **given, response_types=types, jwks=_keys(members))
    return StatedClient(name, None if scope is None else tuple(scope.split()), registration)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX or not value.isprintable():
        raise refused(name, "a text")
    return value


def _texts(members: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = members.get(name)
    if value is None:
        return default
    if (
        not isinstance(value, list)
        or len(value) > TEXTS_MAX
        or not all(isinstance(each, str) and len(each) <= TEXT_CHARACTERS_MAX for each in value)
    ):
        raise refused(name, "a list of texts")
    return tuple(value)


def _flag(members: Mapping[str, Any], name: str) -> bool:
    value = members[name]
    if not isinstance(value, bool):
        raise refused(name, "true or false")
    return value


def _keys(members: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    value = members.get("jwks")
    if value is None:
        return ()
    keys = value.get("keys") if isinstance(value, dict) else None
    if (
        not isinstance(keys, list)
        or len(keys) > KEYS_MAX
        or not all(isinstance(key, dict) and isinstance(key.get("kty"), str) for key in keys)
    ):
        raise refused("jwks", f"a JWK set of at most {KEYS_MAX} keys")
    if any(PRIVATE_MEMBERS & set(key) for key in keys):  # whoever sends us a private key has lost it
        raise refused("jwks", "public keys, and no others")
    return tuple(keys)


def allowed_scopes(
    stated: StatedClient, api_scopes: tuple[str, ...], sign_in_scopes: tuple[str, ...] = SIGN_IN_SCOPES
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What it gets of what it asked for: scopes for signing people in among ``sign_in_scopes``, and scopes of its own among ``api_scopes``.
    Nothing asked: sign-in alone.
    """
    if stated.scopes is None:
        return sign_in_scopes, ()
    return tuple(each for each in sign_in_scopes if each in stated.scopes), tuple(each for each in api_scopes if each in stated.scopes)


def write_metadata(registration: Registration, name: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    """What is registered, as RFC 7591 3.2.1 states it. ``scopes``: the client's own."""
    empty = replace(Registration(""), client_id=registration.client_id)
    said: dict[str, Any] = {
        "client_id": registration.client_id,
        "client_name": name,
        "response_types": list(registration.response_types),
        "scope": " ".join(dict.fromkeys((*registration.scopes, *registration.person_scopes, *scopes))),
    }
    for each in fields(Registration):
        value = getattr(registration, each.name)
        always = each.name in {"redirect_uris", "grant_types", "token_endpoint_auth_method", "id_token_signed_response_alg", "subject_type"}
        if each.name in _STATED and (always or value != getattr(empty, each.name)):
            said[each.name] = list(value) if isinstance(value, tuple) else value
    if registration.jwks:
        said["jwks"] = {"keys": list(registration.jwks)}
    return said
