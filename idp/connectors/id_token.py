"""Checking an ID token of an upstream: OpenID Connect Core 1.0, 3.1.3.7. Form, keys and signatures are read by crypto/jose.py; what is here is which
key an upstream means and what its token must say.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crypto.jose import JWKS_KEYS, NEVER_IN_HEADER, SM2_CURVE, JwsAlgorithm, read_jwk, read_signed, write_base64url
from crypto.sm2_form import SM2_FORM, Sm2Form
from crypto.sm3 import sm3
from idp.connectors.protocol import refused
from idp.connectors.settings import SKEW_SECONDS_MAX, VALUE_CHARACTERS_MAX
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crypto.jose import SignedText, VerificationKey
    from idp.connectors.settings import ConnectorSettings

TOKEN_CHARACTERS_MAX: Final = 16 * 1024  # it comes in a body, not in a header line, and may list what somebody belongs to
AGE_SECONDS_MAX: Final = 600
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TYPE: Final = "logout+jwt"
EXPIRY_SECONDS_MAX: Final = 10**11  # of a time in a token: what datetime can hold
_KEY_TYPES: Final = {"RS256": "RSA", "ES256": "EC"}
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Notice:
    """What a logout token says: subject or session there (one may be empty), its number, and until when it has to be remembered."""

    subject: str
    session: str
    number: str
    keep_until: datetime


def read_id_token(
    settings: ConnectorSettings, token: object, key_set: Mapping[str, Any], nonce: str, access_token: str, at: datetime
) -> dict[str, Any]:
    """The claims of a token that this issuer made for us, now, for this very sign-in; anything else ``UPSTREAM_ANSWER_REFUSED``."""
    # 1. signed by this issuer for us, now; a notice of logout is signed by the same keys and is no ID token
    signed, claims = _read_signed(settings, token, key_set)
    events = claims.get("events") or {}
    if _form_of(signed.kind) == LOGOUT_TYPE or not isinstance(events, dict | list) or LOGOUT_EVENT in events:
        raise refused("id-token-form")
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise refused("id-token-audience")
    if claims.get("azp", settings.client_id) != settings.client_id:
        raise refused("id-token-audience")
    _check_times(settings, claims, at)
    # 2. for which sign-in, with which access token
    stated = claims.get("nonce")
    if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), nonce.encode()):
        raise refused("id-token-nonce")
    hashed = sm3 if _sm2_form(settings, signed.header.get("alg")) else lambda data: hashlib.sha256(data).digest()
    half = write_base64url(hashed(access_token.encode())[:16])
    if claims.get("at_hash", half) != half:
        raise refused("id-token-access-token")
    return claims


def read_logout_token(settings: ConnectorSettings, token: object, key_set: Mapping[str, Any], at: datetime) -> Notice:
    """The notice that a session there has ended (OpenID Connect Back-Channel Logout 1.0, 2.6); anything else ``UPSTREAM_ANSWER_REFUSED``."""
    # 1. signed by this issuer for us, now
    signed, claims = _read_signed(settings, token, key_set)
    if _form_of(signed.kind) not in {LOGOUT_TYPE, "jwt", None}:
        raise refused("logout-token-form")
    _check_times(settings, claims, at)
    # 2. a notice of logout and nothing else: an ID token is signed by the same keys
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict) or "nonce" in claims:
        raise refused("logout-token-form")
    # 3. whose, and under which number
    subject, session, number = (claims.get(name, "") for name in ("sub", "sid", "jti"))
    texts = (subject, session, number)
    if not all(isinstance(each, str) and len(each) <= VALUE_CHARACTERS_MAX for each in texts) or not number or not (subject or session):
        raise refused("logout-token-form")
    return Notice(str(subject), str(session), str(number), datetime.fromtimestamp(_seconds(claims, "exp") + SKEW_SECONDS_MAX, UTC))


def read_auth_time(settings: ConnectorSettings, claims: Mapping[str, Any], anew_since: str, at: datetime) -> datetime | None:
    """When the person has shown himself there, None where it is not said. ``anew_since``: a time (ISO 8601) since which it must have been;
    an upstream that answers by an older sign-in has not done what it was asked (OIDC Core 3.1.2.1).
    """
    if "auth_time" not in claims and not anew_since:
        return None
    shown = _seconds(claims, "auth_time")
    skew = settings.clock_skew_seconds
    if shown - skew > at.timestamp():
        raise refused("id-token-early")
    if anew_since and shown + skew < datetime.fromisoformat(anew_since).timestamp():
        raise refused("not-anew")
    return min(datetime.fromtimestamp(shown, UTC), at)


def _read_signed(settings: ConnectorSettings, token: object, key_set: Mapping[str, Any]) -> tuple[SignedText, dict[str, Any]]:
    """The token and the claims of one by the issuer's key, of the issuer, for us."""
    # 1. form
    signed = _form_of(lambda: read_signed(token if isinstance(token, str) else "", TOKEN_CHARACTERS_MAX))
    # 2. algorithm of our short list (never none, never HMAC), and nothing in the header that would change the rules or bring a key (OIDC Core 2).
    # Other members are passed over (RFC 7515 4): widespread upstreams name a certificate (x5t) beside the key
    algorithm = signed.header.get("alg")
    sm2 = _sm2_form(settings, algorithm)
    if not isinstance(algorithm, str) or (algorithm not in _KEY_TYPES and sm2 is None) or NEVER_IN_HEADER & signed.header.keys():
        raise refused("id-token-algorithm")
    # 3. signature, by a key of the issuer's set
    key = _choose_key(algorithm, signed.header, key_set, sm2)
    if not _form_of(lambda: signed.is_by(key, (sm2 or SM2_FORM,))):
        raise refused("id-token-signature")
    claims = _form_of(signed.claims)
    # 4. by whom, for whom
    if claims.get("iss") != settings.issuer:
        raise refused("id-token-issuer")
    audience = claims.get("aud")
    if settings.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise refused("id-token-audience")
    return signed, claims


