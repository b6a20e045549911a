"""RFC 5958 (PKCS#8) private keys with RFC 5915 (SEC 1) inside, and the fixed frames that SM2 keys have in them.

Structures only. What protects a key with a password is in ``rfc8018_password_encryption``. No type here shows key octets in its repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt32918_sm2 import FIELD_BYTES, POINT_BYTES
from standards.rfc5280_algorithms import AlgorithmIdentifier, SubjectPublicKeyInfo, read_algorithm, write_algorithm

MAX_PRIVATE_KEY_BYTES: Final = 65_536  # RSA-16384 with all its primes takes under 10 kB

SM2_KEY_ALGORITHM: Final = write_algorithm(oids.EC_PUBLIC_KEY, der.oid(oids.SM2_CURVE))
SM2_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")


@dataclass(frozen=True, slots=True)
class PrivateKeyInfo:
    """A private key with its algorithm; ``key_octets`` is the content of the OCTET STRING, in the algorithm's own encoding."""

    algorithm: AlgorithmIdentifier
    key_octets: bytes = field(repr=False)
    public_bits: bytes | None = None


@dataclass(frozen=True, slots=True)
class ECPrivateKey:
    """RFC 5915: the private number as octets, the curve where it is named, the public point where it is given."""

    scalar: bytes = field(repr=False)
    curve_oid: str | None = None
    public_bits: bytes | None = None


def is_sm2_key(info: SubjectPublicKeyInfo | PrivateKeyInfo) -> bool:
    """Whether the algorithm is id-ecPublicKey on the SM2 curve, the one form that certificates use (GB/T 20518)."""
    return info.algorithm.raw == SM2_KEY_ALGORITHM


def write_sm2_spki(point: bytes) -> bytes:
    """SubjectPublicKeyInfo of the 65-byte point."""
    return SM2_SPKI_PREFIX + point


def read_private_key_info(data: bytes) -> PrivateKeyInfo:
    """PrivateKeyInfo (version 0) or OneAsymmetricKey (version 1, with the public key) that fills ``data``.

    Raises ``PRIVATE_KEY_TOO_LARGE``, ``PRIVATE_KEY_MALFORMED`` or a DER code. Attributes are read over: no use of ours has any.
    """
    if len(data) > MAX_PRIVATE_KEY_BYTES:
        raise MalformedError("PRIVATE_KEY_TOO_LARGE", limit=MAX_PRIVATE_KEY_BYTES, found=len(data))
    parts = der.read_der(data).children(der.SEQUENCE)
    if not 3 <= len(parts) <= 5:
        raise MalformedError("PRIVATE_KEY_MALFORMED", elements=len(parts))
    version = parts[0].integer()
    if version not in {0, 1}:
        raise MalformedError("PRIVATE_KEY_MALFORMED", version=version)
    rest = parts[3:]
    if rest and rest[0].tag == der.context(0):
        rest = rest[1:]
    public_bits: bytes | None = None
    if rest and version == 1:
        public_bits = rest[0].bits(der.context(1, constructed=False))
        rest = rest[1:]
    if rest:
        raise MalformedError("PRIVATE_KEY_MALFORMED", elements=len(parts))
    return PrivateKeyInfo(read_algorithm(parts[1]), parts[2].octets(), public_bits)


def write_private_key_info(algorithm_der: bytes, key_octets: bytes) -> bytes:
    """PrivateKeyInfo, version 0."""
    return der.sequence(der.integer(0), algorithm_der, der.octet_string(key_octets))


def read_ec_private_key(data: bytes) -> ECPrivateKey:
    """ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING, [0] parameters OPTIONAL, [1] publicKey OPTIONAL }.

    Only named curves are read. Raises ``PRIVATE_KEY_MALFORMED`` or a DER code.
    """
    if len(data) > MAX_PRIVATE_KEY_BYTES:
        raise MalformedError("PRIVATE_KEY_TOO_LARGE", limit=MAX_PRIVATE_KEY_BYTES, found=len(data))
    parts = der.read_der(data).children(der.SEQUENCE)
    if len(parts) < 2 or parts[0].integer() != 1:
        raise MalformedError("PRIVATE_KEY_MALFORMED", elements=len(parts))
    scalar, rest = parts[1].octets(), parts[2:]
    curve_oid: str | None = None
    public_bits: bytes | None = None
    if rest and rest[0].tag == der.context(0):
        curve_oid = rest[0].only_child().oid()
        rest = rest[1:]
    if rest and rest[0].tag == der.context(1):
        public_bits = rest[0].only_child().bits()
        rest = rest[1:]
    if rest:
        raise MalformedError("PRIVATE_KEY_MALFORMED", elements=len(parts))
    return ECPrivateKey(scalar, curve_oid, public_bits)


def write_ec_private_key(scalar: bytes, public_bits: bytes | None = None) -> bytes:
    """ECPrivateKey without parameters, as PKCS#8 carries it: the curve stands in the algorithm there."""
    public = der.explicit(1, der.bit_string(public_bits)) if public_bits is not None else b""
    return der.sequence(der.integer(1), der.octet_string(scalar), public)


def write_sm2_private_key(scalar: bytes, point: bytes) -> bytes:
    """PKCS#8 of an SM2 key: 32 bytes of d and the 65 bytes of its point (GB/T 35276-2017, 7.1, in the frame every library reads)."""
    if len(scalar) != FIELD_BYTES or len(point) != POINT_BYTES:
        raise MalformedError("PRIVATE_KEY_MALFORMED", scalar_bytes=len(scalar), point_bytes=len(point))
    return write_private_key_info(SM2_KEY_ALGORITHM, write_ec_private_key(scalar, point))


def write_sm2_private_key_without_point(scalar: bytes) -> bytes:
    """PKCS#8 of an SM2 key that leaves its point to be computed by the reader."""
    if len(scalar) != FIELD_BYTES:
        raise MalformedError("PRIVATE_KEY_MALFORMED", scalar_bytes=len(scalar))
    return write_private_key_info(SM2_KEY_ALGORITHM, write_ec_private_key(scalar))
