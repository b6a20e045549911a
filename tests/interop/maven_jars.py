"""Jars of other people's programs, fetched once by Maven and kept in ``.tooling/`` of the project."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.interop.java_runner import compiled, running
from tests.optional import PROJECT, need

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.interop.java_runner import JavaPrograms

FETCH_SECONDS = 300


@functools.cache
def jars(name: str, sources: Path, artifact: str) -> Path | None:
    """The folder of the jars that ``pom.xml`` in ``sources`` names, None where they cannot be had.

    ``artifact``: whose version names the folder. Several processes may fetch at once; the first to finish is kept.
    """
    pom = sources / "pom.xml"
    (version,) = re.findall(rf"<artifactId>{artifact}</artifactId>\s*<version>([\d.]+)<", pom.read_text(encoding="utf-8"))
    kept = PROJECT / ".tooling" / f"{name}-{version}"
    if kept.is_dir():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        return None
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fetched = Path(folder) / "jars"
        command = [
            maven,
            "-q",
            "-B",
            "-f",
            str(pom),
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={fetched}",
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=FETCH_SECONDS, check=False, cwd=folder)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode or not fetched.is_dir():
            return None
        try:
            fetched.rename(kept)
        except OSError:  # another process was first
            return kept if kept.is_dir() else None
    return kept


def programs_against(name: str, sources: Path, artifact: str) -> AbstractContextManager[JavaPrograms]:
    """Every program in ``sources``. Skips where no JDK or no jars are to be had."""
    found = jars(name, sources, artifact)
    need(name, found, "its jars are neither in .tooling nor could Maven fetch them")
    return running(compiled(sources, os.pathsep.join(str(jar) for jar in sorted(Path(str(found)).glob("*.jar")))))
