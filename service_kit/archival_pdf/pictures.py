"""PNG and JPEG pictures as image XObjects (ISO 32000-1 8.9) without decoding them: their own packed data go into the PDF.

PNG of up to 8 bits, grey, RGB or with a palette, without transparency and not interlaced; JPEG in grey or YCbCr. Others are refused by name:
the maker of a template converts them once.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from standards.errors import Kind, TrustError

MAX_PICTURE_BYTES: Final = 4 * 1024 * 1024
MAX_PIXELS: Final = 25_000_000  # A4 at 600 dpi has 35 million, a photograph of a holder under one
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3
_DEPTHS: Final = {_GREY: (1, 2, 4, 8), _RGB: (8,), _PALETTE: (1, 2, 4, 8)}
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive, by Huffman's codes
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_SCAN: Final = 0xDA


@dataclass(frozen=True, slots=True)
class Picture:
    """The entries of the dictionary and the data of the stream."""

    entries: str
    data: bytes


def read_picture(content: bytes) -> Picture:
    """A picture ready for the PDF.

    :raises TrustError: ``PDF_PICTURE_UNUSABLE`` with the reason, ``PDF_PICTURE_TOO_LARGE``.
    """
    if len(content) > MAX_PICTURE_BYTES:
        raise TrustError(Kind.TOO_LARGE, "PDF_PICTURE_TOO_LARGE", bytes=len(content), limit=MAX_PICTURE_BYTES)
    try:
        if content.startswith(_PNG):
            return _png(content)
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
    except (struct.error, IndexError):
        raise _unusable("truncated") from None
    raise _unusable("neither PNG nor JPEG")


def _unusable(reason: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "PDF_PICTURE_UNUSABLE", reason=reason)


def _sized(width: int, height: int, depth: int = 8) -> str:
    if not width or not height:
        raise _unusable("no pixels")
    if width * height > MAX_PIXELS:
        raise TrustError(Kind.TOO_LARGE, "PDF_PICTURE_TOO_LARGE", pixels=width * height, limit=MAX_PIXELS)
    return f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/BitsPerComponent {depth}"


def _png(content: bytes) -> Picture:
    width, height, depth, kind, _, _, interlace = struct.unpack_from(">II5B", content, 16)
    if content[12:16] != b"IHDR" or depth not in _DEPTHS.get(kind, ()) or interlace:
        raise _unusable("PNG other than up to 8 bits, grey, RGB or palette, without transparency, not interlaced")
    palette, data, at = b"", [], 8
    while True:
        length, name = struct.unpack_from(">I4s", content, at)
        piece = content[at + 8 : at + 8 + length]
        if len(piece) != length:
            raise _unusable("truncated")
        if name == b"tRNS":
            raise _unusable("PNG with transparency")
        if name == b"PLTE":
            palette = piece
        elif name == b"IDAT":
            data.append(piece)
        elif name == b"IEND":
            break
        at += 12 + length
    if kind == _PALETTE and (not palette or len(palette) % 3):
        raise _unusable("PNG without its palette")
    space = {_GREY: "/DeviceGray", _RGB: "/DeviceRGB", _PALETTE: f"[/Indexed/DeviceRGB {len(palette) // 3 - 1}<{palette.hex()}>]"}[kind]
    colours = 3 if kind == _RGB else 1
    entries = (
        f"/ColorSpace{space}/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors {colours}/BitsPerComponent {depth}/Columns {width}>>"
    )
    return Picture(_sized(width, height, depth) + entries, b"".join(data))


def _jpeg(content: bytes) -> Picture:
    at = 2
    while True:
        mark, kind = content[at], content[at + 1]
        if mark != 0xFF or kind == _SCAN:
            raise _unusable("JPEG without a frame that readers have to know")
        if kind in _ALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if kind in _FRAMES:
            depth, height, width, components = struct.unpack_from(">BHHB", content, at + 4)
            if depth != 8 or components not in {1, 3}:
                raise _unusable("JPEG other than 8 bits, grey or YCbCr")
            space = "/DeviceGray" if components == 1 else "/DeviceRGB"
            return Picture(_sized(width, height) + f"/ColorSpace{space}/Filter/DCTDecode", content)
        at += 2 + length
