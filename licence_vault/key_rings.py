"""The keys of the log and of the status lists, one behind the other: which signs now, which has signed before, and until when each.

The first key of a name is in the keystore under that name; those that follow have a row each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from licence_vault.log_tables import signing_keys
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.database import Database

GENERATIONS: Final = 8  # of one name: a trust list takes 16 keys of a log, and of both kinds of status lists together


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key. ``key_id``: in the keystore; ``from_at``: since when it signs, None for the first; ``next_at``: since when its successor does."""

    name: str
    generation: int
    key_id: str
    from_at: datetime | None = None
    next_at: datetime | None = None


def read_ring(conn: Connection, name: str) -> tuple[RingKey, ...]:
    """All keys of a name, oldest first."""
    rows = conn.execute(select(signing_keys).where(signing_keys.c.name == name).order_by(signing_keys.c.generation)).mappings().all()
    begun = [None, *(read_time(row["from_at"]) for row in rows)]
    key_ids = [name, *(row["key_id"] for row in rows)]
    ends = [*begun[1:], None]
    return tuple(RingKey(name, at, *each) for at, each in enumerate(zip(key_ids, begun, ends, strict=True), 1))


def signing_at(ring: tuple[RingKey, ...], at: datetime) -> RingKey:
    """The key that signs at a time (aware UTC)."""
    return next(each for each in reversed(ring) if each.from_at is None or each.from_at <= at)


def signing_key_id(database: Database, name: str, at: datetime) -> str:
    """The name in the keystore of the key that signs at a time."""
    with database.read() as conn:
        return signing_at(read_ring(conn, name), at).key_id


def insert_ring_key(conn: Connection, key: RingKey, from_at: datetime) -> None:
    """A key that follows the last one of its name."""
    values = {"name": key.name, "generation": key.generation, "key_id": key.key_id, "from_at": write_time(from_at)}
    conn.execute(insert(signing_keys), values)
