"""ICAO Doc 9303: numbers of travel documents are capital letters and digits, so a number has one spelling however it was typed. Numbers of other
documents (identity cards, credit codes) keep to the same letters.
"""

from __future__ import annotations

import string
import unicodedata
from typing import Final

_CAPITALS: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def number_as_printed(number: str) -> str:
    """Of wide letters and digits the plain ones, and A to Z for a to z. No other letter becomes one of these: what Unicode makes capitals of would let
    two numbers be one.
    """
    return unicodedata.normalize("NFKC", number).translate(_CAPITALS)
