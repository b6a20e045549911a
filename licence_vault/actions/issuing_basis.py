"""By what a licence is issued, and what would stand in it: everything but what only the numbering says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.model import Issuer, LicenceData, LicenceTypeReference, StatusReference
from licence_vault.type_rules.numbering import longest_number
from standards.gbt36904_licence_number import ROOT_OID, SERIAL_CHARACTERS_MIN

if TYPE_CHECKING:
    from datetime import date

    from licence_vault.actions.issue_licence import LicenceOrder
    from licence_vault.faces.design import FaceTemplate
    from licence_vault.register import IssuingAuthority
    from licence_vault.type_rules.definition import TypeDefinition

_WIDEST: Final = "W"  # of the characters of a serial, in every typeface in use
_VERSION: Final = "001"
_STATUS: Final = StatusReference("https://licences.example/status", 0)  # stands on no face


@dataclass(frozen=True, slots=True)
class IssuingBasis:
    """The published type with its face, the authority, and the day in China."""

    definition: TypeDefinition
    type_version: int
    template: FaceTemplate
    issuer: IssuingAuthority
    today: date


def stand_in(order: LicenceOrder, basis: IssuingBasis) -> LicenceData:
    """What the licence would say. What is not known yet stands there as wide as it can become: the serial, the running number."""
    issuer, definition = basis.issuer, basis.definition
    issued_on, area_code = order.issued_on or basis.today, order.area_code or issuer.area_code
    return data_of(
        order,
        issuer,
        LicenceTypeReference(order.type_code, definition.name, basis.type_version),
        issued_on,
        identifier=f"{ROOT_OID}.{order.type_code}.{issuer.code}.{_WIDEST * SERIAL_CHARACTERS_MIN}.{_VERSION}.{_WIDEST}",
        number=order.number or longest_number(definition.numbering, year=issued_on.year, area_code=area_code),
        version=_VERSION,
        status=_STATUS,
    )


def data_of(
    order: LicenceOrder,
    issuer: IssuingAuthority,
    licence_type: LicenceTypeReference,
    issued_on: date,
    *,
    identifier: str,
    number: str,
    version: str,
    status: StatusReference,
) -> LicenceData:
    """What a licence says by its order, with what it is called and counted by."""
    return LicenceData(
        identifier=identifier,
        type=licence_type,
        number=number,
        version=version,
        name=order.name or licence_type.name,
        issuer=Issuer(issuer.name, issuer.code),
        issued_on=issued_on,
        valid_from=order.valid_from,
        valid_to=order.valid_to,
        area_code=order.area_code or issuer.area_code,
        holders=order.holders,
        fields={key: value for key, value in order.fields.items() if value},
        status=status,
    )
