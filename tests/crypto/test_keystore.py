"""The key store: sealed files bound to what stands in them."""

from __future__ import annotations

import base64
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from crypto import keystore as keystore_module
from crypto.keystore import Keystore
from crypto.sealed_file import MAX_FILE_BYTES, read_sealed_file, seal_file
from crypto.signatures import SignatureAlgorithm
from crypto.sm2 import SM2PrivateKey
from standards.errors import TrustError
from tests.crypto import published_vectors as v
from tests.crypto.keystore_files import NEW, OLD, SM2_SM3, edited, flipped, put, signs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_a_created_key_is_there_after_a_restart(tmp_path: Path, algorithm: SignatureAlgorithm) -> None:
    made = Keystore(tmp_path / "keys", OLD).create("seal-1", algorithm)
    assert signs(made)
    again = Keystore(tmp_path / "keys", OLD, verify_after_sign=True).signer("seal-1")
    assert (again.algorithm, again.public_spki_der) == (algorithm, made.public_spki_der)
    assert signs(again)


def test_folder_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    store = Keystore(tmp_path / "keys", OLD)
    store.create("k", SM2_SM3)
    store.seal_secret("s", b"secret")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_key_that_another_process_destroyed_is_let_go_of(tmp_path: Path) -> None:
    here, there = (Keystore(tmp_path, OLD) for _ in range(2))
    here.create("gone", SM2_SM3)
    kept = here.create("kept", SM2_SM3)
    there.destroy("gone")
    assert (here.forget_destroyed(), here.forget_destroyed()) == (1, 0)
    assert here.signer("kept") is kept
    with pytest.raises(TrustError, match="KEY_UNKNOWN"):
        here.signer("gone")


