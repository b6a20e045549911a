"""Codes of the simulated upstream count once, as those of real ones do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from idp.connectors.simulator import CODE_SECONDS, NAME
from idp.store.federation import note_notice

if TYPE_CHECKING:
    from idp.actions.people_desk import PeopleDesk


def spend_simulated_code(desk: PeopleDesk, code: str) -> bool:
    """Whether it is the first time."""
    until = desk.clock.now() + timedelta(seconds=CODE_SECONDS)
    return desk.database.write(lambda connection: note_notice(connection, desk.vault, f"{NAME}-code", code, until))
