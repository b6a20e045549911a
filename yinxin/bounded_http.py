"""HTTP/1.1 as uvicorn reads it, with an end to what a stranger can make it wait for or keep in memory, and without another protocol.

Parser and server have no limit of their own on the head of a request: who sends header after header fills the memory, and who sends
nothing holds a connection for good. What comes after the head is bounded by the frame around every request.

An answer that is there whole goes out in one piece: head and body written one after the other are two packets, and the second call of the system
costs more than everything else here.

A client that offers to go on in another protocol (RFC 9110 7.8), as the JDK's offers HTTP/2 over plain HTTP, is answered in this one. The parser
takes such a request as ended with its head: the body would be lost, and its bytes read as the next request, which others could be made to send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

HEAD_SECONDS: Final = (
    20.0  # from the first byte of a head, or the connection, to the end of the head; and for what is left of a body that was refused
)
EMPTY_BYTES_MAX: Final = 256 * 1024  # without the end of a head or a byte of a body; the frame refuses heads over ``limits.header_bytes``


PIECE_BYTES_MAX: Final = 64 * 1024  # a larger body is written behind its head: copying it would cost more than the call
_CONNECT: Final = b"CONNECT"
_OFFER: Final = frozenset({b"upgrade", b"http2-settings"})


class _Parser:
    """The parser, deaf to offers of another protocol: what comes with one is read again without it."""

    def __init__(self, protocol: BoundedHttp) -> None:
        self._protocol = protocol
        self._begin()

    def _begin(self) -> None:
        self._parser = parser = HttpRequestParser(self._protocol)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        # What is asked for each request: bound here, because looking it up each time costs as much as the answer
        self.get_method, self.get_http_version = parser.get_method, parser.get_http_version
        self.should_keep_alive, self.should_upgrade = parser.should_keep_alive, parser.should_upgrade

    def feed_data(self, data: bytes) -> None:
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as offered:
                if self.get_method() == _CONNECT:
                    raise
                line = b"%s %s HTTP/%s" % (self.get_method(), self._protocol.url, self.get_http_version().encode("ascii"))
                data = _head_without_offer(line, self._protocol.headers) + data[offered.args[0] :]
                self._begin()
            else:
                return

    def has_offer(self) -> bool:
        """Whether the head that has just ended offers another protocol."""
        return bool(self.should_upgrade()) and self.get_method() != _CONNECT


def _head_without_offer(line: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    kept = []
    for name, value in headers:
        if name in _OFFER:
            continue
        if name == b"connection":
            options = (each.strip() for each in value.split(b","))
            value = b", ".join(each for each in options if each.lower() not in _OFFER)  # noqa: PLW2901 - the same header, shorter
        kept.append(name + b": " + value)
    return b"\r\n".join((line, *kept, b"", b""))


class _Names:
    """How lines of a head begin, by the names of the headers as the program writes them: each name is checked once."""

    MOST: Final = 256  # the program has some forty

    def __init__(self) -> None:
        self._beginnings: dict[bytes, bytes] = {}

    def __getitem__(self, name: bytes) -> bytes:
        found = self._beginnings.get(name)
        if found is None:
            found = b"" if HEADER_RE.search(name) else name.lower() + b": "
            if len(self._beginnings) < self.MOST:
                self._beginnings[name] = found
        return found


_NAMES: Final = _Names()
_LENGTH: Final = b"content-length: "
_NOT_USUAL: Final = frozenset({b"", b"connection: ", b"transfer-encoding: "})


class _Cycle(RequestResponseCycle):
    """One request and its answer as uvicorn has it, but the head waits for the body's first part. What is whole by then, of a known length and on a
    connection that goes on, is written here, by the same rules; all else by uvicorn.
    """

    _begun: Mapping[str, Any] | None = None

    async def send(self, message: Any) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._begun = message  # where the application fails now, it can still be said
            return
        begun, self._begun = self._begun, None
        if begun is not None:
            if self._write_whole(begun, message):
                return
            await super().send(begun)  # type: ignore[arg-type]  # one of the messages of ASGI
        await super().send(message)

    def _write_whole(self, begun: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
        """Write the whole answer, where it is a usual one."""
        body = message.get("body", b"")
        is_going_on = self.keep_alive and not (self.disconnected or self.flow.write_paused or self.access_log)
        if not is_going_on or message.get("more_body") or len(body) > PIECE_BYTES_MAX or self.scope["method"] == "HEAD":
            return False
        length = b""
        values = []
        lines = [STATUS_LINE[begun["status"]]]
        for name, value in (*self.default_headers, *begun.get("headers", ())):
            beginning = _NAMES[name]
            if beginning in _NOT_USUAL or (beginning == _LENGTH and length):
                return False
            if beginning == _LENGTH:
                length = value
            values.append(value)
            lines += (beginning, value, b"\r\n")
        if length != b"%d" % len(body) or HEADER_VALUE_RE.search(b"\t".join(values)):
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = self.chunked_encoding = False
        lines += (b"\r\n", body)
        self.transport.write(b"".join(lines))
        self.message_event.set()
        self.on_response()
        return True


class BoundedHttp(HttpToolsProtocol):
    """One connection. Bytes that lead to no request and to no body (heads, trailers, extensions of chunks) are counted; heads are timed, and what
    comes of a body after its answer.
    """

    _is_in_head = True
    _empty_bytes = 0
    _is_offer = False
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.parser: Any = _Parser(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A connection: its first head is awaited."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of it."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; closed where all this leads nowhere."""
        self._empty_bytes += len(data)
        super().data_received(data)
        if self._empty_bytes > EMPTY_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("Too many bytes without a request.")
        elif self._is_in_head and self._empty_bytes and self._timer is None:  # of a head; a request that has come whole leaves none
            self._await_head()

    def on_headers_complete(self) -> None:
        """A head has ended; one with an offer comes again without it."""
        self._is_offer = self.parser.has_offer()
        if self._is_offer:
            return
        self._stop_waiting()
        self._is_in_head, self._empty_bytes = False, 0
        super().on_headers_complete()
        self.cycle.__class__ = _Cycle  # its task has not begun, and uvicorn has no place to name another class

    def on_body(self, body: bytes) -> None:
        """A part of a body: the frame counts those."""
        self._empty_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has come whole; another may follow, and its head is timed from its first byte."""
        if self._is_offer:
            return
        self._stop_waiting()
        self._is_in_head, self._empty_bytes = True, 0
        super().on_message_complete()
        if self.cycle.response_complete:  # answered before it was whole: from now on it is a connection without a request
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """An answer is out. Where that was before the request had come whole, what is left of it is awaited as a head is: no frame does."""
        super().on_response_complete()
        if not self._is_in_head and self.cycle.response_complete and not self.transport.is_closing():
            self._await_head()

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
