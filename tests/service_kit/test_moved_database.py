"""A SQLite file that is taken away from under a process: what that acknowledged would be gone with the next start."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from service_kit.database import Database
from service_kit.health import database_check
from standards.errors import TrustError
from tests.service_kit.writer_setting import metadata, names, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite3"


@pytest.fixture
def served(path: Path) -> Iterator[Database]:
    """The database of a process that has written to it."""
    made = Database(f"sqlite:///{path}", pool_size=3)
    metadata.create_all(made.engine)
    made.write(put("before"))
    yield made
    made.close()


def move_away(path: Path) -> Path:
    """As ``mv`` of the folder."""
    away = path.parent / "away"
    away.mkdir()
    for each in path.parent.glob(f"{path.name}*"):
        each.rename(away / each.name)
    return away


def put_back(path: Path) -> None:
    for each in (path.parent / "away").iterdir():
        each.replace(path.parent / each.name)


def refused(job: Callable[[], object]) -> str:
    with pytest.raises(TrustError) as found:
        job()
    assert found.value.code == "DATABASE_UNAVAILABLE"
    return str(found.value.facts["reason"])


def test_a_process_writes_nothing_to_a_file_that_was_replaced(served: Database, path: Path) -> None:
    move_away(path)
    with closing(sqlite3.connect(path)) as restored:
        restored.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
        restored.commit()
    for _ in range(2):
        assert refused(lambda: served.write(put("lost"))) == "moved"
    assert refused(database_check(served)) == "moved", "and it is not ready"
    with closing(sqlite3.connect(path)) as restored:
        assert restored.execute("SELECT count(*) FROM things").fetchone() == (0,)


def test_a_process_makes_no_file_where_its_own_is_gone(served: Database, path: Path) -> None:
    move_away(path)
    for _ in range(2):
        assert refused(lambda: served.write(put("lost"))) == "moved"
    assert not path.exists()
    put_back(path)
    served.write(put("after"))
    assert names(served) == {"before", "after"}
