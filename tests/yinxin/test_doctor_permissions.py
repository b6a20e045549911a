"""What others may read or change of a deployment is told, also where its folder was made by hand with the modes that folders usually have."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from yinxin.doctor import Status, examine
from yinxin.initialise import initialise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open") / "d"
    folder.mkdir()
    initialise(folder)
    return folder


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    made.chmod(0o755)
    yield made
    for name in ("yinxin.sqlite3", "settings.toml"):
        (made / name).chmod(0o600)


def told(folder: Path) -> tuple[Status, set[str]]:
    finding = next(each for each in examine(folder, "en", {}) if each.name == "permissions")
    return finding.status, {each.rpartition("/")[2] for each in finding.message.split(", ") if each}


def test_a_database_is_made_for_the_service_alone(folder: Path) -> None:
    assert {stat.S_IMODE(each.stat().st_mode) & 0o077 for each in folder.glob("yinxin.sqlite3*")} == {0}
    assert told(folder) == (Status.OK, set())


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_database_that_others_may_read_is_told(folder: Path, mode: int) -> None:
    (folder / "yinxin.sqlite3").chmod(mode)
    assert told(folder) == (Status.FAIL, {"yinxin.sqlite3"})
    folder.chmod(0o700)
    assert told(folder) == (Status.OK, set()), "nobody comes to it"


def test_settings_and_a_folder_that_others_may_change_are_told(folder: Path) -> None:
    (folder / "settings.toml").chmod(0o666)
    assert told(folder) == (Status.FAIL, {"settings.toml"})
    folder.chmod(0o700)
    assert told(folder) == (Status.OK, set())
    (folder / "settings.toml").chmod(0o600)
    folder.chmod(0o777)
    assert told(folder) == (Status.FAIL, {"d"}), "who may write into it puts another file in the place of one"


def test_a_database_elsewhere_is_looked_at_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite3"
    elsewhere.touch(0o644)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("YINXIN_DATABASE_URL", f"sqlite:///{elsewhere}")
    assert told(folder) == (Status.FAIL, {elsewhere.name})
    monkeypatch.setenv("YINXIN_DATABASE_URL", "postgresql://yinxin@/yinxin")
    (folder / "yinxin.sqlite3").chmod(0o644)
    assert told(folder) == (Status.OK, set()), "whatever lies there is not the database"
