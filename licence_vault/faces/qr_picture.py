"""A QR code (ISO/IEC 18004) as a picture of one bit a pixel, eight pixels a module: 500 dpi and more at the sizes that faces have."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from licence_vault.faces import limits
from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_values import Image
from standards.iso18004_qr import ALPHANUMERIC, encode_qr

if TYPE_CHECKING:
    from licence_vault.faces.design import QrPart

QUIET: Final = 4  # modules that stay white around it (5.3.8)
_MASK: Final = 3
PIXELS: Final = 8  # of a module, so that a byte is one
_LEVEL: Final = 1
_WHITE: Final = b"\xff"
_SHADES: Final = bytes([255, 0]) + bytes(254)  # light and dark
_PACKED: Final = frozenset(ALPHANUMERIC)


def draw_qr(part: QrPart, text: str) -> Image:
    """The code with its quiet zone within the place of the part.

    What follows the first ``#`` is packed by itself: Base45 takes 5.5 bits a character there, however the link before it is spelt.

    :raises TrustError: ``FACE_VALUE_BAD`` (empty, or more than the largest code holds at this level).
    """
    if not 0 < len(text) <= limits.QR_TEXT_CHARACTERS:
        raise TrustError(Kind.UNACCEPTABLE, "FACE_VALUE_BAD", field="qr_text", rule=f"1 to {limits.QR_TEXT_CHARACTERS} characters")
    head, mark, tail = text.partition("#")
    is_packed = set(tail) <= _PACKED
    rows = encode_qr((head + mark if is_packed else text).encode(), tail if is_packed else "", part.level, _MASK)
    if rows is None:
        raise TrustError(Kind.UNACCEPTABLE, "FACE_VALUE_BAD", field="qr_text", rule=f"fits a code of level {part.level}")
    size = len(rows)
    # A line as it is (filter 0), then seven that are the same as the one above (filter 2, nothing added): they pack in no time
    width, side = size + 2 * QUIET, _WHITE * QUIET
    same = b"\2" + bytes(width)
    edge = b"\0" + _WHITE * width + same * (QUIET * PIXELS - 1)
    lines = b"".join(b"\0" + side + row.translate(_SHADES) + side + same * (PIXELS - 1) for row in rows)
    return Image(_png(PIXELS * width, edge + lines + edge), part.x_mm, part.y_mm, part.size_mm, part.size_mm)


def _png(width: int, rows: bytes) -> bytes:
    """A square PNG (ISO/IEC 15948) with one bit a pixel; ``rows``: each with its filter type in front."""
    out = b"\x89PNG\r\n\x1a\n"
    for name, data in (
        (b"IHDR", struct.pack(">II5B", width, width, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, _LEVEL)),
        (b"IEND", b""),
    ):
        out += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return out
