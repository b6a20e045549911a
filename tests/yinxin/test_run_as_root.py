"""Commands that root runs beside a service of another user leave nothing in its folder that it cannot read."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from crypto.durable_files import create_file, make_folder, open_or_make, replace_file
from service_kit.durable_files import write_durably
from tests.deployments import make_deployment, served_here, yinxin
from yinxin.backup import restore_backup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVICE = (4711, 4712)  # user and group of nobody on this machine


@pytest.fixture(autouse=True)
def as_root() -> None:
    if os.geteuid() != 0:  # nothing that could be installed: these tests are for machines whose tests root runs
        pytest.skip("only root can make files of another user")


def give(folder: Path) -> Path:
    for each in (folder, *folder.rglob("*")):
        os.lchown(each, *SERVICE)
    return folder


def owner_of(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


def not_the_services(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(each.relative_to(folder)): owner_of(each) for each in (folder, *folder.rglob("*")) if owner_of(each) != SERVICE}


def test_what_commands_make_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    folder = give(make_deployment(tmp_path / "d"))
    for made in ("log", "licences", "run", "yinxin.sqlite3-turn"):
        path = folder / made
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for command in (
        ["init"],
        ["doctor"],
        ["client", "add", "--name", "portal", "--scope", "seal.use"],
        ["keys", "rotate", "licence-status-sm2"],
        ["keys", "rotate-master"],
        ["audit", "remake-files"],
    ):
        yinxin(*command, "--dir", str(folder))
        assert not_the_services(folder) == {}, command
    with served_here(folder) as here:
        here.house.context.blobs.put(b"a document")
        here.house.context.log.run_once()
        assert {"yinxin.sqlite3-wal", "yinxin.sqlite3-shm"} <= {each.name for each in folder.iterdir()}
        assert not_the_services(folder) == {}, "of the running process"
    assert not_the_services(folder) == {}


def test_a_deployment_that_root_makes_in_a_folder_of_the_service_is_its(tmp_path: Path) -> None:
    folder, keys = tmp_path / "d", tmp_path / "etc"
    folder.mkdir()
    keys.mkdir()
    give(folder)
    elsewhere = {"YINXIN_MASTER_KEY_FILE": str(keys / "master.key")}
    yinxin("init", "--dir", str(folder), environment=elsewhere)
    assert not_the_services(folder) == {}
    assert owner_of(keys / "master.key") == SERVICE, "who serves the folder reads its master key, whoever has the folder that it lies in"
    yinxin("keys", "rotate-master", "--dir", str(folder), environment=elsewhere)
    assert owner_of(keys / "master.key") == SERVICE
    yinxin("keys", "rotate-master", "--dir", str(folder), "--new-key-file", str(keys / "next.key"), environment=elsewhere)
    assert owner_of(keys / "next.key") == SERVICE
    yinxin(
        "backup",
        "make",
        "--dir",
        str(folder),
        "--out",
        str(tmp_path / "copy.tar"),
        environment={"YINXIN_MASTER_KEY_FILE": str(keys / "next.key")},
    )
    assert owner_of(tmp_path / "copy.tar") == (0, 0), "what is put elsewhere is root's"
    back = tmp_path / "back"
    back.mkdir()
    give(back)
    restore_backup(tmp_path / "copy.tar", back)
    assert not_the_services(back) == {}


def test_a_lock_that_is_a_link_gives_nothing_away(tmp_path: Path) -> None:
    """The owner of the folder may put there what it likes; root must not hand out a file of its own for it."""
    folder = tmp_path / "d"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"")
    (folder / "lock").symlink_to(tmp_path / "secret")
    give(folder)
    os.close(open_or_make(folder / "lock"))
    assert owner_of(tmp_path / "secret") == (0, 0)


def exchange(folder: Path, *, by: Path | None = None) -> None:
    """What the owner of the folder above may do at any moment: put a link to another in its place, or a folder of his own."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)
    if by is None:
        folder.mkdir()
        (folder / "made").touch()  # so that what is asked for is there, and his
        give(folder)
    else:
        folder.symlink_to(by)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.close(open_or_make(path)),
        lambda path: create_file(path, b"x"),
        lambda path: replace_file(path, b"x"),
        lambda path: write_durably(path, b"x"),
    ],
)
def test_attack_what_is_made_through_a_link_is_given_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "d" / "run").mkdir(parents=True)
    run = give(tmp_path / "d") / "run"
    exchange(run, by=elsewhere)
    really = os.open
    made: list[int] = []

    def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        descriptor = really(path, flags, *rest, **named)
        if flags & os.O_EXCL and not made:
            made.append(os.dup(descriptor))
            exchange(run)
        return descriptor

    monkeypatch.setattr(os, "open", opened)
    with suppress(FileNotFoundError):  # of the file that was to be put in place
        make(run / "made")
    (kept,) = made
    found = os.fstat(kept)
    os.close(kept)
    assert (found.st_uid, found.st_gid) == (0, 0)


def test_attack_a_folder_that_was_there_is_given_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_root = tmp_path / "var" / "tile"
    of_root.mkdir(parents=True)
    (tmp_path / "d").mkdir()
    log = give(tmp_path / "d") / "log"
    make, really = os.mkdir, os.open

    def made(path: Any, *rest: Any, **named: Any) -> None:
        if os.fspath(path) == str(log / "tile"):
            exchange(log, by=of_root.parent)
        make(path, *rest, **named)

    def opened(path: Any, *rest: Any, **named: Any) -> int:
        descriptor = really(path, *rest, **named)
        if log.is_symlink():
            exchange(log)
        return descriptor

    monkeypatch.setattr(os, "mkdir", made)
    monkeypatch.setattr(os, "open", opened)
    make_folder(log / "tile")
    assert owner_of(of_root) == (0, 0)
