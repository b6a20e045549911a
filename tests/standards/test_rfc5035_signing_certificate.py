"""Signing-certificate attributes against asn1crypto's reading and writing."""

from __future__ import annotations

import pytest
from asn1crypto import algos, tsp, x509
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5035_signing_certificate import (
    MAX_CERTIFICATE_IDS,
    CertificateId,
    read_signing_certificate,
    read_signing_certificate_v2,
    write_signing_certificate_v2,
)

NAME = x509.Name.build({"common_name": "issuer"})


@pytest.mark.clause("RFC 5035 3", "RFC 5035 4")
@pytest.mark.parametrize("digest_oid", [oids.SHA256, oids.SHA384, oids.SM3])
def test_written_value_is_read_by_both(digest_oid: str) -> None:
    value = write_signing_certificate_v2(digest_oid, b"h" * 32)
    assert read_signing_certificate_v2(value) == CertificateId(digest_oid, b"h" * 32, None, None)
    [theirs] = tsp.SigningCertificateV2.load(value, strict=True)["certs"]
    assert theirs["hash_algorithm"]["algorithm"].dotted == digest_oid
    assert theirs["cert_hash"].native == b"h" * 32
    assert (der.oid(oids.SHA256) in value) is False  # a default value is never encoded


@pytest.mark.clause("RFC 5035 5")
def test_issuer_and_serial_as_others_write_them() -> None:
    issuer_serial = {"issuer": [x509.GeneralName({"directory_name": NAME})], "serial_number": 99}
    second = tsp.SigningCertificateV2(
        {
            "certs": [
                tsp.ESSCertIDv2(
                    {
                        "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha512"}),
                        "cert_hash": b"x",
                        "issuer_serial": tsp.IssuerSerial(issuer_serial),
                    }
                )
            ]
        }
    ).dump()
    assert read_signing_certificate_v2(second) == CertificateId(oids.SHA512, b"x", NAME.dump(), 99)


@pytest.mark.clause("RFC 2634 5.4")
def test_older_form_is_sha1() -> None:
    first = tsp.SigningCertificate({"certs": [tsp.ESSCertID({"cert_hash": b"y" * 20})]}).dump()
    assert read_signing_certificate(first) == CertificateId(oids.SHA1, b"y" * 20, None, None)


def certificate_id(*fields: bytes) -> bytes:
    return der.sequence(der.sequence(der.sequence(*fields)))


@pytest.mark.parametrize(
    "value",
    [
        der.sequence(),
        der.sequence(der.sequence(), der.sequence(), der.sequence()),
        der.sequence(der.sequence()),
        der.sequence(der.sequence(*[der.sequence(der.octet_string(b""))] * (MAX_CERTIFICATE_IDS + 1))),
        certificate_id(),
        certificate_id(der.octet_string(b""), der.sequence(), der.sequence()),
        certificate_id(der.octet_string(b""), der.sequence(der.sequence())),
        certificate_id(der.octet_string(b""), der.sequence(der.sequence(), der.integer(1))),
        certificate_id(der.octet_string(b""), der.sequence(der.sequence(der.tlv(0x86, b"uri")), der.integer(1))),
    ],
)
def test_other_shapes_are_refused(value: bytes) -> None:
    with pytest.raises(MalformedError):
        read_signing_certificate(value)


@given(st.binary(max_size=120))
def test_random_bytes_are_malformed_at_most(value: bytes) -> None:
    for read in (read_signing_certificate, read_signing_certificate_v2):
        with pytest.raises(MalformedError):
            read(value)
