"""The certificate as verifiers see it: fields, identity, memory, and the question who signed it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509 as asn1

from crypto.authority import key_identifier
from crypto.certificates import MAX_CACHED_CERTIFICATE_BYTES, Certificate
from crypto.revocation import RevocationEvidence, RevocationStatus, check_revocation
from crypto.signatures import SignatureCheck
from crypto.sm2 import SM2PublicKey
from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc5280_certificate import write_extension
from standards.rfc5280_extensions import write_authority_information_access, write_basic_constraints, write_crl_distribution_points
from standards.rfc5280_names import write_directory_name, write_name, write_uri
from standards.rfc6960_ocsp import write_ocsp_request
from tests.pki import CREDIT_CODE, DemoPki, cert_id_der, craft, name_der, signer_for

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
PKI = DemoPki.create(AT)


def test_fields_agree_with_asn1crypto() -> None:
    for certificate in (PKI.root.certificate, PKI.issuing.certificate, PKI.seal, PKI.tsa, PKI.ocsp):
        theirs = asn1.Certificate.load(certificate.der)
        assert certificate.serial == theirs.serial_number
        assert certificate.is_ca == bool(theirs.ca)
        assert certificate.path_length == (theirs.max_path_length if certificate.is_ca else None)
        assert certificate.subject_key_id == theirs.key_identifier
        assert certificate.authority_key_id == theirs.authority_key_identifier
        assert certificate.is_self_issued == theirs.self_issued
        assert certificate.crl_urls == tuple(point.url for point in theirs.crl_distribution_points)
        assert certificate.ocsp_urls == tuple(theirs.ocsp_urls)
        assert (certificate.not_before, certificate.not_after) == (theirs.not_valid_before, theirs.not_valid_after)
        usage = theirs.key_usage_value.native
        names = (
            "digital_signature",
            "non_repudiation",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
        )
        assert certificate.key_usage == frozenset(names.index(name) for name in usage)
        expected = None if theirs.extended_key_usage_value is None else tuple(p.dotted for p in theirs.extended_key_usage_value)
        assert certificate.extended_key_usage == expected
        assert certificate.subject_key_id == key_identifier(certificate.spki_der)


def test_names_are_readable() -> None:
    assert PKI.seal.subject_text == f"CN=11010000000001,O={CREDIT_CODE}印信示范单位,C=CN"
    assert PKI.seal.issuer_text == "CN=demo issuing,O=Yinxin test,C=CN"
    assert PKI.seal.common_name == "11010000000001"
    assert PKI.seal.organisation == f"{CREDIT_CODE}印信示范单位"
    assert PKI.seal.fingerprint == sm3(PKI.seal.der).hex()
    assert PKI.seal.ca_issuers_urls == ("http://127.0.0.1/issuing.cer",)
    assert "11010000000001" in repr(PKI.seal)


def test_identity_is_the_bytes() -> None:
    again = Certificate.from_der(bytes(bytearray(PKI.seal.der)))
    assert again == PKI.seal
    assert hash(again) == hash(PKI.seal)
    assert PKI.seal != PKI.tsa
    assert PKI.seal != PKI.seal.der


def test_who_signed_it() -> None:
    assert PKI.seal.is_issued_by(PKI.issuing.certificate) is SignatureCheck.GOOD
    assert PKI.seal.is_issued_by(PKI.root.certificate) is SignatureCheck.BAD
    assert PKI.root.certificate.is_issued_by(PKI.root.certificate) is SignatureCheck.GOOD


def test_a_failing_library_is_not_remembered_as_an_unsupported_algorithm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again after the failure gets the true answer, for certificates, lists and OCSP responses alike."""
    issuer = PKI.issuing.certificate
    leaf = craft(issuer.subject_der, PKI.issuing_signer, name_der("asked twice"), PKI.tsa.spki_der, at=AT, serial=815)
    lists = PKI.crls(AT - timedelta(hours=5))
    request = write_ocsp_request([cert_id_der(PKI.seal, issuer)])
    response = PKI.responder().respond(request, lambda _: "good", this_update=AT - timedelta(hours=5), next_update=AT + timedelta(hours=5))

    def ask() -> tuple[SignatureCheck, RevocationStatus, RevocationStatus]:
        of_list, of_response = (
            check_revocation(PKI.seal, issuer, evidence, AT).status
            for evidence in (RevocationEvidence(crls=lists), RevocationEvidence(ocsp=(response,)))
        )
        return leaf.is_issued_by(issuer), of_list, of_response

    def fail(*_: object, **__: object) -> bool:
        raise TrustError(Kind.UNAVAILABLE, "CRYPTO_PROVIDER_FAILED")

    with monkeypatch.context() as failing:
        failing.setattr(SM2PublicKey, "verify", fail)
        assert ask() == (SignatureCheck.UNSUPPORTED, RevocationStatus.UNDECIDABLE, RevocationStatus.UNDECIDABLE)
    assert ask() == (SignatureCheck.GOOD, RevocationStatus.GOOD, RevocationStatus.GOOD)


def test_large_certificates_are_read_but_not_remembered() -> None:
    filler = write_extension("1.2.3", bytes(MAX_CACHED_CERTIFICATE_BYTES))
    large = craft(
        PKI.issuing.certificate.subject_der,
        PKI.issuing_signer,
        name_der("large"),
        signer_for("large").public_spki_der,
        at=AT,
        extensions_der=[filler],
    )
    again = Certificate.from_der(large.der)
    assert again is not large
    assert again == large
    assert large.is_issued_by(PKI.issuing.certificate) is SignatureCheck.GOOD


def test_alternative_names_and_odd_addresses() -> None:
    other = write_name([("CN", "other")])
    written = (
        write_extension(oids.SUBJECT_ALT_NAME, der.sequence(write_directory_name(other), write_uri("http://a.example"))),
        write_crl_distribution_points(["http://a.example/x.crl"]),
        write_authority_information_access(ca_issuers_urls=["http://a.example/ca"]),
    )
    named = craft(name_der("i"), PKI.seal_signer, name_der("named"), PKI.seal.spki_der, at=AT, extensions_der=written)
    assert named.ocsp_urls == ()
    assert named.crl_urls == ("http://a.example/x.crl",)
    nameless = craft(name_der("i"), PKI.seal_signer, b"\x30\x00", PKI.seal.spki_der, at=AT, extensions_der=written)
    assert nameless.common_name is None
    bare = craft(name_der("i"), PKI.seal_signer, b"\x30\x00", PKI.seal.spki_der, at=AT, extensions_der=[write_basic_constraints(ca=False)])
    assert bare.authority_key_id is None


@pytest.mark.parametrize(
    "oid",
    [
        oids.KEY_USAGE,
        oids.BASIC_CONSTRAINTS,
        oids.EXTENDED_KEY_USAGE,
        oids.SUBJECT_KEY_IDENTIFIER,
        oids.AUTHORITY_KEY_IDENTIFIER,
        oids.NAME_CONSTRAINTS,
        oids.SUBJECT_ALT_NAME,
        oids.CRL_DISTRIBUTION_POINTS,
        oids.AUTHORITY_INFO_ACCESS,
    ],
)
def test_malformed_extensions_are_refused_at_once(oid: str) -> None:
    with pytest.raises(MalformedError):
        craft(name_der("i"), PKI.seal_signer, name_der("x"), PKI.seal.spki_der, at=AT, extensions_der=[write_extension(oid, b"\x05")])
