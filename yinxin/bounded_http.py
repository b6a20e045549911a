"""HTTP/1.1 as uvicorn reads it, with an end to what a stranger can make it wait for or keep in memory.

Parser and server have no limit of their own on the head of a request: who sends header after header fills the memory, and who sends
nothing holds a connection for good. What comes after the head is bounded by the frame around every request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS: Final = 20.0  # from the first byte of a head, or the connection, to the end of the head
EMPTY_BYTES_MAX: Final = 256 * 1024  # without the end of a head or a byte of a body; the frame refuses heads over ``limits.header_bytes``


class BoundedHttp(HttpToolsProtocol):
    """One connection. Bytes that lead to no request and to no body (heads, trailers, extensions of chunks) are counted, heads timed."""

    _is_in_head = True
    _empty_bytes = 0
    _timer: asyncio.TimerHandle | None = None

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
        """A head has ended."""
        self._stop_waiting()
        self._is_in_head, self._empty_bytes = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body: the frame counts those."""
        self._empty_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has come whole; another may follow, and its head is timed from its first byte."""
        self._is_in_head, self._empty_bytes = True, 0
        super().on_message_complete()

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
