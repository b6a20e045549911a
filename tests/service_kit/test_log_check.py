"""Every damage to a log is named."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update

from service_kit.log_check import check_audit, check_log
from service_kit.tables import log_head
from standards.errors import TrustError
from tests.service_kit.log_setting import add, codes, trees, without_triggers
from tests.untraced import untraced

if TYPE_CHECKING:
    from pathlib import Path

    from service_kit.audit import Audit
    from service_kit.database import Database


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("UPDATE kit_audit SET entry = mac WHERE number = 270", "LOG_ENTRY_DIFFERS"),
        ("DELETE FROM kit_audit WHERE number = 270", "LOG_ENTRY_MISSING"),
        ("DELETE FROM kit_audit WHERE number > 290", "LOG_END_MISSING"),
    ],
)
def test_damage_in_the_database_is_named(database: Database, audit: Audit, make_log: Any, damage: str, code: str) -> None:
    log = make_log()
    add(database, audit, 300)
    log.run_once()
    without_triggers(database, damage)
    report = check_log(log)
    assert code in {finding.code for finding in report.findings}
    finding = next(finding for finding in report.findings if finding.code == code)
    assert finding.facts.get("index", finding.facts.get("first")) in {270, 291}


def test_attack_a_row_below_all_others_is_looked_at(database: Database, audit: Audit, make_log: Any) -> None:
    """Its MAC is nobody's, but the sequencer takes it into the signed log as any other: a receipt shows it, and only the check of the rows can tell."""
    log = make_log()
    add(database, audit, 3)
    log.run_once()
    without_triggers(
        database,
        "INSERT INTO kit_audit (position, entry_id, entry, writer_id, number, actor, action, subject, mac)"
        " SELECT -5, '00000000-0000-7000-8000-000000000000', entry, 'nobody', 7, actor, action, subject, entry FROM kit_audit WHERE number = 2",
    )
    assert [(each.code, each.facts["position"]) for each in check_audit(database, b"k" * 32).findings] == [("AUDIT_ROW_ALTERED", -5)]
    log.run_once()
    assert log.head().size == 5
    found = check_audit(database, b"k" * 32)
    assert (found.entries, [each.facts["position"] for each in found.findings]) == (5, [-5])


def test_attack_an_index_that_no_sequencer_gave_is_named(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    add(database, audit, 3)
    log.run_once()
    without_triggers(
        database,
        "INSERT INTO kit_audit (entry_id, entry, writer_id, number, actor, action, subject, mac, log_index)"
        " SELECT '00000000-0000-7000-8000-000000000000', entry, 'nobody', 7, actor, action, subject, mac, -1 FROM kit_audit WHERE number = 2",
    )
    report = check_log(log)
    assert [(each.code, each.facts) for each in report.findings] == [
        ("LOG_INDEX_WRONG", {"index": -1, "entry_id": "00000000-0000-7000-8000-000000000000"})
    ]
    assert report.entries == 4


def test_entries_that_changed_places_are_named(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    add(database, audit, 20)
    log.run_once()
    without_triggers(
        database,
        "UPDATE kit_audit SET log_index = 1000 WHERE number = 5",
        "UPDATE kit_audit SET log_index = 5 WHERE number = 6",
        "UPDATE kit_audit SET log_index = 6 WHERE number = 5",
    )
    report = check_log(log)
    assert {f.facts["index"] for f in report.findings if f.code == "LOG_ENTRY_DIFFERS"} == {5, 6}
    assert "LOG_ROOT_DIFFERS" in codes(log)


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("sm3/tile/0/000", None, "LOG_TILE_MISSING"),
        ("sm3/tile/0/000", b"x" * 8192, "LOG_ENTRY_DIFFERS"),
        ("sm3/tile/1/000.p/1", b"x" * 32, "LOG_TILE_DIFFERS"),
        ("tile/entries/000", None, "LOG_BUNDLE_MISSING"),
        ("tile/entries/000", b"x", "LOG_BUNDLE_DAMAGED"),
        ("tile/entries/001.p/45", b"\x00\x01x", "LOG_BUNDLE_DIFFERS"),
        ("sm3/checkpoint", b"nonsense", "LOG_CHECKPOINT_NOT_OURS"),
        ("sm3/checkpoint", None, "LOG_CHECKPOINT_MISSING"),
        ("../anchors/log.sha256.checkpoint", None, "LOG_CHECKPOINT_MISSING"),
    ],
)
def test_damage_in_the_files_is_named(
    database: Database, audit: Audit, make_log: Any, tmp_path: Path, path: str, data: bytes | None, code: str
) -> None:
    log = make_log()
    add(database, audit, 300)
    log.run_once()
    damaged = tmp_path / "log" / path
    damaged.unlink()
    if data is not None:
        damaged.write_bytes(data)
    assert code in codes(log)


