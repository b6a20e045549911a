"""PKCS#8 and SEC 1 structures, with asn1crypto as the second opinion."""

from __future__ import annotations

import pytest
from asn1crypto import keys as oracle
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc5958_private_keys as keys
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import algorithm, read_spki, write_algorithm
from tests.crypto import published_vectors as v

octets32 = st.binary(min_size=32, max_size=32)


@pytest.mark.clause("GB/T 35276-2017 7.1")
def test_frames_of_sm2_keys() -> None:
    assert keys.write_sm2_spki(v.SM2_POINT).hex() == ("3059301306072a8648ce3d020106082a811ccf5501822d034200" + v.SM2_POINT.hex())
    assert keys.write_sm2_private_key(v.SM2_SCALAR, v.SM2_POINT).hex() == (
        "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420" + v.SM2_SCALAR.hex() + "a144034200" + v.SM2_POINT.hex()
    )
    assert keys.is_sm2_key(read_spki(keys.write_sm2_spki(v.SM2_POINT)))
    assert keys.is_sm2_key(keys.read_private_key_info(keys.write_sm2_private_key_without_point(v.SM2_SCALAR)))


@given(octets32, st.binary(min_size=64, max_size=64))
def test_sm2_round_trip(scalar: bytes, xy: bytes) -> None:
    info = keys.read_private_key_info(keys.write_sm2_private_key(scalar, b"\x04" + xy))
    assert keys.is_sm2_key(info)
    inner = keys.read_ec_private_key(info.key_octets)
    assert (inner.scalar, inner.public_bits, inner.curve_oid) == (scalar, b"\x04" + xy, None)
    bare = keys.read_ec_private_key(keys.read_private_key_info(keys.write_sm2_private_key_without_point(scalar)).key_octets)
    assert (bare.scalar, bare.public_bits) == (scalar, None)


@pytest.mark.parametrize("scalar", [b"", bytes(31), bytes(33)])
def test_frames_refuse_other_lengths(scalar: bytes) -> None:
    with pytest.raises(MalformedError, match="PRIVATE_KEY_MALFORMED"):
        keys.write_sm2_private_key(scalar, v.SM2_POINT)
    with pytest.raises(MalformedError, match="PRIVATE_KEY_MALFORMED"):
        keys.write_sm2_private_key_without_point(scalar)
    with pytest.raises(MalformedError, match="PRIVATE_KEY_MALFORMED"):
        keys.write_sm2_private_key(v.SM2_SCALAR, v.SM2_POINT[1:])


@pytest.mark.clause("RFC 5958 2")
def test_keys_of_other_libraries() -> None:
    for key in (
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ):
        encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        found, other = keys.read_private_key_info(encoded), oracle.PrivateKeyInfo.load(encoded)
        assert found.algorithm.oid == other["private_key_algorithm"]["algorithm"].dotted
        assert found.key_octets == other["private_key"].contents
        assert keys.write_private_key_info(found.algorithm.raw, found.key_octets) == encoded
        assert not keys.is_sm2_key(found)


ALGORITHM = write_algorithm(oids.ED25519)
OCTETS = der.octet_string(b"k")
PUBLIC = der.implicit(1, der.bit_string(b"p"))
ATTRIBUTES = der.explicit(0, der.null())


def test_version_1_carries_the_public_key() -> None:
    data = der.sequence(der.integer(1), ALGORITHM, OCTETS, ATTRIBUTES, PUBLIC)
    assert keys.read_private_key_info(data) == keys.PrivateKeyInfo(algorithm(oids.ED25519), b"k", b"p")
    data = der.sequence(der.integer(1), ALGORITHM, OCTETS)
    assert keys.read_private_key_info(data).public_bits is None
    data = der.sequence(der.integer(0), ALGORITHM, OCTETS, ATTRIBUTES)
    assert keys.read_private_key_info(data).public_bits is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (der.sequence(der.integer(0), ALGORITHM), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(2), ALGORITHM, OCTETS), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(0), ALGORITHM, OCTETS, PUBLIC), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(1), ALGORITHM, OCTETS, PUBLIC, PUBLIC), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(1), ALGORITHM, OCTETS, ATTRIBUTES, PUBLIC, PUBLIC), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(1), ALGORITHM, OCTETS, der.null()), "DER_UNEXPECTED_TAG"),
        (bytes(keys.MAX_PRIVATE_KEY_BYTES + 1), "PRIVATE_KEY_TOO_LARGE"),
    ],
)
def test_malformed_private_key_info(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        keys.read_private_key_info(data)
    assert caught.value.code == code


@pytest.mark.clause("RFC 5915 3")
def test_sec1_of_another_library() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    found = keys.read_ec_private_key(encoded)
    assert found.curve_oid == oids.SECP256R1
    assert int.from_bytes(found.scalar, "big") == key.private_numbers().private_value
    assert found.public_bits == oracle.ECPrivateKey.load(encoded)["public_key"].native


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (der.sequence(der.integer(1)), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(2), OCTETS), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(1), OCTETS, der.null()), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(1), OCTETS, der.explicit(1, der.bit_string(b"p")), ATTRIBUTES), "PRIVATE_KEY_MALFORMED"),
        (der.sequence(der.integer(1), OCTETS, der.explicit(0, der.sequence())), "DER_UNEXPECTED_TAG"),
        (bytes(keys.MAX_PRIVATE_KEY_BYTES + 1), "PRIVATE_KEY_TOO_LARGE"),
    ],
)
def test_malformed_sec1(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        keys.read_ec_private_key(data)
    assert caught.value.code == code


def test_reprs_do_not_show_the_key() -> None:
    info = keys.read_private_key_info(keys.write_sm2_private_key(v.SM2_SCALAR, v.SM2_POINT))
    inner = keys.read_ec_private_key(info.key_octets)
    for text in (repr(info), repr(inner), str(info), str(inner)):
        assert repr(v.SM2_SCALAR)[2:-1] not in text
        assert v.SM2_SCALAR.hex() not in text
