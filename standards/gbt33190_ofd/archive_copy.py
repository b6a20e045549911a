"""A package with files added to it: every other file keeps its header, its packed bytes and its place in the order (PKWARE APPNOTE 6.3).

Nothing is unpacked and packed again, so that what a signature protects cannot change on the way, whatever packed it.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_ENTRIES
from standards.gbt33190_ofd.zip_records import (
    DEFLATED,
    MALFORMED,
    STORED,
    UTF8_FLAG,
    Record,
    is_descriptor,
    raw_records,
)

if TYPE_CHECKING:
    from collections.abc import Container as Names
    from datetime import datetime

    from standards.gbt33190_ofd.container import Container

_VERSION: Final = 20  # of the format: folders and deflation
_MADE_BY: Final = 20  # as MS-DOS: no rights, no links
_DESCRIPTOR_BYTES: Final = (16, 24, 12, 20)
_END: Final = struct.Struct("<4sHHHHIIH")
_PACKED_FROM_BYTES: Final = 64  # what is shorter only grows
_KEPT: Final = 32  # packed files: a seal is put into document after document
_KEPT_BYTES: Final = 64 * 1024  # of one of them
_FIRST_YEAR, _LAST_YEAR = 1980, 2107  # what the records can state


class ArchiveCopy:
    """The archive under construction: ``records`` are the files with their headers, ``directory`` the entries that name them."""

    def __init__(self, records: bytes = b"", directory: bytes = b"", count: int = 0) -> None:
        self.records = bytearray(records)
        self.directory = bytearray(directory)
        self.count = count

    def add(self, name: str, data: bytes, at: datetime, *, is_dense: bool = False) -> None:
        """A further file, dated ``at``. ``is_dense``: packing would gain little, so it is not tried. Raises ``OFD_ZIP_MALFORMED``, reason
        ``too-many-entries``.
        """
        if self.count >= MAX_ENTRIES:
            raise MalformedError(MALFORMED, reason="too-many-entries", limit=MAX_ENTRIES)
        raw_name = name.encode()
        packed, method = data, STORED
        if len(data) > _PACKED_FROM_BYTES and not is_dense:
            shorter = _deflated(data) if len(data) <= _KEPT_BYTES else _deflated.__wrapped__(data)
            if len(shorter) < len(data):
                packed, method = shorter, DEFLATED
        flags = 0 if name.isascii() else UTF8_FLAG
        time, date = _dos_time(at)
        sizes = (zlib.crc32(data), len(packed), len(data))
        self.directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\x01\x02",
            _MADE_BY,
            _VERSION,
            flags,
            method,
            time,
            date,
            *sizes,
            len(raw_name),
            0,
            0,
            0,
            0,
            0,
            len(self.records),
        )
        self.directory += raw_name
        self.records += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", _VERSION, flags, method, time, date, *sizes, len(raw_name), 0)
        self.records += raw_name
        self.records += packed
        self.count += 1

    def close(self) -> bytes:
        """The archive as a file."""
        end = _END.pack(b"PK\x05\x06", 0, 0, self.count, self.count, len(self.directory), len(self.records), 0)
        return b"".join((self.records, self.directory, end))


@lru_cache(maxsize=_KEPT)
def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def copy_archive(container: Container, leave_out: Names[bytes] = ()) -> ArchiveCopy:
    """A copy of the archive without the files of these names (as its records have them), without bytes between files and comments.

    Raises ``OFD_ZIP_MALFORMED``.
    """
    data, directory = container.data, container.directory
    copy = ArchiveCopy()
    for record, raw, span in zip(directory.records, raw_records(data, directory), container.spans, strict=True):
        if record.name in leave_out:
            continue
        copy.directory += _moved(raw, record, len(copy.records))
        copy.records += data[span.start : span.end]
        copy.count += 1
        if span.has_descriptor:
            copy.records += _descriptor(data[span.end : min(span.end + max(_DESCRIPTOR_BYTES), directory.offset)], record)
    return copy


def _descriptor(behind: bytes, record: Record) -> bytes:
    """The data descriptor that stands behind a file; empty where none does, as some writers leave it out."""
    return next((behind[:size] for size in _DESCRIPTOR_BYTES if is_descriptor(record, behind[:size])), b"")


def _moved(raw: bytes, record: Record, offset: int) -> bytes:
    """An entry of the directory for a file that now stands at ``offset``, in the width it was stated in."""
    narrow_at = 42
    if raw[narrow_at : narrow_at + 4] != b"\xff" * 4:
        return raw[:narrow_at] + struct.pack("<I", offset) + raw[narrow_at + 4 :]
    # Its true offset is the last of the values that stand in the 64-bit extra field
    extra_at = 46 + len(record.name)
    extra_end = extra_at + int.from_bytes(raw[30:32], "little")
    at = extra_at
    while raw[at : at + 2] != b"\x01\x00":
        at += 4 + int.from_bytes(raw[at + 2 : at + 4], "little")
        if at + 4 > extra_end:
            raise MalformedError(MALFORMED, reason="zip64-entry")
    at += 4 + 8 * sum(raw[field : field + 4] == b"\xff" * 4 for field in (20, 24))
    return raw[:at] + struct.pack("<Q", offset) + raw[at + 8 :]


def _dos_time(at: datetime) -> tuple[int, int]:
    year = min(max(at.year, _FIRST_YEAR), _LAST_YEAR)
    return at.hour << 11 | at.minute << 5 | at.second // 2, (year - _FIRST_YEAR) << 9 | at.month << 5 | at.day
