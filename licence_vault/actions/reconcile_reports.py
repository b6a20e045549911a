"""Compare with the region what it has of our reports, entry of the log by entry, and send again what it has not or has otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from licence_vault.reported import ReportState
from licence_vault.reporting.find_differences import CONTRADICTION, find_differences
from licence_vault.reporting.limits import ATTEMPTS_TO_COMPARE
from licence_vault.reporting.range_tree import RangeTree, place_hash
from licence_vault.store import reports
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from licence_vault.actions.report_desk import ReportDesk
    from licence_vault.reported import Report
    from licence_vault.reporting.find_differences import Comparison, Difference


class FindingKind(StrEnum):
    """How an entry differs. MISSING, ALTERED: the region has it not, or otherwise, though it has given a receipt for it.

    UNCONFIRMED: the region has something that we wait to hear of; UNKNOWN: something that was never reported.
    """

    MISSING = "missing"
    ALTERED = "altered"
    UNCONFIRMED = "unconfirmed"
    UNKNOWN = "unknown"


REPAIRED: Final = frozenset({FindingKind.MISSING, FindingKind.ALTERED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of the log that differs. ``report``: None where there is none of ours."""

    log_index: int
    kind: FindingKind
    report: Report | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of it. ``size``: entries of the log that were compared; ``repaired``: reports that are on their way again."""

    size: int
    comparison: Comparison
    findings: tuple[Finding, ...]
    repaired: int


def reconcile_reports(desk: ReportDesk, *, actor: str, is_repairing: bool) -> Reconciliation:
    """Compare, and where ``is_repairing`` send again what is missing or altered: it is due at once, and goes as it is to be told now.

    Raises TrustError REGION_UNAVAILABLE, REGION_ANSWER_UNTRUSTED.
    """
    # 1. As far as the log was followed. What arrives in between makes answers contradict each other: then once more from the beginning.
    with desk.context.database.read() as conn:
        size = reports.read_followed(conn)
    comparison = _compare(desk, size)

    # 2. What each difference is, and what is to be done about it; on record together.
    def record(conn: Connection) -> tuple[tuple[Finding, ...], int]:
        findings = tuple(_finding(conn, each) for each in comparison.differences)
        wrong = [each.report for each in findings if each.kind in REPAIRED and each.report is not None]
        repaired = sum(_send_again(desk, conn, each) for each in wrong) if is_repairing else 0
        desk.context.audit.record(
            conn,
            at=desk.context.clock.now(),
            actor=actor,
            action="licence-report.reconcile",
            subject="licence-reports",
            outcome="done",
            facts={
                "size": size,
                "root": comparison.root.hex(),
                "region_root": comparison.region_root.hex(),
                "requests": comparison.requests,
                "is_complete": comparison.is_complete,
                "repaired": repaired,
                **{kind.value: sum(each.kind is kind for each in findings) for kind in FindingKind},
            },
        )
        return findings, repaired

    findings, repaired = desk.context.database.write(record)
    return Reconciliation(size, comparison, findings, repaired)


def _compare(desk: ReportDesk, size: int) -> Comparison:
    attempt = 1
    while True:
        tree = RangeTree(size, lambda first, end: _places(desk, first, end))
        try:
            return find_differences(tree, desk.collector.compare)
        except TrustError as error:
            if error.facts.get("rule") != CONTRADICTION or attempt == ATTEMPTS_TO_COMPARE:
                raise
        attempt += 1


def _places(desk: ReportDesk, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    with desk.context.database.read() as conn:
        for log_index, key, digest in reports.stream_sent(conn, first, end):
            yield log_index, place_hash(key, digest)


def _finding(conn: Connection, difference: Difference) -> Finding:
    report = reports.load_report_of_index(conn, difference.log_index)
    if report is None:
        kind = FindingKind.UNKNOWN
    elif difference.ours is None:
        kind = FindingKind.UNCONFIRMED
    elif difference.theirs is None:
        kind = FindingKind.MISSING
    else:
        kind = FindingKind.ALTERED
    return Finding(difference.log_index, kind, report)


def _send_again(desk: ReportDesk, conn: Connection, report: Report) -> bool:
    if report.state is not ReportState.SENT:
        return False
    again = replace(report, state=ReportState.WAITING, attempts=0, due_at=desk.context.clock.now(), is_replacing=True)
    return reports.update_report(conn, report, again)
