"""RFC 5280, 4.1: the certificate. Reading keeps the raw bytes of every part that is signed or compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, SubjectPublicKeyInfo, read_algorithm, read_spki
from standards.rfc5280_names import read_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from standards.x690_der import Node

MAX_CERTIFICATE_BYTES: Final = 65_536  # the largest real ones (with pictures or many names) stay under 20 kB
MAX_EXTENSIONS: Final = 64  # real certificates have under 20
MAX_SERIAL_BYTES: Final = 64  # 20 by RFC 5280, 4.1.2.2; users must handle more gracefully


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: ``value_der`` is the content of its OCTET STRING."""

    oid: str
    critical: bool
    value_der: bytes


@dataclass(frozen=True, slots=True)
class CertificateFields:
    """What stands in a certificate. Times are aware UTC; ``version`` is 1, 2 or 3; ``*_der`` and ``raw`` are bytes as received."""

    raw: bytes
    tbs_der: bytes
    version: int
    serial: int
    tbs_signature_algorithm: AlgorithmIdentifier
    issuer_der: bytes
    not_before: datetime
    not_after: datetime
    subject_der: bytes
    spki: SubjectPublicKeyInfo
    extensions: tuple[Extension, ...]
    signature_algorithm: AlgorithmIdentifier
    signature: bytes

    def extension(self, oid: str) -> Extension | None:
        """The extension of this type, or ``None``."""
        return next((extension for extension in self.extensions if extension.oid == oid), None)


def read_certificate(certificate_der: bytes) -> CertificateFields:
    """Read one certificate that fills ``certificate_der``.

    Raises ``CERT_TOO_LARGE``, ``CERT_MALFORMED``, ``CERT_EXTENSION_DUPLICATE`` or a DER code. Names are read as well, so that later
    uses of them cannot fail. Tolerated because real files have it: ``critical FALSE`` written out.
    """
    if len(certificate_der) > MAX_CERTIFICATE_BYTES:
        raise MalformedError("CERT_TOO_LARGE", limit=MAX_CERTIFICATE_BYTES, found=len(certificate_der))
    outer = der.read_der(certificate_der).children(der.SEQUENCE)
    if len(outer) != 3:
        raise MalformedError("CERT_MALFORMED", elements=len(outer))
    tbs = outer[0].children(der.SEQUENCE)
    version = 1
    if tbs and tbs[0].tag == der.context(0):
        version = tbs[0].only_child().integer() + 1
        tbs = tbs[1:]
    if len(tbs) < 6 or version not in {1, 2, 3}:
        raise MalformedError("CERT_MALFORMED", elements=len(tbs), version=version)
    validity = tbs[3].children(der.SEQUENCE)
    if len(validity) != 2 or len(tbs[0].value) > MAX_SERIAL_BYTES:
        raise MalformedError("CERT_MALFORMED", validity=len(validity))
    issuer_der, subject_der = tbs[2].raw, tbs[4].raw
    read_name(issuer_der)
    read_name(subject_der)
    return CertificateFields(
        raw=certificate_der,
        tbs_der=outer[0].raw,
        version=version,
        serial=tbs[0].integer(),
        tbs_signature_algorithm=read_algorithm(tbs[1]),
        issuer_der=issuer_der,
        not_before=validity[0].time(),
        not_after=validity[1].time(),
        subject_der=subject_der,
        spki=read_spki(tbs[5].raw),
        extensions=_trailing_parts(tbs[6:], version),
        signature_algorithm=read_algorithm(outer[1]),
        signature=outer[2].bits(),
    )


def _trailing_parts(parts: list[Node], version: int) -> tuple[Extension, ...]:
    """IssuerUniqueID [1], subjectUniqueID [2] (version 2 and 3, not used) and extensions [3] (version 3), each at most once, in order."""
    extensions: tuple[Extension, ...] = ()
    last = 0
    for part in parts:
        number = {der.context(1, constructed=False): 1, der.context(2, constructed=False): 2, der.context(3): 3}.get(part.tag, 0)
        if number <= last or version < (3 if number == 3 else 2):
            raise MalformedError("CERT_MALFORMED", tag=f"0x{part.tag:02x}", version=version)
        last = number
        if number == 3:
            extensions = read_extensions(part.only_child())
    return extensions


def read_extensions(node: Node) -> tuple[Extension, ...]:
    """A non-empty SEQUENCE OF Extension (RFC 5280, 4.1.2.9 and 4.2); one type twice is ``CERT_EXTENSION_DUPLICATE``."""
    nodes = node.children(der.SEQUENCE)
    if not 1 <= len(nodes) <= MAX_EXTENSIONS:
        raise MalformedError("CERT_EXTENSIONS_COUNT", limit=MAX_EXTENSIONS, found=len(nodes))
    extensions, seen = [], set()
    for item in nodes:
        parts = item.children(der.SEQUENCE)
        if not 2 <= len(parts) <= 3:
            raise MalformedError("CERT_EXTENSION_MALFORMED", elements=len(parts))
        oid = parts[0].oid()
        if oid in seen:
            raise MalformedError("CERT_EXTENSION_DUPLICATE", oid=oid)
        seen.add(oid)
        extensions.append(Extension(oid, len(parts) == 3 and parts[1].boolean(), parts[-1].octets()))
    return tuple(extensions)


def write_extension(oid: str, value_der: bytes, *, critical: bool = False) -> bytes:
    """One Extension; the default FALSE is left out as DER demands."""
    return der.sequence(der.oid(oid), der.boolean(True) if critical else b"", der.octet_string(value_der))


def write_tbs_certificate(
    *,
    serial: int,
    signature_algorithm_der: bytes,
    issuer_der: bytes,
    not_before: datetime,
    not_after: datetime,
    subject_der: bytes,
    spki_der: bytes,
    extensions_der: Iterable[bytes],
) -> bytes:
    """TBSCertificate of version 3 from encoded parts; ``extensions_der`` are encoded Extensions, at least one."""
    return der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(serial),
        signature_algorithm_der,
        issuer_der,
        der.sequence(der.x509_time(not_before), der.x509_time(not_after)),
        subject_der,
        spki_der,
        der.explicit(3, der.sequence(*extensions_der)),
    )


def write_signed(tbs_der: bytes, signature_algorithm_der: bytes, signature: bytes) -> bytes:
    """The SIGNED frame shared by certificate, revocation list and request: { tbs, algorithm, BIT STRING signature }."""
    return der.sequence(tbs_der, signature_algorithm_der, der.bit_string(signature))
