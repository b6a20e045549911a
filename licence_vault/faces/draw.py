"""Drawing licence files: one layout, two kinds of file. The same data, template and attachments give the same bytes.

What is the same on all licences of a template (border, labels, their fonts) is set, packed and kept once; a licence adds its own texts, the
code to scan, its metadata and its attachments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from licence_vault.faces import limits
from licence_vault.faces.bindings import fill, is_fixed
from licence_vault.faces.design import BoxPart, ColumnPart, FramePart, LinePart, PicturePart, QrPart, RosettePart, SealPart, TextPart
from licence_vault.faces.marks import Marks, absent_code_parts, note_band, note_parts, watermark_items
from licence_vault.faces.metadata import custom_data
from licence_vault.faces.ornaments import draw_frame, draw_rosette
from licence_vault.faces.qr_picture import draw_qr
from licence_vault.faces.type_setting import FontBook, announce, check_text, set_text
from service_kit.archival_pdf.layers import Layer, prepare_layer
from service_kit.archival_pdf.write import Description, EmbeddedFile, PdfPage, write_pdf
from standards.errors import Kind, TrustError
from standards.gbt7408_times import CHINA
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import Attachment, Document, Image, Page, Template, line, rectangle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from licence_vault.faces.design import FaceTemplate, Part
    from licence_vault.model import LicenceData
    from standards.gbt33190_ofd.write_values import Item

CREATOR: Final = "Yinxin"
TEMPLATES_KEPT: Final = 64
PLAIN: Final = Marks()
_MEDIA_TYPES: Final = {"json": "application/json", "xml": "application/xml", "txt": "text/plain"}
_PLACE_CHARACTERS: Final = 64
_FACE_RULES: Final = {
    "FACE_TEXT_TOO_LONG": "fits its place on the face in the smallest letters of the design",
    "FACE_FIELD_MISSING": "the face shows it",
    "GLYPH_MISSING": "characters that a typeface here has",
}
_OTHER: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What all licences of a template have in common, ready for both kinds of file."""

    template: Template
    layer: Layer
    texts: tuple[TextPart | ColumnPart, ...]  # those that are not the same on all


def draw_pdf(
    data: LicenceData, template: FaceTemplate, attachments: Mapping[str, bytes], *, qr_text: str | None, marks: Marks = PLAIN
) -> bytes:
    """The licence as PDF/A-3b (ISO 19005-3), not sealed yet. ``attachments`` by name; without ``qr_text`` no code is drawn.

    :raises TrustError: ``FACE_FIELD_MISSING``, ``FACE_TEXT_TOO_LONG``, ``FACE_VALUE_BAD``, ``GLYPH_MISSING``, ``PDF_*``.
    """
    fixed, book, items = _compose(data, template, attachments, qr_text, marks)
    layer = prepare_layer(items, template.width_mm, template.height_mm, book.cut)
    page = PdfPage(template.width_mm, template.height_mm, [fixed.layer, layer])
    description = Description(
        f"{data.name} {data.number}", data.issuer.name, _issued_at(data), data.type.name, data.identifier, template.languages[0]
    )
    files = [EmbeddedFile(name, content, _MEDIA_TYPES.get(_extension(name), _OTHER)) for name, content in attachments.items()]
    return write_pdf([page], description, files)


def draw_ofd(
    data: LicenceData, template: FaceTemplate, attachments: Mapping[str, bytes], *, qr_text: str | None, marks: Marks = PLAIN
) -> bytes:
    """The licence as OFD (GB/T 33190, GB/T 36905), not sealed yet, with its metadata under the keys of GB/T 36903.

    :raises TrustError: as :func:`draw_pdf`, and ``OFD_*``.
    """
    fixed, _, items = _compose(data, template, attachments, qr_text, marks)
    page = Page(template.width_mm, template.height_mm, items, templates=[fixed.template])
    files = [Attachment(name, content, _extension(name), data.issued_on, is_visible=False) for name, content in attachments.items()]
    seed = data.canonical() + b"".join(sm3(content) for _, content in sorted(attachments.items()))
    return write_ofd(
        Document(
            sm3(seed).hex()[:32],
            [page],
            title=f"{data.name} {data.number}",
            author=data.issuer.name,
            subject=data.type.name,
            created_on=data.issued_on,
            creator=CREATOR,
            custom_data=custom_data(data, marks.copy_note),
            attachments=files,
        )
    )


