"""ITU-T X.690 (DER): a strict reader that keeps the bytes it read, and a fast direct writer.

Reading never copies and re-encodes: a :class:`Node` is a window on the original buffer, and :attr:`Node.raw` gives back exactly the
bytes that were signed. Only single-byte identifiers occur in the standards we read (tag numbers 0..30), so longer ones are refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTF8_STRING: Final = 0x0C
SEQUENCE: Final = 0x30
SET: Final = 0x31
NUMERIC_STRING: Final = 0x12
PRINTABLE_STRING: Final = 0x13
TELETEX_STRING: Final = 0x14
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
VISIBLE_STRING: Final = 0x1A
UNIVERSAL_STRING: Final = 0x1C
BMP_STRING: Final = 0x1E

MAX_CHILDREN: Final = 100_000  # a CRL of a large CA has tens of thousands of entries; more is an attack
MAX_OID_BYTES: Final = 128  # the longest identifiers in use have under 40 bytes
MAX_INTEGER_BYTES: Final = 1024  # RSA moduli aside, none in use is over 70; and Python writes no number of more than 4,300 digits
MAX_BER_DEPTH: Final = 64  # real CMS nests under 20 deep
MAX_BER_ELEMENTS: Final = 300_000  # 2 MiB of embedded revocation lists; rewriting them takes under half a second

_TEXT_CODECS: Final = {
    UTF8_STRING: "utf-8",
    NUMERIC_STRING: "ascii",
    PRINTABLE_STRING: "ascii",
    TELETEX_STRING: "latin-1",
    IA5_STRING: "ascii",
    VISIBLE_STRING: "ascii",
    UNIVERSAL_STRING: "utf-32-be",
    BMP_STRING: "utf-16-be",
}
_UTC_TIME: Final = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_GENERALIZED_TIME: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6})\d*)?Z")


def context(number: int, *, constructed: bool = True) -> int:
    """The identifier byte of context tag ``[number]``: 0xA0 + number constructed, 0x80 + number primitive."""
    return (0xA0 if constructed else 0x80) + number


class Node:
    """One TLV inside a buffer. ``tag`` is the whole identifier byte; ``start``, ``body`` and ``end`` are offsets into ``buffer``."""

    __slots__ = ("body", "buffer", "end", "start", "tag")

    def __init__(self, buffer: bytes, start: int, body: int, end: int) -> None:
        self.buffer = buffer
        self.tag = buffer[start]
        self.start = start
        self.body = body
        self.end = end

    def __repr__(self) -> str:
        return f"Node(tag=0x{self.tag:02x}, start={self.start}, length={self.end - self.body})"

    @property
    def raw(self) -> bytes:
        """The whole TLV as received."""
        return self.buffer[self.start : self.end]

    @property
    def value(self) -> bytes:
        """The contents octets as received."""
        return self.buffer[self.body : self.end]

    def expect(self, tag: int) -> Node:
        """This node, if its identifier is ``tag``; else :class:`MalformedError` ``DER_UNEXPECTED_TAG``."""
        if self.tag != tag:
            raise MalformedError("DER_UNEXPECTED_TAG", expected=f"0x{tag:02x}", found=f"0x{self.tag:02x}", offset=self.start)
        return self

    def children(self, tag: int | None = None) -> list[Node]:
        """The elements of a constructed value, in order. With ``tag``, this node's own identifier is checked first."""
        if tag is not None:
            self.expect(tag)
        if not self.tag & 0x20:
            raise MalformedError("DER_NOT_CONSTRUCTED", offset=self.start)
        return list(self._walk())

    def _walk(self) -> Iterator[Node]:
        offset, count = self.body, 0
        while offset < self.end:
            node = read_node(self.buffer, offset, self.end)
            count += 1
            if count > MAX_CHILDREN:
                raise MalformedError("DER_TOO_MANY_ELEMENTS", limit=MAX_CHILDREN, offset=self.start)
            yield node
            offset = node.end

    def only_child(self) -> Node:
        """The one element of an explicit tag; more or fewer is malformed."""
        children = self.children()
        if len(children) != 1:
            raise MalformedError("DER_ELEMENT_COUNT", expected=1, found=len(children), offset=self.start)
        return children[0]

    def integer(self, tag: int = INTEGER) -> int:
        """A two's complement integer in its shortest form (X.690 8.3.2), of at most :data:`MAX_INTEGER_BYTES`."""
        value = self.expect(tag).value
        if len(value) > MAX_INTEGER_BYTES:
            raise MalformedError("DER_INTEGER_TOO_LONG", limit=MAX_INTEGER_BYTES, found=len(value), offset=self.start)
        if not value or (len(value) > 1 and ((value[0] == 0 and value[1] < 0x80) or (value[0] == 0xFF and value[1] >= 0x80))):
            raise MalformedError("DER_INTEGER_NOT_MINIMAL", offset=self.start)
        return int.from_bytes(value, "big", signed=True)

    def boolean(self, tag: int = BOOLEAN) -> bool:
        """TRUE is 0xFF and FALSE is 0x00 (X.690 11.1)."""
        value = self.expect(tag).value
        if value not in (b"\xff", b"\x00"):
            raise MalformedError("DER_BOOLEAN", offset=self.start)
        return value == b"\xff"

    def null(self) -> None:
        """Check that this is NULL without contents."""
        if self.expect(NULL).body != self.end:
            raise MalformedError("DER_NULL", offset=self.start)

    def oid(self, tag: int = OBJECT_IDENTIFIER) -> str:
        """An object identifier in dotted form."""
        return decode_oid(self.expect(tag).value)

    def octets(self, tag: int = OCTET_STRING) -> bytes:
        """The contents of a primitive OCTET STRING."""
        return self.expect(tag).value

    def bits(self, tag: int = BIT_STRING) -> bytes:
        """The contents of a BIT STRING that is a whole number of octets."""
        value = self.expect(tag).value
        if not value or value[0] != 0:
            raise MalformedError("DER_BIT_STRING", offset=self.start)
        return value[1:]

    def named_bits(self, tag: int = BIT_STRING) -> frozenset[int]:
        """The numbers of the bits set in a named bit list (such as KeyUsage), bit 0 first."""
        value = self.expect(tag).value
        if not value or value[0] > 7 or (len(value) == 1 and value[0]) or (len(value) > 1 and value[-1] & ((1 << value[0]) - 1)):
            raise MalformedError("DER_BIT_STRING", offset=self.start)
        return frozenset(8 * i + j for i, byte in enumerate(value[1:]) for j in range(8) if byte & (0x80 >> j))

    def text(self) -> str:
        """Any of the ASN.1 character strings, decoded."""
        codec = _TEXT_CODECS.get(self.tag)
        if codec is None:
            raise MalformedError("DER_UNEXPECTED_TAG", expected="character string", found=f"0x{self.tag:02x}", offset=self.start)
        try:
            return self.value.decode(codec)
        except UnicodeDecodeError:
            raise MalformedError("DER_TEXT", offset=self.start) from None

    def time(self, tag: int | None = None) -> datetime:
        """UTCTime or GeneralizedTime ending in Z, as an aware datetime in UTC. ``tag`` states the kind for an implicit tag.

        Years of UTCTime: 50..99 are 19xx, 00..49 are 20xx (RFC 5280, 4.1.2.5.1).
        """
        kind = self.tag if tag is None else tag
        if kind not in {UTC_TIME, GENERALIZED_TIME}:
            raise MalformedError("DER_UNEXPECTED_TAG", expected="Time", found=f"0x{kind:02x}", offset=self.start)
        match = (_UTC_TIME if kind == UTC_TIME else _GENERALIZED_TIME).fullmatch(self.value)
        if match is None:
            raise MalformedError("DER_TIME", offset=self.start)
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        if kind == UTC_TIME:
            year += 1900 if year >= 50 else 2000
        fraction = match.group(7) if match.re is _GENERALIZED_TIME else None
        try:
            return datetime(year, month, day, hour, minute, second, int((fraction or b"0").ljust(6, b"0")), tzinfo=UTC)
        except ValueError:
            raise MalformedError("DER_TIME", offset=self.start) from None


