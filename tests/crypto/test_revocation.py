"""Revocation lists and OCSP: good, revoked, stale, missing and undecidable are told apart, and nothing but good is good."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from crypto import revocation_lists
from crypto.authority import CertificateAuthority, RevokedCertificate
from crypto.digests import digest
from crypto.ocsp_responder import OcspResponder
from crypto.ocsp_responses import cert_id_der
from crypto.revocation import MAX_EVIDENCE, RevocationEvidence, RevocationResult, RevocationStatus, check_revocation
from crypto.signatures import SignatureAlgorithm, algorithm_identifier
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import rfc6960_ocsp as ocsp
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5280_certificate import write_extension, write_signed
from standards.rfc5280_crl import read_crl, write_issuing_distribution_point, write_tbs_crl
from tests.pki import YEAR, DemoPki, craft, name_der
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crypto.certificates import Certificate

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PKI = DemoPki.create(AT)
CA = PKI.issuing
HOLD = RevokedCertificate(PKI.seal.serial, AT - 2 * DAY, "certificateHold")


def crl(*revoked: RevokedCertificate, at: datetime = AT - DAY, days: int = 30, ca: CertificateAuthority = CA, **more: object) -> bytes:
    return ca.issue_crl(revoked, this_update=at, next_update=at + days * DAY, number=1, **more)  # type: ignore[arg-type]


def check(
    *crls: bytes, responses: tuple[bytes, ...] = (), at: datetime = AT, leaf: Certificate = PKI.seal, **more: object
) -> RevocationResult:
    return check_revocation(leaf, CA.certificate, RevocationEvidence(crls, responses), at, **more)  # type: ignore[arg-type]


def status(*crls: bytes, **more: object) -> tuple[RevocationStatus, str | None]:
    result = check(*crls, **more)  # type: ignore[arg-type]
    return result.status, result.reason


@pytest.mark.clause("RFC 5280 6.3")
def test_fresh_stale_and_missing_are_told_apart() -> None:
    assert check(crl()).status is RevocationStatus.GOOD
    assert check(crl()).source == "crl"
    assert check(crl()).this_update == AT - DAY
    assert status(crl(at=AT - 31 * DAY)) == (RevocationStatus.STALE, "stale")
    assert check(crl(at=AT - 30 * DAY)).status is RevocationStatus.GOOD  # nextUpdate is the last moment
    assert status() == (RevocationStatus.MISSING, None)
    assert status(PKI.crls()[0]) == (RevocationStatus.MISSING, None)
    assert check(crl(at=AT - 31 * DAY), crl()).status is RevocationStatus.GOOD


def test_a_list_issued_after_the_moment_shows_it_good_even_when_out_of_date_today() -> None:
    later = crl(at=AT + 10 * DAY)
    assert check(later).status is RevocationStatus.GOOD
    assert check(later, now=AT + YEAR).status is RevocationStatus.GOOD
    assert status(later, at=AT + 41 * DAY) == (RevocationStatus.STALE, "stale")


def test_a_list_of_the_future_is_not_believed() -> None:
    assert status(crl(at=AT + DAY), now=AT) == (RevocationStatus.UNDECIDABLE, "dated-in-the-future")
    assert check(crl(at=AT + timedelta(minutes=4)), now=AT).status is RevocationStatus.GOOD


def test_a_list_that_ends_before_it_begins_is_not_believed() -> None:
    assert status(crl(at=AT + DAY, days=-3)) == (RevocationStatus.UNDECIDABLE, "next-update-before-this-update")


@pytest.mark.clause("RFC 5280 3.3")
def test_expired_certificates_may_have_been_dropped_from_later_lists() -> None:
    after = PKI.seal.not_after + DAY
    assert status(crl(at=after)) == (RevocationStatus.STALE, "issued-after-the-certificate-expired")
    assert check(crl(at=after, expired_since=AT)).status is RevocationStatus.GOOD
    assert status(crl(at=after, expired_since=after)) == (RevocationStatus.STALE, "issued-after-the-certificate-expired")


def test_without_next_update_only_a_later_list_counts() -> None:
    algorithm_der = algorithm_identifier(PKI.issuing_signer.algorithm).raw

    def bare(at: datetime) -> bytes:
        tbs = der.sequence(algorithm_der, CA.certificate.subject_der, der.utc_time(at))
        return write_signed(tbs, algorithm_der, PKI.issuing_signer.sign(tbs))

    assert status(bare(AT - timedelta(minutes=1))) == (RevocationStatus.STALE, "stale")
    assert check(bare(AT)).status is RevocationStatus.GOOD


@pytest.mark.clause("RFC 5280 5.3.1", "RFC 5280 5.3.2")
def test_revocation_with_reason_and_date() -> None:
    result = check(crl(RevokedCertificate(PKI.seal.serial, AT - DAY, "keyCompromise", AT - 5 * DAY)))
    assert result == RevocationResult(RevocationStatus.REVOKED, AT - 5 * DAY, "keyCompromise", "crl", AT - DAY)
    # a stale list that names it still counts; the earliest moment wins
    stale = crl(RevokedCertificate(PKI.seal.serial, AT - 90 * DAY, "superseded"), at=AT - 80 * DAY)
    assert check(stale, crl()).revoked_at == AT - 90 * DAY
    assert check(crl(), stale).status is RevocationStatus.REVOKED
    assert check(crl(RevokedCertificate(PKI.seal.serial + 1, AT - DAY))).status is RevocationStatus.GOOD


def test_a_hold_lasts_until_a_newer_list_leaves_it_out() -> None:
    held = crl(HOLD, at=AT - 2 * DAY)
    assert check(held).status is RevocationStatus.REVOKED
    assert check(held, crl(at=AT - 3 * DAY)).status is RevocationStatus.REVOKED
    assert check(held, crl()).status is RevocationStatus.GOOD
    for_good = crl(RevokedCertificate(PKI.seal.serial, AT - 2 * DAY, "keyCompromise"), at=AT - 2 * DAY)
    assert check(for_good, crl()).status is RevocationStatus.REVOKED


def test_remove_from_crl_belongs_into_delta_lists() -> None:
    assert status(crl(RevokedCertificate(PKI.seal.serial, AT - DAY, "removeFromCRL"))) == (
        RevocationStatus.UNDECIDABLE,
        "remove-from-complete-list",
    )


@pytest.mark.clause("RFC 5280 5.2")
@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (write_extension(oids.DELTA_CRL_INDICATOR, der.integer(1), critical=True), "delta-list"),
        (write_extension("1.2.3", der.null(), critical=True), "unknown-critical-extension"),
        (write_issuing_distribution_point([], indirect=True), "indirect-list"),
        (write_extension(oids.ISSUING_DISTRIBUTION_POINT, der.sequence(der.tlv(0x83, b"\x06\x40")), critical=True), "partial-list"),
        (
            write_extension(
                oids.ISSUING_DISTRIBUTION_POINT,
                der.sequence(der.explicit(0, der.tlv(0xA1, der.sequence(der.oid("2.5.4.3"), der.utf8_string("x"))))),
                critical=True,
            ),
            "relative-distribution-point",
        ),
        (write_extension(oids.ISSUING_DISTRIBUTION_POINT, b"\x05", critical=True), "DER_TRUNCATED"),
    ],
    ids=["delta", "unknown", "indirect", "partial", "relative", "malformed-scope"],
)
def test_lists_that_may_not_be_relied_on(extension: bytes, expected: str) -> None:
    unusable = crl(extensions_der=[extension])
    assert status(unusable) == (RevocationStatus.UNDECIDABLE, expected)
    assert check(unusable, crl()).status is RevocationStatus.GOOD


@pytest.mark.clause("RFC 5280 5.2.5")
def test_scope_of_a_list() -> None:
    def scoped(*urls: str, **only: bool) -> bytes:
        return crl(extensions_der=[write_issuing_distribution_point(urls, **only)])

    assert check(scoped("http://127.0.0.1/issuing.crl")).status is RevocationStatus.GOOD
    assert check(scoped("http://127.0.0.1/other.crl", "http://127.0.0.1/issuing.crl", only_user=True)).status is RevocationStatus.GOOD
    assert status(scoped("http://127.0.0.1/other.crl")) == (RevocationStatus.MISSING, "other-distribution-point")
    assert status(scoped(only_ca=True)) == (RevocationStatus.MISSING, "other-kind-of-certificate")
    attributes = write_extension(oids.ISSUING_DISTRIBUTION_POINT, der.sequence(der.tlv(0x85, b"\xff")), critical=True)
    assert status(crl(extensions_der=[attributes])) == (RevocationStatus.MISSING, "other-kind-of-certificate")
    users = crl(ca=PKI.root, extensions_der=[write_issuing_distribution_point([], only_user=True)])
    authorities = crl(ca=PKI.root, extensions_der=[write_issuing_distribution_point([], only_ca=True)])
    for evidence, expected in ((users, RevocationStatus.MISSING), (authorities, RevocationStatus.GOOD)):
        assert check_revocation(CA.certificate, PKI.root.certificate, RevocationEvidence((evidence,)), AT).status is expected


def crafted(entry_extensions: bytes = b"", issuer: str = "demo issuing", **tbs: object) -> bytes:
    algorithm_der = algorithm_identifier(PKI.issuing_signer.algorithm).raw
    parts: dict[str, object] = {
        "signature_algorithm_der": algorithm_der,
        "issuer_der": name_der(issuer),
        "this_update": AT,
        "next_update": AT + DAY,
        "entries": [(77, AT, entry_extensions)],
        "extensions_der": [write_extension(oids.CRL_NUMBER, der.integer(1))],
    }
    tbs_der = write_tbs_crl(**(parts | tbs))  # type: ignore[arg-type]
    return write_signed(tbs_der, algorithm_der, PKI.issuing_signer.sign(tbs_der))


def test_entries_that_change_the_meaning_of_the_list() -> None:
    assert check(crafted()).status is RevocationStatus.GOOD
    critical = der.sequence(write_extension("1.2.3", der.null(), critical=True))
    assert status(crafted(critical)) == (RevocationStatus.UNDECIDABLE, "unknown-critical-entry-extension")
    indirect = [(PKI.seal.serial, AT, der.sequence(write_extension(oids.CERTIFICATE_ISSUER, der.sequence())))]
    assert status(crafted(entries=indirect)) == (RevocationStatus.UNDECIDABLE, "indirect-list")
    broken = [(PKI.seal.serial, AT, der.null())]
    assert check(crafted(entries=broken)).status is RevocationStatus.UNDECIDABLE


def test_lists_of_others_and_forged_lists_say_nothing() -> None:
    assert status(crafted(issuer="somebody")) == (RevocationStatus.MISSING, None)
    changed = bytearray(crl())
    changed[-1] ^= 1
    assert status(bytes(changed)) == (RevocationStatus.MISSING, "signature-bad")
    assert status(b"nonsense") == (RevocationStatus.MISSING, "DER_TRUNCATED")
    fields = read_crl(crl())
    outer = algorithm_identifier(SignatureAlgorithm.ECDSA_SHA256).raw
    assert status(write_signed(fields.tbs_der, outer, fields.signature)) == (RevocationStatus.MISSING, "signature-bad")
    unknown = der.sequence(der.oid("1.2.3"))
    tbs = crafted(signature_algorithm_der=unknown)
    assert status(write_signed(read_crl(tbs).tbs_der, unknown, b"x")) == (RevocationStatus.UNDECIDABLE, "signature-unsupported")


def test_an_issuer_without_the_right_to_sign_lists() -> None:
    issuer = craft(
        PKI.root.certificate.subject_der,
        PKI.root_signer,
        CA.certificate.subject_der,
        CA.certificate.spki_der,
        at=AT,
        extensions_der=[extensions.write_basic_constraints(ca=True), extensions.write_key_usage([5])],
    )
    result = check_revocation(PKI.seal, issuer, RevocationEvidence((crl(),)), AT)
    assert (result.status, result.reason) == (RevocationStatus.UNDECIDABLE, "issuer-may-not-sign-lists")


def test_too_much_evidence_is_refused() -> None:
    assert status(*[crl()] * (MAX_EVIDENCE + 1)) == (RevocationStatus.UNDECIDABLE, "too-much-evidence")


def test_a_large_list_is_read_once_and_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    large = crl(*(RevokedCertificate((1 << 128) + n, AT - DAY, "superseded") for n in range(50_000)))
    started = time.process_time()
    assert check(large).status is RevocationStatus.GOOD
    cold = time.process_time() - started
    started = time.process_time()
    for _ in range(100):
        assert check(large).status is RevocationStatus.GOOD
    assert time.process_time() - started < cold + 0.5  # 100 look-ups cost about as much as the first
    monkeypatch.setattr(revocation_lists, "MAX_REMEMBERED_BYTES", 10)
    memory = revocation_lists._Memory()
    first = memory.read(crl())
    assert not memory._lists
    assert memory._bytes == 0
    assert first.is_signed_by(CA.certificate.spki_der)


def test_memory_returns_the_same_list_and_bounds_its_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = crl()
    read = revocation_lists.read_revocation_list(encoded)
    assert revocation_lists.read_revocation_list(encoded) is read
    monkeypatch.setattr(revocation_lists, "MAX_REMEMBERED_CHECKS", 1)
    for _ in range(2):
        assert read.is_signed_by(CA.certificate.spki_der).value == "good"
        assert read.is_signed_by(PKI.seal.spki_der).value == "bad"
    assert len(read._checks) == 1


# OCSP


def ask(leaf: Certificate = PKI.seal, nonce: bytes | None = None, digest_oid: str = oids.SM3) -> bytes:
    return ocsp.write_ocsp_request([cert_id_der(leaf, CA.certificate, digest_oid)], nonce)


def answer(
    request: bytes | None = None,
    *,
    state: object = "good",
    responder: OcspResponder | None = None,
    at: datetime = AT - timedelta(hours=1),
    hours: int = 24,
    **more: object,
) -> bytes:
    return (responder or PKI.responder()).respond(
        ask() if request is None else request,
        lambda serial: state,  # type: ignore[arg-type,return-value]
        this_update=at,
        next_update=at + timedelta(hours=hours),
        **more,  # type: ignore[arg-type]
    )


def ocsp_status(*responses: bytes, crls: tuple[bytes, ...] = (), **more: object) -> tuple[RevocationStatus, str | None]:
    return status(*crls, responses=responses, **more)


@pytest.mark.clause("RFC 6960 4.2.2", "RFC 6960 3.2")
@pytest.mark.parametrize("digest_oid", [oids.SM3, oids.SHA1, oids.SHA256])
def test_delegated_and_direct_responders(digest_oid: str) -> None:
    direct = OcspResponder(CA.certificate, CA.certificate, PKI.issuing_signer)
    for responder in (None, direct):
        good = answer(ask(digest_oid=digest_oid), responder=responder)
        result = check(responses=(good,))
        assert (result.status, result.source) == (RevocationStatus.GOOD, "ocsp")
    revoked = answer(state=RevokedCertificate(PKI.seal.serial, AT - DAY, "keyCompromise"))
    assert check(crl(), responses=(revoked,)) == RevocationResult(
        RevocationStatus.REVOKED, AT - DAY, "keyCompromise", "ocsp", AT - timedelta(hours=1)
    )
    assert ocsp_status(answer(state="unknown")) == (RevocationStatus.UNDECIDABLE, "responder-does-not-know")


def test_freshness_of_responses() -> None:
    assert ocsp_status(answer(at=AT - 2 * DAY)) == (RevocationStatus.STALE, "stale")
    assert ocsp_status(answer(at=AT + DAY))[0] is RevocationStatus.GOOD
    after = PKI.seal.not_after + DAY
    responder = OcspResponder(CA.certificate, craft_responder(until=after + YEAR), PKI.ocsp_signer)
    assert ocsp_status(answer(at=after, responder=responder)) == (RevocationStatus.STALE, "issued-after-the-certificate-expired")
    assert ocsp_status(answer(at=after, responder=responder, archive_cutoff=AT))[0] is RevocationStatus.GOOD


def test_nonce_when_asked() -> None:
    nonce = b"n" * 32
    assert ocsp_status(answer(ask(nonce=nonce)), nonce=nonce)[0] is RevocationStatus.GOOD
    assert ocsp_status(answer(ask(nonce=b"m" * 32)), nonce=nonce) == (RevocationStatus.UNDECIDABLE, "nonce-differs")
    assert ocsp_status(answer(), nonce=nonce) == (RevocationStatus.UNDECIDABLE, "nonce-differs")


def test_answers_about_others_say_nothing() -> None:
    assert ocsp_status(answer(ask(PKI.tsa))) == (RevocationStatus.MISSING, "other-certificate")
    other = DemoPki.create(AT, label="other")
    foreign = ocsp.write_ocsp_request([cert_id_der(PKI.seal, other.issuing.certificate)])
    assert ocsp_status(answer(foreign)) == (RevocationStatus.MISSING, "other-certificate")
    sha512 = ocsp.write_cert_id(
        oids.SHA512,
        digest(oids.SHA512, PKI.seal.issuer_der),
        digest(oids.SHA512, CA.certificate.fields.spki.key_bits),
        PKI.seal.serial,
    )
    assert ocsp_status(answer(ocsp.write_ocsp_request([sha512]))) == (RevocationStatus.MISSING, "other-certificate")
    assert ocsp_status(ocsp.write_ocsp_failure(ocsp.TRY_LATER)) == (RevocationStatus.MISSING, "no-answer")
    assert ocsp_status(b"\x30\x00") == (RevocationStatus.MISSING, "OCSP_MALFORMED")


def craft_responder(
    *written: bytes,
    issuer: CertificateAuthority = CA,
    signer: object = None,
    until: datetime | None = None,
    subject: str = "demo OCSP responder",
) -> Certificate:
    default = (extensions.write_extended_key_usage([oids.EKU_OCSP_SIGNING]), write_extension(oids.OCSP_NO_CHECK, der.null()))
    return craft(
        issuer.certificate.subject_der,
        PKI.issuing_signer if signer is None else signer,  # type: ignore[arg-type]
        name_der(subject),
        PKI.ocsp_signer.public_spki_der,
        at=AT,
        not_after=until,
        serial=4711,
        extensions_der=written or default,
    )


def response_by(certificate: Certificate, at: datetime = AT - timedelta(hours=1), enclosed: tuple[bytes, ...] | None = None) -> bytes:
    """A response signed with the responder's key, whatever certificate it comes with."""
    single = ocsp.write_single_response(cert_id_der(PKI.seal, CA.certificate), status=ocsp.GOOD, this_update=at, next_update=at + DAY)
    tbs_der = ocsp.write_response_data(responder_name_der=certificate.subject_der, produced_at=at, responses_der=[single])
    algorithm_der = algorithm_identifier(PKI.ocsp_signer.algorithm).raw
    return ocsp.write_ocsp_response(
        tbs_der, algorithm_der, PKI.ocsp_signer.sign(tbs_der), (certificate.der,) if enclosed is None else enclosed
    )


