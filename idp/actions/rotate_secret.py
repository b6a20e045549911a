"""Give a client a new secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.authenticate_client import secret_digest
from idp.actions.register_client import new_secret
from idp.model.clients import with_secret
from idp.model.registrations import demand_control
from idp.store.client_secrets import keep_secret
from idp.store.clients import load_client, update_client
from idp.store.registrations import find_registration

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk
    from idp.model.clients import Client


def rotate_secret(
    desk: ClientDesk, client_id: str, *, overlap_seconds: int, actor: str, grantable: Collection[str] | None = None
) -> tuple[Client, str]:
    """The client and its new secret, shown once. The old secret goes on working for ``overlap_seconds`` (0: it stops at once).

    ``grantable``: the scopes the actor holds (None: all). Whoever gets the secret can act with the client's scopes, so that none of
    them may be missing. TrustError CLIENT_NOT_FOUND, SCOPE_NOT_HELD, CLIENT_FIELD_INVALID, CLIENT_STATUS_CONFLICT, AUDIT_UNAVAILABLE.
    """
    secret = new_secret()
    digest = secret_digest(desk.pepper, secret)
    at = desk.clock.now()

    def store(connection: Connection) -> Client:
        present = load_client(connection, client_id, desk.mac_key)
        registration = find_registration(connection, client_id, desk.mac_key)
        demand_control(present, registration, grantable)
        client = with_secret(present, digest, at, overlap_seconds)
        update_client(connection, client, desk.mac_key)
        if registration is not None and registration.token_endpoint_auth_method == "client_secret_jwt":  # noqa: S105 - a name of RFC 7591
            keep_secret(connection, desk.sealer, client_id, secret, digest, (client.secret_digest, client.previous_digest), at)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="client.rotate-secret",
            subject=f"client:{client_id}",
            outcome="done",
            facts={"overlap_seconds": overlap_seconds},
        )
        return client

    return desk.database.write(store), secret
