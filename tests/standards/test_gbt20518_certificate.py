"""GB/T 20518: what we issue keeps the profile, each deviation is named once, real national certificates are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards.gbt20518_certificate import check_profile, is_sm2_certificate, write_seal_subject
from standards.rfc5280_algorithms import write_algorithm
from standards.rfc5280_certificate import CertificateFields, read_certificate, write_extension, write_signed, write_tbs_certificate
from standards.rfc5280_names import name_text, write_name
from standards.x690_der import boolean, named_bit_list, sequence
from tests.optional import corpus

SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + b"\x04" + bytes(64)
SUBJECT = write_seal_subject("12990000YX0000008K", "印信示范单位", "11010000000001")
USAGE = extensions.write_key_usage([0, 1])
KEY_ID = extensions.write_subject_key_identifier(b"k")
ISSUER_KEY_ID = extensions.write_authority_key_identifier(b"i")


def made(
    *written: bytes, serial: int = 1, subject: bytes = SUBJECT, algorithm: str = oids.SM2_WITH_SM3, spki: bytes = SPKI
) -> CertificateFields:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    algorithm_der = write_algorithm(algorithm)
    tbs = write_tbs_certificate(
        serial=serial,
        signature_algorithm_der=algorithm_der,
        issuer_der=write_name([("CN", "issuer")]),
        not_before=at,
        not_after=at,
        subject_der=subject,
        spki_der=spki,
        extensions_der=written,
    )
    return read_certificate(write_signed(tbs, algorithm_der, b"s"))


def names(fields: CertificateFields) -> list[str]:
    return [deviation.name for deviation in check_profile(fields)]


@pytest.mark.clause("GB/T 20518-2018 5.2.3", "GB/T 20518-2018 5.2.4")
def test_a_certificate_after_the_profile_has_no_deviation() -> None:
    assert names(made(USAGE, KEY_ID, ISSUER_KEY_ID)) == []


@pytest.mark.parametrize(
    ("fields", "deviation"),
    [
        (made(USAGE, KEY_ID, ISSUER_KEY_ID, serial=1 << 160), "serial-number-range"),
        (made(USAGE, KEY_ID, ISSUER_KEY_ID, serial=0), "serial-number-range"),
        (made(USAGE, KEY_ID, ISSUER_KEY_ID, algorithm=oids.SM2_SIGN_ALIAS), "signature-algorithm-alias"),
        (made(USAGE, KEY_ID, ISSUER_KEY_ID, subject=b"\x30\x00"), "subject-empty"),
        (made(KEY_ID, ISSUER_KEY_ID), "key-usage-missing"),
        (made(write_extension(oids.KEY_USAGE, named_bit_list([0])), KEY_ID, ISSUER_KEY_ID), "key-usage-not-critical"),
        (made(extensions.write_key_usage([0, 2]), KEY_ID, ISSUER_KEY_ID), "signing-and-encryption-mixed"),
        (
            made(USAGE, write_extension(oids.BASIC_CONSTRAINTS, sequence(boolean(True))), KEY_ID, ISSUER_KEY_ID),
            "basic-constraints-not-critical",
        ),
        (made(USAGE, ISSUER_KEY_ID), "subject-key-identifier-missing"),
        (made(USAGE, KEY_ID), "authority-key-identifier-missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_deviation_is_named(fields: CertificateFields, deviation: str) -> None:
    assert names(fields) == [deviation]


def test_a_self_issued_certificate_needs_no_authority_key_identifier() -> None:
    assert names(made(USAGE, KEY_ID, subject=write_name([("CN", "issuer")]))) == []


def test_the_profile_speaks_of_sm2_keys() -> None:
    assert is_sm2_certificate(made(USAGE))
    ed25519 = bytes.fromhex("302a300506032b6570032100") + bytes(32)
    assert not is_sm2_certificate(made(USAGE, spki=ed25519))
    assert not is_sm2_certificate(made(USAGE, spki=SPKI.replace(bytes.fromhex("2a811ccf5501822d"), bytes.fromhex("2a8648ce3d030107"))))


def test_seal_subjects_follow_the_national_convention() -> None:
    assert name_text(SUBJECT) == "CN=11010000000001,O=12990000YX0000008K印信示范单位,C=CN"
    real = read_certificate((corpus() / "certs" / "leaf_zibo_seal_signer.der").read_bytes())
    assert name_text(real.subject_der) == "CN=37030000001721,O=11370306MB2867521U淄博市周村区自然资源局,C=CN"
    assert write_seal_subject("11370306MB2867521U", "淄博市周村区自然资源局", "37030000001721") == real.subject_der
    assert names(real) == []
