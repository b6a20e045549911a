"""B-LT and B-LTA: what verifies after certificates, lists and authorities have run out, and what must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crypto.authority import RevokedCertificate
from crypto.report import Outcome, Report, Verdict
from crypto.revocation import RevocationEvidence
from crypto.trust_list import TrustList
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.evidence import ValidationData, collect_validation_data
from seal_service.pdf.long_term import make_long_term
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.security_store import add_validation_data, prepare_document_timestamp
from seal_service.pdf.validation_data import MAX_ITEMS, read_validation_data
from standards.errors import TrustError
from standards.gbt33560_oids import SM3
from standards.rfc6960_ocsp import write_ocsp_request
from tests.pki import DemoPki, cert_id_der
from tests.seal_service.pdf.documents import DOCUMENTS, build, page_objects, reportlab_document
from tests.seal_service.pdf.long_term_setting import (
    DAY,
    EXPIRED,
    FAR,
    RENEWED,
    extended,
    later_authority,
    pki,
    report,
    sealed,
    short_certificate,
    stamper,
    trust,
)
from tests.seal_service.pdf.sealing import AT, picture
from tests.seal_service.pdf.sealing import sealed as sealed_by_others

SOON = AT + timedelta(hours=1)


def _codes(found: Report, name: str) -> set[str]:
    (signature,) = [each for each in found.signatures if each.name == name]
    return {step.code for step in signature.steps if step.outcome is not Outcome.PASS}


def _verdicts(found: Report) -> dict[str, Verdict]:
    return {each.name: each.verdict for each in found.signatures}


@pytest.mark.clause("ETSI EN 319 142-1 6.3")
@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
@pytest.mark.parametrize("name", ["reportlab", "qpdf object streams", "own, hybrid", "qpdf linearized"])
def test_every_level_is_valid_at_once(level: str, name: str) -> None:
    document = sealed(level, DOCUMENTS[name])
    found = report(document, SOON)
    assert (found.verdict, found.tampered) == (Verdict.VALID, False)
    assert len(found.signatures) == (2 if level == "B-LTA" else 1)


@pytest.mark.clause("ETSI EN 319 102-1 5.6.2")
def test_years_later_only_the_long_term_levels_verify() -> None:
    """The seal's certificate has expired and every list in the file is stale; fresh lists name expired certificates no more."""
    assert report(sealed("B-LTA"), EXPIRED).verdict is Verdict.VALID
    assert report(sealed("B-LT"), EXPIRED).verdict is Verdict.VALID  # its time-stamp's authority is still good
    assert report(sealed("B-T"), EXPIRED).verdict is Verdict.INDETERMINATE
    assert report(sealed("B-B"), EXPIRED).verdict is Verdict.INDETERMINATE
    (step,) = [step for step in report(sealed("B-LTA"), EXPIRED).signatures[0].steps if step.code == "PDF_EXISTENCE_PROVEN"]
    assert step.facts["proven_by"] == AT.isoformat()


def test_without_any_fresh_list_nobody_knows_the_authority() -> None:
    """Stale evidence does not show that the authority of the last time-stamp was not revoked since: never valid (decision 0006)."""
    assert report(sealed("B-LTA"), EXPIRED, trusted=trust(AT)).verdict is Verdict.INDETERMINATE


def test_renewed_before_the_authority_ends_it_outlives_it() -> None:
    renewed = extended(sealed("B-LTA"), RENEWED, second=True)
    assert _verdicts(report(renewed, FAR)) == {"Seal1": Verdict.VALID, "Timestamp1": Verdict.VALID, "Timestamp2": Verdict.VALID}
    assert report(sealed("B-LTA"), FAR).verdict is Verdict.INDETERMINATE
    again = extended(renewed, FAR, second=True)
    assert report(again, FAR + DAY).verdict is Verdict.VALID
    assert again.startswith(renewed)


def test_a_document_time_stamp_stands_in_for_the_signatures_own() -> None:
    """B-B, and stamped as a document within the certificate's life: shown to have existed then."""
    document = make_long_term(sealed("B-B"), trust=trust(AT + DAY), at=AT + DAY, stamp=stamper(AT + DAY))
    found = report(document, EXPIRED)
    assert found.verdict is Verdict.VALID
    assert "SIG_TIME_UNPROVEN" not in _codes(found, "Seal1")
    assert "SIG_TIME_UNPROVEN" in _codes(report(sealed("B-B"), SOON), "Seal1")