@pytest.mark.clause("RFC 6960 4.2.2.2")
def test_responders_that_may_not_answer() -> None:
    purpose = extensions.write_extended_key_usage([oids.EKU_OCSP_SIGNING])
    no_check = write_extension(oids.OCSP_NO_CHECK, der.null())
    other = DemoPki.create(AT, label="other")
    cases: list[tuple[bytes, str | None, RevocationStatus]] = [
        (response_by(craft_responder()), None, RevocationStatus.GOOD),
        (response_by(craft_responder(no_check)), "responder-not-authorised", RevocationStatus.UNDECIDABLE),
        (
            response_by(craft_responder(purpose, no_check, extensions.write_key_usage([5]))),
            "responder-key-usage",
            RevocationStatus.UNDECIDABLE,
        ),
        (
            response_by(craft_responder(purpose, no_check, until=AT - DAY)),
            "responder-not-valid-at-time",
            RevocationStatus.UNDECIDABLE,
        ),
        (response_by(craft_responder(purpose)), "responder-revocation-unknown", RevocationStatus.UNDECIDABLE),
        (response_by(craft_responder(issuer=other.issuing, signer=other.issuing_signer)), "signature-bad", RevocationStatus.MISSING),
        (response_by(craft_responder(signer=other.issuing_signer)), "signature-bad", RevocationStatus.MISSING),
        (response_by(craft_responder(), enclosed=()), "signature-bad", RevocationStatus.MISSING),
        (response_by(craft_responder(), enclosed=(der.sequence(), PKI.tsa.der)), "signature-bad", RevocationStatus.MISSING),
    ]
    for response, reason, expected in cases:
        assert ocsp_status(response) == (expected, reason)
    changed = bytearray(response_by(craft_responder(), enclosed=()))
    changed[-1] ^= 1
    assert ocsp_status(bytes(changed)) == (RevocationStatus.MISSING, "signature-bad")


