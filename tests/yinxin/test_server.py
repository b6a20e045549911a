"""Real server processes: one worker, two workers, ended politely, killed, begun again."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from uvicorn.config import STARTUP_FAILURE

from tests.deployments import Server, free_port, make_deployment, take_token, yinxin
from yinxin.assembly import open_house
from yinxin.commands.console import EXIT_LASTING, EXIT_UNAVAILABLE
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_SECONDS = 60.0


def add_client(folder: Path, client_id: str, *scopes: str) -> str:
    arguments = [each for scope in scopes for each in ("--scope", scope)]
    done = yinxin("client", "add", "--dir", str(folder), "--name", client_id, "--id", client_id, *arguments, "--json")
    secret: str = json.loads(done.stdout)["client_secret"]
    return secret


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(pid) for pid in text.split()]


def audited_tokens(folder: Path) -> set[str]:
    import sqlite3

    database = sqlite3.connect(folder / "yinxin.sqlite3")
    rows = database.execute("SELECT entry_id FROM kit_audit WHERE action = 'token.issue'").fetchall()
    database.close()
    return {row[0] for row in rows}


def jti(token: str) -> str:
    import base64

    claims = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return str(read["jti"])


def test_a_process_that_ends_takes_its_mark_away(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "d")
    house = open_house(open_deployment(folder))
    context = house.context
    begun = partial(
        context.idempotency.claim, caller="a", route="POST /x", key="k", request_digest=b"r", reference="x", at=context.clock.now()
    )
    context.database.write(begun)
    mark = folder / "run" / context.audit.writer_id
    assert mark.exists()
    house.close()
    assert not mark.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_ends_politely_and_leaves_everything_in_order(tmp_path: Path, workers: int) -> None:
    folder = make_deployment(tmp_path / "d")
    secret = add_client(folder, "portal", "seal.use")
    with Server(folder, free_port(), workers, is_measured=workers == 1) as server:
        assert httpx.get(server.url + "/readyz", timeout=30).status_code == 200
        token = take_token(server.url, "portal", secret).json()["access_token"]
        answered: list[int] = []
        stop = threading.Event()

        def call() -> None:
            while not stop.is_set():
                try:
                    answered.append(take_token(server.url, "portal", secret).status_code)
                except httpx.TransportError:
                    return

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: len(answered) >= 20)
            assert server.terminate() == 0
        finally:
            stop.set()
        for thread in threads:
            thread.join()
        assert set(answered) == {200}, "requests under way were answered"
        log = server.log()
    assert secret not in log
    assert token not in log
    assert all(json.loads(line) for line in log.splitlines() if line.startswith("{"))
    checked = json.loads(yinxin("audit", "check", "--dir", str(folder), "--json").stdout)
    assert checked["ok"]
    assert checked["logged"] == checked["log_size"] > len(answered)


def test_killed_under_load_every_token_that_got_out_is_in_the_trail(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "d")
    secret = add_client(folder, "portal", "seal.use")
    got: list[str] = []
    server = Server(folder, free_port(), 2)
    for number in (1, 2):
        with server, ThreadPoolExecutor(8) as pool:

            def call() -> None:
                with httpx.Client(timeout=WAIT_SECONDS) as http:
                    while True:
                        try:
                            answer = http.post(
                                server.url + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=("portal", secret)
                            )
                        except httpx.TransportError:
                            return
                        got.append(jti(answer.json()["access_token"]))

            for _ in range(8):
                pool.submit(call)
            try:
                wait_for(lambda enough=50 * number: len(got) > enough)  # type: ignore[misc]
            finally:
                server.kill()
    assert len(set(got)) == len(got)
    assert set(got) <= audited_tokens(folder)
    with Server(folder, free_port()) as server:
        assert httpx.get(server.url + "/readyz", timeout=30).status_code == 200
    assert json.loads(yinxin("audit", "check", "--dir", str(folder), "--json").stdout)["ok"]


def test_disabling_holds_for_the_next_request_in_every_worker(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "d")
    secret = add_client(folder, "portal", "seal.use")
    admin = add_client(folder, "admin", "client.manage")
    with Server(folder, free_port(), 2) as server:
        # Connections go to either worker: enough of them that both remember the client
        for _ in range(40):
            assert take_token(server.url, "portal", secret).status_code == 200
        bearer = {"authorization": "Bearer " + take_token(server.url, "admin", admin).json()["access_token"]}
        assert httpx.post(server.url + "/v1/clients/portal/disable", headers=bearer, timeout=30).status_code == 200
        assert {take_token(server.url, "portal", secret).status_code for _ in range(20)} <= {401, 429}
        yinxin("client", "enable", "portal", "--dir", str(folder))
        assert {take_token(server.url, "portal", secret).status_code for _ in range(20)} == {200}
        yinxin("client", "disable", "portal", "--dir", str(folder))
        assert {take_token(server.url, "portal", secret).status_code for _ in range(20)} <= {401, 429}


def test_a_worker_that_dies_is_replaced_and_workers_end_with_their_parent(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "d")
    with Server(folder, free_port(), 2, is_measured=True) as server:
        assert server.process is not None
        parent = server.process.pid

        def serving() -> set[int]:
            return set(children(parent))

        before = serving()
        workers = [pid for pid in before if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        deadline = time.monotonic() + WAIT_SECONDS
        while not serving() - before:
            assert time.monotonic() < deadline, "no new worker"
            time.sleep(0.1)
        assert httpx.get(server.url + "/livez", timeout=30).status_code == 200
        os.kill(parent, signal.SIGKILL)
        server.process.wait()
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                httpx.get(server.url + "/livez", timeout=5)
            except httpx.TransportError:
                break
            assert time.monotonic() < deadline, "the workers went on without their parent"
            time.sleep(0.2)


def lose_a_certificate(folder: Path) -> None:
    (folder / "ca" / "tsa.cer").unlink()


def rename_the_log(folder: Path) -> None:
    with (folder / "settings.toml").open("a", encoding="utf-8") as file:  # what the other worker publishes meanwhile is of the old name
        file.write('\n[logs]\norigin = "other.example/log"\n')


@pytest.mark.parametrize(
    ("do", "code"),
    [
        pytest.param(lose_a_certificate, "CA_INCOMPLETE", id="opening"),
        pytest.param(
            rename_the_log, "LOG_CHECKPOINT_NOT_OURS", id="starting", marks=pytest.mark.untraced
        ),  # a dozen workers, one after the other
    ],
)
def test_a_worker_that_cannot_be_replaced_ends_the_server_as_failed(tmp_path: Path, do: Callable[[Path], None], code: str) -> None:
    """What it met may be over at the next start, which a supervisor makes after any status but 0; and where it is not, that start says so."""
    folder = make_deployment(tmp_path / "d")
    with Server(folder, free_port(), 2, is_measured=True) as server:
        assert server.process is not None
        workers = [pid for pid in children(server.process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        wait_for((folder / "log" / "sm3" / "checkpoint").exists)
        do(folder)
        os.kill(workers[0], signal.SIGKILL)
        assert server.process.wait(timeout=4 * WAIT_SECONDS) == STARTUP_FAILURE  # a worker loads the whole house first
        told = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    refused = [each for each in told if each.get("message") == "start refused"]
    assert {each["facts"]["code"] for each in refused} == {code}
    assert refused[0]["facts"]["remedy"]
    assert "Traceback" not in server.log()
    assert yinxin("serve", "--dir", str(folder), "--port", "0", check=False).returncode == EXIT_LASTING


def test_what_is_wrong_is_said_before_serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*_: object) -> None:
        raise AssertionError("it serves")

    monkeypatch.setattr("yinxin.server.serve", serve)
    folder = make_deployment(tmp_path / "d")
    (folder / "ca" / "tsa.cer").unlink()
    done = yinxin("serve", "--dir", str(folder), "--port", str(free_port()), check=False)
    assert done.returncode == EXIT_LASTING
    assert "CA_INCOMPLETE" in done.stderr
    folder = make_deployment(tmp_path / "e", services=["nonsense"])
    done = yinxin("serve", "--dir", str(folder), "--port", str(free_port()), check=False)
    assert done.returncode != 0
    assert "SERVICE_UNKNOWN" in done.stderr
    folder = make_deployment(tmp_path / "f")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = yinxin("serve", "--dir", str(folder), "--port", str(taken.getsockname()[1]), check=False)
    assert done.returncode == EXIT_UNAVAILABLE
    assert "PORT_BUSY" in done.stderr


def answer_to(port: int, raw: bytes) -> bytes:
    """What comes back until the other side ends it, which it may do before it has read all of this."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except OSError as ended:
            assert ended.errno in {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}, ended
    return answer


def test_requests_that_only_a_socket_can_make(tmp_path: Path) -> None:
    """Malformed requests, smuggled lengths and endless headers end in 4xx or a closed connection, never in a hang or a 5xx."""
    folder = make_deployment(tmp_path / "d")
    with Server(folder, free_port()) as server:
        for raw in (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(500)) + b"\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET /%00%0d%0aX: y HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            answer = answer_to(server.port, raw)
            assert not answer or answer.startswith(b"HTTP/1.1 4"), (raw[:40], answer[:60])
        assert httpx.get(server.url + "/livez", timeout=30).status_code == 200
