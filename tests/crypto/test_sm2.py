"""The key objects of SM2: reading, caching, comparing, and what they never show."""

from __future__ import annotations

import copy
import pickle
import subprocess
from typing import TYPE_CHECKING

import pytest
from asn1crypto import keys as oracle
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.password_encryption import Prf
from crypto.sm2 import DEFAULT_ID, SM2PrivateKey, SM2PublicKey
from standards import gbt32918_sm2 as sm2
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5280_algorithms import write_algorithm, write_spki
from standards.rfc5958_private_keys import SM2_KEY_ALGORITHM, write_ec_private_key, write_sm2_private_key
from standards.rfc7468_pem import write_pem
from standards.rfc8018_password_encryption import read_encrypted_private_key_info
from tests.crypto import published_vectors as v
from tests.optional import need_program

if TYPE_CHECKING:
    from pathlib import Path


def key() -> SM2PrivateKey:
    return SM2PrivateKey.from_scalar(v.SM2_SCALAR)


def test_public_keys_are_parsed_once() -> None:
    public = SM2PublicKey.from_point(v.SM2_POINT)
    assert public is SM2PublicKey.from_point(v.SM2_POINT[1:])
    assert public is SM2PublicKey.from_spki(public.spki_der)
    assert public is key().public_key
    assert public.z_a() is public.z_a(DEFAULT_ID)


def test_z_a_is_kept_for_a_few_ids_only() -> None:
    public = SM2PrivateKey.generate().public_key
    for number in range(100):
        public.z_a(str(number).encode())
    assert len(public._z_a) <= 8


def test_spki_and_pkcs8_are_read_by_asn1crypto() -> None:
    if "1.2.156.10197.1.301" not in oracle.NamedCurve._map:
        oracle.NamedCurve.register("sm2p256v1", "1.2.156.10197.1.301", 32)
    made = SM2PrivateKey.generate()
    spki = oracle.PublicKeyInfo.load(made.public_key.spki_der)
    assert spki["algorithm"]["parameters"].chosen.dotted == oids.SM2_CURVE
    assert bytes(spki["public_key"]) == made.public_key.point
    info = oracle.PrivateKeyInfo.load(made.to_pkcs8())
    assert bytes(info["private_key"].parsed["public_key"]) == made.public_key.point


@settings(max_examples=20, deadline=None)
@given(st.integers(1, sm2.N - 2))
def test_pkcs8_round_trip(d: int) -> None:
    made = SM2PrivateKey.from_scalar(d.to_bytes(32, "big"))
    again = SM2PrivateKey.from_pkcs8(made.to_pkcs8())
    assert again.public_key == made.public_key
    assert again.to_pkcs8() == write_sm2_private_key(d.to_bytes(32, "big"), made.public_key.point)


@pytest.mark.clause("GB/T 35276-2017 7.1")
@pytest.mark.parametrize("prf", [None, Prf.HMAC_SM3, Prf.HMAC_SM3_TONGSUO])
def test_encrypted_pkcs8_round_trip(prf: Prf | None) -> None:
    made = key()
    encoded = made.to_pkcs8(b"pass phrase", prf=prf)
    scheme, _ = read_encrypted_private_key_info(encoded)
    assert (scheme.prf_oid, scheme.cipher_oid) == (prf or oids.HMAC_SM3, oids.SM4_CBC)
    assert v.SM2_SCALAR not in encoded
    assert SM2PrivateKey.from_pkcs8(encoded, b"pass phrase").public_key == made.public_key
    with pytest.raises(TrustError, match="PASSWORD_WRONG"):
        SM2PrivateKey.from_pkcs8(encoded, b"pass phrasf")
    assert made.to_pkcs8(b"pass phrase") != encoded