def test_stamped_too_late_it_proves_nothing() -> None:
    """A document time-stamp from after the certificate's end leaves a claimed time as unproven as it was."""
    prepared = prepare_document_timestamp(sealed("B-B"), EXPIRED)
    document = prepared.finish(stamper(EXPIRED)(prepared.covered()))
    found = report(document, EXPIRED + DAY)
    assert found.verdict is Verdict.INDETERMINATE
    assert "SIG_TIME_UNPROVEN" in _codes(found, "Seal1")


def test_later_seals_and_renewals_live_together() -> None:
    demo = pki()
    twice = seal_pdf(
        sealed("B-LTA"),
        signer=demo.seal_signer,
        certificate=short_certificate(),
        chain=demo.chain,
        timestamp=stamper(AT + DAY),
        placement=Placement(1, 150, 40),
        picture=picture(),
        signed_at=AT + DAY,
    )
    document = extended(twice, AT + DAY)
    found = report(document, EXPIRED)
    assert _verdicts(found) == dict.fromkeys(("Seal1", "Timestamp1", "Seal2", "Timestamp2"), Verdict.VALID)


def test_certified_without_changes_may_still_be_carried_on() -> None:
    demo = pki()
    document = seal_pdf(
        reportlab_document(),
        signer=demo.seal_signer,
        certificate=short_certificate(),
        chain=demo.chain,
        timestamp=stamper(AT),
        placement=Placement(1, 60, 40),
        picture=picture(),
        signed_at=AT,
        certify=1,
    )
    assert report(extended(extended(document, AT), AT + DAY), EXPIRED).verdict is Verdict.VALID


# -- revocation ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def revoking(monkeypatch: pytest.MonkeyPatch) -> DemoPki:
    demo = pki()
    monkeypatch.setattr(demo, "revoked", [])
    return demo


def test_a_seal_revoked_after_the_stamp_stays_good_and_before_it_not(revoking: DemoPki) -> None:
    document = sealed("B-LTA")
    revoking.revoked[:] = [RevokedCertificate(short_certificate().serial, AT + 3 * DAY, "keyCompromise")]
    found = report(document, AT + 5 * DAY)
    assert found.verdict is Verdict.VALID
    assert "CERT_REVOKED_AFTER" in _codes(found, "Seal1")
    revoking.revoked[:] = [RevokedCertificate(short_certificate().serial, AT - timedelta(hours=1), "keyCompromise")]
    assert report(document, AT + 5 * DAY).verdict is Verdict.INVALID


def test_an_authority_given_up_after_a_renewal_does_no_harm(revoking: DemoPki) -> None:
    """RFC 3161, 4: tokens of a compromised authority count where another one shows that they existed before."""
    renewed = extended(sealed("B-LTA"), RENEWED, second=True)
    revoking.revoked[:] = [RevokedCertificate(revoking.tsa.serial, RENEWED + DAY, "keyCompromise")]
    assert report(renewed, RENEWED + 5 * DAY).verdict is Verdict.VALID
    assert report(sealed("B-LTA"), RENEWED + 5 * DAY).verdict is not Verdict.VALID
    revoking.revoked[:] = [RevokedCertificate(revoking.tsa.serial, RENEWED - DAY, "keyCompromise")]
    assert report(renewed, RENEWED + 5 * DAY).verdict is not Verdict.VALID


# -- attacks ---------------------------------------------------------------------------------------------------------------------------


def _store_streams(document: bytes, kind: str) -> list[tuple[int, int]]:
    """Where the streams of the store stand in the file."""
    opened = PdfDocument.open(document)
    store = opened.resolve_dictionary(opened.root["DSS"]) or {}
    listed = opened.resolve(store[kind])
    assert isinstance(listed, list)
    for ref in listed:
        opened.resolve(ref)
    return [opened.extents[ref.number] for ref in listed]


@pytest.mark.parametrize("kind", ["Certs", "CRLs"])
def test_an_altered_store_under_a_document_time_stamp_is_seen(kind: str) -> None:
    document = bytearray(sealed("B-LTA"))
    start, end = _store_streams(bytes(document), kind)[0]
    at = bytes(document).index(b"stream", start, end) + 40
    document[at] ^= 1
    found = report(bytes(document), SOON)
    assert (found.verdict, found.tampered) == (Verdict.INVALID, True)
    assert found.signatures[1].document_intact is False


