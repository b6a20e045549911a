"""What the monitor takes for no answer, and when it does not begin: exit statuses that are no finding."""

from __future__ import annotations

import json
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

    def command(answers: Callable[[str], bytes | None], issuer: str = ISSUER) -> tuple[int, Any]:
        monkeypatch.setattr(monitor_command, "_fetcher", lambda _: answers)
        words = ("monitor", "https://log.example", "--key", KEY, "--issuer", issuer, "--state", str(tmp_path / "state"), "--json")
        done = yinxin(*words, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    return command


def test_an_address_without_a_log_is_no_log_without_entries(tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    status, told = run(lambda _: None)
    assert (status, told["error"]["code"], told["error"]["facts"]) == (69, "MONITOR_UNREACHABLE", {"status": 404})
    assert not (tmp_path / "state").exists()
    status, told = run(lambda path: NO_ENTRIES if path.startswith("log/counts") else None)
    assert (status, told["ok"]) == (0, True)


def test_a_code_with_a_slip_in_it_watches_nobody(run: Callable[..., tuple[int, Any]]) -> None:
    status, told = run(lambda _: NO_ENTRIES, f"{ISSUER[:-1]}X")
    assert (status, "--issuer" in told) == (64, True)


def test_two_runs_do_not_work_with_one_state_file(tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    with alone_in(tmp_path, ".state.lock", code="MONITOR_RUNNING"):
        status, told = run(lambda _: NO_ENTRIES)
    assert (status, told["error"]["code"]) == (69, "MONITOR_RUNNING")
    assert run(lambda path: NO_ENTRIES if path.startswith("log/counts") else None)[0] == 0
