"""Attacks on the times of seals and sealing values: claims, tokens, revocations, the making of version 5."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.authority import Profile
from crypto.report import Verdict
from crypto.timestamps import TimeStampAuthority
from crypto.trust_list import ALL_PURPOSES, Anchor, Purpose
from standards import x690_der as der
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.write import write_seal_info
from tests.pki import signer_for
from tests.seal_service.seal_data.actors import (
    DATA,
    DAY,
    ENDS,
    MADE,
    NOW,
    SIGNED,
    bad,
    cached_seal,
    cached_signature,
    cached_trust,
    codes,
    other_pki,
    verify_signature,
    warnings,
    world,
)

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from crypto.signer import Signer

SEALING = "GB/T 38540-2020 sealing verification"
SEAL = "GB/T 38540-2020 seal verification"
V5_SEAL = "GM/T 0031-2025 seal verification"


@pytest.mark.clause(SEALING)
def test_time_tricks_a_claim_before_the_seal_was_made() -> None:
    here = world()
    seal = here.seal(created_at=MADE + 5 * DAY, valid_from=MADE)
    found = here.verify(here.forge(seal_der=seal, at=MADE + DAY))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SEAL_NOT_YET_VALID"})
    # Local time written as UTC is eight hours ahead: a warning
    shifted = here.seal(created_at=MADE + timedelta(hours=7), valid_from=MADE - DAY)
    found = here.verify(here.forge(seal_der=shifted, at=MADE))
    assert (found.verdict, "SEAL_CREATE_TIME_SHIFTED" in warnings(found)) == (Verdict.VALID, True)


@pytest.mark.clause(SEALING)
def test_time_tricks_a_claim_inside_the_validity_with_a_token_from_after_it() -> None:
    here, late = world(), ENDS + DAY
    value = read_seal_signature(here.forge(at=SIGNED))
    stamped = replace(value, time_stamp_der=here.stamp_at(late)(value.signature))
    found = verify_signature(stamped, trust=here.trust(issued=late), at=late + DAY, data=DATA)
    assert (found.verdict, "SEAL_EXPIRED_AT_SIGNING" in bad(found)) == (Verdict.INVALID, True)
    assert found.timestamp_at == late


@pytest.mark.clause(SEALING)
def test_time_tricks_a_claim_after_the_token_or_in_the_future() -> None:
    here = world()
    value = read_seal_signature(here.forge(at=SIGNED + 2 * DAY))
    found = verify_signature(replace(value, time_stamp_der=here.stamp_at(SIGNED)(value.signature)), trust=cached_trust(), at=NOW, data=DATA)
    assert "SIG_TIME_AFTER_TIMESTAMP" in warnings(found)
    future = here.verify(here.forge(at=NOW + DAY))
    assert (future.verdict, "SIG_TIME_IN_FUTURE" in bad(future)) == (Verdict.INDETERMINATE, True)


@pytest.mark.clause(SEALING)
def test_a_time_stamp_of_another_signature() -> None:
    here = world()
    found = here.verify(_with_stamp(here.stamp_at(SIGNED)(b"another value")))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"TS_IMPRINT_BAD"})
    assert found.timestamp_at is None


@pytest.mark.clause(SEALING)
def test_a_dummy_time_stamp() -> None:
    found = world().verify(_with_stamp(b"\x30\x04\x02\x02\x01\x02"))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"TS_BAD"})


@pytest.mark.clause("RFC 3161 2.3")
def test_a_time_stamp_by_a_certificate_that_may_not_stamp() -> None:
    here = world()
    value = read_seal_signature(here.forge())
    authority = TimeStampAuthority(here.pki.maker, here.pki.chain, here.pki.maker_signer, "1.2.3", 1)
    stamped = replace(value, time_stamp_der=authority.stamp(value.signature, SIGNED))
    found = verify_signature(stamped, trust=cached_trust(), at=NOW, data=DATA)
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"TS_TSA_CERT_BAD"})


@pytest.mark.clause(SEALING)
def test_a_time_stamp_by_nobody_known() -> None:
    other = other_pki()
    value = read_seal_signature(world().forge())
    authority = TimeStampAuthority(other.tsa, other.chain, other.tsa_signer, "1.2.3", 1)
    stamped = replace(value, time_stamp_der=authority.stamp(value.signature, SIGNED))
    found = verify_signature(stamped, trust=cached_trust(), at=NOW, data=DATA)
    assert (found.verdict, bad(found), found.timestamp_at) == (Verdict.INDETERMINATE, {"TS_UNTRUSTED"}, None)


def _with_stamp(stamp: bytes) -> bytes:
    return world().forge(stamp=stamp)


@pytest.mark.clause(SEALING)
def test_revoked_before_signing() -> None:
    here = world()
    trust = here.trust((here.pki.seal, SIGNED - DAY, "keyCompromise"))
    for stamped in (True, False):
        found = here.verify(here.sign(stamped=stamped), trust=trust)
        assert (found.verdict, "CERT_REVOKED_BEFORE" in codes(found.document_steps, "fail"), found.trusted) == (
            Verdict.INVALID,
            True,
            False,
        )


@pytest.mark.clause(SEALING)
def test_revoked_after_signing() -> None:
    """A proven time carries past the revocation; a claimed one could be claimed by the thief of the key too."""
    here = world()
    trust = here.trust((here.pki.seal, SIGNED + DAY, "keyCompromise"))
    proven = here.verify(here.sign(), trust=trust)
    assert (proven.verdict, "CERT_REVOKED_AFTER" in warnings(proven)) == (Verdict.VALID, True)
    claimed = here.verify(here.sign(stamped=False), trust=trust)
    assert (claimed.verdict, bad(claimed)) == (Verdict.INDETERMINATE, {"SIG_TIME_UNPROVEN"})


@pytest.mark.clause(SEAL, V5_SEAL)
@pytest.mark.parametrize("version", [4, 5])
def test_maker_revoked_between_making_and_signing(version: int) -> None:
    """Version 4 asks for a maker in force when the seal is used, version 5 for one in force when it was made."""
    here = world()
    trust = here.trust((here.pki.maker, MADE + DAY, "superseded"))
    found = here.verify(cached_signature(version), trust=trust)
    if version == 4:
        assert (found.verdict, "CERT_REVOKED_BEFORE" in codes(found.seal_steps, "fail")) == (Verdict.INVALID, True)
    else:
        assert (found.verdict, "CERT_REVOKED_AFTER" in codes(found.seal_steps, "warn")) == (Verdict.VALID, True)


@pytest.mark.clause(SEAL, V5_SEAL)
@pytest.mark.parametrize("version", [4, 5])
def test_maker_revoked_before_making_or_after_signing(version: int) -> None:
    here = world()
    before = here.verify(cached_signature(version), trust=here.trust((here.pki.maker, MADE - DAY, "keyCompromise")))
    assert (before.verdict, "CERT_REVOKED_BEFORE" in codes(before.seal_steps, "fail")) == (Verdict.INVALID, True)
    after = here.verify(cached_signature(version), trust=here.trust((here.pki.maker, SIGNED + DAY, "superseded")))
    assert (after.verdict, "CERT_REVOKED_AFTER" in codes(after.seal_steps, "warn")) == (Verdict.VALID, True)


@pytest.mark.clause(SEALING)
def test_attack_an_old_time_claimed_under_a_root_that_was_given_up() -> None:
    """Whoever has the root's key dates certificates and seals back: as for other signatures, only a proven time carries past the end of trust."""
    here = world()
    root = here.pki.root.certificate
    for until, open_steps in ((SIGNED + DAY, {"SIG_TIME_UNPROVEN", "SEAL_MAKING_UNPROVEN"}), (NOW, set[str]())):
        trust = replace(here.trust(), anchors=(Anchor(root, trusted_until=until),))
        claimed = here.verify(here.sign(stamped=False), trust=trust)
        assert (claimed.verdict, bad(claimed)) == (Verdict.INDETERMINATE if open_steps else Verdict.VALID, open_steps)
        proven = here.verify(here.sign(), trust=trust)
        assert (proven.verdict, bad(proven)) == (Verdict.VALID, set())
    alone = here.verify_seal(cached_seal(4), trust=replace(here.trust(), anchors=(Anchor(root, trusted_until=MADE + DAY),)))
    assert (alone.verdict, bad(alone)) == (Verdict.INDETERMINATE, {"SEAL_MAKING_UNPROVEN"})


