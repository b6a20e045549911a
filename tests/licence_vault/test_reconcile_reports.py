"""Reconciling with the region: what it lost or altered is found and told again, and it cannot answer as it likes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.reconcile_reports import Finding, FindingKind, reconcile_reports
from licence_vault.model import step_named
from licence_vault.reported import ReportKind, ReportState
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.licence_vault.issuing_here import FACE, IssuingHere
from tests.licence_vault.reporting_here import ReportingHere
from tests.licence_vault.type_files import type_file
from yinxin.region_simulator import Kept, Knobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from licence_vault.actions.reconcile_reports import Reconciliation
    from licence_vault.ports import LogRange, OutgoingReport, RangeRoots, RegionalCollector
    from licence_vault.register import LicenceRecord
    from licence_vault.reported import Report, ReportTree


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("reconcile") / "d") as made:
        yield ReportingHere(made)


@pytest.fixture
def town(shared: ReportingHere) -> Iterator[ReportingHere]:
    shared.settle()
    yield shared
    shared.settle()
    reconcile_reports(shared.desk, actor="test", is_repairing=True)
    shared.settle()


@dataclass
class Settling:
    """Contradicts itself once, as a region does in which something has just arrived."""

    town: ReportingHere
    honest: RegionalCollector

    def report(self, report: OutgoingReport) -> str:
        return self.honest.report(report)

    def compare(self, tree: ReportTree, size: int, ranges: Sequence[LogRange]) -> Sequence[RangeRoots]:
        answer = self.honest.compare(tree, size, ranges)
        self.town.simulator.knobs = Knobs()
        return answer


def reconcile(town: ReportingHere, *, is_repairing: bool = False) -> Reconciliation:
    return reconcile_reports(town.desk, actor="cl_operator", is_repairing=is_repairing)


def found(done: Reconciliation) -> list[tuple[FindingKind, int | None]]:
    return [(each.kind, each.log_index) for each in done.findings]


def report_of(town: ReportingHere, record: LicenceRecord) -> Report:
    [report] = town.reports_of(record.id)
    return report


def test_what_the_region_has_as_we_do_is_one_question(town: ReportingHere) -> None:
    town.here.issue()
    town.turn()
    done = reconcile(town)
    assert (done.findings, done.comparison.requests, done.register.requests, done.repaired) == ((), 1, 1, 0)
    assert done.is_complete
    assert done.comparison.root == done.comparison.region_root


@pytest.mark.parametrize(
    ("knobs", "kind"), [(Knobs(is_dropping=True), FindingKind.MISSING), (Knobs(is_altering=True), FindingKind.ALTERED)]
)
def test_one_record_that_was_dropped_or_altered_is_found_and_told_again(town: ReportingHere, knobs: Knobs, kind: FindingKind) -> None:
    good = [town.here.issue() for _ in range(3)]
    town.turn()
    town.simulator.knobs = knobs
    record = town.here.issue()
    town.turn()
    town.simulator.knobs = Knobs()
    report = report_of(town, record)
    assert report.state is ReportState.SENT  # the region has acknowledged it

    done = reconcile(town)
    assert found(done) == [(kind, report.log_index)]
    assert done.findings[0].report == report
    assert done.comparison.requests <= 2 * max(done.size, 2).bit_length()
    assert (done.repaired, report_of(town, record)) == (0, report)

    done = reconcile(town, is_repairing=True)
    assert done.repaired == 1
    assert town.turn() == {"sent": 1, "failed": 0}
    assert reconcile(town).findings == ()
    assert town.kept_of(record.id)[0]["certificate_number"] == town.simulator.kept[report.key].record["certificate_number"]
    assert [len(town.asked(each.id)) for each in (*good, record)] == [1, 1, 1, 2]
    with town.here.vault.context.database.read() as conn:
        entries = [each.facts for each in find_entries(conn, subject="licence-reports", limit=3)]
    assert [each[kind.value] for each in reversed(entries)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("knobs", "kind"), [(Knobs(is_dropping=True), FindingKind.MISSING), (Knobs(is_altering=True), FindingKind.ALTERED)]
)
def test_a_type_that_was_dropped_or_altered_is_found_and_told_again(town: ReportingHere, knobs: Knobs, kind: FindingKind) -> None:
    town.simulator.knobs = knobs
    town.here.publish(type_file(face=FACE, name=f"示例许可证（{kind}）"))
    town.turn()
    town.simulator.knobs = Knobs()
    done = reconcile(town, is_repairing=True)
    assert {(each.kind, each.log_index, each.report and each.report.kind) for each in done.findings} == {(kind, None, ReportKind.TYPE)}
    assert [each.number for each in done.findings] == [each.report and each.report.number for each in done.findings]
    assert len(done.findings) == done.repaired == 2  # one version was published, the one before it retired
    assert town.turn() == {"sent": 2, "failed": 0}
    assert reconcile(town).findings == ()
    town.simulator.kept["forged"] = Kept("type", None, "00" * 32, {}, "x", 0)
    assert reconcile(town, is_repairing=True).findings == (Finding(None, FindingKind.UNKNOWN, None, 0),)
    del town.simulator.kept["forged"]


def test_after_an_erasure_both_sides_agree_and_a_region_that_kept_what_it_was_to_erase_is_found(town: ReportingHere) -> None:
    record = town.here.issue()
    cancel_and_turn(town, record)
    kept = {key: replace(each) for key, each in town.simulator.kept.items() if key.startswith(record.identifier)}
    assert len(kept) == 2
    erase_licence(town.here.vault.context, town.here.clerk, record.id, reason="依据", if_revision=None)
    town.turn()
    assert [each.record for each in town.simulator.kept.values() if each.kind == "licence" and each.log_index in indexes(kept)] == [{}, {}]
    assert reconcile(town).findings == ()

    town.simulator.kept |= kept  # it has said that it erased them
    done = reconcile(town, is_repairing=True)
    assert found(done) == [(FindingKind.ALTERED, index) for index in sorted(indexes(kept))]
    town.turn()
    assert reconcile(town).findings == ()
    assert not any("certificate_holder_name" in each for each in town.kept_of(record.id))

    del town.simulator.kept[f"{record.identifier}:001:erased"]
    done = reconcile(town, is_repairing=True)
    assert [(each.kind, each.report and each.report.kind) for each in done.findings] == [(FindingKind.MISSING, ReportKind.ERASURE)]
    town.turn()
    assert reconcile(town).findings == ()


def cancel_and_turn(town: ReportingHere, record: LicenceRecord) -> None:
    town.here.take_in()
    context, clerk = town.here.vault.context, town.here.clerk
    change_licence_state(context, clerk, record.id, step_named("cancel"), reason="依据", if_revision=None)
    town.turn()
    town.turn()


def indexes(kept: Mapping[str, Kept]) -> set[int]:
    return {each.log_index for each in kept.values() if each.log_index is not None}


def test_what_is_on_its_way_and_what_was_never_told_are_named_as_such(town: ReportingHere) -> None:
    town.simulator.knobs = Knobs(is_forgetting_to_answer=True)
    record = town.here.issue()
    town.turn()
    town.simulator.knobs = Knobs()
    index = report_of(town, record).log_index or 0
    made_index = index - 1  # nobody is told of a licence that is made
    town.simulator.kept["forged"] = Kept("licence", made_index, "00" * 32, {}, "x")
    done = reconcile(town, is_repairing=True)
    assert done.findings == (
        Finding(made_index, FindingKind.UNKNOWN, None),
        Finding(index, FindingKind.UNCONFIRMED, report_of(town, record)),
    )
    assert done.repaired == 0
    del town.simulator.kept["forged"]
    town.turn()
    assert reconcile(town).findings == ()


def test_what_was_given_up_is_told_though_it_is_no_difference(town: ReportingHere) -> None:
    before = reconcile(town).dead
    town.simulator.knobs = Knobs(refuses_with="no such area")
    record = town.here.issue()
    town.turn()
    assert report_of(town, record).state is ReportState.DEAD
    done = reconcile(town)
    assert (done.findings, done.waiting, done.dead) == ((), 0, before + 1)


@pytest.mark.parametrize("lie", ["size", "ranges", "roots", "halves"])
def test_a_region_that_lies_about_its_roots_is_not_believed(town: ReportingHere, lie: str) -> None:
    town.here.issue()
    town.turn()
    town.simulator.knobs = Knobs(lies_about=lie)
    with pytest.raises(TrustError) as refused:
        reconcile(town)
    assert (refused.value.code, refused.value.facts["rule"]) == ("REGION_ANSWER_UNTRUSTED", lie)


def test_answers_that_contradict_each_other_are_asked_for_anew_a_few_times(town: ReportingHere) -> None:
    for _ in range(3):  # a log of two entries is told whole by one answer, which nothing can contradict
        town.here.issue()
    town.turn()
    town.simulator.knobs = Knobs(lies_about="contradiction")
    with pytest.raises(TrustError) as refused:
        reconcile(town)
    assert refused.value.facts["rule"] == "contradiction"

    town.simulator.knobs = Knobs(lies_about="contradiction")
    town.desk.collector = Settling(town, town.desk.collector)
    try:
        assert reconcile(town).findings == ()
    finally:
        town.desk.collector = town.desk.collector.honest


def test_a_report_that_went_on_meanwhile_is_not_sent_again(town: ReportingHere) -> None:
    """Found missing, then taken up by somebody else: it is his."""
    dead = reconcile(town).dead
    town.simulator.knobs = Knobs(is_dropping=True)
    record = town.here.issue()
    town.turn()
    town.simulator.knobs = Knobs()
    first = reconcile(town, is_repairing=True)
    assert first.repaired == 1
    again = reconcile(town, is_repairing=True)  # it is on its way: nothing here, nothing there
    assert (again.findings, again.repaired) == ((), 0)
    assert (first.waiting, again.waiting, again.dead) == (1, 1, dead), "no difference, and it lacks it all the same"
    town.turn()
    assert reconcile(town).waiting == 0
    assert len(town.asked(record.id)) == 2
