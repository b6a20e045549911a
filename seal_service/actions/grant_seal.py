"""Let a client use a seal, and take that back. Without a grant nobody uses a seal, not even who manages it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.errors import field_unacceptable, grants_exhausted, seal_not_found
from seal_service.limits import GRANTS_PER_SEAL

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")  # what a client id may consist of, wherever it comes from


def check_client_id(client_id: str) -> None:
    """Raise FIELD_UNACCEPTABLE where ``client_id`` cannot be one. Whether it is registered is the identity provider's knowledge."""
    if _CLIENT_ID.fullmatch(client_id) is None:
        raise field_unacceptable("client_id", "1 to 128 letters, digits, dots, underscores, tildes or hyphens")


def grant_seal(context: ServiceContext, caller: Caller, seal_id: str, client_id: str) -> None:
    """Let ``client_id`` use the seal; granting twice is no error. Raises SEAL_NOT_FOUND, FIELD_UNACCEPTABLE, SEAL_GRANTS_EXHAUSTED."""
    check_client_id(client_id)

    def grant(conn: Connection) -> None:
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None or seal.managed_by != caller.client_id:
            raise seal_not_found(seal_id)
        granted = store.list_grants(conn, seal_id)
        if client_id in granted:
            return
        if len(granted) >= GRANTS_PER_SEAL:
            raise grants_exhausted(seal_id, GRANTS_PER_SEAL)
        at = context.clock.now()
        store.insert_grant(conn, seal_id, client_id, granted_by=caller.client_id, at=at)
        context.audit.record(
            conn,
            at=at,
            actor=caller.actor,
            action="seal.grant",
            subject=f"seal:{seal_id}",
            outcome="done",
            facts={"client_id": client_id},
        )

    context.database.write(grant)


def withdraw_grant(context: ServiceContext, caller: Caller, seal_id: str, client_id: str) -> None:
    """Take a grant back, from the very next request on; none there is no error. Raises SEAL_NOT_FOUND, FIELD_UNACCEPTABLE."""
    check_client_id(client_id)

    def withdraw(conn: Connection) -> None:
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None or seal.managed_by != caller.client_id:
            raise seal_not_found(seal_id)
        if not store.delete_grant(conn, seal_id, client_id):
            return
        context.audit.record(
            conn,
            at=context.clock.now(),
            actor=caller.actor,
            action="seal.withdraw",
            subject=f"seal:{seal_id}",
            outcome="done",
            facts={"client_id": client_id},
        )

    context.database.write(withdraw)
