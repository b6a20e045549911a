"""From a row of a batch to the order of a licence: columns by their names, in English, in Chinese, or by the items of the type."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Final

from licence_vault.actions.issue_licence import LicenceOrder
from licence_vault.errors import content_unacceptable
from licence_vault.model import Holder
from licence_vault.row_files import NO_END
from standards.errors import MalformedError
from standards.gbt36903_metadata import HOLDER_CODE_TYPES, read_date

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from licence_vault.type_rules.definition import TypeDefinition

CHINESE: Final = {
    "持证主体": "holder_name",
    "持证主体代码": "holder_code",
    "持证主体代码类型": "holder_code_type",
    "有效期起始日期": "valid_from",
    "有效期截止日期": "valid_to",
    "颁发日期": "issued_on",
    "证照编号": "number",
    "证照名称": "name",
    "行政区划代码": "area_code",
}
_HOLDER: Final = re.compile(r"holder_(name|code|code_type)(?:_([2-9]|[12][0-9]|3[0-2]))?")
_FURTHER: Final = re.compile("(持证主体(?:代码(?:类型)?)?)(_[0-9]+)")
_END: Final = "valid_to"
_DAYS: Final = frozenset({"valid_from", _END, "issued_on"})
_TEXTS: Final = frozenset({"number", "name", "area_code"})
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE_TYPE_NAMES: Final = {line.name_zh: code for code, line in HOLDER_CODE_TYPES.items()}


def order_of_row(
    definition: TypeDefinition, issuer_code: str, forms: tuple[str, ...], cells: Mapping[str, str], *, columns: Sequence[str] = ()
) -> LicenceOrder:
    """The order. TrustError LICENCE_CONTENT_UNACCEPTABLE names the column that cannot be read; its value is not repeated.

    A column that is unknown is named by its place among ``columns``: in a file without a line of names, "names" are what the first row says. What stands
    in a row under two names is refused: of two holders nobody could tell whose licence it is.
    """
    names = Counter(item.name for item in definition.items)
    items = {item.name: item.key for item in definition.items if names[item.name] == 1} | {item.key: item.key for item in definition.items}
    holders: dict[int, dict[str, str]] = {}
    days: dict[str, date | None] = {}
    texts: dict[str, str] = {}
    fields: dict[str, str] = {}
    read: set[str] = set()
    for column, cell in cells.items():
        name = _english(column)
        holder = _HOLDER.fullmatch(name)
        if holder is None and name not in _DAYS | _TEXTS:
            name = items.get(name, "")
        if name in read:
            raise content_unacceptable(name, "in one column only")
        read.add(name)
        if holder is not None:
            holders.setdefault(int(holder[2] or 1), {})[holder[1]] = cell
        elif name in _DAYS:
            days[name] = _read_day(name, cell)
        elif name in _TEXTS:
            texts[name] = cell
        elif name:
            fields[name] = cell
        else:
            place = f"column {columns.index(column) + 1}" if column in columns else "column"
            raise content_unacceptable(place, "not a column of this type")
    first = days.get("valid_from")
    if first is None:
        raise content_unacceptable("valid_from", "required")
    if _END not in days:
        raise content_unacceptable(_END, f"required, {NO_END} for no end")
    return LicenceOrder(
        type_code=definition.code,
        issuer_code=issuer_code,
        holders=tuple(_holder(place, holders[place]) for place in sorted(holders)),
        fields=fields,
        valid_from=first,
        valid_to=days[_END],
        issued_on=days.get("issued_on"),
        forms=forms,
        **texts,
    )


def holder_codes_of(cells: Mapping[str, str]) -> list[tuple[str, str]]:
    """Code type and code of each holder that a row names, the first one first; what it does not say is empty. Whatever else of it cannot be read."""
    holders: dict[int, dict[str, str]] = {}
    for column, cell in cells.items():
        holder = _HOLDER.fullmatch(_english(column))
        if holder is not None:
            holders.setdefault(int(holder[2] or 1), {}).setdefault(holder[1], cell)
    found = []
    for _, members in sorted(holders.items()):
        code_type = members.get("code_type", "")
        found.append((_CODE_TYPE_NAMES.get(code_type, code_type), members.get("code", "")))
    return found


def _english(column: str) -> str:
    """The English name of a column; what has none stays as it is."""
    further = _FURTHER.fullmatch(column)
    return CHINESE.get(column, column) if further is None else CHINESE[further[1]] + further[2]


def _holder(place: int, members: Mapping[str, str]) -> Holder:
    for name in ("name", "code", "code_type"):
        if name not in members:
            raise content_unacceptable(f"holder_{name}" + (f"_{place}" if place > 1 else ""), "required")
    code_type = members["code_type"]
    return Holder(members["name"], members["code"], _CODE_TYPE_NAMES.get(code_type, code_type))


def _read_day(name: str, cell: str) -> date | None:
    """A day; None for an end that there is none of."""
    try:
        day = date.fromisoformat(cell) if _DAY.fullmatch(cell) else read_date(cell)
    except (ValueError, MalformedError):
        day = None
    if day is None and (name != _END or cell != NO_END):
        if name == _END:
            raise content_unacceptable(name, f"YYYY-MM-DD, YYYYMMDD or {NO_END}")
        raise content_unacceptable(name, "YYYY-MM-DD or YYYYMMDD")
    return day
