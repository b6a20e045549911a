"""Times as the page shows them: by the clock of China, which has one."""

from __future__ import annotations

from datetime import datetime

from standards.gbt7408_times import CHINA


def china_time(at: str) -> str:
    """RFC 3339 -> ``2026-11-28 17:41:03``; what is no time stays as it is, and so do the last hours of the year 9999."""
    try:
        return datetime.fromisoformat(at).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return at
