"""Set what a client registers for signing people in. The client's own row changes with it, so that nobody goes on with what he remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.actions.check_sector import check_sector
from idp.model.registrations import BY_HMAC, Registration, check_registration, demand_control, demand_opened
from idp.store.client_secrets import forget_secrets
from idp.store.clients import load_client, update_client
from idp.store.registrations import find_registration, put_registration
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk


def set_registration(
    desk: ClientDesk,
    registration: Registration,
    *,
    actor: str,
    if_version: int | None = None,
    grantable: Collection[str] | None = None,
    keeps_token: bool = False,
) -> Registration:
    """Store it in place of what was there. Where the client manages itself, its scopes of signing in are now the most it may give itself. ``keeps_token``: the token by which the client manages itself stays what it is by then, also where the
    client has just withdrawn it; otherwise it is what ``registration`` says, none: nobody manages it but administrators.

    ``grantable``: the scopes the actor holds (None: all). What is registered says how the client proves itself, so that none of the
    client's own, nor of those it may ask people for, may be missing, before and after. CLIENT_FIELD_INVALID, CLIENT_NOT_FOUND, SCOPE_UNKNOWN,
    SCOPE_NOT_HELD, REGISTRATION_CHANGED (another version than ``if_version``).
    """
    check_registration(registration)
    demand_opened(registration, desk.opened)
    for scope in registration.person_scopes:
        if scope not in desk.known_scopes:
            raise TrustError(Kind.UNACCEPTABLE, "SCOPE_UNKNOWN", scope=scope)
    check_sector(desk.outbound, registration)
    at = desk.clock.now()

    def store(connection: Connection) -> Registration:
        client = load_client(connection, registration.client_id, desk.mac_key)
        if if_version is not None and client.version != if_version:
            raise TrustError(Kind.CHANGED, "REGISTRATION_CHANGED", expected=if_version, found=client.version)
        before = find_registration(connection, registration.client_id, desk.mac_key)
        demand_control(client, before, grantable)
        demand_control(client, registration, grantable)
        kept = registration
        if keeps_token:
            kept = replace(registration, registration_token_digest="" if before is None else before.registration_token_digest)
        if kept.registration_token_digest:
            kept = replace(kept, scopes_most=kept.scopes)
        update_client(connection, replace(client, changed_at=at, version=client.version + 1), desk.mac_key)
        put_registration(connection, kept, at, desk.mac_key)
        if registration.token_endpoint_auth_method != BY_HMAC:
            forget_secrets(connection, client.client_id)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="client.register-sign-in",
            subject=f"client:{client.client_id}",
            outcome="done",
            facts={
                "is_new": before is None,
                "grant_types": " ".join(registration.grant_types)[:200],
                "request_uris": len(registration.request_uris),
                "method": registration.token_endpoint_auth_method,
                "redirect_uris": len(registration.redirect_uris),
                "profile": registration.profile,
                "is_own": registration.is_own,
                "person_scopes": " ".join(registration.person_scopes),
            },
        )
        return kept

    return desk.database.write(store)
