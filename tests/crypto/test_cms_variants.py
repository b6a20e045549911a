"""Forms of CMS that others write: read where they mean the same, with a warning, and never valid where something is missing."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto import cms, digests
from crypto.cms import Dialect
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import TrustList
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.gbt32918_sm2 import read_signature
from standards.rfc5035_signing_certificate import write_signing_certificate_v2
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import Parts, changed, indefinite, resigned
from tests.crypto.signing_actors import AT, CONTENT, DAY, codes, other_certificate, world
from tests.optional import corpus

SM2 = SignatureAlgorithm.SM2_SM3


@pytest.mark.clause("RFC 5652 5.4")
def test_ber_in_the_wild_is_read_with_a_warning() -> None:
    here = world()
    odd = indefinite(here.sign())
    found = here.verify(odd)
    assert found.verdict is Verdict.VALID
    assert "CMS_ENCODING_NONDER" in codes(found, "warn")
    assert here.verify(odd, b"other").verdict is Verdict.INVALID


@pytest.mark.clause("RFC 5652 5.4")
def test_attributes_out_of_order_in_ber_are_signed_in_der_order() -> None:
    here = world()

    def shuffle(parts: Parts) -> None:
        parts.signer.reverse()

    signed = here.sign()
    assert here.verify(indefinite(changed(signed, shuffle))).verdict is Verdict.VALID


def test_attributes_signed_out_of_order_are_a_tolerated_deviation() -> None:
    here = world()

    def shuffle(parts: Parts) -> None:
        parts.signer.reverse()

    found = here.verify(resigned(here.sign(), shuffle, here.pki.seal_signer.sign, sort=False))
    assert found.verdict is Verdict.VALID
    assert "CMS_ENCODING_NONDER" in codes(found, "warn")


@pytest.mark.clause("RFC 5652 5.3")
def test_signer_named_by_key_identifier() -> None:
    here = world()

    def rename(parts: Parts) -> None:
        parts.version = der.integer(3)
        parts.signer.version = der.integer(3)
        parts.signer.identifier = der.tlv(0x80, here.pki.seal.subject_key_id or b"")

    assert here.verify(changed(here.sign(), rename)).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("alias", "algorithm"),
    [
        (oids.SM2_SIGN_ALIAS, SM2),
        (oids.SM2_WITH_SM3_ALIAS, SM2),
        (oids.SM2_CURVE, SM2),
        (oids.EC_PUBLIC_KEY, SM2),
        (oids.EC_PUBLIC_KEY, SignatureAlgorithm.ECDSA_SHA256),
        (oids.RSA, SignatureAlgorithm.RSA_SHA256),
    ],
)
def test_older_names_of_the_algorithm_are_read(alias: str, algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)

    def rename(parts: Parts) -> None:
        parts.signer.algorithm = write_algorithm(alias)
        parts.signer.attributes = parts.signer.without(oids.CMS_ALGORITHM_PROTECTION)

    assert here.verify(resigned(here.sign(), rename, here.pki.seal_signer.sign)).verdict is Verdict.VALID


@pytest.mark.clause("GB/T 35275-2017 8")
def test_vendor_form_with_mixed_data_types() -> None:
    """Inner type of PKCS #7, content-type attribute of GB/T 35275, older algorithm name, no signing certificate (seen in OFD files)."""
    here = world()

    def vendor(parts: Parts) -> None:
        parts.content = der.sequence(der.oid(oids.CMS_DATA))
        parts.signer.algorithm = write_algorithm(oids.SM2_SIGN_ALIAS)
        parts.signer.attributes = parts.signer.without(oids.SIGNING_CERTIFICATE_V2)

    found = here.verify(resigned(here.sign(dialect=Dialect.GBT35275), vendor, here.pki.seal_signer.sign))
    assert found.verdict is Verdict.VALID
    assert codes(found, "warn") == {"CMS_CONTENT_TYPE_ALIAS", "CMS_SIGNING_CERTIFICATE_MISSING", "SIG_TIME_UNPROVEN"}


def test_missing_signing_certificate_is_never_valid_in_rfc5652() -> None:
    here = world()

    def drop(parts: Parts) -> None:
        parts.signer.attributes = parts.signer.without(oids.SIGNING_CERTIFICATE_V2)

    found = here.verify(resigned(here.sign(), drop, here.pki.seal_signer.sign))
    assert found.verdict is Verdict.INDETERMINATE
    assert codes(found, "not-checked") == {"CMS_SIGNING_CERTIFICATE_MISSING"}


