"""Texts that are read as they are written: every character there is, by what Unicode says of it."""

from __future__ import annotations

import sys
import unicodedata

from standards.uax9_plain_text import DIRECTION_CHARACTERS, is_plain_text


def test_no_character_is_plain_that_turns_breaks_or_controls() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    refused = {each for each in every if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"}} | DIRECTION_CHARACTERS
    assert is_plain_text("".join(each for each in every if each not in refused))
    assert not any(map(is_plain_text, refused))
    assert not any(is_plain_text(f"示例{each}") for each in DIRECTION_CHARACTERS)
