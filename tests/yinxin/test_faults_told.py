"""What keeps a deployment from starting, or has damaged it, is told by the doctor and by the start itself: by a code, with what to do, without a trace."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from licence_vault.log.entries import append_leaf
from licence_vault.log.leaf import StatusListLeaf
from service_kit.database import Database
from service_kit.health import CheckResult
from service_kit.settings import load_settings
from tests.deployments import make_deployment, served_here, yinxin
from yinxin.commands.console import EXIT_LASTING, EXIT_UNAVAILABLE, EXIT_USAGE
from yinxin.doctor import Status, _as_finding
from yinxin.server import DIR_VARIABLE, Serving, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment that has published a checkpoint."""
    folder = make_deployment(tmp_path_factory.mktemp("faults") / "deployment")
    with served_here(folder) as here:
        here.house.context.log.run_once()
    return folder


@pytest.fixture
def folder(worked: Path, tmp_path: Path) -> Path:
    return shutil.copytree(worked, tmp_path / "deployment")


def set_first(folder: Path, text: str) -> None:
    path = folder / "settings.toml"
    path.write_text(f"{text}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def set_only(folder: Path, text: str) -> None:
    (folder / "settings.toml").write_text(text, encoding="utf-8")


def damage_database(folder: Path) -> None:
    path = folder / "yinxin.sqlite3"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(each ^ 0xFF for each in content[middle : middle + 4096])
    path.write_bytes(content)


def empty_database(folder: Path) -> None:
    (folder / "yinxin.sqlite3").write_bytes(b"")


def remove_tiles(folder: Path) -> None:
    shutil.rmtree(folder / "log" / "sm3" / "tile")


def truncate_tile(folder: Path) -> None:
    for path in (folder / "log" / "sm3" / "tile").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-7])


def foreign_checkpoint(folder: Path) -> None:
    (folder / "log" / "sm3" / "checkpoint").write_bytes(b"somebody else's\n")


def change_origin(folder: Path) -> None:
    with (folder / "settings.toml").open("a", encoding="utf-8") as file:
        file.write('\n[logs]\norigin = "other.example/log"\n')


def bad_certificate(folder: Path) -> None:
    (folder / "ca" / "tsa.cer").write_bytes(b"x")


def damage_floor(folder: Path) -> None:
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "clock-floor").write_text("yesterday", encoding="ascii")


def newer_tables(folder: Path) -> None:
    database = Database(load_settings(folder).database_url, 1)
    try:
        database.write(lambda connection: connection.exec_driver_sql("UPDATE kit_alembic SET version_num = 'kit_9999'"))
    finally:
        database.close()


