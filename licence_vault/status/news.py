"""Word that the status of some licence has changed, from the transaction that changed it to whoever publishes the lists in this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class StatusNews:
    """Handed over with ``Database.defer``: nothing is written, and those who wait hear of it once the change is durable, not before."""

    def __init__(self) -> None:
        self._told = threading.Condition()
        self.count = 0

    def write_rows(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Nothing is written: the status stands in its own table."""

    def rows_committed(self) -> None:
        """The change is durable."""
        with self._told:
            self.count += 1
            self._told.notify_all()

    def rows_undone(self) -> None:
        """Nothing has changed."""

    def wake(self) -> None:
        """Let those who wait look around, for an end in good order."""
        with self._told:
            self._told.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """Wait until there is other word than ``seen`` (or until woken, or for so long); returns the count, to be handed in the next time."""
        with self._told:
            if self.count == seen:
                self._told.wait(seconds)
            return self.count


NEWS: Final = StatusNews()
"""Of this process: what another one changes, it publishes itself."""
