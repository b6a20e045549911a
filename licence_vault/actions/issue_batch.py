"""Issue licences in batches: rows from one file, checked at once, issued in the background, each exactly once whatever dies.

Which licence a row gets is noted in the transaction that numbers the licence, and what the row said is not kept any longer than that; so a batch
that was cut off goes on where it stood. A row that is
against the type does not hold up the rest. What is not there now (log, seal service) is tried again at the next turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from licence_vault import limits, store
from licence_vault.actions.batch_lease import BatchLease
from licence_vault.actions.batch_orders import order_of_row
from licence_vault.actions.check_row import Problem, fact_of, problems_of
from licence_vault.actions.claim_batch import BatchFile, claim_batch
from licence_vault.actions.enter_issuer import own_issuer_codes
from licence_vault.actions.finish_issue import finish_issue, put_back
from licence_vault.actions.issue_licence import basis_of_issuing, begin_issue
from licence_vault.actions.record_event import SERVICE
from licence_vault.batch import BATCH_LIFE, BatchRow, BatchState, LicenceBatch, RowState, new_batch_id
from licence_vault.errors import (
    batch_caller_gone,
    batch_not_found,
    batch_state_conflict,
    batches_too_many,
    is_passing,
    is_self_check,
    licence_not_found,
    row_taken,
)
from licence_vault.model import LicenceState
from licence_vault.ports import STANDING
from licence_vault.row_files import chunks_of, read_rows
from service_kit import fail_points
from service_kit.callers import Caller
from service_kit.idempotency import Claim, ClaimState
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord

_TAKEN: Final = "LICENCE_ROW_TAKEN"
_ABANDONED: Final = "LICENCE_ISSUING_ABANDONED"
_CONFLICT: Final = "LICENCE_BATCH_STATE_CONFLICT"


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of a batch. ``problems``: the first of them, in the order of the rows; of a row as many as it has."""

    rows: int
    good: int
    problems: tuple[Problem, ...]


def try_batch(means: IssuingMeans, caller: Caller, file: BatchFile) -> DryRun:
    """Check every row and change nothing. TrustError LICENCE_ISSUER_NOT_FOUND, LICENCE_TYPE_NOT_PUBLISHED, LICENCE_ROW_FILE_UNACCEPTABLE."""
    basis = basis_of_issuing(means, caller, file.type_code, file.issuer_code)
    rows, good = 0, 0
    problems: list[Problem] = []
    for row in read_rows(file.content, file.form):
        rows += 1
        found = problems_of(basis, file, row)
        good += not found
        problems += found[: limits.PROBLEMS_SHOWN - len(problems)]
    return DryRun(rows, good, tuple(problems))


def open_batch(means: IssuingMeans, caller: Caller, file: BatchFile, *, idempotency_key: str | None = None) -> LicenceBatch:
    """Take the rows in, sealed under a key of the batch, and check each; what is against the type has failed already. Nothing is issued yet.

    Raises TrustError as ``try_batch``, LICENCE_BATCHES_TOO_MANY, IDEMPOTENCY_*, and LICENCE_BATCH_STATE_CONFLICT for one that is cancelled meanwhile.
    """
    # 1. The right, and a batch that loads.
    context = means.context
    basis = basis_of_issuing(means, caller, file.type_code, file.issuer_code)
    batch = LicenceBatch(
        id=new_batch_id(),
        type_code=file.type_code,
        issuer_code=file.issuer_code,
        forms=file.forms,
        client_id=caller.client_id,
        subject=caller.subject,
        state=BatchState.LOADING,
        total=0,
        created_at=context.clock.now(),
        lease_until=_loading_end(means),
        token_grant_id=caller.grant_id,
    )
    key, key_sealed = means.contents.new_key(batch.id)

    def begin(conn: Connection) -> Claim | None:
        claim = None if idempotency_key is None else claim_batch(context, conn, caller, file, idempotency_key, batch.id)
        if claim is not None and claim.state is ClaimState.DONE:
            return claim
        earlier = None if claim is None or claim.state is ClaimState.NEW else store.load_batch(conn, str(claim.reference), is_locked=True)
        if earlier is not None and earlier.state is BatchState.LOADING:  # whoever loaded it is gone, or will find it ended
            _cancel(means, conn, caller.actor, earlier, "begun-anew")
        if claim is not None:
            context.idempotency.set_reference(conn, claim, batch.id)
        if store.count_living_batches(conn, file.issuer_code) >= limits.BATCHES_PER_ISSUER:
            raise batches_too_many(limits.BATCHES_PER_ISSUER)
        store.insert_batch(conn, batch, key_sealed)
        _record(means, conn, caller.actor, batch, "opened", {})
        return claim

    claim = context.database.write(begin)
    if claim is not None and claim.state is ClaimState.DONE:
        return find_batch(means, caller, str(claim.reference))[0]

    # 2. Its rows, some hundred at a time: a large file never holds up others, and is never in memory as a whole once it was read.
    try:
        for rows in chunks_of(read_rows(file.content, file.form)):
            stored = []
            for row in rows:
                problem = next(iter(problems_of(basis, file, row)), None)  # of a row that failed the report has one rule
                if problem is None:
                    sealed = key.seal_data(json.dumps(dict(row.cells), ensure_ascii=False).encode())
                    stored.append(BatchRow(batch.id, row.number, RowState.WAITING, sealed))
                else:
                    failed = BatchRow(batch.id, row.number, RowState.FAILED, None, None, problem.code, problem.place, problem.rule)
                    stored.append(failed)
            context.database.write(lambda conn, stored=stored: _add_rows(means, conn, batch, stored))  # type: ignore[misc]  # a default has no type
    except TrustError as error:
        if error.code != _CONFLICT:  # else it has ended already
            context.database.write(lambda conn: _give_up(means, conn, caller.actor, batch, claim))
        raise

    # 3. All of them are there.
    def finish(conn: Connection) -> None:
        _move(conn, batch, BatchState.READY)
        if claim is not None:
            context.idempotency.finish(conn, claim, status=201)

    context.database.write(finish)
    return _read(means, batch.id)