def test_list_import_destroy_and_cache(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    assert store.list() == []
    first = store.import_key("b", SM2PrivateKey.from_scalar(v.SM2_SCALAR))
    store.create("a", SignatureAlgorithm.ECDSA_SHA256)
    infos = store.list()
    assert [(info.key_id, info.algorithm) for info in infos] == [("a", SignatureAlgorithm.ECDSA_SHA256), ("b", SM2_SM3)]
    assert infos[1].public_spki_der == first.public_spki_der
    assert infos[1].created_at.tzinfo is not None
    assert store.signer("b") is store.signer("b") is first
    store.destroy("b")
    for refused in (lambda: store.signer("b"), lambda: store.destroy("b"), lambda: store.open_secret("a")):
        with pytest.raises(TrustError, match="KEY_UNKNOWN"):
            refused()
    assert [info.key_id for info in store.list()] == ["a"]


def test_names(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    store.create("Seal_1.signing-key", SM2_SM3)
    for name in ("", ".", "..", "../x", "a/b", ".hidden", "a" * 129, "印", "a\n", "a\0b"):
        with pytest.raises(TrustError, match="KEY_NAME"):
            store.create(name, SM2_SM3)
        with pytest.raises(TrustError, match="KEY_NAME"):
            store.signer(name)
    with pytest.raises(TrustError, match="KEY_EXISTS"):
        store.create("Seal_1.signing-key", SM2_SM3)
    with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
        store.import_key("p521", ec.generate_private_key(ec.SECP521R1()))


def test_secrets(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    store.seal_secret("audit", b"\x00" * 32)
    assert Keystore(tmp_path, OLD).open_secret("audit") == b"\x00" * 32
    with pytest.raises(TrustError, match="KEY_EXISTS"):
        store.seal_secret("audit", b"other")
    assert store.open_secret("audit") == b"\x00" * 32


def test_decrypting_with_a_stored_key(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    store.import_key("enc", SM2PrivateKey.from_scalar(v.SM2_SCALAR))
    assert store.decrypt("enc", v.SM2_CIPHERTEXT) == v.SM2_PLAINTEXT
    store.create("ec", SignatureAlgorithm.ECDSA_SHA256)
    with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
        store.decrypt("ec", v.SM2_CIPHERTEXT)


def test_only_so_many_signers_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore_module, "MAX_OPEN_KEYS", 2)
    store = Keystore(tmp_path, OLD)
    signers = [store.create(name, SM2_SM3) for name in ("a", "b", "c")]
    assert store.signer("c") is signers[2]
    again = store.signer("a")
    assert again is not signers[0]
    assert signs(again)


EDITS: dict[str, Callable[[dict[str, Any]], None]] = {
    "sealed": flipped("sealed"),
    "wrapped key": flipped("wrapped_key"),
    "public key": flipped("public_spki"),
    "algorithm": put("algorithm", "ecdsa-sha256"),
    "time": put("created_at", "2020-01-01T00:00:00+00:00"),
    "name": put("name", "other"),
    "kind": put("kind", "secret"),
    "format": put("format", 2),
    "naive time": put("created_at", "2020-01-01T00:00:00"),
    "no time": put("created_at", None),
    "bad base64": put("sealed", "***"),
    "a field less": lambda fields: fields.pop("algorithm"),
    "empty": put("sealed", ""),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_files_are_refused(tmp_path: Path, edit: str) -> None:
    Keystore(tmp_path, OLD).create("k", SM2_SM3)
    edited(tmp_path / "k.key", EDITS[edit])
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        Keystore(tmp_path, OLD).signer("k")


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b"[" * 100_000, b" " * (MAX_FILE_BYTES + 1), b"\xff"])
def test_files_that_are_none_of_ours(tmp_path: Path, content: bytes) -> None:
    store = Keystore(tmp_path, OLD)
    (tmp_path / "k.key").write_bytes(content)
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        store.signer("k")


def test_a_listing_refuses_an_algorithm_that_is_none(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    store.create("k", SM2_SM3)
    edited(tmp_path / "k.key", put("algorithm", "sm9"))
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        store.list()


def test_swapped_files_are_refused(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    store.create("a", SM2_SM3)
    store.create("b", SM2_SM3)
    store.seal_secret("a", b"secret")
    a, b = (tmp_path / "a.key").read_bytes(), (tmp_path / "b.key").read_bytes()
    (tmp_path / "a.key").write_bytes(b)
    (tmp_path / "b.key").write_bytes(a)
    for name in ("a", "b"):
        with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
            Keystore(tmp_path, OLD).signer(name)
        edited(tmp_path / f"{name}.key", put("name", name))
        with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
            Keystore(tmp_path, OLD).signer(name)
    # the sealed part of one file in the frame of the other
    (tmp_path / "a.key").write_bytes(a)
    (tmp_path / "b.key").write_bytes(b)
    other = json.loads(b)
    edited(tmp_path / "a.key", lambda fields: fields.update(sealed=other["sealed"], wrapped_key=other["wrapped_key"]))
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        Keystore(tmp_path, OLD).signer("a")


def test_a_public_key_that_was_planted_in_a_listing_does_not_sign(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    store.create("a", SM2_SM3)
    foreign = SM2PrivateKey.generate().public_key.spki_der
    edited(tmp_path / "a.key", put("public_spki", base64.b64encode(foreign).decode()))
    assert Keystore(tmp_path, OLD).list()[0].public_spki_der == foreign  # a listing proves nothing
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        Keystore(tmp_path, OLD).signer("a")


def test_another_master_key(tmp_path: Path) -> None:
    Keystore(tmp_path, OLD).create("a", SM2_SM3)
    with pytest.raises(TrustError, match="KEYSTORE_MASTER_WRONG") as caught:
        Keystore(tmp_path, NEW)
    assert caught.value.facts == {"expected": OLD.identity, "found": NEW.identity}
    edited(tmp_path / "store.json", put("master", NEW.identity))  # claiming it does not make it so
    store = Keystore(tmp_path, NEW)
    with pytest.raises(TrustError, match="KEYSTORE_MASTER_WRONG"):
        store.signer("a")
    edited(tmp_path / "a.key", put("master", NEW.identity))
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        store.signer("a")


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"format": 2, "master": "x"}', b" " * 5000, b"[" * 4000])
def test_a_damaged_store_file(tmp_path: Path, content: bytes | None) -> None:
    Keystore(tmp_path, OLD).seal_secret("a", b"x")
    if content is None:
        (tmp_path / "store.json").unlink()
    else:
        (tmp_path / "store.json").write_bytes(content)
    with pytest.raises(TrustError, match="KEYSTORE_CHANGED"):
        Keystore(tmp_path, OLD)


def test_many_threads_create_one_name_once(tmp_path: Path) -> None:
    store, start = Keystore(tmp_path, OLD), threading.Barrier(8)

    def attempt(_: int) -> str:
        start.wait()
        try:
            store.create("one", SM2_SM3)
        except TrustError as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["KEY_EXISTS"] * 7 + ["made"]
    assert signs(Keystore(tmp_path, OLD).signer("one"))


def test_binding_covers_lengths_not_only_the_joined_text() -> None:
    """Moving a character from one field to the next gives other bytes to bind."""
    first = seal_file("secret", "ab", "c", b"", b"x", OLD)
    moved = json.loads(first.write())
    moved.update(name="a", algorithm="bc")
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        read_sealed_file(json.dumps(moved).encode(), "a", "secret").open(OLD)


def test_repr_shows_no_key(tmp_path: Path) -> None:
    store = Keystore(tmp_path, OLD)
    assert OLD.identity in repr(store)
    assert bytes(range(16)).hex() not in repr(store)
    file = seal_file("secret", "n", "", b"", b"x", OLD)
    assert repr(file.sealed) not in repr(file)
    assert repr(file.wrapped_key) not in repr(file)
