"""The SHA-256 tree of the licence log, read by somebody else's program for C2SP logs: checkpoint, witness, inclusion, consistency."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.cosignatures import Cosigner
from crypto.signer import software_signer
from service_kit.bounded_calls import Answer
from service_kit.clock import SystemClock
from service_kit.log_witness import Witness
from service_kit.log_witnessing import ConfiguredWitness, WitnessDesk
from standards.c2sp_tlog_witness import write_signature_lines
from tests.licence_vault.vault_here import VaultHere, leaf
from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

JUDGE = PROJECT / ".tooling" / "aics-tlog" / "bin" / "python"


@pytest.mark.clause("C2SP tlog-tiles Parameters", "C2SP tlog-cosignature Format", "C2SP tlog-checkpoint Note text")
def test_aics_tlog_follows_our_log(tmp_path: Path) -> None:
    if not JUDGE.exists():  # not `need`: it runs on Python 3.12 and later, which this machine may not have
        pytest.skip("aics-tlog is not installed in .tooling/aics-tlog: it needs Python 3.12 or later")
    witness = Cosigner("witness.example/w", software_signer(Ed25519PrivateKey.generate(), "w"))
    mirror = tmp_path / "mirror"
    with VaultHere.made(tmp_path / "d") as vault:
        tree = vault.log.tree_named("sha256")
        vault.append(*(leaf(number) for number in range(300)))
        old = vault.log.head().checkpoints["sha256"]
        vault.append(*(leaf(number) for number in range(300, 600)))
        cosigning = Witness(tmp_path / "w", [tree.identity], [witness], SystemClock())
        desk = WitnessDesk(
            vault.log,
            [ConfiguredWitness("licences", "sha256", "https://witness.example", witness.key)],
            lambda _url, body, _limit: Answer(200, {}, write_signature_lines(cosigning.add_checkpoint(body))),
            SystemClock(),
        )
        assert desk.run() == 1
        shutil.copytree(vault.log.files.folder / "sha256", mirror)
        shutil.copytree(vault.log.files.folder / "tile" / "entries", mirror / "tile" / "entries")
        (mirror / "checkpoint.cosigned").replace(mirror / "checkpoint")
        entry = vault.log.receipt_at(417, "sha256").entry
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "leaf").write_bytes(entry)
    (tmp_path / "other").write_bytes(entry + b" ")
    known = ["--log-key", tree.identity.keys[0].to_text(), "--origin", tree.origin, "--witness-key", witness.key.to_text(), "--quorum", "1"]

    def judge(*words: str) -> tuple[int, Any]:
        done = subprocess.run(
            [str(JUDGE), "-m", "aics_tlog", *words, "--tiles", str(mirror), *known], capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, json.loads(done.stdout)

    for words in (
        ("verify-checkpoint",),
        ("verify-inclusion", "--index", "417", "--leaf", str(tmp_path / "leaf")),
        ("verify-consistency", "--old-checkpoint", str(tmp_path / "old")),
    ):
        status, told = judge(*words)
        assert status == 0, told
    assert judge("verify-inclusion", "--index", "417", "--leaf", str(tmp_path / "other"))[0] == 1
    assert judge("verify-inclusion", "--index", "418", "--leaf", str(tmp_path / "leaf"))[0] == 1
