"""Which of uv and pip fetches the packages, and that hashes are asked for either way. Scripts stand in for both that
write down how they are called; `make setup` with the real ones is what every run of these tests began with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = """#!/bin/sh
echo "pip $*" >> called
case "$*" in
    *"pip config list") cat told ;;
    *"pip uninstall"*) rm -f .venv/bin/uv ;;
    *requirements-uv.lock) [ -e no-uv ] && exit 1; cp uv .venv/bin/uv ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >> called
[ ! -e broken ]
"""


def place(folder: Path, told: str = "") -> Path:
    """A project's folder with an environment in which nothing is real."""
    (folder / ".venv/bin").mkdir(parents=True)
    for path, text in {".venv/bin/python": PYTHON, "uv": UV}.items():
        (folder / path).write_text(text, encoding="utf-8")
        (folder / path).chmod(0o755)
    (folder / "told").write_text(told, encoding="utf-8")
    (folder / "deploy").mkdir()
    for script in ("make_venv.sh", "install_locked.sh"):
        shutil.copy(PROJECT / "deploy" / script, folder / "deploy" / script)
    return folder


def called(folder: Path, **settings: str) -> list[str]:
    """How the programs were called for the packages of a lock file."""
    kept = {name: value for name, value in os.environ.items() if name not in {"SSL_CERT_FILE", "UNCOMPILED"}}
    command = ["sh", "deploy/make_venv.sh", "requirements.lock"]
    subprocess.run(command, cwd=folder, env=kept | {"PYTHON": sys.executable} | settings, check=True, capture_output=True)
    return [line for line in (folder / "called").read_text(encoding="utf-8").splitlines() if line.endswith(" requirements.lock")]


def test_uv_installs_with_every_hash_and_compiles(tmp_path: Path) -> None:
    (call,) = called(place(tmp_path))
    assert call.startswith("uv pip install")
    assert ("--require-hashes" in call, "--compile-bytecode" in call) == (True, True)


def test_nothing_is_compiled_where_that_is_asked_for(tmp_path: Path) -> None:
    (call,) = called(place(tmp_path), UNCOMPILED="1")
    assert (call.startswith("uv"), "--compile-bytecode" in call) == (True, False)


@pytest.mark.parametrize(
    "told",
    [
        "global.index-url='https://mirror.example/simple'",
        ":env:.extra-index-url='x'",
        "install.no-index='1'",
        "global.proxy='x'",
        "global.cert='x'",
    ],
)
def test_where_pip_was_told_to_fetch_from_pip_fetches(tmp_path: Path, told: str) -> None:
    (call,) = called(place(tmp_path, told))
    assert (call.startswith("pip"), "--require-hashes" in call) == (True, True)


def test_a_uv_of_before_is_not_asked_any_more(tmp_path: Path) -> None:
    folder = place(tmp_path)
    called(folder)
    (folder / "told").write_text("global.index-url='x'\n", encoding="utf-8")
    assert [call.partition(" ")[0] for call in called(folder)] == ["uv", "pip"]


def test_certificates_that_uv_is_told_of_too_are_no_hindrance(tmp_path: Path) -> None:
    (call,) = called(place(tmp_path, "global.cert='x'"), SSL_CERT_FILE="x")
    assert call.startswith("uv")


def test_where_there_is_no_uv_pip_fetches(tmp_path: Path) -> None:
    folder = place(tmp_path)
    (folder / "no-uv").touch()
    (call,) = called(folder, UNCOMPILED="1")
    assert (call.startswith("pip"), "--require-hashes" in call, "--no-compile" in call) == (True, True, True)


def test_where_uv_fails_pip_goes_on(tmp_path: Path) -> None:
    folder = place(tmp_path)
    (folder / "broken").touch()
    assert [call.partition(" ")[0] for call in called(folder)] == ["uv", "pip"]
    assert all("--require-hashes" in call for call in called(folder))
