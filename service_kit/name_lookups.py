"""Looking up host names within a time: the resolver of the system has no limit of its own that a caller could set, and cannot be interrupted.

So each look-up has a thread of its own. Whoever waits goes on when his time is over; the thread stays until the system gives up, and as long counts
against the places: of one host, so that a name whose servers never answer holds up nobody else's calls, and of all.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE: Final = 64  # of one process: threads that wait for the system, own limit
AT_ONCE_OF_HOST: Final = 4


class NoPlaceError(Exception):
    """As many look-ups hang as may."""


class TooSlowError(Exception):
    """The system has not answered in time."""


def ask_system(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError, UnicodeError; takes as long as the system does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class NameLookups:
    """Look-ups under way, by host. One for the process; see ``OF_PROCESS``."""

    def __init__(self, *, at_once: int = AT_ONCE, at_once_of_host: int = AT_ONCE_OF_HOST) -> None:
        self._at_once, self._at_once_of_host = at_once, at_once_of_host
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    def find(self, look_up: Callable[[str, int], list[str]], host: str, port: int, *, until: float) -> list[str]:
        """What ``look_up`` finds, or raises, before ``until`` (``time.monotonic``). Raises TooSlowError, NoPlaceError."""
        host = host.lower()
        with self._lock:
            if self._under_way.total() >= self._at_once or self._under_way[host] >= self._at_once_of_host:
                raise NoPlaceError
            self._under_way[host] += 1
        found: Future[list[str]] = Future()
        try:
            threading.Thread(target=self._run, args=(look_up, host, port, found), name="name-lookup", daemon=True).start()
        except RuntimeError:  # the system has no more threads
            self._leave(host)
            raise NoPlaceError from None
        try:
            return found.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            if found.done():  # it is the look-up that says so
                return found.result()
            raise TooSlowError from None

    def _run(self, look_up: Callable[[str, int], list[str]], host: str, port: int, found: Future[list[str]]) -> None:
        try:
            answer = look_up(host, port)
        except BaseException as error:  # noqa: BLE001 # edge: raised where the caller waits
            self._leave(host)
            found.set_exception(error)
        else:
            self._leave(host)
            found.set_result(answer)

    def _leave(self, host: str) -> None:
        with self._lock:
            self._under_way[host] -= 1
            if not self._under_way[host]:
                del self._under_way[host]


OF_PROCESS: Final = NameLookups()
"""Those of this process, whoever calls: threads are its own."""
