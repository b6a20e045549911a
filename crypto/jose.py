"""JSON Web Signatures in the compact form (RFC 7515, RFC 7518, RFC 8037, RFC 8725, with SM2 GM/T 0125), strictly.

A key carries its algorithm and is used with no other; the header may say nothing but ``alg``, ``kid`` and ``typ``; what would fetch a
key from somewhere (``jku``, ``x5u``), bring one along (``jwk``, ``x5c``) or change the rules (``crit``, ``b64``, ``zip``) is refused, as are
duplicate members, numbers that are none, and base64url that has two spellings. A key set holds SM2 keys alone or none: whoever did not
ask for SM2 (``gm``) never meets it. An SM2 signature is r and s, 32 bytes each, as ECDSA's, where a party was not registered with another ``Sm2Form``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from crypto.signatures import MAX_RSA_EXPONENT_BITS, SignatureAlgorithm
from crypto.sm2 import SM2PublicKey
from crypto.sm2_form import SM2_FORM, Sm2Form
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc5280_algorithms import read_spki
from standards.rfc5958_private_keys import is_sm2_key
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from crypto.signer import Signer

TOKEN_CHARACTERS: Final = 8192  # what common servers accept in one header line
SEGMENT_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]*")
JWKS_BYTES: Final = 65_536  # 32 RSA-4096 keys with room to spare
JWKS_KEYS: Final = 32
HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
NEVER_IN_HEADER: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
"""What would change what is verified, or by what: refused also where members that nobody here knows are passed over (RFC 7515 4)."""
RSA_BITS: Final = 2048  # RFC 7518 3.3
RSA_BITS_LIMIT: Final = 8192  # a larger modulus only costs time
SM2_CURVE: Final = "SM2-P-256"  # GM/T 0125.4
NUMERIC_DATE_LIMIT: Final = 2**53 - 1
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_COORDINATE: Final = 32
_ES256: Final = ec.ECDSA(hashes.SHA256())
_PS256: Final = padding.PSS(padding.MGF1(hashes.SHA256()), 32)  # RFC 7518 3.5: salt as long as the hash, never "whatever is found"


class JwsAlgorithm(StrEnum):
    """The signature algorithms we use and accept (RFC 7518 3.1, RFC 8037 3.1, GM/T 0125.1)."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"
    PS256 = "PS256"
    SM2 = "SGD_SM3_SM2"


SAME_ALGORITHM: Final = {"Ed25519": JwsAlgorithm.EDDSA}  # RFC 9864 2.2: another name for what is done here anyway
_BY_SIGNER: Final = {
    SignatureAlgorithm.ECDSA_SHA256: JwsAlgorithm.ES256,
    SignatureAlgorithm.ED25519: JwsAlgorithm.EDDSA,
    SignatureAlgorithm.RSA_SHA256: JwsAlgorithm.RS256,
    SignatureAlgorithm.RSA_PSS_SHA256: JwsAlgorithm.PS256,
    SignatureAlgorithm.SM2_SM3: JwsAlgorithm.SM2,
}
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey | SM2PublicKey


def invalid(reason: str) -> TrustError:
    """The one refusal of everything here; ``reason`` says which rule, never what was found."""
    return TrustError(Kind.UNAUTHENTICATED, "JWS_INVALID", reason=reason)


# ---- base64url and JSON


