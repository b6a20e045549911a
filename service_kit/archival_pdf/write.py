"""Writing PDF/A-3b (ISO 19005-3): pages, description in XMP and in the information dictionary, colour profile, files inside the file.

The same values give the same bytes, the identifier too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from service_kit.archival_pdf.colour_profile import srgb_profile
from service_kit.archival_pdf.layers import POINTS_PER_MM
from service_kit.archival_pdf.packing import packed
from service_kit.ofd_drawing.pdf_file import PdfFile, real
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service_kit.archival_pdf.layers import Layer

MAX_FILES: Final = 64
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_NAME_CHARACTERS: Final = 128
MAX_TEXT_CHARACTERS: Final = 2000
_VERSION: Final = "1.7"
PRODUCER: Final = "Yinxin"


@dataclass(frozen=True, slots=True)
class Description:
    """What the file says about itself. ``created_at``: aware. ``language``: BCP 47, of the document as a whole."""

    title: str
    author: str
    created_at: datetime
    subject: str = ""
    keywords: str = ""
    language: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file inside the file. ``relationship`` to the document: Data, Source, Supplement, Alternative or Unspecified (ISO 19005-3 6.8)."""

    name: str
    content: bytes
    media_type: str
    relationship: str = "Data"
    description: str = ""


@dataclass(frozen=True, slots=True)
class PdfPage:
    """One page; later layers lie on top."""

    width_mm: float
    height_mm: float
    layers: Sequence[Layer]


def write_pdf(pages: Sequence[PdfPage], description: Description, files: Sequence[EmbeddedFile] = ()) -> bytes:
    """The bytes of the file.

    :raises TrustError: ``PDF_VALUE_BAD`` (a text, a name or a number of files out of its rule), ``PDF_FILE_TOO_LARGE``.
    """
    _check(pages, description, files)
    pdf = PdfFile()
    catalog, tree = pdf.reserve(), pdf.reserve()

    # 1. The pages
    written: dict[int, int] = {}
    numbers = []
    for page in pages:
        for layer in page.layers:
            if id(layer) not in written:
                written[id(layer)] = layer.write(pdf)
        used = list(dict.fromkeys(written[id(layer)] for layer in page.layers))
        content = pdf.add_stream(" ".join(f"/L{number} Do" for number in used).encode("ascii"))
        forms = "".join(f"/L{number} {number} 0 R" for number in used)
        box = f"{real(page.width_mm * POINTS_PER_MM)} {real(page.height_mm * POINTS_PER_MM)}"
        numbers.append(
            pdf.add(
                f"<</Type/Page/Parent {tree} 0 R/MediaBox[0 0 {box}]/Resources<</XObject<<{forms}>>>>/Contents {content} 0 R"
                "/Group<</Type/Group/S/Transparency/CS/DeviceRGB>>>>"
            )
        )
    pdf.set(tree, f"<</Type/Pages/Count {len(numbers)}/Kids[{' '.join(f'{number} 0 R' for number in numbers)}]>>")

    # 2. What the file says about itself, and what its colours mean
    stamp = _pdf_time(description.created_at)
    information = pdf.add(
        f"<</Title{_text(description.title)}/Author{_text(description.author)}/Subject{_text(description.subject)}"
        f"/Keywords{_text(description.keywords)}/Creator({PRODUCER})/Producer({PRODUCER})/CreationDate({stamp})/ModDate({stamp})>>"
    )
    metadata = pdf.add_stream(_xmp(description), "/Type/Metadata/Subtype/XML", is_packed=True)
    profile = pdf.add_stream(packed(srgb_profile()), "/N 3/Filter/FlateDecode", is_packed=True)
    intent = pdf.add(
        f"<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC 61966-2-1)/DestOutputProfile {profile} 0 R>>"
    )

    # 3. The files inside
    specifications = [(file.name, _add_file(pdf, file, stamp)) for file in sorted(files, key=lambda file: file.name)]
    associated = ""
    if specifications:
        listed = " ".join(f"{_text(name)} {number} 0 R" for name, number in specifications)
        references = " ".join(f"{number} 0 R" for _, number in specifications)
        associated = f"/AF[{references}]/Names<</EmbeddedFiles<</Names[{listed}]>>>>"
    pdf.set(
        catalog,
        f"<</Type/Catalog/Version/{_VERSION}/Pages {tree} 0 R/Lang({description.language})/ViewerPreferences<</DisplayDocTitle true>>"
        f"/Metadata {metadata} 0 R/OutputIntents[{intent} 0 R]{associated}>>",
    )
    return pdf.write(catalog, information=information, version=_VERSION)


