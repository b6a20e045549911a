"""Editions of status lists as they are handed out: the newest, or the one that was in force at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.errors import status_list_not_found
from licence_vault.status.editions import edition_at

if TYPE_CHECKING:
    from licence_vault.status.editions import Edition
    from service_kit.composition import ServiceContext


def find_edition(context: ServiceContext, list_number: int, at_seconds: int | None) -> tuple[Edition, bool]:
    """The edition in force at a time (seconds since 1970 UTC; None: now), and whether a later one exists.

    TrustError STATUS_LIST_NOT_FOUND, also where the edition of that time had expired.
    """
    now = int(context.clock.now().timestamp())
    wanted = now if at_seconds is None else at_seconds
    with context.database.read() as connection:
        found = edition_at(connection, list_number, min(wanted, now))
    if found is None or wanted >= found[0].expires_seconds:
        raise status_list_not_found(list_number)
    return found
