"""Compare with the region what it has of our reports, and send again what it has not or has otherwise: entry of the log by entry what happened to
licences, report by report the types and the erasures, which are in no log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from licence_vault.reported import ReportState, ReportTree
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
    """What differs. ``log_index``: at which entry of the log; ``number``: at which place of the register; one of them is None. ``report``: None where
    there is none of ours.
    """

    log_index: int | None
    kind: FindingKind
    report: Report | None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of it. ``size``: entries of the log that were compared; ``comparison``, ``register``: of the log and of the register;
    ``repaired``: reports that are on their way again. ``waiting``, ``dead``: reports that are on their way or were given up, after that; where
    the region has nothing of one there is no difference, and it lacks it all the same.
    """

    size: int
    comparison: Comparison
    register: Comparison
    findings: tuple[Finding, ...]
    repaired: int
    waiting: int
    dead: int

    @property
    def requests(self) -> int:
        """How often the region was asked."""
        return self.comparison.requests + self.register.requests

    @property
    def is_complete(self) -> bool:
        """Whether all differences are told."""
        return self.comparison.is_complete and self.register.is_complete


def reconcile_reports(desk: ReportDesk, *, actor: str, is_repairing: bool) -> Reconciliation:
    """Compare, and where ``is_repairing`` send again what is missing or altered: it is due at once, and goes as it is to be told now.

    Raises TrustError REGION_UNAVAILABLE, REGION_ANSWER_UNTRUSTED.
    """
    # 1. Both trees: the log as far as it was followed, the register as far as it goes.
    with desk.context.database.read() as conn:
        sizes = {tree: reports.read_size(conn, tree) for tree in ReportTree}
    compared = {tree: _compare(desk, tree, size) for tree, size in sizes.items()}
    comparison, register = compared[ReportTree.LOG], compared[ReportTree.REGISTER]

    # 2. What each difference is, and what is to be done about it; on record together.
    def record(conn: Connection) -> Reconciliation:
        findings = tuple(_finding(conn, tree, each) for tree, found in compared.items() for each in found.differences)
        wrong = [each.report for each in findings if each.kind in REPAIRED and each.report is not None]
        repaired = sum(_send_again(desk, conn, each) for each in wrong) if is_repairing else 0
        unsent = reports.count_unsent(conn)
        desk.context.audit.record(
            conn,
            at=desk.context.clock.now(),
            actor=actor,
            action="licence-report.reconcile",
            subject="licence-reports",
            outcome="done",
            facts={
                "size": sizes[ReportTree.LOG],
                "root": comparison.root.hex(),
                "region_root": comparison.region_root.hex(),
                "register_size": sizes[ReportTree.REGISTER],
                "register_root": register.root.hex(),
                "region_register_root": register.region_root.hex(),
                "requests": comparison.requests + register.requests,
                "is_complete": comparison.is_complete and register.is_complete,
                "repaired": repaired,
                **{kind.value: sum(each.kind is kind for each in findings) for kind in FindingKind},
            },
        )
        waiting, dead = unsent[ReportState.WAITING], unsent[ReportState.DEAD]
        return Reconciliation(sizes[ReportTree.LOG], comparison, register, findings, repaired, waiting, dead)

    return desk.context.database.write(record)


def _compare(desk: ReportDesk, tree: ReportTree, size: int) -> Comparison:
    """One tree. What arrives in between makes answers contradict each other: then once more from the beginning."""
    attempt = 1
    while True:
        ours = RangeTree(size, partial(_places, desk, tree))
        try:
            return find_differences(ours, partial(desk.collector.compare, tree))
        except TrustError as error:
            if error.facts.get("rule") != CONTRADICTION or attempt == ATTEMPTS_TO_COMPARE:
                raise
        attempt += 1


def _places(desk: ReportDesk, tree: ReportTree, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    with desk.context.database.read() as conn:
        for place, key, digest in reports.stream_sent(conn, tree, first, end):
            yield place, place_hash(key, digest)


def _finding(conn: Connection, tree: ReportTree, difference: Difference) -> Finding:
    report = reports.load_report_of_place(conn, tree, difference.place)
    if report is None:
        kind = FindingKind.UNKNOWN
    elif difference.ours is None:
        kind = FindingKind.UNCONFIRMED
    elif difference.theirs is None:
        kind = FindingKind.MISSING
    else:
        kind = FindingKind.ALTERED
    log_index, number = (difference.place, None) if tree is ReportTree.LOG else (None, difference.place)
    return Finding(log_index, kind, report, number)


def _send_again(desk: ReportDesk, conn: Connection, report: Report) -> bool:
    if report.state is not ReportState.SENT:
        return False
    again = replace(report, state=ReportState.WAITING, attempts=0, due_at=desk.context.clock.now(), is_replacing=True)
    return reports.update_report(conn, report, again)
