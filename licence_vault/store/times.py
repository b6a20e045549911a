"""Times, days and lists as the tables keep them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def write_time(at: datetime) -> int:
    """Aware time -> microseconds since 1970 UTC."""
    return (at - _EPOCH) // _MICROSECOND


def read_time(microseconds: int) -> datetime:
    """Microseconds since 1970 UTC -> aware UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def write_day(day: date | None) -> str | None:
    """A day as ``YYYY-MM-DD``; None stays None."""
    return None if day is None else day.isoformat()


def read_day(text: str | None) -> date | None:
    """``YYYY-MM-DD`` -> a day; None stays None."""
    return None if text is None else date.fromisoformat(text)


def write_list(texts: Iterable[str]) -> str:
    """Texts -> a JSON list."""
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":"))


def read_list(text: str) -> tuple[str, ...]:
    """A JSON list -> texts."""
    return tuple(str(each) for each in json.loads(text))
