"""Verifying a signature value under a public key, whatever the algorithm: SM2, RSA (PKCS#1 v1.5 and PSS), ECDSA and Ed25519.

One function that never raises. What it cannot judge it calls unsupported, and what verifies only with a broken digest or a short key
it calls weak; what that means is for the caller to say.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from crypto.sm2 import SM2PublicKey
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError, TrustError
from standards.rfc5280_algorithms import AlgorithmIdentifier, algorithm, read_algorithm, read_spki
from standards.rfc5958_private_keys import is_sm2_key

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_RSA_BITS: Final = 2048  # GM/T 0115 and NIST SP 800-131A: below this a high-risk finding
MAX_RSA_BITS: Final = 16_384  # a verification with a longer modulus costs an attacker nothing and us seconds
MAX_RSA_EXPONENT_BITS: Final = 64  # real ones have 2 to 33; one as long as its modulus makes a verification forty times as dear
MAX_SIGNATURE_BYTES: Final = MAX_RSA_BITS // 8
MAX_CACHED_KEYS: Final = 512


class SignatureAlgorithm(StrEnum):
    """The algorithms we sign with."""

    SM2_SM3 = "sm2-sm3"
    ECDSA_SHA256 = "ecdsa-sha256"
    ECDSA_SHA384 = "ecdsa-sha384"
    RSA_SHA256 = "rsa-sha256"
    RSA_PSS_SHA256 = "rsa-pss-sha256"
    ED25519 = "ed25519"


class SignatureCheck(Enum):
    """What :func:`verify_signature` found."""

    GOOD = "good"
    BAD = "bad"  # it does not verify, or could not under this kind of key
    UNSUPPORTED = "unsupported"  # an algorithm, curve or parameter that is not ours to judge
    WEAK = "weak"  # verifies, but with MD5, SHA-1 or RSA under 2048 bits


_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    oids.MD5: hashes.MD5(),  # noqa: S303 - to tell weak from bad
    oids.SHA1: hashes.SHA1(),  # noqa: S303 - to tell weak from bad
    oids.SHA224: hashes.SHA224(),
    oids.SHA256: hashes.SHA256(),
    oids.SHA384: hashes.SHA384(),
    oids.SHA512: hashes.SHA512(),
    oids.SHA3_256: hashes.SHA3_256(),
    oids.SHA3_384: hashes.SHA3_384(),
    oids.SHA3_512: hashes.SHA3_512(),
}
_WEAK_HASHES: Final = frozenset({oids.MD5, oids.SHA1})
_RSA_DIGESTS: Final = {
    oids.MD5_WITH_RSA: oids.MD5,
    oids.SHA1_WITH_RSA: oids.SHA1,
    oids.SHA224_WITH_RSA: oids.SHA224,
    oids.SHA256_WITH_RSA: oids.SHA256,
    oids.SHA384_WITH_RSA: oids.SHA384,
    oids.SHA512_WITH_RSA: oids.SHA512,
}
_ECDSA_DIGESTS: Final = {
    oids.ECDSA_WITH_SHA1: oids.SHA1,
    oids.ECDSA_WITH_SHA256: oids.SHA256,
    oids.ECDSA_WITH_SHA384: oids.SHA384,
    oids.ECDSA_WITH_SHA512: oids.SHA512,
}
_ECDSA_ALGORITHMS: Final = frozenset({SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.ECDSA_SHA384})
_CURVES: Final = frozenset({oids.SECP256R1, oids.SECP384R1, oids.SECP521R1})
_POINT_FORMS: Final = frozenset({b"\x02", b"\x03", b"\x04"})  # compressed and uncompressed; hybrid must not be used (RFC 5480, 2.2)
_PSS_PARAMETERS: Final = der.sequence(
    der.explicit(0, der.sequence(der.oid(oids.SHA256), der.null())),
    der.explicit(1, der.sequence(der.oid(oids.MGF1), der.sequence(der.oid(oids.SHA256), der.null()))),
    der.explicit(2, der.integer(32)),
)
ALGORITHM_IDENTIFIERS: Final[dict[SignatureAlgorithm, AlgorithmIdentifier]] = {
    SignatureAlgorithm.SM2_SM3: algorithm(oids.SM2_WITH_SM3),
    SignatureAlgorithm.ECDSA_SHA256: algorithm(oids.ECDSA_WITH_SHA256),
    SignatureAlgorithm.ECDSA_SHA384: algorithm(oids.ECDSA_WITH_SHA384),
    SignatureAlgorithm.RSA_SHA256: algorithm(oids.SHA256_WITH_RSA, der.null()),
    SignatureAlgorithm.RSA_PSS_SHA256: algorithm(oids.RSA_PSS, _PSS_PARAMETERS),
    SignatureAlgorithm.ED25519: algorithm(oids.ED25519),
}
DIGEST_OIDS: Final[dict[SignatureAlgorithm, str]] = {
    SignatureAlgorithm.SM2_SM3: oids.SM3,
    SignatureAlgorithm.ECDSA_SHA256: oids.SHA256,
    SignatureAlgorithm.ECDSA_SHA384: oids.SHA384,
    SignatureAlgorithm.RSA_SHA256: oids.SHA256,
    SignatureAlgorithm.RSA_PSS_SHA256: oids.SHA256,
    SignatureAlgorithm.ED25519: oids.SHA512,  # for messageDigest beside Ed25519 (RFC 8419, 3)
}


def algorithm_identifier(signature_algorithm: SignatureAlgorithm) -> AlgorithmIdentifier:
    """What X.509 and CMS state for an algorithm that we sign with: SM2 with parameters absent, RSA with NULL."""
    return ALGORITHM_IDENTIFIERS[signature_algorithm]


def digest_oid_of(signature_algorithm: SignatureAlgorithm) -> str:
    """The digest that goes with an algorithm, for messageDigest and digestAlgorithms of CMS."""
    return DIGEST_OIDS[signature_algorithm]


def verify_signature(
    spki_der: bytes,
    algorithm: AlgorithmIdentifier,
    message: bytes | memoryview,
    signature: bytes,
    *,
    digest_oid: str | None = None,
) -> SignatureCheck:
    """Verify ``signature`` over ``message`` under the key ``spki_der``. Never raises.

    ``digest_oid`` counts only where ``algorithm`` names no digest: CMS may state rsaEncryption, or the bare key OID of EC and SM2.
    SM2 is verified with the default user id. A key of another kind than the algorithm demands is :attr:`SignatureCheck.BAD`.
    """
    return _verified(spki_der, algorithm, message, signature, digest_oid, is_digest=False)


def verify_over_digest(
    spki_der: bytes, algorithm: AlgorithmIdentifier, digest: bytes, signature: bytes, *, digest_oid: str | None = None
) -> SignatureCheck:
    """The same over a message of which only the digest is at hand: RSA and ECDSA, by the same rules. Never raises.

    SM2 and Ed25519 hash more than the message and are :attr:`SignatureCheck.UNSUPPORTED`.
    """
    return _verified(spki_der, algorithm, digest, signature, digest_oid, is_digest=True)


def _verified(
    spki_der: bytes,
    algorithm: AlgorithmIdentifier,
    data: bytes | memoryview,
    signature: bytes,
    digest_oid: str | None,
    *,
    is_digest: bool,
) -> SignatureCheck:
    if len(signature) > MAX_SIGNATURE_BYTES:
        return SignatureCheck.BAD
    try:
        verify = _verifier(spki_der, algorithm, digest_oid, is_digest=is_digest)
        return verify(data, signature)
    except _WrongKeyError:
        return SignatureCheck.BAD
    except (TrustError, UnsupportedAlgorithm, ValueError, TypeError, OverflowError):
        return SignatureCheck.UNSUPPORTED


def is_over_digest(spki_der: bytes, signature_algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is one over ``digest`` (e for SM2, the hash for ECDSA and RSA) under the key ``spki_der``. Never raises.

    For a key of another kind than the algorithm, and for Ed25519, which signs no digests, it is none.
    """
    try:
        key = _public_key(spki_der)
        if signature_algorithm is SignatureAlgorithm.SM2_SM3:
            return isinstance(key, SM2PublicKey) and key.verify_digest(signature, digest)
        hashed = Prehashed(_HASHES[DIGEST_OIDS[signature_algorithm]])
        if isinstance(key, ec.EllipticCurvePublicKey) and signature_algorithm in _ECDSA_ALGORITHMS:
            key.verify(signature, digest, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey) and signature_algorithm is SignatureAlgorithm.RSA_SHA256:
            key.verify(signature, digest, padding.PKCS1v15(), hashed)
        elif isinstance(key, rsa.RSAPublicKey) and signature_algorithm is SignatureAlgorithm.RSA_PSS_SHA256:
            key.verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashed)
        else:
            return False
    except (InvalidSignature, TrustError, UnsupportedAlgorithm, ValueError, TypeError, OverflowError):
        return False
    return True


