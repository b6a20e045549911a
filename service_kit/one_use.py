"""Values that count once: the ids of proofs, assertions and tickets that others make. Only a digest is stored, and only for as long as
the value could count at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, text

from crypto.sm3 import sm3
from service_kit.row_values import write_time
from service_kit.sweeping import SWEEP_ROWS
from service_kit.tables import used_values as table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

DPOP_PLACE: Final = "dpop"  # proofs of possession, wherever in the deployment they are shown
_TAKE: Final = text("INSERT INTO kit_used_values (value_digest, used_until_at) VALUES (:digest, :until) ON CONFLICT DO NOTHING")


def value_digest(place: str, value: str) -> bytes:
    """Under what a value of a place is stored; for looking whether it has been used."""
    return sm3(f"yinxin used value v1\0{place}\0{value}".encode("utf-8", "surrogatepass"))


def use_once(connection: Connection, place: str, value: str, until_at: datetime) -> bool:
    """Use a value at a place (such as ``dpop``): True for exactly one of all who try, in whatever process, until ``until_at`` (aware UTC)."""
    return connection.execute(_TAKE, {"digest": value_digest(place, value), "until": write_time(until_at)}).rowcount == 1


def sweep_used_values(connection: Connection, at: datetime) -> int:
    """Forget values whose time is over, at most SWEEP_ROWS; returns how many."""
    over = select(table.c.value_digest).where(table.c.used_until_at < write_time(at)).limit(SWEEP_ROWS)
    return connection.execute(delete(table).where(table.c.value_digest.in_(over))).rowcount
