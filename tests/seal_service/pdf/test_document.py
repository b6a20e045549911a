"""Documents as they stand in their bytes: every kind of cross-references, damage, pages and fields; pypdf and qpdf as witnesses."""

from __future__ import annotations

import io

import pikepdf
import pypdf
import pytest

from seal_service.pdf.cross_references import FREE, IN_FILE, IN_STREAM, read_chain, read_indirect_value
from seal_service.pdf.document import PdfDocument, read_text
from seal_service.pdf.limits import PdfLimits
from seal_service.pdf.syntax import PdfString, Ref, Stream
from standards.errors import MalformedError, TrustError
from tests.seal_service.pdf.documents import (
    DOCUMENTS,
    HEADER,
    build,
    entries_of,
    page_objects,
    pikepdf_page,
    qpdf_document,
    reportlab_document,
)
from tests.seal_service.pdf.hostile import stream, xref_stream_file
from tests.seal_service.pdf.tampering import append, append_empty


@pytest.mark.clause("ISO 32000-1 7.5.8")
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_kind_of_document_opens(kind: str) -> None:
    data = DOCUMENTS[kind]
    document = PdfDocument.open(data)
    witness = pypdf.PdfReader(io.BytesIO(data))
    assert not document.recovered
    assert len(document.pages()) == document.page_count() == len(witness.pages)
    for index, page in enumerate(witness.pages):
        assert document.page(index) == document.pages()[index]
        assert document.page_box(index) == pytest.approx(tuple(float(corner) for corner in page.cropbox))
        assert document.page_rotation(index) == page.rotation
    with pikepdf.open(io.BytesIO(data)) as other:
        assert document.size >= len(other.objects)
        for index, theirs in enumerate(other.pages):
            contents = document.resolve(document.pages()[index][1]["Contents"])
            found = contents if isinstance(contents, Stream) else document.resolve(contents[0])  # type: ignore[index]
            raw = theirs.Contents if isinstance(theirs.Contents, pikepdf.Stream) else theirs.Contents[0]
            assert isinstance(found, Stream)
            assert bytes(found.raw) == raw.read_raw_bytes()


def test_kinds_of_sections_are_told_apart() -> None:
    for kind, section in (("table", "table"), ("stream", "stream"), ("hybrid", "hybrid")):
        document = PdfDocument.open(build(page_objects(), kind=kind))
        assert [each.kind for each in document.sections] == [section]
        kinds = {number: entry.kind for number, entry in entries_of(document).items()}
        assert kinds[4] == IN_FILE
        assert kinds[3] == (IN_FILE if kind == "table" else IN_STREAM)
        assert document.place(3) is not None
        assert document.sections[0].count >= 4
        assert document.sections[0].end > document.sections[0].offset
    linear = PdfDocument.open(qpdf_document(3, linearized=True))
    assert len(linear.sections) == 2


def test_a_later_section_wins_and_an_earlier_revision_can_be_seen() -> None:
    first = build(page_objects())
    data = append(first, {4: b"<</Length 1>>stream\n \nendstream"})
    now, then = PdfDocument.open(data), PdfDocument.open(data, end=len(first))
    assert len(now.sections) == 2
    assert now.place(4) != then.place(4)
    assert now.place(3) == then.place(3)
    assert now.get(Ref(3)) == then.get(Ref(3))
    freed = PdfDocument.open(append(data, {}, freed=[4]))
    assert freed.get(Ref(4)) is None
    assert freed.place(4) is None
    assert freed.entry(4).kind == FREE  # type: ignore[union-attr]
    assert freed.entry(999) is None
    assert freed.place(999) is None


