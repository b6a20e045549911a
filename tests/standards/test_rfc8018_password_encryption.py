"""PBES2 structures, with asn1crypto as the second opinion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asn1crypto import keys as oracle
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc8018_password_encryption as pbe
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import algorithm, read_algorithm, write_algorithm
from standards.rfc8018_password_encryption import Pbes2

schemes = st.builds(
    Pbes2,
    st.binary(min_size=8, max_size=64),
    st.integers(1, pbe.MAX_ITERATIONS),
    st.sampled_from(sorted(pbe.PRF_OIDS)),
    st.sampled_from(sorted(pbe.CIPHER_KEY_BYTES)),
    st.binary(min_size=16, max_size=16),
)


@pytest.mark.clause("RFC 8018 A.4", "RFC 5958 3")
@given(schemes, st.binary(max_size=200))
def test_round_trip(scheme: Pbes2, ciphertext: bytes) -> None:
    encoded = pbe.write_encrypted_private_key_info(scheme, ciphertext)
    assert pbe.read_encrypted_private_key_info(encoded) == (scheme, ciphertext)
    assert pbe.is_encrypted_private_key_info(encoded)


@given(schemes, st.sampled_from([oids.HMAC_SHA256, oids.HMAC_SHA512]))
def test_oracle(scheme: Pbes2, prf_oid: str) -> None:
    scheme = replace(scheme, cipher_oid=oids.AES256_CBC, prf_oid=prf_oid)
    found = oracle.EncryptedPrivateKeyInfo.load(pbe.write_encrypted_private_key_info(scheme, b"c"))["encryption_algorithm"]
    assert (found.kdf, found.kdf_salt, found.kdf_iterations) == ("pbkdf2", scheme.salt, scheme.iterations)
    assert (found.encryption_cipher, found.encryption_iv, found.key_length) == ("aes", scheme.iv, 32)
    assert found.kdf_hmac == {oids.HMAC_SHA256: "sha256", oids.HMAC_SHA512: "sha512"}[scheme.prf_oid]


SALT, COUNT = der.octet_string(b"saltsalt"), der.integer(1000)
IV = der.octet_string(bytes(16))
PRF = write_algorithm(oids.HMAC_SHA256, der.null())
CIPHER = write_algorithm(oids.SM4_CBC, IV)


def pbkdf2(*parts: bytes) -> bytes:
    return write_algorithm(oids.PBKDF2, der.sequence(*parts))


def read(*parts: bytes) -> Pbes2:
    return pbe.read_pbes2(algorithm(oids.PBES2, der.sequence(*parts)))


def test_defaults() -> None:
    assert read(pbkdf2(SALT, COUNT), CIPHER) == Pbes2(b"saltsalt", 1000, oids.HMAC_SHA1, oids.SM4_CBC, bytes(16))
    assert read(pbkdf2(SALT, COUNT, PRF), CIPHER).prf_oid == oids.HMAC_SHA256
    assert read(pbkdf2(SALT, COUNT, der.integer(16)), CIPHER).key_bytes == 16
    absent = write_algorithm(oids.HMAC_SM3)
    assert read(pbkdf2(SALT, COUNT, absent), CIPHER).prf_oid == oids.HMAC_SM3


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((pbkdf2(SALT, COUNT),), "PBES2_MALFORMED"),
        ((write_algorithm("1.3.6.1.4.1.11591.4.11", der.sequence()), CIPHER), "PASSWORD_SCHEME_UNKNOWN"),  # scrypt
        ((write_algorithm(oids.PBKDF2), CIPHER), "PASSWORD_SCHEME_UNKNOWN"),
        ((pbkdf2(SALT, COUNT), write_algorithm("1.2.840.113549.3.7", der.octet_string(bytes(8)))), "PASSWORD_SCHEME_UNKNOWN"),  # 3DES
        ((pbkdf2(SALT, COUNT), write_algorithm(oids.SM4_CBC)), "PASSWORD_SCHEME_UNKNOWN"),
        ((pbkdf2(SALT, COUNT), write_algorithm(oids.SM4_CBC, der.octet_string(bytes(12)))), "PBES2_MALFORMED"),
        ((pbkdf2(SALT, COUNT, der.integer(32)), CIPHER), "PBES2_MALFORMED"),
        ((pbkdf2(SALT), CIPHER), "PBES2_MALFORMED"),
        ((pbkdf2(SALT, COUNT, PRF, der.null()), CIPHER), "PBES2_MALFORMED"),
        ((pbkdf2(SALT, der.integer(0)), CIPHER), "PBKDF2_ITERATIONS"),
        ((pbkdf2(SALT, der.integer(pbe.MAX_ITERATIONS + 1)), CIPHER), "PBKDF2_ITERATIONS"),
        ((pbkdf2(der.octet_string(bytes(pbe.MAX_SALT_BYTES + 1)), COUNT), CIPHER), "PBKDF2_SALT"),
        ((pbkdf2(SALT, COUNT, write_algorithm(oids.SHA256)), CIPHER), "PASSWORD_SCHEME_UNKNOWN"),
        ((pbkdf2(SALT, COUNT, write_algorithm(oids.HMAC_SHA256, der.integer(1))), CIPHER), "PASSWORD_SCHEME_UNKNOWN"),
    ],
)
def test_malformed(parts: tuple[bytes, ...], code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(*parts)
    assert caught.value.code == code


def test_other_schemes_are_named() -> None:
    for stated in (algorithm("1.2.840.113549.1.12.1.3", der.sequence()), algorithm(oids.PBES2)):
        with pytest.raises(MalformedError, match="PASSWORD_SCHEME_UNKNOWN") as caught:
            pbe.read_pbes2(stated)
        assert caught.value.facts["scheme"] == stated.oid


def test_frame() -> None:
    scheme = pbe.write_pbes2(Pbes2(b"saltsalt", 1, oids.HMAC_SM3, oids.SM4_CBC, bytes(16)))
    assert read_algorithm(der.read_der(scheme)).oid == oids.PBES2
    for data in (der.sequence(scheme), der.sequence(scheme, der.null(), der.null()), b"", der.integer(1)):
        assert not pbe.is_encrypted_private_key_info(data)
        with pytest.raises(MalformedError):
            pbe.read_encrypted_private_key_info(data)
    with pytest.raises(MalformedError, match="ENCRYPTED_KEY_TOO_LARGE"):
        pbe.read_encrypted_private_key_info(bytes(pbe.MAX_ENCRYPTED_BYTES + 1))
    assert not pbe.is_encrypted_private_key_info(der.sequence(der.integer(0), der.octet_string(b"")))
    assert not pbe.is_encrypted_private_key_info(der.sequence(scheme, der.null()))
