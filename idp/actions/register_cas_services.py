"""Say to which addresses a client gets service tickets, what it is told of people, and who goes on to whom in their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.claims_of import IDENTITY_CLAIMS
from idp.model.cas import CasRegistration, CasService, check_services
from idp.model.registrations import demand_control
from idp.store.cas import list_services, put_services
from idp.store.cas_proxies import list_accepted, list_callbacks, put_proxies
from idp.store.clients import load_client
from idp.store.registrations import find_registration

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk

TOLD: frozenset[str] = IDENTITY_CLAIMS - {"verified_claims"}
"""What an attribute of CAS, which is a text, can tell."""


def register_cas_services(
    desk: ClientDesk, client_id: str, wanted: CasRegistration, *, actor: str, grantable: Collection[str] | None = None
) -> CasRegistration:
    """What a client has registered in place of what it had; no services: it gets no tickets.

    ``grantable``: the scopes the actor holds (None: all): nobody redirects the people of a client that may more than he.
    TrustError CLIENT_NOT_FOUND, CLIENT_FIELD_INVALID, SCOPE_NOT_HELD, CAS_SERVICE_TAKEN, AUDIT_UNAVAILABLE.
    """
    check_services(wanted, TOLD)
    entries = tuple(CasService(each, client_id, wanted.claims) for each in wanted.services)
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        client = load_client(connection, client_id, desk.mac_key)
        demand_control(client, find_registration(connection, client_id, desk.mac_key), grantable)
        put_services(connection, client_id, entries, desk.mac_key)
        put_proxies(connection, client_id, wanted.proxy_callbacks, wanted.accepted_proxies, desk.mac_key)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="client.set-cas-services",
            subject=f"client:{client_id}",
            outcome="done",
            facts={
                "services": " ".join(wanted.services),
                "claims": " ".join(wanted.claims),
                "proxy_callbacks": " ".join(wanted.proxy_callbacks),
                "accepted_proxies": " ".join(wanted.accepted_proxies),
            },
        )

    desk.database.write(store)
    return wanted


def cas_registration(connection: Connection, client_id: str, mac_key: bytes) -> CasRegistration:
    """What a client has registered. ROW_ALTERED."""
    found = list_services(connection, client_id, mac_key)
    return CasRegistration(
        tuple(each.service for each in found),
        found[0].claims if found else (),
        list_callbacks(connection, client_id, mac_key),
        list_accepted(connection, client_id, mac_key),
    )
