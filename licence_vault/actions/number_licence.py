"""The printed number of a new licence: the next of its series that no other licence of the authority and type has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import limits, store
from licence_vault.errors import printed_number_taken, series_behind
from licence_vault.type_rules.numbering import series_of, write_printed_number

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.register import IssuingAuthority
    from licence_vault.type_rules.definition import TypeDefinition
    from standards.errors import TrustError


def check_chosen_number(
    contents: ContentVault, conn: Connection, issuer: IssuingAuthority, type_code: str, number: str, root_id: str
) -> bytes:
    """What a number of the caller's choice is found by; the authority is locked. LICENCE_NUMBER_TAKEN where another chain has it."""
    digest = contents.find_number(number)
    if store.is_printed_number_taken(conn, issuer.code, type_code, digest, except_root=root_id):
        raise printed_number_taken(issuer.code, type_code)
    return digest


def take_next_number(
    contents: ContentVault, conn: Connection, definition: TypeDefinition, issuer: IssuingAuthority, *, issued_on: date, area_code: str
) -> tuple[str, bytes]:
    """The next number and what it is found by. Numbers that were given by hand, or taken over from an older repository, are passed over.

    LICENCE_SERIES_BEHIND where that many in a row are taken: ``step_on`` then moves the series on, and the request is made again.
    """
    series = series_of(definition.numbering, year=issued_on.year, area_code=area_code)
    for _ in range(limits.SERIALS_TRIED):
        serial = store.take_next_serial(conn, issuer.code, definition.code, series)
        number = write_printed_number(series, serial)
        digest = contents.find_number(number)
        if not store.is_printed_number_taken(conn, issuer.code, definition.code, digest, except_root="") and not store.is_imported(
            conn, issuer.code, definition.code, digest
        ):
            return number, digest
    raise series_behind(issuer.code, definition.code, series, serial)


def step_on(conn: Connection, behind: TrustError) -> None:
    """Keep how far a series was looked through, in a transaction of its own; whoever was quicker has done it."""
    facts = behind.facts
    store.step_series_on(conn, str(facts["issuer"]), str(facts["type"]), str(facts["series"]), int(facts["serial"] or 0))
