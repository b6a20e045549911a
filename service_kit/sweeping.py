"""Removing rows whose time is over: so few in one transaction that nobody is held up, and so often that none is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from service_kit.database import Database

SWEEP_ROWS: Final = 1000  # in one transaction


def sweep_all(database: Database, sweep: Callable[[Connection], int]) -> int:
    """Run ``sweep``, which removes at most SWEEP_ROWS rows and says how many they were, until it finds fewer; how many it removed in all."""
    removed = last = database.write(sweep)
    while last >= SWEEP_ROWS:
        last = database.write(sweep)
        removed += last
    return removed
