"""How many entries of which event the log has for each issuer and type, so that a department can compare with its own books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, update

from licence_vault.log.leaf import STATUS_LIST_EVENT
from licence_vault.log_tables import log, log_counted, log_counts

if TYPE_CHECKING:
    from sqlalchemy import Connection

STEP: Final = 50_000  # entries counted in one transaction: some 50 ms


@dataclass(frozen=True, slots=True)
class Count:
    """``entries`` of one kind."""

    issuer_code: str
    type_code: str
    event: str
    entries: int


def counted_size(connection: Connection) -> int:
    """How many entries of the log the counts cover."""
    return int(connection.execute(select(log_counted.c.size)).scalar_one())


def count_further(connection: Connection, size: int) -> int:
    """Count the entries up to the log's ``size``, one step of them; returns how many the counts cover then."""
    have = counted_size(connection)
    to = min(size, have + STEP)
    if to <= have:
        return have
    kinds = (log.c.issuer_code, log.c.type_code, log.c.event)
    found = connection.execute(
        select(*kinds, func.count()).where(log.c.log_index >= have, log.c.log_index < to, log.c.event != STATUS_LIST_EVENT).group_by(*kinds)
    ).all()
    connection.execute(update(log_counted).values(size=to))
    for issuer_code, type_code, event, entries in found:
        added = connection.execute(
            update(log_counts)
            .where(log_counts.c.issuer_code == issuer_code, log_counts.c.type_code == type_code, log_counts.c.event == event)
            .values(entries=log_counts.c.entries + entries)
        ).rowcount
        if not added:
            row = {"issuer_code": issuer_code, "type_code": type_code, "event": event, "entries": entries}
            connection.execute(insert(log_counts), row)
    return to


def read_counts(connection: Connection, issuer_code: str | None = None) -> tuple[int, tuple[Count, ...]]:
    """(entries covered, counts), of one issuer or of all, in the order of issuer, type and event."""
    columns = log_counts.c
    wanted = select(log_counts).order_by(columns.issuer_code, columns.type_code, columns.event)
    if issuer_code is not None:
        wanted = wanted.where(columns.issuer_code == issuer_code)
    return counted_size(connection), tuple(Count(*row) for row in connection.execute(wanted))
