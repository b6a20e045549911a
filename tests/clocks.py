"""A clock for tests."""

from __future__ import annotations

from datetime import datetime, timedelta


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The time it was set to."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Move on (or, with a negative number, back)."""
        self.at += timedelta(seconds=seconds)
