"""A licence type from its file, strictly: one JSON object with the chapters of the standard, nothing unknown in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from licence_vault import limits
from licence_vault.errors import type_malformed, type_too_large
from licence_vault.model import FIELD_KEY, LicenceState, StatusCodes
from licence_vault.type_rules.definition import (
    FORMAT,
    Block,
    Catalogue,
    InformationItem,
    ItemKind,
    RelatedItem,
    SealingRule,
    SharingRule,
    TypeDefinition,
)
from licence_vault.type_rules.numbering import is_numbering_rule
from licence_vault.uses import UseMode
from standards.errors import MalformedError, TrustError
from standards.gb32100_credit_code import is_credit_code
from standards.gbt36902_catalogue import CATALOGUE_CLASSES, ITEM_CODE_CHARACTERS_MAX, AuthorityLevel, HolderCategory, read_validity_ranges
from standards.gbt36904_licence_number import AUTHORITY_CHARACTERS, is_type_code
from standards.rfc7493_i_json import StrictJsonError, read_json
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

Choice = TypeVar("Choice", bound="StrEnum")

_CHAPTERS: Final = {"format", "code", "name", "catalogue", "items", "numbering", "face", "sealing", "sharing"}
_FURTHER_CHAPTERS: Final = {"name_mongolian", "standard", "status_codes"}
_NUMBERS: Final = frozenset({ItemKind.INTEGER, ItemKind.DECIMAL})
_PAGE_MOST_MM: Final = 841.0  # A1, the largest face in use
_INTEGER_MOST: Final = 10**15
_PAGES_MAX: Final = 9


def read_definition(data: bytes) -> TypeDefinition:
    """The type in a file. Raises TrustError LICENCE_TYPE_TOO_LARGE, LICENCE_TYPE_MALFORMED (place and rule)."""
    if len(data) > limits.TYPE_FILE_BYTES:
        raise type_too_large(limits.TYPE_FILE_BYTES)
    try:
        value = read_json(data)
    except StrictJsonError:
        raise type_malformed("$", "JSON") from None
    except TrustError:
        raise type_malformed("$", "no member twice in an object") from None
    return definition_of(value)


def definition_of(value: object) -> TypeDefinition:
    """The type in a JSON value; errors as ``read_definition``."""
    # 1. The chapters, and whose type it is.
    whole = _object(value, "$", _CHAPTERS, _FURTHER_CHAPTERS)
    if type(whole["format"]) is not int or whole["format"] != FORMAT:
        raise type_malformed("$.format", str(FORMAT))
    code = _text(whole["code"], "$.code", limits.IDENTIFIER_CHARACTERS)
    if not is_type_code(code):
        raise type_malformed("$.code", "a sound credit code of the defining authority and three digits")
    catalogue = _catalogue(whole["catalogue"])
    if catalogue.authority_code != code[:AUTHORITY_CHARACTERS]:
        raise type_malformed("$.catalogue.authority_code", "as the type code begins")

    # 2. Information items: each key once, the face shows no others (checked where faces are).
    items = tuple(_item(each, f"$.items[{at}]") for at, each in enumerate(_list(whole["items"], "$.items", limits.FIELDS)))
    keys = [item.key for item in items]
    if len(set(keys)) != len(keys):
        raise type_malformed("$.items", "each key once")

    # 3. The rules.
    numbering = _text(whole["numbering"], "$.numbering", limits.RULE_CHARACTERS, may_be_empty=True)
    if numbering and not is_numbering_rule(numbering):
        raise type_malformed("$.numbering", "one {serial:N} with N from 1 to 12; {year} and {area} as wanted")
    face = _object(whole["face"], "$.face", set(), None)
    if len(json.dumps(face)) > limits.FACE_BYTES:
        raise type_malformed("$.face", f"at most {limits.FACE_BYTES} bytes")
    sharing = _sharing(whole["sharing"], frozenset(keys))
    return TypeDefinition(
        code=code,
        name=_text(whole["name"], "$.name", limits.TYPE_NAME_CHARACTERS),
        name_mongolian=_text(whole.get("name_mongolian", ""), "$.name_mongolian", limits.NAME_CHARACTERS, may_be_empty=True),
        standard=_text(whole.get("standard", ""), "$.standard", limits.RULE_CHARACTERS, may_be_empty=True),
        catalogue=catalogue,
        items=items,
        numbering=numbering,
        face=face,
        sealing=_sealing(whole["sealing"]),
        sharing=sharing,
        status_codes=_status_codes(whole.get("status_codes", {})),
        whole=whole,
    )


def write_definition(whole: object) -> bytes:
    """The file of a type, the same bytes for the same content: for storing, comparing and handing on. LICENCE_TYPE_TOO_LARGE where it could
    not be read again.
    """
    file = json.dumps(whole, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode() + b"\n"
    if len(file) > limits.TYPE_FILE_BYTES:
        raise type_too_large(limits.TYPE_FILE_BYTES)
    return file


def _catalogue(value: object) -> Catalogue:
    place = "$.catalogue"
    needed = {"authority_name", "authority_code", "authority_level", "issuing_level", "class", "holder_category", "validity_ranges"}
    whole = _object(value, place, needed, {"related_items"})
    code = _text(whole["authority_code"], f"{place}.authority_code", AUTHORITY_CHARACTERS)
    if not is_credit_code(code):
        raise type_malformed(f"{place}.authority_code", "a credit code")
    if not isinstance(whole["class"], str) or whole["class"] not in CATALOGUE_CLASSES:
        raise type_malformed(f"{place}.class", "one of " + ", ".join(CATALOGUE_CLASSES))
    try:
        ranges = read_validity_ranges(_text(whole["validity_ranges"], f"{place}.validity_ranges", limits.NAME_CHARACTERS))
    except MalformedError as error:
        if error.code != "VALIDITY_RANGE":
            raise
        raise type_malformed(f"{place}.validity_ranges", "like 1年^5年^长期") from None
    related = _list(whole.get("related_items", []), f"{place}.related_items", limits.RELATED_ITEMS)
    return Catalogue(
        authority_name=_text(whole["authority_name"], f"{place}.authority_name", limits.NAME_CHARACTERS),
        authority_code=code,
        authority_level=_choice(AuthorityLevel, whole["authority_level"], f"{place}.authority_level"),
        issuing_level=_choice(AuthorityLevel, whole["issuing_level"], f"{place}.issuing_level"),
        catalogue_class=whole["class"],
        holder_category=_choice(HolderCategory, whole["holder_category"], f"{place}.holder_category"),
        validity_ranges=ranges,
        related_items=tuple(_related(each, f"{place}.related_items[{at}]") for at, each in enumerate(related)),
    )


def _related(value: object, place: str) -> RelatedItem:
    one = _object(value, place, {"name", "code"}, set())
    return RelatedItem(
        _text(one["name"], f"{place}.name", limits.NAME_CHARACTERS), _text(one["code"], f"{place}.code", ITEM_CODE_CHARACTERS_MAX)
    )


def _item(value: object, place: str) -> InformationItem:
    further = {"is_required", "is_personal", "name_mongolian", "characters_max", "choices", "mask", "least", "most"}
    one = _object(value, place, {"key", "block", "name", "kind"}, further)
    key = _text(one["key"], f"{place}.key", limits.FIELD_KEY_CHARACTERS)
    if not FIELD_KEY.fullmatch(key):
        raise type_malformed(f"{place}.key", "a letter, then letters, digits and underscores")
    kind = _choice(ItemKind, one["kind"], f"{place}.kind")
    choices = tuple(
        _text(each, f"{place}.choices[{at}]", limits.NAME_CHARACTERS)
        for at, each in enumerate(_list(one.get("choices", []), f"{place}.choices", limits.CHOICES))
    )
    mask = _text(one.get("mask", ""), f"{place}.mask", limits.RULE_CHARACTERS, may_be_empty=True)
    if bool(choices) != (kind is ItemKind.CHOICE) or len(set(choices)) != len(choices):
        raise type_malformed(f"{place}.choices", "each once, for a choice and only there")
    if bool(mask) != (kind is ItemKind.MASK):
        raise type_malformed(f"{place}.mask", "for a mask and only there")
    least, most = (_bound(one.get(name), f"{place}.{name}", kind) for name in ("least", "most"))
    if least is not None and most is not None and least > most:
        raise type_malformed(f"{place}.least", "at most as great as `most`")
    return InformationItem(
        key=key,
        block=_choice(Block, one["block"], f"{place}.block"),
        name=_text(one["name"], f"{place}.name", limits.NAME_CHARACTERS),
        kind=kind,
        is_required=_flag(one.get("is_required", False), f"{place}.is_required"),
        is_personal=_flag(one.get("is_personal", False), f"{place}.is_personal"),
        name_mongolian=_text(one.get("name_mongolian", ""), f"{place}.name_mongolian", limits.NAME_CHARACTERS, may_be_empty=True),
        characters_max=_count(one.get("characters_max", limits.NAME_CHARACTERS), f"{place}.characters_max", limits.FIELD_CHARACTERS),
        choices=choices,
        mask=mask,
        least=least,
        most=most,
    )


def _bound(value: object, place: str, kind: ItemKind) -> int | None:
    if value is None:
        return None
    if kind not in _NUMBERS or type(value) is not int or abs(value) > _INTEGER_MOST:
        raise type_malformed(place, "an integer, for numbers and only there")
    return value


def _sealing(value: object) -> SealingRule:
    place = "$.sealing"
    one = _object(value, place, {"seal", "page", "x_mm", "y_mm"}, set())
    if one["seal"] != "issuer":
        raise type_malformed(f"{place}.seal", "issuer")
    return SealingRule(
        _count(one["page"], f"{place}.page", _PAGES_MAX), _length(one["x_mm"], f"{place}.x_mm"), _length(one["y_mm"], f"{place}.y_mm")
    )


def _sharing(value: object, keys: frozenset[str]) -> SharingRule:
    place = "$.sharing"
    one = _object(value, place, {"modes"}, {"shown_masked"})
    others = [each for each in UseMode if each is not UseMode.OWN]  # the holder needs no type's leave
    modes = [_choice(others, each, f"{place}.modes") for each in _list(one["modes"], f"{place}.modes", len(others))]
    shown = _list(one.get("shown_masked", []), f"{place}.shown_masked", limits.FIELDS)
    if not all(isinstance(key, str) and key in keys for key in shown):
        raise type_malformed(f"{place}.shown_masked", "keys of information items")
    return SharingRule(frozenset(modes), tuple(shown))


def _status_codes(value: object) -> dict[LicenceState, StatusCodes]:
    place = "$.status_codes"
    table = _object(value, place, set(), {state.value for state in LicenceState})
    codes = {}
    for state, each in table.items():
        one = _object(each, f"{place}.{state}", {"region", "share", "name"}, set())
        codes[LicenceState(state)] = StatusCodes(
            _text(one["region"], f"{place}.{state}.region", limits.RULE_CHARACTERS),
            _count(one["share"], f"{place}.{state}.share", limits.STATUS_INDEX_MAX, least=0),
            _text(one["name"], f"{place}.{state}.name", limits.NAME_CHARACTERS),
        )
    return codes


def _object(value: object, place: str, needed: set[str], allowed: set[str] | None) -> dict[str, Any]:
    """``allowed`` None: whatever it has is somebody else's to check."""
    if not isinstance(value, dict):
        raise type_malformed(place, "an object")
    lacking = needed - value.keys()
    unknown = set() if allowed is None else value.keys() - needed - allowed
    if lacking or unknown:
        raise type_malformed(place, f"lacks {min(lacking)}" if lacking else f"does not know {min(unknown)[:40]}")
    return value


def _list(value: object, place: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise type_malformed(place, f"a list of at most {most}")
    return value


def _text(value: object, place: str, most: int, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > most or not (value or may_be_empty):
        raise type_malformed(place, f"a text of at most {most} characters")
    if not is_plain_text(value):
        raise type_malformed(place, "one line, without control and direction characters")
    return value


def _count(value: object, place: str, most: int, *, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise type_malformed(place, f"an integer from {least} to {most}")
    return value


def _length(value: object, place: str) -> float:
    # Nothing lies between the bounds that is no number (NaN)
    if type(value) not in {int, float} or not isinstance(value, int | float) or not 0 <= value <= _PAGE_MOST_MM:
        raise type_malformed(place, f"millimetres from 0 to {_PAGE_MOST_MM:g}")
    return float(value)


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise type_malformed(place, "true or false")
    return value


def _choice(choices: Iterable[Choice], value: object, place: str) -> Choice:
    known = {each.value: each for each in choices}
    if not isinstance(value, str) or value not in known:
        raise type_malformed(place, "one of " + ", ".join(known))
    return known[value]
