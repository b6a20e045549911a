"""The transparency log after a crash at every step, and its refusal to go on from an old or foreign state."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from crypto.checkpoints import CheckpointSigner, verify_checkpoint, verify_receipt
from crypto.merkle import TreeHash, is_consistent
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from service_kit.audit import Audit, new_writer_id
from service_kit.database import Database
from service_kit.log_tree import LogTree
from service_kit.tables import audit as table
from service_kit.transparency_log import TransparencyLog
from standards import gbt33560_oids as oids
from standards.errors import TrustError
from tests.optional import PROJECT
from tests.service_kit.log_setting import ED_KEY, SM2_KEY, add, codes, trees
from tests.untraced import untraced

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clocks import FixedClock

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
from service_kit.log_tree import LogTree
from service_kit.transparency_log import TransparencyLog
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
    with untraced():  # who is killed leaves no record
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


def test_an_anchor_of_another_history_is_found_also_when_the_log_has_grown_past_it(
    database: Database, audit: Audit, make_log: Any, tmp_path: Path
) -> None:
    from crypto.checkpoints import sign_checkpoint
    from standards.c2sp_tlog_checkpoint import Checkpoint

    log = make_log()
    add(database, audit, 5)
    log.run_once()
    held = log.head().checkpoints["sm3"]
    add(database, audit, 5)
    log.run_once()
    anchor = tmp_path / "anchors" / "log.sm3.checkpoint"
    anchor.write_bytes(held)
    assert codes(log) == set(), "behind, and of the same history"
    tree = trees()[0]
    anchor.write_bytes(sign_checkpoint(Checkpoint(tree.origin, 4, b"x" * 32), tree.signers))
    assert codes(log) == {"LOG_FORKED"}


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


def test_a_clock_that_was_ahead_keeps_nobody_from_leading(database: Database, audit: Audit, clock: FixedClock, make_log: Any) -> None:
    """Else nothing would come into the log, and no licence be issued, for as long as the clock had been ahead."""
    dead, living = make_log(), make_log()
    clock.advance(3600)
    add(database, audit)
    assert dead.run_once() == 2, "with the opening row of its writer"
    clock.advance(-3600)
    add(database, audit)
    assert living.run_once() == 1
    assert dead.run_once() == 0, "the lease is the other's now"
    add(database, audit)
    assert (dead.run_once(), living.run_once()) == (0, 1)
    assert codes(living) == set()
