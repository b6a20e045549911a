"""Seal data put together field by field, right or wrong as a test wants, without the writer that is under test."""

from __future__ import annotations

from datetime import UTC, datetime

from standards import x690_der as der

MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2029, 1, 1, tzinfo=UTC)
SIGNED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SM2 = der.oid("1.2.156.10197.1.501")
SPKI = der.sequence(der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.156.10197.1.301")), der.bit_string(b"\x04" + bytes(64)))
VALUE = der.sequence(der.integer(1 << 250), der.integer(1 << 249))


def certificate(*, version: bytes = der.explicit(0, der.integer(2)), validity: bytes | None = None) -> bytes:
    """The frame of a certificate; nothing in it verifies."""
    if validity is None:
        validity = der.sequence(der.utc_time(START), der.utc_time(END))
    algorithm = der.sequence(SM2)
    name = der.sequence()
    return der.sequence(der.sequence(version, der.integer(7), algorithm, name, validity, name, SPKI), algorithm, der.bit_string(VALUE))


CERTIFICATE = certificate()


def extension(oid: bytes = der.oid("1.2.3"), critical: bytes = b"", value: bytes = der.octet_string(b"x")) -> bytes:
    return der.sequence(oid, critical, value)


def header(*, identifier: bytes = der.ia5_string("ES"), version: bytes = der.integer(4), vid: bytes = der.ia5_string("vendor")) -> bytes:
    return der.sequence(identifier, version, vid)


def listed(*entries: bytes) -> bytes:
    return der.sequence(*(entries or (der.octet_string(CERTIFICATE),)))


def properties(
    *,
    kind: bytes = der.integer(1),
    name: bytes = der.utf8_string("示范章"),
    list_type: bytes = der.integer(1),
    entries: bytes | None = None,
    created: bytes = der.generalized_time(MADE),
    start: bytes = der.generalized_time(START),
    end: bytes = der.generalized_time(END),
    more: bytes = b"",
) -> bytes:
    return der.sequence(kind, name, list_type, listed() if entries is None else entries, created, start, end, more)


def picture(
    *,
    kind: bytes = der.ia5_string("PNG"),
    data: bytes = der.octet_string(b"picture"),
    width: bytes = der.integer(42),
    height: bytes = der.integer(42),
) -> bytes:
    return der.sequence(kind, data, width, height)


def info(
    *,
    head: bytes | None = None,
    es_id: bytes = der.ia5_string("15070000000001"),
    prop: bytes | None = None,
    pict: bytes | None = None,
    extensions: bytes = b"",
) -> bytes:
    return der.sequence(
        header() if head is None else head,
        es_id,
        properties() if prop is None else prop,
        picture() if pict is None else pict,
        extensions,
    )


def seal(
    content: bytes | None = None,
    *,
    cert: bytes = der.octet_string(CERTIFICATE),
    algorithm: bytes = SM2,
    value: bytes = der.bit_string(VALUE),
    stamp: bytes = b"",
) -> bytes:
    return der.sequence(info() if content is None else content, cert, algorithm, value, stamp)


def seal_v5(**changes: bytes) -> bytes:
    return seal(info(head=header(version=der.integer(5))), **changes)


def seal_v1(*, version: int = 1, extensions: bytes = b"", value: bytes = der.bit_string(VALUE)) -> bytes:
    content = info(
        head=header(version=der.integer(version)),
        prop=properties(list_type=b"", created=der.utc_time(MADE), start=der.utc_time(START), end=der.utc_time(END)),
        extensions=extensions,
    )
    return der.sequence(content, der.sequence(der.octet_string(CERTIFICATE), SM2, value))


def to_be_signed(
    *,
    version: bytes = der.integer(4),
    eseal: bytes | None = None,
    time: bytes = der.generalized_time(SIGNED),
    data_hash: bytes = der.bit_string(bytes(32)),
    property_info: bytes = der.ia5_string("/Doc_0/Signs/Sign_0/Signature.xml"),
    extensions: bytes = b"",
) -> bytes:
    return der.sequence(version, seal() if eseal is None else eseal, time, data_hash, property_info, extensions)


def signature(
    tbs: bytes | None = None,
    *,
    cert: bytes = der.octet_string(CERTIFICATE),
    algorithm: bytes = SM2,
    value: bytes = der.bit_string(VALUE),
    stamp: bytes = b"",
) -> bytes:
    return der.sequence(to_be_signed() if tbs is None else tbs, cert, algorithm, value, stamp)


def signature_v1(*, time: bytes = der.bit_string(b"2026-06-01 20:00:00"), eseal: bytes | None = None, more: bytes = b"") -> bytes:
    return der.sequence(
        der.sequence(
            der.integer(1),
            seal_v1() if eseal is None else eseal,
            time,
            der.bit_string(bytes(32)),
            der.ia5_string("all"),
            der.octet_string(CERTIFICATE),
            SM2,
            more,
        ),
        der.bit_string(VALUE),
    )


def stretched(encoded: bytes, octets: int = 4) -> bytes:
    """The same element with a length of so many octets, more than DER allows."""
    node = der.read_node(encoded)
    return bytes((encoded[0], 0x80 | octets)) + len(node.value).to_bytes(octets, "big") + node.value
