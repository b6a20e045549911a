"""One HTTP request to another machine, with one deadline over all of it: the look-up of its name, connecting, the head of the answer, and its body.

Time-outs for each read are not enough: a machine that gives a byte every few seconds, in the head too, would hold its caller for ever. No
redirect is followed, no proxy of the environment is used, and no more is read than what was asked for.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

from service_kit.name_lookups import OF_PROCESS, NoPlaceError, TooSlowError, ask_system
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping
    from typing import Any

FAILED: Final = "OUTBOUND_FAILED"
TOO_SLOW: Final = "too-slow"
TOO_LARGE: Final = "answer-too-large"
TOO_MANY: Final = "too-many-look-ups"
NO_URL: Final = "not-a-url"
_PIECE_BYTES: Final = 16 * 1024  # written under one look at the time that is left
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``body``: at most the limit that was given; ``headers``: names in lower case, several of a name joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call_once(
    method: str,
    url: str,
    *,
    timeout_seconds: float,
    answer_bytes: int,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    address: str | None = None,
) -> Answer:
    """One request, one answer. ``address``: where to connect to in place of a look-up of the host's name, which is then only spoken of. Look-ups are
    bounded with all others of the process (:mod:`service_kit.name_lookups`).

    TrustError OUTBOUND_FAILED (UNAVAILABLE) with ``reason``.
    """
    try:
        parts = httpx.URL(url)
        name = parts.host  # read only now: the name of a host beyond ASCII must be one
    except (httpx.InvalidURL, UnicodeError):
        raise TrustError(Kind.UNAVAILABLE, FAILED, reason=NO_URL) from None
    if parts.scheme not in _PORTS or not name:
        raise TrustError(Kind.UNAVAILABLE, FAILED, reason=NO_URL)
    port = parts.port or _PORTS[parts.scheme]
    target = httpcore.URL(
        scheme=parts.raw_scheme, host=parts.raw_host if address is None else address.encode("ascii"), port=port, target=parts.raw_path
    )
    sent = {**(headers or {}), "host": parts.netloc.decode("ascii"), "connection": "close", "content-length": str(len(content))}
    backend = _Backend(time.monotonic() + timeout_seconds)
    extensions = {"sni_hostname": name, "timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout_seconds)}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_authorities(), network_backend=backend) as pool,
            pool.stream(method, target, headers=list(sent.items()), content=content, extensions=extensions) as answer,
        ):
            body = bytearray()
            for piece in answer.iter_stream():
                body += piece
                if len(body) > answer_bytes:
                    raise TrustError(Kind.UNAVAILABLE, FAILED, reason=TOO_LARGE)
            return Answer(answer.status, _joined(answer.headers), bytes(body))
    except httpcore.TimeoutException:
        raise TrustError(Kind.UNAVAILABLE, FAILED, reason=TOO_SLOW) from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise TrustError(Kind.UNAVAILABLE, FAILED, reason=type(error).__name__) from None


class _Stream(httpcore.NetworkStream):
    """A connection whose every step has only the time that is left."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline counts
        return self._inner.read(max_bytes, _left(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline counts
        for at in range(0, len(buffer), _PIECE_BYTES):
            self._inner.write(buffer[at : at + _PIECE_BYTES], _left(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:  # noqa: ARG002 - the deadline counts
        left = _left(self._deadline, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: float) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _Stream:
        failed = httpcore.ConnectError()
        for address in self._addresses(host, port):
            left = _left(self._deadline, httpcore.ConnectTimeout)
            try:
                return _Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options), self._deadline)
            except httpcore.ConnectError as error:  # the next one may be reached: a machine has several, such as one of each kind
                failed = error
        raise failed

    def _addresses(self, host: str, port: int) -> list[str]:
        """Where the machine may be reached, within the time that is left."""
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        try:
            return OF_PROCESS.find(ask_system, host, port, until=self._deadline)
        except TooSlowError:
            raise httpcore.ConnectTimeout from None
        except NoPlaceError:
            raise TrustError(Kind.UNAVAILABLE, FAILED, reason=TOO_MANY) from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError from None


def _left(deadline: float, error: type[httpcore.TimeoutException]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise error
    return left


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Whom certificates of servers must come from: read once, for reading them costs more than a whole call."""
    return httpx.create_ssl_context(trust_env=False)
