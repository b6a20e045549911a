"""A field map: under which name of the region's which item of a licence or a licence type is reported. Data, read strictly, versioned.

The region's interface is not public. So a map says nothing but names, spellings and codes; what is behind a source stands here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from licence_vault.life import LICENCE_LIFE, LicenceState
from licence_vault.report_errors import field_map_malformed
from licence_vault.reporting import limits
from standards.gbt36902_catalogue import HolderCategory
from standards.gbt36904_licence_number import is_type_code
from standards.rfc7493_i_json import StrictJsonError, read_strict_object
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FORMAT: Final = 1
DEFAULT: Final = "gbt36903.json"
ALL_TYPES: Final = "*"
CONSTANT: Final = "constant"
DATES: Final = {"YYYYMMDD": "%Y%m%d", "YYYY-MM-DD": "%Y-%m-%d"}
LICENCE_SOURCES: Final = frozenset(
    {
        *("identifier", "name", "type.name", "type.code", "type.version", "number", "version", "issuer.name", "issuer.code", "issued_on"),
        *("authority.name", "authority.code", "valid_from", "valid_to", "validity_ranges", "area_code"),
        *("holders.name", "holders.code", "holders.code_type", "holders.code_type_name", "related_items.name", "related_items.code"),
        *("fields", "event.name", "event.at", "event.reason", "operation", "status.code", "status.name", "predecessor", "commitment"),
    }
)
TYPE_SOURCES: Final = frozenset(
    {
        *("name", "code", "version", "state", "written_at", "standard", "authority.name", "authority.code", "authority.level"),
        *("issuing.level", "related_items.name", "related_items.code", "holder_category", "validity_ranges", "catalogue_class"),
    }
)
ERASURE_SOURCES: Final = frozenset({"identifier", "version", "type.code", "issuer.code", "area_code", "event.at"})  # nothing of a person
NEEDED_OF_LICENCES: Final = frozenset({"identifier", "status.code"})
NEEDED_OF_TYPES: Final = frozenset({"code", "state"})
_CHAPTERS: Final = {"format", "name", "version", "dates", "no_end", "joined_by", "licence", "type"}
_FURTHER: Final = {"status_codes", "operations", "holder_categories"}
_COLUMN: Final = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{limits.COLUMN_CHARACTERS - 1}}}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VERSION_MAX: Final = 10**9
_STEPS: Final = {step.name: step for step in LICENCE_LIFE}


@dataclass(frozen=True, slots=True)
class Constant:
    """A column that always says the same."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One version of a map. ``licence``, ``type``: column -> source or constant; ``dates``: as strftime has it; ``no_end``: what stands for
    no last day; ``status_codes``: by type code, or ``*``, before what the type itself says; ``operations``: operateType by step.
    """

    name: str
    version: int
    dates: str
    no_end: str
    joined_by: str
    licence: Mapping[str, str | Constant]
    type: Mapping[str, str | Constant]
    status_codes: Mapping[str, Mapping[LicenceState, str]]
    operations: Mapping[str, str]
    holder_categories: Mapping[HolderCategory, str]

    @property
    def label(self) -> str:
        """Name and version, for the records."""
        return f"{self.name}/{self.version}"

    def status_code(self, type_code: str, state: LicenceState, otherwise: str) -> str:
        """What the region calls a state of a licence of a type; ``otherwise``: where the map says nothing."""
        for table in (type_code, ALL_TYPES):
            code = self.status_codes.get(table, {}).get(state)
            if code is not None:
                return code
        return otherwise

    def operation(self, step: str) -> str:
        """What the region calls a step of a name; empty where it knows no such thing and is not told of it."""
        known = _STEPS.get(step)
        return self.operations.get(step, "" if known is None else known.operation)


def default_map() -> FieldMap:
    """The column names of GB/T 36903 and 36902 as deployed programs spell them, with the codes that each type has for its states."""
    return read_field_map((files("licence_vault.reporting") / "field_maps" / DEFAULT).read_bytes())


def read_field_map(data: bytes) -> FieldMap:
    """The map in a file. Raises LICENCE_FIELD_MAP_MALFORMED (place and rule)."""
    if len(data) > limits.FIELD_MAP_BYTES:
        raise field_map_malformed("$", f"at most {limits.FIELD_MAP_BYTES} bytes")
    try:
        value = read_strict_object(data)
    except StrictJsonError:
        raise field_map_malformed("$", "JSON") from None
    whole = _object(value, "$", _CHAPTERS | _FURTHER, needed=_CHAPTERS)
    if type(whole["format"]) is not int or whole["format"] != FORMAT:
        raise field_map_malformed("$.format", str(FORMAT))
    if not isinstance(whole["name"], str) or not _NAME.fullmatch(whole["name"]):
        raise field_map_malformed("$.name", _NAME.pattern)
    if type(whole["version"]) is not int or not 1 <= whole["version"] <= _VERSION_MAX:
        raise field_map_malformed("$.version", f"an integer from 1 to {_VERSION_MAX}")
    if not isinstance(whole["dates"], str) or whole["dates"] not in DATES:
        raise field_map_malformed("$.dates", "one of " + ", ".join(DATES))
    return FieldMap(
        name=whole["name"],
        version=whole["version"],
        dates=DATES[whole["dates"]],
        no_end=_text(whole["no_end"], "$.no_end"),
        joined_by=_text(whole["joined_by"], "$.joined_by"),
        licence=_columns(whole["licence"], "$.licence", LICENCE_SOURCES, NEEDED_OF_LICENCES),
        type=_columns(whole["type"], "$.type", TYPE_SOURCES, NEEDED_OF_TYPES),
        status_codes=_status_codes(whole.get("status_codes", {})),
        operations=_codes(whole.get("operations", {}), "$.operations", _STEPS, may_be_empty=True),
        holder_categories={
            HolderCategory(name): code
            for name, code in _codes(whole.get("holder_categories", {}), "$.holder_categories", set(HolderCategory)).items()
        },
    )


def _columns(value: object, place: str, sources: frozenset[str], needed: frozenset[str]) -> dict[str, str | Constant]:
    if not isinstance(value, dict) or len(value) > limits.COLUMNS:
        raise field_map_malformed(place, f"an object of at most {limits.COLUMNS} columns")
    columns: dict[str, str | Constant] = {}
    for column, source in value.items():
        if not _COLUMN.fullmatch(column):
            raise field_map_malformed(place, f"columns of the form {_COLUMN.pattern}")
        if isinstance(source, dict):
            columns[column] = Constant(_text(_object(source, f"{place}.{column}", {CONSTANT})[CONSTANT], f"{place}.{column}"))
        elif isinstance(source, str) and source in sources:
            columns[column] = source
        else:
            raise field_map_malformed(f"{place}.{column}", "a source, or a constant")
    lacking = needed - {source for source in columns.values() if isinstance(source, str)}
    if lacking:
        raise field_map_malformed(place, f"a column for {min(lacking)}")
    return columns


def _status_codes(value: object) -> dict[str, dict[LicenceState, str]]:
    if not isinstance(value, dict) or len(value) > limits.CODED_TYPES:
        raise field_map_malformed("$.status_codes", f"an object of at most {limits.CODED_TYPES} types")
    tables = {}
    for type_code, table in value.items():
        if type_code != ALL_TYPES and not is_type_code(type_code):
            raise field_map_malformed("$.status_codes", f"codes of licence types, or {ALL_TYPES}")
        place = f"$.status_codes.{type_code}"
        tables[type_code] = {LicenceState(state): code for state, code in _codes(table, place, set(LicenceState)).items()}
    return tables


def _codes(value: object, place: str, names: Collection[str], *, may_be_empty: bool = False) -> dict[str, str]:
    table = _object(value, place, set(names), needed=set())
    for name, code in table.items():
        text = _text(code, f"{place}.{name}")
        if not (text or may_be_empty):
            raise field_map_malformed(f"{place}.{name}", "a code")
    return table


def _object(value: object, place: str, known: set[str], *, needed: set[str] | None = None) -> dict[str, Any]:
    wanted = known if needed is None else needed
    if not isinstance(value, dict) or not wanted <= value.keys() <= known:
        raise field_map_malformed(place, "the members it has, and no others")
    return value


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or len(value) > limits.CODE_CHARACTERS or not is_plain_text(value):
        raise field_map_malformed(place, f"a text of one line, of at most {limits.CODE_CHARACTERS} characters")
    return value
