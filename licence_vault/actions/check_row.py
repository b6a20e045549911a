"""Hold one row of a batch against everything that its issuing would be refused for, as far as that can be known before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault import limits
from licence_vault.actions.batch_orders import order_of_row
from licence_vault.actions.check_given import check_given
from licence_vault.actions.issue_licence import check_order
from licence_vault.actions.issuing_basis import stand_in
from licence_vault.faces.draw import check_texts
from licence_vault.model import SaltedLicence, read_salted_licence
from standards.errors import TrustError

if TYPE_CHECKING:
    from licence_vault.actions.claim_batch import BatchFile
    from licence_vault.actions.issuing_basis import IssuingBasis
    from licence_vault.row_files import Row

_NO_SALT: Final = bytes(limits.SALT_BYTES)  # nothing is committed to


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be issued."""

    number: int
    code: str
    place: str
    rule: str


def problems_of(basis: IssuingBasis, file: BatchFile, row: Row) -> tuple[Problem, ...]:
    """What the row would be refused for: by the type, by the format of the data, or by the face, on which every text must find its place.

    Of the type's own rules all that are broken, so that a file is mended in one go; otherwise the first.
    """
    try:
        order = order_of_row(basis.definition, file.issuer_code, file.forms, row.cells, columns=row.columns)
        check_order(order, basis.definition)
        check_given(order, basis)
        data = stand_in(order, basis)
        read_salted_licence(SaltedLicence(data, _NO_SALT).canonical())
        check_texts(data, basis.template)
    except TrustError as error:
        named = error.violations or ((fact_of(error, "place") or fact_of(error, "field") or "", fact_of(error, "rule") or ""),)
        return tuple(Problem(row.number, error.code, place, rule) for place, rule in named)
    return ()


def fact_of(error: TrustError, name: str) -> str | None:
    """A fact of a refusal as it is kept of a row; None where it has none of that name."""
    found = error.facts.get(name)
    return None if found is None else str(found)[: limits.NAME_CHARACTERS]
