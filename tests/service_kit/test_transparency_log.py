"""The transparency log: durable order, proofs, recovery at every step, no fork, every damage named."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text

from crypto.checkpoints import CheckpointSigner, verify_checkpoint, verify_receipt
from crypto.merkle import TreeHash, is_consistent
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from service_kit.audit import Audit, new_writer_id
from service_kit.clock import FixedClock
from service_kit.database import Database
from service_kit.log_check import check_log
from service_kit.tables import audit as table
from service_kit.transparency_log import LogTree, TransparencyLog
from standards import gbt33560_oids as oids
from standards.errors import TrustError
from tests.optional import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SM2_KEY = SM2PrivateKey.generate()
ED_KEY = Ed25519PrivateKey.generate()


def trees(count: int = 2) -> tuple[LogTree, ...]:
    sm2 = CheckpointSigner("log.example/audit/sm3", software_signer(SM2_KEY, "log-sm2"))
    ed25519 = CheckpointSigner("log.example/audit/sha256", software_signer(ED_KEY, "log-ed25519"))
    return (
        LogTree("sm3", "log.example/audit/sm3", oids.SM3, (sm2,)),
        LogTree("sha256", "log.example/audit/sha256", oids.SHA256, (ed25519,)),
    )[:count]


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database, b"k" * 32, new_writer_id())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def make_log(database: Database, tmp_path: Path, clock: FixedClock) -> Callable[..., TransparencyLog]:
    def make(**options: Any) -> TransparencyLog:
        options.setdefault("trees", trees())
        options.setdefault("anchor_folders", [tmp_path / "anchors"])
        return TransparencyLog(options.pop("database", database), "audit", table, tmp_path / "log", clock=clock, **options)

    return make


def add(database: Database, audit: Audit, count: int = 1) -> list[str]:
    def job(connection: Any) -> list[str]:
        return [
            audit.record(connection, at=AT, actor="client:a", action="thing.changed", subject=f"thing:{i}", outcome="done")
            for i in range(count)
        ]

    return database.write(job)


def codes(log: TransparencyLog) -> set[str]:
    return {finding.code for finding in check_log(log).findings}


def without_triggers(database: Database, *statements: str) -> None:
    on = "" if database.is_sqlite else " ON kit_audit"
    drops = [f"DROP TRIGGER kit_audit_{name}{on}" for name in ("keep", "stay", "index_once")]
    database.write(lambda connection: [connection.execute(text(each)).rowcount for each in (*drops, *statements)])


def test_every_entry_gets_a_receipt_that_strangers_can_check(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log(batch=300)
    ids = add(database, audit, 3) + add(database, audit, 700)
    with pytest.raises(TrustError, match="LOG_ENTRY_PENDING"):
        log.receipt(ids[0])
    turns = []
    while done := log.run_once():
        turns.append(done)
    assert turns == [300, 300, 104]  # with the writer's opening row
    for tree in trees():
        for entry_id in (ids[0], ids[299], ids[-1]):
            receipt = log.receipt(entry_id, tree.name)
            assert entry_id.encode() in receipt.entry
            assert verify_receipt(receipt, tree.identity).verified is True
    assert log.inclusion_proof(ids[0])[0] == 1
    assert codes(log) == set()
    assert check_log(log).entries == 704


def test_an_empty_log_is_whole(make_log: Any) -> None:
    log = make_log()
    assert log.run_once() == 0
    assert log.head().size == 0
    assert codes(log) == set()


def test_each_checkpoint_extends_the_one_before(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    roots = []
    for count in (1, 5, 250, 3, 260):
        add(database, audit, count)
        log.run_once()
        head = log.head()
        for tree in trees():
            checkpoint = verify_checkpoint(head.checkpoints[tree.name], tree.identity).checkpoint
            assert checkpoint is not None
            roots.append((tree.name, checkpoint.size, checkpoint.root))
    for tree in trees():
        mine = [(size, root) for name, size, root in roots if name == tree.name]
        for (older, older_root), (newer, newer_root) in zip(mine, mine[1:], strict=False):
            proof = log.consistency_proof(older, newer, tree.name)
            assert is_consistent(
                TreeHash(tree.digest_oid), older_size=older, older_root=older_root, newer_size=newer, newer_root=newer_root, proof=proof
            )
    with pytest.raises(TrustError, match="LOG_SIZE_UNKNOWN"):
        log.consistency_proof(1, 10_000)


def test_each_tree_names_the_other(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    add(database, audit)
    log.run_once()
    head = log.head()
    first, second = (verify_checkpoint(head.checkpoints[t.name], t.identity).checkpoint for t in trees())
    assert first is not None
    assert second is not None
    assert first.extensions == (f"tree {second.origin} {second.root.hex()}",)
    assert second.extensions == (f"tree {first.origin} {first.root.hex()}",)


def test_questions_that_have_no_answer(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    ids = add(database, audit)
    for question, code in (
        (lambda: log.receipt("nothing"), "LOG_ENTRY_UNKNOWN"),
        (lambda: log.receipt(ids[0]), "LOG_ENTRY_PENDING"),
        (lambda: log.receipt(ids[0], "md5"), "LOG_TREE_UNKNOWN"),
    ):
        with pytest.raises(TrustError) as refused:
            question()
        assert refused.value.code == code
    with pytest.raises(ValueError, match="of its own"):
        make_log(trees=trees(1) * 2)


def test_files_are_served_by_their_c2sp_paths(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    add(database, audit, 300)
    log.run_once()
    for path in (
        "sm3/checkpoint",
        "sm3/tile/0/000",
        "sm3/tile/0/001.p/45",
        "sm3/tile/1/000.p/1",
        "sha256/tile/entries/000",
        "tile/entries/001.p/45",
    ):
        assert log.files.public_file(path) is not None, path
    for path in ("sm3/tile/0/002", "../log/sm3/checkpoint", "sm3//checkpoint", "/etc/passwd", "sm3/.hidden", "", "sm3", "sm3/tile/é"):
        assert log.files.public_file(path) is None, path


def test_a_second_sequencer_waits_for_the_lease_and_then_takes_over(
    database: Database, audit: Audit, make_log: Any, clock: FixedClock
) -> None:
    first, second = make_log(), make_log()
    add(database, audit, 3)
    assert first.run_once() == 4
    add(database, audit, 2)
    assert second.run_once() == 0
    clock.advance(3)
    assert second.run_once() == 2
    add(database, audit, 1)
    assert first.run_once() == 0
    clock.advance(3)
    assert first.run_once() == 1
    assert codes(first) == set()


def test_the_one_who_is_overtaken_between_signing_and_the_head_loses(
    database: Database, audit: Audit, make_log: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I5: both have numbered rows and written tiles; one compare-and-swap wins, nothing forks."""
    slow, quick = make_log(), make_log()
    add(database, audit, 3)
    original = slow._sign

    def overtaken(edges: Any) -> Any:
        signed = original(edges)
        clock.advance(3)
        add(database, audit, 2)
        assert quick.run_once() == 6
        return signed

    monkeypatch.setattr(slow, "_sign", overtaken)
    assert slow.run_once() == 0
    monkeypatch.undo()
    assert slow.head().size == 6
    clock.advance(3)
    add(database, audit, 1)
    assert slow.run_once() == 1
    assert codes(slow) == set()


