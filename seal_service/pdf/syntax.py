"""PDF objects as Python values: read from bytes and written to bytes (ISO 32000-1 7.2 and 7.3).

=================  =====================================================================================
PDF                Python
=================  =====================================================================================
null               ``None`` (dictionary entries whose value is null are absent, 7.3.7)
boolean, numbers   ``bool``, ``int``, ``float``
string             :class:`PdfString` (a ``bytes``); ``is_hex`` tells how it was written
name               :class:`Name` (a ``str`` without the slash; one character per byte, Latin-1)
array, dictionary  ``list``, ``dict`` keyed by name without the slash
reference          :class:`Ref`
stream             :class:`Stream`
=================  =====================================================================================
"""

from __future__ import annotations

import re
from binascii import unhexlify
from typing import Final, NamedTuple

from seal_service.pdf.limits import DEFAULT, PdfLimits
from standards.errors import MalformedError

_SPACE: Final = rb"[\x00\t\n\x0c\r ]"
_REGULAR: Final = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
_SKIP: Final = rb"(?:" + _SPACE + rb"++|%[^\r\n]{0,4096}+)*+"  # bounded: one long comment must not be read again for every object in it

# One token. Possessive quantifiers keep every match linear, bounds keep what several objects may share short.
_TOKEN: Final = re.compile(
    _SKIP + rb"(?:/(" + _REGULAR + rb"{0,4096}+)"  # 1 name
    rb"|(\d{1,10})" + _SPACE + rb"++(\d{1,5})" + _SPACE + rb"++R(?!" + _REGULAR + rb")"  # 2, 3 reference
    rb"|([+-]?\d{1,18})(?!" + _REGULAR + rb")"  # 4 integer
    rb"|(<<)"  # 5
    rb"|(>>)"  # 6
    rb"|(\[)"  # 7
    rb"|(\])"  # 8
    rb"|\(([^()\\\r]{0,4096}+)\)"  # 9 literal string without anything special
    rb"|(\()"  # 10 any other literal string
    rb"|(<)"  # 11 hexadecimal string
    rb"|(" + _REGULAR + rb"{1,4096}+)"  # 12 real number, keyword
    rb")"
)
_CONSTANTS: Final = {b"null": None, b"true": True, b"false": False}
_SPACE_RUN: Final = re.compile(_SKIP)
_REAL: Final = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)\Z")
_STRING_SPECIAL: Final = re.compile(rb"[()\\\r]")
_NAME_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME_TO_ESCAPE: Final = re.compile(rb"[^!-~]|[()<>\[\]{}/%#]")
_OBJECT_HEADER: Final = re.compile(_SKIP + rb"(\d{1,10})" + _SPACE + rb"++(\d{1,5})" + _SPACE + rb"*+obj(?!" + _REGULAR + rb")")
_HEADER_BYTES: Final = 128  # an object header with the white space that may stand before it
_HEX_SPACE: Final = b"\x00\t\n\x0b\x0c\r "
_OCTAL: Final = re.compile(rb"[0-7]{1,3}")
_ESCAPED: Final = {0x6E: b"\n", 0x72: b"\r", 0x74: b"\t", 0x62: b"\b", 0x66: b"\f", 0x28: b"(", 0x29: b")", 0x5C: b"\\"}
# Keywords that end an object: inside an array or dictionary they show that its closing bracket is missing.
_STRUCTURE_WORDS: Final = frozenset({b"endobj", b"obj", b"stream", b"endstream", b"xref", b"trailer", b"startxref"})
_HEX_ONLY: Final = re.compile(rb"[0-9A-Fa-f\x00\t\n\x0b\x0c\r ]*+\Z")
_LONG_HEX_SHIFT: Final = 12  # every 4 KiB of a hexadecimal string count as one token
_LONG_STRING_SHIFT: Final = 6  # every 64 bytes of a literal string with escapes do: such strings may overlap in a hostile file
MAX_NUMBER_BYTES: Final = 64  # ISO 32000-1 annex C.2: reals have about 5 significant decimal digits in the fraction


