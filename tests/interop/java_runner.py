"""Compiling and running the small Java programs of this folder against BouncyCastle."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from tests.optional import PROJECT, need_bouncy_castle, need_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import IO

SOURCES = Path(__file__).parent / "java"
HOST = Path(__file__).parent / "java_host" / "Host.java"
COMPILE_SECONDS = 120
RUN_SECONDS = 60
QUICK_START = "-XX:TieredStopAtLevel=1"


@dataclass(frozen=True)
class JavaPrograms:
    """The compiled programs, run one after another in one virtual machine."""

    machine: subprocess.Popen[bytes]
    errors: IO[bytes]

    def run(self, program: str, *arguments: str | Path) -> dict[str, str]:
        """What a program printed, as a dictionary of its "key=value" lines."""
        assert self.machine.stdin is not None
        assert self.machine.stdout is not None
        limit = Timer(RUN_SECONDS, self.machine.kill)
        limit.start()
        try:
            self.machine.stdin.write("\t".join([program, *map(str, arguments)]).encode() + b"\n")
            self.machine.stdin.flush()
            end, _, size = self.machine.stdout.readline().decode().partition(" ")
            if not size:
                self.errors.seek(0)
                raise RuntimeError(f"the virtual machine ended: {self.errors.read().decode(errors='replace')}")
            told = self.machine.stdout.read(int(size)).decode()
        finally:
            limit.cancel()
        assert end == "done", told
        return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def compiled(sources: Path, class_path: str) -> str:
    """The class path with the programs in ``sources`` on it. What is compiled is kept in ``.tooling/`` of the project, under a name made of all
    that goes in. Several processes may compile at once; the first to finish is kept.
    """
    compiler = need_program("javac")
    files = [HOST, *sorted(sources.glob("*.java"))]
    goes_in = [str(Path(compiler).resolve()), class_path, *(each.read_text(encoding="utf-8") for each in files)]
    kept = PROJECT / ".tooling" / f"java-{sha256(chr(0).join(goes_in).encode()).hexdigest()[:16]}"
    if not kept.is_dir():
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            made = Path(folder) / "classes"
            subprocess.run(
                [compiler, f"-J{QUICK_START}", "-nowarn", "-encoding", "UTF-8", "-cp", class_path, "-d", str(made), *map(str, files)],
                capture_output=True,
                timeout=COMPILE_SECONDS,
                check=True,
            )
            try:
                made.rename(kept)
            except OSError:  # another process was first
                assert kept.is_dir()
    return os.pathsep.join([str(kept), class_path])


@contextmanager
def running(class_path: str) -> Iterator[JavaPrograms]:
    """A virtual machine with these programs, which ends with the block."""
    # One small heap and the quickest start
    command = [need_program("java"), "-Xmx256m", QUICK_START, "-cp", class_path, HOST.stem]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as machine,
    ):
        yield JavaPrograms(machine, errors)


def bouncy_castle_programs() -> AbstractContextManager[JavaPrograms]:
    """The programs in ``java/``. Skips where no JDK or no BouncyCastle is installed."""
    return running(compiled(SOURCES, need_bouncy_castle()))
