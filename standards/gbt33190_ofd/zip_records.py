"""The records of a ZIP archive (PKWARE APPNOTE 6.3), read from their bytes.

Readers of the world disagree about what is in an archive whose records disagree: some follow the central directory, some the local
headers, some the first entry of a name and some the last. A signature is worth nothing where two readers see two documents, so nothing
is guessed here: each disagreement is found and named.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_ENTRIES, MAX_FILE_BYTES

MALFORMED: Final = "OFD_ZIP_MALFORMED"
STORED: Final = 0
DEFLATED: Final = 8
ENCRYPTED_FLAGS: Final = 0x2041  # encrypted, strongly encrypted, central directory encrypted
DESCRIPTOR_FLAG: Final = 0x0008  # sizes and checksum follow the data
UTF8_FLAG: Final = 0x0800

_LOCAL: Final = b"PK\x03\x04"
_CENTRAL: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_LOCATOR_64: Final = b"PK\x06\x07"
_DESCRIPTOR: Final = b"PK\x07\x08"
_END_BYTES: Final = 22
_END_64_BYTES: Final = 56
_LOCATOR_BYTES: Final = 20
_CENTRAL_BYTES: Final = 46
_LOCAL_BYTES: Final = 30
_MAX_COMMENT: Final = 0xFFFF
_FULL_16: Final = 0xFFFF
_FULL_32: Final = 0xFFFFFFFF
_EXTRA_64: Final = 0x0001
_EXTRA_UNICODE_PATH: Final = 0x7075
_CENTRAL_FIELDS: Final = struct.Struct("<HHHHIIIIHHHHHII")
_LOCAL_FIELDS: Final = struct.Struct("<HHIIIIHH")
_NO_EXTRA: Final[dict[int, bytes]] = {}  # of most entries


class Record(NamedTuple):
    """One entry of the central directory. ``unicode_name`` is the name in the Info-ZIP extra field, where one applies."""

    name: bytes
    made_by: int
    flags: int
    method: int
    checksum: int
    packed_bytes: int
    unpacked_bytes: int
    header_offset: int
    external_attributes: int
    unicode_name: bytes | None


class Directory(NamedTuple):
    """The central directory: where it starts, its entries, where its end record ends, and how long the comment behind that is (bytes)."""

    offset: int
    records: tuple[Record, ...]
    end: int
    comment_bytes: int


class Span(NamedTuple):
    """Where an entry lies: its local header, its packed data, and the end of both. ``problem`` is how the header disagrees, if it does."""

    start: int
    data_start: int
    end: int
    problem: str | None
    has_descriptor: bool


def _malformed(reason: str, **facts: int) -> MalformedError:
    return MalformedError(MALFORMED, reason=reason, **facts)


def read_directory(data: bytes) -> Directory:
    """The central directory of an archive. Raises ``OFD_ZIP_MALFORMED`` with ``reason``."""
    if len(data) > MAX_FILE_BYTES:
        raise _malformed("too-large", limit=MAX_FILE_BYTES)
    end = data.rfind(_END, max(0, len(data) - _END_BYTES - _MAX_COMMENT))
    if end < 0 or end + _END_BYTES > len(data):
        raise _malformed("no-end-record")
    disk, first_disk, on_disk, count, size, offset, comment = struct.unpack_from("<HHHHIIH", data, end + 4)
    if end + _END_BYTES + comment > len(data):
        raise _malformed("end-record-truncated")
    count, size, offset, stop = _wide_values(data, end, (disk, first_disk, on_disk, count, size, offset))
    if count > MAX_ENTRIES:
        raise _malformed("too-many-entries", limit=MAX_ENTRIES, found=count)
    if offset + size != stop:
        raise _malformed("directory-misplaced", offset=offset)
    return Directory(offset, tuple(_read_records(data, offset, stop, count)), end + _END_BYTES, comment)


def _wide_values(data: bytes, end: int, fields: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Count, size, offset and end of the directory, from the 64-bit end record where there is one. Both records must say the same."""
    disk, first_disk, on_disk, count, size, offset = fields
    locator = end - _LOCATOR_BYTES
    if locator < 0 or data[locator : locator + 4] != _LOCATOR_64:
        if disk or first_disk or on_disk != count:
            raise _malformed("several-disks")
        return count, size, offset, end
    locator_disk, place, disks = struct.unpack_from("<IQI", data, locator + 4)
    if locator_disk or disks > 1 or place + _END_64_BYTES > locator or data[place : place + 4] != _END_64:
        raise _malformed("zip64-locator")
    length, _, _, disk_64, first_64, on_disk_64, count_64, size_64, offset_64 = struct.unpack_from("<QHHIIQQQQ", data, place + 4)
    if place + 12 + length != locator or disk_64 or first_64 or on_disk_64 != count_64:
        raise _malformed("zip64-record")
    pairs = ((count, count_64, _FULL_16), (on_disk, on_disk_64, _FULL_16), (size, size_64, _FULL_32), (offset, offset_64, _FULL_32))
    if any(narrow not in {wide, full} for narrow, wide, full in pairs):
        raise _malformed("zip64-disagrees")
    return count_64, size_64, offset_64, place


