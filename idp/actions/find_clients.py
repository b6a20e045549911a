"""Clients as the composition asks for them: the command line, the console, and what other services of the process need to know.

Whoever asks here has the deployment itself; what one client may see of another is decided in ``idp.api``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.model.clients import PAGE_CLIENTS_MAX, ClientStatus
from idp.store import clients, registrations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk
    from idp.model.clients import Client
    from idp.model.registrations import Registration


def find_client(desk: ClientDesk, client_id: str) -> tuple[Client, Registration | None] | None:
    """A client, with what it registered for signing people in; None where there is none. ROW_ALTERED for an edited row."""
    with desk.database.read() as connection:
        found = clients.find_client(connection, client_id, desk.mac_key)
        return None if found is None else (found[0], registrations.find_registration(connection, client_id, desk.mac_key))


def list_clients(desk: ClientDesk) -> list[Client]:
    """All of them, in the order of their ids. ROW_ALTERED for an edited row."""
    found: list[Client] = []
    with desk.database.read() as connection:
        while True:
            after = found[-1].client_id if found else ""
            page = clients.list_clients(connection, desk.mac_key, after=after, count=PAGE_CLIENTS_MAX)
            found += page
            if len(page) < PAGE_CLIENTS_MAX:
                return found


def client_names(desk: ClientDesk, client_ids: Iterable[str]) -> dict[str, str]:
    """What clients are called, by their ids, each once; without those that are not registered. ROW_ALTERED for an edited row."""
    with desk.database.read() as connection:
        found = {each: clients.find_client(connection, each, desk.mac_key) for each in dict.fromkeys(client_ids)}
    return {client_id: client[0].name for client_id, client in found.items() if client is not None}


def is_registered(desk: ClientDesk, connection: Connection, client_id: str) -> bool:
    """Whether there is such a client, disabled ones too, for whoever asks within a transaction of his own."""
    return clients.find_client(connection, client_id, desk.mac_key) is not None


def is_active(desk: ClientDesk, connection: Connection, client_id: str) -> bool:
    """Whether there is such a client and it may act, for whoever asks within a transaction of his own."""
    found = clients.find_client(connection, client_id, desk.mac_key)
    return found is not None and found[0].status is ClientStatus.ACTIVE
