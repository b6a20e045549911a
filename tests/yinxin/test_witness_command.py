"""The witness as a program: made, told whom to watch, served, killed, started again."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.checkpoints import CheckpointSigner, sign_checkpoint
from crypto.cosignatures import WitnessKey, verify_cosignatures
from crypto.durable_files import make_folder
from crypto.merkle import TreeHash
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from service_kit.clock import SystemClock
from service_kit.log_witness import EVIDENCE
from standards import gbt33560_oids as oids
from standards.c2sp_signed_note import Note, read_note, write_note
from standards.c2sp_tlog_checkpoint import Checkpoint, write_checkpoint
from standards.c2sp_tlog_witness import REQUEST_BYTES, AddCheckpoint, write_add_checkpoint
from standards.errors import TrustError
from tests.deployments import HttpHere, free_port, yinxin
from tests.optional import PROJECT
from yinxin import folder_lock
from yinxin.commands.console import EXIT_LASTING
from yinxin.folder_lock import alone_in
from yinxin.witness import DESCRIPTION, DIGESTS, LOCK_FILE, make_witness, open_witness, watch_log, witness_application

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "log.example/licences/sha256"
LOG = CheckpointSigner(ORIGIN, software_signer(Ed25519PrivateKey.generate(), "l"))
TREE = TreeHash(oids.SHA256)
LEAVES = [TREE.leaf(b"%d" % number) for number in range(3)]


def note(size: int, root: bytes | None = None) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, TREE.root(LEAVES[:size]) if root is None else root), [LOG])


def told(*arguments: str) -> Any:
    return json.loads(yinxin("witness", *arguments, "--json").stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "witness"
    told("init", "--dir", str(place), "--name", "witness.example/audit-office")
    told("watch", LOG.key.to_text(), "--dir", str(place))
    return place


def test_of_two_logs_that_are_added_at_once_none_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read the description, added its own and wrote it back."""
    monkeypatch.setattr(folder_lock, "WAIT_SECONDS", 60.0)
    signers = [CheckpointSigner(f"log.example/{number}", software_signer(Ed25519PrivateKey.generate(), "l")) for number in range(4)]
    with ThreadPoolExecutor(len(signers)) as pool:
        list(pool.map(lambda signer: watch_log(folder, [signer.key], None), signers))
    assert {log.origin for log in open_witness(folder).logs} == {ORIGIN, *(signer.key.name for signer in signers)}
    monkeypatch.setattr(folder_lock, "WAIT_SECONDS", 0.0)
    with alone_in(folder, LOCK_FILE, code="TEST"), pytest.raises(TrustError, match="WITNESS_CHANGING"):
        watch_log(folder, [LOG.key], None)


def test_new_keys_of_a_log_leave_its_digest_as_it_was(folder: Path) -> None:
    watch_log(folder, [LOG.key], "sm3")
    watch_log(folder, [LOG.key, CheckpointSigner(ORIGIN, software_signer(Ed25519PrivateKey.generate(), "n")).key], None)
    [log] = open_witness(folder).logs
    assert (log.digest_oid, len(log.keys)) == (DIGESTS["sm3"], 2)


