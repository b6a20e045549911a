"""Attacks on CMS signatures, each by name: never valid, and the step says what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crypto import cms, digests
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import verify_token
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import Parts, changed, copy_of, indefinite, resigned, take_apart, token_in
from tests.crypto.signing_actors import AT, CONTENT, DAY, Stamper, codes, other_certificate, world
from tests.pki import signer_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.cms import CmsResult

OTHER = b"another document"
SM2 = SignatureAlgorithm.SM2_SM3
ECDSA = SignatureAlgorithm.ECDSA_SHA256
RSA = SignatureAlgorithm.RSA_SHA256


def attacked(change: Callable[[Parts], None], *, content: bytes = CONTENT, algorithm: SignatureAlgorithm = SM2) -> CmsResult:
    """The result for a good signature after a change by somebody without the key."""
    here = world(algorithm)
    return here.verify(changed(here.sign(), change), content)


def mis_signed(change: Callable[[Parts], None], *, content: bytes = CONTENT) -> CmsResult:
    """The result for a signature made with the right key over attributes that are not as they must be."""
    here = world()
    return here.verify(resigned(here.sign(), change, here.pki.seal_signer.sign), content)


def check_refused(found: CmsResult, code: str) -> None:
    assert found.verdict is Verdict.INVALID
    assert code in codes(found, "fail")


@pytest.mark.clause("RFC 5652 11.2")
def test_message_digest_of_another_document() -> None:
    def swap(parts: Parts) -> None:
        digest = der.octet_string(digests.digest(oids.SM3, OTHER))
        parts.signer.attributes = sorted(
            [*parts.signer.without(oids.MESSAGE_DIGEST), rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, digest)]
        )

    found = attacked(swap, content=OTHER)
    check_refused(found, "SIG_VALUE_BAD")
    assert found.document_intact is None  # the digest fits, but nobody signed it


@pytest.mark.clause("RFC 5652 5.3")
@pytest.mark.parametrize("first", [CONTENT, OTHER])
def test_duplicate_attributes(first: bytes) -> None:
    """Two message-digest attributes, so that one reader sees this document and another reader that one."""

    def double(parts: Parts) -> None:
        attributes = [
            rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, der.octet_string(digests.digest(oids.SM3, content)))
            for content in (CONTENT, OTHER)
        ]
        parts.signer.attributes = [*parts.signer.without(oids.MESSAGE_DIGEST), *attributes]

    check_refused(mis_signed(double, content=first), "CMS_ATTRIBUTE_DUPLICATE")


@pytest.mark.clause("RFC 5652 11.2")
def test_two_values_in_one_attribute() -> None:
    def double(parts: Parts) -> None:
        values = [der.octet_string(digests.digest(oids.SM3, content)) for content in (CONTENT, OTHER)]
        parts.signer.attributes = [*parts.signer.without(oids.MESSAGE_DIGEST), rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, *values)]

    for content in (CONTENT, OTHER):
        check_refused(mis_signed(double, content=content), "CMS_ATTRIBUTE_DUPLICATE")


@pytest.mark.parametrize("attribute_type", [oids.SIGNING_TIME, oids.MESSAGE_DIGEST, oids.CONTENT_TYPE])
def test_attribute_without_value(attribute_type: str) -> None:
    def empty(parts: Parts) -> None:
        parts.signer.attributes = [*parts.signer.without(attribute_type), rfc5652_cms.write_attribute(attribute_type)]

    check_refused(mis_signed(empty), "CMS_ATTRIBUTE_DUPLICATE")


@pytest.mark.clause("RFC 5652 5.4")
def test_attribute_reorder() -> None:
    """What was signed is the received order; another order has no signature."""
    check_refused(attacked(lambda parts: parts.signer.reverse()), "SIG_VALUE_BAD")


def test_attribute_removed_or_added() -> None:
    def remove(parts: Parts) -> None:
        parts.signer.attributes = parts.signer.without(oids.SIGNING_TIME)

    def add(parts: Parts) -> None:
        parts.signer.attributes = sorted([*(parts.signer.attributes or []), rfc5652_cms.write_attribute("1.2.3", der.null())])

    for change in (remove, add):
        check_refused(attacked(change), "SIG_VALUE_BAD")


@pytest.mark.clause("RFC 5652 11.1")
@pytest.mark.parametrize("attribute_type", [oids.CONTENT_TYPE, oids.MESSAGE_DIGEST])
def test_missing_obligatory_attribute(attribute_type: str) -> None:
    def drop(parts: Parts) -> None:
        parts.signer.attributes = parts.signer.without(attribute_type)

    found = mis_signed(drop)
    check_refused(found, "CMS_ATTRIBUTES_MISSING")
    assert mis_signed(drop, content=OTHER).verdict is Verdict.INVALID


@pytest.mark.clause("RFC 5652 11.1")
def test_content_type_that_does_not_fit() -> None:
    def rename(parts: Parts) -> None:
        parts.signer.attributes = [
            *parts.signer.without(oids.CONTENT_TYPE),
            rfc5652_cms.write_attribute(oids.CONTENT_TYPE, der.oid(oids.TST_INFO)),
        ]

    check_refused(mis_signed(rename), "CMS_CONTENT_TYPE_MISMATCH")

    def garble(parts: Parts) -> None:
        parts.signer.attributes = [*parts.signer.without(oids.CONTENT_TYPE), rfc5652_cms.write_attribute(oids.CONTENT_TYPE, der.null())]

    check_refused(mis_signed(garble), "CMS_MALFORMED")


def test_time_stamp_token_offered_as_signature() -> None:
    """A TSA signs whatever digest it is asked for; its token must never count as a seal."""
    here = world()
    token = here.stamp()(CONTENT)
    found = cms.verify_signed_data(token, content_digest=None, trust=here.trust(), at=AT + DAY, allow_encapsulated=True)
    check_refused(found, "CMS_CONTENT_TYPE_BAD")
    assert "CERT_USAGE_BAD" in codes(found, "fail")


def test_signature_offered_as_time_stamp_token() -> None:
    here = world()
    found = verify_token(here.sign(), CONTENT, here.trust(), AT + DAY)
    check_refused(found, "TS_BAD")
    assert "CMS_CONTENT_TYPE_BAD" in codes(found, "fail")


def test_content_that_is_not_an_octet_string() -> None:
    def wrap(parts: Parts) -> None:
        parts.content = der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.utf8_string("x")))

    check_refused(attacked(wrap), "CMS_CONTENT_TYPE_BAD")


@pytest.mark.clause("RFC 5652 5.1")
@pytest.mark.parametrize("count", [0, 2])
def test_two_signers_or_none(count: int) -> None:
    def multiply(parts: Parts) -> None:
        parts.signers = [copy_of(parts.signer) for _ in range(count)]

    found = attacked(multiply)
    check_refused(found, "CMS_SIGNER_COUNT")
    assert found.cryptographically_valid is None


def test_second_signer_of_the_attacker() -> None:
    here = world()
    mine = take_apart(world(ECDSA).sign(OTHER))

    def join(parts: Parts) -> None:
        parts.signers.append(mine.signer)
        parts.certificates += mine.certificates
        parts.digests += mine.digests

    for content in (CONTENT, OTHER):
        check_refused(here.verify(changed(here.sign(), join), content), "CMS_SIGNER_COUNT")


@pytest.mark.clause("RFC 5652 5.2")
@pytest.mark.parametrize("inside", [CONTENT, OTHER])
def test_embedded_content(inside: bytes) -> None:
    def embed(parts: Parts) -> None:
        parts.content = rfc5652_cms.write_content(oids.CMS_DATA, inside)

    for content in (CONTENT, OTHER):
        found = attacked(embed, content=content)
        check_refused(found, "CMS_CONTENT_EMBEDDED")
        assert found.document_intact is None


@pytest.mark.clause("RFC 5035 5")
def test_swapped_certificate() -> None:
    """Another certificate of the same authority with the same name, serial number and key: only the attribute tells them apart."""
    here = world()
    other = other_certificate(here)

    def swap(parts: Parts) -> None:
        parts.certificates = [other.der, here.pki.issuing.certificate.der]

    found = here.verify(changed(here.sign(), swap))
    assert found.cryptographically_valid is True
    check_refused(found, "CMS_SIGNING_CERTIFICATE_MISMATCH")


def test_right_certificate_is_found_beside_a_decoy() -> None:
    here = world()
    decoy = other_certificate(here, spki_der=signer_for("decoy").public_spki_der)

    def add(parts: Parts) -> None:
        parts.certificates = [decoy.der, *parts.certificates]

    found = here.verify(changed(here.sign(), add))
    assert found.verdict is Verdict.VALID
    assert found.signer_certificate == here.pki.seal

    def add_without_name(parts: Parts) -> None:
        add(parts)
        parts.signer.attributes = parts.signer.without(oids.SIGNING_CERTIFICATE_V2)

    assert here.verify(resigned(here.sign(), add_without_name, here.pki.seal_signer.sign)).verdict is not Verdict.VALID


def test_certificate_of_another_key() -> None:
    here = world()
    decoy = other_certificate(here, spki_der=signer_for("decoy").public_spki_der)

    def swap(parts: Parts) -> None:
        parts.certificates = [decoy.der, here.pki.issuing.certificate.der]

    found = here.verify(changed(here.sign(), swap))
    assert {"SIG_VALUE_BAD", "CMS_SIGNING_CERTIFICATE_MISMATCH"} <= codes(found, "fail")


@pytest.mark.parametrize("value", [der.null(), der.sequence(der.sequence(der.sequence(write_algorithm("1.2.3"), der.octet_string(b"x"))))])
def test_signing_certificate_that_names_nothing(value: bytes) -> None:
    def blur(parts: Parts) -> None:
        parts.signer.attributes = [
            *parts.signer.without(oids.SIGNING_CERTIFICATE_V2),
            rfc5652_cms.write_attribute(oids.SIGNING_CERTIFICATE_V2, value),
        ]

    check_refused(mis_signed(blur), "CMS_SIGNING_CERTIFICATE_MISMATCH")


@pytest.mark.clause("RFC 3161 2.4.2")
def test_copied_time_stamp() -> None:
    """The token belongs to another signature: it proves no time, and the whole can never be valid."""
    here = world()
    token = token_in(here.sign(OTHER, timestamp=here.stamp(AT - 100 * DAY)))

    def paste(parts: Parts) -> None:
        parts.signer.unsigned = [rfc5652_cms.write_attribute(oids.SIGNATURE_TIME_STAMP, token)]

    found = attacked(paste)
    assert found.verdict is Verdict.INDETERMINATE
    assert found.timestamp_at is None
    assert found.document_intact is True
    assert codes(found, "not-checked") == {"TS_IMPRINT_BAD"}
    assert "SIG_TIME_UNPROVEN" in codes(found, "warn")


def test_time_stamp_of_a_stranger() -> None:
    """A token by an authority that nobody trusts cannot carry a signature to a better time."""
    here = world()
    revoked = (here.pki.seal, AT, "keyCompromise")
    strange = Stamper(world(ECDSA).tsa(), AT - 10 * DAY)
    backdated = here.sign(signing_time=AT - 10 * DAY, timestamp=strange)
    found = here.verify(backdated, trust=here.trust(revoked), at=AT + 20 * DAY)
    assert found.verdict is Verdict.INDETERMINATE
    assert {"TS_UNTRUSTED", "SIG_TIME_UNPROVEN"} <= codes(found, "not-checked")


def test_unknown_unsigned_attribute_is_not_passed_over() -> None:
    def add(parts: Parts) -> None:
        parts.signer.unsigned = [rfc5652_cms.write_attribute("1.2.3", der.null())]

    found = attacked(add)
    assert codes(found, "not-checked") == {"CMS_UNSIGNED_ATTRIBUTE_UNKNOWN"}

    def archive(parts: Parts) -> None:
        parts.signer.unsigned = [rfc5652_cms.write_attribute("0.4.0.1733.2.4", der.null())]

    assert attacked(archive).verdict is Verdict.VALID


@pytest.mark.parametrize("tail", [b"\x00", b"\x30\x00", b"tail"])
def test_bytes_behind_the_signature(tail: bytes) -> None:
    here = world()
    for signed in (here.sign(), indefinite(here.sign())):
        check_refused(here.verify(signed + tail), "CMS_MALFORMED")


def test_unreadable_certificate_beside_the_good_ones() -> None:
    def add(parts: Parts) -> None:
        parts.certificates.append(der.sequence(der.integer(1)))

    found = attacked(add)
    assert codes(found, "not-checked") == {"CMS_CERTIFICATE_UNREADABLE"}


@pytest.mark.parametrize(
    ("attribute_type", "value"), [(oids.SIGNING_TIME, der.null()), (oids.ADBE_REVOCATION, der.null()), (oids.MESSAGE_DIGEST, der.null())]
)
def test_attribute_values_that_cannot_be_read(attribute_type: str, value: bytes) -> None:
    def garble(parts: Parts) -> None:
        parts.signer.attributes = [*parts.signer.without(attribute_type), rfc5652_cms.write_attribute(attribute_type, value)]

    check_refused(mis_signed(garble), "CMS_MALFORMED")


def test_signature_value_of_another_key_or_none() -> None:
    here = world()
    stranger = signer_for("stranger")
    for sign in (stranger.sign, lambda _: b"", lambda _: der.sequence(der.integer(0), der.integer(0))):
        check_refused(here.verify(resigned(here.sign(), lambda _: None, sign)), "SIG_VALUE_BAD")
