"""The package of an OFD document (GB/T 33190-2016 7.2): a ZIP archive, opened over its bytes without trusting any of them.

Nothing is unpacked when it is opened. What is wrong with the archive as a whole stands in :attr:`Container.irregularities`, each with a
code, and a name that is not safe gives no member at all. Archives inside the archive are opaque.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import (
    CHUNK_BYTES,
    KEPT_BYTES,
    MAX_ENTRY_BYTES,
    MAX_NAME_BYTES,
    MAX_NAME_DEPTH,
    MAX_RATIO,
    MAX_TOTAL_BYTES,
    RATIO_FREE_BYTES,
)
from standards.gbt33190_ofd.zip_records import (
    DEFLATED,
    STORED,
    UTF8_FLAG,
    Directory,
    Record,
    Span,
    holds_local_header,
    is_descriptor,
    read_directory,
    read_span,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DUPLICATE: Final = "DUPLICATE_ENTRY"
BAD_PATH: Final = "BAD_PATH"
BAD_CONTAINER: Final = "OFD_CONTAINER_BAD"  # records that disagree: readers see different documents
STRAY_BYTES: Final = "OFD_CONTAINER_STRAY"  # bytes that belong to no entry
NAME_ENCODING: Final = "OFD_NAME_ENCODING"
UNREADABLE: Final = "OFD_ENTRY_UNREADABLE"

REMEMBERED_MEMBERS: Final = 64  # unpacked: what we have just packed and sealed, and what documents of one kind share
REMEMBERED_BYTES: Final = 128 * 1024  # of one member, at most: 8 MB altogether
WORTH_BYTES: Final = 8 * 1024  # nothing is gained by shorter ones, and pages and data, which tell of people, mostly are

REMEMBERED_NAMES: Final = 512  # as they were read: documents of one kind have the same files
REMEMBERED_NAME_BYTES: Final = 256  # of one name, at most: some 2 MB altogether
_UNIX: Final = 3
_PLAIN_TYPES: Final = frozenset({0, stat.S_IFREG, stat.S_IFDIR})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PADDING: Final = b"\0\t\n\r\x1a "  # what a transfer or a writer of blocks leaves behind a file; it shows nothing to anybody
_REFERENCE: Final = re.compile(r"&(?:#0*([0-9]{1,7})|#x0*([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_LAST_CHARACTER: Final = 0x10FFFF
_FIRST_OF_THREE_BYTES: Final = "\u0800"


@dataclass(frozen=True, slots=True)
class Irregularity:
    """Something about the archive itself: ``code``, the name it concerns (empty: the whole), and why."""

    code: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the package by its name, without a leading slash."""

    name: str
    record: Record
    span: Span

    @property
    def size(self) -> int:
        """Unpacked size in bytes, as stated."""
        return self.record.unpacked_bytes


