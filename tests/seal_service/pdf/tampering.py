"""What an attacker (or a careless tool) does to a sealed file: further revisions of any content, written without the project's own writer."""

from __future__ import annotations

import re
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

from crypto.report import Outcome, Report
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from seal_service.pdf.syntax import Ref, write_object
from seal_service.pdf.verify import verify_pdf
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import AT, pki, sealed

if TYPE_CHECKING:
    from collections.abc import Iterable

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
RIGHT = Placement(1, 150, 40)
ABOVE = Placement(1, 60, 140)


def verify(data: bytes) -> Report:
    return verify_pdf(data, pki().trust_list(), AT)


def failures(report: Report, name: str | None = None) -> set[str]:
    """Codes of the failed steps, of one signature or of all."""
    return {step.code for each in report.signatures if name in {None, each.name} for step in each.steps if step.outcome is Outcome.FAIL}


def undecided(report: Report) -> set[str]:
    return {step.code for each in report.signatures for step in each.steps if step.outcome is Outcome.NOT_CHECKED} | {
        step.code for step in report.steps if step.outcome is Outcome.NOT_CHECKED
    }


def warnings(report: Report) -> set[str]:
    return {step.code for each in report.signatures for step in each.steps if step.outcome is Outcome.WARN} | {
        step.code for step in report.steps if step.outcome is Outcome.WARN
    }


def form_document(**extra: bytes) -> bytes:
    """A page with text field, prepared empty signature field, note, optional content, outline, metadata, default resources."""
    objects = page_objects(extra=b"/Annots[10 0 R 11 0 R 12 0 R]", root=b"/AcroForm 5 0 R/Metadata 6 0 R/Outlines 7 0 R/OCProperties 8 0 R")
    objects |= {
        4: b"<</Length 40>>stream\nBT /F1 12 Tf 50 700 Td (Pay 100) Tj ET   \nendstream",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 15 0 R>>/XObject<</Im 16 0 R/Gone 90 0 R>>>>"
        b"/Contents 4 0 R/Annots[10 0 R 11 0 R 12 0 R]>>",
        5: b"<</Fields[10 0 R 11 0 R]/SigFlags 1/DR<</Font<</Helv 15 0 R>>>>/DA(/Helv 0 Tf 0 g)>>",
        6: b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s\nendstream" % (len(XMP), XMP),
        7: b"<</Type/Outlines/Count 0>>",
        8: b"<</OCGs[9 0 R]/D<</ON[9 0 R]>>>>",
        9: b"<</Type/OCG/Name(Layer)>>",
        10: b"<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V(100)/Rect[50 600 200 620]/P 3 0 R/DA(/Helv 12 Tf 0 g)/AP<</N 13 0 R>>>>",
        11: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Prepared)/Rect[300 600 400 700]/F 132/P 3 0 R/AP<</N 14 0 R>>>>",
        12: b"<</Type/Annot/Subtype/Text/Contents(a note)/Rect[500 700 520 720]/P 3 0 R>>",
        13: b"<</Type/XObject/Subtype/Form/BBox[0 0 150 20]/Length 26>>stream\nBT /Helv 12 Tf (100) Tj ET\nendstream",
        14: b"<</Type/XObject/Subtype/Form/BBox[0 0 100 100]/Length 0>>stream\n\nendstream",
        15: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        16: b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 0>>stream\n\nendstream",
        17: b"<</Producer(test)/ModDate(D:20260101000000Z)>>",
    }
    objects |= {int(key[1:]): value for key, value in extra.items()}
    return build(objects, trailer=b"/Info 17 0 R")


@cache
def sealed_form(**options: Any) -> bytes:
    return sealed(form_document(), field_name="First", placement=options.pop("placement", RIGHT), **options)


def body_of(data: bytes, number: int) -> bytes:
    """An object as it stands now, as PDF syntax."""
    document = PdfDocument.open(data)
    entry = document.entry(number)
    return write_object(document.get(Ref(number, entry.extra if entry is not None and entry.kind == 1 else 0)))


def changed(data: bytes, number: int, *replacements: tuple[bytes, bytes]) -> dict[int, bytes]:
    """An object with parts of its text replaced; each part must be there."""
    body = body_of(data, number)
    for old, new in replacements:
        assert old in body, (old, body)
        body = body.replace(old, new, 1)
    return {number: body}


def top(data: bytes) -> int:
    """The first free object number."""
    return PdfDocument.open(data).size


def append(
    data: bytes,
    objects: dict[int, bytes],
    *,
    freed: Iterable[int] = (),
    kind: str = "table",
    root: bytes | None = None,
    trailer: bytes = b"",
    previous: int | None = None,
    entries: dict[int, int] | None = None,
    end: bytes = b"%%EOF\n",
    generations: dict[int, int] | None = None,
) -> bytes:
    """A further revision with these objects. ``entries``: cross-references to other offsets; ``previous``: another /Prev (-1: none)."""
    document = PdfDocument.open(data)
    generations = generations or {}
    out = bytearray(data if data.endswith((b"\n", b"\r")) else data + b"\n")
    offsets = dict(entries or {})
    for number, body in objects.items():
        offsets.setdefault(number, len(out))
        out += b"%d %d obj\n%s\nendobj\n" % (number, generations.get(number, 0), body)
    size = max(document.size, max((*objects, *offsets, 0)) + 1)
    start = document.last_startxref if previous is None else previous
    link = b"" if start < 0 else b"/Prev %d" % start
    root = root or write_object(document.trailer["Root"])
    info = b"/Info " + write_object(document.trailer["Info"]) if "Info" in document.trailer and b"/Info" not in trailer else b""
    at = len(out)
    if kind == "table":
        out += b"xref\n0 1\n0000000000 65535 f \n"
        for number, offset in sorted(offsets.items()):
            out += b"%d 1\n%010d %05d n \n" % (number, offset, generations.get(number, 0))
        for number in sorted(freed):
            out += b"%d 1\n0000000000 00001 f \n" % number
        out += b"trailer\n<</Size %d/Root %s%s%s%s>>\n" % (size, root, info, link, trailer)
    else:
        offsets[size] = at
        rows = {number: b"\x01" + offset.to_bytes(4, "big") + b"\0" for number, offset in offsets.items()}
        rows |= {number: bytes(6) for number in freed}
        index = b" ".join(b"%d 1" % number for number in sorted(rows))
        table = zlib.compress(b"".join(row for _, row in sorted(rows.items())))
        out += (
            b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[%s]/Root %s%s%s%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\nendobj\n"
            % (
                size,
                size + 1,
                index,
                root,
                info,
                link,
                trailer,
                len(table),
                table,
            )
        )
    out += b"startxref\n%d\n" % at + end
    return bytes(out)


def append_empty(data: bytes) -> bytes:
    """A revision that changes nothing."""
    return append(data, {})


def signature_number(data: bytes, name: str = "First") -> int:
    return next(field.value_ref.number for field in PdfDocument.open(data).signature_fields() if field.name == name and field.value_ref)


def field_number(data: bytes, name: str = "First") -> int:
    return next(field.ref.number for field in PdfDocument.open(data).signature_fields() if field.name == name and field.ref)


def byte_range(data: bytes, index: int = -1) -> tuple[int, int, int, int]:
    """The numbers of a /ByteRange, by default the last one's, read with a regular expression."""
    found = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", data)[index]
    return tuple(int(number) for number in found)  # type: ignore[return-value]
