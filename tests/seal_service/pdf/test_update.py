"""Appended revisions: numbers, kinds of cross-reference section, trailer; pikepdf (qpdf) and pypdf read what was written."""

from __future__ import annotations

import io

import pikepdf
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.report import Verdict
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.object_text import Verbatim
from seal_service.pdf.syntax import Name, PdfString, Ref, Stream
from seal_service.pdf.update import MAX_OBJECT_NUMBER, IncrementalUpdate
from standards.errors import TrustError
from tests.costs import at_most
from tests.seal_service.pdf.documents import build, entries_of, page_objects
from tests.seal_service.pdf.sealing import is_digest_right, sealed, signatures
from tests.seal_service.pdf.tampering import verify

SECOND = bytes(range(16))


def _open(original: bytes) -> tuple[PdfDocument, IncrementalUpdate]:
    document = PdfDocument.open(original)
    return document, IncrementalUpdate(document, len(original), ends_line=original.endswith(b"\n"))


@pytest.mark.clause("ISO 32000-1 7.5.4", "ISO 32000-1 7.5.6", "ISO 32000-1 7.5.8")
@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["table", "stream", "hybrid"]),
    added=st.integers(0, 5),
    replaced=st.lists(st.integers(5, 40), unique=True, max_size=8),
)
def test_every_object_is_found_where_the_update_says(kind: str, added: int, replaced: list[int]) -> None:
    objects = page_objects() | {number: b"<</Old %d>>" % number for number in range(5, 41)}
    original = build(objects, kind=kind, hidden=(2, 3, *range(20, 30)))
    document, update = _open(original)
    for number in replaced:
        update.replace(Ref(number, 0), {"New": number})
    refs = [update.add({"Added": index}) for index in range(added)]
    stream = update.add(Stream({"Kept": True}, b"stream bytes \x00\xff"))
    result = original + bytes(update.write(SECOND))

    with pikepdf.open(io.BytesIO(result)) as pdf:
        assert pdf.check_pdf_syntax() == [] if hasattr(pdf, "check_pdf_syntax") else True
        for number in range(5, 41):
            assert dict(pdf.get_object(number, 0)) == ({"/New": number} if number in replaced else {"/Old": number})
        for index, ref in enumerate(refs):
            assert dict(pdf.get_object(ref.number, 0)) == {"/Added": index}
        assert pdf.get_object(stream.number, 0).read_raw_bytes() == b"stream bytes \x00\xff"
    reader = pypdf.PdfReader(io.BytesIO(result), strict=True)
    assert len(reader.pages) == 1
    again = PdfDocument.open(result)
    assert not again.recovered
    assert again.get(stream) is not None
    assert not set(refs) & {Ref(number, 0) for number in entries_of(document)}
    assert again.size > max(entries_of(again))
    for ref, offset in update.offsets.items():
        assert result[offset:].startswith(b"%d %d obj\n" % ref)


def test_numbers_in_use_are_passed_over_when_size_is_too_small() -> None:
    objects = page_objects() | dict.fromkeys(range(5, 9), b"(kept)")
    original = build(objects).replace(b"/Size 9", b"/Size 5")
    document, update = _open(original)
    assert document.size == 5
    assert update.add(1) == Ref(9, 0)


def test_a_size_that_lies_below_a_long_table_costs_no_more_than_reading_it() -> None:
    """A million entries behind /Size 1: counted once, not tried one by one."""
    original = build(page_objects())
    rows = b"5 1000000\n" + b"0000000000 00001 f \n" * 1_000_000
    original = original.replace(b"trailer\n", rows + b"trailer\n").replace(b"/Size 5", b"/Size 1")
    _, update = _open(original)
    with at_most(2):
        assert update.add(1) == Ref(1_000_005, 0)


@pytest.mark.parametrize("size", [b"/X", b"-7", b"0", b"1."])
def test_a_size_that_is_none_is_passed_over(size: bytes) -> None:
    _, update = _open(build(page_objects()).replace(b"/Size 5", b"/Size " + size))
    assert [update.add(None), update.add(None)] == [Ref(5), Ref(6)]


def test_the_largest_size_of_any_revision_counts() -> None:
    original = build(page_objects()).replace(b"/Size 5", b"/Size 50")
    document, update = _open(original)
    update.replace(Ref(4, 0), 4)
    second = original + bytes(update.write(SECOND))
    third = second.replace(b"/Size 50", b"/Size 50", 1)
    cut = third.rfind(b"/Size 50")
    third = third[:cut] + b"/Size 05" + third[cut + 8 :]
    document, update = _open(third)
    assert document.size == 5
    assert update.add(1) == Ref(50, 0)


