"""The database of one process: durable writes through the group-commit writer, reads on connections of their own.

SQLite (WAL, synchronous=FULL, one file, several processes) or PostgreSQL (psycopg 3). Both show a job the same world: transactions
behave as if run one after the other (SQLite has one writer; PostgreSQL runs SERIALIZABLE, and what it refuses is run again).

    number = database.write(lambda connection: reserve_number(connection, ...))

A job gets a SQLAlchemy Connection, does its statements and returns a value; it never commits, never waits for the network, never
signs, and may be run more than once. When ``write`` returns, what the job did is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from crypto.durable_files import open_or_make
from service_kit.cohorts import Cohorts
from service_kit.database_errors import as_trust_error, words_of_driver
from service_kit.group_commit import GroupCommitWriter, RowSink, WriterStatistics
from service_kit.prepared import BEFORE_STATEMENT
from service_kit.row_codes import hold_row_key
from service_kit.write_tickets import Ticket
from service_kit.writer_turn import WriterTurn
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from sqlalchemy.engine import URL, Connection, ExceptionContext
    from sqlalchemy.pool import ConnectionPoolEntry

Value = TypeVar("Value")

_log: Final = logging.getLogger(__name__)
BUSY_TIMEOUT_SECONDS: Final = 5  # a commit takes milliseconds; who waits longer meets a stuck process
POOL_TIMEOUT_SECONDS: Final = 5
QUEUE_LIMIT: Final = 1024  # at 1 ms per batch of 64 less than a tenth of a second of work
_STATEMENT_CACHE: Final = 256
_PG_OPTIONS: Final = (
    "-c timezone=UTC -c synchronous_commit=on -c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
)


class _Looker:
    """A thread's own connection for ``Database.look``: closed when the thread ends, with all else that is the thread's."""

    def __init__(self, path: str) -> None:
        self.connection: Final = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def __del__(self) -> None:
        connection = getattr(self, "connection", None)  # none where it could not be opened
        if connection is not None:
            connection.close()


class Database:
    """One database, shared by all of the process. ``pool_size``: connections for reading; ``queue_limit``: jobs that may wait."""

    def __init__(self, url: str, pool_size: int = 16, *, queue_limit: int = QUEUE_LIMIT) -> None:
        parsed = read_database_url(url)
        self.is_sqlite: Final = parsed.get_backend_name() == "sqlite"
        self.url: Final = parsed
        # Parameters hidden: an error ends up in logs and on terminals, and the values of a row are nobody's there
        if self.is_sqlite:
            shared: dict[str, Any] = {"isolation_level": None, "check_same_thread": False, "cached_statements": _STATEMENT_CACHE}
            self.engine = create_engine(parsed, connect_args=shared, poolclass=NullPool, hide_parameters=True)
            self._readers = create_engine(
                parsed, connect_args=shared, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_TIMEOUT_SECONDS, hide_parameters=True
            )
            event.listen(self.engine, "connect", _prepare_sqlite_writer)
            event.listen(self._readers, "connect", _prepare_sqlite_reader)
            event.listen(self._readers, "connect", _begin_when_read)
            event.listen(self._readers, "begin", _begin_snapshot)
        else:
            self.engine = create_engine(
                parsed, connect_args={"options": _PG_OPTIONS}, isolation_level="SERIALIZABLE", poolclass=NullPool, hide_parameters=True
            )
            self._readers = create_engine(
                parsed,
                connect_args={"options": _PG_OPTIONS + " -c default_transaction_read_only=on"},
                isolation_level="REPEATABLE READ",
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=POOL_TIMEOUT_SECONDS,
                pool_pre_ping=True,
                hide_parameters=True,
            )
            for engine in (self.engine, self._readers):
                event.listen(engine, "connect", _check_encoding, insert=True)  # before SQLAlchemy reads what it cannot
                event.listen(engine, "handle_error", _tell_log)
        turn = WriterTurn(Path(f"{parsed.database}-turn"), Path(parsed.database or "")) if self.is_sqlite else None
        if turn is not None:
            event.listen(self.engine, "connect", lambda *_: turn.note_opened())
        self.cohorts: Final = Cohorts(are_reads_quick=self.is_sqlite)
        self._writer = GroupCommitWriter(self.engine, queue_limit=queue_limit, turn=turn, cohorts=self.cohorts)
        self._lookers = threading.local()
        self._held: WeakSet[_Looker] = WeakSet()  # threads come and go: those of requests end after some idle seconds

    def __repr__(self) -> str:
        return f"Database({self.url.get_backend_name()})"  # the URL may hold a password

    @property
    def statistics(self) -> WriterStatistics:
        """Counts of the writer, for the metrics."""
        return self._writer.statistics

    @property
    def waiting_jobs(self) -> int:
        """Jobs that wait for the writer."""
        return self._writer.waiting

    def write(self, job: Callable[[Connection], Value]) -> Value:
        """Run ``job`` in a transaction and return its value once that is durable; raises what the job raised.

        Further: TrustError WRITE_QUEUE_FULL (too many, at once), DATABASE_UNAVAILABLE, DATABASE_OUTCOME_UNKNOWN (the connection was
        lost during the commit: the caller must look before doing it again, an idempotency key does that for him).
        """
        if self._writer.is_writer_thread():
            raise RuntimeError("a write job must not wait for another write job")
        ticket = Ticket(job)
        ticket.waiting = threading.Lock()
        ticket.waiting.acquire()
        self._writer.put(ticket)
        ticket.waiting.acquire()
        if ticket.error is not None:
            raise ticket.error
        value: Value = ticket.value
        return value

    def submit(self, job: Callable[[Connection], Value]) -> Future[Value]:
        """As ``write``, without waiting."""
        ticket = Ticket(job)
        future: Future[Value] = Future()
        ticket.future = future
        self._writer.put(ticket)
        return future

    def awrite(self, job: Callable[[Connection], Value]) -> Awaitable[Value]:
        """As ``write``, to be awaited in an event loop: no thread is taken from any pool.

        Where the awaiting task is cancelled the job may still be done.
        """
        ticket = Ticket(job)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Value] = loop.create_future()
        ticket.loop, ticket.asyncio_future = loop, future
        self._writer.put(ticket)
        return future

    def defer(self, connection: Connection, sink: RowSink, row: Any) -> None:
        """Within a job: hand over a row that ``sink`` writes at the end of the batch, in the same transaction as the job."""
        self._writer.defer(connection, sink, row)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only connection that sees one unchanging state of the database. Writing on it is refused by the database."""
        try:
            with self._readers.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
            translated = as_trust_error(error)
            if translated is error:
                raise
            raise translated from error

    def look(self, query: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row of a cheap query by key (``:name`` parameters) as of now, without the cost of a transaction of one's own.

        For checks on every request: with SQLite it takes a few microseconds on a connection kept for the thread.
        """
        if not self.is_sqlite:
            with self.read() as connection:
                row = connection.execute(text(query), parameters).first()
                return None if row is None else tuple(row)
        held: _Looker | None = getattr(self._lookers, "held", None)
        try:
            if held is None:
                held = _Looker(self.url.database or "")
                _prepare_sqlite_reader(held.connection, None)
                self._lookers.held = held
                self._held.add(held)
            found: tuple[Any, ...] | None = held.connection.execute(query, parameters).fetchone()
        except sqlite3.Error as error:
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason=type(error).__name__) from error
        return found

    def hold_row_key(self, trail_key: bytes) -> None:
        """Let jobs and readers make and check the codes of rows (``row_codes``)."""
        for engine in (self.engine, self._readers):
            hold_row_key(engine, trail_key)

    def close(self) -> None:
        """Finish the waiting jobs and close every connection."""
        self._lookers = threading.local()
        for held in list(self._held):
            held.connection.close()
        self._held.clear()
        self._writer.close()
        self._readers.dispose()
        self.engine.dispose()


def check_database_file(url: str) -> None:
    """Raise TrustError DATABASE_UNAVAILABLE where ``url`` names a SQLite file that is not there: opening it would begin an empty one."""
    parsed = read_database_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="missing")


def make_database_file(url: str) -> None:
    """Begin an empty SQLite file where ``url`` names one that is not there, private, so that it belongs to whom its folder does, also where root begins it."""
    parsed = read_database_url(url)
    if parsed.get_backend_name() == "sqlite":
        try:
            os.close(open_or_make(Path(parsed.database or "")))  # what SQLite puts beside it has the same mode
        except OSError as error:
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="cannot be opened") from error


def check_database_pages(url: str) -> None:
    """Read the whole SQLite file that ``url`` names and raise TrustError DATABASE_UNAVAILABLE where it is damaged: rows that nobody asks for
    can be so for long. PostgreSQL looks after its own files.
    """
    parsed = read_database_url(url)
    if parsed.get_backend_name() != "sqlite":
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(parsed.database or '')}?mode=ro", uri=True)) as connection:
            check_pages(connection)
    except sqlite3.Error as error:
        raise as_trust_error(error) from error


def check_pages(connection: sqlite3.Connection) -> None:
    """The same of an open one."""
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="damaged")


def read_database_url(url: str) -> URL:
    """The setting ``database_url`` with the driver that is used. TrustError SETTING_INVALID."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # not of the form of an address at all
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="database_url", expected="sqlite:///... or postgresql://...") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="database_url", expected="a file, not a database in memory")
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in {"postgresql", "postgres"}:
        chosen = parsed.set(drivername="postgresql+psycopg")
        try:
            chosen.get_dialect()().create_connect_args(chosen)
        except ArgumentError:  # of several servers named in two ways at once
            raise TrustError(
                Kind.UNACCEPTABLE, "SETTING_INVALID", name="database_url", expected="postgresql://USER@/NAME?host=A:5432&host=B:5432"
            ) from None
        return chosen
    raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="database_url", expected="sqlite:///... or postgresql://...")


