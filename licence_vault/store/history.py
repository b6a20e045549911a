"""The history of licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, insert, select

from licence_vault.model import LicenceEvent
from licence_vault.register import EventRecord
from licence_vault.tables import events
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from sqlalchemy import Connection

_INSERT: Final = Prepared(insert(events))
_LAST_POSITION: Final = Prepared(select(func.max(events.c.position).label("last")).where(events.c.licence_id == bindparam("licence")))


def next_position(conn: Connection, licence_id: str) -> int:
    """The number of the next event of a licence, from 1; the licence is locked by the caller."""
    return int(_LAST_POSITION.scalar(conn, {"licence": licence_id}) or 0) + 1


def insert_event(conn: Connection, event: EventRecord) -> None:
    """One more line."""
    values = {name: getattr(event, name) for name in EventRecord.__slots__}
    _INSERT.change(conn, values | {"event": event.event.value, "at": write_time(event.at)})


def list_events(conn: Connection, licence_id: str) -> list[EventRecord]:
    """The history of a licence, oldest first."""
    rows = conn.execute(select(events).where(events.c.licence_id == licence_id).order_by(events.c.position)).mappings()
    return [EventRecord(**(dict(row) | {"event": LicenceEvent(row["event"]), "at": read_time(row["at"])})) for row in rows]
