"""What a JSON text may hold so that every reader reads the same (RFC 7493, I-JSON)."""

from __future__ import annotations

import json


def demand_text(value: object) -> None:
    r"""Raise ValueError where a text in a value that was read from JSON (names of members too) holds half of a surrogate pair.

    JSON lets ``\ud800`` be written by itself, Python reads it, and whatever then writes it as UTF-8 fails far from here (RFC 7493 2.1).
    Also raises ``RecursionError`` for a value nested too deeply.
    """
    json.dumps(value, ensure_ascii=False).encode("utf-8")
