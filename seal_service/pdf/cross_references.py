"""Cross-reference sections: tables, streams and both together in hybrid files (ISO 32000-1 7.5.4, 7.5.8).

Entries are looked up where they stand and never copied into a dictionary: a file of 100,000 objects opens as fast as one of ten.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from seal_service.pdf.filters import decode_stream
from seal_service.pdf.limits import SHARED_TOKENS
from seal_service.pdf.syntax import Lexer, Name, Ref, Stream, read_object_header, skip_space
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seal_service.pdf.limits import Budget

SectionKind = Literal["table", "stream", "hybrid"]
_SUBSECTION: Final = re.compile(rb"[\x00\t\n\x0c\r ]*+(\d{1,10})[\t ]++(\d{1,10})[\t ]*+(?:\r\n|\n|\r)?")
_ENTRY: Final = re.compile(rb"(\d{10}) (\d{5}) ([nf])")
_LOOSE_ENTRY: Final = re.compile(rb"[\x00\t\n\x0c\r ]*+(\d{1,20})[\t ]++(\d{1,5})[\t ]++([nf])")
_TRAILER: Final = re.compile(rb"[\x00\t\n\x0c\r ]*+trailer(?=[\x00\t\n\x0c\r <%])")
_STARTXREF: Final = re.compile(rb"startxref[\x00\t\n\x0c\r ]++(\d{1,15})")
_TAIL_BYTES: Final = 1024  # where readers look for %%EOF and startxref (Adobe's implementation note to 7.5.5)
_ENTRY_BYTES: Final = 20  # 7.5.4
FREE: Final = 0
IN_FILE: Final = 1
IN_STREAM: Final = 2


class Entry(NamedTuple):
    """Where an object stands. FREE; IN_FILE: ``at`` is a byte offset, ``extra`` the generation; IN_STREAM: object stream, index."""

    kind: int
    at: int
    extra: int


class _TableRange(NamedTuple):
    first: int
    length: int
    position: int  # of the first 20-byte entry; -1 when the entries were read into ``entries``
    entries: tuple[Entry, ...]


class XrefSection:
    """One cross-reference section with its trailer. ``kind``: table, stream, or hybrid (a table with /XRefStm)."""

    __slots__ = (
        "_data",
        "_decoded",
        "_firsts",
        "_ranges",
        "_widths",
        "end",
        "hidden",
        "is_complete",
        "kind",
        "number",
        "offset",
        "trailer",
    )

    def __init__(
        self, kind: SectionKind, offset: int, end: int, trailer: dict[str, object], data: bytes, ranges: list[_TableRange]
    ) -> None:
        self.kind: SectionKind = kind
        self.offset = offset
        self.end = end  # offset behind the trailer or the stream
        self.trailer = trailer
        self.hidden: XrefSection | None = None  # the stream of a hybrid section
        self.number: int | None = None  # object number of a cross-reference stream
        self.is_complete = True  # every entry that /Index promises is there
        self._data = data
        self._ranges = sorted(ranges)
        self._firsts = [part.first for part in self._ranges]
        for part, following in pairwise(self._ranges):
            if part.first + part.length > following.first:  # readers would disagree which of the two entries counts
                raise MalformedError("PDF_XREF_DUPLICATE", number=following.first)
        self._decoded = b""
        self._widths = (0, 0, 0)

    def find(self, number: int) -> Entry | None:
        """The entry of an object in this section; a hybrid's stream answers where its table has none or calls it free (7.5.8.4).

        Where table and stream name two different places, readers disagree: ``PDF_XREF_DUPLICATE``.
        """
        if self.hidden is None:
            # As own_entry, without the call: hostile files have hundreds of sections, each asked for each number
            at = bisect_right(self._firsts, number) - 1
            if at < 0:
                return None
            part = self._ranges[at]
            index = number - part.first
            if index >= part.length:
                return None
            if part.entries:
                return part.entries[index]
            return self._stream_entry(part, index) if self.kind == "stream" else self._table_entry(part, index)
        entry = self.own_entry(number)
        hidden = self.hidden.own_entry(number)
        if hidden is None or entry is None or entry.kind == FREE:
            return hidden or entry
        if hidden != entry:
            raise MalformedError("PDF_XREF_DUPLICATE", number=number)
        return entry

    @property
    def extent(self) -> tuple[int, ...]:
        """Where the section stands and ends in the file, with its hidden stream: two views of a file must agree on it."""
        return (self.offset, self.end, *(self.hidden.extent if self.hidden is not None else ()))

    def own_numbers(self) -> Iterator[int]:
        """The object numbers that have an entry here (a hybrid's stream not included)."""
        for part in self._ranges:
            yield from range(part.first, part.first + part.length)

    def numbers(self) -> Iterator[int]:
        """The object numbers that have an entry here (a hybrid's stream included)."""
        yield from self.own_numbers()
        if self.hidden is not None:
            yield from self.hidden.numbers()

    @property
    def own_highest(self) -> int:
        """The largest object number that has an entry here (a hybrid's stream not included); -1 when there is none."""
        return max((part.first + part.length - 1 for part in self._ranges), default=-1)

    @property
    def highest(self) -> int:
        """The largest object number that has an entry here (a hybrid's stream included); -1 when there is none."""
        return self.own_highest if self.hidden is None else max(self.own_highest, self.hidden.highest)

    @property
    def count(self) -> int:
        """How many entries there are."""
        return sum(part.length for part in self._ranges) + (self.hidden.count if self.hidden is not None else 0)

    def own_entry(self, number: int) -> Entry | None:
        """As :meth:`find`, without a hybrid's stream."""
        at = bisect_right(self._firsts, number) - 1
        if at < 0:
            return None
        part = self._ranges[at]
        index = number - part.first
        if index >= part.length:
            return None
        if part.entries:
            return part.entries[index]
        return self._stream_entry(part, index) if self.kind == "stream" else self._table_entry(part, index)

    def _table_entry(self, part: _TableRange, index: int) -> Entry:
        match = _ENTRY.match(self._data, part.position + _ENTRY_BYTES * index)
        if match is None:
            raise MalformedError("PDF_XREF_ENTRY", offset=part.position + _ENTRY_BYTES * index)
        return Entry(IN_FILE if match[3] == b"n" else FREE, int(match[1]), int(match[2]))

    def _stream_entry(self, part: _TableRange, index: int) -> Entry:
        first, second, third = self._widths
        at = part.position + (first + second + third) * index
        decoded = self._decoded
        kind = int.from_bytes(decoded[at : at + first], "big") if first else IN_FILE  # default: type 1
        at += first
        field = int.from_bytes(decoded[at : at + second], "big")
        at += second
        return Entry(kind, field, int.from_bytes(decoded[at : at + third], "big"))

    def use_stream(self, decoded: bytes, widths: tuple[int, int, int], number: int) -> None:
        """Take the decoded entries of a cross-reference stream."""
        self._decoded = decoded
        self._widths = widths
        self.number = number


def find_startxref(data: bytes, end: int) -> tuple[int, int]:
    """The last ``startxref`` before ``end``: (its own offset, the offset it names). ``PDF_STARTXREF`` when there is none."""
    at = data.rfind(b"startxref", max(0, end - _TAIL_BYTES), end)
    match = _STARTXREF.match(data, at, end) if at >= 0 else None
    if match is None:
        raise MalformedError("PDF_STARTXREF", offset=at)
    return at, int(match[1])


def read_chain(data: bytes, startxref: int, end: int, budget: Budget, names: dict[bytes, Name]) -> list[XrefSection]:
    """All sections from the one at ``startxref`` along /Prev, newest first. Loops and too many sections are refused."""
    sections: list[XrefSection] = []
    seen: set[int] = set()
    position: object = startxref
    while position is not None:
        if isinstance(position, float):
            position = int(position)
        if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position < end:
            raise MalformedError("PDF_XREF_OFFSET", offset=str(position)[:40])
        if position in seen:
            raise MalformedError("PDF_XREF_LOOP", offset=position)
        seen.add(position)
        if len(sections) >= budget.limits.revisions:
            raise MalformedError("PDF_TOO_MANY_REVISIONS", limit=budget.limits.revisions)
        section = _section_at(data, position, end, budget, names)
        sections.append(section)
        position = section.trailer.get("Prev")
    return sections


def _section_at(data: bytes, position: int, end: int, budget: Budget, names: dict[bytes, Name]) -> XrefSection:
    """The section at an offset, read once for all views of the file: every revision's chain goes through all the earlier sections.

    Only tables: what a table is made from stands before its end, so whoever ends behind that reads the same.
    """
    known = budget.sections.get(position)
    if known is not None and known.end <= end:
        return known
    section = read_section(data, position, end, budget, names)
    if section.kind == "table":
        budget.sections[position] = section
    return section


def read_section(data: bytes, position: int, end: int, budget: Budget, names: dict[bytes, Name]) -> XrefSection:
    """The section at an offset: a table with its trailer (and hybrid stream), or a cross-reference stream."""
    at = skip_space(data, position, min(end, position + 64))
    if data[at : at + 4] != b"xref":
        return _read_xref_stream(data, position, end, budget, names)
    section = _read_table(data, at, end, budget, names)
    hidden = section.trailer.get("XRefStm")
    if hidden is not None:
        if not isinstance(hidden, int) or not 0 <= hidden < end:
            raise MalformedError("PDF_XREF_OFFSET", offset=str(hidden)[:40])
        section.hidden = _read_xref_stream(data, hidden, end, budget, names)
        section.kind = "hybrid"
    return section


def _read_table(data: bytes, at: int, end: int, budget: Budget, names: dict[bytes, Name]) -> XrefSection:
    position = at + 4
    ranges: list[_TableRange] = []
    while (trailer := _TRAILER.match(data, position, end)) is None:
        match = _SUBSECTION.match(data, position, end)
        if match is None or len(ranges) >= budget.limits.tokens_per_object:
            raise MalformedError("PDF_XREF_TABLE", offset=position)
        first, count = int(match[1]), int(match[2])
        if first + count > budget.limits.object_number + 1:
            raise MalformedError("PDF_XREF_TABLE", offset=position, first=first, count=count)
        start = match.end()
        if count == 0:
            position = start
            continue
        # Some writers begin a whole table at 1 although its first entry is that of object 0.
        if first == 1 and data[start : start + 18] == b"0000000000 65535 f":
            first = 0
        after = start + _ENTRY_BYTES * count
        regular = after <= end and (_TRAILER.match(data, after, end) or _SUBSECTION.match(data, after, end))
        if regular and _ENTRY.match(data, start) and _ENTRY.match(data, after - _ENTRY_BYTES):
            ranges.append(_TableRange(first, count, start, ()))
            position = after
        else:
            entries, position = _read_loose_entries(data, start, end, count, budget)
            ranges.append(_TableRange(first, count, -1, entries))
    lexer = Lexer(data, trailer.end(), end, limits=budget.limits, names=names)
    try:
        dictionary = lexer.read_value()
    finally:
        budget.spend_object(lexer.tokens + len(ranges))
    if not isinstance(dictionary, dict) or lexer.has_duplicate_keys:
        raise MalformedError("PDF_TRAILER", offset=trailer.end())
    return XrefSection("table", at, lexer.position, dictionary, data, ranges)


def _read_loose_entries(data: bytes, position: int, end: int, count: int, budget: Budget) -> tuple[tuple[Entry, ...], int]:
    """Entries that are not 20 bytes long each, as some writers leave them."""
    entries: list[Entry] = []
    for _ in range(count):
        match = _LOOSE_ENTRY.match(data, position, end)
        if match is None or len(entries) >= budget.limits.tokens_per_object:
            raise MalformedError("PDF_XREF_TABLE", offset=position)
        entries.append(Entry(IN_FILE if match[3] == b"n" else FREE, int(match[1]), int(match[2])))
        position = match.end()
    budget.spend_object(len(entries))
    return tuple(entries), position


def _read_xref_stream(data: bytes, position: int, end: int, budget: Budget, names: dict[bytes, Name]) -> XrefSection:
    header = read_object_header(data, position, end)
    if header is None:
        raise MalformedError("PDF_XREF_MISSING", offset=position)
    stream, after, has_duplicates = read_indirect_value(data, header[2], end, _no_references, budget, names)
    if not isinstance(stream, Stream) or has_duplicates:
        raise MalformedError("PDF_XREF_MISSING", offset=position)
    dictionary = stream.dictionary
    if dictionary.get("Type") != "XRef":
        raise MalformedError("PDF_XREF_MISSING", offset=position)
    widths = dictionary.get("W")
    size = dictionary.get("Size")
    index = dictionary.get("Index", [0, size])
    if (
        not isinstance(widths, list)
        or len(widths) != 3  # of a fourth column readers make different things
        or not all(type(width) is int and 0 <= width <= 8 for width in widths)
        or not isinstance(index, list)
        or len(index) % 2
        or not all(type(value) is int and 0 <= value <= budget.limits.object_number + 1 for value in index)
    ):
        raise MalformedError("PDF_XREF_STREAM", offset=position)
    first, second, third = (int(width) for width in widths)
    width = first + second + third
    decoded = decode_stream(stream, _no_references, budget)
    ranges: list[_TableRange] = []
    at = 0
    is_complete = all(index[1::2])  # of a part without entries readers make different things
    for start, count in zip(index[::2], index[1::2], strict=True):
        available = (len(decoded) - at) // width if width else 0
        if available < count:
            if not at and not available:
                raise MalformedError("PDF_XREF_STREAM", offset=position)
            count = available  # noqa: PLW2901 - a short stream: what is there counts
            is_complete = False
        if count:
            ranges.append(_TableRange(start, count, at, ()))
            at += count * width
    section = XrefSection("stream", position, after, dictionary, data, ranges)
    section.use_stream(decoded, (first, second, third), header[0])
    section.is_complete = is_complete
    return section


def _no_references(value: object) -> object:
    """Values of a cross-reference stream's dictionary are direct (7.5.8.2)."""
    if isinstance(value, Ref):
        raise MalformedError("PDF_XREF_STREAM", reference=value.number)
    return value


_STREAM_END: Final = re.compile(rb"[\x00\t\n\x0c\r ]*+endstream")
_AFTER_VALUE: Final = re.compile(rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]{0,4096}+)*+(?:(endobj)|stream(\r\n|\n|\r))")


