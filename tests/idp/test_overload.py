"""More sign-ins than there are places: whoever finds none is told at once, whatever he sends and however slowly. Over real sockets."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from markupsafe import escape
from starlette.requests import Request
from uvicorn.server import ServerState

from idp.credentials.passwords import POOL_THREADS, QUEUE_MAX, PasswordPool
from idp.pages import visit as visits
from idp.pages.sign_in_pages import THREADS, Pages
from idp.pages.visit import Visit
from service_kit.page_frame.browser import LANGUAGE_COOKIE, LARGE_COOKIE
from standards.errors import Kind, TrustError
from tests.idp.people import PASSWORD, Browser, Town
from tests.idp.test_sign_in_flow import town  # noqa: F401 - a fixture
from yinxin.bounded_http import BoundedHttp

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = POOL_THREADS + QUEUE_MAX
BUSY = TrustError(Kind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds=2)
AT_ONCE_SECONDS = 5.0  # of a machine that others use too: far less than anything here would wait for


@contextmanager
def listening(town: Town) -> Iterator[tuple[str, int]]:  # noqa: F811
    """The served application behind a socket, with the protocol of the server."""
    config = uvicorn.Config(town.here.application, lifespan="off", log_config=None, ws="none")
    state, loop = ServerState(), town.here.http._loop

    async def listen() -> asyncio.Server:
        return await loop.create_server(lambda: BoundedHttp(config, state, {}), "127.0.0.1", 0)

    async def close(server: asyncio.Server) -> None:
        server.close()
        for connection in list(state.connections):
            connection.transport.close()
        await asyncio.sleep(0)  # until they have heard of it
        await asyncio.gather(*state.tasks)
        await asyncio.sleep(0)  # for the last lines of the access log

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()
    finally:
        asyncio.run_coroutine_threadsafe(close(server), loop).result(10)


def full(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No place is free, for anybody; and whoever reads a row or a form for somebody without a place fails. What was asked of the pool."""
    asked: list[str] = []

    def refuse(_pool: PasswordPool) -> None:
        asked.append("place")
        raise BUSY

    monkeypatch.setattr(PasswordPool, "take_place", refuse)
    monkeypatch.setattr(Pages, "load", lambda *_: pytest.fail("a row was read for somebody without a place"))
    monkeypatch.setattr(Visit, "form", lambda *_: pytest.fail("a form was read for somebody without a place"))
    return asked


def head(method: str, path: str, length: int, *more: str) -> bytes:
    fields = ["Host: a", "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {length}", "Accept-Language: en", *more]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "", ""]).encode()


