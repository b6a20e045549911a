"""Deployments for tests: made in a moment, called in the same process or served by real processes on loopback ports."""

from __future__ import annotations

import asyncio
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx

from tests.forked import ForkedProcess
from tests.optional import PROJECT
from tests.untraced import untraced
from yinxin.assembly import compose, open_house
from yinxin.command_line import main
from yinxin.deployment import open_deployment
from yinxin.initialise import initialise
from yinxin.job_runner import first_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.composition import Job
    from yinxin.app import Application
    from yinxin.assembly import House

START_SECONDS = 300.0  # a limit, no expectation: several loaded test runs may share two cores
SELDOM_SECONDS = 60.0
_COMPOSED: set[bytes] = set()


@lru_cache(maxsize=1)
def _template() -> Path:
    """One initialised deployment per test process, from which others are copied: the folder is all there is."""
    folder = Path(mkdtemp(prefix="yinxin-tests-")) / "deployment"
    initialise(folder, organisation="测试机构")
    return folder


def make_deployment(folder: Path, **settings: object) -> Path:
    """A finished deployment in ``folder``; ``settings`` are added to its settings file."""
    shutil.copytree(_template(), folder)
    if settings:
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        path = folder / "settings.toml"
        path.write_text("\n".join(lines) + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


class HttpHere:
    """Calls an ASGI application of this process as if over HTTP: one event loop in a thread, synchronous for the tests."""

    def __init__(self, application: Application, base_url: str, peer: str = "192.0.2.7") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        transport = httpx.ASGITransport(application, raise_app_exceptions=False, client=(peer, 4711))
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._client.request(method, path, **arguments), self._loop).result(timeout=60)

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("POST", path, **arguments)

    def forget(self) -> None:
        """Let go of every cookie."""
        self._client.cookies.clear()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result(timeout=60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _first_wait(job: Job) -> float:
    """A job of every ten minutes or every hour would come in the midst of a test once in a while: it begins when its whole interval is over."""
    return job.every_seconds if job.every_seconds >= SELDOM_SECONDS else first_wait(job)


@dataclass
class Here:
    """A deployment served in this process."""

    folder: Path
    house: House
    application: Application
    http: HttpHere


@contextmanager
def served_here(folder: Path) -> Iterator[Here]:
    """Serve a deployment in this process, with its beginning and end, without a socket."""
    settings = (folder / "settings.toml").read_bytes()
    # Putting it together is traced once for each kind of settings: with the same ones the same code runs again
    with untraced() if settings in _COMPOSED else nullcontext():
        house = open_house(open_deployment(folder))
        application = compose(house)
    if sys.gettrace() is not None:
        _COMPOSED.add(settings)
    with patch("yinxin.job_runner.first_wait", _first_wait):
        application.start()
    http = HttpHere(application, house.context.settings.base_url)
    try:
        yield Here(folder, house, application, http)
    finally:
        http.close()
        application.stop()


def free_port() -> int:
    """A port nobody listens on now, below those the system gives to outgoing connections, so that none of these takes it meanwhile."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)  # not from `random`: every process of tests begins that with the same seed
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def yinxin(*arguments: str, environment: dict[str, str] | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command ``yinxin`` from its beginning to its exit, in this process: a process of its own costs seconds.

    ``serve`` needs one (:func:`yinxin_process`).
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with ExitStack() as changed:
        changed.enter_context(patch.object(sys, "argv", ["yinxin", *arguments]))
        changed.enter_context(patch.dict(os.environ, {"LC_ALL": "C.UTF-8", **(environment or {})}))
        changed.enter_context(redirect_stdout(out))
        changed.enter_context(redirect_stderr(err))
        try:
            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
    told = [each.buffer.getvalue().decode() for each in (out, err)]
    done = subprocess.CompletedProcess(["yinxin", *arguments], status, *told)
    if check and done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done


def unmeasured() -> dict[str, str]:
    """The environment of a process whose coverage is not recorded.

    One that is ended by SIGKILL leaves no record behind, and tracing makes its start half as long again.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def yinxin_process(*arguments: str, environment: dict[str, str] | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command ``yinxin`` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "from yinxin.command_line import main; main()", *arguments],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done


@dataclass
class Server:
    """``yinxin serve`` as a real process, in a process group of its own; measured, it is also started from nothing."""

    folder: Path
    port: int
    workers: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    is_measured: bool = False  # only of use where the test ends it by `terminate`
    process: subprocess.Popen[bytes] | ForkedProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        output = self.folder.parent / f"serve-{self.port}.log"
        arguments = ("serve", "--dir", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers))
        if self.is_measured:
            with output.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", "from yinxin.command_line import main; main()", *arguments],
                    cwd=PROJECT,
                    env={**os.environ, "LC_ALL": "C.UTF-8", **self.environment},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        else:
            environment = {**unmeasured(), "LC_ALL": "C.UTF-8", **self.environment}
            self.process = ForkedProcess(*arguments, environment=environment, output=output)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(self.url + "/livez", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(self.log()[-3000:])
            time.sleep(0.05)

    def log(self) -> str:
        return (self.folder.parent / f"serve-{self.port}.log").read_text(encoding="utf-8")

    def terminate(self) -> int:
        """SIGTERM to the process that was started, as a supervisor does; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.process = None
        return status

    def kill(self) -> None:
        """SIGKILL to the whole process group: what a power cut leaves."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=30)
            with suppress(ProcessLookupError):
                while True:  # until the last worker has let go of the port
                    os.killpg(self.process.pid, signal.SIGKILL)
                    time.sleep(0.01)
            self.process = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def take_token(url: str, client_id: str, secret: str, **form: str) -> httpx.Response:
    """Ask a served deployment for a token with HTTP Basic."""
    return httpx.post(url + "/oauth2/token", data={"grant_type": "client_credentials", **form}, auth=(client_id, secret), timeout=30)
