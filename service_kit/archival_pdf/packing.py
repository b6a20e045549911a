"""Packed streams (ISO 32000-1 7.4.4). What many documents share is packed once."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

KEPT: Final = 128
LEVEL: Final = 6
OUTLINE_LEVEL: Final = 4  # fonts: a longer search takes twice the time and finds one byte in a hundred


@lru_cache(maxsize=KEPT)
def packed(data: bytes, level: int = LEVEL) -> bytes:
    """For FlateDecode."""
    return zlib.compress(data, level)