def read_answer(wire: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer: status, fields, body."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = wire.recv(65536)
        assert part, received
        received += part
    start, _, rest = received.partition(b"\r\n\r\n")
    status, *lines = start.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(rest) < int(fields["content-length"]):
        rest += wire.recv(65536)
    return int(status.split(" ", 2)[1]), fields, rest


@pytest.mark.parametrize("begun", [b"", b"csrf=x&login=", b"csrf=x&login=jia&password=y"], ids=["nothing", "a part", "less than announced"])
def test_attack_a_form_that_does_not_come_is_refused_at_once(town: Town, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:  # noqa: F811
    full(monkeypatch)
    with listening(town) as address, socket.create_connection(address, timeout=AT_ONCE_SECONDS) as wire:
        wire.sendall(head("POST", "/sign-in/si_a/password", 60_000) + begun)
        status, fields, body = read_answer(wire)
        assert (status, fields["retry-after"], fields["content-language"]) == (503, "2", "en")
        assert b"SIGN_IN_BUSY" in body
        assert b'href="/sign-in/si_a"' in body


def test_attack_a_body_that_goes_on_after_the_refusal_is_no_request_and_ends(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """What was announced as a body stays one, whatever it looks like; and whoever never finishes it loses the connection."""
    asked = full(monkeypatch)
    monkeypatch.setattr("yinxin.bounded_http.HEAD_SECONDS", 0.3)
    with listening(town) as address, socket.create_connection(address, timeout=AT_ONCE_SECONDS) as wire:
        wire.sendall(head("POST", "/sign-in/si_a/password", 60_000))
        assert read_answer(wire)[0] == 503
        before = len(asked)
        wire.sendall(head("POST", "/sign-in/si_b/password", 0))
        assert wire.recv(100) == b""
        assert len(asked) == before


def test_attack_many_requests_on_one_connection_are_each_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    full(monkeypatch)
    body = b"csrf=x&login=jia&password=y"
    with listening(town) as address, socket.create_connection(address, timeout=AT_ONCE_SECONDS) as wire:
        wire.sendall(b"".join(head("POST", f"/sign-in/si_{number}/password", len(body)) + body for number in range(5)))
        received = b""
        while received.count(b"HTTP/1.1 ") < 5 or not received.endswith(b"</html>"):
            received += wire.recv(65536)
        assert received.count(b"HTTP/1.1 503 ") == 5
        assert re.findall(rb'href="/sign-in/si_([0-9])"', received) == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("step", ["password", "recovery"])
@pytest.mark.parametrize("method", ["HEAD", "PUT", "OPTIONS", "DELETE"])
def test_another_method_is_not_a_sign_in(town: Town, monkeypatch: pytest.MonkeyPatch, method: str, step: str) -> None:  # noqa: F811
    asked = full(monkeypatch)
    answer = town.here.http.request(method, f"/sign-in/si_a/{step}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert asked == []


@pytest.mark.parametrize("step", ["password", "recovery"])
def test_who_opens_the_address_of_a_form_comes_to_its_page(town: Town, monkeypatch: pytest.MonkeyPatch, step: str) -> None:  # noqa: F811
    asked = full(monkeypatch)
    answer = town.here.http.get(f"/sign-in/si_a/{step}?x=1", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/si_a")
    assert asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in/si_a/PASSWORD",
        "/Sign-In/si_a/password",
        "/sign-in/si_a/password/",
        "//sign-in/si_a/password",
        "/sign-in/si_a/password%0A",
        "/sign-in/si_a/passwor%64%00",
        "/sign-in//password",
    ],
)
def test_attack_another_spelling_leads_past_no_limit(town: Town, monkeypatch: pytest.MonkeyPatch, path: str) -> None:  # noqa: F811
    """Another spelling is another address: nothing is compared there."""
    monkeypatch.setattr("idp.pages.sign_in_pages.show_password", lambda *_, **__: pytest.fail("a password was compared"))
    person = town.person()
    browser = Browser(town.here)
    browser.authorize("own")
    token, place = browser.csrf, browser.path
    sent = path.replace("si_a", place.rpartition("/")[2])
    answer = browser.send("POST", sent, data={"csrf": token, "login": "jia", "password": PASSWORD})
    assert answer.status_code == 404
    assert "yinxin-session" not in browser.cookies
    assert person.account_id not in answer.text


def test_an_escaped_spelling_is_the_same_address(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    full(monkeypatch)
    assert town.here.http.post("/sign-in/si_a/passwor%64", headers={"content-type": "x"}, content=b"").status_code == 503


def test_attack_forms_that_come_slowly_hold_no_place(town: Town) -> None:  # noqa: F811
    """More than there are places have begun to send: whoever sends his whole is signed in."""
    town.person()
    with listening(town) as address, ExitStack() as stack:
        for number in range(PLACES + 6):
            wire = stack.enter_context(socket.create_connection(address, timeout=AT_ONCE_SECONDS))
            wire.sendall(head("POST", f"/sign-in/si_{number}/password", 100) + b"csrf=")
        browser = Browser(town.here)
        browser.authorize("own")
        browser.log_in()
        assert "code" in browser.returned


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", ["", "1"])
@pytest.mark.parametrize(
    "again",
    ["/sign-in/si_a", "", '/sign-in/"><script>alert(1)</script>', f"/sign-in/{visits._REQUEST_ID}{visits._AGAIN}", "/sign-in/&amp;%s{{x}}"],
)
def test_a_refusal_is_the_page_that_would_be_drawn(town: Town, language: str, size: str, again: str) -> None:  # noqa: F811
    """Kept and drawn anew it is the same, byte for byte, also with an address that means harm."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": again,
        "query_string": b"",
        "headers": [(b"cookie", f"{LANGUAGE_COOKIE}={language}; {LARGE_COOKIE}={size}".encode())],
    }
    for request_id in ("abcdef-0123", "", "again-request-id"):
        scope["state"] = {"request_id": request_id}
        visit = Visit(Request(scope), is_secure=False, sealer=town.desk.vault.sealer)
        kept = visit.error(BUSY, again=again)
        drawn = visit._error_page(BUSY, back="", again=again, request_id=request_id)
        assert kept.body == drawn.body
        assert kept.status_code == drawn.status_code == 503
        assert dict(kept.headers) == {**drawn.headers, "retry-after": "2"}
        assert b"<script>" not in kept.body
        assert not again or escape(again).encode() in bytes(kept.body)


def test_one_code_of_two_kinds_keeps_its_status(town: Town) -> None:  # noqa: F811
    visit = Visit(Request({"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}), False, None)  # type: ignore[arg-type]
    found = [visit.error(TrustError(kind, "FORM_UNREADABLE")).status_code for kind in (Kind.MALFORMED, Kind.TOO_LARGE)]
    assert found == [400, 413]


def test_a_caller_who_goes_away_in_the_middle_is_no_failure_of_ours(town: Town, caplog: pytest.LogCaptureFixture) -> None:  # noqa: F811
    with listening(town) as address:
        with socket.create_connection(address, timeout=AT_ONCE_SECONDS) as wire:
            wire.sendall(head("POST", "/sign-in/si_a/password", 100) + b"csrf=")
        deadline = time.monotonic() + AT_ONCE_SECONDS
        while town.here.application._composition.metrics.text().count('status="499"') == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert "request failed" not in caplog.text


def test_no_more_threads_than_said_work_on_sign_ins(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """And all who wait are served."""
    lock, now, most = threading.Lock(), 0, 0
    all_there = threading.Event()
    load = Pages.load

    def count(pages: Pages, sign_in_id: str, browser_hash: bytes) -> object:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == THREADS:
                all_there.set()
        assert all_there.wait(60)
        time.sleep(0.02)  # for one more, if there were one
        try:
            return load(pages, sign_in_id, browser_hash)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(Pages, "load", count)
    loop = town.here.http._loop
    calls = [
        asyncio.run_coroutine_threadsafe(town.here.http._client.get(f"/sign-in/si_{number}", headers={"cookie": "yinxin-browser=x"}), loop)
        for number in range(3 * THREADS)
    ]
    assert {each.result(60).status_code for each in calls} == {404}
    assert most == THREADS
