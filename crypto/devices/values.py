"""What tokens take and give, brought into the forms of X.509: public keys, signature values, DigestInfo. None where it is no such value."""

from __future__ import annotations

from typing import Final

from crypto.signatures import SignatureAlgorithm
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt32918_sm2 import read_point

_CURVES: Final = {
    SignatureAlgorithm.SM2_SM3: (oids.SM2_CURVE, 32),
    SignatureAlgorithm.ECDSA_SHA256: (oids.SECP256R1, 32),
    SignatureAlgorithm.ECDSA_SHA384: (oids.SECP384R1, 48),
}
_UNCOMPRESSED: Final = 0x04


def spki_of_ec(algorithm: SignatureAlgorithm, parameters_der: bytes, point: bytes) -> bytes | None:
    """From CKA_EC_PARAMS (a named curve) and CKA_EC_POINT: an OCTET STRING with the point, or (some tokens) the point itself."""
    curve, octets = _CURVES[algorithm]
    if parameters_der != der.oid(curve):
        return None
    if len(point) != 1 + 2 * octets:
        try:
            point = der.read_der(point).octets()
        except MalformedError:
            return None
    if len(point) != 1 + 2 * octets or point[0] != _UNCOMPRESSED:
        return None
    if algorithm is SignatureAlgorithm.SM2_SM3:
        try:
            read_point(point)
        except MalformedError:
            return None
    return der.sequence(der.sequence(der.oid(oids.EC_PUBLIC_KEY), der.oid(curve)), der.bit_string(point))


def spki_of_rsa(modulus: bytes, exponent: bytes) -> bytes | None:
    """From CKA_MODULUS and CKA_PUBLIC_EXPONENT, both big-endian."""
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    if n == 0 or e == 0:
        return None
    key = der.sequence(der.integer(n), der.integer(e))
    return der.sequence(der.sequence(der.oid(oids.RSA), der.null()), der.bit_string(key))


def digest_info(digest: bytes) -> bytes:
    """DigestInfo for SHA-256 (RFC 8017, 9.2), which CKM_RSA_PKCS pads and signs."""
    return der.sequence(der.sequence(der.oid(oids.SHA256), der.null()), der.octet_string(digest))


def signature_of(algorithm: SignatureAlgorithm, value: bytes) -> bytes | None:
    """DER {r, s} of a curve signature, which tokens give as r ‖ s (PKCS #11, 2.3.1) or as DER; RSA as it is."""
    if algorithm not in _CURVES:
        return value or None
    octets = _CURVES[algorithm][1]
    if len(value) == 2 * octets:
        return der.sequence(der.integer(int.from_bytes(value[:octets], "big")), der.integer(int.from_bytes(value[octets:], "big")))
    try:
        fields = der.read_der(value).children(der.SEQUENCE)
    except MalformedError:
        return None
    return value if len(fields) == 2 and all(field.tag == der.INTEGER for field in fields) else None