def _read_records(data: bytes, offset: int, stop: int, count: int) -> list[Record]:
    records = []
    for _ in range(count):
        if offset + _CENTRAL_BYTES > stop or data[offset : offset + 4] != _CENTRAL:
            raise _malformed("directory-entry", offset=offset)
        made_by, _, flags, method, _, checksum, packed, unpacked, name_length, extra_length, comment_length, disk, _, attributes, place = (
            _CENTRAL_FIELDS.unpack_from(data, offset + 4)
        )
        name_at = offset + _CENTRAL_BYTES
        extra_at = name_at + name_length
        offset = extra_at + extra_length + comment_length
        if offset > stop:
            raise _malformed("directory-entry", offset=name_at)
        name = data[name_at:extra_at]
        extra = _read_extra(data[extra_at : extra_at + extra_length]) if extra_length else _NO_EXTRA
        if _FULL_32 in {unpacked, packed, place}:
            unpacked, packed, place = _widen(extra.get(_EXTRA_64, b""), (unpacked, packed, place))
        if disk not in {0, _FULL_16}:
            raise _malformed("several-disks")
        records.append(Record(name, made_by, flags, method, checksum, packed, unpacked, place, attributes, _unicode_name(name, extra)))
    if offset != stop:
        raise _malformed("directory-size", offset=offset)
    return records


def raw_records(data: bytes, directory: Directory) -> list[bytes]:
    """The entries of a directory that was read, as they stand in the archive."""
    found = []
    start = directory.offset
    for _ in directory.records:
        end = start + _CENTRAL_BYTES + sum(struct.unpack_from("<HHH", data, start + 28))
        found.append(data[start:end])
        start = end
    return found


def _read_extra(extra: bytes) -> dict[int, bytes]:
    """The extra fields by their identifier, the first of each; what does not fit at the end is padding."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if at + 4 + length > len(extra):
            break
        found.setdefault(kind, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _widen(field: bytes, narrow: tuple[int, ...]) -> tuple[int, ...]:
    """Values of 32 bits that are full stand in the 64-bit extra field, in this order; a full one that does not is a lie."""
    values: list[int] = []
    at = 0
    for value in narrow:
        if value != _FULL_32:
            values.append(value)
            continue
        if at + 8 > len(field):
            raise _malformed("zip64-entry")
        values.append(int.from_bytes(field[at : at + 8], "little"))
        at += 8
    return tuple(values)


def _unicode_name(name: bytes, extra: dict[int, bytes]) -> bytes | None:
    field = extra.get(_EXTRA_UNICODE_PATH, b"") if extra else b""
    if len(field) < 5 or field[0] != 1 or int.from_bytes(field[1:5], "little") != zlib.crc32(name):
        return None
    return field[5:]


def read_span(data: bytes, record: Record, directory_offset: int) -> Span:
    """Where the entry lies by its local header. Raises ``OFD_ZIP_MALFORMED`` where there is none in front of the directory."""
    start = record.header_offset
    if start + _LOCAL_BYTES > directory_offset or data[start : start + 4] != _LOCAL:
        raise _malformed("local-header-missing", offset=start)
    flags, method, _, checksum, packed, unpacked, name_length, extra_length = _LOCAL_FIELDS.unpack_from(data, start + 6)
    extra_at = start + _LOCAL_BYTES + name_length
    data_start = extra_at + extra_length
    end = data_start + record.packed_bytes
    if end > directory_offset:
        raise _malformed("entry-truncated", offset=start)
    extra = _read_extra(data[extra_at:data_start]) if extra_length else _NO_EXTRA
    field = extra.get(_EXTRA_64, b"")
    deferred = bool(flags & DESCRIPTOR_FLAG)
    problem = None
    if data[start + _LOCAL_BYTES : extra_at] != record.name:
        problem = "local-name"
    elif _unicode_name(record.name, extra) not in {None, record.unicode_name}:
        problem = "local-unicode-name"
    elif (flags | record.flags) & ENCRYPTED_FLAGS:
        problem = "encrypted"
    elif method != record.method:
        problem = "local-method"
    elif (flags ^ record.flags) & UTF8_FLAG and not record.name.isascii():
        problem = "local-name-encoding"
    elif not _is_same(record, field, (checksum, unpacked, packed), deferred=deferred):
        problem = "local-sizes"
    return Span(start, data_start, end, problem, deferred)


def _is_same(record: Record, field: bytes, local: tuple[int, int, int], *, deferred: bool) -> bool:
    checksum, unpacked, packed = local
    if checksum == record.checksum and unpacked == record.unpacked_bytes and packed == record.packed_bytes and _FULL_32 not in local[1:]:
        return True
    try:
        unpacked, packed = _widen(field, (unpacked, packed))
    except MalformedError:
        return False
    stated = ((checksum, record.checksum), (unpacked, record.unpacked_bytes), (packed, record.packed_bytes))
    return all(own == central or (deferred and own == 0) for own, central in stated)


def is_descriptor(record: Record, between: bytes) -> bool:
    """Whether the bytes behind an entry's data are its data descriptor, in one of the forms in use."""
    body = between.removeprefix(_DESCRIPTOR)
    if len(body) not in {12, 20}:
        return False
    wide = len(body) == 20
    checksum, packed, unpacked = struct.unpack("<IQQ" if wide else "<III", body)
    return bool((checksum, packed, unpacked) == (record.checksum, record.packed_bytes, record.unpacked_bytes))


def holds_local_header(data: bytes, start: int, stop: int) -> bool:
    """Whether these bytes of an archive look like an entry of their own, which a reader without the directory would find."""
    return data.find(_LOCAL, start, stop) >= 0
