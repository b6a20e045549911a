"""The seal of GB/T 38540 in a PDF through the years: a document time-stamp carries it past its certificate's end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pytest

from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.sealing_value import Profile
from seal_service.pdf.security_store import prepare_document_timestamp
from seal_service.pdf.validation_data import read_validation_data
from seal_service.seal_data.make import SealMaker, build_seal
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.long_term_setting import DAY, EXPIRED, extended, pki, report, short_certificate, stamper
from tests.seal_service.pdf.sealing import AT, picture
from tests.seal_service.pdf.seals_inside import DESCRIPTION

SOON = AT + timedelta(hours=1)


@cache
def sealed_with_seal(profile: Profile, seal_until: datetime = DESCRIPTION.valid_until) -> bytes:
    """A document with the seal of GB/T 38540 whose signer's certificate runs out after thirty days, without a time-stamp of its own."""
    demo = pki()
    seal_der = build_seal(replace(DESCRIPTION, valid_until=seal_until), [short_certificate()], SealMaker(demo.maker, demo.maker_signer))
    return seal_pdf(
        reportlab_document(),
        signer=demo.seal_signer,
        certificate=short_certificate(),
        chain=demo.chain,
        placement=Placement(1, 60, 40),
        picture=picture(),
        signed_at=AT,
        seal_data_der=seal_der,
        profile=profile,
    )


@pytest.mark.clause("ETSI EN 319 102-1 5.6.2")
@pytest.mark.parametrize("profile", [Profile.SES, Profile.PADES_SES])
def test_a_sealing_value_lives_on_under_a_document_time_stamp(profile: Profile) -> None:
    document = extended(sealed_with_seal(profile), SOON)
    found = report(document, EXPIRED)
    assert found.verdict is Verdict.VALID
    assert "PDF_EXISTENCE_PROVEN" in {step.code for step in found.signatures[0].steps}
    assert "SIG_TIME_UNPROVEN" not in {step.code for step in found.signatures[0].steps}
    store, _ = read_validation_data([PdfDocument.open(document)], TrustList.empty())
    assert pki().maker.der in {each.der for each in store.intermediates}


@pytest.mark.parametrize("profile", [Profile.SES, Profile.PADES_SES])
def test_a_sealing_value_stamped_too_late_is_neither_better_nor_worse(profile: Profile) -> None:
    prepared = prepare_document_timestamp(sealed_with_seal(profile), EXPIRED)
    stamped = report(prepared.finish(stamper(EXPIRED)(prepared.covered())), EXPIRED + DAY).signatures[0]
    alone = report(sealed_with_seal(profile), EXPIRED + DAY).signatures[0]
    assert stamped.verdict is alone.verdict is Verdict.INDETERMINATE
    assert "SIG_TIME_UNPROVEN" in {step.code for step in stamped.steps} & {step.code for step in alone.steps}


@pytest.mark.parametrize(
    ("seal_days", "stamped_after_days"), [(100, 60), (10, 20)], ids=["the certificate had ended", "the seal had ended"]
)
def test_a_sealing_value_stamped_after_either_of_its_ends_is_not_shown_to_be_older(seal_days: int, stamped_after_days: int) -> None:
    sealed, stamped_at = sealed_with_seal(Profile.SES, AT + seal_days * DAY), AT + stamped_after_days * DAY
    prepared = prepare_document_timestamp(sealed, stamped_at)
    at = AT + 120 * DAY
    stamped = report(prepared.finish(stamper(stamped_at)(prepared.covered())), at).signatures[0]
    assert stamped.verdict is report(sealed, at).signatures[0].verdict is Verdict.INDETERMINATE
    assert "SIG_TIME_UNPROVEN" in {step.code for step in stamped.steps}
