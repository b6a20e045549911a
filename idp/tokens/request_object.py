"""Authorization requests as signed objects (JAR, RFC 9101; OIDC Core 6). Pure: object and keys in, parameters out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from idp.model.registrations import FAPI_ALGORITHMS
from idp.tokens.client_jwt import CLIENT_ALGORITHMS, check_client_jwt, check_client_times
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from crypto.jose import VerificationKey
    from idp.model.registrations import Registration

OBJECT_TYPES: Final = ("oauth-authz-req+jwt", "jwt", None)  # RFC 9101 10.8; OpenID Connect Core 6.1 knows no type
_ABOUT_THE_OBJECT: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})


def object_algorithms(registration: Registration) -> tuple[str, ...]:
    """The algorithms a client may sign its request objects with: the one it registered, else all that are read here."""
    known = FAPI_ALGORITHMS if registration.is_fapi else CLIENT_ALGORITHMS
    chosen = registration.request_object_signing_alg
    return known if not chosen else tuple(each for each in known if each == chosen)


def read_request_object(
    text: str, registration: Registration, keys: Iterable[VerificationKey], *, issuer: str, at: datetime, is_fetched: bool = False
) -> tuple[tuple[str, str], ...]:
    """The parameters in a request object, which count alone: what stands beside it does not (RFC 9101 6.3). REQUEST_OBJECT_INVALID.

    ``is_fetched``: just now, from where its client keeps it (OIDC Core 6.2): how long it counts, the client says by what lies there, so that it
    needs no ``exp``; one that it has is held to.
    """
    try:
        claims = check_client_jwt(text, keys, algorithms=object_algorithms(registration), types=OBJECT_TYPES)
        check_client_times(claims, at, needs_end=not is_fetched)
    except TrustError as error:
        raise refused(str(error.facts.get("reason", ""))) from None
    # 1. Made by this client for this provider
    if claims.get("iss") != registration.client_id or claims.get("client_id") != registration.client_id:
        raise refused("iss")
    audience = claims.get("aud")
    if audience != issuer and not (isinstance(audience, list) and issuer in audience):
        raise refused("aud")
    if "sub" in claims:  # an assertion by which the client authenticates must not pass for a request (RFC 9101 10.8)
        raise refused("sub")
    if {"request", "request_uri"} & set(claims):  # RFC 9101 4
        raise refused("nested")
    # 2. As parameters are written outside of it
    pairs: list[tuple[str, str]] = []
    for name, value in claims.items():
        if name in _ABOUT_THE_OBJECT:
            continue
        if isinstance(value, str):
            pairs.append((name, value))
        elif type(value) is int:
            pairs.append((name, str(value)))
        elif isinstance(value, dict):
            pairs.append((name, json.dumps(value, separators=(",", ":"))))
        else:
            raise refused("parameter")
    return tuple(pairs)


def refused(reason: str) -> TrustError:
    """The one refusal of a request object; ``reason`` names the rule."""
    return TrustError(Kind.UNACCEPTABLE, "REQUEST_OBJECT_INVALID", reason=reason)