@pytest.mark.clause("C2SP tlog-witness add-checkpoint")
def test_the_protocol_over_http(folder: Path) -> None:
    opened = open_witness(folder)
    served: Any = witness_application(opened.witness)
    with closing(HttpHere(served, "http://witness.example")) as client:
        assert client.get("/livez").text == "ok\n"
        assert client.get("/checkpoint", params={"origin": ORIGIN}).status_code == 404
        answer = client.post("/add-checkpoint", content=write_add_checkpoint(AddCheckpoint(0, (), note(1))))
        keys = [cosigner.key for cosigner in opened.cosigners]
        cosigned = note(1) + answer.content
        assert verify_cosignatures(cosigned, keys, SystemClock().now(), quorum=1).witnessed is True
        assert answer.text.count("\n") == 2  # Ed25519 for everyone, SM2 for those who ask for it
        assert client.get("/checkpoint", params={"origin": ORIGIN}).content == note(1)
        conflict = client.post("/add-checkpoint", content=write_add_checkpoint(AddCheckpoint(0, (), note(2))))
        assert (conflict.status_code, conflict.headers["content-type"].partition(";")[0], conflict.text) == (409, "text/x.tlog.size", "1\n")
        for body, status in (
            (b"", 400),
            (write_add_checkpoint(AddCheckpoint(2, (), note(1))), 400),
            (write_add_checkpoint(AddCheckpoint(1, (), note(1)[:-1])), 400),
            (write_add_checkpoint(AddCheckpoint(1, (), note(2).replace(b"\n2\n", b"\n3\n", 1))), 403),
            (write_add_checkpoint(AddCheckpoint(0, (), sign_checkpoint(Checkpoint("x", 1, bytes(32)), [LOG]))), 404),
            (write_add_checkpoint(AddCheckpoint(1, (), note(1, bytes(32)))), 409),
            (write_add_checkpoint(AddCheckpoint(1, (), note(2))), 422),
            (b"o" * (REQUEST_BYTES + 1), 413),
        ):
            assert client.post("/add-checkpoint", content=body).status_code == status, body[:40]
        fork = client.post("/add-checkpoint", content=write_add_checkpoint(AddCheckpoint(1, (), note(1, bytes(32)))))
        assert (fork.headers["content-type"].partition(";")[0], fork.text) == ("text/x.tlog.size", "1\n"), (
            "which the log reads as a refusal"
        )
        assert client.get("/checkpoint", params={"origin": "other"}).status_code == 404
        assert client.post("/add-checkpoint", content=write_add_checkpoint(AddCheckpoint(1, (LEAVES[1],), note(2)))).status_code == 200


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "DISK_FULL"), (errno.EACCES, "FILE_UNWRITABLE")])
def test_a_state_that_cannot_be_written_is_told_on_both_sides(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int, code: str
) -> None:
    served: Any = witness_application(open_witness(folder).witness)
    body = write_add_checkpoint(AddCheckpoint(0, (), note(1)))

    def refuse(path: Path, *_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    with closing(HttpHere(served, "http://witness.example")) as client:
        with monkeypatch.context() as patch:
            patch.setattr("service_kit.log_witness.write_durably", refuse)
            answer = client.post("/add-checkpoint", content=body)
        assert (answer.status_code, answer.text) == (503, f"{code}\n")
        [line] = [each for each in caplog.records if each.message == "state not usable"]
        assert line.__dict__["facts"]["error"] == code
        assert client.get("/checkpoint", params={"origin": ORIGIN}).status_code == 404
        assert client.post("/add-checkpoint", content=body).status_code == 200


@pytest.mark.parametrize("damage", [b"", b"damaged", b"log.example/licences/sha256\n"])
def test_a_witness_that_does_not_know_what_it_cosigned_cosigns_nothing_and_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    """It is not the log's fault, and neither a second history nor the true one gets a cosignature."""
    witness = open_witness(folder).witness
    witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(0, (), note(1))))
    [kept] = (folder / "state").glob("*.checkpoint")
    whole = kept.read_bytes()
    other = write_note(Note(write_checkpoint(Checkpoint("other.example", 0, bytes(32))), read_note(whole).signatures))
    served: Any = witness_application(witness)
    with closing(HttpHere(served, "http://witness.example")) as client:
        for damaged in (damage, other):
            kept.write_bytes(damaged)
            for body in (
                AddCheckpoint(0, (), note(1, bytes(32))),
                AddCheckpoint(1, (LEAVES[1],), note(2)),
            ):
                answer = client.post("/add-checkpoint", content=write_add_checkpoint(body))
                assert (answer.status_code, answer.text) == (503, "WITNESS_STATE_BAD\n")
            assert client.get("/checkpoint", params={"origin": ORIGIN}).status_code == 503
            assert kept.read_bytes() == damaged
            shown = yinxin("witness", "show", "--dir", str(folder), check=False)
            assert (shown.returncode, "WITNESS_STATE_BAD" in shown.stderr) == (69, True)
        told = [each.__dict__["facts"] for each in caplog.records if each.message == "state not usable"]
        assert {(facts["error"], facts["origin"], facts["path"]) for facts in told} == {("WITNESS_STATE_BAD", ORIGIN, str(kept))}
        kept.write_bytes(whole)
        assert client.post("/add-checkpoint", content=write_add_checkpoint(AddCheckpoint(1, (LEAVES[1],), note(2)))).status_code == 200


def test_two_histories_are_told_to_whoever_runs_the_witness(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    witness = open_witness(folder).witness
    witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(0, (), note(1))))
    for _ in range(2):
        with pytest.raises(TrustError, match="WITNESS_FORK"):
            witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(1, (), note(1, bytes(32)))))
    [line] = [each for each in caplog.records if each.message == "a log shows two histories"]
    facts = line.__dict__["facts"]
    assert (facts["origin"], (folder / "state" / "evidence" / facts["evidence"]).is_file()) == (ORIGIN, True)


