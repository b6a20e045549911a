"""The order in which places of a status list are given out: a secret permutation, so that an index tells nothing of when it was given.

Allotments are numbered by the database; the number becomes list and index by a Feistel network over 20 bits (HMAC-SM3 as its round
function), walked until it lands among the list's entries. So no place is ever given twice, none has to be looked for, and nobody waits
for anybody: what two allotments share is the database's counter, which holds no lock.
"""

from __future__ import annotations

from typing import Final

from crypto.sm3 import hmac_sm3

ENTRIES: Final = 1_000_000  # of one list
_HALF_BITS: Final = 10
_MASK: Final = (1 << _HALF_BITS) - 1
_ROUNDS: Final = 8


def place_of(position: int, key: bytes) -> tuple[int, int]:
    """(list number from 1, index) of an allotment. ``position`` from 1; ``key``: 32 secret bytes."""
    if position < 1:
        raise ValueError(position)
    number, inner = divmod(position - 1, ENTRIES)
    list_number = number + 1
    value = _permute(list_number, inner, key)
    while value >= ENTRIES:
        value = _permute(list_number, value, key)
    return list_number, value


def _permute(list_number: int, value: int, key: bytes) -> int:
    left, right = value >> _HALF_BITS, value & _MASK
    for number in range(_ROUNDS):
        mixed = hmac_sm3(key, b"%d:%d:%d" % (list_number, number, right))
        left, right = right, left ^ int.from_bytes(mixed[:2], "big") & _MASK
    return left << _HALF_BITS | right
