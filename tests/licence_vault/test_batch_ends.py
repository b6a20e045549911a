"""How batches end: cancelled, cut off, or done; each state written only from where it was read, and nothing of the rows kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import limits, store
from licence_vault.actions import issue_batch
from licence_vault.actions.batch_lease import BatchLease
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.issue_batch import (
    cancel_batch,
    find_batch,
    list_batch_rows,
    open_batch,
    run_batches,
    start_batch,
    try_batch,
)
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.batch import BATCH_LIFE, BatchState, RowState
from licence_vault.model import LicenceState
from licence_vault.ports import STANDING
from licence_vault.row_files import read_rows
from service_kit import fail_points
from service_kit.callers import Caller
from service_kit.idempotency import IN_FLIGHT_SECONDS
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.fakes.sealer import refused, unavailable
from tests.licence_vault.batch_files import GOOD, HEAD, file_of, rest, rows_of, run_to_its_end
from tests.licence_vault.issuing_here import IssuingHere, code_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.batch import LicenceBatch


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("batches") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    yield shared
    rest(shared)


def kept_of(here: IssuingHere, batch: LicenceBatch) -> tuple[int, int]:
    """How many rows still say something, and how long the key is."""
    with here.vault.context.database.read() as conn:
        cells = f"SELECT count(*) FROM licence_batch_rows WHERE batch_id = '{batch.id}' AND cells_sealed IS NOT NULL"
        key = f"SELECT length(key_sealed) FROM licence_batches WHERE id = '{batch.id}'"
        return int(conn.exec_driver_sql(cells).scalar_one()), int(conn.exec_driver_sql(key).scalar_one())


def issued_of(here: IssuingHere) -> int:
    with here.vault.context.database.read() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM licence_licences WHERE state = 'issued'").scalar_one())


def trail_of(here: IssuingHere, batch: LicenceBatch) -> list[str]:
    with here.vault.context.database.read() as conn:
        return [each.action for each in find_entries(conn, subject=f"licence-batch:{batch.id}", limit=9)]


@pytest.mark.parametrize("by_sweeper", [True, False])
def test_a_batch_that_is_cancelled_with_licences_begun_ends_with_them(here: IssuingHere, *, by_sweeper: bool) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD, GOOD))
    start_batch(here.means, here.clerk, batch.id)
    assert kept_of(here, batch)[0] == 2
    here.sealer.fail_with = unavailable()
    run_batches(here.means)
    assert kept_of(here, batch)[0] == 0, "what a row said stands in its licence now, and nowhere else"
    cancelled = cancel_batch(here.means, here.clerk, batch.id)
    assert (cancelled.state, cancelled.ended_at) == (BatchState.CANCELLED, None)
    assert run_batches(here.means) == 0
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=limits.ISSUING_RETRY_SECONDS)
    if by_sweeper:
        sweep_issues(here.means)
    run_to_its_end(here, batch)
    assert find_batch(here.means, here.clerk, batch.id)[0].state is BatchState.CANCELLED
    assert [row.state for row in rows_of(here, batch)] == [RowState.ISSUED] * 2
    assert kept_of(here, batch) == (0, 0)
    assert trail_of(here, batch)[:2] == ["licence-batch.settled", "licence-batch.cancelled"]


def test_a_row_whose_licence_was_given_up_has_failed_though_it_was_erased_meanwhile(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD))
    start_batch(here.means, here.clerk, batch.id)
    here.sealer.fail_with = unavailable()
    run_batches(here.means)
    here.sealer.fail_with = refused()
    here.vault.clock.at += timedelta(seconds=limits.ISSUING_RETRY_SECONDS)
    sweep_issues(here.means)
    [row] = rows_of(here, batch)
    assert row.licence_id is not None
    record = erase_licence(here.vault.context, here.clerk, row.licence_id, reason="x", if_revision=None)
    assert (record.state, record.is_abandoned) == (LicenceState.CANCELLED, True)
    assert [each.state for each in rows_of(here, batch)] == [RowState.FAILED], "before the batch comes to it"
    run_to_its_end(here, batch)
    assert [(each.state, each.code) for each in rows_of(here, batch)] == [(RowState.FAILED, "LICENCE_ISSUING_ABANDONED")]


def test_a_batch_that_nobody_starts_is_not_kept_for_ever(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD, GOOD))
    here.vault.clock.at += timedelta(days=limits.BATCH_READY_DAYS) - timedelta(seconds=1)
    run_batches(here.means)
    assert (find_batch(here.means, here.clerk, batch.id)[0].state, kept_of(here, batch)[0]) == (BatchState.READY, 2)
    here.vault.clock.at += timedelta(seconds=1)
    run_batches(here.means)
    ended, counts = find_batch(here.means, here.clerk, batch.id)
    assert (ended.state, ended.ended_at, counts[RowState.CANCELLED]) == (BatchState.CANCELLED, here.vault.clock.at, 2)
    assert kept_of(here, batch) == (0, 0)
    assert trail_of(here, batch)[0] == "licence-batch.not-started"
    with pytest.raises(TrustError, match="LICENCE_BATCH_STATE_CONFLICT"):
        start_batch(here.means, here.clerk, batch.id)


def test_a_batch_whose_loading_was_cut_off_is_ended(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    class Death(BaseException):
        pass

    def die(*_: object) -> None:
        raise Death

    monkeypatch.setattr(limits, "ROWS_PER_WRITE", 1)
    with monkeypatch.context() as dying:
        dying.setattr(store, "move_batch", die)
        with pytest.raises(Death):
            open_batch(here.means, here.clerk, file_of(GOOD, GOOD))
    with here.vault.context.database.read() as conn:
        [cut_off] = store.list_left_batches(
            conn,
            here.vault.clock.at + timedelta(seconds=limits.LOADING_LEASE_SECONDS),
            ready_since=here.vault.clock.at - timedelta(days=1),
            limit=9,
        )
    run_batches(here.means)
    assert find_batch(here.means, here.clerk, cut_off.id)[0].state is BatchState.LOADING, "it may still be somebody's work"
    here.vault.clock.at += timedelta(seconds=limits.LOADING_LEASE_SECONDS)
    with monkeypatch.context() as racing:
        racing.setattr(store, "list_left_batches", lambda *_, **__: [replace(cut_off, lease_until=None)])
        run_batches(here.means)
    assert find_batch(here.means, here.clerk, cut_off.id)[0].state is BatchState.LOADING, "somebody went on with it"
    run_batches(here.means)
    ended = find_batch(here.means, here.clerk, cut_off.id)[0]
    assert (ended.state, ended.ended_at) == (BatchState.CANCELLED, here.vault.clock.at)
    assert kept_of(here, cut_off) == (0, 0)
    assert trail_of(here, cut_off)[0] == "licence-batch.cut-off"


def test_a_batch_that_is_cancelled_while_it_loads_stays_so(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    add, opened = store.insert_rows, []

    def cancel_first(conn: Any, rows: Any) -> None:
        add(conn, rows)
        opened.append(rows[0].batch_id)

    class Cancelling:
        """Rows in the midst of which the batch is cancelled."""

        def __call__(self, *wishes: Any) -> Any:
            for row in read_rows(*wishes):
                yield row
                if opened:
                    cancel_batch(here.means, here.clerk, opened[0])

    monkeypatch.setattr(store, "insert_rows", cancel_first)
    monkeypatch.setattr(issue_batch, "read_rows", Cancelling())
    monkeypatch.setattr(limits, "ROWS_PER_WRITE", 1)
    with pytest.raises(TrustError) as raised:
        open_batch(here.means, here.clerk, file_of(*[GOOD] * 3))
    assert code_of(raised) == "LICENCE_BATCH_STATE_CONFLICT"
    batch = find_batch(here.means, here.clerk, opened[0])[0]
    assert (batch.state, batch.total) == (BatchState.CANCELLED, 1)
    assert kept_of(here, batch) == (0, 0)


PLACES = (
    "licence-batch.begun",
    "issue-licence.logged",
    "issue-licence.sealed",
    "issue-licence.stored",
    "issue-licence.recorded",
    "licence-batch.issued",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("which", [1, 3])
def test_a_process_that_stands_still_and_goes_on_again_doubles_nothing(
    here: IssuingHere, monkeypatch: pytest.MonkeyPatch, place: str, which: int
) -> None:
    """As SIGSTOP and SIGCONT: both leases are over, another process has done the whole batch, and then the first one goes on where it stood."""
    batch = open_batch(here.means, here.clerk, file_of(*[GOOD] * 4))
    start_batch(here.means, here.clerk, batch.id)
    before, orders, reached = issued_of(here), len(here.sealer.orders), 0
    reach = fail_points.reach

    def stand_still(name: str) -> None:
        nonlocal reached
        reached += name == place
        if name == place and reached == which:
            here.vault.clock.at += timedelta(seconds=limits.ROW_LEASE_SECONDS + 1)
            run_to_its_end(here, batch)
        reach(name)

    with monkeypatch.context() as stopping:
        stopping.setattr(fail_points, "reach", stand_still)
        run_batches(here.means)
    assert reached >= which
    assert find_batch(here.means, here.clerk, batch.id)[0].state is BatchState.DONE
    rows = rows_of(here, batch)
    assert [row.state for row in rows] == [RowState.ISSUED] * 4
    assert len({row.licence_id for row in rows}) == 4
    assert issued_of(here) == before + 4
    assert len(here.sealer.orders) - orders <= 5, "at most the row that it had in hand is sealed once more, and that is never released"


def test_a_batch_whose_process_was_killed_goes_on_in_half_a_minute(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    class Death(BaseException):
        pass

    def die(name: str) -> None:
        if name == "licence-batch.issued":
            raise Death

    monkeypatch.setattr(limits, "ROWS_PER_TURN", 2)
    batch = open_batch(here.means, here.clerk, file_of(*[GOOD] * 6))
    start_batch(here.means, here.clerk, batch.id)
    with monkeypatch.context() as killing:
        killing.setattr(fail_points, "reach", die)
        killing.setattr(BatchLease, "give_back", lambda _: None)  # it is dead
        with pytest.raises(Death):
            run_batches(here.means)
    assert find_batch(here.means, here.clerk, batch.id)[1][RowState.ISSUED] == 1, "released, though nobody has noted it at its row"
    assert [row.state.value for row in rows_of(here, batch)] == ["issued"] + ["waiting"] * 5
    assert run_batches(here.means) == 0, "it may still be somebody's work"
    here.vault.clock.at += timedelta(seconds=limits.BATCH_LEASE_SECONDS)
    assert run_batches(here.means) == 2, "the first row, whose licence is there, and one that nobody had begun"
    here.vault.clock.at += timedelta(seconds=limits.ROW_LEASE_SECONDS - limits.BATCH_LEASE_SECONDS)
    sweep_issues(here.means)
    [released] = list_batch_rows(here.means, here.clerk, batch.id, state=RowState.ISSUED, after=1, limit=1)
    assert released.number == 2
    assert find_batch(here.means, here.clerk, batch.id)[1][RowState.ISSUED] == 3
    run_to_its_end(here, batch)
    assert find_batch(here.means, here.clerk, batch.id)[1] == {
        RowState.WAITING: 0, RowState.ISSUED: 6, RowState.FAILED: 0, RowState.CANCELLED: 0,
    }  # fmt: skip


def test_what_is_left_of_a_batch_is_not_issued_for_whoever_was_disabled(here: IssuingHere) -> None:
    asked: list[Caller] = []

    def stands(who: Caller) -> bool:
        asked.append(who)
        return len(asked) < 2

    clerk = replace(here.clerk, token_id="token-1", grant_id="gr_1")
    batch = open_batch(here.means, clerk, file_of(GOOD, GOOD, GOOD))
    start_batch(here.means, clerk, batch.id)
    context = here.vault.context
    means = replace(here.means, context=replace(context, links={**context.links, STANDING: stands}))
    while run_batches(means) or find_batch(means, clerk, batch.id)[0].ended_at is None:
        continue
    assert [(each.state, each.code) for each in rows_of(here, batch)] == [
        (RowState.ISSUED, None),
        (RowState.FAILED, "LICENCE_BATCH_CALLER_DISABLED"),
        (RowState.FAILED, "LICENCE_BATCH_CALLER_DISABLED"),
    ]
    assert asked == [Caller("cl_clerk", "cl_clerk", frozenset(), grant_id="gr_1")] * 3


def test_a_lease_is_renewed_while_work_goes_on(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = open_batch(here.means, here.clerk, file_of(*[GOOD] * 5))
    start_batch(here.means, here.clerk, batch.id)
    others = 0

    def take_long(name: str) -> None:
        nonlocal others
        if name == "issue-licence.sealed":
            here.vault.clock.at += timedelta(seconds=limits.BATCH_LEASE_SECONDS - 1)
            with here.vault.context.database.read() as conn:
                others += len(store.list_batches_to_run(conn, here.vault.clock.at, limit=9))

    with monkeypatch.context() as slow:
        slow.setattr(fail_points, "reach", take_long)
        assert run_batches(here.means) == 5
    assert others == 0, "five rows took longer than any lease, and the batch was nobody else's meanwhile"
    run_to_its_end(here, batch)


def test_states_are_written_only_from_where_they_were_read(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD))
    cancel_batch(here.means, here.clerk, batch.id)
    write = here.vault.context.database.write
    for state in set(BatchState) - {BatchState.CANCELLED}:
        stale = replace(batch, state=state)
        assert not write(partial(store.move_batch, batch=stale, target=BatchState.RUNNING))
        assert not write(partial(store.lease_batch, batch=stale, until=None))
    assert find_batch(here.means, here.clerk, batch.id)[0].state is BatchState.CANCELLED
    reached = {BatchState.LOADING} | {target for targets in BATCH_LIFE.values() for target in targets}
    assert reached == set(BatchState) == set(BATCH_LIFE)


def test_a_batch_is_opened_once_however_often_that_is_asked_for(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(GOOD, GOOD)
    first = open_batch(here.means, here.clerk, file, idempotency_key="order-1")
    start_batch(here.means, here.clerk, first.id)
    again = open_batch(here.means, here.clerk, file, idempotency_key="order-1")
    assert (again.id, again.state) == (first.id, BatchState.RUNNING)
    for other in (file_of(GOOD), replace(file, forms=("pdf",))):
        with pytest.raises(TrustError) as raised:
            open_batch(here.means, here.clerk, other, idempotency_key="order-1")
        assert code_of(raised) == "IDEMPOTENCY_KEY_REUSED"
    assert open_batch(here.means, here.clerk, file, idempotency_key="order-2").id != first.id
    # What cannot be read is no answer: the key is free for what can be
    with pytest.raises(TrustError):
        open_batch(here.means, here.clerk, replace(file, content=b"\xff"), idempotency_key="order-3")
    open_batch(here.means, here.clerk, file, idempotency_key="order-3")

    # Cut off while it loaded: first it is being done, then it is done anew, and what was cut off has ended
    class Death(Exception):
        """The process is gone."""

    def die(*_: object, **__: object) -> None:
        raise Death

    with monkeypatch.context() as dying:
        dying.setattr(store, "move_batch", die)
        with pytest.raises(Death):
            open_batch(here.means, here.clerk, file, idempotency_key="order-4")
    with pytest.raises(TrustError) as raised:
        open_batch(here.means, here.clerk, file, idempotency_key="order-4")
    assert code_of(raised) == "IDEMPOTENCY_IN_FLIGHT"
    with here.vault.context.database.read() as conn:
        [cut_off] = store.list_left_batches(
            conn,
            here.vault.clock.at + timedelta(seconds=limits.LOADING_LEASE_SECONDS),
            ready_since=here.vault.clock.at - timedelta(days=1),
            limit=9,
        )
    here.vault.clock.at += timedelta(seconds=IN_FLIGHT_SECONDS + 1)
    anew = open_batch(here.means, here.clerk, file, idempotency_key="order-4")
    assert anew.state is BatchState.READY
    assert find_batch(here.means, here.clerk, cut_off.id)[0].state is BatchState.CANCELLED
    assert open_batch(here.means, here.clerk, file, idempotency_key="order-4").id == anew.id

    # So too where the sweeper has ended it by then
    with monkeypatch.context() as dying:
        dying.setattr(store, "move_batch", die)
        with pytest.raises(Death):
            open_batch(here.means, here.clerk, file, idempotency_key="order-5")
    here.vault.clock.at += timedelta(seconds=max(IN_FLIGHT_SECONDS, limits.LOADING_LEASE_SECONDS) + 1)
    run_batches(here.means)
    assert open_batch(here.means, here.clerk, file, idempotency_key="order-5").state is BatchState.READY


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("issued_on", "2027-01-01", "LICENCE_CONTENT_UNACCEPTABLE"),
        ("颁发日期", "19490930", "LICENCE_CONTENT_UNACCEPTABLE"),
        ("证照编号", "甲1", "FIELD_UNACCEPTABLE"),
        ("name", "别的名称", "FIELD_UNACCEPTABLE"),
    ],
)
def test_a_row_that_says_what_no_authority_gives_is_found_by_the_dry_run(here: IssuingHere, column: str, cell: str, code: str) -> None:
    """A day to come, a number where the type has its own: else a batch that was said to be good fails row by row."""
    content = f"{HEAD},{column}\n{GOOD.format(1)},{cell}\n".encode()
    run = try_batch(here.means, here.clerk, replace(file_of(GOOD), content=content))
    assert [(each.number, each.code) for each in run.problems] == [(1, code)]
    batch = open_batch(here.means, here.clerk, replace(file_of(GOOD), content=content))
    [row] = rows_of(here, batch)
    assert (row.state, row.code, row.place) == (RowState.FAILED, code, run.problems[0].place)
