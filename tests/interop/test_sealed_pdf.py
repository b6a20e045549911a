"""Sealed PDF with SM2 keys before every judge: BouncyCastle, pyHanko (taught SM2, computing by itself), and our own verifier."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from crypto.report import Verdict
from seal_service.pdf.placement import Placement
from seal_service.pdf.sealing_value import Profile
from seal_service.pdf.verify import verify_pdf
from standards.errors import TrustError
from tests.interop.pyhanko_sm2 import SM2Signer, validation_context
from tests.licence_vault.faces.designs import LANDSCAPE, pdf_of
from tests.seal_service.pdf.documents import DOCUMENTS, reportlab_document
from tests.seal_service.pdf.sealing import AT, pki, sealed, signatures, stamp
from tests.seal_service.pdf.seals_inside import seal_data

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

LATER = AT + timedelta(hours=1)


def _judged(document: bytes) -> dict[str, Any]:
    demo = pki()
    context = validation_context([demo.root.certificate], demo.crls(), at=LATER, intermediates=[demo.issuing.certificate])
    reader = PdfFileReader(io.BytesIO(document), strict=False)
    return {found.field_name: validate_pdf_signature(found, context, context) for found in reader.embedded_signatures}


@pytest.mark.clause("EN 319 142-1 6.3", "RFC 5652 5.6")
@pytest.mark.parametrize("level", ["B-B", "B-T", "B-T with seal"])
@pytest.mark.parametrize("name", ["reportlab", "qpdf object streams", "own, hybrid", "licence, PDF/A-3"])
def test_bouncy_castle_verifies_what_a_sealed_pdf_holds(name: str, level: str, tmp_path: Path, java_programs: JavaPrograms) -> None:
    """The CMS and the bytes it is over are taken out by pypdf; signature, path and token are BouncyCastle's verdict alone.

    A seal of GB/T 38540 among the signed attributes is one more attribute to it.
    """
    seal_data_der = seal_data() if level.endswith("seal") else None
    plain = pdf_of(LANDSCAPE) if name.startswith("licence") else DOCUMENTS[name]
    document = sealed(plain, timestamp=stamp() if level != "B-B" else None, seal_data_der=seal_data_der)
    (signature,) = signatures(document).values()
    start, first, second, rest = signature["/ByteRange"]
    assert (start, second + rest) == (0, len(document))
    (tmp_path / "content").write_bytes(document[:first] + document[second:])
    (tmp_path / "cms").write_bytes(bytes(signature["/Contents"]))
    trust = tmp_path / "trust"
    trust.mkdir()
    (trust / "root.cer").write_bytes(pki().root.certificate.der)
    for number, crl in enumerate(pki().crls()):
        (trust / f"{number}.crl").write_bytes(crl)
    moment = LATER.isoformat().replace("+00:00", "Z")
    found = java_programs.run("VerifyCms", "cms", tmp_path / "cms", tmp_path / "content", trust, moment)
    expected = {"signers": "1", "signature": "true", "signing-certificate": "true", "path": "true"}
    if level != "B-B":
        expected |= {"token": "true", "imprint": "true", "gen-time": AT.isoformat().replace("+00:00", "Z"), "token-path": "true"}
    assert found == expected

    spoilt = bytearray(document[:first] + document[second:])
    spoilt[len(plain) // 2] ^= 1
    (tmp_path / "content").write_bytes(bytes(spoilt))
    assert java_programs.run("VerifyCms", "cms", tmp_path / "cms", tmp_path / "content", trust, moment).get("signature") != "true"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_three_seals_are_good_to_pyhanko_and_to_us(name: str) -> None:
    document = DOCUMENTS[name]
    for number in range(1, 4):
        document = sealed(
            document,
            placement=Placement(1, 40 + 45 * number, 40),
            timestamp=stamp() if number == 2 else None,
            **({"picture": None} if number == 3 else {}),
        )
        found = _judged(document)
        assert list(found) == [f"Seal{index}" for index in range(1, number + 1)]
        assert all(status.intact and status.valid and status.trusted and status.bottom_line for status in found.values())
        *earlier, last = found.values()
        assert last.coverage == SignatureCoverageLevel.ENTIRE_FILE
        assert all(status.modification_level <= ModificationLevel.FORM_FILLING for status in earlier)
        report = verify_pdf(document, pki().trust_list(), LATER)
        assert [(each.name, each.verdict) for each in report.signatures] == [
            (f"Seal{index}", Verdict.VALID) for index in range(1, number + 1)
        ]
        assert (report.verdict, report.tampered) == (Verdict.VALID, False)


def test_pyhanko_reads_past_the_seal_inside_and_past_a_seal_alone() -> None:
    """The profile for both worlds is a PAdES signature to it; a sealing value alone it does not know, and judges the rest."""
    document = sealed(reportlab_document(), timestamp=stamp(), seal_data_der=seal_data())
    status = _judged(document)["Seal1"]
    assert status.intact
    assert status.valid
    assert status.bottom_line
    mixed = sealed(document, placement=Placement(1, 150, 40), seal_data_der=seal_data(), profile=Profile.SES)
    last = sealed(mixed, picture=None, placement=None, seal_data_der=seal_data())
    found = _judged(last)
    assert {"Seal1", "Seal3"} <= set(found)
    assert all(found[name].bottom_line for name in ("Seal1", "Seal3"))
    assert verify_pdf(last, pki().trust_list(), LATER).verdict is Verdict.VALID


def test_a_changed_byte_is_seen_by_both() -> None:
    document = sealed(reportlab_document(), timestamp=stamp())
    changed = document.replace(b"/MediaBox [ 0 0 595.2756", b"/MediaBox [ 0 0 595.2757", 1)
    assert changed != document
    assert not _judged(changed)["Seal1"].intact
    report = verify_pdf(changed, pki().trust_list(), LATER)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


def test_pyhanko_reads_the_time_stamp() -> None:
    status = _judged(sealed(reportlab_document(), timestamp=stamp()))["Seal1"]
    assert status.timestamp_validity.trusted
    assert status.timestamp_validity.timestamp == AT


def test_filling_a_prepared_field_after_another_seal_keeps_it_valid() -> None:
    """A field prepared before the first seal is filled after it: the way for certified and planned documents."""
    from tests.seal_service.pdf.documents import build, page_objects

    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Approval)/Rect[300 300 420 420]/P 3 0 R/F 4>>"
    original = build(page_objects(b"/Annots[7 0 R]", b"/AcroForm<</Fields[7 0 R]>>") | {7: field})
    document = sealed(sealed(original), field_name="Approval")
    assert all(status.bottom_line for status in _judged(document).values())
    report = verify_pdf(document, pki().trust_list(), LATER)
    assert report.verdict is Verdict.VALID, [
        (each.name, [step for step in each.steps if step.outcome != "pass"]) for each in report.signatures
    ]


def _certified(permission: MDPPerm) -> bytes:
    """pyHanko certifies a document in which one field is prepared."""
    writer = IncrementalPdfFileWriter(io.BytesIO(reportlab_document()))
    append_signature_field(writer, SigFieldSpec("Approval", box=(300, 300, 420, 420)))
    metadata = PdfSignatureMetadata(
        field_name="Author", md_algorithm="sm3", certify=True, docmdp_permissions=permission, subfilter=SigSeedSubFilter.PADES
    )
    demo = pki()
    signer = PdfSigner(metadata, signer=SM2Signer(demo.seal_signer, demo.seal, demo.chain))
    return bytes(signer.sign_pdf(writer).getbuffer())


@pytest.mark.clause("ISO 32000-1 12.8.2.2")
@pytest.mark.parametrize("options", [{"field_name": "Approval"}, {"picture": None}])
def test_seals_into_a_certified_document_keep_the_certification(options: dict[str, Any]) -> None:
    """What the rules of sealing let pass, both judges let pass: a prepared field, an invisible new one."""
    document = sealed(_certified(MDPPerm.FILL_FORMS), **options)
    found = _judged(document)
    assert len(found) == 2
    assert all(status.bottom_line for status in found.values())
    report = verify_pdf(document, pki().trust_list(), LATER)
    # pyHanko states the machine's own time, which may lie after LATER: then the time is undecided, never the document.
    failed = [(each.name, step.code, step.facts) for each in report.signatures for step in each.steps if step.outcome == "fail"]
    assert failed == []
    assert report.tampered is False
    assert all(each.document_intact and each.cryptographically_valid for each in report.signatures)


@pytest.mark.parametrize(
    ("permission", "options", "code"),
    [
        (MDPPerm.NO_CHANGES, {"field_name": "Approval"}, "PDF_CERTIFIED_LOCKED"),
        (MDPPerm.FILL_FORMS, {}, "PDF_CERTIFIED_NO_NEW_FIELD"),
        (MDPPerm.ANNOTATE, {}, "PDF_CERTIFIED_NO_NEW_FIELD"),
    ],
)
def test_what_a_certification_by_pyhanko_forbids_is_refused(permission: MDPPerm, options: dict[str, Any], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        sealed(_certified(permission), **options)
    assert refused.value.code == code
