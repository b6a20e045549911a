"""RFC 5035 (ESS update) and RFC 2634: the signing-certificate attributes, which bind a signature to one certificate.

Without them somebody could put another certificate with the same key, or with the same issuer and serial number, under a signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import read_algorithm, write_algorithm

if TYPE_CHECKING:
    from standards.x690_der import Node

MAX_CERTIFICATE_IDS: Final = 64  # the signer's certificate and, rarely, its chain

_DIRECTORY_NAME = der.context(4)


@dataclass(frozen=True, slots=True)
class CertificateId:
    """ESSCertID or ESSCertIDv2: the digest of a certificate, with its issuer (a Name in DER) and serial number where stated."""

    digest_oid: str
    digest: bytes
    issuer_der: bytes | None
    serial: int | None


def read_signing_certificate_v2(value_der: bytes) -> CertificateId:
    """The first certificate of SigningCertificateV2 (RFC 5035, 3): the signer's own. The hash algorithm defaults to SHA-256."""
    fields = _first_id(value_der)
    digest_oid = oids.SHA256
    if fields and fields[0].tag == der.SEQUENCE:
        digest_oid = read_algorithm(fields[0]).oid
        fields = fields[1:]
    return _certificate_id(digest_oid, fields)


def read_signing_certificate(value_der: bytes) -> CertificateId:
    """The first certificate of SigningCertificate (RFC 2634, 5.4): the older form, always SHA-1."""
    return _certificate_id(oids.SHA1, _first_id(value_der))


def _first_id(value_der: bytes) -> list[Node]:
    outer = der.read_der(value_der).children(der.SEQUENCE)
    if not 1 <= len(outer) <= 2:
        raise MalformedError("SIGNING_CERTIFICATE_MALFORMED", elements=len(outer))
    ids = outer[0].children(der.SEQUENCE)
    if not 1 <= len(ids) <= MAX_CERTIFICATE_IDS:
        raise MalformedError("SIGNING_CERTIFICATE_MALFORMED", certificates=len(ids))
    return ids[0].children(der.SEQUENCE)


def _certificate_id(digest_oid: str, fields: list[Node]) -> CertificateId:
    if not 1 <= len(fields) <= 2:
        raise MalformedError("SIGNING_CERTIFICATE_MALFORMED", elements=len(fields))
    digest = fields[0].octets()
    if len(fields) == 1:
        return CertificateId(digest_oid, digest, None, None)
    parts = fields[1].children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("SIGNING_CERTIFICATE_MALFORMED", elements=len(parts))
    # RFC 5035, 5: the issuer must be a directoryName; any other form can match no certificate and is told as malformed
    issuer = parts[0].children(der.SEQUENCE)
    if len(issuer) != 1:
        raise MalformedError("SIGNING_CERTIFICATE_MALFORMED", names=len(issuer))
    return CertificateId(digest_oid, digest, issuer[0].expect(_DIRECTORY_NAME).only_child().raw, parts[1].integer())


def write_signing_certificate_v2(digest_oid: str, digest: bytes) -> bytes:
    """SigningCertificateV2 for one certificate, without issuer and serial number (the digest is what binds).

    The algorithm is left out where it is the default, SHA-256, as DER demands.
    """
    algorithm = b"" if digest_oid == oids.SHA256 else write_algorithm(digest_oid)
    return der.sequence(der.sequence(der.sequence(algorithm, der.octet_string(digest))))
