"""Rows of pushed authorization requests, sealed: they may name people. Each is answered once. Nothing here commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from idp.tables import pushed_requests
from service_kit.row_values import write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.store.accounts import Vault


def _place(uri_digest: bytes, client_id: str) -> str:
    return f"idp_pushed_requests.row:{uri_digest.hex()}:{client_id}"


def insert_pushed(
    connection: Connection, vault: Vault, uri_digest: bytes, client_id: str, pairs: tuple[tuple[str, str], ...], expires_at: datetime
) -> None:
    """Store the parameters of a request under the digest of its name."""
    data = json.dumps(pairs, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    row = {
        "uri_digest": uri_digest,
        "client_id": client_id,
        "row_sealed": vault.sealer.seal(data, _place(uri_digest, client_id)),
        "expires_at": write_time(expires_at),
        "taken_at": None,
    }
    connection.execute(insert(pushed_requests), row)


def find_pushed(
    connection: Connection, vault: Vault, uri_digest: bytes, client_id: str, at: datetime
) -> tuple[tuple[str, str], ...] | None:
    """The parameters, for the client that pushed them; None for a name that is unknown, another's, too old or answered already."""
    waiting = select(pushed_requests.c.row_sealed).where(
        pushed_requests.c.uri_digest == uri_digest,
        pushed_requests.c.client_id == client_id,
        pushed_requests.c.taken_at.is_(None),
        pushed_requests.c.expires_at > write_time(at),
    )
    sealed = connection.execute(waiting).scalar_one_or_none()
    if sealed is None:
        return None
    pairs = json.loads(vault.sealer.open(sealed, _place(uri_digest, client_id)))
    return tuple((name, value) for name, value in pairs)


def take_pushed(connection: Connection, uri_digest: bytes, client_id: str, at: datetime) -> bool:
    """Answer a request that was found in time: True for exactly one of all who try."""
    waiting = update(pushed_requests).where(
        pushed_requests.c.uri_digest == uri_digest, pushed_requests.c.client_id == client_id, pushed_requests.c.taken_at.is_(None)
    )
    return connection.execute(waiting.values(taken_at=write_time(at))).rowcount == 1


def sweep_pushed(connection: Connection, before: datetime) -> int:
    """Remove those that expired before a time."""
    return connection.execute(delete(pushed_requests).where(pushed_requests.c.expires_at < write_time(before))).rowcount
