"""Who used a licence, for those who act for the authority that issued it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.find_licences import load_own_licence
from licence_vault.actions.find_own_licences import tell_uses

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.find_own_licences import SeenUse
    from licence_vault.actions.use_desk import UseDesk
    from service_kit.callers import Caller


def list_licence_uses(desk: UseDesk, caller: Caller, licence_id: str, *, before: int | None, limit: int) -> list[SeenUse]:
    """Uses by others than the holder, newest first, from behind the number ``before``; that somebody looked is audited. LICENCE_NOT_FOUND."""
    at = desk.context.clock.now()

    def read(conn: Connection) -> list[SeenUse]:
        load_own_licence(conn, caller, licence_id)
        found = store.list_uses_of_licence(conn, licence_id, before=before, limit=limit)
        return tell_uses(desk, conn, caller, found, subject=f"licence:{licence_id}", at=at)

    return desk.context.database.write(read)
