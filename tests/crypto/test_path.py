"""Paths that hold, in every algorithm and shape, and what is said about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.authority import CertificateAuthority, Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.path import PathResult, validate_path
from crypto.report import Outcome, verdict_of
from crypto.revocation import RevocationEvidence
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import Anchor, Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.rfc5280_names import write_directory_name, write_name
from tests.costs import at_most
from tests.pki import YEAR, DemoPki, craft, name_der, signer_for

if TYPE_CHECKING:
    from crypto.certificates import Certificate

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PKI = DemoPki.create(AT)
TRUST = PKI.trust_list()


def codes(result: PathResult, *outcomes: Outcome) -> list[str]:
    wanted = outcomes or tuple(Outcome)
    return [step.code for step in result.steps if step.outcome in wanted]


def validate(
    leaf: Certificate, trust: TrustList = TRUST, at: datetime = AT, purpose: Purpose = Purpose.DOCUMENT, **more: object
) -> PathResult:
    result = validate_path(leaf, trust=trust, purpose=purpose, at=at, **more)  # type: ignore[arg-type]
    expected = {"valid": True, "invalid": False, "indeterminate": None}[verdict_of(result.steps)]
    assert result.trusted is expected
    return result


@pytest.mark.clause("RFC 5280 6.1")
@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_every_role_is_trusted_for_its_purpose(algorithm: SignatureAlgorithm) -> None:
    pki = DemoPki.create(AT, algorithm, label=algorithm.value)
    trust = pki.trust_list()
    for leaf, purpose in (
        (pki.seal, Purpose.DOCUMENT),
        (pki.maker, Purpose.SEAL_MAKER),
        (pki.tsa, Purpose.TIMESTAMP),
        (pki.ocsp, Purpose.OCSP),
    ):
        result = validate(leaf, trust, purpose=purpose)
        assert result.trusted
        assert result.chain == (leaf, *pki.chain)
        assert result.anchor is not None
        assert result.anchor.certificate == pki.root.certificate
        assert codes(result) == ["CERT_CHAIN_OK", "CERT_USAGE_OK", "CERT_TIME_OK", "CERT_REVOCATION_OK", "CERT_REVOCATION_OK"]


def test_mixed_chain_of_sm2_rsa_and_ecdsa() -> None:
    root = CertificateAuthority.create_root(
        signer_for("mixed-root", SignatureAlgorithm.RSA_SHA256), name_der("mixed root"), not_before=AT - YEAR, not_after=AT + YEAR
    )
    middle_signer = signer_for("mixed-middle", SignatureAlgorithm.ECDSA_SHA384)
    middle_request = SubjectRequest(name_der("mixed middle"), middle_signer.public_spki_der)
    middle = CertificateAuthority(root.issue(middle_request, Profile.ISSUING_CA, not_before=AT - YEAR, not_after=AT + YEAR), middle_signer)
    leaf = middle.issue(
        SubjectRequest(name_der("mixed leaf"), signer_for("mixed-leaf").public_spki_der),
        Profile.SEAL_SIGNING,
        not_before=AT - DAY,
        not_after=AT + DAY,
    )
    trust = TrustList((Anchor(root.certificate, revocation="not-published"),))
    result = validate(leaf, trust, intermediates=[middle.certificate])
    assert result.trusted
    assert codes(result, Outcome.WARN) == ["CERT_REVOCATION_NOT_PUBLISHED", "CERT_REVOCATION_NOT_PUBLISHED", "CERT_PROFILE_DEVIATION"]
    missing = validate(leaf, TrustList((Anchor(root.certificate),)), intermediates=[middle.certificate])
    assert missing.trusted is None
    assert codes(missing, Outcome.NOT_CHECKED) == ["CERT_REVOCATION_UNKNOWN"] * 2
    assert [step.facts["status"] for step in missing.steps if step.outcome is Outcome.NOT_CHECKED] == ["missing", "missing"]


def test_without_an_anchor_it_cannot_be_known() -> None:
    for trust in (TrustList.empty(), DemoPki.create(AT, label="stranger").trust_list()):
        result = validate(PKI.seal, trust, intermediates=PKI.chain)
        assert result.trusted is None
        assert result.chain == (PKI.seal,)
        assert result.anchor is None
        assert codes(result, Outcome.NOT_CHECKED) == ["CERT_NO_ANCHOR"]
    assert result.steps[0].facts["reason"] == "issuer-unknown"


def test_anchor_purposes_and_times() -> None:
    result = validate(PKI.seal, PKI.trust_list(purposes=frozenset({Purpose.TIMESTAMP})))
    assert codes(result, Outcome.NOT_CHECKED) == ["CERT_NO_ANCHOR"]
    assert result.steps[0].facts["reason"] == "anchor-not-for-this-purpose"
    for start, end, trusted in ((None, None, True), (AT - DAY, AT + DAY, True), (AT + DAY, None, None), (None, AT - DAY, None)):
        trust = TrustList((Anchor(PKI.root.certificate, trusted_from=start, trusted_until=end),), TRUST.intermediates, TRUST.crls)
        assert validate(PKI.seal, trust).trusted is trusted
    assert validate(PKI.seal, trust).steps[0].facts["reason"] == "anchor-not-trusted-at-this-time"


def test_the_same_certificate_as_anchor_for_different_purposes() -> None:
    anchors = (Anchor(PKI.root.certificate, frozenset({Purpose.TIMESTAMP})), Anchor(PKI.root.certificate, frozenset({Purpose.DOCUMENT})))
    result = validate(PKI.seal, TrustList(anchors, TRUST.intermediates, TRUST.crls))
    assert result.trusted
    assert result.anchor == anchors[1]


def test_an_intermediate_and_a_leaf_as_anchors() -> None:
    issuing = validate(PKI.seal, TrustList((Anchor(PKI.issuing.certificate),), crls=PKI.crls()))
    assert issuing.trusted
    assert issuing.chain == (PKI.seal, PKI.issuing.certificate)
    leaf = validate(PKI.seal, TrustList((Anchor(PKI.seal),)))
    assert leaf.trusted
    assert leaf.chain == (PKI.seal,)
    assert codes(leaf) == ["CERT_CHAIN_OK", "CERT_USAGE_OK", "CERT_TIME_OK"]
    # as an anchor it stands for itself, not for what its key might sign
    child = craft(PKI.seal.subject_der, PKI.seal_signer, name_der("child"), signer_for("child").public_spki_der, at=AT)
    assert codes(validate(child, TrustList((Anchor(PKI.seal, revocation="not-published"),))), Outcome.FAIL) == ["CERT_CHAIN_BAD"] * 2


def test_an_intermediate_anchor_that_does_not_serve_leaves_the_way_to_the_root() -> None:
    anchors = (Anchor(PKI.issuing.certificate, frozenset({Purpose.TIMESTAMP})), Anchor(PKI.root.certificate))
    result = validate(PKI.seal, TrustList(anchors, TRUST.intermediates, TRUST.crls))
    assert result.trusted
    assert result.chain == (PKI.seal, *PKI.chain)


def test_expired_since_then_is_a_warning() -> None:
    late = AT + 6 * YEAR
    result = validate(PKI.seal, now=late)
    assert result.trusted
    assert codes(result, Outcome.WARN) == ["CERT_EXPIRED_AFTER"]
    at_that_time = validate(PKI.seal, at=late, now=late)
    assert not at_that_time.trusted
    assert codes(at_that_time, Outcome.FAIL) == ["CERT_NOT_VALID_AT_TIME"]


def test_revoked_before_and_after_signing() -> None:
    before = DemoPki.create(AT)
    before.revoked.append(RevokedCertificate(before.seal.serial, AT - DAY, "keyCompromise"))
    result = validate(before.seal, before.trust_list(crls=before.crls(AT)))
    assert codes(result, Outcome.FAIL) == ["CERT_REVOKED_BEFORE"]
    before.revoked[0] = RevokedCertificate(before.seal.serial, AT + DAY, "superseded")
    result = validate(before.seal, before.trust_list(crls=before.crls(AT + 2 * DAY)))
    assert result.trusted
    assert codes(result, Outcome.WARN) == ["CERT_REVOKED_AFTER"]
    # revoked at the very moment counts as before
    before.revoked[0] = RevokedCertificate(before.seal.serial, AT, "superseded")
    assert validate(before.seal, before.trust_list(crls=before.crls(AT))).trusted is False
    # a compromise that began before signing counts from its beginning
    before.revoked[0] = RevokedCertificate(before.seal.serial, AT + DAY, "keyCompromise", invalid_at=AT - DAY)
    assert validate(before.seal, before.trust_list(crls=before.crls(AT + 2 * DAY))).trusted is False


def test_a_revoked_issuer_ends_the_path() -> None:
    pki = DemoPki.create(AT)
    pki.revoked_by_root.append(RevokedCertificate(pki.issuing.certificate.serial, AT - DAY, "cACompromise"))
    assert codes(validate(pki.seal, pki.trust_list()), Outcome.FAIL) == ["CERT_REVOKED_BEFORE"]


def test_evidence_from_the_document_counts_as_far_as_it_is_signed() -> None:
    trust = PKI.trust_list(crls=(), with_intermediates=False)
    evidence = RevocationEvidence(crls=PKI.crls())
    assert validate(PKI.seal, trust, intermediates=[PKI.issuing.certificate], evidence=evidence).trusted
    forged = DemoPki.create(AT, label="forger").crls()
    assert validate(PKI.seal, trust, intermediates=[PKI.issuing.certificate], evidence=RevocationEvidence(crls=forged)).trusted is None


@pytest.mark.clause("RFC 5280 6.1")
def test_cross_certificates_are_tried_until_one_leads_to_an_anchor() -> None:
    other = DemoPki.create(AT, label="other")
    subject, spki = PKI.issuing.certificate.subject_der, PKI.issuing.certificate.spki_der
    cross = other.root.issue(SubjectRequest(subject, spki), Profile.ISSUING_CA, not_before=AT - YEAR, not_after=AT + YEAR)
    expired = craft(
        PKI.root.certificate.subject_der,
        PKI.root_signer,
        subject,
        spki,
        at=AT,
        not_after=AT - DAY,
        extensions_der=[extensions.write_basic_constraints(ca=True), extensions.write_subject_key_identifier(cross.subject_key_id or b"")],
    )
    offered = [expired, cross, PKI.issuing.certificate]
    for pki, path in ((other, (PKI.seal, cross, other.root.certificate)), (PKI, (PKI.seal, *PKI.chain))):
        trust = TrustList((Anchor(pki.root.certificate),), crls=(*PKI.crls(), *other.crls()))
        for order in (offered, offered[::-1]):
            result = validate(PKI.seal, trust, intermediates=order)
            assert result.trusted
            assert result.chain == path
    # where only the expired one is at hand, the path is found and judged
    trust = TrustList((Anchor(PKI.root.certificate),), crls=PKI.crls())
    assert codes(validate(PKI.seal, trust, intermediates=[expired]), Outcome.FAIL) == ["CERT_NOT_VALID_AT_TIME"]


def test_of_several_bad_paths_the_undecided_one_is_reported() -> None:
    other = DemoPki.create(AT, label="other")
    subject, spki = PKI.issuing.certificate.subject_der, PKI.issuing.certificate.spki_der
    cross = other.root.issue(SubjectRequest(subject, spki), Profile.ISSUING_CA, not_before=AT - YEAR, not_after=AT + YEAR)
    pki = DemoPki.create(AT)
    pki.revoked_by_root.append(RevokedCertificate(pki.issuing.certificate.serial, AT - DAY))
    trust = TrustList((Anchor(pki.root.certificate), Anchor(other.root.certificate)), crls=pki.crls())
    for order in ([pki.issuing.certificate, cross], [cross, pki.issuing.certificate]):
        result = validate(pki.seal, trust, intermediates=order)
        assert result.trusted is None
        assert cross in result.chain


def test_names_chain_by_bytes_or_normalised() -> None:
    printable = der.sequence(
        *(
            der.tlv(der.SET, der.sequence(der.oid(oid), der.printable_string(text)))
            for oid, text in ((oids.COUNTRY, "CN"), (oids.ORGANISATION, "YINXIN  TEST"), (oids.COMMON_NAME, "Demo Issuing"))
        )
    )
    leaf = craft(printable, PKI.issuing_signer, name_der("leaf"), signer_for("leaf").public_spki_der, at=AT)
    assert validate(leaf).trusted
    other = craft(name_der("demo issuing 2"), PKI.issuing_signer, name_der("leaf"), signer_for("leaf").public_spki_der, at=AT)
    assert codes(validate(other), Outcome.NOT_CHECKED) == ["CERT_NO_ANCHOR"]


@pytest.mark.clause("RFC 5280 4.2.1.10")
def test_name_constraints_that_hold() -> None:
    unit = write_name([("C", "CN"), ("O", "Yinxin test")])
    constraint = extensions.write_name_constraints(
        permitted=[write_directory_name(unit), der.tlv(0x82, b"a.example")],
        excluded=[write_directory_name(write_name([("C", "CN"), ("O", "Other")]))],
    )
    issuing = PKI.root.issue(
        SubjectRequest(name_der("demo issuing"), PKI.issuing_signer.public_spki_der),
        Profile.ISSUING_CA,
        not_before=AT - YEAR,
        not_after=AT + YEAR,
        extensions_der=[constraint],
    )
    trust = TrustList((Anchor(PKI.root.certificate),), (issuing,), PKI.crls())
    for subject in (name_der("leaf"), b"\x30\x00"):
        assert validate(craft(issuing.subject_der, PKI.issuing_signer, subject, PKI.seal.spki_der, at=AT), trust).trusted


def test_old_roots_without_extensions_serve_as_anchors() -> None:
    fields = PKI.root.certificate.fields
    tbs_der = der.sequence(
        der.integer(1),
        fields.signature_algorithm.raw,
        fields.subject_der,
        der.sequence(der.utc_time(fields.not_before), der.utc_time(fields.not_after)),
        fields.subject_der,
        fields.spki.raw,
    )
    from crypto.certificates import Certificate
    from standards.rfc5280_certificate import write_signed

    first_version = Certificate.from_der(write_signed(tbs_der, fields.signature_algorithm.raw, PKI.root_signer.sign(tbs_der)))
    assert first_version.fields.version == 1
    assert validate(PKI.seal, TrustList((Anchor(first_version),), TRUST.intermediates, TRUST.crls)).trusted
    # but not as an intermediate
    above = DemoPki.create(AT, label="above")
    link = der.sequence(
        der.integer(1),
        fields.signature_algorithm.raw,
        above.root.certificate.subject_der,
        *(node.raw for node in der.read_der(tbs_der).children()[3:]),
    )
    linked = Certificate.from_der(write_signed(link, fields.signature_algorithm.raw, above.root_signer.sign(link)))
    trust = TrustList((Anchor(above.root.certificate),), (linked, *TRUST.intermediates), (*TRUST.crls, *above.crls()))
    assert "issuer-is-not-a-ca" in [step.facts.get("reason") for step in validate(PKI.seal, trust).steps]


def test_speed_of_cold_and_warm_validation() -> None:
    pki = DemoPki.create(AT, label="speed")
    trust = pki.trust_list()
    with at_most(0.1):  # about 2 ms: four signatures
        assert validate_path(pki.seal, trust=trust, purpose=Purpose.DOCUMENT, at=AT).trusted
    with at_most(50 * 0.005):  # about 0.1 ms each
        for _ in range(50):
            assert validate_path(pki.seal, trust=trust, purpose=Purpose.DOCUMENT, at=AT).trusted
