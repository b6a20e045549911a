"""Making seals, and sealing: the order of the standard, and what is refused before any signature."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.sm3 import sm3
from crypto.trust_list import TrustList
from seal_service.seal_data.make import (
    SealDescription,
    SealMaker,
    build_seal,
    is_listed,
    prepare_seal_signature,
    sign_with_seal,
)
from standards.errors import TrustError
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import MONGOLIAN_NAME, SealData, SealExtension
from tests.pki import DemoPki, signer_for
from tests.seal_service.seal_data.actors import (
    DATA,
    DAY,
    DESCRIPTION,
    ENDS,
    MADE,
    NOW,
    PROPERTY_INFO,
    SIGNED,
    bad,
    cached_seal,
    cached_signature,
    world,
)
from tests.seal_service.seal_data.old_seals import old_seal, rsa_certificate

MAKING = "GB/T 38540-2020 making"
SEALING = "GB/T 38540-2020 sealing"


def described(seal: SealData) -> SealDescription:
    """What a seal says of itself."""
    told = seal.property
    return SealDescription(
        es_id=seal.es_id,
        vid=seal.vid,
        kind=told.kind,
        name=told.name,
        created_at=told.created_at,
        valid_from=told.valid_from,
        valid_until=told.valid_until,
        picture=seal.picture,
        extensions=seal.extensions,
    )


@pytest.mark.clause(MAKING, "GM/T 0031-2025 making")
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("with_digests", [False, True])
def test_a_seal_says_what_it_was_told(version: int, with_digests: bool) -> None:
    extension = SealExtension(MONGOLIAN_NAME, True, "ᠲᠠᠮᠠᠭ᠎ᠠ".encode())
    seal = read_seal(world().seal(version, with_digests=with_digests, extensions=(extension,)))
    assert described(seal) == replace(DESCRIPTION, extensions=(extension,))
    assert (seal.version, seal.quirks, seal.property.cert_list_type) == (version, (), 2 if with_digests else 1)
    assert (seal.time_stamp_der is not None) == (version == 5)
    assert is_listed(seal, world().pki.seal)
    assert not is_listed(seal, world().pki.tsa)
    assert world().verify_seal(seal.raw).verdict is Verdict.VALID


@pytest.mark.clause(SEALING)
def test_two_halves_give_what_one_call_gives() -> None:
    here = world()
    prepared = prepare_seal_signature(
        cached_seal(4), data_hash=sm3(DATA), property_info=PROPERTY_INFO, signer_certificate=here.pki.seal, signed_at=SIGNED
    )
    assert prepared.to_be_signed == read_seal_signature(cached_signature(4)).to_be_signed
    value = here.pki.seal_signer.sign(prepared.to_be_signed)
    finished = prepared.finish(value)
    assert here.verify(finished).verdict is Verdict.VALID
    token = here.stamp_at(SIGNED)(value)
    stamped = prepared.finish(value, time_stamp_der=token)
    assert here.verify(stamped).verdict is Verdict.VALID


def refusal(code: str, **changes: object) -> None:
    here = world()
    arguments: dict[str, object] = {
        "data_hash": sm3(DATA),
        "property_info": PROPERTY_INFO,
        "signer": here.pki.seal_signer,
        "signer_certificate": here.pki.seal,
        "signed_at": SIGNED,
    }
    seal_der = changes.pop("seal_der", cached_seal(4))
    with pytest.raises(TrustError) as refused:
        sign_with_seal(seal_der, **(arguments | changes))  # type: ignore[arg-type]
    assert refused.value.code == code


@pytest.mark.clause(SEALING)
def test_what_is_not_sealed() -> None:
    here = world()
    refusal("SEAL_NOT_VALID_AT_SIGNING", signed_at=ENDS + DAY)
    refusal("SEAL_NOT_VALID_AT_SIGNING", signed_at=MADE - DAY)
    refusal("SEAL_NOT_VALID_AT_SIGNING", signed_at=MADE + 3650 * DAY)
    refusal("SEAL_SIGNER_NOT_LISTED", signer=here.pki.tsa_signer, signer_certificate=here.pki.tsa)
    refusal("SEAL_KEY_MISMATCH", signer=here.pki.tsa_signer)
    refusal("SEAL_DATA_HASH_UNACCEPTABLE", data_hash=bytes(31))
    refusal("SES_VALUE_UNACCEPTABLE", property_info="原文")
    refusal("SES_MALFORMED", seal_der=b"no seal")
    refusal("SEAL_VERSION_UNACCEPTABLE", seal_der=old_seal(here.pki.maker.der, here.pki.maker_signer.sign))


@pytest.mark.clause(SEALING)
def test_a_renewed_certificate_needs_the_seal_made_again() -> None:
    here = world()
    renewed = here.certificate(Profile.SEAL_SIGNING, "renewed")
    key = signer_for("ses-renewed")
    refusal("SEAL_SIGNER_NOT_LISTED", signer=key, signer_certificate=renewed)
    for with_digests in (False, True):
        again = build_seal(DESCRIPTION, [renewed], here.maker(), with_digests=with_digests)
        assert is_listed(read_seal(again), renewed)
        assert not is_listed(read_seal(again), here.pki.seal)
        value = sign_with_seal(again, data_hash=sm3(DATA), property_info="all", signer=key, signer_certificate=renewed, signed_at=SIGNED)
        assert here.verify(value).verdict is Verdict.VALID


@pytest.mark.clause(MAKING)
def test_certificates_that_do_not_go_into_a_seal() -> None:
    here = world()
    for certificate in (here.certificate(Profile.SEAL_ENCRYPTION, "renewed"), rsa_certificate()):
        with pytest.raises(TrustError) as refused:
            build_seal(DESCRIPTION, [certificate], here.maker())
        assert refused.value.code == "SEAL_CERTIFICATE_UNACCEPTABLE"
    with pytest.raises(TrustError) as refused:
        build_seal(DESCRIPTION, [], here.maker())
    assert refused.value.code == "SES_VALUE_UNACCEPTABLE"


def making_refused(maker: SealMaker, version: int) -> str:
    with pytest.raises(TrustError) as refused:
        build_seal(DESCRIPTION, [world().pki.seal], maker, version=version)
    return refused.value.code


@pytest.mark.clause("GM/T 0031-2025 making")
def test_version_5_verifies_the_maker_first_and_stamps() -> None:
    here = world()
    complete = here.maker()
    assert making_refused(replace(complete, trust=None), 5) == "SEAL_MAKING_INCOMPLETE"
    assert making_refused(replace(complete, timestamp=None), 5) == "SEAL_MAKING_INCOMPLETE"
    assert making_refused(replace(complete, trust=TrustList.empty()), 5) == "SEAL_MAKER_UNACCEPTABLE"
    assert making_refused(replace(complete, trust=here.trust((complete.certificate, MADE - DAY, "keyCompromise"))), 4) == (
        "SEAL_MAKER_UNACCEPTABLE"
    )
    late = here.certificate(Profile.SEAL_MAKER, "maker", not_before=MADE + DAY)
    assert making_refused(SealMaker(late, signer_for("ses-maker")), 4) == "SEAL_MAKER_UNACCEPTABLE"
    assert making_refused(SealMaker(complete.certificate, here.pki.tsa_signer), 4) == "SEAL_KEY_MISMATCH"
    assert read_seal(build_seal(DESCRIPTION, [here.pki.seal], replace(complete, trust=None, timestamp=None))).version == 4


def test_only_sm2_signs() -> None:
    foreign = DemoPki.create(MADE, SignatureAlgorithm.ECDSA_SHA256, label="ses-ecdsa")
    assert making_refused(SealMaker(foreign.maker, foreign.maker_signer), 4) == "SEAL_KEY_MISMATCH"


def test_a_seal_for_several_signers() -> None:
    here = world()
    second = here.pki.issuing.issue(
        SubjectRequest(here.pki.seal.subject_der, signer_for("ses-second").public_spki_der),
        Profile.SEAL_SIGNING,
        not_before=MADE - DAY,
        not_after=ENDS + DAY,
    )
    seal_der = build_seal(DESCRIPTION, [here.pki.seal, second], here.maker())
    for certificate, signer in ((here.pki.seal, here.pki.seal_signer), (second, signer_for("ses-second"))):
        value = sign_with_seal(
            seal_der, data_hash=sm3(DATA), property_info="all", signer=signer, signer_certificate=certificate, signed_at=SIGNED
        )
        assert bad(here.verify(value, at=NOW)) == set()
