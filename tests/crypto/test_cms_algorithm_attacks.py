"""Attacks on the algorithms that a CMS signature states: never valid, and the step says what was wrong."""

from __future__ import annotations

import pytest

from crypto import digests
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import Parts, changed, resigned
from tests.crypto.signing_actors import CONTENT, codes, world
from tests.crypto.test_cms_attacks import RSA, attacked, check_refused, mis_signed


@pytest.mark.clause("RFC 6211 2")
@pytest.mark.parametrize("protected", [True, False])
def test_algorithm_substitution(protected: bool) -> None:
    """The digest is declared to be another one, under which the attacker has found a fitting document."""
    here = world(RSA)

    def substitute(parts: Parts) -> None:
        weak = write_algorithm(oids.SHA1, der.null())
        parts.digests = [weak]
        parts.signer.digest = weak
        parts.signer.algorithm = write_algorithm(oids.RSA, der.null())
        if not protected:
            parts.signer.attributes = parts.signer.without(oids.CMS_ALGORITHM_PROTECTION)

    if protected:
        found = here.verify(changed(here.sign(), substitute))
        assert "CMS_ALGORITHM_PROTECTION_BAD" in codes(found, "fail")
        assert found.verdict is Verdict.INVALID
    else:
        found = here.verify(resigned(here.sign(), substitute, here.pki.seal_signer.sign))
        assert "SIG_ALGORITHM_WEAK" in codes(found, "not-checked")
        assert found.verdict is Verdict.INVALID


@pytest.mark.clause("RFC 6211 2")
def test_same_meaning_under_another_name_is_seen_by_the_protection() -> None:
    def rename(parts: Parts) -> None:
        parts.signer.algorithm = write_algorithm(oids.RSA, der.null())

    found = attacked(rename, algorithm=RSA)
    assert found.cryptographically_valid is True
    check_refused(found, "CMS_ALGORITHM_PROTECTION_BAD")


@pytest.mark.clause("RFC 6211 2")
@pytest.mark.parametrize(("digest", "signature"), [(oids.SHA256, oids.SM2_WITH_SM3), (oids.SM3, oids.SM2_SIGN_ALIAS)])
def test_protection_of_other_algorithms(digest: str, signature: str) -> None:
    value = rfc5652_cms.write_algorithm_protection(write_algorithm(digest), write_algorithm(signature))

    def protect(parts: Parts) -> None:
        parts.signer.attributes = [
            *parts.signer.without(oids.CMS_ALGORITHM_PROTECTION),
            rfc5652_cms.write_attribute(oids.CMS_ALGORITHM_PROTECTION, value),
        ]

    check_refused(mis_signed(protect), "CMS_ALGORITHM_PROTECTION_BAD")


@pytest.mark.parametrize("value", [der.null(), der.sequence(write_algorithm(oids.SM3), der.tlv(0xA2, b""))])
def test_algorithm_protection_that_cannot_be_read(value: bytes) -> None:
    def garble(parts: Parts) -> None:
        parts.signer.attributes = [
            *parts.signer.without(oids.CMS_ALGORITHM_PROTECTION),
            rfc5652_cms.write_attribute(oids.CMS_ALGORITHM_PROTECTION, value),
        ]

    check_refused(mis_signed(garble), "CMS_MALFORMED")


@pytest.mark.clause("RFC 5652 5.3")
def test_digest_and_signature_algorithm_that_disagree() -> None:
    """SM2 always hashes with SM3, whatever the field says; a message-digest by another function must not be mixed in."""

    def mix(parts: Parts) -> None:
        parts.digests = [write_algorithm(oids.SHA256)]
        parts.signer.digest = write_algorithm(oids.SHA256)
        digest = der.octet_string(digests.digest(oids.SHA256, CONTENT))
        kept = [raw for raw in parts.signer.without(oids.MESSAGE_DIGEST) if der.oid(oids.CMS_ALGORITHM_PROTECTION) not in raw]
        parts.signer.attributes = [*kept, rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, digest)]

    check_refused(mis_signed(mix), "CMS_DIGEST_ALGORITHM_DISAGREES")


def test_digest_algorithm_that_is_not_listed() -> None:
    def unlist(parts: Parts) -> None:
        parts.digests = [write_algorithm(oids.SHA256)]

    found = attacked(unlist)
    assert found.verdict is Verdict.INDETERMINATE
    assert "CMS_DIGEST_ALGORITHM_DISAGREES" in codes(found, "not-checked")


def test_parameters_where_none_belong() -> None:
    def digest(parts: Parts) -> None:
        parts.signer.digest = write_algorithm(oids.SM3, der.integer(1))

    check_refused(attacked(digest), "CMS_MALFORMED")

    def signature(parts: Parts) -> None:
        parts.signer.algorithm = write_algorithm(oids.SM2_WITH_SM3, der.integer(1))

    found = attacked(signature)
    assert "SIG_ALGORITHM_UNSUPPORTED" in codes(found, "not-checked")
    assert found.verdict is Verdict.INVALID


@pytest.mark.parametrize("parameters", [None, der.null(), der.sequence(), der.sequence(der.explicit(0, write_algorithm(oids.SHA384)))])
def test_pss_parameters_that_do_not_fit(parameters: bytes | None) -> None:
    def swap(parts: Parts) -> None:
        parts.signer.algorithm = write_algorithm(oids.RSA_PSS, parameters)

    assert attacked(swap, algorithm=SignatureAlgorithm.RSA_PSS_SHA256).verdict is Verdict.INVALID


def test_unknown_algorithms() -> None:
    def unknown(parts: Parts) -> None:
        parts.digests = [write_algorithm("1.2.3")]
        parts.signer.digest = write_algorithm("1.2.3")
        parts.signer.algorithm = write_algorithm("1.2.4")
        parts.signer.attributes = parts.signer.without(oids.CMS_ALGORITHM_PROTECTION)

    found = mis_signed(unknown)
    assert found.verdict is Verdict.INDETERMINATE
    assert (found.cryptographically_valid, found.document_intact) == (None, None)
    unsupported = {(step.facts["algorithm"], step.outcome.value) for step in found.steps if step.code == "SIG_ALGORITHM_UNSUPPORTED"}
    assert unsupported == {("1.2.3", "not-checked"), ("1.2.4", "not-checked")}
