"""An answer goes out in one piece where it is there whole, and as uvicorn writes it everywhere else. Real sockets, a server of this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from yinxin.bounded_http import PIECE_BYTES_MAX, BoundedHttp

if TYPE_CHECKING:
    from collections.abc import Sequence

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
OK = {"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"3"), (b"X-A", b"b; c"), (b"set-cookie", b"d=e")]}
ABC = {"type": "http.response.body", "body": b"abc"}


class BrokenError(Exception):
    """What an application raises."""


def answers(protocol: type[HttpToolsProtocol], requests: bytes, *messages: Any) -> tuple[bytes, list[bytes]]:
    """What comes back until the connection ends or is silent, and what the protocol handed to the system, piece by piece."""
    pieces: list[bytes] = []

    class Watched(protocol):  # type: ignore[valid-type,misc]  # of whichever
        def connection_made(self, transport: Any) -> None:
            write = transport.write

            def watched(data: bytes) -> None:
                pieces.append(bytes(data))
                write(data)

            transport.write = watched
            super().connection_made(transport)

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            if isinstance(message, Exception):
                raise message
            await send(message)

    async def talk() -> bytes:
        config = uvicorn.Config(application, lifespan="off", log_config=None, access_log=False)
        server = await asyncio.get_running_loop().create_server(lambda: Watched(config, ServerState(), {}), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(requests)
            found = b""
            while part := await asyncio.wait_for(reader.read(2**20), 20):
                found += part
            writer.close()
            return found

    return asyncio.run(talk()), pieces


def test_an_answer_that_is_whole_goes_out_in_one_piece() -> None:
    expected = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-a: b; c\r\nset-cookie: d=e\r\n\r\nabc"
    _, pieces = answers(BoundedHttp, GET + LAST, OK, ABC)
    assert pieces[0] == expected


@pytest.mark.parametrize(
    "messages",
    [
        (OK, ABC),
        ({**OK, "headers": []}, ABC),
        ({**OK, "headers": [(b"content-length", b"03")]}, ABC),
        ({**OK, "headers": [(b"connection", b"close"), *OK["headers"]]}, ABC),  # type: ignore[misc]
        ({**OK, "headers": [(b"transfer-encoding", b"chunked")]}, ABC),
        (OK, {**ABC, "body": b"a", "more_body": True}, {**ABC, "body": b"bc"}),
        ({**OK, "status": 204, "headers": []}, {**ABC, "body": b""}),
        ({**OK, "headers": [(b"content-length", b"%d" % (PIECE_BYTES_MAX + 1))]}, {**ABC, "body": bytes(PIECE_BYTES_MAX + 1)}),
    ],
    ids=["whole", "no length", "a length with a nought", "to be closed", "chunked", "two parts", "no body", "large"],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_the_bytes_are_those_of_uvicorn(messages: Sequence[Any], method: bytes) -> None:
    requests = (GET + LAST).replace(b"GET", method)
    ours, theirs = (answers(protocol, requests, *messages)[0] for protocol in (BoundedHttp, HttpToolsProtocol))
    assert ours == theirs
    assert ours.startswith(b"HTTP/1.1 20")


@pytest.mark.parametrize(
    "pair", [(b"x-a", b"b\r\nset-cookie: c=d"), (b"x-a", b"b\n"), (b"x-a\r\nset-cookie", b"d"), (b"x a", b"b"), (b"x-a", b"\0")]
)
def test_attack_a_header_that_would_be_two(pair: tuple[bytes, bytes]) -> None:
    broken = {**OK, "headers": [(b"content-length", b"3"), pair]}
    for _ in range(2):  # the second time, names are known
        found, _ = answers(BoundedHttp, GET, broken, ABC)
        assert b"abc" not in found
        assert b"set-cookie" not in found


@pytest.mark.parametrize("length", [b"2", b"4"])
def test_a_length_that_is_not_the_bodys_ends_the_connection(length: bytes) -> None:
    found, _ = answers(BoundedHttp, GET + GET, {**OK, "headers": [(b"content-length", length)]}, ABC)
    assert found.count(b"HTTP/1.1") <= 1


def test_what_fails_before_its_first_part_is_said() -> None:
    found, _ = answers(BoundedHttp, LAST, OK, BrokenError())
    assert found.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in found


def test_what_fails_after_its_first_part_ends_the_connection() -> None:
    found, _ = answers(BoundedHttp, GET + GET, OK, {**ABC, "body": b"a", "more_body": True}, BrokenError())
    assert found.endswith(b"\r\n\r\na")
