"""Text out of files and certificates as pages show it."""

from __future__ import annotations

from typing import Final
from unicodedata import category

from standards.uax9_plain_text import mongolian_joints

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    """Without what would turn the reading direction or break the line: a stranger's name must not rearrange the words around it."""
    joints = mongolian_joints(text)
    return "".join("\N{REPLACEMENT CHARACTER}" if category(each) in _UNSHOWN and at not in joints else each for at, each in enumerate(text))
