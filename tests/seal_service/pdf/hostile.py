"""Files made to exhaust a reader, and a child process in which verifying them is measured."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

from tests.seal_service.measured import Verifiers
from tests.seal_service.pdf.documents import HEADER, build, page_objects

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SECONDS = 5.0
MOST_MEGABYTES = 300
_VERIFIERS = Verifiers(
    "from seal_service.pdf.verify import verify_pdf",
    "verify_pdf",
    {"tampered": "report.tampered", "codes": "[step.code + ':' + str(step.facts.get('reason', '')) for step in report.steps]"},
    timeout=60,
)


def verify_in_child(path: str) -> dict[str, Any]:
    """The verdict, with processor seconds and peak memory of a process of its own (interpreter and modules included)."""
    return _VERIFIERS.verify(path)


def stream(data: bytes, extra: bytes = b"/Filter/FlateDecode") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (extra, len(data), data)


def xref_stream_file(body: bytes, extra: bytes, *, before: bytes = b"") -> bytes:
    """A file that is little more than one cross-reference stream."""
    out = HEADER + before
    return out + b"9 0 obj\n" + stream(body, b"/Type/XRef/Root 1 0 R" + extra) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(out)


def packed_zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(bytes(1 << 20)) for _ in range(megabytes)] + [packer.flush()])


def flate_bomb() -> bytes:
    return xref_stream_file(packed_zeros(200), b"/Size 9000000/W[1 4 2]/Filter/FlateDecode")


def nested_flate_bomb() -> bytes:
    return xref_stream_file(zlib.compress(packed_zeros(200)), b"/Size 9000000/W[1 4 2]/Filter[/FlateDecode/FlateDecode]")


def many_filters() -> bytes:
    return xref_stream_file(b"x", b"/Size 9/W[1 4 2]/Filter[" + b"/FlateDecode" * 1000 + b"]")


def object_stream_bombs() -> bytes:
    """Many object streams that are each within the limit for one."""
    bomb = packed_zeros(30)
    objects = page_objects(root=b"/AcroForm<</Fields[" + b" ".join(b"%d 0 R" % n for n in range(100, 140)) + b"]>>")
    for number in range(5, 45):
        objects[number] = stream(bomb, b"/Type/ObjStm/N 1/First 5/Filter/FlateDecode")
    return _with_packed(objects, {100 + index: (5 + index, 0) for index in range(40)})


def object_stream_in_itself() -> bytes:
    data = zlib.compress(b"5 0 6 3 <<>> <<>>")
    objects = page_objects(root=b"/AcroForm 6 0 R")
    objects[5] = stream(data, b"/Type/ObjStm/N 2/First 8/Extends 5 0 R/Filter/FlateDecode")
    return _with_packed(objects, {6: (5, 1), 5: (5, 0)})


def object_streams_in_each_other() -> bytes:
    objects = page_objects(root=b"/AcroForm 6 0 R")
    return _with_packed(objects, {6: (7, 0), 7: (8, 0), 8: (7, 0)})


def _with_packed(objects: dict[int, bytes], packed: dict[int, tuple[int, int]]) -> bytes:
    out = bytearray(HEADER)
    rows: dict[int, bytes] = {}
    for number, body in objects.items():
        rows[number] = b"\x01" + len(out).to_bytes(4, "big") + b"\0\0"
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows |= {number: b"\x02" + holder.to_bytes(4, "big") + index.to_bytes(2, "big") for number, (holder, index) in packed.items()}
    index = b" ".join(b"%d 1" % number for number in sorted(rows))
    at = len(out)
    body = b"".join(rows[number] for number in sorted(rows))
    out += b"999 0 obj\n%s\nendobj\n" % stream(body, b"/Type/XRef/Size 1000/Root 1 0 R/W[1 4 2]/Index[" + index + b"]")
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % at)


def previous_loop() -> bytes:
    data = build(page_objects(), trailer=b"/Prev 0000000")
    return data.replace(b"/Prev 0000000", b"/Prev %07d" % data.rindex(b"xref\n0 1"))


def long_chain() -> bytes:
    """20,000 cross-reference sections, one behind the other."""
    out = bytearray(build(page_objects()))
    previous = out.rindex(b"xref\n0 1")
    for _ in range(20_000):
        at = len(out)
        out += b"xref\n0 0\ntrailer\n<</Size 5/Root 1 0 R/Prev %d>>\n" % previous
        previous = at
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % previous)


def many_subsections() -> bytes:
    rows = b"".join(b"%d 1\n0000000016 00000 n \n" % (2 * number) for number in range(300_000))
    out = HEADER + b"1 0 obj\n<<>>\nendobj\n"
    return out + b"xref\n" + rows + b"trailer\n<</Size 700000/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)


def many_pages() -> bytes:
    """10^6 entries in one /Kids."""
    objects = page_objects()
    objects[2] = b"<</Type/Pages/Count 1000000/Kids[" + b"3 0 R " * 1_000_000 + b"]>>"
    return _signed_like(objects)


def page_tree_loop() -> bytes:
    objects = page_objects()
    objects[2] = b"<</Type/Pages/Count 1/Kids[2 0 R 2 0 R]>>"
    return _signed_like(objects)


def wide_page_tree() -> bytes:
    """Every node has the next one a hundred times."""
    objects = page_objects()
    objects[2] = b"<</Type/Pages/Count 1/Kids[5 0 R]>>"
    for number in range(5, 60):
        objects[number] = b"<</Type/Pages/Count 1/Kids[" + b"%d 0 R " % (number + 1) * 100 + b"]>>"
    return _signed_like(objects)


def field_loop() -> bytes:
    return build(
        page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {5: b"<</T(a)/Kids[5 0 R 6 0 R]>>", 6: b"<</T(b)/Kids[5 0 R]/Parent 5 0 R>>"}
    )


def many_fields() -> bytes:
    fields = {number: b"<</T(f%d)/FT/Sig/V<</ByteRange[0 1 2 3]/Contents<00>>>>>" % number for number in range(10, 9_000)}
    return build(page_objects(root=b"/AcroForm<</Fields[" + b" ".join(b"%d 0 R" % number for number in fields) + b"]>>") | fields)


def deep_arrays() -> bytes:
    return build(page_objects(root=b"/AcroForm" + b"[" * 100_000))


def deep_dictionaries() -> bytes:
    return build(page_objects(root=b"/AcroForm" + b"<</A" * 100_000))


def long_string() -> bytes:
    return build(page_objects(root=b"/AcroForm(" + b"a" * 20_000_000 + b")"))


def unbalanced_strings() -> bytes:
    """Every object is an unclosed string over all the following."""
    objects = dict.fromkeys(range(5, 30000), b"(")
    fields = b" ".join(b"%d 0 R" % number for number in objects)
    return build(page_objects(root=b"/AcroForm<</Fields[" + fields + b"]>>") | objects)


def unclosed_hex() -> bytes:
    objects = dict.fromkeys(range(5, 30000), b"<" + b"00" * 40)
    fields = b" ".join(b"%d 0 R" % number for number in objects)
    return build(page_objects(root=b"/AcroForm<</Fields[" + fields + b"]>>") | objects)


def nested_strings() -> bytes:
    """Every object is a string that holds all the following ones."""
    objects = dict.fromkeys(range(5, 20000), b"(\\")
    fields = b" ".join(b"%d 0 R" % number for number in objects)
    return build(page_objects(root=b"/AcroForm<</Fields[" + fields + b"]>>") | objects) + b")" * 20_000


def streams_without_end() -> bytes:
    objects = dict.fromkeys(range(5, 30000), b"<</Length 9>>stream\n")
    fields = b" ".join(b"%d 0 R" % number for number in objects)
    return build(page_objects(root=b"/AcroForm<</Fields[" + fields + b"]>>") | objects)


def lengths_in_a_circle() -> bytes:
    objects = {5: b"<</Length 6 0 R>>stream\n\nendstream", 6: b"<</Length 5 0 R>>stream\n\nendstream"}
    return build(page_objects(root=b"/AcroForm 5 0 R") | objects)


def references_in_a_circle() -> bytes:
    return build(page_objects(root=b"/AcroForm 5 0 R") | {5: b"6 0 R", 6: b"5 0 R"})


def comment_line() -> bytes:
    """All objects on one line that is a comment after each header."""
    out = HEADER + b"% " + b"".join(b"%d 0 obj%%" % number for number in range(1, 100_000))
    table = b"".join(b"%010d 00000 n \n" % out.index(b"%d 0 obj" % number) for number in range(1, 2_000))
    return out + b"\nxref\n1 1999\n" + table + b"trailer\n<</Size 2000/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(out) + 1)


def only_object_headers() -> bytes:
    return HEADER + b"1 0 obj " * 2_000_000


def only_startxref() -> bytes:
    return HEADER + b"startxref " * 1_000_000


def only_trailers() -> bytes:
    return HEADER + b"trailer<</Root 1 0 R>>" * 200_000


def only_byte_ranges() -> bytes:
    return build(page_objects()) + b"/ByteRange[0 100 200 300]" * 500_000


def many_removed_signatures() -> bytes:
    data = build(page_objects())
    return data[:-6] + b"/ByteRange[0 1 2 %d] " % (len(data) - 8) * 30_000 + b"%%EOF\n"


def _signed_like(objects: dict[int, bytes]) -> bytes:
    """A document with something like a signature and a later revision, so that the comparison runs."""
    from tests.seal_service.pdf.tampering import append

    objects = dict(objects)
    objects[1] = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[90 0 R]>>>>"
    objects[90] = b"<</T(a)/FT/Sig/V 91 0 R>>"
    objects[91] = b"<</Type/Sig/SubFilter/adbe.pkcs7.detached/ByteRange[0 1111111 2222222 3333333]/Contents<00>>>"
    data = build(objects)
    gap = data.index(b"<00>")
    for old, new in ((b"1111111", gap), (b"2222222", gap + 4), (b"3333333", len(data) - gap - 4)):
        data = data.replace(old, b"%07d" % new)
    return append(data, {4: b"<</Length 0>>stream\n\nendstream"})


def _signed_often(data: bytes, times: int) -> bytes:
    """Further revisions, each with something like a signature that covers it."""
    from tests.seal_service.pdf.tampering import append, changed, top

    for index in range(times):
        number = top(data)
        field = b"<</FT/Sig/T(S%d)/V %d 0 R>>" % (index, number + 1)
        value = b"<</Type/Sig/SubFilter/adbe.pkcs7.detached/ByteRange[0 1111111 2222222 3333333]/Contents<00>>>"
        form = changed(data, 5, (b"/Fields [", b"/Fields [%d 0 R " % number))
        data = append(data, {number: field, number + 1: value, **form})
        gap = data.rindex(b"<00>")
        for old, new in ((b"1111111", gap), (b"2222222", gap + 4), (b"3333333", len(data) - gap - 4)):
            data = data.replace(old, b"%07d" % new)
    return data


def many_sections_many_signatures() -> bytes:
    """Each signature asks hundreds of sections for thousands of objects that none of them names."""
    from tests.seal_service.pdf.tampering import form_document

    data = form_document()
    start = int(re.findall(rb"startxref\n(\d+)", data)[-1])
    for _ in range(400):
        at = len(data)
        data += b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 5000/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (start, at)
        start = at
    data = _signed_often(data, 20)
    start, at = int(re.findall(rb"startxref\n(\d+)", data)[-1]), len(data)
    rows = zlib.compress((b"\x01" + at.to_bytes(4, "big") + b"\0") * 9000)
    data += b"5999 0 obj\n<</Type/XRef/Size 15000/W[1 4 1]/Index[6000 9000]/Root 1 0 R/Prev %d/Filter/FlateDecode/Length %d>>stream\n" % (
        start, len(rows))  # fmt: skip
    return data + rows + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % at


def many_signatures_much_validation_data() -> bytes:
    """Each signature follows the references of a store that leads everywhere and back."""
    from tests.seal_service.pdf.tampering import append, body_of, form_document

    data = _signed_often(form_document(), 100)
    ring = {1000 + at: b"[" + b" ".join(b"%d 0 R" % (1000 + (at * 7 + k) % 9000) for k in range(30)) + b"]" for at in range(9000)}
    return append(data, {1: body_of(data, 1)[:-2] + b"/DSS<</Certs 1000 0 R>>>>", **ring})


HOSTILE: dict[str, Callable[[], bytes]] = {
    maker.__name__: maker
    for maker in (
        flate_bomb, nested_flate_bomb, many_filters, object_stream_bombs, object_stream_in_itself, object_streams_in_each_other,
        previous_loop, long_chain, many_subsections, many_pages, page_tree_loop, wide_page_tree, field_loop, many_fields, deep_arrays,
        deep_dictionaries, long_string, unbalanced_strings, unclosed_hex, nested_strings, streams_without_end, lengths_in_a_circle,
        references_in_a_circle, comment_line, only_object_headers, only_startxref, only_trailers, only_byte_ranges,
        many_removed_signatures, many_sections_many_signatures, many_signatures_much_validation_data,
    )
}  # fmt: skip
