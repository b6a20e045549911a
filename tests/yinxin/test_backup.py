"""Backups are taken while the deployment works, notice every changed byte, and open into a deployment that proves its whole trail."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tarfile
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

import idp.service
from crypto.keystore import Keystore
from crypto.master_key import MasterKey
from crypto.sm3 import sm3
from idp.actions.register_client import NewClient, register_client
from service_kit.log_check import check_log
from service_kit.settings import load_settings
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here, yinxin
from yinxin import backup
from yinxin.assembly import open_house
from yinxin.backup import MANIFEST, check_backup, make_backup, restore_backup
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.deployments import Here

AT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A deployment that has served, and its backup."""
    folder = make_deployment(tmp_path_factory.mktemp("backup") / "deployment")
    with served_here(folder) as here:
        register(here, "before")
        (folder / "region.pem").write_text("of the operator", encoding="utf-8")
        out = folder.parent / "backup.tar"
        make_backup(load_settings(folder), out, AT)
        register(here, "after")  # the deployment goes on; the backup is of before
    return folder, out


def register(here: Here, client_id: str) -> None:
    register_client(idp.service.client_desk(here.house.context), NewClient(client_id, ("seal.read",), client_id=client_id), actor="test")


def changed(path: Path, out: Path, name: str, data: bytes | None) -> Path:
    """The archive with one member in another form, or without it."""
    with tarfile.open(path) as old, tarfile.open(out, "w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            kept = content.read()
            if member.name == name:
                if data is None:
                    continue
                kept = data
                member.size = len(kept)
            new.addfile(member, BytesIO(kept))
    return out


def refused(error: pytest.ExceptionInfo[TrustError]) -> tuple[str, object]:
    return error.value.code, error.value.facts.get("name")


def test_what_was_restored_proves_its_trail_and_serves(taken: tuple[Path, Path], tmp_path: Path) -> None:
    folder, out = taken
    restored = tmp_path / "restored"
    said = json.loads(yinxin("backup", "restore", str(out), "--dir", str(restored), "--json").stdout)
    assert (said["made_at"], said["has_database"]) == ("2026-12-01T00:00:00+00:00", True)
    assert not (restored / "master.key").exists(), "the master key travels apart"
    assert (restored / "region.pem").read_text(encoding="utf-8") == "of the operator"
    assert {path.stat().st_mode & 0o077 for path in restored.rglob("*") if path.is_file()} == {0}
    assert "MASTER_KEY_MISSING" in yinxin("doctor", "--dir", str(restored), check=False).stdout
    (restored / "master.key").write_bytes((folder / "master.key").read_bytes())
    (restored / "master.key").chmod(0o600)
    yinxin("audit", "check", "--dir", str(restored))
    clients = {each["client_id"] for each in json.loads(yinxin("client", "list", "--dir", str(restored), "--json").stdout)["clients"]}
    assert ("before" in clients, "after" in clients) == (True, False)
    with served_here(restored) as here:
        assert here.http.get("/readyz").status_code == 200


def test_the_command_makes_and_checks(taken: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = taken
    out = tmp_path / "again.tar"
    assert "files" in yinxin("backup", "make", "--dir", str(folder), "--out", str(out)).stdout
    assert out.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))
    assert json.loads(yinxin("backup", "check", str(out), "--json").stdout)["files"] == len(check_backup(out).files)
    assert "FILE_EXISTS" in yinxin("backup", "make", "--dir", str(folder), "--out", str(out), check=False).stderr
    assert "FOLDER_NOT_EMPTY" in yinxin("backup", "restore", str(out), "--dir", str(folder), check=False).stderr
    assert "BACKUP_DAMAGED" in yinxin("backup", "check", str(folder / "settings.toml"), check=False).stderr
    assert "FILE_UNREADABLE" in yinxin("backup", "check", str(tmp_path / "none"), check=False).stderr
    assert "DEPLOYMENT_MISSING" in yinxin("backup", "make", "--dir", str(tmp_path), "--out", str(out), check=False).stderr


def test_the_logs_come_before_the_database_and_the_mark_last(taken: tuple[Path, Path]) -> None:
    with tarfile.open(taken[1]) as archive:
        names = archive.getnames()
    kinds = ["log" if name.startswith(("log/", "licences/")) else "database" if name == "yinxin.sqlite3" else "rest" for name in names]
    assert kinds == sorted(kinds, key=["log", "database", "rest"].index)
    assert names[-2:] == ["deployment.json", MANIFEST]
    assert not {"master.key"} & set(names)


