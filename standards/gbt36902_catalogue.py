"""GB/T 36902-2018: the catalogue of electronic licences (电子证照目录信息): what describes a licence type."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from standards.errors import MalformedError

ITEM_CODE_CHARACTERS_MAX: Final = 32
JOINED_BY: Final = "^"
NO_END: Final = "长期"
RANGES_MAX: Final = 16  # own limit: the longest list seen has six
_SPAN: Final = re.compile(r"([1-9][0-9]{0,2})(天|月|年)")
_MONTHS_IN_A_YEAR: Final = 12


class AuthorityLevel(StrEnum):
    """Level of the authority that defines or issues (证照定义机构级别, 证照颁发机构级别)."""

    STATE = "1"
    PROVINCE = "2"
    CITY = "3"
    COUNTY = "4"
    OTHER = "5"
    TOWNSHIP = "6"  # of issuing authorities only


LEVEL_NAMES: Final = {
    AuthorityLevel.STATE: "国家级",
    AuthorityLevel.PROVINCE: "省部级",
    AuthorityLevel.CITY: "地市级",
    AuthorityLevel.COUNTY: "区县级",
    AuthorityLevel.OTHER: "其他",
    AuthorityLevel.TOWNSHIP: "乡镇级",
}


class HolderCategory(StrEnum):
    """Who may hold a licence of the type (持证主体类别). The values are ours: vendors number them differently."""

    PERSON = "person"
    ORGANISATION = "organisation"
    MIXED = "mixed"
    OTHER = "other"


HOLDER_CATEGORY_NAMES: Final = {
    HolderCategory.PERSON: "自然人",
    HolderCategory.ORGANISATION: "法人和其他组织",
    HolderCategory.MIXED: "混合",
    HolderCategory.OTHER: "其他",
}

CATALOGUE_CLASSES: Final = {"1": "证照", "2": "批文", "3": "证明", "4": "材料", "5": "证件"}  # 目录类别, a local item


@dataclass(frozen=True, slots=True)
class ValidityRange:
    """One entry of 有效期限范围: so many days, months or years; ``count`` 0 and ``unit`` 长期 for no end."""

    count: int
    unit: str

    @property
    def has_end(self) -> bool:
        """Whether a licence of this range ends."""
        return self.unit != NO_END

    def text(self) -> str:
        """As the catalogue writes it."""
        return f"{self.count}{self.unit}" if self.has_end else NO_END

    def last_day(self, first: date) -> date | None:
        """The latest last day of a licence that is valid from ``first``: the same day a span later; None without an end.

        The month's last day stands for a day that the month does not have. Beyond the calendar's end it is the calendar's last day.
        """
        if not self.has_end:
            return None
        if self.unit == "天":
            return first + timedelta(days=min(self.count, (date.max - first).days))
        months = first.month - 1 + self.count * (_MONTHS_IN_A_YEAR if self.unit == "年" else 1)
        year, month = first.year + months // _MONTHS_IN_A_YEAR, months % _MONTHS_IN_A_YEAR + 1
        if year > date.max.year:
            return date.max
        return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))


def read_validity_ranges(text: str) -> tuple[ValidityRange, ...]:
    """The list ``1天^1月^1年^长期``. Raises :class:`MalformedError` ``VALIDITY_RANGE``."""
    entries = text.split(JOINED_BY)
    if len(entries) > RANGES_MAX or len(set(entries)) != len(entries):
        raise MalformedError("VALIDITY_RANGE", limit=RANGES_MAX, found=len(entries))
    return tuple(_read_range(entry) for entry in entries)


def _read_range(entry: str) -> ValidityRange:
    if entry == NO_END:
        return ValidityRange(0, NO_END)
    found = _SPAN.fullmatch(entry)
    if found is None:
        raise MalformedError("VALIDITY_RANGE", expected="1天^1月^1年^长期")
    return ValidityRange(int(found[1]), found[2])


def write_validity_ranges(ranges: tuple[ValidityRange, ...]) -> str:
    """The list as the catalogue writes it."""
    return JOINED_BY.join(each.text() for each in ranges)
