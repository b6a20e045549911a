"""Rows of devices that wait for somebody to sign in. Each state is left by one conditional update. Nothing here commits."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from idp.model.devices import DEVICE_TRANSITIONS, DeviceRequest, DeviceState
from idp.model.requests import Authentication
from idp.store.rows import check_mac, row_mac
from idp.tables import device_requests
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_MUTABLE: Final = frozenset({"interval_seconds", "polled_at"})  # outside the MAC: how fast a device asks gives no right


def _mac(mac_key: bytes, row: dict[str, Any]) -> bytes:
    return row_mac(mac_key, device_requests.name, {name: value for name, value in row.items() if name not in _MUTABLE})


def _who_json(who: Authentication | None) -> str:
    if who is None:
        return ""
    kept = {**asdict(who), "amr": list(who.amr), "auth_time": write_time(who.auth_time)}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def _who(text: str) -> Authentication | None:
    if not text:
        return None
    kept = json.loads(text)
    return Authentication(**{**kept, "amr": tuple(kept["amr"]), "auth_time": read_time(kept["auth_time"])})


def insert_device(connection: Connection, device: DeviceRequest, code_digest: bytes, user_code_hash: bytes, mac_key: bytes) -> None:
    """Store a new request under the digest of its code and the keyed hash of what people type."""
    row: dict[str, Any] = {
        "device_id": device.device_id,
        "code_digest": code_digest,
        "user_code_hash": user_code_hash,
        "client_id": device.client_id,
        "scopes": " ".join(device.scopes),
        "resource": device.resource,
        "state": device.state.value,
        "who_json": _who_json(device.who),
        "expires_at": write_time(device.expires_at),
        "interval_seconds": device.interval_seconds,
        "polled_at": None,
    }
    row["row_mac"] = _mac(mac_key, row)
    connection.execute(insert(device_requests), row)


def _find(connection: Connection, condition: Any, mac_key: bytes) -> DeviceRequest | None:
    row: RowMapping | None = connection.execute(select(device_requests).where(condition)).mappings().first()
    if row is None:
        return None
    check_mac(mac_key, device_requests.name, row["device_id"], {name: value for name, value in row.items() if name not in _MUTABLE})
    return DeviceRequest(
        device_id=row["device_id"],
        client_id=row["client_id"],
        scopes=tuple(row["scopes"].split()),
        resource=row["resource"],
        state=DeviceState(row["state"]),
        expires_at=read_time(row["expires_at"]),
        who=_who(row["who_json"]),
        interval_seconds=row["interval_seconds"],
        polled_at=read_optional_time(row["polled_at"]),
    )


def find_device(connection: Connection, device_id: str, mac_key: bytes) -> DeviceRequest | None:
    """A request by its id. ROW_ALTERED for an edited row."""
    return _find(connection, device_requests.c.device_id == device_id, mac_key)


def device_by_code(connection: Connection, code_digest: bytes, mac_key: bytes) -> DeviceRequest | None:
    """The request that a device asks about."""
    return _find(connection, device_requests.c.code_digest == code_digest, mac_key)


def device_by_user_code(connection: Connection, user_code_hash: bytes, mac_key: bytes) -> DeviceRequest | None:
    """The request whose code somebody typed."""
    return _find(connection, device_requests.c.user_code_hash == user_code_hash, mac_key)


def move_device(
    connection: Connection, device: DeviceRequest, state: DeviceState, mac_key: bytes, *, who: Authentication | None = None
) -> bool:
    """Bring a request into another state; True for exactly one of all who try to leave the state it was read in."""
    if state not in DEVICE_TRANSITIONS[device.state]:
        raise TrustError(Kind.CONFLICT, "DEVICE_UNKNOWN")
    moved = replace(device, state=state, who=who or device.who)
    same = (device_requests.c.device_id == device.device_id) & (device_requests.c.state == device.state.value)
    row = dict(connection.execute(select(device_requests).where(same)).mappings().first() or {})
    if not row:
        return False
    row |= {"state": moved.state.value, "who_json": _who_json(moved.who)}
    del row["row_mac"]
    changed = {"state": row["state"], "who_json": row["who_json"], "row_mac": _mac(mac_key, row)}
    return connection.execute(update(device_requests).where(same).values(changed)).rowcount == 1


def note_poll(connection: Connection, device: DeviceRequest, at: datetime, interval_seconds: int) -> None:
    """Remember when a device asked, and how long it is to wait."""
    same = device_requests.c.device_id == device.device_id
    connection.execute(update(device_requests).where(same).values(polled_at=write_optional_time(at), interval_seconds=interval_seconds))


def sweep_devices(connection: Connection, before: datetime) -> int:
    """Remove those that expired before a time."""
    return connection.execute(delete(device_requests).where(device_requests.c.expires_at < write_time(before))).rowcount
