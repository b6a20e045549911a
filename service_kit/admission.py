"""How much heavy work may be under way at once: bytes, counted as they arrive, and places for whole bodies. What does not fit is told to come back.

What is only announced holds nothing, so a connection that sends nothing takes nothing from others; and one caller may hold a share of the
bytes, not all of them.

Not thread-safe: one event loop uses it.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Admission:
    """``places``: jobs under way or waiting for a thread; ``bytes_max``: of all bodies together, arriving ones included. One caller may hold half."""

    def __init__(self, *, places: int, bytes_max: int, retry_after_seconds: int = 2) -> None:
        self._places = places
        self._bytes_max = bytes_max
        self._retry_after_seconds = retry_after_seconds
        self._jobs = 0
        self._bytes = 0
        self._shares: Counter[str] = Counter()

    @contextmanager
    def take(self, holder: str) -> Iterator[Held]:
        """For one request of ``holder`` (whoever is to have one share): its body arrives and is worked on while the block runs.

        Raises TrustError TOO_BUSY (429) where all places are taken already.
        """
        self.demand_place()
        held = Held(self, holder)
        try:
            yield held
        finally:
            self._jobs -= held.is_whole
            self._bytes -= held.size_bytes
            self._shares[holder] -= held.size_bytes
            if not self._shares[holder]:
                del self._shares[holder]

    def grow(self, held: Held, size_bytes: int) -> None:
        """See ``Held.arrived``."""
        self._bytes += size_bytes
        self._shares[held.holder] += size_bytes
        held.size_bytes += size_bytes
        others, own = self._bytes - held.size_bytes, self._shares[held.holder] - held.size_bytes
        if (others and self._bytes > self._bytes_max) or (own and 2 * (own + held.size_bytes) > self._bytes_max):
            raise self._too_busy()

    def place(self, held: Held) -> None:
        """See ``Held.whole``."""
        self.demand_place()
        self._jobs += 1
        held.is_whole = True

    def demand_place(self) -> None:
        """Raise TOO_BUSY where all places are taken now; for who would be refused before anybody looks at who he is."""
        if self._jobs >= self._places:
            raise self._too_busy()

    def _too_busy(self) -> TrustError:
        return TrustError(Kind.TOO_MANY, "TOO_BUSY", retry_after_seconds=self._retry_after_seconds)


class Held:
    """What one request holds. ``size_bytes``: of its body so far; ``is_whole``: it has a place."""

    def __init__(self, admission: Admission, holder: str) -> None:
        self._admission = admission
        self.holder = holder
        self.size_bytes = 0
        self.is_whole = False

    def arrived(self, size_bytes: int) -> None:
        """More of the body is there. TOO_BUSY where it does not fit; a single body always fits, whatever its size: its limit is another one."""
        self._admission.grow(self, size_bytes)

    def whole(self) -> None:
        """All of it is there: from now on it takes a place. TOO_BUSY where none is free."""
        self._admission.place(self)