def _check(pages: Sequence[PdfPage], description: Description, files: Sequence[EmbeddedFile]) -> None:
    texts = (description.title, description.author, description.subject, description.keywords)
    if not pages:
        raise _bad("pages", "at least one")
    if any(len(text) > MAX_TEXT_CHARACTERS or not is_printable(text) for text in texts):
        raise _bad("description", f"up to {MAX_TEXT_CHARACTERS} characters that can be printed")
    if description.created_at.tzinfo is None:
        raise ValueError("created_at must be aware")
    names = [file.name for file in files]
    if len(files) > MAX_FILES or len(set(names)) != len(names):
        raise _bad("files", f"up to {MAX_FILES}, each with a name of its own")
    for file in files:
        if not 0 < len(file.name) <= MAX_NAME_CHARACTERS or not file.name.isprintable() or "/" in file.name or "\\" in file.name:
            raise _bad("file name", f"1 to {MAX_NAME_CHARACTERS} characters without slashes")
        if len(file.content) > MAX_FILE_BYTES:
            raise TrustError(Kind.TOO_LARGE, "PDF_FILE_TOO_LARGE", file=file.name, bytes=len(file.content), limit=MAX_FILE_BYTES)


def _bad(field: str, rule: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "PDF_VALUE_BAD", field=field, rule=rule)


def _add_file(pdf: PdfFile, file: EmbeddedFile, stamp: str) -> int:
    kind = file.media_type.replace("/", "#2F").replace("+", "#2B")
    entries = f"/Type/EmbeddedFile/Subtype/{kind}/Params<</Size {len(file.content)}/ModDate({stamp})>>"
    content = pdf.add_stream(file.content, entries)
    name = _text(file.name)
    said = f"/Desc{_text(file.description)}" if file.description else ""
    return pdf.add(f"<</Type/Filespec/F{name}/UF{name}/EF<</F {content} 0 R/UF {content} 0 R>>/AFRelationship/{file.relationship}{said}>>")


def _text(text: str) -> str:
    """A text string (7.9.2.2): as it is where it is plain, else UTF-16."""
    if text.isascii():
        return "(" + text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") + ")"
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"


def _pdf_time(moment: datetime) -> str:
    offset = moment.strftime("%z")
    return f"D:{moment:%Y%m%d%H%M%S}{offset[:3]}'{offset[3:5]}'"


def _xmp(description: Description) -> bytes:
    """XMP (ISO 19005-3 6.6): the same as in the information dictionary, and the claim to conform."""
    moment = description.created_at.isoformat(timespec="seconds")

    def alternative(name: str, text: str) -> str:
        return f'<dc:{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li></rdf:Alt></dc:{name}>' if text else ""

    author = f"<dc:creator><rdf:Seq><rdf:li>{escape(description.author)}</rdf:li></rdf:Seq></dc:creator>" if description.author else ""
    keywords = f"<pdf:Keywords>{escape(description.keywords)}</pdf:Keywords>" if description.keywords else ""
    body = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">'
        "<dc:format>application/pdf</dc:format>"
        f"{alternative('title', description.title)}{author}{alternative('description', description.subject)}"
        f"<dc:language><rdf:Bag><rdf:li>{escape(description.language)}</rdf:li></rdf:Bag></dc:language>"
        f"<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate><xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool>"
        f"<pdf:Producer>{PRODUCER}</pdf:Producer>{keywords}<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>"
        '</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    )
    return body.encode("utf-8")
