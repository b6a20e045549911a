"""What the monitor takes for no answer, when it does not begin, and what it says where it cannot keep what it saw."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.checkpoints import CheckpointSigner
from crypto.signer import software_signer
from tests.deployments import yinxin
from tests.licence_vault.vault_here import ISSUER
from yinxin.commands import monitor_command
from yinxin.folder_lock import alone_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
