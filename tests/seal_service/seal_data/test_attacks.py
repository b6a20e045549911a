"""Attacks on seals and sealing values by name. Each fails if the check that stops it is taken away."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Outcome, Verdict
from crypto.sm3 import sm3
from crypto.trust_list import ALL_PURPOSES, Purpose
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.document_checks import digest_with_identity
from seal_service.seal_data.make import SealMaker, build_seal
from seal_service.seal_data.seal_file import verify_esl, verify_ses_value
from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import MAX_PICTURE_BYTES, CertificateDigest
from standards.gbt38540_seal.write import write_seal_info, write_to_be_signed
from tests.pki import signer_for
from tests.seal_service.seal_data.actors import (
    DATA,
    DAY,
    DESCRIPTION,
    ENDS,
    MADE,
    NOW,
    PROPERTY_INFO,
    SIGNED,
    assemble,
    bad,
    cached_seal,
    cached_signature,
    cached_trust,
    other_pki,
    verify_signature,
    warnings,
    world,
)
from tests.seal_service.seal_data.old_seals import old_seal

if TYPE_CHECKING:
    from crypto.trust_list import TrustList

SEALING = "GB/T 38540-2020 sealing verification"
SEAL = "GB/T 38540-2020 seal verification"
V5_SEAL = "GM/T 0031-2025 seal verification"


@pytest.mark.clause(SEALING)
def test_signer_not_in_list() -> None:
    """A colleague with a good certificate of the same authority uses a seal that was not made for him."""
    here = world()
    colleague = here.certificate(Profile.SEAL_SIGNING, "colleague")
    found = here.verify(here.forge(certificate=colleague, signer=signer_for("ses-colleague")))
    assert (found.verdict, bad(found), found.cryptographically_valid) == (Verdict.INVALID, {"SIGNER_NOT_IN_SEAL"}, False)


@pytest.mark.clause(SEALING)
def test_a_renewed_certificate_of_the_same_key_is_not_in_the_list() -> None:
    here = world()
    request_for_same_key = here.pki.issuing.issue(
        SubjectRequest(here.pki.seal.subject_der, here.pki.seal.spki_der), Profile.SEAL_SIGNING, not_before=MADE - DAY, not_after=ENDS
    )
    found = here.verify(here.forge(certificate=request_for_same_key))
    assert bad(found) == {"SIGNER_NOT_IN_SEAL"}


def with_digests(*entries: CertificateDigest) -> bytes:
    """A seal with a list of these digests, signed by the maker."""
    here = world()
    prop = replace(read_seal(cached_seal(4)).property, cert_list_type=2, certificates=(), certificate_digests=entries)
    info_der = write_seal_info(vid="yinxin", es_id=DESCRIPTION.es_id, seal_property=prop, picture=DESCRIPTION.picture)
    return here.forge_seal(info_der)


@pytest.mark.clause(SEALING)
def test_digest_list_with_unknown_algorithm() -> None:
    here = world()
    found = here.verify(here.forge(seal_der=with_digests(CertificateDigest("whirlpool", sm3(here.pki.seal.der)))))
    assert (found.verdict, bad(found)) == (Verdict.INDETERMINATE, {"CERT_DIGEST_ALG_UNKNOWN"})
    assert found.cryptographically_valid is None
    beside = here.verify(
        here.forge(seal_der=with_digests(CertificateDigest("whirlpool", b"x"), CertificateDigest("sm3", sm3(here.pki.seal.der))))
    )
    assert beside.verdict is Verdict.VALID


@pytest.mark.clause(SEALING)
def test_digest_list_with_a_weak_algorithm_or_another_signer() -> None:
    here = world()
    weak = CertificateDigest("SHA-1", hashlib.sha1(here.pki.seal.der, usedforsecurity=False).digest())
    found = here.verify(here.forge(seal_der=with_digests(weak)))
    assert (found.verdict, bad(found)) == (Verdict.INDETERMINATE, {"SIG_ALGORITHM_WEAK"})
    found = here.verify(here.forge(seal_der=with_digests(CertificateDigest("SM3", bytes(32)))))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SIGNER_NOT_IN_SEAL"})


def test_digest_list_with_the_identity_variant_warns() -> None:
    here = world()
    variant = digest_with_identity(here.pki.seal.der, open_certificate(here.pki.seal.der))
    assert variant is not None
    found = here.verify(here.forge(seal_der=with_digests(CertificateDigest("SM3", variant))))
    assert (found.verdict, "DATA_HASH_ZA_VARIANT" in warnings(found)) == (Verdict.VALID, True)


@pytest.mark.clause(SEAL)
def test_maker_swapped() -> None:
    """The same seal, signed anew by a maker of the attacker's own PKI; or the true maker's value with another maker's certificate."""
    here, other = world(), other_pki()
    info_der = read_seal(cached_seal(4)).info_raw
    found = here.verify(here.forge(seal_der=here.forge_seal(info_der, certificate=other.maker, signer=other.maker_signer)))
    assert (found.verdict, found.trusted, bad(found)) == (Verdict.INDETERMINATE, None, {"CERT_NO_ANCHOR"})
    found = here.verify(here.forge(seal_der=here.forge_seal(info_der, certificate=other.maker)))
    assert (found.verdict, "SEAL_SIG_BAD" in bad(found), found.cryptographically_valid) == (Verdict.INVALID, True, False)


