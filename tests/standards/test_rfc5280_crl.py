"""RFC 5280, 5: revocation lists, agreed with asn1crypto and cryptography; large lists are indexed once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import crl as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc5280_crl as crls
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import write_algorithm
from standards.rfc5280_certificate import write_extension, write_signed
from standards.rfc5280_names import write_name
from tests.costs import at_most
from tests.optional import corpus

KEY = ec.generate_private_key(ec.SECP256R1())
ALGORITHM = write_algorithm(oids.SM2_WITH_SM3)
NAME = write_name([("C", "CN"), ("CN", "x")])
AT = datetime(2026, 11, 1, tzinfo=UTC)
LATER = AT + timedelta(days=30)
NUMBER = crls.write_crl_number(7)
times = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
reasons = st.sampled_from(sorted(crls.REASON_NUMBERS))


def made(entries: object = (), extensions_der: object = (NUMBER,)) -> bytes:
    tbs = crls.write_tbs_crl(
        signature_algorithm_der=ALGORITHM,
        issuer_der=NAME,
        this_update=AT,
        next_update=LATER,
        entries=entries,  # type: ignore[arg-type]
        extensions_der=extensions_der,  # type: ignore[arg-type]
    )
    return write_signed(tbs, ALGORITHM, b"signature")


def refused(crl_der: bytes) -> str:
    with pytest.raises(MalformedError) as raised:
        crls.read_crl(crl_der).find(1)
    return raised.value.code


@pytest.mark.clause("RFC 5280 5.1", "RFC 5280 5.3")
@given(st.dictionaries(st.integers(1, 2**159), st.tuples(times, reasons, st.none() | times), max_size=5))
def test_written_lists_agree_with_asn1crypto_and_cryptography(revoked: dict[int, tuple[datetime, str, datetime | None]]) -> None:
    encoded = made([(serial, at, crls.write_entry_extensions(reason, invalid)) for serial, (at, reason, invalid) in revoked.items()])
    fields = crls.read_crl(encoded)
    theirs = asn1.CertificateList.load(encoded)
    assert theirs.dump(force=True) == encoded
    tbs = theirs["tbs_cert_list"]
    assert tbs.dump() == fields.tbs_der
    assert (fields.this_update, fields.next_update) == (tbs["this_update"].native, tbs["next_update"].native)
    pyca = x509.load_der_x509_crl(encoded)
    assert (pyca.tbs_certlist_bytes, pyca.next_update_utc) == (fields.tbs_der, LATER)
    assert len(fields) == len(pyca) == len(revoked)
    assert fields.number == 7
    for serial, (at, reason, invalid) in revoked.items():
        assert fields.find(serial) == crls.RevokedEntry(serial, at, reason, invalid, names_other_issuer=False)
    for entry in tbs["revoked_certificates"] if revoked else ():
        found = fields.find(entry["user_certificate"].native)
        assert found is not None
        assert found.revoked_at == entry["revocation_date"].native
        assert found.reason.lower() == (entry.crl_reason_value.native.replace("_", "").lower() if entry.crl_reason_value else "unspecified")
    assert fields.find(2**160 - 5) is None
    assert not fields.has_unknown_critical_entry_extension


def test_lists_of_others_are_read() -> None:
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])
    entry = x509.RevokedCertificateBuilder(99, AT)
    entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=True)
    builder = x509.CertificateRevocationListBuilder(issuer, AT, LATER).add_revoked_certificate(entry.build())
    fields = crls.read_crl(builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER))
    found = fields.find(99)
    assert found is not None
    assert found.reason == "keyCompromise"


@pytest.mark.clause("RFC 5280 5.3")
def test_critical_entry_extensions() -> None:
    known = der.sequence(write_extension(oids.CRL_REASON, der.integer(1, der.ENUMERATED), critical=True))
    unknown = der.sequence(write_extension("1.2.3", b"", critical=True))
    issuer = der.sequence(write_extension(oids.CERTIFICATE_ISSUER, der.sequence(), critical=False))
    assert not crls.read_crl(made([(1, AT, known), (2, AT, b"")])).has_unknown_critical_entry_extension
    assert crls.read_crl(made([(1, AT, known), (2, AT, unknown)])).has_unknown_critical_entry_extension
    assert not crls.read_crl(made()).has_unknown_critical_entry_extension
    found = crls.read_crl(made([(1, AT, issuer)])).find(1)
    assert found is not None
    assert found.names_other_issuer


def test_an_unheard_of_reason_is_unspecified() -> None:
    found = crls.read_crl(made([(1, AT, der.sequence(write_extension(oids.CRL_REASON, der.integer(99, der.ENUMERATED))))])).find(1)
    assert found is not None
    assert found.reason == "unspecified"


def test_an_extension_that_nobody_heard_of_leaves_the_entry_as_it_is() -> None:
    unknown = write_extension("1.2.3", b"", critical=False)
    reason = write_extension(oids.CRL_REASON, der.integer(4, der.ENUMERATED))
    found = crls.read_crl(made([(1, AT, der.sequence(unknown, reason)), (2, AT, der.sequence(unknown))]))
    first, second = found.find(1), found.find(2)
    assert first is not None
    assert second is not None
    assert [(each.reason, each.invalid_at, each.names_other_issuer) for each in (first, second)] == [
        ("superseded", None, False),
        ("unspecified", None, False),
    ]


def test_oldest_form_and_missing_parts() -> None:
    bare = write_signed(der.sequence(ALGORITHM, NAME, der.utc_time(AT)), ALGORITHM, b"s")
    fields = crls.read_crl(bare)
    assert (fields.next_update, len(fields), fields.find(1), fields.number, fields.expired_certificates_since) == (
        None,
        0,
        None,
        None,
        None,
    )
    assert not fields.has_unknown_critical_entry_extension
    assert refused(der.sequence(der.sequence())) == "CRL_MALFORMED"
    assert refused(write_signed(der.sequence(), ALGORITHM, b"s")) == "CRL_MALFORMED"
    assert refused(write_signed(der.sequence(der.integer(2), ALGORITHM, NAME, der.utc_time(AT)), ALGORITHM, b"s")) == "CRL_MALFORMED"
    first_version = der.sequence(ALGORITHM, NAME, der.utc_time(AT), der.explicit(0, der.sequence(NUMBER)))
    assert refused(write_signed(first_version, ALGORITHM, b"s")) == "CRL_MALFORMED"
    assert refused(bytes(crls.MAX_CRL_BYTES + 1)) == "CRL_TOO_LARGE"


def test_entries_that_are_none() -> None:
    def listing(entries: bytes) -> bytes:
        tbs = der.sequence(der.integer(1), ALGORITHM, NAME, der.utc_time(AT), der.utc_time(LATER), der.tlv(der.SEQUENCE, entries))
        return write_signed(tbs, ALGORITHM, b"s")

    good = der.sequence(der.integer(1), der.utc_time(AT))
    assert refused(listing(good + good)) == "CRL_ENTRY_REPEATED"
    for entries in (
        good[:-1],
        der.null() * 4,
        der.sequence(der.utc_time(AT)),
        good + b"\x30\x00\x00\x00\x00\x00",
        der.sequence(der.tlv(2, bytes(65))),
        der.sequence(bytes.fromhex("02020007"), der.utc_time(AT)),  # 7 and -7 in two octets: to be found under one spelling only
        der.sequence(bytes.fromhex("0202fff9"), der.utc_time(AT)),
    ):
        assert refused(listing(entries)) == "CRL_ENTRY_MALFORMED"
    assert refused(listing(der.sequence(der.integer(1)) + der.sequence(der.integer(2), der.utc_time(AT)))) == "CRL_ENTRY_MALFORMED"
    assert refused(listing(der.sequence(der.integer(1), der.utc_time(AT), der.sequence(NUMBER), der.null()))) == "CRL_ENTRY_MALFORMED"
    long_entry = (1, AT, der.sequence(write_extension("1.2.3", bytes(300))))
    found = crls.read_crl(made([long_entry, (2, AT, b"")])).find(2)
    assert found is not None


def test_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crls, "MAX_CRL_ENTRIES", 3)
    assert refused(made([(serial, AT, b"") for serial in range(1, 5)])) == "CRL_TOO_MANY_ENTRIES"


@pytest.mark.clause("RFC 5280 5.2.5")
def test_scope() -> None:
    written = crls.write_issuing_distribution_point(["http://a.example/x.crl"], only_ca=True)
    native = asn1.TBSCertListExtension.load(written)
    assert native["critical"].native
    assert native["extn_value"].parsed.native["only_contains_ca_certs"]
    read = crls.read_issuing_distribution_point(native["extn_value"].contents)
    assert [name.text for name in read.full_names] == ["http://a.example/x.crl"]
    assert read.only_ca_certificates
    assert not any((read.only_user_certificates, read.indirect, read.only_some_reasons, read.only_attribute_certificates))
    bare = asn1.TBSCertListExtension.load(crls.write_issuing_distribution_point([], only_user=True, indirect=True))["extn_value"].contents
    read = crls.read_issuing_distribution_point(bare)
    assert read.only_user_certificates
    assert read.indirect
    relative = der.explicit(0, der.tlv(0xA1, der.sequence(der.oid("2.5.4.3"), der.utf8_string("y"))))
    read = crls.read_issuing_distribution_point(der.sequence(relative, der.tlv(0x83, b"\x01\x06"), der.tlv(0x85, b"\xff")))
    assert read.relative_name_der is not None
    assert read.only_some_reasons
    assert read.only_attribute_certificates
    with pytest.raises(MalformedError, match="CRL_SCOPE_MALFORMED"):
        crls.read_issuing_distribution_point(der.sequence(der.null()))


def test_expired_certificates_stay_listed() -> None:
    fields = crls.read_crl(made((), [NUMBER, crls.write_expired_certificates_since(AT)]))
    assert fields.expired_certificates_since == AT
    assert fields.extension(oids.DELTA_CRL_INDICATOR) is None


def test_fifty_thousand_entries_are_written_read_and_found_fast() -> None:
    reason = crls.write_entry_extensions("keyCompromise")
    with at_most(3):
        encoded = made([((1 << 128) + 7 * serial, AT, reason) for serial in range(50_000)])
    with at_most(0.02):
        fields = crls.read_crl(encoded)
    with at_most(0.5):
        assert fields.find((1 << 128) + 7 * 49_999) is not None
    with at_most(0.1):
        for serial in range(1000):
            assert (fields.find((1 << 128) + serial) is None) == (serial % 7 != 0)


def test_real_lists() -> None:
    for path in sorted((corpus() / "certs").glob("*.crl")):
        fields = crls.read_crl(path.read_bytes())
        theirs = asn1.CertificateList.load(path.read_bytes())["tbs_cert_list"]
        assert fields.this_update == theirs["this_update"].native
        for entry in theirs["revoked_certificates"]:
            found = fields.find(entry["user_certificate"].native)
            assert found is not None
            assert found.revoked_at == entry["revocation_date"].native


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_read_as_received(position: int, change: int) -> None:
    changed = bytearray(made([(1, AT, crls.write_entry_extensions("superseded", AT)), (300, AT, b"")]))
    changed[position % len(changed)] ^= change
    try:
        fields = crls.read_crl(bytes(changed))
        fields.find(1)
        fields.has_unknown_critical_entry_extension  # noqa: B018 - it is read for its errors
    except MalformedError:
        return
    assert fields.raw == changed