def read_node(buffer: bytes, offset: int = 0, end: int | None = None) -> Node:
    """The TLV that starts at ``offset``; its definite, minimal length must fit before ``end``."""
    limit = len(buffer) if end is None else end
    if offset + 2 > limit:
        raise MalformedError("DER_TRUNCATED", offset=offset)
    if buffer[offset] & 0x1F == 0x1F:
        raise MalformedError("DER_LONG_TAG", offset=offset)
    length = buffer[offset + 1]
    body = offset + 2
    if length >= 0x80:
        count = length & 0x7F
        if count == 0 or count > 4:
            raise MalformedError("DER_LENGTH", offset=offset)
        if body + count > limit:
            raise MalformedError("DER_TRUNCATED", offset=offset)
        length = int.from_bytes(buffer[body : body + count], "big")
        if length < 0x80 or buffer[body] == 0:
            raise MalformedError("DER_LENGTH", offset=offset)
        body += count
    if body + length > limit:
        raise MalformedError("DER_TRUNCATED", offset=offset)
    return Node(buffer, offset, body, body + length)


def read_der(data: bytes) -> Node:
    """The one TLV that fills ``data``; bytes after it are malformed (``DER_TRAILING_BYTES``)."""
    node = read_node(data)
    if node.end != len(data):
        raise MalformedError("DER_TRAILING_BYTES", offset=node.end)
    return node