def _form_of(read: Callable[[], _Read]) -> _Read:
    try:
        return read()
    except TrustError:
        raise refused("id-token-form") from None


def _check_times(settings: ConnectorSettings, claims: Mapping[str, Any], at: datetime) -> None:
    now, skew = int(at.timestamp()), settings.clock_skew_seconds
    if _seconds(claims, "exp") + skew <= now:
        raise refused("id-token-expired")
    issued = _seconds(claims, "iat")
    if issued - skew > now or ("nbf" in claims and _seconds(claims, "nbf") - skew > now):
        raise refused("id-token-early")
    if issued + AGE_SECONDS_MAX + skew < now:
        raise refused("id-token-expired")


def _choose_key(algorithm: str, header: Mapping[str, Any], key_set: Mapping[str, Any], sm2: Sm2Form | None) -> VerificationKey:
    """The one key of the set that is for this algorithm and has the name that is stated; a set of one key may name none (OIDC Core 10.1)."""
    keys = key_set.get("keys")
    if not isinstance(keys, list) or len(keys) > JWKS_KEYS:
        raise refused("key-set")
    names = {algorithm} if sm2 is None else {algorithm, JwsAlgorithm.SM2}
    fitting = [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") == _KEY_TYPES.get(algorithm, "EC")
        and (sm2 is None) != (key.get("crv") == SM2_CURVE)
        and key.get("alg", algorithm) in names
        and key.get("use", "sig") == "sig"
        and ("kid" not in header or (isinstance(header["kid"], str) and key.get("kid") == header["kid"]))
    ]
    if len(fitting) != 1:
        raise refused("id-token-key")
    try:
        return read_jwk({**fitting[0], "kid": "upstream", "alg": algorithm if sm2 is None else JwsAlgorithm.SM2}, gm=sm2 is not None)
    except TrustError:
        raise refused("id-token-key") from None


def _sm2_form(settings: ConnectorSettings, algorithm: object) -> Sm2Form | None:
    """How this upstream writes SM2, where the operator has said that it does and the token says the very name; None: it is not SM2."""
    if not settings.sm2 or algorithm != settings.sm2.get("alg", JwsAlgorithm.SM2):
        return None
    return Sm2Form(is_der=settings.sm2.get("signature") == "der")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= EXPIRY_SECONDS_MAX:
        raise refused("id-token-times")
    return value
