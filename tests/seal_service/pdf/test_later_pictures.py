"""Later signatures of others who are known, and where readers draw them: over an older seal, the older signature does not stay plainly valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pypdfium2
import pytest

from crypto.authority import RevokedCertificate
from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.verify import verify_pdf
from tests.pki import DemoPki
from tests.seal_service.pdf import sealing
from tests.seal_service.pdf.later_pictures import COVERING, HARMLESS, LOOSE, SEAL, TOLD
from tests.seal_service.pdf.pyhanko_signing import judge, original
from tests.seal_service.pdf.tampering import RIGHT, byte_range, failures, undecided, warnings

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


@cache
def beside() -> bytes:
    return HARMLESS["beside"]()


def beside_with(value: bytes = b"", kind: bytes = b"") -> bytes:
    """The second signature beside the first seal, with another value or of another kind."""
    data = beside()
    _, end, start, _ = byte_range(data)
    if kind:
        at = data.rindex(b"/ETSI.CAdES.detached")
        data = data[:at] + kind + data[at + len(kind) :]
    return data[: end + 1] + value.hex().encode().ljust(start - end - 2, b"0") + data[start - 1 :] if value else data


def test_attack_a_picture_with_a_value_that_is_no_signature() -> None:
    """Its ranges are right, and yet nobody answers for it."""
    report = judge(beside_with(b"nobody"))
    assert failures(report, "First") == {"PDF_ANNOTATION_CHANGED"}
    assert report.tampered is True


def test_attack_a_picture_with_a_signature_over_something_else() -> None:
    """That of the first signer, over his own revision."""
    _, end, start, _ = byte_range(beside(), 0)
    report = judge(beside_with(bytes.fromhex(beside()[end + 1 : start - 1].decode())))
    assert [(each.cryptographically_valid, each.document_intact) for each in report.signatures] == [(True, False), (True, False)]
    assert failures(report, "First") == {"PDF_ANNOTATION_CHANGED"}


def test_attack_a_picture_with_a_signature_that_nobody_made() -> None:
    """Over the right bytes and with a known certificate, but not by its key."""
    data = beside()
    _, end, start, _ = byte_range(data)
    value = bytearray.fromhex(data[end + 1 : start - 1].decode())
    last = 4 + int.from_bytes(value[2:4]) - 1  # of the CMS, which ends with the signature
    value[last] ^= 1
    report = judge(beside_with(bytes(value)))
    assert [each.cryptographically_valid for each in report.signatures] == [True, False]
    assert "CMS_DIGEST_MISMATCH" not in failures(report, "Second")
    assert failures(report, "First") == {"PDF_ANNOTATION_CHANGED"}


def test_a_signature_of_a_kind_that_is_not_known_may_answer_for_its_picture() -> None:
    report = judge(beside_with(kind=b"/Somebody.elses.kind"))
    assert failures(report, "First") == set()
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)


def test_a_signature_of_somebody_whose_certificate_is_revoked_answers_for_its_picture() -> None:
    """Whoever he is: the first signer is not wronged by what is wrong with the second."""
    first, other = sealing.pki(), DemoPki.create(sealing.AT, label="other")
    data = seal_pdf(
        sealing.sealed(original(), field_name="First"),
        signer=other.seal_signer,
        certificate=other.seal,
        placement=RIGHT,
        picture=sealing.picture(),
        signed_at=sealing.AT,
        chain=other.chain,
        field_name="Second",
    )
    day = timedelta(days=1)
    gone = replace(other, revoked=[RevokedCertificate(other.seal.serial, sealing.AT - day, "keyCompromise")])
    lists = [each.trust_list(crls=each.crls(this_update=sealing.AT + 2 * day)) for each in (first, gone)]
    together = TrustList(
        anchors=lists[0].anchors + lists[1].anchors,
        intermediates=lists[0].intermediates + lists[1].intermediates,
        crls=lists[0].crls + lists[1].crls,
    )
    report = verify_pdf(data, together, sealing.AT + 3 * day)
    assert "CERT_REVOKED_BEFORE" in failures(report, "Second")
    assert [each.verdict for each in report.signatures] == [Verdict.VALID, Verdict.INVALID]


@pytest.mark.parametrize("name", ["in one piece", "in narrow pieces", "a rectangle without an area", "a picture without a box"])
def test_pdfium_draws_it_over_the_seal(name: str) -> None:
    """What the rules are for; where a reader draws otherwise one day, they may be looked at again."""
    document = pypdfium2.PdfDocument((COVERING | LOOSE)[name]())
    document.init_forms()
    page = document[0].render(scale=1).to_pil().convert("RGB")
    x, y = (SEAL[0] + SEAL[2]) // 2, page.height - (SEAL[1] + SEAL[3]) // 2
    assert page.getpixel((x, y)) == (255, 0, 0)
