"""RFC 6960 and RFC 8954: online certificate status, request and response; RFC 9654 for the nonce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, read_algorithm, write_algorithm
from standards.rfc5280_certificate import Extension, read_extensions, write_extension
from standards.rfc5280_crl import REASON_NUMBERS, REASONS
from standards.rfc5280_names import read_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from standards.x690_der import Node

MAX_OCSP_BYTES: Final = 262_144  # a response with its responder's chain takes under 10 kB
MAX_SINGLE_RESPONSES: Final = 100  # as many as may be asked for at once
MAX_REQUESTS: Final = 100
MAX_CERTIFICATES: Final = 16
MAX_NONCE_BYTES: Final = 128  # RFC 9654, 2.1
ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"

SUCCESSFUL: Final = 0
MALFORMED_REQUEST: Final = 1
INTERNAL_ERROR: Final = 2
TRY_LATER: Final = 3
UNAUTHORISED: Final = 6

GOOD: Final = "good"
REVOKED: Final = "revoked"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class CertId:
    """4.1.1: which certificate is meant. ``raw`` as received, because the answer repeats it."""

    digest_algorithm: AlgorithmIdentifier
    issuer_name_digest: bytes
    issuer_key_digest: bytes
    serial: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class OcspRequest:
    """4.1.1; a signature of the requester is neither demanded nor looked at."""

    certificate_ids: tuple[CertId, ...]
    nonce: bytes | None


@dataclass(frozen=True, slots=True)
class SingleResponse:
    """4.2.1: ``status`` is good, revoked or unknown; times are aware UTC."""

    certificate_id: CertId
    status: str
    revoked_at: datetime | None
    reason: str
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None
    has_unknown_critical_extension: bool


@dataclass(frozen=True, slots=True)
class BasicResponse:
    """4.2.1. Exactly one of ``responder_name_der`` and ``responder_key_digest`` is set; ``certificates`` are DER, unread."""

    tbs_der: bytes
    responder_name_der: bytes | None
    responder_key_digest: bytes | None
    produced_at: datetime
    responses: tuple[SingleResponse, ...]
    nonce: bytes | None
    has_unknown_critical_extension: bool
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """4.2.1: ``status`` is the number of OCSPResponseStatus; ``basic`` is present when it is 0."""

    status: int
    basic: BasicResponse | None


def _read_cert_id(node: Node) -> CertId:
    parts = node.children(der.SEQUENCE)
    if len(parts) != 4:
        raise MalformedError("OCSP_MALFORMED", cert_id_elements=len(parts))
    return CertId(read_algorithm(parts[0]), parts[1].octets(), parts[2].octets(), parts[3].integer(), node.raw)


def write_cert_id(digest_oid: str, issuer_name_digest: bytes, issuer_key_digest: bytes, serial: int) -> bytes:
    """CertID. Parameters are NULL for SHA-1 and SHA-2, as every deployed responder expects, and absent for SM3."""
    parameters = None if digest_oid == oids.SM3 else der.null()
    return der.sequence(
        write_algorithm(digest_oid, parameters),
        der.octet_string(issuer_name_digest),
        der.octet_string(issuer_key_digest),
        der.integer(serial),
    )


def read_ocsp_request(request_der: bytes) -> OcspRequest:
    """Read an OCSPRequest. Raises ``OCSP_TOO_LARGE``, ``OCSP_MALFORMED`` or a DER code."""
    if len(request_der) > MAX_OCSP_BYTES:
        raise MalformedError("OCSP_TOO_LARGE", limit=MAX_OCSP_BYTES, found=len(request_der))
    outer = der.read_der(request_der).children(der.SEQUENCE)
    if not 1 <= len(outer) <= 2:
        raise MalformedError("OCSP_MALFORMED", elements=len(outer))
    nonce, requests = None, None
    for part in outer[0].children(der.SEQUENCE):
        if part.tag == der.SEQUENCE:
            requests = part.children()
        elif part.tag == der.context(2):
            nonce = _read_nonce(read_extensions(part.only_child()))
        elif part.tag not in {der.context(0), der.context(1)}:
            raise MalformedError("OCSP_MALFORMED", tag=f"0x{part.tag:02x}")
    if requests is None or not 1 <= len(requests) <= MAX_REQUESTS:
        raise MalformedError("OCSP_MALFORMED", requests=None if requests is None else len(requests), limit=MAX_REQUESTS)
    wanted = []
    for request in requests:
        parts = request.children(der.SEQUENCE)
        if not 1 <= len(parts) <= 2:
            raise MalformedError("OCSP_MALFORMED", request_elements=len(parts))
        wanted.append(_read_cert_id(parts[0]))
    return OcspRequest(tuple(wanted), nonce)


def write_ocsp_request(certificate_ids_der: Iterable[bytes], nonce: bytes | None = None) -> bytes:
    """OCSPRequest without requester's signature; ``nonce`` of 16 to 32 octets is advised (RFC 9654)."""
    requests = der.sequence(*(der.sequence(certificate_id) for certificate_id in certificate_ids_der))
    return der.sequence(der.sequence(requests, b"" if nonce is None else der.explicit(2, der.sequence(write_nonce(nonce)))))