def test_a_store_taken_away_later_is_still_used() -> None:
    """What stood in the stamped revision counts, whatever a later revision says."""
    document = sealed("B-LTA")
    opened = PdfDocument.open(document)
    store = opened.root["DSS"]
    emptied = document + (
        b"%d 0 obj\n<</Type/DSS>>\nendobj\nxref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            store.number,  # type: ignore[attr-defined]
            store.number,  # type: ignore[attr-defined]
            len(document),
            opened.size,
            opened.trailer["Root"].number,  # type: ignore[attr-defined]
            opened.last_startxref,
            len(document) + len(b"%d 0 obj\n<</Type/DSS>>\nendobj\n" % store.number),  # type: ignore[attr-defined]
        )
    )
    found = report(emptied, EXPIRED)
    assert found.verdict is Verdict.VALID
    assert found.tampered is False


def test_a_store_of_a_stranger_with_an_invented_list_changes_nothing() -> None:
    """A list that calls itself the issuer's and says "nobody is revoked" counts only with the issuer's signature."""
    demo = pki()
    stranger = DemoPki.create(AT, label="years-forged")
    crls = stranger.crls(this_update=EXPIRED - DAY)
    forged = ValidationData((stranger.tsa.der, stranger.issuing.certificate.der), crls, (b"junk", b"\x30\x00"))
    assert report(add_validation_data(sealed("B-T"), forged), EXPIRED).verdict is Verdict.INDETERMINATE
    swapped = tuple(crl.replace(stranger.issuing.certificate.subject_der, demo.issuing.certificate.subject_der) for crl in crls)
    assert report(add_validation_data(sealed("B-T"), replace(forged, crls=swapped)), EXPIRED).verdict is Verdict.INDETERMINATE
    assert report(add_validation_data(sealed("B-LTA"), forged), EXPIRED).verdict is Verdict.VALID


def test_a_crowd_of_lists_cannot_push_the_stamped_ones_out() -> None:
    junk = ValidationData((), tuple(b"\x30\x82%c%c" % (number, number) for number in range(MAX_ITEMS - 4)), ())
    crowded = add_validation_data(sealed("B-LTA"), junk)
    assert report(crowded, EXPIRED).verdict is Verdict.VALID
    with pytest.raises(TrustError) as refused:
        add_validation_data(crowded, ValidationData((), tuple(b"\x30\x81%c" % number for number in range(9)), ()))
    assert refused.value.code == "PDF_STORE_FULL"


def test_stale_evidence_is_none() -> None:
    """Lists that were stale when the document was stamped show nothing about that time."""
    old = pki().crls(this_update=AT - 60 * DAY)
    prepared = prepare_document_timestamp(
        add_validation_data(sealed("B-T"), ValidationData((), old, ())),
        AT,
    )
    document = prepared.finish(stamper(AT)(prepared.covered()))
    assert report(document, EXPIRED).verdict is Verdict.INDETERMINATE


def test_the_time_stamp_of_another_document_is_refused() -> None:
    other = prepare_document_timestamp(sealed("B-LT", DOCUMENTS["qpdf"]), AT)
    token = stamper(AT)(other.covered())
    document = prepare_document_timestamp(sealed("B-LT"), AT).finish(token)
    found = report(document, SOON)
    assert (found.verdict, found.tampered) == (Verdict.INVALID, True)
    assert "TS_IMPRINT_BAD" in _codes(found, "Timestamp1")
    assert all(step.code != "PDF_EXISTENCE_PROVEN" for step in found.signatures[0].steps)


def test_a_broken_document_time_stamp_proves_nothing() -> None:
    prepared = prepare_document_timestamp(sealed("B-LT"), AT)
    token = bytearray(stamper(AT)(prepared.covered()))
    token[-1] ^= 1  # the last byte of the authority's signature
    found = report(prepared.finish(bytes(token)), SOON)
    assert found.verdict is Verdict.INVALID
    assert all(step.code != "PDF_EXISTENCE_PROVEN" for step in found.signatures[0].steps)


