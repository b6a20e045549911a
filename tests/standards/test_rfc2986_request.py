"""RFC 2986: requests, agreed with asn1crypto and cryptography in both directions."""

from __future__ import annotations

import pytest
from asn1crypto import csr as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc2986_request as requests
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import write_algorithm
from standards.rfc5280_certificate import write_signed
from standards.rfc5280_extensions import write_key_usage
from standards.rfc5280_names import write_name

KEY = ec.generate_private_key(ec.SECP256R1())
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + b"\x04" + bytes(64)
ALGORITHM = write_algorithm(oids.SM2_WITH_SM3)
NAME = write_name([("CN", "x")])


def refused(request_der: bytes) -> str:
    with pytest.raises(MalformedError) as raised:
        requests.read_request(request_der)
    return raised.value.code


def framed(*info: bytes) -> bytes:
    return write_signed(der.sequence(*info), ALGORITHM, b"s")


@pytest.mark.clause("RFC 2986 4.1")
@given(st.text(min_size=1, max_size=30), st.booleans())
def test_written_requests_agree_with_asn1crypto(name: str, asks: bool) -> None:
    subject = write_name([("C", "CN"), ("O", name)])
    encoded = write_signed(requests.write_request_info(subject, SPKI, [write_key_usage([0])] if asks else []), ALGORITHM, b"s")
    theirs = asn1.CertificationRequest.load(encoded)
    assert theirs.dump(force=True) == encoded
    info = theirs["certification_request_info"]
    read = requests.read_request(encoded)
    assert read.info_der == info.dump()
    assert (read.subject_der, read.spki.raw) == (info["subject"].dump(), info["subject_pk_info"].dump())
    assert [extension.oid for extension in read.extensions] == ([oids.KEY_USAGE] if asks else [])
    assert read.signature == b"s"
    assert x509.load_der_x509_csr(encoded).tbs_certrequest_bytes == read.info_der


def test_requests_of_others_are_read() -> None:
    builder = x509.CertificateSigningRequestBuilder(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")]))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"x")
    made = builder.sign(KEY, hashes.SHA256())
    read = requests.read_request(made.public_bytes(Encoding.DER))
    assert read.info_der == made.tbs_certrequest_bytes
    assert [extension.oid for extension in read.extensions] == [oids.BASIC_CONSTRAINTS]


def test_malformed_requests_are_refused() -> None:
    info = (der.integer(0), NAME, SPKI)
    assert requests.read_request(framed(*info)).extensions == ()  # attributes left out: seen, harmless
    asked = der.sequence(der.oid(oids.EXTENSION_REQUEST), der.tlv(der.SET, der.sequence(write_key_usage([0]))))
    assert refused(bytes(requests.MAX_REQUEST_BYTES + 1)) == "CSR_TOO_LARGE"
    for bad in (
        der.sequence(der.sequence(*info), ALGORITHM),
        framed(der.integer(0), NAME),
        framed(der.integer(1), NAME, SPKI),
        framed(*info, der.tlv(0xA0, der.sequence(der.oid("1.2.3")))),
        framed(*info, der.tlv(0xA0, asked + asked)),
        framed(*info, der.tlv(0xA0, der.sequence(der.oid(oids.EXTENSION_REQUEST), der.tlv(der.SET, b"")))),
    ):
        assert refused(bad) == "CSR_MALFORMED"


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    assert refused(noise)
