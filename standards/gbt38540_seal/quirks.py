"""The habits of real files that are tolerated: each is read, and each leaves a :class:`~standards.gbt38540_seal.values.Quirk`.

| what is met | code |
|---|---|
| lengths and integers longer than needed, ``critical FALSE`` written out, other TRUE than FF, text in another character set, identifiers made of text, times without ``Z`` | ``SES_ENCODING_NONDER`` |
| a bare r ‖ s of 64 bytes as signature value | ``SES_RAW_RS`` |
| an older or wrong identifier of SM2 with SM3 | ``SES_OID_ALIAS`` |
| BIT STRING and OCTET STRING exchanged, implicit or missing context tags, another kind of character string | ``SES_TAG_VARIANT`` |
| an extension marked critical that is not known here | ``SES_CRITICAL_EXT_UNKNOWN`` |
| an entry of the certificate list that is no certificate | ``SES_CERT_LIST_ENTRY_BAD`` |
| a time of sealing that cannot be read | ``SES_TIME_UNREADABLE`` |

A number between UTCTime and GeneralizedTime is free by practice and leaves nothing. Indefinite lengths are not tolerated: none was seen in
seal data, and what was signed would no longer be certain.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt7408_times import CHINA
from standards.gbt38540_seal.values import MAX_TEXT_BYTES, Quirk
from standards.gbt38540_seal.versions import malformed
from standards.x690_der import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODING: Final = "SES_ENCODING_NONDER"
RAW_RS: Final = "SES_RAW_RS"
OID_ALIAS: Final = "SES_OID_ALIAS"
TAG_VARIANT: Final = "SES_TAG_VARIANT"
CRITICAL_UNKNOWN: Final = "SES_CRITICAL_EXT_UNKNOWN"
LIST_ENTRY_BAD: Final = "SES_CERT_LIST_ENTRY_BAD"
TIME_UNREADABLE: Final = "SES_TIME_UNREADABLE"

MAX_QUIRKS: Final = 64  # one file is not made readable by more of them, and a report stays a page
MAX_LENGTH_OCTETS: Final = 8
RAW_SIGNATURE_BYTES: Final = 64

_IMPLICIT_ZERO: Final = der.context(0, constructed=False)
_EXPLICIT_ZERO: Final = der.context(0)
_STRING_TAGS: Final = frozenset(
    {
        der.UTF8_STRING,
        der.PRINTABLE_STRING,
        der.TELETEX_STRING,
        der.IA5_STRING,
        der.VISIBLE_STRING,
        der.NUMERIC_STRING,
        der.BMP_STRING,
        der.UNIVERSAL_STRING,
    }
)
_ALIASES: Final = oids.SM2_SIGNATURE_OIDS - {oids.SM2_WITH_SM3}
_TEXT_TIME: Final = re.compile(
    r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:[.,]\d{1,9})?\s?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_SHORT_TEXT_TIME: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:(Z)|([+-])(\d\d)(\d\d))?", re.ASCII)


class Quirks:
    """The deviations met so far in one file."""

    def __init__(self) -> None:
        self._found: dict[Quirk, None] = {}

    def add(self, code: str, where: str, found: str = "") -> None:
        """Note one; the same at the same place counts once."""
        self._found[Quirk(code, where, found)] = None
        if len(self._found) > MAX_QUIRKS:
            raise malformed("too-many-deviations", where, limit=MAX_QUIRKS)

    def listed(self) -> tuple[Quirk, ...]:
        """All of them in the order met."""
        return tuple(self._found)


class TolerantNode(Node):
    """A :class:`Node` whose elements may have lengths longer than needed; that is noted."""

    __slots__ = ("quirks",)

    def __init__(self, buffer: bytes, start: int, body: int, end: int, quirks: Quirks) -> None:
        super().__init__(buffer, start, body, end)
        self.quirks = quirks

    def _walk(self) -> Iterator[Node]:
        offset, count = self.body, 0
        while offset < self.end:
            node = _tolerant_node(self.buffer, offset, self.end, self.quirks)
            count += 1
            if count > der.MAX_CHILDREN:
                raise MalformedError("DER_TOO_MANY_ELEMENTS", limit=der.MAX_CHILDREN, offset=self.start)
            yield node
            offset = node.end


def _tolerant_node(buffer: bytes, offset: int, end: int, quirks: Quirks) -> TolerantNode:
    try:
        node = der.read_node(buffer, offset, end)
    except MalformedError as error:
        if error.code != "DER_LENGTH" or not 0 < buffer[offset + 1] & 0x7F <= MAX_LENGTH_OCTETS:
            raise
    else:
        return TolerantNode(buffer, node.start, node.body, node.end, quirks)
    body = offset + 2 + (buffer[offset + 1] & 0x7F)
    stop = body + int.from_bytes(buffer[offset + 2 : body], "big")
    if body > end or stop > end:
        raise MalformedError("DER_TRUNCATED", offset=offset)
    quirks.add(ENCODING, "length", "longer-than-needed")
    return TolerantNode(buffer, offset, body, stop, quirks)


def read_tolerant(data: bytes, quirks: Quirks) -> TolerantNode:
    """The one element that fills ``data``; bytes behind it are malformed."""
    node = _tolerant_node(data, 0, len(data), quirks)
    if node.end != len(data):
        raise MalformedError("DER_TRAILING_BYTES", offset=node.end)
    return node


def read_number(node: Node, where: str, quirks: Quirks) -> int:
    """An INTEGER, also one that is longer than needed."""
    value = node.expect(der.INTEGER).value
    if not value or len(value) > MAX_LENGTH_OCTETS:
        raise malformed("integer-length", where, octets=len(value))
    number = int.from_bytes(value, "big", signed=True)
    if der.integer(number) != der.tlv(der.INTEGER, value):
        quirks.add(ENCODING, where, "integer")
    return number


def read_flag(node: Node, where: str, quirks: Quirks) -> bool:
    """A BOOLEAN DEFAULT FALSE that is there: FALSE should have been left out, and TRUE is FF."""
    value = node.expect(der.BOOLEAN).value
    if len(value) != 1:
        raise malformed("boolean-length", where, octets=len(value))
    if value != b"\xff":
        quirks.add(ENCODING, where, "boolean")
    return value != b"\x00"


def read_text(node: Node, tag: int, where: str, quirks: Quirks) -> str:
    """A character string of the kind ``tag``, or of another kind, or in another character set than its kind has."""
    if node.tag not in _STRING_TAGS:
        node.expect(tag)
    if node.tag != tag:
        quirks.add(TAG_VARIANT, where, f"0x{node.tag:02x}")
    value = node.value
    if len(value) > MAX_TEXT_BYTES:
        raise malformed("text-too-long", where, limit=MAX_TEXT_BYTES, found=len(value))
    try:
        return node.text()
    except MalformedError:
        quirks.add(ENCODING, where, "character-set")
    for codec in ("utf-8", "gb18030"):
        try:
            return value.decode(codec)
        except UnicodeDecodeError:
            continue
    return value.decode("latin-1")


def read_identifier(node: Node, where: str, quirks: Quirks) -> str:
    """An OBJECT IDENTIFIER in dotted form. What is none, or is text in disguise, stays opaque."""
    value = node.expect(der.OBJECT_IDENTIFIER).value
    if len(value) >= 3 and all(0x20 <= octet < 0x7F for octet in value):
        quirks.add(ENCODING, where, "identifier-of-text")
    try:
        return node.oid()
    except MalformedError:
        if not 1 <= len(value) <= der.MAX_OID_BYTES:
            raise
        quirks.add(ENCODING, where, "identifier")
        return "hex:" + value.hex()


def read_algorithm_oid(node: Node, where: str, quirks: Quirks) -> str:
    """The identifier of a signature algorithm; the aliases of SM2 with SM3 are noted."""
    oid = node.oid()
    if oid in _ALIASES:
        quirks.add(OID_ALIAS, where, oid)
    return oid


def read_bytes(node: Node, tag: int, where: str, most: int, quirks: Quirks) -> bytes:
    """The content of a BIT STRING or OCTET STRING, whichever of the two ``tag`` wants and the file has."""
    if node.tag not in {der.BIT_STRING, der.OCTET_STRING}:
        node.expect(tag)
    if node.tag != tag:
        quirks.add(TAG_VARIANT, where, f"0x{node.tag:02x}")
    content = node.bits() if node.tag == der.BIT_STRING else node.octets()
    if len(content) > most:
        raise malformed("too-long", where, limit=most, found=len(content))
    return content


def read_certificate_bytes(node: Node, where: str, most: int, quirks: Quirks) -> bytes:
    """A certificate inside an OCTET STRING, or standing by itself."""
    if node.tag == der.SEQUENCE:
        quirks.add(TAG_VARIANT, where, "bare-certificate")
        if len(node.raw) > most:
            raise malformed("too-long", where, limit=most, found=len(node.raw))
        return node.raw
    return read_bytes(node, der.OCTET_STRING, where, most, quirks)


def read_signature_value(node: Node, where: str, most: int, quirks: Quirks) -> bytes:
    """The content of a signature's BIT STRING; 64 bytes are a bare r ‖ s."""
    value = read_bytes(node, der.BIT_STRING, where, most, quirks)
    if len(value) == RAW_SIGNATURE_BYTES:
        quirks.add(RAW_RS, where)
    return value


