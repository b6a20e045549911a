"""What must happen outside because of a change inside: a message stored in the change's transaction, delivered afterwards.

Delivery is at least once; handlers are idempotent by the message's id, so the effect is once. A handler runs with no transaction
open and may use the network. A failing message is tried again later and later; after ALARM_ATTEMPTS it raises an alarm and goes on
being tried, because dropping it silently would break a promise.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, false, func, insert, or_, select, update

from service_kit.clock import TOLERANCE_SECONDS
from service_kit.entry_ids import new_entry_id
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time
from service_kit.sweeping import SWEEP_ROWS
from service_kit.tables import outbox as table
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection

    from service_kit.clock import Clock
    from service_kit.database import Database

LEASE_SECONDS: Final = 60.0
FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 900.0
ALARM_ATTEMPTS: Final = 8  # about two minutes of trying
BATCH: Final = 16
PAYLOAD_BYTES: Final = 256 * 1024
KEEP_DONE_SECONDS: Final = 7 * 24 * 3600.0
_log = logging.getLogger(__name__)
_AHEAD: Final = Prepared(select(table.c.position).where(table.c.done_at.is_(None), table.c.due_at > bindparam("latest")).limit(1))
_PUT: Final = Prepared(insert(table), columns=("message_id", "topic", "payload", "created_at", "due_at", "attempts"))
_LEASE: Final = Prepared(
    update(table)
    .where(table.c.position == bindparam("which"))
    .values(attempts=table.c.attempts + 1, leased_by=bindparam("worker"), due_at=bindparam("until"))
)
_DONE: Final = Prepared(
    update(table).where(table.c.message_id == bindparam("which")).values(done_at=bindparam("at"), leased_by=None, last_error=None)
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its handler gets it. ``attempt`` counts from 1."""

    message_id: str
    topic: str
    payload: Mapping[str, Any]
    attempt: int