class Container:
    """The files of a package. ``members`` is by name; of several with the same name it has the first, and ``duplicates`` has the name.

    ``directory`` and ``spans`` are the records as they stand, entry by entry.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.members: dict[str, Member] = {}
        self.duplicates: set[str] = set()
        self.irregularities: list[Irregularity] = []
        self._folded: dict[str, str] = {}
        self._unpacked_bytes = 0
        self._kept: dict[
            str, bytes
        ] = {}  # members of one piece that were proven: most are read as XML, digested, and read by whoever follows
        self._kept_bytes = 0
        self.directory = directory = read_directory(data)
        self.spans = spans = [read_span(data, record, directory.offset) for record in directory.records]
        for record, span in zip(directory.records, spans, strict=True):
            self._add(record, span)
        self._check_layout(directory, spans)
        self._check_readings()

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def name_like(self, name: str) -> str | None:
        """The member whose name differs from ``name`` in case or Unicode form only."""
        return self._folded.get(_fold(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The unpacked bytes of a member, bounded, with size and checksum proven at the end.

        Raises ``OFD_ENTRY_UNREADABLE`` with ``path`` and ``reason``; what was given out before is then worth nothing.
        """
        kept = self._kept.get(name)
        if kept is not None:
            yield kept
            return
        member = self.members[name]
        record = member.record
        if record.unpacked_bytes > MAX_ENTRY_BYTES:
            raise MalformedError(UNREADABLE, path=name, reason="too-large", limit=MAX_ENTRY_BYTES)
        if record.unpacked_bytes > max(RATIO_FREE_BYTES, record.packed_bytes * MAX_RATIO):
            raise MalformedError(UNREADABLE, path=name, reason="ratio", limit=MAX_RATIO)
        packed = memoryview(self.data)[member.span.data_start : member.span.data_start + record.packed_bytes]
        if record.method == STORED:
            pieces: Iterator[bytes] = (bytes(packed[at : at + CHUNK_BYTES]) for at in range(0, len(packed), CHUNK_BYTES))
        elif record.method == DEFLATED:
            pieces = _unpack(name, packed, record.unpacked_bytes)
        else:
            raise MalformedError(UNREADABLE, path=name, reason="method", found=record.method)
        size = checksum = 0
        whole: bytes | None = None
        for piece in pieces:
            size += len(piece)
            self._unpacked_bytes += len(piece)
            if size > record.unpacked_bytes:
                raise MalformedError(UNREADABLE, path=name, reason="size")
            if self._unpacked_bytes > MAX_TOTAL_BYTES:
                raise MalformedError(UNREADABLE, path=name, reason="total-too-large", limit=MAX_TOTAL_BYTES)
            checksum = zlib.crc32(piece, checksum)
            whole = piece if len(piece) == record.unpacked_bytes else whole
            yield piece
        if size != record.unpacked_bytes:
            raise MalformedError(UNREADABLE, path=name, reason="size")
        if checksum != record.checksum:
            raise MalformedError(UNREADABLE, path=name, reason="checksum")
        if whole is not None and self._kept_bytes + size <= KEPT_BYTES:
            self._kept[name] = whole
            self._kept_bytes += size

    def read(self, name: str, most: int) -> bytes:
        """A member as a whole, of at most ``most`` bytes; errors as :meth:`chunks`."""
        if self.members[name].size > most:
            raise MalformedError(UNREADABLE, path=name, reason="too-large", limit=most)
        return b"".join(self.chunks(name))

    def hides_entry(self, name: str) -> bool:
        """Whether readers that go from one local header to the next may come to another entry inside the packed bytes of this one.

        They leave the directory aside, so an entry ends for them where its stream ends, and one that is only stored, with its size behind it,
        where they see fit.
        """
        member = self.members[name]
        if not holds_local_header(self.data, member.span.data_start, member.span.end):
            return False
        if member.record.method == STORED:
            return member.span.has_descriptor
        try:
            for _ in self.chunks(name):
                pass
        except MalformedError:
            return True
        return False

    def _note(self, code: str, path: str, reason: str) -> None:
        self.irregularities.append(Irregularity(code, path, reason))

    def _add(self, record: Record, span: Span) -> None:
        read = _read_name_of(record)
        name = read.name
        shown = name[:MAX_NAME_BYTES]
        if span.problem is not None:
            self._note(BAD_CONTAINER, shown, span.problem)
        if record.unicode_name is not None and record.unicode_name != name.encode():
            self._note(BAD_CONTAINER, shown, "unicode-name")
        is_folder = name.endswith("/")
        reason = read.problem or _kind_problem(record)
        if reason is None and is_folder and (record.unpacked_bytes or holds_local_header(self.data, span.data_start, span.end)):
            reason = "folder-with-data"
        if reason is not None:
            self._note(BAD_PATH, shown, reason)
            return
        if is_folder:
            return
        if read.is_guess:
            self._note(NAME_ENCODING, shown, "not-stated")
        if name in self.members:
            self.duplicates.add(name)
            self._note(DUPLICATE, shown, "same-name")
            return
        other = self._folded.setdefault(read.folded, name)
        if other != name:
            self.duplicates |= {name, other}
            self._note(DUPLICATE, shown, "case")
        self.members[name] = Member(name, record, span)

    def _check_readings(self) -> None:
        """One name that a reader of other habits, or the file system it unpacks to, takes for another file's is two files of that name."""
        holders: dict[str, str] = {}
        for name, member in self.members.items():
            alike = {holders.setdefault(reading, name) for reading in _read_name_of(member.record).readings} | {name}
            if len(alike) > 1 and not alike <= self.duplicates:
                self._note(DUPLICATE, name[:MAX_NAME_BYTES], "read-alike")
                self.duplicates |= alike

    def _check_layout(self, directory: Directory, spans: list[Span]) -> None:
        """Entries stand one behind the other from the first byte to the directory; whatever else is there belongs to nobody."""
        by_place = sorted(zip(spans, directory.records, strict=True), key=lambda pair: pair[0].start)
        reach = 0
        last: tuple[Span, Record] | None = None
        for span, record in by_place:
            if span.start < reach:
                self._note(BAD_CONTAINER, _read_name_of(record).name[:MAX_NAME_BYTES], "overlap")
            else:
                self._check_between(reach, span.start, last)
            if span.end >= reach:
                reach, last = span.end, (span, record)
        self._check_between(reach, directory.offset, last)
        behind = directory.end + directory.comment_bytes
        if directory.comment_bytes:
            self._note(STRAY_BYTES, "", "comment")
        if behind < len(self.data):
            is_padding = not self.data[behind:].strip(_PADDING)
            self._note(STRAY_BYTES, "", "after-end" if is_padding else "content-after-end")

    def _check_between(self, start: int, stop: int, last: tuple[Span, Record] | None) -> None:
        if start == stop:
            return
        between = self.data[start:stop]
        if last is not None and last[0].has_descriptor and is_descriptor(last[1], between):
            return
        if holds_local_header(self.data, start, stop):
            self._note(BAD_CONTAINER, "", "hidden-entry")
        else:
            self._note(STRAY_BYTES, "", "before-first" if last is None else "between")


