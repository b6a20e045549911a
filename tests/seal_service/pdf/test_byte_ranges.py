"""What a signature must cover: anomalies of /ByteRange and /Contents, wrapping attacks (SWA), universal forgery (USF), uncovered bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crypto.report import Outcome, Verdict
from seal_service.pdf.byte_ranges import RangeDigests, open_signed_revision, read_coverage
from seal_service.pdf.document import PdfDocument
from standards.errors import TrustError
from tests.seal_service.pdf.documents import build, page_objects, reportlab_document
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import append, byte_range, failures, sealed_form, signature_number, undecided, verify, warnings

if TYPE_CHECKING:
    from collections.abc import Callable

RANGE = re.compile(rb"/ByteRange\s*\[[^\]]*\] *")


def _range(data: bytes, text: bytes) -> bytes:
    """/ByteRange replaced in place, same length, so that nothing else moves."""
    found = RANGE.search(data)
    assert found is not None
    new = b"/ByteRange[" + text + b"]"
    assert len(new) <= len(found[0])
    return data[: found.start()] + new.ljust(len(found[0])) + data[found.end() :]


def _swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        assert data.count(old) == 1
        return data.replace(old, new)

    return apply


A, B, C, D = byte_range(sealed_form())


@pytest.mark.clause("ISO 32000-1 12.8.1")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_swap(b"/ByteRange", b"/Byteronge"), "PDF_BYTERANGE_MISSING"),
        (lambda data: RANGE.sub(lambda found: b"/ByteRange null".ljust(len(found[0])), data), "PDF_BYTERANGE_MISSING"),
        (lambda data: RANGE.sub(lambda found: b"/ByteRange(x)".ljust(len(found[0])), data), "PDF_BYTERANGE_MISSING"),
        (lambda data: _range(data, b""), "PDF_BYTERANGE_MISSING"),
        (lambda data: _range(data, b"0 %d" % B), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d" % (B, C)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d -1" % (B, C)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d 0" % (B, C)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"1 %d %d %d" % (B, C, D)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (B - 1, C, D)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (B + 1, C, D)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (B, C - 1, D)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (B, C + 1, D - 1)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (C, B, D)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (B, C, D + 1)), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 10 20 10"), "PDF_BYTERANGE_BAD"),
        (lambda data: _range(data, b"0 %d %d %d" % (B, C, D - 9)), "PDF_REVISION_INCOMPLETE"),
        (_swap(b"/Contents<", b"/Contemts<"), "PDF_CONTENTS_MISSING"),
        (lambda data: data[:B] + b"(" + b"0" * (C - B - 2) + b")" + data[C:], "PDF_CONTENTS_NOT_HEX"),
        (lambda data: data[: C - 9] + b"00000001>" + data[C:], "PDF_CONTENTS_PADDING"),
        (lambda data: data[: B + 1] + b"00" * ((C - B - 2) // 2) + data[C - 1 :], "CMS_MALFORMED"),
        (lambda data: data[: B + 1] + b"30" * ((C - B - 2) // 2) + data[C - 1 :], "CMS_MALFORMED"),
        (lambda data: data[: B + 1] + b"3084ffffffff" + data[B + 13 :], "PDF_CONTENTS_UNREADABLE"),
        (_swap(b"/Filter/Adobe.PPKLite", b"/M(2)/Filter/Adobe.Abc"), "PDF_DUPLICATE_KEY"),
    ],
)
def test_an_anomaly_is_invalid_and_named(change: Callable[[bytes], bytes], code: str) -> None:
    report = verify(change(sealed_form()))
    assert report.verdict is Verdict.INVALID
    assert code in failures(report)


def test_contents_of_another_object_cannot_fill_the_gap() -> None:
    """Signature wrapping: the gap lies over another string of the same look, /Contents elsewhere."""
    data = sealed_form()
    wrapped = append(data, {signature_number(data): b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/Filter/Adobe.PPKLite%s/Contents%s>>" % (
        b"/ByteRange[%d %d %d %d]" % (A, B, C, D), data[B:C])})  # fmt: skip
    report = verify(wrapped)
    assert "PDF_BYTERANGE_BAD" in failures(report)
    assert report.tampered is True


def test_a_signature_dictionary_must_not_hide_in_an_object_stream() -> None:
    value = b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 10 20 10]/Contents<00>>>"
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {5: b"<</T(a)/FT/Sig/V 6 0 R>>", 6: value}
    assert "PDF_SIGNATURE_DICTIONARY" in failures(verify(build(objects, kind="stream", hidden=(2, 3, 6))))


def test_a_value_written_in_place_of_a_reference_is_found() -> None:
    value = b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 10 20 10]/Contents<00>>>"
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {5: b"<</T(a)/FT/Sig/V" + value + b">>"}
    report = verify(build(objects))
    assert failures(report) >= {"PDF_BYTERANGE_BAD"}
    assert report.signatures[0].name == "a"
    data = build(page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {5: objects[5].replace(b"0 10 20 10", b"0 111 222 333")})
    gap = data.index(b"<00>")
    for old, number in ((b"111", gap), (b"222", gap + 4), (b"333", len(data) - gap - 4)):
        assert len(str(number)) == 3
        data = data.replace(old, b"%d" % number)
    assert "PDF_BYTERANGE_BAD" not in failures(verify(data))


@pytest.mark.parametrize("value", [b"7", b"(x)", b"[0]", b"<</Length 0>>stream\n\nendstream", b"<<"])
def test_a_value_that_is_no_signature_is_invalid(value: bytes) -> None:
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {5: b"<</T(a)/FT/Sig/V 6 0 R>>", 6: value}
    report = verify(build(objects))
    assert report.verdict is Verdict.INVALID
    assert {"PDF_BYTERANGE_MISSING", "PDF_CONTENTS_MISSING"} <= failures(report)


def test_one_broken_signature_spoils_no_other() -> None:
    first = sealed_form()
    broken = b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents<00>>>"
    objects = {100: b"<</T(Broken)/FT/Sig/V 101 0 R>>", 101: broken}
    from tests.seal_service.pdf.tampering import changed

    data = append(first, objects | changed(first, 5, (b"/Fields [", b"/Fields [100 0 R ")))
    by_name = {each.name: each for each in verify(data).signatures}
    assert by_name["Broken"].verdict is Verdict.INVALID
    assert by_name["First"].cryptographically_valid is True
    assert by_name["First"].verdict is Verdict.VALID


def test_two_fields_must_not_share_a_signature() -> None:
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R 6 0 R]>>") | {
        5: b"<</T(a)/FT/Sig/V 7 0 R>>",
        6: b"<</T(b)/FT/Sig/V 7 0 R>>",
        7: b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 10 20 10]/Contents<00>>>",
    }
    report = verify(build(objects))
    assert [each.name for each in report.signatures if "PDF_SIGNATURE_SHARED" in {step.code for step in each.steps}] == ["a", "b"]


def test_ranges_of_two_signatures_must_not_overlap() -> None:
    from tests.seal_service.pdf.tampering import ABOVE

    data = sealed(sealed_form(), placement=ABOVE, field_name="Second")
    second = byte_range(data)
    report = verify(_range(data, b"0 %d %d %d" % (B, C, second[2] + second[3] - C)))
    assert "PDF_BYTERANGE_OVERLAP" in failures(report)
    assert report.tampered is True


@pytest.mark.parametrize("junk", [b"junk", b"\n% more\n", b"1 0 obj\n<<>>\nendobj\n", b"\n%%EOF\n", b" " * 65])
def test_bytes_behind_the_seal_must_form_a_revision(junk: bytes) -> None:
    report = verify(sealed_form() + junk)
    assert "PDF_REVISION_UNCOVERED" in failures(report)
    assert report.tampered is True


@pytest.mark.parametrize("space", [b"\n", b"\r\n", b"\n\n\0", b" " * 64])
def test_white_space_behind_the_seal_is_only_named(space: bytes) -> None:
    report = verify(sealed_form() + space)
    assert report.verdict is Verdict.VALID
    assert "PDF_TRAILING_SPACE" in warnings(report)


def test_junk_behind_an_allowed_revision_is_refused() -> None:
    data = append(sealed_form(), {})
    assert verify(data).verdict is Verdict.VALID
    assert "PDF_REVISION_UNCOVERED" in failures(verify(data + b"<<junk>>"))


def test_bytes_behind_the_end_mark_inside_the_range_are_named() -> None:
    from tests.seal_service.pdf.tampering import changed

    data = sealed_form()
    report = verify(data[:-6] + b"%%EOF\n")
    assert report.verdict is Verdict.VALID
    assert changed(data, 1)


def test_a_truncated_file_is_not_valid() -> None:
    data = sealed_form()
    for cut in (1, 7, 40, 400, 4000, len(data) - 40):
        assert verify(data[:-cut]).verdict is not Verdict.VALID


def test_of_a_file_that_readers_must_rebuild_no_revision_is_opened() -> None:
    """Up to its end it is no revision that anybody signed: what is shown then depends on who reads."""
    at = sealed_form().rindex(b"startxref\n") + 10
    damaged = PdfDocument.open(sealed_form()[:at] + b"9" + sealed_form()[at:])
    assert damaged.recovered
    (field,) = (each for each in damaged.signature_fields() if each.name == "First")
    coverage = replace(read_coverage(damaged, field), end=damaged.end)
    signed, steps = open_signed_revision(damaged, coverage)
    assert (signed, [(step.code, step.outcome) for step in steps]) == (None, [("PDF_RECOVERED", Outcome.NOT_CHECKED)])


def test_without_signature_nothing_is_decided() -> None:
    report = verify(reportlab_document())
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert "PDF_NOT_SIGNED" in undecided(report)


@pytest.mark.parametrize("data", [b"", b"%PDF-", b"%PDF-1.7\n", b"PK\x03\x04", b"\x00" * 5000, b"%PDF-1.7\nstartxref\n0\n%%EOF"])
def test_what_is_no_document_is_undecided(data: bytes) -> None:
    report = verify(data)
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert undecided(report) == {"PDF_UNREADABLE"}


def test_a_header_further_down_is_named() -> None:
    report = verify(b"\n" * 100 + sealed_form())
    assert report.verdict is not Verdict.VALID
    assert "PDF_HEADER_OFFSET" in undecided(report)


def test_a_signed_file_whose_header_stands_further_down_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed as it is, with offsets from the start of the file: readers that count from the header rebuild it, and may see another."""
    shifted = b"% a line in front\n" + build(page_objects())
    moved = re.sub(rb"(\d{10}) 00000 n", lambda m: b"%010d 00000 n" % (int(m[1]) + 18), shifted)
    moved = re.sub(rb"startxref\n(\d+)", lambda m: b"startxref\n%d" % (int(m[1]) + 18), moved)
    monkeypatch.setattr("seal_service.pdf.seal.check_document", lambda *_: None)  # refuses to seal such a file
    report = verify(sealed(moved))
    assert {step.code for step in report.steps} == {"PDF_HEADER_OFFSET"}
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, False)