def test_generations_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    original = build(page_objects() | {5: b"(old)"})
    original = original.replace(b"5 0 obj\n(old)", b"5 3 obj\n(old)")
    entry = original.index(b"5 1\n", original.index(b"xref"))
    original = original[: entry + 4] + original[entry + 4 : entry + 14] + b" 00003" + original[entry + 20 :]
    for kind in ("table", "stream"):
        monkeypatch.setattr(IncrementalUpdate, "_kind", lambda _self, kind=kind: kind)
        _, update = _open(original)
        update.replace(Ref(5, 3), PdfString(b"new"))
        result = original + bytes(update.write(SECOND))
        assert PdfDocument.open(result).get(Ref(5, 3)) == b"new"
        with pikepdf.open(io.BytesIO(result)) as pdf:
            assert bytes(pdf.get_object(5, 3)) == b"new"


@pytest.mark.clause("ISO 32000-1 14.4")
def test_identifier_keeps_its_first_part() -> None:
    original = build(page_objects())
    _, update = _open(original)
    trailer = PdfDocument.open(original + bytes(update.write(SECOND))).trailer
    assert trailer["ID"] == [bytes.fromhex("00112233445566778899aabbccddeeff"), SECOND]


@pytest.mark.parametrize("identifier", [b"", b"/ID 7", b"/ID[]", b"/ID[1 2]"])
def test_no_identifier_is_invented(identifier: bytes) -> None:
    original = build(page_objects()).replace(b"/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]", identifier)
    _, update = _open(original)
    assert "ID" not in PdfDocument.open(original + bytes(update.write(SECOND))).trailer


def test_info_is_carried_on_and_nothing_else() -> None:
    original = build(page_objects() | {5: b"<</Title(x)>>"}, trailer=b"/Info 5 0 R/DocChecksum/ABC")
    _, update = _open(original)
    trailer = PdfDocument.open(original + bytes(update.write(SECOND))).trailer
    assert trailer["Info"] == Ref(5, 0)
    assert "DocChecksum" not in trailer


def test_verbatim_objects_go_in_unchanged_and_names_are_escaped() -> None:
    original = build(page_objects())
    _, update = _open(original)
    exact = update.add(Verbatim(b"<</A  1 %kept\n>>"))
    named = update.add({"Odd Name": Name("a#b/c")})
    result = original + bytes(update.write(SECOND))
    assert b"obj\n<</A  1 %kept\n>>\nendobj" in result
    assert PdfDocument.open(result).get(exact) == {"A": 1}
    with pikepdf.open(io.BytesIO(result)) as pdf:
        assert dict(pdf.get_object(named.number, 0)) == {"/Odd Name": pikepdf.Name("/a#b/c")} or b"/Odd#20Name /a#23b#2fc" in result


def test_object_numbers_have_an_end() -> None:
    original = build(page_objects()).replace(b"/Size 5", b"/Size %d" % (MAX_OBJECT_NUMBER + 1))
    _, update = _open(original)
    with pytest.raises(TrustError) as refused:
        update.add(1)
    assert refused.value.code == "PDF_TOO_MANY_OBJECTS"


def test_offsets_have_ten_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seal_service.pdf.update.MAX_OFFSET", 100)
    _, update = _open(build(page_objects()))
    with pytest.raises(TrustError) as refused:
        update.write(SECOND)
    assert refused.value.code == "PDF_TOO_LARGE"


def test_an_update_needs_the_section_that_startxref_names() -> None:
    document, update = _open(build(page_objects()))
    document.last_startxref += 1
    with pytest.raises(TrustError) as refused:
        update.write(SECOND)
    assert refused.value.code == "PDF_XREF_DAMAGED"


@pytest.mark.parametrize("space", [b"\n", b"\r\n", b" \n", b"\0\t\f "])
def test_white_space_before_the_section_that_startxref_names_is_passed_over(space: bytes) -> None:
    """node-signpdf's plain placeholders name the line end in front of the keyword; every reader goes on from there. What is appended names the keyword."""
    original = build(page_objects())
    at = original.rindex(b"xref\n0 ")
    moved = original[:at] + space + original[at:]  # startxref still says ``at``
    document, update = _open(moved)
    assert (document.recovered, document.last_startxref) == (False, at)
    result = moved + bytes(update.write(SECOND))
    assert PdfDocument.open(result).trailer["Prev"] == at + len(space)
    with pikepdf.open(io.BytesIO(result)) as pdf:
        assert (len(pdf.pages), pdf.get_warnings()) == (1, [])
    sealed_again = sealed(moved)
    assert (verify(sealed_again).verdict, verify(sealed_again).tampered) == (Verdict.VALID, False)
    (value,) = signatures(sealed_again).values()
    assert is_digest_right(sealed_again, value)


def test_anything_else_before_the_section_that_startxref_names_is_refused() -> None:
    """Readers disagree whether a comment may stand there."""
    original = build(page_objects())
    at = original.rindex(b"xref\n0 ")
    document, update = _open(original[:at] + b"%\n" + original[at:])
    assert not document.recovered
    with pytest.raises(TrustError) as refused:
        update.write(SECOND)
    assert refused.value.code == "PDF_XREF_DAMAGED"