@pytest.mark.clause("RFC 2634 5.4")
@pytest.mark.parametrize("right", [True, False])
def test_older_signing_certificate_attribute(right: bool) -> None:
    here = world()
    digest = digests.digest(oids.SHA1, here.pki.seal.der if right else here.pki.tsa.der)
    value = der.sequence(der.sequence(der.sequence(der.octet_string(digest))))

    def older(parts: Parts) -> None:
        attributes = parts.signer.without(oids.SIGNING_CERTIFICATE_V2)
        parts.signer.attributes = [*attributes, rfc5652_cms.write_attribute(oids.SIGNING_CERTIFICATE, value)]

    found = here.verify(resigned(here.sign(), older, here.pki.seal_signer.sign))
    assert (found.verdict is Verdict.VALID) == right
    assert ("CMS_SIGNING_CERTIFICATE_V1" in codes(found, "warn")) == right
    assert ("CMS_SIGNING_CERTIFICATE_MISMATCH" in codes(found, "fail")) == (not right)


@pytest.mark.clause("RFC 5035 5")
@pytest.mark.parametrize(("serial", "verdict"), [(0, Verdict.VALID), (1, Verdict.INVALID)])
def test_issuer_and_serial_in_signing_certificate(serial: int, verdict: Verdict) -> None:
    here = world()
    seal = here.pki.seal
    names = der.sequence(der.explicit(4, seal.issuer_der))
    value = der.sequence(
        der.sequence(
            der.sequence(
                write_algorithm(oids.SM3),
                der.octet_string(digests.digest(oids.SM3, seal.der)),
                der.sequence(names, der.integer(seal.serial + serial)),
            )
        )
    )

    def full(parts: Parts) -> None:
        attributes = parts.signer.without(oids.SIGNING_CERTIFICATE_V2)
        parts.signer.attributes = [*attributes, rfc5652_cms.write_attribute(oids.SIGNING_CERTIFICATE_V2, value)]

    assert here.verify(resigned(here.sign(), full, here.pki.seal_signer.sign)).verdict is verdict


def test_unsigned_certificate_is_not_checked() -> None:
    here = world()

    def drop(parts: Parts) -> None:
        parts.certificates = [here.pki.tsa.der]

    found = here.verify(changed(here.sign(), drop))
    assert found.verdict is Verdict.INDETERMINATE
    assert (found.cryptographically_valid, found.signer) == (None, None)
    assert "SIGNER_CERT_ABSENT" in codes(found, "not-checked")


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.ECDSA_SHA256, SM2, SignatureAlgorithm.ED25519])
def test_without_signed_attributes_never_valid_never_tampered(algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)

    def bare(parts: Parts) -> None:
        parts.signer.attributes = None

    signed = resigned(here.sign(), bare, lambda _: here.pki.seal_signer.sign(CONTENT))
    by_content = cms.verify_signed_data(
        signed,
        content_digest=lambda oid: digests.digest(oid, CONTENT),
        content=lambda: CONTENT,
        trust=here.trust(),
        at=AT + DAY,
    )
    assert by_content.verdict is Verdict.INDETERMINATE
    assert (by_content.cryptographically_valid, by_content.document_intact) == (True, True)
    assert "CMS_ATTRIBUTES_MISSING" in codes(by_content, "not-checked")
    by_digest = here.verify(signed)
    over_digest = algorithm in {SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.ECDSA_SHA256}
    assert by_digest.verdict is Verdict.INDETERMINATE
    assert by_digest.document_intact is (True if over_digest else None)
    assert ("CMS_CONTENT_MISSING" in codes(by_digest, "not-checked")) == (not over_digest)
    changed_later = here.verify(signed, b"changed")
    assert changed_later.verdict is (Verdict.INVALID if over_digest else Verdict.INDETERMINATE)
    assert changed_later.document_intact is None
    permitted = cms.verify_signed_data(
        signed, content_digest=None, content=lambda: CONTENT, trust=here.trust(), at=AT + DAY, require_signed_attributes=False
    )
    assert codes(permitted, "fail") == set()
    assert "CMS_ATTRIBUTES_MISSING" not in codes(permitted, "not-checked")


