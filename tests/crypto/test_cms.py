"""Building and verifying CMS signatures: every key algorithm, both dialects, what the standards demand and what the field has."""

from __future__ import annotations

import pytest
from asn1crypto import cms as oracle

from crypto import cms, digests
from crypto.cms import Dialect
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm, algorithm_identifier, digest_oid_of
from crypto.signer import software_signer
from crypto.trust_list import Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import Parts, changed, indefinite, resigned, take_apart
from tests.crypto.signing_actors import AT, CONTENT, DAY, codes, other_certificate, world
from tests.pki import make_key

EVERY = list(SignatureAlgorithm)
SM2 = SignatureAlgorithm.SM2_SM3


@pytest.mark.clause("RFC 5652 5.4", "RFC 5652 5.6", "RFC 5652 11.1", "RFC 5652 11.2", "RFC 5652 11.3")
@pytest.mark.parametrize("algorithm", EVERY)
def test_signed_is_valid_and_another_content_is_not(algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)
    signed = here.sign()
    found = here.verify(signed)
    assert found.verdict is Verdict.VALID
    assert (found.cryptographically_valid, found.document_intact, found.trusted) == (True, True, True)
    assert found.signer == here.pki.seal.subject_text
    assert found.signer_certificate == here.pki.seal
    assert (found.signed_at, found.timestamp_at) == (AT, None)
    assert [certificate.der for certificate in found.chain] == [here.pki.seal.der, *(link.der for link in here.pki.chain)]
    assert codes(found, "warn") == {"SIG_TIME_UNPROVEN"}
    other = here.verify(signed, b"another content")
    assert other.verdict is Verdict.INVALID
    assert (other.cryptographically_valid, other.document_intact) == (True, False)
    assert codes(other, "fail") == {"CMS_DIGEST_MISMATCH"}


@pytest.mark.clause("GB/T 35275-2017 8")
def test_national_dialect() -> None:
    here = world()
    signed = here.sign(dialect=Dialect.GBT35275)
    parts = take_apart(signed)
    assert parts.outer_type == oids.GM_SIGNED_DATA
    assert parts.version == parts.signer.version == der.integer(1)
    assert parts.digests == [write_algorithm(oids.SM3)]
    assert parts.content == der.sequence(der.oid(oids.GM_DATA))
    assert parts.signer.algorithm == write_algorithm(oids.SM2_WITH_SM3)
    assert parts.signer.value_of(oids.CONTENT_TYPE) == der.oid(oids.GM_DATA)
    assert here.verify(signed).verdict is Verdict.VALID
    with pytest.raises(TrustError, match="CMS_KEY_UNSUPPORTED"):
        world(SignatureAlgorithm.ECDSA_SHA256).sign(dialect=Dialect.GBT35275)


@pytest.mark.clause("RFC 5652 5.1", "RFC 5652 5.3")
@pytest.mark.parametrize("algorithm", EVERY)
def test_asn1crypto_reads_what_we_write(algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)
    signed = here.sign(timestamp=here.stamp())
    theirs = oracle.ContentInfo.load(signed, strict=True)["content"]
    [signer] = theirs["signer_infos"]
    attributes = {attribute["type"].dotted: attribute["values"] for attribute in signer["signed_attrs"]}
    assert set(attributes) == {
        oids.CONTENT_TYPE,
        oids.MESSAGE_DIGEST,
        oids.SIGNING_TIME,
        oids.SIGNING_CERTIFICATE_V2,
        oids.CMS_ALGORITHM_PROTECTION,
    }
    assert attributes[oids.MESSAGE_DIGEST][0].native == digests.digest(here.digest_oid, CONTENT)
    assert attributes[oids.SIGNING_TIME][0].native == AT
    assert signer["signed_attrs"].untag().dump(force=True) == cms_to_be_signed(signed)
    assert {choice.chosen.dump() for choice in theirs["certificates"]} == {here.pki.seal.der, here.pki.issuing.certificate.der}
    assert [attribute["type"].dotted for attribute in signer["unsigned_attrs"]] == [oids.SIGNATURE_TIME_STAMP]


def cms_to_be_signed(signed: bytes) -> bytes:
    [signer] = rfc5652_cms.read_signed_data(signed).signers
    assert signer.signed_attributes_sorted
    return signer.signed_attributes_der


def test_two_halves_give_the_same_as_one() -> None:
    here = world(SignatureAlgorithm.ED25519)
    prepared = cms.prepare_signed_data(
        content_digest=digests.digest(oids.SHA512, CONTENT),
        digest_oid=oids.SHA512,
        signer_certificate=here.pki.seal,
        chain=here.pki.chain,
        signing_time=AT,
    )
    finished = prepared.finish(here.pki.seal_signer.sign(prepared.to_be_signed), algorithm=SignatureAlgorithm.ED25519)
    assert finished == here.sign()  # Ed25519 is deterministic
    with pytest.raises(TrustError, match="CMS_ALGORITHM_CHANGED"):
        prepared.finish(b"", algorithm=SignatureAlgorithm.RSA_SHA256)


@pytest.mark.parametrize("algorithm", EVERY)
@pytest.mark.parametrize("room", [0, 8192])
def test_estimated_size_is_enough_and_not_much_more(algorithm: SignatureAlgorithm, room: int) -> None:
    here = world(algorithm)
    estimate = cms.estimate_size(
        signer_certificate=here.pki.seal, chain=here.pki.chain, signing_time=AT, algorithm=algorithm, timestamp_bytes=room
    )
    size = len(here.sign(timestamp=here.stamp() if room else None))
    assert size <= estimate
    assert estimate - size < (room or 128)