class Name(str):
    """A PDF name without its slash; each character stands for one byte (Latin-1)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "/" + str(self)


class Keyword(str):
    """A word the standard does not define at this place; kept so that a document can still be compared."""

    __slots__ = ()


class PdfString(bytes):
    """A PDF string, decoded. ``is_hex``: it was written in angle brackets."""

    is_hex: bool = False


class HexString(PdfString):
    """A PDF string that was, or is to be, written in angle brackets."""

    is_hex = True


class Ref(NamedTuple):
    """An indirect reference."""

    number: int
    generation: int = 0


class Stream:
    """A stream: its dictionary and its raw (still encoded) bytes. ``raw_offset``: where they stand in the file, None when new."""

    __slots__ = ("dictionary", "raw", "raw_offset")

    def __init__(self, dictionary: dict[str, object], raw: bytes | memoryview, raw_offset: int | None = None) -> None:
        self.dictionary = dictionary
        self.raw = raw
        self.raw_offset = raw_offset

    def __repr__(self) -> str:
        return f"Stream({self.dictionary!r}, {len(self.raw)} bytes)"


class Lexer:
    """Reads values from ``data[position:end]``; ``position`` moves on. Errors: :class:`MalformedError` ``PDF_*``.

    ``tokens`` counts the work done, on failure too (long strings count more); ``has_duplicate_keys`` says that a dictionary named
    a key twice, which different readers resolve differently.
    """

    __slots__ = ("data", "end", "has_duplicate_keys", "limits", "names", "position", "tokens")

    def __init__(
        self,
        data: bytes,
        position: int = 0,
        end: int | None = None,
        *,
        limits: PdfLimits = DEFAULT,
        names: dict[bytes, Name] | None = None,
    ) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else end
        self.limits = limits
        self.names: dict[bytes, Name] = {} if names is None else names
        self.tokens = 0
        self.has_duplicate_keys = False

    def read_value(self) -> object:
        """The next value, as deep as it goes; a reference is one value, a stream is read as its dictionary."""
        data, end, names, match_token = self.data, self.end, self.names, _TOKEN.match
        position = self.position
        depth_limit = self.limits.depth
        stack: list[tuple[list[object], bool]] = []
        items: list[object] = []
        is_dictionary = False
        value: object
        count = 0
        try:
            for count in range(self.limits.tokens_per_object):  # noqa: B007 - the work done, for the account below
                match = match_token(data, position, end)
                if match is None:
                    raise MalformedError("PDF_SYNTAX", offset=position)
                position = match.end()
                kind = match.lastindex
                if kind == 1:
                    raw = match[1]
                    value = names.get(raw)
                    if value is None:
                        value = names[raw] = self._name(raw)
                elif kind == 4:
                    value = int(match[4])
                elif kind == 3:
                    value = Ref(int(match[2]), int(match[3]))
                elif kind in {5, 7}:
                    if len(stack) >= depth_limit:
                        raise MalformedError("PDF_TOO_DEEP", offset=position, limit=depth_limit)
                    stack.append((items, is_dictionary))
                    items = []
                    is_dictionary = kind == 5
                    continue
                elif kind in {6, 8}:
                    if not stack or is_dictionary != (kind == 6):
                        raise MalformedError("PDF_SYNTAX", offset=position)
                    value = self._dictionary(items, position) if is_dictionary else items
                    items, is_dictionary = stack.pop()
                elif kind == 9:
                    value = PdfString(match[9])
                elif kind == 10:
                    value, position = self._literal_string(position)
                elif kind == 11:
                    close = data.find(b">", position, end)
                    self.tokens += ((close if close >= 0 else end) - position) >> _LONG_HEX_SHIFT
                    if close < 0:
                        raise MalformedError("PDF_SYNTAX", offset=position)
                    value = HexString(_hex_bytes(data, position, close))
                    position = close + 1
                elif match[12] == b"R" and len(items) > 1 and type(items[-1]) is int and type(items[-2]) is int:
                    generation, number = items.pop(), items.pop()  # a comment stood between the parts of a reference
                    value = Ref(_whole(number), _whole(generation))
                else:
                    value = _word(match[12], match.start(12), inside=bool(stack))
                if not stack:
                    self.position = position
                    return value
                items.append(value)
        finally:
            self.tokens += count + 1
        raise MalformedError("PDF_TOO_COMPLEX", offset=self.position, tokens=self.limits.tokens_per_object)

    def read_dictionary_spans(self) -> list[tuple[Name, object, int, int]]:
        """A dictionary's entries in order, duplicates kept, each with the offsets where its value begins and ends.

        The position stands at or before ``<<``; afterwards behind ``>>``.
        """
        data, end = self.data, self.end
        match = _TOKEN.match(data, self.position, end)
        if match is None or match.lastindex != 5:
            raise MalformedError("PDF_SYNTAX", offset=self.position)
        self.position = match.end()
        entries: list[tuple[Name, object, int, int]] = []
        while True:
            match = _TOKEN.match(data, self.position, end)
            if match is None:
                raise MalformedError("PDF_SYNTAX", offset=self.position)
            if match.lastindex == 6:
                self.position = match.end()
                return entries
            key = self.read_value()
            if not isinstance(key, Name):
                raise MalformedError("PDF_DICTIONARY_KEY", offset=self.position)
            start = skip_space(data, self.position, end)
            value = self.read_value()
            entries.append((key, value, start, self.position))
            if len(entries) > self.limits.tokens_per_object:
                raise MalformedError("PDF_TOO_COMPLEX", offset=start)

    def _dictionary(self, items: list[object], position: int) -> dict[str, object]:
        if len(items) % 2:
            raise MalformedError("PDF_DICTIONARY_ODD", offset=position)
        result: dict[str, object] = {}
        nulls = 0
        pairs = iter(items)
        for key in pairs:
            value = next(pairs)
            if type(key) is not Name:
                raise MalformedError("PDF_DICTIONARY_KEY", offset=position)
            if value is None:
                nulls += 1
            else:
                result[key] = value
        if len(result) + nulls != len(items) // 2 or (
            nulls and any(items[at] in result for at in range(0, len(items), 2) if items[at + 1] is None)
        ):
            self.has_duplicate_keys = True
        return result

    def _literal_string(self, position: int) -> tuple[PdfString, int]:
        """A literal string from behind its first parenthesis: its bytes and the offset behind the last (7.3.4.2)."""
        data, start, end = self.data, position, min(self.end, position + self.limits.string_bytes)
        parts: list[bytes] = []
        depth = 1
        try:
            while (match := _STRING_SPECIAL.search(data, position, end)) is not None:
                at = match.start()
                byte = data[at]
                parts.append(data[position:at])
                position = at + 1
                if byte == 0x28:
                    depth += 1
                    parts.append(b"(")
                elif byte == 0x29:
                    depth -= 1
                    if not depth:
                        return PdfString(b"".join(parts)), position
                    parts.append(b")")
                elif byte == 0x0D:  # any end of line reads as one line feed
                    parts.append(b"\n")
                    position += data[position : position + 1] == b"\n"
                else:
                    part, position = _escape(data, position)
                    parts.append(part)
            raise MalformedError("PDF_STRING_TOO_LONG", offset=start)
        finally:
            self.tokens += len(parts) + ((position - start) >> _LONG_STRING_SHIFT)

    def _name(self, raw: bytes) -> Name:
        if len(raw) > self.limits.name_bytes:
            raise MalformedError("PDF_NAME_TOO_LONG", length=len(raw), limit=self.limits.name_bytes)
        if b"#" in raw:
            raw = _NAME_ESCAPE.sub(lambda m: bytes((int(m[1], 16),)), raw)
        return Name(raw.decode("latin-1"))


def skip_space(data: bytes, position: int, end: int) -> int:
    """The offset of the first byte that is neither white space nor part of a comment."""
    match = _SPACE_RUN.match(data, position, end)
    return match.end() if match else position


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise MalformedError("PDF_SYNTAX", reference=str(value)[:20])
    return value


def _word(raw: bytes, offset: int, *, inside: bool) -> object:
    if raw in _CONSTANTS:
        return _CONSTANTS[raw]
    if len(raw) > MAX_NUMBER_BYTES:
        raise MalformedError("PDF_SYNTAX", offset=offset)
    if _REAL.match(raw):
        return float(raw)
    if inside and raw in _STRUCTURE_WORDS:
        raise MalformedError("PDF_SYNTAX", offset=offset)
    return Keyword(raw.decode("latin-1"))


def _hex_bytes(data: bytes, start: int, end: int) -> bytes:
    """What the digits in ``data[start:end]`` stand for. In pairs and without a space, as programs write long ones, they are read at once."""
    try:
        return unhexlify(memoryview(data)[start:end])
    except ValueError:
        if not _HEX_ONLY.match(data, start, end):
            raise MalformedError("PDF_HEX_STRING", offset=start) from None
        digits = data[start:end].translate(None, _HEX_SPACE)
        return unhexlify(digits + b"0" * (len(digits) % 2))


def _escape(data: bytes, position: int) -> tuple[bytes, int]:
    """What a backslash before ``position`` stands for, and the offset behind it (7.3.4.2, table 3)."""
    escaped = data[position : position + 1]
    if escaped in {b"\r", b"\n"}:  # a line continued: nothing
        return b"", position + (2 if data[position : position + 2] == b"\r\n" else 1)
    match = _OCTAL.match(data, position)
    if match is not None:
        return bytes((int(match[0], 8) & 0xFF,)), match.end()
    return (_ESCAPED.get(escaped[0], escaped) if escaped else b""), position + 1


def read_object_header(data: bytes, position: int, end: int) -> tuple[int, int, int] | None:
    """``n g obj`` at ``position``: number, generation and the offset behind it; None when something else stands there."""
    match = _OBJECT_HEADER.match(data, position, min(end, position + _HEADER_BYTES))
    return None if match is None else (int(match[1]), int(match[2]), match.end())


def write_object(value: object) -> bytes:
    """A value as PDF syntax. A stream is written with the /Length of its raw bytes. ``ValueError`` for what PDF cannot hold."""
    parts: list[bytes] = []
    _write(value, parts, 0)
    return b"".join(parts)


def _write(value: object, parts: list[bytes], depth: int) -> None:
    if depth > DEFAULT.depth:
        raise ValueError("PDF value nests too deep")
    if value is None:
        parts.append(b"null")
    elif isinstance(value, bool):
        parts.append(b"true" if value else b"false")
    elif isinstance(value, Ref):
        parts.append(b"%d %d R" % value)
    elif isinstance(value, int):
        parts.append(b"%d" % value)
    elif isinstance(value, float):
        parts.append(_write_real(value))
    elif isinstance(value, Name):
        parts.append(write_name(value))
    elif isinstance(value, Keyword):
        parts.append(value.encode("latin-1"))
    elif isinstance(value, PdfString):
        parts.append(write_string(value))
    elif isinstance(value, list):
        parts.append(b"[")
        for index, item in enumerate(value):
            if index:
                parts.append(b" ")
            _write(item, parts, depth + 1)
        parts.append(b"]")
    elif isinstance(value, dict):
        parts.append(b"<<")
        for key, item in value.items():
            parts.append(write_name(key) + b" ")
            _write(item, parts, depth + 1)
        parts.append(b">>")
    elif isinstance(value, Stream):
        _write(value.dictionary | {"Length": len(value.raw)}, parts, depth)
        parts += (b"\nstream\n", bytes(value.raw), b"\nendstream")
    else:
        raise ValueError(f"no PDF value: {type(value).__name__}")


def _write_real(value: float) -> bytes:
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is the value unequal to itself
        raise ValueError("PDF has no such number")
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return (text if text not in {"-0", ""} else "0").encode("ascii")


def write_name(name: str) -> bytes:
    """A name with its slash; bytes outside ``!`` to ``~`` and delimiters as ``#xx`` (7.3.5)."""
    return b"/" + _NAME_TO_ESCAPE.sub(lambda m: b"#%02x" % m[0][0], name.encode("latin-1"))


def write_string(value: PdfString) -> bytes:
    """A string in angle brackets where ``is_hex``, else in parentheses with the escapes that readers need."""
    if value.is_hex:
        return b"<" + value.hex().encode("ascii") + b">"
    escaped = bytes(value).replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b"\\r")
    return b"(" + escaped + b")"
