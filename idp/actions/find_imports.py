"""How an import of accounts ended, for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.model.imports import RowOutcome
from idp.store.imports import count_outcomes, list_rows, load_import

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.actions.people_desk import PeopleDesk
    from idp.model.imports import Import, RowReport


def find_import(desk: PeopleDesk, import_id: str) -> Import:
    """An import as it stands; IMPORT_NOT_FOUND."""
    with desk.database.read() as connection:
        return load_import(connection, desk.vault, import_id)


def find_outcome(desk: PeopleDesk, made: Import) -> tuple[Mapping[str, int], list[RowReport]]:
    """How many rows there are of each outcome, and all that were refused, in the order of the file."""
    with desk.database.read() as connection:
        refused = list_rows(connection, made.import_id, outcome=RowOutcome.REFUSED, after=0, count=made.rows)
        return count_outcomes(connection, made.import_id), refused
