"""Take in a licence that was transferred out (转入): issued anew by the receiving authority, under a number of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.actions.arrival import Arrival
from licence_vault.actions.define_type import check_reason
from licence_vault.actions.issue_licence import issue_licence
from licence_vault.model import step_named
from standards.errors import MalformedError
from standards.gbt36904_licence_number import NumberVerdict, compute_check_character, read_licence_number

if TYPE_CHECKING:
    from licence_vault.actions.issue_licence import LicenceOrder
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller


def receive_licence(
    means: IssuingMeans, caller: Caller, order: LicenceOrder, arrival: Arrival, *, idempotency_key: str | None = None
) -> LicenceRecord:
    """Issue ``order`` in place of the licence that ``arrival`` names, and return it; its history begins with the transfer.

    Raises TrustError as ``issue_licence``, LICENCE_NUMBER_* where the identifier is none, and LICENCE_TRANSFER_UNFIT.
    """
    reason = check_reason(arrival.reason, is_required=step_named("receive").is_reason_required)
    return issue_licence(
        means, caller, order, arrival=Arrival(_in_one_spelling(arrival.identifier), reason), idempotency_key=idempotency_key
    )


def _in_one_spelling(identifier: str) -> str:
    """With the check character of the standard, whichever of the two in use it came with: a licence is taken in once."""
    number = read_licence_number(identifier)
    if number.verdict is NumberVerdict.INVALID:
        raise MalformedError("LICENCE_NUMBER_CHECK")
    body = number.type_code + number.issuer + number.serial + number.version
    return identifier.removesuffix(number.check) + compute_check_character(body)
