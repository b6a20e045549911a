"""The key store: a change of master key, and processes that are killed at any step of it."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from crypto.durable_files import TEMPORARY_PREFIX
from crypto.keystore import Keystore, MasterKey
from standards.errors import TrustError
from tests.crypto.keystore_files import NEW, OLD, SM2_SM3, edited, flipped, put, signs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def filled(folder: Path) -> dict[str, bytes]:
    store = Keystore(folder, OLD)
    publics = {name: store.create(name, SM2_SM3).public_spki_der for name in ("a", "b", "c")}
    store.seal_secret("s", b"secret")
    return publics


def assert_all_there(folder: Path, master: MasterKey, publics: dict[str, bytes]) -> None:
    store = Keystore(folder, master)
    assert {name: store.signer(name).public_spki_der for name in publics} == publics
    assert all(signs(store.signer(name)) for name in publics)
    assert store.open_secret("s") == b"secret"
    assert json.loads((folder / "store.json").read_bytes()) == {"format": 1, "master": master.identity}
    assert not [path for path in folder.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]


def masters(folder: Path) -> set[str]:
    return {json.loads(path.read_bytes())["master"] for path in folder.glob("*.key")}


def test_change_of_master_key(tmp_path: Path) -> None:
    publics = filled(tmp_path)
    before = {path.name: json.loads(path.read_bytes())["sealed"] for path in tmp_path.glob("*.key")}
    store = Keystore(tmp_path, OLD)
    other = Keystore(tmp_path, OLD)
    store.rotate_master(NEW)
    assert store.open_secret("s") == b"secret"
    store.create("later", SM2_SM3)
    for refused in (lambda: other.create("d", SM2_SM3), lambda: other.signer("a"), lambda: Keystore(tmp_path, OLD)):
        with pytest.raises(TrustError, match="KEYSTORE_MASTER_WRONG"):
            refused()
    with pytest.raises(TrustError, match="KEYSTORE_MASTER_WRONG"):
        other.rotate_master(MasterKey.generate())
    assert {path.name: json.loads(path.read_bytes())["sealed"] for path in tmp_path.glob("[abc].key")} == before
    store.rotate_master(NEW)  # to the same key: nothing to do
    assert_all_there(tmp_path, NEW, publics)


def test_a_file_that_does_not_open_stops_the_change_before_it_begins(tmp_path: Path) -> None:
    """Otherwise the store would be under no key that opens it, for the sake of one damaged file."""
    publics = filled(tmp_path)
    content = (tmp_path / "b.key").read_bytes()
    edited(tmp_path / "b.key", flipped("wrapped_key"))
    store = Keystore(tmp_path, OLD)
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        store.rotate_master(NEW)
    assert signs(Keystore(tmp_path, OLD).signer("a"))
    assert store.create("later", SM2_SM3).key_id == "later"
    (tmp_path / "b.key").write_bytes(content)
    store.rotate_master(NEW)
    assert_all_there(tmp_path, NEW, publics)


def test_changed_files_stop_a_change_of_master_key_that_was_cut_off(tmp_path: Path) -> None:
    publics = filled(tmp_path)
    content = (tmp_path / "b.key").read_bytes()
    edited(tmp_path / "b.key", flipped("wrapped_key"))
    sealed = base64.b64encode(OLD.seal_successor(NEW, b"yinxin key store predecessor of master key " + NEW.identity.encode())).decode()
    store = {"format": 1, "master": NEW.identity, "predecessor": {"master": OLD.identity, "sealed": sealed}}
    (tmp_path / "store.json").write_bytes(json.dumps(store).encode())  # cut off, and a file damaged before it goes on
    with pytest.raises(TrustError, match="KEYSTORE_FILE_CHANGED"):
        Keystore(tmp_path, NEW)
    (tmp_path / "b.key").write_bytes(content)  # put right from a backup, the change goes on
    assert_all_there(tmp_path, NEW, publics)


@pytest.mark.parametrize("predecessor", [{}, {"sealed": "***"}, {"sealed": base64.b64encode(bytes(60)).decode()}, "x"])
def test_a_damaged_predecessor(tmp_path: Path, predecessor: object) -> None:
    filled(tmp_path)
    edited(tmp_path / "store.json", put("predecessor", predecessor))
    with pytest.raises(TrustError, match="KEYSTORE_CHANGED"):
        Keystore(tmp_path, OLD)


def run_killed_at(step: int, job: Callable[[], object]) -> bool:
    """Run ``job`` in a forked child that kills itself with SIGKILL before its ``step``-th touch of the file system; True if it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def touch(*_: object) -> None:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sync = os.fsync

        def counted_sync(fd: Any) -> None:
            touch()
            sync(fd)

        os.fsync = counted_sync
        sys.addaudithook(lambda event, _: touch() if event in {"open", "os.rename", "os.link", "os.remove"} else None)
        try:
            job()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def test_change_of_master_key_killed_at_every_step(tmp_path: Path) -> None:
    step, outcomes = 0, set()
    while True:
        step += 1
        folder = tmp_path / str(step)
        publics = filled(folder)
        store = Keystore(folder, OLD)
        killed = run_killed_at(step, lambda store=store: store.rotate_master(NEW))  # type: ignore[misc]
        begun = json.loads((folder / "store.json").read_bytes())["master"] == NEW.identity
        outcomes.add(begun)
        assert_all_there(folder, NEW if begun else OLD, publics)
        if not killed:
            break
        if not begun:  # nothing has happened: it can be asked for again
            Keystore(folder, OLD).rotate_master(NEW)
            assert_all_there(folder, NEW, publics)
    assert step > 25
    assert outcomes == {False, True}


