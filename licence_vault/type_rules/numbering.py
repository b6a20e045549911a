"""The numbering rule of a type: how printed numbers are made, such as ``蒙示字〔{year}〕第{serial:6}号``."""

from __future__ import annotations

import re
from typing import Final

from licence_vault.limits import SERIAL_WIDTH_MAX

_PIECE: Final = re.compile(r"\{(year|area|serial:([0-9]{1,2}))\}")


def is_numbering_rule(rule: str) -> bool:
    """Whether a rule has exactly one running number, of 1 to 12 digits, and nothing in braces that is not known."""
    serials = [int(found[2]) for found in _PIECE.finditer(rule) if found[2]]
    rest = _PIECE.sub("", rule)
    return len(serials) == 1 and 1 <= serials[0] <= SERIAL_WIDTH_MAX and "{" not in rest and "}" not in rest


def series_of(rule: str, *, year: int, area_code: str) -> str:
    """What a running number counts within: the rule with year and area filled in, so that each year begins anew where it is printed."""
    return _PIECE.sub(lambda found: {"year": str(year), "area": area_code}.get(found[1], found[0]), rule)


def write_printed_number(series: str, serial: int) -> str:
    """The printed number of a series; a running number that has outgrown its width is written in full."""
    return _PIECE.sub(lambda found: f"{serial:0{int(found[2])}d}", series)


def longest_number(rule: str, *, year: int, area_code: str) -> str:
    """The widest printed number of a series as long as its running number has not outgrown its width."""
    series = series_of(rule, year=year, area_code=area_code)
    return _PIECE.sub(lambda found: "0" * int(found[2]), series)