def _read_nonce(extensions: tuple[Extension, ...]) -> bytes | None:
    for extension in extensions:
        if extension.oid == oids.OCSP_NONCE:
            nonce = der.read_der(extension.value_der).octets()
            if not 1 <= len(nonce) <= MAX_NONCE_BYTES:
                raise MalformedError("OCSP_NONCE_LENGTH", limit=MAX_NONCE_BYTES, found=len(nonce))
            return nonce
    return None


def write_nonce(nonce: bytes) -> bytes:
    """The nonce as an Extension."""
    return write_extension(oids.OCSP_NONCE, der.octet_string(nonce))


def read_ocsp_response(response_der: bytes) -> OcspResponse:
    """Read an OCSPResponse. Raises ``OCSP_TOO_LARGE``, ``OCSP_MALFORMED``, ``OCSP_TYPE_UNKNOWN`` or a DER code."""
    if len(response_der) > MAX_OCSP_BYTES:
        raise MalformedError("OCSP_TOO_LARGE", limit=MAX_OCSP_BYTES, found=len(response_der))
    outer = der.read_der(response_der).children(der.SEQUENCE)
    if not 1 <= len(outer) <= 2:
        raise MalformedError("OCSP_MALFORMED", elements=len(outer))
    status = outer[0].integer(der.ENUMERATED)
    if (status == SUCCESSFUL) != (len(outer) == 2):
        raise MalformedError("OCSP_MALFORMED", status=status, elements=len(outer))
    if status != SUCCESSFUL:
        return OcspResponse(status, None)
    body = outer[1].expect(der.context(0)).only_child().children(der.SEQUENCE)
    if len(body) != 2 or body[0].oid() != oids.OCSP_BASIC:
        raise MalformedError("OCSP_TYPE_UNKNOWN", elements=len(body))
    return OcspResponse(status, _read_basic(body[1].octets()))


def _read_basic(basic_der: bytes) -> BasicResponse:
    parts = der.read_der(basic_der).children(der.SEQUENCE)
    if not 3 <= len(parts) <= 4:
        raise MalformedError("OCSP_MALFORMED", basic_elements=len(parts))
    data = parts[0].children(der.SEQUENCE)
    if data and data[0].tag == der.context(0):
        data[0].only_child().integer()
        data.pop(0)
    if not 3 <= len(data) <= 4:
        raise MalformedError("OCSP_MALFORMED", data_elements=len(data))
    name_der = key_digest = None
    if data[0].tag == der.context(1):
        name_der = data[0].only_child().raw
        read_name(name_der)
    else:
        key_digest = data[0].expect(der.context(2)).only_child().octets()
    singles = data[2].children(der.SEQUENCE)
    certificates = parts[3].expect(der.context(0)).only_child().children(der.SEQUENCE) if len(parts) == 4 else []
    if len(singles) > MAX_SINGLE_RESPONSES or len(certificates) > MAX_CERTIFICATES:
        raise MalformedError("OCSP_TOO_MANY", responses=len(singles), certificates=len(certificates))
    extensions = read_extensions(data[3].expect(der.context(1)).only_child()) if len(data) == 4 else ()
    return BasicResponse(
        tbs_der=parts[0].raw,
        responder_name_der=name_der,
        responder_key_digest=key_digest,
        produced_at=data[1].expect(der.GENERALIZED_TIME).time(),
        responses=tuple(_read_single(single) for single in singles),
        nonce=_read_nonce(extensions),
        has_unknown_critical_extension=any(e.critical and e.oid != oids.OCSP_NONCE for e in extensions),
        signature_algorithm=read_algorithm(parts[1]),
        signature=parts[2].bits(),
        certificates=tuple(certificate.raw for certificate in certificates),
    )