def test_of_a_log_that_shows_ever_further_histories_it_is_said_that_no_more_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service_kit.log_witness.EVIDENCE_FILES", 3)
    opened = open_witness(folder)
    opened.witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(0, (), note(1))))
    kept = folder / "state" / EVIDENCE
    kept.mkdir()
    for number in range(3):  # of another log, which takes no room of this one's
        (kept / f"{'0' * 16}-{number}.txt").write_bytes(b"")
    for number in (1, 2, 3, 4, 4, 5):
        with pytest.raises(TrustError, match="WITNESS_FORK"):
            opened.witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(1, (), note(1, bytes([number]) * 32))))
    told = [(each.message, each.__dict__["facts"]) for each in caplog.records]
    assert [message for message, _ in told[:3]] == ["a log shows two histories"] * 3
    assert {facts["evidence"] for _, facts in told[:3]} == set(opened.witness.evidence_of(ORIGIN))
    assert {message for message, _ in told[3:]} == {"a log shows two histories, and no further evidence of it is kept"}
    assert [(facts["origin"], facts["kept"], facts["size"], facts["root"]) for _, facts in told[3:]] == [
        (ORIGIN, 3, 1, f"{number:02x}" * 32) for number in (4, 5)
    ], "each once"
    assert len(list(kept.iterdir())) == 6
    assert json.loads(yinxin("witness", "show", "--dir", str(folder), "--json").stdout)["logs"][0]["evidence"] == 3
    assert "3 times" in yinxin("witness", "show", "--dir", str(folder)).stdout


def test_two_histories_are_told_also_where_there_is_no_room_to_keep_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    witness = open_witness(folder).witness
    witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(0, (), note(1))))

    def without_room(path: Path) -> None:
        if path.name == EVIDENCE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        make_folder(path)

    monkeypatch.setattr("service_kit.log_witness.make_folder", without_room)
    with pytest.raises(OSError, match="No space"):
        witness.add_checkpoint(write_add_checkpoint(AddCheckpoint(1, (), note(1, bytes(32)))))
    assert [each.message for each in caplog.records] == ["a log shows two histories"]


def test_a_witness_is_made_once_and_shows_what_it_knows(folder: Path) -> None:
    made = told("show", "--dir", str(folder))
    assert made["logs"] == [{"origin": ORIGIN, "size": None, "evidence": 0}]
    assert {WitnessKey.from_text(key).name for key in made["keys"]} == {"witness.example/audit-office"}
    assert told("init", "--dir", str(folder), "--name", "witness.example/audit-office")["keys"] == made["keys"]  # its keys stay
    sm3 = CheckpointSigner("log.example/licences/sm3", software_signer(SM2PrivateKey.generate(), "s"))
    assert len(told("watch", sm3.key.to_text(), "--dir", str(folder))["logs"]) == 2
    assert len(told("watch", sm3.key.to_text(), "--dir", str(folder), "--digest", "sm3")["logs"]) == 2
    assert open_witness(folder).logs[1].digest_oid == oids.SM3
    shown = yinxin("witness", "show", "--dir", str(folder)).stdout
    assert "Watches log.example/licences/sm3" in shown
    assert "监视" in yinxin("witness", "show", "--dir", str(folder), environment={"LC_ALL": "zh_CN.UTF-8"}).stdout


def test_what_is_no_witness_is_said_to_be_none(folder: Path, tmp_path: Path) -> None:
    for words in (
        ("show", "--dir", str(tmp_path / "none")),
        ("serve", "--dir", str(tmp_path / "none")),
        ("init", "--dir", str(PROJECT / "docs"), "--name", "x"),
        ("init", "--dir", str(tmp_path / "new"), "--name", "a name"),
        ("watch", "no key", "--dir", str(folder)),
        ("watch", LOG.key.to_text(), "--dir", str(folder), "--digest", "md5"),
    ):
        assert yinxin("witness", *words, check=False).returncode == 64, words
    (folder / DESCRIPTION).write_text('{"name": "x", "logs": [{}]}')
    with pytest.raises(TrustError, match="WITNESS_DESCRIPTION_BAD"):
        open_witness(folder)
    sm2 = CheckpointSigner("other.example", software_signer(SM2PrivateKey.generate(), "s"))
    make_witness(tmp_path / "w", "w.example")
    assert yinxin("witness", "watch", LOG.key.to_text(), sm2.key.to_text(), "--dir", str(tmp_path / "w"), check=False).returncode == 64


def test_a_witness_that_has_lost_a_key_is_not_begun_again_by_a_supervisor(folder: Path) -> None:
    (folder / "keys" / "witness-sm2.key").unlink()
    done = yinxin("witness", "serve", "--dir", str(folder), check=False)
    assert (done.returncode, "KEY_UNKNOWN" in done.stderr) == (EXIT_LASTING, True)


def test_what_was_cosigned_is_known_after_sigkill(folder: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from yinxin.command_line import main; main()"),
            *("witness", "serve", "--dir", str(folder), "--port", str(port)),
        ],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5).status_code == 200
                break
            except httpx.TransportError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        answer = httpx.post(f"http://127.0.0.1:{port}/add-checkpoint", content=write_add_checkpoint(AddCheckpoint(0, (), note(2))))
        assert answer.status_code == 200
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    again = open_witness(folder).witness
    assert again.latest(ORIGIN) == note(2)
    for old, body, code in ((2, note(2, bytes(32)), "WITNESS_FORK"), (0, note(1), "WITNESS_SIZE_OTHER")):
        with pytest.raises(TrustError, match=code):
            again.add_checkpoint(write_add_checkpoint(AddCheckpoint(old, (), body)))
