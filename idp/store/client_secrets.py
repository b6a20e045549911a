"""Secrets of clients that prove themselves by an HMAC (``client_secret_jwt``): the one case in which a secret must be kept and not its digest.

Sealed for their client (SM4-GCM). They give no right by themselves: a secret counts while its digest stands in the client's row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select

from idp.client_tables import client_secrets
from idp.model.clients import SECRETS_MAX
from service_kit.row_values import write_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.sealed_values import ValueSealer

_OF: Final = (
    select(client_secrets.c.secret_digest, client_secrets.c.secret_sealed)
    .where(client_secrets.c.client_id == bindparam("wanted"))
    .order_by(client_secrets.c.kept_at.desc())
    .limit(SECRETS_MAX)
)


def _place(client_id: str, digest: bytes) -> str:
    return f"idp_client_secrets/{client_id}/{digest.hex()}"


def keep_secret(
    connection: Connection,
    sealer: ValueSealer,
    client_id: str,
    secret: str,
    digest: bytes,
    counting: Collection[bytes | None],
    at: datetime,
) -> None:
    """Keep a secret under its digest; those whose digests are not among ``counting`` any more are removed."""
    forget_secrets(connection, client_id, but=counting)
    row = {
        "client_id": client_id,
        "secret_digest": digest,
        "secret_sealed": sealer.seal(secret.encode(), _place(client_id, digest)),
        "kept_at": write_time(at),
    }
    connection.execute(insert(client_secrets), row)


def forget_secrets(connection: Connection, client_id: str, *, but: Collection[bytes | None] = ()) -> None:
    """Remove what is kept of a client's secrets, but those of these digests."""
    gone = delete(client_secrets).where(client_secrets.c.client_id == client_id)
    kept = [digest for digest in but if digest is not None]
    connection.execute(gone.where(client_secrets.c.secret_digest.not_in(kept)) if kept else gone)


def list_secrets(connection: Connection, sealer: ValueSealer, client_id: str) -> list[str]:
    """The newest secrets that are kept of a client."""
    rows = connection.execute(_OF, {"wanted": client_id}).all()
    return [sealer.open(row.secret_sealed, _place(client_id, row.secret_digest)).decode() for row in rows]
