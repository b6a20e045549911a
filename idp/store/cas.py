"""Rows of CAS services and tickets: a ticket is spent by one conditional update. Nothing here commits."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from idp.directory_tables import cas_services, cas_tickets
from idp.model.cas import CasService, IssuedTicket, Proxy, entries_for
from idp.store.rows import check_ending, check_mac, ended_row, row_mac
from service_kit.row_values import read_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from idp.store.accounts import Vault

_KEPT: Final = ("service", "account_id", "acting_for", "acr", "is_fresh")
_SPENT: Final = frozenset({"spent_at"})


def _service(row: RowMapping, mac_key: bytes) -> CasService:
    check_mac(mac_key, cas_services.name, row["service"], row)
    return CasService(row["service"], row["client_id"], tuple(row["claims"].split()))


def find_service(connection: Connection, address: str, mac_key: bytes) -> CasService | None:
    """The entry that lets tickets go to an address: the closest one. None where nobody has registered it. ROW_ALTERED."""
    wanted = entries_for(address)
    found = connection.execute(select(cas_services).where(cas_services.c.service.in_(wanted))).mappings().all()
    closest = max(found, key=lambda row: (row["service"] == address, len(row["service"])), default=None)
    return None if closest is None else _service(closest, mac_key)


def list_services(connection: Connection, client_id: str, mac_key: bytes) -> list[CasService]:
    """The entries of a client."""
    wanted = select(cas_services).where(cas_services.c.client_id == client_id).order_by(cas_services.c.service)
    return [_service(row, mac_key) for row in connection.execute(wanted).mappings()]


def put_services(connection: Connection, client_id: str, services: tuple[CasService, ...], mac_key: bytes) -> None:
    """The entries of a client in place of those before. CAS_SERVICE_TAKEN where one is another client's."""
    connection.execute(delete(cas_services).where(cas_services.c.client_id == client_id))
    for each in services:
        if connection.execute(select(cas_services.c.client_id).where(cas_services.c.service == each.service)).first() is not None:
            raise TrustError(Kind.CONFLICT, "CAS_SERVICE_TAKEN", service=each.service)
        row: dict[str, Any] = {"service": each.service, "client_id": client_id, "claims": " ".join(each.claims)}
        row["row_mac"] = row_mac(mac_key, cas_services.name, row)
        connection.execute(insert(cas_services), row)


# Tickets


def proxies_to_json(proxies: Sequence[Proxy]) -> list[list[str]]:
    """A chain of proxies as it is kept."""
    return [[each.client_id, each.callback] for each in proxies]


def proxies_from_json(kept: Sequence[Sequence[str]]) -> tuple[Proxy, ...]:
    """The chain again."""
    return tuple(Proxy(client_id, callback) for client_id, callback in kept)


def insert_ticket(connection: Connection, ticket_digest: bytes, issued: IssuedTicket, mac_key: bytes) -> None:
    """Store what a ticket stands for, under its digest."""
    given = asdict(issued)
    kept = {name: given[name] for name in _KEPT} | {"auth_at": write_time(issued.auth_at), "claims": list(issued.claims)}
    if issued.proxies:
        kept["proxies"] = proxies_to_json(issued.proxies)
    row: dict[str, Any] = {
        "ticket_digest": ticket_digest,
        "client_id": issued.client_id,
        "session_id": issued.session_id,
        "ticket_json": json.dumps(kept, sort_keys=True, separators=(",", ":")),
        "expires_at": write_time(issued.expires_at),
    }
    row["row_mac"] = row_mac(mac_key, cas_tickets.name, row)
    connection.execute(insert(cas_tickets), {**row, "spent_at": None, "ticket_sealed": None})


def _under_mac(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in row if name != "ticket_sealed"}  # that is sealed for its row, and comes after the end


def find_ticket(connection: Connection, ticket_digest: bytes, mac_key: bytes) -> IssuedTicket | None:
    """What a ticket stands for; None where it was never issued. ROW_ALTERED for an edited row."""
    row = connection.execute(select(cas_tickets).where(cas_tickets.c.ticket_digest == ticket_digest)).mappings().first()
    if row is None:
        return None
    check_ending(mac_key, cas_tickets.name, ticket_digest.hex()[:16], _under_mac(row), _SPENT)
    kept = json.loads(row["ticket_json"])
    return IssuedTicket(
        **{name: kept[name] for name in _KEPT},
        client_id=row["client_id"],
        session_id=row["session_id"],
        auth_at=read_time(kept["auth_at"]),
        claims=tuple(kept["claims"]),
        expires_at=read_time(row["expires_at"]),
        proxies=proxies_from_json(kept.get("proxies", ())),
    )


def spend_ticket(connection: Connection, ticket_digest: bytes, at: datetime, mac_key: bytes) -> bool:
    """Spend a ticket; True for exactly one of all who try, however many at once."""
    unspent = (cas_tickets.c.ticket_digest == ticket_digest) & cas_tickets.c.spent_at.is_(None)
    row = connection.execute(select(cas_tickets).where(unspent)).mappings().first()
    if row is None:
        return False
    spent = ended_row(mac_key, cas_tickets.name, _under_mac(row), {"spent_at": write_time(at)})
    return connection.execute(update(cas_tickets).where(unspent).values(spent)).rowcount == 1


def _place(ticket_digest: bytes) -> str:
    return f"idp_cas_tickets.ticket:{ticket_digest.hex()}"


def keep_ticket(connection: Connection, vault: Vault, ticket_digest: bytes, ticket: str) -> None:
    """Keep a spent ticket, sealed: its service knows its own session by it."""
    sealed = vault.sealer.seal(ticket.encode(), _place(ticket_digest))
    connection.execute(update(cas_tickets).where(cas_tickets.c.ticket_digest == ticket_digest).values(ticket_sealed=sealed))


def kept_ticket(connection: Connection, vault: Vault, ticket_digest: bytes) -> str | None:
    """A spent ticket that was good; None where there is none (any more)."""
    wanted = select(cas_tickets.c.ticket_sealed).where(cas_tickets.c.ticket_digest == ticket_digest)
    sealed = connection.execute(wanted).scalar()
    return None if sealed is None else vault.sealer.open(sealed, _place(ticket_digest)).decode()


def tickets_of_session(connection: Connection, session_id: str) -> list[bytes]:
    """The digests of all tickets by which services have sessions of their own within a session of ours."""
    good = cas_tickets.c.ticket_sealed.is_not(None)
    wanted = select(cas_tickets.c.ticket_digest).where(cas_tickets.c.session_id == session_id, good)
    return list(connection.execute(wanted.order_by(cas_tickets.c.ticket_digest)).scalars())


def sweep_tickets(connection: Connection, before: datetime) -> None:
    """Forget tickets that expired before a time."""
    connection.execute(delete(cas_tickets).where(cas_tickets.c.expires_at < write_time(before)))
