"""The installer of the bundle refuses before it changes anything. `make bundle-check` makes a bundle, installs it without a network and tries it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.optional import PROJECT, need_program
from yinxin.commands.console import EXIT_LASTING, EXIT_UNAVAILABLE, EXIT_USAGE

if TYPE_CHECKING:
    from pathlib import Path

VENV = ("deploy/make_venv.sh", "deploy/install_locked.sh")
HERE = f"cp{sys.version_info[0]}{sys.version_info[1]}"


def bundle(folder: Path, python: str = HERE) -> Path:
    """What the installer looks at first: itself, and the sums of the files beside it."""
    made = folder / f"yinxin-bundle-0.1.0-{python}-linux_x86_64"
    made.mkdir()
    shutil.copy(PROJECT / "deploy/bundle/install.sh", made)
    (made / "requirements.lock").write_text("# nothing\n", encoding="utf-8")
    listed = subprocess.run(["sha256sum", "./requirements.lock"], cwd=made, capture_output=True, check=True)
    (made / "SHA256SUMS").write_bytes(listed.stdout)
    return made


def install(made: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(made / "install.sh"), str(target)],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_damaged_bundle_installs_nothing(tmp_path: Path) -> None:
    need_program("sha256sum")
    made = bundle(tmp_path)
    (made / "requirements.lock").write_text("evil\n", encoding="utf-8")
    answer = install(made, tmp_path / "target")
    assert (answer.returncode, "damaged" in answer.stderr) == (1, True)
    assert not (tmp_path / "target").exists()


def test_a_damaged_line_of_the_list_installs_nothing(tmp_path: Path) -> None:
    """``sha256sum -c`` alone passes over a line that is none, and the file with it."""
    need_program("sha256sum")
    made = bundle(tmp_path)
    (made / "yinxin-0.1.0-py3-none-any.whl").write_bytes(b"damaged")
    with (made / "SHA256SUMS").open("ab") as sums:
        sums.write(b"x" * 64 + b"  ./yinxin-0.1.0-py3-none-any.whl\n")
    answer = install(made, tmp_path / "target")
    assert (answer.returncode, "damaged" in answer.stderr) == (1, True)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("name", ["yinxin-0.0.9-py3-none-any.whl", "wheelhouse/other-1.0-py3-none-any.whl"])
def test_what_the_list_does_not_name_is_not_installed(tmp_path: Path, name: str) -> None:
    need_program("sha256sum")
    made = bundle(tmp_path)
    (made / "install.log").write_text("notes of the operator stay out of it", encoding="utf-8")
    (made / name).parent.mkdir(exist_ok=True)
    (made / name).write_bytes(b"of an older bundle")
    answer = install(made, tmp_path / "target")
    assert (answer.returncode, f"does not name ./{name}" in answer.stderr) == (1, True)
    assert "install.log" not in answer.stderr
    assert not (tmp_path / "target").exists()


def test_what_did_not_become_whole_does_not_stay(tmp_path: Path) -> None:
    need_program("sha256sum")
    answer = install(bundle(tmp_path), tmp_path / "target")  # without the wheel of Yinxin
    assert (answer.returncode, "Nothing was installed" in answer.stderr) == (1, True)
    assert not (tmp_path / "target").exists()


def test_an_installation_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    answer = install(bundle(tmp_path), tmp_path / "target")
    assert (answer.returncode, "is there already" in answer.stderr) == (1, True)


def test_another_python_is_told_apart(tmp_path: Path) -> None:
    answer = install(bundle(tmp_path, "cp299"), tmp_path / "target")
    assert (answer.returncode, "for Python 2.99" in answer.stderr) == (1, True)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("script", ["deploy/make_bundle.sh", "deploy/check_bundle.sh", "deploy/bundle/install.sh", *VENV])
def test_the_scripts_can_be_read_by_any_shell(script: str) -> None:
    subprocess.run(["sh", "-n", str(PROJECT / script)], check=True)


def test_the_installer_asks_no_index_and_wants_every_hash() -> None:
    text = (PROJECT / "deploy/bundle/install.sh").read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if line.startswith("pip install")]
    assert len(installs) == 2
    assert all("--no-index" in line for line in installs)
    assert "--require-hashes" in installs[0]


def test_the_service_unit_names_what_there_is() -> None:
    unit = (PROJECT / "deploy/bundle/yinxin.service").read_text(encoding="utf-8")
    assert re.search(r"^ExecStart=/opt/yinxin/bin/yinxin serve --dir /var/lib/yinxin$", unit, re.MULTILINE)
    assert "\nEnvironment=YINXIN_MASTER_KEY_FILE=/etc/yinxin/master.key\n" in unit


def test_the_service_unit_gives_up_where_no_restart_helps_and_only_there(tmp_path: Path) -> None:
    unit = (PROJECT / "deploy/bundle/yinxin.service").read_text(encoding="utf-8")
    given_up = re.search(r"^RestartPreventExitStatus=(.+)$", unit, re.MULTILINE)
    assert given_up is not None
    program = [sys.executable, "-c", "from yinxin.command_line import main; main()"]
    wrong = subprocess.run([*program, "serve", "--dir", str(tmp_path / "nothing")], capture_output=True, text=True, check=False)
    assert "DEPLOYMENT_MISSING" in wrong.stderr
    assert wrong.returncode == EXIT_USAGE
    assert given_up[1].split() == [str(EXIT_USAGE), str(EXIT_LASTING)], f"not 1, and not {EXIT_UNAVAILABLE}"


def test_systemd_understands_the_service_unit(tmp_path: Path) -> None:
    analyse = need_program("systemd-analyze")
    unit = (PROJECT / "deploy/bundle/yinxin.service").read_text(encoding="utf-8")
    there = tmp_path / "yinxin.service"
    there.write_text(unit.replace("/opt/yinxin/bin/yinxin", sys.executable), encoding="utf-8")
    answer = subprocess.run([analyse, "verify", str(there)], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")
