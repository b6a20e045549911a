"""Say to which addresses a client gets service tickets, and what it is told of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.claims_of import IDENTITY_CLAIMS
from idp.model.cas import CasService, check_services
from idp.model.registrations import demand_control
from idp.store.cas import put_services
from idp.store.clients import load_client
from idp.store.registrations import find_registration

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk

TOLD: frozenset[str] = IDENTITY_CLAIMS - {"verified_claims"}
"""What an attribute of CAS, which is a text, can tell."""


def register_cas_services(
    desk: ClientDesk,
    client_id: str,
    services: tuple[str, ...],
    claims: tuple[str, ...],
    *,
    actor: str,
    grantable: Collection[str] | None = None,
) -> tuple[CasService, ...]:
    """The services of a client in place of those before; none: it gets no tickets.

    ``grantable``: the scopes the actor holds (None: all): nobody redirects the people of a client that may more than he.
    TrustError CLIENT_NOT_FOUND, CLIENT_FIELD_INVALID, SCOPE_NOT_HELD, CAS_SERVICE_TAKEN, AUDIT_UNAVAILABLE.
    """
    check_services(services, claims, TOLD)
    entries = tuple(CasService(each, client_id, claims) for each in services)
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        client = load_client(connection, client_id, desk.mac_key)
        demand_control(client, find_registration(connection, client_id, desk.mac_key), grantable)
        put_services(connection, client_id, entries, desk.mac_key)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="client.set-cas-services",
            subject=f"client:{client_id}",
            outcome="done",
            facts={"services": " ".join(services), "claims": " ".join(claims)},
        )

    desk.database.write(store)
    return entries