def test_a_responder_without_nocheck_is_checked_against_the_lists() -> None:
    response = response_by(craft_responder(extensions.write_extended_key_usage([oids.EKU_OCSP_SIGNING])))
    assert ocsp_status(response, crls=(crl(),))[0] is RevocationStatus.GOOD
    # the list alone would show the seal's certificate good; take one that is stale for it but was fresh for the responder
    assert check(crl(at=AT - 2 * DAY, days=3), responses=(response,)).source == "ocsp"
    early = crl(at=AT - 60 * DAY)
    assert ocsp_status(response, crls=(early,)) == (RevocationStatus.UNDECIDABLE, "responder-revocation-unknown")
    revoked = crl(RevokedCertificate(4711, AT - DAY), at=AT - 60 * DAY)
    assert ocsp_status(response, crls=(revoked,)) == (RevocationStatus.UNDECIDABLE, "responder-revoked")


@pytest.mark.clause("RFC 6960 4.2.2.2")
def test_a_responder_trusted_by_decision() -> None:
    stranger = craft_responder(issuer=DemoPki.create(AT, label="other").root, signer=PKI.ocsp_signer, subject="house responder")
    response = response_by(stranger, enclosed=())
    trusted = RevocationEvidence((), (response,), (stranger,))
    assert check_revocation(PKI.seal, CA.certificate, trusted, AT).status is RevocationStatus.GOOD
    assert ocsp_status(response) == (RevocationStatus.MISSING, "signature-bad")