def test_a_time_stamp_of_a_stranger_proves_nothing() -> None:
    from crypto.timestamps import DEMONSTRATION_POLICY, TimeStampAuthority

    stranger = DemoPki.create(AT, label="years-forged")
    authority = TimeStampAuthority(stranger.tsa, stranger.chain, stranger.tsa_signer, DEMONSTRATION_POLICY)
    prepared = prepare_document_timestamp(sealed("B-B"), AT)
    found = report(prepared.finish(authority.stamp(prepared.covered(), AT)), EXPIRED)
    assert found.verdict is Verdict.INDETERMINATE
    assert "SIG_TIME_UNPROVEN" in _codes(found, "Seal1")


def test_a_change_behind_the_stamp_is_still_a_change() -> None:
    from tests.seal_service.pdf.tampering import append

    document = sealed("B-LTA")
    page = PdfDocument.open(document).page(0)[0]
    assert report(append(document, {page.number: b"<</Type/Page>>"}), SOON).tampered is True


# -- collecting ------------------------------------------------------------------------------------------------------------------------


def test_nothing_new_leaves_the_document_as_it_is() -> None:
    trusted = trust(AT)
    document = make_long_term(sealed("B-T"), trust=trusted, at=AT, stamp=None)
    assert make_long_term(document, trust=trusted, at=AT, stamp=None) == document


def test_the_store_holds_chains_and_lists_once() -> None:
    opened = PdfDocument.open(sealed("B-LTA"))
    trusted, evidence = read_validation_data([opened], TrustList.empty())
    held = {each.der for each in trusted.intermediates}
    assert held == {each.der for each in (short_certificate(), pki().tsa, *pki().chain)}
    assert len(evidence.crls) == 2


def test_ocsp_responses_serve_as_well() -> None:
    """Given for the leaves, they are taken where they are newer than the list."""
    demo = pki()
    response = demo.responder().respond(
        write_ocsp_request([cert_id_der(short_certificate(), demo.issuing.certificate, SM3)]),
        lambda _serial: "good",
        this_update=AT,
        next_update=AT + DAY,
    )
    data = collect_validation_data(sealed("B-T"), trust(AT), AT, RevocationEvidence(ocsp=(response, b"junk")))
    assert data.ocsp == (response,)
    assert len(data.crls) == 2  # for the time-stamp authority and the issuing one
    document = make_long_term(sealed("B-T"), trust=trust(AT), at=AT, stamp=stamper(AT), evidence=RevocationEvidence(ocsp=(response,)))
    assert report(document, EXPIRED).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("trusted", "code"),
    [(pki().trust_list(crls=()), "PDF_EVIDENCE_MISSING"), (TrustList.empty(), "PDF_CHAIN_UNKNOWN")],
)
def test_what_cannot_be_shown_is_not_called_long_term(trusted: TrustList, code: str) -> None:
    with pytest.raises(TrustError) as refused:
        make_long_term(sealed("B-T"), trust=trusted, at=AT, stamp=None)
    assert refused.value.code == code


def test_signatures_that_cannot_be_read_are_passed_over() -> None:
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/Rect[0 0 0 0]/P 3 0 R/T(%s)/V %d 0 R>>"
    odd = {
        7: field % (b"a", 8),
        8: b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents<ff>>>",
        9: field % (b"b", 10),
        10: b"<</Type/Sig/SubFilter/Own/ByteRange[0 1 2 3]/Contents<3000>>>",
        11: field % (b"c", 12),
        12: b"<</Type/Sig/SubFilter/ETSI.RFC3161/ByteRange[0 1 2 3]/Contents<3000>>>",
    }
    root = b"/AcroForm<</Fields[7 0 R 9 0 R 11 0 R]>>/Extensions<<>>/DSS<</Certs[99 0 R 4 0 R]/CRLs 5>>"
    document = build(page_objects(b"/Annots[7 0 R 9 0 R 11 0 R]", root) | odd)
    data = collect_validation_data(document, trust(AT), AT)
    assert data == ValidationData((), (), ())
    assert add_validation_data(document, data) == document
    kept = add_validation_data(document, ValidationData((short_certificate().der,), (), ()))
    trusted, _ = read_validation_data([PdfDocument.open(kept)], TrustList.empty())
    assert short_certificate() in trusted.intermediates


def test_a_document_of_others_is_carried_on_too() -> None:
    """Whoever sealed it: what counts is that the trust list knows the chain."""
    from tests.seal_service.pdf.sealing import pki as others

    document = sealed_by_others(reportlab_document())
    carried = make_long_term(document, trust=others().trust_list(), at=AT, stamp=None)
    assert b"/DSS" in carried
    assert later_authority().not_before > AT
