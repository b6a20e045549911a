"""Look at reports to the region, and send one that was given up once more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from licence_vault.actions.define_type import check_reason
from licence_vault.report_errors import report_not_found, report_state_conflict
from licence_vault.reported import ReportState
from licence_vault.store import reports

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.reported import Report
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class ReportingState:
    """Where reporting stands. ``followed``: entries of the public log that were looked at; ``oldest_at``: since when one is waiting."""

    followed: int
    waiting: int
    dead: int
    oldest_at: datetime | None


def find_reporting_state(context: ServiceContext) -> ReportingState:
    """Counts of what has not reached the region."""
    with context.database.read() as conn:
        counts = reports.count_unsent(conn)
        return ReportingState(
            reports.read_followed(conn), counts[ReportState.WAITING], counts[ReportState.DEAD], reports.oldest_waiting(conn)
        )


def list_reports(context: ServiceContext, *, state: ReportState | None, after: int, limit: int) -> list[Report]:
    """Reports by number, behind ``after``."""
    with context.database.read() as conn:
        return reports.list_reports(conn, state=state, after=after, limit=limit)


def retry_report(context: ServiceContext, caller: Caller, number: int, *, reason: str, is_replacing: bool) -> Report:
    """Send a report that was given up once more, as it is to be told now. ``is_replacing``: in place of what the region has under its key.

    Raises TrustError LICENCE_REPORT_NOT_FOUND, LICENCE_REPORT_STATE_CONFLICT, FIELD_UNACCEPTABLE.
    """
    reason = check_reason(reason, is_required=True)

    def retry(conn: Connection) -> Report:
        found = reports.load_report(conn, number, is_locked=True)
        if found is None:
            raise report_not_found(number)
        if found.state is not ReportState.DEAD:
            raise report_state_conflict(number, found.state.value)
        at = context.clock.now()
        again = replace(found, state=ReportState.WAITING, attempts=0, due_at=at, is_replacing=is_replacing)
        reports.update_report(conn, found, again)
        context.audit.record(
            conn,
            at=at,
            actor=caller.actor,
            action="licence-report.retry",
            subject=f"licence-report:{number}",
            outcome="done",
            facts={"key": found.key, "reason": reason, "is_replacing": is_replacing},
        )
        return again

    return context.database.write(retry)