def check_texts(data: LicenceData, template: FaceTemplate) -> None:
    """Whether every text of the face can be set with these values and every character drawn; nothing is drawn, and no font is cut.

    :raises TrustError: ``FACE_FIELD_MISSING``, ``FACE_TEXT_TOO_LONG``, ``GLYPH_MISSING`` as drawing would, with ``place`` (the text of the
        design) and ``rule`` besides.
    """
    for part in template.parts:
        if not isinstance(part, TextPart | ColumnPart) or is_fixed(part.text):
            continue
        try:
            check_text(part, fill(part.text, data))
        except TrustError as error:
            rule = _FACE_RULES.get(error.code, "")
            raise TrustError(error.kind, error.code, **(error.facts | {"place": part.text[:_PLACE_CHARACTERS], "rule": rule})) from None


def _issued_at(data: LicenceData) -> datetime:
    return datetime.combine(data.issued_on, time(), CHINA)


def _extension(name: str) -> str:
    """The letters and digits behind the last full stop; ``bin`` where there are none that a package takes."""
    ending = name.rpartition(".")[2].lower()
    return ending if ending.isascii() and ending.isalnum() and len(ending) <= 8 else "bin"


def _compose(
    data: LicenceData, template: FaceTemplate, attachments: Mapping[str, bytes], qr_text: str | None, marks: Marks
) -> tuple[_Fixed, FontBook, list[Item]]:
    """What is fixed, and the items of this licence with the fonts they are set in."""
    if len(attachments) > limits.ATTACHMENTS or sum(map(len, attachments.values())) > limits.ATTACHMENT_BYTES:
        rule = f"up to {limits.ATTACHMENTS} files of {limits.ATTACHMENT_BYTES} bytes together"
        raise TrustError(Kind.TOO_LARGE, "FACE_VALUE_BAD", field="attachments", rule=rule)
    marks.check()
    fixed = _fixed(template)

    # 1. The texts with their values, and the fonts for all of them
    texts = [(part, fill(part.text, data)) for part in fixed.texts]
    laid_over = [*note_parts(template, marks), *(absent_code_parts(template, marks) if qr_text is None else ())]
    notes = [(part, fill(part.text, data)) for part in laid_over]
    book = FontBook()
    for part, text in texts + notes:
        announce(part, text, book)
    if marks.watermark is not None:
        announce(TextPart(0, 0, 1, marks.watermark), marks.watermark, book)
    book.close()

    # 2. From below to the top: texts, the code, what is laid over them
    items: list[Item] = [item for part, text in texts for item in set_text(part, text, book)]
    if qr_text is not None:
        items += [draw_qr(part, qr_text) for part in template.parts if isinstance(part, QrPart)]
    if marks.watermark is not None:
        items += watermark_items(template, marks.watermark, book)
    items += note_band(template, marks)
    items += [item for part, text in notes for item in set_text(part, text, book)]
    return fixed, book, items


@lru_cache(maxsize=TEMPLATES_KEPT)
def _fixed(template: FaceTemplate) -> _Fixed:
    book = FontBook()
    texts: list[TextPart | ColumnPart] = []
    for part in template.parts:
        if isinstance(part, TextPart | ColumnPart):
            if is_fixed(part.text):
                announce(part, _plain(part.text), book)
            else:
                texts.append(part)
    book.close()
    items = [item for part in template.parts for item in _fixed_items(part, book)]
    layer = prepare_layer(items, template.width_mm, template.height_mm, book.cut)
    return _Fixed(Template(template.name, template.width_mm, template.height_mm, items), layer, tuple(texts))


def _plain(text: str) -> str:
    """A fixed text: two braces are one."""
    return text.replace("{{", "{").replace("}}", "}")


def _fixed_items(part: Part, book: FontBook) -> Sequence[Item]:
    match part:
        case TextPart() | ColumnPart():
            return set_text(part, _plain(part.text), book) if is_fixed(part.text) else ()
        case LinePart():
            return [line(part.x_mm, part.y_mm, part.to_x_mm, part.to_y_mm, width_mm=part.thickness_mm, colour=part.colour)]
        case BoxPart():
            place = part.x_mm, part.y_mm, part.width_mm, part.height_mm
            return [rectangle(*place, stroke=part.stroke, fill=part.fill, line_width_mm=part.thickness_mm)]
        case FramePart():
            return draw_frame(part)
        case RosettePart():
            return draw_rosette(part)
        case PicturePart():
            return [Image(part.content, part.x_mm, part.y_mm, part.width_mm, part.height_mm)]
        case QrPart() | SealPart():
            return ()
