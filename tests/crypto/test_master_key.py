"""The master key from file, environment and passphrase, and the files it is kept in."""

from __future__ import annotations

import copy
import os
import pickle
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import durable_files
from crypto.durable_files import create_file, remove_file, replace_file
from crypto.master_key import MasterKey, open_sealed, seal
from crypto.sm3 import pbkdf2_hmac_sm3
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = bytes(range(16))


def test_from_file_and_back(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    made = MasterKey.generate()
    made.write_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert MasterKey.from_file(path) == made
    assert hash(MasterKey.from_file(path)) == hash(made)
    with pytest.raises(FileExistsError):
        MasterKey.generate().write_file(path)
    assert MasterKey.from_file(path) == made
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    MasterKey.generate().write_file(path)
    path.chmod(mode)
    with pytest.raises(TrustError, match="MASTER_KEY_EXPOSED"):
        MasterKey.from_file(path)


@pytest.mark.parametrize("content", [b"", b"00" * 15, b"00" * 17, b"zz" * 16, b"\xff" * 32, b"00" * 2000])
def test_files_that_are_no_master_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    create_file(path, content)
    with pytest.raises(TrustError, match="MASTER_KEY_MALFORMED"):
        MasterKey.from_file(path)
    with pytest.raises(TrustError, match="MASTER_KEY_MISSING"):
        MasterKey.from_file(tmp_path / "other")


def test_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YINXIN_MASTER_KEY", raising=False)
    with pytest.raises(TrustError, match="MASTER_KEY_MISSING"):
        MasterKey.from_environment()
    monkeypatch.setenv("YINXIN_MASTER_KEY", KEY.hex().upper())
    assert MasterKey.from_environment() == MasterKey(KEY)
    monkeypatch.setenv("OTHER_VARIABLE", "x")
    with pytest.raises(TrustError, match="MASTER_KEY_MALFORMED"):
        MasterKey.from_environment("OTHER_VARIABLE")


def test_from_passphrase(tmp_path: Path) -> None:
    salt_file = tmp_path / "master.salt"
    made = MasterKey.from_passphrase("correct horse 电池", salt_file, iterations=1000)
    salt = bytes.fromhex(salt_file.read_text().strip())
    assert made == MasterKey(pbkdf2_hmac_sm3("correct horse 电池".encode(), salt, 1000, 16))
    assert MasterKey.from_passphrase("correct horse 电池", salt_file, iterations=1000) == made
    assert MasterKey.from_passphrase("correct horse 电泄", salt_file, iterations=1000) != made
    assert MasterKey.from_passphrase("correct horse 电池", tmp_path / "other.salt", iterations=1000) != made
    with pytest.raises(TrustError, match="PASSPHRASE_TOO_SHORT"):
        MasterKey.from_passphrase("1234567", salt_file)
    salt_file.write_text("junk")
    with pytest.raises(TrustError, match="MASTER_KEY_MALFORMED"):
        MasterKey.from_passphrase("correct horse 电池", salt_file, iterations=1000)


def test_a_master_key_shows_and_gives_away_nothing() -> None:
    made = MasterKey(KEY)
    assert KEY.hex() not in repr(made) + str(made) + made.identity
    assert made != KEY
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            refused(made)
    with pytest.raises(TrustError, match="MASTER_KEY_MALFORMED"):
        MasterKey(bytes(32))


@given(st.binary(max_size=100), st.binary(max_size=30))
def test_sealing(plaintext: bytes, aad: bytes) -> None:
    made, other = MasterKey(KEY), MasterKey(bytes(16))
    sealed = made.seal(plaintext, aad)
    assert made.open(sealed, aad) == plaintext
    assert made.seal(plaintext, aad) != sealed
    attempts: list[Callable[[], bytes]] = [
        lambda: other.open(sealed, aad),
        lambda: made.open(sealed, aad + b"x"),
        lambda: made.open(sealed[:-1], aad),
        lambda: open_sealed(KEY, b"short", aad),
    ]
    for attempt in attempts:
        with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
            attempt()
    assert open_sealed(KEY, seal(KEY, plaintext, aad), aad) == plaintext


def test_files_are_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    create_file(path, b"first")
    with pytest.raises(FileExistsError):
        create_file(path, b"second")
    replace_file(path, b"third")
    assert path.read_bytes() == b"third"

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"fourth")
    with pytest.raises(OSError, match="No space left"):
        create_file(tmp_path / "other", b"x")
    monkeypatch.undo()
    assert path.read_bytes() == b"third"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "folder", b"x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]
    remove_file(path)
    assert not path.exists()
    assert durable_files.PRIVATE_FILE_MODE == 0o600