def _unpack(name: str, packed: memoryview, stated_bytes: int) -> Iterator[bytes]:
    """As :func:`_inflate`, of what may have been unpacked before; that size and checksum are those stated here is for the caller to prove, as ever."""
    if not WORTH_BYTES <= stated_bytes <= REMEMBERED_BYTES:
        return _inflate(name, packed)
    try:
        return iter((_unpacked(bytes(packed)),))
    except (zlib.error, ValueError):
        return _inflate(name, packed)  # says what is wrong


@lru_cache(maxsize=REMEMBERED_MEMBERS)
def _unpacked(packed: bytes) -> bytes:
    """What these bytes unpack to, remembered by all of them. ValueError where it is longer than ``REMEMBERED_BYTES``, or ends elsewhere than they do."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    whole = inflater.decompress(packed, REMEMBERED_BYTES)
    if not inflater.eof or inflater.unused_data:
        raise ValueError
    return whole


def _inflate(name: str, packed: memoryview) -> Iterator[bytes]:
    """Deflated data in bounded pieces. The stream must end where the packed data end."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting: bytes | memoryview = packed
    try:
        while not inflater.eof:
            piece = inflater.decompress(waiting, CHUNK_BYTES)
            waiting = inflater.unconsumed_tail
            if not piece and not inflater.eof:  # nothing comes of all that there is
                raise MalformedError(UNREADABLE, path=name, reason="data-truncated")
            yield piece
    except zlib.error:
        raise MalformedError(UNREADABLE, path=name, reason="data") from None
    if inflater.unused_data:
        raise MalformedError(UNREADABLE, path=name, reason="data-behind-end")