def _check_encoding(dbapi: Any, _record: object) -> None:
    encoding = dbapi.info.parameter_status("server_encoding")
    if encoding != "UTF8":  # names in Chinese could not be stored, and in SQL_ASCII they are nobody's
        expected = f"a database with the encoding UTF8, not {encoding}"
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="database_url", expected=expected)


def _tell_log(context: ExceptionContext) -> None:
    words = words_of_driver(context.original_exception)
    if words is not None:
        _log.warning("database not reached", extra={"facts": {"driver": words}})


def _prepare_sqlite(dbapi: Any, _record: object) -> None:
    dbapi.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
    dbapi.execute("PRAGMA foreign_keys=ON")
    dbapi.execute("PRAGMA trusted_schema=OFF")
    dbapi.execute("PRAGMA cache_size=-8000")


def _prepare_sqlite_writer(dbapi: Any, record: object) -> None:
    _prepare_sqlite(dbapi, record)
    mode = dbapi.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="write-ahead log refused")
    dbapi.execute("PRAGMA synchronous=FULL")  # an acknowledged row survives a power cut
    dbapi.execute("PRAGMA journal_size_limit=67108864")


def _prepare_sqlite_reader(dbapi: Any, record: object) -> None:
    _prepare_sqlite(dbapi, record)
    dbapi.execute("PRAGMA query_only=ON")


def _begin_when_read(dbapi: Any, record: ConnectionPoolEntry) -> None:
    """Prepared statements begin the snapshot on the driver: a transaction of SQLAlchemy's costs as much as a row that is found by its key."""
    record.info[BEFORE_STATEMENT] = partial(_begin_on_driver, dbapi)


def _begin_snapshot(connection: Connection) -> None:
    _begin_on_driver(connection.connection.driver_connection)


def _begin_on_driver(driver: Any) -> None:
    if not driver.in_transaction:  # the pool rolls it back when the connection is given back, whoever began it
        driver.execute("BEGIN")
