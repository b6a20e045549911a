"""Commands on a disk that is full, and in a deployment that nobody serves: told by a code or a count, with what to do."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

import pytest

from crypto.certificate_requests import create_request
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from tests.yinxin.test_commands import run, run_json
from yinxin import command_line
from yinxin.pki.model import subject_name

if TYPE_CHECKING:
    from pathlib import Path


def full(path: Path, *_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_full_disk_is_told_by_its_code(
    more: tuple[str, ...], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("service_kit.durable_files.write_durably", full)
    out = str(tmp_path / "trust.json")
    monkeypatch.setattr("sys.argv", ["yinxin", "trust-list", "--dir", str(folder), "--out", out, *more])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    said = capsys.readouterr()
    assert ended.value.code == 69
    if more:
        assert json.loads(said.out)["error"] == {
            "code": "DISK_FULL",
            "kind": "unavailable",
            "facts": {"path": out, "reason": "No space left on device"},
        }
    else:
        assert f"[DISK_FULL: path={out}, reason=No space left on device]" in said.err


def test_of_a_certificate_that_found_no_room_no_part_is_left(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = create_request(software_signer(SM2PrivateKey.generate(), "k"), subject_name("申请人", "单位"))
    (tmp_path / "request.der").write_bytes(request)
    monkeypatch.setattr("service_kit.durable_files.write_durably", full)
    done = run("ca", "issue", tmp_path / "request.der", "--dir", folder, "--out", tmp_path / "c.pem")
    assert (done.exit_code, "DISK_FULL" in done.stderr, (tmp_path / "c.pem").exists()) == (69, True, False)


def test_the_doctor_tells_that_entries_wait_where_none_serves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_json("doctor", "--dir", folder)
    monkeypatch.setattr("yinxin.doctor.STANDSTILL_SECONDS", -1)
    found = run_json("doctor", "--dir", folder)
    waits = {each["name"]: each for each in found["findings"] if each["status"] == "warn"}
    assert found["ok"]
    assert "licence_log" in waits
    assert "waiting_seconds=" in waits["audit_log"]["message"]
    assert "Start the server" in waits["audit_log"]["remedy"]
