"""Unicode UAX #9 and #44: texts that are read as they are written."""

from __future__ import annotations

import unicodedata
from typing import Final

DIRECTION_CHARACTERS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of what follows: one of them in a reason or a name makes a reader see another text."""
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of characters, line and paragraph separators


def is_plain_text(text: str) -> bool:
    """Whether a text is one line that is read as it is written. Joiners and selectors, which Mongolian needs, are allowed."""
    return not any(each in DIRECTION_CHARACTERS or unicodedata.category(each) in _NO_TEXT for each in text)