def remember_decided(check: Callable[..., SignatureCheck], most: int) -> Callable[..., SignatureCheck]:
    """``check`` with a memory of its ``most`` latest answers, keyed by its arguments (immutable, hashable).

    UNSUPPORTED is not kept: it also stands for a library that failed this once, and such a failure must not outlast its cause.
    """

    @lru_cache(maxsize=most)
    def decided(*arguments: object) -> SignatureCheck:
        found = check(*arguments)
        if found is SignatureCheck.UNSUPPORTED:
            raise _UndecidedError
        return found

    def run(*arguments: object) -> SignatureCheck:
        try:
            return decided(*arguments)
        except _UndecidedError:
            return SignatureCheck.UNSUPPORTED

    return run


class _UndecidedError(Exception):
    """Carries UNSUPPORTED past the memory, which keeps no exceptions."""


class _WrongKeyError(Exception):
    """The key is of another kind than the algorithm."""


@lru_cache(maxsize=MAX_CACHED_KEYS)
def _public_key(spki_der: bytes) -> object:
    """The parsed key, of our own type for SM2 and of ``cryptography`` for the others, EC only on the curves we know."""
    info = read_spki(spki_der)
    if is_sm2_key(info):
        return SM2PublicKey.from_spki(spki_der)
    if info.algorithm.oid == oids.EC_PUBLIC_KEY:
        curve = der.read_der(info.algorithm.parameters_der or b"").oid()
        if curve not in _CURVES:
            raise MalformedError("CURVE_UNKNOWN", oid=curve)
        if info.key_bits[:1] not in _POINT_FORMS:
            raise MalformedError("SPKI_MALFORMED", curve=curve)
    return load_der_public_key(spki_der)


