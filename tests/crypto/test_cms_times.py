"""Which time counts for the signer's certificate: a trusted time-stamp, else the claim, else the time of verification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crypto import cms, digests
from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import TimeStampAuthority
from crypto.trust_list import Anchor, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from tests.crypto.cms_surgery import Parts, changed, token_in
from tests.crypto.signing_actors import AT, CONTENT, DAY, POLICY, Stamper, World, codes, other_certificate, world

LATER = AT + 20 * DAY
WITHDRAWN = AT + 5 * DAY


@pytest.mark.clause("RFC 3161 A", "GB/T 20520 imprint of the signature value")
@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_trusted_time_stamp_proves_the_time(algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)
    found = here.verify(here.sign(timestamp=here.stamp(AT + timedelta(seconds=2))))
    assert found.verdict is Verdict.VALID
    assert (found.signed_at, found.timestamp_at) == (AT, AT + timedelta(seconds=2))
    assert "TS_OK" in codes(found, "pass")
    assert "SIG_TIME_UNPROVEN" not in codes(found, "warn")


def test_time_stamp_carries_past_a_revocation_and_a_claim_does_not() -> None:
    here = world()
    trust = here.trust((here.pki.seal, WITHDRAWN, "keyCompromise"))
    stamped = here.verify(here.sign(timestamp=here.stamp()), trust=trust, at=LATER)
    assert stamped.verdict is Verdict.VALID
    assert stamped.trusted is True
    assert "CERT_REVOKED_AFTER" in codes(stamped, "warn")
    claimed = here.verify(here.sign(), trust=trust, at=LATER)
    assert claimed.verdict is Verdict.INDETERMINATE
    assert claimed.trusted is None
    assert codes(claimed, "not-checked") == {"SIG_TIME_UNPROVEN"}


@pytest.mark.parametrize("at", [datetime.min, datetime.max])
def test_the_ends_of_time_are_times(at: datetime) -> None:
    """Neither the time of verification nor the claim of a hostile signer runs over: each is judged like any other."""
    here = world()
    end = at.replace(tzinfo=UTC)
    stamped = here.verify(here.sign(timestamp=here.stamp()), at=end)
    assert stamped.verdict is not Verdict.VALID
    assert stamped.cryptographically_valid is True
    claimed = here.verify(here.sign(signing_time=end.replace(microsecond=0)))
    assert claimed.verdict is not Verdict.VALID
    assert claimed.cryptographically_valid is True


def test_signed_after_the_revocation() -> None:
    here = world()
    trust = here.trust((here.pki.seal, WITHDRAWN, "superseded"))
    for signed in (here.sign(signing_time=LATER), here.sign(signing_time=None), here.sign(timestamp=here.stamp(LATER))):
        found = here.verify(signed, trust=trust, at=LATER)
        assert found.verdict is Verdict.INVALID
        assert found.trusted is False
        assert "CERT_REVOKED_BEFORE" in codes(found, "fail")


def other_tsa(here: World, until: datetime) -> Stamper:
    """An authority on the usual time-stamping key whose certificate ends at ``until``."""
    request = SubjectRequest(here.pki.tsa.subject_der, here.pki.tsa.spki_der)
    certificate = here.pki.issuing.issue(request, Profile.TSA, not_before=AT - DAY, not_after=until)
    return Stamper(TimeStampAuthority(certificate, here.pki.chain, here.pki.tsa_signer, POLICY), AT)


def short_lived(claimed_at: datetime | None, timestamp: Stamper | None = None) -> bytes:
    """A signature by a certificate that ends two days after ``AT``."""
    here = world()
    certificate = other_certificate(here, serial=4711, until=AT + 2 * DAY)
    return cms.sign_detached(
        content_digest=digests.digest(oids.SM3, CONTENT),
        digest_oid=oids.SM3,
        signer=here.pki.seal_signer,
        signer_certificate=certificate,
        chain=here.pki.chain,
        signing_time=claimed_at,
        timestamp=timestamp,
    )


def test_expiry_since_then_is_a_warning_and_without_a_claim_undecided() -> None:
    here = world()
    claimed = here.verify(short_lived(AT), at=LATER)
    assert claimed.verdict is Verdict.VALID
    assert "CERT_EXPIRED_AFTER" in codes(claimed, "warn")
    silent = here.verify(short_lived(None), at=LATER)
    assert silent.verdict is Verdict.INDETERMINATE
    assert silent.trusted is None
    assert "CERT_NOT_VALID_AT_TIME" in codes(silent, "not-checked")


def test_old_evidence_does_not_go_with_a_claimed_time() -> None:
    """The key of a revoked certificate, a moment before the revocation, and the list of that moment: a thief has all three."""
    here = world()
    old = here.pki.trust_list(crls=here.pki.crls(AT - DAY, lifetime=3 * DAY))
    stolen = here.verify(here.sign(), trust=old, at=LATER)
    assert stolen.verdict is Verdict.INDETERMINATE
    assert stolen.trusted is None
    assert "CERT_REVOCATION_UNKNOWN" in codes(stolen, "not-checked")
    assert here.verify(here.sign(), trust=old, at=AT + DAY).verdict is Verdict.VALID
    fresh = here.pki.trust_list(crls=here.pki.crls(LATER - DAY))
    assert here.verify(here.sign(), trust=fresh, at=LATER).verdict is Verdict.VALID


def test_old_evidence_is_enough_for_the_signer_once_the_time_is_proven() -> None:
    here = world()
    signer_shown_long_ago = here.pki.issuing.issue_crl([], this_update=AT - DAY, next_update=AT + 2 * DAY, number=1)
    authority = other_tsa(here, until=AT + 2 * DAY)
    lists = (*here.pki.crls(AT - DAY)[:1], signer_shown_long_ago)
    found = here.verify(here.sign(timestamp=authority), trust=here.pki.trust_list(crls=lists), at=LATER)
    assert found.verdict is Verdict.VALID
    assert found.timestamp_at == AT


@pytest.mark.clause("RFC 3161 4")
def test_old_evidence_does_not_go_with_the_authority_s_own_time() -> None:
    """A stolen key of an authority stamps backwards; whether it was revoked meanwhile only a list of today tells."""
    here = world()
    old = here.pki.trust_list(crls=here.pki.crls(AT - DAY, lifetime=3 * DAY))
    found = here.verify(here.sign(timestamp=here.stamp()), trust=old, at=LATER)
    assert found.verdict is Verdict.INDETERMINATE
    assert found.timestamp_at is None
    assert "TS_UNTRUSTED" in codes(found, "not-checked")


def test_an_anchor_withdrawn_meanwhile_holds_for_proven_times_only() -> None:
    here = world()
    anchor = Anchor(here.pki.root.certificate, trusted_until=AT + DAY)
    trust = TrustList((anchor,), crls=here.pki.crls())
    claimed = here.verify(here.sign(), trust=trust, at=LATER)
    assert claimed.verdict is Verdict.INDETERMINATE
    assert claimed.trusted is None
    assert codes(claimed, "not-checked") == {"SIG_TIME_UNPROVEN"}
    assert here.verify(here.sign(timestamp=here.stamp()), trust=trust, at=LATER).verdict is Verdict.VALID
    assert here.verify(here.sign(), trust=trust, at=AT + DAY).verdict is Verdict.VALID


def test_claim_outside_the_validity_fails_under_an_anchor_only() -> None:
    here = world()
    stamped = short_lived(None, here.stamp(AT + 3 * DAY))
    for signed in (here.sign(signing_time=AT - 500 * DAY), short_lived(AT + 3 * DAY), stamped):
        known = here.verify(signed, at=LATER)
        assert known.verdict is Verdict.INVALID
        assert "CERT_NOT_VALID_AT_TIME" in codes(known, "fail")
        stranger = here.verify(signed, trust=TrustList.empty(), at=LATER)
        assert stranger.verdict is Verdict.INDETERMINATE
        assert "CERT_NOT_VALID_AT_TIME" in codes(stranger, "not-checked")


def test_claim_from_outside_the_signature_is_used_where_there_is_none_inside() -> None:
    here = world()

    def verify(signed: bytes) -> cms.CmsResult:
        return cms.verify_signed_data(
            signed,
            content_digest=lambda oid: digests.digest(oid, CONTENT),
            trust=here.trust(),
            at=LATER,
            claimed_at=AT + DAY,
        )

    assert verify(here.sign(signing_time=None)).signed_at == AT + DAY
    assert verify(here.sign()).signed_at == AT


def test_times_in_the_future_are_not_believed() -> None:
    here = world()
    claim = here.verify(here.sign(signing_time=LATER), at=AT)
    assert claim.verdict is Verdict.INDETERMINATE
    assert "SIG_TIME_IN_FUTURE" in codes(claim, "not-checked")
    stamp = here.verify(here.sign(timestamp=here.stamp(LATER)), at=AT)
    assert stamp.verdict is Verdict.INDETERMINATE
    assert stamp.timestamp_at is None
    assert "TS_BAD" in codes(stamp, "not-checked")
    skewed = here.verify(here.sign(signing_time=AT + timedelta(seconds=200)), at=AT)
    assert skewed.verdict is Verdict.VALID


def test_claim_after_the_time_stamp_is_told() -> None:
    here = world()
    found = here.verify(here.sign(signing_time=AT + DAY, timestamp=here.stamp()), at=LATER)
    assert found.verdict is Verdict.VALID
    assert "SIG_TIME_AFTER_TIMESTAMP" in codes(found, "warn")


@pytest.mark.clause("RFC 3161 4")
@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("superseded", Verdict.VALID),
        ("cessationOfOperation", Verdict.VALID),
        ("affiliationChanged", Verdict.VALID),
        ("keyCompromise", Verdict.INDETERMINATE),
        ("privilegeWithdrawn", Verdict.INDETERMINATE),
        ("unspecified", Verdict.INDETERMINATE),  # how a missing reason reads
    ],
)
def test_authority_revoked_after_the_stamp(reason: str, verdict: Verdict) -> None:
    here = world()
    found = here.verify(here.sign(timestamp=here.stamp()), trust=here.trust((here.pki.tsa, WITHDRAWN, reason)), at=LATER)
    assert found.verdict is verdict
    assert ("TS_TSA_CERT_BAD" in codes(found, "not-checked")) == (verdict is Verdict.INDETERMINATE)


@pytest.mark.clause("RFC 3161 2.3")
def test_stamp_by_a_certificate_that_is_not_for_stamping() -> None:
    here = world()
    wrong = TimeStampAuthority(here.pki.seal, here.pki.chain, here.pki.seal_signer, POLICY, 1)
    found = here.verify(here.sign(timestamp=Stamper(wrong, AT)))
    assert found.verdict is Verdict.INDETERMINATE
    assert "TS_TSA_CERT_BAD" in codes(found, "not-checked")


def stamps(*tokens: bytes, one_attribute: bool = False) -> list[bytes]:
    if one_attribute:
        return [rfc5652_cms.write_attribute(oids.SIGNATURE_TIME_STAMP, *tokens)]
    return [rfc5652_cms.write_attribute(oids.SIGNATURE_TIME_STAMP, token) for token in tokens]


@pytest.mark.parametrize("one_attribute", [True, False])
def test_several_stamps_the_earliest_counts_and_one_bad_one_spoils(one_attribute: bool) -> None:
    here = world()

    def add(parts: Parts) -> None:
        early, late = here.stamp(AT)(parts.signer.signature), here.stamp(AT + DAY)(parts.signer.signature)
        parts.signer.unsigned = stamps(early, late, one_attribute=one_attribute)

    def add_bad(parts: Parts) -> None:
        parts.signer.unsigned = stamps(here.stamp(AT)(parts.signer.signature), here.stamp(AT)(b"other"), one_attribute=one_attribute)

    assert here.verify(changed(here.sign(), add), at=LATER).timestamp_at == AT
    found = here.verify(changed(here.sign(), add_bad), at=LATER)
    assert found.verdict is Verdict.INDETERMINATE
    assert found.timestamp_at is None


def test_number_of_stamps_is_limited() -> None:
    here = world()

    def many(parts: Parts) -> None:
        parts.signer.unsigned = stamps(*[b"\x05\x00"] * 5)

    found = here.verify(changed(here.sign(), many))
    assert "TS_TOO_MANY" in codes(found, "not-checked")
    assert found.verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("spoil", ["empty", "garbage", "bit"])
def test_token_that_is_not_sound(spoil: str) -> None:
    here = world()
    signed = here.sign(timestamp=here.stamp())

    def change(parts: Parts) -> None:
        token = bytearray(token_in(signed))
        token[-1] ^= 1
        parts.signer.unsigned = stamps({"empty": b"", "garbage": b"\x05\x00", "bit": bytes(token)}[spoil])

    found = here.verify(changed(signed, change))
    assert found.verdict is Verdict.INDETERMINATE
    assert codes(found, "not-checked") == {"TS_BAD"}
