"""How far a log has come: its row, and the statements by which the sequencer moves it on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, bindparam, func, select, update

from service_kit.clock import TOLERANCE_SECONDS
from service_kit.prepared import Prepared
from service_kit.tables import log_head as heads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Table, Update

HEAD: Final = Prepared(select(heads).where(heads.c.log == bindparam("of")))
LEAD: Final = Prepared(
    update(heads)
    .where(heads.c.log == bindparam("of"))
    .values(assigned=bindparam("until_index"), lease_holder=bindparam("holder"), lease_until=bindparam("until"))
)
MOVE: Final = Prepared(
    update(heads)
    .where(heads.c.log == bindparam("of"), heads.c.size == bindparam("old"), heads.c.lease_holder == bindparam("holder"))
    .values(size=bindparam("new"), checkpoints=bindparam("written"), lease_until=bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class LogHead:
    """The newest signed state. ``checkpoints``: the signed note of each tree, by tree name. ``waiting`` entries have an index already."""

    size: int
    waiting: int
    checkpoints: dict[str, bytes]


def numbering_of(table: Table) -> Update:
    """Gives the rows that wait, at most ``room`` of them, the indexes from ``first`` on, in the order in which they were written."""
    waiting = (
        select(table.c.position).where(table.c.log_index.is_(None)).order_by(table.c.position).limit(bindparam("room")).subquery("waiting")
    )
    place = func.row_number().over(order_by=waiting.c.position) - 1
    numbered = select(waiting.c.position.label("at"), (bindparam("first", type_=BigInteger) + place).label("new_index")).subquery(
        "numbered"
    )
    return update(table).values(log_index=numbered.c.new_index).where(table.c.position == numbered.c.at)


def is_led_by_another(row: Mapping[str, Any] | None, holder: str, now: int, lease: int) -> bool:
    """Whether somebody else holds the lease. ``now``, ``lease``: microseconds. One that ends later than any that is given now was given by a clock that
    was ahead, and counts no more: else the log would stand still for as long as that was. Two that lead do no harm: MOVE takes the one in the row.
    """
    if row is None or row["lease_holder"] == holder:
        return False
    return bool(now < row["lease_until"] <= now + lease + int(TOLERANCE_SECONDS * 1_000_000))


def read_head(row: Mapping[str, Any] | None) -> LogHead:
    """The state in a row; that of an empty log where there is none."""
    if row is None:
        return LogHead(0, 0, {})
    size, notes = row["size"], json.loads(row["checkpoints"])
    return LogHead(size, row["assigned"] - size, {name: note.encode() for name, note in notes.items()})
