"""AlgorithmIdentifier and SubjectPublicKeyInfo, with asn1crypto as the second opinion."""

from __future__ import annotations

import pytest
from asn1crypto import algos, keys
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import (
    MAX_CACHED_ALGORITHM_BYTES,
    MAX_SPKI_BYTES,
    algorithm,
    read_algorithm,
    read_spki,
    write_algorithm,
    write_spki,
)

arcs = st.tuples(st.sampled_from([0, 1, 2]), st.integers(0, 39), st.lists(st.integers(0, 2**40), min_size=1, max_size=8)).map(
    lambda t: ".".join(str(a) for a in (t[0], t[1], *t[2]))
)
parameters = st.one_of(
    st.none(), st.just(der.null()), arcs.map(der.oid), st.binary(max_size=2 * MAX_CACHED_ALGORITHM_BYTES).map(der.octet_string)
)


@pytest.mark.clause("RFC 5280 4.1.1.2")
@given(arcs, parameters)
def test_algorithm_round_trip_and_oracle(oid: str, parameters_der: bytes | None) -> None:
    encoded = write_algorithm(oid, parameters_der)
    found = read_algorithm(der.read_der(encoded))
    assert found == algorithm(oid, parameters_der)
    assert (found.oid, found.parameters_der, found.raw) == (oid, parameters_der, encoded)
    assert found.has_no_parameters == (parameters_der in (None, der.null()))
    assert algos.AlgorithmIdentifier.load(encoded)["algorithm"].dotted == oid


def test_raw_is_the_slice_of_the_whole() -> None:
    inner = write_algorithm(oids.SM2_WITH_SM3)
    assert read_algorithm(der.read_der(der.sequence(der.integer(1), inner, der.integer(2))).children()[1]).raw == inner


@pytest.mark.parametrize(
    "encoded",
    [
        der.sequence(),
        der.sequence(der.oid(oids.SM3), der.null(), der.null()),
        der.sequence(der.null()),
        der.tlv(der.SET, der.oid(oids.SM3)),
        der.sequence(der.oid(oids.SM3), b"\x04\x81\x01\x00"),
    ],
)
def test_malformed_algorithms(encoded: bytes) -> None:
    with pytest.raises(MalformedError):
        read_algorithm(der.read_der(encoded))


@pytest.mark.clause("RFC 5280 4.1.2.7")
@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_spki_of_other_libraries(kind: str) -> None:
    keys_of: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey] = {
        "rsa": rsa.generate_private_key(65537, 2048),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    key = keys_of[kind]
    encoded = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = read_spki(encoded)
    oracle = keys.PublicKeyInfo.load(encoded)
    assert found.algorithm.oid == oracle["algorithm"]["algorithm"].dotted
    assert found.algorithm.raw == oracle["algorithm"].dump()
    assert found.raw == encoded
    assert write_spki(found.algorithm.raw, found.key_bits) == encoded


@given(arcs, parameters, st.binary(max_size=600))
def test_spki_round_trip(oid: str, parameters_der: bytes | None, bits: bytes) -> None:
    encoded = write_spki(write_algorithm(oid, parameters_der), bits)
    found = read_spki(encoded)
    assert (found.algorithm, found.key_bits, found.raw) == (algorithm(oid, parameters_der), bits, encoded)


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        (der.sequence(write_algorithm(oids.ED25519)), "SPKI_MALFORMED"),
        (der.sequence(write_algorithm(oids.ED25519), der.bit_string(b"k"), der.null()), "SPKI_MALFORMED"),
        (der.sequence(write_algorithm(oids.ED25519), der.tlv(der.BIT_STRING, b"\x01k")), "DER_BIT_STRING"),
        (write_spki(write_algorithm(oids.ED25519), b"k") + b"\x00", "DER_TRAILING_BYTES"),
        (bytes(MAX_SPKI_BYTES + 1), "SPKI_TOO_LARGE"),
        (b"", "DER_TRUNCATED"),
    ],
)
def test_malformed_spki(encoded: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_spki(encoded)
    assert caught.value.code == code


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    try:
        found = read_spki(data)
    except MalformedError:
        return
    assert found.raw == data
