"""What may follow a signature without harm, from our own writer and from pyHanko: never called tampered, valid where all is known."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pikepdf
import pytest
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from crypto.report import Verdict
from seal_service.pdf.limits import PdfLimits
from seal_service.pdf.verify import verify_pdf
from tests.seal_service.pdf.documents import DOCUMENTS, build, entries_of, page_objects
from tests.seal_service.pdf.pyhanko_signing import add_timestamp, judge, original, prepare, sign, sign_with
from tests.seal_service.pdf.sealing import AT, pki, sealed
from tests.seal_service.pdf.tampering import (
    ABOVE,
    RIGHT,
    append,
    body_of,
    changed,
    failures,
    field_number,
    sealed_form,
    signature_number,
    top,
    undecided,
    verify,
    warnings,
)

if TYPE_CHECKING:
    from crypto.report import Report

pytestmark = pytest.mark.filterwarnings("ignore")  # pyHanko's own deprecations


def kinds(report: Report, name: str) -> str:
    return next(
        str(step.facts["kinds"])
        for each in report.signatures
        if each.name == name
        for step in each.steps
        if step.code == "PDF_LATER_CHANGES_ALLOWED"
    )


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_one_seal_two_seals_three_seals(kind: str) -> None:
    data = sealed(DOCUMENTS[kind], field_name="A")
    assert (verify(data).verdict, verify(data).tampered) == (Verdict.VALID, False)
    data = sealed(sealed(data, placement=RIGHT, field_name="B"), placement=ABOVE, field_name="C")
    report = verify(data)
    assert {each.name: each.verdict for each in report.signatures} == dict.fromkeys("ABC", Verdict.VALID)
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert "signature" in kinds(report, "A")


N = top(sealed_form())
ALLOWED = {
    "nothing": {},
    "object nobody uses": {N: b"<</Type/Whatever>>"},
    "contents written again": {4: body_of(sealed_form(), 4)},
    "page written again": {3: body_of(sealed_form(), 3)},
    "validation data": {**changed(sealed_form(), 1, (b"<<", b"<</DSS %d 0 R" % N)), N: b"<</Type/DSS/Certs[%d 0 R]>>" % (N + 1), N + 1: b"<</Length 2>>stream\n00\nendstream"},
    "validation data in place": changed(sealed_form(), 1, (b"<<", b"<</DSS<</Type/DSS/VRI<<>>>>")),
    "extensions": changed(sealed_form(), 1, (b"<<", b"<</Extensions<</ESIC<</BaseVersion/1.7/ExtensionLevel 5>>>>")),
    "version": changed(sealed_form(), 1, (b"<<", b"<</Version/2.0")),
    "metadata in place": {6: b"<</Type/Metadata/Subtype/XML/Length 3>>stream\n<a>\nendstream"},
    "metadata elsewhere": {**changed(sealed_form(), 1, (b"/Metadata 6 0 R", b"/Metadata %d 0 R" % N)), N: b"<</Type/Metadata/Subtype/XML/Length 3>>stream\n<a>\nendstream"},
    "document information": {17: b"<</Producer(other)/Title(x)>>"},
    "flags of the form": changed(sealed_form(), 5, (b"/SigFlags 3", b"/SigFlags 7")),
    "font for new fields": {**changed(sealed_form(), 5, (b"/Helv 15 0 R", b"/Helv 15 0 R/New %d 0 R" % N)), N: b"<</Type/Font/Subtype/Type1/BaseFont/Courier>>"},
    "default appearance": changed(sealed_form(), 5, (b"<<", b"<</Q 1")),
    "appearances need nothing": changed(sealed_form(), 5, (b"<<", b"<</NeedAppearances false")),
    "tab order": changed(sealed_form(), 3, (b"<<", b"<</Tabs/S/LastModified(D:2026)")),
    "field flags": changed(sealed_form(), field_number(sealed_form()), (b"<<", b"<</Ff 1")),
    "reference to nothing as null": changed(sealed_form(), 3, (b"/Gone 90 0 R", b"/Gone null")),
    "reference to nothing left out": changed(sealed_form(), 3, (b"/Gone 90 0 R", b"")),
    "page entry as reference": {**changed(sealed_form(), 3, (b"/MediaBox [0 0 595 842]", b"/MediaBox %d 0 R" % N)), N: b"[0 0 595 842]"},
    "copy of the page tree": {**changed(sealed_form(), 1, (b"/Pages 2 0 R", b"/Pages 2 0 R")), 2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>"},
    "new empty field": {
        **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [%d 0 R " % N)),
        **changed(sealed_form(), 3, (b"/Annots [", b"/Annots [%d 0 R " % N)),
        N: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Later)/F 4/P 3 0 R/Rect[50 100 90 140]/AP<</N %d 0 R>>>>" % (N + 1),
        N + 1: b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 11>>stream\n% DSBlank\n\nendstream",
    },
    "new field below a new parent": {
        **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [%d 0 R " % N)),
        N: b"<</T(group)/Kids[%d 0 R]>>" % (N + 1),
        N + 1: b"<</FT/Sig/T(Later)/Parent %d 0 R/Kids[%d 0 R]>>" % (N, N + 2),
        N + 2: b"<</Type/Annot/Subtype/Widget/Parent %d 0 R/Rect[0 0 0 0]>>" % (N + 1),
    },
}  # fmt: skip


@pytest.mark.clause("ISO 32000-1 7.5.6")
@pytest.mark.parametrize("kind", ["table", "stream"])
@pytest.mark.parametrize("name", ALLOWED)
def test_an_allowed_addition_leaves_the_seal_valid(name: str, kind: str) -> None:
    report = verify(append(sealed_form(), ALLOWED[name], kind=kind))
    assert failures(report) == set()
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert "PDF_LATER_REVISION" in warnings(report)


@pytest.mark.parametrize("startxref", [b"0", b"99999999"])
def test_an_honest_revision_with_damaged_cross_references_is_no_change(startxref: bytes) -> None:
    data = append(sealed_form(), ALLOWED["new empty field"])
    at = data.rindex(b"startxref")
    report = verify(data[:at] + b"startxref\n" + startxref + b"\n%%EOF\n")
    assert failures(report) == set()
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)


def test_a_prepared_field_may_be_signed_later() -> None:
    data = sign(prepare(original(), fields.SigFieldSpec("A", box=(10, 10, 90, 60)), fields.SigFieldSpec("B", box=(100, 10, 190, 60))), "A")
    report = judge(sign(data, "B", by="bob"))
    assert {each.name: each.verdict for each in report.signatures} == {"A": Verdict.VALID, "B": Verdict.VALID}
    assert report.tampered is False


def test_a_field_and_its_widget_may_be_two_objects() -> None:
    """pyHanko writes such widgets without /Parent."""
    spec = fields.SigFieldSpec("B", box=(100, 10, 190, 60), combine_annotation=False)
    data = prepare(sign(original(), "A"), spec)
    assert judge(data).verdict is Verdict.VALID
    assert judge(sign(data, "B", by="bob")).verdict is Verdict.VALID


def test_long_term_validation_is_allowed() -> None:
    data = add_timestamp(sign(original(), stamp=True))
    report = judge(add_timestamp(data))
    assert [each.kind for each in report.signatures] == ["pdf-cms", "pdf-timestamp", "pdf-timestamp"]
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert "time-stamp" in kinds(report, "Sig1")


def test_our_seal_and_a_foreign_signature_live_together() -> None:
    data = sign(sealed_form(), "Theirs", by="bob")
    report = verify(data)
    assert {each.name: each.verdict for each in report.signatures} == {"First": Verdict.VALID, "Theirs": Verdict.INDETERMINATE}
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, False)


def test_a_hybrid_update_of_a_hybrid_file() -> None:
    data = sealed(build(page_objects(), kind="hybrid"))
    report = verify(append(data, {}, kind="table"))
    assert report.verdict is Verdict.VALID


def test_a_revision_that_does_not_continue_the_chain_is_undecided() -> None:
    from seal_service.pdf.document import PdfDocument

    data = sealed_form()
    document = PdfDocument.open(data)
    entries = {number: entry.at for number, entry in entries_of(document).items() if entry.kind == 1}
    moved = append(data, {}, previous=-1, entries=entries)
    report = verify(moved)
    assert undecided(report) == {"PDF_REVISION_CHAIN"}
    assert report.verdict is Verdict.INDETERMINATE
    report = verify(
        append(data, {4: b"<</Length 1>>stream\n \nendstream"}, previous=-1, entries={k: v for k, v in entries.items() if k != 4})
    )
    assert "PDF_PAGE_CHANGED" in failures(report)


def test_the_structure_tree_is_left_open() -> None:
    objects = page_objects(root=b"/StructTreeRoot 5 0 R") | {5: b"<</Type/StructTreeRoot/K 6 0 R>>", 6: b"<</Type/StructElem/S/P/P 5 0 R>>"}
    data = sealed(build(objects))
    assert verify(data).verdict is Verdict.VALID
    report = verify(append(data, {6: b"<</Type/StructElem/S/H1/P 5 0 R/ActualText(900)>>"}))
    assert undecided(report) == {"PDF_STRUCTURE_CHANGED"}
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    report = verify(append(data, changed(data, 1, (b"/StructTreeRoot 5 0 R", b"/StructTreeRoot 6 0 R"))))
    assert "PDF_STRUCTURE_CHANGED" in undecided(report)


@pytest.mark.parametrize("after", [b"(Pay 900)", b"null"])
def test_what_an_element_of_the_structure_says_elsewhere_is_left_open(after: bytes) -> None:
    tree = {5: b"<</Type/StructTreeRoot/K 6 0 R>>", 6: b"<</Type/StructElem/S/P/P 5 0 R/Pg 3 0 R/ActualText 7 0 R/Alt 90 0 R>>"}
    data = sealed(build(page_objects(root=b"/StructTreeRoot 5 0 R") | tree | {7: b"(Pay 100)"}))
    assert verify(append(data, {top(data): b"(Pay 900)"})).verdict is Verdict.VALID
    for number in (7, 90):  # a text that was there, and one for which a place was kept
        report = verify(append(data, {number: after}))
        same = (number, after) == (90, b"null")
        assert undecided(report) == (set() if same else {"PDF_STRUCTURE_CHANGED"})
        assert report.verdict is (Verdict.VALID if same else Verdict.INDETERMINATE)


def test_active_content_is_named() -> None:
    root = b"/OpenAction<</S/JavaScript/JS(x)/Next[<</S/Launch/F(x)>>]>>/Names<</JavaScript<<>>/EmbeddedFiles<<>>>>/AcroForm<</XFA(x)>>/AA<</WC<</S/URI>>>>"
    report = verify(build(page_objects(root=root)))
    assert {"PDF_ACTIVE_CONTENT", "PDF_EMBEDDED_FILES", "PDF_XFA"} <= warnings(report)
    actions = {step.facts["action"] for step in report.steps if step.code == "PDF_ACTIVE_CONTENT"}
    assert actions >= {"JavaScript"}
    assert "PDF_ACTIVE_CONTENT_UNREADABLE" in warnings(verify(build(page_objects(root=b"/OpenAction 7 0 R") | {7: b"<<"})))


@pytest.mark.parametrize("steps", [["A"], ["A", "B"], ["A", "T"], ["A", "B", "T", "C"], ["A", "info", "B"]])
def test_pyhanko_says_the_same_of_honest_files(steps: list[str]) -> None:
    """An independent implementation finds the same files intact, and the same changes allowed."""
    data = original()
    for index, step in enumerate(steps):
        if step == "T":
            data = add_timestamp(data)
        elif step == "info":
            writer = IncrementalPdfFileWriter(io.BytesIO(data))
            writer.set_info(writer.add_object(DictionaryObject({NameObject("/Title"): pdf_string("x")})))
            out = io.BytesIO()
            writer.write(out)
            data = out.getvalue()
        else:
            data = sign(data, step, box=(10 + 100 * index, 10, 90 + 100 * index, 60))
    ours = {each.name: each for each in judge(data).signatures}
    for embedded in PdfFileReader(io.BytesIO(data)).embedded_regular_signatures:
        status = validate_pdf_signature(embedded, key_usage_settings=None)
        assert status.intact
        assert status.coverage in {SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION}
        assert status.modification_level is not ModificationLevel.OTHER
        assert ours[embedded.field_name].verdict is Verdict.VALID


def _encrypted_form() -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(build(page_objects(root=b"/Lang(en)") | {9: b"(nothing)"}))) as pdf:
        pdf.save(buffer, encryption=pikepdf.Encryption(owner="owner", user="", R=6))
    return buffer.getvalue()


def _sign_encrypted(data: bytes, field: str, key: str = "", text: str = "") -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    writer.encrypt("")
    if key:
        writer.root[NameObject(key)] = pdf_string(text)
    writer.update_root()  # writes the catalog again, its strings encrypted anew
    return sign_with(writer, field)


@pytest.mark.clause("ISO 32000-1 7.6")
def test_strings_encrypted_anew_are_no_change() -> None:
    once = _sign_encrypted(_encrypted_form(), "A")
    report = judge(_sign_encrypted(once, "B"))
    assert failures(report) == set()
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert undecided(report) == {"PDF_ENCRYPTED", "PDF_CHANGES_UNDECIDED"}
    report = judge(_sign_encrypted(once, "B", "/Other", "added"))
    assert failures(report) == {"PDF_CATALOG_CHANGED"}
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


def test_signatures_beyond_the_limit_are_not_called_removed() -> None:
    """They are too many to be examined, which leaves the verdict open. One that was taken out is still told."""
    data = sealed(build(page_objects()), placement=None, picture=None)
    for _ in range(3):
        data = sealed(data, placement=None, picture=None)
    limits = PdfLimits(signatures=2)
    report = verify_pdf(data, pki().trust_list(), AT, limits=limits)
    assert (report.verdict, report.tampered, undecided(report), failures(report)) == (
        Verdict.INDETERMINATE,
        False,
        {"PDF_TOO_MANY_SIGNATURES"},
        set(),
    )
    assert not any(step.code == "PDF_SIGNATURE_UNATTACHED" for step in report.steps)
    last = field_number(data, "Seal4")
    without = append(data, {last: body_of(data, last).replace(b"/V %d 0 R" % signature_number(data, "Seal4"), b"")})
    assert "PDF_SIGNATURE_REMOVED" in failures(verify_pdf(without, pki().trust_list(), AT, limits=limits))
