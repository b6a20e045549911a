"""What a JSON text may hold so that every reader reads the same (RFC 7493, I-JSON)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from standards.errors import Kind, TrustError

_NAME_CHARACTERS: Final = 64


def demand_text(value: object) -> None:
    r"""Raise ValueError where a text in a value that was read from JSON (names of members too) holds half of a surrogate pair.

    JSON lets ``\ud800`` be written by itself, Python reads it, and whatever then writes it as UTF-8 fails far from here (RFC 7493 2.1).
    Also raises ``RecursionError`` for a value nested too deeply.
    """
    json.dumps(value, ensure_ascii=False).encode("utf-8")


def _unrepeated(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        counts = Counter(name for name, _ in members)
        first, *_ = [name for name, count in counts.items() if count > 1]
        raise TrustError(Kind.UNACCEPTABLE, "MEMBER_REPEATED", member=first[:_NAME_CHARACTERS])
    return found


def _no_constant(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


def read_json(text: bytes | str) -> Any:
    """The value in a JSON text in which no object has a member twice (RFC 7493 2.3), and nothing is NaN or infinite.

    TrustError MEMBER_REPEATED names the first such member; ValueError where the text is no JSON, ``RecursionError`` for a value nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_constant)