@pytest.mark.parametrize("name", ["settings.toml", "keys/store.json", "yinxin.sqlite3"])
def test_a_changed_or_missing_file_is_named_and_nothing_restored(taken: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    for data in (b"other", None):
        path = changed(taken[1], tmp_path / "changed.tar", name, data)
        with pytest.raises(TrustError) as error:
            restore_backup(path, tmp_path / "restored")
        assert refused(error) == ("BACKUP_DAMAGED", name)
        assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"format": "yinxin-backup", "format": "yinxin-backup"}',
        b'{"format": "x", "version": 1}',
        b'{"format": "x", "version": 2, "program": "9.0.0"}',
        b'{"format": "yinxin-backup", "version": 0, "program": "0.0.1"}',
        b'{"format": "yinxin-backup", "version": "2", "program": "9.0.0"}',
        b'{"format": "yinxin-backup", "version": 1, "files": []}',
    ],
)
def test_a_manifest_that_says_something_else_is_refused(taken: tuple[Path, Path], tmp_path: Path, manifest: bytes) -> None:
    with pytest.raises(TrustError) as error:
        check_backup(changed(taken[1], tmp_path / "changed.tar", MANIFEST, manifest))
    assert refused(error) == ("BACKUP_DAMAGED", MANIFEST)


