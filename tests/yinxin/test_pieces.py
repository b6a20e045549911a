"""Links, periodic jobs, and the beginning and end of the application."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from crypto.timestamps import verify_token
from crypto.trust_list import Anchor, Purpose, TrustList, write_trust_list
from service_kit.composition import Job
from service_kit.metrics import Metrics
from service_kit.settings import load_settings
from standards.errors import Kind, TrustError
from tests.deployments import Here, make_deployment, served_here
from yinxin import links
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.initialise import initialise
from yinxin.job_runner import JobRunner
from yinxin.pki.trust_file import read_trust_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Peer:
    """A server with attack knobs: what it answers is set by the test."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"", {"content-type": "application/json"}
        self.asked: list[str] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                peer.asked.append(self.path)
                self.send_response(peer.status)
                for name, value in peer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(peer.body)
                except (BrokenPipeError, ConnectionResetError):
                    return

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_keys_are_fetched_from_the_configured_address(here: Here, peer: Peer) -> None:
    peer.body = here.http.get("/oauth2/jwks").content
    keys = links.fetch_keys(peer.url + "/oauth2/jwks")
    assert set(keys) == {each["kid"] for each in json.loads(peer.body)["keys"]}
    assert len(keys) == 4  # ES256, RS256, Ed25519, PS256
    assert peer.asked == ["/oauth2/jwks"]


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"location": "http://127.0.0.1:1/"}, b""),
        (500, {}, b""),
        (200, {}, b'{"keys":[' + b" " * 200_000 + b"]}"),
        (200, {}, b"not json"),
        (200, {}, b'{"keys":[{"kty":"oct","k":"AAAA"}]}'),
    ],
)
def test_attack_by_an_issuer_that_answers_something_else(peer: Peer, status: int, headers: dict[str, str], body: bytes) -> None:
    peer.status, peer.headers, peer.body = status, headers, body
    try:
        keys = links.fetch_keys(peer.url + "/k")
    except TrustError as error:
        assert error.kind in {Kind.UNAVAILABLE, Kind.MALFORMED, Kind.UNACCEPTABLE, Kind.UNAUTHENTICATED}
    else:
        assert not keys
    assert peer.asked == ["/k"], "a redirect is not followed"


def test_an_issuer_that_is_away() -> None:
    with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
        links.fetch_keys("http://127.0.0.1:1/oauth2/jwks")


def test_keys_come_in_the_background() -> None:
    away = TrustError(Kind.UNAVAILABLE, "KEYS_UNAVAILABLE")
    answers: list[Any] = [away, {"k": object()}, away]

    def fetch() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, TrustError):
            raise answer
        return answer

    keys = links.BackgroundKeys(fetch)
    with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
        keys.refresh()
    with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
        keys()
    keys.refresh()
    assert set(keys()) == {"k"}
    for act in (keys.refresh, keys):  # the source has given up: what it once gave is not used on
        with pytest.raises(TrustError, match="KEYS_UNAVAILABLE"):
            act()


def test_which_services_run_and_where_the_others_are(tmp_path: Path) -> None:
    def settings(**given: Any) -> Any:
        return load_settings(tmp_path, {}, **given)

    assert links.services_of(settings()) == ("idp", "seal_service", "licence_vault")
    assert links.services_of(settings(services=["seal_service"])) == ("seal_service",)
    with pytest.raises(TrustError, match="SERVICE_UNKNOWN"):
        links.services_of(settings(services=["seals"]))
    assert links.issuer_of(settings(base_url="https://a.example/")) == "https://a.example"
    elsewhere = settings(services=["seal_service"], service_urls=["idp=https://id.example/"])
    assert links.issuer_of(elsewhere) == "https://id.example"
    with pytest.raises(TrustError, match="SERVICE_URL_MISSING"):
        links.issuer_of(settings(services=["seal_service"]))
    with pytest.raises(TrustError, match="SERVICE_UNKNOWN"):  # a slip of the pen, by which the service would be nowhere
        links.services_of(settings(services=["idp"], service_urls=["seal_servce=https://seals.example"]))
    with pytest.raises(TrustError, match="SETTING_INVALID"):
        links.services_of(settings(services=["seal_service"], service_urls=["idp=https://a.example", "idp=https://b.example"]))


