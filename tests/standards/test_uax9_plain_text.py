"""Texts that are read as they are written: every character there is, by what Unicode says of it."""

from __future__ import annotations

import sys
import unicodedata

from standards.uax9_plain_text import DIRECTION_CHARACTERS, is_plain_text, is_printable, mongolian_joints


def test_no_character_is_plain_that_turns_breaks_or_controls() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    refused = {each for each in every if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"}} | DIRECTION_CHARACTERS
    assert is_plain_text("".join(each for each in every if each not in refused))
    assert not any(map(is_plain_text, refused))
    assert not any(is_plain_text(f"示例{each}") for each in DIRECTION_CHARACTERS)


def test_what_joins_mongolian_words_is_part_of_them_and_nothing_elsewhere() -> None:
    assert is_printable("示例 Ann")
    for word in ("ᠰᠠᠷ\u180eᠠ", "ᠬᠣᠲᠠ\u202fᠶᠢᠨ", "ᠨ\u180b\u180eᠠ 示例 ᠲᠠᠮᠠᠭ\u180eᠠ\u202fᠶᠢᠨ"):
        assert is_printable(word), ascii(word)
        assert [word[at] for at in sorted(mongolian_joints(word))] == [each for each in word if each in "\u180e\u202f"]
    for word in (
        "\u180e",
        "ᠠ\u180e",
        "\u202fᠠ",
        "a\u180eb",
        "ᠰ\u180e\u180eᠠ",
        "ᠰ\u180e\u202fᠠ",
        "ᠰ\u180e1",
        "ᠰᠠᠷ\u180eᠠ\u202e",
        "ᠰ\u200dᠠ",
        "ᠰ\u2028ᠠ",
    ):
        assert not is_printable(word), ascii(word)
