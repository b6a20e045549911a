"""Taking turns at writing one SQLite file from several processes.

SQLite lets a second writer sleep and look again, up to 100 ms at a time: the process that is writing wins again and again, and the
other waits for most of a second. A lock on a file beside the database wakes the waiting process in the moment the turn is given up.
The lock is only courtesy: who does not take it is kept out by SQLite's own, and where a process dies the system gives its turn up.

Nobody has a turn at a file that is not in its place any more. SQLite goes on writing to it, and what it had acknowledged would be gone with it: at the
next start another file is there, such as that of a backup.
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
    """The turn of one writer. ``path``: of the lock file; ``database``: of the file that is written."""

    def __init__(self, path: Path, database: Path) -> None:
        self._path = path
        self._database = database
        self._descriptor: int | None = None
        self._opened_file: os.stat_result | None = None

    def note_opened(self) -> None:
        """The database has been opened: the file that is in its place now is the one that this process writes, for as long as it lives."""
        if self._opened_file is None:
            self._opened_file = self._database.stat()

    def _demand_in_place(self) -> None:
        if self._opened_file is None:
            return
        try:
            is_same = os.path.samestat(self._database.stat(), self._opened_file)
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="moved")

    def take_if_free(self) -> bool:
        """Take it without waiting; False where somebody else has it. TrustError DATABASE_UNAVAILABLE as ``take``, and where the database is not in its
        place any more.
        """
        self._demand_in_place()
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take(self) -> None:
        """Wait until nobody else has the turn. TrustError DATABASE_UNAVAILABLE where the lock file cannot be made, and as ``take_if_free``."""
        fcntl.flock(self._opened(), fcntl.LOCK_EX)
        self._demand_in_place()

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
