"""Attacks that give the attributes of a CMS signature another meaning: as content, as unsigned, as signed; and content inside that is not what is asked about."""

from __future__ import annotations

import pytest

from crypto import cms, digests
from crypto.report import Verdict
from crypto.signatures import verify_signature
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.rfc5280_algorithms import algorithm as algorithm_of
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import Parts, changed, resigned, take_apart
from tests.crypto.signing_actors import AT, CONTENT, DAY, codes, world
from tests.crypto.test_cms_attacks import RSA, attacked, check_refused, mis_signed


@pytest.mark.clause("RFC 5652 5.4")
def test_attributes_as_content_where_only_the_digest_is_known() -> None:
    """RSA can be verified over a digest, which does not show that the content was cut off another signature."""
    here = world(RSA)
    stolen = take_apart(here.sign()).signer.to_be_signed

    def strip(parts: Parts) -> None:
        parts.signer.attributes = None

    found = cms.verify_signed_data(
        changed(here.sign(), strip),
        content_digest=lambda oid: digests.digest(oid, stolen),
        trust=here.trust(),
        at=AT + DAY,
        require_signed_attributes=False,
    )
    assert found.cryptographically_valid is True  # PKCS #1 v1.5 is deterministic: the same attributes, the same value
    assert found.verdict is Verdict.INDETERMINATE
    assert codes(found, "not-checked") >= {"CMS_CONTENT_MISSING"}


@pytest.mark.clause("RFC 5652 5.4")
def test_signed_attributes_as_content_confusion() -> None:
    """The attributes of a good signature are cut off and offered as the content of a signature without attributes (found in 2021)."""
    here = world()
    victim = take_apart(here.sign())
    stolen = victim.signer.to_be_signed

    def strip(parts: Parts) -> None:
        parts.signer.attributes = None

    forged = changed(here.sign(), strip)
    parts = take_apart(forged)
    parts.signer.signature = victim.signer.signature
    forged = parts.encoded()
    assert verify_signature(here.pki.seal.spki_der, algorithm_of(oids.SM2_WITH_SM3), stolen, victim.signer.signature).name == "GOOD"

    demanded = cms.verify_signed_data(
        forged, content_digest=lambda oid: digests.digest(oid, stolen), content=lambda: stolen, trust=here.trust(), at=AT + DAY
    )
    assert demanded.verdict is not Verdict.VALID
    lenient = cms.verify_signed_data(
        forged,
        content_digest=lambda oid: digests.digest(oid, stolen),
        content=lambda: stolen,
        trust=here.trust(),
        at=AT + DAY,
        require_signed_attributes=False,
    )
    assert lenient.cryptographically_valid is True
    check_refused(lenient, "CMS_ATTRIBUTES_CONFUSED")

    by_digest = cms.verify_signed_data(
        forged, content_digest=lambda oid: digests.digest(oid, stolen), trust=here.trust(), at=AT + DAY, require_signed_attributes=False
    )
    assert by_digest.verdict is not Verdict.VALID

    parts.content = rfc5652_cms.write_content(oids.CMS_DATA, stolen)
    inside = cms.verify_signed_data(
        parts.encoded(), content_digest=None, trust=here.trust(), at=AT + DAY, require_signed_attributes=False, allow_encapsulated=True
    )
    check_refused(inside, "CMS_ATTRIBUTES_CONFUSED")


@pytest.mark.clause("RFC 5652 11")
@pytest.mark.parametrize("attribute_type", [oids.MESSAGE_DIGEST, oids.SIGNING_TIME, oids.CONTENT_TYPE, oids.SIGNING_CERTIFICATE_V2])
def test_signed_attribute_among_the_unsigned(attribute_type: str) -> None:
    def misplace(parts: Parts) -> None:
        value = parts.signer.value_of(attribute_type)
        parts.signer.unsigned = [rfc5652_cms.write_attribute(attribute_type, value)]

    check_refused(attacked(misplace), "CMS_ATTRIBUTE_MISPLACED")


@pytest.mark.clause("RFC 3161 A")
def test_time_stamp_among_the_signed() -> None:
    here = world()

    def misplace(parts: Parts) -> None:
        token = here.stamp()(b"anything")
        parts.signer.attributes = [*(parts.signer.attributes or []), rfc5652_cms.write_attribute(oids.SIGNATURE_TIME_STAMP, token)]

    check_refused(mis_signed(misplace), "CMS_ATTRIBUTE_MISPLACED")


@pytest.mark.parametrize("by_digest", [True, False])
def test_content_inside_without_signed_attributes_is_compared_with_what_is_held(by_digest: bool) -> None:
    """Nothing but the comparison ties such a signature to what the caller asks about."""
    here = world()

    def direct(parts: Parts) -> None:
        parts.content = der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.octet_string(CONTENT)))
        parts.signer.attributes = None

    signed = resigned(here.sign(), direct, lambda _: here.pki.seal_signer.sign(CONTENT))

    def verified(held: bytes) -> cms.CmsResult:
        return cms.verify_signed_data(
            signed,
            content_digest=lambda oid: digests.digest(oid, held),
            content=None if by_digest else lambda: held,
            trust=here.trust(),
            at=AT + DAY,
            require_signed_attributes=False,
            allow_encapsulated=True,
        )

    for held, intact in ((CONTENT, True), (b"other", False)):
        found = verified(held)
        assert found.cryptographically_valid is True
        assert found.document_intact is intact
        assert ("CMS_DIGEST_MISMATCH" in codes(found, "fail")) is not intact
        assert (found.verdict is Verdict.INVALID) is not intact


def test_content_inside_that_cannot_be_compared_is_not_called_another() -> None:
    here = world()

    def direct(parts: Parts) -> None:
        parts.content = der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.octet_string(CONTENT)))
        parts.signer.attributes = None
        parts.signer.digest = write_algorithm("1.2.3")

    found = cms.verify_signed_data(
        resigned(here.sign(), direct, lambda _: here.pki.seal_signer.sign(CONTENT)),
        content_digest=lambda _: b"of a digest that nobody here knows",
        trust=here.trust(),
        at=AT + DAY,
        require_signed_attributes=False,
        allow_encapsulated=True,
    )
    assert (found.cryptographically_valid, found.document_intact) == (True, None)
    assert found.verdict is not Verdict.VALID
    assert "SIG_ALGORITHM_UNSUPPORTED" in codes(found, "not-checked")
