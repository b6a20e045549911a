"""A QR code (ISO/IEC 18004) as a picture of one bit a pixel, eight pixels a module: 500 dpi and more at the sizes that faces have."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

import segno

from licence_vault.faces import limits
from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_values import Image

if TYPE_CHECKING:
    from licence_vault.faces.design import QrPart

QUIET: Final = 4  # modules that stay white around it (5.3.8)
# The standard lets the encoder try all eight masks for the most even picture, at 20 ms a code. What is drawn here is a signature and its
# claims in Base45, as good as random, which no mask makes uneven; every reader takes the mask from the code itself.
_MASK: Final = 3
PIXELS: Final = 8  # of a module, so that a byte is one
_LEVEL: Final = 6


def draw_qr(part: QrPart, text: str) -> Image:
    """The code with its quiet zone within the place of the part.

    What follows the first ``#`` is packed by itself: Base45 takes 5.5 bits a character there, however the link before it is spelt.

    :raises TrustError: ``FACE_VALUE_BAD`` (empty, or more than the largest code holds at this level).
    """
    head, mark, tail = text.partition("#")
    segments = [piece for piece in (head + mark, tail) if piece]
    if not segments or len(text) > limits.QR_TEXT_CHARACTERS:
        raise TrustError(Kind.UNACCEPTABLE, "FACE_VALUE_BAD", field="qr_text", rule=f"1 to {limits.QR_TEXT_CHARACTERS} characters")
    try:
        code = segno.make_qr(segments, error=part.level, boost_error=False, mask=_MASK)  # type: ignore[arg-type]  # it takes segments too, its types do not say so
    except segno.DataOverflowError:
        raise TrustError(Kind.UNACCEPTABLE, "FACE_VALUE_BAD", field="qr_text", rule=f"fits a code of level {part.level}") from None
    white, black = b"\xff", b"\0"
    size = len(code.matrix)
    edge = (b"\0" + white * (size + 2 * QUIET)) * (QUIET * PIXELS)
    side = white * QUIET
    rows = b"".join((b"\0" + side + bytes(row).replace(b"\0", white).replace(b"\1", black) + side) * PIXELS for row in code.matrix)
    return Image(_png(PIXELS * (size + 2 * QUIET), edge + rows + edge), part.x_mm, part.y_mm, part.size_mm, part.size_mm)


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
