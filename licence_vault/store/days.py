"""Days as the tables keep them."""

from __future__ import annotations

from datetime import date


def write_day(day: date | None) -> str | None:
    """A day as ``YYYY-MM-DD``; None stays None."""
    return None if day is None else day.isoformat()


def read_day(text: str | None) -> date | None:
    """``YYYY-MM-DD`` -> a day; None stays None."""
    return None if text is None else date.fromisoformat(text)