def test_responders_named_by_key() -> None:
    def by_key(key_digest: bytes) -> bytes:
        single = ocsp.write_single_response(cert_id_der(PKI.seal, CA.certificate), status=ocsp.GOOD, this_update=AT, next_update=AT + DAY)
        tbs = der.sequence(der.explicit(2, der.octet_string(key_digest)), der.generalized_time(AT), der.sequence(single))
        algorithm_der = algorithm_identifier(PKI.ocsp_signer.algorithm).raw
        return ocsp.write_ocsp_response(tbs, algorithm_der, PKI.ocsp_signer.sign(tbs), (PKI.ocsp.der,))

    bits = PKI.ocsp.fields.spki.key_bits
    assert ocsp_status(by_key(digest(oids.SHA1, bits)))[0] is RevocationStatus.GOOD
    assert ocsp_status(by_key(PKI.ocsp.subject_key_id or b""))[0] is RevocationStatus.GOOD
    assert ocsp_status(by_key(bytes(20)))[0] is RevocationStatus.MISSING


def test_unknown_critical_extension_in_a_response() -> None:
    single = der.sequence(
        cert_id_der(PKI.seal, CA.certificate),
        der.tlv(0x80, b""),
        der.generalized_time(AT),
        der.explicit(1, der.sequence(write_extension("1.2.3", der.null(), critical=True))),
    )
    tbs = ocsp.write_response_data(responder_name_der=PKI.ocsp.subject_der, produced_at=AT, responses_der=[single])
    algorithm_der = algorithm_identifier(PKI.ocsp_signer.algorithm).raw
    response = ocsp.write_ocsp_response(tbs, algorithm_der, PKI.ocsp_signer.sign(tbs), (PKI.ocsp.der,))
    assert ocsp_status(response) == (RevocationStatus.UNDECIDABLE, "unknown-critical-extension")


