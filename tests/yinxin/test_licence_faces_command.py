"""``yinxin licence draw-face`` and ``verify-code``: how a design looks, and what a printed code is worth."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from licence_vault.faces.read_design import face_json
from service_kit.ofd_drawing.draw import draw_ofd
from tests.deployments import unmeasured
from tests.licence_vault.faces.designs import PORTRAIT, text_of
from tests.licence_vault.test_verify import AT
from tests.licence_vault.test_verify_code import CLAIMS, genuine, good, link
from yinxin.command_line import app
from yinxin.commands import licence_command
from yinxin.commands.verify_command import read_at
from yinxin.offline_verifier.read_bundle import Known

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def run(*arguments: str | Path, language: str = "C") -> Result:
    return CliRunner().invoke(app, ["licence", *map(str, arguments)], env={"LC_ALL": language})


@pytest.mark.parametrize("ending", ["pdf", "ofd"])
@pytest.mark.parametrize("is_type", [True, False])
def test_a_design_is_drawn_with_invented_contents(tmp_path: Path, ending: str, is_type: bool) -> None:
    design, out = tmp_path / "design.json", tmp_path / f"out.{ending}"
    face = face_json(PORTRAIT)
    design.write_text(json.dumps({"face": face, "code": "x"} if is_type else face))
    done = run("draw-face", design, out)
    assert (done.exit_code, done.stdout.strip()) == (0, str(out))
    pdf = out.read_bytes() if ending == "pdf" else draw_ofd(out.read_bytes()).pdf
    for expected in ("样例 KZ_address", "样例持证人", "无法律效力", "SAMPLE"):
        assert expected in text_of(pdf)
    again = run("draw-face", design, out)
    assert again.exit_code == 64
    assert "File exists" in again.stderr


@pytest.mark.parametrize("ending", ["pdf", "ofd"])
def test_of_a_drawing_that_finds_no_room_no_part_is_left(tmp_path: Path, ending: str) -> None:
    design, out = tmp_path / "design.json", tmp_path / f"out.{ending}"
    design.write_text(json.dumps(face_json(PORTRAIT)))
    program = "from yinxin.command_line import main; main()"
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-B", "-c", program]
    done = subprocess.run([*limited, "licence", "draw-face", str(design), str(out)], capture_output=True, text=True, check=False)
    assert (done.returncode, f"[DISK_FULL: path={out}, reason=File too large]" in done.stderr, out.exists()) == (69, True, False)


def test_of_a_small_drawing_whose_end_finds_no_room_no_part_is_left(tmp_path: Path) -> None:
    """What is written when the file is closed may fail there alone."""
    out = tmp_path / "out.pdf"
    program = f"import pathlib; from yinxin.commands.licence_command import _write_new; _write_new(pathlib.Path({str(out)!r}), b'x' * 1025)"
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-B", "-c", program]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, env=unmeasured())  # what is recorded finds no room either
    assert (done.stderr.splitlines()[-1], out.exists()) == (
        f"standards.errors.TrustError: DISK_FULL: path='{out}', reason='File too large'",
        False,
    )


def test_designs_that_cannot_be_drawn(tmp_path: Path) -> None:
    design = tmp_path / "design.json"
    design.write_text("[]")
    assert "FACE_DESIGN_MALFORMED" in run("draw-face", design, tmp_path / "a.pdf").stderr
    design.write_text("{")
    assert run("draw-face", design, tmp_path / "a.pdf").exit_code == 64
    assert run("draw-face", design, tmp_path / "a.png", language="zh_CN.UTF-8").stderr.endswith(".ofd 结尾\n")
    assert "No such file" in run("draw-face", tmp_path / "none.json", tmp_path / "a.pdf").stderr
    design.write_bytes(b" " * (2 * 1024 * 1024 + 1))
    assert "larger" in run("draw-face", design, tmp_path / "a.pdf").stderr


def test_a_code_is_judged_by_a_trust_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yinxin.commands.licence_command.load_known", lambda _path: Known(good()))
    done = run("verify-code", link(genuine()), "--at", AT.isoformat())
    assert done.exit_code == 0
    assert "Licence: code" in done.stdout
    assert f"Number: {CLAIMS.number}" in done.stdout
    assert "No seal was found" not in done.stdout
    answer = json.loads(run("verify-code", link(genuine()), "--at", AT.isoformat(), "--json").stdout)
    assert answer["verdict"] == "valid"
    assert answer["says"]["identifier"] == CLAIMS.identifier


@pytest.mark.parametrize("ahead_seconds", [300, 301])
def test_a_code_is_not_judged_by_what_is_of_a_later_day_than_the_clock_says(monkeypatch: pytest.MonkeyPatch, ahead_seconds: int) -> None:
    known = Known(replace(good(), issued_at=AT + timedelta(seconds=ahead_seconds)))
    monkeypatch.setattr(licence_command, "load_known", lambda _path: known)
    monkeypatch.setattr(licence_command, "read_at", lambda text: AT if text is None else read_at(text))  # the clock
    told = run("verify-code", link(genuine()))
    assert (told.exit_code, "TRUST_BUNDLE_FROM_FUTURE" in told.stdout) == ((2, True) if ahead_seconds > 300 else (0, False))
    assert run("verify-code", link(genuine()), "--at", AT.isoformat()).exit_code == 0, "no clock is asked"


def test_a_code_that_nobody_known_has_signed(tmp_path: Path) -> None:
    done = run("verify-code", link(genuine()), "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["says"] is None
    assert run("verify-code", "https://elsewhere.example/").exit_code == 1
    assert run("verify-code", "x", "--at", "tomorrow").exit_code == 64
