"""Grouped durable writes, the same on both databases."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from service_kit.database import Database, check_database_file
from standards.errors import Kind, TrustError
from tests.service_kit.writer_setting import hold, metadata, names, put, things

if TYPE_CHECKING:
    from sqlalchemy import Connection


def test_a_write_is_seen_by_the_next_reader(plain: Database) -> None:
    assert plain.write(put("a")) == 1
    assert names(plain) == {"a"}


def test_waiting_jobs_share_one_commit(plain: Database) -> None:
    release, held = hold(plain)
    futures = [plain.submit(put(f"n{i}")) for i in range(40)]
    before = plain.statistics.commits
    release.set()
    assert [f.result(10) for f in futures] == [1] * 40
    held.result(10)
    assert plain.statistics.commits - before <= 2  # the holder's own and the batch
    assert len(names(plain)) == 40


def test_a_failing_job_fails_alone_and_leaves_nothing(plain: Database) -> None:
    def half_way(connection: Any) -> None:
        connection.execute(insert(things), {"name": "ghost"})
        raise LookupError("on purpose")

    release, _ = hold(plain)
    good = plain.submit(put("before"))
    bad = plain.submit(half_way)
    twice = plain.submit(put("before"))
    after = plain.submit(put("after"))
    release.set()
    assert good.result(10) == after.result(10) == 1
    with pytest.raises(LookupError):
        bad.result(10)
    with pytest.raises(IntegrityError):
        twice.result(10)
    assert names(plain) == {"before", "after"}


def test_a_lone_failing_job_leaves_nothing(plain: Database) -> None:
    def half_way(connection: Any) -> None:
        connection.execute(insert(things), {"name": "ghost"})
        raise LookupError

    with pytest.raises(LookupError):
        plain.write(half_way)
    assert names(plain) == set()
    plain.write(put("still works"))
    assert names(plain) == {"still works"}


def test_whatever_a_job_raises_its_caller_hears_of_it(plain: Database) -> None:
    """A thread that died of it would leave everyone waiting for ever."""

    def leave(_connection: object) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        plain.write(leave)
    plain.write(put("x"))
    assert names(plain) == {"x"}


def test_all_jobs_of_a_batch_may_fail(plain: Database) -> None:
    def bad(_connection: object) -> None:
        raise LookupError

    release, _ = hold(plain)
    futures = [plain.submit(bad) for _ in range(5)]
    release.set()
    assert [type(f.exception(10)) for f in futures] == [LookupError] * 5
    plain.write(put("x"))


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_a_job_cannot_end_the_transaction(plain: Database, verb: str) -> None:
    def job(connection: Any) -> None:
        connection.execute(insert(things), {"name": "ghost"})
        getattr(connection, verb)()

    with pytest.raises(RuntimeError, match="must not commit"):
        plain.write(job)
    assert names(plain) == set()
    release, _ = hold(plain)
    futures = [plain.submit(each) for each in (put("x"), job, put("y"))]
    release.set()
    assert [type(f.exception(10)) for f in futures] == [type(None), RuntimeError, type(None)]
    assert names(plain) == {"x", "y"}


def test_a_job_cannot_wait_for_another_job(plain: Database) -> None:
    with pytest.raises(RuntimeError, match="wait for another"):
        plain.write(lambda _c: plain.write(put("inner")))


def test_a_look_sees_what_is_committed_now_and_can_write_nothing(plain: Database) -> None:
    query = "SELECT name FROM things WHERE id = :wanted"
    assert plain.look(query, {"wanted": 7}) is None
    plain.write(lambda connection: connection.execute(insert(things), {"id": 7, "name": "first"}))
    assert plain.look(query, {"wanted": 7}) == ("first",)
    plain.write(lambda connection: connection.execute(update(things).where(things.c.id == 7).values(name="second")))
    assert plain.look(query, {"wanted": 7}) == ("second",)
    with pytest.raises((TrustError, DBAPIError)):
        plain.look("DELETE FROM things WHERE id = :wanted RETURNING name", {"wanted": 7})
    assert plain.look(query, {"wanted": 7}) == ("second",)


def test_threads_that_ended_leave_no_connection_open(tmp_path: Path) -> None:
    """Threads of requests end after some idle seconds, and others come: each had left its connection open, until the process had no file to open left."""
    made = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", pool_size=3)
    metadata.create_all(made.engine)

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def look() -> None:
        assert made.look("SELECT count(*) FROM things WHERE id > :id", {"id": 0}) == (0,)

    look()
    before = open_files()
    for _ in range(50):
        threads = [threading.Thread(target=look) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert open_files() < before + 20
    look()
    made.close()


def test_readers_cannot_write(plain: Database) -> None:
    with pytest.raises((DBAPIError, TrustError)), plain.read() as connection:
        connection.execute(insert(things), {"name": "ghost"})
    assert names(plain) == set()


def test_a_reader_sees_one_state(plain: Database) -> None:
    plain.write(put("a"))
    with plain.read() as connection:
        before = connection.execute(select(func.count()).select_from(things)).scalar()
        plain.write(put("b"))
        assert connection.execute(select(func.count()).select_from(things)).scalar() == before == 1


def test_awaiting_takes_no_thread(plain: Database) -> None:
    async def many() -> list[int]:
        count = threading.active_count()
        done = await asyncio.gather(*[plain.awrite(put(f"n{i}")) for i in range(50)])
        assert threading.active_count() <= count + 1  # the writer's own
        return list(done)

    assert asyncio.run(many()) == [1] * 50
    assert len(names(plain)) == 50


def test_an_awaited_job_raises_where_it_is_awaited(plain: Database) -> None:
    async def one() -> None:
        await plain.awrite(put("a"))
        with pytest.raises(IntegrityError):
            await plain.awrite(put("a"))

    asyncio.run(one())


def test_a_cancelled_waiter_disturbs_nobody(plain: Database) -> None:
    async def one() -> None:
        release, _ = hold(plain)
        task = asyncio.ensure_future(plain.awrite(put("a")))
        await asyncio.sleep(0)
        task.cancel()
        other = asyncio.ensure_future(plain.awrite(put("b")))
        await asyncio.sleep(0)
        release.set()
        assert await other == 1

    asyncio.run(one())
    assert names(plain) == {"a", "b"}


def test_a_loop_that_closed_is_forgotten(plain: Database) -> None:
    release, held = hold(plain)

    async def leave() -> None:
        plain.awrite(put("a"))

    asyncio.run(leave())
    release.set()
    held.result(10)
    plain.write(put("b"))
    assert names(plain) == {"a", "b"}


def test_a_full_queue_refuses_at_once(database_url: str) -> None:
    database = Database(database_url, pool_size=1, queue_limit=3)
    release, _ = hold(database)
    waiting = [database.submit(lambda _c: 1) for _ in range(3)]
    times = []
    for _ in range(5):
        began = time.monotonic()
        with pytest.raises(TrustError) as refused:
            database.write(lambda _c: 1)
        times.append(time.monotonic() - began)
    assert min(times) < 0.5  # others use this machine too
    assert (refused.value.kind, refused.value.code) == (Kind.TOO_MANY, "WRITE_QUEUE_FULL")
    assert database.waiting_jobs == 3
    release.set()
    assert [f.result(10) for f in waiting] == [1, 1, 1]
    database.close()


def test_closing_finishes_what_waits_and_refuses_the_rest(plain: Database) -> None:
    release, _ = hold(plain)
    future = plain.submit(put("last"))
    threading.Timer(0.05, release.set).start()
    plain.close()
    assert future.result(0) == 1
    with pytest.raises(TrustError) as refused:
        plain.write(put("late"))
    assert refused.value.code == "DATABASE_UNAVAILABLE"
    plain.close()


def test_closing_an_unused_database_is_nothing(database_url: str) -> None:
    Database(database_url).close()


def test_a_cancelled_future_is_passed_over(plain: Database) -> None:
    release, _ = hold(plain)
    future = plain.submit(put("a"))
    assert future.cancel()
    release.set()
    plain.write(put("b"))
    assert "b" in names(plain)


def test_two_writers_lose_no_update(database_url: str) -> None:
    """Read, add one, write: under lost updates the sum would be short."""
    first, second = Database(database_url, pool_size=1), Database(database_url, pool_size=1)
    metadata.create_all(first.engine)
    counters = Table("counters", MetaData(), Column("id", Integer, primary_key=True), Column("value", Integer))
    counters.metadata.create_all(first.engine)
    first.write(lambda c: c.execute(insert(counters), {"id": 1, "value": 0}).rowcount)

    def add(connection: Any) -> None:
        value = connection.execute(select(counters.c.value).where(counters.c.id == 1)).scalar_one()
        connection.execute(update(counters).where(counters.c.id == 1).values(value=value + 1))

    threads = [threading.Thread(target=lambda d=d: [d.write(add) for _ in range(25)]) for d in (first, second) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with first.read() as connection:
        assert connection.execute(select(counters.c.value)).scalar_one() == 200
    first.close()
    second.close()


def test_the_writer_outlives_a_broken_engine(tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    database = Database(f"sqlite:///{folder / 'x.sqlite3'}", pool_size=1)
    with pytest.raises(TrustError) as refused:
        database.write(put("a"))
    assert refused.value.code == "DATABASE_UNAVAILABLE"
    with pytest.raises(TrustError), database.read():
        pass
    folder.mkdir()
    metadata.create_all(database.engine)
    assert database.write(put("a")) == 1
    database.close()


def test_no_free_connection_is_said_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_kit.database.POOL_TIMEOUT_SECONDS", 0.05)
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}", pool_size=1)
    with database.read(), pytest.raises(TrustError) as refused, database.read():
        pass
    assert refused.value.facts == {"reason": "no free connection"}
    database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "postgresql://u@/n?host=a&port=1&host=b&port=2"])
def test_only_durable_databases_are_taken(url: str) -> None:
    with pytest.raises(TrustError) as refused:
        Database(url)
    assert refused.value.code == "SETTING_INVALID"


def test_the_password_is_not_shown() -> None:
    database = Database("postgresql://user:canary-7f3a@host/name")
    assert "canary" not in repr(database)
    database.close()


def test_sqlite_keeps_its_promises(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    found = database.write(
        lambda c: [c.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    )
    assert found == ["wal", 2, 1]  # 2 is FULL
    database.close()


def test_a_process_that_waits_for_its_turn_gets_it(tmp_path: Path) -> None:
    """Without turns the process that writes wins again and again: the other then waited for up to a second."""
    first, second = (Database(f"sqlite:///{tmp_path / 'x.sqlite3'}", pool_size=1) for _ in range(2))
    metadata.create_all(first.engine)
    stop = threading.Event()
    batches: list[int] = []

    def keep_writing() -> None:
        while not stop.is_set():
            futures = [first.submit(put(f"first {len(batches)} {i}")) for i in range(32)]
            batches.append(len(futures))
            for future in futures:
                future.result(10)

    busy = threading.Thread(target=keep_writing)
    busy.start()
    before = len(batches)
    for i in range(40):
        second.write(put(f"second {i}"))
    passed = len(batches) - before
    stop.set()
    busy.join()
    assert passed < 40 * 4, passed  # nearly in turns: a batch of the one, a job of the other
    first.close()
    second.close()


def test_errors_do_not_show_values(plain: Database) -> None:
    """What fails ends up in logs and on terminals: the values of a row may be of persons, or secrets."""

    def ask(connection: Connection) -> None:
        connection.execute(text("SELECT * FROM no_such_table WHERE name = :name"), {"name": "canary-7f3a"})

    with pytest.raises(DBAPIError) as written:
        plain.write(ask)
    with pytest.raises(DBAPIError) as read, plain.read() as connection:
        ask(connection)
    assert "canary-7f3a" not in str(written.value) + str(read.value)


def test_a_database_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with pytest.raises(TrustError) as refused:
        check_database_file(f"sqlite:///{path}")
    assert (refused.value.code, refused.value.facts) == ("DATABASE_UNAVAILABLE", {"reason": "missing"})
    assert not path.exists()
    path.touch()
    check_database_file(f"sqlite:///{path}")
    check_database_file("postgresql://host/name")