def test_without_signed_attributes_and_without_the_content() -> None:
    def bare(parts: Parts) -> None:
        parts.signer.attributes = None

    def renamed(parts: Parts) -> None:
        bare(parts)
        parts.digests = [write_algorithm(oids.SHA256)]
        parts.signer.digest = write_algorithm(oids.SHA256)
        parts.signer.algorithm = write_algorithm(oids.ECDSA_WITH_SHA256)

    here = world()
    nothing = cms.verify_signed_data(changed(here.sign(), bare), content_digest=None, trust=here.trust(), at=AT + DAY)
    assert nothing.verdict is Verdict.INDETERMINATE
    assert "CMS_CONTENT_MISSING" in codes(nothing, "not-checked")
    wrong_key = here.verify(changed(here.sign(), renamed))
    assert wrong_key.cryptographically_valid is False  # as where the content is at hand
    assert "SIG_VALUE_BAD" in codes(wrong_key, "fail")


@pytest.mark.parametrize("allowed", [True, False])
def test_encapsulated_content_only_where_allowed(allowed: bool) -> None:
    here = world()
    prepared = cms.prepare_signed_data(
        content_digest=digests.digest(oids.SM3, CONTENT),
        digest_oid=oids.SM3,
        signer_certificate=here.pki.seal,
        chain=here.pki.chain,
        encapsulated=CONTENT,
    )
    signed = prepared.finish(here.pki.seal_signer.sign(prepared.to_be_signed), algorithm=SM2)
    found = cms.verify_signed_data(signed, content_digest=None, trust=here.trust(), at=AT, allow_encapsulated=allowed)
    assert (found.verdict is Verdict.VALID) == allowed
    assert ("CMS_CONTENT_EMBEDDED" in codes(found, "fail")) == (not allowed)
    assert found.encapsulated == CONTENT
    both = cms.verify_signed_data(
        signed, content_digest=lambda oid: digests.digest(oid, b"other"), trust=here.trust(), at=AT, allow_encapsulated=True
    )
    assert "CMS_DIGEST_MISMATCH" in codes(both, "fail")


@pytest.mark.clause("GB/T 35275-2017 8")
def test_national_form_without_attributes_and_with_any_content() -> None:
    """Content is an IA5String and signed directly, as some OFD signatures have it."""
    here = world()

    def direct(parts: Parts) -> None:
        parts.content = der.sequence(der.oid(oids.GM_DATA), der.explicit(0, der.ia5_string("c2ln")))
        parts.signer.attributes = None

    signed = resigned(here.sign(dialect=Dialect.GBT35275), direct, lambda _: here.pki.seal_signer.sign(b"c2ln"))
    found = cms.verify_signed_data(
        signed, content_digest=None, trust=here.trust(), at=AT, require_signed_attributes=False, allow_encapsulated=True
    )
    assert found.verdict is Verdict.VALID
    assert found.encapsulated == b"c2ln"


@pytest.mark.clause("GB/T 35275-2017 8")
def test_raw_signature_value_is_tolerated_in_the_national_dialect_only() -> None:
    here = world()

    def raw(parts: Parts) -> None:
        r, s = read_signature(parts.signer.signature)
        parts.signer.signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")

    found = here.verify(changed(here.sign(dialect=Dialect.GBT35275), raw))
    assert found.verdict is Verdict.VALID
    assert "SIG_RAW_RS" in codes(found, "warn")
    assert here.verify(changed(here.sign(), raw)).verdict is Verdict.INVALID


@pytest.mark.clause("GB/T 35275-2017 8")
def test_signature_of_a_real_seal_system() -> None:
    """Type "Sign" of an OFD: the content is SM3 of Signature.xml, no attributes, the value a bare r ‖ s."""
    folder = corpus() / "ses" / "zibo_real_estate_seal_national_system"
    found = cms.verify_signed_data(
        (folder / "sign3_SignedValue.dat").read_bytes(),
        content_digest=None,
        trust=TrustList.empty(),
        at=AT,
        require_signed_attributes=False,
        allow_encapsulated=True,
    )
    assert found.verdict is Verdict.INDETERMINATE
    assert found.cryptographically_valid is True
    assert found.encapsulated == digests.digest(oids.SM3, (folder / "sign3_Signature.xml").read_bytes())
    assert codes(found, "not-checked") >= {"CERT_NO_ANCHOR"}


