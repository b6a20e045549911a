"""What one report says: the items that a field map names, under the names it gives them. Pure, and the same for the same event and map.

Of a licence whose content was erased meanwhile its numbers, days and state are still told, and nothing that was in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from licence_vault.life import EVENT_NAMES, LicenceState
from licence_vault.model import write_canonical
from licence_vault.reporting.field_map import ERASURE_SOURCES, Constant
from standards.gbt7408_times import CHINA
from standards.gbt36902_catalogue import HOLDER_CATEGORY_NAMES
from standards.gbt36903_metadata import HOLDER_CODE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from licence_vault.model import LicenceData
    from licence_vault.register import EventRecord, LicenceRecord, TypeVersion
    from licence_vault.reporting.field_map import FieldMap
    from licence_vault.type_rules.definition import TypeDefinition


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event with all that may be said of it. ``data``: None once that was erased; ``predecessor``: identifier of the version before."""

    record: LicenceRecord
    event: EventRecord
    definition: TypeDefinition
    data: LicenceData | None
    predecessor: str | None


def map_licence(fields: FieldMap, told: ToldEvent) -> bytes:
    """The record of an event, as canonical JSON. What is not known is left out."""
    return _write(fields.licence, _licence_values(fields, told))


def map_erasure(fields: FieldMap, record: LicenceRecord, at: datetime) -> bytes:
    """Which licence it was whose content was erased, and when (aware UTC), in the columns that licences have for it, as canonical JSON."""
    columns = {column: source for column, source in fields.licence.items() if source in ERASURE_SOURCES}
    values = {
        "identifier": record.identifier,
        "version": f"{record.version:03d}",
        "type.code": record.type_code,
        "issuer.code": record.issuer_code,
        "area_code": record.area_code,
        "event.at": _time(at),
    }
    return _write(columns, values)


def map_type(fields: FieldMap, version: TypeVersion, definition: TypeDefinition, state: str) -> bytes:
    """The record of a version of a type that came to ``state``, as canonical JSON."""
    return _write(fields.type, _type_values(fields, version, definition, state))


def _write(columns: Mapping[str, str | Constant], values: Mapping[str, Any]) -> bytes:
    named = {column: source.text if isinstance(source, Constant) else values[source] for column, source in columns.items()}
    return write_canonical({column: value for column, value in named.items() if value is not None})


def _licence_values(fields: FieldMap, told: ToldEvent) -> dict[str, Any]:
    record, event, definition, data = told.record, told.event, told.definition, told.data
    state = LicenceState(event.to_state)
    codes, catalogue, join = definition.codes_of(state), definition.catalogue, fields.joined_by.join
    holders = None if data is None else data.holders
    return {
        "identifier": record.identifier,
        "version": f"{record.version:03d}",
        "type.name": definition.name,
        "type.code": record.type_code,
        "type.version": str(record.type_version),
        "issuer.code": record.issuer_code,
        "issued_on": _day(fields, record.issued_on),
        "valid_from": _day(fields, record.valid_from),
        "valid_to": fields.no_end if record.valid_to is None else _day(fields, record.valid_to),
        "area_code": record.area_code,
        "commitment": record.commitment.hex(),
        "authority.name": catalogue.authority_name,
        "authority.code": catalogue.authority_code,
        "validity_ranges": join(each.text() for each in catalogue.validity_ranges),
        "related_items.name": join(each.name for each in catalogue.related_items) or None,
        "related_items.code": join(each.code for each in catalogue.related_items) or None,
        "event.name": EVENT_NAMES[event.event],
        "event.at": _time(event.at),
        "event.reason": event.reason or None,
        "operation": fields.operation(event.step),
        "status.code": fields.status_code(record.type_code, state, codes.region),
        "status.name": codes.name_zh,
        "predecessor": told.predecessor,
        "name": None if data is None else data.name,
        "number": None if data is None else data.number,
        "issuer.name": None if data is None else data.issuer.name,
        "fields": None if data is None else dict(data.fields),
        "holders.name": None if holders is None else join(each.name for each in holders),
        "holders.code": None if holders is None else join(each.code for each in holders),
        "holders.code_type": None if holders is None else join(each.code_type for each in holders),
        "holders.code_type_name": None if holders is None else join(HOLDER_CODE_TYPES[each.code_type].name_zh for each in holders),
    }


def _type_values(fields: FieldMap, version: TypeVersion, definition: TypeDefinition, state: str) -> dict[str, Any]:
    catalogue, join = definition.catalogue, fields.joined_by.join
    category = catalogue.holder_category
    return {
        "name": definition.name,
        "code": version.code,
        "version": str(version.version),
        "state": state,
        "written_at": _time(version.written_at),
        "standard": definition.standard or None,
        "authority.name": catalogue.authority_name,
        "authority.code": catalogue.authority_code,
        "authority.level": catalogue.authority_level.value,
        "issuing.level": catalogue.issuing_level.value,
        "related_items.name": join(each.name for each in catalogue.related_items) or None,
        "related_items.code": join(each.code for each in catalogue.related_items) or None,
        "holder_category": fields.holder_categories.get(category, HOLDER_CATEGORY_NAMES[category]),
        "validity_ranges": join(each.text() for each in catalogue.validity_ranges),
        "catalogue_class": catalogue.catalogue_class,
    }


def _day(fields: FieldMap, day: date) -> str:
    return day.strftime(fields.dates)


def _time(at: datetime) -> str:
    """As the region's clocks show it: seconds, China standard time."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")
