"""PDF files for keeping, read by pikepdf and pypdfium2; veraPDF judges them in ``tests/interop``."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import pikepdf
import pypdfium2
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from service_kit.archival_pdf.colour_profile import srgb_profile
from service_kit.archival_pdf.layers import Layer, prepare_layer
from service_kit.archival_pdf.pictures import MAX_PICTURE_BYTES, read_picture
from service_kit.archival_pdf.write import MAX_FILES, Description, EmbeddedFile, PdfPage, write_pdf
from service_kit.typefaces.faces import Style, brought_face, find_face, system_faces
from service_kit.typefaces.pool import pooled_face
from standards.errors import TrustError
from standards.gbt33190_ofd.write_values import Figure, Font, Image, Item, Path, Text, rectangle
from tests.optional import need

if TYPE_CHECKING:
    from service_kit.typefaces.cut import CutFace

A3 = "ISO 19005-3"
DESCRIPTION = Description("样例证照（无法律效力）", "示例市(局)", datetime(2026, 11, 28, tzinfo=UTC), "subject", "one, two")
FILES = (EmbeddedFile("licence.json", b'{"v":1}', "application/json", description="data"), EmbeddedFile("数据.txt", b"x", "text/plain"))


def font_of(face: CutFace) -> Font:
    return Font(face.postscript_name, face.family, face.truetype, face.advances_em, face.ascent_em, face.descent_em)


def layer_of(*items: Item, faces: tuple[CutFace, ...] = ()) -> Layer:
    return prepare_layer(items, 210, 297, {face.postscript_name: face for face in faces})


def picture(mode: str, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    Pillow.new(mode, (4, 3), (200, 10, 10) if mode == "RGB" else 99).save(out, kind, **options)
    return out.getvalue()


def palette() -> bytes:
    out = BytesIO()
    Pillow.new("RGB", (4, 3), (10, 200, 10)).quantize(2).save(out, "PNG", bits=1)
    return out.getvalue()


def drawn(*items: Item, faces: tuple[CutFace, ...] = ()) -> tuple[pypdfium2.PdfDocument, Pillow.Image]:
    document = pypdfium2.PdfDocument(write_pdf([PdfPage(210, 297, [layer_of(*items, faces=faces)])], DESCRIPTION))
    return document, document[0].render(scale=1).to_pil().convert("RGB")


def colour_at(image: Pillow.Image, x_mm: float, y_mm: float) -> tuple[int, ...]:
    colour = image.getpixel((round(x_mm * 72 / 25.4), round(y_mm * 72 / 25.4)))
    assert isinstance(colour, tuple)
    return colour


@pytest.mark.clause("ISO 19005-3 6.8", "ISO 19005-3 6.6.2")
def test_description_profile_and_files() -> None:
    data = write_pdf([PdfPage(210, 297, [layer_of(rectangle(10, 10, 20, 20))])], DESCRIPTION, FILES)
    with pikepdf.open(BytesIO(data)) as pdf:
        assert pdf.docinfo["/Title"] == DESCRIPTION.title
        assert pdf.Root.Lang == "zh-CN"
        with pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "3B"
            assert metadata["dc:title"] == DESCRIPTION.title
            assert metadata["dc:creator"] == [DESCRIPTION.author]
        assert {name: bytes(pdf.attachments[name].get_file().read_bytes()) for name in pdf.attachments} == {
            file.name: file.content for file in FILES
        }
        assert [str(each.AFRelationship) for each in pdf.Root.AF] == ["/Data", "/Data"]
        assert bytes(pdf.Root.OutputIntents[0].DestOutputProfile.read_bytes()) == srgb_profile()
        assert pdf.trailer.ID[0] == pdf.trailer.ID[1]


def test_the_same_values_give_the_same_bytes_and_others_another_identifier() -> None:
    pages = [PdfPage(210, 297, [layer_of(rectangle(10, 10, 20, 20))])]
    first = write_pdf(pages, DESCRIPTION, FILES)
    assert first == write_pdf(pages, DESCRIPTION, tuple(reversed(FILES)))
    other = write_pdf(pages, replace(DESCRIPTION, title="x"), FILES)
    assert first[first.index(b"/ID[") :][:60] != other[other.index(b"/ID[") :][:60]


def test_the_profile_is_srgb() -> None:
    ours, theirs = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())), ImageCms.createProfile("sRGB")
    image = Pillow.new("RGB", (8, 8))
    image.putdata([(r, g, b) for r in (0, 80, 160, 255) for g in (0, 90, 180, 255) for b in (0, 60, 120, 255)])
    changed = ImageCms.profileToProfile(image, ours, theirs)
    assert changed is not None
    assert max(abs(one - two) for one, two in zip(image.tobytes(), changed.tobytes(), strict=True)) <= 1


def test_text_is_found_and_stands_in_its_place() -> None:
    face = pooled_face(brought_face(), "执照é 01█")
    document, image = drawn(
        Text(font_of(face), 10, 30, 50, "执照 01é", spacing_mm=1),
        Text(font_of(face), 10, 30, 100, "█", colour=(255, 0, 0)),
        Text(font_of(face), 10, 100, 100, "█", colour=(0, 0, 255), turn=90),
        faces=(face,),
    )
    text = document[0].get_textpage().get_text_bounded()
    assert "执照 01é" in text
    assert colour_at(image, 35, 97) == (255, 0, 0)
    assert colour_at(image, 102, 105) == (0, 0, 255)  # it runs downwards, its head to the right


def test_shaped_runs_are_found_by_their_characters() -> None:
    need("a Mongolian face", any(face.style is Style.MONGOLIAN for face in system_faces()), "install fonts-noto-core")
    run = "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"
    face = pooled_face(find_face(run, Style.MONGOLIAN), "", runs=[run])
    document, image = drawn(Text(font_of(face), 10, 50, 30, run, turn=90, glyphs=face.runs[run]), faces=(face,))
    assert run in document[0].get_textpage().get_text_bounded()
    dark = [y for y in range(image.height) for x in range(130, 180) if image.getpixel((x, y)) == (0, 0, 0)]
    assert min(dark) >= round(29 * 72 / 25.4)
    assert max(dark) - min(dark) > 100  # a column


def test_glyphs_off_the_pen_and_the_base_line() -> None:
    face = pooled_face(brought_face(), "█ab")

    class Place:
        def __init__(self, number: int, x_em: float, y_em: float, first: int) -> None:
            self.number, self.advance_em, self.x_em, self.y_em, self.first_character = number, 1.0, x_em, y_em, first

    block = face.glyphs["█"]
    run = [Place(block, 2.0, 0.0, 0), Place(block, 0.0, 3.0, 0), Place(block, 0.0, 0.0, 1)]
    document, image = drawn(Text(font_of(face), 10, 20, 100, "ab", glyphs=run), faces=(face,))
    assert colour_at(image, 45, 97) == (0, 0, 0)
    assert colour_at(image, 25, 97) == (255, 255, 255)
    assert colour_at(image, 35, 67) == (0, 0, 0)
    assert document[0].get_textpage().get_text_bounded().startswith("a")


def test_paths_and_opacity() -> None:
    document, image = drawn(
        rectangle(10, 10, 40, 40, stroke=None, fill=(255, 0, 0)),
        replace(rectangle(30, 30, 40, 40, stroke=None, fill=(0, 0, 255)), opacity=51),
        replace(rectangle(120, 30, 10, 10, stroke=None, fill=(0, 0, 255)), opacity=51),
        Path(
            [
                Figure((10, 100), [(60, 100), (60, 150), (10, 150)], is_closed=True),
                Figure((20, 110), [(50, 110), (50, 140), (20, 140)], is_closed=True),
            ],
            fill=(0, 255, 0),
            stroke=None,
            is_even_odd=True,
        ),
        Path([Figure((10, 200), [(60, 160, 110, 200), (130, 160, 160, 160, 180, 200)])], line_width_mm=3, dash_mm=(20, 5)),
        Path([Figure((120, 100), [(160, 100), (160, 140)], is_closed=True)], fill=(0, 255, 255), line_width_mm=2),
    )
    assert len(document) == 1
    assert colour_at(image, 20, 20) == (255, 0, 0)
    assert colour_at(image, 60, 60)[0] in range(200, 210)
    assert colour_at(image, 55, 105) == (0, 255, 0)
    assert colour_at(image, 35, 125) == (255, 255, 255)
    assert colour_at(image, 60, 180) == (0, 0, 0)  # the middle of the first curve
    assert colour_at(image, 150, 110) == (0, 255, 255)


@pytest.mark.parametrize(
    "content",
    [picture("RGB"), palette(), picture("P", bits=8), picture("L"), picture("RGB", "JPEG"), picture("L", "JPEG", progressive=True)],
    ids=["rgb", "palette", "palette-8", "grey", "jpeg", "grey-jpeg"],
)
@pytest.mark.parametrize("turn", [0, 90, 30])
def test_pictures_go_in_as_they_are(content: bytes, turn: int) -> None:
    expected = Pillow.open(BytesIO(content)).convert("RGB").getpixel((1, 1))
    assert isinstance(expected, tuple)
    _, image = drawn(Image(content, 20, 20, 40, 30, turn=turn))
    assert max(abs(a - b) for a, b in zip(colour_at(image, 40, 35), expected, strict=True)) <= 3
    assert colour_at(image, 70, 70) == (255, 255, 255)


PNG = picture("RGB")
JPEG = picture("RGB", "JPEG")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GIF89a", "neither"),
        (PNG[:40], "truncated"),
        (PNG[:60], "truncated"),
        (PNG[:25] + b"\x06" + PNG[26:], "PNG other"),
        (PNG[:24] + b"\x10" + PNG[25:], "PNG other"),
        (PNG[:28] + b"\x01" + PNG[29:], "PNG other"),
        (PNG[:12] + b"IHDX" + PNG[16:], "PNG other"),
        (PNG[:16] + struct.pack(">I", 0) + PNG[20:], "no pixels"),
        (PNG[:33] + struct.pack(">I", 2) + b"tRNS\0\0" + struct.pack(">I", zlib.crc32(b"tRNS\0\0")) + PNG[33:], "transparency"),
        (PNG[:25] + b"\x03" + PNG[26:], "palette"),
        (JPEG[:4], "truncated"),
        (JPEG[:2] + b"\xff\x01" + JPEG[2:20], "truncated"),
        (b"\xff\xd8\xff\xda\0\0", "without a frame"),
        (b"\xff\xd8\x00\xda\0\0", "without a frame"),
        (picture("CMYK", "JPEG"), "JPEG other"),
    ],
)
def test_other_pictures_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(TrustError, match="PDF_PICTURE_UNUSABLE") as caught:
        read_picture(content)
    assert reason in str(caught.value.facts["reason"])


def test_large_pictures_are_refused() -> None:
    with pytest.raises(TrustError, match="PDF_PICTURE_TOO_LARGE"):
        read_picture(PNG + bytes(MAX_PICTURE_BYTES))
    with pytest.raises(TrustError, match="PDF_PICTURE_TOO_LARGE"):
        read_picture(PNG[:16] + struct.pack(">II", 60_000, 60_000) + PNG[24:])


def test_values_out_of_their_rules() -> None:
    page = PdfPage(210, 297, [layer_of()])
    many = [EmbeddedFile(f"{number}", b"", "text/plain") for number in range(MAX_FILES + 1)]
    for pages, description, files in (
        ([], DESCRIPTION, ()),
        ([page], replace(DESCRIPTION, title="a\nb"), ()),
        ([page], replace(DESCRIPTION, author="a" * 2001), ()),
        ([page], DESCRIPTION, many),
        ([page], DESCRIPTION, (FILES[0], FILES[0])),
        ([page], DESCRIPTION, (replace(FILES[0], name="../x"),)),
        ([page], DESCRIPTION, (replace(FILES[0], name=""),)),
    ):
        with pytest.raises(TrustError, match="PDF_VALUE_BAD"):
            write_pdf(pages, description, files)
    with pytest.raises(TrustError, match="PDF_FILE_TOO_LARGE"):
        write_pdf([page], DESCRIPTION, (replace(FILES[0], content=bytes(16 * 1024 * 1024 + 1)),))
    with pytest.raises(ValueError, match="aware"):
        write_pdf([page], replace(DESCRIPTION, created_at=datetime(2026, 1, 1)), ())
    face = pooled_face(brought_face(), "执")
    with pytest.raises(TrustError, match="GLYPH_MISSING"):
        layer_of(Text(font_of(face), 5, 10, 10, "执照"), faces=(face,))


def test_a_layer_that_two_pages_share_is_written_once() -> None:
    shared = layer_of(rectangle(10, 10, 20, 20))
    data = write_pdf(
        [PdfPage(210, 297, [shared]), PdfPage(210, 297, [shared, shared])], replace(DESCRIPTION, subject="", keywords="", author="")
    )
    with pikepdf.open(BytesIO(data)) as pdf:
        assert len(pdf.pages) == 2
        assert len([each for each in pdf.objects if isinstance(each, pikepdf.Stream) and each.get("/Subtype") == "/Form"]) == 1