@dataclass(frozen=True, slots=True)
class _ReadName:
    """What the bytes of one name are read as. ``is_guess``: their encoding is not stated; ``problem``: why nobody may follow or unpack it;
    ``folded`` and ``readings``: what other names are compared with, empty where there is a problem.
    """

    name: str
    is_guess: bool
    problem: str | None
    folded: str
    readings: frozenset[str]


def _read_name_of(record: Record) -> _ReadName:
    is_stated = bool(record.flags & UTF8_FLAG)
    read = _read_name if len(record.name) <= REMEMBERED_NAME_BYTES else _read_name.__wrapped__
    return read(record.name, is_stated=is_stated)


@lru_cache(maxsize=REMEMBERED_NAMES)
def _read_name(raw: bytes, *, is_stated: bool) -> _ReadName:
    """``is_stated``: the record says that its name is in UTF-8."""
    name, is_guess = _decode_name(raw, is_stated=is_stated)
    problem = "too-long" if len(raw) > MAX_NAME_BYTES else _path_problem(name.removesuffix("/"))
    if problem is not None:
        return _ReadName(name, is_guess, problem, "", frozenset())
    return _ReadName(name, is_guess, problem, _fold(name), frozenset(_readings(name, raw, is_stated=is_stated)))


def _decode_name(raw: bytes, *, is_stated: bool) -> tuple[str, bool]:
    """The name as text, and whether its encoding had to be guessed: Chinese writers use GB 18030 where the standard says code page 437."""
    if raw.isascii():
        return raw.decode("ascii"), False
    for codec in ("utf-8", "gb18030"):
        try:
            name = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        # Two bytes of GB 18030 can look like one Latin, Greek or Arabic letter of UTF-8; Chinese characters of UTF-8 have three
        if is_stated or codec != "utf-8" or all(character.isascii() or character >= _FIRST_OF_THREE_BYTES for character in name):
            return name, not (is_stated and codec == "utf-8")
    return raw.decode("cp437"), True


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _readings(name: str, raw: bytes, *, is_stated: bool) -> set[str]:
    """The names that readers and file systems make of one name: white space around steps trimmed as locations are, full stops at the end of
    a step and what follows a colon dropped as Windows does, bytes without a stated encoding in each of the encodings in use, and the name
    that is meant where this one has references of XML in it: who does not read those in locations looks for it as it is written.
    """
    names = {name}
    if not raw.isascii() and not is_stated:
        for codec in ("utf-8", "gb18030", "cp437"):
            with suppress(UnicodeDecodeError):
                names.add(raw.decode(codec))
    if "&" in name:
        names |= {_REFERENCE.sub(_referenced, each) for each in names}
    return {_fold("/".join(step for each in one.split("/") if (step := _step(each)))) for one in names}


def _referenced(match: re.Match[str]) -> str:
    decimal, hexadecimal, named = match.groups()
    if named is not None:
        return _NAMED[named]
    number = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(number) if number <= _LAST_CHARACTER else match[0]


def _step(step: str) -> str:
    return step.partition(":")[0].strip().rstrip(". ")


def _path_problem(name: str) -> str | None:
    """Why a name is unsafe to be followed or unpacked by anybody; None where it is sound."""
    parts = name.split("/")
    if len(parts) > MAX_NAME_DEPTH:
        return "too-long"
    if _CONTROL.search(name):
        return "control-character"
    if "\\" in name:
        return "backslash"
    if not name or name.startswith("/") or name[1:2] == ":":
        return "absolute"
    if ".." in parts:
        return "parent-folder"
    if "." in parts or "" in parts:
        return "empty-step"
    return None


def _kind_problem(record: Record) -> str | None:
    """Why an entry is no file or folder that anybody may unpack; None where it is one."""
    kind = stat.S_IFMT(record.external_attributes >> 16) if record.made_by >> 8 == _UNIX else 0
    if stat.S_ISLNK(kind):
        return "symbolic-link"
    return None if kind in _PLAIN_TYPES else "special-file"