def start_batch(means: IssuingMeans, caller: Caller, batch_id: str) -> LicenceBatch:
    """Issue them from now on; started before, it stays so. LICENCE_BATCH_NOT_FOUND, LICENCE_BATCH_STATE_CONFLICT."""

    def start(conn: Connection) -> None:
        batch = _owned(conn, caller, batch_id, is_locked=True)
        if batch.state in {BatchState.RUNNING, BatchState.DONE}:
            return
        _move(conn, batch, BatchState.RUNNING, started_at=means.context.clock.now())
        _record(means, conn, caller.actor, batch, "started", {"rows": batch.total})

    means.context.database.write(start)
    return _read(means, batch_id)


def cancel_batch(means: IssuingMeans, caller: Caller, batch_id: str) -> LicenceBatch:
    """End it: rows without a licence get none any more; licences that were begun are brought to their end. LICENCE_BATCH_NOT_FOUND, LICENCE_BATCH_STATE_CONFLICT for one that is done."""

    def cancel(conn: Connection) -> None:
        batch = _owned(conn, caller, batch_id, is_locked=True)
        if batch.state is not BatchState.CANCELLED:
            _cancel(means, conn, caller.actor, batch, "cancelled")

    means.context.database.write(cancel)
    return _read(means, batch_id)


def find_batch(means: IssuingMeans, caller: Caller, batch_id: str) -> tuple[LicenceBatch, dict[RowState, int]]:
    """A batch of an authority the caller acts for, and how many of its rows are in which state. LICENCE_BATCH_NOT_FOUND."""
    with means.context.database.read() as conn:
        batch = _owned(conn, caller, batch_id)
        return batch, store.count_progress(conn, batch_id)


def list_batches(
    means: IssuingMeans, caller: Caller, *, issuer_code: str | None = None, before: str | None, limit: int
) -> list[tuple[LicenceBatch, dict[RowState, int]]]:
    """Batches of the authorities the caller acts for, newest first, from behind the batch ``before``, with how many rows are in which state.
    Errors as ``own_issuer_codes``.
    """
    with means.context.database.read() as conn:
        found = store.list_batches(conn, own_issuer_codes(conn, caller, issuer_code), before=before, limit=limit)
        return [(batch, store.count_progress(conn, batch.id)) for batch in found]


def list_batch_rows(
    means: IssuingMeans, caller: Caller, batch_id: str, *, state: RowState | None, after: int, limit: int
) -> list[BatchRow]:
    """What became of each row. LICENCE_BATCH_NOT_FOUND."""
    with means.context.database.read() as conn:
        _owned(conn, caller, batch_id)
        return store.list_rows(conn, batch_id, state=state, after=after, limit=limit)


