"""The few fields of a certificate that a seal needs even where the certificate breaks a rule elsewhere.

Genuine seals hold certificates that RFC 5280 refuses as a whole, such as one with Chinese text in an IA5String of its subject. Whether its
key made a signature can still be said; that it leads to a trust anchor cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import read_spki

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class CertificateFrame:
    """Public key and validity (aware UTC) of a certificate."""

    spki_der: bytes
    not_before: datetime
    not_after: datetime


def read_certificate_frame(certificate_der: bytes) -> CertificateFrame:
    """Read only the frame of one certificate; raises ``CERT_MALFORMED`` or a DER code where even that is not there."""
    outer = der.read_der(certificate_der).children(der.SEQUENCE)
    fields = outer[0].children(der.SEQUENCE) if len(outer) == 3 else []
    if fields and fields[0].tag == der.context(0):
        fields = fields[1:]
    if len(fields) < 6:
        raise MalformedError("CERT_MALFORMED", elements=len(fields))
    validity = fields[3].children(der.SEQUENCE)
    if len(validity) != 2:
        raise MalformedError("CERT_MALFORMED", validity=len(validity))
    return CertificateFrame(read_spki(fields[5].raw).raw, validity[0].time(), validity[1].time())
