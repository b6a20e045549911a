"""Updates that change nothing for a reader who follows the cross-references, and make others search the file for objects."""

from __future__ import annotations

import zlib
from functools import cache

from seal_service.pdf.document import PdfDocument
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import RIGHT, body_of, form_document, sealed_form, top

OTHER = b"<</Length 40>>stream\nBT /F1 12 Tf 50 700 Td (Pay 999) Tj ET   \nendstream"


@cache
def sealed_over(planted: bytes, *, dropped: bytes = b"") -> bytes:
    """A sealed document in whose signed bytes ``planted`` stands in front of the cross-references, which pass it over."""
    document = form_document()
    at = document.rindex(b"xref\n0 1\n")
    start = document.rindex(b"startxref\n")
    table = document[at:start].replace(dropped, b"") if dropped else document[at:start]
    whole = document[:at] + planted + table + b"startxref\n%d\n%%%%EOF\n" % (at + len(planted))
    return sealed(whole, field_name="First", placement=RIGHT)


PLANTED = b"4 0 obj\n" + OTHER + b"\nendobj\n"


def entry(offset: int, generation: int = 0, kind: bytes = b"n") -> bytes:
    return b"%010d %05d %s \n" % (offset, generation, kind)


def with_table(
    base: bytes,
    rows: bytes,
    *,
    head: bytes = b"xref\n",
    before: bytes = b"",
    trailer: tuple[bytes, bytes] = (b"", b""),
    end: bytes = b"startxref\n%d\n%%%%EOF\n",
    size: int = 0,
) -> bytes:
    """A revision with a table of these rows, ``before`` in front of it, and one part of its trailer replaced."""
    document = PdfDocument.open(base)
    said = b"trailer\n<</Size %d/Root 1 0 R/Info 17 0 R/Prev %d>>\n" % (size or document.size, document.last_startxref)
    at = len(base) + len(before)
    return base + before + head + rows + said.replace(*trailer, 1) + end % at


def with_stream(base: bytes, index: bytes, *rows: tuple[int, int, int], before: bytes = b"", more: bytes = b"", size: int = 1) -> bytes:
    """A revision with a cross-reference stream; an offset of -1 in ``rows`` is its own."""
    document = PdfDocument.open(base)
    number, at = document.size, len(base) + len(before)
    data = b"".join(bytes((kind,)) + (at if place < 0 else place).to_bytes(4, "big") + bytes((extra,)) for kind, place, extra in rows)
    said = b"/Size %d/Root 1 0 R/Info 17 0 R/Prev %d" % (number + size, document.last_startxref)
    written = b"%d 0 obj\n<</Type/XRef/W[1 4 1]/Index[%s]%s%s/Length %d>>stream\n%s\nendstream\nendobj\n"
    return base + before + written % (number, index, said, more, len(data), data) + b"startxref\n%d\n%%%%EOF\n" % at


def with_hybrid(base: bytes, table: bytes, *hidden: tuple[int, int], more: bytes = b"") -> bytes:
    """A revision with a table and a hidden stream that names places for further objects."""
    document = PdfDocument.open(base)
    number = document.size
    rows = b"".join(b"\x01" + place.to_bytes(4, "big") + b"\0" for _, place in hidden) + b"\x01" + len(base).to_bytes(4, "big") + b"\0"
    index = b"".join(b"%d 1 " % each for each, _ in hidden) + b"%d 1" % number
    stream = b"%d 0 obj\n<</Type/XRef/W[1 4 1]/Index[%s]/Size %d/Root 1 0 R/Info 17 0 R%s/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        number, index, number + 1, more, len(rows), rows)  # fmt: skip
    replaced = (b">>\n", b"/XRefStm %d>>\n" % len(base))
    return with_table(base, b"0 1\n0000000000 65535 f \n" + table, before=stream, trailer=replaced, size=number + 1)


def _place(data: bytes, number: int) -> int:
    place = PdfDocument.open(data).place(number)
    assert place is not None
    return place[0]


def odd_updates() -> dict[str, bytes]:
    """What the standard does not allow in a cross-reference section, one thing in each: some reader or other rebuilds the file for it."""
    base = sealed_form()
    size, prev = PdfDocument.open(base).size, b"/Prev %d" % PdfDocument.open(base).last_startxref
    own, four = (1, -1, 0), _place(base, 4)
    zero = b"0 1\n0000000000 65535 f \n"
    one = b"4 1\n" + entry(four)
    section = b"%d 1" % size
    return {
        "begins at 1": with_table(base, b"1 2\n0000000000 65535 f \n" + entry(_place(base, 1))),
        "begins at 1, nothing else": with_table(base, b"1 1\n0000000000 65535 f \n"),
        "short entries": with_table(base, b"4 1\n" + entry(four)[:-2] + b"\n"),
        "long entries": with_table(base, b"4 1\n" + entry(four)[:-1] + b"\r\n"),
        "entries of few digits": with_table(base, b"4 1\n%d 0 n\n" % four),
        "entries with tabs": with_table(base, b"4 1\n" + entry(four).replace(b" ", b"\t")),
        "entries that end in letters": with_table(base, b"4 1\n" + entry(four)[:-2] + b"xx"),
        "tab in a header": with_table(base, one.replace(b"4 1", b"4\t1")),
        "glued": with_table(base, one, head=b"xref"),
        "zero byte": with_table(base, one, head=b"xref\0"),
        "comment first": with_table(base, one, head=b"%c\nxref\n"),
        "empty": with_table(base, b""),
        "behind the size": with_table(base, zero + b"%d 1\n0000000000 00001 f \n" % (size + 3)),
        "object 0": with_table(base, b"0 1\n" + entry(four)),
        "broken number": with_table(base, one, trailer=(prev, prev + b".0")),
        "broken number in a stream": with_stream(base, section, own).replace(prev + b"/Length", prev + b".0/Length"),
        "unknown kind": with_stream(base, section + b" %d 1" % (size + 1), own, (3, 5, 5), size=2),
        "object 0 in a stream": with_stream(base, b"0 1 " + section, (1, four, 0), own),
        "rows missing": with_stream(base, b"%d 3" % size, own, size=3),
        "part without rows": with_stream(base, b"4 0 " + section, own),
        "comment before a stream": with_stream(base, section, own, before=b"%%%%\n").replace(b"startxref\n%d\n" % (len(base) + 5), b"startxref\n%d\n" % len(base)),
        "hidden stream against a free entry": with_hybrid(base, b"4 1\n" + entry(0, 1, b"f"), (4, four)),
        "hidden stream with another past": with_hybrid(base, b"", more=b"/Prev %d" % four),
    }  # fmt: skip


