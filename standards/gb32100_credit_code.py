"""GB 32100-2015: the unified social credit code (统一社会信用代码), 18 characters, and the GB 11714 organisation code inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from standards.errors import MalformedError

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z
WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
LENGTH: Final = 18

_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A credit code that passed its check. ``is_organisation_code_sound`` tells whether the inner GB 11714 check holds as well."""

    text: str
    registration_department: str  # character 1
    category: str  # character 2
    division: str  # characters 3..8, GB/T 2260
    organisation_code: str  # characters 9..17, GB 11714
    is_organisation_code_sound: bool


def compute_check_character(body: str) -> str:
    """The 18th character for the first 17, which must be of the alphabet."""
    total = sum(_VALUE[character] * weight for character, weight in zip(body, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def compute_organisation_check(body: str) -> str:
    """The GB 11714 check character for eight digits or capital letters: 10 is written X, 11 is written 0."""
    total = sum(int(character, 36) * weight for character, weight in zip(body, ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def read_credit_code(text: str) -> CreditCode:
    """Read a credit code strictly: upper case, no blanks.

    Raises :class:`MalformedError` ``CREDIT_CODE_LENGTH``, ``CREDIT_CODE_CHARACTER``, ``CREDIT_CODE_DIVISION`` or ``CREDIT_CODE_CHECK``.
    """
    if len(text) != LENGTH:
        raise MalformedError("CREDIT_CODE_LENGTH", expected=LENGTH, found=len(text))
    for position, character in enumerate(text, 1):
        if character not in _VALUE:
            raise MalformedError("CREDIT_CODE_CHARACTER", position=position)
    division = text[2:8]
    if not division.isdecimal():
        raise MalformedError("CREDIT_CODE_DIVISION", found=division)
    if compute_check_character(text[:17]) != text[17]:
        raise MalformedError("CREDIT_CODE_CHECK")
    return CreditCode(text, text[0], text[1], division, text[8:17], compute_organisation_check(text[8:16]) == text[16])


def is_credit_code(text: str) -> bool:
    """Whether ``text`` is a credit code by its check character."""
    try:
        read_credit_code(text)
    except MalformedError:
        return False
    return True
