"""The keys of the log and of the status lists, one behind the other: which signs now, which has signed before, and until when each; and which was
withdrawn, because it may be in the wrong hands: it signs nothing any more.

The first key of a name is in the keystore under that name; those that follow have a row each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, insert, select, update

from licence_vault.log_tables import signing_keys, withdrawn_keys
from service_kit.prepared import Prepared
from service_kit.row_values import read_optional_time, read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.database import Database

_RING: Final = Prepared(select(signing_keys).where(signing_keys.c.name == bindparam("ring")).order_by(signing_keys.c.generation))
_WITHDRAWN: Final = Prepared(
    select(withdrawn_keys.c.key_id, withdrawn_keys.c.withdrawn_at).where(withdrawn_keys.c.name == bindparam("ring"))
)
GENERATIONS: Final = 8  # of one name: a trust list takes 16 keys of a log, and of both kinds of status lists together


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key. ``key_id``: in the keystore; ``from_at``: since when it signs, None for the first; ``next_at``: since when its successor does;
    ``withdrawn_at``: since when it may be in the wrong hands, None where it is not.
    """

    name: str
    generation: int
    key_id: str
    from_at: datetime | None = None
    next_at: datetime | None = None
    withdrawn_at: datetime | None = None


def read_ring(conn: Connection, name: str) -> tuple[RingKey, ...]:
    """All keys of a name, oldest first."""
    rows = _RING.all(conn, {"ring": name})
    begun = [None, *(read_time(row["from_at"]) for row in rows)]
    key_ids = [name, *(row["key_id"] for row in rows)]
    withdrawn = {str(row["key_id"]): read_time(row["withdrawn_at"]) for row in _WITHDRAWN.all(conn, {"ring": name})}
    ring, end = [], None
    for at, key_id, begin in zip(range(len(begun), 0, -1), reversed(key_ids), reversed(begun), strict=True):
        gone = withdrawn.get(key_id)
        ring.append(RingKey(name, at, key_id, begin, end, gone))
        if begin is None or gone is None or begin <= gone:  # what was withdrawn before it began follows nobody
            end = begin
    return tuple(reversed(ring))


def signing_at(ring: tuple[RingKey, ...], at: datetime) -> RingKey:
    """The key that signs at a time (aware UTC). None is withdrawn without another that signs at once."""
    return next(each for each in reversed(ring) if each.withdrawn_at is None and (each.from_at is None or each.from_at <= at))


def signing_key_id(database: Database, name: str, at: datetime) -> str:
    """The name in the keystore of the key that signs at a time."""
    with database.read() as conn:
        return signing_at(read_ring(conn, name), at).key_id


def insert_ring_key(conn: Connection, key: RingKey, from_at: datetime) -> None:
    """A key that follows the last one of its name."""
    values = {"name": key.name, "generation": key.generation, "key_id": key.key_id, "from_at": write_time(from_at)}
    conn.execute(insert(signing_keys), values)


def begin_ring_key(conn: Connection, key: RingKey, from_at: datetime) -> None:
    """A key that was announced signs from another time on."""
    conn.execute(update(signing_keys).where(signing_keys.c.key_id == key.key_id).values(from_at=write_time(from_at)))


def insert_withdrawal(conn: Connection, key: RingKey, withdrawn_at: datetime, at: datetime) -> None:
    """A key may be in the wrong hands since ``withdrawn_at``, as is recorded ``at``."""
    times = {"withdrawn_at": write_time(withdrawn_at), "recorded_at": write_time(at)}
    conn.execute(insert(withdrawn_keys), {"key_id": key.key_id, "name": key.name, **times})


def last_withdrawal_at(conn: Connection, *names: str) -> datetime | None:
    """When the last withdrawal of a key of these names was recorded."""
    return read_optional_time(conn.execute(select(func.max(withdrawn_keys.c.recorded_at)).where(withdrawn_keys.c.name.in_(names))).scalar())