def is_cut_off_between(folder: Path, step: int) -> bool:
    """Whether a change of the master key that is killed at this step leaves files under either key; root touches more files on the way."""
    filled(folder)
    store = Keystore(folder, OLD)
    assert run_killed_at(step, lambda: store.rotate_master(NEW))
    return masters(folder) == {OLD.identity, NEW.identity}


def test_finishing_killed_at_every_step(tmp_path: Path) -> None:
    """The start that finishes a cut-off change may itself be killed, at any step."""
    midst = next(step for step in count(15) if is_cut_off_between(tmp_path / f"probe-{step}", step))
    step, killed = 0, True
    while killed:
        step += 1
        folder = tmp_path / str(step)
        publics = filled(folder)
        store = Keystore(folder, OLD)
        assert run_killed_at(midst, lambda store=store: store.rotate_master(NEW))  # type: ignore[misc]
        assert masters(folder) == {OLD.identity, NEW.identity}
        killed = run_killed_at(step, lambda folder=folder: Keystore(folder, NEW))  # type: ignore[misc]
        assert_all_there(folder, NEW, publics)
    assert step > 15


def test_creating_killed_at_every_step(tmp_path: Path) -> None:
    step, outcomes, killed = 0, set(), True
    while killed:
        step += 1
        folder = tmp_path / str(step)
        publics = filled(folder)
        store = Keystore(folder, OLD)
        killed = run_killed_at(step, lambda store=store: store.create("new", SM2_SM3))  # type: ignore[misc]
        assert_all_there(folder, OLD, publics)
        there = (folder / "new.key").exists()
        outcomes.add(there)
        assert not there or signs(Keystore(folder, OLD).signer("new"))
    assert outcomes == {False, True}


def test_reading_while_the_master_key_changes(tmp_path: Path) -> None:
    publics = filled(tmp_path)
    store, stop = Keystore(tmp_path, OLD), threading.Event()

    def read() -> int:
        count = 0
        while not stop.is_set():
            assert store.open_secret("s") == b"secret"
            assert store.list()
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        master = NEW
        for _ in range(5):
            store.rotate_master(master)
            master = MasterKey.generate()
        stop.set()
        assert all(one.result() for one in reading)
    assert set(publics) == {info.key_id for info in store.list()}