@pytest.mark.parametrize(
    ("sub_filter", "code"),
    [
        (b"/adbe.pkcs7.sha1", "PDF_SUBFILTER_OLD"),
        (b"/adbe.x509.rsa_sha1", "PDF_SUBFILTER_OLD"),
        (b"/GM.SM2", "PDF_SUBFILTER_PRIVATE"),
        (b"/Of.Somebody", "PDF_SUBFILTER_UNKNOWN"),
        (b"null", "PDF_SUBFILTER_UNKNOWN"),
    ],
)
def test_other_kinds_of_signature_are_named_and_never_valid(sub_filter: bytes, code: str) -> None:
    data = sealed_form()
    assert b"/ETSI.CAdES.detached" in data
    report = verify(data.replace(b"/ETSI.CAdES.detached", sub_filter.rjust(20)))
    assert report.verdict is not Verdict.VALID
    assert code in undecided(report)


def test_a_document_timestamp_must_be_a_token() -> None:
    report = verify(sealed_form().replace(b"/ETSI.CAdES.detached", b"/ETSI.RFC3161       "))
    assert report.signatures[0].kind == "pdf-timestamp"
    assert report.verdict is Verdict.INVALID


def test_digests_go_on_from_an_earlier_range() -> None:
    import hashlib

    data = bytes(range(256)) * 40
    digests = RangeDigests(data)
    oid = "2.16.840.1.101.3.4.2.1"
    for ranges in (((0, 100), (200, 300)), ((0, 400), (500, 1000)), ((0, 50), (60, 70)), ((5, 9),), ()):
        assert digests.digest(oid, ranges) == hashlib.sha256(b"".join(data[a:b] for a, b in ranges)).digest()