def read_indirect_value(
    data: bytes, position: int, end: int, resolve: Callable[[object], object], budget: Budget, names: dict[bytes, Name]
) -> tuple[object, int, bool]:
    """The value behind an object header, streams included; the offset behind it; whether a dictionary in it names a key twice.

    A /Length that does not lead to ``endstream`` is replaced by the distance to the next ``endstream``, as readers do.

    A dictionary that ``endobj`` closes is read once for all views of the file: nothing behind that was looked at.
    """
    known = budget.values.get(position)
    if known is not None and known[3] <= end:
        return known[:3]
    lexer = Lexer(data, position, min(end, position + budget.limits.object_bytes), limits=budget.limits, names=names)
    try:
        value = lexer.read_value()
    finally:
        budget.spend_object(lexer.tokens)
    match = _AFTER_VALUE.match(data, lexer.position, end) if isinstance(value, dict) else None
    if match is not None and match[1] is not None and budget.shared + lexer.tokens <= SHARED_TOKENS:
        budget.shared += lexer.tokens
        budget.values[position] = value, lexer.position, lexer.has_duplicate_keys, match.end()
    if match is None or match[1] is not None or not isinstance(value, dict):
        return value, lexer.position, lexer.has_duplicate_keys
    start = match.end()
    length = resolve(value.get("Length"))
    if type(length) is int and 0 <= length <= end - start:
        closing = _STREAM_END.match(data, start + length, end)
        if closing is not None:
            return Stream(value, memoryview(data)[start : start + length], start), closing.end(), lexer.has_duplicate_keys
    found = data.find(b"endstream", start, end)
    budget.spend_scanned((found if found >= 0 else end) - start)
    if found < 0:
        raise MalformedError("PDF_STREAM_END", offset=start)
    stop = found
    if data[stop - 1 : stop] == b"\n":
        stop -= 1
    if data[stop - 1 : stop] == b"\r":
        stop -= 1
    return Stream(value, memoryview(data)[start : max(start, stop)], start), found + 9, lexer.has_duplicate_keys
