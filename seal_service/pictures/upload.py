"""A seal's picture that was made elsewhere: checked, cleaned and written anew. The only user of Pillow in the services.

What comes out shares no byte with what came in: the pixels are decoded, brought to a resolution that fits into a seal, and encoded again.
A turn noted in EXIF is not applied: the picture is taken as its pixels lie.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageStat

from seal_service.pictures.check_design import DesignWarning, is_red
from seal_service.pictures.design import SIDE_MM_MAX, SIDE_MM_MIN
from seal_service.pictures.picture_files import PictureFile, read_picture_file
from seal_service.pictures.rules import PRACTICE, SEEN_IN_FILES
from standards.errors import Kind, MalformedError, TrustError

BYTES_MAX: Final = 2 * 1024 * 1024  # a scanned seal of a few hundred kilobytes is common
DPI_MOST: Final = 300  # finer pictures are brought down to it
DPI_LEAST: Final = 150  # coarser ones are warned about
TARGET_BYTES: Final = 20_000  # the picture is embedded in every seal and with it in every sealed document
COLOURS: Final = 32  # of the palette: one ink in steps of opacity
_PAPER: Final = 225  # a pixel whose darkest channel is this light is paper
_INK: Final = 150  # and ink where it is this dark; between them it is as opaque as it is dark
_VISIBLE: Final = 128


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """A picture that may go into a seal: PNG with a palette, its size, and what a maker should know."""

    png: bytes
    width_mm: float
    height_mm: float
    width_px: int
    height_px: int
    warnings: tuple[DesignWarning, ...]


@dataclass(frozen=True, slots=True)
class InkMask:
    """Where a picture has ink: a byte of 1 or 0 for every pixel, row by row from the top. ``colour``: the mean of the ink, DeviceRGB."""

    mask: bytes
    width_px: int
    height_px: int
    colour: tuple[float, float, float]


def read_ink(png: bytes) -> InkMask:
    """The ink of a picture that :func:`read_uploaded_picture` made: what is more than half opaque and not as light as paper."""
    file = read_picture_file(png)
    image = _decoded(file)
    dark = ImageChops.darker(ImageChops.darker(*image.split()[:2]), image.getchannel("B"))
    seen = ImageChops.darker(image.getchannel("A"), dark.point(_INK_OF_DARKNESS)).point(_IS_VISIBLE)
    red, green, blue = ImageStat.Stat(image.convert("RGB"), seen).mean
    mask = seen.point([0] + [1] * 255).tobytes()
    return InkMask(mask, file.width_px, file.height_px, (round(red / 255, 4), round(green / 255, 4), round(blue / 255, 4)))


def read_uploaded_picture(uploaded: bytes, *, width_mm: float, is_paper_removed: bool = False) -> UploadedPicture:
    """Check a PNG, JPEG or BMP file and make a clean picture ``width_mm`` wide of it; its height follows from its shape.

    ``is_paper_removed`` makes white ground transparent, as scans need it.

    :raises TrustError: ``PICTURE_TOO_LARGE`` (bytes or pixels), ``PICTURE_FORMAT_UNKNOWN``, ``PICTURE_MALFORMED``,
        ``PICTURE_TRAILING_BYTES`` (also for files that are something else besides), ``PICTURE_EMPTY``, ``SEAL_SIZE_BAD``.
    """
    # 1. One picture from the first byte to the last, of a known size.
    if len(uploaded) > BYTES_MAX:
        raise TrustError(Kind.TOO_LARGE, "PICTURE_TOO_LARGE", bytes=len(uploaded), most_bytes=BYTES_MAX)
    file = read_picture_file(uploaded)
    height_mm = width_mm * file.height_px / file.width_px
    if not (SIDE_MM_MIN <= width_mm <= SIDE_MM_MAX and SIDE_MM_MIN <= height_mm <= SIDE_MM_MAX):
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_SIZE_BAD", least_mm=SIDE_MM_MIN, most_mm=SIDE_MM_MAX)

    # 2. Its pixels, with nothing hidden under transparent ones.
    image = _decoded(file)
    dark = ImageChops.darker(ImageChops.darker(*image.split()[:2]), image.getchannel("B"))
    ink = dark.point(_INK_OF_DARKNESS)
    if is_paper_removed:
        image.putalpha(ImageChops.darker(image.getchannel("A"), ink))
    opacity = image.getchannel("A")
    image = Image.composite(image, Image.new("RGBA", image.size), opacity.point(_IS_THERE))

    # 3. What is seen of it.
    seen = ImageChops.darker(opacity, ink).point(_IS_VISIBLE)
    if seen.getbbox() is None:
        raise TrustError(Kind.UNACCEPTABLE, "PICTURE_EMPTY")
    red, green, blue = (value / 255 for value in ImageStat.Stat(image.convert("RGB"), seen).mean)
    warnings = []
    if not is_red((red, green, blue)):
        warnings.append(DesignWarning("SEAL_COLOUR_NOT_RED", "印色不是红色。", "The colour is not red.", PRACTICE))
    if opacity.getextrema() == (255, 255):
        warnings.append(
            DesignWarning(
                "SEAL_PICTURE_OPAQUE",
                "图片底色不透明，盖章后会遮住文字。",
                "The ground is not transparent: it would hide the text under the seal.",
                SEEN_IN_FILES,
            )
        )
    if file.width_px / width_mm * 25.4 < DPI_LEAST:
        warnings.append(
            DesignWarning(
                "SEAL_PICTURE_COARSE",
                f"分辨率低于每英寸 {DPI_LEAST} 点，打印后不清晰。",
                f"Fewer than {DPI_LEAST} pixels per inch: not sharp in print.",
                PRACTICE,
            )
        )

    # 4. Written anew, no finer than a seal needs.
    width_px, height_px = (min(pixels, max(1, round(mm / 25.4 * DPI_MOST))) for pixels, mm in _sides(file, width_mm, height_mm))
    if (width_px, height_px) != image.size:
        # With colours weighed by their opacity, so that what is transparent gives no edge of its own.
        image = image.convert("RGBa").resize((width_px, height_px), Image.Resampling.LANCZOS).convert("RGBA")
    out = io.BytesIO()
    image.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(out, "PNG", optimize=True)
    png = out.getvalue()
    if len(png) > TARGET_BYTES:
        warnings.append(
            DesignWarning(
                "SEAL_PICTURE_HEAVY",
                f"图片超过 {TARGET_BYTES // 1000} kB，会增大每一份盖章文件。",
                f"More than {TARGET_BYTES // 1000} kB: every sealed document grows by it.",
                SEEN_IN_FILES,
            )
        )
    return UploadedPicture(png, width_mm, height_mm, width_px, height_px, tuple(warnings))


_INK_OF_DARKNESS: Final = [round(255 * min(1, max(0, (_PAPER - value) / (_PAPER - _INK)))) for value in range(256)]
_IS_THERE: Final = [0] + [255] * 255
_IS_VISIBLE: Final = [0] * _VISIBLE + [255] * (256 - _VISIBLE)


def _sides(file: PictureFile, width_mm: float, height_mm: float) -> tuple[tuple[int, float], tuple[int, float]]:
    return (file.width_px, width_mm), (file.height_px, height_mm)


def _decoded(file: PictureFile) -> Image.Image:
    """The pixels as RGBA. The decoder sees only the parts that pixels need, and only its one format is tried."""
    try:
        with Image.open(io.BytesIO(file.content), formats=[file.format.value]) as opened:
            if opened.size != (file.width_px, file.height_px):
                raise MalformedError("PICTURE_MALFORMED", at="size")
            opened.load()
            return opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError, IndexError, EOFError, struct.error) as error:  # what Pillow's decoders raise on damaged files
        raise MalformedError("PICTURE_MALFORMED", at="pixels") from error
