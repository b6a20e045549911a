"""Files inside sealed documents: what the seal protects is read, what was put there later or says two things is refused."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service import attached_files
from seal_service.attached_files import AttachedFiles
from seal_service.pdf import attachments
from seal_service.pdf.attachments import read_attachments
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.verify import examine_pdf
from seal_service.verify import JudgedFile, judge_file, sealer_of
from service_kit.archival_pdf.layers import prepare_layer
from service_kit.archival_pdf.write import Description, EmbeddedFile, PdfPage, write_pdf
from standards.errors import TrustError
from standards.gbt33190_ofd.write_values import rectangle
from standards.rfc5280_names import write_name
from tests.pki import CREDIT_CODE, craft
from tests.seal_service.ofd import documents as ofd
from tests.seal_service.ofd import sealing as ofd_sealing
from tests.seal_service.pdf import sealing as pdf_sealing
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.tampering import append, changed, top
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import part, plain_files

FILES = {"licence.json": b'{"data":1}', "licence.leaf": b"leaf", "数据.txt": b"text"}
AT = pdf_sealing.AT
PDF_ATTACHED = "ISO 19005-3 6.8"
OFD_ATTACHED = "GB/T 33190-2016 20.1"


def archival(files: dict[str, bytes]) -> bytes:
    layer = prepare_layer([rectangle(10, 10, 20, 20)], 210, 297, {})
    embedded = [EmbeddedFile(name, content, "application/json") for name, content in files.items()]
    return write_pdf([PdfPage(210, 297, [layer])], Description("a", "b", datetime(2026, 1, 1, tzinfo=UTC)), embedded)


@cache
def sealed_pdf() -> bytes:
    return pdf_sealing.sealed(archival(FILES))


def judge_pdf(data: bytes) -> JudgedFile:
    return judge_file(data, pdf_sealing.pki().trust_list(), AT)


def judge_ofd(files: dict[str, bytes] | bytes) -> JudgedFile:
    return judge_file(files if isinstance(files, bytes) else pack(files), ofd.pki().trust_list(), ofd.AT)


def refusal(judged: JudgedFile) -> object:
    """Why the files were refused; the report must say so and be invalid."""
    assert judged.sealed_files is None
    assert judged.report.verdict is Verdict.INVALID
    (step,) = [step for step in judged.report.steps if step.code == "SEALED_FILES_REFUSED"]
    return step.facts["reason"]


def object_with(data: bytes, text: bytes) -> int:
    """The number of the object that has this text."""
    start = data.rindex(b"endobj", 0, data.index(text)) + 7
    return int(data[start : data.index(b" ", start)])


@pytest.mark.clause(PDF_ATTACHED)
def test_the_files_of_a_sealed_pdf_with_whose_seal_it_is() -> None:
    judged = judge_pdf(sealed_pdf())
    assert judged.report.verdict is Verdict.VALID
    assert judged.sealed_files == FILES
    assert judged.seal == judged.report.signatures[0]
    assert (judged.sealer_name, judged.sealer_code) == ("印信示范单位", CREDIT_CODE)


def test_a_second_seal_changes_nothing_about_them() -> None:
    judged = judge_pdf(pdf_sealing.sealed(sealed_pdf(), placement=None, picture=None))
    assert judged.report.verdict is Verdict.VALID
    assert judged.sealed_files == FILES
    assert judged.seal is not None
    assert judged.seal.name == "Seal1"


def test_without_trust_the_files_are_read_and_the_verdict_says_so() -> None:
    judged = judge_file(sealed_pdf(), TrustList.empty(), AT)
    assert judged.report.verdict is not Verdict.VALID
    assert judged.sealed_files == FILES
    assert judged.seal is not None
    assert not judged.seal.trusted


def test_no_files_are_read_under_a_value_that_nobody_made() -> None:
    """The digest in the value is that of the file, but one bit of the signature over it is another: the seal shows nothing."""
    data = bytearray(sealed_pdf())
    field = next(iter(PdfDocument.open(sealed_pdf()).signature_fields()))
    value = bytes((field.value_dict or {})["Contents"])  # type: ignore[call-overload]
    last = len(value.rstrip(b"\x00")) - 1
    at = data.index(value[:40].hex().encode()) + 2 * last
    data[at : at + 2] = b"%02x" % (value[last] ^ 1)
    judged = judge_pdf(bytes(data))
    assert judged.report.verdict is Verdict.INVALID
    assert [(each.cryptographically_valid, each.document_intact) for each in judged.report.signatures] == [(False, None)]
    assert (judged.sealed_files, judged.seal, judged.sealer_name, judged.sealer_code) == (None, None, None, None)


def test_documents_without_a_seal_or_of_another_kind() -> None:
    assert judge_pdf(archival(FILES)).sealed_files is None
    assert judge_pdf(b"text").sealed_files is None
    assert judge_pdf(pdf_sealing.sealed(archival({}))).sealed_files == {}
    assert judge_ofd(pack(plain_files(signatures=None))).sealed_files is None
    assert judge_pdf(sealed_pdf()[:-200]).sealed_files is None


def test_a_file_that_was_replaced_in_a_later_revision() -> None:
    data = sealed_pdf()
    number = object_with(data, b"/Type/EmbeddedFile")
    packed = zlib.compress(b'{"data":2}')
    body = b"<</Type/EmbeddedFile/Filter/FlateDecode/Params<</Size 10>>/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    judged = judge_pdf(append(data, {number: body}))
    assert judged.report.tampered
    assert judged.sealed_files is None


def test_a_file_that_was_added_in_a_later_revision() -> None:
    data = sealed_pdf()
    free = top(data)
    objects = changed(data, 1, (b"/EmbeddedFiles <</Names [", b"/EmbeddedFiles <</Names [(a)%d 0 R " % free))
    objects[free] = b"<</Type/Filespec/F(a)/UF(a)/EF<</F %d 0 R>>>>" % (free + 1)
    objects[free + 1] = b"<</Type/EmbeddedFile/Length 1>>stream\nx\nendstream"
    judged = judge_pdf(append(data, objects))
    assert judged.report.verdict is Verdict.INVALID
    assert judged.sealed_files is None
    assert read_attachments(PdfDocument.open(append(data, objects))) == {"a": b"x"} | FILES


def test_a_seal_of_somebody_else_put_on_top_does_not_speak_for_the_files() -> None:
    data = sealed_pdf()
    number = object_with(data, b"/Type/EmbeddedFile")
    body = b"<</Type/EmbeddedFile/Length 1>>stream\nx\nendstream"
    judged = judge_pdf(pdf_sealing.sealed(append(data, {number: body}), placement=None, picture=None))
    assert judged.report.verdict is Verdict.INVALID
    assert judged.sealed_files is None or judged.seal != judged.report.signatures[0]


SPECIFICATION = b"<</Type/Filespec/F(a)/UF(a)/EF<</F 6 0 R/UF 6 0 R>>>>"
STREAM = b"<</Type/EmbeddedFile/Length 1>>stream\nx\nendstream"
TREE = b"/Names<</EmbeddedFiles<</Names[(a) 5 0 R]>>>>"


def hand_made(specification: bytes = SPECIFICATION, stream: bytes = STREAM, root: bytes = TREE, **more: bytes) -> bytes:
    objects = page_objects(root=root) | {5: specification, 6: stream}
    return build(objects | {int(number.lstrip("_")): body for number, body in more.items()})


def test_the_plain_form_is_read() -> None:
    assert read_attachments(PdfDocument.open(hand_made())) == {"a": b"x"}
    kids = b"/Names<</EmbeddedFiles<</Kids[7 0 R 8 0 R]>>>>/AF[5 0 R 9 0 R]"
    data = hand_made(
        root=kids,
        _7=b"<</Names[(a)5 0 R]>>",
        _8=b"<</Names[]>>",
        _9=SPECIFICATION.replace(b"(a)", b"(b)"),
    )
    assert read_attachments(PdfDocument.open(data)) == {"a": b"x", "b": b"x"}


@pytest.mark.clause("ISO 32000-1 7.11.4", "ISO 32000-1 7.9.6")
@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"specification": SPECIFICATION.replace(b"/UF(a)", b"/UF(b)")}, "structure"),
        ({"specification": SPECIFICATION.replace(b"(a)", b"(b)")}, "name"),
        ({"specification": SPECIFICATION.replace(b"/UF 6 0 R", b"/UF 4 0 R")}, "structure"),
        ({"specification": SPECIFICATION.replace(b"/UF 6 0 R", b"/DOS 6 0 R")}, "structure"),
        ({"specification": SPECIFICATION.replace(b"/EF", b"/FS/URL/EF")}, "structure"),
        ({"specification": SPECIFICATION.replace(b"/EF<<", b"/EF<</F 4 0 R")}, "structure"),
        ({"specification": b"<</F(a)/EF 6 0 R>>"}, "structure"),
        ({"specification": b"<</F 7/EF<</F 6 0 R>>>>"}, "structure"),
        ({"specification": b"<</F(a)/EF<</F(x)>>>>"}, "structure"),
        ({"specification": b"(a)"}, "structure"),
        ({"stream": b"<</Type/EmbeddedFile>>"}, "structure"),
        ({"stream": STREAM.replace(b"/Length", b"/F(x)/Length")}, "structure"),
        ({"stream": STREAM.replace(b"/Length", b"/Params<</Size 2>>/Length")}, "size"),
        ({"root": TREE + b"/AF 5"}, "structure"),
        ({"root": TREE + b"/AF[7 0 R]", "_7": SPECIFICATION}, "duplicate"),
        ({"root": TREE + b"/AF[7 0 R]", "_7": SPECIFICATION.replace(b"(a)", b"(A)")}, "duplicate"),
        ({"root": b"/Names<</EmbeddedFiles<</Names[(a) 5 0 R(a) 5 0 R]>>>>"}, "duplicate"),
        ({"root": b"/Names<</EmbeddedFiles<</Names[(a)]>>>>"}, "structure"),
        ({"root": b"/Names<</EmbeddedFiles<</Names[(a) 5 0 R]/Kids[]>>>>"}, "structure"),
        ({"root": b"/Names<</EmbeddedFiles 7>>"}, "structure"),
        ({"root": b"/Names<</EmbeddedFiles 7 0 R>>", "_7": b"<</Kids[7 0 R]>>"}, "tree"),
        ({"root": b"/Names<</EmbeddedFiles 7 0 R>>", "_7": b"<</Kids[" + b"<</Names[]>>" * 300 + b"]>>"}, "tree"),
    ],
)
def test_trees_and_specifications_that_say_two_things(made: dict[str, Any], reason: str) -> None:
    with pytest.raises(TrustError, match="SEALED_FILES_REFUSED") as caught:
        read_attachments(PdfDocument.open(hand_made(**made)))
    assert caught.value.facts["reason"] == reason


@pytest.mark.parametrize("name", ["", "../a", "a/b", "a\\b", "a\u202eb", "a\x07", "a ", "..", "a\u0301", "x" * 129, "C:a", "\u200ba"])
def test_hostile_names(name: str) -> None:
    with pytest.raises(TrustError, match="SEALED_FILES_REFUSED") as caught:
        AttachedFiles().add(name, b"")
    assert caught.value.facts["reason"] == "name"


def test_too_many_and_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached_files, "MAX_FILES", 2)
    monkeypatch.setattr(attached_files, "MAX_TOTAL_BYTES", 100)
    found = AttachedFiles()
    found.add("a", bytes(60))
    with pytest.raises(TrustError) as caught:
        found.add("b", bytes(60))
    assert caught.value.facts["reason"] == "too-large"
    found.add("b", b"")
    with pytest.raises(TrustError) as caught:
        found.add("c", b"")
    assert caught.value.facts["reason"] == "too-many"


def test_a_refusal_is_said_by_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    for made, reason in (
        (hand_made(specification=SPECIFICATION.replace(b"/UF(a)", b"/UF(b)")), "structure"),
        (hand_made(stream=STREAM.replace(b"/Length", b"/Filter/None/Length")), "PDF_FILTER_UNKNOWN"),
    ):
        assert refusal(judge_pdf(pdf_sealing.sealed(made))) == reason
    monkeypatch.setattr(attachments, "_read_or_none", lambda _document: None)
    assert refusal(judge_pdf(pdf_sealing.sealed(sealed_pdf(), placement=None, picture=None))) == "changed"


def test_trouble_that_nobody_foresaw_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RecursionError

    monkeypatch.setattr(attachments, "sealed_files", fail)
    assert refusal(judge_pdf(sealed_pdf())) == "RecursionError"


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=0), st.binary(min_size=1, max_size=12), st.booleans())
def test_whatever_is_written_over_a_document_it_never_raises_nor_gives_other_files(at: int, scrawl: bytes, is_pdf: bool) -> None:
    original = sealed_pdf() if is_pdf else small_ofd()
    at %= len(original) - len(scrawl)
    data = original[:at] + scrawl + original[at + len(scrawl) :]
    judged = judge_pdf(data) if is_pdf else judge_ofd(data)
    assert judged.sealed_files in (None, FILES if is_pdf else {"a": b"{}"}) or judged.report.verdict is not Verdict.VALID


def test_a_later_revision_whose_files_cannot_be_read() -> None:
    data = sealed_pdf()
    broken = append(data, changed(data, 1, (b"/EmbeddedFiles <<", b"/EmbeddedFiles <</Kids 7")))
    assert attachments._read_or_none(PdfDocument.open(broken)) is None


def test_candidates_that_lead_nowhere() -> None:
    report = judge_pdf(sealed_pdf()).report.signatures[0]
    other = examine_pdf(pdf_sealing.sealed(archival({}), field_name="Other"), TrustList.empty(), AT)
    assert other.document is not None
    assert [field.name for field, _ in other.coverages] == ["Other"]
    assert attachments.sealed_files(other.document, other.coverages, [report]) is None
    unfinished = sealed_pdf().replace(b"%%EOF", b"%%EOX")
    with pytest.raises(TrustError, match="SEALED_FILES_REFUSED"):
        attachments.sealed_files(PdfDocument.open(unfinished[: unfinished.rindex(b"startxref")]), other.coverages, [report])


# -- OFD ---------------------------------------------------------------------------------------------------------------------------------


@cache
def small_ofd() -> bytes:
    return ofd_sealing.seal(pack(with_attachments(row("a", "a.json"), {"a.json": b"{}"}, signatures=None)))


def with_attachments(rows: str, files: dict[str, bytes] | None = None, **options: Any) -> dict[str, bytes]:
    listed = {"Doc_0/Attachs/Attachments.xml": part("Attachments", rows)}
    return plain_files(**options) | listed | {f"Doc_0/Attachs/{name}": data for name, data in (files or {}).items()}


def row(name: str, location: str, number: int = 60) -> str:
    return f'<o:Attachment ID="{number}" Name="{name}"><o:FileLoc>{location}</o:FileLoc></o:Attachment>'


def sealed_ofd(rows: str, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    return ofd_sealing.files_of(ofd_sealing.seal(pack(with_attachments(rows, files, signatures=None))))


@pytest.mark.clause(OFD_ATTACHED)
def test_the_files_of_a_sealed_ofd() -> None:
    files = sealed_ofd(
        row("licence.json", "a.json", 60) + row("licence.leaf", "/Doc_0/Attachs/b.bin", 61), {"a.json": b"{}", "b.bin": b"leaf"}
    )
    judged = judge_ofd(files)
    assert judged.sealed_files == {"licence.json": b"{}", "licence.leaf": b"leaf"}
    assert (judged.sealer_name, judged.sealer_code) == ("印信示范单位", CREDIT_CODE)
    assert judged.seal is not None
    assert judged.seal.verdict is Verdict.VALID
    twice = judge_ofd(ofd_sealing.seal(pack(files)))
    assert twice.sealed_files == judged.sealed_files
    assert judge_ofd(
        ofd_sealing.sign_without_seal(pack(with_attachments(row("a", "a.json"), {"a.json": b"{}"}, signatures=None)))
    ).sealed_files == {"a": b"{}"}


def test_an_ofd_without_attachments() -> None:
    files = plain_files(signatures=None)
    document = files["Doc_0/Document.xml"].replace(b"<o:Attachments>Attachs/Attachments.xml</o:Attachments>", b"")
    assert judge_ofd(ofd_sealing.seal(pack(files | {"Doc_0/Document.xml": document}))).sealed_files == {}


def test_a_file_changed_after_sealing() -> None:
    files = sealed_ofd(row("a", "a.json"), {"a.json": b"{}"})
    judged = judge_ofd(files | {"Doc_0/Attachs/a.json": b"{ }"})
    assert judged.report.verdict is Verdict.INVALID
    assert judged.sealed_files is None


@pytest.mark.parametrize(
    ("rows", "files", "reason"),
    [
        (row("a", "a.json") + row("A", "a.json", 61), {"a.json": b"{}"}, "duplicate"),
        (row("", "a.json"), {"a.json": b"{}"}, "name"),
        (row("../a", "a.json"), {"a.json": b"{}"}, "name"),
        (row("a", "none.json"), {}, "location"),
        (row("a", "A.JSON"), {"a.json": b"{}"}, "location"),
        (row("a", "/OFD.xml/../x"), {}, "location"),
        ('<o:Attachment ID="60" Name="a"/>', {}, "location"),
        (
            '<o:Attachment ID="60" Name="a"><o:FileLoc>a.json</o:FileLoc><o:FileLoc>b.json</o:FileLoc></o:Attachment>',
            {"a.json": b"", "b.json": b""},
            "location",
        ),
    ],
)
def test_lists_that_say_two_things(rows: str, files: dict[str, bytes], reason: str) -> None:
    made = ofd.sign(with_attachments(rows, files), ofd.Signing())
    judged = judge_ofd(made)
    assert refusal(judged) == reason


@pytest.mark.parametrize("left_out", ["Doc_0/Attachs/a.json", "Doc_0/Attachs/Attachments.xml", "OFD.xml", "Doc_0/Document.xml"])
def test_what_the_seal_does_not_cover(left_out: str) -> None:
    files = plain_files() | {"Doc_0/Attachs/Attachments.xml": part("Attachments", row("a", "a.json")), "Doc_0/Attachs/a.json": b"{}"}
    judged = judge_ofd(ofd.sign(files, ofd.Signing(leave_out=(left_out,))))
    assert refusal(judged) == "unprotected"


def test_two_lists_of_attachments() -> None:
    files = plain_files() | {"Doc_0/Attachs/B.xml": part("Attachments", row("a", "a.json"))}
    document = files["Doc_0/Document.xml"].replace(b"<o:Attachments>", b"<o:Attachments>Attachs/B.xml</o:Attachments><o:Attachments>", 1)
    judged = judge_ofd(ofd.sign(files | {"Doc_0/Document.xml": document}, ofd.Signing()))
    assert refusal(judged) == "structure"


# -- whose seal --------------------------------------------------------------------------------------------------------------------------


def test_whose_seal_a_certificate_names() -> None:
    demo = pdf_sealing.pki()
    assert sealer_of(None) == (None, None)
    assert sealer_of(demo.seal.der) == ("印信示范单位", CREDIT_CODE)
    assert sealer_of(demo.maker.der) == ("Yinxin test", None)
    for subject, expected in (
        ((("C", "CN"), ("CN", "某某局")), ("某某局", None)),
        ((("C", "CN"), ("CN", CREDIT_CODE + "某某局")), ("某某局", CREDIT_CODE)),
        ((("C", "CN"), ("O", CREDIT_CODE)), (None, CREDIT_CODE)),
        ((("C", "CN"),), (None, None)),
    ):
        named = craft(write_name(subject), demo.maker_signer, write_name(subject), demo.seal_signer.public_spki_der, at=AT)
        assert sealer_of(named.der) == expected
