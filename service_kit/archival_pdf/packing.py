"""Packed streams (ISO 32000-1 7.4.4). What many documents share is packed once."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Final

KEPT: Final = 128
LEVEL: Final = 6


@lru_cache(maxsize=KEPT)
def packed(data: bytes) -> bytes:
    """For FlateDecode."""
    return zlib.compress(data, LEVEL)
