"""``python -m tests.fuzzing [--seconds N] [--blind] [TARGET ...]``: fuzz, say what was found, exit 1 when anything was."""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.fuzzing.targets import TARGETS
from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

GRACE_SECONDS = 120.0  # imports and seeds before, a last input after
FOLDER = PROJECT / ".fuzzing"


def run_target(name: str, seconds: float, seed: int, *, is_guided: bool, folder: Path = FOLDER) -> tuple[int, bool]:
    """How many inputs were run, and whether all went well."""
    way = "guided" if is_guided else "blind"
    command = [sys.executable, "-m", "tests.fuzzing.worker", name, str(seconds), str(folder), str(seed), way]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=seconds + GRACE_SECONDS, errors="replace"
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: did not come to an end", file=sys.stderr)
        return 0, False
    said = done.stdout + done.stderr
    counted = re.search(r"ran: (\d+)", said) or re.search(r"number_of_executed_units: (\d+)", said)
    is_good = done.returncode == 0 and "finding:" not in said
    if not is_good:
        print(said[-4000:], file=sys.stderr)
    return int(counted[1]) if counted else 0, is_good


def main(arguments: list[str]) -> int:
    """Exit status 1 when a target had a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target (default 600)")
    parser.add_argument("--blind", action="store_true", help="mutate without coverage even where atheris is installed")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.targets if name not in TARGETS]
    if unknown:
        parser.error("no such target: " + ", ".join(unknown))
    is_guided = not chosen.blind and importlib.util.find_spec("atheris") is not None
    print("guided by coverage (atheris)" if is_guided else "blind mutation of seeds (atheris is not installed or not wanted)")
    failed = []
    for name in chosen.targets or TARGETS:
        began = time.monotonic()
        count, is_good = run_target(name, chosen.seconds, int(time.time()), is_guided=is_guided)
        print(f"{name:22} {count:10} inputs in {time.monotonic() - began:6.0f} s  {'ok' if is_good else 'FINDING'}", flush=True)
        if not is_good or not count:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
