"""What an authority may say of a new licence besides its content: its days, its printed number, its name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from licence_vault.errors import content_unacceptable, field_unacceptable
from licence_vault.faces.bindings import shows
from licence_vault.faces.design import ColumnPart, TextPart

if TYPE_CHECKING:
    from licence_vault.actions.issue_licence import LicenceOrder
    from licence_vault.actions.issuing_basis import IssuingBasis
    from licence_vault.faces.design import FaceTemplate

FIRST_DAY: Final = date(1949, 10, 1)  # no authority that issues today is older; what older papers say comes in by import


def check_given(order: LicenceOrder, basis: IssuingBasis, *, is_number_kept: bool = False) -> None:
    """Whether an authority can mean this of a licence that begins here; of the next version of one only its days are new.

    ``is_number_kept``: it comes with a number from elsewhere. TrustError LICENCE_CONTENT_UNACCEPTABLE, FIELD_UNACCEPTABLE.
    """
    check_days_given(order.issued_on, order.valid_from, order.valid_to, basis.today)
    if order.number and basis.definition.numbering and not is_number_kept:
        raise field_unacceptable("number", "none: the type numbers its licences itself")
    if order.name and order.name != basis.definition.name and not shows_name(basis.template):
        raise field_unacceptable("name", "that of the type: its face shows no other")


def check_days_given(issued_on: date | None, valid_from: date | None, valid_to: date | None, today: date) -> None:
    """Whether days can be meant; None: not given, or no end. ``today``: in China, on which is issued what says no other day.
    TrustError LICENCE_CONTENT_UNACCEPTABLE.
    """
    if issued_on is not None and issued_on > today:
        raise content_unacceptable("issued_on", "not after today")
    for name, day in (("issued_on", issued_on), ("valid_from", valid_from)):
        if day is not None and day < FIRST_DAY:
            raise content_unacceptable(name, f"not before {FIRST_DAY.isoformat()}")
    if valid_to is not None and valid_to < (issued_on or today):
        raise content_unacceptable("valid_to", "not before the day of issue: nobody could ever use the licence")


def shows_name(template: FaceTemplate) -> bool:
    """Whether a face shows what its licence is called, so that it may be called otherwise than its type."""
    return any(isinstance(part, TextPart | ColumnPart) and shows(part.text, "name") for part in template.parts)
