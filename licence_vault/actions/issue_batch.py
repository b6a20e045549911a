"""Issue licences in batches: rows from one file, checked at once, issued in the background, each exactly once whatever dies.

Which licence a row gets is noted in the transaction that numbers the licence; so a batch that was cut off goes on where it stood. A row that is
against the type does not hold up the rest. What is not there now (log, seal service) is tried again at the next turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from licence_vault import limits, store
from licence_vault.actions.batch_orders import order_of_row
from licence_vault.actions.finish_issue import finish_issue
from licence_vault.actions.issue_licence import begin_issue, check_order, definition_to_issue_by
from licence_vault.batch import BatchRow, BatchState, LicenceBatch, RowState, new_batch_id
from licence_vault.errors import batch_not_found, batch_state_conflict, batches_too_many, row_taken
from licence_vault.row_files import read_rows
from service_kit import fail_points
from service_kit.callers import Caller
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord
    from licence_vault.row_files import Row, RowForm
    from licence_vault.type_rules.definition import TypeDefinition

_LATER: Final = frozenset({Kind.UNAVAILABLE, Kind.TOO_MANY})
_PENDING: Final = "LOG_ENTRY_PENDING"
_REFUSED: Final = "LICENCE_SELF_CHECK_FAILED"
_TAKEN: Final = "LICENCE_ROW_TAKEN"


@dataclass(frozen=True, slots=True)
class BatchFile:
    """What is to be issued: a file of rows for one type and one authority."""

    type_code: str
    issuer_code: str
    forms: tuple[str, ...]
    form: RowForm
    content: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be issued."""

    number: int
    code: str
    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of a batch. ``problems``: the first of them, in the order of the rows."""

    rows: int
    good: int
    problems: tuple[Problem, ...]


def try_batch(means: IssuingMeans, caller: Caller, file: BatchFile) -> DryRun:
    """Check every row and change nothing. TrustError LICENCE_ISSUER_NOT_FOUND, LICENCE_TYPE_NOT_PUBLISHED, LICENCE_ROW_FILE_UNACCEPTABLE."""
    definition = definition_to_issue_by(means, caller, file.type_code, file.issuer_code)
    rows, good = 0, 0
    problems: list[Problem] = []
    for row in read_rows(file.content, file.form):
        rows += 1
        problem = _problem_of(definition, file, row)
        if problem is None:
            good += 1
        elif len(problems) < limits.PROBLEMS_SHOWN:
            problems.append(problem)
    return DryRun(rows, good, tuple(problems))


def open_batch(means: IssuingMeans, caller: Caller, file: BatchFile) -> LicenceBatch:
    """Take the rows in, sealed under a key of the batch, and check each; what is against the type has failed already. Nothing is issued yet.

    Raises TrustError as ``try_batch``, and LICENCE_BATCHES_TOO_MANY.
    """
    # 1. The right, and a batch that loads.
    context = means.context
    definition = definition_to_issue_by(means, caller, file.type_code, file.issuer_code)
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
    )
    key, key_sealed = means.contents.new_key(batch.id)

    def begin(conn: Connection) -> None:
        if store.count_living_batches(conn, file.issuer_code) >= limits.BATCHES_PER_ISSUER:
            raise batches_too_many(limits.BATCHES_PER_ISSUER)
        store.insert_batch(conn, batch, key_sealed)
        _record(means, conn, caller, batch, "opened", {})

    context.database.write(begin)

    # 2. Its rows, some hundred at a time: a large file never holds up others, and is never in memory as a whole once it was read.
    try:
        for rows in _chunks(read_rows(file.content, file.form)):
            stored = []
            for row in rows:
                problem = _problem_of(definition, file, row)
                if problem is None:
                    sealed = key.seal_data(json.dumps(dict(row.cells), ensure_ascii=False).encode())
                    stored.append(BatchRow(batch.id, row.number, RowState.WAITING, sealed))
                else:
                    failed = BatchRow(batch.id, row.number, RowState.FAILED, None, None, problem.code, problem.place, problem.rule)
                    stored.append(failed)
            context.database.write(lambda conn, stored=stored: store.insert_rows(conn, stored))  # type: ignore[misc]
    except TrustError:
        context.database.write(lambda conn: _end(means, conn, caller, batch, BatchState.CANCELLED, "unreadable"))
        raise

    # 3. All of them are there.
    context.database.write(lambda conn: store.update_batch(conn, batch.id, state=BatchState.READY))
    return _read(means, batch.id)


def start_batch(means: IssuingMeans, caller: Caller, batch_id: str) -> LicenceBatch:
    """Issue them from now on; started before, it stays so. LICENCE_BATCH_NOT_FOUND, LICENCE_BATCH_STATE_CONFLICT."""

    def start(conn: Connection) -> None:
        batch = _owned(conn, caller, batch_id, is_locked=True)
        if batch.state in {BatchState.RUNNING, BatchState.DONE}:
            return
        if batch.state is not BatchState.READY:
            raise batch_state_conflict(batch_id, batch.state)
        store.update_batch(conn, batch_id, state=BatchState.RUNNING, started_at=means.context.clock.now())
        _record(means, conn, caller, batch, "started", {"rows": batch.total})

    means.context.database.write(start)
    return _read(means, batch_id)


def cancel_batch(means: IssuingMeans, caller: Caller, batch_id: str) -> LicenceBatch:
    """End it: rows without a licence get none any more. LICENCE_BATCH_NOT_FOUND, LICENCE_BATCH_STATE_CONFLICT for one that is done."""

    def cancel(conn: Connection) -> None:
        batch = _owned(conn, caller, batch_id, is_locked=True)
        if batch.state is BatchState.DONE:
            raise batch_state_conflict(batch_id, batch.state)
        if batch.state is not BatchState.CANCELLED:
            _end(means, conn, caller, batch, BatchState.CANCELLED, "cancelled")

    means.context.database.write(cancel)
    return _read(means, batch_id)


def find_batch(means: IssuingMeans, caller: Caller, batch_id: str) -> tuple[LicenceBatch, dict[RowState, int]]:
    """A batch of an authority the caller acts for, and how many of its rows are in which state. LICENCE_BATCH_NOT_FOUND."""
    with means.context.database.read() as conn:
        batch = _owned(conn, caller, batch_id)
        return batch, store.count_rows(conn, batch_id)


def list_batch_rows(
    means: IssuingMeans, caller: Caller, batch_id: str, *, state: RowState | None, after: int, limit: int
) -> list[BatchRow]:
    """What became of each row. LICENCE_BATCH_NOT_FOUND."""
    with means.context.database.read() as conn:
        _owned(conn, caller, batch_id)
        return store.list_rows(conn, batch_id, state=state, after=after, limit=limit)


def run_batches(means: IssuingMeans) -> int:
    """One turn of the worker: some rows of each running batch that nobody else works on; how many have ended. Safe in every process."""
    context, ended = means.context, 0
    with context.database.read() as conn:
        running = store.list_running_batches(conn, context.clock.now(), limit=limits.BATCHES_PER_TURN)
    for batch in running:
        until = context.clock.now() + timedelta(seconds=limits.BATCH_LEASE_SECONDS)
        if not context.database.write(lambda conn, batch=batch, until=until: store.lease_batch(conn, batch, until)):  # type: ignore[misc]
            continue
        held = replace(batch, lease_until=until)
        try:
            ended += _run(means, held)
        finally:
            context.database.write(lambda conn, held=held: store.lease_batch(conn, held, None))  # type: ignore[misc]
    return ended


def _run(means: IssuingMeans, batch: LicenceBatch) -> int:
    context = means.context
    caller = Caller(batch.client_id, batch.subject, frozenset())
    with context.database.read() as conn:
        rows = store.list_rows(conn, batch.id, state=RowState.WAITING, after=0, limit=limits.ROWS_PER_TURN)
        key = means.contents.open_key(batch.id, store.load_batch_key(conn, batch.id))
    if not rows:
        context.database.write(lambda conn: _end(means, conn, caller, batch, BatchState.DONE, "done"))
        return 0

    # 1. Numbers first, for all of them: so the log's next checkpoint is waited for once.
    begun: list[tuple[BatchRow, LicenceRecord]] = []
    ended = 0
    for row in rows:
        try:
            begun.append((row, _begin(means, caller, batch, row, json.loads(key.open_data(row.cells_sealed or b"")))))
        except TrustError as error:
            if error.kind in _LATER:
                break
            if error.code != _TAKEN:  # else another process has it
                _end_row(means, batch, row, RowState.FAILED, error)
                ended += 1
        fail_points.reach("licence-batch.begun")

    # 2. Then proof, face, seal and release, one after the other.
    for row, record in begun:
        try:
            finish_issue(means, record)
        except TrustError as error:
            if error.code == _REFUSED:
                continue  # this one alone: it comes again, the others go on
            if error.kind in _LATER or error.code == _PENDING:
                break  # the draft stays, as those of the rows behind it: they come again
            _end_row(means, batch, row, RowState.FAILED, error)
        else:
            fail_points.reach("licence-batch.issued")
            _end_row(means, batch, row, RowState.ISSUED, None)
        ended += 1
    return ended


def _begin(means: IssuingMeans, caller: Caller, batch: LicenceBatch, row: BatchRow, cells: dict[str, str]) -> LicenceRecord:
    """The licence of a row: the one that was begun before, or a new one."""
    if row.licence_id is not None:
        with means.context.database.read() as conn:
            begun = store.load_licence(conn, row.licence_id)
        if begun is not None:
            return begun
    definition = definition_to_issue_by(means, caller, batch.type_code, batch.issuer_code)

    def note(conn: Connection, licence_id: str) -> None:
        if not store.note_licence(conn, batch.id, row.number, licence_id):
            raise row_taken(batch.id, row.number)

    return begin_issue(means, caller, order_of_row(definition, batch.issuer_code, batch.forms, cells), note=note)


def _end_row(means: IssuingMeans, batch: LicenceBatch, row: BatchRow, state: RowState, error: TrustError | None) -> None:
    code = None if error is None else error.code
    place, rule = (None, None) if error is None else (_fact(error, "place"), _fact(error, "rule"))
    means.context.database.write(lambda conn: store.end_row(conn, batch.id, row.number, state=state, code=code, place=place, rule=rule))


def _problem_of(definition: TypeDefinition, file: BatchFile, row: Row) -> Problem | None:
    try:
        check_order(order_of_row(definition, file.issuer_code, file.forms, row.cells), definition)
    except TrustError as error:
        return Problem(row.number, error.code, _fact(error, "place") or _fact(error, "field") or "", _fact(error, "rule") or "")
    return None


def _fact(error: TrustError, name: str) -> str | None:
    found = error.facts.get(name)
    return None if found is None else str(found)[: limits.NAME_CHARACTERS]


def _chunks(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == limits.ROWS_PER_WRITE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _end(means: IssuingMeans, conn: Connection, caller: Caller, batch: LicenceBatch, state: BatchState, what: str) -> None:
    at: datetime = means.context.clock.now()
    cancelled = store.cancel_rows(conn, batch.id) if state is BatchState.CANCELLED else 0
    counts = store.count_rows(conn, batch.id)
    store.update_batch(conn, batch.id, state=state, ended_at=at)
    facts = {"issued": counts[RowState.ISSUED], "failed": counts[RowState.FAILED], "cancelled": cancelled}
    _record(means, conn, caller, batch, what, facts)


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


def _record(means: IssuingMeans, conn: Connection, caller: Caller, batch: LicenceBatch, what: str, facts: dict[str, int]) -> None:
    means.context.audit.record(
        conn,
        at=means.context.clock.now(),
        actor=caller.actor,
        action=f"licence-batch.{what}",
        subject=f"licence-batch:{batch.id}",
        outcome="done",
        facts={"type": batch.type_code, "issuer": batch.issuer_code, **facts},
    )
