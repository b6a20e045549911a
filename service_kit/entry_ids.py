"""Identifiers that sort by time: UUID version 7 (RFC 9562 5.7)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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
