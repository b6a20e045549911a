"""Attacks on whole licence files by those who have a seal of their own, for both verifiers: what the issuer sealed is never taken for something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.report import Outcome, Verdict
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from seal_service.pdf.sealing_value import Profile
from seal_service.pdf.syntax import Ref
from seal_service.places import Place
from tests.seal_service.pdf.sealing import picture
from tests.seal_service.pdf.tampering import append, body_of
from tests.yinxin.sealed_licences import (
    AT,
    OFFICE,
    SIGNED_AT,
    STRANGER,
    drawn_ofd,
    drawn_pdf,
    offline_verdicts,
    seal_as_ofd,
    seal_as_pdf,
    seal_data,
    trust,
)
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


def test_attack_a_stranger_shows_another_name_over_the_one_that_was_sealed() -> None:
    """A later signature shows what its signer likes: a patch with another name. He answers for it, the issuer does not."""
    pdf, ofd = seal_as_pdf(drawn_pdf(), OFFICE, placement=Placement(1, 60, 40), picture=picture()), seal_as_ofd(drawn_ofd(), OFFICE)
    over_pdf, over_ofd = {"placement": Placement(1, 90, 205), "picture": picture()}, {"places": (Place(1, 90, 90),)}
    documents = [
        pdf,
        ofd,
        seal_as_pdf(pdf, STRANGER, **over_pdf),
        seal_as_ofd(ofd, STRANGER, **over_ofd),
        seal_as_pdf(pdf, OFFICE, **over_pdf),
        seal_as_ofd(ofd, OFFICE, **over_ofd),
        seal_as_pdf(pdf, STRANGER),
        seal_as_ofd(ofd, STRANGER),
    ]
    good, beside = (Verdict.VALID.value, set[str]()), (Verdict.INDETERMINATE.value, {"LICENCE_SHOWN_BESIDE"})
    assert [said(each) for each in verdicts(documents, trust())] == [good, good, beside, beside, good, good, good, good]


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


def test_attack_a_trailer_between_two_others_names_a_key_or_another_catalog() -> None:
    """Some readers take from it what the newest lacks."""
    sealed = seal_as_pdf(drawn_pdf(), OFFICE)
    top = PdfDocument.open(sealed).size
    between = [
        append(sealed, {}),
        append(sealed, {}, trailer=b"/Encrypt<</Filter/Standard/V 1/R 2/O(o)/U(u)/P -4>>"),
        append(sealed, {top: body_of(sealed, 1)}, root=b"%d 0 R" % top),
    ]
    found = [verdict for verdict, _ in verdicts([append(each, {}, root=b"1 0 R") for each in between], trust())]
    assert found == ["valid", "invalid", "invalid"]


def test_attack_an_old_time_claimed_in_a_seal_under_a_root_that_was_given_up() -> None:
    """For seals of GB/T 38540, in OFD and in PDF, as for any other signature: who has the key of the root dates back what he likes."""
    known = trust()
    (anchor,) = known.anchors
    ended = replace(known, anchors=(replace(anchor, trusted_until=SIGNED_AT + timedelta(minutes=1)),))
    documents = [
        seal_as_ofd(drawn_ofd(), OFFICE, timestamp=None),
        seal_as_pdf(drawn_pdf(), OFFICE, timestamp=None, profile=Profile.SES, seal_data_der=seal_data(OFFICE)),
        seal_as_pdf(drawn_pdf(), OFFICE, timestamp=None),
        seal_as_ofd(drawn_ofd(), OFFICE),
    ]
    assert [verdict for verdict, _ in verdicts(documents, known)] == ["valid"] * 4
    assert [verdict for verdict, _ in verdicts(documents, ended)] == ["indeterminate"] * 3 + ["valid"]
