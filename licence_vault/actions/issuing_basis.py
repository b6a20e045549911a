"""By what a licence is issued, and what would stand in it: everything but what only the numbering says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from licence_vault.actions.check_given import shows_name
from licence_vault.actions.finish_issue import VERIFY_PATH
from licence_vault.actions.publish_status_lists import STATUS_PATH
from licence_vault.faces.design import QrPart
from licence_vault.faces.limits import QR_CUT_CHARACTERS, QR_HOLDERS
from licence_vault.faces.qr import check_code
from licence_vault.limits import STATUS_INDEX_MAX
from licence_vault.model import Holder, Issuer, LicenceData, LicenceTypeReference, StatusReference
from licence_vault.type_rules.numbering import longest_number
from standards.gbt36904_licence_number import ROOT_OID, SERIAL_CHARACTERS_MIN

if TYPE_CHECKING:
    from licence_vault.actions.issue_licence import LicenceOrder
    from licence_vault.faces.design import FaceTemplate
    from licence_vault.register import IssuingAuthority
    from licence_vault.type_rules.definition import TypeDefinition

_WIDEST: Final = "W"  # of the characters of a serial, in every typeface in use
_VERSION: Final = "001"
_LONGEST_NAME: Final = "".join(chr(0x4E00 + 401 * at) for at in range(QR_CUT_CHARACTERS))  # various, as real names are
_LISTS: Final = 1_000_000  # a status list has no higher number


@dataclass(frozen=True, slots=True)
class IssuingBasis:
    """The published type with its face, the authority, and the day in China."""

    definition: TypeDefinition
    type_version: int
    template: FaceTemplate
    issuer: IssuingAuthority
    today: date
    base_url: str


def stand_in(order: LicenceOrder, basis: IssuingBasis) -> LicenceData:
    """What the licence would say. What is not known yet stands there as wide as it can become: the serial, the running number, the place in a list.

    TrustError LICENCE_QR_TOO_LARGE, SETTING_INVALID where no code could say it.
    """
    issuer, definition = basis.issuer, basis.definition
    issued_on, area_code = order.issued_on or basis.today, order.area_code or issuer.area_code
    data = data_of(
        order,
        issuer,
        LicenceTypeReference(order.type_code, definition.name, basis.type_version),
        issued_on,
        identifier=f"{ROOT_OID}.{order.type_code}.{issuer.code}.{_WIDEST * SERIAL_CHARACTERS_MIN}.{_VERSION}.{_WIDEST}",
        number=order.number or longest_number(definition.numbering, year=issued_on.year, area_code=area_code),
        version=_VERSION,
        status=_last_place(basis.base_url),
    )
    check_code(data, _code_levels(basis.template), page=basis.base_url + VERIFY_PATH)
    return data


def check_longest_code(definition: TypeDefinition, template: FaceTemplate, base_url: str) -> None:
    """Whether the code on the face holds whatever licences of the type may say: as many and as long names as a code tells, in Chinese characters
    of the usual planes (three bytes); rarer ones are counted where a licence is checked. TrustError LICENCE_QR_TOO_LARGE, SETTING_INVALID.
    """
    longest, day = _LONGEST_NAME, date.max
    data = LicenceData(
        identifier=f"{ROOT_OID}.{definition.code}.{_WIDEST * 18}.{_WIDEST * SERIAL_CHARACTERS_MIN}.{_VERSION}.{_WIDEST}",
        type=LicenceTypeReference(definition.code, definition.name, 1),
        number=longest_number(definition.numbering, year=day.year, area_code="0" * 6) or longest,
        version=_VERSION,
        name=longest if shows_name(template) else definition.name,
        issuer=Issuer(longest, ""),
        issued_on=day,
        valid_from=day,
        valid_to=day,
        area_code="",
        holders=(Holder(longest, "", ""),) * QR_HOLDERS,
        fields={},
        status=_last_place(base_url),
    )
    check_code(data, _code_levels(template), page=base_url + VERIFY_PATH)


def _last_place(base_url: str) -> StatusReference:
    return StatusReference(f"{base_url}{STATUS_PATH}/{_LISTS}", STATUS_INDEX_MAX)


def _code_levels(template: FaceTemplate) -> list[str]:
    """The levels of error correction of the codes on a face."""
    return [part.level for part in template.parts if isinstance(part, QrPart)]


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