@pytest.mark.parametrize(
    ("damage", "has_files", "found"),
    [
        (("DELETE FROM kit_log_head",), True, {"size": 0, "numbered": 301}),  # an emptied log, as far as head and checkpoints tell
        (("DELETE FROM kit_log_head",), False, {"size": 0, "numbered": 301}),
        (("DELETE FROM kit_log_head", "DELETE FROM kit_audit"), True, {"size": 0, "numbered": 256}),
        (("DELETE FROM kit_log_head", "UPDATE kit_audit SET log_index = NULL"), True, {"size": 0, "numbered": 256}),
    ],
)
def test_attack_a_head_that_is_gone_with_every_checkpoint_is_named(
    database: Database, audit: Audit, make_log: Any, tmp_path: Path, damage: tuple[str, ...], has_files: bool, found: dict[str, int]
) -> None:
    log = make_log()
    add(database, audit, 300)
    log.run_once()
    without_triggers(database, *damage)
    for path in (tmp_path / "log").glob("*/checkpoint"):
        path.unlink()
    shutil.rmtree(tmp_path / "anchors")
    if not has_files:
        shutil.rmtree(tmp_path / "log")
    assert [each.facts for each in check_log(log).findings if each.code == "LOG_HEAD_BEHIND"] == [found]


def test_attack_entries_beyond_a_head_that_was_set_back_with_the_checkpoints_are_named(
    database: Database, audit: Audit, make_log: Any
) -> None:
    log = make_log(anchor_folders=[])
    add(database, audit, 4)
    log.run_once()
    earlier = log.head()
    add(database, audit, 300)
    log.run_once()
    for tree in log.trees:
        log.files.publish(tree.name, earlier.checkpoints[tree.name])
    notes = json.dumps({name: note.decode() for name, note in earlier.checkpoints.items()}, ensure_ascii=False).encode()
    database.write(lambda connection: connection.execute(update(log_head).values(size=5, assigned=5, checkpoints=notes)).rowcount)
    assert [(each.code, each.facts) for each in check_log(log).findings] == [("LOG_HEAD_BEHIND", {"size": 5, "numbered": 305})]


def test_a_log_that_grows_while_it_is_checked_is_whole(
    database: Database, audit: Audit, make_log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log()
    add(database, audit, 4)
    log.run_once()
    ask = log.files.width_kept

    def grow(index: int) -> int:
        add(database, audit, 3)
        log.run_once()
        width: int = ask(index)
        return width

    monkeypatch.setattr(log.files, "width_kept", grow)
    assert codes(log) == set()
    assert log.head().size == 8


def test_entries_that_wait_under_the_head_are_no_finding(
    database: Database, audit: Audit, make_log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process that died before it moved the head leaves them: numbered, with files, and not signed."""
    log = make_log()
    add(database, audit, 4)
    log.run_once()
    add(database, audit, 3)
    monkeypatch.setattr(log, "_move_head", lambda *_: False)
    log.run_once()
    assert (log.head().size, log.head().waiting, codes(log)) == (5, 3, set())


def test_an_anchor_that_another_machine_has_is_not_missed(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    """As where a backup is tried out: the folder is none of this machine's."""
    log = make_log(anchor_folders=[])
    add(database, audit, 3)
    log.run_once()
    assert codes(make_log(anchor_folders=[tmp_path / "elsewhere"])) == set()


def test_a_damaged_right_edge_is_refused(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    log = make_log()
    add(database, audit, 4)
    log.run_once()
    (tmp_path / "log" / "sm3" / "tile" / "0" / "000.p" / "5").write_bytes(b"x" * 160)
    with pytest.raises(TrustError, match="LOG_TILE_DAMAGED"):
        make_log().open()
    (tmp_path / "log" / "sm3" / "tile" / "0" / "000.p" / "5").write_bytes(b"x")
    with pytest.raises(TrustError, match="LOG_TILE_DAMAGED"):
        make_log().open()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@untraced()
def test_a_full_tile_differs_above_the_leaves(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    """65,536 entries fill a tile of level 1. On one kind of database: what differs between them is tested above."""
    log = make_log(trees=trees(1))
    for _ in range(33):
        add(database, audit, 2000)
    while log.run_once():
        pass
    assert codes(log) == set()
    (tmp_path / "log" / "sm3" / "tile" / "1" / "000").write_bytes(b"x" * 8192)
    assert codes(log) == {"LOG_TILE_DIFFERS"}


def test_rows_that_vanish_between_numbering_and_writing_stop_the_log(
    database: Database, audit: Audit, make_log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log()
    add(database, audit, 5)
    original = log._assign

    def assign(connection: Any) -> Any:
        assigned = original(connection)
        on = "" if database.is_sqlite else " ON kit_audit"
        connection.execute(text(f"DROP TRIGGER kit_audit_stay{on}"))
        connection.execute(text("DELETE FROM kit_audit WHERE number = 3"))
        return assigned

    monkeypatch.setattr(log, "_assign", assign)
    with pytest.raises(TrustError, match="LOG_ENTRY_MISSING"):
        log.run_once()
    assert log.head().size == 0
