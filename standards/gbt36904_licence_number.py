"""GB/T 36904-2018: the identifier of an electronic licence (电子证照标识), its parts and its check character.

``1.2.156.3005.2 . type code (21) . issuer (18) . serial . version (3) . check (1)``. The check character is ISO/IEC 7064 MOD 37,36 over
type code, issuer, serial and version, without dots and without the root. One family of deployed programs counts letters from 11 instead of
from 10: what it wrote is read as the legacy variant and never written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from standards.errors import MalformedError
from standards.gb32100_credit_code import is_credit_code

ROOT_OID: Final = "1.2.156.3005.2"
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NUMBER_CHARACTERS_MAX: Final = 128  # the column of GB/T 36903 for it
TYPE_CHARACTERS: Final = 21
AUTHORITY_CHARACTERS: Final = 18  # of a credit code: the issuer, and the first part of a type code
AREA_DIGITS: Final = 6  # an area code in the place of the issuer occurs: it is read, never written
SERIAL_CHARACTERS_MIN: Final = 20  # that we write: 36^20 is beyond guessing
SERIAL_CHARACTERS_MAX: Final = 32  # that we write: the longest seen
VERSION_MAX: Final = 999

_ROOT_ARCS: Final = len(ROOT_OID.split("."))
_PARTS: Final = 5
_INDEX: Final = {character: index for index, character in enumerate(ALPHABET)}
_TYPE: Final = re.compile(r"[0-9A-Z]{21}")
_ISSUER: Final = re.compile(r"[0-9A-Z]{18}|[0-9]{6}")
_SERIAL: Final = re.compile(r"[0-9A-Z]+")
_VERSION: Final = re.compile(r"[0-9]{3}")
_WRITTEN_SERIAL: Final = re.compile(rf"[0-9A-Z]{{{SERIAL_CHARACTERS_MIN},{SERIAL_CHARACTERS_MAX}}}")


class NumberVerdict(StrEnum):
    """What a licence number is found to be."""

    VALID = "valid"
    LEGACY_VARIANT = "legacy-variant"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class LicenceNumber:
    """The parts of a number of the right form. ``verdict`` goes by the check character alone.

    ``is_type_authority_sound``, ``is_issuer_sound``: whether the credit codes inside pass their own check (GB 32100); the latter is None
    where an area code stands in the place of the issuer.
    """

    text: str
    type_code: str
    issuer: str
    serial: str
    version: str
    check: str
    verdict: NumberVerdict
    is_type_authority_sound: bool
    is_issuer_sound: bool | None


@dataclass(frozen=True, slots=True)
class NumberFindings:
    """The verdict on any text. ``number`` is None, and ``malformed`` names the rule, where the text has not the form of a number."""

    verdict: NumberVerdict
    number: LicenceNumber | None
    malformed: str | None


def compute_check_character(body: str) -> str:
    """The check character (ISO/IEC 7064 MOD 37,36) of type code, issuer, serial and version in one string of ``0-9A-Z``."""
    product = 36
    for character in body:
        total = (product + _INDEX[character]) % 36 or 36
        product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


def compute_legacy_check_character(body: str) -> str:
    """What the deployed legacy routine makes of the same string, rule by rule as it was found. Only for reading."""
    product = 36
    for character in body:
        is_letter = character > "9"
        total = product + _INDEX[character] + is_letter
        if is_letter and total > 37:
            total %= 37
        if not is_letter and total > 36:
            total %= 36
        product = (total % 36 or 36) * 2 % 37
    return ALPHABET[36 - product]


def read_licence_number(text: str) -> LicenceNumber:
    """Take a number apart, strictly: root, five parts, capital letters, no blanks. A wrong check character is a verdict, not an error.

    Raises :class:`MalformedError` ``LICENCE_NUMBER_LENGTH``, ``_ROOT``, ``_PARTS``, ``_TYPE``, ``_ISSUER``, ``_SERIAL``, ``_VERSION`` or
    ``_CHECK`` (the last where that part is no single character of the alphabet).
    """
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise MalformedError("LICENCE_NUMBER_LENGTH", limit=NUMBER_CHARACTERS_MAX, found=len(text))
    arcs = text.split(".")
    if ".".join(arcs[:_ROOT_ARCS]) != ROOT_OID:
        raise MalformedError("LICENCE_NUMBER_ROOT", expected=ROOT_OID)
    parts = arcs[_ROOT_ARCS:]
    if len(parts) != _PARTS:
        raise MalformedError("LICENCE_NUMBER_PARTS", expected=_PARTS, found=len(parts))
    type_code, issuer, serial, version, check = parts
    if not _TYPE.fullmatch(type_code):
        raise MalformedError("LICENCE_NUMBER_TYPE", expected=TYPE_CHARACTERS, found=len(type_code))
    if not _ISSUER.fullmatch(issuer):
        raise MalformedError("LICENCE_NUMBER_ISSUER", expected=AUTHORITY_CHARACTERS, found=len(issuer))
    if not _SERIAL.fullmatch(serial):
        raise MalformedError("LICENCE_NUMBER_SERIAL", found=len(serial))
    if not _VERSION.fullmatch(version) or version == "000":
        raise MalformedError("LICENCE_NUMBER_VERSION")
    if check not in _INDEX:
        raise MalformedError("LICENCE_NUMBER_CHECK")
    body = type_code + issuer + serial + version
    if check == compute_check_character(body):
        verdict = NumberVerdict.VALID
    elif check == compute_legacy_check_character(body):
        verdict = NumberVerdict.LEGACY_VARIANT
    else:
        verdict = NumberVerdict.INVALID
    return LicenceNumber(
        text=text,
        type_code=type_code,
        issuer=issuer,
        serial=serial,
        version=version,
        check=check,
        verdict=verdict,
        is_type_authority_sound=is_credit_code(type_code[:AUTHORITY_CHARACTERS]),
        is_issuer_sound=None if len(issuer) == AREA_DIGITS else is_credit_code(issuer),
    )


def examine_licence_number(text: str) -> NumberFindings:
    """The verdict on any text; never raises."""
    try:
        number = read_licence_number(text)
    except MalformedError as error:
        return NumberFindings(NumberVerdict.INVALID, None, error.code)
    return NumberFindings(number.verdict, number, None)


def is_type_code(text: str) -> bool:
    """Whether a text may be written as a type code: a sound credit code of the defining authority and three digits."""
    return (
        len(text) == TYPE_CHARACTERS
        and is_credit_code(text[:AUTHORITY_CHARACTERS])
        and _VERSION.fullmatch(text[AUTHORITY_CHARACTERS:]) is not None
    )


def write_licence_number(type_code: str, issuer: str, serial: str, version: int) -> str:
    """A number as we issue it: sound credit codes, a serial of 20 to 32 characters ``0-9A-Z``, the strict check character.

    Raises :class:`MalformedError` ``LICENCE_NUMBER_TYPE``, ``_ISSUER``, ``_SERIAL`` or ``_VERSION``.
    """
    if not is_type_code(type_code):
        raise MalformedError("LICENCE_NUMBER_TYPE", expected=TYPE_CHARACTERS, found=len(type_code))
    if not is_credit_code(issuer):
        raise MalformedError("LICENCE_NUMBER_ISSUER", expected=AUTHORITY_CHARACTERS, found=len(issuer))
    if not _WRITTEN_SERIAL.fullmatch(serial):
        raise MalformedError("LICENCE_NUMBER_SERIAL", found=len(serial))
    if not 1 <= version <= VERSION_MAX:
        raise MalformedError("LICENCE_NUMBER_VERSION", found=version)
    parts = (type_code, issuer, serial, f"{version:03d}")
    return ".".join((ROOT_OID, *parts, compute_check_character("".join(parts))))
