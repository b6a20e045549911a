"""A small table and a writer that can be kept busy, for the tests of the database."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from service_kit.database import Database
from tests.postgres import postgres_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

metadata = MetaData()
things = Table("things", metadata, Column("id", Integer, primary_key=True, autoincrement=True), Column("name", String(50), unique=True))


@pytest.fixture
def plain(database_url: str) -> Iterator[Database]:
    made = Database(database_url, pool_size=3)
    metadata.create_all(made.engine)
    with made.engine.connect() as connection:
        connection.commit()
    yield made
    made.close()


def put(name: str) -> Any:
    def job(connection: Any) -> int:
        connection.execute(insert(things), {"name": name})
        return 1

    return job


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(things.c.name)).scalars())


def hold(database: Database) -> tuple[threading.Event, Future[Any]]:
    """Keep the writer busy, so that what comes now waits and becomes one batch."""
    release, entered = threading.Event(), threading.Event()

    def job(_connection: object) -> None:
        entered.set()
        release.wait(10)

    future = database.submit(job)
    assert entered.wait(10)
    return release, future


@pytest.fixture
def remote() -> Iterator[Database]:
    """A database with a connection that can be lost."""
    made = Database(postgres_url(), pool_size=3)
    metadata.create_all(made.engine)
    yield made
    made.close()
