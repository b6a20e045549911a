"""Names that people are shown: whether there is anything to see of one, and in which spelling it is kept. No input or output here."""

from __future__ import annotations

import unicodedata
from typing import Final

from standards.uax9_plain_text import is_printable

_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and signs of Unicode that count as printable and are drawn as nothing: joiners, Hangul fillers, vowels of Khmer that are never
written, the empty cell of Braille."""


def one_spelling(name: str) -> str:
    """A name as it is kept: of the spellings that Unicode calls the same the composed one (NFC; UAX #15), so that whoever is meant is one. What joins the
    letters of Mongolian stays as it is: no form of Unicode changes it.
    """
    return unicodedata.normalize("NFC", name)


def spellings(name: str) -> tuple[str, ...]:
    """A name as it is kept, and as it may stand in rows from before there was one spelling: decomposed, or as it is given here."""
    return tuple(dict.fromkeys((one_spelling(name), unicodedata.normalize("NFD", name), name)))


def is_shown(name: str) -> bool:
    """Whether a name can be read by whoever it is shown to: printable, without letters that are drawn as nothing (two names would look alike), and
    with one letter, digit or sign at least, since marks alone are drawn over what stands before them.
    """
    if not is_printable(name) or not _BLANK_LETTERS.isdisjoint(name):
        return False
    return any(unicodedata.category(each)[0] in "LNSP" for each in name)
