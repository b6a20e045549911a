"""Packages of npm that tests run against: fetched once into ``.tooling/`` of the project, in the version named here.

Where they are not there and npm cannot fetch them, the tests that want them are skipped.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.optional import PROJECT, need, need_program

PROGRAMS = Path(__file__).parent / "node"
FETCH_SECONDS = 300


@functools.cache
def fetched_package(package: str, version: str) -> Path | None:
    """Where a package stands with what it needs, None where it cannot be had. Several processes may fetch at once; the first is kept."""
    kept = PROJECT / ".tooling" / f"{package}-{version}"
    if kept.is_dir():
        return kept
    npm = shutil.which("npm")
    if npm is None:
        return None
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fetched = Path(folder) / "parts"
        fetched.mkdir()
        command = [npm, "install", "--prefix", str(fetched), "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        try:
            done = subprocess.run([*command, f"{package}@{version}"], capture_output=True, timeout=FETCH_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode or not (fetched / "node_modules" / package).is_dir():
            return None
        try:
            fetched.rename(kept)
        except OSError:  # another process was first
            return kept if kept.is_dir() else None
    return kept


def need_node_package(package: str, version: str) -> tuple[str, Path]:
    """The program ``node`` and the folder of a package."""
    node = need_program("node")
    folder = fetched_package(package, version)
    need(f"{package} {version}", folder, "npm cannot fetch it")
    assert folder is not None
    return node, folder
