"""Give a client a new secret."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from idp.actions.authenticate_client import secret_digest
from idp.actions.register_client import new_secret
from idp.model.clients import with_secret
from idp.model.registrations import BY_HMAC, demand_control
from idp.store.client_secrets import keep_secret
from idp.store.clients import load_client, update_client
from idp.store.registrations import find_registration

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk
    from idp.model.clients import Client
    from idp.model.registrations import Registration


def rotate_secret(
    desk: ClientDesk, client_id: str, *, overlap_seconds: int, actor: str, grantable: Collection[str] | None = None
) -> tuple[Client, str]:
    """The client and its new secret, shown once. The secrets that work now go on working for ``overlap_seconds`` (0: they stop at once).

    ``grantable``: the scopes the actor holds (None: all). Whoever gets the secret can act with the client's scopes, so that none of
    them may be missing. TrustError CLIENT_NOT_FOUND, SCOPE_NOT_HELD, CLIENT_FIELD_INVALID, CLIENT_SECRETS_MANY, CLIENT_STATUS_CONFLICT, AUDIT_UNAVAILABLE.
    """
    secret = new_secret()

    def store(connection: Connection) -> Client:
        present = load_client(connection, client_id, desk.mac_key)
        registration = find_registration(connection, client_id, desk.mac_key)
        demand_control(present, registration, grantable)
        return _put_secret(connection, desk, present, registration, secret, overlap_seconds, actor)

    return desk.database.write(store), secret


def ensure_secret(desk: ClientDesk, client_id: str, secret: str, *, actor: str, why: str) -> None:
    """See to it that this is the client's secret: for a client of the house itself, whose secret is derived and cannot be another.

    Where somebody replaced it, his ends at once, and ``why`` goes on record. TrustError as ``rotate_secret``.
    """
    digest = secret_digest(desk.pepper, secret)
    with desk.database.read() as connection:
        if hmac.compare_digest(load_client(connection, client_id, desk.mac_key).secret_digest, digest):
            return

    def store(connection: Connection) -> Client:
        present = load_client(connection, client_id, desk.mac_key)
        registration = find_registration(connection, client_id, desk.mac_key)
        return _put_secret(connection, desk, present, registration, secret, 0, actor, why=why)

    desk.database.write(store)


def _put_secret(
    connection: Connection,
    desk: ClientDesk,
    present: Client,
    registration: Registration | None,
    secret: str,
    overlap_seconds: int,
    actor: str,
    **further: str,
) -> Client:
    at, digest = desk.clock.now(), secret_digest(desk.pepper, secret)
    client = with_secret(present, digest, at, overlap_seconds)
    update_client(connection, client, desk.mac_key)
    if registration is not None and registration.token_endpoint_auth_method == BY_HMAC:
        keep_secret(connection, desk.sealer, client.client_id, secret, digest, (client.secret_digest, *client.previous_digests), at)
    desk.audit.record(
        connection,
        at=at,
        actor=actor,
        action="client.rotate-secret",
        subject=f"client:{client.client_id}",
        outcome="done",
        facts={"overlap_seconds": overlap_seconds, **further},
    )
    return client