def test_the_responder_answers_hostile_requests_with_a_failure() -> None:
    assert ocsp.read_ocsp_response(answer(b"\x30\x80")).status == ocsp.MALFORMED_REQUEST
    other = DemoPki.create(AT, label="other")
    foreign = ocsp.write_ocsp_request([cert_id_der(other.seal, other.issuing.certificate)])
    basic = ocsp.read_ocsp_response(answer(foreign)).basic
    assert basic is not None
    assert basic.responses[0].status == ocsp.UNKNOWN


def test_responders_are_made_of_fitting_parts() -> None:
    with pytest.raises(TrustError, match="OCSP_KEY_MISMATCH"):
        OcspResponder(CA.certificate, PKI.ocsp, PKI.seal_signer)
    with pytest.raises(TrustError, match="OCSP_NOT_ALLOWED"):
        OcspResponder(CA.certificate, PKI.seal, PKI.seal_signer)


def test_evidence_adds_up() -> None:
    both = RevocationEvidence((b"a",), (b"b",)) + RevocationEvidence((b"c",), responders=(PKI.ocsp,))
    assert both == RevocationEvidence((b"a", b"c"), (b"b",), (PKI.ocsp,))


@pytest.mark.parametrize("source", ["crl", "ocsp"])
def test_no_flipped_byte_makes_revoked_good(source: str) -> None:
    state = RevokedCertificate(PKI.seal.serial, AT - DAY, "keyCompromise")
    original = crl(state) if source == "crl" else answer(state=state)
    for position in range(0, len(original), 3):
        changed = bytearray(original)
        changed[position] ^= 0x55
        evidence = RevocationEvidence((bytes(changed),)) if source == "crl" else RevocationEvidence(ocsp=(bytes(changed),))
        assert check_revocation(PKI.seal, CA.certificate, evidence, AT).status is not RevocationStatus.GOOD
