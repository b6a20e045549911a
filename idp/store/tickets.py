"""Rows of trust tickets. Each is spent by one conditional update. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from idp.client_tables import trust_tickets
from idp.model.tickets import TrustTicket
from idp.store.rows import check_ending, ended_row, row_mac
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_ENDS: Final = frozenset({"spent_at", "became"})


def insert_ticket(connection: Connection, ticket_digest: bytes, ticket: TrustTicket, mac_key: bytes) -> None:
    """Store what a ticket stands for under its digest."""
    row: dict[str, Any] = {
        "ticket_digest": ticket_digest,
        "issued_by": ticket.issued_by,
        "target_id": ticket.target_id,
        "target_mac": ticket.target_mac,
        "grant_id": ticket.grant_id,
        "scopes": " ".join(ticket.scopes),
        "expires_at": write_time(ticket.expires_at),
    }
    row["row_mac"] = row_mac(mac_key, trust_tickets.name, row)
    connection.execute(insert(trust_tickets), {**row, "spent_at": None, "became": None})


def find_ticket(connection: Connection, ticket_digest: bytes, mac_key: bytes) -> TrustTicket | None:
    """What a ticket stands for; None where it was never issued. ROW_ALTERED for an edited row."""
    row = connection.execute(select(trust_tickets).where(trust_tickets.c.ticket_digest == ticket_digest)).mappings().first()
    if row is None:
        return None
    check_ending(mac_key, trust_tickets.name, ticket_digest.hex()[:16], row, _ENDS)
    return TrustTicket(
        issued_by=row["issued_by"],
        target_id=row["target_id"],
        target_mac=row["target_mac"],
        grant_id=row["grant_id"],
        scopes=tuple(row["scopes"].split()),
        expires_at=read_time(row["expires_at"]),
        is_spent=row["spent_at"] is not None,
        became=row["became"],
    )


def spend_ticket(connection: Connection, ticket_digest: bytes, became: str, at: datetime, mac_key: bytes) -> bool:
    """Spend a ticket for a grant; True for exactly one of all who try."""
    unspent = (trust_tickets.c.ticket_digest == ticket_digest) & trust_tickets.c.spent_at.is_(None)
    row = connection.execute(select(trust_tickets).where(unspent)).mappings().first()
    if row is None:
        return False
    spent = ended_row(mac_key, trust_tickets.name, row, {"spent_at": write_time(at), "became": became})
    return connection.execute(update(trust_tickets).where(unspent).values(spent)).rowcount == 1


def sweep_tickets(connection: Connection, before: datetime) -> int:
    """Remove those that expired before a time: late enough that a second use of one is still known as such."""
    return connection.execute(delete(trust_tickets).where(trust_tickets.c.expires_at < write_time(before))).rowcount
