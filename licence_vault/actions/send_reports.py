"""Send what waits to the region: at least once, the events of one licence in their order, each on record before it leaves.

A region that is away is left alone, and nothing is given up for that. A report that the region refuses, or to which it gives answers that are
none, is given up and waits for somebody to look at it; later events of that licence wait behind it, all others go on.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.record_event import SERVICE
from licence_vault.report_errors import REFUSED, UNTRUSTED, answer_untrusted
from licence_vault.reported import ReportKind, ReportState
from licence_vault.reporting.limits import ATTEMPTS, LEASE_SECONDS, RECEIPT_CHARACTERS, SENT_PER_TURN, TURNS
from licence_vault.store import reports
from service_kit import fail_points
from service_kit.outbox import retry_seconds
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.report_desk import ReportDesk
    from licence_vault.ports import OutgoingReport
    from licence_vault.reported import Report

_log = logging.getLogger(__name__)
ACTION: Final = "licence-report.send"


def send_reports(desk: ReportDesk) -> dict[str, int]:
    """Send what is due; how many reached the region, how many did not. Safe in every worker."""
    done = {"sent": 0, "failed": 0}
    for _ in range(TURNS):
        if desk.is_resting():
            break
        with desk.context.database.read() as conn:
            due = reports.list_due_reports(conn, desk.context.clock.now(), SENT_PER_TURN)
        for report in due:
            if desk.is_resting():  # the region went away meanwhile
                return done
            done["sent" if _send(desk, report) else "failed"] += 1
        if len(due) == 0:
            break
    return done


def _send(desk: ReportDesk, report: Report) -> bool:
    # 1. What it says; what cannot be said any more is somebody's to look at.
    try:
        outgoing = desk.write_report(report)
    except TrustError as error:
        attempts = report.attempts + 1
        _record_failure(desk, report, error, is_over=error.kind is not Kind.UNAVAILABLE or attempts >= ATTEMPTS, attempts=attempts)
        return False

    # 2. tx 1: that it leaves is on record, and it is nobody else's work for a while.
    leased = desk.context.database.write(lambda conn: _record_intent(desk, conn, report, outgoing))
    if leased is None:
        return False
    fail_points.reach("licence-report.intended")

    # 3. The call, with no transaction open.
    try:
        receipt = desk.collector.report(outgoing)
        if not 1 <= len(receipt) <= RECEIPT_CHARACTERS or not is_plain_text(receipt):  # a shortened receipt is a wrong one
            raise answer_untrusted("receipt")
    except TrustError as error:
        if error.code in {REFUSED, UNTRUSTED}:
            desk.note_answer()
            _record_failure(desk, leased, error, is_over=error.code == REFUSED or leased.attempts >= ATTEMPTS)
        else:  # away: that is nothing against this report
            desk.note_outage()
            _record_failure(desk, leased, error, is_over=False, pause_seconds=retry_seconds(desk.outages), attempts=report.attempts)
        return False
    desk.note_answer()
    fail_points.reach("licence-report.sent")

    # 4. tx 2: it has reached the region. Killed before this, it goes once more under the same key.
    desk.context.database.write(lambda conn: _record_sent(desk, conn, leased, outgoing, receipt))
    return True


def _record_intent(desk: ReportDesk, conn: Connection, report: Report, outgoing: OutgoingReport) -> Report | None:
    leased = replace(
        report,
        attempts=report.attempts + 1,
        due_at=desk.context.clock.now() + timedelta(seconds=LEASE_SECONDS),
        map_name=desk.fields.label,
        digest=outgoing.digest,
    )
    if report.kind is ReportKind.LICENCE and _is_erased(conn, report) and desk.write_within(conn, report) != outgoing:
        return None  # its content was erased while this was written: the next turn writes it anew, without
    if not reports.update_report(conn, report, leased):
        return None
    _audit(desk, conn, leased, "intended", map=desk.fields.label, digest=outgoing.digest.hex(), is_replacing=report.is_replacing)
    return leased


def _is_erased(conn: Connection, report: Report) -> bool:
    """Whether the licence has no content any more; that it has stays so until this transaction ends."""
    record = store.load_licence(conn, report.licence_id or "", is_locked=True)
    return record is None or record.data_sealed is None


def _record_sent(desk: ReportDesk, conn: Connection, report: Report, outgoing: OutgoingReport, receipt: str) -> None:
    at = desk.context.clock.now()
    sent = replace(report, state=ReportState.SENT, is_replacing=False, last_error=None, receipt=receipt, sent_at=at)
    if reports.update_report(conn, report, sent):
        _audit(desk, conn, sent, "done", digest=outgoing.digest.hex(), receipt=receipt)
        if report.kind is ReportKind.ERASURE:
            reports.note_erasure(conn, report, outgoing.digest)


def _record_failure(
    desk: ReportDesk, report: Report, error: TrustError, *, is_over: bool, pause_seconds: float | None = None, attempts: int | None = None
) -> None:
    pause = retry_seconds(max(report.attempts, 1)) if pause_seconds is None else pause_seconds
    failed = replace(
        report,
        state=ReportState.DEAD if is_over else ReportState.WAITING,
        attempts=report.attempts if attempts is None else attempts,
        due_at=desk.context.clock.now() + timedelta(seconds=pause),
        last_error=error.code,
    )

    def record(conn: Connection) -> None:
        if reports.update_report(conn, report, failed):
            why = error.facts.get("reason", error.facts.get("rule"))
            _audit(desk, conn, failed, "failed", given_up=is_over, code=error.code, reason=None if why is None else str(why)[:200])

    desk.context.database.write(record)
    level = logging.ERROR if is_over else logging.WARNING
    facts = {"report": report.number, "attempt": report.attempts, "error": error.code, "given_up": is_over}
    _log.log(level, "report has not reached the region", extra={"facts": facts})


def _audit(desk: ReportDesk, conn: Connection, report: Report, outcome: str, **facts: str | bool | None) -> None:
    subject = f"licence-type:{report.type_code}" if report.licence_id is None else f"licence:{report.licence_id}"
    told = {"report": report.number, "key": report.key, "attempt": report.attempts, **facts}
    desk.context.audit.record(conn, at=desk.context.clock.now(), actor=SERVICE, action=ACTION, subject=subject, outcome=outcome, facts=told)
