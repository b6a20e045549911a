"""What only a rebuilding reader shows, and what readers disagree about."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from seal_service.pdf.document import PdfDocument
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import (
    ABOVE,
    append,
    body_of,
    failures,
    sealed_form,
    undecided,
    verify,
)
from tests.seal_service.pdf.test_verify_disguises import STREAM, N, _assert_tampered, _inserted


def test_a_change_that_only_a_rebuilding_reader_shows_is_a_change() -> None:
    report = verify(_inserted(sealed_form(), b"4 0 obj\n" + STREAM + b"\nendobj\n"))
    assert undecided(report) == {"PDF_REVISION_CHAIN"}
    _assert_tampered(report, "PDF_PAGE_CHANGED")


def test_what_looks_like_an_object_inside_of_one_is_left_open() -> None:
    script = b"4 0 obj\n" + STREAM + b"\nendobj\n"
    metadata = b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s%s\nendstream" % (len(script) + 60, b" " * 60, script)
    report = verify(append(sealed_form(), {6: metadata}))
    assert (report.verdict, report.tampered, undecided(report)) == (Verdict.INDETERMINATE, None, {"PDF_REVISION_CHAIN"})


@pytest.mark.parametrize("objects", [b"trailer\n<</Root 90 0 R>>\n", b"900 0 obj\n" + STREAM + b"\nendobj\n"])
def test_what_only_a_rebuilding_reader_finds_is_left_open(objects: bytes) -> None:
    report = verify(_inserted(sealed_form(), objects))
    assert undecided(report) == {"PDF_REVISION_CHAIN"}
    assert report.verdict is Verdict.INDETERMINATE


def test_a_change_taken_back_by_the_cross_references_is_left_open() -> None:
    data = sealed_form()
    place = PdfDocument.open(data).place(4)
    assert place is not None
    report = verify(append(append(data, {4: STREAM}), {}, entries={4: place[0]}))
    assert undecided(report) == {"PDF_REVISION_CHAIN"}


def test_a_smaller_size_is_left_open() -> None:
    updated = append(sealed_form(), {})
    at = updated.rindex(b"/Size")
    report = verify(updated[:at] + updated[at:].replace(b"/Size %d" % N, b"/Size 4", 1))
    assert undecided(report) == {"PDF_REVISION_CHAIN"}


def _hybrid(table: bytes, number: int, *, free: bytes = b"") -> bytes:
    """An update whose hidden stream gives another place for an object than its table does."""
    data = sealed_form()
    start = PdfDocument.open(data).last_startxref
    out = bytearray(data)
    place = len(out)
    out += b"%d 0 obj\n%s\nendobj\n" % (number, STREAM)
    at = len(out)
    rows = b"\x01" + place.to_bytes(4, "big") + b"\0"
    out += b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[%d 1]/Root 1 0 R/Length 6>>stream\n%s\nendstream\nendobj\n" % (
        N, N + 1, number, rows)  # fmt: skip
    section = len(out)
    out += b"xref\n%strailer\n<</Size %d/Root 1 0 R/Info 17 0 R/Prev %d/XRefStm %d>>\n" % (table or free, N + 1, start, at)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % section


def test_table_and_hidden_stream_must_not_contradict_each_other() -> None:
    place = PdfDocument.open(sealed_form()).place(4)
    assert place is not None
    report = verify(_hybrid(b"4 1\n%010d 00000 n \n" % place[0], 4))
    assert undecided(report) == {"PDF_CHANGES_UNDECIDED"}
    assert report.verdict is Verdict.INDETERMINATE
    assert "PDF_PAGE_CHANGED" in failures(verify(_hybrid(b"", 4, free=b"4 1\n0000000000 00001 f \n")))


@pytest.mark.parametrize("index", [0, 1])
def test_an_object_stream_must_not_hold_a_number_twice(index: int) -> None:
    data = sealed_form()
    good = body_of(data, 3)
    bodies = [good, good.replace(b"/MediaBox", b"/Rotate 90/MediaBox")]
    bodies = bodies if index == 0 else bodies[::-1]
    head = b"3 0 3 %d " % (len(bodies[0]) + 1)
    packed = head + b" ".join(bodies)
    out = bytearray(data)
    container = len(out)
    out += b"%d 0 obj\n<</Type/ObjStm/N 2/First %d/Length %d>>stream\n%s\nendstream\nendobj\n" % (N, len(head), len(packed), packed)
    at = len(out)
    rows = b"\x02" + N.to_bytes(4, "big") + bytes((index,)) + b"\x01" + container.to_bytes(4, "big") + b"\0"
    rows += b"\x01" + at.to_bytes(4, "big") + b"\0"
    out += b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[3 1 %d 2]/Root 1 0 R/Info 17 0 R/Prev %d/Length 18>>stream\n%s\nendstream\nendobj\n" % (
        N + 1, N + 2, N, PdfDocument.open(data).last_startxref, rows)  # fmt: skip
    report = verify(bytes(out) + b"startxref\n%d\n%%%%EOF\n" % at)
    assert report.verdict is Verdict.INVALID
    assert report.tampered is True


def _with_short_section(length: int) -> tuple[bytes, int]:
    """A document whose newest cross-reference stream has rows for objects 60 and 50, the second one missing; where its bytes begin."""
    objects = page_objects() | {50: STREAM}
    objects[3] = objects[3].replace(b"/Contents 4 0 R", b"/Contents 50 0 R")
    out = bytearray(build(objects))
    start, at = PdfDocument.open(bytes(out)).last_startxref, len(out)
    out += b"60 0 obj\n<</Type/XRef/Size 61/W[1 4 1]/Index[60 1 50 1]/Root 1 0 R/Prev %d/Length %05d>>stream\n" % (start, length)
    begin = len(out)
    out += b"\x01" + at.to_bytes(4, "big") + b"\0\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % at
    return bytes(out), begin


def test_a_section_that_grows_by_what_is_appended_is_not_the_same() -> None:
    """Its /Length leads behind the signed file; once something stands there, it is longer and names another place for an object."""

    def seal(length: int) -> bytes:
        return sealed(_with_short_section(length)[0], placement=None, picture=None, field_name="First")

    begin = _with_short_section(99_999)[1]
    length = len(seal(99_999)) + 40 - begin
    data = seal(length)
    assert verify(data).verdict is Verdict.VALID
    longer = data + b"%" * (begin + length - len(data) - 1) + b"\nendstream\nendobj\n"
    report = verify(append(longer, {}))
    assert "PDF_REVISION_CHAIN" in undecided(report)
    _assert_tampered(report, "PDF_PAGE_CHANGED")


def test_a_fourth_column_of_a_cross_reference_stream_is_refused() -> None:
    data = sealed(build(page_objects(), kind="stream"), placement=ABOVE, field_name="First")
    updated = append(data, {}, kind="stream").replace(b"/W[1 4 1]", b"/W[1 3 1 1]")
    assert updated.count(b"/W[1 3 1 1]") == 1
    report = verify(updated)
    assert "PDF_RECOVERED" in undecided(report)
    assert report.verdict is not Verdict.VALID