def read_token(node: Node, where: str, most: int, quirks: Quirks) -> bytes:
    """``[0] EXPLICIT BIT STRING`` around a time-stamp token, or one of its variants: implicit, untagged, the token by itself."""
    inner = node
    if node.tag == _EXPLICIT_ZERO:
        inner = node.only_child()
        if inner.tag == der.BIT_STRING:
            return read_bytes(inner, der.BIT_STRING, where, most, quirks)
    quirks.add(TAG_VARIANT, where, f"0x{node.tag:02x}")
    if inner.tag == _IMPLICIT_ZERO:
        content = inner.value[1:] if inner.value[:1] == b"\x00" else inner.value
    elif inner.tag == der.SEQUENCE:
        content = inner.raw
    else:
        content = read_bytes(inner, inner.tag if inner.tag == der.OCTET_STRING else der.BIT_STRING, where, most, quirks)
    if len(content) > most:
        raise malformed("too-long", where, limit=most, found=len(content))
    return content


def read_date(node: Node, where: str, quirks: Quirks) -> datetime:
    """UTCTime or GeneralizedTime, either of them; without ``Z`` or as text it is noted. Aware UTC."""
    if node.tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
        try:
            return node.time()
        except MalformedError:
            quirks.add(ENCODING, where, "time")
        text = node.value.decode("latin-1")
    else:
        text = read_text(node, der.GENERALIZED_TIME, where, quirks)
    at = time_in_text(text)
    if at is None:
        raise malformed("time", where)
    return at


def time_in_text(text: str) -> datetime | None:
    """A time as the field writes it in text (``2020-01-25 07:31:56``, ISO 8601, the forms of ASN.1), aware UTC; None if it is none.

    Without a zone it is Chinese local time.
    """
    text = text.strip("\x00 \t\r\n")
    match = _TEXT_TIME.fullmatch(text)
    century = 0
    if match is None:
        match = _SHORT_TEXT_TIME.fullmatch(text)
        if match is None:
            return None
        century = 1900 if int(match.group(1)) >= 50 else 2000  # as X.509 reads UTCTime
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    zulu, sign, zone_hours, zone_minutes = match.groups()[6:]
    try:
        if zulu:
            zone = UTC
        elif sign:
            offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
            zone = timezone(-offset if sign == "-" else offset)
        else:
            zone = CHINA  # times without a zone are local time of the makers
        return datetime(century + year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