def test_two_sequencers_at_once_do_not_fork(database: Database, audit: Audit, tmp_path: Path) -> None:
    class Real:
        def now(self) -> datetime:
            return datetime.now(UTC)

    logs = [
        TransparencyLog(database, "audit", table, tmp_path / "log", trees(), Real(), lease_seconds=0.001, interval_seconds=0.001)
        for _ in range(3)
    ]
    for log in logs:
        log.start()
    for _ in range(40):
        add(database, audit, 7)
        time.sleep(0.002)
    for log in logs:
        log.stop()
    while logs[0].run_once():
        pass
    assert logs[0].head().size == 281
    assert codes(logs[0]) == set()


def test_the_thread_logs_within_a_second(database: Database, audit: Audit, tmp_path: Path) -> None:
    class Real:
        def now(self) -> datetime:
            return datetime.now(UTC)

    log = TransparencyLog(database, "audit", table, tmp_path / "log", trees(1), Real())
    log.start()
    log.start()
    (entry_id,) = add(database, audit)
    deadline = time.monotonic() + 5
    began = time.monotonic()
    while time.monotonic() < deadline:
        try:
            log.receipt(entry_id)
            break
        except TrustError:
            time.sleep(0.02)
    assert time.monotonic() - began < 2  # one second promised; the machine may be busy
    last = add(database, audit)
    log.stop()
    log.stop()
    assert log.receipt(last[0]).index == 2  # stopping takes in what waits
    assert log.last_error is None


