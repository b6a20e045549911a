"""Several places, riding seams, certifications and locks of ours before pyHanko and qpdf."""

from __future__ import annotations

import io
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.permissions import FieldLock
from seal_service.pdf.placement import Placement
from seal_service.pdf.riding_seam import cut_seam
from seal_service.places import Edge, Seam
from tests.interop.pyhanko_sm2 import validation_context
from tests.optional import need_program
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import AT, pki, sealed
from tests.seal_service.pdf.test_restrictions import prepared
from tests.seal_service.pdf.test_riding_seam import mixed_pages

if TYPE_CHECKING:
    from pathlib import Path

LATER = AT + timedelta(hours=1)


def judged(document: bytes) -> dict[str, Any]:
    demo = pki()
    context = validation_context([demo.root.certificate], demo.crls(), at=LATER, intermediates=[demo.issuing.certificate])
    reader = PdfFileReader(io.BytesIO(document), strict=False)
    return {found.field_name: validate_pdf_signature(found, context, context) for found in reader.embedded_signatures}


def seam_of(document: bytes, seam: Seam) -> list[Placement]:
    return cut_seam(PdfDocument.open(document), seam, 42.0, 42.0)


def test_a_seam_and_later_seals_are_good_to_pyhanko(tmp_path: Path) -> None:
    document = mixed_pages()
    document = sealed(document, placement=[Placement(1, 60, 40), *seam_of(document, Seam())])
    document = sealed(document, placement=seam_of(document, Seam(Edge.TOP, "1-3")))
    document = sealed(document, placement=Placement(4, 60, 60))
    found = judged(document)
    assert list(found) == ["Seal1", "Seal2", "Seal3"]
    assert all(status.bottom_line for status in found.values())
    *earlier, last = found.values()
    assert last.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert all(status.modification_level <= ModificationLevel.FORM_FILLING for status in earlier)
    path = tmp_path / "seam.pdf"
    path.write_bytes(document)
    checked = subprocess.run([need_program("qpdf"), "--check", path], capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("level", [1, 2, 3])
def test_our_certification_is_one_to_pyhanko(level: int) -> None:
    document = sealed(prepared(), certify=level)
    status = judged(document)["Seal1"]
    assert status.bottom_line
    assert PdfFileReader(io.BytesIO(document)).embedded_signatures[0].docmdp_level == MDPPerm(level)
    if level > 1:
        both = judged(sealed(document, field_name="Approval"))
        assert all(each.bottom_line for each in both.values())


def test_our_lock_is_one_to_pyhanko() -> None:
    lock = FieldLock("Include", frozenset({"Second"}))
    document = sealed(sealed(prepared(), lock=lock), field_name="Approval")
    found = judged(document)
    assert all(each.bottom_line for each in found.values())
    stated = PdfFileReader(io.BytesIO(document)).embedded_signatures[0].fieldmdp
    assert stated is not None
    assert stated.is_locked("Second")
    assert not stated.is_locked("Approval")


def test_what_a_lock_forbids_breaks_it_in_pyhanko_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it not refused: both judges would call the first seal changed."""
    from seal_service.pdf import seal

    document = sealed(reportlab_document(), lock=FieldLock("All", frozenset()))
    monkeypatch.setattr(seal, "check_allowed", lambda *_args, **_options: None)
    assert not judged(sealed(document, placement=Placement(1, 150, 200)))["Seal1"].bottom_line
