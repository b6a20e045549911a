"""OCSP: who may answer, what an answer says, and that nothing but good is good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from crypto.authority import CertificateAuthority, RevokedCertificate
from crypto.digests import digest
from crypto.ocsp_responder import OcspResponder
from crypto.revocation import RevocationEvidence, RevocationResult, RevocationStatus, check_revocation
from crypto.signatures import algorithm_identifier
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import rfc6960_ocsp as ocsp
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5280_algorithms import write_algorithm, write_spki
from standards.rfc5280_certificate import write_extension, write_signed
from standards.rfc5280_crl import write_tbs_crl
from tests.costs import at_most
from tests.pki import YEAR, DemoPki, cert_id_der, craft, name_der
from tests.untraced import untraced

if TYPE_CHECKING:
    from crypto.certificates import Certificate

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PKI = DemoPki.create(AT)
CA = PKI.issuing


def crl(*revoked: RevokedCertificate, at: datetime = AT - DAY, days: int = 30) -> bytes:
    return CA.issue_crl(revoked, this_update=at, next_update=at + days * DAY, number=1)


def check(*crls: bytes, responses: tuple[bytes, ...] = (), at: datetime = AT, **more: object) -> RevocationResult:
    return check_revocation(PKI.seal, CA.certificate, RevocationEvidence(crls, responses), at, **more)  # type: ignore[arg-type]


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
    result = check(*crls, responses=responses, **more)  # type: ignore[arg-type]
    return result.status, result.reason


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
    key_bits = CA.certificate.fields.spki.key_bits
    other_name = ocsp.write_cert_id(oids.SM3, digest(oids.SM3, name_der("x")), digest(oids.SM3, key_bits), PKI.seal.serial)
    assert ocsp_status(response_by(PKI.ocsp, certificate_id=other_name)) == (RevocationStatus.MISSING, "other-certificate")
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


def response_by(
    certificate: Certificate,
    at: datetime = AT - timedelta(hours=1),
    enclosed: tuple[bytes, ...] | None = None,
    certificate_id: bytes | None = None,
    produced_at: datetime | None = None,
    until: datetime | None = None,
    revocations: tuple[datetime | None, ...] = (None,),
    algorithm_der: bytes = algorithm_identifier(PKI.ocsp_signer.algorithm).raw,
) -> bytes:
    """A response signed with the responder's key, whatever certificate it comes with; one answer for each of ``revocations``."""
    singles = [
        ocsp.write_single_response(
            certificate_id or cert_id_der(PKI.seal, CA.certificate),
            status=ocsp.GOOD,
            this_update=at,
            next_update=until or at + DAY,
            revoked_at=revoked_at,
        )
        for revoked_at in revocations
    ]
    tbs_der = ocsp.write_response_data(responder_name_der=certificate.subject_der, produced_at=produced_at or at, responses_der=singles)
    return ocsp.write_ocsp_response(
        tbs_der, algorithm_der, PKI.ocsp_signer.sign(tbs_der), (certificate.der,) if enclosed is None else enclosed
    )


def open_cases() -> list[tuple[str, RevocationEvidence, str | None]]:
    """Good evidence beside what says "revoked" and could not be checked: the reason why it stays open, None where it is good all the same."""
    purpose = extensions.write_extended_key_usage([oids.EKU_OCSP_SIGNING])
    no_check = write_extension(oids.OCSP_NO_CHECK, der.null())
    unknown = der.sequence(der.oid("1.2.3"))
    older, gone = AT - timedelta(hours=3), (AT - DAY,)
    good, doubtful = answer(at=AT - timedelta(hours=2)), craft_responder(purpose)

    def listed(*serials: int) -> bytes:
        tbs_der = write_tbs_crl(
            signature_algorithm_der=unknown,
            issuer_der=CA.certificate.subject_der,
            this_update=AT - timedelta(hours=1),
            next_update=AT + DAY,
            entries=[(serial, AT - DAY, b"") for serial in serials],
            extensions_der=[write_extension(oids.CRL_NUMBER, der.integer(1))],
        )
        return write_signed(tbs_der, unknown, b"x")

    def beside(*responses: bytes, crls: tuple[bytes, ...] = ()) -> RevocationEvidence:
        return RevocationEvidence(crls, (good, *responses))

    return [
        ("nothing else", beside(), None),
        ("a responder of unknown standing", beside(response_by(doubtful, revocations=gone)), "responder-revocation-unknown"),
        ("the same, older", beside(response_by(doubtful, older, revocations=gone)), None),
        ("the same, good", beside(response_by(doubtful)), None),
        ("a responder without authority", beside(response_by(craft_responder(no_check), revocations=gone)), None),
        ("an algorithm that is not ours", beside(response_by(PKI.ocsp, revocations=gone, algorithm_der=unknown)), "signature-unsupported"),
        ("the same by the issuer", beside(response_by(CA.certificate, revocations=gone, algorithm_der=unknown)), "signature-unsupported"),
        ("the same by a stranger", beside(response_by(PKI.tsa, enclosed=(), revocations=gone, algorithm_der=unknown)), None),
        ("a list of such an algorithm", beside(crls=(listed(PKI.seal.serial),)), "signature-unsupported"),
        ("such a list without it", beside(crls=(listed(77),)), None),
    ]