def test_content_that_is_not_at_hand_is_not_checked() -> None:
    here = world()
    found = cms.verify_signed_data(here.sign(), content_digest=None, trust=here.trust(), at=AT + DAY)
    assert found.verdict is Verdict.INDETERMINATE
    assert found.document_intact is None
    assert "CMS_CONTENT_MISSING" in codes(found, "not-checked")


@pytest.mark.parametrize(
    ("digest_oid", "algorithm", "function", "bits"),
    [
        (oids.SHA1, oids.SHA1_WITH_RSA, hashes.SHA1(), 2048),
        (oids.MD5, oids.MD5_WITH_RSA, hashes.MD5(), 2048),
        (oids.SHA256, oids.SHA256_WITH_RSA, hashes.SHA256(), 1024),
    ],
)
def test_weak_digests_and_keys_are_never_valid(digest_oid: str, algorithm: str, function: hashes.HashAlgorithm, bits: int) -> None:
    here = world(SignatureAlgorithm.RSA_SHA256)
    key = rsa.generate_private_key(65537, bits)
    spki_der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    certificate = other_certificate(here, spki_der=spki_der)

    def weaken(parts: Parts) -> None:
        parts.digests = [write_algorithm(digest_oid, der.null())]
        parts.signer.digest = write_algorithm(digest_oid, der.null())
        parts.signer.algorithm = write_algorithm(algorithm, der.null())
        parts.certificates = [certificate.der, here.pki.issuing.certificate.der]
        parts.signer.attributes = [
            rfc5652_cms.write_attribute(oids.CONTENT_TYPE, der.oid(oids.CMS_DATA)),
            rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, der.octet_string(digests.digest(digest_oid, CONTENT))),
            rfc5652_cms.write_attribute(
                oids.SIGNING_CERTIFICATE_V2, write_signing_certificate_v2(oids.SHA256, digests.digest(oids.SHA256, certificate.der))
            ),
        ]

    found = here.verify(resigned(here.sign(), weaken, lambda message: key.sign(message, padding.PKCS1v15(), function)))
    assert found.verdict is Verdict.INDETERMINATE
    assert found.cryptographically_valid is True
    assert found.document_intact is (True if digest_oid == oids.SHA256 else None)
    assert codes(found, "not-checked") == {"SIG_ALGORITHM_WEAK"}


@pytest.mark.clause("RFC 5652 10.2.1", "ISO 32000-2 12.8.3.3.2", "RFC 5940 2.1")
@pytest.mark.parametrize("where", ["crls-field", "adobe-attribute"])
def test_evidence_inside_the_signature_is_used(where: str) -> None:
    here = world()
    lists = here.pki.crls()
    bare = here.pki.trust_list(crls=())
    assert "CERT_REVOCATION_UNKNOWN" in codes(here.verify(here.sign(), trust=bare), "not-checked")
    if where == "adobe-attribute":
        signed = here.sign(extra=((oids.ADBE_REVOCATION, der.sequence(der.explicit(0, der.sequence(*lists)))),))
    else:

        def add(parts: Parts) -> None:
            parts.crls = list(lists)

        signed = changed(here.sign(), add)
    assert here.verify(signed, trust=bare).verdict is Verdict.VALID


@pytest.mark.clause("RFC 5652 5.1")
@pytest.mark.parametrize("national", [True, False])
def test_version_that_does_not_fit(national: bool) -> None:
    here = world()
    dialect = cms.Dialect.GBT35275 if national else cms.Dialect.RFC5652

    def outer(parts: Parts) -> None:
        parts.version = der.integer(3)

    def inner(parts: Parts) -> None:
        parts.version = der.integer(1 if national else 3)
        parts.signer.version = der.integer(3)

    for change, where in ((outer, "SignedData"), (inner, "SignerInfo")):
        found = here.verify(changed(here.sign(dialect=dialect), change))
        [step] = [step for step in found.steps if step.outcome == "not-checked"]
        assert step.code == ("GBT35275_DEVIATION" if national else "CMS_VERSION_UNEXPECTED")
        assert where in str(step.facts)