@pytest.mark.clause(SEAL, V5_SEAL)
@pytest.mark.parametrize("version", [4, 5])
def test_attack_a_seal_dated_back_by_whoever_has_its_maker_s_key_since(version: int) -> None:
    """Its making is the maker's word. Where he is not to be trusted any more, something else must show that the seal is older."""
    here = world()
    others = Anchor(here.pki.root.certificate, ALL_PURPOSES - {Purpose.SEAL_MAKER})
    ended = replace(here.trust(), anchors=(others, Anchor(here.pki.root.certificate, frozenset({Purpose.SEAL_MAKER}), None, MADE + DAY)))
    found = here.verify(cached_signature(version), trust=ended)
    stamped = read_seal(cached_seal(version)).time_stamp_der is not None
    assert (found.verdict, bad(found)) == ((Verdict.VALID, set()) if stamped else (Verdict.INDETERMINATE, {"SEAL_MAKING_UNPROVEN"}))
    revoked = here.trust((here.pki.maker, SIGNED + DAY, "keyCompromise"))
    claimed = here.verify(here.forge(version=version), trust=revoked)
    assert (claimed.verdict, bad(claimed)) == ((Verdict.VALID, set()) if stamped else (Verdict.INDETERMINATE, {"SEAL_MAKING_UNPROVEN"}))