@pytest.mark.parametrize("algorithm", [each for each in EVERY if each is not SignatureAlgorithm.RSA_PSS_SHA256])
def test_algorithm_follows_from_the_key(algorithm: SignatureAlgorithm) -> None:
    assert cms.algorithm_of(world(algorithm).pki.seal) is algorithm


def test_wrong_use_is_refused() -> None:
    here, other = world(), world(SignatureAlgorithm.ECDSA_SHA256)
    digest = digests.digest(oids.SM3, CONTENT)
    with pytest.raises(TrustError, match="CMS_KEY_MISMATCH"):
        cms.sign_detached(content_digest=digest, digest_oid=oids.SM3, signer=here.pki.tsa_signer, signer_certificate=here.pki.seal)
    with pytest.raises(TrustError, match="CMS_DIGEST_ALGORITHM_DISAGREES"):
        cms.prepare_signed_data(content_digest=digest, digest_oid=oids.SM3, signer_certificate=other.pki.seal)
    for attribute_type in (oids.MESSAGE_DIGEST, oids.SIGNATURE_TIME_STAMP, "1.2.3"):
        with pytest.raises(TrustError, match="CMS_ATTRIBUTE_DUPLICATE"):
            here.sign(extra=(("1.2.3", der.null()), (attribute_type, der.null())))


def test_a_key_that_we_do_not_sign_with_is_refused() -> None:
    here = world()
    spki = write_algorithm(oids.EC_PUBLIC_KEY, der.oid(oids.SECP521R1))
    for key in (
        der.sequence(spki, der.bit_string(b"\x04" + bytes(132))),
        der.sequence(write_algorithm("1.2.3.4"), der.bit_string(b"key")),
    ):
        certificate = other_certificate(here, signer=FakeSigner(key))  # type: ignore[arg-type]
        with pytest.raises(TrustError, match="CMS_KEY_UNSUPPORTED"):
            cms.algorithm_of(certificate)


class FakeSigner:
    """Only a public key."""

    def __init__(self, spki_der: bytes) -> None:
        self.public_spki_der = spki_der


def test_extra_attributes_are_signed() -> None:
    here = world()
    signed = here.sign(extra=(("1.2.3.4", der.utf8_string("reason")),))
    assert take_apart(signed).signer.value_of("1.2.3.4") == der.utf8_string("reason")
    assert here.verify(signed).verdict is Verdict.VALID


def test_unknown_issuer_is_sound_but_not_trusted() -> None:
    here = world()
    found = here.verify(here.sign(), trust=TrustList.empty())
    assert found.verdict is Verdict.INDETERMINATE
    assert (found.cryptographically_valid, found.document_intact, found.trusted) == (True, True, None)
    assert codes(found, "not-checked") == {"CERT_NO_ANCHOR"}


def test_purpose_of_the_anchor_counts() -> None:
    here = world()
    only_stamps = here.pki.trust_list(purposes=frozenset({Purpose.TIMESTAMP}))
    assert here.verify(here.sign(), trust=only_stamps).verdict is Verdict.INDETERMINATE


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
    assert wrong_key.cryptographically_valid is None
    assert "SIG_ALGORITHM_UNSUPPORTED" in codes(wrong_key, "not-checked")


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


def test_content_that_is_not_at_hand_is_not_checked() -> None:
    here = world()
    found = cms.verify_signed_data(here.sign(), content_digest=None, trust=here.trust(), at=AT + DAY)
    assert found.verdict is Verdict.INDETERMINATE
    assert found.document_intact is None
    assert "CMS_CONTENT_MISSING" in codes(found, "not-checked")


@pytest.mark.parametrize("digest_oid", [oids.SHA1, oids.MD5])
def test_weak_digests_are_never_valid(digest_oid: str) -> None:
    here = world(SignatureAlgorithm.RSA_SHA256)
    key = make_key(SignatureAlgorithm.RSA_SHA256)
    certificate = other_certificate(here, signer=software_signer(key, "weak"))
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    chosen = hashes.SHA1() if digest_oid == oids.SHA1 else hashes.MD5()
    algorithm = oids.SHA1_WITH_RSA if digest_oid == oids.SHA1 else oids.MD5_WITH_RSA

    def weaken(parts: Parts) -> None:
        parts.digests = [write_algorithm(digest_oid, der.null())]
        signer = parts.signer
        signer.digest = write_algorithm(digest_oid, der.null())
        signer.algorithm = write_algorithm(algorithm, der.null())
        parts.certificates = [certificate.der, here.pki.issuing.certificate.der]
        signer.identifier = rfc5652_cms.write_issuer_and_serial(certificate.issuer_der, certificate.serial)
        signer.attributes = [
            rfc5652_cms.write_attribute(oids.CONTENT_TYPE, der.oid(oids.CMS_DATA)),
            rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, der.octet_string(digests.digest(digest_oid, CONTENT))),
        ]

    signed = resigned(here.sign(), weaken, lambda message: key.sign(message, padding.PKCS1v15(), chosen))  # type: ignore[call-arg, arg-type]
    found = here.verify(signed)
    assert found.verdict is Verdict.INDETERMINATE
    assert (found.cryptographically_valid, found.document_intact) == (True, None)
    assert "SIG_ALGORITHM_WEAK" in codes(found, "not-checked")


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


def test_static_parts_are_encoded_once_per_certificate() -> None:
    here = world()
    before = cms._frame.cache_info()
    for _ in range(3):
        here.sign()
    after = cms._frame.cache_info()
    assert after.hits - before.hits >= 2
    assert algorithm_identifier(SM2).raw in here.sign()
    assert digest_oid_of(SM2) == oids.SM3
