"""A seal whose key lives in a device seals a PDF: certificate and SESeal are made for the device's key, the file is valid to the verifier."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.authority import Profile as CertificateProfile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Verdict
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.sealing_value import Profile
from tests.devices.soft import SoftDevice
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import AT, picture, pki, stamp
from tests.seal_service.pdf.seals_inside import judged, make_seal_data

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("kind", ["sdf", "pkcs11"])
def test_a_key_in_a_device_seals_a_pdf(kind: str, profile: Profile, tmp_path: Path) -> None:
    demo = pki()
    signer = SoftDevice(kind, tmp_path).open().signer("sdf-key" if kind == "sdf" else "sm2-key")
    request = SubjectRequest(demo.seal.subject_der, signer.public_spki_der)
    begins, ends = AT - timedelta(days=30), AT + timedelta(days=300)
    certificate = demo.issuing.issue(request, CertificateProfile.SEAL_SIGNING, not_before=begins, not_after=ends)
    document = seal_pdf(
        reportlab_document(),
        signer=signer,
        certificate=certificate,
        chain=demo.chain,
        timestamp=stamp(),
        placement=Placement(1, 60, 40),
        picture=picture(),
        signed_at=AT,
        seal_data_der=make_seal_data([certificate]),
        profile=profile,
    )
    report = judged(document)
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert report.signatures[0].signer == certificate.subject_text
