"""How often something may happen: token buckets, held in this process, bounded in number.

A limit of one process is a limit per worker: with N workers a caller gets up to N times as much. That is enough for what these are
for, keeping one caller from starving the others; what must hold exactly is counted in the database.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

_NETWORK_BITS: Final = 64
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""How translators write IPv4 addresses to servers that have IPv6 alone (RFC 6052 2.1)."""


def one_address(peer: str) -> str:
    """What counts as one address where addresses are counted: of IPv6 the network of 64 bits that a single connection is given, with 2⁶⁴ to choose from;
    an IPv4 address that is written as one of IPv6 is itself: all that come through a translator would else be one, and shut out by any of them. What is
    no address counts as it stands.
    """
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    inner = ipaddress.IPv4Address(address.packed[-4:]) if address in _TRANSLATED else address.ipv4_mapped
    return str(inner) if inner is not None else str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))


class Rates:
    """Buckets by key. Each holds up to ``burst`` and refills by ``per_second``; the least recently used key is forgotten first.

    Forgetting forgives: ``keys_max`` bounds memory, and who can use up that many keys is stopped by another limit (by peer address).
    Not thread-safe: one event loop uses it.
    """

    def __init__(self, *, per_second: float, burst: float, keys_max: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._keys_max = keys_max
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, key: str, now_seconds: float, *, per_second: float | None = None, burst: float | None = None) -> float:
        """How long until one more is allowed, 0 when it is now; takes nothing. ``now_seconds``: monotonic."""
        rate = per_second or self._per_second
        level = self._level(key, now_seconds, rate, burst or self._burst)
        return 0.0 if level >= 1 else (1 - level) / rate

    def take(self, key: str, now_seconds: float, *, per_second: float | None = None, burst: float | None = None) -> float:
        """Take one if allowed and return 0; otherwise take nothing and return the seconds to wait."""
        rate = per_second or self._per_second
        level = self._level(key, now_seconds, rate, burst or self._burst)
        if level < 1:
            return (1 - level) / rate
        self._levels[key] = (level - 1, now_seconds)
        self._levels.move_to_end(key)
        if len(self._levels) > self._keys_max:
            self._levels.popitem(last=False)
        return 0.0

    def fill(self, key: str) -> None:
        """Let the key begin anew, as one that never took anything."""
        if self._levels:
            self._levels.pop(key, None)

    def _level(self, key: str, now_seconds: float, rate: float, burst: float) -> float:
        known = self._levels.get(key)
        if known is None:
            return burst
        level, at_seconds = known
        return min(burst, level + max(0.0, now_seconds - at_seconds) * rate)
