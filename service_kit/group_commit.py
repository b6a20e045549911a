"""The writer of one process: many jobs, one durable commit.

One thread takes what waits in the queue (at most MAX_BATCH jobs), runs each job under a savepoint of its own in one transaction,
commits once and only then tells the callers. So every caller has the durability of a commit of his own at a fraction of its cost.
A job that raises fails alone, and its effects vanish. Where the database refuses the whole transaction (busy, serialisation failure,
deadlock) nothing has happened and the batch is run again, at last each job by itself; a job must therefore be a function that can
be run again. Where the commit itself fails, all of the batch fail.

Rows for append-only tables can be handed over with ``defer``: they are written together, by one statement, at the end of the batch,
and vanish with their job like everything else.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, ResourceClosedError

from service_kit.database_errors import as_trust_error, is_connection_lost, is_read_only, is_transient
from service_kit.prepared import BEFORE_STATEMENT
from service_kit.write_tickets import tell
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection, Engine

    from service_kit.cohorts import Cohorts
    from service_kit.write_tickets import Ticket
    from service_kit.writer_turn import WriterTurn

_log: Final = logging.getLogger(__name__)
MAX_BATCH: Final = 64  # notes/performance: beyond this the gain is small and a failing batch dear
LINGER_FROM: Final = 3  # jobs in the batch before: callers come in numbers, so more are on their way
LINGER_SECONDS: Final = 0.003  # as PostgreSQL's commit_delay: fewer, fuller commits where there are many callers, no delay where few
TURNS_WAITED: Final = 4  # of those who compute: some 15 ms in which more jobs come
BATCH_ATTEMPTS: Final = 3  # runs of a batch as a whole before each job is run by itself
ALONE_ATTEMPTS: Final = 16
RETRY_SECONDS: Final = 15.0  # three busy timeouts; then the caller hears DATABASE_UNAVAILABLE
FIRST_PAUSE_SECONDS: Final = 0.002
LONGEST_PAUSE_SECONDS: Final = 0.5


class RowSink(Protocol):
    """Writes deferred rows. All three are called in the writer thread only."""

    def write_rows(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Write all rows of the batch; an error fails (and rolls back) every job of the batch that deferred or did anything."""
        ...

    def rows_committed(self) -> None:
        """What the last ``write_rows`` wrote is durable."""
        ...

    def rows_undone(self) -> None:
        """What the last ``write_rows`` wrote was rolled back, or nobody knows."""
        ...


@dataclass(slots=True)
class WriterStatistics:
    """Counts since the start of the process."""

    jobs: int = 0
    commits: int = 0
    failed_jobs: int = 0
    retries: int = 0


class _RunAgain(Exception):  # noqa: N818 - not an error of anyone's
    """The transaction was refused as a whole and left no trace."""


class _BatchFailed(Exception):  # noqa: N818 - carries the error of whoever made it fail
    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__()


