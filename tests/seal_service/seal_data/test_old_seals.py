"""Version 1 (GM/T 0031-2014): its own signed bytes, its many ways to state a time, its RSA."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from crypto.digests import digest
from crypto.report import Verdict
from crypto.sm3 import sm3
from crypto.timestamps import TimeStampAuthority
from seal_service.seal_data.seal_file import verify_esl
from standards import x690_der as der
from standards.gbt38540_seal.read import read_seal_signature
from tests.seal_service.seal_data.actors import (
    DATA,
    ENDS,
    MADE,
    NOW,
    POLICY,
    SIGNED,
    bad,
    cached_trust,
    codes,
    verify_signature,
    warnings,
    world,
)
from tests.seal_service.seal_data.old_seals import old_seal, old_signature, rsa_signature

SEALING = "GM/T 0031-2014 sealing verification"


@pytest.mark.clause(SEALING, "GM/T 0031-2014 seal verification")
def test_a_sound_value_of_version_1() -> None:
    found = world().verify(old_signature())
    assert (found.verdict, found.cryptographically_valid, found.document_intact) == (Verdict.VALID, True, True)
    assert (found.signed_at, warnings(found)) == (SIGNED, {"SEAL_STATUS_NOT_ASKED", "SIG_TIME_UNPROVEN"})
    pki = world().pki
    assert verify_esl(old_seal(pki.maker.der, pki.maker_signer.sign), cached_trust(), NOW).verdict is Verdict.VALID


@pytest.mark.clause("GM/T 0031-2014 seal verification")
def test_the_maker_signs_certificate_and_algorithm_too() -> None:
    """A signature over the seal's information alone is that of a later version."""
    pki = world().pki
    later_form = old_seal(pki.maker.der, lambda signed: pki.maker_signer.sign(der.read_der(signed).children()[0].raw))
    found = world().verify_seal(later_form)
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SEAL_SIG_BAD"})


@pytest.mark.clause(SEALING)
def test_an_unreadable_time_is_a_warning_and_now_decides() -> None:
    value = old_signature(time=der.bit_string(b"last Tuesday"))
    found = world().verify(value)
    assert (found.verdict, found.signed_at) == (Verdict.VALID, None)
    assert {"SES_TIME_UNREADABLE", "SIG_TIME_UNPROVEN"} <= warnings(found)
    late = world().verify(value, at=ENDS + timedelta(days=1), trust=world().trust(issued=ENDS))
    assert (late.verdict, "SEAL_EXPIRED_AT_SIGNING" in bad(late)) == (Verdict.INVALID, True)


@pytest.mark.clause(SEALING)
@pytest.mark.parametrize(
    ("time", "signed_at"),
    [
        (der.utc_time(SIGNED), SIGNED),
        (der.generalized_time(SIGNED), SIGNED),
        (der.utf8_string("2026-06-11 20:00:00"), SIGNED),  # local time of the makers
        (der.ia5_string("2026-06-11T12:00:00Z"), SIGNED),
        (der.octet_string(b"2026-06-11 20:00:00"), SIGNED),
        (der.utf8_string("last Tuesday"), None),
        (der.utc_time(SIGNED).replace(b"26", b"99", 1)[:-1] + b"?", None),
        (der.integer(5), None),
    ],
)
def test_a_time_in_any_dress_is_tried_and_what_is_none_is_only_said(time: bytes, signed_at: datetime | None) -> None:
    found = world().verify(old_signature(time=time))
    assert (found.verdict, found.signed_at) == (Verdict.VALID, signed_at)
    assert "SES_TAG_VARIANT" in warnings(found)
    assert ("SES_TIME_UNREADABLE" in warnings(found)) is (signed_at is None)


@pytest.mark.clause(SEALING)
@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("reading", ["hash itself", "digest of the hash", "something else"])
def test_a_token_as_time(reading: str, *, is_wrapped: bool) -> None:
    """The text does not say what the token stamps. Two readings prove the time; with any other it stays open."""
    pki = world().pki
    authority = TimeStampAuthority(pki.tsa, pki.chain, pki.tsa_signer, POLICY, 1)
    stamped = {"hash itself": DATA, "digest of the hash": sm3(DATA), "something else": b"else"}[reading]
    token = authority.stamp(stamped, SIGNED)
    found = world().verify(old_signature(time=der.bit_string(token) if is_wrapped else token))
    assert found.signed_at == SIGNED
    if reading == "something else":
        assert (found.verdict, bad(found), found.timestamp_at) == (Verdict.INDETERMINATE, {"TS_IMPRINT_BAD"}, None)
    else:
        assert (found.verdict, found.timestamp_at) == (Verdict.VALID, SIGNED)


@pytest.mark.clause(SEALING)
def test_weak_and_strong_rsa() -> None:
    """RSA with SHA-256 verifies; with SHA-1 it is never valid."""
    strong = verify_signature(read_seal_signature(rsa_signature("sha256")), trust=cached_trust(), at=NOW, data=DATA)
    assert (strong.verdict, strong.cryptographically_valid, strong.document_intact) == (Verdict.VALID, True, True)
    assert {"SIG_VALUE_OK", "DATA_HASH_OK"} <= codes(strong.document_steps, "pass")
    weak = verify_signature(read_seal_signature(rsa_signature("sha1")), trust=cached_trust(), at=NOW, data=DATA)
    assert (weak.verdict, weak.cryptographically_valid, weak.document_intact) == (Verdict.INDETERMINATE, None, None)
    assert bad(weak) == {"SIG_ALGORITHM_WEAK"}


@pytest.mark.clause(SEALING)
def test_rsa_named_by_its_key_alone_is_at_best_weak() -> None:
    found = verify_signature(read_seal_signature(rsa_signature("bare")), trust=cached_trust(), at=NOW, data=DATA)
    assert (found.verdict, found.cryptographically_valid) == (Verdict.INVALID, False)
    assert bad(found) == {"SIG_ALGORITHM_WEAK", "DATA_HASH_BAD"}  # without a stated digest only SM3 is tried over the original


@pytest.mark.clause(SEALING)
def test_a_digest_of_the_signature_s_own_algorithm_that_is_not_the_original_s() -> None:
    found = verify_signature(read_seal_signature(rsa_signature("sha256")), trust=cached_trust(), at=NOW, data=b"other")
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"DATA_HASH_BAD"})
    by_digest = verify_signature(
        read_seal_signature(rsa_signature("sha256")), trust=cached_trust(), at=NOW, data_digest=lambda oid: digest(oid, DATA)
    )
    assert by_digest.verdict is Verdict.VALID


@pytest.mark.clause("GM/T 0031-2014 seal verification")
def test_strict_is_the_letter() -> None:
    found = world().verify(old_signature(), strict=True)
    assert (found.verdict, bad(found)) == (Verdict.INDETERMINATE, {"SEAL_STATUS_UNKNOWN"})
    assert MADE < SIGNED
