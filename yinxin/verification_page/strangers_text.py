"""Text out of files and certificates as pages show it."""

from __future__ import annotations

from typing import Final
from unicodedata import category

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    """Without what would turn the reading direction or break the line: a stranger's name must not rearrange the words around it."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(each) in _UNSHOWN else each for each in text)
