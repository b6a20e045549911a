"""Which client may use licences of which type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from licence_vault.use_tables import sharing
from licence_vault.uses import ShareRight, SharingPermission, UseMode
from service_kit.row_codes import as_shown, coded, is_as_written
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from service_kit.audit import Audit


def _permission(conn: Connection, row: RowMapping) -> SharingPermission:
    is_altered = not is_as_written(conn, sharing, dict(row))
    shown = as_shown(sharing, dict(row))
    return SharingPermission(
        client_id=shown["client_id"],
        type_code=shown["type_code"],
        # A row that the program did not write gives nothing, and what stands in it need be no mode and no right
        modes=frozenset() if is_altered else frozenset(UseMode(each) for each in row["modes"].split()),
        rights=frozenset() if is_altered else frozenset(ShareRight(each) for each in row["rights"].split()),
        reason=shown["reason"],
        revision=shown["revision"],
        given_by=shown["given_by"],
        given_at=read_time(shown["given_at"]),
        is_altered=is_altered,
    )


def _values(conn: Connection, permission: SharingPermission) -> dict[str, object]:
    row = {
        "client_id": permission.client_id,
        "type_code": permission.type_code,
        "modes": " ".join(sorted(permission.modes)),
        "rights": " ".join(sorted(permission.rights)),
        "reason": permission.reason,
        "revision": permission.revision,
        "given_by": permission.given_by,
        "given_at": write_time(permission.given_at),
    }
    return coded(conn, sharing, row)


def load_sharing(conn: Connection, client_id: str, type_code: str, *, is_locked: bool = False) -> SharingPermission | None:
    """One permission; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(sharing).where(sharing.c.client_id == client_id, sharing.c.type_code == type_code)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _permission(conn, row)


def insert_sharing(conn: Connection, permission: SharingPermission) -> None:
    """A new permission."""
    conn.execute(insert(sharing), _values(conn, permission))


def update_sharing(conn: Connection, permission: SharingPermission) -> None:
    """Everything of a permission; the caller has it locked."""
    same = (sharing.c.client_id == permission.client_id) & (sharing.c.type_code == permission.type_code)
    conn.execute(update(sharing).where(same).values(_values(conn, permission)))


def delete_sharing(conn: Connection, client_id: str, type_code: str) -> bool:
    """Take a permission back; False where there was none."""
    return conn.execute(delete(sharing).where(sharing.c.client_id == client_id, sharing.c.type_code == type_code)).rowcount == 1


def list_sharing(conn: Connection, *, client_id: str | None, after: tuple[str, str], limit: int) -> list[SharingPermission]:
    """Permissions by client and type, behind ``after``; of one client only where one is named."""
    client, type_code = after
    statement = (
        select(sharing)
        .where((sharing.c.client_id > client) | ((sharing.c.client_id == client) & (sharing.c.type_code > type_code)))
        .order_by(sharing.c.client_id, sharing.c.type_code)
        .limit(limit)
    )
    if client_id is not None:
        statement = statement.where(sharing.c.client_id == client_id)
    return [_permission(conn, row) for row in conn.execute(statement).mappings()]


def code_older_sharing(conn: Connection, audit: Audit) -> None:
    """Give rows from before there were codes theirs, where the last that the trail says of the permission is what the row says."""
    for row in conn.execute(select(sharing).where(sharing.c.row_mac.is_(None))).mappings().all():
        acts = tuple(f"licence-sharing.{each}" for each in ("permit", "change", "withdraw"))
        told = audit.own_entries(conn, f"client:{row['client_id']}", acts)
        last = next((entry for entry in told if entry.facts.get("type") == row["type_code"]), None)
        if last is None or last.action == acts[-1]:
            continue
        if all(last.facts.get(name) == row[name] for name in ("modes", "rights", "reason")):
            same = (sharing.c.client_id == row["client_id"]) & (sharing.c.type_code == row["type_code"])
            conn.execute(update(sharing).where(same).values(row_mac=coded(conn, sharing, dict(row))["row_mac"]))
