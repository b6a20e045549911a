"""Refused transactions, deferred rows, failing commits: what a batch does when something goes wrong."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import IntegrityError, OperationalError

from service_kit import group_commit
from service_kit.database import Database
from service_kit.writer_turn import WriterTurn
from standards.errors import TrustError
from tests.service_kit.writer_setting import hold, metadata, names, put, things

PATIENT_SECONDS = 120.0


@pytest.fixture
def patient(plain: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """One in which whoever waits for a turn at computing waits longer than any of these tests: nobody comes through for the time alone."""
    monkeypatch.setattr(plain.cohorts, "_patience_seconds", PATIENT_SECONDS)
    return plain


class Refusal(Exception):
    """As drivers mark a serialisation failure."""

    sqlstate = "40001"


def says_busy(error: BaseException | None) -> bool:
    """503 with a code, and not 500: whoever was refused for long may try again."""
    return isinstance(error, TrustError) and (error.code, error.facts) == ("DATABASE_UNAVAILABLE", {"reason": "busy"})


def test_a_refused_transaction_is_run_again(plain: Database) -> None:
    runs = []

    def job(connection: Any) -> int:
        runs.append(1)
        connection.execute(insert(things), {"name": "once"})
        if len(runs) < 3:
            raise Refusal
        return len(runs)

    assert plain.write(job) == 3
    assert names(plain) == {"once"}
    assert plain.statistics.retries == 2


def test_a_job_that_is_always_refused_spoils_no_batch(plain: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "ALONE_ATTEMPTS", 2)

    def refused(_connection: object) -> None:
        raise Refusal

    release, _ = hold(plain)
    good = plain.submit(put("good"))
    bad = plain.submit(refused)
    release.set()
    assert good.result(10) == 1
    assert says_busy(bad.exception(10))
    assert names(plain) == {"good"}


def test_patience_has_an_end(plain: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "RETRY_SECONDS", -1.0)

    def refused(_connection: object) -> None:
        raise Refusal

    assert says_busy(plain.submit(refused).exception(10))


class Rows:
    """A sink that can be told to fail."""

    def __init__(self, database: Database) -> None:
        self.mark = "?" if database.is_sqlite else "%s"
        self.failing: BaseException | None = None
        self.committed = self.undone = 0

    def write_rows(self, connection: Any, rows: Any) -> None:
        if self.failing is not None and "bad" in rows:
            raise self.failing
        values = ",".join([f"({self.mark})"] * len(rows))
        connection.exec_driver_sql(f"INSERT INTO things (name) VALUES {values}", tuple(rows))

    def rows_committed(self) -> None:
        self.committed += 1

    def rows_undone(self) -> None:
        self.undone += 1


def test_deferred_rows_are_written_together_and_vanish_with_their_job(plain: Database) -> None:
    sink = Rows(plain)

    def defer_then_fail(connection: Any) -> None:
        plain.defer(connection, sink, "ghost")
        raise LookupError

    release, _ = hold(plain)
    futures = [plain.submit(partial(plain.defer, sink=sink, row=f"row{i}")) for i in range(5)]
    bad = plain.submit(defer_then_fail)
    release.set()
    for future in futures:
        future.result(10)
    assert isinstance(bad.exception(10), LookupError)
    assert names(plain) == {f"row{i}" for i in range(5)}
    assert sink.committed == 1


def test_a_row_that_cannot_be_written_fails_its_own_job_only(plain: Database) -> None:
    sink = Rows(plain)
    sink.failing = LookupError("on purpose")

    def change_and_defer(connection: Any) -> None:
        connection.execute(insert(things), {"name": "change"})
        plain.defer(connection, sink, "bad")

    release, _ = hold(plain)
    good = plain.submit(lambda c: plain.defer(c, sink, "good"))
    bad = plain.submit(change_and_defer)
    other = plain.submit(put("other"))
    release.set()
    good.result(10)
    other.result(10)
    assert isinstance(bad.exception(10), LookupError)
    assert names(plain) == {"good", "other"}
    assert sink.undone >= 1


def test_rows_are_deferred_only_within_a_job(plain: Database) -> None:
    sink = Rows(plain)
    with plain.read() as connection, pytest.raises(RuntimeError, match="within a write job"):
        plain.defer(connection, sink, "x")


def test_a_commit_that_fails_fails_everyone_and_leaves_nothing(plain: Database) -> None:
    """A deferred constraint (PostgreSQL and SQLite both check those at COMMIT) makes the commit itself fail."""
    child = "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED)"
    plain.write(lambda c: c.execute(text(child)).rowcount)

    def orphan(connection: Any) -> None:
        connection.execute(text("INSERT INTO child (id, parent) VALUES (1, 999)"))

    release, _ = hold(plain)
    bad = plain.submit(orphan)
    good = plain.submit(put("good"))
    release.set()
    assert isinstance(bad.exception(10), IntegrityError)
    assert good.result(10) == 1  # run again alone
    assert names(plain) == {"good"}


def end_connection(database: Database, connection: Any) -> None:
    """End a server process under its client, as an operator or a fail-over does."""
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with database.read() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_lost_before_the_commit_is_made_again(remote: Database) -> None:
    runs = []

    def job(connection: Any) -> None:
        runs.append(1)
        connection.execute(insert(things), {"name": "once"})
        if len(runs) == 1:
            end_connection(remote, connection)
            connection.execute(insert(things), {"name": "never"})

    release, _ = hold(remote)
    futures = [remote.submit(put("before")), remote.submit(job), remote.submit(put("after"))]
    release.set()
    for future in futures:
        future.result(10)
    assert names(remote) == {"before", "once", "after"}
    assert len(runs) == 2


def test_a_connection_lost_during_the_commit_leaves_the_outcome_open(remote: Database) -> None:
    """Nobody knows then whether it was done: it must not be done again in silence."""
    sink = Rows(remote)
    runs = []

    def job(connection: Any) -> None:
        runs.append(1)
        connection.execute(insert(things), {"name": "perhaps"})
        remote.defer(connection, sink, "row")

    def last(connection: Any) -> None:
        runs.append(1)
        end_connection(remote, connection)

    release, _ = hold(remote)
    futures = [remote.submit(job), remote.submit(last)]
    sink.write_rows = lambda *_: None  # type: ignore[method-assign]
    release.set()
    for future in futures:
        error = future.exception(10)
        assert isinstance(error, TrustError)
        assert error.code == "DATABASE_OUTCOME_UNKNOWN"
    assert len(runs) == 2
    assert sink.undone == 1
    remote.write(put("later"))
    assert names(remote) == {"later"}


def test_a_server_that_is_gone_is_said_to_be(remote: Database, monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*_: object) -> None:
        raise OperationalError("connect", None, psycopg.OperationalError("connection refused"))

    monkeypatch.setattr(remote.engine, "connect", refuse)
    error = remote.submit(put("x")).exception(10)
    assert isinstance(error, TrustError)
    assert (error.code, error.facts) == ("DATABASE_UNAVAILABLE", {"reason": "connection lost"})


def test_what_fails_beside_the_jobs_does_not_end_the_writer(plain: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody who writes would wait for ever, in a process that calls itself alive."""
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", -1.0)  # as a sleep that the system refuses
    release, held = hold(plain)
    futures = [plain.submit(put(name)) for name in ("a", "b", "c")]
    release.set()
    held.result(10)
    assert [each.result(10) for each in futures] == [1, 1, 1]
    error = plain.submit(put("lost")).exception(10)
    assert isinstance(error, TrustError)
    assert error.code == "DATABASE_OUTCOME_UNKNOWN"
    monkeypatch.undo()
    plain.write(put("later"))
    assert names(plain) == {"a", "b", "c", "later"}