def retry_seconds(attempt: int) -> float:
    """The pause behind an attempt that failed, counted from 1: 1, 2, 4 ... 900 seconds."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(attempt - 1, 20))


def calls_at_once(timeout_seconds: float) -> int:
    """How many messages are leased at once where delivering one may take two calls of so long: all are tried within the lease."""
    return max(1, min(BATCH, int(LEASE_SECONDS / (2 * timeout_seconds))))


class Outbox:
    """The sender's side and, with handlers, the worker's."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Callable[[Message], None]] | None = None,
        *,
        batch: int = BATCH,
    ) -> None:
        """``batch``: messages leased at once; all of them must be tried within the lease of ``LEASE_SECONDS``."""
        self._batch = batch
        self._database = database
        self._clock = clock
        self._handlers = dict(handlers or {})
        self._worker_id = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._prepared: tuple[tuple[str, ...], Prepared] | None = None
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._hindrance: str | None = None  # why the thread's last turn failed, as it was logged
        self.beside: list[Outbox] = []  # the workers of ``add_callers``
        self._delivered = self._failures = self._alarms = 0

    def add_handlers(self, handlers: Mapping[str, Callable[[Message], None]]) -> None:
        """Enter handlers by topic; a topic has one."""
        for topic, handler in handlers.items():
            if self._handlers.setdefault(topic, handler) is not handler:
                raise ValueError(f"{topic} already has a handler")

    def add_callers(self, handlers: Mapping[str, Callable[[Message], None]], *, timeout_seconds: float) -> None:
        """Enter handlers that call addresses which others gave, each call for so long at most: a worker of their own has them, which starts and stops
        with this one, so that an address that does not answer holds up nothing else.
        """
        self.beside.append(Outbox(self._database, self._clock, handlers, batch=calls_at_once(timeout_seconds)))

    @property
    def delivered(self) -> int:
        """How many messages arrived, since this process began."""
        return self._delivered + sum(each.delivered for each in self.beside)

    @property
    def failures(self) -> int:
        """How many attempts failed."""
        return self._failures + sum(each.failures for each in self.beside)

    @property
    def alarms(self) -> int:
        """How many attempts failed for messages that had failed ``ALARM_ATTEMPTS`` times."""
        return self._alarms + sum(each.alarms for each in self.beside)

    def put(self, connection: Connection, *, topic: str, payload: Mapping[str, Any], at: datetime) -> str:
        """Store a message within a write job; returns its id."""
        data = json.dumps(payload, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()
        if len(data) > PAYLOAD_BYTES:
            raise ValueError("an outbox message carries references, not documents")
        message_id = new_entry_id(at)
        created = write_time(at)
        values = {
            "message_id": message_id,
            "topic": topic,
            "payload": data,
            "created_at": created,
            "due_at": created,
            "attempts": 0,
        }
        _PUT.change(connection, values)
        for each in (self, *self.beside):
            each._wake.set()  # noqa: SLF001 - another of this class
        return message_id

    def run_once(self) -> int:
        """Deliver what is due of the handlers of this worker; returns how many messages were tried."""
        now = self._clock.now()
        with self._database.read() as connection:  # nearly always there is nothing, and then nobody's write lock is taken
            is_due = self._due().first(connection, {"at": write_time(now), "count": 1}) is not None
            is_ahead = _AHEAD.first(connection, {"latest": _latest_due(now)}) is not None
        if not is_due and not is_ahead:
            return 0
        if is_ahead:
            self._database.write(lambda connection: self._bring_forward(connection, now))
        taken = self._database.write(self._take)
        for message in taken:
            self._deliver(message)
        return len(taken)

    def _take(self, connection: Connection) -> list[Message]:
        """Lease due messages: nobody else tries them until the lease is over."""
        now = self._clock.now()
        rows = self._due().all(connection, {"at": write_time(now), "count": self._batch})
        until = write_time(now + timedelta(seconds=LEASE_SECONDS))
        for row in rows:
            _LEASE.change(connection, {"which": row["position"], "worker": self._worker_id, "until": until})
        return [Message(row["message_id"], row["topic"], json.loads(row["payload"]), row["attempts"] + 1) for row in rows]

    @staticmethod
    def _bring_forward(connection: Connection, now: datetime) -> None:
        """What is due later than anything that is stored now was stored by a clock that was ahead: it is due, else it would wait for as long as that was."""
        ahead = (table.c.done_at.is_(None), table.c.due_at > _latest_due(now))
        brought = connection.execute(update(table).where(*ahead).values(due_at=write_time(now))).rowcount
        if brought:  # another worker may have been faster
            _log.warning("outbox messages of a clock that was ahead are due", extra={"facts": {"messages": brought}})

    def _due(self) -> Prepared:
        """What is due of the topics that have a handler; they are few, and entered before the first message is taken."""
        topics = tuple(self._handlers)
        if self._prepared is None or self._prepared[0] != topics:
            wanted = (
                select(table.c.position, table.c.message_id, table.c.topic, table.c.payload, table.c.attempts)
                .where(
                    table.c.done_at.is_(None), table.c.due_at <= bindparam("at"), or_(false(), *(table.c.topic == each for each in topics))
                )
                .order_by(table.c.due_at)
                .limit(bindparam("count"))
            )
            self._prepared = topics, Prepared(wanted)
        return self._prepared[1]

    def _deliver(self, message: Message) -> None:
        try:
            self._handlers[message.topic](message)
        except TrustError as error:
            self._failed(message, error.code)
        except Exception as error:  # noqa: BLE001 # edge: a handler may fail in any way; the message stays and is tried again
            self._failed(message, type(error).__name__)
        else:
            now = write_time(self._clock.now())
            self._database.write(lambda connection: _DONE.change(connection, {"which": message.message_id, "at": now}))
            self._delivered += 1

    def _failed(self, message: Message, code: str) -> None:
        self._failures += 1
        now = self._clock.now()
        pause = retry_seconds(message.attempt)
        alarm = message.attempt >= ALARM_ATTEMPTS

        def note(connection: Connection) -> int:
            values: dict[str, Any] = {"due_at": write_time(now + timedelta(seconds=pause)), "leased_by": None, "last_error": code[:100]}
            if alarm:
                values["alarmed_at"] = write_time(now)
            mine = or_(table.c.leased_by == self._worker_id, table.c.leased_by.is_(None))
            return connection.execute(update(table).where(table.c.message_id == message.message_id, mine).values(values)).rowcount

        self._database.write(note)
        if alarm:
            self._alarms += 1
        _log.log(
            logging.ERROR if alarm else logging.WARNING,
            "outbox message not delivered",
            extra={"facts": {"message": message.message_id, "topic": message.topic, "attempt": message.attempt, "error": code}},
        )

    def sweep(self, connection: Connection, at: datetime) -> int:
        """Remove what was delivered long ago, at most SWEEP_ROWS; returns how many."""
        old = select(table.c.position).where(table.c.done_at <= write_time(at - timedelta(seconds=KEEP_DONE_SECONDS))).limit(SWEEP_ROWS)
        return connection.execute(delete(table).where(table.c.position.in_(old))).rowcount

    def start(self, *, poll_seconds: float = 1.0) -> None:
        """Deliver in a thread of this process."""
        for each in self.beside:
            each.start(poll_seconds=poll_seconds)
        if self._thread is not None:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._serve, args=(poll_seconds,), name="outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the message at hand and stop."""
        for each in (self, *self.beside):  # all at once: each may be waiting for an answer
            each._stop.set()  # noqa: SLF001 - as above
            each._wake.set()  # noqa: SLF001
        for each in self.beside:
            each.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _serve(self, poll_seconds: float) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                busy = bool(self._handlers) and self.run_once() == self._batch
            except Exception as error:  # noqa: BLE001 # edge: the thread outlives every failure; mostly the database is away and will be back
                self._waits_for(error)
                busy = False
            else:
                self._goes_on()
            if not busy:
                self._wake.wait(poll_seconds)

    def _waits_for(self, error: Exception) -> None:
        code = error.code if isinstance(error, TrustError) else type(error).__name__
        if code != self._hindrance:  # once, not at every look
            self._hindrance = code
            facts = error.facts if isinstance(error, TrustError) else {}
            trace = None if isinstance(error, TrustError) else error
            _log.warning("outbox waits", exc_info=trace, extra={"facts": {"error": code, **facts}})

    def _goes_on(self) -> None:
        if self._hindrance is not None:
            _log.info("outbox goes on", extra={"facts": {"waited_for": self._hindrance}})
            self._hindrance = None


def _latest_due(now: datetime) -> int:
    """The latest time, in microseconds, that a message stored by a right clock is due: behind the longest pause."""
    return write_time(now + timedelta(seconds=LONGEST_RETRY_SECONDS + TOLERANCE_SECONDS))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits under one topic. ``alarmed``: tried ``ALARM_ATTEMPTS`` times or more; ``last_error``: of the oldest of those that failed."""

    topic: str
    waiting: int
    alarmed: int
    oldest_at: datetime | None
    last_error: str | None


def count_waiting(connection: Connection) -> tuple[Waiting, ...]:
    """By topic, in the order of their names; topics under which nothing waits are left out."""
    counted = (
        select(table.c.topic, func.count(), func.count(table.c.alarmed_at), func.min(table.c.created_at))
        .where(table.c.done_at.is_(None))
        .group_by(table.c.topic)
        .order_by(table.c.topic)
    )
    found = []
    for topic, waiting, alarmed, oldest in connection.execute(counted):
        failed = select(table.c.last_error).where(table.c.done_at.is_(None), table.c.topic == topic, table.c.last_error.is_not(None))
        error = connection.execute(failed.order_by(table.c.position).limit(1)).scalar()
        found.append(Waiting(topic, waiting, alarmed, read_time(oldest), error))
    return tuple(found)
