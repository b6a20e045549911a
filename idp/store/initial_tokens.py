"""Rows of initial access tokens. How often one has been used is counted by conditional updates. Nothing here commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from idp.client_tables import initial_tokens
from idp.model.initial_tokens import InitialToken
from idp.store.rows import check_mac, row_mac
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_ONE: Final = select(initial_tokens).where(initial_tokens.c.token_digest == bindparam("wanted"))
_BY_NAME: Final = select(initial_tokens).where(initial_tokens.c.token_id == bindparam("wanted"))
_OUTSIDE_MAC: Final = frozenset({"uses", "withdrawn_at"})


def insert_initial_token(connection: Connection, token: InitialToken, token_digest: bytes, mac_key: bytes) -> None:
    """Store a new token under its digest."""
    inner = {
        "note": token.note,
        "scopes": list(token.scopes),
        "needs_approval": token.needs_approval,
        "is_pkce_required": token.is_pkce_required,
        "uses_max": token.uses_max,
        "created_at": write_time(token.created_at),
        "created_by": token.created_by,
    }
    row: dict[str, Any] = {
        "token_digest": token_digest,
        "token_id": token.token_id,
        "token_json": json.dumps(inner, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
        "expires_at": write_time(token.expires_at),
    }
    row["row_mac"] = row_mac(mac_key, initial_tokens.name, row)
    connection.execute(insert(initial_tokens), {**row, "uses": 0, "withdrawn_at": None})


def use_initial_token(connection: Connection, token_digest: bytes, at: datetime, mac_key: bytes) -> InitialToken | None:
    """The token, used once more; None where it is unknown, expired, withdrawn or used up. ROW_ALTERED for an edited row."""
    row = connection.execute(_ONE, {"wanted": token_digest}).mappings().first()
    if row is None:
        return None
    token = _token(row, mac_key)
    columns = initial_tokens.c
    living = update(initial_tokens).where(
        columns.token_digest == token_digest, columns.withdrawn_at.is_(None), columns.uses < token.uses_max
    )
    is_used = at < token.expires_at and connection.execute(living.values(uses=columns.uses + 1)).rowcount == 1
    return token if is_used else None


def find_initial_token(connection: Connection, token_id: str, mac_key: bytes) -> InitialToken | None:
    """The token of this name, also one that counts no more; None where there is none. ROW_ALTERED for an edited row."""
    row = connection.execute(_BY_NAME, {"wanted": token_id}).mappings().first()
    return None if row is None else _token(row, mac_key)


def _token(row: RowMapping, mac_key: bytes) -> InitialToken:
    kept = {name: value for name, value in row.items() if name not in _OUTSIDE_MAC}
    check_mac(mac_key, initial_tokens.name, row["token_id"], kept)
    inner = json.loads(row["token_json"])
    return InitialToken(
        token_id=row["token_id"],
        note=inner["note"],
        scopes=tuple(inner["scopes"]),
        needs_approval=inner["needs_approval"],
        is_pkce_required=inner["is_pkce_required"],
        uses_max=inner["uses_max"],
        created_at=read_time(inner["created_at"]),
        created_by=inner["created_by"],
        expires_at=read_time(row["expires_at"]),
    )


def end_initial_token(connection: Connection, token_id: str, at: datetime) -> bool:
    """Let a token count no more; False where there is none or it has been withdrawn."""
    living = update(initial_tokens).where(initial_tokens.c.token_id == token_id, initial_tokens.c.withdrawn_at.is_(None))
    return connection.execute(living.values(withdrawn_at=write_time(at))).rowcount == 1
