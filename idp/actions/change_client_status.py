"""Disable a client, or let it in again. What is disabled gets no token from the next request on, in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.model.clients import ClientStatus, with_status
from idp.model.registrations import demand_control
from idp.store.clients import load_client, update_client
from idp.store.registrations import find_registration
from service_kit.audit import last_entry
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk
    from idp.model.clients import Client

WITHDRAWN: Final = "client.withdraw-itself"  # in the trail of a client, once for all (``withdraw_itself``)


def change_client_status(
    desk: ClientDesk,
    client_id: str,
    status: ClientStatus,
    *,
    actor: str,
    if_version: int | None = None,
    grantable: Collection[str] | None = None,
) -> Client:
    """The client in its new state; nothing happens where it is there already. ``if_version``: the one that was looked at, None: whatever it is.

    ``grantable``: the scopes the actor holds (None: all). Whoever lets a client in gives it its scopes anew, so that none may be missing;
    to stop one, nothing is asked. TrustError CLIENT_NOT_FOUND, SCOPE_NOT_HELD, CLIENT_WITHDRAWN, REGISTRATION_CHANGED, CLIENT_STATUS_CONFLICT,
    AUDIT_UNAVAILABLE.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> Client:
        client = load_client(connection, client_id, desk.mac_key)
        if if_version is not None and client.version != if_version:
            raise TrustError(Kind.CHANGED, "REGISTRATION_CHANGED", expected=if_version, found=client.version)
        if client.status is status:
            return client
        if status is ClientStatus.ACTIVE:
            if last_entry(connection, f"client:{client_id}", WITHDRAWN) is not None:
                raise TrustError(Kind.CONFLICT, "CLIENT_WITHDRAWN", client_id=client_id)
            demand_control(client, find_registration(connection, client_id, desk.mac_key), grantable)
        changed = with_status(client, status, at)
        update_client(connection, changed, desk.mac_key)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="client.disable" if status is ClientStatus.DISABLED else "client.enable",
            subject=f"client:{client_id}",
            outcome="done",
        )
        return changed

    return desk.database.write(store)
