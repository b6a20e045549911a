"""What strangers send that is no request: ended soon, and never kept. Real sockets, a server of this process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from yinxin import bounded_http
from yinxin.bounded_http import EMPTY_BYTES_MAX, BoundedHttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PART = 16 * 1024
HEAD_SECONDS = 0.3  # in these tests; more than another process takes the processor away for in the midst of a write


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body, at /slow after a while, at /busy without having read it."""
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * HEAD_SECONDS)
    if scope["path"] == "/busy":
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    count, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        count, more = count + len(message["body"]), message["more_body"]
    body = b"%d" % count
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connection(**settings: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(application, lifespan="off", log_config=None, **settings)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: BoundedHttp(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


async def answer_to(*parts: bytes) -> bytes:
    """All that comes back until the other side ends it."""
    async with connection() as (reader, writer):
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionError:
            return b"gone"


def repeated(begin: bytes, part: bytes) -> list[bytes]:
    return [begin, *[part * (PART // len(part))] * (2 * EMPTY_BYTES_MAX // PART)]


@pytest.mark.parametrize(
    "parts",
    [
        repeated(HEAD, b"X-A: b\r\n"),
        repeated(HEAD + b"X-A: ", b"a" * 100),
        repeated(b"GET /", b"a" * 100),
        repeated(b"", b"\r\n"),
        repeated(CHUNKED + b"1;", b"a" * 100),
        repeated(CHUNKED + b"1\r\na\r\n0\r\n", b"X-A: b\r\n"),
    ],
    ids=["headers", "one header", "an address", "empty lines", "a chunk's extension", "trailers"],
)
def test_attack_bytes_that_lead_nowhere_are_not_kept(parts: list[bytes]) -> None:
    answer = asyncio.run(answer_to(*parts))
    assert answer == b"gone" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begin", [b"", b"GET / HT", HEAD, b"\r\n"])
def test_attack_a_head_that_does_not_come(begin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", HEAD_SECONDS)
    assert asyncio.run(answer_to(begin)) == b""


def test_a_second_head_is_awaited_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", HEAD_SECONDS)
    first = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = asyncio.run(answer_to(first, b"GET / HT"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"0")


def test_an_answer_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a request has come whole, how long it takes is the application's affair."""
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", HEAD_SECONDS)

    async def slow() -> bytes:
        async with connection() as (reader, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)

    assert asyncio.run(slow()).startswith(b"HTTP/1.1 200 ")


BUSY = b"POST /busy HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.parametrize("further", [[], [b"x"], [b"x"] * 5], ids=["nothing", "a byte", "bytes"])
def test_attack_the_rest_of_a_refused_body_that_does_not_come(further: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", HEAD_SECONDS)

    async def drip() -> bytes:
        async with connection() as (reader, writer):
            writer.write(BUSY)
            answer = await reader.readuntil(b"\r\n\r\n")
            for part in further:  # none of them begins the time anew
                writer.write(part)
                await asyncio.sleep(0.01)
            return answer + await asyncio.wait_for(reader.read(), 20)

    answer = asyncio.run(drip())
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_behind_the_rest_of_a_refused_body_the_next_request_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a connection without one ends as any other."""
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 5)

    async def go_on() -> bytes:
        async with connection(timeout_keep_alive=1) as (reader, writer):
            writer.write(BUSY)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"x" * 100 + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 20)
            writer.write(BUSY)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"x" * 100)
            return answer + await asyncio.wait_for(reader.read(), 20)

    assert asyncio.run(go_on()).startswith(b"HTTP/1.1 200 ")


def test_large_bodies_and_many_requests_pass() -> None:
    large = EMPTY_BYTES_MAX * 3

    async def both() -> list[bytes]:
        async with connection() as (reader, writer):
            found = []
            for sent in (
                HEAD + b"Content-Length: %d\r\n\r\n" % large + b"a" * large,
                CHUNKED + b"".join(b"%x\r\n%s\r\n" % (PART, b"a" * PART) for _ in range(large // PART)) + b"0\r\n\r\n",
                *[HEAD + b"Content-Length: 1\r\n\r\na"] * 3,
            ):
                writer.write(sent)
                await writer.drain()
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                found.append(await reader.readexactly(length))
            return found

    assert asyncio.run(both()) == [b"%d" % large] * 2 + [b"1"] * 3


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\nUpgrade: h2c\r\n"
PLAIN_END = b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + OFFER + b"Content-Length: 5\r\n\r\nhello", PLAIN_END],
        [HEAD + OFFER + b"Content-Length: 5\r\n\r\n", b"hel", b"lo" + PLAIN_END],
        [HEAD + OFFER + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" + PLAIN_END],
        [bytes([each]) for each in HEAD + OFFER + b"Content-Length: 5\r\n\r\nhello" + PLAIN_END],
        [HEAD + b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nContent-Length: 5\r\n\r\nhello" + PLAIN_END],
    ],
    ids=["at once", "in parts", "chunked", "byte by byte", "sockets"],
)
def test_an_offer_of_another_protocol_costs_no_body(parts: list[bytes]) -> None:
    """The JDK's client makes one with its first request over plain HTTP; two answers, the second to what really comes second."""
    answers = asyncio.run(answer_to(*parts))
    heads = answers.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [head.rpartition(b"\r\n\r\n")[2] for head in heads] == [b"5", b"0"], answers


def test_attack_a_body_behind_an_offer_is_no_request_of_its_own() -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    answers = asyncio.run(answer_to(HEAD + OFFER + b"Content-Length: %d\r\n\r\n" % len(smuggled), smuggled + PLAIN_END))
    heads = answers.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [head.rpartition(b"\r\n\r\n")[2] for head in heads] == [b"%d" % len(smuggled), b"0"], answers


def test_a_tunnel_is_refused_as_before() -> None:
    answer = asyncio.run(answer_to(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ")