@pytest.mark.clause(SEAL)
def test_a_signer_s_certificate_does_not_make_seals() -> None:
    """Trust for documents is not trust for making seals: an anchor for documents alone vouches for no maker."""
    here = world()
    narrow = here.pki.trust_list(purposes=ALL_PURPOSES - {Purpose.SEAL_MAKER}, crls=here.trust().crls)
    found = here.verify(cached_signature(4), trust=narrow)
    assert (found.verdict, found.trusted) == (Verdict.INDETERMINATE, None)
    assert {step.facts["role"] for step in found.steps if step.code == "CERT_NO_ANCHOR"} == {"maker"}


@pytest.mark.clause(SEAL)
def test_a_maker_s_certificate_for_encryption_only() -> None:
    here = world()
    wrong = here.certificate(Profile.SEAL_ENCRYPTION, "maker")
    seal = here.forge_seal(read_seal(cached_seal(4)).info_raw, certificate=wrong, signer=signer_for("ses-maker"))
    assert "CERT_USAGE_BAD" in bad(here.verify_seal(seal))


@pytest.mark.clause("GB/T 38540-2020 sealing verification")
@pytest.mark.parametrize(("stated", "version"), [(5, 4), (4, 5), (1, 4), (99, 4)])
def test_version_mismatch(stated: int, version: int) -> None:
    here = world()
    right = write_to_be_signed(
        version=version, seal_der=cached_seal(version), time_info_at=SIGNED, data_hash=sm3(DATA), property_info=PROPERTY_INFO
    )
    parts = der.read_der(right).children()
    tbs = der.sequence(der.integer(stated), *(part.raw for part in parts[1:]))
    found = here.verify(assemble(tbs, here.pki.seal, here.pki.seal_signer))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SES_VERSION_MISMATCH"})


@pytest.mark.clause("GB/T 38540-2020 seal verification")
@pytest.mark.parametrize("number", [1, 2, 3, 6, 11])
def test_unknown_version(number: int) -> None:
    here = world()
    parts = [part.raw for part in der.read_der(read_seal(cached_seal(4)).info_raw).children()]
    info_der = der.sequence(der.sequence(der.ia5_string("ES"), der.integer(number), der.ia5_string("x")), *parts[1:])
    found = here.verify_seal(here.forge_seal(info_der))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SES_VERSION_UNKNOWN"})


def test_a_seal_of_version_1_inside_a_value_of_version_4() -> None:
    """The old form has other signed bytes; mixing the two is refused although both signatures verify."""
    here = world()
    seal = old_seal(here.pki.maker.der, here.pki.maker_signer.sign)
    tbs = write_to_be_signed(version=4, seal_der=seal, time_info_at=SIGNED, data_hash=sm3(DATA), property_info=PROPERTY_INFO)
    found = here.verify(assemble(tbs, here.pki.seal, here.pki.seal_signer))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SES_VERSION_MISMATCH"})


@pytest.mark.parametrize("where", ["seal", "signature", "to be signed", "info"])
def test_extra_elements(where: str) -> None:
    """Something more at the end of a structure, signed or not."""
    here = world()
    signature = der.read_der(cached_signature(4))
    tbs, *rest = (part.raw for part in signature.children())
    seal = [part.raw for part in der.read_der(cached_seal(4)).children()]
    more = der.octet_string(b"more")
    if where == "signature":
        data = der.sequence(tbs, *rest, more)
    elif where == "to be signed":
        longer = der.sequence(*(part.raw for part in der.read_der(tbs).children()), der.explicit(0, der.sequence()), more)
        data = assemble(longer, here.pki.seal, here.pki.seal_signer)
    elif where == "seal":
        data = here.forge(seal_der=der.sequence(*seal, more))
    else:
        info_der = der.sequence(*(part.raw for part in der.read_der(seal[0]).children()), der.sequence(), more)
        data = here.forge(seal_der=here.forge_seal(info_der))
    report = verify_ses_value(data, cached_trust(), NOW)
    assert (report.verdict, {step.code for step in report.signatures[0].steps}) == (Verdict.INVALID, {"SES_MALFORMED"})


