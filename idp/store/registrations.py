"""Rows of registrations: one JSON text for each client, under a MAC. Nothing here commits."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select

from idp.model.registrations import Registration
from idp.store.rows import check_mac, row_mac
from idp.tables import registrations
from service_kit.row_values import write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_ONE: Final = select(registrations).where(registrations.c.client_id == bindparam("wanted"))
_TUPLES: Final = frozenset(field.name for field in fields(Registration) if str(field.type).startswith("tuple"))


def put_registration(connection: Connection, registration: Registration, at: datetime, mac_key: bytes) -> None:
    """Store what a client has registered in place of what it had."""
    row: dict[str, Any] = {
        "client_id": registration.client_id,
        "metadata_json": json.dumps(asdict(registration), sort_keys=True, ensure_ascii=False, separators=(",", ":")),
        "changed_at": write_time(at),
    }
    row["row_mac"] = row_mac(mac_key, registrations.name, row)
    connection.execute(delete(registrations).where(registrations.c.client_id == registration.client_id))
    connection.execute(insert(registrations), row)


def find_registration(connection: Connection, client_id: str, mac_key: bytes) -> Registration | None:
    """What a client has registered; None for one that only has client credentials. ROW_ALTERED for an edited row."""
    row = connection.execute(_ONE, {"wanted": client_id}).mappings().first()
    if row is None:
        return None
    check_mac(mac_key, registrations.name, client_id, row)
    members: dict[str, Any] = json.loads(row["metadata_json"])
    if members.get("registration_token_digest"):
        members.setdefault("scopes_most", members["scopes"])  # who set them is not known of an older row: they do not grow
    members.update({name: tuple(members[name]) for name in _TUPLES & members.keys()})  # an older row lacks what came later
    return Registration(**members)