@pytest.mark.clause(V5_SEAL)
def test_version_5_made_outside_the_maker_s_certificate() -> None:
    here = world()
    cases: list[tuple[datetime, datetime]] = [(MADE + DAY, ENDS), (MADE - 10 * DAY, MADE - 5 * DAY)]
    for not_before, not_after in cases:
        maker = here.certificate(Profile.SEAL_MAKER, "maker", not_before=not_before, not_after=not_after)
        found = here.verify_seal(_version_5(maker, signer_for("ses-maker")))
        assert {"SEAL_MAKE_TIME_BAD", "CERT_NOT_VALID_AT_TIME"} <= codes(found.steps, "fail")


def _version_5(maker: Certificate, signer: Signer, *, created_at: datetime = MADE, stamp_at: datetime | None = None) -> bytes:
    """A seal of version 5 by any maker, with no question asked."""
    seal = read_seal(cached_seal(5))
    info_der = write_seal_info(
        vid=seal.vid,
        es_id=seal.es_id,
        seal_property=replace(seal.property, created_at=created_at),
        picture=seal.picture,
        version=5,
    )
    value = signer.sign(info_der)
    stamp = b"" if stamp_at is None else der.explicit(0, der.bit_string(world().stamp_at(stamp_at)(value)))
    return der.sequence(info_der, der.octet_string(maker.der), der.oid("1.2.156.10197.1.501"), der.bit_string(value), stamp)


@pytest.mark.clause(V5_SEAL)
def test_version_5_with_a_making_time_in_local_time() -> None:
    here = world()
    maker = here.certificate(Profile.SEAL_MAKER, "maker", not_before=MADE - DAY, not_after=MADE)
    found = here.verify_seal(_version_5(maker, signer_for("ses-maker"), created_at=MADE + timedelta(hours=5)))
    assert "SEAL_CREATE_TIME_SHIFTED" in warnings(found)
    assert "SEAL_MAKE_TIME_BAD" not in codes(found.steps, "fail")


@pytest.mark.clause(V5_SEAL)
def test_version_5_stamped_before_it_was_made() -> None:
    here = world()
    early = here.verify_seal(_version_5(here.pki.maker, here.pki.maker_signer, stamp_at=MADE - DAY))
    assert "TS_BEFORE_CREATE" in codes(early.steps, "fail")
    shifted = here.verify_seal(_version_5(here.pki.maker, here.pki.maker_signer, stamp_at=MADE - timedelta(hours=7)))
    assert ("TS_BEFORE_CREATE" in bad(shifted), "SEAL_CREATE_TIME_SHIFTED" in warnings(shifted)) == (False, True)


@pytest.mark.clause(V5_SEAL)
def test_version_5_with_a_bad_time_stamp() -> None:
    here = world()
    seal = read_seal(cached_seal(5))
    for stamp, code in ((b"\x30\x00", "TS_BAD"), (here.stamp_at(MADE)(b"another"), "TS_IMPRINT_BAD")):
        assert code in codes(here.verify_seal(_restamped(seal.raw, stamp)).steps, "fail")


def _restamped(seal_der: bytes, stamp: bytes) -> bytes:
    parts = [part.raw for part in der.read_der(seal_der).children()]
    return der.sequence(*parts[:4], der.explicit(0, der.bit_string(stamp)))


def test_a_claimed_time_does_not_make_the_lists_of_that_time_fresh() -> None:
    """A key stolen and revoked since could have been dated back to a time at which an old list still calls it good."""
    later = NOW + 100 * DAY
    claimed = world().verify(world().sign(stamped=False), at=later)
    assert claimed.verdict is Verdict.INDETERMINATE
    assert "CERT_REVOCATION_UNKNOWN" in bad(claimed)
    assert world().verify(world().sign(stamped=False)).verdict is Verdict.VALID  # the same with lists of today
