"""Pictures from outside: honest ones of every kind, and files that want to be something else."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from seal_service.pictures import picture_files
from seal_service.pictures.design import SealDesign, Shape
from seal_service.pictures.draw_seal import draw_seal
from seal_service.pictures.picture_files import Format, read_picture_file
from seal_service.pictures.upload import BYTES_MAX, UploadedPicture, read_uploaded_picture
from seal_service.render import draw_picture
from standards.errors import TrustError

RED = (204, 26, 26)


def ring(mode: str = "RGBA", side: int = 400, ground: tuple[int, ...] = (255, 255, 255, 0)) -> Image.Image:
    image = Image.new("RGBA", (side, side), ground)
    ImageDraw.Draw(image).ellipse((4, 4, side - 5, side - 5), outline=(*RED, 255), width=side // 20)
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


PNG = saved(ring(), "PNG")
JPEG = saved(ring("RGB", ground=(255, 255, 255, 255)), "JPEG", quality=95)
BMP = saved(ring("RGB", ground=(255, 255, 255, 255)), "BMP")


def codes(picture: UploadedPicture) -> list[str]:
    return [warning.code for warning in picture.warnings]


def opened(picture: UploadedPicture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.png))
    assert image.format == "PNG"
    assert image.mode == "P"
    return image.convert("RGBA")


def refusal(content: bytes, width_mm: float = 40) -> str:
    with pytest.raises(TrustError) as refused:
        read_uploaded_picture(content, width_mm=width_mm)
    return refused.value.code


def test_a_transparent_png_is_taken_as_it_is() -> None:
    picture = read_uploaded_picture(PNG, width_mm=40)
    assert (picture.width_mm, picture.height_mm, picture.width_px, picture.height_px) == (40, 40, 400, 400)
    assert codes(picture) == []
    image = opened(picture)
    assert image.getpixel((200, 200)) == (0, 0, 0, 0)
    corner = image.getpixel((200, 12))
    assert isinstance(corner, tuple)
    assert all(abs(one - other) <= 4 for one, other in zip(corner, (*RED, 255), strict=True))
    assert read_uploaded_picture(PNG, width_mm=40) == picture


def test_our_own_pictures_come_back_without_a_warning() -> None:
    png = draw_picture(draw_seal(SealDesign(Shape.OVAL, "样例税务局", 30, 20)))
    picture = read_uploaded_picture(png, width_mm=30)
    assert codes(picture) == []
    assert picture.height_mm == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("content", [JPEG, BMP], ids=["JPEG", "BMP"])
def test_paper_is_made_transparent_on_request_and_otherwise_warned_about(content: bytes) -> None:
    opaque = read_uploaded_picture(content, width_mm=40)
    assert codes(opaque) == ["SEAL_PICTURE_OPAQUE"]
    assert opened(opaque).getchannel("A").getextrema() == (255, 255)
    clear = read_uploaded_picture(content, width_mm=40, is_paper_removed=True)
    assert codes(clear) == []
    alpha = opened(clear).getchannel("A")
    assert alpha.getpixel((200, 200)) == 0
    assert alpha.getpixel((200, 14)) == 255


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_pixel_kind_of_png_is_read(mode: str) -> None:
    picture = read_uploaded_picture(saved(ring(mode, ground=(255, 255, 255, 255)), "PNG"), width_mm=40, is_paper_removed=True)
    assert opened(picture).getchannel("A").getextrema() == (0, 255)
    assert ("SEAL_COLOUR_NOT_RED" in codes(picture)) == (mode in {"1", "L", "LA"})


@pytest.mark.parametrize(
    "content",
    [
        saved(ring("RGB", ground=(255, 255, 255, 255)), "JPEG", progressive=True),
        saved(ring("RGB", ground=(255, 255, 255, 255)).convert("CMYK"), "JPEG"),
        saved(ring("L", ground=(255, 255, 255, 255)), "JPEG", restart_marker_rows=2),
        saved(ring("L", ground=(255, 255, 255, 255)), "BMP"),
        saved(ring("1", ground=(255, 255, 255, 255)), "BMP"),
        BMP + b"\0\0",
    ],
)
def test_other_kinds_of_jpeg_and_bmp_are_read(content: bytes) -> None:
    assert opened(read_uploaded_picture(content, width_mm=40, is_paper_removed=True)).getchannel("A").getextrema() == (0, 255)


def test_nothing_but_pixels_comes_through() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE"
    info = PngInfo()
    info.add_text("Author", "SECRET-NAME")
    info.add_itxt("XML:com.adobe.xmp", "<x>SECRET-XMP</x>")
    for content in (
        saved(ring(), "PNG", pnginfo=info, exif=exif, icc_profile=b"SECRET-PROFILE" * 20),
        saved(ring("RGB"), "JPEG", exif=exif, comment=b"SECRET-COMMENT", icc_profile=b"SECRET-PROFILE" * 20),
    ):
        assert b"SECRET" in content
        assert b"SECRET" not in read_picture_file(content).content
        picture = read_uploaded_picture(content, width_mm=40)
        assert b"SECRET" not in picture.png
        again = Image.open(io.BytesIO(picture.png))
        again.load()
        assert set(again.info) <= {"transparency"}
        assert not again.getexif()


def test_what_hides_under_transparent_pixels_is_gone() -> None:
    image = ring()
    hidden = Image.new("RGBA", (400, 400), (1, 2, 3, 0))
    ImageDraw.Draw(hidden).text((150, 190), "SECRET", fill=(250, 250, 250, 0))
    hidden.paste(image, (0, 0), image.getchannel("A"))
    picture = opened(read_uploaded_picture(saved(hidden, "PNG"), width_mm=40))
    inside = picture.crop((100, 100, 300, 300))
    assert inside.getcolors() == [(40_000, (0, 0, 0, 0))]


def test_fine_pictures_are_brought_down_and_coarse_ones_warned_about() -> None:
    fine = read_uploaded_picture(saved(ring(side=1800), "PNG"), width_mm=42)
    assert (fine.width_px, fine.height_px) == (496, 496)
    assert len(fine.png) < 20_000
    ink = opened(fine)
    colours = {colour[:3] for _, colour in ink.getcolors(1000) or [] if isinstance(colour, tuple) and colour[3] > 100}
    assert all(abs(part - wanted) < 12 for colour in colours for part, wanted in zip(colour, RED, strict=True))
    assert codes(read_uploaded_picture(saved(ring(side=200), "PNG"), width_mm=42)) == ["SEAL_PICTURE_COARSE"]


def test_colour_and_weight_are_warned_about() -> None:
    generator = random.Random(7)
    noise = Image.frombytes("RGB", (500, 500), generator.randbytes(750_000))
    assert codes(read_uploaded_picture(saved(noise, "PNG"), width_mm=42)) == [
        "SEAL_COLOUR_NOT_RED",
        "SEAL_PICTURE_OPAQUE",
        "SEAL_PICTURE_HEAVY",
    ]
    for picture in (read_uploaded_picture(saved(noise, "PNG"), width_mm=42),):
        assert all(warning.text_zh.endswith("。") and warning.text_en.endswith(".") for warning in picture.warnings)


def test_a_picture_in_which_nothing_is_seen_is_refused() -> None:
    for ground in ((255, 255, 255, 255), (0, 0, 0, 0), (200, 0, 0, 60)):
        assert refusal(saved(Image.new("RGBA", (100, 100), ground), "PNG")) == "PICTURE_EMPTY"


@pytest.mark.parametrize(("size", "width_mm"), [((400, 400), 7.9), ((400, 400), 100.1), ((400, 40), 40), ((40, 400), 40)])
def test_sizes_in_millimetres_are_bounded(size: tuple[int, int], width_mm: float) -> None:
    assert refusal(saved(Image.new("RGB", size, RED), "PNG"), width_mm) == "SEAL_SIZE_BAD"


def test_size_that_is_no_number_is_refused() -> None:
    assert refusal(PNG, float("nan")) == "SEAL_SIZE_BAD"


# Attacks


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


DATA = chunk(b"IDAT", zlib.compress(b"\0" + b"\xcc\x1a\x1a" * 10))
END = chunk(b"IEND", b"")
ZIP = b"PK\x05\x06" + bytes(18)
SCRIPT = b"<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        # Other things, and two things at once
        (b"", "PICTURE_FORMAT_UNKNOWN"),
        (b"GIF89a" + bytes(40), "PICTURE_FORMAT_UNKNOWN"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PICTURE_FORMAT_UNKNOWN"),
        (b"%PDF-1.7\n" + PNG, "PICTURE_FORMAT_UNKNOWN"),
        (PNG + ZIP, "PICTURE_TRAILING_BYTES"),
        (PNG + b"\n", "PICTURE_TRAILING_BYTES"),
        (JPEG + ZIP, "PICTURE_TRAILING_BYTES"),
        (JPEG + JPEG, "PICTURE_TRAILING_BYTES"),
        (BMP + ZIP, "PICTURE_TRAILING_BYTES"),
        (BMP + b"\0\0\0\0", "PICTURE_TRAILING_BYTES"),
        (BMP + b"\1", "PICTURE_TRAILING_BYTES"),
        # Bombs: refused by what they announce, before a byte is decompressed
        (header(50_000, 50_000) + chunk(b"IDAT", zlib.compress(bytes(10_000_000), 9)) + END, "PICTURE_TOO_LARGE"),
        (header(8_001, 1) + DATA + END, "PICTURE_TOO_LARGE"),
        (header(2**32 - 1, 1) + DATA + END, "PICTURE_TOO_LARGE"),
        (JPEG.replace(b"\x01\x90\x01\x90", b"\xff\xff\xff\xff", 1), "PICTURE_TOO_LARGE"),
        (BMP[:18] + struct.pack("<ii", 30_000, 30_000) + BMP[26:], "PICTURE_TOO_LARGE"),
        (bytes(BYTES_MAX + 1), "PICTURE_TOO_LARGE"),
        # Damage
        (PNG[:-1], "PICTURE_MALFORMED"),
        (PNG[: len(PNG) // 2], "PICTURE_MALFORMED"),
        (PNG[:8], "PICTURE_MALFORMED"),
        (PNG[:60] + b"!" + PNG[61:], "PICTURE_MALFORMED"),
        (header(0, 10) + DATA + END, "PICTURE_MALFORMED"),
        (header(10, 10) + END, "PICTURE_MALFORMED"),
        (header(10, 10) + chunk(b"IDAT", b"no zlib") + END, "PICTURE_MALFORMED"),
        (header(10, 10) + DATA + END, "PICTURE_MALFORMED"),  # one row of ten
        (header(10, 1) + chunk(b"IDAT", zlib.compress(bytes(31)) + SCRIPT) + END, "PICTURE_MALFORMED"),  # behind the packed rows
        (header(10, 1) + chunk(b"IDAT", zlib.compress(bytes(32))) + END, "PICTURE_MALFORMED"),  # a byte too many
        (header(10, 1)[:8] + DATA + END, "PICTURE_MALFORMED"),
        (header(10, 1) + header(10, 1)[8:] + DATA + END, "PICTURE_MALFORMED"),
        (header(10, 1)[:8] + chunk(b"IHDR", bytes(12)) + DATA + END, "PICTURE_MALFORMED"),
        (header(10, 1) + chunk(b"ABCD", b"must be understood") + DATA + END, "PICTURE_MALFORMED"),
        (header(10, 1) + DATA, "PICTURE_MALFORMED"),
        (header(10, 1, depth=16) + DATA + END, "PICTURE_FORMAT_UNKNOWN"),
        (header(10, 1, depth=3) + DATA + END, "PICTURE_MALFORMED"),
        (JPEG[:-2], "PICTURE_MALFORMED"),
        (JPEG[: len(JPEG) // 2], "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xd9", "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xe0\xff\xff", "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xff\xff\xff\xe0\x00\x00", "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xe0\x00\x02\x00\x00", "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xe0\x00\x02", "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xc0\x00\x04\x00\x00", "PICTURE_MALFORMED"),
        (b"\xff\xd8\xff\xd0", "PICTURE_MALFORMED"),
        (BMP[:40], "PICTURE_MALFORMED"),
        (BMP[:-1], "PICTURE_MALFORMED"),
        (BMP[:14] + struct.pack("<I", 12) + BMP[18:], "PICTURE_FORMAT_UNKNOWN"),
        (BMP[:30] + struct.pack("<I", 1) + BMP[34:], "PICTURE_FORMAT_UNKNOWN"),  # run lengths
        (BMP[:18] + struct.pack("<i", -5) + BMP[22:], "PICTURE_FORMAT_UNKNOWN"),
    ],
)
def test_what_is_no_clean_picture_is_refused(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_scans_and_parts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    progressive = saved(ring("RGB"), "JPEG", progressive=True)
    at = progressive.index(b"\xff\xda")
    many = progressive[:-2] + progressive[at:-2] * 60 + b"\xff\xd9"
    monkeypatch.setattr(picture_files, "SCANS_MAX", 50)
    assert refusal(many) == "PICTURE_MALFORMED"
    assert refusal(header(10, 1) + chunk(b"tEXt", b"a\0b") * (picture_files.PARTS_MAX + 1) + DATA + END) == "PICTURE_MALFORMED"
    assert refusal(b"\xff\xd8" + b"\xff\xfe\x00\x02" * (picture_files.PARTS_MAX + 1) + JPEG[2:]) == "PICTURE_MALFORMED"


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8, 13])
def test_interlaced_pictures_are_measured_by_their_passes(side: int) -> None:
    """Adam7 (ISO/IEC 15948 8.2), written pass by pass: every pixel has its own value and must come out where it belongs."""
    values = {(x, y): 7 * x + 11 * y for x in range(side) for y in range(side)}
    rows = b""
    for x0, y0, step_x, step_y in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, side, step_y):
            row = bytes(values[x, y] for x in range(x0, side, step_x))
            rows += b"\0" + row if row else b""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 1)
    file = read_picture_file(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + END)
    image = Image.open(io.BytesIO(file.content))
    assert {(x, y): image.getpixel((x, y)) for x in range(side) for y in range(side)} == values


def test_animations_and_compressed_texts_never_reach_the_decoder() -> None:
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(20_000_000), 9))
    animated = PNG[:33] + chunk(b"acTL", struct.pack(">II", 2, 0)) + bomb + PNG[33:]
    file = read_picture_file(animated)
    assert file.format is Format.PNG
    assert b"acTL" not in file.content
    assert b"zTXt" not in file.content
    assert read_uploaded_picture(animated, width_mm=40) == read_uploaded_picture(PNG, width_mm=40)


@settings(max_examples=300)
@given(st.sampled_from([PNG, JPEG, BMP]), st.data())
def test_damage_is_refused_or_read_but_never_anything_else(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, 80), st.integers(0, len(damaged) - 1)))
        damaged[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged) - 1)) :]
    try:
        picture = read_uploaded_picture(bytes(damaged), width_mm=40)
    except TrustError as refused:
        assert refused.code.startswith(("PICTURE_", "SEAL_SIZE_BAD"))
        return
    assert Image.open(io.BytesIO(picture.png)).size == (picture.width_px, picture.height_px)


@settings(max_examples=200)
@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b""]), st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(start: bytes, rest: bytes) -> None:
    with pytest.raises(TrustError) as refused:
        read_picture_file(start + rest)
    assert refused.value.code.startswith("PICTURE_")