def _verifier(
    spki_der: bytes, stated: AlgorithmIdentifier, digest_oid: str | None, *, is_digest: bool
) -> Callable[[bytes | memoryview, bytes], SignatureCheck]:
    oid = stated.oid
    key = _public_key(spki_der)
    if oid in oids.SM2_SIGNATURE_OIDS or oid == oids.SM2_CURVE or (oid == oids.EC_PUBLIC_KEY and isinstance(key, SM2PublicKey)):
        bare = oid not in oids.SM2_SIGNATURE_OIDS
        if not isinstance(key, SM2PublicKey):
            raise _WrongKeyError
        if is_digest or (bare and digest_oid != oids.SM3):
            raise MalformedError("DIGEST_UNKNOWN", oid=digest_oid)
        return _sm2_verifier(key)
    if oid in _RSA_DIGESTS or oid in {oids.RSA, oids.RSA_PSS}:
        if not isinstance(key, rsa.RSAPublicKey):
            raise _WrongKeyError
        return _rsa_verifier(key, read_spki(spki_der).algorithm, stated, digest_oid, is_digest=is_digest)
    if oid in _ECDSA_DIGESTS or oid == oids.EC_PUBLIC_KEY:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise _WrongKeyError
        return _ecdsa_verifier(key, _ECDSA_DIGESTS.get(oid, digest_oid), is_digest=is_digest)
    if oid == oids.ED25519 and stated.parameters_der is None and not is_digest:
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise _WrongKeyError
        return _ed25519_verifier(key)
    raise MalformedError("SIGNATURE_ALGORITHM_UNKNOWN", oid=oid)


def _sm2_verifier(key: SM2PublicKey) -> Callable[[bytes | memoryview, bytes], SignatureCheck]:
    return lambda message, signature: SignatureCheck.GOOD if key.verify(signature, message) else SignatureCheck.BAD


def _checked(verify: Callable[[bytes, bytes], None], *, weak: bool) -> Callable[[bytes | memoryview, bytes], SignatureCheck]:
    def run(message: bytes | memoryview, signature: bytes) -> SignatureCheck:
        try:
            verify(signature, message)  # type: ignore[arg-type]  # any buffer is read
        except InvalidSignature:
            return SignatureCheck.BAD
        return SignatureCheck.WEAK if weak else SignatureCheck.GOOD

    return run


