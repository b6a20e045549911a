"""Base45 (RFC 9285): bytes as the 45 characters that a QR code packs tightest, two bytes in three characters."""

from __future__ import annotations

from typing import Final

from standards.errors import MalformedError

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"  # table 1
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_BASE: Final = 45
_PAIRS: Final = [second + third for third in ALPHABET for second in ALPHABET]


def encode(data: bytes) -> str:
    """The text of any bytes (section 4)."""
    out: list[str] = []
    for high, low in zip(data[:-1:2], data[1::2], strict=True):
        rest, first = divmod(high << 8 | low, _BASE)
        out += (ALPHABET[first], _PAIRS[rest])
    if len(data) % 2:
        second, first = divmod(data[-1], _BASE)
        out += (ALPHABET[first], ALPHABET[second])
    return "".join(out)


def decode(text: str) -> bytes:
    """The bytes of a text (section 4).

    :raises MalformedError: ``BASE45_MALFORMED`` (a character outside the alphabet, a length that no bytes have, a group over its range).
    """
    if len(text) % 3 == 1:
        raise MalformedError("BASE45_MALFORMED", reason="length", length=len(text))
    values = []
    for at, character in enumerate(text):
        value = _VALUES.get(character)
        if value is None:
            raise MalformedError("BASE45_MALFORMED", reason="character", at=at)
        values.append(value)
    out = bytearray()
    for at in range(0, len(values), 3):
        group = values[at : at + 3]
        number = sum(value * _BASE**power for power, value in enumerate(group))
        length = len(group) - 1
        if number >> 8 * length:
            raise MalformedError("BASE45_MALFORMED", reason="range", at=at)
        out += number.to_bytes(length, "big")
    return bytes(out)
