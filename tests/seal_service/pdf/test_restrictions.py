"""Certification and field locks as we write them: what they forbid is refused to us, and found by both verifiers where others do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crypto.report import Verdict
from seal_service.pdf.permissions import FieldLock, read_permissions
from seal_service.pdf.placement import Placement
from seal_service.pdf.verify import verify_pdf
from standards.errors import TrustError
from tests.seal_service.pdf.documents import build, page_objects, reportlab_document
from tests.seal_service.pdf.sealing import AT, pki, sealed, signatures

LATER = AT + timedelta(hours=1)
ALL = FieldLock("All", frozenset())


def prepared(lock: bytes = b"") -> bytes:
    """A page with two empty fields, Approval (with ``lock``) and Second."""
    head = b"<</Type/Annot/Subtype/Widget/FT/Sig/P 3 0 R/F 4/Rect"
    first = head + b"[300 300 420 420]/T(Approval)" + lock + b">>"
    second = head + b"[100 300 220 420]/T(Second)>>"
    return build(page_objects(b"/Annots[7 0 R 8 0 R]", b"/AcroForm<</Fields[7 0 R 8 0 R]>>") | {7: first, 8: second})


def _report(document: bytes) -> dict[str, Verdict]:
    return {each.name: each.verdict for each in verify_pdf(document, pki().trust_list(), LATER).signatures}


def _refused(original: bytes, **options: Any) -> str:
    with pytest.raises(TrustError) as refused:
        sealed(original, **options)
    return refused.value.code


@pytest.mark.clause("ISO 32000-1 12.8.2.2")
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_certification_is_written_as_it_is_read(level: int) -> None:
    document = sealed(prepared(), certify=level)
    assert _report(document) == {"Seal1": Verdict.VALID}
    (signature,) = signatures(document).values()
    reference = signature["/Reference"][0]
    assert (reference["/TransformMethod"], reference["/TransformParams"]["/P"]) == ("/DocMDP", level)


def test_level_1_closes_the_document_and_level_2_leaves_prepared_fields_open() -> None:
    assert _refused(sealed(prepared(), certify=1), field_name="Approval") == "PDF_CERTIFIED_LOCKED"
    open_one = sealed(prepared(), certify=2)
    assert _refused(open_one) == "PDF_CERTIFIED_NO_NEW_FIELD"
    both = sealed(sealed(open_one, field_name="Approval"), field_name="Second", picture=None)
    assert _report(both) == {"Seal1": Verdict.VALID, "Approval": Verdict.VALID, "Second": Verdict.VALID}


def test_a_certification_comes_first_and_once() -> None:
    assert _refused(sealed(reportlab_document()), certify=2) == "PDF_CERTIFICATION_LATE"
    assert _refused(sealed(reportlab_document(), certify=2, picture=None), certify=2, picture=None) == "PDF_CERTIFICATION_LATE"
    assert _refused(reportlab_document(), certify=4) == "PDF_CERTIFICATION_LEVEL_BAD"


def test_usage_rights_in_the_catalog_are_kept() -> None:
    original = build(page_objects(b"", b"/Perms<</Other 9 0 R>>") | {9: b"<</Type/Sig>>"})
    document = sealed(original, certify=2)
    assert b"/Other 9 0 R/DocMDP" in document.replace(b" /DocMDP", b"/DocMDP")
    assert _report(document) == {"Seal1": Verdict.VALID}


@pytest.mark.clause("ISO 32000-1 12.8.2.4", "ISO 32000-1 12.7.4.5")
def test_a_lock_of_everything_ends_the_signing() -> None:
    document = sealed(prepared(), lock=ALL)
    assert _report(document) == {"Seal1": Verdict.VALID}
    assert _refused(document, placement=Placement(1, 150, 200)) == "PDF_FIELD_LOCKED"
    assert _refused(document, field_name="Second") == "PDF_FIELD_LOCKED"


@pytest.mark.parametrize(
    ("lock", "locked", "free"),
    [
        (FieldLock("Include", frozenset({"Approval"})), "Approval", "Second"),
        (FieldLock("Exclude", frozenset({"Second"})), "Approval", "Second"),
    ],
)
def test_a_lock_of_some_fields_leaves_the_others(lock: FieldLock, locked: str, free: str) -> None:
    document = sealed(prepared(), lock=lock)
    assert _refused(document, field_name=locked) == "PDF_FIELD_LOCKED"
    assert _report(sealed(document, field_name=free)) == {"Seal1": Verdict.VALID, free: Verdict.VALID}


def test_names_outside_ascii_are_locked_too() -> None:
    document = sealed(prepared(), lock=FieldLock("Include", frozenset({"审批"})))
    assert _refused(document, field_name="审批", placement=Placement(1, 150, 200)) == "PDF_FIELD_LOCKED"


def test_a_prepared_fields_own_lock_holds() -> None:
    original = prepared(b"/Lock<</Type/SigFieldLock/Action/Include/Fields[(Second)]>>")
    document = sealed(original, field_name="Approval")
    assert _refused(document, field_name="Second") == "PDF_FIELD_LOCKED"
    assert _refused(original, field_name="Approval", lock=ALL) == "PDF_FIELD_LOCK_SET"
    same = sealed(original, field_name="Approval", lock=FieldLock("Include", frozenset({"Second"})))
    assert _report(same) == {"Approval": Verdict.VALID}


def test_a_lock_asked_for_when_a_prepared_field_is_filled_binds_by_the_signature() -> None:
    document = sealed(prepared(), field_name="Approval", lock=ALL)
    assert _report(document) == {"Approval": Verdict.VALID}
    assert _refused(document, field_name="Second") == "PDF_FIELD_LOCKED"


@pytest.mark.parametrize(
    "lock", [FieldLock("Include", frozenset()), FieldLock("All", frozenset({"a"})), FieldLock("Some", frozenset({"a"}))]
)
def test_locks_that_say_nothing_are_refused(lock: FieldLock) -> None:
    assert _refused(reportlab_document(), lock=lock) == "PDF_LOCK_BAD"


def test_certification_and_lock_together() -> None:
    document = sealed(prepared(), certify=2, lock=FieldLock("Include", frozenset({"Second"})))
    assert _refused(document, field_name="Second") == "PDF_FIELD_LOCKED"
    found = _report(sealed(document, field_name="Approval"))
    assert found == {"Seal1": Verdict.VALID, "Approval": Verdict.VALID}


def test_permissions_are_read_as_written() -> None:
    from seal_service.pdf.document import PdfDocument

    document = PdfDocument.open(sealed(prepared(), certify=3, lock=FieldLock("Exclude", frozenset({"Second"}))))
    (field,) = [each for each in document.signature_fields() if each.value_dict is not None]
    found = read_permissions(document, field.value_dict or {}, field.field_dict)
    assert (found.level, found.is_certification) == (3, True)
    assert set(found.locks) == {FieldLock("Exclude", frozenset({"Second"}))}