def _read_single(node: Node) -> SingleResponse:
    parts = node.children(der.SEQUENCE)
    if not 3 <= len(parts) <= 5:
        raise MalformedError("OCSP_MALFORMED", single_elements=len(parts))
    status, revoked_at, reason = UNKNOWN, None, 0
    if parts[1].tag == 0x80:
        status = GOOD
    elif parts[1].tag == 0xA1:
        status = REVOKED
        info = parts[1].children()
        if not 1 <= len(info) <= 2:
            raise MalformedError("OCSP_MALFORMED", revoked_elements=len(info))
        revoked_at = info[0].expect(der.GENERALIZED_TIME).time()
        if len(info) == 2:
            reason = info[1].expect(der.context(0)).only_child().integer(der.ENUMERATED)
    elif parts[1].tag != 0x82:
        raise MalformedError("OCSP_MALFORMED", status_tag=f"0x{parts[1].tag:02x}")
    next_update = archive_cutoff = None
    unknown_critical = False
    for part in parts[3:]:
        if part.tag == der.context(0):
            next_update = part.only_child().expect(der.GENERALIZED_TIME).time()
            continue
        for extension in read_extensions(part.expect(der.context(1)).only_child()):
            if extension.oid == ARCHIVE_CUTOFF:
                archive_cutoff = der.read_der(extension.value_der).expect(der.GENERALIZED_TIME).time()
            else:
                unknown_critical = unknown_critical or extension.critical
    return SingleResponse(
        certificate_id=_read_cert_id(parts[0]),
        status=status,
        revoked_at=revoked_at,
        reason=REASONS.get(reason, "unspecified"),
        this_update=parts[2].expect(der.GENERALIZED_TIME).time(),
        next_update=next_update,
        archive_cutoff=archive_cutoff,
        has_unknown_critical_extension=unknown_critical,
    )


def write_single_response(
    certificate_id_der: bytes,
    *,
    status: str,
    this_update: datetime,
    next_update: datetime,
    revoked_at: datetime | None = None,
    reason: str = "unspecified",
    archive_cutoff: datetime | None = None,
) -> bytes:
    """SingleResponse; ``revoked_at`` belongs to the status "revoked" alone."""
    if revoked_at is not None:
        stated = b"" if reason == "unspecified" else der.explicit(0, der.integer(REASON_NUMBERS[reason], der.ENUMERATED))
        encoded = der.tlv(0xA1, der.generalized_time(revoked_at) + stated)
    else:
        encoded = der.tlv(0x80 if status == GOOD else 0x82, b"")
    cutoff = b""
    if archive_cutoff is not None:
        cutoff = der.explicit(1, der.sequence(write_extension(ARCHIVE_CUTOFF, der.generalized_time(archive_cutoff))))
    return der.sequence(
        certificate_id_der, encoded, der.generalized_time(this_update), der.explicit(0, der.generalized_time(next_update)), cutoff
    )


def write_response_data(
    *, responder_name_der: bytes, produced_at: datetime, responses_der: Iterable[bytes], nonce: bytes | None = None
) -> bytes:
    """ResponseData (what is signed). The responder is given by name, since the other choice would be a SHA-1 of its key."""
    return der.sequence(
        der.explicit(1, responder_name_der),
        der.generalized_time(produced_at),
        der.sequence(*responses_der),
        b"" if nonce is None else der.explicit(1, der.sequence(write_nonce(nonce))),
    )


def write_ocsp_response(tbs_der: bytes, signature_algorithm_der: bytes, signature: bytes, certificates_der: Iterable[bytes]) -> bytes:
    """A successful OCSPResponse around a signed ResponseData."""
    certificates = b"".join(certificates_der)
    basic = der.sequence(
        tbs_der, signature_algorithm_der, der.bit_string(signature), der.explicit(0, der.sequence(certificates)) if certificates else b""
    )
    body = der.sequence(der.oid(oids.OCSP_BASIC), der.octet_string(basic))
    return der.sequence(der.integer(SUCCESSFUL, der.ENUMERATED), der.explicit(0, body))


def write_ocsp_failure(status: int) -> bytes:
    """An OCSPResponse that gives no answer, with its status number."""
    return der.sequence(der.integer(status, der.ENUMERATED))
