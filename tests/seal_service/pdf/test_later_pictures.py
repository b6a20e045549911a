"""Later signatures of others who are known, and where readers draw them: over an older seal, the older signature does not stay plainly valid."""

from __future__ import annotations

import pypdfium2
import pytest

from crypto.report import Verdict
from tests.seal_service.pdf.later_pictures import COVERING, HARMLESS, LOOSE, SEAL, TOLD
from tests.seal_service.pdf.pyhanko_signing import judge
from tests.seal_service.pdf.tampering import failures, undecided, warnings

pytestmark = pytest.mark.filterwarnings("ignore")  # pyHanko's own deprecations


@pytest.mark.parametrize("name", COVERING)
def test_attack_a_later_signature_over_a_seal(name: str) -> None:
    report = judge(COVERING[name]())
    assert failures(report, "First") == {"PDF_SEAL_COVERED"}
    assert [each.document_intact for each in report.signatures] == [False, True]


@pytest.mark.parametrize("name", LOOSE)
def test_attack_a_later_signature_that_readers_draw_elsewhere(name: str) -> None:
    report = judge(LOOSE[name]())
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert undecided(report) == {"PDF_ANNOTATION_CHANGED"}
    (step,) = [each for each in report.signatures[0].steps if each.code == "PDF_ANNOTATION_CHANGED"]
    assert step.facts["reason"] == "appearance without a fixed place"


@pytest.mark.parametrize("name", TOLD)
def test_a_seal_under_a_prepared_field_is_told_when_that_is_signed(name: str) -> None:
    """Its signer had the field before him, so he is not wronged; who reads the report learns of it."""
    report = judge(TOLD[name]())
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert "PDF_SEAL_COVERED" in warnings(report)
    assert {step.facts["field"] for step in report.signatures[0].steps if step.code == "PDF_SEAL_COVERED"} == {"First"}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_later_signature_in_its_place_does_no_harm(name: str) -> None:
    report = judge(HARMLESS[name]())
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert "PDF_SEAL_COVERED" not in warnings(report)


@pytest.mark.parametrize("name", ["in one piece", "in narrow pieces", "a rectangle without an area", "a picture without a box"])
def test_pdfium_draws_it_over_the_seal(name: str) -> None:
    """What the rules are for; where a reader draws otherwise one day, they may be looked at again."""
    document = pypdfium2.PdfDocument((COVERING | LOOSE)[name]())
    document.init_forms()
    page = document[0].render(scale=1).to_pil().convert("RGB")
    x, y = (SEAL[0] + SEAL[2]) // 2, page.height - (SEAL[1] + SEAL[3]) // 2
    assert page.getpixel((x, y)) == (255, 0, 0)
