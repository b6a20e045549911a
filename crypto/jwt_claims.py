"""What a token of ours must say beside its signature (RFC 7519 4.1): by whom, for whom, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crypto.jose import NUMERIC_DATE_LIMIT, invalid
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def check_claims(
    claims: Mapping[str, Any], *, issuer: str, audience: str, at: datetime, leeway_seconds: int = 5, lifetime_seconds: int | None = None
) -> None:
    """Check ``iss``, ``aud``, ``exp`` (demanded), ``nbf`` and ``iat`` (where present) at the time ``at`` (aware UTC).

    Raises TrustError JWS_INVALID, or JWS_EXPIRED where nothing but the time is wrong.
    """
    if claims.get("iss") != issuer:
        raise invalid("iss")
    named = claims.get("aud")
    if not (named == audience if isinstance(named, str) else isinstance(named, list) and audience in named):
        raise invalid("aud")
    now = at.timestamp()
    for name in ("exp", "nbf", "iat"):
        if name not in claims and name != "exp":
            continue
        value = claims.get(name)
        if type(value) is not int or not 0 <= value <= NUMERIC_DATE_LIMIT:
            raise invalid(name)
        if name != "exp" and value > now + leeway_seconds:
            raise invalid(name)
    if lifetime_seconds is not None and claims["exp"] - claims.get("iat", now) > lifetime_seconds:
        raise invalid("lifetime")
    if now >= claims["exp"] + leeway_seconds:
        raise TrustError(Kind.UNAUTHENTICATED, "JWS_EXPIRED")
