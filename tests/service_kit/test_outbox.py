"""The outbox: stored with the change, delivered at least once, never dropped in silence."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from service_kit import outbox as module
from service_kit.clock import TOLERANCE_SECONDS
from service_kit.outbox import Message, Outbox
from service_kit.tables import outbox as table
from standards.errors import Kind, TrustError
from tests.clocks import FixedClock

if TYPE_CHECKING:
    from service_kit.database import Database

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def received() -> list[Message]:
    return []


@pytest.fixture
def outbox(database: Database, clock: FixedClock, received: list[Message]) -> Outbox:
    return Outbox(database, clock, {"thing.done": received.append})


def put(outbox: Outbox, number: int = 1, **options: Any) -> Any:
    return lambda connection: outbox.put(connection, topic="thing.done", payload={"n": number}, at=AT, **options)


def row(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(select(table)).one()


def test_a_message_is_delivered_once_it_is_committed(database: Database, outbox: Outbox, received: list[Message]) -> None:
    message_id = database.write(put(outbox))
    assert outbox.run_once() == 1
    assert received == [Message(message_id, "thing.done", {"n": 1}, 1)]
    assert outbox.run_once() == 0
    assert outbox.delivered == 1
    assert row(database).done_at is not None


def test_a_change_that_is_undone_sends_nothing(database: Database, outbox: Outbox, received: list[Message]) -> None:
    def job(connection: Any) -> None:
        put(outbox)(connection)
        raise LookupError

    with pytest.raises(LookupError):
        database.write(job)
    assert outbox.run_once() == 0
    assert received == []


def test_a_failing_message_comes_again_later_and_later(database: Database, clock: FixedClock, caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[int] = []

    def handler(message: Message) -> None:
        attempts.append(message.attempt)
        if message.attempt < 10:
            raise TrustError(Kind.UNAVAILABLE, "REGION_AWAY", canary="canary-secret") if message.attempt % 2 else OSError("canary-secret")

    outbox = Outbox(database, clock, {"thing.done": handler})
    database.write(put(outbox))
    pauses = []
    with caplog.at_level(logging.WARNING):
        while len(attempts) < 10:
            before = len(attempts)
            waited = 0
            while len(attempts) == before:
                outbox.run_once()
                if len(attempts) == before:
                    clock.advance(1)
                    waited += 1
            pauses.append(waited)
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert (outbox.delivered, outbox.failures, outbox.alarms) == (1, 9, 2)
    assert {record.levelname for record in caplog.records} == {"WARNING", "ERROR"}
    assert "canary" not in str([record.__dict__ for record in caplog.records])
    stored = row(database)
    assert (stored.attempts, stored.last_error) == (10, None)
    assert stored.alarmed_at is not None


def test_two_workers_share_the_work(database: Database, clock: FixedClock, received: list[Message]) -> None:
    seen_inside: list[int] = []
    second = Outbox(database, clock, {"thing.done": received.append})

    def handler(message: Message) -> None:
        received.append(message)
        seen_inside.append(second.run_once())

    first = Outbox(database, clock, {"thing.done": handler})
    database.write(put(first))
    first.run_once()
    assert seen_inside == [0]  # leased to the first
    assert len(received) == 1


def test_what_a_dead_worker_had_is_done_by_another(database: Database, clock: FixedClock, received: list[Message]) -> None:
    class Death(BaseException):
        pass

    def dies(_message: Message) -> None:
        raise Death

    first = Outbox(database, clock, {"thing.done": dies})
    database.write(put(first))
    with pytest.raises(Death):
        first.run_once()
    second = Outbox(database, clock, {"thing.done": received.append})
    assert second.run_once() == 0
    clock.advance(61)
    assert second.run_once() == 1
    assert received[0].attempt == 2


def test_only_topics_with_a_handler_are_taken(database: Database, clock: FixedClock, received: list[Message]) -> None:
    outbox = Outbox(database, clock)
    database.write(put(outbox))
    assert outbox.run_once() == 0
    outbox.add_handlers({"thing.done": received.append})
    with pytest.raises(ValueError, match="already has"):
        outbox.add_handlers({"thing.done": print})
    assert outbox.run_once() == 1


def test_a_message_of_a_clock_that_was_ahead_is_due_once_the_clock_is_right(
    database: Database, outbox: Outbox, clock: FixedClock, received: list[Message]
) -> None:
    database.write(put(outbox, 1))
    database.write(lambda connection: outbox.put(connection, topic="thing.done", payload={"n": 2}, at=AT + timedelta(days=400)))
    assert outbox.run_once() == 2
    assert [message.payload["n"] for message in received] == [1, 2]
    assert outbox.run_once() == 0


def test_what_another_worker_brought_forward_is_told_by_that_one_alone(
    database: Database, outbox: Outbox, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    database.write(lambda connection: outbox.put(connection, topic="thing.done", payload={}, at=AT + timedelta(days=400)))
    with caplog.at_level(logging.WARNING, logger=module.__name__):
        for _ in range(2):
            database.write(lambda connection: outbox._bring_forward(connection, clock.now()))
    assert [record.__dict__["facts"] for record in caplog.records] == [{"messages": 1}]


def test_a_lease_of_a_clock_that_was_ahead_is_over_once_the_clock_is_right(database: Database, clock: FixedClock) -> None:
    def dies(_message: Message) -> None:
        raise SystemExit

    died, outbox = Outbox(database, clock, {"thing.done": dies}), Outbox(database, clock, {"thing.done": lambda _message: None})
    database.write(put(died))
    clock.advance(400 * 24 * 3600)
    with pytest.raises(SystemExit):
        died.run_once()
    clock.advance(-400 * 24 * 3600)
    assert outbox.run_once() == 1


def test_the_longest_pause_is_kept(database: Database, clock: FixedClock) -> None:
    def refuse(_message: Message) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AWAY")

    outbox = Outbox(database, clock, {"thing.done": refuse})
    database.write(put(outbox))
    database.write(lambda connection: connection.execute(update(table).values(attempts=50)))
    assert outbox.run_once() == 1
    assert outbox.run_once() == 0
    clock.advance(-TOLERANCE_SECONDS)  # as far as a time daemon may set it back
    assert outbox.run_once() == 0
    clock.advance(TOLERANCE_SECONDS + module.LONGEST_RETRY_SECONDS)
    assert outbox.run_once() == 1


def test_what_hinders_the_thread_is_logged_when_it_begins_and_when_it_is_over(
    database: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    behind = TrustError(Kind.UNAVAILABLE, "CLOCK_BEHIND", behind_seconds=90)
    turns: list[Exception | None] = [behind, behind, behind, None, behind, KeyError("x"), KeyError("x"), None]
    ended = threading.Event()

    def run_once() -> int:
        if not turns:
            ended.set()
            return 0
        trouble = turns.pop(0)
        if trouble is not None:
            raise trouble
        return 0

    monkeypatch.setattr(outbox, "run_once", run_once)
    with caplog.at_level(logging.INFO, logger=module.__name__):
        outbox.start(poll_seconds=0.001)
        assert ended.wait(10)
        outbox.stop()
    said = [(record.message, record.__dict__["facts"], record.exc_info is not None) for record in caplog.records]
    assert said == [
        ("outbox waits", {"error": "CLOCK_BEHIND", "behind_seconds": 90}, False),
        ("outbox goes on", {"waited_for": "CLOCK_BEHIND"}, False),
        ("outbox waits", {"error": "CLOCK_BEHIND", "behind_seconds": 90}, False),
        ("outbox waits", {"error": "KeyError"}, True),
        ("outbox goes on", {"waited_for": "KeyError"}, False),
    ]


def test_what_was_delivered_long_ago_is_swept(database: Database, outbox: Outbox, clock: FixedClock) -> None:
    database.write(put(outbox))
    outbox.run_once()
    database.write(put(outbox))
    clock.advance(8 * 24 * 3600)
    assert database.write(lambda c: outbox.sweep(c, clock.now())) == 1
    assert row(database).done_at is None


def test_messages_carry_no_documents(database: Database, outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="references"):
        database.write(lambda c: outbox.put(c, topic="t", payload={"x": "x" * module.PAYLOAD_BYTES}, at=AT))


def test_the_thread_delivers_and_outlives_a_database_that_is_away(
    database: Database, clock: FixedClock, received: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(database, clock, {"thing.done": received.append})
    real = outbox.run_once
    failures = [TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE")]

    def sometimes() -> int:
        if failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(outbox, "run_once", sometimes)
    outbox.start(poll_seconds=0.01)
    outbox.start()
    for i in range(40):
        database.write(put(outbox, i))
    deadline = time.monotonic() + 60
    while len(received) < 40 and time.monotonic() < deadline:
        time.sleep(0.01)
    outbox.stop()
    outbox.stop()
    assert sorted(message.payload["n"] for message in received) == list(range(40))
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM kit_outbox WHERE done_at IS NULL")).scalar() == 0
