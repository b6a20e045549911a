"""Processes in which verifying a file is measured: copies of one which has its imports behind it, because these cost most of a second, and
which has verified nothing.

Nothing here is traced for coverage, which would be measured too.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tests.optional import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

_ORIGIN: Final = """
import json, os, re, sys, time
from datetime import datetime, UTC
from crypto.trust_list import TrustList
from tests.costs import slowness
{imports}
def kibibytes(name):
    return int(re.search(name + ":[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])
while path := sys.stdin.readline().rstrip("\\n"):
    here = kibibytes("VmRSS")
    if pid := os.fork():
        if status := os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            print(json.dumps({{"status": status}}), flush=True)
        continue
    not_copied = here - kibibytes("VmRSS")  # pages of libraries, which a copy maps when it comes to them
    data = open(path, "rb").read()
    slower = slowness()
    start = time.process_time()
    report = {verify}(data, TrustList.empty(), datetime(2026, 11, 20, tzinfo=UTC))
    seconds = (time.process_time() - start) / max(slower, slowness())
    peak = (kibibytes("VmHWM") + not_copied) / 1024
    print(json.dumps({{"seconds": seconds, "megabytes": peak, "verdict": report.verdict.value, **{more}}}), flush=True)
    break
"""


class Verifiers:
    """Verifies each file in a process of its own.

    ``verify`` names the function and ``imports`` brings it; ``more`` is an expression over its ``report``: what else is to be told.
    """

    def __init__(self, imports: str, verify: str, more: Mapping[str, str], *, timeout: float) -> None:
        told = "{" + ", ".join(f"{name!r}: {expression}" for name, expression in more.items()) + "}"
        self._program = _ORIGIN.format(imports=imports, verify=verify, more=told)
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    def verify(self, path: str) -> dict[str, Any]:
        """What is told, with processor seconds and peak memory of the process (interpreter and modules included)."""
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(path.encode() + b"\n")
        self._process.stdin.flush()
        answered = select.select([self._process.stdout], [], [], self._timeout)[0]
        if not answered:
            os.killpg(self._process.pid, signal.SIGKILL)  # with the one that verifies
            self._end()
            raise TimeoutError(path)
        found = dict(json.loads(self._process.stdout.readline()))
        assert "status" not in found, found
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", self._program]
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, start_new_session=True)
        atexit.register(self._end)
        return process

    def _end(self) -> None:
        if self._process is not None:
            with suppress(BrokenPipeError):
                self._process.communicate()
            self._process = None
