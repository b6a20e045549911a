"""What a PostgreSQL server can do to its clients: each is told by its name, and nothing but the server need be mended."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import service_kit.database
from service_kit.audit import Audit
from service_kit.database import Database
from service_kit.database_errors import as_trust_error, is_connection_lost, unavailable_reason
from service_kit.health import database_check
from service_kit.kit_migrations.versions import kit_0001_first_tables
from service_kit.migrations import migrate_kit
from service_kit.structured_logs import JsonLines
from standards.errors import TrustError
from tests.postgres import postgres_url
from tests.service_kit.writer_setting import hold, metadata, names, put
from yinxin.commands.console import fail

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def direct(remote: Database) -> Iterator[psycopg.Connection[Any]]:
    """The operator at the same database, who may write whatever the database's own settings say."""
    url = remote.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, options="-c default_transaction_read_only=off", autocommit=True) as connection:
        yield connection


def reason_of(error: BaseException | None) -> tuple[str, object]:
    assert isinstance(error, TrustError)
    return error.code, error.facts.get("reason")


def end_all_sessions(direct: psycopg.Connection[Any]) -> None:
    direct.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_a_database_that_takes_no_writes_is_named_and_served_again_when_it_does(remote: Database, direct: psycopg.Connection[Any]) -> None:
    remote.write(put("before"))
    direct.execute(f"ALTER DATABASE {remote.url.database} SET default_transaction_read_only = on")
    end_all_sessions(direct)
    with pytest.raises(TrustError) as found:
        database_check(remote)()
    assert reason_of(found.value) == ("DATABASE_UNAVAILABLE", "read-only")
    release, held = hold(remote)
    waiting = [remote.submit(put(name)) for name in ("a", "b")]
    release.set()
    held.result(10)
    assert {reason_of(each.exception(10)) for each in waiting} == {("DATABASE_UNAVAILABLE", "read-only")}
    direct.execute(f"ALTER DATABASE {remote.url.database} RESET default_transaction_read_only")
    remote.write(put("after"))
    assert database_check(remote)() == {"waiting_jobs": 0}
    assert names(remote) == {"before", "after"}


def test_the_trail_of_a_database_that_takes_no_writes_says_so_too(remote: Database, direct: psycopg.Connection[Any]) -> None:
    migrate_kit(remote)
    audit = Audit(remote, bytes(32), "writer")
    remote.write(lambda connection: connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")))

    def record(connection: Any) -> None:
        audit.record(connection, at=datetime(2026, 11, 30, tzinfo=UTC), actor="a", action="b", subject="c", outcome="done")

    assert reason_of(remote.submit(record).exception(10)) == ("DATABASE_UNAVAILABLE", "read-only")
    remote.write(record)
    assert direct.execute("SELECT count(*) FROM kit_audit").fetchone() == (2,), "the writer's opening row and this one, once"


def test_a_statement_that_takes_too_long_fails_its_own_job_only(remote: Database) -> None:
    runs = []

    def slow(connection: Any) -> None:
        runs.append(1)
        connection.execute(text("SET LOCAL statement_timeout = 100"))
        connection.execute(text("SELECT pg_sleep(30)"))

    release, held = hold(remote)
    futures = [remote.submit(put("before")), remote.submit(slow), remote.submit(put("after"))]
    release.set()
    held.result(10)
    assert reason_of(futures[1].exception(30)) == ("DATABASE_UNAVAILABLE", "timed out")
    assert (futures[0].result(10), futures[2].result(10), runs) == (1, 1, [1])
    assert names(remote) == {"before", "after"}


@pytest.mark.parametrize(
    ("error", "reason", "lost"),
    [
        (psycopg.errors.FeatureNotSupported(), "standby", False),
        (psycopg.errors.DiskFull(), "disk full", False),
        (psycopg.errors.TooManyConnections(), "too many connections", False),
        (psycopg.errors.InsufficientPrivilege(), "not permitted", False),
        (psycopg.errors.IdleInTransactionSessionTimeout(), "connection lost", True),
        (psycopg.errors.AdminShutdown(), "shut down", True),
        (psycopg.errors.LockNotAvailable(), "busy", False),
        (psycopg.errors.SerializationFailure(), "busy", False),
        (psycopg.errors.UniqueViolation(), None, False),
        (LookupError(), None, False),
    ],
)
def test_what_the_server_says_is_told_by_its_name(error: Exception, reason: str | None, lost: bool) -> None:
    wrapped = DBAPIError("SELECT 1", None, error)
    assert (unavailable_reason(wrapped), is_connection_lost(wrapped)) == (reason, lost)
    assert isinstance(as_trust_error(wrapped), TrustError) is (reason is not None)


def test_a_migration_takes_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large table of a real deployment needs more than the minute that a request's statement has."""
    monkeypatch.setattr(service_kit.database, "_PG_OPTIONS", "-c statement_timeout=100")
    first = kit_0001_first_tables.upgrade

    def slowly() -> None:
        op.execute("SELECT pg_sleep(0.5)")
        first()

    monkeypatch.setattr(kit_0001_first_tables, "upgrade", slowly)
    database = Database(postgres_url(), pool_size=1)
    migrate_kit(database)
    with pytest.raises(TrustError) as refused, database.read() as connection:
        connection.execute(text("SELECT pg_sleep(0.5)"))
    assert reason_of(refused.value) == ("DATABASE_UNAVAILABLE", "timed out")
    database.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_names_is_refused_before_it_is_used(encoding: str) -> None:
    url = postgres_url()
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(url.replace(f"/{name}", "/postgres"), autocommit=True) as operator:
        operator.execute(f"CREATE DATABASE {name}_{encoding} ENCODING '{encoding}' TEMPLATE template0")
    database = Database(url.replace(f"/{name}", f"/{name}_{encoding}".lower()), pool_size=1)
    for use in (lambda: metadata.create_all(database.engine), lambda: names(database)):
        with pytest.raises(TrustError) as refused:
            use()
        assert refused.value.facts == {"name": "database_url", "expected": f"a database with the encoding UTF8, not {encoding}"}
    database.close()


def test_why_a_connection_was_refused_is_for_operators_alone(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    url = postgres_url()
    name = url.partition("@/")[2].partition("?")[0]
    database = Database(url.replace(f"/{name}", "/no_such_one"), pool_size=1)
    with caplog.at_level(logging.WARNING), pytest.raises(TrustError) as refused:
        names(database)
    assert refused.value.facts == {"reason": "connection lost"}, "callers learn no host and no role"
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert [line["message"] for line in lines] == ["database not reached"]
    assert 'database "no_such_one" does not exist' in lines[0]["facts"]["driver"]
    fail(refused.value)
    assert 'database "no_such_one" does not exist' in capsys.readouterr().err
    database.close()
