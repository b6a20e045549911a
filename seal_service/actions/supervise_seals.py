"""Supervision: what the seals are and were used for, what ends soon, what is out of the ordinary.

All of it reads; that uses were taken out as a file is put on record.

Whoever audits or manages a seal sees what concerns it; audit administrators see everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from seal_service.errors import field_unacceptable
from seal_service.limits import CROWD_USES, CROWD_WINDOW_SECONDS, EXPORT_ROWS, SUPERVISED_DAYS
from seal_service.store import supervision
from service_kit.clock import in_utc
from service_kit.csv_tables import MARK, write_rows
from service_kit.roles import Role, role_at_work
from service_kit.written_times import write_utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from seal_service.model import Seal
    from seal_service.store.supervision import Crowd, Refusal, UseCount, UseLine
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

ROWS_MAX: Final = 1000
PAGE_ROWS: Final = 500
_COLUMNS: Final = ("use", "seal", "code", "client", "holder", "form", "document_type", "state", "at", "digest", "audit_entry")


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` (inclusive) until ``until`` (exclusive), aware UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """Seals by state, and uses by seal, holder, form and day."""

    states: dict[str, int]
    uses: list[UseCount]


@dataclass(frozen=True, slots=True)
class Anomalies:
    """Refused uses, and windows with more uses than are usual."""

    refusals: list[Refusal]
    crowds: list[Crowd]


def period_of(since: datetime | None, until: datetime | None, now: datetime) -> Period:
    """The period asked for, in UTC, by default the last thirty days. FIELD_UNACCEPTABLE where it ends before it begins or is too long."""
    end = now if until is None else in_utc(until, partial(field_unacceptable, "until"))
    try:
        begin = end - timedelta(days=30) if since is None else in_utc(since, partial(field_unacceptable, "since"))
    except OverflowError:
        raise field_unacceptable("until", "a time that thirty days come before") from None
    if not timedelta(0) < end - begin <= timedelta(days=SUPERVISED_DAYS):
        raise field_unacceptable("since", f"before until, by at most {SUPERVISED_DAYS} days")
    return Period(begin, end)


def summarise(context: ServiceContext, caller: Caller, period: Period) -> Summary:
    """How many seals are in which state, and how they were used."""
    with context.database.read() as conn:
        holder = _holder(conn, caller)
        counted = supervision.count_uses(conn, holder, since=period.since, until=period.until, limit=ROWS_MAX)
        return Summary(supervision.count_states(conn, holder), counted)


def list_expiring(context: ServiceContext, caller: Caller, *, days: int) -> list[Seal]:
    """The seals that end within ``days``, those already over included, the nearest end first."""
    with context.database.read() as conn:
        until = context.clock.now() + timedelta(days=days)
        return supervision.list_expiring(conn, _holder(conn, caller), until=until, limit=ROWS_MAX)


def find_anomalies(context: ServiceContext, caller: Caller, period: Period) -> Anomalies:
    """Uses that were refused, and crowds of uses."""
    with context.database.read() as conn:
        holder = _holder(conn, caller)
        return Anomalies(
            supervision.list_refusals(conn, holder, since=period.since, until=period.until, limit=ROWS_MAX),
            supervision.list_crowds(
                conn,
                holder,
                since=period.since,
                until=period.until,
                window_seconds=CROWD_WINDOW_SECONDS,
                least=CROWD_USES,
                limit=ROWS_MAX,
            ),
        )


def export_uses(context: ServiceContext, caller: Caller, period: Period) -> Iterator[bytes]:
    """Every use as CSV (UTF-8 with its mark, RFC 4180), in pages, so that memory does not grow with the period; at most EXPORT_ROWS lines.

    The last line says where the export ended for its length. Who took it out is on record before the first one.
    """

    def record(conn: Connection) -> None:
        facts = {"since": write_utc(period.since), "until": write_utc(period.until)}
        context.audit.record(
            conn, at=context.clock.now(), actor=caller.actor, action="seal.uses-export", subject="seal-uses", outcome="done", facts=facts
        )

    context.database.write(record)
    return _lines_of_uses(context, caller, period)


def _lines_of_uses(context: ServiceContext, caller: Caller, period: Period) -> Iterator[bytes]:
    yield MARK + write_rows([_COLUMNS])
    after, written = "", 0
    while written < EXPORT_ROWS:
        with context.database.read() as conn:
            lines = supervision.list_use_lines(
                conn,
                _holder(conn, caller),
                since=period.since,
                until=period.until,
                after=after,
                limit=min(PAGE_ROWS, EXPORT_ROWS - written),
            )
        if not lines:
            return
        yield write_rows([_row(line) for line in lines])
        after, written = lines[-1].use_id, written + len(lines)
    yield write_rows([(f"# {EXPORT_ROWS} lines: more may follow; ask for a shorter period", *[""] * (len(_COLUMNS) - 1))])


def _holder(conn: Connection, caller: Caller) -> str | None:
    return None if role_at_work(conn, caller) is Role.AUDIT else caller.holder


def _row(line: UseLine) -> tuple[str, ...]:
    at = line.intent_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    texts = (line.use_id, line.seal_id, line.code, line.client_id, line.holder, line.form, line.document_type, line.state, at)
    return (*texts, line.digest_hex, line.audit_id)
