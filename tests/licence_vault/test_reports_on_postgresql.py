"""Reporting on PostgreSQL, where two processes really run side by side: each event is entered once and told once, and the sides agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from licence_vault.actions.find_reports import find_reporting_state
from licence_vault.actions.follow_log import follow_log
from licence_vault.actions.reconcile_reports import reconcile_reports
from licence_vault.actions.send_reports import send_reports
from licence_vault.reported import ReportState
from tests.licence_vault.issuing_here import IssuingHere
from tests.licence_vault.reporting_here import ReportingHere
from tests.postgres import postgres_url

if TYPE_CHECKING:
    from pathlib import Path


def test_two_processes_report_side_by_side(tmp_path: Path) -> None:
    with IssuingHere.made(tmp_path / "d", database_url=postgres_url()) as here:
        town = ReportingHere(here)
        records = [here.issue() for _ in range(4)]
        here.take_in()
        desks = [town.desk, replace(town.desk)]
        with ThreadPoolExecutor(2) as pool:
            entered = sum(pool.map(follow_log, desks))
            sent = sum(done["sent"] for done in pool.map(send_reports, desks))
        state = find_reporting_state(here.vault.context)
        assert (state.waiting, state.dead) == (0, 0)
        assert entered == sent == len(town.simulator.kept) == len(town.simulator.requests) == 6  # two types, four licences
        assert {each.state for record in records for each in town.reports_of(record.id)} == {ReportState.SENT}
        lost = town.reports_of(records[1].id)[0]
        del town.simulator.kept[lost.key]
        done = reconcile_reports(town.desk, actor="test", is_repairing=True)
        assert ([each.report for each in done.findings], done.repaired) == ([lost], 1)
        assert town.turn() == {"sent": 1, "failed": 0}
        assert reconcile_reports(town.desk, actor="test", is_repairing=False).findings == ()
