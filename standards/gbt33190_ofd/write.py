"""Writing OFD documents (GB/T 33190-2016): values in, the bytes of the file out; the same values, the same bytes.

A page with text, a table line, a picture and a column of traditional Mongolian, ready to be sealed::

    from service_kit.typefaces.cut import cut_face
    from service_kit.typefaces.faces import Style, find_face
    from standards.gbt33190_ofd.write import write_ofd
    from standards.gbt33190_ofd.write_values import Document, Font, Image, Page, Text, line

    cut = cut_face(find_face("营业执照"), "营业执照")
    song = Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em, cut.ascent_em, cut.descent_em)
    items = [Text(song, 8, 80, 40, "营业执照"), line(20, 50, 190, 50), Image(png, 160, 20, 25, 25)]
    data = write_ofd(Document("0123456789abcdef0123456789abcdef", [Page(210, 297, items)], title="样例"))

    run = "ᠮᠣᠩᠭᠣᠯ"                                                     # where the machine has a Mongolian face
    cut = cut_face(find_face(run, Style.MONGOLIAN), "", runs=[run])
    face = Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em)
    column = Text(face, 6, 30, 60, run, turn=90, glyphs=cut.runs[run])

Layout of the file: ``OFD.xml``, ``Doc_0/Document.xml``, ``Doc_0/PublicRes.xml`` (fonts), ``Doc_0/DocumentRes.xml`` (pictures), ``Doc_0/Res/``,
``Doc_0/Tpls/``, ``Doc_0/Pages/``, ``Doc_0/Annots/``, ``Doc_0/Attachs/``. Elements stand in the order of the standard's schema, locations are
relative to the part they stand in, and no two parts have one number.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_items import Resources, Same, write_item
from standards.gbt33190_ofd.write_package import write_package
from standards.gbt33190_ofd.write_xml import (
    TOO_LARGE,
    bad_value,
    checked_line,
    checked_mm,
    checked_text,
    element,
    number,
    numbers,
    part,
    text_element,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standards.gbt33190_ofd.write_values import Annotation, Attachment, Document, Item, Page, Template

TEMPLATES_KEPT: Final = 16
MAX_PAGES: Final = 10_000
MAX_ITEMS: Final = 500_000  # on all pages together
MAX_CUSTOM_DATA: Final = 1000
MAX_ATTACHMENTS: Final = 1000
MAX_KEYWORDS: Final = 200
MAX_INFO_CHARACTERS: Final = 4000  # a title, an author; real: under 100
MAX_CUSTOM_CHARACTERS: Final = 65_536
MAX_PAGE_MM: Final = 20_000  # twenty metres; PDF readers stop at five
ANNOTATION_KINDS: Final = frozenset({"Link", "Path", "Highlight", "Stamp", "Watermark"})  # Table 61
_IDENTIFIER: Final = re.compile("[0-9a-fA-F]{32}")
_EXTENSION: Final = re.compile("[a-z0-9]{1,8}")
_PICTURE_EXTENSIONS: Final = {"PNG": "png", "JPEG": "jpg"}


def write_ofd(document: Document) -> bytes:
    """The bytes of an OFD file.

    :raises TrustError: ``OFD_VALUE_BAD`` (a value out of its rule; the facts name both), ``OFD_GLYPH_MISSING`` (a character without an
        advance in its font), ``OFD_TOO_LARGE``.
    """
    if not 1 <= len(document.pages) <= MAX_PAGES:
        raise bad_value("pages", f"1 to {MAX_PAGES}")
    if sum(len(page.items) for page in document.pages) > MAX_ITEMS:
        raise TrustError(Kind.TOO_LARGE, TOO_LARGE, what="items", limit=MAX_ITEMS)
    first = next((template for page in document.pages for template in page.templates), None)
    resources = Resources() if first is None else Resources(_begun(Same(first))[1])
    files: dict[str, bytes] = {"OFD.xml": _entry(document), "Doc_0/Document.xml": b"", "Doc_0/PublicRes.xml": b""}

    # 1. What pages share, then the pages, then what lies on top of them
    templates: dict[int, tuple[str, Template]] = {}
    for page in document.pages:
        for template in page.templates:
            if id(template) not in templates:
                path = f"Tpls/Tpl_{len(templates)}/Content.xml"
                is_first = template is first
                content = _begun(Same(template))[0] if is_first else _content(template.items, resources, _area(template), is_shared=True)
                files[f"Doc_0/{path}"] = content
                templates[id(template)] = (str(resources.next()), template)
    pages = []
    for index, page in enumerate(document.pages):
        used = "".join(
            element("Template", TemplateID=templates[id(template)][0], ZOrder="Foreground" if template.is_foreground else "Background")
            for template in page.templates
        )
        path = f"Pages/Page_{index}/Content.xml"
        files[f"Doc_0/{path}"] = _content(page.items, resources, used + _area(page))
        pages.append((str(resources.next()), path, page))
    _add_annotations(pages, resources, files)

    # 2. Files inside the file
    _add_attachments(document.attachments, resources, files)

    # 3. Fonts and pictures that were used
    _add_resources(resources, files)

    # 4. The part that ties all of it together
    common = (
        element("MaxUnitID", str(resources.last)) + element("PageArea", _box(document.pages[0])) + element("PublicRes", "PublicRes.xml")
    )
    if resources.pictures:
        common += element("DocumentRes", "DocumentRes.xml")
    for index, (identifier, template) in enumerate(templates.values()):
        common += element(
            "TemplatePage",
            ID=identifier,
            Name=checked_line(template.name, "template name", MAX_INFO_CHARACTERS) or None,
            ZOrder="Foreground" if template.is_foreground else "Background",
            BaseLoc=f"Tpls/Tpl_{index}/Content.xml",
        )
    listed = "".join(element("Page", ID=identifier, BaseLoc=path) for identifier, path, _ in pages)
    more = ""
    if "Doc_0/Annots/Annotations.xml" in files:
        more += element("Annotations", "Annots/Annotations.xml")
    if document.attachments:
        more += element("Attachments", "Attachs/Attachments.xml")
    files["Doc_0/Document.xml"] = part("Document", element("CommonData", common) + element("Pages", listed) + more)
    return write_package(files)


def _entry(document: Document) -> bytes:
    """``OFD.xml`` (7.4): one document with its description."""
    if _IDENTIFIER.fullmatch(document.identifier) is None:
        raise bad_value("identifier", "32 hexadecimal digits")
    if len(document.keywords) > MAX_KEYWORDS or len(document.custom_data) > MAX_CUSTOM_DATA:
        raise bad_value("keywords or custom data", f"up to {MAX_KEYWORDS} and {MAX_CUSTOM_DATA}")
    info = text_element("DocID", document.identifier)
    for name, text in (
        ("Title", document.title),
        ("Author", document.author),
        ("Subject", document.subject),
        ("Abstract", document.abstract),
    ):
        info += text_element(name, checked_text(text, name, MAX_INFO_CHARACTERS)) if text else ""
    for name, day in (("CreationDate", document.created_on), ("ModDate", document.modified_on)):
        info += text_element(name, day.strftime("%Y-%m-%d")) if day is not None else ""
    if document.keywords:
        words = (text_element("Keyword", checked_line(word, "keyword", MAX_INFO_CHARACTERS, least=1)) for word in document.keywords)
        info += element("Keywords", "".join(words))
    for name, text in (("Creator", document.creator), ("CreatorVersion", document.creator_version)):
        info += text_element(name, checked_line(text, name, MAX_INFO_CHARACTERS)) if text else ""
    if document.custom_data:
        rows = (
            text_element(
                "CustomData",
                checked_text(value, "custom data", MAX_CUSTOM_CHARACTERS),
                Name=checked_line(name, "custom data name", MAX_INFO_CHARACTERS, least=1),
            )
            for name, value in document.custom_data.items()
        )
        info += element("CustomDatas", "".join(rows))
    return part(
        "OFD", element("DocBody", element("DocInfo", info) + element("DocRoot", "Doc_0/Document.xml")), Version="1.0", DocType="OFD"
    )


def _box(sheet: Page | Template) -> str:
    width = checked_mm(sheet.width_mm, "page width", least=1, most=MAX_PAGE_MM)
    height = checked_mm(sheet.height_mm, "page height", least=1, most=MAX_PAGE_MM)
    return element("PhysicalBox", numbers(0, 0, width, height))


def _area(sheet: Page | Template) -> str:
    return element("Area", _box(sheet))


@lru_cache(maxsize=TEMPLATES_KEPT)
def _begun(same: Same[Template]) -> tuple[bytes, Resources]:
    """The content of the first template of a document, and the numbers that it has taken: the same for all documents that begin with it."""
    resources = Resources()
    return _content(same.unit.items, resources, _area(same.unit), is_shared=True), resources


def _content(items: Sequence[Item], resources: Resources, before: str, *, is_shared: bool = False) -> bytes:
    """A page or a template (7.7): one layer."""
    if not items:
        return part("Page", before)
    layer = str(resources.next())
    units = "".join(write_item(item, resources, is_shared=is_shared) for item in items)
    return part("Page", before + element("Content", element("Layer", units, ID=layer)))


def _add_annotations(pages: list[tuple[str, str, Page]], resources: Resources, files: dict[str, bytes]) -> None:
    """``Annotations.xml`` and one part for each page that has any (15)."""
    listed = ""
    for index, (identifier, _, page) in enumerate(pages):
        if page.annotations:
            path = f"Page_{index}/Annotation.xml"
            listed += element("Page", text_element("FileLoc", path), PageID=identifier)
            rows = "".join(_annotation(annotation, resources) for annotation in page.annotations)
            files[f"Doc_0/Annots/{path}"] = part("PageAnnot", rows)
    if listed:
        files["Doc_0/Annots/Annotations.xml"] = part("Annotations", listed)


def _annotation(annotation: Annotation, resources: Resources) -> str:
    if annotation.kind not in ANNOTATION_KINDS:
        raise bad_value("annotation kind", ", ".join(sorted(ANNOTATION_KINDS)))
    width = checked_mm(annotation.width_mm, "annotation width", least=0.01)
    height = checked_mm(annotation.height_mm, "annotation height", least=0.01)
    box = numbers(checked_mm(annotation.x_mm, "x"), checked_mm(annotation.y_mm, "y"), width, height)
    units = "".join(write_item(item, resources) for item in annotation.items)
    remark = checked_text(annotation.remark, "remark", MAX_INFO_CHARACTERS)
    return element(
        "Annot",
        (text_element("Remark", remark) if remark else "") + element("Appearance", units, Boundary=box),
        ID=str(resources.next()),
        Type=annotation.kind,
        Creator=checked_line(annotation.creator, "annotation creator", MAX_INFO_CHARACTERS, least=1),
        LastModDate=annotation.modified_on.strftime("%Y-%m-%d"),
    )


def _add_attachments(attachments: Sequence[Attachment], resources: Resources, files: dict[str, bytes]) -> None:
    """``Attachments.xml`` (20) and the files, under names of their number: what the user called them stands in the list."""
    if len(attachments) > MAX_ATTACHMENTS:
        raise bad_value("attachments", f"up to {MAX_ATTACHMENTS}")
    listed = ""
    for index, attachment in enumerate(attachments):
        if _EXTENSION.fullmatch(attachment.extension) is None:
            raise bad_value("attachment extension", "1 to 8 small letters or digits")
        path = f"File_{index}.{attachment.extension}"
        files[f"Doc_0/Attachs/{path}"] = attachment.content
        listed += element(
            "Attachment",
            text_element("FileLoc", path),
            ID=str(resources.next()),
            Name=checked_line(attachment.name, "attachment name", MAX_INFO_CHARACTERS, least=1),
            Format=attachment.extension.upper(),
            CreationDate=attachment.created_on.strftime("%Y-%m-%d") if attachment.created_on is not None else None,
            Size=number(len(attachment.content) / 1024),  # in thousands of bytes, by Table 74
            Visible=None if attachment.is_visible else "false",
            Usage=checked_line(attachment.usage, "attachment usage", MAX_INFO_CHARACTERS) if attachment.usage is not None else None,
        )
    if listed:
        files["Doc_0/Attachs/Attachments.xml"] = part("Attachments", listed)


def _add_resources(resources: Resources, files: dict[str, bytes]) -> None:
    """``PublicRes.xml`` with the fonts, ``DocumentRes.xml`` with the pictures (7.9), and their files."""
    fonts = ""
    for index, (identifier, font) in enumerate(resources.fonts.values()):
        path = f"font_{index}.{'otf' if font.truetype.startswith(b'OTTO') else 'ttf'}"
        files[f"Doc_0/Res/{path}"] = font.truetype
        fonts += element("Font", text_element("FontFile", path), ID=str(identifier), FontName=font.name, FamilyName=font.family)
    files["Doc_0/PublicRes.xml"] = part("Res", element("Fonts", fonts) if fonts else "", BaseLoc="Res")
    pictures = ""
    for index, (content, (identifier, kind)) in enumerate(resources.pictures.items()):
        path = f"image_{index}.{_PICTURE_EXTENSIONS[kind]}"
        files[f"Doc_0/Res/{path}"] = content
        pictures += element("MultiMedia", text_element("MediaFile", path), ID=str(identifier), Type="Image", Format=kind)
    if pictures:
        files["Doc_0/DocumentRes.xml"] = part("Res", element("MultiMedias", pictures), BaseLoc="Res")
