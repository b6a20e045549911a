"""Revocation lists: good, revoked, stale, missing and undecidable are told apart, and nothing but good is good."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto import revocation_lists
from crypto.authority import CertificateAuthority, RevokedCertificate
from crypto.revocation import MAX_EVIDENCE, RevocationEvidence, RevocationResult, RevocationStatus, check_revocation
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.rfc5280_certificate import write_extension, write_signed
from standards.rfc5280_crl import read_crl, write_issuing_distribution_point, write_tbs_crl
from tests.costs import at_most, at_most_memory
from tests.pki import YEAR, DemoPki, craft, name_der

if TYPE_CHECKING:
    from crypto.certificates import Certificate

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PKI = DemoPki.create(AT)
CA = PKI.issuing
HOLD = RevokedCertificate(PKI.seal.serial, AT - 2 * DAY, "certificateHold")


def crl(*revoked: RevokedCertificate, at: datetime = AT - DAY, days: int = 30, ca: CertificateAuthority = CA, **more: object) -> bytes:
    return ca.issue_crl(revoked, this_update=at, next_update=at + days * DAY, number=1, **more)  # type: ignore[arg-type]


def check(
    *crls: bytes, responses: tuple[bytes, ...] = (), at: datetime = AT, leaf: Certificate = PKI.seal, **more: object
) -> RevocationResult:
    return check_revocation(leaf, CA.certificate, RevocationEvidence(crls, responses), at, **more)  # type: ignore[arg-type]


def status(*crls: bytes, **more: object) -> tuple[RevocationStatus, str | None]:
    result = check(*crls, **more)  # type: ignore[arg-type]
    return result.status, result.reason


@pytest.mark.clause("RFC 5280 6.3")
def test_fresh_stale_and_missing_are_told_apart() -> None:
    assert check(crl()).status is RevocationStatus.GOOD
    assert check(crl()).source == "crl"
    assert check(crl()).this_update == AT - DAY
    assert status(crl(at=AT - 31 * DAY)) == (RevocationStatus.STALE, "stale")
    assert check(crl(at=AT - 30 * DAY)).status is RevocationStatus.GOOD  # nextUpdate is the last moment
    assert status() == (RevocationStatus.MISSING, None)
    assert status(PKI.crls()[0]) == (RevocationStatus.MISSING, None)
    assert check(crl(at=AT - 31 * DAY), crl()).status is RevocationStatus.GOOD


def test_a_list_issued_after_the_moment_shows_it_good_even_when_out_of_date_today() -> None:
    later = crl(at=AT + 10 * DAY)
    assert check(later).status is RevocationStatus.GOOD
    assert check(later, now=AT + YEAR).status is RevocationStatus.GOOD
    assert status(later, at=AT + 41 * DAY) == (RevocationStatus.STALE, "stale")


def test_a_list_of_the_future_is_not_believed() -> None:
    assert status(crl(at=AT + DAY), now=AT) == (RevocationStatus.UNDECIDABLE, "dated-in-the-future")
    assert check(crl(at=AT + timedelta(minutes=4)), now=AT).status is RevocationStatus.GOOD


def test_a_list_that_ends_before_it_begins_is_not_believed() -> None:
    assert status(crl(at=AT + DAY, days=-3)) == (RevocationStatus.UNDECIDABLE, "next-update-before-this-update")


@pytest.mark.clause("RFC 5280 3.3")
def test_expired_certificates_may_have_been_dropped_from_later_lists() -> None:
    after = PKI.seal.not_after + DAY
    assert status(crl(at=after)) == (RevocationStatus.STALE, "issued-after-the-certificate-expired")
    assert check(crl(at=after, expired_since=AT)).status is RevocationStatus.GOOD
    assert status(crl(at=after, expired_since=after)) == (RevocationStatus.STALE, "issued-after-the-certificate-expired")


def test_without_next_update_only_a_later_list_counts() -> None:
    algorithm_der = algorithm_identifier(PKI.issuing_signer.algorithm).raw

    def bare(at: datetime) -> bytes:
        tbs = der.sequence(algorithm_der, CA.certificate.subject_der, der.utc_time(at))
        return write_signed(tbs, algorithm_der, PKI.issuing_signer.sign(tbs))

    assert status(bare(AT - timedelta(minutes=1))) == (RevocationStatus.STALE, "stale")
    assert check(bare(AT)).status is RevocationStatus.GOOD


@pytest.mark.clause("RFC 5280 5.3.1", "RFC 5280 5.3.2")
def test_revocation_with_reason_and_date() -> None:
    result = check(crl(RevokedCertificate(PKI.seal.serial, AT - DAY, "keyCompromise", AT - 5 * DAY)))
    assert result == RevocationResult(RevocationStatus.REVOKED, AT - 5 * DAY, "keyCompromise", "crl", AT - DAY)
    # a stale list that names it still counts; the earliest moment wins
    stale = crl(RevokedCertificate(PKI.seal.serial, AT - 90 * DAY, "superseded"), at=AT - 80 * DAY)
    assert check(stale, crl()).revoked_at == AT - 90 * DAY
    assert check(crl(), stale).status is RevocationStatus.REVOKED
    later = crl(RevokedCertificate(PKI.seal.serial, AT - 3 * DAY, "keyCompromise"))
    assert {check(*both).revoked_at for both in ((stale, later), (later, stale))} == {AT - 90 * DAY}
    assert check(crl(RevokedCertificate(PKI.seal.serial + 1, AT - DAY))).status is RevocationStatus.GOOD


def test_a_hold_lasts_until_a_newer_list_leaves_it_out() -> None:
    held = crl(HOLD, at=AT - 2 * DAY)
    assert check(held).status is RevocationStatus.REVOKED
    assert check(held, crl(at=AT - 3 * DAY)).status is RevocationStatus.REVOKED
    assert check(held, crl()).status is RevocationStatus.GOOD
    for_good = crl(RevokedCertificate(PKI.seal.serial, AT - 2 * DAY, "keyCompromise"), at=AT - 2 * DAY)
    assert check(for_good, crl()).status is RevocationStatus.REVOKED


def test_remove_from_crl_belongs_into_delta_lists() -> None:
    assert status(crl(RevokedCertificate(PKI.seal.serial, AT - DAY, "removeFromCRL"))) == (
        RevocationStatus.UNDECIDABLE,
        "remove-from-complete-list",
    )


@pytest.mark.clause("RFC 5280 5.2")
@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (write_extension(oids.DELTA_CRL_INDICATOR, der.integer(1), critical=True), "delta-list"),
        (write_extension("1.2.3", der.null(), critical=True), "unknown-critical-extension"),
        (write_issuing_distribution_point([], indirect=True), "indirect-list"),
        (write_extension(oids.ISSUING_DISTRIBUTION_POINT, der.sequence(der.tlv(0x83, b"\x06\x40")), critical=True), "partial-list"),
        (
            write_extension(
                oids.ISSUING_DISTRIBUTION_POINT,
                der.sequence(der.explicit(0, der.tlv(0xA1, der.sequence(der.oid("2.5.4.3"), der.utf8_string("x"))))),
                critical=True,
            ),
            "relative-distribution-point",
        ),
        (write_extension(oids.ISSUING_DISTRIBUTION_POINT, b"\x05", critical=True), "DER_TRUNCATED"),
    ],
    ids=["delta", "unknown", "indirect", "partial", "relative", "malformed-scope"],
)
def test_lists_that_may_not_be_relied_on(extension: bytes, expected: str) -> None:
    unusable = crl(extensions_der=[extension])
    assert status(unusable) == (RevocationStatus.UNDECIDABLE, expected)
    assert check(unusable, crl()).status is RevocationStatus.GOOD
    assert check(crl(extensions_der=[write_extension("1.2.3", der.null(), critical=False)])).status is RevocationStatus.GOOD


def naming_cases() -> list[tuple[str, bytes, str | None]]:
    """Lists that show nothing good and name the certificate: "revoked", why the question stays open, None where they say nothing about it."""
    gone, held, removed = (
        RevokedCertificate(PKI.seal.serial, AT - DAY, each) for each in ("keyCompromise", "certificateHold", "removeFromCRL")
    )
    delta = write_extension(oids.DELTA_CRL_INDICATOR, der.integer(1), critical=True)
    unknown = write_extension("1.2.3", der.null(), critical=True)

    def scope(*parts: bytes) -> bytes:
        return write_extension(oids.ISSUING_DISTRIBUTION_POINT, der.sequence(*parts), critical=True)

    def newer(revoked: RevokedCertificate, *extensions_der: bytes, at: datetime = AT - timedelta(hours=1)) -> bytes:
        return crl(revoked, at=at, extensions_der=extensions_der)

    relative = scope(der.explicit(0, der.tlv(0xA1, der.sequence(der.oid("2.5.4.3"), der.utf8_string("x")))))
    number = write_extension(oids.CRL_NUMBER, der.integer(1))
    entries = [
        (77, AT, der.sequence(write_extension("1.2.3", der.null(), critical=True))),
        (PKI.seal.serial, AT - DAY, b""),
    ]
    return [
        ("delta", newer(gone, delta), "revoked"),
        ("delta of before", newer(gone, delta, at=AT - 9 * DAY), "revoked"),
        ("hold in a delta", newer(held, delta), "delta-list"),
        ("hold in a delta of before", newer(held, delta, at=AT - 9 * DAY), None),
        ("removed by a delta", newer(removed, delta), None),
        ("some reasons", newer(gone, scope(der.tlv(0x83, b"\x06\x40"))), "revoked"),
        ("relative place", newer(gone, relative), "revoked"),
        ("other place", newer(gone, write_issuing_distribution_point(["http://127.0.0.1/other.crl"])), "revoked"),
        ("authorities", newer(gone, write_issuing_distribution_point([], only_ca=True)), "revoked"),
        ("attribute certificates", newer(gone, scope(der.tlv(0x85, b"\xff"))), None),
        ("indirect", newer(gone, write_issuing_distribution_point([], indirect=True)), "indirect-list"),
        ("unknown extension", newer(gone, unknown), "unknown-critical-extension"),
        ("unknown extension, before", newer(gone, unknown, at=AT - 9 * DAY), None),
        ("unknown scope", newer(gone, write_extension(oids.ISSUING_DISTRIBUTION_POINT, b"\x05", critical=True)), "DER_TRUNCATED"),
        ("unknown extension of another's", crafted(entries=entries), "unknown-critical-entry-extension"),
        ("the same in a delta", crafted(entries=entries, extensions_der=[number, delta]), "delta-list"),
    ]


@pytest.mark.clause("RFC 5280 6.3.3", "RFC 5280 5.2.4")
def test_what_an_issuer_revokes_is_revoked_in_whichever_list_he_says_so() -> None:
    for name, listed, expected in naming_cases():
        found = check(crl(), listed)
        if expected == "revoked":
            assert (found.status, found.reason, found.revoked_at) == (RevocationStatus.REVOKED, "keyCompromise", AT - DAY), name
        elif expected is None:
            assert found.status is RevocationStatus.GOOD, name
        else:
            assert (found.status, found.reason) == (RevocationStatus.UNDECIDABLE, expected), name


@pytest.mark.clause("RFC 5280 5.2.5")
def test_scope_of_a_list() -> None:
    def scoped(*urls: str, **only: bool) -> bytes:
        return crl(extensions_der=[write_issuing_distribution_point(urls, **only)])

    assert check(scoped("http://127.0.0.1/issuing.crl")).status is RevocationStatus.GOOD
    assert check(scoped("http://127.0.0.1/other.crl", "http://127.0.0.1/issuing.crl", only_user=True)).status is RevocationStatus.GOOD
    assert status(scoped("http://127.0.0.1/other.crl")) == (RevocationStatus.MISSING, "other-distribution-point")
    assert status(scoped(only_ca=True)) == (RevocationStatus.MISSING, "other-kind-of-certificate")
    attributes = write_extension(oids.ISSUING_DISTRIBUTION_POINT, der.sequence(der.tlv(0x85, b"\xff")), critical=True)
    assert status(crl(extensions_der=[attributes])) == (RevocationStatus.MISSING, "other-kind-of-certificate")
    users = crl(ca=PKI.root, extensions_der=[write_issuing_distribution_point([], only_user=True)])
    authorities = crl(ca=PKI.root, extensions_der=[write_issuing_distribution_point([], only_ca=True)])
    for evidence, expected in ((users, RevocationStatus.MISSING), (authorities, RevocationStatus.GOOD)):
        assert check_revocation(CA.certificate, PKI.root.certificate, RevocationEvidence((evidence,)), AT).status is expected


def crafted(entry_extensions: bytes = b"", issuer: str = "demo issuing", **tbs: object) -> bytes:
    algorithm_der = algorithm_identifier(PKI.issuing_signer.algorithm).raw
    parts: dict[str, object] = {
        "signature_algorithm_der": algorithm_der,
        "issuer_der": name_der(issuer),
        "this_update": AT,
        "next_update": AT + DAY,
        "entries": [(77, AT, entry_extensions)],
        "extensions_der": [write_extension(oids.CRL_NUMBER, der.integer(1))],
    }
    tbs_der = write_tbs_crl(**(parts | tbs))  # type: ignore[arg-type]
    return write_signed(tbs_der, algorithm_der, PKI.issuing_signer.sign(tbs_der))


def test_entries_that_change_the_meaning_of_the_list() -> None:
    assert check(crafted()).status is RevocationStatus.GOOD
    critical = der.sequence(write_extension("1.2.3", der.null(), critical=True))
    assert status(crafted(critical)) == (RevocationStatus.UNDECIDABLE, "unknown-critical-entry-extension")
    harmless = der.sequence(write_extension("1.2.3", der.octet_string(b"\x01\x01\xff"), critical=False))  # the bytes of critical TRUE
    assert check(crafted(harmless)).status is RevocationStatus.GOOD
    indirect = [(PKI.seal.serial, AT, der.sequence(write_extension(oids.CERTIFICATE_ISSUER, der.sequence())))]
    assert status(crafted(entries=indirect)) == (RevocationStatus.UNDECIDABLE, "indirect-list")
    broken = [(PKI.seal.serial, AT, der.null())]
    assert check(crafted(entries=broken)).status is RevocationStatus.UNDECIDABLE


def test_lists_of_others_and_forged_lists_say_nothing() -> None:
    assert status(crafted(issuer="somebody")) == (RevocationStatus.MISSING, None)
    changed = bytearray(crl())
    changed[-1] ^= 1
    assert status(bytes(changed)) == (RevocationStatus.MISSING, "signature-bad")
    assert status(b"nonsense") == (RevocationStatus.MISSING, "DER_TRUNCATED")
    fields = read_crl(crl())
    outer = algorithm_identifier(SignatureAlgorithm.ECDSA_SHA256).raw
    assert status(write_signed(fields.tbs_der, outer, fields.signature)) == (RevocationStatus.MISSING, "signature-bad")
    alias = der.sequence(der.oid(oids.SM2_SIGN_ALIAS))  # would verify, but is not what the signed part states
    assert status(write_signed(fields.tbs_der, alias, fields.signature)) == (RevocationStatus.MISSING, "signature-bad")
    unknown = der.sequence(der.oid("1.2.3"))
    tbs = crafted(signature_algorithm_der=unknown)
    assert status(write_signed(read_crl(tbs).tbs_der, unknown, b"x")) == (RevocationStatus.UNDECIDABLE, "signature-unsupported")


def test_an_issuer_without_the_right_to_sign_lists() -> None:
    issuer = craft(
        PKI.root.certificate.subject_der,
        PKI.root_signer,
        CA.certificate.subject_der,
        CA.certificate.spki_der,
        at=AT,
        extensions_der=[extensions.write_basic_constraints(ca=True), extensions.write_key_usage([5])],
    )
    result = check_revocation(PKI.seal, issuer, RevocationEvidence((crl(),)), AT)
    assert (result.status, result.reason) == (RevocationStatus.UNDECIDABLE, "issuer-may-not-sign-lists")


def test_too_much_evidence_is_refused() -> None:
    assert status(*[crl()] * (MAX_EVIDENCE + 1)) == (RevocationStatus.UNDECIDABLE, "too-much-evidence")


def test_a_large_list_is_read_once_and_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    large = crl(*(RevokedCertificate((1 << 128) + n, AT - DAY, "superseded") for n in range(50_000)))
    started = time.process_time()
    assert check(large).status is RevocationStatus.GOOD
    cold = time.process_time() - started
    with at_most(cold + 0.5):  # 100 look-ups cost about as much as the first
        for _ in range(100):
            assert check(large).status is RevocationStatus.GOOD
    monkeypatch.setattr(revocation_lists, "MAX_REMEMBERED_BYTES", 10)
    memory = revocation_lists._Memory()
    first = memory.read(crl())
    assert not memory._lists
    assert memory._bytes == 0
    assert first.is_signed_by(CA.certificate.spki_der)


def test_memory_returns_the_same_list_and_bounds_its_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = crl()
    read = revocation_lists.read_revocation_list(encoded)
    assert revocation_lists.read_revocation_list(encoded) is read
    monkeypatch.setattr(revocation_lists, "MAX_REMEMBERED_CHECKS", 1)
    for _ in range(2):
        assert read.is_signed_by(CA.certificate.spki_der).value == "good"
        assert read.is_signed_by(PKI.seal.spki_der).value == "bad"
    assert len(read._checks) == 1


def test_evidence_adds_up() -> None:
    both = RevocationEvidence((b"a",), (b"b",)) + RevocationEvidence((b"c",), responders=(PKI.ocsp,))
    assert both == RevocationEvidence((b"a", b"c"), (b"b",), (PKI.ocsp,))


def test_no_flipped_byte_makes_revoked_good() -> None:
    original = crl(RevokedCertificate(PKI.seal.serial, AT - DAY, "keyCompromise"))
    for position in range(0, len(original), 3):
        changed = bytearray(original)
        changed[position] ^= 0x55
        assert check(bytes(changed)).status is not RevocationStatus.GOOD


def test_hostile_lists_cost_little_time_and_memory() -> None:
    entries = b"\x30\x05\x02\x01\x01\x17\x00" * 100_000
    deep = b"".join(b"\x30\x84" + (8 * (10_000 - i)).to_bytes(4, "big") for i in range(10_000))
    for hostile in (b"\x30\x84\xff\xff\xff\xff", deep, der.sequence(*[b"\x31\x00"] * 100_000), crafted()[:40] + entries):
        with at_most(2), at_most_memory(50):
            assert check(hostile).status is RevocationStatus.MISSING
            assert check(responses=(hostile,)).status is RevocationStatus.MISSING


def test_a_signature_that_could_not_be_checked_today_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise one failure of a provider would leave the list undecided for as long as it is remembered."""
    current = crl(at=AT - 3 * DAY)
    with monkeypatch.context() as away:
        away.setattr(revocation_lists, "verify_signature", lambda *_: SignatureCheck.UNSUPPORTED)
        assert status(current) == (RevocationStatus.UNDECIDABLE, "signature-unsupported")
    assert check(current).status is RevocationStatus.GOOD
