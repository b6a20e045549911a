"""What the monitor takes for no answer, when it does not begin, and what it says: to people, where it cannot keep what it saw, or where it is not answered any more."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.checkpoints import CheckpointSigner, sign_checkpoint
from crypto.signer import software_signer
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.errors import Kind, TrustError
from tests.deployments import yinxin
from tests.licence_vault.test_monitor import Shown, fresh
from tests.licence_vault.vault_here import ISSUER, VaultHere, leaf
from yinxin.commands import monitor_command
from yinxin.folder_lock import alone_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["fresh"]  # a fixture

KEY = CheckpointSigner("log.example/licences/sha256", software_signer(Ed25519PrivateKey.generate(), "l")).key.to_text()
NO_ENTRIES = b'{"size":0,"counts":[]}'


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """The command over what an address answers, by path; None: there is nothing."""

    def command(answers: Callable[[str], bytes | None], issuer: str = ISSUER, *further: str) -> tuple[int, Any]:
        monkeypatch.setattr(monitor_command, "_fetcher", lambda _: answers)
        words = ("monitor", "https://log.example", "--key", KEY, "--issuer", issuer, "--state", str(tmp_path / "state"), "--json")
        done = yinxin(*words, *further, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    return command


def _empty(path: str) -> bytes | None:
    """A log that has no entries."""
    return NO_ENTRIES if path.startswith("log/counts") else None


def test_an_address_without_a_log_is_no_log_without_entries(tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    status, told = run(lambda _: None)
    assert (status, told["error"]["code"], told["error"]["facts"]) == (69, "MONITOR_UNREACHABLE", {"status": 404})
    assert not (tmp_path / "state").exists()
    status, told = run(_empty)
    assert (status, told["ok"]) == (0, True)


def test_a_code_with_a_slip_in_it_watches_nobody(run: Callable[..., tuple[int, Any]]) -> None:
    status, told = run(lambda _: NO_ENTRIES, f"{ISSUER[:-1]}X")
    assert (status, "--issuer" in told) == (64, True)


def test_two_runs_do_not_work_with_one_state_file(tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    with alone_in(tmp_path, ".state.lock", code="MONITOR_RUNNING"):
        status, told = run(lambda _: NO_ENTRIES)
    assert (status, told["error"]["code"]) == (69, "MONITOR_RUNNING")
    assert run(_empty)[0] == 0


def test_what_was_found_is_told_though_there_is_no_room_to_keep_what_was_seen(
    tmp_path: Path, run: Callable[..., tuple[int, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("service_kit.durable_files.write_durably", full)
    books = tmp_path / "books"
    books.write_text(f"made {'1' * 64}\n")
    status, told = run(_empty, ISSUER, "--books", str(books))
    assert (status, [each["code"] for each in told["findings"]]) == (1, ["MONITOR_ENTRY_MISSING", "MONITOR_STATE_NOT_KEPT"])
    assert told["findings"][1]["facts"] == {"file": str(tmp_path / "state"), "reason": "No space left on device"}
    status, told = run(_empty)
    assert (status, "DISK_FULL" in json.dumps(told)) == (69, True)


def test_what_was_found_is_told_though_the_log_answers_no_further_question(
    fresh: VaultHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, silent = Shown(fresh), "log/counts"
    older = fresh.log.head().checkpoints["sm3"]
    fresh.append(leaf(9))
    tree = fresh.log.tree_named("sha256")
    lie = sign_checkpoint(Checkpoint(tree.origin, fresh.log.head().size, bytes(32)), tree.signers)

    def log(path: str) -> bytes | None:
        if path.startswith(silent):
            raise TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE", status=503)
        return shown(path)

    views = {"https://log.example": log, "https://witness.example": lambda path: lie if "sha256" in path else older}
    monkeypatch.setattr(monitor_command, "_fetcher", lambda base: views[base])
    keys = [part for name in ("sha256", "sm3") for part in ("--key", fresh.log.tree_named(name).identity.keys[0].to_text())]
    words = ("monitor", "https://log.example", *keys, "--issuer", ISSUER, "--state", str(tmp_path / "state"), "--json")

    def run(*further: str) -> tuple[int, Any]:
        done = yinxin(*words, *further, check=False)
        return done.returncode, json.loads(done.stdout)

    status, told = run()
    assert (status, told["error"]["code"]) == (69, "MONITOR_UNREACHABLE"), "of nothing anything is known"
    books = tmp_path / "books"
    books.write_text(f"made {leaf(1).commitment.hex()}\nmade {leaf(2).commitment.hex()}\n")
    status, told = run("--books", str(books))
    assert (status, [each["code"] for each in told["findings"]]) == (1, ["MONITOR_ENTRY_NOT_OURS", "FOLLOWED_UNANSWERED"])
    assert told["findings"][1]["facts"] == {"status": "503"}
    silent = "log/consistency"  # what it shows the witness of the one tree is held against it all the same
    status, told = run("--witness", "https://witness.example")
    assert (status, [each["code"] for each in told["findings"]]) == (1, ["FOLLOWED_SPLIT_VIEW", "FOLLOWED_UNANSWERED"])
    assert not (tmp_path / "state").exists(), "nothing is built upon it"


def test_the_command_speaks_to_people_too(fresh: VaultHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown(fresh)
    monkeypatch.setattr(monitor_command, "_fetcher", lambda *_: shown)
    keys = [part for tree in fresh.log.trees for part in ("--key", tree.identity.keys[0].to_text())]
    words = ("monitor", "https://log.example", *keys, "--issuer", ISSUER, "--state", str(tmp_path / "s"))
    chinese = {"LC_ALL": "zh_CN.UTF-8"}
    said = yinxin(*words).stdout
    assert "nothing differs" in said
    assert "extends" not in said, "nothing was seen before that it could extend"
    assert "extends what was seen, and nothing differs" in yinxin(*words).stdout
    assert "延续此前所见，无差异" in yinxin(*words, environment=chinese).stdout
    (tmp_path / "s").unlink()
    assert "没有此前所见可供比对" in yinxin(*words, environment=chinese).stdout
    shown.changed = {"sha256/checkpoint": b""}
    said = yinxin(*words, check=False).stdout
    assert "FOLLOWED_CHECKPOINT_BAD: There is no checkpoint, or none that the log signed." in said
    assert "没有检查点" in yinxin(*words, check=False, environment={"LC_ALL": "zh_CN.UTF-8"}).stdout
