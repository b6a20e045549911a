"""Pictures of a document as image objects of the PDF, decoded by Pillow within bounds. JPEG goes in as it is."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import Image

from service_kit.ofd_drawing.limits import MAX_PICTURE_PIXELS

if TYPE_CHECKING:
    from service_kit.ofd_drawing.pdf_file import PdfFile

FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "TIFF")
_BITONAL: Final = "1"
# All that Pillow is known to raise on damaged files
_DAMAGED: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class PictureError(ValueError):
    """The picture cannot be shown; the text says why."""


def add_picture(pdf: PdfFile, data: bytes, most_pixels: int = MAX_PICTURE_PIXELS) -> tuple[int, int]:
    """An image object for a picture file: its number and how many pixels it has. Raises :class:`PictureError`."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > most_pixels:
                raise PictureError("too many pixels")
            common = f"/Type/XObject/Subtype/Image/Width {width}/Height {height}"
            if picture.format == "JPEG" and picture.mode in {"L", "RGB"}:
                picture.load()  # what Pillow cannot decode to the end is not passed on
                space = "/DeviceGray" if picture.mode == "L" else "/DeviceRGB"
                entries = f"{common}/ColorSpace{space}/BitsPerComponent 8/Filter/DCTDecode"
                return pdf.add_stream(data, entries, is_packed=True), width * height
            if picture.mode == _BITONAL:
                return pdf.add_stream(picture.tobytes(), f"{common}/ColorSpace/DeviceGray/BitsPerComponent 1"), width * height
            has_alpha = picture.mode in {"LA", "RGBA", "PA"} or "transparency" in picture.info
            shown = picture.convert("RGBA" if has_alpha else "RGB")
            mask = ""
            if has_alpha:
                alpha = shown.getchannel("A").tobytes()
                mask = f"/SMask {pdf.add_stream(alpha, f'{common}/ColorSpace/DeviceGray/BitsPerComponent 8')} 0 R"
                shown = shown.convert("RGB")
            return pdf.add_stream(shown.tobytes(), f"{common}/ColorSpace/DeviceRGB/BitsPerComponent 8{mask}"), width * height
    except PictureError:
        raise
    except _DAMAGED as error:
        raise PictureError("cannot be decoded") from error
