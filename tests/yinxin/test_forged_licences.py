"""Attacks on whole licence files by those who have a seal of their own, for both verifiers: what the issuer sealed is never taken for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.report import Outcome
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.syntax import Ref
from tests.seal_service.pdf.tampering import append, body_of
from tests.yinxin.sealed_licences import AT, OFFICE, STRANGER, drawn_pdf, offline_verdicts, seal_as_pdf, trust
from yinxin.file_verdicts import verify_any_file

if TYPE_CHECKING:
    import pytest

    from crypto.trust_list import TrustList


def verdicts(documents: list[bytes], known: TrustList) -> list[tuple[str, list[str]]]:
    """What both verifiers say alike."""
    found = []
    for document in documents:
        report = verify_any_file(document, known, AT)
        steps = [*report.steps, *(step for each in report.questions for step in each.steps)]
        found.append((report.verdict.value, [step.code for step in steps if step.outcome is not Outcome.PASS]))
    assert offline_verdicts(documents, known) == found
    return found


def said(found: tuple[str, list[str]]) -> tuple[str, set[str]]:
    return found[0], set(found[1]) - {"PDF_EMBEDDED_FILES"}


def with_two_fields(document: bytes, name: bytes) -> bytes:
    """Two empty signature fields of one name, prepared before anybody seals."""
    read = PdfDocument.open(document)
    root, page, first = read.trailer["Root"], read.pages()[0][0], read.size
    assert isinstance(root, Ref)
    field = b"<</FT/Sig/T(%s)/Type/Annot/Subtype/Widget/Rect[0 0 0 0]/P %d 0 R/F 132>>" % (name, page.number)
    both = b"[%d 0 R %d 0 R]" % (first, first + 1)
    objects = {
        first: field,
        first + 1: field,
        root.number: body_of(document, root.number).rstrip()[:-2] + b"/AcroForm<</Fields%s/SigFlags 3>>>>" % both,
        page.number: body_of(document, page.number).rstrip()[:-2] + b"/Annots%s>>" % both,
    }
    return append(document, objects)


def test_attack_a_revoked_licence_is_no_other_document_for_a_second_field_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two seals of one name nobody could say which was meant: the licence's own questions were not asked at all."""
    sealed = seal_as_pdf(with_two_fields(drawn_pdf(), b"A"), OFFICE, field_name="A")
    with monkeypatch.context() as patched:  # our own writer refuses the name, others take the field that is left
        fields = PdfDocument.signature_fields
        patched.setattr(PdfDocument, "signature_fields", lambda self: [each for each in fields(self) if each.value_dict is None])
        twice = seal_as_pdf(sealed, STRANGER, field_name="A")
    revoked = trust(1)
    assert [said(each) for each in verdicts([sealed, twice], revoked)] == [
        ("invalid", {"STATUS_INVALID"}),
        ("invalid", {"SEALED_FILES_REFUSED"}),
    ]
