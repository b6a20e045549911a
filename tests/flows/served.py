"""A demonstration deployment served by real processes on loopback, to be spoken to over HTTP and to be killed."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from idp.model.clients import TOKEN_SECONDS
from service_kit.writer_turn import WriterTurn
from tests.deployments import free_port, unmeasured, yinxin
from tests.forked import ForkedProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

YINXIN = (sys.executable, "-c", "from yinxin.command_line import main; main()")
START_SECONDS = 300.0
ANSWER_SECONDS = 60.0


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
    def serve(self, *, workers: int = 1, beside: bool = False, lives: bool = True, **environment: str) -> Iterator[Served]:
        """Serve it until the block ends. ``beside``: on a port of its own, next to another server on the same folder. ``lives`` False: the
        process ends by itself, it may be before it has answered anybody, and is not waited for here.
        """
        port = free_port() if beside else self.port
        clean = {name: value for name, value in unmeasured().items() if not name.startswith("YINXIN_")}
        log = self.folder / "server.log"
        arguments = ("serve", "--dir", str(self.folder), "--port", str(port), "--workers", str(workers))
        process = ForkedProcess(*arguments, environment={**clean, **environment}, output=log)
        served = Served(self, process, port)
        try:
            if lives:
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
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # each with the monotonic seconds at which it was asked for

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

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Stop the process for the block as it stands, but not in the midst of writing: whatever else writes would wait for it for ever."""
        try:
            while not self._halt():
                self.process.send_signal(signal.SIGCONT)
                time.sleep(0.01)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _halt(self) -> bool:
        """Whether it stands and nobody has the turn at writing."""
        self.process.send_signal(signal.SIGSTOP)
        while not self._stands():
            time.sleep(0.001)
        turn = WriterTurn(Path(f"{self.deployment.database}-turn"), self.deployment.database)
        try:
            return turn.take_if_free()
        finally:
            turn.close()

    def _stands(self) -> bool:
        """Whether all of its threads do."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        try:
            return {each.read_text(encoding="ascii").rpartition(") ")[2][0] for each in tasks} == {"T"}
        except (FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile
            return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait(10)

    def token(self, client_id: str | None = None, client_secret: str | None = None) -> str:
        """An access token, of which enough is left; the demonstration's own client by default."""
        made = self.deployment.made
        client_id = client_id or made["client_id"]
        _, asked_at = self._tokens.get(client_id, ("", 0.0))
        now = time.monotonic()
        if not asked_at or now - asked_at > TOKEN_SECONDS / 2:
            answer = httpx.post(
                self.url + "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(client_id, client_secret or made["client_secret"]),
                timeout=ANSWER_SECONDS,
            )
            assert answer.status_code == 200, answer.text
            self._tokens[client_id] = (answer.json()["access_token"], now)
        return self._tokens[client_id][0]

    def client(self, client_id: str | None = None, client_secret: str | None = None) -> httpx.Client:
        """An HTTP client that calls as ``client_id``, with a new token when the one it has gets old: a server may be there for all of its tests."""
        self.token(client_id, client_secret)

        def bear(request: httpx.Request) -> httpx.Request:
            request.headers["authorization"] = f"Bearer {self.token(client_id, client_secret)}"
            return request

        return httpx.Client(base_url=self.url, headers={"accept-language": "en"}, auth=bear, timeout=ANSWER_SECONDS)

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """What somebody is answered whom nobody knows."""
        return httpx.request(method, self.url + path, timeout=ANSWER_SECONDS, **sent)

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