def contradicting_responses() -> list[bytes]:
    """One response that says of one certificate all there is to say, in every order."""
    asked = cert_id_der(PKI.seal, CA.certificate)

    def single(status: str) -> bytes:
        revoked_at = AT - DAY if status == ocsp.REVOKED else None
        at = AT - timedelta(hours=1)
        return ocsp.write_single_response(asked, status=status, this_update=at, next_update=at + DAY, revoked_at=revoked_at)

    made = []
    for order in permutations((ocsp.GOOD, ocsp.UNKNOWN, ocsp.REVOKED)):
        tbs_der = ocsp.write_response_data(responder_name_der=PKI.ocsp.subject_der, produced_at=AT, responses_der=map(single, order))
        algorithm_der = algorithm_identifier(PKI.ocsp_signer.algorithm).raw
        made.append(ocsp.write_ocsp_response(tbs_der, algorithm_der, PKI.ocsp_signer.sign(tbs_der), (PKI.ocsp.der,)))
    return made


def test_of_contradicting_answers_the_worst_one_counts_in_whatever_order_they_stand() -> None:
    for response in contradicting_responses():
        assert check(responses=(response,)).status is RevocationStatus.REVOKED
        assert check(crl(at=AT), responses=(response,)).status is RevocationStatus.REVOKED


@pytest.mark.clause("RFC 6960 4.2.2.2", "RFC 5280 6.3")
@pytest.mark.parametrize(("name", "evidence", "reason"), open_cases(), ids=lambda each: each if isinstance(each, str) else "")
def test_what_says_revoked_and_cannot_be_checked_leaves_the_question_open(
    name: str, evidence: RevocationEvidence, reason: str | None
) -> None:
    found = check_revocation(PKI.seal, CA.certificate, evidence, AT)
    wanted = RevocationStatus.GOOD if reason is None else RevocationStatus.UNDECIDABLE
    assert (found.status, found.reason) == (wanted, reason), name


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


@pytest.mark.clause("RFC 6960 4.2.2.2")
def test_the_key_of_an_outdated_responder_cannot_date_its_answers_back() -> None:
    ended = AT - 30 * DAY
    outdated = craft_responder(until=ended)
    mixed = response_by(outdated, produced_at=ended - DAY)  # made "then", about today
    assert ocsp_status(mixed) == (RevocationStatus.UNDECIDABLE, "responder-not-valid-at-time")
    kept = response_by(outdated, at=ended - DAY, until=AT + DAY)  # made "then", good until tomorrow
    assert ocsp_status(kept) == (RevocationStatus.STALE, "stale")
    assert ocsp_status(kept, at=ended)[0] is RevocationStatus.GOOD
    own = answer(responder=OcspResponder(CA.certificate, CA.certificate, PKI.issuing_signer), at=ended - DAY, hours=24 * 32)
    assert ocsp_status(own)[0] is RevocationStatus.GOOD


def test_of_contradicting_answers_the_worse_counts() -> None:
    revoked_at = AT - 3 * DAY
    for revocations in ((None, revoked_at), (revoked_at, None)):
        result = check(responses=(response_by(craft_responder(), revocations=revocations),))
        assert (result.status, result.revoked_at) == (RevocationStatus.REVOKED, revoked_at)


@untraced()
def test_many_answers_in_many_responses_cost_little() -> None:
    """Responses are small when packed and need no signature to be read."""
    other = ocsp.write_cert_id(oids.SM3, bytes(32), bytes(32), PKI.seal.serial)
    crowd = [response_by(craft_responder(), certificate_id=other, revocations=(None,) * 1000, at=AT + i * DAY) for i in range(100)]
    with at_most(1.5):
        assert ocsp_status(*crowd) == (RevocationStatus.MISSING, "OCSP_TOO_MANY")


@untraced()
def test_keys_that_somebody_puts_beside_an_answer_cost_little() -> None:
    """The longest keys there are, in certificates that the issuer never made: none of them is tried."""
    rsa = write_algorithm(oids.SHA256_WITH_RSA, der.null())
    key_algorithm = write_algorithm(oids.RSA, der.null())
    named = name_der("anybody")
    asked = ocsp.write_single_response(cert_id_der(PKI.seal, CA.certificate), status=ocsp.GOOD, this_update=AT, next_update=AT + DAY)
    tbs_der = ocsp.write_response_data(responder_name_der=named, produced_at=AT, responses_der=[asked])

    def response(number: int) -> bytes:
        keys = [
            der.sequence(der.integer((1 << 16383) | (number << 512) | (i << 8) | 1), der.integer((1 << 63) + 12345678910111213))
            for i in range(16)
        ]
        enclosed = [
            craft(
                CA.certificate.subject_der,
                PKI.tsa_signer,
                named,
                write_spki(key_algorithm, key),
                at=AT,
                extensions_der=[extensions.write_extended_key_usage([oids.EKU_OCSP_SIGNING])],
            ).der
            for key in keys
        ]
        return ocsp.write_ocsp_response(tbs_der, rsa, b"\x01" * 2048, enclosed)

    responses = [response(number) for number in range(8)]
    with at_most(0.25):
        assert ocsp_status(*responses) == (RevocationStatus.MISSING, "signature-bad")


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


def test_no_flipped_byte_makes_revoked_good() -> None:
    original = answer(state=RevokedCertificate(PKI.seal.serial, AT - DAY, "keyCompromise"))
    for position in range(0, len(original), 3):
        changed = bytearray(original)
        changed[position] ^= 0x55
        assert ocsp_status(bytes(changed))[0] is not RevocationStatus.GOOD