def test_a_service_alone_has_its_own_operations_only(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "idp", services=["idp"])
    with served_here(folder) as here:
        assert here.http.get("/v1/seals").status_code == 404
        assert here.http.get("/oauth2/jwks").status_code == 200
    folder = make_deployment(tmp_path / "seals", services=["seal_service"], service_urls=["idp=http://127.0.0.1:1"])
    with served_here(folder) as here:
        assert here.http.get("/oauth2/jwks").status_code == 404
        answer = here.http.get("/v1/seals", headers={"authorization": "Bearer a.b.c"})
        assert (answer.status_code, answer.json()["code"]) == (503, "KEYS_UNAVAILABLE")


def test_time_stamps_from_elsewhere(tmp_path: Path, here: Here, peer: Peer) -> None:
    folder = make_deployment(tmp_path / "other")
    (folder / "settings.toml").write_text(f'[time_stamps]\nurl = "{peer.url}/tsa"\n')
    house = open_house(open_deployment(folder))
    assert house.context.time_stamp is not None
    for status, body in ((500, b""), (200, b"x" * 300_000), (200, b"junk")):
        peer.status, peer.body = status, body
        with pytest.raises(TrustError):
            house.context.time_stamp(b"data")
    peer.server.shutdown()
    peer.server.server_close()
    with pytest.raises(TrustError, match="TIME_STAMP_UNAVAILABLE"):
        house.context.time_stamp(b"data")
    house.close()
    assert here.house.context.time_stamp is not None
    assert here.house.context.time_stamp(b"data")


