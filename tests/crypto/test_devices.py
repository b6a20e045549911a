"""Keys in devices: right signatures by every mechanism, lost sessions, refused PINs, hanging and lying devices; nothing of a PIN gets out."""

from __future__ import annotations

import hashlib
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from crypto.devices.description import load_descriptions, read_descriptions
from crypto.devices.signer import Devices
from crypto.devices.values import signature_of, spki_of_ec, spki_of_rsa
from crypto.keystore import Keystore
from crypto.master_key import MasterKey
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, verify_signature
from crypto.signer import Signer
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import TrustError
from tests.devices.soft import SDF_PIN, SoftDevice

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = b"the bytes that are signed"


@pytest.fixture
def sdf(tmp_path: Path) -> SoftDevice:
    return SoftDevice("sdf", tmp_path)


@pytest.fixture
def token(tmp_path: Path) -> SoftDevice:
    return SoftDevice("pkcs11", tmp_path)


def is_good(signer: Signer, signature: bytes) -> bool:
    found = verify_signature(signer.public_spki_der, algorithm_identifier(signer.algorithm), MESSAGE, signature)
    return found is SignatureCheck.GOOD


def refused(act: Any, code: str) -> TrustError:
    with pytest.raises(TrustError) as caught:
        act()
    assert caught.value.code == code
    assert SDF_PIN not in str(caught.value) + str(caught.value.facts)
    return caught.value


@pytest.mark.clause("GM/T 0018-2012 6.3", "GM/T 0018-2012 6.4")
def test_an_sdf_device_signs_with_its_own_key(sdf: SoftDevice) -> None:
    devices = sdf.open()
    signer = devices.signer("sdf-key")
    assert isinstance(signer, Signer)
    assert is_good(signer, signer.sign(MESSAGE))
    assert devices.signer("sdf-key") is signer
    assert (devices.has("sdf-key"), devices.has("other"), devices.key_ids) == (True, False, ("sdf-key",))
    assert sdf.logins == 1
    refused(lambda: signer.sign_digest(b"short"), "SIGN_DIGEST_LENGTH")
    refused(lambda: devices.signer("other"), "KEY_UNKNOWN")
    with pytest.raises(TypeError):
        pickle.dumps(signer)
    assert "sdf-key" in repr(signer)
    assert "soft" in repr(devices)
    devices.close()


@pytest.mark.parametrize("name", ["sm2-key", "ec-key", "rsa-key", "pss-key"])
def test_a_token_signs_by_every_mechanism(token: SoftDevice, name: str) -> None:
    signer = token.open().signer(name)
    assert is_good(signer, signer.sign(MESSAGE))
    if name == "sm2-key":
        token.set("as_der", 1)
        assert is_good(signer, signer.sign(MESSAGE))
    digest = hashlib.sha256(MESSAGE).digest()
    if name != "sm2-key":
        assert is_good(signer, signer.sign_digest(digest))
    token.set("spoil", 1)
    refused(lambda: signer.sign_digest(digest), "SIGN_FAULT")


@pytest.mark.parametrize("kind", ["sdf", "pkcs11"])
def test_a_lost_session_is_opened_again_once_and_logged_in_again(kind: str, tmp_path: Path) -> None:
    device = SoftDevice(kind, tmp_path)
    signer = device.open(sessions=1).signer("sdf-key" if kind == "sdf" else "sm2-key")
    signer.sign(MESSAGE)
    before = device.logins
    device.set("lose", 1)
    device.set("logged_in", 0)
    assert is_good(signer, signer.sign(MESSAGE))
    assert device.logins == before + 1
    device.set("lose", 2)
    assert "device_code" in refused(lambda: signer.sign(MESSAGE), "DEVICE_FAILED").facts
    assert is_good(signer, signer.sign(MESSAGE))


@pytest.mark.parametrize("kind", ["sdf", "pkcs11"])
def test_a_refused_pin_is_never_sent_again(kind: str, tmp_path: Path) -> None:
    device = SoftDevice(kind, tmp_path)
    devices = device.open(pin="wrong")

    def use() -> None:
        devices.signer("sdf-key" if kind == "sdf" else "sm2-key").sign(MESSAGE)

    for _ in range(3):
        refused(use, "DEVICE_PIN_REFUSED")
    assert device.logins == 1


