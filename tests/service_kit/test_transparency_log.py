"""The transparency log: durable order, receipts for everyone, one leader at a time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from crypto.checkpoints import verify_checkpoint, verify_receipt
from crypto.merkle import TreeHash, is_consistent
from service_kit.log_check import check_log
from service_kit.tables import audit as table
from service_kit.transparency_log import TransparencyLog
from standards.c2sp_tlog_tiles import TILE_WIDTH, read_bundle, tile_path
from standards.errors import TrustError
from tests.service_kit.log_setting import add, codes, trees

if TYPE_CHECKING:
    from pathlib import Path

    from service_kit.audit import Audit
    from service_kit.database import Database
    from tests.clocks import FixedClock


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
            assert log.receipts(entry_id)[tree.name] == receipt
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
        for (older, older_root), (newer, newer_root) in pairwise(mine):
            proof = log.consistency_proof(older, newer, tree.name)
            assert is_consistent(
                TreeHash(tree.digest_oid), older_size=older, older_root=older_root, newer_size=newer, newer_root=newer_root, proof=proof
            )
    with pytest.raises(TrustError, match="LOG_SIZE_UNKNOWN"):
        log.consistency_proof(1, 10_000)


def test_sizes_that_never_had_a_checkpoint_are_proved_as_well(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    add(database, audit, 200)
    log.run_once()
    size = log.head().size
    for tree in trees():
        tree_hash = TreeHash(tree.digest_oid)
        leaves = [log.files.read_tile(tree.name, 0, 0, size)[at : at + 32] for at in range(0, 32 * size, 32)]

        def root(part: list[bytes], tree_hash: TreeHash = tree_hash) -> bytes:
            if len(part) == 1:
                return part[0]
            left = 1 << (len(part) - 1).bit_length() - 1
            return tree_hash.node(root(part[:left]), root(part[left:]))

        for older, newer in ((1, 2), (7, 150), (128, 199), (199, size)):
            proof = log.consistency_proof(older, newer, tree.name)
            assert is_consistent(
                tree_hash, older_size=older, older_root=root(leaves[:older]), newer_size=newer, newer_root=root(leaves[:newer]), proof=proof
            )
    (log.files.folder / trees()[0].name / tile_path(0, 0, size)).unlink()
    with pytest.raises(TrustError, match="LOG_TILE_MISSING"):
        log.consistency_proof(7, 150, trees()[0].name)


def test_bundles_grow_by_what_is_new_and_hold_every_entry_in_its_place(database: Database, audit: Audit, make_log: Any) -> None:
    first, at = make_log(lease_seconds=0.0), 0
    for log, count in ((first, 3), (first, 1), (first, 251), (first, 1), (make_log(lease_seconds=0.0), 600), (first, 2), (first, 1)):
        add(database, audit, count)
        assert log.run_once() > 0
        size = log.head().size
        with database.read() as connection:
            rows = [row[0] for row in connection.execute(select(table.c.entry).order_by(table.c.log_index))]
        assert len(rows) == size
        for index in range(at // TILE_WIDTH, -(-size // TILE_WIDTH)):
            some = rows[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
            assert read_bundle(log.files.read_bundle(index, len(some))) == some
        at = size
    assert codes(first) == set()


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
    for arguments, code in ((("nothing",), "LOG_ENTRY_UNKNOWN"), ((ids[0],), "LOG_ENTRY_PENDING"), ((ids[0], "md5"), "LOG_TREE_UNKNOWN")):
        with pytest.raises(TrustError) as refused:
            log.receipt(*arguments)
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
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            log.receipt(entry_id)
            break
        except TrustError:
            time.sleep(0.02)
    assert log.receipt(entry_id).entry  # one second promised; how well it is kept is measured, not tested
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
    deadline = time.monotonic() + 30
    while log.last_error is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.last_error is not None
    blocked.unlink()
    log.stop()
    assert log.last_error is None
    assert log.receipt(ids[0]).index == 1


def test_files_are_never_changed(make_log: Any) -> None:
    log = make_log()
    log.files.write_tiles([("sm3", 0, 0, b"a" * 32)])
    log.files.write_tiles([("sm3", 0, 0, b"a" * 32)])
    with pytest.raises(TrustError, match="LOG_TILE_CONFLICT"):
        log.files.write_tiles([("sm3", 0, 0, b"b" * 32)])


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


def test_who_waits_for_a_receipt_wakes_the_sequencer(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log(interval_seconds=3600.0)
    log.start()
    try:
        entry_id = add(database, audit)[0]
        deadline = time.monotonic() + 30
        while True:
            try:
                assert log.receipt(entry_id).index >= 0
                break
            except TrustError as error:
                assert error.code == "LOG_ENTRY_PENDING"
                assert time.monotonic() < deadline
                time.sleep(0.005)
    finally:
        log.stop()


def test_who_waits_for_a_turn_is_told_when_it_is_over(database: Database, audit: Audit, make_log: Any) -> None:
    log = make_log()
    before = log.turns
    began = time.monotonic()
    log.wait_beyond(before, 0.05)  # nobody takes a turn
    assert log.turns == before
    assert time.monotonic() - began >= 0.05
    entry_id = add(database, audit)[0]
    told: list[int] = []

    def wait() -> None:
        log.wait_beyond(before, 30)
        told.append(log.receipt(entry_id).index)

    thread = threading.Thread(target=wait)
    thread.start()
    assert log.run_once() == 2  # with the writer's opening row
    thread.join(10)
    assert told == [1]
    log.wait_beyond(before, 30)  # one that is over already is not waited for
    assert time.monotonic() - began < 20