def test_keys_of_another_kind() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(TrustError, match="SM2_KEY_EXPECTED"):
        SM2PrivateKey.from_pkcs8(other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(TrustError, match="SM2_KEY_EXPECTED"):
        SM2PublicKey.from_spki(other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("bits", [v.SM2_POINT[1:], b"\x02" + v.SM2_POINT[1:33], b"\x00", b""])
def test_spki_with_another_form_of_point(bits: bytes) -> None:
    with pytest.raises(TrustError, match="SM2_POINT_ENCODING"):
        SM2PublicKey.from_spki(write_spki(SM2_KEY_ALGORITHM, bits))


def test_public_key_beside_the_sec1_structure_is_compared_too() -> None:
    """OneAsymmetricKey may carry the point in its own field: it must belong to d as well."""
    inner = write_ec_private_key(v.SM2_SCALAR)
    for point, good in ((v.SM2_POINT, True), (sm2.write_point(sm2.GX, sm2.GY), False)):
        data = der.sequence(der.integer(1), SM2_KEY_ALGORITHM, der.octet_string(inner), der.implicit(1, der.bit_string(point)))
        if good:
            assert SM2PrivateKey.from_pkcs8(data).public_key.point == v.SM2_POINT
        else:
            with pytest.raises(TrustError, match="SM2_KEY_PAIR_MISMATCH"):
                SM2PrivateKey.from_pkcs8(data)


def test_public_keys_compare_hash_and_travel() -> None:
    public = key().public_key
    assert public == pickle.loads(pickle.dumps(public))
    assert len({public, copy.deepcopy(public), SM2PrivateKey.generate().public_key}) == 2
    assert public != v.SM2_POINT
    assert v.SM2_POINT.hex() in repr(public)


def test_private_keys_do_not_travel() -> None:
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            refused(key())


def test_openssl_opens_our_keys(tmp_path: Path) -> None:
    openssl = need_program("openssl")
    made = SM2PrivateKey.generate()
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    private.write_bytes(write_pem("PRIVATE KEY", made.to_pkcs8()))
    public.write_bytes(write_pem("PUBLIC KEY", made.public_key.spki_der))
    shown = subprocess.run([openssl, "pkey", "-in", str(private), "-pubout"], capture_output=True, check=True).stdout
    assert shown == public.read_bytes()
    subprocess.run([openssl, "pkey", "-in", str(private), "-check", "-noout"], capture_output=True, check=True)
    subprocess.run([openssl, "pkey", "-pubin", "-in", str(public), "-pubcheck", "-noout"], capture_output=True, check=True)


def test_openssl_verifies_our_signature_and_we_its(tmp_path: Path) -> None:
    openssl = need_program("openssl")
    made = SM2PrivateKey.generate()
    files = {name: tmp_path / name for name in ("key", "public", "message", "ours", "theirs")}
    files["key"].write_bytes(write_pem("PRIVATE KEY", made.to_pkcs8()))
    files["public"].write_bytes(write_pem("PUBLIC KEY", made.public_key.spki_der))
    files["message"].write_bytes(b"what is signed")
    files["ours"].write_bytes(made.sign(b"what is signed"))
    common = ["-rawin", "-digest", "sm3", "-in", str(files["message"]), "-pkeyopt", "distid:1234567812345678"]
    verify = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", str(files["public"]), "-sigfile", str(files["ours"]), *common]
    assert b"Verified Successfully" in subprocess.run(verify, capture_output=True, check=True).stdout
    sign = [openssl, "pkeyutl", "-sign", "-inkey", str(files["key"]), "-out", str(files["theirs"]), *common]
    subprocess.run(sign, capture_output=True, check=True)
    assert made.public_key.verify(files["theirs"].read_bytes(), b"what is signed")


def test_other_algorithm_parameters_are_not_sm2() -> None:
    for parameters in (None, der.null(), der.sequence(der.integer(1))):
        with pytest.raises(TrustError, match="SM2_KEY_EXPECTED"):
            SM2PublicKey.from_spki(write_spki(write_algorithm(oids.EC_PUBLIC_KEY, parameters), v.SM2_POINT))
