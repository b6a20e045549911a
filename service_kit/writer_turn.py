"""Taking turns at writing one SQLite file from several processes.

SQLite lets a second writer sleep and look again, up to 100 ms at a time: the process that is writing wins again and again, and the
other waits for most of a second. A lock on a file beside the database wakes the waiting process in the moment the turn is given up.
The lock is only courtesy: who does not take it is kept out by SQLite's own, and where a process dies the system gives its turn up.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from crypto.durable_files import open_or_make
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from pathlib import Path


class WriterTurn:
    """The turn of one writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take_if_free(self) -> bool:
        """Take it without waiting; False where somebody else has it. TrustError as ``take``."""
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take(self) -> None:
        """Wait until nobody else has the turn. TrustError DATABASE_UNAVAILABLE where the lock file cannot be made."""
        fcntl.flock(self._opened(), fcntl.LOCK_EX)

    def _opened(self) -> int:
        if self._descriptor is None:
            try:
                self._descriptor = open_or_make(self._path)
            except OSError as error:
                raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="cannot be opened") from error
        return self._descriptor

    def give_up(self) -> None:
        """Let the next one write."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the lock file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
