"""Whether licences can be what a type demands of them, and are told from ended ones: asked when a version is written or handed in, and of none that
was published before, by which licences were issued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from licence_vault.errors import type_malformed
from licence_vault.model import LicenceState
from licence_vault.share_codes import OK
from licence_vault.type_rules.content_checks import INTEGER_DIGITS
from licence_vault.type_rules.definition import ItemKind

if TYPE_CHECKING:
    from licence_vault.type_rules.definition import InformationItem, TypeDefinition

_CHARACTERS: Final = {ItemKind.DATE: 10, ItemKind.CREDIT_CODE: 18, ItemKind.RESIDENT_ID: 18, ItemKind.AREA_CODE: 6}
"""How many characters each value of a kind has."""


def check_fulfilment(definition: TypeDefinition) -> None:
    """LICENCE_TYPE_MALFORMED where no licence could have what an item or the numbering asks for, or one that is not in force would be told as one that is."""
    for name, text in (("name", definition.name), ("numbering", definition.numbering)):
        if text.strip() != text:  # a next version of the licence would be refused for it
            raise type_malformed(f"$.{name}", "without blanks around it")
    for at, item in enumerate(definition.items):
        _check_item(item, f"$.items[{at}]")
    for state, codes in definition.status_codes.items():
        if state is not LicenceState.ISSUED and codes.share == OK:
            raise type_malformed(f"$.status_codes.{state.value}.share", "not 0, which says that the licence is in force")


def _check_item(item: InformationItem, place: str) -> None:
    # 1. What is chosen from, and the form, are written without blanks around them, as everything in a licence is.
    if any(each.strip() != each for each in item.choices):
        raise type_malformed(f"{place}.choices", "without blanks around it")
    if item.mask.strip() != item.mask:
        raise type_malformed(f"{place}.mask", "without blanks around it")

    # 2. Of what lies between the bounds, the number nearest to zero is written with the fewest digits.
    nearest = max(item.least or 0, 0) or min(item.most or 0, 0)
    if abs(nearest) >= 10**INTEGER_DIGITS:
        raise type_malformed(f"{place}.{'least' if nearest > 0 else 'most'}", f"numbers of at most {INTEGER_DIGITS} digits")

    # 3. There is room for each of these.
    is_number = item.kind in {ItemKind.INTEGER, ItemKind.DECIMAL}
    needed = max(_CHARACTERS.get(item.kind, 1), len(item.mask), len(str(nearest)) if is_number else 1, *map(len, item.choices))
    if item.characters_max < needed:
        raise type_malformed(f"{place}.characters_max", f"at least {needed}, so that a value has room")