@pytest.mark.parametrize("kind", ["sdf", "pkcs11"])
def test_what_a_device_spoils_is_not_given_out(kind: str, tmp_path: Path) -> None:
    device = SoftDevice(kind, tmp_path)
    signer = device.open().signer("sdf-key" if kind == "sdf" else "ec-key")
    device.set("spoil", 1)
    refused(lambda: signer.sign(MESSAGE), "SIGN_FAULT")


def test_a_hanging_device_ends_in_time_and_comes_back(sdf: SoftDevice) -> None:
    signer = sdf.open(sessions=1, timeout_seconds=1.0).signer("sdf-key")
    signer.sign(MESSAGE)
    sdf.set("hang", 1)
    refused(lambda: signer.sign(MESSAGE), "DEVICE_TIMEOUT")
    refused(lambda: signer.sign(MESSAGE), "DEVICE_BUSY")  # neither waited for the device: it hangs still
    sdf.set("hang", 0)
    assert is_good(signer, signer.sign(MESSAGE))


def test_many_callers_share_few_sessions(sdf: SoftDevice) -> None:
    signer = sdf.open(sessions=3).signer("sdf-key")
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: is_good(signer, signer.sign(MESSAGE)), range(60)))
    assert int(sdf.knobs.soft_opened()) <= 4


def test_keys_and_answers_that_are_none(sdf: SoftDevice, tmp_path: Path) -> None:
    unknown = {"far": {"device": "soft", "index": 9, "pin_file": str(tmp_path / "pin")}}
    refused(lambda: sdf.open(keys=unknown).signer("far"), "DEVICE_KEY_UNKNOWN")
    sdf.set("junk", 1)
    refused(lambda: sdf.open().signer("sdf-key"), "DEVICE_ANSWER_UNUSABLE")
    sdf.set("junk", 0)
    no_pin = {"sdf-key": {"device": "soft", "index": 1, "pin_file": str(tmp_path / "absent")}}
    signer = sdf.open(keys=no_pin).signer("sdf-key")
    refused(lambda: signer.sign(MESSAGE), "DEVICE_PIN_MISSING")
    without = {"sdf-key": {"device": "soft", "index": 1}}
    refused(lambda: sdf.open(keys=without).signer("sdf-key").sign(MESSAGE), "DEVICE_FAILED")


def test_a_key_that_several_objects_fit_is_not_chosen(token: SoftDevice) -> None:
    refused(lambda: token.open(keys={"any": {"device": "soft", "label": "any"}}).signer("any"), "DEVICE_KEY_UNKNOWN")
    refused(lambda: token.open(keys={"none": {"device": "soft", "label": "absent"}}).signer("none"), "DEVICE_KEY_UNKNOWN")
    refused(lambda: token.open(keys={"wrong": {"device": "soft", "label": "ec"}}).signer("wrong"), "DEVICE_ANSWER_UNUSABLE")
    refused(lambda: token.open(token="another").signer("sm2-key"), "DEVICE_LIBRARY_UNUSABLE")


