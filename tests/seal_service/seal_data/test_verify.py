"""The steps of verifying seals and sealing values, in their three parts, and how times are judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.authority import Profile
from crypto.report import Outcome, Verdict
from crypto.sm3 import sm3
from crypto.trust_list import TrustList
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.document_checks import digest_with_identity
from seal_service.seal_data.make import SealMaker, build_seal
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from tests.pki import signer_for
from tests.seal_service.seal_data.actors import (
    DATA,
    DAY,
    DESCRIPTION,
    ENDS,
    MADE,
    NOW,
    SIGNED,
    bad,
    cached_seal,
    cached_signature,
    codes,
    verify_signature,
    warnings,
    world,
)
from tests.seal_service.seal_data.old_seals import rsa_certificate

V4_SEAL = "GB/T 38540-2020 seal verification"
V5_SEAL = "GM/T 0031-2025 seal verification"
V4_SEALING = "GB/T 38540-2020 sealing verification"
V5_SEALING = "GM/T 0031-2025 sealing verification"


@pytest.mark.clause(V4_SEALING, V5_SEALING, V4_SEAL, V5_SEAL)
@pytest.mark.parametrize("version", [4, 5])
def test_a_sound_sealing_value(version: int) -> None:
    found = world().verify(cached_signature(version))
    assert (found.verdict, bad(found)) == (Verdict.VALID, set())
    assert (found.cryptographically_valid, found.document_intact, found.trusted) == (True, True, True)
    assert found.signer_certificate == world().pki.seal
    assert "11010000000001" in str(found.signer)
    assert (found.signed_at, found.timestamp_at) == (SIGNED, SIGNED)
    assert warnings(found) == {"SEAL_STATUS_NOT_ASKED"}
    passed = codes(found.steps, "pass")
    assert {"SES_FORMAT_OK", "SEAL_SIG_OK", "SIG_VALUE_OK", "SIGNER_IN_SEAL", "SEAL_TIME_OK", "DATA_HASH_OK", "TS_OK"} <= passed
    assert ("SEAL_MAKE_TIME_OK" in passed) == (version == 5)


@pytest.mark.clause(V4_SEALING)
def test_the_three_parts() -> None:
    found = world().verify(cached_signature(4))
    assert "SEAL_SIG_OK" in codes(found.seal_steps, "pass")
    assert codes(found.status_steps, "warn") == {"SEAL_STATUS_NOT_ASKED"}
    assert "SIG_VALUE_OK" in codes(found.document_steps, "pass")
    assert found.steps == found.seal_steps + found.status_steps + found.document_steps
    assert {step.facts.get("role") for step in found.seal_steps if step.code.startswith("CERT_")} == {"maker"}
    assert {step.facts.get("role") for step in found.document_steps if step.code.startswith("CERT_")} == {"signer"}


@pytest.mark.clause(V4_SEAL, V5_SEAL)
@pytest.mark.parametrize("version", [4, 5])
def test_a_sound_seal(version: int) -> None:
    found = world().verify_seal(cached_seal(version))
    assert (found.verdict, found.cryptographically_valid, found.trusted) == (Verdict.VALID, True, True)
    assert found.maker_certificate == world().pki.maker
    assert "maker" in str(found.maker)


@pytest.mark.clause(V4_SEALING)
def test_without_an_anchor_it_is_never_valid() -> None:
    found = world().verify(cached_signature(4), trust=TrustList.empty())
    assert (found.verdict, found.cryptographically_valid, found.trusted) == (Verdict.INDETERMINATE, True, None)
    assert {"CERT_NO_ANCHOR", "TS_UNTRUSTED"} <= bad(found)


@pytest.mark.clause(V4_SEALING)
def test_without_revocation_data_it_is_never_valid() -> None:
    found = world().verify(cached_signature(4), trust=world().pki.trust_list(crls=()))
    assert (found.verdict, "CERT_REVOCATION_UNKNOWN" in bad(found)) == (Verdict.INDETERMINATE, True)


@pytest.mark.clause(V4_SEALING)
def test_without_the_original_the_document_is_undecided() -> None:
    found = world().verify(cached_signature(4), data=None)
    assert (found.verdict, bad(found)) == (Verdict.INDETERMINATE, {"DATA_MISSING"})
    assert (found.cryptographically_valid, found.document_intact) == (True, None)


@pytest.mark.clause(V4_SEALING)
def test_the_original_as_a_digest() -> None:
    assert world().verify(cached_signature(4), data=None, data_digest=sm3(DATA)).verdict is Verdict.VALID
    by_oid = world().verify(cached_signature(4), data=None, data_digest=lambda oid: sm3(DATA) if oid == oids.SM3 else b"")
    assert by_oid.verdict is Verdict.VALID
    other = world().verify(cached_signature(4), data=None, data_digest=sm3(b"other"))
    assert (other.verdict, bad(other), other.document_intact) == (Verdict.INVALID, {"DATA_HASH_BAD"}, False)


@pytest.mark.clause(V4_SEALING)
def test_a_changed_original() -> None:
    found = world().verify(cached_signature(4), data=DATA + b" ")
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"DATA_HASH_BAD"})
    assert (found.cryptographically_valid, found.document_intact) == (False, False)


@pytest.mark.clause("GB/T 32918.2-2016 5.5")
def test_the_digest_with_the_identity_of_the_signer_passes_with_a_warning_only() -> None:
    here = world()
    variant = digest_with_identity(DATA, open_certificate(here.pki.seal.der))
    assert variant is not None
    found = here.verify(here.forge(data_hash=variant))
    assert (found.verdict, found.document_intact) == (Verdict.VALID, True)
    assert "DATA_HASH_ZA_VARIANT" in warnings(found)
    assert digest_with_identity(DATA, open_certificate(rsa_certificate().der)) is None  # only SM2 has one
    assert digest_with_identity(DATA, open_certificate(b"")) is None
    # By the digest alone it cannot be recognised
    assert here.verify(here.forge(data_hash=variant), data=None, data_digest=sm3(DATA)).verdict is Verdict.INVALID


@pytest.mark.clause(V4_SEALING)
def test_a_list_of_digests() -> None:
    here = world()
    found = here.verify(here.sign(here.seal(with_digests=True)))
    assert (found.verdict, "SIGNER_IN_SEAL" in codes(found.document_steps, "pass")) == (Verdict.VALID, True)


@pytest.mark.clause(V4_SEALING)
def test_the_claimed_time_is_named_as_unproven() -> None:
    found = world().verify(world().sign(stamped=False))
    assert (found.verdict, found.signed_at, found.timestamp_at) == (Verdict.VALID, SIGNED, None)
    assert "SIG_TIME_UNPROVEN" in warnings(found)


@pytest.mark.clause(V4_SEALING, V5_SEALING)
@pytest.mark.parametrize("version", [4, 5])
def test_expired_now_but_good_at_signing(version: int) -> None:
    """The letter of the texts fails every old document; the verdict goes by the time of sealing, and strict by the letter."""
    here, later = world(), ENDS + 10 * DAY
    trust = here.trust(issued=later - DAY)
    found = here.verify(cached_signature(version), at=later, trust=trust)
    assert (found.verdict, "SEAL_EXPIRED_NOW" in warnings(found)) == (Verdict.VALID, True)
    strict = here.verify(cached_signature(version), at=later, trust=trust, strict=True)
    assert (strict.verdict, "SEAL_EXPIRED_NOW" in codes(strict.seal_steps, "fail")) == (Verdict.INVALID, True)
    alone = here.verify_seal(cached_seal(version), at=later, trust=trust)
    assert (alone.verdict, "SEAL_EXPIRED_NOW" in warnings(alone)) == (Verdict.VALID, True)


@pytest.mark.clause(V4_SEALING)
def test_expired_at_signing() -> None:
    here, late = world(), ENDS + DAY
    found = here.verify(here.forge(at=late), at=late + DAY, trust=here.trust(issued=late))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SEAL_EXPIRED_AT_SIGNING"})
    assert "SEAL_EXPIRED_NOW" in warnings(found)


@pytest.mark.clause(V4_SEALING)
def test_not_yet_valid_at_signing() -> None:
    here = world()
    seal = here.seal(valid_from=SIGNED + DAY)
    found = here.verify(here.forge(seal_der=seal))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"SEAL_NOT_YET_VALID"})
    alone = here.verify_seal(seal, at=SIGNED, trust=here.trust(issued=MADE))
    assert (alone.verdict, bad(alone)) == (Verdict.INVALID, {"SEAL_NOT_YET_VALID"})


@pytest.mark.clause(V4_SEAL)
def test_a_seal_at_the_time_it_was_used() -> None:
    found = world().verify_seal(cached_seal(4), at=ENDS + DAY, now=ENDS + 2 * DAY, trust=world().trust(issued=ENDS + DAY))
    assert bad(found) == {"SEAL_EXPIRED_AT_SIGNING"}
    assert world().verify_seal(cached_seal(4), at=SIGNED, now=NOW).verdict is Verdict.VALID


@pytest.mark.clause(V4_SEAL, V5_SEAL)
@pytest.mark.parametrize("version", [4, 5])
def test_a_maker_who_expired_after_making(version: int) -> None:
    here = world()
    maker = here.certificate(Profile.SEAL_MAKER, "maker", not_before=MADE - DAY, not_after=MADE + DAY)
    changed = replace(here.maker(), certificate=maker, signer=signer_for("ses-maker"))
    trust = here.trust(issued=MADE)  # a list from after the expiry says nothing about the certificate
    found = here.verify(here.sign(_sealed_by(changed, version)), trust=trust)
    assert (found.verdict, "CERT_EXPIRED_AFTER" in codes(found.seal_steps, "warn")) == (Verdict.VALID, True)
    strict = here.verify(here.sign(_sealed_by(changed, version)), trust=trust, strict=True)
    failed = codes(strict.seal_steps, "fail")
    assert failed == ({"CERT_EXPIRED_AFTER"} if version == 4 else set())  # version 5 asks for the time of making alone


def _sealed_by(maker: SealMaker, version: int) -> bytes:
    return build_seal(DESCRIPTION, [world().pki.seal], maker, version=version)


@pytest.mark.clause(V4_SEAL)
def test_a_maker_s_certificate_that_begins_after_the_stated_making() -> None:
    """Seen in genuine seals: version 4 does not ask for the time of making, as long as the certificate was good when the seal was used."""
    here = world()
    late = here.certificate(Profile.SEAL_MAKER, "maker", not_before=MADE + DAY)
    info_der = read_seal(cached_seal(4)).info_raw
    seal = here.forge_seal(info_der, certificate=late, signer=signer_for("ses-maker"))
    assert here.verify(here.forge(seal_der=seal)).verdict is Verdict.VALID
    too_late = here.certificate(Profile.SEAL_MAKER, "maker", not_before=SIGNED + DAY)
    found = here.verify(here.forge(seal_der=here.forge_seal(info_der, certificate=too_late, signer=signer_for("ses-maker"))))
    assert (found.verdict, bad(found)) == (Verdict.INVALID, {"CERT_NOT_VALID_AT_TIME"})


def test_a_certificate_that_breaks_a_rule_still_shows_whose_key_signed() -> None:
    """Chinese text in an IA5String, as a genuine seal has it: the values are checked, trust stays open."""
    here = world()
    raw = bytearray(here.pki.seal.der)
    place = raw.index("印信示范单位".encode())
    raw[place] = 0xFF  # no longer UTF-8
    signature = read_seal_signature(cached_signature(4))
    prop = replace(signature.seal.property, certificates=(bytes(raw),))
    spoilt = replace(signature, signer_certificate_der=bytes(raw), seal=replace(signature.seal, property=prop))
    found = verify_signature(spoilt, trust=here.trust(), at=NOW, data=DATA)
    assert (found.verdict, bad(found), found.cryptographically_valid) == (Verdict.INDETERMINATE, {"CMS_CERTIFICATE_UNREADABLE"}, True)
    assert (found.signer, found.trusted) == (None, None)
    late = replace(spoilt, time_info_at=MADE + 365 * 20 * DAY, time_stamp_der=None)
    found = verify_signature(late, trust=here.trust(), at=MADE + 365 * 21 * DAY, data=DATA)
    assert ("CERT_NOT_VALID_AT_TIME" in bad(found), found.trusted) == (True, False)
    nothing = replace(spoilt, signer_certificate_der=b"no certificate")
    found = verify_signature(nothing, trust=here.trust(), at=NOW, data=DATA)
    assert (found.cryptographically_valid, found.document_intact) == (False, None)
    assert {"CMS_CERTIFICATE_UNREADABLE", "SIGNER_NOT_IN_SEAL"} <= bad(found)


@pytest.mark.clause(V4_SEALING)
@pytest.mark.parametrize("alias", [oids.SM2_SIGN_ALIAS, oids.SM2_WITH_SM3_ALIAS])
def test_older_identifiers_of_the_algorithm_verify_with_a_warning(alias: str) -> None:
    found = world().verify(world().forge(algorithm=der.oid(alias)))
    assert (found.verdict, "SES_OID_ALIAS" in warnings(found)) == (Verdict.VALID, True)


@pytest.mark.clause(V4_SEALING)
def test_other_algorithms_do_not_belong_to_versions_4_and_5() -> None:
    for oid in (oids.SHA256_WITH_RSA, oids.ECDSA_WITH_SHA256, "1.2.3"):
        found = world().verify(world().forge(algorithm=der.oid(oid)))
        assert (found.verdict, found.cryptographically_valid) == (Verdict.INDETERMINATE, None)
        assert bad(found) == {"SIG_ALGORITHM_UNSUPPORTED"}


@pytest.mark.clause(V4_SEALING)
def test_a_bare_pair_of_numbers_verifies_with_a_warning() -> None:
    here = world()
    signature = read_seal_signature(here.sign(stamped=False))
    r, s = (node.integer() for node in der.read_der(signature.signature).children())
    raw = der.sequence(
        signature.to_be_signed,
        der.octet_string(here.pki.seal.der),
        der.oid(oids.SM2_WITH_SM3),
        der.bit_string(r.to_bytes(32, "big") + s.to_bytes(32, "big")),
    )
    found = here.verify(raw)
    assert (found.verdict, "SES_RAW_RS" in warnings(found)) == (Verdict.VALID, True)


def test_every_step_has_a_clause_and_the_verdict_follows_the_steps() -> None:
    found = world().verify(cached_signature(5), trust=TrustList.empty(), data=b"other")
    assert all(step.clause for step in found.steps)
    assert any(step.outcome is Outcome.FAIL for step in found.steps)
    assert found.verdict is Verdict.INVALID
