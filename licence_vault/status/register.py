"""Places in status lists and what stands at them. ``store``-like: works in the caller's transaction and commits nothing."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, update

from crypto.sm3 import hmac_sm3
from licence_vault.errors import status_order_changed
from licence_vault.log_tables import status_allotments, status_order, status_values
from licence_vault.status.order import ENTRIES, place_of
from service_kit.prepared import Prepared
from service_kit.row_values import write_time
from standards.ietf_status_list import pack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

BITS: Final = 2
ORDER_KEY: Final = "licence-status-order"
"""Name of the secret in the keystore that the order of places is made from."""
_CHECKED: Final = b"licence-status-order/v1"
_KEY_CHECK: Final = Prepared(select(status_order.c.key_check))
_ALLOT: Final = Prepared(insert(status_allotments).returning(status_allotments.c.position), columns=("allotted_at",))


@dataclass(frozen=True, slots=True)
class StatusPlace:
    """Where the status of a licence stands. ``list_number`` from 1."""

    list_number: int
    index: int


def allot_place(connection: Connection, key: bytes, at: datetime) -> StatusPlace:
    """A place that nobody else has or will have. ``key``: the secret ORDER_KEY. Where the transaction is undone, so is the allotment.

    TrustError STATUS_ORDER_CHANGED where places were given out by another key: by this one, some would be given out twice.
    """
    check = hmac_sm3(key, _CHECKED)
    kept = _KEY_CHECK.scalar(connection, {})
    if not kept:
        connection.execute(update(status_order).values(key_check=check))
    elif not hmac.compare_digest(kept, check):
        raise status_order_changed()
    position = int(_ALLOT.scalar(connection, {"allotted_at": write_time(at)}))
    return StatusPlace(*place_of(position, key))


def set_status(connection: Connection, place: StatusPlace, status: int, at: datetime) -> None:
    """Set what stands there: 0 valid, 1 invalid, 2 suspended, 3 annual check overdue. Published with the list's next edition."""
    if not (place.list_number >= 1 and 0 <= place.index < ENTRIES and 0 <= status < 1 << BITS):
        raise ValueError(place, status)
    columns = status_values.c
    values = {"status": status, "changed_at": write_time(at)}
    changed = connection.execute(
        update(status_values).where(columns.list_number == place.list_number, columns.list_index == place.index).values(values)
    ).rowcount
    if not changed:
        connection.execute(insert(status_values), {"list_number": place.list_number, "list_index": place.index, **values})


def status_of(connection: Connection, place: StatusPlace) -> int:
    """What stands there now; it may not be published yet."""
    columns = status_values.c
    found = connection.execute(
        select(columns.status).where(columns.list_number == place.list_number, columns.list_index == place.index)
    ).scalar()
    return int(found or 0)


def list_numbers(connection: Connection) -> range:
    """The lists in which places were given out."""
    highest = int(connection.execute(select(func.max(status_allotments.c.position))).scalar() or 0)
    return range(1, -(-highest // ENTRIES) + 1)


def pack_list(connection: Connection, list_number: int) -> bytes:
    """The packed bytes of a list as it stands: 250,000 bytes for a million entries of two bits."""
    columns = status_values.c
    rows: Iterable[tuple[int, int]] = (
        (row.list_index, row.status)
        for row in connection.execute(
            select(columns.list_index, columns.status).where(columns.list_number == list_number, columns.status != 0)
        )
    )
    return pack(ENTRIES, BITS, rows)
