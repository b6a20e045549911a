"""RFC 6960: requests and responses, agreed with asn1crypto and cryptography in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import ocsp as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as pyca
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc6960_ocsp as ocsp
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import write_algorithm
from standards.rfc5280_certificate import write_extension
from standards.rfc5280_names import write_name

KEY = ec.generate_private_key(ec.SECP256R1())
ALGORITHM = write_algorithm(oids.SM2_WITH_SM3)
NAME = write_name([("CN", "responder")])
AT = datetime(2026, 11, 1, tzinfo=UTC)
LATER = AT + timedelta(days=1)
ID = ocsp.write_cert_id(oids.SM3, bytes(32), bytes(32), 5)
PYCA_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])


def refused(read: object, encoded: bytes) -> str:
    with pytest.raises(MalformedError) as raised:
        read(encoded)  # type: ignore[operator]
    return raised.value.code


def responded(*singles: bytes, nonce: bytes | None = None, certificates: tuple[bytes, ...] = ()) -> bytes:
    tbs = ocsp.write_response_data(responder_name_der=NAME, produced_at=AT, responses_der=singles, nonce=nonce)
    return ocsp.write_ocsp_response(tbs, ALGORITHM, b"signature", certificates)


def good(**more: object) -> bytes:
    return ocsp.write_single_response(ID, status=ocsp.GOOD, this_update=AT, next_update=LATER, **more)  # type: ignore[arg-type]


def basic_of(encoded: bytes) -> ocsp.BasicResponse:
    basic = ocsp.read_ocsp_response(encoded).basic
    assert basic is not None
    return basic


@pytest.mark.clause("RFC 6960 4.1.1", "RFC 9654 2.1")
@given(st.integers(1, 2**159), st.none() | st.binary(min_size=1, max_size=128), st.sampled_from([oids.SM3, oids.SHA1, oids.SHA256]))
def test_requests_agree_with_asn1crypto(serial: int, nonce: bytes | None, digest_oid: str) -> None:
    cert_id = ocsp.write_cert_id(digest_oid, b"name", b"key", serial)
    encoded = ocsp.write_ocsp_request([cert_id], nonce)
    theirs = asn1.OCSPRequest.load(encoded)
    assert theirs.dump(force=True) == encoded
    assert theirs.nonce_value is None if nonce is None else theirs.nonce_value.native == nonce
    read = ocsp.read_ocsp_request(encoded)
    assert read.nonce == nonce
    (wanted,) = read.certificate_ids
    assert (wanted.raw, wanted.serial, wanted.digest_algorithm.oid) == (cert_id, serial, digest_oid)
    assert (wanted.issuer_name_digest, wanted.issuer_key_digest) == (b"name", b"key")


def test_requests_of_others_are_read() -> None:
    builder = pyca.OCSPRequestBuilder().add_certificate_by_hash(bytes(32), bytes(32), 77, hashes.SHA256())
    encoded = builder.add_extension(x509.OCSPNonce(b"n" * 16), critical=False).build().public_bytes(Encoding.DER)
    read = ocsp.read_ocsp_request(encoded)
    assert (read.certificate_ids[0].serial, read.nonce) == (77, b"n" * 16)


def test_malformed_requests_are_refused() -> None:
    one = der.sequence(der.sequence(ID))
    signed = der.sequence(der.sequence(der.explicit(0, der.integer(0)), der.explicit(1, der.null()), one), der.explicit(0, der.sequence()))
    assert ocsp.read_ocsp_request(signed).nonce is None
    assert refused(ocsp.read_ocsp_request, bytes(ocsp.MAX_OCSP_BYTES + 1)) == "OCSP_TOO_LARGE"
    for bad in (
        der.sequence(),
        der.sequence(der.sequence()),
        der.sequence(der.sequence(der.sequence())),
        der.sequence(der.sequence(der.sequence(*[der.sequence(ID)] * 101))),
        der.sequence(der.sequence(der.null())),
        der.sequence(der.sequence(der.sequence(der.sequence()))),
        der.sequence(der.sequence(der.sequence(der.sequence(der.sequence(ALGORITHM))))),
    ):
        assert refused(ocsp.read_ocsp_request, bad) == "OCSP_MALFORMED"
    for nonce in (b"", bytes(129)):
        assert refused(ocsp.read_ocsp_request, ocsp.write_ocsp_request([ID], nonce)) == "OCSP_NONCE_LENGTH"
    other = der.sequence(der.sequence(one, der.explicit(2, der.sequence(write_extension("1.2.3", b"")))))
    assert ocsp.read_ocsp_request(other).nonce is None


@pytest.mark.clause("RFC 6960 4.2.1")
@pytest.mark.parametrize("reason", ["unspecified", "keyCompromise"])
def test_responses_agree_with_asn1crypto(reason: str) -> None:
    revoked = ocsp.write_single_response(ID, status=ocsp.REVOKED, this_update=AT, next_update=LATER, revoked_at=AT, reason=reason)
    unknown = ocsp.write_single_response(ID, status=ocsp.UNKNOWN, this_update=AT, next_update=LATER)
    encoded = responded(good(archive_cutoff=AT), revoked, unknown, nonce=b"n" * 16, certificates=(der.sequence(der.null()),))
    theirs = asn1.OCSPResponse.load(encoded)
    data = theirs.basic_ocsp_response["tbs_response_data"]
    basic = basic_of(encoded)
    assert basic.tbs_der == data.dump()
    assert basic.produced_at == data["produced_at"].native == AT
    assert theirs.nonce_value.native == basic.nonce == b"n" * 16
    assert basic.responder_name_der == data["responder_id"].chosen.untag().dump() == NAME
    assert [single.status for single in basic.responses] == [single["cert_status"].name for single in data["responses"]]
    first, second, third = basic.responses
    assert (first.archive_cutoff, second.revoked_at, second.reason, third.archive_cutoff) == (AT, AT, reason, None)
    assert [single.next_update for single in basic.responses] == [LATER] * 3
    assert basic.certificates == (der.sequence(der.null()),)
    assert not basic.has_unknown_critical_extension


def test_responses_of_others_are_read() -> None:
    certificate = x509.CertificateBuilder(PYCA_NAME, PYCA_NAME, KEY.public_key(), 7, datetime(2026, 1, 1), datetime(2027, 1, 1)).sign(
        KEY, hashes.SHA256()
    )
    builder = pyca.OCSPResponseBuilder().add_response(
        certificate, certificate, hashes.SHA256(), pyca.OCSPCertStatus.REVOKED, AT, None, AT, x509.ReasonFlags.superseded
    )
    made = builder.responder_id(pyca.OCSPResponderEncoding.HASH, certificate).certificates([certificate]).sign(KEY, hashes.SHA256())
    basic = basic_of(made.public_bytes(Encoding.DER))
    assert basic.tbs_der == made.tbs_response_bytes
    assert basic.responder_key_digest == made.responder_key_hash
    (single,) = basic.responses
    assert (single.status, single.reason, single.revoked_at, single.next_update) == ("revoked", "superseded", AT, None)
    assert basic.certificates == (certificate.public_bytes(Encoding.DER),)


def test_failures() -> None:
    encoded = ocsp.write_ocsp_failure(ocsp.TRY_LATER)
    assert asn1.OCSPResponse.load(encoded)["response_status"].native == "try_later"
    assert ocsp.read_ocsp_response(encoded) == ocsp.OcspResponse(ocsp.TRY_LATER, None)


def test_critical_extensions_are_seen() -> None:
    def single(extensions: bytes) -> bytes:
        return der.sequence(ID, der.tlv(0x80, b""), der.generalized_time(AT), der.explicit(1, der.sequence(extensions)))

    assert basic_of(responded(single(write_extension("1.2.3", b"", critical=True)))).responses[0].has_unknown_critical_extension
    assert not basic_of(responded(single(write_extension("1.2.3", b"")))).responses[0].has_unknown_critical_extension
    data = der.sequence(
        der.explicit(0, der.integer(0)),
        der.explicit(1, NAME),
        der.generalized_time(AT),
        der.sequence(good()),
        der.explicit(1, der.sequence(write_extension("1.2.3", b"", critical=True))),
    )
    assert basic_of(ocsp.write_ocsp_response(data, ALGORITHM, b"s", ())).has_unknown_critical_extension


def test_malformed_responses_are_refused() -> None:
    def body(basic: bytes) -> bytes:
        content = der.sequence(der.oid(oids.OCSP_BASIC), der.octet_string(basic))
        return der.sequence(der.integer(0, der.ENUMERATED), der.explicit(0, content))

    def data(*parts: bytes) -> bytes:
        return body(der.sequence(der.sequence(*parts), ALGORITHM, der.bit_string(b"s")))

    responder = der.explicit(1, NAME)
    produced = der.generalized_time(AT)
    assert refused(ocsp.read_ocsp_response, bytes(ocsp.MAX_OCSP_BYTES + 1)) == "OCSP_TOO_LARGE"
    for bad in (
        der.sequence(),
        der.sequence(der.integer(0, der.ENUMERATED)),
        der.sequence(der.integer(1, der.ENUMERATED), der.null()),
        body(der.sequence()),
        data(),
        data(responder, produced),
        responded(der.sequence(ID)),
        responded(der.sequence(ID, der.tlv(0x83, b""), produced)),
        responded(der.sequence(ID, der.tlv(0xA1, b""), produced)),
    ):
        assert refused(ocsp.read_ocsp_response, bad) == "OCSP_MALFORMED"
    other = der.sequence(der.integer(0, der.ENUMERATED), der.explicit(0, der.sequence(der.oid("1.2.3"), der.octet_string(b""))))
    assert refused(ocsp.read_ocsp_response, other) == "OCSP_TYPE_UNKNOWN"
    assert refused(ocsp.read_ocsp_response, responded(*[good()] * 1001)) == "OCSP_TOO_MANY"
    assert refused(ocsp.read_ocsp_response, responded(good(), certificates=(der.null(),) * 17)) == "OCSP_TOO_MANY"


@given(st.binary(max_size=100))
def test_noise_is_refused(noise: bytes) -> None:
    assert refused(ocsp.read_ocsp_response, noise)
    assert refused(ocsp.read_ocsp_request, noise)
