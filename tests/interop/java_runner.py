"""Compiling and running the small Java programs of this folder against BouncyCastle."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.optional import need_bouncy_castle, need_program

SOURCES = Path(__file__).parent / "java"
COMPILE_SECONDS = 120
RUN_SECONDS = 60


@dataclass(frozen=True)
class JavaPrograms:
    """The compiled programs; :meth:`run` gives what one printed as a dictionary of its "key=value" lines."""

    java: str
    class_path: str

    def run(self, program: str, *arguments: str | Path) -> dict[str, str]:
        finished = subprocess.run(
            # One small heap and the quickest start: each run lives for a second
            [self.java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", self.class_path, program, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return dict(line.split("=", 1) for line in finished.stdout.splitlines() if "=" in line)


def compile_programs(folder: Path) -> JavaPrograms:
    """Compile every program into ``folder``. Skips where no JDK or no BouncyCastle is installed."""
    jars = need_bouncy_castle()
    java = need_program("java")
    sources = sorted(str(path) for path in SOURCES.glob("*.java"))
    subprocess.run(
        [need_program("javac"), "-nowarn", "-encoding", "UTF-8", "-cp", jars, "-d", str(folder), *sources],
        capture_output=True,
        timeout=COMPILE_SECONDS,
        check=True,
    )
    return JavaPrograms(java, os.pathsep.join([str(folder), jars]))
