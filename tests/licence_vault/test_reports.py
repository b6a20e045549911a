"""Reports to the region: everything that the log has, at least once, in order, and nothing twice for the region."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_reports import find_reporting_state, list_reports, retry_report
from licence_vault.actions.follow_log import follow_log
from licence_vault.actions.send_reports import send_reports
from licence_vault.actions.succeed_licence import NewContent, succeed_licence
from licence_vault.jobs import report_jobs_of
from licence_vault.model import step_named
from licence_vault.reported import ReportKind, ReportState
from licence_vault.reporting.limits import ATTEMPTS, LEASE_SECONDS, SENT_PER_TURN
from service_kit.settings import Collector
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.licence_vault.issuing_here import FACE, PERSON, IssuingHere, caller
from tests.licence_vault.reporting_here import ReportingHere
from tests.licence_vault.type_files import TYPE, type_file
from yinxin.region_simulator import Knobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from licence_vault.actions.report_desk import ReportDesk
    from licence_vault.ports import LogRange, OutgoingReport, RangeRoots
    from licence_vault.register import LicenceRecord
    from licence_vault.reported import Report, ReportTree

OPERATOR = caller("cl_operator")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("reports") / "d") as made:
        yield ReportingHere(made)


@pytest.fixture
def town(shared: ReportingHere) -> Iterator[ReportingHere]:
    shared.settle()
    yield shared
    shared.settle()
    for dead in list_reports(shared.here.vault.context, state=ReportState.DEAD, after=0, limit=100):
        retry_report(shared.here.vault.context, OPERATOR, dead.number, reason="test", is_replacing=True)
    shared.settle()


def take(town: ReportingHere, record: LicenceRecord, name: str) -> LicenceRecord:
    town.here.take_in()
    return change_licence_state(town.here.vault.context, town.here.clerk, record.id, step_named(name), reason="依据", if_revision=None)


def told(town: ReportingHere, record: LicenceRecord) -> list[tuple[str, ReportState]]:
    return [(each.key.split(":")[2], each.state) for each in town.reports_of(record.id)]


def only(town: ReportingHere, record: LicenceRecord) -> Report:
    [report] = town.reports_of(record.id)
    return report


def test_a_life_is_told_event_by_event(town: ReportingHere) -> None:
    record = town.here.issue()
    record = take(town, record, "suspend")
    town.turn()
    record = take(town, record, "resume")
    record = take(town, record, "suspend")  # the same event once more is another report
    town.turn()
    assert told(town, record) == [(name, ReportState.SENT) for name in ("issued", "suspended", "resumed", "suspended")]
    assert [each["status"] for each in town.kept_of(record.id)] == ["01", "02", "01", "02"]
    assert [each["operateType"] for each in town.kept_of(record.id)] == ["01", "03", "06", "03"]
    first = town.reports_of(record.id)[0]
    assert first.key == f"{record.identifier}:001:issued:2"
    assert first.receipt == town.simulator.kept[first.key].receipt
    assert first.log_index == town.simulator.kept[first.key].log_index
    assert town.turn() == {"sent": 0, "failed": 0}
    assert ("licence-report.send", "intended") in town.here.trail(record.id)
    assert ("licence-report.send", "done") in town.here.trail(record.id)


def test_a_new_version_names_the_one_before_it(town: ReportingHere) -> None:
    record = town.here.issue()
    town.here.take_in()
    new = succeed_licence(
        town.here.means, town.here.clerk, record.id, step_named("replace"), NewContent(), reason="遗失补发", if_revision=None
    )
    town.turn()
    assert town.kept_of(new.id)[0]["associatedZzeCertID"] == record.identifier
    assert [(each["status"], each["operateType"]) for each in town.kept_of(record.id)] == [("01", "01"), ("05", "07")]


def test_types_are_told_when_they_are_published_and_retired(town: ReportingHere) -> None:
    def types() -> list[tuple[str, int | None, str | None]]:
        found = list_reports(town.here.vault.context, state=ReportState.SENT, after=0, limit=1000)
        return [(each.type_code, each.type_version, each.type_state) for each in found if each.kind is ReportKind.TYPE]

    before = set(types())
    assert any(code == TYPE and state == "published" for code, _, state in before)
    newest = max(version or 0 for code, version, _ in before if code == TYPE)
    town.here.publish(type_file(face=FACE, name="示例许可证"))
    town.turn()
    assert set(types()) - before == {(TYPE, newest, "retired"), (TYPE, newest + 1, "published")}
    assert town.simulator.kept[f"{TYPE}:{newest + 1}:published"].record["CertificateTypeCode"] == TYPE
    assert {path for path, _, body in town.simulator.requests if body.get("kind") == "type"} == {"/region/types"}


def test_killed_between_sending_and_recording_it_goes_again_and_is_one_report_there(town: ReportingHere) -> None:
    record = town.here.issue()
    town.here.take_in()
    follow_log(town.desk)
    outgoing = town.desk.write_report(only(town, record))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("licence_vault.actions.send_reports._record_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            send_reports(town.desk)
    assert only(town, record).state is ReportState.WAITING
    receipt = town.simulator.kept[outgoing.key].receipt
    assert send_reports(town.desk) == {"sent": 0, "failed": 0}  # it may still be the work of another process
    town.here.vault.clock.advance(LEASE_SECONDS + 1)
    assert send_reports(town.desk) == {"sent": 1, "failed": 0}
    assert town.asked(record.id) == [outgoing.key] * 2
    assert (only(town, record).receipt, only(town, record).digest) == (receipt, outgoing.digest)


def killed(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_an_answer_that_is_lost_leaves_one_report_there(town: ReportingHere) -> None:
    town.simulator.knobs = Knobs(is_forgetting_to_answer=True)
    record = town.here.issue()
    assert town.turn() == {"sent": 0, "failed": 1}
    assert len(town.kept_of(record.id)) == 1
    town.simulator.knobs = Knobs()
    town.turn()
    assert told(town, record) == [("issued", ReportState.SENT)]
    assert len(set(town.asked(record.id))) == 1
    assert len(town.asked(record.id)) == 2


def test_a_region_that_is_away_is_left_alone_and_nothing_is_given_up(town: ReportingHere) -> None:
    town.way.is_down = True
    records = [town.here.issue() for _ in range(3)]
    pauses = []
    for _ in range(2 * ATTEMPTS):
        assert town.turn() == {"sent": 0, "failed": 1}  # one is tried, the others are spared
        assert send_reports(town.desk) == {"sent": 0, "failed": 0}  # it rests
        assert town.desk.rests_until is not None
        pauses.append((town.desk.rests_until - town.here.vault.clock.now()).total_seconds())
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 900
    assert {each.state for record in records for each in town.reports_of(record.id)} == {ReportState.WAITING}
    assert {each.attempts for record in records for each in town.reports_of(record.id)} == {0}
    tried = [only(town, record).last_error for record in records]
    assert set(tried) == {"REGION_UNAVAILABLE"}  # each in its turn: none stands in the way of the others
    assert find_reporting_state(town.here.vault.context).waiting == 3
    town.way.is_down = False
    assert town.turn() == {"sent": 3, "failed": 0}


def test_what_the_region_refuses_waits_for_somebody_and_only_its_own_licence_waits_with_it(town: ReportingHere) -> None:
    record = town.here.issue()
    town.simulator.knobs = Knobs(refuses_with="E-17")
    assert town.turn() == {"sent": 0, "failed": 1}
    town.simulator.knobs = Knobs()
    take(town, record, "suspend")
    other = town.here.issue()
    assert town.turn() == {"sent": 1, "failed": 0}
    assert told(town, record) == [("issued", ReportState.DEAD), ("suspended", ReportState.WAITING)]
    assert told(town, other) == [("issued", ReportState.SENT)]
    context, dead = town.here.vault.context, town.reports_of(record.id)[0]
    assert dead.last_error == "LICENCE_REPORT_REFUSED"
    assert [each.number for each in list_reports(context, state=ReportState.DEAD, after=0, limit=9)] == [dead.number]
    state = find_reporting_state(context)
    assert (state.dead, state.waiting, state.oldest_at) == (1, 1, town.reports_of(record.id)[1].taken_at)
    with context.database.read() as conn:
        last = next(each for each in find_entries(conn, subject=f"licence:{record.id}", limit=9) if each.action == "licence-report.send")
    assert (last.outcome, last.facts["given_up"], last.facts["reason"]) == ("failed", True, "E-17")

    retry_report(context, OPERATOR, dead.number, reason="已更正", is_replacing=False)
    assert town.turn() == {"sent": 2, "failed": 0}
    assert [state for _, state in told(town, record)] == [ReportState.SENT] * 2
    assert town.asked(record.id) == [town.reports_of(record.id)[at].key for at in (0, 0, 1)]


def test_answers_that_are_none_are_asked_for_again_and_then_given_up(town: ReportingHere) -> None:
    town.simulator.knobs = Knobs(is_signed_by_another=True)
    record = town.here.issue()
    for _ in range(ATTEMPTS - 1):
        town.turn()
        assert only(town, record).state is ReportState.WAITING
    town.turn()
    assert (only(town, record).state, only(town, record).last_error) == (ReportState.DEAD, "REGION_ANSWER_UNTRUSTED")


@pytest.mark.parametrize("receipt", ["x" * 65, "a\u202eb"])
def test_a_receipt_that_cannot_be_kept_whole_is_none(town: ReportingHere, receipt: str) -> None:
    town.simulator.knobs = Knobs(receipt=receipt)
    record = town.here.issue()
    assert town.turn() == {"sent": 0, "failed": 1}
    assert only(town, record).last_error == "REGION_ANSWER_UNTRUSTED"


def erase(town: ReportingHere, record: LicenceRecord) -> None:
    erase_licence(town.here.vault.context, town.here.clerk, record.id, reason="张三（示例）申请", if_revision=None)


def test_the_region_is_told_to_erase_what_was_erased_here_and_nothing_else_is_told(town: ReportingHere) -> None:
    record, other = town.here.issue(), town.here.issue()
    town.turn()
    record = take(town, record, "cancel")
    town.turn()
    assert [each["certificate_holder_name"] for each in town.kept_of(record.id)] == [PERSON.name] * 2
    erase(town, record)
    town.turn()
    assert told(town, record) == [(name, ReportState.SENT) for name in ("issued", "cancelled", "erased")]
    [path, sent] = next((path, body) for path, _, body in town.simulator.requests[::-1] if body.get("kind") == "erasure")
    assert (path, sent["erases"], sent["number"], "log_index" in sent) == (
        "/region/erasures",
        f"{record.identifier}:001:",
        town.reports_of(record.id)[-1].number,
        False,
    )
    assert sent["record"].keys() == {
        "certificate_identifier",
        "certificate_type_name_code",
        "certificate_version",
        "certificate_issuing_authority_code",
        "certificate_area_code",
        "zzbgsj",
    }
    assert not any(text in json.dumps(sent, ensure_ascii=False) for text in (PERSON.name, PERSON.code))
    assert town.kept_of(record.id) == [{}, {}, sent["record"]]
    assert town.kept_of(other.id)[0]["certificate_holder_name"] == PERSON.name
    assert {each.digest for each in town.reports_of(record.id)} == {town.reports_of(record.id)[-1].digest}
    assert ("licence-report.send", "done") in town.here.trail(record.id)


def test_of_a_licence_of_which_nothing_is_told_no_erasure_is(town: ReportingHere) -> None:
    record = take(town, town.here.issue(), "cancel")
    erase(town, record)  # before the log was followed
    town.turn()
    town.turn()
    assert told(town, record) == [(name, ReportState.SENT) for name in ("issued", "cancelled")]
    assert not any("certificate_holder_name" in each for each in town.kept_of(record.id))


def test_an_erased_licence_is_told_without_what_was_in_it_in_place_of_what_is_there(town: ReportingHere) -> None:
    record = town.here.issue()
    town.simulator.knobs = Knobs(is_forgetting_to_answer=True)
    town.turn()  # the region has it, and we do not know
    town.simulator.knobs = Knobs()
    record = take(town, record, "cancel")
    erase(town, record)
    assert town.kept_of(record.id)[0]["certificate_holder_name"]
    town.turn()
    town.turn()
    assert {each.get("operateType") for each in town.kept_of(record.id)} == {"01", "05", None}
    assert {state for _, state in told(town, record)} == {ReportState.SENT}
    assert not any("certificate_holder_name" in each for each in town.kept_of(record.id))


def test_an_erasure_does_not_wait_for_what_was_given_up_but_for_what_is_on_its_way(town: ReportingHere) -> None:
    record = town.here.issue()
    town.simulator.knobs = Knobs(refuses_with="E-17")
    town.turn()
    town.simulator.knobs = Knobs()
    record = take(town, record, "cancel")
    town.turn()
    erase(town, record)
    assert town.turn() == {"sent": 1, "failed": 0}
    assert [state for _, state in told(town, record)] == [ReportState.DEAD, ReportState.WAITING, ReportState.SENT]

    busy = town.here.issue()
    busy = take(town, busy, "cancel")
    town.here.take_in()
    follow_log(town.desk)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("licence_vault.actions.send_reports._record_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            send_reports(town.desk)
    erase(town, busy)
    assert send_reports(town.desk) == {"sent": 0, "failed": 0}  # what was written before it may still be on its way
    town.turn()
    town.turn()
    assert {state for _, state in told(town, busy)} == {ReportState.SENT}
    assert not any("certificate_holder_name" in each for each in town.kept_of(busy.id))


def test_what_was_written_before_an_erasure_does_not_leave_after_it(town: ReportingHere) -> None:
    record = take(town, town.here.issue(), "cancel")
    town.here.take_in()
    follow_log(town.desk)
    write = town.desk.write_report
    erased: list[str] = []

    def write_then_erase(report: Report) -> OutgoingReport:
        outgoing = write(report)
        if not erased:
            erased.append(report.key)
            erase(town, record)
        return outgoing

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(town.desk, "write_report", write_then_erase)
        assert send_reports(town.desk)["failed"] >= 1
    town.turn()
    town.turn()
    assert {state for _, state in told(town, record)} == {ReportState.SENT}
    requests = [body for _, _, body in town.simulator.requests if str(body.get("key", "")).startswith(record.identifier)]
    assert requests
    assert not any(PERSON.code in json.dumps(body) for body in requests)


def test_what_cannot_be_read_is_given_up_and_says_why(town: ReportingHere) -> None:
    record = town.here.issue()
    database = town.here.vault.context.database
    with database.read() as conn:
        right = conn.exec_driver_sql("SELECT data_sealed FROM licence_licences WHERE id = ?", (record.id,)).scalar()

    def put(sealed: object) -> None:
        database.write(lambda conn: conn.exec_driver_sql("UPDATE licence_licences SET data_sealed = ? WHERE id = ?", (sealed, record.id)))

    put(b"damaged")
    for _ in range(ATTEMPTS):
        town.turn()
    found = only(town, record)
    put(right)
    assert found.state is ReportState.DEAD
    assert found.last_error == "SEALED_VALUE_DAMAGED"


def test_only_what_was_given_up_is_sent_again_by_hand(town: ReportingHere) -> None:
    context = town.here.vault.context
    record = town.here.issue()
    town.turn()
    for number, code in ((only(town, record).number, "LICENCE_REPORT_STATE_CONFLICT"), (10**9, "LICENCE_REPORT_NOT_FOUND")):
        with pytest.raises(TrustError) as refused:
            retry_report(context, OPERATOR, number, reason="x", is_replacing=False)
        assert refused.value.code == code


@dataclass
class Racing:
    """A region that, while it is told, sees another process look for what is due."""

    other: ReportDesk

    def report(self, report: OutgoingReport) -> str:
        assert send_reports(self.other) == {"sent": 0, "failed": 0}
        return f"SIM-{report.key[-3:]}"

    def compare(self, tree: ReportTree, size: int, ranges: Sequence[LogRange]) -> Sequence[RangeRoots]:
        return self.other.collector.compare(tree, size, ranges)


def test_two_processes_send_nothing_at_the_same_time(town: ReportingHere) -> None:
    """Whoever comes second finds the report taken, even where both had seen it as due."""
    record = town.here.issue()
    town.here.take_in()
    follow_log(town.desk)
    other = replace(town.desk, collector=town.desk.collector)

    assert send_reports(replace(town.desk, collector=Racing(other))) == {"sent": 1, "failed": 0}
    assert only(town, record).receipt == f"SIM-{only(town, record).key[-3:]}"
    assert follow_log(other) == 0


def test_events_of_others_who_write_to_the_log_are_followed_as_well(town: ReportingHere) -> None:
    """However much the log has that is not told: it is passed by once."""
    before = find_reporting_state(town.here.vault.context).followed
    town.here.issue()
    town.turn()
    after = find_reporting_state(town.here.vault.context)
    assert after.followed == before + 2  # made, which is told nobody, and issued
    assert after.oldest_at is None


def test_the_job_does_both_and_is_none_where_nothing_is_configured(town: ReportingHere) -> None:
    assert report_jobs_of(None) == ()
    [job] = report_jobs_of(town.desk)
    town.here.issue()
    town.here.take_in()
    assert job.run() == {"entered": 1, "sent": 1, "failed": 0}


def test_a_lease_outlives_the_longest_turn() -> None:
    assert timedelta(seconds=LEASE_SECONDS) > SENT_PER_TURN * timedelta(seconds=2 * Collector().timeout_seconds)