def run_batches(means: IssuingMeans) -> int:
    """One turn of the worker: some rows of each batch that nobody else works on; how many have ended. Safe in every process."""
    # 1. What a process that died was loading is of no use, and what nobody started is not kept for nothing: both have ended.
    context, ended = means.context, 0
    since = context.clock.now() - timedelta(days=limits.BATCH_READY_DAYS)
    with context.database.read() as conn:
        left = store.list_left_batches(conn, context.clock.now(), ready_since=since, limit=limits.BATCHES_PER_TURN)
        running = store.list_batches_to_run(conn, context.clock.now(), limit=limits.BATCHES_PER_TURN)
    for batch in left:
        context.database.write(lambda conn, batch=batch: _end_left(means, conn, batch))  # type: ignore[misc]  # as above

    # 2. Some rows of each.
    for batch in running:
        lease = BatchLease(means.context, batch)
        if lease.take():
            try:
                ended += _run(means, lease)
            finally:
                lease.give_back()
    return ended


def _run(means: IssuingMeans, lease: BatchLease) -> int:
    context, batch = means.context, lease.batch
    caller = Caller(batch.client_id, batch.subject, frozenset(), grant_id=batch.token_grant_id)
    with context.database.read() as conn:
        rows = store.list_rows_to_issue(conn, batch.id, context.clock.now(), limit=limits.ROWS_PER_TURN)
        key_sealed = store.load_batch_key(conn, batch.id)
    if not rows:
        context.database.write(lambda conn: _end_if_over(means, conn, caller.actor, batch))
        return 0

    # 1. Numbers first, for all of them: so the log's next checkpoint is waited for once.
    begun: list[tuple[BatchRow, LicenceRecord]] = []
    ended = 0
    for row in rows:
        if not lease.holds():  # this process was held up for so long that another one goes on with the batch
            break
        try:
            begun.append((row, _begin(means, caller, batch, row, key_sealed)))
        except TrustError as error:
            if is_passing(error):
                break
            if error.code != _TAKEN:  # else another process has it
                _end_row(means, batch, row, RowState.FAILED, error)
                ended += 1
        fail_points.reach("licence-batch.begun")

    # 2. Then proof, face, seal and release, one after the other.
    for place, (row, record) in enumerate(begun):
        if not lease.holds():
            break
        held = _hold(means, record)
        if held is None:  # the sweeper, or another process, goes on with it
            continue
        try:
            finish_issue(means, held)
        except TrustError as error:
            if is_self_check(error):
                continue  # this one alone: it comes again, the others go on
            if is_passing(error):
                for _, waiting in begun[place + 1 :]:  # the draft stays, as those of the rows behind it: they come again as soon as it does
                    put_back(means, waiting)
                break
            _end_row(means, batch, row, RowState.FAILED, error)
        else:
            fail_points.reach("licence-batch.issued")
            _end_row(means, batch, row, RowState.ISSUED, None)
        ended += 1
    return ended


def _begin(means: IssuingMeans, caller: Caller, batch: LicenceBatch, row: BatchRow, key_sealed: bytes) -> LicenceRecord:
    """The licence of a row: the one that was begun before and is nobody's work any more, or a new one."""
    if row.licence_id is not None:
        return _take_over(means, batch, row, row.licence_id)
    stands = STANDING.of(means.context)
    if stands is not None and not stands(caller):
        raise batch_caller_gone(batch.id)
    cells = json.loads(means.contents.open_key(batch.id, key_sealed).open_data(row.cells_sealed or b""))
    definition = basis_of_issuing(means, caller, batch.type_code, batch.issuer_code).definition

    def note(conn: Connection, licence_id: str) -> None:
        if not store.note_licence(conn, batch.id, row.number, licence_id):
            raise row_taken(batch.id, row.number)

    return begin_issue(
        means, caller, order_of_row(definition, batch.issuer_code, batch.forms, cells), note=note, lease_seconds=limits.ROW_LEASE_SECONDS
    )


def _hold(means: IssuingMeans, record: LicenceRecord) -> LicenceRecord | None:
    """A draft whose turn has come, as long as it is this process's work; None where it is somebody else's by now."""
    now, length = means.context.clock.now(), timedelta(seconds=limits.ROW_LEASE_SECONDS)
    if record.state is not LicenceState.DRAFT or (record.lease_until is not None and now < record.lease_until - length / 2):
        return record
    is_held = means.context.database.write(lambda conn: store.take_lease(conn, record, now + length))
    return replace(record, lease_until=now + length) if is_held else None


def _take_over(means: IssuingMeans, batch: LicenceBatch, row: BatchRow, licence_id: str) -> LicenceRecord:
    until = means.context.clock.now() + timedelta(seconds=limits.ROW_LEASE_SECONDS)
    with means.context.database.read() as conn:
        begun = store.load_licence(conn, licence_id)
    if begun is None:
        raise licence_not_found(licence_id)
    if begun.state is not LicenceState.DRAFT:
        return begun
    if not means.context.database.write(lambda conn: store.take_lease(conn, begun, until)):
        raise row_taken(batch.id, row.number)
    return replace(begun, lease_until=until)


