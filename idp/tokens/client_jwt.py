"""What clients sign with their own keys: request objects (RFC 9101) and assertions (RFC 7523). Pure: text and keys in, claims out.

The keys are those the client registered, never any that the text names or brings along; each is used with its own algorithm and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crypto.jose import HEADER_MEMBERS, NUMERIC_DATE_LIMIT, SAME_ALGORITHM, invalid, read_signed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from crypto.jose import VerificationKey

CLIENT_ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519", "RS256", "PS256")
LIFETIME_SECONDS: Final = 3600  # FAPI 2.0 message signing 5.3.1: an hour at most
AHEAD_SECONDS: Final = 30  # FAPI 2.0 security profile 5.3.2.1: ten seconds ahead must be taken, more than sixty never


def check_client_jwt(
    text: str, keys: Iterable[VerificationKey], *, algorithms: Collection[str], types: Collection[str | None]
) -> dict[str, Any]:
    """The claims of a compact JWS that one of a client's keys signed; they are not judged here. JWS_INVALID.

    ``types``: the ``typ`` values that may stand in the header, lower case; None among them: it may be missing. Where the header names no
    key, each of the algorithm's is tried: a client has few.
    """
    signed = read_signed(text)
    header = signed.header
    if not set(header) <= HEADER_MEMBERS:
        raise invalid("header member")
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise invalid("alg")
    if signed.kind() not in types:
        raise invalid("typ")
    wanted = SAME_ALGORITHM.get(algorithm, algorithm)
    fitting = [key for key in keys if key.algorithm == wanted and ("kid" not in header or key.key_id == key_id)]
    if not any(signed.is_by(key) for key in fitting):
        raise invalid("signature")
    return signed.claims()


def check_client_times(
    claims: Mapping[str, Any], at: datetime, *, lifetime_seconds: int = LIFETIME_SECONDS, needs_end: bool = True
) -> None:
    """``exp``, seconds since 1970 UTC: demanded (``needs_end``), not past, not further off than a lifetime; ``nbf`` and ``iat`` not ahead. JWS_INVALID."""
    now = at.timestamp()
    for name in ("exp", "nbf", "iat"):
        if name not in claims and not (name == "exp" and needs_end):
            continue
        value = claims.get(name)
        if type(value) is not int or not 0 <= value <= NUMERIC_DATE_LIMIT:
            raise invalid(name)
        if name == "exp" and not now < value <= now + lifetime_seconds + AHEAD_SECONDS:
            raise invalid(name)
        if name != "exp" and not now - lifetime_seconds <= value <= now + AHEAD_SECONDS:
            raise invalid(name)