class GroupCommitWriter:
    """The queue and its thread. The thread starts with the first job, so that building a Database starts nothing."""

    def __init__(self, engine: Engine, *, queue_limit: int, cohorts: Cohorts, turn: WriterTurn | None = None) -> None:
        self._cohorts = cohorts
        self.statistics = WriterStatistics()
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._queue_limit = queue_limit
        self._turn = turn
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._connection: Connection | None = None
        self._dbapi: Any = None
        self._deferred: list[tuple[RowSink, Any]] = []
        self._savepoint_due = False
        self._savepoint_set = False
        self._may_end = False
        event.listen(engine, "before_cursor_execute", self._before_statement)
        event.listen(engine, "commit", self._only_the_writer_ends)
        event.listen(engine, "rollback", self._only_the_writer_ends)

    # ---- callers' side

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return self._queue.qsize()

    def put(self, ticket: Ticket) -> None:
        """Queue a job; raises TrustError at once where the queue is full or closed."""
        if self._queue.qsize() >= self._queue_limit:
            raise TrustError(Kind.TOO_MANY, "WRITE_QUEUE_FULL", limit=self._queue_limit)
        if self._thread is None or self._closed:
            self._start()
        self._queue.put(ticket)

    def is_writer_thread(self) -> bool:
        """True inside a job: waiting there for another job would wait for ever."""
        return self._thread is not None and threading.get_ident() == self._thread.ident

    def defer(self, connection: Connection, sink: RowSink, row: Any) -> None:
        """Hand over a row of the running job, to be written with all others of the batch."""
        if connection is not self._connection or not self.is_writer_thread():
            raise RuntimeError("rows can be deferred only within a write job, on the connection it was given")
        self._deferred.append((sink, row))

    def close(self) -> None:
        """Finish what waits, then stop. Later jobs are refused."""
        with self._starting:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._closed:
                raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="closed")
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="group-commit", daemon=True)
                self._thread = thread
                thread.start()

    # ---- the thread

    def _serve(self) -> None:
        queue = self._queue
        was_shared = False
        while True:
            first = queue.get()
            batch = [] if first is None else [first]
            stop = first is None
            try:
                if was_shared and first is not None:
                    time.sleep(LINGER_SECONDS)
                with ExitStack() as turn:
                    turn.enter_context(self._cohorts.soon(TURNS_WAITED))
                    while not stop and len(batch) < MAX_BATCH and queue.qsize():  # this thread alone takes out, so get() cannot block
                        ticket = queue.get()
                        if ticket is None:
                            stop = True
                        else:
                            batch.append(ticket)
                    was_shared = len(batch) >= LINGER_FROM
                    if batch:
                        self._commit(batch, turn)
            except Exception:  # noqa: BLE001 # edge: what fails beside the jobs, as for want of memory, ends no thread that others wait for
                _log.exception("batch failed")
                for ticket in batch:
                    ticket.value, ticket.error = None, TrustError(Kind.UNAVAILABLE, "DATABASE_OUTCOME_UNKNOWN")
            tell(batch)
            if stop:
                self._disconnect()
                if self._turn is not None:
                    self._turn.close()
                return

    def _commit(self, batch: list[Ticket], turn: ExitStack) -> None:
        """Run the batch until its outcome is decided; afterwards every ticket has its value or its error. ``turn`` at computing is given up as
        soon as it is run for the first time: whoever runs a batch again does so beside the others.
        """
        attempts = BATCH_ATTEMPTS if len(batch) > 1 else ALONE_ATTEMPTS
        deadline = time.monotonic() + RETRY_SECONDS
        pause = FIRST_PAUSE_SECONDS
        failed: BaseException | None = None
        for attempt in range(attempts):
            try:
                try:
                    self._attempt(batch, turn)
                finally:
                    if self._turn is not None:
                        self._turn.give_up()
            except _RunAgain as refused:
                failed = refused.__cause__
                self.statistics.retries += 1
                if time.monotonic() > deadline:
                    break
                if attempt + 1 < attempts:
                    time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads writers apart, no secret
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            except _BatchFailed as failure:
                failed = failure.error
                break
            except Exception as error:  # noqa: BLE001 # edge: whatever happens, callers are told and the thread lives
                self._disconnect()
                failed = error
                break
            else:
                self.statistics.jobs += len(batch)
                return
        if len(batch) > 1 and time.monotonic() <= deadline and not _is_final(failed):
            for ticket in batch:  # one of them spoils it for all: find out which
                self._commit([ticket], turn)
            return
        for ticket in batch:
            ticket.value, ticket.error = None, _final_error(failed)
        self.statistics.jobs += len(batch)
        self.statistics.failed_jobs += len(batch)

    def _attempt(self, batch: list[Ticket], turn: ExitStack) -> None:
        sinks: dict[RowSink, list[Any]] = {}
        with turn:
            failed = self._run(batch, sinks, turn)
        if failed is None:
            return
        self._end(sinks)
        self.statistics.commits += 1
        self.statistics.failed_jobs += failed

    def _run(self, batch: list[Ticket], sinks: dict[RowSink, list[Any]], turn: ExitStack) -> int | None:
        """Begin, run the jobs and write what they deferred; how many failed, None where all did and nothing is to be committed."""
        connection = self._begin(turn)
        self._deferred.clear()
        alone = len(batch) == 1
        done = 0
        for ticket in batch:
            self._savepoint_due, self._savepoint_set = not alone, False
            mark = len(self._deferred)
            try:
                ticket.value, ticket.error = ticket.job(connection), None
                done += 1
            except BaseException as error:  # edge: a job's error belongs to its caller, whatever it is
                self._give_up_if_refused(error)
                ticket.value, ticket.error = None, as_trust_error(error)
                del self._deferred[mark:]
                if alone:
                    break
                transaction = connection.get_transaction()
                if transaction is not None and not transaction.is_active:  # the job tried to end it, and nobody else can go on
                    self._roll_back(None)
                    raise _BatchFailed(ticket.error) from error
                if self._savepoint_set:
                    self._raw_or_fail("ROLLBACK TO SAVEPOINT job")
            if self._savepoint_set and self._is_sqlite:
                # PostgreSQL keeps nested savepoints until the commit without harm, and is spared a round trip
                self._raw_or_fail("RELEASE SAVEPOINT job")
        self._savepoint_due = False
        failed = len(batch) - done
        if not done:
            self._roll_back(sinks)
            self.statistics.failed_jobs += failed
            return None
        for sink, row in self._deferred:
            sinks.setdefault(sink, []).append(row)
        self._deferred.clear()
        try:
            for sink, rows in sinks.items():
                sink.write_rows(connection, rows)
        except Exception as error:  # edge: as for a job
            self._give_up_if_refused(error, sinks)
            self._roll_back(sinks)
            raise _BatchFailed(as_trust_error(error)) from error
        return failed

    def _begin(self, turn: ExitStack) -> Connection:
        try:
            if self._turn is not None and not self._turn.take_if_free():
                turn.close()  # another process writes: nobody who computes here waits until it has committed
                self._turn.take()
            if self._connection is None:
                self._connection = self._engine.connect()
                self._dbapi = self._connection.connection.driver_connection
                self._connection.info[BEFORE_STATEMENT] = self._before_statement
            if self._is_sqlite:
                self._dbapi.execute("BEGIN IMMEDIATE")  # take the write lock now, not when a read has made it a conflict
        except Exception as error:  # edge: passed on, sorted
            self._disconnect()
            if is_transient(error):
                raise _RunAgain from error
            raise _BatchFailed(as_trust_error(error)) from error
        return self._connection

    def _end(self, sinks: dict[RowSink, list[Any]]) -> None:
        connection = self._connection
        try:
            self._may_end = True
            if connection is not None and connection.in_transaction():
                connection.commit()
            else:
                self._dbapi.commit()
        except Exception as error:  # edge: passed on, sorted
            self._may_end = False
            self._give_up_if_refused(error, sinks, committing=True)
            self._roll_back(sinks)
            raise _BatchFailed(as_trust_error(error)) from error
        self._may_end = False
        for sink in sinks:
            sink.rows_committed()

    def _give_up_if_refused(self, error: BaseException, sinks: dict[RowSink, list[Any]] | None = None, *, committing: bool = False) -> None:
        """Raise _RunAgain or _BatchFailed where ``error`` concerns the whole transaction."""
        if is_connection_lost(error):
            self._disconnect()
            _undone(sinks)
            if committing:  # the server may have committed before the answer was lost
                raise _BatchFailed(TrustError(Kind.UNAVAILABLE, "DATABASE_OUTCOME_UNKNOWN")) from error
            raise _RunAgain from error
        if is_read_only(error):  # for as long as the session lasts: the next one sees what the server, or another in its place, allows then
            self._disconnect()
            _undone(sinks)
            raise _BatchFailed(as_trust_error(error)) from error
        if is_transient(error):
            self._roll_back(sinks)
            raise _RunAgain from error

    def _raw_or_fail(self, statement: str) -> None:
        try:
            self._dbapi.execute(statement)
        except Exception as error:  # edge: passed on, sorted
            self._give_up_if_refused(error)
            self._roll_back(None)
            raise _BatchFailed(as_trust_error(error)) from error

    def _roll_back(self, sinks: dict[RowSink, list[Any]] | None) -> None:
        self._deferred.clear()
        self._savepoint_due = False
        self._may_end = True
        try:
            if self._connection is not None:
                self._connection.rollback()
            if self._dbapi is not None:  # after a failed commit SQLAlchemy holds the transaction for ended, the database does not
                self._dbapi.rollback()
        except (DBAPIError, ResourceClosedError, self._engine.dialect.loaded_dbapi.Error):
            self._disconnect()  # closing it rolls back
        finally:
            self._may_end = False
        _undone(sinks)

    def _disconnect(self) -> None:
        connection, self._connection, self._dbapi = self._connection, None, None
        self._may_end = True
        if connection is not None:
            connection.invalidate()
            connection.close()
        self._may_end = False

    # ---- listeners on the write engine

    def _before_statement(self, *_: object) -> None:
        """A savepoint is taken with a job's first statement: a job that only defers rows needs none."""
        if self._savepoint_due:
            self._savepoint_due = False
            self._dbapi.execute("SAVEPOINT job")
            self._savepoint_set = True

    def _only_the_writer_ends(self, connection: Connection) -> None:
        if connection is self._connection and not self._may_end:
            raise RuntimeError("a write job must not commit or roll back: it would end the transaction of others")


def _is_final(error: BaseException | None) -> bool:
    return isinstance(error, TrustError) and error.code == "DATABASE_OUTCOME_UNKNOWN"


def _final_error(error: BaseException | None) -> BaseException:
    if error is None:
        return TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="busy")
    return as_trust_error(error)


def _undone(sinks: dict[RowSink, list[Any]] | None) -> None:
    for sink in sinks or ():
        sink.rows_undone()
