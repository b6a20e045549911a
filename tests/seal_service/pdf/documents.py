"""Documents to be sealed: from writers in the field (reportlab, qpdf through pikepdf, pypdf) and from a builder of our own for the odd ones."""

from __future__ import annotations

import io
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

import pikepdf
import pypdf
from reportlab.pdfgen.canvas import Canvas

if TYPE_CHECKING:
    from seal_service.pdf.cross_references import Entry
    from seal_service.pdf.document import PdfDocument

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@lru_cache
def reportlab_document(pages: int = 1, *, text: str = "Decision No. 1 - Place of the seal: HERE") -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=True)
    for number in range(1, pages + 1):
        canvas.drawString(100, 500, f"{text} ({number})")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@lru_cache
def qpdf_document(pages: int = 1, *, linearized: bool = False, object_streams: bool = False, qdf: bool = False) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(reportlab_document(pages))) as pdf:
        mode = pikepdf.ObjectStreamMode.generate if object_streams else pikepdf.ObjectStreamMode.disable
        pdf.save(buffer, linearize=linearized, object_stream_mode=mode, qdf=qdf, deterministic_id=True)
    return buffer.getvalue()


@lru_cache
def pypdf_document(pages: int = 1) -> bytes:
    writer = pypdf.PdfWriter()
    for page in pypdf.PdfReader(io.BytesIO(reportlab_document(pages))).pages:
        writer.add_page(page)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


@lru_cache
def pikepdf_page(*, rotate: int = 0, crop: tuple[float, float, float, float] | None = None, user_unit: float | None = None) -> bytes:
    """One page with its text inside any of the crop boxes used."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(reportlab_document())) as pdf:
        page = pdf.pages[0]
        if rotate:
            page.obj["/Rotate"] = rotate
        if crop:
            page.obj["/CropBox"] = list(crop)
        if user_unit:
            page.obj["/UserUnit"] = user_unit
        pdf.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def page_objects(extra: bytes = b"", root: bytes = b"") -> dict[int, bytes]:
    """The least of a document: catalog 1, page tree 2, page 3, contents 4."""
    return {
        1: b"<</Type/Catalog/Pages 2 0 R" + root + b">>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 4 0 R" + extra + b">>",
        4: b"<</Length 18>>stream\n0 0 100 100 re f\n \nendstream",
    }


def build(
    objects: dict[int, bytes], *, kind: str = "table", trailer: bytes = b"", end: bytes = b"%%EOF\n", hidden: tuple[int, ...] = (2, 3)
) -> bytes:
    """A document with these objects. ``kind``: table, stream, or hybrid (``hidden`` objects stand in an object stream only)."""
    out = bytearray(HEADER)
    offsets: dict[int, int] = {}
    packed = hidden if kind in {"hybrid", "stream"} else ()
    for number, body in objects.items():
        if number not in packed:
            offsets[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    top = max(objects)
    identifier = b"/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    if packed:
        container, section = top + 1, top + 2
        top += 2
        bodies = [objects[number] for number in packed]
        starts = [sum(len(body) + 1 for body in bodies[:index]) for index in range(len(bodies))]
        index = b" ".join(b"%d %d" % pair for pair in zip(packed, starts, strict=True)) + b" "
        data = zlib.compress(index + b" ".join(bodies))
        offsets[container] = len(out)
        out += b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\nendobj\n" % (
            container,
            len(packed),
            len(index),
            len(data),
            data,
        )
        at = len(out)
        listed = {number: (2, container, place) for place, number in enumerate(packed)}
        listed[section] = (1, at, 0)
        if kind == "hybrid":  # its stream lists what its table hides (7.5.8.4): the object stream and the objects inside it
            listed[container] = (1, offsets.pop(container), 0)
        listed |= {number: (1, offset, 0) for number, offset in offsets.items() if kind == "stream"}
        rows = b"".join(b"%c%s%s" % (kept[0], kept[1].to_bytes(4, "big"), kept[2].to_bytes(2, "big")) for _, kept in sorted(listed.items()))
        sections = b" ".join(b"%d 1" % number for number in sorted(listed))
        out += b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Index[%s]/Root 1 0 R%s%s/Length %d>>stream\n%s\nendstream\nendobj\n" % (
            section,
            top + 1,
            sections,
            identifier,
            trailer,
            len(rows),
            rows,
        )
        trailer = b"/XRefStm %d" % at + trailer
    else:
        at = len(out)
    if kind != "stream":
        at = len(out)
        out += b"xref\n0 1\n0000000000 65535 f \n"
        for number, offset in sorted(offsets.items()):
            out += b"%d 1\n%010d 00000 n \n" % (number, offset)
        out += b"trailer\n<</Size %d/Root 1 0 R%s%s>>\n" % (top + 1, identifier, trailer)
    out += b"startxref\n%d\n" % at + end
    return bytes(out)


_EXACT = {
    **page_objects(),
    1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</DA(/H 0.1000 Tf)/Fields[]>>/Keep 1.0000000000000000001>>",
    3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.303937007874015748 841.889763779527559055]% A4\n/Resources<<>>/Contents 4 0 R>>",
}

DOCUMENTS = {
    "reportlab": reportlab_document(),
    "reportlab, 20 pages": reportlab_document(20),
    "qpdf": qpdf_document(),
    "qpdf linearized": qpdf_document(3, linearized=True),
    "qpdf object streams": qpdf_document(3, object_streams=True),
    "qpdf linearized with object streams": qpdf_document(3, linearized=True, object_streams=True),
    "qpdf qdf": qpdf_document(qdf=True),
    "pypdf": pypdf_document(2),
    "own, table": build(page_objects()),
    "own, stream": build(page_objects(), kind="stream"),
    "own, hybrid": build(page_objects(), kind="hybrid"),
    "own, numbers of many digits": build(_EXACT),
    "own, numbers of many digits in a stream": build(_EXACT, kind="stream"),
}


def entries_of(document: PdfDocument) -> dict[int, Entry]:
    """Every object number with its entry in force. Builds the whole table, which the product never does."""
    if document._recovered_entries is not None:
        return dict(document._recovered_entries)
    numbers = sorted({number for section in document.sections for number in section.numbers()})
    return {number: entry for number in numbers if (entry := document.entry(number)) is not None}
