"""Picture files that come from outside, read down to their parts without decoding a pixel.

A file must be one picture from its first byte to its last, of a size that is known before anything is decompressed. Everything that is
not needed for its pixels is left behind: metadata, colour profiles, comments, thumbnails, animations.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIXELS_MAX: Final = 4_000_000  # 2,000 by 2,000: 45 mm at 1,100 dpi
SIDE_PIXELS_MAX: Final = 8_000  # a rectangle of 6 to 1 with as many pixels
SCANS_MAX: Final = 100  # of a progressive JPEG: encoders write about ten; each costs a pass over all pixels
PARTS_MAX: Final = 20_000  # chunks or segments: the smallest data chunks written by encoders have 8,192 bytes


class Format(StrEnum):
    """Formats that are taken. The value is the decoder's name for it."""

    PNG = "PNG"
    JPEG = "JPEG"
    BMP = "BMP"


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture file with nothing in it but what its pixels need."""

    format: Format
    width_px: int
    height_px: int
    content: bytes


_PNG_MARK: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_PNG_CRITICAL: Final = 0x20  # this bit of the first letter is clear in chunks that nobody may pass over
_JPEG_MARK: Final = b"\xff\xd8\xff"
_BMP_MARK: Final = b"BM"
_BMP_HEADERS: Final = frozenset({40, 52, 56, 108, 124})  # BITMAPINFOHEADER and its successors
_BMP_DEPTHS: Final = frozenset({1, 4, 8, 24, 32})
_BMP_PADDING_MAX: Final = 3  # some writers fill the file up to a multiple of four


def read_picture_file(content: bytes) -> PictureFile:
    """The parts of a PNG, JPEG or BMP file.

    :raises TrustError: ``PICTURE_FORMAT_UNKNOWN``, ``PICTURE_MALFORMED``, ``PICTURE_TRAILING_BYTES``, ``PICTURE_TOO_LARGE``.
    """
    if content.startswith(_PNG_MARK):
        return _read_png(content)
    if content.startswith(_JPEG_MARK):
        return _read_jpeg(content)
    if content.startswith(_BMP_MARK):
        return _read_bmp(content)
    raise TrustError(Kind.UNACCEPTABLE, "PICTURE_FORMAT_UNKNOWN", expected="PNG, JPEG, BMP")


def _read_png(content: bytes) -> PictureFile:
    """ISO/IEC 15948: every chunk with its check sum, IHDR first, IEND last and nothing behind it."""
    kept = [_PNG_MARK]
    packed: list[bytes] = []
    width = height = expected = 0
    for number, (kind, body, end) in enumerate(_png_chunks(content)):
        if (number == 0) != (kind == b"IHDR"):
            raise _malformed("IHDR")
        if kind == b"IHDR":
            if len(body) != 13:
                raise _malformed("IHDR")
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            _require_size(width, height)
            if depth == 16:
                raise TrustError(Kind.UNACCEPTABLE, "PICTURE_FORMAT_UNKNOWN", expected="at most 8 bits per channel")
            if (colour, depth) not in _PNG_KINDS:
                raise _malformed("IHDR")
            expected = _png_bytes(width, height, depth * _PNG_KINDS[colour, depth], is_interlaced=interlace == 1)
        if kind == b"IDAT":
            packed.append(body)
        if kind in _PNG_KEPT:
            kept.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
        elif not kind[0] & _PNG_CRITICAL:
            raise _malformed("chunk")
        if kind == b"IEND":
            if end != len(content):
                raise _trailing(len(content) - end)
            _require_whole(b"".join(packed), expected)
            return PictureFile(Format.PNG, width, height, b"".join(kept))
    raise _malformed("IEND")


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, body and end of each chunk."""
    at = len(_PNG_MARK)
    for _ in range(PARTS_MAX):
        if at + 12 > len(content):
            return
        length = int.from_bytes(content[at : at + 4], "big")
        end = at + 12 + length
        if end > len(content):
            return
        kind, body = content[at + 4 : at + 8], content[at + 8 : end - 4]
        if zlib.crc32(kind + body) != int.from_bytes(content[end - 4 : end], "big"):
            raise _malformed("CRC")
        yield kind, body, end
        at = end
    raise _malformed("chunks")


