"""Building and verifying CMS signatures: every key algorithm, both dialects, what the standards demand and what the field has."""

from __future__ import annotations

import pytest
from asn1crypto import cms as oracle

from crypto import cms, digests
from crypto.cms import Dialect
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm, algorithm_identifier, digest_oid_of
from crypto.trust_list import Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import take_apart
from tests.crypto.signing_actors import AT, CONTENT, codes, other_certificate, world

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
        certificate = other_certificate(here, spki_der=key)
        with pytest.raises(TrustError, match="CMS_KEY_UNSUPPORTED"):
            cms.algorithm_of(certificate)


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


def test_static_parts_are_encoded_once_per_certificate() -> None:
    here = world()
    before = cms._frame.cache_info()
    for _ in range(3):
        here.sign()
    after = cms._frame.cache_info()
    assert after.hits - before.hits >= 2
    assert algorithm_identifier(SM2).raw in here.sign()
    assert digest_oid_of(SM2) == oids.SM3
