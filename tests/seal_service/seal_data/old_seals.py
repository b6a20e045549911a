"""Seals and sealing values of version 1 (GM/T 0031-2014), which the house verifies and never writes."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto.sm3 import sm3
from standards import x690_der as der
from tests.pki import YEAR, craft, name_der
from tests.seal_service.seal_data.actors import DATA, ENDS, MADE, PROPERTY_INFO, SIGNED, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.certificates import Certificate

SM2 = der.oid("1.2.156.10197.1.501")
RSA = {"sha1": der.oid("1.2.840.113549.1.1.5"), "sha256": der.oid("1.2.840.113549.1.1.11"), "bare": der.oid("1.2.840.113549.1.1.1")}


def old_seal(maker_der: bytes, sign: Callable[[bytes], bytes], *, algorithm: bytes = SM2, signer_der: bytes | None = None) -> bytes:
    """SESeal of version 1 with one signer in its list."""
    prop = der.sequence(
        der.integer(1),
        der.utf8_string("旧章"),
        der.sequence(der.octet_string(signer_der or world().pki.seal.der)),
        der.utc_time(MADE),
        der.utc_time(MADE),
        der.utc_time(ENDS),
    )
    info_der = der.sequence(
        der.sequence(der.ia5_string("ES"), der.integer(11), der.ia5_string("old")),
        der.ia5_string("old-1"),
        prop,
        der.sequence(der.ia5_string("PNG"), der.octet_string(b"picture"), der.integer(42), der.integer(42)),
    )
    value = sign(der.sequence(info_der, der.octet_string(maker_der), algorithm))
    return der.sequence(info_der, der.sequence(der.octet_string(maker_der), algorithm, der.bit_string(value)))


def old_signature(
    seal_der: bytes | None = None,
    *,
    certificate_der: bytes | None = None,
    sign: Callable[[bytes], bytes] | None = None,
    algorithm: bytes = SM2,
    time: bytes = der.bit_string(der.utc_time(SIGNED)),
    data_hash: bytes | None = None,
) -> bytes:
    """SES_Signature of version 1, by default with SM2 and the test PKI."""
    pki = world().pki
    tbs = der.sequence(
        der.integer(1),
        seal_der or old_seal(pki.maker.der, pki.maker_signer.sign),
        time,
        der.bit_string(data_hash or sm3(DATA)),
        der.ia5_string(PROPERTY_INFO),
        der.octet_string(certificate_der or pki.seal.der),
        algorithm,
    )
    return der.sequence(tbs, der.bit_string((sign or pki.seal_signer.sign)(tbs)))


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def rsa_certificate() -> Certificate:
    """A certificate by the issuing authority of the test PKI for an RSA key."""
    pki = world().pki
    spki = _rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return craft(pki.issuing.certificate.subject_der, pki.issuing_signer, name_der("rsa"), spki, at=MADE, not_after=MADE + YEAR)


def rsa_signature(digest: str) -> bytes:
    """Maker and signer are one RSA key with ``sha1`` or ``sha256``, which dataHash uses too; ``bare`` is SHA-1 without saying so."""
    hash_algorithm = hashes.SHA256() if digest == "sha256" else hashes.SHA1()
    certificate = rsa_certificate()

    def sign(message: bytes) -> bytes:
        return _rsa_key().sign(message, padding.PKCS1v15(), hash_algorithm)

    seal = old_seal(certificate.der, sign, algorithm=RSA[digest], signer_der=certificate.der)
    data_hash = hashlib.new("sha256" if digest == "sha256" else "sha1", DATA, usedforsecurity=False).digest()
    return old_signature(seal, certificate_der=certificate.der, sign=sign, algorithm=RSA[digest], data_hash=data_hash)
