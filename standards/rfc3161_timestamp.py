"""RFC 3161 (GB/T 20520 takes the same structures): time-stamp request, response and TSTInfo.

GB/T 20520 knows TSTInfo version 2 as well; readers accept both numbers, writers write 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, read_algorithm, write_algorithm

if TYPE_CHECKING:
    from datetime import datetime

    from standards.x690_der import Node

MAX_REQUEST_BYTES: Final = 4096  # an imprint, a policy and a nonce take under 200
MAX_RESPONSE_BYTES: Final = 256 * 1024  # a token with its chain takes under 10 KiB; some add revocation lists
MAX_NONCE_BITS: Final = 512  # clients use 64 to 160
MAX_STATUS_TEXTS: Final = 16

_EXTENSIONS_TAG = der.context(0)
_TSA_TAG = der.context(0)
_TST_EXTENSIONS_TAG = der.context(1)
_MILLIS_TAG = der.context(0, constructed=False)
_MICROS_TAG = der.context(1, constructed=False)


class Status(IntEnum):
    """PKIStatus (2.4.2)."""

    GRANTED = 0
    GRANTED_WITH_MODS = 1
    REJECTION = 2
    WAITING = 3
    REVOCATION_WARNING = 4
    REVOCATION_NOTIFICATION = 5


class Failure(IntEnum):
    """PKIFailureInfo (2.4.2): the bits a time-stamp authority may set."""

    BAD_ALGORITHM = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    ADDITIONAL_INFO_NOT_AVAILABLE = 17
    SYSTEM_FAILURE = 25


@dataclass(frozen=True, slots=True)
class TimeStampRequest:
    """TimeStampReq (2.4.1)."""

    version: int
    digest: AlgorithmIdentifier
    imprint: bytes
    policy_oid: str | None
    nonce: int | None
    want_certificate: bool
    has_extensions: bool


@dataclass(frozen=True, slots=True)
class TimeStampResponse:
    """TimeStampResp (2.4.2). ``token_der`` is the ContentInfo as received; ``failures`` the bits set, known or not."""

    status: int
    texts: tuple[str, ...]
    failures: frozenset[int]
    token_der: bytes | None


@dataclass(frozen=True, slots=True)
class TimeStampInfo:
    """TSTInfo (2.4.2). ``gen_at`` is aware UTC; ``accuracy_seconds`` ``None`` where not stated."""

    version: int
    policy_oid: str
    digest: AlgorithmIdentifier
    imprint: bytes
    serial: int
    gen_at: datetime
    accuracy_seconds: float | None
    ordering: bool
    nonce: int | None
    has_extensions: bool


def _read_imprint(node: Node) -> tuple[AlgorithmIdentifier, bytes]:
    parts = node.children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("TS_MALFORMED", where="messageImprint", elements=len(parts))
    return read_algorithm(parts[0]), parts[1].octets()


def _write_imprint(digest_oid: str, imprint: bytes) -> bytes:
    return der.sequence(write_algorithm(digest_oid), der.octet_string(imprint))


def _read_nonce(node: Node) -> int:
    nonce = node.integer()
    if nonce.bit_length() > MAX_NONCE_BITS:
        raise MalformedError("TS_MALFORMED", where="nonce", limit=MAX_NONCE_BITS)
    return nonce


def read_request(data: bytes) -> TimeStampRequest:
    """TimeStampReq that fills ``data``; :class:`MalformedError` ``TS_TOO_LARGE``, ``TS_MALFORMED`` or a DER code."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedError("TS_TOO_LARGE", limit=MAX_REQUEST_BYTES, found=len(data))
    fields = der.read_der(data).children(der.SEQUENCE)
    if len(fields) < 2:
        raise MalformedError("TS_MALFORMED", where="TimeStampReq", elements=len(fields))
    version = fields[0].integer()
    digest, imprint = _read_imprint(fields[1])
    policy_oid: str | None = None
    nonce: int | None = None
    want_certificate = has_extensions = False
    expected = [der.OBJECT_IDENTIFIER, der.INTEGER, der.BOOLEAN, _EXTENSIONS_TAG]
    for node in fields[2:]:
        if node.tag not in expected:
            raise MalformedError("TS_MALFORMED", where="TimeStampReq", tag=f"0x{node.tag:02x}")
        expected = expected[expected.index(node.tag) + 1 :]
        if node.tag == der.OBJECT_IDENTIFIER:
            policy_oid = node.oid()
        elif node.tag == der.INTEGER:
            nonce = _read_nonce(node)
        elif node.tag == der.BOOLEAN:
            want_certificate = node.boolean()
        else:
            has_extensions = True
    return TimeStampRequest(version, digest, imprint, policy_oid, nonce, want_certificate, has_extensions)


def write_request(digest_oid: str, imprint: bytes, *, policy_oid: str | None, nonce: int | None, want_certificate: bool) -> bytes:
    """TimeStampReq version 1."""
    return der.sequence(
        der.integer(1),
        _write_imprint(digest_oid, imprint),
        der.oid(policy_oid) if policy_oid is not None else b"",
        der.integer(nonce) if nonce is not None else b"",
        der.boolean(True) if want_certificate else b"",
    )