def _end_row(means: IssuingMeans, batch: LicenceBatch, row: BatchRow, state: RowState, error: TrustError | None) -> None:
    code = None if error is None else error.code
    place, rule = (None, None) if error is None else (fact_of(error, "place"), fact_of(error, "reason" if code == _ABANDONED else "rule"))
    means.context.database.write(lambda conn: store.end_row(conn, batch.id, row.number, state=state, code=code, place=place, rule=rule))


def _loading_end(means: IssuingMeans) -> datetime:
    return means.context.clock.now() + timedelta(seconds=limits.LOADING_LEASE_SECONDS)


def _move(conn: Connection, batch: LicenceBatch, target: BatchState, **times: datetime) -> None:
    """The one way from state to state: as the table has it, and only from where the batch was found. LICENCE_BATCH_STATE_CONFLICT."""
    if target not in BATCH_LIFE[batch.state] or not store.move_batch(conn, batch, target, **times):
        raise batch_state_conflict(batch.id, batch.state)


def _add_rows(means: IssuingMeans, conn: Connection, batch: LicenceBatch, rows: Sequence[BatchRow]) -> None:
    if not store.hold_loading(conn, batch.id, _loading_end(means)):  # cancelled meanwhile
        raise batch_state_conflict(batch.id, BatchState.CANCELLED)
    store.insert_rows(conn, rows)


def _cancel(means: IssuingMeans, conn: Connection, actor: str, batch: LicenceBatch, what: str) -> None:
    _move(conn, batch, BatchState.CANCELLED)
    cancelled = store.cancel_rows(conn, batch.id)
    counts = store.count_rows(conn, batch.id)
    if not counts[RowState.WAITING]:
        store.end_batch(conn, batch.id, means.context.clock.now())
    facts = {"issued": counts[RowState.ISSUED], "failed": counts[RowState.FAILED], "cancelled": cancelled}
    _record(means, conn, actor, batch, what, facts | {"begun": counts[RowState.WAITING]})


def _give_up(means: IssuingMeans, conn: Connection, actor: str, batch: LicenceBatch, claim: Claim | None) -> None:
    _cancel(means, conn, actor, batch, "unreadable")
    if claim is not None:
        means.context.idempotency.release(conn, claim)


def _end_left(means: IssuingMeans, conn: Connection, batch: LicenceBatch) -> None:
    found = store.load_batch(conn, batch.id, is_locked=True)
    if found is not None and (found.state, found.lease_until) == (batch.state, batch.lease_until):  # else somebody goes on with it
        _cancel(means, conn, SERVICE, found, "cut-off" if found.state is BatchState.LOADING else "not-started")


def _end_if_over(means: IssuingMeans, conn: Connection, actor: str, batch: LicenceBatch) -> None:
    """It has ended once no row waits any more; a cancelled one stays cancelled."""
    found = store.load_batch(conn, batch.id, is_locked=True)
    counts = store.count_rows(conn, batch.id)
    if found is None or found.state is not batch.state or counts[RowState.WAITING]:
        return
    if found.state is BatchState.RUNNING:
        _move(conn, found, BatchState.DONE)
    store.end_batch(conn, batch.id, means.context.clock.now())
    facts = {"issued": counts[RowState.ISSUED], "failed": counts[RowState.FAILED], "cancelled": counts[RowState.CANCELLED]}
    _record(means, conn, actor, batch, "done" if found.state is BatchState.RUNNING else "settled", facts)


def _owned(conn: Connection, caller: Caller, batch_id: str, *, is_locked: bool = False) -> LicenceBatch:
    batch = store.load_batch(conn, batch_id, is_locked=is_locked)
    if batch is None or not store.is_member(conn, batch.issuer_code, caller.holder):
        raise batch_not_found(batch_id)
    return batch


def _read(means: IssuingMeans, batch_id: str) -> LicenceBatch:
    with means.context.database.read() as conn:
        batch = store.load_batch(conn, batch_id)
    if batch is None:
        raise batch_not_found(batch_id)
    return batch


def _record(means: IssuingMeans, conn: Connection, actor: str, batch: LicenceBatch, what: str, facts: dict[str, int]) -> None:
    means.context.audit.record(
        conn,
        at=means.context.clock.now(),
        actor=actor,
        action=f"licence-batch.{what}",
        subject=f"licence-batch:{batch.id}",
        outcome="done",
        facts={"type": batch.type_code, "issuer": batch.issuer_code, **facts},
    )
