"""Authorization codes: one row each, spent by one conditional update. Nothing here commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from idp.model.codes import IssuedCode
from idp.store.rows import check_ending, ended_row, row_mac
from idp.tables import codes, grants
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_TEXTS: Final = (
    "client_id",
    "redirect_uri",
    "account_id",
    "acting_for",
    "session_id",
    "acr",
    "nonce",
    "resource",
    "code_challenge",
    "dpop_jkt",
)
_INSERT: Final = Prepared(insert(codes))
_ONE: Final = Prepared(select(codes).where(codes.c.code_digest == bindparam("wanted")))
_SPEND: Final = Prepared(
    update(codes)
    .where(codes.c.code_digest == bindparam("wanted"), codes.c.spent_at.is_(None))
    .values(spent_at=bindparam("at"), grant_id=bindparam("becomes"), row_mac=bindparam("mac"))
)


def insert_code(connection: Connection, code_digest: bytes, issued: IssuedCode, mac_key: bytes) -> None:
    """Store what a code stands for, under the digest of the code."""
    grant = {name: getattr(issued, name) for name in _TEXTS} | {
        "scopes": list(issued.scopes),
        "amr": list(issued.amr),
        "claims": dict(issued.claims),
        "auth_at": write_time(issued.auth_at),
    }
    row: dict[str, Any] = {
        "code_digest": code_digest,
        "client_id": issued.client_id,
        "session_id": issued.session_id,
        "grant_json": json.dumps(grant, sort_keys=True, separators=(",", ":")),
        "expires_at": write_time(issued.expires_at),
    }
    row["row_mac"] = row_mac(mac_key, codes.name, row)
    _INSERT.change(connection, {**row, "spent_at": None, "grant_id": None})


_ENDS: Final = frozenset({"spent_at", "grant_id"})


def find_code(connection: Connection, code_digest: bytes, mac_key: bytes) -> tuple[IssuedCode, bool] | None:
    """What a code stands for and whether it has been spent; None where it was never issued. ROW_ALTERED for an edited row."""
    row = _ONE.first(connection, {"wanted": code_digest})
    if row is None:
        return None
    check_ending(mac_key, codes.name, code_digest.hex()[:16], row, _ENDS)
    grant = json.loads(row["grant_json"])
    issued = IssuedCode(
        **{name: grant[name] for name in _TEXTS},
        scopes=tuple(grant["scopes"]),
        amr=tuple(grant["amr"]),
        claims=grant["claims"],
        auth_at=read_time(grant["auth_at"]),
        expires_at=read_time(row["expires_at"]),
    )
    return issued, row["spent_at"] is not None


def grant_of_code(connection: Connection, code_digest: bytes) -> str | None:
    """The grant that a spent code became."""
    found: str | None = connection.execute(select(codes.c.grant_id).where(codes.c.code_digest == code_digest)).scalar()
    return found


def spend_code(connection: Connection, code_digest: bytes, at: datetime, mac_key: bytes, grant_id: str | None = None) -> bool:
    """Spend a code that was found; True for exactly one of all who try, however many at once. ``grant_id``: what it becomes."""
    row = _ONE.first(connection, {"wanted": code_digest})
    if row is None:
        return False
    spent = ended_row(mac_key, codes.name, row, {"spent_at": write_time(at), "grant_id": grant_id})
    given = {"wanted": code_digest, "at": spent["spent_at"], "becomes": grant_id, "mac": spent["row_mac"]}
    return _SPEND.change(connection, given) == 1


def sweep_codes(connection: Connection, before: datetime, limit: int) -> int:
    """Remove codes that expired before a time, at most ``limit``: those that became nothing, or nothing that is still here. How many. Of any other a second
    use must end what it became (RFC 6749 4.1.2).
    """
    here = select(grants.c.grant_id).where(grants.c.grant_id == codes.c.grant_id)
    over = select(codes.c.code_digest).where(codes.c.expires_at < write_time(before), ~here.exists()).order_by(codes.c.expires_at)
    gone = tuple(connection.execute(over.limit(limit)).scalars())
    if gone:
        connection.execute(delete(codes).where(codes.c.code_digest.in_(gone)))
    return len(gone)
