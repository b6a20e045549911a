"""PBES2 and the key derivation of PKCS#12 against OpenSSL and ``cryptography``."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_der_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import password_encryption as pbe
from crypto.sm2 import SM2PrivateKey
from crypto.sm4 import sm4_cbc_encrypt
from standards import gbt33560_oids as oids
from standards.errors import MalformedError, TrustError
from standards.rfc5958_private_keys import write_private_key_info
from standards.rfc7468_pem import read_pem, write_pem
from standards.rfc8018_password_encryption import (
    CIPHER_KEY_BYTES,
    Pbes2,
    read_encrypted_private_key_info,
    write_encrypted_private_key_info,
)
from tests.crypto import published_vectors as v
from tests.optional import need_program

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "pass 密码".encode()
SM2 = SM2PrivateKey.from_scalar(v.SM2_SCALAR)


@pytest.mark.clause("RFC 8018 6.2")
@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=100), st.binary(max_size=20), st.sampled_from(pbe.Prf), st.integers(1, 50))
def test_written_ones_are_read(octets: bytes, password: bytes, prf: pbe.Prf, iterations: int) -> None:
    plain = write_private_key_info(b"\x30\x03\x06\x01\x2a", octets)
    encoded = pbe.encrypt_private_key(plain, password, prf=prf, iterations=iterations)
    assert pbe.decrypt_private_key(encoded, password) == plain
    scheme, _ = read_encrypted_private_key_info(encoded)
    assert (scheme.prf_oid, scheme.iterations, len(scheme.salt)) == (prf.value, iterations, pbe.SALT_BYTES)


@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "sm4-cbc"])
@pytest.mark.parametrize("prf", ["hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"])
def test_what_openssl_writes(cipher: str, prf: str, tmp_path: Path) -> None:
    openssl, path = need_program("openssl"), tmp_path / "key.pem"
    path.write_bytes(write_pem("PRIVATE KEY", SM2.to_pkcs8()))
    command = [openssl, "pkcs8", "-topk8", "-in", str(path), "-v2", cipher, "-v2prf", prf, "-passout", "pass:secret", "-iter", "1000"]
    (block,) = read_pem(subprocess.run(command, capture_output=True, check=True).stdout)
    assert block[0] == "ENCRYPTED PRIVATE KEY"
    assert pbe.decrypt_private_key(block[1], b"secret") == SM2.to_pkcs8()
    with pytest.raises(TrustError, match="PASSWORD_WRONG"):
        pbe.decrypt_private_key(block[1], b"wrong")


def test_openssl_reads_our_sm4_under_a_digest_it_knows(tmp_path: Path) -> None:
    """OpenSSL 3.0 knows neither form of HMAC-SM3, so the cipher and the frame are shown with its own PRF."""
    openssl, path = need_program("openssl"), tmp_path / "key.pem"
    scheme = Pbes2(b"saltsalt", 1000, oids.HMAC_SHA256, oids.SM4_CBC, bytes(range(16)))
    ciphertext = sm4_cbc_encrypt(pbe.derive_key(scheme, b"secret"), scheme.iv, SM2.to_pkcs8())
    path.write_bytes(write_pem("ENCRYPTED PRIVATE KEY", write_encrypted_private_key_info(scheme, ciphertext)))
    command = [openssl, "pkey", "-in", str(path), "-passin", "pass:secret", "-outform", "DER", "-pubout"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == SM2.public_key.spki_der


def test_what_cryptography_writes() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD))
    plain = pbe.decrypt_private_key(encoded, PASSWORD)
    found = load_der_private_key(plain, None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    assert found.private_numbers() == key.private_numbers()


def test_a_padding_that_happens_to_fit_is_still_a_wrong_password() -> None:
    """What comes out must be a private key; random bytes whose padding fits by chance (1 in 256) are not passed on."""
    scheme = Pbes2(b"saltsalt", 1, oids.HMAC_SM3, oids.SM4_CBC, bytes(16))
    junk = sm4_cbc_encrypt(pbe.derive_key(scheme, b"secret"), scheme.iv, b"no private key")
    with pytest.raises(TrustError, match="PASSWORD_WRONG"):
        pbe.decrypt_private_key(write_encrypted_private_key_info(scheme, junk), b"secret")


@pytest.mark.parametrize("cipher_oid", sorted(CIPHER_KEY_BYTES))
def test_bad_ciphertexts(cipher_oid: str) -> None:
    scheme = Pbes2(b"saltsalt", 1, oids.HMAC_SHA256, cipher_oid, bytes(16))
    for ciphertext in (b"", bytes(15)):
        with pytest.raises(MalformedError, match="PBES2_MALFORMED"):
            pbe.pbes2_decrypt(scheme, b"p", ciphertext)
    wrong = 0
    for number in range(20):
        try:
            pbe.pbes2_decrypt(replace(scheme, salt=bytes((number,)) * 8), b"p", bytes(16))
        except TrustError as error:
            assert error.code == "PASSWORD_WRONG"
            wrong += 1
    assert wrong >= 15


@pytest.mark.clause("RFC 7292 B.2")
@pytest.mark.parametrize("digest_oid", [oids.SHA1, oids.SHA256, oids.SHA384, oids.SHA512, oids.SM3])
def test_mac_of_pkcs12_by_its_definition(digest_oid: str) -> None:
    """Against a second writing of appendix B.2 in general form; the files of other programs are read in test_keys.py."""
    from crypto.digests import digest

    size = len(digest(digest_oid, b""))
    block = 128 if size > 32 else 64
    for password, salt in (("", b""), ("p", b"s" * 8), ("密码" * 40, b"salt" * 40)):
        bmp = password.encode("utf-16-be") + b"\0\0"

        def filled(part: bytes) -> bytes:
            length = block * ((len(part) + block - 1) // block)
            return (part * (length // max(len(part), 1) + 1))[:length]

        value = b"\x03" * block + filled(salt) + filled(bmp)
        for _ in range(7):
            value = digest(digest_oid, value)
        inner = value.ljust(block, b"\0")
        expected = digest(
            digest_oid,
            bytes(b ^ 0x5C for b in inner) + digest(digest_oid, bytes(b ^ 0x36 for b in inner) + b"content"),
        )
        assert pbe.pkcs12_mac(digest_oid, password, salt, 7, b"content") == expected
    with pytest.raises(MalformedError, match="PASSWORD_SCHEME_UNKNOWN"):
        pbe.pkcs12_mac(oids.MD5, "p", b"s", 1, b"")
