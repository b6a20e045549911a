"""A licence as it is shown to somebody who need not know all of it: by the sharing rule of its type. No input or output here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from licence_vault.model import Holder

if TYPE_CHECKING:
    from licence_vault.model import LicenceData
    from licence_vault.type_rules.definition import TypeDefinition

STARS: Final = "****"  # always as many: how long a name or a number is says something too
_ENDS_SHOWN_FROM: Final = 8  # characters of a code, from which on its first and last one do not give it away


def mask_name(name: str) -> str:
    """The first character, then stars."""
    return name[:1] + STARS


def mask_code(code: str) -> str:
    """First and last character with stars between, or stars alone for a short one."""
    return f"{code[0]}{STARS}{code[-1]}" if len(code) >= _ENDS_SHOWN_FROM else STARS


def mask_data(data: LicenceData, definition: TypeDefinition) -> LicenceData:
    """The licence with names, codes and the printed number masked; of the fields those that the type shows to everybody.

    What stands in a field that the type calls personal is never shown, whatever its sharing rule says.
    """
    personal = {item.key for item in definition.items if item.is_personal}
    shown = set(definition.sharing.shown_masked) - personal
    return replace(
        data,
        number=mask_code(data.number),
        holders=tuple(Holder(mask_name(each.name), mask_code(each.code), each.code_type) for each in data.holders),
        fields={key: value for key, value in data.fields.items() if key in shown},
    )


def mask_licence(data: LicenceData, definition: TypeDefinition) -> dict[str, Any]:
    """The JSON value of ``mask_data``."""
    return mask_data(data, definition).as_json()
