"""Rows of CAS proxies: whose callbacks, whom a client accepts, and proxy-granting tickets. Nothing here commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select

from idp.directory_tables import cas_accepted_proxies, cas_callbacks, cas_granting_tickets
from idp.model.cas import GrantingTicket, Proxy, entries_for
from idp.store.cas import proxies_from_json, proxies_to_json
from idp.store.rows import check_mac, row_mac
from service_kit.row_values import read_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_KEPT: Final = ("service", "account_id", "acting_for", "acr")


def find_callback(connection: Connection, address: str, mac_key: bytes) -> Proxy | None:
    """Whose callback an address is, by the closest entry; None where nobody has registered it. ROW_ALTERED."""
    found = connection.execute(select(cas_callbacks).where(cas_callbacks.c.callback.in_(entries_for(address)))).mappings().all()
    closest = max(found, key=lambda row: (row["callback"] == address, len(row["callback"])), default=None)
    if closest is None:
        return None
    check_mac(mac_key, cas_callbacks.name, closest["callback"], closest)
    return Proxy(closest["client_id"], address)


def list_callbacks(connection: Connection, client_id: str, mac_key: bytes) -> tuple[str, ...]:
    """The entries of a client. ROW_ALTERED."""
    wanted = select(cas_callbacks).where(cas_callbacks.c.client_id == client_id).order_by(cas_callbacks.c.callback)
    rows = connection.execute(wanted).mappings().all()
    for row in rows:
        check_mac(mac_key, cas_callbacks.name, row["callback"], row)
    return tuple(row["callback"] for row in rows)


def list_accepted(connection: Connection, client_id: str, mac_key: bytes) -> tuple[str, ...]:
    """By whose callbacks others may come to the services of a client in a person's name. ROW_ALTERED."""
    wanted = select(cas_accepted_proxies).where(cas_accepted_proxies.c.client_id == client_id).order_by(cas_accepted_proxies.c.proxy)
    rows = connection.execute(wanted).mappings().all()
    for row in rows:
        check_mac(mac_key, cas_accepted_proxies.name, client_id, row)
    return tuple(row["proxy"] for row in rows)


def put_proxies(connection: Connection, client_id: str, callbacks: tuple[str, ...], accepted: tuple[str, ...], mac_key: bytes) -> None:
    """Both in place of what was before. CAS_SERVICE_TAKEN where a callback is another client's."""
    connection.execute(delete(cas_callbacks).where(cas_callbacks.c.client_id == client_id))
    connection.execute(delete(cas_accepted_proxies).where(cas_accepted_proxies.c.client_id == client_id))
    for each in callbacks:
        if connection.execute(select(cas_callbacks.c.client_id).where(cas_callbacks.c.callback == each)).first() is not None:
            raise TrustError(Kind.CONFLICT, "CAS_SERVICE_TAKEN", service=each)
        row: dict[str, Any] = {"callback": each, "client_id": client_id}
        row["row_mac"] = row_mac(mac_key, cas_callbacks.name, row)
        connection.execute(insert(cas_callbacks), row)
    for each in accepted:
        row = {"client_id": client_id, "proxy": each}
        row["row_mac"] = row_mac(mac_key, cas_accepted_proxies.name, row)
        connection.execute(insert(cas_accepted_proxies), row)


def insert_granting_ticket(connection: Connection, ticket_digest: bytes, granted: GrantingTicket, mac_key: bytes) -> None:
    """Store what a proxy-granting ticket stands for, under its digest."""
    kept = {name: getattr(granted, name) for name in _KEPT}
    kept |= {"auth_at": write_time(granted.auth_at), "proxies": proxies_to_json(granted.proxies)}
    row: dict[str, Any] = {
        "ticket_digest": ticket_digest,
        "client_id": granted.client_id,
        "session_id": granted.session_id,
        "ticket_json": json.dumps(kept, sort_keys=True, separators=(",", ":")),
        "expires_at": write_time(granted.expires_at),
    }
    row["row_mac"] = row_mac(mac_key, cas_granting_tickets.name, row)
    connection.execute(insert(cas_granting_tickets), row)


def find_granting_ticket(connection: Connection, ticket_digest: bytes, mac_key: bytes) -> GrantingTicket | None:
    """What a proxy-granting ticket stands for; None where there is none. ROW_ALTERED for an edited row."""
    wanted = select(cas_granting_tickets).where(cas_granting_tickets.c.ticket_digest == ticket_digest)
    row = connection.execute(wanted).mappings().first()
    if row is None:
        return None
    check_mac(mac_key, cas_granting_tickets.name, ticket_digest.hex()[:16], row)
    kept = json.loads(row["ticket_json"])
    return GrantingTicket(
        **{name: kept[name] for name in _KEPT},
        client_id=row["client_id"],
        session_id=row["session_id"],
        auth_at=read_time(kept["auth_at"]),
        proxies=proxies_from_json(kept["proxies"]),
        expires_at=read_time(row["expires_at"]),
    )


def sweep_granting_tickets(connection: Connection, before: datetime) -> None:
    """Forget those that expired before a time."""
    connection.execute(delete(cas_granting_tickets).where(cas_granting_tickets.c.expires_at < write_time(before)))
