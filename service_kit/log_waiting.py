"""What waits for its place in a log, numbered or not, and for how long: a log may stand still while every process that asks has met no error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from service_kit.entry_ids import time_of_entry_id
from service_kit.log_heads import HEAD, read_head
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from service_kit.clock import Clock
    from service_kit.transparency_log import TransparencyLog

STANDSTILL_SECONDS: Final = 120.0  # a turn takes half a second, a leader that died is followed after two


@dataclass(frozen=True, slots=True)
class LogState:
    """``size``: entries under the newest checkpoint. ``waiting``: those that are not. ``waiting_seconds``: since the first of these was recorded, 0 where there is none."""

    size: int
    waiting: int
    waiting_seconds: int


def log_state(log: TransparencyLog, clock: Clock) -> LogState:
    """How far a log is, for readiness.

    Raises why its last turn failed, where it did; LOG_STANDS_STILL where this process sequences, or would if no other led, and an entry waits for
    longer than ``STANDSTILL_SECONDS``, none of them before it began. Where none serves, entries of commands rightly wait for the next start.
    """
    if log.last_error is not None:
        raise log.last_error
    table = log.table.c
    with log.database.read() as connection:
        head = read_head(HEAD.first(connection, {"of": log.name}))
        unnumbered = connection.execute(select(func.count()).select_from(log.table).where(table.log_index.is_(None))).scalar_one()
        waits = table.log_index == head.size if head.waiting else table.log_index.is_(None)  # what has a number came before what has none
        first = connection.execute(select(table.entry_id).where(waits).order_by(table.position).limit(1)).scalar()
    now, since = clock.now(), log.sequencing_since
    seconds = 0 if first is None else max(0, int((now - time_of_entry_id(first)).total_seconds()))
    waiting = head.waiting + unnumbered
    if seconds > STANDSTILL_SECONDS and since is not None and (now - since).total_seconds() > STANDSTILL_SECONDS:
        raise TrustError(Kind.UNAVAILABLE, "LOG_STANDS_STILL", log=log.name, waiting=waiting, waiting_seconds=seconds)
    return LogState(head.size, waiting, seconds)