def test_a_backup_in_a_later_form_is_not_called_damaged(taken: tuple[Path, Path], tmp_path: Path) -> None:
    manifest = b'{"format": "yinxin-backup", "version": 2, "program": "9.0.0", "anything": []}'
    with pytest.raises(TrustError) as error:
        restore_backup(changed(taken[1], tmp_path / "changed.tar", MANIFEST, manifest), tmp_path / "restored")
    assert (error.value.code, error.value.facts) == ("BACKUP_TOO_NEW", {"program": "9.0.0"})
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", "a//b", "settings.toml"])
def test_no_member_leaves_the_folder_or_comes_twice(taken: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    path = tmp_path / "more.tar"
    path.write_bytes(taken[1].read_bytes())
    with tarfile.open(taken[1]) as old, tarfile.open(path, "w") as new:
        for member in old.getmembers()[:-1]:
            new.addfile(member, old.extractfile(member))
        further = tarfile.TarInfo(name)
        further.size = 1
        new.addfile(further, BytesIO(b"x"))
        manifest = old.getmember(MANIFEST)
        new.addfile(manifest, old.extractfile(manifest))
    with pytest.raises(TrustError) as error:
        restore_backup(path, tmp_path / "restored")
    assert error.value.code == "BACKUP_DAMAGED"
    assert not (tmp_path.parent / "outside").exists()


def test_a_file_where_another_needs_a_folder_is_refused(taken: tuple[Path, Path], tmp_path: Path) -> None:
    files: dict[str, object] = {}
    with tarfile.open(tmp_path / "both.tar", "w") as new, tarfile.open(taken[1]) as old:
        said = json.load(old.extractfile(MANIFEST))  # type: ignore[arg-type]
        for name in ("a", "a/b", MANIFEST):
            content = json.dumps(said | {"files": files}).encode() if name == MANIFEST else b"x"
            member = tarfile.TarInfo(name)
            member.size = len(content)
            new.addfile(member, BytesIO(content))
            files[name] = {"bytes": member.size, "sm3": sm3(content).hex()}
    with pytest.raises(TrustError) as error:
        restore_backup(tmp_path / "both.tar", tmp_path / "restored")
    assert refused(error) == ("BACKUP_DAMAGED", "a")
    assert not (tmp_path / "restored").exists()


def test_a_file_with_holes_is_refused_without_being_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("yinxin.sqlite3")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 20)}
    member.size = 512
    with tarfile.open(tmp_path / "holes.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, BytesIO(f"1\n{1 << 20}\n0\n".encode().ljust(512, b"\0")))
    with pytest.raises(TrustError) as error:
        check_backup(tmp_path / "holes.tar")
    assert refused(error) == ("BACKUP_DAMAGED", "yinxin.sqlite3")


def test_what_is_put_back_is_nobody_elses(taken: tuple[Path, Path], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        restore_backup(taken[1], tmp_path / "restored")
        (tmp_path / "again.tar.part").symlink_to(tmp_path / "of-another")
        make_backup(load_settings(taken[0]), tmp_path / "again.tar", AT)
    finally:
        os.umask(before)
    assert not any(path.stat().st_mode & 0o077 for path in (tmp_path / "restored").rglob("*"))
    assert not (tmp_path / "of-another").exists()
    assert not (tmp_path / "again.tar").is_symlink()


def test_links_and_what_is_cut_off_are_refused(taken: tuple[Path, Path], tmp_path: Path) -> None:
    link = tarfile.TarInfo("settings.toml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        archive.addfile(link)
    whole = taken[1].read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    for name in ("link.tar", "cut.tar"):
        with pytest.raises(TrustError) as error:
            check_backup(tmp_path / name)
        assert error.value.code == "BACKUP_DAMAGED"


def test_a_database_elsewhere_is_not_in_it_and_that_is_said(taken: tuple[Path, Path], tmp_path: Path) -> None:
    folder = taken[0]
    environment = {"YINXIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    told = yinxin("backup", "make", "--dir", str(folder), "--out", str(tmp_path / "x.tar"), environment=environment).stdout
    assert "The database is elsewhere" in told
    assert ["not looked at" in yinxin("backup", "check", str(each)).stdout for each in (tmp_path / "x.tar", taken[1])] == [True, False]
    found = check_backup(tmp_path / "x.tar")
    assert not found.has_database
    assert "yinxin.sqlite3" not in found.files
    assert not restore_backup(tmp_path / "x.tar", tmp_path / "restored").has_database


def test_a_log_that_grows_while_its_tiles_are_read_is_whole_when_it_is_put_back(
    taken: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = taken
    house = open_house(open_deployment(folder))
    add, copy_database = backup._add, backup._copy_database

    def grow() -> None:
        def note(connection: Connection) -> None:
            house.context.audit.record(connection, at=AT, actor="test", action="test.note", subject="backup", outcome="done")

        house.context.database.write(note)
        house.context.log.run_once()

    def add_and_grow(archive: tarfile.TarFile, files: dict[str, tuple[int, str]], path: Path, name: str) -> None:
        add(archive, files, path, name)
        if name.startswith("log/"):
            grow()

    def copy_and_grow(source: Path, copy: Path) -> dict[str, int]:
        grow()
        numbered = copy_database(source, copy)
        grow()
        return numbered

    monkeypatch.setattr(backup, "_add", add_and_grow)
    monkeypatch.setattr(backup, "_copy_database", copy_and_grow)
    try:
        grow()
        make_backup(house.context.settings, tmp_path / "grown.tar", AT)
    finally:
        house.close()
    restored = tmp_path / "restored"
    restore_backup(tmp_path / "grown.tar", restored)
    (restored / "master.key").write_bytes((folder / "master.key").read_bytes())
    (restored / "master.key").chmod(0o600)
    house = open_house(open_deployment(restored))
    try:
        house.context.log.open()  # LOG_TILE_MISSING where tiles were taken before what the database numbers
        for _ in range(3):  # LOG_TILE_CONFLICT where tiles of entries came along that the database does not have
            house.context.database.write(
                lambda connection: house.context.audit.record(
                    connection, at=AT, actor="test", action="test.other", subject="restored", outcome="done"
                )
            )
            house.context.log.run_once()
        assert not check_log(house.context.log).findings
    finally:
        house.close()


def test_a_disk_that_is_full_is_named_with_the_file_and_leaves_no_part_of_a_backup(
    taken: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = taken

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("tarfile.TarFile.addfile", full)
        with pytest.raises(OSError, match="No space left") as raised:
            make_backup(load_settings(folder), tmp_path / "full.tar", datetime.now(UTC))
    assert raised.value.filename == str(tmp_path / "full.tar")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(OSError, match="No space left") as raised:
        restore_backup(made, tmp_path / "restored")
    assert str(raised.value.filename).startswith(str(tmp_path / "restored"))
    assert not (tmp_path / "restored" / "deployment.json").exists(), "it counts as no deployment"


def test_a_damaged_database_gives_no_backup(taken: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    restore_backup(taken[1], folder)
    database = folder / "yinxin.sqlite3"
    content = bytearray(database.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = bytes(
        each ^ 0xFF for each in content[len(content) // 2 : len(content) // 2 + 4096]
    )
    for damaged in (bytes(content), b"", b"no database".ljust(8192)):
        database.write_bytes(damaged)
        for further in ("-wal", "-shm"):
            (folder / f"yinxin.sqlite3{further}").unlink(missing_ok=True)
        said = yinxin("backup", "make", "--dir", str(folder), "--out", str(tmp_path / "x.tar"), check=False)
        assert (said.returncode, "DATABASE_UNAVAILABLE" in said.stderr) == (69, True), said.stderr
        assert not [path for path in tmp_path.iterdir() if path.name != "damaged"], "nothing is left behind"


def test_no_copy_of_the_master_key_is_in_it_by_whatever_name(taken: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "deployment"
    restore_backup(taken[1], folder)
    key = (taken[0] / "master.key").read_bytes()
    (folder / "master-2027.key").write_bytes(key)
    (folder / "keys" / "old").mkdir()
    (folder / "keys" / "old" / "copy").write_bytes(key.strip().upper())
    (folder / "notes.txt").write_text("of the operator", encoding="utf-8")
    files = make_backup(load_settings(folder), tmp_path / "x.tar", AT).files
    assert "notes.txt" in files
    assert not {"master-2027.key", "keys/old/copy"} & set(files)


def test_keys_are_made_and_processes_start_while_documents_are_copied(
    taken: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is held while its own files are read, and not for the hours that documents may take; what is removed meanwhile is no matter."""
    folder = tmp_path / "deployment"
    restore_backup(taken[1], folder)
    (folder / "blobs").mkdir(exist_ok=True)
    (folder / "blobs" / "one").write_bytes(b"a document")
    (folder / "blobs" / "two").write_bytes(b"another")
    add, free = backup._add, dict[str, bool]()

    def is_free() -> bool:
        with (folder / "keys" / ".lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def looked(archive: tarfile.TarFile, files: dict[str, tuple[int, str]], path: Path, name: str) -> None:
        free[name] = is_free()
        if name == "blobs/one":
            (folder / "blobs" / "two").unlink()
        add(archive, files, path, name)

    Keystore(folder / "keys", MasterKey.from_text((taken[0] / "master.key").read_text(encoding="ascii")))  # makes its lock
    monkeypatch.setattr(backup, "_add", looked)
    files = make_backup(load_settings(folder), tmp_path / "x.tar", AT).files
    assert "blobs/one" in files
    assert "blobs/two" not in files
    assert {name for name, was_free in free.items() if not was_free} == {name for name in files if name.startswith("keys/")}


def test_of_a_change_of_master_key_that_was_cut_off_neither_key_is_in_it(taken: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "deployment"
    restore_backup(taken[1], folder)
    old, new = MasterKey.from_text((taken[0] / "master.key").read_text(encoding="ascii")), MasterKey.generate()
    store = folder / "keys" / "store.json"
    said = json.loads(store.read_bytes())
    assert said["master"] == old.identity
    store.write_text(json.dumps({**said, "master": new.identity, "predecessor": {"master": old.identity, "sealed": ""}}), encoding="ascii")
    for name, key in (("was.key", old), ("is.key", new), ("other.key", MasterKey.generate())):
        key.write_file(folder / name)
    assert {"was.key", "is.key", "other.key"} & set(make_backup(load_settings(folder), tmp_path / "x.tar", AT).files) == {"other.key"}


def test_who_restores_is_told_that_the_settings_name_another_database(taken: tuple[Path, Path], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite3"
    folder = tmp_path / "deployment"
    restore_backup(taken[1], folder)
    (folder / "yinxin.sqlite3").rename(elsewhere)
    (folder / "master.key").write_bytes((taken[0] / "master.key").read_bytes())
    with (folder / "settings.toml").open("a", encoding="utf-8") as file:
        file.write(f'\ndatabase_url = "sqlite:///{elsewhere}"\n')
    yinxin("backup", "make", "--dir", str(folder), "--out", str(tmp_path / "x.tar"))
    said = yinxin("backup", "restore", str(tmp_path / "x.tar"), "--dir", str(tmp_path / "restored"))
    assert str(elsewhere) in said.stderr
    said = yinxin("backup", "restore", str(taken[1]), "--dir", str(tmp_path / "as-usual"))
    assert "Careful" not in said.stderr
