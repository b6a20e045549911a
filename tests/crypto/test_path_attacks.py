"""Attacks on certification paths, one test each: none may ever be trusted, none may cost much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto.authority import CertificateAuthority, Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.certificates import Certificate
from crypto.path import validate_path
from crypto.revocation import RevocationEvidence
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import Anchor, Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.rfc5280_certificate import write_extension, write_signed
from standards.rfc5280_names import write_directory_name, write_name
from tests.pki import YEAR, DemoPki, craft, name_der, signer_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.path import PathResult
    from crypto.signer import Signer

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PKI = DemoPki.create(AT)
TRUST = PKI.trust_list()
LEAF_KEY = signer_for("attack-leaf")
CA_KEY = signer_for("attack-ca")
CA = extensions.write_basic_constraints(ca=True)


def validate(leaf: Certificate, *intermediates: Certificate, trust: TrustList = TRUST, purpose: Purpose = Purpose.DOCUMENT) -> PathResult:
    return validate_path(leaf, intermediates=intermediates, trust=trust, purpose=purpose, at=AT)


def failures(result: PathResult) -> list[tuple[str, object]]:
    assert result.trusted is False
    assert not {"CERT_CHAIN_BAD", "CERT_CHAIN_OK"} <= {step.code for step in result.steps}
    return [(step.code, step.facts.get("reason")) for step in result.steps if step.outcome == "fail"]


def unknowns(result: PathResult) -> list[tuple[str, object]]:
    assert result.trusted is None
    return [(step.code, step.facts.get("reason")) for step in result.steps if step.outcome == "not-checked"]


def leaf_of(issuer: Certificate, signer: Signer, *extensions_der: bytes, subject: bytes | None = None, **times: Any) -> Certificate:
    name = name_der("attack leaf") if subject is None else subject
    return craft(issuer.subject_der, signer, name, LEAF_KEY.public_spki_der, at=AT, extensions_der=extensions_der, **times)


def authority_of(*extensions_der: bytes, name: str = "attack ca", **times: Any) -> Certificate:
    """An authority below the root, with exactly these extensions."""
    root = PKI.root.certificate.subject_der
    return craft(root, PKI.root_signer, name_der(name), CA_KEY.public_spki_der, at=AT, extensions_der=extensions_der, **times)


def trusting(*more: Certificate) -> TrustList:
    """Trusts the root, whose issuers publish nothing, so that only the attack can spoil the path."""
    return TrustList((Anchor(PKI.root.certificate, revocation="not-published"), *map(Anchor, more)))


def test_the_undisturbed_shape_is_trusted() -> None:
    ca = authority_of(CA)
    assert validate(leaf_of(ca, CA_KEY), ca, trust=trusting()).trusted


def test_expired_leaf() -> None:
    leaf = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, not_after=AT - DAY)
    assert failures(validate(leaf)) == [("CERT_NOT_VALID_AT_TIME", "expired")]


def test_leaf_not_yet_valid() -> None:
    leaf = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, not_before=AT + DAY)
    assert failures(validate(leaf)) == [("CERT_NOT_VALID_AT_TIME", "not-yet-valid")]


def test_expired_intermediate() -> None:
    ca = authority_of(CA, not_after=AT - DAY)
    assert failures(validate(leaf_of(ca, CA_KEY), ca, trust=trusting())) == [("CERT_NOT_VALID_AT_TIME", "expired")]


def test_expired_leaf_of_an_unknown_issuer_is_still_seen() -> None:
    leaf = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, not_after=AT - DAY)
    assert failures(validate(leaf, trust=TrustList.empty())) == [("CERT_NOT_VALID_AT_TIME", "expired")]


@pytest.mark.clause("RFC 5280 4.2.1.3")
@pytest.mark.parametrize("bits", [(2, 3, 4), (5, 6)], ids=["encryption", "authority"])
def test_wrong_usage_of_the_leaf(bits: Sequence[int]) -> None:
    leaf = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, extensions.write_key_usage(bits))
    for purpose in Purpose:
        assert ("CERT_USAGE_BAD", "key-usage-does-not-sign") in failures(validate(leaf, purpose=purpose))


def test_an_encryption_certificate_does_not_seal() -> None:
    asked = SubjectRequest(name_der("pair"), LEAF_KEY.public_spki_der)
    encryption = PKI.issuing.issue(asked, Profile.SEAL_ENCRYPTION, not_before=AT - DAY, not_after=AT + DAY)
    assert failures(validate(encryption)) == [("CERT_USAGE_BAD", "key-usage-does-not-sign")]


@pytest.mark.clause("RFC 3161 2.3")
@pytest.mark.parametrize(
    ("purposes", "critical", "reason"),
    [
        (None, False, "extended-key-usage-not-time-stamping-alone"),
        ((oids.EKU_OCSP_SIGNING,), True, "extended-key-usage-not-time-stamping-alone"),
        ((oids.EKU_TIME_STAMPING, oids.EKU_OCSP_SIGNING), True, "extended-key-usage-not-time-stamping-alone"),
        ((oids.EKU_ANY,), True, "extended-key-usage-not-time-stamping-alone"),
        ((oids.EKU_TIME_STAMPING,), False, "extended-key-usage-not-critical"),
    ],
)
def test_wrong_usage_for_time_stamps(purposes: tuple[str, ...] | None, critical: bool, reason: str) -> None:
    written = [] if purposes is None else [extensions.write_extended_key_usage(purposes, critical=critical)]
    leaf = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, *written)
    assert failures(validate(leaf, purpose=Purpose.TIMESTAMP)) == [("CERT_USAGE_BAD", reason)]


def test_certificates_of_services_do_not_seal() -> None:
    for leaf in (PKI.tsa, PKI.ocsp):
        for purpose in (Purpose.DOCUMENT, Purpose.SEAL_MAKER):
            assert failures(validate(leaf, purpose=purpose)) == [("CERT_USAGE_BAD", "certificate-made-for-another-service")]
    # One that is for something else as well is not theirs alone
    written = extensions.write_extended_key_usage((oids.EKU_TIME_STAMPING, "1.3.6.1.5.5.7.3.4"), critical=True)
    assert "CERT_USAGE_OK" in {step.code for step in validate(leaf_of(PKI.issuing.certificate, PKI.issuing_signer, written)).steps}
    assert failures(validate(PKI.seal, purpose=Purpose.OCSP)) == [("CERT_USAGE_BAD", "extended-key-usage-not-ocsp-signing")]


def test_odd_extended_key_usage_of_real_makers_is_tolerated() -> None:
    web = extensions.write_extended_key_usage(("1.3.6.1.5.5.7.3.1",))
    assert validate(leaf_of(PKI.issuing.certificate, PKI.issuing_signer, web), purpose=Purpose.SEAL_MAKER).trusted


@pytest.mark.clause("RFC 5280 4.2.1.9")
@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ([extensions.write_basic_constraints(ca=False)], "issuer-is-not-a-ca"),
        ([extensions.write_subject_key_identifier(b"k")], "issuer-is-not-a-ca"),
        ([CA, extensions.write_key_usage([0, 1])], "issuer-may-not-sign-certificates"),
        ([CA, extensions.write_key_usage([6])], "issuer-may-not-sign-certificates"),
    ],
    ids=["ca-false", "no-basic-constraints", "no-keyCertSign", "only-cRLSign"],
)
def test_issuer_that_is_no_authority(written: Sequence[bytes], reason: str) -> None:
    ca = authority_of(*written)
    assert failures(validate(leaf_of(ca, CA_KEY), ca, trust=trusting())) == [("CERT_CHAIN_BAD", reason)]


def test_a_seal_holder_issues_certificates() -> None:
    forged = leaf_of(PKI.seal, PKI.seal_signer)
    result = validate(forged, PKI.seal)
    assert ("CERT_CHAIN_BAD", "issuer-is-not-a-ca") in failures(result)
    assert ("CERT_CHAIN_BAD", "issuer-may-not-sign-certificates") in failures(result)


@pytest.mark.clause("RFC 5280 4.2.1.9")
def test_path_longer_than_the_authority_allows() -> None:
    below = craft(
        PKI.issuing.certificate.subject_der, PKI.issuing_signer, name_der("below"), CA_KEY.public_spki_der, at=AT, extensions_der=[CA]
    )
    trust = TrustList((Anchor(PKI.root.certificate, revocation="not-published"),), (PKI.issuing.certificate,))
    assert failures(validate(leaf_of(below, CA_KEY), below, trust=trust)) == [("CERT_CHAIN_BAD", "path-longer-than-allowed")]


def test_path_length_of_the_anchor_counts() -> None:
    root = CertificateAuthority.create_root(
        signer_for("short-root"), name_der("short root"), not_before=AT - YEAR, not_after=AT + YEAR, path_length=0
    )
    ca = craft(root.certificate.subject_der, signer_for("short-root"), name_der("x"), CA_KEY.public_spki_der, at=AT, extensions_der=[CA])
    trust = TrustList((Anchor(root.certificate, revocation="not-published"),))
    assert failures(validate(leaf_of(ca, CA_KEY), ca, trust=trust)) == [("CERT_CHAIN_BAD", "path-longer-than-allowed")]


def test_self_issued_certificates_do_not_count_towards_path_length() -> None:
    old = authority_of(CA, extensions.write_subject_key_identifier(b"old"))
    limited = authority_of(extensions.write_basic_constraints(ca=True, path_length=0))
    new_key = signer_for("rollover")
    new = craft(limited.subject_der, CA_KEY, limited.subject_der, new_key.public_spki_der, at=AT, extensions_der=[CA])
    assert validate(leaf_of(new, new_key), new, limited, trust=trusting()).trusted
    assert old.subject_der == limited.subject_der


@pytest.mark.clause("RFC 5280 4.2.1.10")
@pytest.mark.parametrize(
    ("permitted", "excluded", "leaf_extensions", "reason"),
    [
        ([[("C", "CN"), ("O", "Elsewhere")]], [], [], "name-not-permitted"),
        ([[("C", "US")]], [], [], "name-not-permitted"),
        ([], [[("C", "CN"), ("O", "yinxin  TEST")]], [], "name-excluded"),
        ([[("C", "CN")]], [[("C", "CN"), ("O", "Yinxin test")]], [], "name-excluded"),
        (
            [[("C", "CN"), ("O", "Yinxin test")]],
            [],
            [[("C", "CN"), ("O", "Smuggled")]],
            "name-not-permitted",
        ),
    ],
    ids=["organisation", "country", "excluded-folded", "excluded-within-permitted", "alternative-name"],
)
def test_name_constraints(
    permitted: list[list[tuple[str, str]]], excluded: list[list[tuple[str, str]]], leaf_extensions: list[list[tuple[str, str]]], reason: str
) -> None:
    constraint = extensions.write_name_constraints(
        permitted=[write_directory_name(write_name(name)) for name in permitted],
        excluded=[write_directory_name(write_name(name)) for name in excluded],
    )
    alternative = [
        write_extension(oids.SUBJECT_ALT_NAME, der.sequence(*(write_directory_name(write_name(name)) for name in leaf_extensions)))
    ]
    ca = authority_of(CA, constraint)
    leaf = leaf_of(ca, CA_KEY, *(alternative if leaf_extensions else ()))
    assert failures(validate(leaf, ca, trust=trusting())) == [("CERT_CHAIN_BAD", reason)]


def test_name_constraints_bind_everything_below_and_not_only_the_next() -> None:
    constraint = extensions.write_name_constraints(permitted=[write_directory_name(write_name([("C", "CN"), ("O", "Yinxin test")]))])
    ca = authority_of(CA, constraint)
    lower_key = signer_for("lower")
    lower = craft(ca.subject_der, CA_KEY, name_der("lower"), lower_key.public_spki_der, at=AT, extensions_der=[CA])
    leaf = leaf_of(lower, lower_key, subject=write_name([("C", "CN"), ("O", "Bank")]))
    assert failures(validate(leaf, lower, ca, trust=trusting())) == [("CERT_CHAIN_BAD", "name-not-permitted")]


def test_self_issued_certificates_on_the_way_are_outside_name_constraints() -> None:
    constraint = extensions.write_name_constraints(permitted=[write_directory_name(write_name([("C", "CN"), ("O", "Leaves")]))])
    ca = authority_of(CA, constraint)
    new_key = signer_for("rollover")
    new = craft(ca.subject_der, CA_KEY, ca.subject_der, new_key.public_spki_der, at=AT, extensions_der=[CA])
    inside = leaf_of(new, new_key, subject=write_name([("C", "CN"), ("O", "Leaves"), ("CN", "x")]))
    assert validate(inside, new, ca, trust=trusting()).trusted
    # at the end of the path the exemption ends (RFC 5280, 6.1.4 b)
    assert failures(validate(new, ca, trust=trusting())) == [("CERT_CHAIN_BAD", "name-not-permitted")]


def test_name_constraint_with_a_minimum_is_not_understood() -> None:
    base = write_directory_name(write_name([("C", "CN")]))
    value = der.sequence(der.tlv(0xA0, der.sequence(base, der.tlv(0x80, b"\x01"))))
    ca = authority_of(CA, write_extension(oids.NAME_CONSTRAINTS, value, critical=True))
    assert failures(validate(leaf_of(ca, CA_KEY), ca, trust=trusting())) == [("CERT_CHAIN_BAD", "name-constraint-not-understood")]


@pytest.mark.clause("RFC 5280 4.2")
@pytest.mark.parametrize("oid", ["1.2.3.4.5", oids.POLICY_CONSTRAINTS])
def test_unknown_critical_extensions_of_leaf_and_authority(oid: str) -> None:
    unknown = write_extension(oid, der.null(), critical=True)
    leaf = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, unknown)
    assert failures(validate(leaf)) == [("CERT_CHAIN_BAD", f"unknown-critical-extension {oid}")]
    ca = authority_of(CA, unknown)
    assert failures(validate(leaf_of(ca, CA_KEY), ca, trust=trusting())) == [("CERT_CHAIN_BAD", f"unknown-critical-extension {oid}")]
    harmless = leaf_of(PKI.issuing.certificate, PKI.issuing_signer, write_extension(oid, der.null()))
    assert validate(harmless).trusted
    # What is trusted by decision is not asked, unless it is itself what is judged
    assert "CERT_CHAIN_OK" in {step.code for step in validate(leaf_of(ca, CA_KEY), trust=trusting(ca)).steps}
    assert failures(validate(leaf, trust=trusting(leaf))) == [("CERT_CHAIN_BAD", f"unknown-critical-extension {oid}")]


def test_leaf_changed_after_it_was_signed() -> None:
    changed = bytearray(PKI.seal.der)
    position = PKI.seal.der.index("印信".encode())
    changed[position : position + 3] = "伪".encode()
    forged = Certificate.from_der(bytes(changed))
    assert failures(validate(forged)) == [("CERT_CHAIN_BAD", "not-signed-by-its-issuer")]
    # also when the issuer comes with the document and only the root is known
    trust = PKI.trust_list(with_intermediates=False)
    assert failures(validate(forged, PKI.issuing.certificate, trust=trust)) == [("CERT_CHAIN_BAD", "not-signed-by-its-issuer")]


def test_authority_signed_by_somebody_else_under_the_root_s_name() -> None:
    forged = craft(PKI.root.certificate.subject_der, CA_KEY, name_der("attack ca"), CA_KEY.public_spki_der, at=AT, extensions_der=[CA])
    assert failures(validate(leaf_of(forged, CA_KEY), forged, trust=trusting())) == [("CERT_CHAIN_BAD", "not-signed-by-its-issuer")]


def test_a_root_with_the_name_of_the_anchor_is_not_the_anchor() -> None:
    twin = CertificateAuthority.create_root(CA_KEY, PKI.root.certificate.subject_der, not_before=AT - YEAR, not_after=AT + YEAR)
    leaf = twin.issue(
        SubjectRequest(name_der("x"), LEAF_KEY.public_spki_der), Profile.SEAL_SIGNING, not_before=AT - DAY, not_after=AT + DAY
    )
    assert unknowns(validate(leaf, twin.certificate)) == [("CERT_NO_ANCHOR", "issuer-unknown")]


def test_self_signed_leaf() -> None:
    leaf = craft(name_der("self"), LEAF_KEY, name_der("self"), LEAF_KEY.public_spki_der, at=AT)
    assert unknowns(validate(leaf, leaf)) == [("CERT_NO_ANCHOR", "self-signed")]
    assert validate(leaf, trust=TrustList((Anchor(leaf),))).trusted


def test_inner_and_outer_algorithm_differ() -> None:
    outer = der.sequence(der.oid(oids.SM2_SIGN_ALIAS))  # would verify, but is not what the signed part states
    forged = Certificate.from_der(write_signed(PKI.seal.tbs_der, outer, PKI.seal.signature))
    assert failures(validate(forged)) == [("CERT_CHAIN_BAD", "not-signed-by-its-issuer")]


def test_another_algorithm_than_the_key_s() -> None:
    """An ECDSA identifier on an SM2 key and the other way round."""
    rsa_root = DemoPki.create(AT, SignatureAlgorithm.ECDSA_SHA256, label="ecdsa")
    sm2_signed = leaf_of(rsa_root.issuing.certificate, PKI.issuing_signer)
    assert failures(validate(sm2_signed, trust=rsa_root.trust_list())) == [("CERT_CHAIN_BAD", "not-signed-by-its-issuer")]
    ecdsa_signed = leaf_of(PKI.issuing.certificate, rsa_root.issuing_signer)
    assert failures(validate(ecdsa_signed)) == [("CERT_CHAIN_BAD", "not-signed-by-its-issuer")]


def test_unknown_algorithm_is_not_known_rather_than_bad() -> None:
    algorithm = der.sequence(der.oid("1.2.3.4"))
    parts = der.read_der(PKI.seal.tbs_der).children()
    tbs = der.sequence(*(algorithm if i == 2 else part.raw for i, part in enumerate(parts)))
    strange = Certificate.from_der(write_signed(tbs, algorithm, b"x"))
    assert unknowns(validate(strange)) == [("CERT_NO_ANCHOR", "algorithm-unsupported")]


def test_weak_algorithms_are_never_trusted() -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    start, end = AT.replace(tzinfo=None) - YEAR, AT.replace(tzinfo=None) + YEAR
    root = x509.CertificateBuilder(name, name, key.public_key(), 1, start, end).add_extension(x509.BasicConstraints(True, None), True)
    leaf = x509.CertificateBuilder(name, x509.Name([]), key.public_key(), 2, start, end).sign(key, hashes.SHA256())
    trust = TrustList(
        (Anchor(Certificate.from_der(root.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)), revocation="not-published"),)
    )
    result = validate(Certificate.from_der(leaf.public_bytes(Encoding.DER)), trust=trust)
    assert unknowns(result) == [("CERT_WEAK_ALGORITHM", None)]


def test_a_weak_signature_stays_one_under_a_strong_issuer() -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak ca")])
    start, end = AT.replace(tzinfo=None) - YEAR, AT.replace(tzinfo=None) + YEAR
    leaf = x509.CertificateBuilder(name, x509.Name([]), key.public_key(), 2, start, end).sign(key, hashes.SHA256())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ca = craft(PKI.root.certificate.subject_der, PKI.root_signer, name.public_bytes(), spki, at=AT, extensions_der=(CA,))
    result = validate(Certificate.from_der(leaf.public_bytes(Encoding.DER)), ca, trust=trusting())
    assert unknowns(result) == [("CERT_WEAK_ALGORITHM", None)]


def test_revoked_before_signing_and_hidden_behind_an_older_list() -> None:
    pki = DemoPki.create(AT)
    older = pki.crls(AT - 5 * DAY)
    pki.revoked.append(RevokedCertificate(pki.seal.serial, AT - 2 * DAY, "keyCompromise"))
    newer = pki.crls(AT - DAY)
    result = validate(pki.seal, trust=pki.trust_list(crls=(*older, *newer)))
    assert failures(result) == [("CERT_REVOKED_BEFORE", "keyCompromise")]


def test_stale_list_and_stale_response() -> None:
    stale = PKI.crls(AT - 60 * DAY)
    result = validate(PKI.seal, trust=PKI.trust_list(crls=stale))
    assert [status for _, status in unknowns(result)] == ["stale", "stale"]
    # stale evidence contradicts the claim that none is published
    trust = replace(PKI.trust_list(crls=stale), anchors=(Anchor(PKI.root.certificate, revocation="not-published"),))
    assert [code for code, _ in unknowns(validate(PKI.seal, trust=trust))] == ["CERT_REVOCATION_UNKNOWN"] * 2


def test_evidence_signed_by_the_subject_itself() -> None:
    """A seal holder writes a clean list under the issuer's name."""
    from crypto.signatures import algorithm_identifier
    from standards.rfc5280_crl import write_crl_number, write_tbs_crl

    algorithm_der = algorithm_identifier(PKI.seal_signer.algorithm).raw
    tbs_der = write_tbs_crl(
        signature_algorithm_der=algorithm_der,
        issuer_der=PKI.issuing.certificate.subject_der,
        this_update=AT,
        next_update=AT + DAY,
        entries=(),
        extensions_der=[write_crl_number(9)],
    )
    own = write_signed(tbs_der, algorithm_der, PKI.seal_signer.sign(tbs_der))
    trust = PKI.trust_list(crls=PKI.crls()[:1])
    result = validate_path(PKI.seal, trust=trust, purpose=Purpose.DOCUMENT, at=AT, evidence=RevocationEvidence((own,)))
    assert unknowns(result) == [("CERT_REVOCATION_UNKNOWN", "signature-bad")]