# What is done, by which code it is told, and the exit status of a start: 78 where no later one mends it, 69 where something may come by itself, 64 for settings
FAULTS: dict[str, tuple[Callable[[Path], None], str, int]] = {
    "log tiles are gone": (remove_tiles, "LOG_TILE_MISSING", EXIT_LASTING),
    "log tiles are cut off": (truncate_tile, "LOG_TILE_DAMAGED", EXIT_LASTING),
    "the checkpoint is another's": (foreign_checkpoint, "LOG_CHECKPOINT_NOT_OURS", EXIT_LASTING),
    "the log got another name": (change_origin, "LOG_CHECKPOINT_NOT_OURS", EXIT_LASTING),
    "the database is an empty file": (empty_database, "LOG_ROLLED_BACK", EXIT_LASTING),
    "the database is of a later version": (newer_tables, "DATABASE_TOO_NEW", EXIT_LASTING),
    "the clock's floor is no time": (damage_floor, "CLOCK_FLOOR_UNREADABLE", EXIT_LASTING),
    "no trust list": (lambda folder: set_first(folder, 'trust_path = "none.json"'), "TRUST_FILE_UNUSABLE", EXIT_UNAVAILABLE),
    "peers that are no networks": (
        lambda folder: set_only(folder, '[client_certificates]\nheader = "X-Cert"\npeers = ["x"]\n'),
        "SETTING_INVALID",
        EXIT_USAGE,
    ),
    "a witness that is none": (lambda folder: set_only(folder, '[logs]\nwitnesses = ["x"]\n'), "SETTING_INVALID", EXIT_USAGE),
    "a database address that is none": (lambda folder: set_first(folder, 'database_url = "none"'), "SETTING_INVALID", EXIT_USAGE),
    "a certificate of the authority is garbage": (bad_certificate, "CA_INCOMPLETE", EXIT_LASTING),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_keeps_it_from_starting_is_told_by_the_doctor_and_by_the_start(fault: str, folder: Path) -> None:
    do, code, status = FAULTS[fault]
    do(folder)
    said = yinxin("doctor", "--dir", str(folder), "--json", check=False)
    assert said.returncode == 1, said.stderr
    failed = [each for each in json.loads(said.stdout)["findings"] if each["status"] == "fail"]
    assert any(f"[{code}]" in each["message"] and each["remedy"] for each in failed), failed
    said = yinxin("serve", "--dir", str(folder), "--port", "0", check=False)
    assert said.returncode == status, said.stderr
    assert f"[{code}" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_anchor_that_is_away_is_told_and_keeps_nothing_from_starting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running process goes on without it, and so does one that is started again, where sealing and verifying are wanted more than ever."""
    set_only(folder, '[listen]\nport = 0\n[logs]\nanchor_paths = ["settings.toml/anchors"]\n')
    said = yinxin("doctor", "--dir", str(folder), "--json", check=False)
    failed = {each["name"]: each["message"] for each in json.loads(said.stdout)["findings"] if each["status"] == "fail"}
    assert said.returncode == 1
    assert set(failed) == {"audit_log_anchors", "licence_log_anchors"}
    assert "LOG_FILES_UNAVAILABLE" in failed["audit_log_anchors"]
    monkeypatch.setenv(DIR_VARIABLE, "")  # is set, and put back after the test
    prepare(Serving(folder))
    with served_here(folder) as here:
        here.house.context.database.write(lambda connection: note(here.house.context, connection))
        with pytest.raises(NotADirectoryError):
            here.house.context.log.run_once()
        assert here.house.context.log.head().size > 0
        assert here.http.get("/livez").status_code == 200


def note(context: ServiceContext, connection: Connection) -> None:
    context.audit.record(connection, at=context.clock.now(), actor="test", action="test.note", subject="log", outcome="done")


def test_a_database_that_is_damaged_where_nobody_looks_is_told(folder: Path) -> None:
    damage_database(folder)
    before = (folder / "yinxin.sqlite3").read_bytes()
    said = yinxin("doctor", "--dir", str(folder), "--json", check=False)
    failed = {each["name"]: each["message"] for each in json.loads(said.stdout)["findings"] if each["status"] == "fail"}
    assert said.returncode == 1
    assert "DATABASE_UNAVAILABLE" in failed["database_file"]
    assert (folder / "yinxin.sqlite3").read_bytes() == before, "nothing more is written into it"


def test_lost_tiles_are_made_again_and_audited(folder: Path) -> None:
    remove_tiles(folder)
    shutil.rmtree(folder / "log" / "tile")
    assert yinxin("audit", "check", "--dir", str(folder), check=False).returncode == 1
    made = json.loads(yinxin("audit", "remake-files", "--dir", str(folder), "--json").stdout)["files"]
    assert any(name.startswith("log/sm3/tile/0/") for name in made)
    yinxin("audit", "check", "--dir", str(folder))
    with served_here(folder) as here:
        assert here.http.get("/readyz").status_code == 200
        with here.house.context.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT actor FROM kit_audit WHERE action = 'log.files-remade'").fetchall()
    assert len(rows) == 1
    assert "0 files" in yinxin("audit", "remake-files", "--dir", str(folder)).stdout


def test_an_empty_database_under_a_published_log_is_no_whole_trail(folder: Path) -> None:
    empty_database(folder)
    assert "DATABASE_UNAVAILABLE" in yinxin("backup", "make", "--dir", str(folder), "--out", str(folder / "x.tar"), check=False).stderr
    yinxin("doctor", "--dir", str(folder), check=False)  # makes the tables of an empty file
    said = yinxin("audit", "check", "--dir", str(folder), "--json", check=False)
    assert said.returncode == 1
    assert "LOG_ROLLED_BACK" in {each["code"] for each in json.loads(said.stdout)["findings"]}


def test_the_folder_of_the_floor_is_made_where_it_is_gone(folder: Path) -> None:
    shutil.rmtree(folder / "run")
    yinxin("doctor", "--dir", str(folder))
    assert (folder / "run" / "clock-floor").exists()


@pytest.mark.parametrize(
    "lost", ["keys/audit-mac.secret", "keys/ca-root.key", "keys/log-checkpoint.key", "ca/root.cer", "ca/issuing.cer", "ca/tsa.cer"]
)
def test_what_a_finished_deployment_has_lost_is_never_made_anew_by_init(lost: str, folder: Path) -> None:
    (folder / lost).unlink()
    before = {path.name for path in (folder / "keys").iterdir()}
    said = yinxin("init", "--dir", str(folder), "--organisation", "另一机构", check=False)
    assert said.returncode in {1, 69}, said.stderr
    assert ("CA_INCOMPLETE" if lost.startswith("ca/") else "KEY_UNKNOWN") in said.stderr
    assert not (folder / lost).exists()
    assert {path.name for path in (folder / "keys").iterdir()} == before


@pytest.mark.parametrize("is_in_register", [True, False])
def test_an_init_that_was_cut_off_before_the_seal_makers_certificate_is_finished(folder: Path, is_in_register: bool) -> None:
    """Deployments from before there was one get its key first; what the register holds for that key is put back, and no second one made."""
    path = folder / "ca" / "seal-maker.cer"
    kept = path.read_bytes()
    path.unlink()
    if not is_in_register:
        database = Database(load_settings(folder).database_url, 1)
        never = "UPDATE pki_certificates SET state = 'issuing', certificate_der = NULL WHERE profile = 'seal-maker'"
        try:
            assert database.write(lambda connection: connection.exec_driver_sql(never).rowcount) == 1
        finally:
            database.close()
    yinxin("init", "--dir", str(folder))
    assert (path.read_bytes() == kept) is is_in_register
    yinxin("doctor", "--dir", str(folder))


def test_a_lost_key_that_licences_were_made_with_is_told_and_not_made_anew(folder: Path) -> None:
    with served_here(folder) as here:
        here.house.context.database.write(
            lambda connection: append_leaf(connection, StatusListLeaf(1, datetime(2026, 12, 1, tzinfo=UTC), 8, 2, b"d" * 32))
        )
    key = folder / "keys" / "licence-log-sm3.key"
    kept = key.read_bytes()
    key.unlink()
    for command in (["serve", "--port", "0"], ["doctor"], ["init"]):
        said = yinxin(command[0], "--dir", str(folder), *command[1:], check=False)
        assert said.returncode == (EXIT_LASTING if command[0] == "serve" else 1), said.stderr
        assert "KEY_UNKNOWN" in said.stdout + said.stderr
        assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    yinxin("doctor", "--dir", str(folder))


def test_status_lists_that_have_expired_are_no_good_news() -> None:
    told = _as_finding(CheckResult("licence_status_lists", True, {"lists": 2, "expired_lists": 1}, None, 1), "en")
    assert (told.status, "licence-status-lists" in told.remedy) == (Status.FAIL, True)
    assert _as_finding(CheckResult("licence_status_lists", True, {"lists": 2, "expired_lists": 0}, None, 1), "en").status is Status.OK