def test_what_was_asked_before_is_not_hashed_again() -> None:
    digests = RangeDigests(bytes(1000))
    oid = "2.16.840.1.101.3.4.2.1"
    first = digests.digest(oid, ((0, 100), (200, 300)))
    digests._left = 0
    assert digests.digest(oid, ((0, 100), (200, 300))) == first
    with pytest.raises(TrustError, match="PDF_TOO_COMPLEX"):
        digests.digest(oid, ((0, 100), (200, 301)))


def test_hashing_is_bounded() -> None:
    digests = RangeDigests(b"")
    digests._view = memoryview(bytes(9_000_000))
    digests.digest("2.16.840.1.101.3.4.2.1", ((0, 9_000_000),))
    with pytest.raises(TrustError, match="PDF_TOO_COMPLEX"):
        digests.digest("2.16.840.1.101.3.4.2.1", ((1, 9_000_000),))


def test_every_step_has_a_clause() -> None:
    report = verify(sealed_form() + b"junk")
    assert all(step.clause for each in report.signatures for step in each.steps)
    assert all(step.outcome in Outcome for each in report.signatures for step in each.steps)


@pytest.mark.clause("ISO 32000-1 12.8.1")
def test_objects_pushed_into_the_gap_are_a_change() -> None:
    data = sealed_form()
    contents = data[B:C]
    length = 2 * (4 + int(contents[5:9], 16))
    pushed = b"/Contents".join([b">>\nendobj\n4 0 obj\n<</Length 9>>stream\n0 0 9 9 re\nendstream\nendobj\n91 0 obj\n<<", b" "])
    forged = data[:B] + (contents[: 1 + length] + b">" + pushed).ljust(C - B) + data[C:]
    report = verify(forged)
    assert failures(report) == {"PDF_BYTERANGE_BAD"}  # every signed byte is as it was
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


def test_white_space_in_the_gap_is_bad_but_no_proof_of_a_change() -> None:
    data = sealed_form()
    contents = data[B:C]
    length = 2 * (4 + int(contents[5:9], 16))
    report = verify(data[:B] + (contents[: 1 + length] + b">").ljust(C - B) + data[C:])
    assert failures(report) == {"PDF_BYTERANGE_BAD"}
    assert (report.verdict, report.tampered) == (Verdict.INVALID, None)