def read_response(data: bytes) -> TimeStampResponse:
    """TimeStampResp that fills ``data``; :class:`MalformedError` ``TS_TOO_LARGE``, ``TS_MALFORMED`` or a DER code."""
    if len(data) > MAX_RESPONSE_BYTES:
        raise MalformedError("TS_TOO_LARGE", limit=MAX_RESPONSE_BYTES, found=len(data))
    fields = der.read_der(data).children(der.SEQUENCE)
    if not 1 <= len(fields) <= 2:
        raise MalformedError("TS_MALFORMED", where="TimeStampResp", elements=len(fields))
    status_fields = fields[0].children(der.SEQUENCE)
    if not 1 <= len(status_fields) <= 3:
        raise MalformedError("TS_MALFORMED", where="PKIStatusInfo", elements=len(status_fields))
    texts: tuple[str, ...] = ()
    failures: frozenset[int] = frozenset()
    for node in status_fields[1:]:
        if node.tag == der.SEQUENCE:
            texts = tuple(text.text() for text in node.children()[:MAX_STATUS_TEXTS])
        else:
            failures = node.named_bits()
    token_der = fields[1].expect(der.SEQUENCE).raw if len(fields) == 2 else None
    return TimeStampResponse(status_fields[0].integer(), texts, failures, token_der)


def write_granted(token_der: bytes) -> bytes:
    """TimeStampResp with status granted."""
    return der.sequence(der.sequence(der.integer(Status.GRANTED)), token_der)


def write_refused(failure: Failure, text: str) -> bytes:
    """TimeStampResp with status rejection, one failure bit and one sentence."""
    return der.sequence(der.sequence(der.integer(Status.REJECTION), der.sequence(der.utf8_string(text)), der.named_bit_list([failure])))


def read_tst_info(data: bytes) -> TimeStampInfo:
    """TSTInfo that fills ``data``. Version 1 and 2 are accepted; others are ``TS_MALFORMED``."""
    fields = der.read_der(data).children(der.SEQUENCE)
    if len(fields) < 5:
        raise MalformedError("TS_MALFORMED", where="TSTInfo", elements=len(fields))
    version = fields[0].integer()
    if version not in {1, 2}:
        raise MalformedError("TS_MALFORMED", where="TSTInfo.version", found=version)
    digest, imprint = _read_imprint(fields[2])
    accuracy_seconds: float | None = None
    ordering, nonce, has_extensions = False, None, False
    expected = [der.SEQUENCE, der.BOOLEAN, der.INTEGER, _TSA_TAG, _TST_EXTENSIONS_TAG]
    for node in fields[5:]:
        if node.tag not in expected:
            raise MalformedError("TS_MALFORMED", where="TSTInfo", tag=f"0x{node.tag:02x}")
        expected = expected[expected.index(node.tag) + 1 :]
        if node.tag == der.SEQUENCE:
            accuracy_seconds = _read_accuracy(node)
        elif node.tag == der.BOOLEAN:
            ordering = node.boolean()
        elif node.tag == der.INTEGER:
            nonce = _read_nonce(node)
        elif node.tag == _TST_EXTENSIONS_TAG:
            has_extensions = True
    gen_at = fields[4].expect(der.GENERALIZED_TIME).time()
    serial = fields[3].integer()
    return TimeStampInfo(version, fields[1].oid(), digest, imprint, serial, gen_at, accuracy_seconds, ordering, nonce, has_extensions)


def _read_accuracy(node: Node) -> float:
    """Accuracy: seconds, [0] millis 1..999, [1] micros 1..999, each optional, in this order."""
    total = 0.0
    expected = [der.INTEGER, _MILLIS_TAG, _MICROS_TAG]
    scale = {der.INTEGER: 1.0, _MILLIS_TAG: 1e-3, _MICROS_TAG: 1e-6}
    for part in node.children():
        if part.tag not in expected:
            raise MalformedError("TS_MALFORMED", where="accuracy", tag=f"0x{part.tag:02x}")
        expected = expected[expected.index(part.tag) + 1 :]
        number = part.integer(part.tag)
        if not 0 <= number <= 999_999:
            raise MalformedError("TS_MALFORMED", where="accuracy", found=number.bit_length())
        total += number * scale[part.tag]
    return total


def write_tst_info(
    *,
    policy_oid: str,
    digest_oid: str,
    imprint: bytes,
    serial: int,
    gen_at: datetime,
    accuracy_seconds: int | None,
    ordering: bool,
    nonce: int | None,
    tsa_name_der: bytes | None = None,
) -> bytes:
    """TSTInfo version 1, time in whole seconds. ``tsa_name_der`` is the Name of the authority's certificate, written as directoryName."""
    return der.sequence(
        der.integer(1),
        der.oid(policy_oid),
        _write_imprint(digest_oid, imprint),
        der.integer(serial),
        der.generalized_time(gen_at),
        der.sequence(der.integer(accuracy_seconds)) if accuracy_seconds is not None else b"",
        der.boolean(True) if ordering else b"",
        der.integer(nonce) if nonce is not None else b"",
        der.explicit(0, der.explicit(4, tsa_name_der)) if tsa_name_der is not None else b"",
    )
