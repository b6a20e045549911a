"""Mongolian words: in the script, with its joints, and the same as in the table that fluent readers correct."""

from __future__ import annotations

import re

import pytest

from tests.optional import PROJECT
from yinxin.mongolian_words import AWAITING_READER, IS_APPROVED, WORDS, in_mongolian

_SCRIPT = re.compile("[\u1820-\u1842\u180e\u202f ]+")  # letters of Mongolian as such, the separated vowel, the joint of suffixes
_SUFFIXES = {"ᠲᠡᠢ", "ᠶᠢᠨ", "ᠦᠨ", "ᠤᠨ"}


def test_words_are_in_the_script_and_joined_by_its_rules() -> None:
    for name, word in WORDS.items():
        assert _SCRIPT.fullmatch(word.written), name
        assert in_mongolian(name) == word.written
        assert not _SUFFIXES & set(word.written.split(" ")), f"{name}: a suffix stands apart"
        assert not word.written.endswith("\u180e"), name


def test_every_verdict_has_a_word() -> None:
    assert {"valid", "invalid", "indeterminate"} <= WORDS.keys()


def test_the_table_for_readers_says_the_same() -> None:
    page = (PROJECT / "docs/reference/mongolian-words.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| `(\w+)` \|$", page, re.MULTILINE)
    assert {row[4]: row[:4] for row in rows} == {
        name: (each.chinese, each.written, each.reading, each.cyrillic) for name, each in WORDS.items()
    }
    assert ("待审定" not in page) == IS_APPROVED


def test_an_unknown_word_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        in_mongolian("perhaps")
    assert all(AWAITING_READER)
