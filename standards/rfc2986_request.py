"""RFC 2986 (PKCS #10): the certification request, with the extensions asked for (RFC 2985, 5.4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, SubjectPublicKeyInfo, read_algorithm, read_spki
from standards.rfc5280_certificate import Extension, read_extensions
from standards.rfc5280_names import read_name

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_REQUEST_BYTES: Final = 65_536  # as for certificates


@dataclass(frozen=True, slots=True)
class RequestFields:
    """What stands in a request; ``info_der`` is what its signature covers."""

    raw: bytes
    info_der: bytes
    subject_der: bytes
    spki: SubjectPublicKeyInfo
    extensions: tuple[Extension, ...]
    signature_algorithm: AlgorithmIdentifier
    signature: bytes


def read_request(request_der: bytes) -> RequestFields:
    """Read one request that fills ``request_der``. Raises ``CSR_TOO_LARGE``, ``CSR_MALFORMED`` or a DER code."""
    if len(request_der) > MAX_REQUEST_BYTES:
        raise MalformedError("CSR_TOO_LARGE", limit=MAX_REQUEST_BYTES, found=len(request_der))
    outer = der.read_der(request_der).children(der.SEQUENCE)
    if len(outer) != 3:
        raise MalformedError("CSR_MALFORMED", elements=len(outer))
    info = outer[0].children(der.SEQUENCE)
    if not 3 <= len(info) <= 4 or info[0].integer() != 0:
        raise MalformedError("CSR_MALFORMED", elements=len(info))
    read_name(info[1].raw)
    extensions: tuple[Extension, ...] = ()
    for attribute in info[3].expect(der.context(0)).children() if len(info) == 4 else ():
        parts = attribute.children(der.SEQUENCE)
        if len(parts) != 2:
            raise MalformedError("CSR_MALFORMED", attribute_elements=len(parts))
        if parts[0].oid() == oids.EXTENSION_REQUEST:
            values = parts[1].children(der.SET)
            if len(values) != 1 or extensions:
                raise MalformedError("CSR_MALFORMED", extension_requests=len(values))
            extensions = read_extensions(values[0])
    return RequestFields(
        raw=request_der,
        info_der=outer[0].raw,
        subject_der=info[1].raw,
        spki=read_spki(info[2].raw),
        extensions=extensions,
        signature_algorithm=read_algorithm(outer[1]),
        signature=outer[2].bits(),
    )


def write_request_info(subject_der: bytes, spki_der: bytes, extensions_der: Iterable[bytes] = ()) -> bytes:
    """CertificationRequestInfo of version 0 from encoded parts; ``extensions_der`` are encoded Extensions to ask for."""
    asked = b"".join(extensions_der)
    attribute = der.sequence(der.oid(oids.EXTENSION_REQUEST), der.tlv(der.SET, der.sequence(asked))) if asked else b""
    return der.sequence(der.integer(0), subject_der, spki_der, der.tlv(der.context(0), attribute))
