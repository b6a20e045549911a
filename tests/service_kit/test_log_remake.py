"""Files of a log are made again from the database, just as they were, and never from one that is not what was published."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from service_kit.log_check import check_log
from service_kit.log_files import COSIGNED_PATH
from service_kit.log_remake import remake_files
from standards.errors import TrustError
from tests.service_kit.log_setting import add, codes, without_triggers

if TYPE_CHECKING:
    from pathlib import Path

    from service_kit.audit import Audit
    from service_kit.database import Database


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lost_and_damaged_files_are_as_they_were(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    log, folder = make_log(anchor_folders=[]), tmp_path / "log"
    assert remake_files(log) == []
    for count in (200, 57, 400):
        add(database, audit, count)
        log.run_once()
    size = log.head().size
    assert remake_files(log) == [], "nothing is wrong"
    before = files_of(folder)
    last = (f".p/{size % 256}", f"/1/000.p/{size // 256}")  # of smaller sizes nobody asks any more
    needed = {name: data for name, data in before.items() if ".p/" not in name or name.endswith(last)}
    shutil.rmtree(folder / "tile")
    for path in (folder / "sm3/tile").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    (folder / "sha256/tile/0/000").unlink()
    assert "LOG_BUNDLE_MISSING" in codes(log)
    with pytest.raises(TrustError):
        make_log(anchor_folders=[]).open()
    made = remake_files(log)
    assert {"tile/entries/000", "tile/entries/001", "sm3/tile/0/000", "sha256/tile/0/000"} <= set(made)
    assert needed.items() <= files_of(folder).items()
    assert not check_log(log).findings
    again = make_log(anchor_folders=[])
    again.open()
    assert again.look().size == size
    assert remake_files(log) == []


def test_an_anchor_behind_the_head_has_its_tiles_too(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    log = make_log()
    add(database, audit, 300)
    log.run_once()
    shutil.copytree(tmp_path / "anchors", tmp_path / "of-before")
    add(database, audit, 5)
    log.run_once()
    shutil.rmtree(tmp_path / "anchors")
    (tmp_path / "of-before").rename(tmp_path / "anchors")
    shutil.rmtree(tmp_path / "log" / "sm3")
    remake_files(log)
    make_log().open()
    assert not check_log(log).findings


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE kit_audit SET entry = (SELECT entry FROM kit_audit WHERE log_index = 1) WHERE log_index = 2", "LOG_FORKED"),
        ("DELETE FROM kit_audit WHERE log_index = 2", "LOG_ENTRY_MISSING"),
        ("DELETE FROM kit_log_head", "LOG_ROLLED_BACK"),
    ],
)
def test_a_database_that_is_not_what_was_published_makes_nothing(
    statement: str, code: str, database: Database, audit: Audit, make_log: Any, tmp_path: Path
) -> None:
    log = make_log()
    add(database, audit, 9)
    log.run_once()
    without_triggers(database, statement)
    shutil.rmtree(tmp_path / "log" / "tile")
    before = files_of(tmp_path / "log")
    with pytest.raises(TrustError, match=code):
        remake_files(log)
    assert files_of(tmp_path / "log") == before


def test_a_log_that_is_only_looked_at_writes_nothing(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    log = make_log()
    add(database, audit, 9)
    log.run_once()
    (tmp_path / "anchors" / "log.sm3.checkpoint").unlink()
    before = files_of(tmp_path)
    make_log().look()
    assert {name for name in files_of(tmp_path) if "sqlite3" not in name} == {name for name in before if "sqlite3" not in name}
    database.write(lambda connection: connection.execute(text("DELETE FROM kit_log_head")).rowcount)
    with pytest.raises(TrustError, match="LOG_ROLLED_BACK"):
        make_log().look()
    assert codes(log) == {"LOG_ROLLED_BACK"}, "the check of the log says so of an empty head too"


def test_what_witnesses_cosigned_is_not_made_again_and_its_loss_is_told(
    database: Database, audit: Audit, make_log: Any, tmp_path: Path
) -> None:
    """Nothing is written while it cannot be read; with the file back, and without it, the rest is made as it was."""
    log, folder = make_log(), tmp_path / "log"
    add(database, audit, 9)
    log.run_once()
    cosigned, genuine = folder / "sm3" / COSIGNED_PATH, (folder / "sm3/checkpoint").read_bytes()
    cosigned.write_bytes(genuine)
    whole = files_of(folder)
    shutil.rmtree(folder / "tile")
    origin, _, rest = genuine.split(b"\n", 2)
    for damaged in (b"", b"half a no", origin + b"\nnine\n" + rest):
        cosigned.write_bytes(damaged)
        before = files_of(folder)
        with pytest.raises(TrustError, match="LOG_COSIGNED_UNREADABLE") as refused:
            remake_files(log)
        assert refused.value.facts["file"] == "sm3/checkpoint.cosigned"
        assert files_of(folder) == before
    cosigned.write_bytes(genuine)
    assert remake_files(log)
    assert files_of(folder) == whole
    shutil.rmtree(folder / "tile")
    cosigned.unlink()
    assert remake_files(log)
    cosigned.write_bytes(genuine)
    assert files_of(folder) == whole