def test_a_turn_that_fails_is_said_and_made_good(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    log = make_log(interval_seconds=0.01)
    blocked = tmp_path / "log" / "tile"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("in the way")
    log.start()
    ids = add(database, audit)
    deadline = time.monotonic() + 5
    while log.last_error is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.last_error is not None
    blocked.unlink()
    log.stop()
    assert log.last_error is None
    assert log.receipt(ids[0]).index == 1


SEQUENCER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from crypto.checkpoints import CheckpointSigner
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from service_kit import fail_points
from service_kit.database import Database
from service_kit.tables import audit as table
from service_kit.transparency_log import LogTree, TransparencyLog
from standards import gbt33560_oids as oids
url, folder, keys, step = sys.argv[1:]
sm2 = SM2PrivateKey.from_pkcs8(Path(keys, "sm2.der").read_bytes())
ed = load_pem_private_key(Path(keys, "ed.pem").read_bytes(), None)
class Clock:
    def now(self):
        return datetime.now(UTC)
trees = (
    LogTree("sm3", "log.example/audit/sm3", oids.SM3, (CheckpointSigner("log.example/audit/sm3", software_signer(sm2, "a")),)),
    LogTree("sha256", "log.example/audit/sha256", oids.SHA256, (CheckpointSigner("log.example/audit/sha256", software_signer(ed, "b")),)),
)
log = TransparencyLog(Database(url), "audit", table, Path(folder) / "log", trees, Clock(), anchor_folders=[Path(folder) / "anchors"])
if step != "none":
    fail_points.arm(step)
log.run_once()
"""

STEPS = ("log.assigned", "log.bundles", "log.tiles", "log.signed", "log.head", "log.published")


def run_sequencer(url: str, folder: Path, step: str) -> int:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    (folder / "sm2.der").write_bytes(SM2_KEY.to_pkcs8())
    (folder / "ed.pem").write_bytes(ED_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = [sys.executable, "-W", "ignore", "-c", SEQUENCER, url, str(folder), str(folder), step]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_one_goes_on(
    step: str, database: Database, database_url: str, audit: Audit, make_log: Any, clock: FixedClock, tmp_path: Path
) -> None:
    clock.at = datetime.now(UTC)
    first = make_log()
    add(database, audit, 260)
    assert first.run_once() == 261
    clock.advance(3)
    before = verify_checkpoint(first.head().checkpoints["sm3"], trees()[0].identity).checkpoint
    assert before is not None
    database.write(lambda c: c.execute(text("UPDATE kit_log_head SET lease_until = 0")).rowcount)
    ids = add(database, audit, 300)
    assert run_sequencer(database_url, tmp_path, step) == -signal.SIGKILL
    more = add(database, audit, 10)
    clock.at = datetime.now(UTC) + timedelta(seconds=60)  # past the dead one's lease
    second = make_log()
    second.open()
    while second.run_once():
        pass
    assert second.head().size == 571
    assert codes(second) == set()
    for tree in trees():
        for entry_id in (ids[0], ids[-1], more[-1]):
            assert verify_receipt(second.receipt(entry_id, tree.name), tree.identity).verified is True
        assert second.head().checkpoints[tree.name] in second.files.published(tree.name)
    after = verify_checkpoint(second.head().checkpoints["sm3"], trees()[0].identity).checkpoint
    assert after is not None
    assert is_consistent(
        TreeHash(oids.SM3),
        older_size=before.size,
        older_root=before.root,
        newer_size=after.size,
        newer_root=after.root,
        proof=second.consistency_proof(before.size, after.size),
    )


def test_the_sequencer_of_the_kill_test_works_when_it_is_left_alone(
    database: Database, database_url: str, audit: Audit, tmp_path: Path
) -> None:
    add(database, audit, 3)
    assert run_sequencer(database_url, tmp_path, "none") == 0
    with database.read() as connection:
        assert connection.execute(text("SELECT size FROM kit_log_head")).scalar() == 4


def test_a_head_that_was_never_published_is_published_on_the_next_start(
    database: Database, audit: Audit, make_log: Any, tmp_path: Path
) -> None:
    log = make_log()
    add(database, audit)
    log.run_once()
    shutil.rmtree(tmp_path / "anchors")
    (tmp_path / "log" / "sm3" / "checkpoint").unlink()
    (tmp_path / "log" / "sha256" / "checkpoint").unlink()
    make_log().open()
    assert (tmp_path / "log" / "sm3" / "checkpoint").read_bytes() == log.head().checkpoints["sm3"]
    assert (tmp_path / "anchors" / "log.sha256.checkpoint").exists()


def test_a_database_restored_from_a_backup_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    from service_kit.migrations import migrate_kit

    path = tmp_path / "x.sqlite3"

    def opened() -> tuple[Database, TransparencyLog]:
        made = Database(f"sqlite:///{path}")
        return made, TransparencyLog(made, "audit", table, tmp_path / "log", trees(), clock)

    database, log = opened()
    migrate_kit(database)
    audit = Audit(database, b"k" * 32, new_writer_id())
    add(database, audit, 5)
    log.run_once()
    database.close()
    shutil.copy(path, tmp_path / "backup")
    database, log = opened()
    add(database, Audit(database, b"k" * 32, new_writer_id()), 5)
    clock.advance(3)
    assert log.run_once() == 6
    database.close()
    for left in tmp_path.glob("x.sqlite3*"):
        left.unlink()
    shutil.copy(tmp_path / "backup", path)
    database, log = opened()
    for start in (log.open, log.start):
        with pytest.raises(TrustError) as refused:
            start()
        assert refused.value.code == "LOG_ROLLED_BACK"
    add(database, Audit(database, b"k" * 32, new_writer_id()), 5)
    clock.advance(3)
    with pytest.raises(TrustError, match="LOG_ROLLED_BACK"):
        log.run_once()
    assert "LOG_ROLLED_BACK" in codes(log)
    database.close()


def test_an_empty_database_under_an_old_log_is_refused(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    add(database, audit, 5)
    log.run_once()
    database.write(lambda c: c.execute(text("DELETE FROM kit_log_head")).rowcount)
    with pytest.raises(TrustError, match="LOG_ROLLED_BACK"):
        make_log().open()


def test_a_checkpoint_of_somebody_else_is_refused(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    log = make_log()
    add(database, audit, 5)
    log.run_once()
    (tmp_path / "anchors" / "log.sm3.checkpoint").write_bytes(log.head().checkpoints["sha256"])
    with pytest.raises(TrustError, match="LOG_CHECKPOINT_NOT_OURS"):
        make_log().open()
    assert "LOG_CHECKPOINT_NOT_OURS" in codes(log)


def test_another_history_under_our_own_signature_is_a_fork(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    from crypto.checkpoints import sign_checkpoint
    from standards.c2sp_tlog_checkpoint import Checkpoint

    log = make_log()
    add(database, audit, 5)
    log.run_once()
    tree = trees()[0]
    (tmp_path / "anchors" / "log.sm3.checkpoint").write_bytes(sign_checkpoint(Checkpoint(tree.origin, 6, b"x" * 32), tree.signers))
    with pytest.raises(TrustError, match="LOG_FORKED"):
        make_log().open()
    assert "LOG_FORKED" in codes(log)


def test_a_key_that_was_rotated_out_is_still_believed(database: Database, audit: Audit, make_log: Any) -> None:
    old = trees(1)[0]
    log = make_log(trees=(old,))
    add(database, audit, 5)
    log.run_once()
    fresh = CheckpointSigner(old.origin, software_signer(SM2PrivateKey.generate(), "new"))
    with pytest.raises(TrustError, match="LOG_CHECKPOINT_NOT_OURS"):
        make_log(trees=(LogTree("sm3", old.origin, oids.SM3, (fresh,)),)).open()
    rotated = make_log(trees=(LogTree("sm3", old.origin, oids.SM3, (fresh,), (old.signers[0].key,)),))
    rotated.open()


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


def test_a_full_tile_differs_above_the_leaves(database: Database, audit: Audit, make_log: Any, tmp_path: Path) -> None:
    """65,536 entries fill a tile of level 1."""
    log = make_log(trees=trees(1))
    for _ in range(33):
        add(database, audit, 2000)
    while log.run_once():
        pass
    assert codes(log) == set()
    (tmp_path / "log" / "sm3" / "tile" / "1" / "000").write_bytes(b"x" * 8192)
    assert codes(log) == {"LOG_TILE_DIFFERS"}


def test_files_are_never_changed(make_log: Any) -> None:
    log = make_log()
    log.files.write_tile("sm3", 0, 0, b"a" * 32)
    log.files.write_tile("sm3", 0, 0, b"a" * 32)
    with pytest.raises(TrustError, match="LOG_TILE_CONFLICT"):
        log.files.write_tile("sm3", 0, 0, b"b" * 32)


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


def test_order_is_the_order_of_insertion(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log(batch=4)
    add(database, audit, 10)
    while log.run_once():
        pass
    with database.read() as connection:
        rows = connection.execute(select(table.c.log_index, table.c.number).order_by(table.c.log_index)).all()
    assert [tuple(row) for row in rows] == [(i, i) for i in range(11)]


def test_readers_are_not_disturbed_while_the_log_grows(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    ids = add(database, audit, 50)
    log.run_once()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for entry_id in ids:
                assert verify_receipt(log.receipt(entry_id), trees()[0].identity).verified is True
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        add(database, audit, 30)
        log.run_once()
    for reader in readers:
        reader.join()
    assert failures == []
    assert os.listdir(log.files.folder)
