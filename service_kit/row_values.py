"""Values as every table keeps them: times as integers, which both databases order alike, and lists of texts as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

POSITION_MAX: Final = 2**63 - 1  # of a row: what both databases can hold
LATEST_TIME: Final = 250_000_000_000_000_000  # microseconds since 1970: in the year 9892, short of where Python's times end
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def write_time(at: datetime) -> int:
    """Aware time -> microseconds since 1970 UTC."""
    return (at - _EPOCH) // _MICROSECOND


def read_time(microseconds: int) -> datetime:
    """Microseconds since 1970 UTC -> aware UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def write_optional_time(at: datetime | None) -> int | None:
    """As ``write_time``; None stays None."""
    return None if at is None else write_time(at)


def read_optional_time(microseconds: int | None) -> datetime | None:
    """As ``read_time``; None stays None."""
    return None if microseconds is None else read_time(microseconds)


def write_list(texts: Iterable[str]) -> str:
    """Texts -> a JSON list."""
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":"))


def read_list(text: str) -> tuple[str, ...]:
    """A JSON list -> texts."""
    return tuple(str(each) for each in json.loads(text))
