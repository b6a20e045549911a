"""The built-in authority: what it issues keeps the profile and is read the same by others; what it must not issue it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.authority import CertificateAuthority, Profile, RevokedCertificate, key_identifier, random_serial
from crypto.certificate_requests import SubjectRequest, create_request, is_request_signed, read_proven_request
from crypto.signatures import SignatureAlgorithm, SignatureCheck
from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards.errors import Kind, TrustError
from standards.gbt20518_certificate import check_profile
from standards.rfc2986_request import read_request
from standards.rfc5280_certificate import write_signed
from standards.rfc5280_crl import read_crl
from standards.rfc5280_extensions import write_key_usage
from standards.rfc5280_names import write_name
from tests.pki import YEAR, DemoPki, name_der, signer_for

if TYPE_CHECKING:
    from crypto.certificates import Certificate

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PKI = DemoPki.create(AT)
REQUEST = SubjectRequest(name_der("subject"), signer_for("subject").public_spki_der)


def issue(profile: Profile, request: SubjectRequest | bytes = REQUEST, **more: object) -> Certificate:
    ca = PKI.root if profile is Profile.ISSUING_CA else PKI.issuing
    return ca.issue(request, profile, not_before=AT - DAY, not_after=AT + DAY, **more)  # type: ignore[arg-type]


@pytest.mark.clause("GB/T 20518-2018 5.2.4.2", "GM/T 0015-2012 5.2")
@pytest.mark.parametrize(
    ("profile", "usage", "purposes"),
    [
        (Profile.ISSUING_CA, {5, 6}, None),
        (Profile.SEAL_SIGNING, {0, 1}, None),
        (Profile.SEAL_ENCRYPTION, {2, 3, 4}, None),
        (Profile.SEAL_MAKER, {0, 1}, None),
        (Profile.TSA, {0, 1}, (oids.EKU_TIME_STAMPING,)),
        (Profile.OCSP_RESPONDER, {0}, (oids.EKU_OCSP_SIGNING,)),
    ],
)
def test_profiles(profile: Profile, usage: set[int], purposes: tuple[str, ...] | None) -> None:
    certificate = issue(profile)
    assert check_profile(certificate.fields) == ()
    assert certificate.key_usage == frozenset(usage)
    assert certificate.extended_key_usage == purposes
    assert certificate.extensions[oids.KEY_USAGE].critical
    assert certificate.is_ca is (profile is Profile.ISSUING_CA)
    assert certificate.path_length == (0 if certificate.is_ca else None)
    assert (oids.OCSP_NO_CHECK in certificate.extensions) is (profile is Profile.OCSP_RESPONDER)
    assert certificate.crl_urls == (("http://127.0.0.1/root.crl",) if certificate.is_ca else ("http://127.0.0.1/issuing.crl",))
    assert bool(certificate.ocsp_urls) is (profile not in {Profile.ISSUING_CA, Profile.OCSP_RESPONDER})
    if profile is Profile.TSA:
        assert certificate.extensions[oids.EXTENDED_KEY_USAGE].critical


@settings(max_examples=20)
@given(
    st.text(min_size=1, max_size=40),
    st.integers(1, 2**159 - 1),
    st.datetimes(datetime(2022, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    st.sampled_from(list(Profile)),
)
def test_others_read_what_we_issue(name: str, serial: int, end: datetime, profile: Profile) -> None:
    request = SubjectRequest(write_name([("C", "CN"), ("O", name)]), REQUEST.spki_der)
    ca = PKI.root if profile is Profile.ISSUING_CA else PKI.issuing
    certificate = ca.issue(request, profile, serial=serial, not_before=AT - 5 * YEAR, not_after=end)
    theirs = asn1.Certificate.load(certificate.der)
    assert theirs.dump(force=True) == certificate.der
    assert theirs.subject.native["organization_name"] == name
    pyca = x509.load_der_x509_certificate(certificate.der)
    assert (pyca.serial_number, pyca.not_valid_after_utc) == (serial, end)
    assert pyca.tbs_certificate_bytes == certificate.tbs_der
    assert pyca.signature == certificate.signature
    assert {extension.oid.dotted_string for extension in pyca.extensions} == set(certificate.extensions)
    usage = pyca.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature == (0 in (certificate.key_usage or ()))
    assert usage.value.key_cert_sign == certificate.is_ca


def test_key_identifiers_are_truncated_sm3() -> None:
    assert key_identifier(REQUEST.spki_der) == sm3(REQUEST.spki_der[-65:])[:20]
    leaf = issue(Profile.SEAL_SIGNING)
    assert leaf.subject_key_id == key_identifier(REQUEST.spki_der)
    assert leaf.authority_key_id == PKI.issuing.certificate.subject_key_id


def test_serial_numbers_are_random_and_of_one_length() -> None:
    serials = {random_serial() for _ in range(1000)}
    assert len(serials) == 1000
    assert {serial.bit_length() for serial in serials} == {129}


def test_what_an_authority_refuses() -> None:
    def refused(*args: object, ca: CertificateAuthority = PKI.issuing, **times: datetime) -> str:
        with pytest.raises(TrustError) as raised:
            ca.issue(*args, **({"not_before": AT - DAY, "not_after": AT + DAY} | times))  # type: ignore[arg-type]
        return raised.value.code

    assert refused(REQUEST, Profile.ISSUING_CA) == "CA_NOT_ALLOWED"
    assert refused(REQUEST, Profile.TSA, not_after=AT + 30 * YEAR) == "CA_VALIDITY_EXCEEDED"
    assert refused(REQUEST, Profile.TSA, not_before=AT - 30 * YEAR) == "CA_VALIDITY_EXCEEDED"
    assert refused(REQUEST, Profile.TSA, not_before=AT + DAY, not_after=AT) == "CA_VALIDITY_EXCEEDED"
    with pytest.raises(TrustError, match="CA_KEY_MISMATCH"):
        CertificateAuthority(PKI.issuing.certificate, PKI.root_signer)
    with pytest.raises(TrustError, match="CA_NOT_ALLOWED"):
        CertificateAuthority(PKI.seal, PKI.seal_signer)

    class Faulty:
        key_id = "faulty"
        algorithm = SignatureAlgorithm.SM2_SM3
        public_spki_der = PKI.issuing_signer.public_spki_der

        def sign(self, message: bytes) -> bytes:
            return PKI.root_signer.sign(message)

        def sign_digest(self, digest: bytes) -> bytes:
            return PKI.root_signer.sign_digest(digest)

    faulty = CertificateAuthority(PKI.issuing.certificate, Faulty())
    assert refused(REQUEST, Profile.TSA, ca=faulty) == "CA_SIGNATURE_BAD"
    with pytest.raises(TrustError, match="CA_SIGNATURE_BAD"):  # a list that nobody can believe would leave every certificate unknown
        faulty.issue_crl([], this_update=AT, next_update=AT + DAY, number=1)


def test_roots() -> None:
    root = PKI.root.certificate
    assert root.is_self_issued
    assert check_profile(root.fields) == ()
    assert root.is_issued_by(root) is SignatureCheck.GOOD
    assert root.key_usage == frozenset({5, 6})
    limited = CertificateAuthority.create_root(PKI.root_signer, name_der("limited"), not_before=AT, not_after=AT + DAY, path_length=0)
    assert limited.certificate.path_length == 0


@pytest.mark.clause("RFC 5280 5.2.3")
def test_lists_carry_number_and_authority() -> None:
    encoded = PKI.issuing.issue_crl(
        [RevokedCertificate(5, AT, "keyCompromise", AT - DAY), RevokedCertificate(6, AT)],
        this_update=AT,
        next_update=AT + DAY,
        number=41,
        expired_since=AT - YEAR,
    )
    fields = read_crl(encoded)
    assert fields.number == 41
    assert fields.expired_certificates_since == AT - YEAR
    pyca = x509.load_der_x509_crl(encoded)
    identifier = pyca.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert identifier.key_identifier == PKI.issuing.certificate.subject_key_id
    entry = pyca.get_revoked_certificate_by_serial_number(5)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise


@pytest.mark.clause("RFC 2986 4.2")
@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_requests_prove_possession(algorithm: SignatureAlgorithm) -> None:
    signer = signer_for("csr", algorithm)
    encoded = create_request(signer, name_der("asker"), [write_key_usage([0])])
    assert read_proven_request(encoded) == SubjectRequest(name_der("asker"), signer.public_spki_der)
    certificate = issue(Profile.SEAL_SIGNING, encoded)
    assert certificate.subject_der == name_der("asker")
    assert certificate.spki_der == signer.public_spki_der
    assert certificate.key_usage == frozenset({0, 1})  # the profile decides, not the request


def test_requests_without_proof_are_refused() -> None:
    fields = read_request(create_request(signer_for("csr"), name_der("asker")))
    stolen = write_signed(fields.info_der, fields.signature_algorithm.raw, signer_for("thief").sign(fields.info_der))
    with pytest.raises(TrustError) as raised:
        issue(Profile.SEAL_SIGNING, stolen)
    assert (raised.value.kind, raised.value.code) == (Kind.UNACCEPTABLE, "CSR_SIGNATURE_BAD")
    assert is_request_signed(read_request(stolen)) is SignatureCheck.BAD
