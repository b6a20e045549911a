"""Checking an ID token of an upstream: OpenID Connect Core 1.0, 3.1.3.7, with the algorithm bound to the key before it is chosen."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from crypto.jose import SM2_CURVE, JwsAlgorithm, VerificationKey, write_base64url
from crypto.signatures import MAX_RSA_EXPONENT_BITS
from crypto.sm2 import SM2PublicKey
from crypto.sm2_form import Sm2Form
from crypto.sm3 import sm3
from idp.connectors.protocol import read_object, refused
from idp.connectors.settings import SKEW_SECONDS_MAX, VALUE_CHARACTERS_MAX
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.connectors.settings import ConnectorSettings

TOKEN_CHARACTERS_MAX: Final = 16 * 1024
KEYS_MAX: Final = 32
RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 8192
AGE_SECONDS_MAX: Final = 600
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TYPE: Final = "logout+jwt"
EXPIRY_SECONDS_MAX: Final = 10**11  # of a time in a token: what datetime can hold
_PARTS: Final = 3
_COORDINATE_BYTES: Final = 32
_KEY_TYPES: Final = {"RS256": "RSA", "ES256": "EC"}


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
    header, claims = _read_signed(settings, token, key_set)
    events = claims.get("events") or {}
    if header.get("typ") == LOGOUT_TYPE or not isinstance(events, dict | list) or LOGOUT_EVENT in events:
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
    hashed = sm3 if _sm2_form(settings, header.get("alg")) else lambda data: hashlib.sha256(data).digest()
    half = write_base64url(hashed(access_token.encode())[:16])
    if claims.get("at_hash", half) != half:
        raise refused("id-token-access-token")
    return claims


def read_logout_token(settings: ConnectorSettings, token: object, key_set: Mapping[str, Any], at: datetime) -> Notice:
    """The notice that a session there has ended (OpenID Connect Back-Channel Logout 1.0, 2.6); anything else ``UPSTREAM_ANSWER_REFUSED``."""
    # 1. signed by this issuer for us, now
    header, claims = _read_signed(settings, token, key_set)
    if str(header.get("typ", LOGOUT_TYPE)).lower().removeprefix("application/") not in {LOGOUT_TYPE, "jwt"}:
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


def _read_signed(settings: ConnectorSettings, token: object, key_set: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token by the issuer's key, of the issuer, for us."""
    # 1. form
    if not isinstance(token, str) or len(token) > TOKEN_CHARACTERS_MAX or token.count(".") != _PARTS - 1 or not token.isascii():
        raise refused("id-token-form")
    head, body, signature = token.split(".")
    header, claims = read_object(_decode(head)), read_object(_decode(body))
    # 2. algorithm of our short list (never none, never HMAC), and no extension that we do not understand
    algorithm = header.get("alg")
    sm2 = _sm2_form(settings, algorithm)
    if not isinstance(algorithm, str) or (algorithm not in _KEY_TYPES and sm2 is None) or "crit" in header:
        raise refused("id-token-algorithm")
    # 3. signature, by a key of the issuer's set
    key, signed, shown = _choose_key(algorithm, header, key_set), f"{head}.{body}".encode(), _decode(signature)
    if not (_verify(algorithm, key, signed, shown) if sm2 is None else _verify_sm2(sm2, key, signed, shown)):
        raise refused("id-token-signature")
    # 4. by whom, for whom
    if claims.get("iss") != settings.issuer:
        raise refused("id-token-issuer")
    audience = claims.get("aud")
    if settings.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise refused("id-token-audience")
    return header, claims


def _check_times(settings: ConnectorSettings, claims: Mapping[str, Any], at: datetime) -> None:
    now, skew = int(at.timestamp()), settings.clock_skew_seconds
    if _seconds(claims, "exp") + skew <= now:
        raise refused("id-token-expired")
    issued = _seconds(claims, "iat")
    if issued - skew > now or ("nbf" in claims and _seconds(claims, "nbf") - skew > now):
        raise refused("id-token-early")
    if issued + AGE_SECONDS_MAX + skew < now:
        raise refused("id-token-expired")


def _choose_key(algorithm: str, header: Mapping[str, Any], key_set: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = key_set.get("keys")
    if not isinstance(keys, list) or len(keys) > KEYS_MAX:
        raise refused("key-set")
    fitting = [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") == _KEY_TYPES.get(algorithm, "EC")
        and (algorithm in _KEY_TYPES) != (key.get("crv") == SM2_CURVE)
        and key.get("alg", algorithm) in ({algorithm} if algorithm in _KEY_TYPES else {algorithm, JwsAlgorithm.SM2})
        and key.get("use", "sig") == "sig"
        and ("kid" not in header or key.get("kid") == header["kid"])
    ]
    if len(fitting) != 1:
        raise refused("id-token-key")
    return fitting[0]


def _sm2_form(settings: ConnectorSettings, algorithm: object) -> Sm2Form | None:
    """How this upstream writes SM2, where the operator has said that it does and the token says the very name; None: it is not SM2."""
    if not settings.sm2 or algorithm != settings.sm2.get("alg", JwsAlgorithm.SM2):
        return None
    return Sm2Form(is_der=settings.sm2.get("signature") == "der")


def _verify_sm2(form: Sm2Form, key: Mapping[str, Any], signed: bytes, signature: bytes) -> bool:
    raw, point = form.raw(signature), [_decode(value if isinstance(value := key.get(name), str) else "") for name in ("x", "y")]
    if raw is None or [len(each) for each in point] != [_COORDINATE_BYTES] * 2:
        return False
    try:
        public = SM2PublicKey.from_point(b"".join(point))
    except (MalformedError, TrustError):
        return False
    return VerificationKey("", JwsAlgorithm.SM2, public).verifies(raw, signed)


def _verify(algorithm: str, key: Mapping[str, Any], signed: bytes, signature: bytes) -> bool:
    try:
        if algorithm == "RS256":
            rsa_key = rsa.RSAPublicNumbers(_number(key, "e"), _number(key, "n"))
            if not RSA_BITS_MIN <= rsa_key.n.bit_length() <= RSA_BITS_MAX or rsa_key.e.bit_length() > MAX_RSA_EXPONENT_BITS:
                raise refused("id-token-key")
            rsa_key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            return True
        if key.get("crv") != "P-256" or len(signature) != 2 * _COORDINATE_BYTES:
            return False
        public = ec.EllipticCurvePublicNumbers(_number(key, "x"), _number(key, "y"), ec.SECP256R1()).public_key()
        r, s = (int.from_bytes(half) for half in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]))
        public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _number(key: Mapping[str, Any], name: str) -> int:
    value = key.get(name)
    return int.from_bytes(_decode(value if isinstance(value, str) else ""))


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= EXPIRY_SECONDS_MAX:
        raise refused("id-token-times")
    return value


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refused("id-token-form") from None
