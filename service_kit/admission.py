"""How much heavy work may be under way at once: places and bytes, counted before a body is read. What does not fit is told to come back.

Not thread-safe: one event loop uses it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Admission:
    """``places``: jobs under way or waiting for a thread; ``bytes_max``: of their bodies together."""

    def __init__(self, *, places: int, bytes_max: int, retry_after_seconds: int = 2) -> None:
        self._places = places
        self._bytes_max = bytes_max
        self._retry_after_seconds = retry_after_seconds
        self._jobs = 0
        self._bytes = 0

    @contextmanager
    def take(self, size_bytes: int) -> Iterator[None]:
        """Hold one place and ``size_bytes`` while the block runs. Raises TrustError TOO_BUSY (429) where they are not free.

        A single job always fits, whatever its size: the limit on one body is another one.
        """
        if self._jobs and (self._jobs >= self._places or self._bytes + size_bytes > self._bytes_max):
            raise TrustError(Kind.TOO_MANY, "TOO_BUSY", retry_after_seconds=self._retry_after_seconds)
        self._jobs += 1
        self._bytes += size_bytes
        try:
            yield
        finally:
            self._jobs -= 1
            self._bytes -= size_bytes