def write_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def read_base64url(text: str) -> bytes:
    """The reverse, accepting the one canonical spelling only."""
    if not SEGMENT_PATTERN.fullmatch(text):
        raise invalid("base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise invalid("base64url") from None
    if write_base64url(data) != text:
        raise invalid("base64url not canonical")
    return data


def read_strict_json(data: bytes) -> dict[str, Any]:
    """A JSON object that every reader reads alike (standards/rfc7493_i_json.py); TrustError JWS_INVALID with the rule otherwise."""
    try:
        return read_strict_object(data)
    except StrictJsonError as error:
        raise invalid(error.rule) from None


# ---- keys


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, bound to the one algorithm it is for."""

    key_id: str
    algorithm: JwsAlgorithm
    public_key: PublicKey

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """True where the signature (in JOSE form) is right."""
        key = self.public_key
        try:
            if isinstance(key, ec.EllipticCurvePublicKey | SM2PublicKey):
                if len(signature) != 2 * _COORDINATE:
                    return False
                r, s = int.from_bytes(signature[:_COORDINATE], "big"), int.from_bytes(signature[_COORDINATE:], "big")
                if isinstance(key, SM2PublicKey):
                    return key.verify(encode_dss_signature(r, s), message)
                if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
                    return False
                key.verify(encode_dss_signature(r, s), message, _ES256)
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, message, _PS256 if self.algorithm is JwsAlgorithm.PS256 else padding.PKCS1v15(), hashes.SHA256())
            else:
                key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _is_fit(numbers: rsa.RSAPublicNumbers) -> bool:
    return RSA_BITS <= numbers.n.bit_length() <= RSA_BITS_LIMIT and numbers.e.bit_length() <= MAX_RSA_EXPONENT_BITS


def verification_key(spki_der: bytes, key_id: str | None = None, *, algorithm: str | None = None) -> VerificationKey:
    """From a SubjectPublicKeyInfo (DER): P-256, Ed25519, SM2 or RSA of 2048 to 8192 bits. ``key_id`` None: the thumbprint (RFC 7638).

    ``algorithm``: what it is for; refused where it is not one of the key's. None: the key's own, for RSA RS256.
    """
    try:
        info = read_spki(spki_der)
        public = SM2PublicKey.from_spki(spki_der) if is_sm2_key(info) else load_der_public_key(spki_der)
    except (ValueError, UnsupportedAlgorithm, TrustError):
        raise invalid("key") from None
    if isinstance(public, SM2PublicKey):
        found = VerificationKey("", JwsAlgorithm.SM2, public)
    elif isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        found = VerificationKey("", JwsAlgorithm.ES256, public)
    elif isinstance(public, ed25519.Ed25519PublicKey):
        found = VerificationKey("", JwsAlgorithm.EDDSA, public)
    elif isinstance(public, rsa.RSAPublicKey) and _is_fit(public.public_numbers()):
        found = VerificationKey("", JwsAlgorithm.PS256 if algorithm == JwsAlgorithm.PS256 else JwsAlgorithm.RS256, public)
    else:
        raise invalid("key")
    if algorithm not in {None, found.algorithm}:
        raise invalid("key")
    return VerificationKey(key_id or thumbprint(found), found.algorithm, public)


def _members(key: VerificationKey) -> dict[str, str]:
    """The members that make up the key, in the order of RFC 7638 3.2."""
    public = key.public_key
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        x, y = point.x.to_bytes(_COORDINATE, "big"), point.y.to_bytes(_COORDINATE, "big")
        return {"crv": "P-256", "kty": "EC", "x": write_base64url(x), "y": write_base64url(y)}
    if isinstance(public, SM2PublicKey):
        x, y = public.point[-2 * _COORDINATE : -_COORDINATE], public.point[-_COORDINATE:]
        return {"crv": SM2_CURVE, "kty": "EC", "x": write_base64url(x), "y": write_base64url(y)}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        n, e = ((v.bit_length() + 7) // 8 for v in (numbers.n, numbers.e))
        return {"e": write_base64url(numbers.e.to_bytes(e, "big")), "kty": "RSA", "n": write_base64url(numbers.n.to_bytes(n, "big"))}
    return {"crv": "Ed25519", "kty": "OKP", "x": write_base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def thumbprint(key: VerificationKey) -> str:
    """The JWK thumbprint with SHA-256, base64url (RFC 7638)."""
    return write_base64url(hashlib.sha256(json.dumps(_members(key), separators=(",", ":"), sort_keys=True).encode()).digest())


def write_jwk(key: VerificationKey) -> dict[str, str]:
    """The public JWK (RFC 7517) with ``use``, ``alg`` and ``kid``."""
    return {**_members(key), "use": "sig", "alg": str(key.algorithm), "kid": key.key_id}


def read_jwk(members: Mapping[str, Any], *, gm: bool = False, rsa_without_alg: JwsAlgorithm = JwsAlgorithm.RS256) -> VerificationKey:
    """Read a public JWK. Refused: private members, a ``use`` other than ``sig``, an ``alg`` that is not the key's, no ``kid``.

    ``gm``: SM2 keys and no others; False: all others and no SM2. ``rsa_without_alg``: what an RSA key is for that does not say so.
    """
    if {"d", "p", "q", "k"} & set(members):
        raise invalid("key is not public")
    texts = {name: value for name, value in members.items() if isinstance(value, str)}
    key_id, kind, curve = texts.get("kid", ""), texts.get("kty"), texts.get("crv")
    try:
        if gm != (curve == SM2_CURVE):
            raise invalid("key type")
        if kind == "EC" and curve in {"P-256", SM2_CURVE}:
            x, y = read_base64url(texts["x"]), read_base64url(texts["y"])
            if len(x) != _COORDINATE or len(y) != _COORDINATE:
                raise invalid("key")
        if kind == "EC" and curve == SM2_CURVE:
            public: PublicKey = SM2PublicKey.from_point(x + y)
            algorithm = JwsAlgorithm.SM2
        elif kind == "EC" and curve == "P-256":
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
            algorithm = JwsAlgorithm.ES256
        elif kind == "OKP" and curve == "Ed25519":
            public, algorithm = ed25519.Ed25519PublicKey.from_public_bytes(read_base64url(texts["x"])), JwsAlgorithm.EDDSA
        elif kind == "RSA":
            n, e = read_base64url(texts["n"]), read_base64url(texts["e"])
            if len(n) * 8 > RSA_BITS_LIMIT or len(e) * 8 > MAX_RSA_EXPONENT_BITS:
                raise invalid("key")
            numbers = rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big"))
            if not _is_fit(numbers):  # leading zeros do not make a modulus long
                raise invalid("key")
            public = numbers.public_key()
            algorithm = JwsAlgorithm.PS256 if members.get("alg", rsa_without_alg) == JwsAlgorithm.PS256 else JwsAlgorithm.RS256
        else:
            raise invalid("key type")
    except (KeyError, ValueError, MalformedError):
        raise invalid("key") from None
    stated = members.get("alg", algorithm)
    is_same = isinstance(stated, str) and SAME_ALGORITHM.get(stated, stated) == algorithm
    if not is_same or members.get("use", "sig") != "sig" or not key_id:
        raise invalid("key")
    return VerificationKey(key_id, algorithm, public)


def read_jwks(data: bytes, *, gm: bool = False, rsa_without_alg: JwsAlgorithm = JwsAlgorithm.RS256) -> dict[str, VerificationKey]:
    """Read a JWK Set: usable keys by ``kid``. Keys of kinds we do not use are passed over (RFC 7517 5); two of one ``kid`` are refused.

    ``gm`` and ``rsa_without_alg``: as for ``read_jwk``.
    """
    if len(data) > JWKS_BYTES:
        raise invalid("key set too large")
    listed = read_strict_json(data).get("keys")
    if not isinstance(listed, list) or len(listed) > JWKS_KEYS:
        raise invalid("key set")
    keys: dict[str, VerificationKey] = {}
    for members in listed:
        try:
            key = read_jwk(members if isinstance(members, dict) else {}, gm=gm, rsa_without_alg=rsa_without_alg)
        except TrustError:
            continue
        if key.key_id in keys:
            raise invalid("duplicate kid")
        keys[key.key_id] = key
    return keys


# ---- tokens


@dataclass(frozen=True, slots=True)
class CheckedToken:
    """What a token says whose signature was found right."""

    header: Mapping[str, str]
    claims: Mapping[str, Any]
    key: VerificationKey


@lru_cache(maxsize=256)
def _header(algorithm: str, token_type: str, key_id: str) -> bytes:
    header = json.dumps({"alg": algorithm, "typ": token_type, "kid": key_id}, separators=(",", ":"))
    return write_base64url(header.encode()).encode("ascii") + b"."


class TokenSigner:
    """Signs claims with one key; the header is prepared once. ``token_type``: the ``typ``, such as ``at+jwt``. ``sm2``: the form where it is an SM2 key."""

    def __init__(self, signer: Signer, *, key_id: str, token_type: str, sm2: Sm2Form = SM2_FORM) -> None:
        algorithm = _BY_SIGNER.get(signer.algorithm)
        if algorithm is None:
            raise TrustError(Kind.UNACCEPTABLE, "JWS_ALGORITHM_UNSUPPORTED", algorithm=str(signer.algorithm))
        is_sm2 = algorithm is JwsAlgorithm.SM2
        self._header = _header(sm2.name if is_sm2 else str(algorithm), token_type, key_id)
        self._sign = signer.sign
        self._is_pair = algorithm is JwsAlgorithm.ES256 or (is_sm2 and not sm2.is_der)

    def sign(self, claims: Mapping[str, object]) -> str:
        """The token, compact. Times in ``claims`` are NumericDates: whole seconds since 1970, UTC."""
        payload = json.dumps(claims, separators=(",", ":"), allow_nan=False).encode()
        message = self._header + base64.urlsafe_b64encode(payload).rstrip(b"=")
        signature = self._sign(message)
        if self._is_pair:
            r, s = decode_dss_signature(signature)
            signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")  # RFC 7518 3.4
        return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode("ascii")


@dataclass(frozen=True, slots=True)
class SignedText:
    """A JWS in the compact form as it came: the header is read, nothing is checked."""

    header: Mapping[str, Any]
    _head: str
    _payload: str
    _signature: str

    def __repr__(self) -> str:
        """Without its content."""
        return "SignedText()"

    def kind(self) -> str | None:
        """``typ``, of which an ``application/`` prefix and letter case do not matter (RFC 7515 4.1.9); None where it says none. JWS_INVALID."""
        kind = self.header.get("typ")
        if "typ" in self.header and not isinstance(kind, str):
            raise invalid("typ")
        return kind.lower().removeprefix("application/") if isinstance(kind, str) else None

    def signature(self) -> bytes:
        """The signature. JWS_INVALID."""
        return read_base64url(self._signature)

    def message(self) -> bytes:
        """What is signed."""
        return f"{self._head}.{self._payload}".encode("ascii")

    def is_by(self, key: VerificationKey, forms: Collection[Sm2Form] = (SM2_FORM,)) -> bool:
        """Whether ``key`` signed it, SM2 in one of these forms. JWS_INVALID for a signature that cannot be read."""
        signature, message = self.signature(), self.message()
        wanted = forms if key.algorithm is JwsAlgorithm.SM2 else (SM2_FORM,)
        return any(raw is not None and key.verifies(raw, message) for each in wanted for raw in (each.raw(signature),))

    def claims(self) -> dict[str, Any]:
        """What it says, not judged. JWS_INVALID."""
        return read_strict_json(read_base64url(self._payload))


def read_signed(token: str, limit_characters: int = TOKEN_CHARACTERS) -> SignedText:
    """Read the form of every token that is read here, and its header. JWS_INVALID."""
    if len(token) > limit_characters or not token.isascii():
        raise invalid("length")
    parts = token.split(".")
    if len(parts) != 3:
        raise invalid("form")
    return SignedText(read_strict_json(read_base64url(parts[0])), *parts)


def check_token(
    token: str,
    keys: Mapping[str, VerificationKey],
    *,
    token_type: str,
    limit_characters: int = TOKEN_CHARACTERS,
    sm2_forms: Collection[Sm2Form] = (SM2_FORM,),
) -> CheckedToken:
    """Check form, type, key and signature; claims are read but not judged. Raises TrustError JWS_INVALID.

    ``token_type``: the demanded ``typ`` (RFC 8725 3.11); an ``application/`` prefix and letter case do not matter (RFC 7515 4.1.9).
    ``limit_characters``: for tokens that do not travel in a header line, such as status lists. ``sm2_forms``: those in which an SM2 key may have signed.
    """
    signed = read_signed(token, limit_characters)
    header = signed.header
    if not set(header) <= HEADER_MEMBERS:
        raise invalid("header member")
    algorithm, key_id, kind = (header.get(name) for name in ("alg", "kid", "typ"))
    if not (isinstance(algorithm, str) and isinstance(key_id, str) and isinstance(kind, str)):
        raise invalid("header member")
    if signed.kind() != token_type:
        raise invalid("typ")
    key = keys.get(key_id)
    if key is None:
        raise TrustError(Kind.UNAUTHENTICATED, "JWS_KEY_UNKNOWN")
    forms = [each for each in sm2_forms if each.name == algorithm] if key.algorithm is JwsAlgorithm.SM2 else [SM2_FORM]
    if not forms or (key.algorithm is not JwsAlgorithm.SM2 and key.algorithm != algorithm):
        raise invalid("alg")
    if not signed.is_by(key, forms):
        raise invalid("signature")
    return CheckedToken(header, signed.claims(), key)
