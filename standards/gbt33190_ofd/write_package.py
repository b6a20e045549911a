"""The package around the parts (GB/T 33190-2016 7.2): a ZIP archive that every reader reads in the same way.

Plain records only: no extra fields, no descriptors behind the data, no 64-bit extension, one fixed date, names in ASCII. The same files
give the same bytes wherever the same zlib packs them.
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.limits import MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_FILE_BYTES, MAX_NAME_BYTES, MAX_RATIO, RATIO_FREE_BYTES
from standards.gbt33190_ofd.write_xml import TOO_LARGE, bad_value
from standards.gbt33190_ofd.zip_records import DEFLATED, STORED

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKED_ALREADY: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04")
_NOT_PLAIN: Final = re.compile(
    r'[^!-~]|[\\:*?"<>|]'
)  # what a name has none of: ASCII that shows, and nothing that some system takes otherwise
_VERSION: Final = 20
_DATE: Final = 0x21  # 1 January 1980, the first that the records can state: the true dates stand inside the document
_LEVEL: Final = 6
_OUTLINE_LEVEL: Final = 4  # fonts: a longer search takes twice the time and finds one byte in a hundred
_TRUETYPE: Final = b"\x00\x01\x00\x00"
PACKED_KEPT: Final = 32  # fonts, templates and pictures that documents of one kind share
MAX_KEPT_BYTES: Final = 256 * 1024


def write_package(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, in their order.

    :raises TrustError: ``OFD_VALUE_BAD`` for a name that is not plain; ``OFD_TOO_LARGE`` over the limits that reading has too.
    """
    if len(files) > MAX_ENTRIES or sum(map(len, files.values())) > MAX_FILE_BYTES:
        raise TrustError(Kind.TOO_LARGE, TOO_LARGE, what="package", limit=MAX_FILE_BYTES)
    out = bytearray()
    directory = bytearray()
    for name, data in files.items():
        _check_name(name)
        if len(data) > MAX_ENTRY_BYTES:
            raise TrustError(Kind.TOO_LARGE, TOO_LARGE, what=name, limit=MAX_ENTRY_BYTES)
        method, packed = _packed(data)
        raw_name = name.encode("ascii")
        common = struct.pack("<HHHHHIII", _VERSION, 0, method, 0, _DATE, zlib.crc32(data), len(packed), len(data))
        directory += struct.pack("<4sH", b"PK\x01\x02", _VERSION) + common
        directory += struct.pack("<HHHHHII", len(raw_name), 0, 0, 0, 0, 0, len(out)) + raw_name
        out += struct.pack("<4s", b"PK\x03\x04") + common + struct.pack("<HH", len(raw_name), 0) + raw_name + packed
    if len(out) + len(directory) > MAX_FILE_BYTES:
        raise TrustError(Kind.TOO_LARGE, TOO_LARGE, what="package", limit=MAX_FILE_BYTES)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(files), len(files), len(directory), len(out), 0)
    return bytes(out + directory + end)


@lru_cache(maxsize=PACKED_KEPT)
def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(_OUTLINE_LEVEL if data.startswith(_TRUETYPE) else _LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _packed(data: bytes) -> tuple[int, bytes]:
    """The method and the packed bytes: stored where packing gains nothing, or so much that readers would take it for a bomb."""
    if not data.startswith(_PACKED_ALREADY):
        packed = _deflated(data) if len(data) <= MAX_KEPT_BYTES else _deflated.__wrapped__(data)
        if len(packed) < len(data) <= max(RATIO_FREE_BYTES, len(packed) * MAX_RATIO):
            return DEFLATED, packed
    return STORED, data


def _check_name(name: str) -> None:
    steps = name.split("/")
    if _NOT_PLAIN.search(name) or len(name) > MAX_NAME_BYTES or any(step in {"", ".", ".."} for step in steps):
        raise bad_value("file name", "ASCII, relative, no empty or dotted step")