def passed_over_updates() -> dict[str, bytes]:
    """Plain updates of documents in whose signed bytes something stands that the cross-references pass over."""
    sealed_files = {
        "object": sealed_over(PLANTED),
        "object of many spaces": sealed_over(b"4" + b" " * 60 + PLANTED[2:]),
        "trailer": sealed_over(b"trailer%c\n<</Root 2 0 R/Size 5>>\n"),
        "object that is referred to": sealed_over(b"90 0 obj\n" + OTHER + b"\nendobj\n"),
    }
    return {name: with_table(base, b"4 1\n" + entry(_place(base, 4))) for name, base in sealed_files.items()}


def stray_updates() -> dict[str, bytes]:
    """Plain updates with something in them that only a rebuilding reader takes for an object."""
    base = sealed_form()
    number = top(base)
    found: dict[str, bytes] = {}
    one = b"4 1\n" + entry(_place(base, 4))
    for name, header in {
        "comment inside": b"4%c\n0 obj\n",
        "comment before the word": b"4 0 %c\nobj\n",
        "sign": b"4 +0 obj\n",
        "fraction": b"4 0. obj\n",
        "many zeros": b"4 00000000 obj\n",
        "no space": b"4 0obj\n",
        "much space": b"4 0" + b" " * 200 + b"obj\n",
        "space of other programs": b"4\xa00\xa0obj\n",
    }.items():
        found[name] = with_table(base, one, before=header + OTHER + b"\nendobj\n")
    found["trailer with a comment"] = with_table(base, one, before=b"trailer%c\n<</Root 2 0 R>>\n")
    # an object stream in force, of whose objects one is not
    inner = b"3 0 " + body_of(base, 3).replace(b"/Rotate", b"/X") + b" "
    packed = zlib.compress(inner)
    holder = b"%d 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        number,
        len(packed),
        packed,
    )
    listed = b"%d 1\n" % number + entry(len(base))
    found["object stream"] = with_table(base, listed, before=holder, size=number + 1)
    in_text = holder.replace(b"/Type", b"/X(17 0 obj)/Type")
    again = b"17 0 obj\n<<>>\nendobj\n"
    listed_too = b"17 1\n" + entry(len(base) + len(in_text)) + listed
    found["object stream behind a text"] = with_table(base, listed_too, before=in_text + again, size=number + 1)
    found["object stream nobody can read"] = with_table(base, listed, before=holder.replace(b"/First 4", b"/First{4"), size=number + 1)
    found["object stream without an index"] = with_table(base, listed, before=holder.replace(b"/First 4", b"/First 9999"), size=number + 1)
    section = holder.replace(b"/Type/ObjStm/N 1/First 4", b"/Type/XRef/Size 9/W[1 1 1]/Root 2 0 R")
    found["cross-reference stream"] = with_table(base, listed, before=section, size=number + 1)
    return found


def plain_updates() -> dict[str, bytes]:
    """As writers make them: of these nothing is left open."""
    base = sealed_form()
    size = PdfDocument.open(base).size
    zero, one = b"0 1\n0000000000 65535 f \n", b"4 1\n" + entry(_place(base, 4))
    hybrid = sealed(build(page_objects(), kind="hybrid"))
    return {
        "table": with_table(base, zero + one),
        "table with carriage returns": with_table(base, one.replace(b" \n", b"\r\n").replace(b"4 1\n", b"4 1 \r\n"), head=b"xref \r\n"),
        "line left empty before the trailer": with_table(base, one + b"\n"),
        "line left empty after carriage returns": with_table(base, one.replace(b" \n", b"\r\n") + b"\r\n"),
        "table without objects": with_table(base, b"0 0\n"),
        "freed": with_table(base, b"%d 1\n0000000000 00001 f \n" % size, size=size + 1),
        "end of line before the end": with_table(base, one, end=b"startxref\r\n%d\r\n%%%%EOF"),
        "stream": with_stream(base, b"%d 1" % size, (1, -1, 0)),
        "stream with the first entry": with_stream(base, b"0 1 %d 1" % size, (0, 0, 255), (1, -1, 0)),
        "hidden stream": with_hybrid(base, b""),
        "hidden stream and table of one mind": with_hybrid(base, b"4 1\n" + entry(_place(base, 4)), (4, _place(base, 4))),
        "hidden stream with the same past": with_hybrid(base, b"", more=b"/Prev %d" % PdfDocument.open(base).last_startxref),
        "object that is no more": with_table(sealed_over(b"95 0 obj\n<<>>\nendobj\n"), zero),
        "of a hybrid": with_table(hybrid, zero, trailer=(b"/Info 17 0 R", b"")),
        "object that was replaced": with_table(sealed_over(b""), zero),
    }