def test_trailing_bytes() -> None:
    for spoilt in (cached_signature(4) + b"\x00", cached_signature(4) + cached_signature(4)):
        report = verify_ses_value(spoilt, cached_trust(), NOW)
        assert (report.verdict, report.signatures[0].steps[0].facts["reason"]) == (Verdict.INVALID, "DER_TRAILING_BYTES")
    assert verify_esl(cached_seal(4) + b"\x00", cached_trust(), NOW).verdict is Verdict.INVALID


def test_oversized_picture() -> None:
    here = world()
    parts = [part.raw for part in der.read_der(read_seal(cached_seal(4)).info_raw).children()]
    picture = der.sequence(der.ia5_string("PNG"), der.octet_string(bytes(MAX_PICTURE_BYTES + 1)), der.integer(42), der.integer(42))
    report = verify_esl(here.forge_seal(der.sequence(*parts[:3], picture)), cached_trust(), NOW)
    assert (report.verdict, report.signatures[0].steps[0].facts["reason"]) == (Verdict.INVALID, "too-long")


@pytest.mark.clause(SEAL)
def test_a_seal_changed_after_making() -> None:
    changed = cached_seal(4).replace("示范章".encode(), "市政府".encode())
    found = world().verify_seal(changed)
    assert (found.verdict, bad(found), found.cryptographically_valid) == (Verdict.INVALID, {"SEAL_SIG_BAD"}, False)


@pytest.mark.clause(SEALING)
def test_a_signature_moved_to_another_seal() -> None:
    """Two seals for the same signer: the value under one is not one under the other."""
    here = world()
    first, second = read_seal_signature(cached_signature(4)), here.seal(name="另一章", es_id="15070000000002")
    tbs = write_to_be_signed(version=4, seal_der=second, time_info_at=SIGNED, data_hash=sm3(DATA), property_info=PROPERTY_INFO)
    moved = replace(first, to_be_signed=tbs, seal=read_seal(second))
    found = verify_signature(moved, trust=cached_trust(), at=NOW, data=DATA)
    assert (found.verdict, "SIG_VALUE_BAD" in bad(found), found.document_intact) == (Verdict.INVALID, True, None)


# The one thing in such a file that no signature covers is a copy of the issuer's certificate in a time-stamp. Where the verifier has its own
# copy the one in the file is of no account; so here the time-stamp's path depends on it.
FLIPS = st.tuples(st.integers(0, 1 << 30), st.integers(1, 255), st.sampled_from([4, 5]))


@cache
def lean_trust() -> TrustList:
    """The root and the revocation lists, no intermediates."""
    return replace(cached_trust(), intermediates=())


@settings(max_examples=150, deadline=None)
@given(FLIPS)
def test_flip_any_byte_of_a_sealing_value(flip: tuple[int, int, int]) -> None:
    place, octet, version = flip
    here = world()
    spoilt = bytearray(cached_signature(version))
    assert here.verify(bytes(spoilt), trust=lean_trust(), intermediates=[here.pki.issuing.certificate]).verdict is Verdict.VALID
    spoilt[place % len(spoilt)] ^= octet
    try:
        found = here.verify(bytes(spoilt), trust=lean_trust(), intermediates=[here.pki.issuing.certificate])
    except MalformedError:
        return
    assert found.verdict is not Verdict.VALID


@settings(max_examples=100, deadline=None)
@given(FLIPS)
def test_flip_any_byte_of_a_seal(flip: tuple[int, int, int]) -> None:
    place, octet, version = flip
    here = world()
    spoilt = bytearray(cached_seal(version))
    spoilt[place % len(spoilt)] ^= octet
    try:
        found = here.verify_seal(bytes(spoilt), trust=lean_trust(), intermediates=[here.pki.issuing.certificate])
    except MalformedError:
        return
    assert found.verdict is not Verdict.VALID


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=300), place=st.integers(0, 1 << 30))
def test_random_bytes_never_raise(noise: bytes, place: int) -> None:
    value = cached_signature(5)
    cut = place % len(value)
    for data in (noise, value[:cut] + noise + value[cut:], value[:cut] + noise + value[cut + len(noise) :]):
        for verify in (verify_esl, verify_ses_value):
            report = verify(data, cached_trust(), NOW)
            assert all(step.outcome in Outcome for step in report.signatures[0].steps)


def test_the_maker_s_own_checks_are_not_what_protects() -> None:
    """The builder refuses what the verifier refuses, but the verifier does not rely on it."""
    here = world()
    maker = SealMaker(here.pki.maker, here.pki.maker_signer)
    seal = build_seal(DESCRIPTION, [here.pki.tsa], maker)
    found = here.verify(here.forge(seal_der=seal, certificate=here.pki.tsa, signer=here.pki.tsa_signer))
    assert (found.verdict, "CERT_USAGE_BAD" in bad(found)) == (Verdict.INVALID, True)