# (colour type, bits per channel) -> channels
_PNG_KINDS: Final = {
    (0, 1): 1,
    (0, 2): 1,
    (0, 4): 1,
    (0, 8): 1,
    (2, 8): 3,
    (3, 1): 1,
    (3, 2): 1,
    (3, 4): 1,
    (3, 8): 1,
    (4, 8): 2,
    (6, 8): 4,
}
_PASSES: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # Adam7: x, y, step x, step y


def _png_bytes(width: int, height: int, bits: int, *, is_interlaced: bool) -> int:
    """How many bytes the rows have when unpacked, each with its filter byte; ``bits`` per pixel."""
    total = 0
    for x, y, step_x, step_y in _PASSES if is_interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // step_x), -(-(height - y) // step_y)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _require_whole(packed: bytes, expected: int) -> None:
    """The compressed rows are all there and nothing besides. Decoders fill up what is missing and pass over the rest."""
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(packed, expected + 1)  # never more than one byte over what the header announces
    except zlib.error as error:
        raise _malformed("IDAT") from error
    if len(rows) != expected or not unpacker.eof or unpacker.unused_data:
        raise _malformed("IDAT")


def _read_jpeg(content: bytes) -> PictureFile:
    """ISO/IEC 10918-1: segments up to EOI, which ends the file. Application segments but the colour transform (APP14) are left out."""
    kept = [b"\xff\xd8"]
    width = height = scans = 0
    at = 2
    for _ in range(PARTS_MAX):
        while content[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if at + 2 > len(content) or content[at] != 0xFF:
            raise _malformed("marker")
        marker = content[at + 1]
        if marker == 0xD9:
            if at + 2 != len(content):
                raise _trailing(len(content) - at - 2)
            if not width or not scans:
                raise _malformed("EOI")
            return PictureFile(Format.JPEG, width, height, b"".join([*kept, b"\xff\xd9"]))
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(content) or marker in _JPEG_WITHOUT_LENGTH:
            raise _malformed(f"marker {marker:02X}")
        if marker in _JPEG_FRAMES:
            if width or length < 8:
                raise _malformed("SOF")
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            _require_size(width, height)
        if marker == 0xDA:
            scans += 1
            if scans > SCANS_MAX:
                raise _malformed("scans")
            end = _end_of_scan(content, end)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker == 0xEE:
            kept.append(content[at:end])
        at = end
    raise _malformed("segments")


_JPEG_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_WITHOUT_LENGTH: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the next marker begins: coded data has FF only before 00 and within restart markers."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise _malformed("scan")
        following = content[at + 1]
        if following and not 0xD0 <= following <= 0xD7 and following != 0xFF:
            return at
        at += 1 if following == 0xFF else 2


def _read_bmp(content: bytes) -> PictureFile:
    """Windows bitmap, uncompressed: the pixels end where the file ends."""
    if len(content) < 54:
        raise _malformed("header")
    size, _, offset, header, width, height, _, depth, compression = struct.unpack("<IIIIiiHHI", content[2:34])
    if header not in _BMP_HEADERS or compression not in {0, 3} or depth not in _BMP_DEPTHS or offset < 14 + header or width <= 0:
        raise TrustError(Kind.UNACCEPTABLE, "PICTURE_FORMAT_UNKNOWN", expected="uncompressed BMP of 1, 4, 8, 24 or 32 bits")
    _require_size(width, abs(height))
    end = offset + (width * depth + 31) // 32 * 4 * abs(height)
    if end > len(content) or size > len(content):
        raise _malformed("pixels")
    if len(content) - end > _BMP_PADDING_MAX or any(content[end:]):
        raise _trailing(len(content) - end)
    return PictureFile(Format.BMP, width, abs(height), content)


def _require_size(width: int, height: int) -> None:
    if not width or not height:
        raise _malformed("size")
    if max(width, height) > SIDE_PIXELS_MAX or width * height > PIXELS_MAX:
        raise TrustError(Kind.TOO_LARGE, "PICTURE_TOO_LARGE", most_pixels=PIXELS_MAX, most_pixels_per_side=SIDE_PIXELS_MAX)


def _malformed(at: str) -> MalformedError:
    return MalformedError("PICTURE_MALFORMED", at=at)


def _trailing(count: int) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "PICTURE_TRAILING_BYTES", bytes=count)
