"""The life of a licence, driven from the table: every step from every state, events, leaves, status list, successors, expiry."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.change_licence_state import change_licence_state, expire_licences
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_licences import find_licence
from licence_vault.actions.issue_licence import LicenceOrder, Succession, issue_licence
from licence_vault.actions.succeed_licence import NewContent, succeed_licence
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.limits import ISSUING_LEASE_SECONDS
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.model import LICENCE_LIFE, TOKEN_STATUS, LicenceState, step_named
from licence_vault.status.register import StatusPlace, status_of
from standards.errors import TrustError
from standards.gbt36904_licence_number import read_licence_number
from tests.fakes.sealer import unavailable
from tests.licence_vault.issuing_here import IssuingHere, caller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.model import LicenceStep
    from licence_vault.register import LicenceRecord

TAKEN_BY_CALLERS = [step for step in LICENCE_LIFE if step.verb is not None and not step.needs_successor]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("life") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    yield shared
    shared.sealer.fail_with = None
    shared.vault.clock.at += timedelta(seconds=ISSUING_LEASE_SECONDS + 1)
    sweep_issues(shared.means)


def take(here: IssuingHere, record: LicenceRecord, name: str, reason: str = "依据", **wishes: Any) -> LicenceRecord:
    here.take_in()
    wishes = {"if_revision": None} | wishes
    return change_licence_state(here.vault.context, here.clerk, record.id, step_named(name), reason=reason, **wishes)


def succeed(here: IssuingHere, record: LicenceRecord, name: str, content: NewContent, **wishes: Any) -> LicenceRecord:
    here.take_in()
    wishes = {"if_revision": None, "reason": "依据"} | wishes
    return succeed_licence(here.means, here.clerk, record.id, step_named(name), content, **wishes)


def read(here: IssuingHere, record: LicenceRecord) -> LicenceRecord:
    return find_licence(here.vault.context, here.means.contents, here.clerk, record.id).record


def published(here: IssuingHere, record: LicenceRecord) -> int:
    with here.vault.context.database.read() as conn:
        return status_of(conn, StatusPlace(record.status_list, record.status_index))


def put_into(here: IssuingHere, record: LicenceRecord, state: LicenceState) -> None:
    """Past all code, so that every step meets every state."""
    here.vault.context.database.write(
        lambda conn: conn.exec_driver_sql(f"UPDATE licence_licences SET state = '{state}' WHERE id = '{record.id}'")
    )


def code(raised: pytest.ExceptionInfo[TrustError]) -> str:
    return raised.value.code


@pytest.mark.parametrize("step", TAKEN_BY_CALLERS, ids=lambda step: step.name)
def test_a_step_is_taken_from_its_sources_and_from_nowhere_else(here: IssuingHere, step: LicenceStep) -> None:
    record = here.issue()
    for state in LicenceState:
        put_into(here, record, state)
        if state in step.sources:
            moved = take(here, record, step.name)
            assert moved.state is step.target
            assert moved.revision == read(here, record).revision
            if TOKEN_STATUS[step.target] != TOKEN_STATUS[state]:
                assert published(here, record) == TOKEN_STATUS[step.target]
        else:
            with pytest.raises(TrustError) as raised:
                take(here, record, step.name)
            assert code(raised) == "LICENCE_STATE_CONFLICT"


def test_events_and_leaves_tell_one_story(here: IssuingHere) -> None:
    record = here.issue()
    for name in ("suspend", "resume", "annual-fail", "annual-pass", "transfer", "take-back", "revoke"):
        record = take(here, record, name, reason=f"理由 {name}")
    assert (record.state, record.state_reason) == (LicenceState.REVOKED, "理由 revoke")
    here.take_in()
    history = here.history(record.id)
    assert [each.event.value for each in history] == [
        "made", "issued", "suspended", "resumed", "annual_check", "annual_check", "transferred_out", "transferred_in", "revoked",
    ]  # fmt: skip
    assert [each.operation for each in history] == ["", "01", "03", "06", "07", "07", "05", "10", "05"]
    previous = None
    for event in history:
        index = here.index(event.entry_id)
        assert index is not None
        entry = here.vault.log.receipt_at(index).entry
        leaf = read_leaf(entry)
        assert isinstance(leaf, LicenceLeaf)
        assert (leaf.event, leaf.previous, leaf.commitment) == (event.event.value, previous, record.commitment)
        assert record.identifier.encode() not in entry
        previous = index
    states = [(each.from_state, each.to_state) for each in history]
    assert all(before[1] == after[0] for before, after in pairwise(states))
    assert len(here.trail(record.id)) == len(history)


def test_nobody_changes_what_is_not_his_or_not_as_he_saw_it(here: IssuingHere) -> None:
    record = here.issue()
    here.take_in()
    with pytest.raises(TrustError) as raised:
        change_licence_state(here.vault.context, here.stranger, record.id, step_named("revoke"), reason="x", if_revision=None)
    assert code(raised) == "LICENCE_NOT_FOUND"
    for stale in (record.revision - 1, record.revision + 1):
        with pytest.raises(TrustError) as raised:
            take(here, record, "suspend", if_revision=stale)
        assert code(raised) == "LICENCE_CHANGED"
    for reason in ("", "  ", "x" * 300, "a\u202eb"):
        with pytest.raises(TrustError) as raised:
            take(here, record, "suspend", reason=reason)
        assert code(raised) == "FIELD_UNACCEPTABLE"
    assert take(here, record, "suspend", if_revision=record.revision).state is LicenceState.SUSPENDED
    with pytest.raises(TrustError) as raised:
        change_licence_state(here.vault.context, caller("cl_nobody"), record.id, step_named("resume"), reason="x", if_revision=None)
    assert code(raised) == "LICENCE_NOT_FOUND"


def test_the_log_first_takes_in_the_event_before(here: IssuingHere) -> None:
    record = here.issue()
    with pytest.raises(TrustError) as raised:
        change_licence_state(here.vault.context, here.clerk, record.id, step_named("suspend"), reason="x", if_revision=None)
    assert code(raised) == "LICENCE_LOG_PENDING"
    assert published(here, record) == 0
    assert take(here, record, "suspend").state is LicenceState.SUSPENDED


@pytest.mark.clause("GB/T 36904-2018 version")
def test_a_changed_licence_is_the_next_version_of_the_same_number(here: IssuingHere) -> None:
    first = here.issue(forms=("pdf", "ofd"))
    changed = succeed(here, first, "change", NewContent(fields={"KZ_address": "新址2号"}), if_revision=first.revision)
    before, after = read_licence_number(first.identifier), read_licence_number(changed.identifier)
    assert (after.version, after.serial, after.issuer, after.type_code) == ("002", before.serial, before.issuer, before.type_code)
    replaced = read(here, first)
    assert (replaced.state, replaced.successor_id, changed.predecessor_id) == (LicenceState.REPLACED, changed.id, first.id)
    assert (published(here, first), published(here, changed)) == (1, 0)
    view = find_licence(here.vault.context, here.means.contents, here.clerk, changed.id)
    assert view.data is not None
    assert view.data.fields == {"KZ_address": "新址2号"}
    assert {file.form for file in view.files} == {"pdf", "ofd"}

    # the chain goes on, each with the printed number of the first, each leaf pointing at what came before
    extended = succeed(here, changed, "extend", NewContent(valid_to=date(2031, 11, 28)), reason="")
    again = succeed(here, extended, "replace", NewContent())
    chain = [find_licence(here.vault.context, here.means.contents, here.clerk, each.id) for each in (first, changed, extended, again)]
    assert [each.record.version for each in chain] == [1, 2, 3, 4]
    assert len({each.data.number for each in chain if each.data is not None}) == 1
    assert [each.record.state.value for each in chain] == ["replaced", "replaced", "replaced", "issued"]
    made = here.history(changed.id)[0]
    leaf_index = here.index(made.entry_id)
    assert leaf_index is not None
    leaf = read_leaf(here.vault.log.receipt_at(leaf_index).entry)
    assert isinstance(leaf, LicenceLeaf)
    assert leaf.previous == here.index(here.history(first.id)[1].entry_id)
    with pytest.raises(TrustError) as raised:
        succeed(here, first, "change", NewContent(fields={"KZ_address": "x"}))
    assert code(raised) == "LICENCE_SUCCEEDED"


def test_what_was_revoked_meanwhile_has_no_successor(here: IssuingHere) -> None:
    record = here.issue()
    here.sealer.fail_with = unavailable()
    with pytest.raises(TrustError) as raised:
        succeed(here, record, "change", NewContent(fields={"KZ_address": "x"}))
    assert code(raised) == "TIME_STAMP_UNAVAILABLE"
    assert read(here, record).state is LicenceState.ISSUED, "in force until its successor is released"
    with pytest.raises(TrustError) as raised:
        succeed(here, record, "replace", NewContent())
    assert code(raised) == "LICENCE_SUCCEEDED"
    revoked = take(here, record, "revoke")
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=30)
    assert sweep_issues(here.means) == {"released": 0, "left": 1}
    draft = find_licence(here.vault.context, here.means.contents, here.clerk, str(revoked.successor_id))
    assert (draft.record.state, draft.record.state_reason, draft.files) == (LicenceState.CANCELLED, "LICENCE_STATE_CONFLICT", ())
    assert (read(here, record).state, read(here, record).successor_id) == (LicenceState.REVOKED, None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("extend", NewContent(valid_to=date(2031, 11, 26))),  # cut short
        ("extend", NewContent(valid_to=date(2099, 1, 1))),  # longer than the type allows
        ("change", NewContent(fields={})),
        ("change", NewContent(fields={"KZ_address": "x"}, valid_from=date(2099, 1, 1))),
    ],
)
def test_of_a_licence_that_has_ended_no_content_is_asked_for(here: IssuingHere, name: str, content: NewContent) -> None:
    """Whoever mended what was wrong with it would have mended it for nothing."""
    record = here.issue()
    with pytest.raises(TrustError) as raised:
        succeed(here, record, name, content)
    assert code(raised) in {"FIELD_UNACCEPTABLE", "LICENCE_CONTENT_UNACCEPTABLE"}
    with pytest.raises(TrustError) as raised:
        succeed(here, record, name, content, if_revision=99)
    assert code(raised) == "LICENCE_CHANGED"
    take(here, record, "revoke")
    with pytest.raises(TrustError) as raised:
        succeed(here, record, name, content)
    assert (code(raised), raised.value.facts["state"]) == ("LICENCE_STATE_CONFLICT", "revoked")


def test_nobody_succeeds_what_is_not_his(here: IssuingHere) -> None:
    record = here.issue()
    here.take_in()
    with pytest.raises(TrustError) as raised:
        succeed_licence(here.means, here.stranger, record.id, step_named("replace"), NewContent(), reason="x", if_revision=None)
    assert code(raised) == "LICENCE_NOT_FOUND"

    def order_of(**changes: Any) -> LicenceOrder:
        return here.order(**changes)

    asked = Succession(record.id, step_named("replace"), "x", if_revision=99)
    with pytest.raises(TrustError) as raised:
        issue_licence(here.means, here.clerk, order_of(), succession=asked)
    assert code(raised) == "LICENCE_CHANGED"
    for other in (Succession("lc_000000000000000000000000", step_named("replace"), "x"),):
        with pytest.raises(TrustError) as raised:
            issue_licence(here.means, here.clerk, order_of(), succession=other)
        assert code(raised) == "LICENCE_NOT_FOUND"
    put_into(here, record, LicenceState.REVOKED)
    with pytest.raises(TrustError) as raised:
        succeed(here, record, "replace", NewContent())
    assert code(raised) == "LICENCE_STATE_CONFLICT"


def test_the_same_change_twice_is_one(here: IssuingHere) -> None:
    record = here.issue()
    content = NewContent(fields={"KZ_address": "x"})
    first = succeed(here, record, "change", content, idempotency_key="change-once")
    assert succeed(here, record, "change", content, idempotency_key="change-once").id == first.id
    with pytest.raises(TrustError) as raised:
        succeed(here, record, "change", content, reason="另一依据", idempotency_key="change-once")
    assert code(raised) == "IDEMPOTENCY_KEY_REUSED"
    erase_licence(here.vault.context, here.clerk, record.id, reason="保存期满", if_revision=None)
    assert succeed(here, record, "change", content, idempotency_key="change-once").id == first.id, "erased meanwhile, answered all the same"


def test_999_versions_and_no_more(here: IssuingHere) -> None:
    record = here.issue()
    here.vault.context.database.write(
        lambda conn: conn.exec_driver_sql(f"UPDATE licence_licences SET version = 999 WHERE id = '{record.id}'")
    )
    with pytest.raises(TrustError) as raised:
        succeed(here, record, "replace", NewContent())
    assert code(raised) == "LICENCE_VERSIONS_EXHAUSTED"


def test_what_is_over_expires_by_itself_and_can_be_extended(here: IssuingHere) -> None:
    short = here.issue(valid_from=date(2025, 12, 1), valid_to=date(2026, 12, 1))
    later = here.issue()
    suspended = take(here, here.issue(valid_from=date(2025, 12, 1), valid_to=date(2026, 12, 1)), "suspend")
    now = here.vault.clock.at
    try:
        here.vault.clock.at = datetime(2026, 12, 1, 15, 59, tzinfo=now.tzinfo)  # its last day, in China
        expire_licences(here.vault.context)
        assert read(here, short).state is LicenceState.ISSUED
        here.vault.clock.at = datetime(2026, 12, 1, 16, 0, tzinfo=now.tzinfo)
        assert expire_licences(here.vault.context) == 1, "the log has not taken in the event before of the other one"
        here.take_in()
        assert expire_licences(here.vault.context) == 1
        assert {read(here, each).state for each in (short, suspended)} == {LicenceState.EXPIRED}
        assert read(here, later).state is LicenceState.ISSUED
        event = here.history(short.id)[-1]
        assert (event.operation, event.holder, event.reason) == ("04", "service:licences", "")
        extended = succeed(here, short, "extend", NewContent(valid_to=date(2027, 11, 28)), reason="")
        assert extended.state is LicenceState.ISSUED
    finally:
        here.vault.clock.at = now
