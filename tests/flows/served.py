"""A demonstration deployment served by real processes on loopback, to be spoken to over HTTP and to be killed."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.deployments import unmeasured, yinxin
from tests.forked import ForkedProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

YINXIN = (sys.executable, "-c", "from yinxin.command_line import main; main()")
START_SECONDS = 120.0
ANSWER_SECONDS = 60.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Deployment:
    """A made demonstration: what ``yinxin demo --json`` printed, and its port."""

    made: dict[str, Any]
    port: int
    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "yinxin.sqlite3"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Straight from the database file."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    def sql(self, statement: str) -> None:
        """A statement past all code, as somebody with the file could run it."""
        with closing(sqlite3.connect(self.database, timeout=10, isolation_level=None)) as connection:
            connection.execute(statement)

    def trail(self, seal_id: str) -> list[tuple[str, str]]:
        """(action, outcome) of all that happened to a seal, oldest first."""
        rows = self.rows(f"SELECT entry FROM kit_audit WHERE subject = 'seal:{seal_id}' ORDER BY position")
        return [(entry["action"], entry["outcome"]) for entry in (json.loads(row[0]) for row in rows)]

    @contextmanager
    def serve(self, *, workers: int = 1, beside: bool = False, **environment: str) -> Iterator[Served]:
        """Serve it until the block ends; ``beside``: on a port of its own, next to another server on the same folder."""
        port = free_port() if beside else self.port
        clean = {name: value for name, value in unmeasured().items() if not name.startswith("YINXIN_")}
        log = self.folder / "server.log"
        arguments = ("serve", "--dir", str(self.folder), "--port", str(port), "--workers", str(workers))
        process = ForkedProcess(*arguments, environment={**clean, **environment}, output=log)
        served = Served(self, process, port)
        try:
            served.wait_until_ready()
            yield served
        finally:
            served.stop()


@dataclass
class Served:
    """A running server and a client of it."""

    deployment: Deployment
    process: ForkedProcess
    port: int
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError((self.deployment.folder / "server.log").read_text(encoding="utf-8")[-4000:])
            with suppress(httpx.TransportError):
                if httpx.get(self.url + "/livez", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait(10)

    def token(self, client_id: str | None = None, client_secret: str | None = None) -> str:
        """An access token; the demonstration's own client by default."""
        made = self.deployment.made
        client_id = client_id or made["client_id"]
        if client_id not in self._tokens:
            answer = httpx.post(
                self.url + "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(client_id, client_secret or made["client_secret"]),
                timeout=ANSWER_SECONDS,
            )
            assert answer.status_code == 200, answer.text
            self._tokens[client_id] = answer.json()["access_token"]
        return self._tokens[client_id]

    def client(self, client_id: str | None = None, client_secret: str | None = None) -> httpx.Client:
        """An HTTP client that calls as ``client_id``."""
        headers = {"authorization": f"Bearer {self.token(client_id, client_secret)}", "accept-language": "en"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=ANSWER_SECONDS)

    def new_client(self, name: str, *scopes: str) -> tuple[str, str]:
        """Register another client; its id and secret."""
        with self.client() as caller:
            answer = caller.post("/v1/clients", json={"name": name, "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        return answer.json()["client_id"], answer.json()["client_secret"]


def make_deployment(folder: Path, *, is_small: bool = True) -> Deployment:
    """``yinxin demo --no-serve`` in ``folder``. ``is_small`` False: with the people, seals and licences that fill its pages."""
    port = free_port()
    small = ("--small",) if is_small else ()
    done = yinxin("demo", "--dir", str(folder), "--no-serve", "--json", "--port", str(port), *small)
    return Deployment(json.loads(done.stdout), port, folder)
