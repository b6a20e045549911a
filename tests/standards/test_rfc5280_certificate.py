"""RFC 5280, 4.1: what we write others read the same, what others write we read the same, everything else is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc5280_certificate as certificates
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import write_algorithm
from standards.rfc5280_names import write_name
from tests.costs import at_most, at_most_memory
from tests.optional import corpus

KEY = ec.generate_private_key(ec.SECP256R1())
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + b"\x04" + bytes(64)
ALGORITHM = write_algorithm(oids.SM2_WITH_SM3)
NAME = write_name([("C", "CN"), ("CN", "x")])
FROM = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2050, 1, 1, tzinfo=UTC)
BASIC = certificates.write_extension(oids.BASIC_CONSTRAINTS, b"\x30\x00")
times = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))


def made(**changes: object) -> bytes:
    parts: dict[str, object] = {
        "serial": 1,
        "signature_algorithm_der": ALGORITHM,
        "issuer_der": NAME,
        "not_before": FROM,
        "not_after": UNTIL,
        "subject_der": NAME,
        "spki_der": SPKI,
        "extensions_der": [BASIC],
    }
    tbs = certificates.write_tbs_certificate(**(parts | changes))  # type: ignore[arg-type]
    return certificates.write_signed(tbs, ALGORITHM, b"signature")


def frame(*tbs: bytes) -> bytes:
    return certificates.write_signed(der.sequence(*tbs), ALGORITHM, b"signature")


def refused(certificate_der: bytes) -> str:
    with pytest.raises(MalformedError) as raised:
        certificates.read_certificate(certificate_der)
    return raised.value.code


@pytest.mark.clause("RFC 5280 4.1")
@given(st.integers(1, 2**159 - 1), times, times, st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()))
def test_written_certificates_agree_with_asn1crypto_and_cryptography(serial: int, start: datetime, end: datetime, name: str) -> None:
    subject = write_name([("C", "CN"), ("O", name)])
    encoded = made(serial=serial, not_before=start, not_after=end, subject_der=subject)
    fields = certificates.read_certificate(encoded)
    theirs = asn1.Certificate.load(encoded)
    assert theirs.dump(force=True) == encoded
    tbs = theirs["tbs_certificate"]
    assert (fields.serial, fields.not_before, fields.not_after) == (tbs["serial_number"].native, *tbs["validity"].native.values())
    assert (fields.issuer_der, fields.subject_der) == (tbs["issuer"].dump(), tbs["subject"].dump())
    assert fields.tbs_der == tbs.dump()
    assert fields.spki.raw == tbs["subject_public_key_info"].dump()
    assert (fields.version, fields.signature) == (3, b"signature")
    pyca = x509.load_der_x509_certificate(encoded)
    assert (pyca.serial_number, pyca.not_valid_before_utc, pyca.tbs_certificate_bytes) == (serial, start, fields.tbs_der)
    assert pyca.signature_algorithm_oid.dotted_string == fields.signature_algorithm.oid == fields.tbs_signature_algorithm.oid


@settings(max_examples=20)
@given(st.integers(1, 2**159 - 1), st.booleans())
def test_certificates_of_others_are_read(serial: int, ca: bool) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), serial, datetime(2026, 1, 1), datetime(2027, 1, 1))
    made_by_pyca = builder.add_extension(x509.BasicConstraints(ca, None), critical=True).sign(KEY, hashes.SHA256())
    fields = certificates.read_certificate(made_by_pyca.public_bytes(Encoding.DER))
    assert fields.serial == serial
    assert fields.tbs_der == made_by_pyca.tbs_certificate_bytes
    extension = fields.extension(oids.BASIC_CONSTRAINTS)
    assert extension is not None
    assert extension.critical
    assert fields.extension(oids.KEY_USAGE) is None


def test_older_versions_and_unique_identifiers() -> None:
    start = der.sequence(der.utc_time(FROM), der.generalized_time(FROM + timedelta(1)))  # GeneralizedTime before 2050: tolerated
    common = (der.integer(5), ALGORITHM, NAME, start, NAME, SPKI)
    assert certificates.read_certificate(frame(*common)).version == 1
    unique = (der.tlv(0x81, b"\0\1"), der.tlv(0x82, b"\0\1"))
    assert certificates.read_certificate(frame(der.explicit(0, der.integer(1)), *common, *unique)).version == 2
    explicit_false = der.sequence(der.oid("1.2.3"), der.boolean(False), der.octet_string(b""))
    third = certificates.read_certificate(
        frame(der.explicit(0, der.integer(2)), *common, *unique, der.explicit(3, der.sequence(explicit_false)))
    )
    assert third.extensions == (certificates.Extension("1.2.3", critical=False, value_der=b""),)
    version = der.explicit(0, der.integer(2))
    for trailing in ((unique[1], unique[0]), (unique[0], unique[0]), (der.null(),)):
        assert refused(frame(version, *common, *trailing)) == "CERT_MALFORMED"
    assert refused(frame(*common, unique[0])) == "CERT_MALFORMED"
    assert refused(frame(der.explicit(0, der.integer(1)), *common, der.explicit(3, der.sequence(BASIC)))) == "CERT_MALFORMED"
    assert refused(frame(der.explicit(0, der.integer(3)), *common)) == "CERT_MALFORMED"
    assert refused(frame(*common[:5])) == "CERT_MALFORMED"
    assert refused(frame()) == "CERT_MALFORMED"
    assert refused(der.sequence(der.sequence(), der.sequence())) == "CERT_MALFORMED"
    assert refused(frame(der.integer(5), ALGORITHM, NAME, der.sequence(der.utc_time(FROM)), NAME, SPKI)) == "CERT_MALFORMED"
    assert refused(frame(der.tlv(2, b"\1" * 65), *common[1:])) == "CERT_MALFORMED"
    assert refused(frame(*common[:3], der.sequence(der.null(), der.null()), NAME, SPKI)) == "DER_UNEXPECTED_TAG"


@pytest.mark.clause("RFC 5280 4.2")
def test_extension_lists() -> None:
    assert refused(made(extensions_der=[BASIC, BASIC])) == "CERT_EXTENSION_DUPLICATE"
    assert refused(made(extensions_der=[])) == "CERT_EXTENSIONS_COUNT"
    assert refused(made(extensions_der=[der.sequence(der.oid("1.2.3"))])) == "CERT_EXTENSION_MALFORMED"
    many = [certificates.write_extension(f"1.2.3.{number}", b"") for number in range(certificates.MAX_EXTENSIONS + 1)]
    assert refused(made(extensions_der=many)) == "CERT_EXTENSIONS_COUNT"


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    assert refused(noise)


@given(st.integers(0, 1000), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_read_as_received(position: int, change: int) -> None:
    changed = bytearray(made())
    changed[position % len(changed)] ^= change
    try:
        fields = certificates.read_certificate(bytes(changed))
    except MalformedError:
        return
    assert fields.raw == changed
    assert fields.tbs_der in fields.raw


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x30\x84\xff\xff\xff\xff",  # a length of 4 GiB
        b"\x30\x80" * 10_000,  # indefinite lengths, 10,000 deep
        b"".join(b"\x30\x84" + (8 * (10_000 - i)).to_bytes(4, "big") for i in range(10_000)),
        der.sequence(*[der.tlv(der.SET, b"")] * 100_000),
        made(subject_der=der.sequence(*[der.tlv(der.SET, b"")] * 20_000)),
        made(extensions_der=[BASIC] * 5_000),
        b"\x30" * certificates.MAX_CERTIFICATE_BYTES,
    ],
    ids=["4-gib-length", "indefinite-depth", "depth-10000", "100k-sets", "name-of-20k-sets", "5k-extensions", "64-kib-of-tags"],
)
def test_oversized_asn1_costs_little_time_and_memory(hostile: bytes) -> None:
    with at_most(1), at_most_memory(50):
        assert refused(hostile)


def test_real_certificates_keep_their_bytes() -> None:
    for path in sorted((corpus() / "certs").glob("*.der")):
        encoded = path.read_bytes()
        fields = certificates.read_certificate(encoded)
        theirs = asn1.Certificate.load(encoded)["tbs_certificate"]
        assert fields.tbs_der == theirs.dump()
        assert fields.serial == theirs["serial_number"].native
        assert [extension.oid for extension in fields.extensions] == [e["extn_id"].dotted for e in theirs["extensions"]]