def test_a_pin_from_the_environment(token: SoftDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    described = token.described()
    described["devices"]["soft"].pop("pin_file")
    described["devices"]["soft"].pop("token")
    described["devices"]["soft"] |= {"pin_environment": "SOFT_PIN", "slot": 7}
    monkeypatch.setenv("SOFT_PIN", "1234")
    signer = Devices(read_descriptions(described)).signer("sm2-key")
    assert is_good(signer, signer.sign(MESSAGE))


def test_a_library_that_is_none(tmp_path: Path, sdf: SoftDevice) -> None:
    described = sdf.described()
    described["devices"]["soft"]["library"] = str(tmp_path / "absent.so")
    refused(lambda: Devices(read_descriptions(described)).signer("sdf-key"), "DEVICE_LIBRARY_UNUSABLE")
    described["devices"]["soft"]["library"] = "libc.so.6"
    refused(lambda: Devices(read_descriptions(described)).signer("sdf-key"), "DEVICE_LIBRARY_UNUSABLE")
    described["devices"]["soft"] = {"kind": "pkcs11", "library": "libc.so.6", "sm2_mechanism": 1}
    described["keys"] = {"sdf-key": {"device": "soft", "label": "x"}}
    refused(lambda: Devices(read_descriptions(described)).signer("sdf-key"), "DEVICE_LIBRARY_UNUSABLE")


def test_the_keystore_finds_keys_in_devices_by_their_name(sdf: SoftDevice, tmp_path: Path) -> None:
    keystore = Keystore(tmp_path / "keys", MasterKey(b"m" * 16), devices=sdf.open())
    own = keystore.create("own", SignatureAlgorithm.SM2_SM3)
    assert is_good(keystore.signer("sdf-key"), keystore.signer("sdf-key").sign(MESSAGE))
    assert keystore.device_signer("sdf-key") is keystore.signer("sdf-key")
    assert keystore.signer("own") is own
    refused(lambda: keystore.create("sdf-key", SignatureAlgorithm.SM2_SM3), "KEY_EXISTS")
    refused(lambda: keystore.device_signer("own"), "KEY_UNKNOWN")
    refused(lambda: Keystore(tmp_path / "other", MasterKey(b"m" * 16)).device_signer("own"), "KEY_UNKNOWN")


DEVICE: dict[str, Any] = {"kind": "sdf", "library": "x"}
TOKEN: dict[str, Any] = {"kind": "pkcs11", "library": "x", "sm2_mechanism": 1}
KEY: dict[str, Any] = {"device": "d", "index": 1}


@pytest.mark.parametrize(
    ("device", "key"),
    [
        ({"kind": "usb"}, {}),
        ({"library": ""}, {}),
        ({"pin": "1234"}, {}),
        ({"sessions": 0}, {}),
        ({"timeout_seconds": 0}, {}),
        ({"slot": 1}, {}),
        ({"pin_file": "a", "pin_environment": "b"}, {}),
        ({"pin_file": 1}, {}),
        ({}, {"device": "other"}),
        ({}, {"index": -1}),
        ({}, {"label": "x"}),
        ({}, {"algorithm": "rsa-sha256"}),
        ({}, {"algorithm": "none"}),
        ({}, {"pin": "1234"}),
        (TOKEN, {}),
        (TOKEN, {"index": None, "label": ""}),
        (TOKEN | {"slot": 1, "token": "x"}, {"index": None, "label": "x"}),
        (TOKEN, {"index": None, "id": "xy"}),
        (TOKEN, {"index": None, "label": "x", "pin_file": "x"}),
        (TOKEN, {"index": None, "label": "x", "algorithm": "ed25519"}),
        (TOKEN | {"sm2_mechanism": None}, {"index": None, "label": "x"}),
        (TOKEN | {"sm2_input": "other"}, {"index": None, "label": "x"}),
    ],
)
def test_descriptions_that_break_a_rule(device: dict[str, Any], key: dict[str, Any]) -> None:
    def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in (one | other).items() if value is not None}

    found = refused(
        lambda: read_descriptions({"devices": {"d": merged(DEVICE, device)}, "keys": {"k": merged(KEY, key)}}), "DEVICE_DESCRIPTION_BAD"
    )
    assert "1234" not in str(found.facts)


def test_files_of_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    assert load_descriptions(path).keys == {}
    path.write_text(
        '[devices.d]\nkind = "pkcs11"\nlibrary = "x"\nsm2_mechanism = 1\nsm2_input = "message"\n[keys.k]\ndevice = "d"\nid = "0a"\n'
    )
    assert load_descriptions(path).keys["k"].object_id == b"\x0a"
    for bad in ("no toml", "[devices]\nd = 1\n", "[other]\n", '[devices."a b"]\nkind = "sdf"\nlibrary = "x"\n', "devices = 1\n"):
        path.write_text(bad)
        refused(lambda: load_descriptions(path), "DEVICE_DESCRIPTION_BAD")
    path.write_text('[devices.d]\nkind = "sdf"\nlibrary = "x"\n[keys."a b"]\ndevice = "d"\nindex = 1\n')
    refused(lambda: load_descriptions(path), "DEVICE_DESCRIPTION_BAD")


def test_values_of_tokens_that_are_none() -> None:
    sm2, p256 = SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256
    assert spki_of_ec(sm2, der.oid(oids.SECP256R1), b"") is None
    assert spki_of_ec(p256, der.oid(oids.SECP256R1), b"x") is None
    assert spki_of_ec(p256, der.oid(oids.SECP256R1), b"\x02" + bytes(64)) is None
    assert spki_of_ec(sm2, der.oid(oids.SM2_CURVE), b"\x04" + bytes(64)) is None
    assert spki_of_rsa(b"", b"\x01") is None
    assert signature_of(SignatureAlgorithm.RSA_SHA256, b"") is None
    assert signature_of(sm2, b"no") is None
    assert signature_of(sm2, der.sequence(der.integer(1))) is None
