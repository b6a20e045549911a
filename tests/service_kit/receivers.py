"""HTTP servers on loopback that receive what is sent to them, and misbehave on demand."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.loopback import QuietHandler, serve_loopback

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


@dataclass
class Received:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``status`` is what the next answers say; ``location`` goes with it; ``drip_seconds`` slows the body; ``body`` is what comes back."""

    url: str
    status: int = 204
    location: str | None = None
    drip_seconds: float = 0.0
    body: bytes = b""
    received: list[Received] = field(default_factory=list)


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A server on a free port of 127.0.0.1. ``tls``: by https, see ``tests.fakes.loopback_tls``."""
    state = Receiver("")

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            state.received.append(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(state.status)
            if state.location is not None:
                self.send_header("location", state.location)
            if state.status != 204:
                self.send_header("content-length", str(len(state.body)))
            self.end_headers()
            for i in range(len(state.body)):
                self.wfile.write(state.body[i : i + 1] if state.drip_seconds else state.body)
                self.wfile.flush()
                if not state.drip_seconds:
                    break
                time.sleep(state.drip_seconds)

        do_GET = do_POST

    with serve_loopback(Handler, tls) as address:
        state.url = f"{address}/hook"
        yield state
