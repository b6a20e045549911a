"""Reading the upstream's record of a person or organisation by the maps of its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from idp.connectors.protocol import refused
from idp.model.people import ATTRIBUTE_CHARACTERS_MAX, NAME_CHARACTERS_MAX
from idp.model.requests import Identity
from standards.errors import MalformedError
from standards.gb11643_resident_id import normalise_resident_id, read_resident_id
from standards.gb32100_credit_code import read_credit_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.connectors.settings import ConnectorSettings

SUBJECT_CHARACTERS_MAX: Final = 255
_OWN: Final = frozenset({"subject", "name", "id_type", "id_number", "kind", "level"})


def read_identity(settings: ConnectorSettings, record: Mapping[str, Any], at: datetime, *, weak: tuple[str, ...] = ()) -> Identity:
    """The identity the record speaks of. ``weak``: what of the upstream's scheme is too weak to be relied on, kept as evidence of level 0."""
    # 1. subject and name, without which there is nobody
    subject, name = _value(settings, record, "subject"), _value(settings, record, "name")
    if not subject or len(subject) > SUBJECT_CHARACTERS_MAX or not subject.isprintable():
        raise refused("subject")
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise refused("name")
    # 2. person or organisation: as the upstream says where it says it
    kind: Literal["person", "organisation"] = settings.kind
    stated = _value(settings, record, "kind")
    if stated:
        mapped = settings.kinds.get(stated)
        if mapped is None:
            raise refused("kind")
        kind = "organisation" if mapped == "organisation" else "person"
    # 3. the level by the map; what is not in the map is not a level
    level = settings.levels.get(_value(settings, record, "level"), 0)
    # 4. number with its type; a number of no known type is left out, one that contradicts its type refuses the whole record
    id_type = settings.id_types.get(_value(settings, record, "id_type"))
    id_number = _checked(id_type, _value(settings, record, "id_number")) if id_type else ""
    attributes = {
        key: value[:ATTRIBUTE_CHARACTERS_MAX] for key in settings.fields if key not in _OWN and (value := _value(settings, record, key))
    }
    evidence = (
        (f"upstream.{settings.protocol.value}", settings.name, level, at),
        *((f"weak.{reason}", settings.name, 0, at) for reason in weak),
    )
    return Identity(kind, settings.name, subject, name, id_type if id_number else None, id_number or None, level, evidence, attributes)


def _checked(id_type: str, number: str) -> str:
    if not number:
        return ""
    try:
        if id_type == "resident_id":
            number = normalise_resident_id(number)
            read_resident_id(number)
        elif id_type == "credit_code":
            read_credit_code(number)
    except MalformedError:
        raise refused("id-number") from None
    if len(number) > ATTRIBUTE_CHARACTERS_MAX or not number.isprintable():
        raise refused("id-number")
    return number


def _value(settings: ConnectorSettings, record: Mapping[str, Any], name: str) -> str:
    found: Any = record
    for member in settings.fields.get(name, "").split("."):
        found = found.get(member) if isinstance(found, dict) else None
    if isinstance(found, list) and len(found) == 1:  # CAS gives every attribute as a list
        found = found[0]
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found).strip()
