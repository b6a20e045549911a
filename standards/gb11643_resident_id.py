"""GB 11643-1999: the citizen identification number (公民身份号码), 18 characters.

Readers are strict; :func:`normalise_resident_id` is for what people type. Whether the division existed on the day of birth is data of
GB/T 2260 and not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from standards.errors import MalformedError

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS: Final = "10X98765432"
LENGTH: Final = 18


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A number whose check character and date hold. Its repr hides the number: it identifies a person."""

    text: str
    division: str  # characters 1..6, GB/T 2260
    born_on: date
    sequence: str  # characters 15..17

    def __repr__(self) -> str:
        return "ResidentId(...)"


def compute_check_character(body: str) -> str:
    """The 18th character for the first 17 digits (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def normalise_resident_id(typed: str) -> str:
    """What a person typed, without surrounding blanks and with a capital X."""
    return typed.strip().upper()


def read_resident_id(text: str) -> ResidentId:
    """Read a number strictly.

    Raises :class:`MalformedError` ``RESIDENT_ID_LENGTH``, ``RESIDENT_ID_CHARACTER``, ``RESIDENT_ID_CHECK`` or ``RESIDENT_ID_DATE``; the
    number itself is never part of the facts.
    """
    if len(text) != LENGTH:
        raise MalformedError("RESIDENT_ID_LENGTH", expected=LENGTH, found=len(text))
    body, check = text[:17], text[17]
    if not (body.isascii() and body.isdecimal() and check in CHECK_CHARACTERS):
        raise MalformedError("RESIDENT_ID_CHARACTER")
    if compute_check_character(body) != check:
        raise MalformedError("RESIDENT_ID_CHECK")
    try:
        born_on = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise MalformedError("RESIDENT_ID_DATE") from None
    return ResidentId(text, text[:6], born_on, text[14:17])
