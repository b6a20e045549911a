"""Identifiers that sort by time: UUID version 7 (RFC 9562 5.7)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def new_entry_id(at: datetime) -> str:
    """A new UUIDv7 for the instant ``at`` (aware): 48 bits of milliseconds, then 74 random bits. Neighbours in time are neighbours
    in an index, which keeps a large table's insertions in one place.
    """
    random = os.urandom(10)
    milliseconds = int(at.timestamp() * 1000) & 0xFFFFFFFFFFFF
    value = (
        milliseconds << 80
        | 0x7000 << 64
        | (int.from_bytes(random[:2], "big") & 0x0FFF) << 64
        | 1 << 63
        | (int.from_bytes(random[2:], "big") & 0x3FFFFFFFFFFFFFFF)
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def time_of_entry_id(entry_id: str) -> datetime:
    """The instant, to the millisecond, that stands in an id of ``new_entry_id``: aware UTC."""
    return _EPOCH + timedelta(milliseconds=int(entry_id[:8] + entry_id[9:13], 16))
