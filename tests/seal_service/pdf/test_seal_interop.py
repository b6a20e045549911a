"""What independent verifiers say of our seals: pyHanko with its own difference policy, poppler's pdfsig.

The structure is the same for every kind of key. With ECDSA keys pyHanko judges by itself, without anything taught by us; SM2 follows in
``tests/interop``.
"""

from __future__ import annotations

import io
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, SigFieldSpec, append_signature_field
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import TimeStampAuthority, TimeStampClient
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from standards import gbt33560_oids as oids
from standards.errors import TrustError
from tests.optional import corpus, need_program
from tests.pki import DemoPki
from tests.seal_service.pdf.documents import DOCUMENTS, qpdf_document, reportlab_document
from tests.seal_service.pdf.sealing import AT, picture, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from pyhanko.sign.validation.status import PdfSignatureStatus

ECDSA = DemoPki.create(AT, SignatureAlgorithm.ECDSA_SHA256, label="interop")


def _sealed(original: bytes, **options: Any) -> bytes:
    given: dict[str, Any] = {"placement": Placement(1, 60, 40), "picture": picture(), "signed_at": AT, "reason": "同意"} | options
    return seal_pdf(original, signer=ECDSA.seal_signer, certificate=ECDSA.seal, chain=ECDSA.chain, **given)


def _judged(document: bytes) -> dict[str, PdfSignatureStatus]:
    """pyHanko's word on every signature, by field name."""
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(ECDSA.root.certificate.der)],
        other_certs=[x509.Certificate.load(link.der) for link in ECDSA.chain],
        crls=list(ECDSA.crls()),
        moment=AT,
        allow_fetching=False,
        revocation_mode="hard-fail",
    )
    reader = PdfFileReader(io.BytesIO(document), strict=False)
    return {found.field_name: validate_pdf_signature(found, context, context) for found in reader.embedded_signatures}


def _is_good(status: PdfSignatureStatus) -> bool:
    return bool(status.intact and status.valid and status.trusted and status.bottom_line)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_pyhanko_trusts_one_two_and_three_seals(name: str) -> None:
    document = DOCUMENTS[name]
    for number in range(1, 4):
        document = _sealed(document, placement=Placement(1, 40 + 40 * number, 40, 30, 30), picture=None if number == 2 else picture())
        found = _judged(document)
        assert list(found) == [f"Seal{index}" for index in range(1, number + 1)]
        assert all(_is_good(status) for status in found.values())
        *earlier, last = found.values()
        assert last.coverage == SignatureCoverageLevel.ENTIRE_FILE
        assert all(status.modification_level <= ModificationLevel.FORM_FILLING for status in earlier)
        assert all(status.coverage >= SignatureCoverageLevel.ENTIRE_REVISION for status in earlier)


def test_pyhanko_trusts_the_time_stamp() -> None:
    authority = TimeStampAuthority(ECDSA.tsa, ECDSA.chain, ECDSA.tsa_signer, "1.2.156.10197.9999.1")
    client = TimeStampClient(lambda request: authority.respond(request, AT), ECDSA.trust_list(), digest_oid=oids.SHA256, now=lambda: AT)
    status = _judged(_sealed(reportlab_document(), timestamp=client.stamp))["Seal1"]
    assert _is_good(status)
    assert status.timestamp_validity is not None
    assert status.timestamp_validity.trusted
    assert status.timestamp_validity.timestamp == AT


def test_pyhanko_trusts_seals_in_its_own_prepared_fields_and_honours_their_lock() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(qpdf_document(2, object_streams=True)))
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["Remark"])
    append_signature_field(writer, SigFieldSpec("First", box=(50, 50, 170, 170), field_mdp_spec=lock))
    append_signature_field(writer, SigFieldSpec("Second", on_page=1, box=(50, 50, 250, 170)))
    buffer = io.BytesIO()
    writer.write(buffer)
    document = _sealed(_sealed(buffer.getvalue(), field_name="First"), field_name="Second")
    found = _judged(document)
    assert list(found) == ["First", "Second"]
    assert all(_is_good(status) for status in found.values())
    reader = PdfFileReader(io.BytesIO(document))
    assert reader.embedded_signatures[0].fieldmdp == lock


def test_pyhanko_sees_a_changed_byte_and_a_foreign_revision() -> None:
    """The judge can say no: it is not blind to what it is shown."""
    document = _sealed(reportlab_document())
    changed = document.replace(b"/MediaBox [ 0 0 595.2756", b"/MediaBox [ 0 0 595.2757", 1)
    assert changed != document
    assert not _judged(changed)["Seal1"].intact
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    writer.root["/Extra"] = writer.add_object(writer.root["/Pages"].raw_get("/Kids")[0].get_object())
    writer.update_root()
    buffer = io.BytesIO()
    writer.write(buffer)
    assert not _judged(buffer.getvalue())["Seal1"].bottom_line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_poppler_says_total_document_signed_and_the_right_ranges(name: str, tmp_path: Path) -> None:
    document = sealed(sealed(DOCUMENTS[name]), placement=Placement(1, 150, 40))
    path = tmp_path / "sealed.pdf"
    path.write_bytes(document)
    said = subprocess.run([need_program("pdfsig"), "-nocert", str(path)], capture_output=True, text=True, check=False).stdout
    first, second = said.split("Signature #2:")
    assert "Signature Field Name: Seal1" in first
    assert "Not total document signed" in first
    assert "Signature Field Name: Seal2" in second
    assert "Total document signed" in second
    ranges = [int(number) for number in re.findall(r"\d+", re.findall(r"Signed Ranges: (.*)", second)[0])]
    assert ranges[0] == 0
    assert ranges[3] == len(document)
    assert document[ranges[1] : ranges[1] + 1] == b"<"
    assert document[ranges[2] - 1 : ranges[2]] == b">"


def test_seals_on_the_corpus_leave_the_signatures_of_others_as_they_were() -> None:
    """Documents signed by Adobe, iText, pyHanko and others: our seal is a permitted change to each, or it is refused by name."""
    sealed_names, corners = [], [(x_mm, y_mm) for x_mm in (95, 10, 50) for y_mm in (40, 10, 25)]
    for path in sorted((corpus() / "pdf" / "legitimate").glob("*.pdf")):
        original = path.read_bytes()
        document, codes = b"", set()
        for x_mm, y_mm in corners:  # the first place that no seal of theirs takes
            try:
                document = _sealed(original, placement=Placement(1, x_mm, y_mm, 18, 18))
                break
            except TrustError as refused:
                codes.add(refused.code)
        if codes == {"PDF_CERTIFIED_LOCKED"}:
            continue
        document = document or _sealed(original, placement=None)  # theirs take the whole page
        sealed_names.append(path.stem)
        assert document.startswith(original)
        *earlier, ours = PdfFileReader(io.BytesIO(document), strict=False).embedded_signatures
        assert earlier
        for found in (*earlier, ours):
            found.compute_integrity_info()
            assert found.evaluate_signature_coverage() >= SignatureCoverageLevel.ENTIRE_REVISION, path.stem
            assert getattr(found.diff_result, "modification_level", None) in {ModificationLevel.NONE, ModificationLevel.FORM_FILLING}
    assert len(sealed_names) >= 9