def _hash(digest_oid: str | None) -> hashes.HashAlgorithm:
    found = _HASHES.get(digest_oid or "")
    if found is None:
        raise MalformedError("DIGEST_UNKNOWN", oid=digest_oid)
    return found


def _rsa_verifier(
    key: rsa.RSAPublicKey, bound_to: AlgorithmIdentifier, stated: AlgorithmIdentifier, digest_oid: str | None, *, is_digest: bool
) -> Callable[[bytes | memoryview, bytes], SignatureCheck]:
    if key.key_size > MAX_RSA_BITS:
        raise MalformedError("RSA_KEY_TOO_LONG", limit=MAX_RSA_BITS, found=key.key_size)
    exponent_bits = key.public_numbers().e.bit_length()
    if exponent_bits > MAX_RSA_EXPONENT_BITS:
        raise MalformedError("RSA_KEY_TOO_LONG", limit=MAX_RSA_EXPONENT_BITS, found=exponent_bits)
    if bound_to.oid == oids.RSA_PSS and stated.oid != oids.RSA_PSS:
        raise _WrongKeyError
    if stated.oid == oids.RSA_PSS:
        oid, mgf_oid, salt_bytes = _read_pss(stated)
        if bound_to.oid == oids.RSA_PSS and bound_to.parameters_der is not None:
            *bound_digests, least_salt_bytes = _read_pss(bound_to)  # what a key states binds its signatures (RFC 4055, 3.3)
            if bound_digests != [oid, mgf_oid] or salt_bytes < least_salt_bytes:
                raise _WrongKeyError
        scheme: padding.AsymmetricPadding = padding.PSS(padding.MGF1(_hash(mgf_oid)), salt_bytes)
    else:
        oid = _RSA_DIGESTS.get(stated.oid, digest_oid or "")
        scheme = padding.PKCS1v15()
        if not stated.has_no_parameters:
            raise MalformedError("ALGORITHM_PARAMETERS", oid=stated.oid)
    found = Prehashed(_hash(oid)) if is_digest else _hash(oid)
    weak = oid in _WEAK_HASHES or key.key_size < MIN_RSA_BITS
    return _checked(lambda signature, message: key.verify(signature, message, scheme, found), weak=weak)


def _ecdsa_verifier(
    key: ec.EllipticCurvePublicKey, oid: str | None, *, is_digest: bool
) -> Callable[[bytes | memoryview, bytes], SignatureCheck]:
    scheme = ec.ECDSA(Prehashed(_hash(oid)) if is_digest else _hash(oid))
    return _checked(lambda signature, message: key.verify(signature, message, scheme), weak=oid in _WEAK_HASHES)


def _ed25519_verifier(key: ed25519.Ed25519PublicKey) -> Callable[[bytes | memoryview, bytes], SignatureCheck]:
    return _checked(key.verify, weak=False)


def _read_pss(stated: AlgorithmIdentifier) -> tuple[str, str, int]:
    """(digest, digest of MGF1, salt length in bytes) of RSASSA-PSS-params, each with its default (RFC 4055, 3.1)."""
    digest_oid, mgf_oid, salt_bytes = oids.SHA1, oids.SHA1, 20
    if stated.parameters_der is None:
        raise MalformedError("ALGORITHM_PARAMETERS", oid=stated.oid)
    parts = der.read_der(stated.parameters_der).children(der.SEQUENCE)
    if any(before.tag >= after.tag for before, after in pairwise(parts)):  # one field twice would be read differently by others
        raise MalformedError("ALGORITHM_PARAMETERS", oid=stated.oid)
    for part in parts:
        inner = part.only_child()
        if part.tag == der.context(0):
            digest_oid = read_algorithm(inner).oid
        elif part.tag == der.context(1):
            mgf = read_algorithm(inner)
            if mgf.oid != oids.MGF1 or mgf.parameters_der is None:
                raise MalformedError("ALGORITHM_PARAMETERS", oid=mgf.oid)
            mgf_oid = read_algorithm(der.read_der(mgf.parameters_der)).oid
        elif part.tag == der.context(2):
            salt_bytes = inner.integer()
        elif part.tag != der.context(3) or inner.integer() != 1:
            raise MalformedError("ALGORITHM_PARAMETERS", oid=stated.oid)
    if not 0 <= salt_bytes <= 512:
        raise MalformedError("ALGORITHM_PARAMETERS", salt_bytes=salt_bytes)
    return digest_oid, mgf_oid, salt_bytes
