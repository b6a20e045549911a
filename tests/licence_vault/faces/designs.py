"""Faces for tests, and what is drawn on them. Everything is invented."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pypdfium2
from PIL import Image

from licence_vault.faces.draw import draw_pdf
from licence_vault.faces.marks import Marks
from licence_vault.faces.standard import Row, bilingual_face, landscape_face, portrait_face
from tests.licence_vault.samples import sample_licence

if TYPE_CHECKING:
    from licence_vault.faces.design import FaceTemplate
    from licence_vault.model import LicenceData

TITLE_MN = "ᠵᠥᠪᠰᠢᠶᠡᠷᠡᠯ ᠦᠨᠡᠮᠯᠡᠯ"
NAME_MN = "ᠨᠡᠷᠡᠶᠢᠳᠦᠯ"
ROWS = (
    Row("持证人", "{holders.0.name}", label_mn=NAME_MN),
    Row("证件号码", "{holders.0.code}"),
    Row("地址", "{fields.KZ_address}", lines=2),
    Row("经营范围", "{fields.KZ_scope}", lines=3),
    Row("有效期", "{valid_from|zh}至{valid_to|zh}"),
)
LANDSCAPE = landscape_face("landscape", "示例许可证", ROWS, subtitle="（副本）")
PORTRAIT = portrait_face("portrait", "示例许可证", ROWS, subtitle="（正本）")
BILINGUAL = bilingual_face("bilingual", "示例许可证", TITLE_MN, ROWS)
QR_TEXT = "https://licences.example/v#" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$*+-./:" * 10
ATTACHMENTS = {"licence.json": b'{"v":1}', "licence.leaf": b"leaf", "licence.sm3.tlog-proof": b"proof"}
SILENT = Marks(has_no_legal_effect=False)


def pdf_of(template: FaceTemplate, data: LicenceData | None = None, marks: Marks = SILENT) -> bytes:
    return draw_pdf(data or sample_licence(), template, ATTACHMENTS, qr_text=QR_TEXT, marks=marks)


def text_of(pdf: bytes) -> str:
    """The text as a reader finds it, without the ends of lines."""
    with pypdfium2.PdfDocument(pdf) as document:
        return str(document[0].get_textpage().get_text_bounded()).replace("\r\n", "")


def picture_of(pdf: bytes, dpi: int = 72) -> Image.Image:
    with pypdfium2.PdfDocument(pdf) as document:
        image = document[0].render(scale=dpi / 72).to_pil().convert("RGB")
        assert isinstance(image, Image.Image)
        return image


def png(size: int = 4) -> bytes:
    out = BytesIO()
    Image.new("RGB", (size, size), (10, 200, 10)).save(out, "PNG")
    return out.getvalue()
