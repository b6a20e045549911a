"""Keys from the files of other programs."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from crypto.keys import MAX_PASSWORD_BYTES, read_pkcs12, read_private_key, spki_of, write_private_key
from crypto.password_encryption import encrypt_private_key, pkcs12_mac
from crypto.sm2 import SM2PrivateKey
from standards import gbt33560_oids as oids
from standards import rfc7292_pkcs12 as p12
from standards import rfc7468_pem as pem
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5280_algorithms import write_algorithm
from standards.rfc5958_private_keys import SM2_KEY_ALGORITHM, write_private_key_info
from standards.rfc7468_pem import write_pem
from standards.rfc8018_password_encryption import Pbes2, write_encrypted_private_key_info
from tests.crypto import published_vectors as v
from tests.optional import need_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OTHERS: list[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey] = [
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
]
SM2 = SM2PrivateKey.from_scalar(v.SM2_SCALAR)


@pytest.mark.parametrize("key", OTHERS, ids=lambda key: type(key).__name__)
@pytest.mark.parametrize("password", [None, b"secret"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_pkcs8_of_cryptography(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None, encoding: Encoding
) -> None:
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    data = key.private_bytes(encoding, PrivateFormat.PKCS8, protection)
    assert spki_of(read_private_key(data, password)) == spki_of(key)
    assert write_private_key(read_private_key(data, password)) == key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    if password:
        with pytest.raises(TrustError, match="PASSWORD_NEEDED"):
            read_private_key(data)
        with pytest.raises(TrustError, match="PASSWORD_WRONG"):
            read_private_key(data, b"secreT")


@pytest.mark.parametrize("key", OTHERS[:2], ids=lambda key: type(key).__name__)
def test_traditional_forms(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    for encoding in (Encoding.PEM, Encoding.DER):
        data = key.private_bytes(encoding, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        assert spki_of(read_private_key(data, b"not needed")) == spki_of(key)


def test_sm2_files_of_openssl(tmp_path: Path) -> None:
    openssl, path = need_program("openssl"), tmp_path / "key.pem"
    subprocess.run([openssl, "ecparam", "-name", "SM2", "-genkey", "-out", str(path)], capture_output=True, check=True)
    sec1 = read_private_key(path.read_bytes())  # with the block EC PARAMETERS in front
    assert isinstance(sec1, SM2PrivateKey)
    pkcs8 = subprocess.run([openssl, "pkcs8", "-topk8", "-nocrypt", "-in", str(path)], capture_output=True, check=True).stdout
    encrypted = subprocess.run(
        [openssl, "pkcs8", "-topk8", "-in", str(path), "-passout", "pass:secret"], capture_output=True, check=True
    ).stdout
    public = subprocess.run([openssl, "pkey", "-in", str(path), "-pubout"], capture_output=True, check=True).stdout
    assert spki_of(read_private_key(pkcs8)) == spki_of(read_private_key(encrypted, b"secret")) == sec1.public_key.spki_der
    assert pem.read_pem(public) == [(pem.PUBLIC_KEY, sec1.public_key.spki_der)]


def test_sec1_of_sm2_is_checked_like_pkcs8() -> None:
    def sec1(scalar: bytes, point: bytes) -> bytes:
        parameters, public = der.explicit(0, der.oid(oids.SM2_CURVE)), der.explicit(1, der.bit_string(point))
        return der.sequence(der.integer(1), der.octet_string(scalar), parameters, public)

    assert spki_of(read_private_key(sec1(v.SM2_SCALAR, v.SM2_POINT))) == SM2.public_key.spki_der
    with pytest.raises(TrustError, match="SM2_PRIVATE_KEY_RANGE"):
        read_private_key(sec1(bytes(32), v.SM2_POINT))
    with pytest.raises(TrustError, match="SM2_KEY_PAIR_MISMATCH"):
        read_private_key(sec1(bytes(31) + b"\x01", v.SM2_POINT))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "PRIVATE_KEY_MALFORMED"),
        (b"junk", "PRIVATE_KEY_MALFORMED"),
        (write_private_key_info(write_algorithm(oids.RSA, der.null()), b"junk"), "PRIVATE_KEY_MALFORMED"),
        (write_private_key_info(SM2_KEY_ALGORITHM, b"junk"), "DER_"),
        (write_private_key_info(write_algorithm("1.2.3"), b"junk"), "KEY_UNSUPPORTED|PRIVATE_KEY_MALFORMED"),
        (write_pem("CERTIFICATE", b"x"), "PRIVATE_KEY_COUNT"),
        (write_pem("PRIVATE KEY", SM2.to_pkcs8()) * 2, "PRIVATE_KEY_COUNT"),
    ],
)
def test_what_is_no_private_key(data: bytes, code: str) -> None:
    with pytest.raises(TrustError, match=code):
        read_private_key(data)


def test_kinds_that_are_not_ours() -> None:
    for other in (x25519.X25519PrivateKey.generate(), dsa.generate_private_key(2048)):
        with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
            read_private_key(other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    explicit_curve = write_algorithm(oids.EC_PUBLIC_KEY, der.oid("1.2.3.4"))
    inner = der.sequence(der.integer(1), der.octet_string(b"\x01" * 32))
    with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
        read_private_key(write_private_key_info(explicit_curve, inner))


def certificate_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, common_name: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    return x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1)).sign(key, hashes.SHA256())


@pytest.mark.clause("RFC 7292 5")
@pytest.mark.parametrize("key", OTHERS[:2], ids=lambda key: type(key).__name__)
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()], ids=lambda digest: digest.name)
def test_pkcs12_of_cryptography(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, digest: hashes.HashAlgorithm) -> None:
    own, other = certificate_of(key, "own"), certificate_of(OTHERS[1], "other")  # type: ignore[arg-type]
    protection = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2000)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(digest)
    )
    data = pkcs12.serialize_key_and_certificates(b"n", key, own, [other], protection.build("密码".encode()))
    found, certificates = read_pkcs12(data, "密码".encode())
    assert spki_of(found) == spki_of(key)
    assert certificates == [own.public_bytes(Encoding.DER), other.public_bytes(Encoding.DER)]
    for wrong in (b"", "密".encode(), b"\xff\xfe", b"x" * (MAX_PASSWORD_BYTES + 1)):
        with pytest.raises(TrustError, match="PASSWORD_WRONG"):
            read_pkcs12(data, wrong)


def test_old_schemes_are_named() -> None:
    key = OTHERS[1]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    protection = PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).build(b"pw")
    data = pkcs12.serialize_key_and_certificates(b"n", key, certificate_of(key, "own"), None, protection)
    with pytest.raises(TrustError, match="PASSWORD_SCHEME_UNKNOWN") as caught:
        read_pkcs12(data, b"pw")
    assert caught.value.facts["scheme"] == "1.2.840.113549.1.12.1.3"


@pytest.mark.parametrize("mac", ["sha256", "sm3", "sha1"])
def test_sm2_pkcs12_of_openssl(mac: str, tmp_path: Path) -> None:
    openssl = need_program("openssl")
    key, certificate, file = tmp_path / "key.pem", tmp_path / "certificate.pem", tmp_path / "file.p12"
    key.write_bytes(write_pem("PRIVATE KEY", SM2.to_pkcs8()))
    request = [openssl, "req", "-new", "-x509", "-sm3", "-key", str(key), "-subj", "/CN=sm2", "-days", "2", "-out", str(certificate)]
    subprocess.run(request, capture_output=True, check=True)
    export = [openssl, "pkcs12", "-export", "-inkey", str(key), "-in", str(certificate), "-out", str(file), "-passout", "pass:secret"]
    subprocess.run([*export, "-macalg", mac, "-certpbe", "aes-128-cbc", "-keypbe", "sm4-cbc"], capture_output=True, check=True)
    found, certificates = read_pkcs12(file.read_bytes(), b"secret")
    assert spki_of(found) == SM2.public_key.spki_der
    assert len(certificates) == 1
    with pytest.raises(TrustError, match="PASSWORD_WRONG"):
        read_pkcs12(file.read_bytes(), b"Secret")
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    with pytest.raises(TrustError):
        read_pkcs12(bytes(changed), b"secret")


def p12_file(bags: list[bytes], *, mac: bool = True, safes: Sequence[bytes] = ()) -> bytes:
    content = der.sequence(der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.octet_string(der.sequence(*bags)))), *safes)
    parts = [der.integer(3), der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.octet_string(content)))]
    if mac:
        value = pkcs12_mac(oids.SM3, "pw", b"salt", 1, content)
        parts.append(der.sequence(der.sequence(write_algorithm(oids.SM3), der.octet_string(value)), der.octet_string(b"salt")))
    return der.sequence(*parts)


PLAIN_BAG = der.sequence(der.oid(p12.KEY_BAG), der.explicit(0, SM2.to_pkcs8()))
SHROUDED_BAG = der.sequence(der.oid(p12.SHROUDED_KEY_BAG), der.explicit(0, encrypt_private_key(SM2.to_pkcs8(), b"pw", iterations=10)))


def test_pkcs12_with_sm3_and_sm4_throughout() -> None:
    for one in (PLAIN_BAG, SHROUDED_BAG):
        key, certificates = read_pkcs12(p12_file([one]), b"pw")
        assert (spki_of(key), certificates) == (SM2.public_key.spki_der, [])


def test_pkcs12_without_mac_or_with_other_counts_of_keys() -> None:
    with pytest.raises(TrustError, match="PKCS12_MAC_MISSING"):
        read_pkcs12(p12_file([PLAIN_BAG], mac=False), b"pw")
    for bags in ([], [PLAIN_BAG, SHROUDED_BAG]):
        with pytest.raises(TrustError, match="PRIVATE_KEY_COUNT"):
            read_pkcs12(p12_file(bags), b"pw")
    unopened = der.sequence(der.oid(p12.SHROUDED_KEY_BAG), der.explicit(0, der.sequence()))
    with pytest.raises(TrustError, match="PRIVATE_KEY_COUNT"):  # opening one may cost seconds, so they are counted first
        read_pkcs12(p12_file([unopened, unopened]), b"pw")


def test_the_parts_of_a_pkcs12_file_may_not_cost_a_derivation_of_full_length_each() -> None:
    """Eight parts of ten million rounds would keep a server busy for most of a minute; they are added up before any is opened."""
    scheme = Pbes2(b"s" * 16, 6_000_000, oids.HMAC_SHA256, oids.SM4_CBC, b"i" * 16)
    algorithm, ciphertext = der.read_der(write_encrypted_private_key_info(scheme, b"c" * 16)).children()
    inner = der.sequence(der.oid(oids.CMS_DATA), algorithm.raw, der.tlv(der.context(0, constructed=False), ciphertext.octets()))
    safe = der.sequence(der.oid(oids.CMS_ENCRYPTED_DATA), der.explicit(0, der.sequence(der.integer(0), inner)))
    with pytest.raises(TrustError, match="PBKDF2_ITERATIONS"):
        read_pkcs12(p12_file([], safes=[safe, safe]), b"pw")
