"""Looking up host names within a time: the resolver of the system has no limit of its own that a caller could set, and cannot be interrupted.

So each look-up has a thread of its own. Whoever waits goes on when his time is over; the thread stays until the system gives up, and as long counts
against the places: of one host, of all hosts of one domain, whose names the same servers answer for, and of all. So neither a name nor a domain whose
servers never answer holds up anybody else's calls.
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
AT_ONCE_OF_DOMAIN: Final = 16
AT_ONCE_OF_HOST: Final = 4
_COUNTRY_CHARACTERS: Final = 2
# Below which countries give out names; and besides them .cn, by provinces (CNNIC)
_SECOND_LEVELS: Final = frozenset(["ac", "co", "com", "edu", "go", "gov", "mil", "ne", "net", "or", "org"])
_PROVINCES: Final = frozenset(
    [
        "ah",
        "bj",
        "cq",
        "fj",
        "gd",
        "gs",
        "gx",
        "gz",
        "ha",
        "hb",
        "he",
        "hi",
        "hk",
        "hl",
        "hn",
        "jl",
        "js",
        "jx",
        "ln",
        "mo",
        "nm",
        "nx",
        "qh",
        "sc",
        "sd",
        "sh",
        "sn",
        "sx",
        "tj",
        "tw",
        "xj",
        "xz",
        "yn",
        "zj",
    ]
)


class NoPlaceError(Exception):
    """As many look-ups hang as may."""


class TooSlowError(Exception):
    """The system has not answered in time."""


def ask_system(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError, UnicodeError; takes as long as the system does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def domain_of(host: str) -> str:
    """Under which name a host is counted with others: what somebody registers, as far as that can be told without a list of all registries.

    The last two labels; three under the usual second levels of countries, as in ``gov.cn``. Where a registry gives names out below another one, all of
    these count together. In lower case, without the dot that may end a name.
    """
    labels = host.lower().removesuffix(".").split(".")
    second, country = labels[-2:][0], labels[-1]
    is_given_below = len(country) == _COUNTRY_CHARACTERS and (second in _SECOND_LEVELS or (country == "cn" and second in _PROVINCES))
    return ".".join(labels[-3 if is_given_below else -2 :])


class NameLookups:
    """Look-ups under way, by host and domain. One for the process; see ``OF_PROCESS``."""

    def __init__(
        self, *, at_once: int = AT_ONCE, at_once_of_domain: int = AT_ONCE_OF_DOMAIN, at_once_of_host: int = AT_ONCE_OF_HOST
    ) -> None:
        self._at_once, self._at_once_of_domain, self._at_once_of_host = at_once, at_once_of_domain, at_once_of_host
        self._lock = threading.Lock()
        self._hosts: Counter[str] = Counter()
        self._domains: Counter[str] = Counter()

    def find(self, look_up: Callable[[str, int], list[str]], host: str, port: int, *, until: float) -> list[str]:
        """What ``look_up`` finds, or raises, before ``until`` (``time.monotonic``). Raises TooSlowError, NoPlaceError."""
        host = host.lower()
        self._enter(host)
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

    def _enter(self, host: str) -> None:
        name, domain = host.removesuffix("."), domain_of(host)
        with self._lock:
            if (
                self._domains.total() >= self._at_once
                or self._domains[domain] >= self._at_once_of_domain
                or self._hosts[name] >= self._at_once_of_host
            ):
                raise NoPlaceError
            self._hosts[name] += 1
            self._domains[domain] += 1

    def _leave(self, host: str) -> None:
        with self._lock:
            for counted, name in ((self._hosts, host.removesuffix(".")), (self._domains, domain_of(host))):
                counted[name] -= 1
                if not counted[name]:
                    del counted[name]


OF_PROCESS: Final = NameLookups()
"""Those of this process, whoever calls: threads are its own."""
