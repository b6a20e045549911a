"""Tables come to be by migrations alone, and are then what the code says they are."""

from __future__ import annotations

import threading
from functools import partialmethod
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from service_kit.append_only import protect_log_table
from service_kit.database import Database
from service_kit.migrations import differences, is_current, migrate, migrate_kit
from service_kit.tables import idempotency, metadata
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPTS = "service_kit.kit_migrations"


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    made = Database(database_url, pool_size=2)
    yield made
    made.close()


def test_migrated_tables_are_the_tables_of_the_code(empty: Database) -> None:
    assert differences(empty, "kit", metadata) != []
    assert not is_current(empty, "kit", SCRIPTS)
    migrate_kit(empty)
    assert differences(empty, "kit", metadata) == []
    assert is_current(empty, "kit", SCRIPTS)


def test_constraints_and_indexes_have_the_same_names_everywhere(empty: Database) -> None:
    migrate_kit(empty)
    found = inspect(empty.engine)
    for table in metadata.sorted_tables:
        names = {index["name"] for index in found.get_indexes(table.name)} | {c["name"] for c in found.get_unique_constraints(table.name)}
        assert {index.name for index in table.indexes} <= names


def test_migrating_again_is_nothing(empty: Database) -> None:
    migrate_kit(empty)
    migrate_kit(empty)
    with empty.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM kit_alembic")).scalar() == 1


def test_keys_of_requests_outlive_the_columns_that_held_no_answer(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = ScriptDirectory._upgrade_revs
    with monkeypatch.context() as before:
        before.setattr(ScriptDirectory, "_upgrade_revs", partialmethod(lambda self, _, present: upgrade(self, "kit_0006", present)))
        migrate_kit(empty)
    old = "INSERT INTO kit_idempotency (key_digest, request_digest, reference, status, body, in_flight_until, expires_at) VALUES "
    empty.write(
        lambda c: c.execute(text(old + "(:key, :asked, 'su_1', 201, :body, 1, 2)"), {"key": b"k", "asked": b"r", "body": b"b"}).rowcount
    )
    migrate_kit(empty)
    assert differences(empty, "kit", metadata) == []
    with empty.read() as connection:
        kept = connection.execute(select(idempotency)).mappings().one()
    assert dict(kept) == {
        "key_digest": b"k", "request_digest": b"r", "reference": "su_1", "status": 201, "in_flight_until": 1, "expires_at": 2, "owner": None
    }  # fmt: skip


def test_processes_that_start_together_wait_for_each_other(database_url: str) -> None:
    databases = [Database(database_url, pool_size=1) for _ in range(4)]
    failures: list[BaseException] = []

    def run(database: Database) -> None:
        try:
            migrate_kit(database)
        except Exception as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert differences(databases[0], "kit", metadata) == []
    for database in databases:
        database.close()


def test_a_newer_database_is_left_alone(empty: Database) -> None:
    migrate_kit(empty)
    empty.write(lambda c: c.execute(text("UPDATE kit_alembic SET version_num = 'kit_9999'")).rowcount)
    with pytest.raises(TrustError) as refused:
        migrate(empty, "kit", SCRIPTS)
    assert (refused.value.code, refused.value.facts) == ("DATABASE_TOO_NEW", {"component": "kit", "found": "kit_9999"})


def test_a_step_that_fails_leaves_nothing(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LookupError

    from service_kit.kit_migrations.versions import kit_0001_first_tables

    monkeypatch.setattr("service_kit.append_only.protect_log_table", fail)
    assert kit_0001_first_tables.revision == "kit_0001"
    with pytest.raises(LookupError):
        migrate_kit(empty)
    assert inspect(empty.engine).get_table_names() == []
    monkeypatch.undo()
    migrate_kit(empty)
    assert differences(empty, "kit", metadata) == []


def test_triggers_take_plain_names_only(empty: Database) -> None:
    with empty.engine.connect() as connection, pytest.raises(ValueError, match="x; DROP"):
        protect_log_table(connection, "x; DROP TABLE y")


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"no database " * 1000)
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with pytest.raises(TrustError) as refused:
        migrate_kit(database)
    assert (refused.value.code, refused.value.facts) == ("DATABASE_UNAVAILABLE", {"reason": "not a database"})
    database.close()