def test_an_outside_authority_counts_once_its_root_is_trusted(tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(request_der: bytes) -> bytes:
        return here.http.post("/tsa", content=request_der, headers={"content-type": "application/timestamp-query"}).content

    monkeypatch.setattr(links, "time_stamp_over_http", lambda _url, _seconds: send)
    folder = tmp_path / "other"
    initialise(folder, settings={"trust_path": "trusted.json", "time_stamps": {"url": "https://tsa.example.org"}})
    trusted = folder / "trusted.json"
    house = open_house(open_deployment(folder))
    trust, stamp = house.context.trust, house.context.time_stamp
    assert stamp is not None

    # 1. No list there, or none that is one: nobody can say whom to trust, and it is said so
    for content in (None, b"{}", b"\xff"):
        if content is not None:
            trusted.write_bytes(content)
        with pytest.raises(TrustError, match="TRUST_FILE_UNUSABLE"):
            trust()
    # 2. A list that trusts nobody: the outside authority proves nothing
    trusted.write_bytes(write_trust_list(TrustList.empty()))
    with pytest.raises(TrustError, match="CERT_NO_ANCHOR"):
        stamp(b"data")
    # 3. Its root is trusted for time-stamps: without a new start it counts, and beside it our own root
    theirs = here.house.context.trust()
    root = Anchor(theirs.anchors[0].certificate, frozenset({Purpose.TIMESTAMP}))
    trusted.write_bytes(write_trust_list(TrustList((root,), theirs.intermediates, theirs.crls)))
    assert verify_token(stamp(b"data"), b"data", trust(), datetime.now(UTC)).trusted is True
    assert [anchor.certificate for anchor in trust().anchors] == [house.authorities.certificates["root"], root.certificate]
    assert trust() is trust()
    # 4. Taken away while serving
    trusted.unlink()
    with pytest.raises(TrustError, match="TRUST_FILE_UNUSABLE"):
        stamp(b"data")
    house.close()


def test_what_cannot_be_read_is_no_trust_list(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="TRUST_FILE_UNUSABLE"):
        read_trust_file(tmp_path)


def test_an_authority_elsewhere_that_answers_well(tmp_path: Path, here: Here) -> None:
    send = links.time_stamp_over_http
    assert callable(send("http://127.0.0.1:1", 1.0))
    from crypto.timestamps import build_request
    from standards import gbt33560_oids as oids

    made = Peer()
    made.body = here.http.post(
        "/tsa", content=build_request(b"\x01" * 32, oids.SM3), headers={"content-type": "application/timestamp-query"}
    ).content
    assert send(made.url, 5.0)(b"request") == made.body
    made.server.shutdown()
    made.server.server_close()


def test_jobs_run_again_whatever_happens(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[str] = []

    def troubled() -> None:
        turns.append("troubled")
        raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE")

    def broken() -> None:
        turns.append("broken")
        raise ZeroDivisionError

    metrics = Metrics()
    runner = JobRunner(
        [Job("troubled", 0.01, troubled), Job("broken", 0.01, broken), Job("well", 0.01, lambda: turns.append("well"))], metrics
    )
    runner.start()
    deadline = time.monotonic() + 60
    while not all(turns.count(name) >= 3 for name in ("troubled", "broken", "well")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    runner.stop()
    count = len(turns)
    time.sleep(0.05)
    assert len(turns) == count, "stopped is stopped"
    for outcome in ('"troubled",outcome="failed"', '"broken",outcome="broken"', '"well",outcome="done"'):
        assert f"job={outcome}" in metrics.text()
    assert "ZeroDivisionError" in caplog.text


def test_a_job_that_has_not_begun_is_stopped_at_once() -> None:
    runner = JobRunner([Job("late", 3600.0, lambda: None)])
    runner.start()
    began = time.monotonic()
    runner.stop()
    assert time.monotonic() - began < 5


def test_the_house_sweeps(here: Here) -> None:
    sweep = next(job for job in here.application._runner._jobs if job.name == "house-sweep")
    assert JobRunner.run_once(sweep) == "done"
    for job in here.application._runner._jobs:
        assert JobRunner.run_once(job) == "done", job.name


def lifespan(application: Any, *incoming: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    messages = list(incoming)

    async def receive() -> dict[str, Any]:
        return {"type": messages.pop(0)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(application({"type": "lifespan"}, receive, send))
    return sent


def test_beginning_and_end(folder: Path) -> None:
    from yinxin.assembly import open_application

    _, application = open_application(folder)
    sent = lifespan(application, "lifespan.startup", "lifespan.shutdown")
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_start_that_fails_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from yinxin.assembly import open_application

    house, application = open_application(folder)

    def refuse() -> None:
        raise TrustError(Kind.UNAVAILABLE, "LOG_ROLLED_BACK")

    monkeypatch.setattr(application, "start", refuse)
    (message,) = lifespan(application, "lifespan.startup")
    assert (message["type"], message["message"]) == ("lifespan.startup.failed", "TrustError: LOG_ROLLED_BACK")
    (told,) = [record for record in caplog.records if record.message == "start refused"]
    assert told.exc_info is None, "what is known needs no trace"
    facts = told.__dict__["facts"]
    assert (facts["code"], bool(facts["cause"]), bool(facts["remedy"])) == ("LOG_ROLLED_BACK", True, True)
    house.close()


def test_what_a_worker_process_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment carries the command line's choices into every worker; what is served is what they say."""
    from yinxin import server

    for name in ("YINXIN_DIR", "YINXIN_LISTEN__HOST", "YINXIN_LISTEN__PORT", "YINXIN_WORKERS"):
        monkeypatch.setenv(name, "")  # so that what is set below is taken back after the test
        monkeypatch.delenv(name)
    monkeypatch.setattr(server, "start_logging", lambda _level: None)
    assert server.prepare(server.Serving(folder)) == ("127.0.0.1", 8600, 1)
    assert server.prepare(server.Serving(folder, "127.0.0.1", 9999, 3)) == ("127.0.0.1", 9999, 3)
    frozen = gc.get_freeze_count()
    application = server.application()
    assert gc.get_freeze_count() > frozen  # so that nobody waits while all of it is looked through again
    assert application.openapi()["servers"] == [{"url": "http://127.0.0.1:9999"}]
    application.start()
    application.stop()

    given: dict[str, Any] = {}
    monkeypatch.setattr("uvicorn.run", lambda target, **options: given.update(options, target=target))
    former = signal.getsignal(signal.SIGTERM)
    try:
        server.serve("127.0.0.1", 9999, 1)
    finally:
        signal.signal(signal.SIGTERM, former)
    assert (given["target"], given["factory"], given["loop"], given["http"]) == (
        "yinxin.server:application",
        True,
        "uvloop",
        "yinxin.bounded_http:BoundedHttp",
    )
    assert given["proxy_headers"] is False
    assert given["access_log"] is False


def test_a_worker_ends_when_its_parent_has(monkeypatch: pytest.MonkeyPatch) -> None:
    from yinxin import server

    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append((pid, number)))

    class Gone:
        def join(self) -> None: ...

    server._end_with(Gone())  # type: ignore[arg-type]
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_serve_hands_over_to_the_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from yinxin.command_line import app

    served: list[tuple[str, int, int]] = []
    monkeypatch.setattr("yinxin.server.prepare", lambda serving: ("127.0.0.1", serving.port, serving.workers))
    monkeypatch.setattr("yinxin.server.serve", lambda *where: served.append(where))
    monkeypatch.setattr("service_kit.structured_logs.start_logging", lambda: None)
    done = CliRunner().invoke(app, ["serve", "--dir", str(folder), "--port", "1234", "--workers", "2"])
    assert done.exit_code == 0, done.output
    assert served == [("127.0.0.1", 1234, 2)]
    assert "http://127.0.0.1:1234/docs" in done.stderr
