"""ZIP archives made byte by byte, so that each of their records can lie."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNIX = 3 << 8
FULL = 0xFFFFFFFF


@dataclass
class Entry:
    """One entry, honest unless told otherwise. ``local_...`` differ in the local header only, the others in both or in the directory."""

    name: str | bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    made_by: int = 20
    attributes: int = 0
    packed: bytes | None = None
    checksum: int | None = None
    unpacked_bytes: int | None = None
    packed_bytes: int | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_sizes: tuple[int, int, int] | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    after: bytes = b""
    offset: int | None = None
    disk: int = 0

    @property
    def raw_name(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflate(self.data) if self.method == 8 else self.data

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Checksum, packed and unpacked size as the directory states them."""
        return (
            zlib.crc32(self.data) if self.checksum is None else self.checksum,
            len(self.body) if self.packed_bytes is None else self.packed_bytes,
            len(self.data) if self.unpacked_bytes is None else self.unpacked_bytes,
        )


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def extra_field(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def unicode_path(raw_name: bytes, name: str) -> bytes:
    return extra_field(0x7075, b"\x01" + zlib.crc32(raw_name).to_bytes(4, "little") + name.encode())


def local_record(entry: Entry) -> bytes:
    name = entry.raw_name if entry.local_name is None else entry.local_name
    flags = entry.flags if entry.local_flags is None else entry.local_flags
    method = entry.method if entry.local_method is None else entry.local_method
    sizes = entry.sizes if entry.local_sizes is None else entry.local_sizes
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, method, 0, 0x21, *sizes, len(name), len(entry.local_extra))
    return head + name + entry.local_extra + entry.body + entry.after


def central_record(entry: Entry, offset: int) -> bytes:
    head = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        b"PK\1\2",
        entry.made_by,
        20,
        entry.flags,
        entry.method,
        0,
        0x21,
        *entry.sizes,
        len(entry.raw_name),
        len(entry.extra),
        0,
        entry.disk,
        0,
        entry.attributes,
        offset if entry.offset is None else entry.offset,
    )
    return head + entry.raw_name + entry.extra


def archive(
    entries: Sequence[Entry],
    *,
    prefix: bytes = b"",
    before_directory: bytes = b"",
    behind_directory: bytes = b"",
    comment: bytes = b"",
    trailing: bytes = b"",
    end: Mapping[str, int] | None = None,
) -> bytes:
    """The archive; ``end`` overrides fields of the end record: disk, first_disk, on_disk, count, size, offset, comment."""
    out = bytearray(prefix)
    offsets = []
    for entry in entries:
        offsets.append(len(out))
        out += local_record(entry)
    out += before_directory
    directory = b"".join(central_record(entry, offset) for entry, offset in zip(entries, offsets, strict=True))
    fields = {
        "disk": 0,
        "first_disk": 0,
        "on_disk": len(entries),
        "count": len(entries),
        "size": len(directory),
        "offset": len(out),
        "comment": len(comment),
        **(end or {}),
    }
    out += directory + behind_directory
    return bytes(out + struct.pack("<4sHHHHIIH", b"PK\5\6", *fields.values()) + comment + trailing)


def wide_end(honest: tuple[int, int, int], **lies: int) -> bytes:
    """The 64-bit end record and its locator for a directory of so many entries, of this size at this offset."""
    count, size, offset = honest
    fields = {"length": 44, "disk": 0, "first": 0, "on_disk": count, "count": count, "size": size, "offset": offset, **lies}
    record = struct.pack(
        "<4sQHHIIQQQQ",
        b"PK\6\6",
        fields["length"],
        45,
        45,
        fields["disk"],
        fields["first"],
        fields["on_disk"],
        fields["count"],
        fields["size"],
        fields["offset"],
    )
    return record + struct.pack(
        "<4sIQI", b"PK\6\7", fields.get("locator_disk", 0), fields.get("place", offset + size), fields.get("disks", 1)
    )


def pack(files: Mapping[str, bytes]) -> bytes:
    """An honest archive of these files in their order."""
    return archive([Entry(name, data) for name, data in files.items()])
