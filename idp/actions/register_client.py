"""Register a client: its secret is made here, shown once and never again."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from idp.actions.authenticate_client import secret_digest
from idp.model.clients import (
    SECRET_BYTES,
    SECRET_PREFIX,
    TOKENS_PER_MINUTE_DEFAULT,
    Client,
    ClientStatus,
    check_client_fields,
    check_client_id,
)
from idp.model.openings import CLOSED, Opened
from idp.store.clients import insert_client, load_client
from service_kit.idempotency import Once, digest_of_request
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from crypto.sealed_values import ValueSealer
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database
    from service_kit.idempotency import Idempotency, RequestKey
    from service_kit.outbound import Outbound


@dataclass(frozen=True, slots=True)
class ClientDesk:
    """What the administration of clients needs. ``known_scopes``: every scope that exists; ``mac_key``: of the rows; ``sealer``: of secrets.

    ``outbound``: where addresses that clients name are looked at. ``opened``: what clients may register beyond codes.
    """

    database: Database
    audit: Audit
    clock: Clock
    pepper: bytes
    mac_key: bytes
    known_scopes: Collection[str]
    sealer: ValueSealer
    outbound: Outbound
    idempotency: Idempotency
    opened: Opened = CLOSED

    def __repr__(self) -> str:
        """Without the keys."""
        return "ClientDesk()"


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client is registered with. ``client_id`` None: one is made up. ``tokens_per_minute``: see ``idp.model``."""

    name: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    client_id: str | None = None
    tokens_per_minute: int = TOKENS_PER_MINUTE_DEFAULT


def new_secret() -> str:
    """A new client secret: 256 random bits in base64url behind a prefix that scanners know."""
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as it stands. ``secret``: None where the same request had made it before, when its secret was shown."""

    client: Client
    secret: str | None


def register_client_once(
    desk: ClientDesk, wanted: NewClient, key: RequestKey, *, actor: str, grantable: Collection[str] | None = None
) -> Registered:
    """As ``register_client``, however often the request comes: the first is answered with the secret, which nobody keeps for the others.

    Raises as ``register_client``, and IDEMPOTENCY_*.
    """
    client, secret = _make_client(desk, wanted, actor=actor, grantable=grantable, secret=None)
    once = Once(key, digest_of_request(json.dumps(asdict(wanted), sort_keys=True).encode()))

    def store(connection: Connection) -> Registered:
        made = desk.idempotency.once(connection, once, reference=client.client_id, at=client.created_at)
        if made is not None:
            return Registered(load_client(connection, made, desk.mac_key), None)
        _store_client(connection, desk, client)
        return Registered(client, secret)

    return desk.database.write(store)


def register_client(
    desk: ClientDesk, wanted: NewClient, *, actor: str, grantable: Collection[str] | None = None, secret: str | None = None
) -> tuple[Client, str]:
    """Register a client and return it with its secret. ``secret``: of the deployment's own pages, which derive theirs; None makes one.

    ``actor``: who does it, such as ``client:admin`` or ``operator:root``. ``grantable``: the scopes the actor may pass on (None:
    all), because nobody gives what he does not have. TrustError CLIENT_ID_INVALID, CLIENT_FIELD_INVALID, SCOPE_UNKNOWN,
    SCOPE_NOT_HELD, CLIENT_EXISTS, AUDIT_UNAVAILABLE.
    """
    client, secret = _make_client(desk, wanted, actor=actor, grantable=grantable, secret=secret)
    desk.database.write(lambda connection: _store_client(connection, desk, client))
    return client, secret


def _make_client(
    desk: ClientDesk, wanted: NewClient, *, actor: str, grantable: Collection[str] | None, secret: str | None
) -> tuple[Client, str]:
    # 1. The fields, each by its rule; scopes must exist and be the actor's to give
    client_id = wanted.client_id if wanted.client_id is not None else "c-" + secrets.token_hex(8)
    check_client_id(client_id)
    check_client_fields(wanted.name, wanted.scopes, wanted.audiences, wanted.tokens_per_minute)
    for scope in wanted.scopes:
        if scope not in desk.known_scopes:
            raise TrustError(Kind.UNACCEPTABLE, "SCOPE_UNKNOWN", scope=scope)
        if grantable is not None and scope not in grantable:
            raise TrustError(Kind.FORBIDDEN, "SCOPE_NOT_HELD", scope=scope)
    # 2. The secret; only its keyed hash is kept
    secret = secret or new_secret()
    at = desk.clock.now()
    client = Client(
        client_id=client_id,
        name=wanted.name,
        status=ClientStatus.ACTIVE,
        scopes=wanted.scopes,
        audiences=wanted.audiences,
        tokens_per_minute=wanted.tokens_per_minute,
        secret_digest=secret_digest(desk.pepper, secret),
        previous_digest=None,
        previous_until_at=None,
        created_at=at,
        created_by=actor,
        changed_at=at,
        version=1,
    )

    return client, secret


def _store_client(connection: Connection, desk: ClientDesk, client: Client) -> None:
    """Row and record together, within a write job. CLIENT_EXISTS."""
    insert_client(connection, client, desk.mac_key)
    desk.audit.record(
        connection,
        at=client.created_at,
        actor=client.created_by,
        action="client.register",
        subject=f"client:{client.client_id}",
        outcome="done",
        facts={"scopes": " ".join(client.scopes), "audiences": " ".join(client.audiences)},
    )
