"""ofdrw, an OFD and seal library by others: its jars fetched once by Maven, and the small Java programs in ``ofdrw/`` run against it.

The jars are kept in ``.tooling/`` of the project. Where they are not there and Maven cannot fetch them, the tests that want them are skipped.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.interop.java_runner import COMPILE_SECONDS, JavaPrograms
from tests.optional import PROJECT, need, need_program

SOURCES = Path(__file__).parent / "ofdrw"
FETCH_SECONDS = 300


@functools.cache
def jars() -> Path | None:
    """The folder of the jars, None where they cannot be had. Several processes may fetch at once; the first to finish is kept."""
    pom = SOURCES / "pom.xml"
    (version,) = re.findall(r"<artifactId>ofdrw-sign</artifactId>\s*<version>([\d.]+)<", pom.read_text(encoding="utf-8"))
    kept = PROJECT / ".tooling" / f"ofdrw-{version}"
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


def compile_ofdrw_programs(folder: Path) -> JavaPrograms:
    """Compile every program in ``ofdrw/`` into ``folder``. Skips where no JDK or no ofdrw is to be had."""
    java, compiler = need_program("java"), need_program("javac")
    found = jars()
    need("ofdrw", found, "its jars are neither in .tooling nor could Maven fetch them")
    class_path = os.pathsep.join(str(jar) for jar in sorted(Path(str(found)).glob("*.jar")))
    subprocess.run(
        [compiler, "-nowarn", "-encoding", "UTF-8", "-cp", class_path, "-d", str(folder), *map(str, sorted(SOURCES.glob("*.java")))],
        capture_output=True,
        timeout=COMPILE_SECONDS,
        check=True,
    )
    return JavaPrograms(java, os.pathsep.join([str(folder), class_path]))
