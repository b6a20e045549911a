"""Processes of the command ``yinxin`` that begin as copies of one which has its imports behind it, because these cost seconds.

The origin has opened no file and no database, has started no thread and has drawn no random number; what it has read off functions is the same
in every deployment. Each copy is a process of its own that gets its own arguments, environment and output, and runs the command from its
beginning to its exit. The start of the program from nothing is shown by tests/yinxin/test_server.py, test_demo.py and tests/flows/test_readme.py. Nothing here is traced for coverage.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from tests.optional import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ORIGIN = """
import functools, gc, json, os, sys, typer.main
import yinxin.bounded_http, yinxin.command_line, yinxin.demo.prepare, yinxin.initialise, yinxin.server, uvicorn, uvloop, httptools
import crypto.providers.botan, crypto.providers.libcrypto, pydantic.v1  # what is imported only when a server is put together
from tests.remembered_adapters import remember_adapters
remember_adapters()  # a server puts its application together twice
typer.main.get_command = functools.cache(typer.main.get_command)
typer.main.get_command(yinxin.command_line.app)
gc.collect()
gc.freeze()  # what is imported is no garbage, in no copy
wanted = None
while line := sys.stdin.readline():
    wanted = json.loads(line)
    if "waited_for" in wanted:
        pid, status = os.waitpid(wanted["waited_for"], os.WNOHANG)
        print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
    elif pid := os.fork():
        print(pid, flush=True)
    else:
        break
else:
    sys.exit()
nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(wanted["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
for source, target in ((nothing, 0), (output, 1), (output, 2)):
    os.dup2(source, target)
os.close(nothing)
os.close(output)
os.environ.clear()
os.environ.update(wanted["environment"])
os.setsid()
sys.argv = ["yinxin", *wanted["arguments"]]
yinxin.command_line.main()
"""


class ForkedProcess:
    """As much of :class:`subprocess.Popen` as servers need; a session and process group of its own."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], output: Path) -> None:
        self.pid: int = _origin().ask(arguments=arguments, environment=dict(environment), output=str(output))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _origin().ask(waited_for=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        if self.poll() is None:
            ended = os.pidfd_open(self.pid)  # it stays ours until it is polled: the number cannot be another's meanwhile
            try:
                select.select([ended], [], [], timeout)
            finally:
                os.close(ended)
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(["yinxin"], timeout or 0)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Origin:
    """The process that is copied: one line asks, one line answers."""

    def __init__(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "YINXIN_"))}
        self._asking = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ORIGIN],
            cwd=PROJECT,
            env={**clean, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.end)

    def ask(self, **wanted: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write(json.dumps(wanted) + "\n")
            self._process.stdin.flush()
            answer: int = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.communicate()


@lru_cache(maxsize=1)
def _origin() -> _Origin:
    return _Origin()