@lru_cache(maxsize=1024)
def decode_oid(value: bytes) -> str:
    """The dotted form of the contents octets of an OBJECT IDENTIFIER."""
    if not value or len(value) > MAX_OID_BYTES or value[-1] & 0x80:
        raise MalformedError("DER_OID")
    arcs, number, fresh = [], 0, True
    for byte in value:
        if fresh and byte == 0x80:
            raise MalformedError("DER_OID")
        number = number << 7 | byte & 0x7F
        fresh = not byte & 0x80
        if fresh:
            arcs.append(number)
            number = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def tlv(tag: int, content: bytes) -> bytes:
    """One TLV with the shortest definite length."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of already encoded elements."""
    return tlv(SEQUENCE, b"".join(parts))


def set_of(parts: Iterable[bytes], tag: int = SET) -> bytes:
    """SET OF already encoded elements, put in DER order (X.690 11.6)."""
    return tlv(tag, b"".join(sorted(parts)))


def integer(number: int, tag: int = INTEGER) -> bytes:
    """INTEGER in its shortest form."""
    return tlv(tag, number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:  # noqa: FBT001 - the value is the whole argument
    """BOOLEAN."""
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def null() -> bytes:
    """NULL."""
    return b"\x05\x00"


@lru_cache(maxsize=1024)
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form."""
    arcs = [int(arc) for arc in dotted.split(".")]
    content = bytearray()
    for arc in (40 * arcs[0] + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        content += bytes(reversed(groups))
    return tlv(OBJECT_IDENTIFIER, bytes(content))


def octet_string(content: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(OCTET_STRING, content)


def bit_string(content: bytes) -> bytes:
    """BIT STRING of whole octets."""
    return tlv(BIT_STRING, b"\x00" + content)


def named_bit_list(bits: Iterable[int]) -> bytes:
    """BIT STRING of a named bit list, trailing zero bits removed (X.690 11.2.2)."""
    numbers = set(bits)
    if not numbers:
        return tlv(BIT_STRING, b"\x00")
    octets = bytearray(max(numbers) // 8 + 1)
    for number in numbers:
        octets[number // 8] |= 0x80 >> number % 8
    return tlv(BIT_STRING, bytes((7 - max(numbers) % 8,)) + bytes(octets))


def utf8_string(text: str) -> bytes:
    """UTF8String."""
    return tlv(UTF8_STRING, text.encode())


def printable_string(text: str) -> bytes:
    """PrintableString; the caller passes only its characters."""
    return tlv(PRINTABLE_STRING, text.encode("ascii"))


def ia5_string(text: str) -> bytes:
    """IA5String; the caller passes only ASCII."""
    return tlv(IA5_STRING, text.encode("ascii"))


def utc_time(at: datetime) -> bytes:
    """UTCTime in whole seconds; ``at`` is an aware datetime."""
    return tlv(UTC_TIME, at.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(at: datetime) -> bytes:
    """GeneralizedTime in whole seconds; ``at`` is an aware datetime."""
    at = at.astimezone(UTC)
    return tlv(GENERALIZED_TIME, f"{at.year:04d}{at:%m%d%H%M%S}Z".encode())


def x509_time(at: datetime) -> bytes:
    """The Time CHOICE of RFC 5280: UTCTime up to 2049, GeneralizedTime after."""
    return utc_time(at) if 1950 <= at.astimezone(UTC).year <= 2049 else generalized_time(at)


def explicit(number: int, encoded: bytes) -> bytes:
    """``[number] EXPLICIT`` around an encoded element."""
    return tlv(context(number), encoded)


def implicit(number: int, encoded: bytes) -> bytes:
    """``[number] IMPLICIT`` in place of the element's own identifier, keeping its constructed bit."""
    return bytes((0x80 | encoded[0] & 0x20 | number,)) + encoded[1:]


def normalise_ber(data: bytes, *, max_bytes: int) -> bytes:
    """BER with indefinite or overlong lengths and constructed strings, rewritten with definite lengths.

    Some producers write CMS in BER. The result is for reading only: whatever was signed inside such a structure is signed over its
    DER form (RFC 5652, 5.4), so nothing that matters for a signature is lost. Bytes after the first element are dropped.
    """
    if len(data) > max_bytes:
        raise MalformedError("DER_TOO_LARGE", limit=max_bytes)
    encoded, _ = _normalise(data, 0, len(data), 0, iter(range(MAX_BER_ELEMENTS)))
    return encoded


def _normalise(data: bytes, offset: int, end: int, depth: int, budget: Iterator[int]) -> tuple[bytes, int]:
    if next(budget, None) is None:
        raise MalformedError("DER_TOO_MANY_ELEMENTS", limit=MAX_BER_ELEMENTS, offset=offset)
    if depth > MAX_BER_DEPTH:
        raise MalformedError("DER_TOO_DEEP", limit=MAX_BER_DEPTH)
    if offset + 2 > end:
        raise MalformedError("DER_TRUNCATED", offset=offset)
    tag, length, body = data[offset], data[offset + 1], offset + 2
    if tag & 0x1F == 0x1F:
        raise MalformedError("DER_LONG_TAG", offset=offset)
    stop: int | None = None
    if length == 0x80:
        if not tag & 0x20:
            raise MalformedError("DER_LENGTH", offset=offset)
    else:
        if length > 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[body : body + count], "big")
            body += count
        stop = body + length
        if stop > end:
            raise MalformedError("DER_TRUNCATED", offset=offset)
    if not tag & 0x20:
        return tlv(tag, data[body:stop]), stop or end
    parts: list[bytes] = []
    while body < (end if stop is None else stop):
        if stop is None and data[body : body + 2] == b"\x00\x00":
            stop = body = body + 2
            break
        part, body = _normalise(data, body, end if stop is None else stop, depth + 1, budget)
        parts.append(part)
    if stop is None:
        raise MalformedError("DER_TRUNCATED", offset=offset)
    if tag == OCTET_STRING | 0x20:
        return octet_string(b"".join(read_der(part).octets() for part in parts)), stop
    return tlv(tag, b"".join(parts)), stop
