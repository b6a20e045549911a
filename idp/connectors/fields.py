"""Reading the upstream's record of a person or organisation by the maps of its settings."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from idp.connectors.protocol import refused
from idp.model.names import one_spelling
from idp.model.people import ATTRIBUTE_CHARACTERS_MAX, NAME_CHARACTERS_MAX
from idp.model.requests import LEVEL_MAX, Identity
from standards.errors import MalformedError
from standards.gb11643_resident_id import normalise_resident_id, read_resident_id
from standards.gb32100_credit_code import read_credit_code
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.connectors.settings import ConnectorSettings

SUBJECT_CHARACTERS_MAX: Final = 255
ORGANISATIONS_MAX: Final = 32  # for which one person acts
WAYS_CHARACTERS_MAX: Final = 2048
BETWEEN_WAYS: Final = "||"
WITHIN_WAY: Final = "@"
_WAY_PARTS: Final = 3  # level, method, number of the proof
_OWN: Final = frozenset({"subject", "name", "id_type", "id_number", "kind", "level", "state"})


def read_identity(settings: ConnectorSettings, record: Mapping[str, Any], at: datetime, *, weak: tuple[str, ...] = ()) -> Identity:
    """The identity the record speaks of. ``weak``: what of the upstream's scheme is too weak to be relied on, kept as evidence of level 0."""
    found = _with_ways(settings, record, _read(settings, settings.fields, record, at, weak), at)
    if found.kind == "person":
        return replace(found, agent_of=_organisations(settings, record, found.level, at))
    return _handler(settings, record, found, at)


def _read(
    settings: ConnectorSettings,
    fields: Mapping[str, str],
    record: Mapping[str, Any],
    at: datetime,
    weak: tuple[str, ...] = (),
) -> Identity:
    # 1. subject and name, without which there is nobody
    subject, name = value_of(fields, record, "subject"), one_spelling(value_of(fields, record, "name"))
    _check_subject(subject)
    if not name or len(name) > NAME_CHARACTERS_MAX or not is_printable(name):
        raise refused("name")
    # 2. person or organisation: as the upstream says where it says it
    kind: Literal["person", "organisation"] = settings.kind
    stated = value_of(fields, record, "kind")
    if stated:
        mapped = settings.kinds.get(stated)
        if mapped is None:
            raise refused("kind")
        kind = "organisation" if mapped == "organisation" else "person"
    # 3. the level by the map; what is not in the map is not a level
    level = settings.levels.get(value_of(fields, record, "level"), 0)
    # 4. number with its type; a number of no known type is left out, one that contradicts its type refuses the whole record
    id_type = settings.id_types.get(value_of(fields, record, "id_type"))
    id_number = _checked(id_type, value_of(fields, record, "id_number")) if id_type else ""
    attributes = {key: value[:ATTRIBUTE_CHARACTERS_MAX] for key in fields if key not in _OWN and (value := value_of(fields, record, key))}
    evidence = (
        (f"upstream.{settings.protocol.value}", settings.name, level, at),
        *((f"weak.{reason}", settings.name, 0, at) for reason in weak),
    )
    return Identity(kind, settings.name, subject, name, id_type if id_number else None, id_number or None, level, evidence, attributes)


def _with_ways(settings: ConnectorSettings, record: Mapping[str, Any], identity: Identity, at: datetime) -> Identity:
    """With how the level came about, where the record lists that: one piece of evidence for each method of the map, the best where it is listed twice.

    No way is worth more than the level that the record states; where the settings read none from it, the best way is the level. Entries of another
    form, and methods that are not in the map, prove nothing.
    """
    if not settings.ways:
        return identity
    text = value_of(settings.ways, record, "list")
    if len(text) > WAYS_CHARACTERS_MAX:
        raise refused("ways")
    most = identity.level if "level" in settings.fields else LEVEL_MAX
    best: dict[str, int] = {}
    for entry in text.split(settings.ways.get("between", BETWEEN_WAYS)):
        parts = [each.strip() for each in entry.split(settings.ways.get("within", WITHIN_WAY))]
        method = settings.way_methods.get(parts[1]) if len(parts) == _WAY_PARTS else None
        if method is not None and parts[0] in settings.levels:
            best[method] = max(best.get(method, 0), min(settings.levels[parts[0]], most))
    ways = tuple((f"upstream.{method}", settings.name, level, at) for method, level in best.items())
    if "level" in settings.fields:
        return replace(identity, evidence=(*identity.evidence, *ways))
    level = max(best.values(), default=0)
    stated = tuple(
        (method, source, level if method.startswith("upstream.") else given, when) for method, source, given, when in identity.evidence
    )
    return replace(identity, level=level, evidence=(*stated, *ways))


def _organisations(settings: ConnectorSettings, record: Mapping[str, Any], level: int, at: datetime) -> tuple[Identity, ...]:
    """The organisations for which the record says the person acts, each at the person's own level."""
    listed = _found(record, settings.agents.get("list", ""))
    if not isinstance(listed, list):
        return ()
    if len(listed) > ORGANISATIONS_MAX:
        raise refused("organisations")
    made = []
    for entry in listed:
        if not isinstance(entry, dict):
            raise refused("organisations")
        subject, name = value_of(settings.agents, entry, "subject"), one_spelling(value_of(settings.agents, entry, "name"))
        _check_subject(subject)
        if not name or len(name) > NAME_CHARACTERS_MAX or not is_printable(name):
            raise refused("organisations")
        number = _checked("credit_code", value_of(settings.agents, entry, "credit_code"))
        evidence = ((f"upstream.{settings.protocol.value}", settings.name, level, at),)
        id_type = "credit_code" if number else None
        made.append(Identity("organisation", settings.name, subject, name, id_type, number or None, level, evidence))
    return tuple(made)


def _handler(settings: ConnectorSettings, record: Mapping[str, Any], organisation: Identity, at: datetime) -> Identity:
    """The person who acts in an organisation's record, where the upstream names one; otherwise the organisation itself.

    The upstream gives such a person no subject of his own: ours is made of the organisation's and a hash of the person's number.
    """
    number = value_of(settings.handler, record, "id_number")
    if not number:
        return organisation
    subject = f"{organisation.subject}#{hashlib.sha256(number.encode()).hexdigest()[:32]}"
    fields = {**settings.handler, "subject": "subject", "kind": ""}
    person = _read(replace(settings, kind="person"), fields, {**record, "subject": subject}, at)
    return replace(person, agent_of=(organisation,))


def _check_subject(subject: str) -> None:
    if not subject or len(subject) > SUBJECT_CHARACTERS_MAX or not subject.isprintable() or subject != subject.strip():
        raise refused("subject")


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


def value_of(fields: Mapping[str, str], record: Mapping[str, Any], name: str) -> str:
    """The text of a value by our name for it; empty where the record holds none."""
    found = _found(record, fields.get(name, ""))
    if isinstance(found, list) and len(found) == 1:  # CAS gives every attribute as a list
        found = found[0]
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found) if name == "subject" else str(found).strip()  # two subjects that differ by a blank are two


def _found(record: Mapping[str, Any], path: str) -> Any:
    found: Any = record
    for member in path.split("."):
        found = found.get(member) if isinstance(found, dict) else None
    return found
