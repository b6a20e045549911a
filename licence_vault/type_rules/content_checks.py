"""What is to stand in a licence, held against its type. Every rule that is broken is named, so that a batch is mended in one go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from licence_vault import limits
from licence_vault.type_rules.definition import InformationItem, ItemKind, TypeDefinition
from standards.errors import MalformedError
from standards.gb11643_resident_id import read_resident_id
from standards.gb32100_credit_code import is_credit_code
from standards.gbt36902_catalogue import HolderCategory
from standards.gbt36903_metadata import CREDIT_CODE, HOLDER_CODE_TYPES, PASSPORTS_AND_PERMITS, RESIDENT_ID
from standards.icao9303_document_numbers import number_as_printed
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from licence_vault.model import Holder

INTEGER_DIGITS: Final = 15  # of a number, before its point
_INTEGER: Final = re.compile(rf"-?[0-9]{{1,{INTEGER_DIGITS}}}")
_DECIMAL: Final = re.compile(rf"-?[0-9]{{1,{INTEGER_DIGITS}}}(\.[0-9]{{1,8}})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AREA: Final = re.compile(r"[0-9]{6}")
_MASK_CLASSES: Final = {"9": "[0-9]", "A": "[A-Z]", "X": "[0-9A-Z]"}


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that is broken. ``place``: the item's key, or the member; ``rule`` names the rule, never the value."""

    place: str
    rule: str


def check_content(
    definition: TypeDefinition,
    *,
    fields: Mapping[str, str],
    holders: Sequence[Holder],
    valid_from: date,
    valid_to: date | None,
    term_from: date | None = None,
) -> tuple[Violation, ...]:
    """Everything that is against the type; nothing where it may be issued. ``term_from``: from which day its validity ranges count, where that is
    not ``valid_from``.
    """
    validity = _check_validity(definition, valid_from, valid_to, term_from)
    return (*_check_fields(definition, fields), *_check_holders(definition, holders), *validity)


def _check_fields(definition: TypeDefinition, fields: Mapping[str, str]) -> Iterator[Violation]:
    known = {item.key: item for item in definition.items}
    for key in fields.keys() - known.keys():
        yield Violation(key[: limits.FIELD_KEY_CHARACTERS], "not an item of the type")
    for item in definition.items:
        value = fields.get(item.key, "")
        if not value:
            if item.is_required:
                yield Violation(item.key, "required")
            continue
        rule = _broken_rule(item, value)
        if rule is not None:
            yield Violation(item.key, rule)


def _broken_rule(item: InformationItem, value: str) -> str | None:
    if len(value) > item.characters_max:
        return f"at most {item.characters_max} characters"
    if not is_plain_text(value.replace("\n", " ") if item.kind is ItemKind.LINES else value) or value.strip() != value:
        return "no blanks around it, no control and direction characters"
    if item.kind in {ItemKind.INTEGER, ItemKind.DECIMAL}:
        return _broken_number_rule(item, value)
    is_kept, rule = {
        ItemKind.TEXT: (True, ""),
        ItemKind.LINES: (True, ""),
        ItemKind.DATE: (_is_day(value), "YYYY-MM-DD"),
        ItemKind.CHOICE: (value in item.choices, "one of the choices of the type"),
        ItemKind.CREDIT_CODE: (is_credit_code(value), "a credit code"),
        ItemKind.RESIDENT_ID: (_is_resident_id(value), "a resident identity number"),
        ItemKind.AREA_CODE: (_AREA.fullmatch(value) is not None, "six digits"),
        ItemKind.MASK: (_fits_mask(item.mask, value), f"of the form {item.mask}"),
    }[item.kind]
    return None if is_kept else rule


def _broken_number_rule(item: InformationItem, value: str) -> str | None:
    form, rule = (_INTEGER, "an integer") if item.kind is ItemKind.INTEGER else (_DECIMAL, "a number")
    if not form.fullmatch(value):
        return rule
    whole, _, part = value.partition(".")
    scaled, scale = int(whole + part.ljust(8, "0")), 10**8  # exact: no floating point decides what is allowed
    if item.least is not None and scaled < item.least * scale:
        return f"at least {item.least}"
    if item.most is not None and scaled > item.most * scale:
        return f"at most {item.most}"
    return None


def broken_code_rule(code_type: str, code: str) -> str | None:
    """The rule that a code of a holder breaks, where its type has one that can be checked."""
    if code_type == CREDIT_CODE and not is_credit_code(code):
        return "a credit code"
    if code_type == RESIDENT_ID and not _is_resident_id(code):
        return "a resident identity number"
    if code_type in PASSPORTS_AND_PERMITS and code != number_as_printed(code):
        return "in capital letters and plain digits, as the document has it"
    return None


def _check_holders(definition: TypeDefinition, holders: Sequence[Holder]) -> Iterator[Violation]:
    category = definition.catalogue.holder_category
    for position, holder in enumerate(holders):
        place = f"holders[{position}]"
        known = HOLDER_CODE_TYPES.get(holder.code_type)
        if known is None:
            yield Violation(f"{place}.code_type", "a code type of GB/T 36903 Annex A")
            continue
        if (category is HolderCategory.PERSON and not known.is_person) or (category is HolderCategory.ORGANISATION and known.is_person):
            yield Violation(f"{place}.code_type", f"the type is for {category.value} holders")
        rule = broken_code_rule(holder.code_type, holder.code)
        if rule is not None:
            yield Violation(f"{place}.code", rule)
        for name in ("name", "code"):
            value = getattr(holder, name)
            if not value.strip() or value.strip() != value or not is_plain_text(value):
                yield Violation(f"{place}.{name}", "one line, without blanks around it, control and direction characters")
    if len({(holder.code_type, number_as_printed(holder.code)) for holder in holders}) != len(holders):
        yield Violation("holders", "each holder once")


def _check_validity(definition: TypeDefinition, valid_from: date, valid_to: date | None, term_from: date | None) -> Iterator[Violation]:
    """Between the shortest and the longest of the ranges. The shortest is held against the whole validity; one that was allowed before and is only kept
    or cut short (``term_from`` is its last day) may be shorter.
    """
    ranges = definition.catalogue.validity_ranges
    if valid_to is None:
        if all(each.has_end for each in ranges):
            yield Violation("valid_to", "licences of this type have an end")
        return
    if valid_to < valid_from:
        yield Violation("valid_to", "not before valid_from")
    ends = [last for each in ranges if (last := each.last_day(term_from or valid_from)) is not None]
    if not ends:
        yield Violation("valid_to", "licences of this type have no end")
    elif valid_to > max(ends):
        yield Violation("valid_to", "within the longest validity range of the type")
    elif valid_to >= valid_from and valid_to != term_from:
        least = min(last for each in ranges if (last := each.last_day(valid_from)) is not None)
        if valid_to < least - timedelta(days=1):  # a year from the 1st of May ends on the 30th of April, or on the 1st of May
            yield Violation("valid_to", "not shorter than the shortest validity range of the type")


def _is_day(value: str) -> bool:
    if not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_resident_id(value: str) -> bool:
    try:
        read_resident_id(value)
    except MalformedError:
        return False
    return True


def _fits_mask(mask: str, value: str) -> bool:
    return re.fullmatch("".join(_MASK_CLASSES.get(each, re.escape(each)) for each in mask), value) is not None
