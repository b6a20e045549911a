"""Unicode UAX #9 and #44: texts that are read as they are written."""

from __future__ import annotations

import re
from typing import Final

DIRECTION_CHARACTERS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of what follows: one of them in a reason or a name makes a reader see another text."""
# Besides them controls, halves of characters, line and paragraph separators (Cc, Cs, Zl, Zp), of which Unicode never has more (its stability policy)
_NO_TEXT: Final = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029{''.join(sorted(DIRECTION_CHARACTERS))}]")


_MONGOLIAN: Final = "\u180b-\u180d\u180f\u1820-\u1878\u1880-\u18aa"  # letters and their selectors
_JOINTS: Final = re.compile(f"(?<=[{_MONGOLIAN}])[\u180e\u202f](?=[{_MONGOLIAN}])")


def mongolian_joints(text: str) -> frozenset[int]:
    """Where U+180E, which parts a last vowel from its word, and U+202F, which joins a suffix to it, stand between letters of the traditional script:
    they belong to how words are written there (The Unicode Standard, 13.5), though Unicode counts them as a control and a space.
    """
    return frozenset(found.start() for found in _JOINTS.finditer(text))


def is_printable(text: str) -> bool:
    """Whether all of a text is seen: as ``str.isprintable``, which knows nothing of how traditional Mongolian is written."""
    return text.isprintable() or _JOINTS.sub("", text).isprintable()


def is_plain_text(text: str) -> bool:
    """Whether a text is one line that is read as it is written. Joiners and selectors, which Mongolian needs, are allowed."""
    return _NO_TEXT.search(text) is None