def test_what_comes_while_others_compute_is_committed_together(patient: Database) -> None:
    patient.write(put("before"))
    commits = patient.statistics.commits
    with patient.cohorts.step("draw"):
        futures = [patient.submit(put("first"))]
        if patient.is_sqlite:
            until = time.monotonic() + 10
            while patient.cohorts.waiting == 0:  # until the writer is there
                assert time.monotonic() < until
                time.sleep(0.001)
        else:
            assert futures[0].result(10) == 1  # statements that a server runs take no turn
        futures += [patient.submit(put(name)) for name in ("second", "third")]
    assert [future.result(10) for future in futures] == [1, 1, 1]
    assert not patient.is_sqlite or patient.statistics.commits == commits + 1


def test_nobody_waits_for_the_disk_of_a_commit(patient: Database) -> None:
    came: list[bool] = []

    def compute() -> None:
        with patient.cohorts.step("draw"):
            came.append(True)

    def at_commit(_connection: object) -> None:
        thread = threading.Thread(target=compute, daemon=True)
        thread.start()
        thread.join(10)  # less than the patience of who waits

    event.listen(patient.engine, "commit", at_commit)
    patient.write(put("anything"))
    assert came == [True]


def test_a_batch_that_is_run_again_keeps_no_turn(patient: Database) -> None:
    came: list[str] = []

    def compute() -> None:
        with patient.cohorts.step("draw"):
            came.append("computed")

    def job(connection: Any) -> None:
        if "refused" not in came:
            came.append("refused")
            raise Refusal
        thread = threading.Thread(target=compute, daemon=True)
        thread.start()
        thread.join(10)
        connection.execute(insert(things), {"name": "again"})

    patient.write(job)
    assert came == ["refused", "computed"]
    assert names(patient) == {"again"}


def test_nobody_who_computes_waits_while_another_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{tmp_path / 'file.sqlite3'}", pool_size=3)
    monkeypatch.setattr(database.cohorts, "_patience_seconds", PATIENT_SECONDS)
    metadata.create_all(database.engine)
    database.write(put("before"))
    other = WriterTurn(Path(f"{database.url.database}-turn"), Path(str(database.url.database)))
    other.take()
    try:
        waiting = database.submit(put("waits"))
        time.sleep(0.05)  # the writer is at the other's turn by now
        began = time.monotonic()
        for _ in range(3):
            with database.cohorts.step("draw"):
                assert not waiting.done()
        assert time.monotonic() - began < PATIENT_SECONDS / 2  # less than the patience of who waits
    finally:
        other.close()
    assert waiting.result(10) == 1
    database.close()