def test_the_views_of_a_file_read_what_they_share_once() -> None:
    data = build(page_objects())
    ends = [len(data)]
    for _ in range(12):
        data = append(data, {3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"})
        ends.append(len(data))
    now = PdfDocument.open(data)
    assert now.pages()
    spent = now.budget.objects
    for end in ends[:-1]:
        then = PdfDocument.open(data, end=end, budget=now.budget)
        alone = PdfDocument.open(data, end=end)
        assert [(page, node["MediaBox"]) for page, node in then.pages()] == [(page, node["MediaBox"]) for page, node in alone.pages()]
        assert [section.offset for section in then.sections] == [section.offset for section in alone.sections]
    assert now.budget.objects - spent <= len(ends)  # of each revision the page that is its own


def test_a_view_never_sees_what_stands_behind_its_end() -> None:
    first = build(page_objects())
    data = append(first, {3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"})
    now = PdfDocument.open(data)
    place = now.place(3)
    assert now.pages()
    assert place is not None
    body = data.index(b"obj", place[0]) + 3
    assert read_indirect_value(data, body, now.end, now.resolve, now.budget, now.names)[0] is now.get(Ref(3))
    with pytest.raises(MalformedError):  # in the midst of the page's dictionary, which the other view has read to its end
        read_indirect_value(data, body, body + 12, now.resolve, now.budget, now.names)
    with pytest.raises(MalformedError):
        read_chain(data, now.last_startxref, now.sections[0].end - 1, now.budget, now.names)


def test_generations_must_fit() -> None:
    data = append(build(page_objects()), {4: b"<</G 2>>"}, generations={4: 2})
    document = PdfDocument.open(data)
    assert document.get(Ref(4, 2)) == {"G": 2}
    assert document.get(Ref(4, 0)) is None
    assert document.get(Ref(3, 1)) is None
    wrong = data.replace(b"4 2 obj", b"4 1 obj")
    with pytest.raises(MalformedError, match="PDF_OBJECT_MISPLACED"):
        PdfDocument.open(wrong).get(Ref(4, 2))
    with pytest.raises(MalformedError, match="PDF_OBJECT_MISPLACED"):  # the failure is remembered
        opened = PdfDocument.open(wrong)
        for _ in range(2):
            try:
                opened.get(Ref(4, 2))
            except MalformedError:
                continue
        opened.get(Ref(4, 2))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: data.rindex(b"startxref")],
        lambda data: data.replace(b"startxref\n", b"startxref\n9"),
        lambda data: data.replace(b"xref\n0 1", b"xrex\n0 1"),
        lambda data: data.replace(b"trailer", b"trailes"),
        lambda data: data.replace(b"/Root 1 0 R", b"/Root 9 0 R"),
        lambda data: data.replace(b"/Root 1 0 R", b"/Root 1 0 R/Root 1 0 R"),
        lambda data: data.replace(b"0 1\n0000000000", b"3 1\n0000000000"),
        lambda data: data.replace(b"1 1\n00000000", b"1 1\n99999999"),
        lambda data: data.replace(b"1 1\n0", b"1 1\nx"),
        lambda data: data.replace(b"trailer\n<<", b"trailer\n<</Prev(x)"),
        lambda data: data.replace(b"trailer\n<<", b"trailer\n<</Prev 1.5"),
        lambda data: data.replace(b"trailer\n<<", b"trailer\n<</XRefStm(x)"),
        lambda data: data.replace(b"trailer\n<<", b"trailer\n<</XRefStm 20"),
        lambda data: data.replace(b"trailer\n<<", b"trailer\n[<<"),
    ],
)
def test_damage_is_repaired_and_said_so(damage: object) -> None:
    data = damage(build(page_objects()))  # type: ignore[operator]
    if b"/Root 9" in data:
        with pytest.raises(MalformedError):
            PdfDocument.open(data).root  # noqa: B018
        return
    document = PdfDocument.open(data)
    assert document.recovered
    assert len(document.pages()) == 1
    assert entries_of(document)
    with pytest.raises(MalformedError):
        PdfDocument.open(data, recover_damaged=False)


def test_damage_in_a_file_of_streams_is_repaired() -> None:
    data = build(page_objects(), kind="stream")
    document = PdfDocument.open(data.replace(b"startxref\n", b"startxref\n9"))
    assert document.recovered
    assert len(document.pages()) == 1
    broken = data.replace(b"/Type/ObjStm/N 2", b"/Type/ObjStm/N x")
    with pytest.raises(MalformedError):
        PdfDocument.open(broken.replace(b"startxref\n", b"startxref\n9")).pages()
    with pytest.raises(MalformedError, match="PDF_UNREADABLE"):
        PdfDocument.open(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")


def test_tables_that_writers_get_wrong() -> None:
    data = build(page_objects())
    at = data.rindex(b"xref\n0 1")
    offsets = [data.index(b"%d 0 obj" % number) for number in range(1, 5)]
    trailer = data[data.rindex(b"trailer") : data.rindex(b"startxref")]
    tail = b"startxref\n%d\n%%%%EOF\n" % at
    short = b"xref\n0 5\n0000000000 65535 f\n" + b"".join(b"%010d 00000 n\n" % offset for offset in offsets)
    from_one = b"xref\n1 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    empty = b"xref\n0 0\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    for table in (short, from_one, empty):
        document = PdfDocument.open(data[:at] + table + trailer + tail)
        assert not document.recovered
        assert entries_of(document)[1].kind == IN_FILE
        assert len(document.pages()) == 1
    garbled = data[:at] + from_one.replace(b"%010d 00000 n" % offsets[1], b"0x00000000 00000 n") + trailer + tail
    with pytest.raises(MalformedError, match="PDF_XREF_ENTRY"):
        PdfDocument.open(garbled).get(Ref(2))


@pytest.mark.parametrize(
    "extra",
    [
        b"/Size 9/W[1 4]",
        b"/Size 9/W[1 9 2]",
        b"/Size 9/W 7",
        b"/Size 9/W[1 4 2]/Index[1]",
        b"/Size 9/W[1 4 2]/Index[1 -2]",
        b"/Size x/W[1 4 2]",
        b"/Size 9/W[0 0 0]",
        b"/Size 9/W[1 4 2]/Filter 3 0 R",
        b"/Size 9/W[1 4 2]/Filter/DCTDecode",
        b"/Size 9/Size 9/W[1 4 2]",
    ],
)
def test_cross_reference_streams_are_checked(extra: bytes) -> None:
    with pytest.raises(MalformedError):
        PdfDocument.open(xref_stream_file(bytes(14), extra), recover_damaged=False)


@pytest.mark.parametrize(
    ("widths", "entries"),
    [
        (b"[1 9 2]", b"/Size 2"),
        (b"[1 4.0 2]", b"/Size 2"),
        (b"[1 4 2 0]", b"/Size 2"),
        (b"[1 4 2]", b"/Size 2/Index[0 2 0]"),
        (b"[1 4 2]", b"/Size 2/Index[0 2 -1 0]"),
        (b"[1 4 2]", b"/Size 2/Index[0 2 99999999 0]"),
        (b"[1 4 2]", b"/Size 2/Size 2"),
    ],
)
def test_what_is_wrong_with_a_cross_reference_stream_is_not_passed_over(widths: bytes, entries: bytes) -> None:
    """With the numbers as they should be the very same bytes are a document."""
    before = b"1 0 obj\n<</Pages 1 0 R>>\nendobj\n"
    wide = 9 if b"9" in widths else 4
    rows = b"".join(bytes([kind]) + at.to_bytes(wide, "big") + bytes(2) for kind, at in ((0, 0), (1, len(HEADER))))
    if wide == 4:
        good = PdfDocument.open(xref_stream_file(rows, b"/Size 2/W[1 4 2]", before=before), recover_damaged=False)
        assert good.root == {"Pages": Ref(1)}
    with pytest.raises(MalformedError, match=r"PDF_XREF_(STREAM|MISSING)"):
        PdfDocument.open(xref_stream_file(rows, entries + b"/W" + widths, before=before), recover_damaged=False)


def test_a_short_cross_reference_stream_counts_as_far_as_it_goes() -> None:
    before = b"1 0 obj\n<</Pages 1 0 R>>\nendobj\n"
    rows = bytes(7) + b"\x01" + (15).to_bytes(4, "big") + bytes(2)
    document = PdfDocument.open(xref_stream_file(rows, b"/Size 9/W[1 4 2]", before=before))
    assert not document.recovered
    assert set(entries_of(document)) == {0, 1}
    default = PdfDocument.open(xref_stream_file(bytes(4) + (15).to_bytes(4, "big"), b"/Size 2/W[0 4 0]", before=before))
    assert entries_of(default)[1].kind == IN_FILE  # without a first field every entry is in use


def test_lengths_that_are_wrong_are_mended() -> None:
    for body in (b"<</Length 3>>stream\nabcdef\nendstream", b"<<>>stream\r\nabcdef\r\nendstream", b"<</Length(x)>>stream\nabcdefendstream"):
        document = PdfDocument.open(build(page_objects() | {5: body}))
        found = document.get(Ref(5))
        assert isinstance(found, Stream)
        assert bytes(found.raw) == b"abcdef"
        assert found.raw_offset is not None
    indirect = PdfDocument.open(build(page_objects() | {5: b"<</Length 6 0 R>>stream\nab\nendstream", 6: b"2"}))
    stream = indirect.get(Ref(5))
    assert isinstance(stream, Stream)
    assert bytes(stream.raw) == b"ab"
    with pytest.raises(MalformedError, match="PDF_STREAM_END"):
        PdfDocument.open(build(page_objects() | {5: b"<<>>stream\nab"})).get(Ref(5))


def test_object_streams_are_checked() -> None:
    good = build(page_objects(), kind="stream")
    for old, new in (
        (b"/N 2", b"/N 9"),
        (b"/N 2", b"/N-1"),
        (b"/First 9", b"/First x"),
        (b"/First 9", b"/First 99"),
        (b"/ObjStm", b"/ObjXtm"),
    ):
        assert old in good or old == b"/First 9"
        if old in good:
            with pytest.raises(MalformedError):
                PdfDocument.open(good.replace(old, new)).pages()


def test_pages_and_boxes() -> None:
    document = PdfDocument.open(pikepdf_page(rotate=90, crop=(100.0, 100.0, 400.0, 500.0)))
    assert document.page_box(0) == (100.0, 100.0, 400.0, 500.0)
    assert document.page_rotation(-1) == 90
    inherited = build(
        page_objects() | {2: b"<</Type/Pages/Kids[3 0 R]/Count 1/Rotate -90/CropBox[9 9 0 0]>>", 3: b"<</Type/Page/Parent 2 0 R>>"}
    )
    document = PdfDocument.open(inherited)
    assert document.page_rotation(0) == 270
    assert document.page_box(0) == (0.0, 0.0, 9.0, 9.0)
    odd = build(page_objects() | {3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 10 10]/CropBox[20 20 30 30]/Rotate/x>>"})
    assert PdfDocument.open(odd).page_box(0) == (0.0, 0.0, 10.0, 10.0)
    assert PdfDocument.open(odd).page_rotation(0) == 0
    for index in (1, -2):
        with pytest.raises(MalformedError, match="PDF_NO_SUCH_PAGE"):
            document.page(index)
    assert document.rectangle([1, 2, 3]) is None
    assert document.rectangle([1, 2, 3, True]) is None


@pytest.mark.parametrize("tree", [b"[3]", b"[2 0 R]", b"[5 0 R]", b"[4 0 R]", b"[<<>>]"])
def test_page_trees_are_checked(tree: bytes) -> None:
    document = PdfDocument.open(build(page_objects() | {2: b"<</Type/Pages/Kids" + tree + b">>"}))
    with pytest.raises(MalformedError, match="PDF_PAGE_TREE"):
        document.page_count()


def test_deep_and_wide_page_trees() -> None:
    nodes = {number: b"<</Type/Pages/Kids[%d 0 R]>>" % (number + 1) for number in range(10, 80)} | {80: b"<</Type/Page>>"}
    document = PdfDocument.open(build(page_objects() | {2: b"<</Type/Pages/Kids[10 0 R]>>"} | nodes))
    with pytest.raises(MalformedError, match="PDF_PAGE_TREE"):
        document.pages()
    many = PdfDocument.open(reportlab_document(20), limits=PdfLimits(pages=5))
    with pytest.raises(MalformedError, match="PDF_TOO_MANY_PAGES"):
        many.pages()
    nested = {2: b"<</Type/Pages/Count 2/Kids 7 0 R>>", 7: b"[5 0 R]", 5: b"<</Type/Pages/Kids[3 0 R 6 0 R]>>", 6: b"<</Type/Page>>"}
    document = PdfDocument.open(build(page_objects() | nested))
    assert [ref.number for ref, _ in document.pages()] == [3, 6]
    assert document.page_tree_numbers == {2, 5, 7}


def test_fields_are_found_with_names_widgets_and_inherited_values() -> None:
    objects = page_objects(root=b"/AcroForm<</Fields[10 0 R 10 0 R 14 0 R 15 0 R 16 0 R<</T(direct)/FT/Sig/V<</A 1>>>>]>>") | {
        10: b"<</T(group)/FT/Sig/Kids[11 0 R 12 0 R]>>",
        11: b"<</T(a)/Parent 10 0 R/V 17 0 R/Kids[13 0 R]>>",
        12: b"<</T(b)/Parent 10 0 R/Subtype/Widget/Rect[0 0 1 1]>>",
        13: b"<</Subtype/Widget/Parent 11 0 R/Rect[0 0 1 1]>>",
        14: b"<</T(text)/FT/Tx/V(x)>>",
        15: b"7",
        16: b"<</T<feff5370>/FT/Sig/V 18 0 R>>",
        17: b"<</Type/Sig>>",
        18: b"<<",
    }
    document = PdfDocument.open(build(objects))
    found = {field.name: field for field in document.signature_fields()}
    assert set(found) == {"group.a", "group.b", "印", "direct"}
    assert found["group.a"].value_ref == Ref(17)
    assert [ref for ref, _ in found["group.a"].widgets] == [Ref(13)]
    assert [ref for ref, _ in found["group.b"].widgets] == [Ref(12)]
    assert found["group.b"].value_dict is None
    assert found["印"].value_dict == {}
    assert found["direct"].ref is None
    assert document.unreadable_fields == 1
    assert document.signature_fields() is document.signature_fields()


def test_a_field_above_others_may_hold_the_value() -> None:
    objects = page_objects(root=b"/AcroForm<</Fields[10 0 R]>>") | {10: b"<</T(x)/FT/Sig/V<<>>/Kids[11 0 R]>>", 11: b"<</T(y)>>"}
    assert [field.name for field in PdfDocument.open(build(objects)).signature_fields()] == ["x", "x.y"]


def test_limits_have_codes() -> None:
    data = build(page_objects())
    with pytest.raises(TrustError, match="PDF_TOO_LARGE"):
        PdfDocument.open(data, limits=PdfLimits(file_bytes=100))
    with pytest.raises(MalformedError, match="PDF_TOO_COMPLEX"):
        PdfDocument.open(data, limits=PdfLimits(objects=1)).pages()
    with pytest.raises(MalformedError, match="PDF_TOO_COMPLEX"):
        PdfDocument.open(data, limits=PdfLimits(kept_tokens=5)).pages()
    with pytest.raises(MalformedError, match="PDF_TOO_MANY_REVISIONS"):
        PdfDocument.open(append_empty(append_empty(data)), limits=PdfLimits(revisions=2))
    with pytest.raises(MalformedError, match="PDF_HEADER_MISSING"):
        PdfDocument.open(data[10:])
    fields = page_objects(root=b"/AcroForm<</Fields[" + b"<<>>" * 9 + b"]>>")
    with pytest.raises(MalformedError, match="PDF_TOO_MANY_FIELDS"):
        PdfDocument.open(build(fields), limits=PdfLimits(fields=5)).signature_fields()
    with pytest.raises(MalformedError, match="PDF_TOO_COMPLEX"):
        PdfDocument.open(build(page_objects() | {5: b"<<>>stream\n" + b"a" * 99 + b"\nendstream"}), limits=PdfLimits(scanned_bytes=9)).get(
            Ref(5)
        )


def test_an_encrypted_document_is_recognised() -> None:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(reportlab_document())) as pdf:
        pdf.save(buffer, encryption=pikepdf.Encryption(owner="o", user="u"))
    assert PdfDocument.open(buffer.getvalue()).is_encrypted
    assert not PdfDocument.open(reportlab_document()).is_encrypted


def test_text_strings() -> None:
    assert read_text(PdfString(b"abc")) == "abc"
    assert read_text(PdfString("\ufeff印".encode("utf-16-be"))) == "印"
    assert read_text(PdfString("\ufeff信".encode())) == "信"


def test_streams_are_made_for_these_tests() -> None:
    assert stream(b"x", b"").startswith(b"<</Length 1>>stream")
