"""Prepared statements do what the Core's do: same rows, same errors, same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Boolean, Column, LargeBinary, MetaData, String, Table, bindparam, column, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from service_kit.prepared import Prepared, PreparedRows
from tests.service_kit.writer_setting import hold

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.database import Database

cups = Table(
    "cups",
    MetaData(),
    Column("name", String(20), primary_key=True),
    Column("is_full", Boolean),
    Column("mark", LargeBinary),
)
ADD = Prepared(insert(cups))
ONE = Prepared(select(cups).where(cups.c.name == bindparam("wanted")))
TWO = Prepared(select(cups.c.name).where(cups.c.is_full.is_(True)).order_by(cups.c.name).limit(2))
FILL = Prepared(update(cups).where(cups.c.name == bindparam("wanted"), cups.c.is_full.is_(False)).values(is_full=bindparam("full")))
TURNS = Prepared(
    text("INSERT INTO cups (name, is_full) VALUES (:name, :full) RETURNING name, is_full").columns(
        column("name", String), column("is_full", Boolean)
    )
)
NAMED = Prepared(insert(cups).returning(cups.c.name, cups.c.is_full), columns=("name", "is_full"))
DROP = Prepared(delete(cups).where(cups.c.name == bindparam("wanted")))
REPLACE = Prepared(update(cups).where(cups.c.name == bindparam("same")), is_whole_row=True)


@pytest.fixture
def shelf(plain: Database) -> Database:
    cups.metadata.create_all(plain.engine)
    with plain.engine.connect() as connection:
        connection.commit()

    def fill(connection: Connection) -> None:
        for name in "abc":
            add(connection, name)

    plain.write(fill)
    return plain


def add(connection: Connection, name: str, *, is_full: bool | None = False) -> None:
    ADD.change(connection, {"name": name, "is_full": is_full, "mark": name.encode()})


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(cups.c.name).order_by(cups.c.name)).scalars())


def test_rows_are_those_of_the_core(shelf: Database) -> None:
    shelf.write(lambda connection: add(connection, "empty", is_full=None))
    with shelf.read() as connection:
        for name in ("a", "empty"):
            core = connection.execute(select(cups).where(cups.c.name == name)).mappings().one()
            found = ONE.first(connection, {"wanted": name})
            assert found == dict(core)
            assert found is not None
            assert type(found["is_full"]) is type(core["is_full"])
            assert type(found["mark"]) is bytes
        assert ONE.first(connection, {"wanted": "none"}) is None
        assert ONE.scalar(connection, {"wanted": "a"}) == "a"
        assert ONE.scalar(connection, {"wanted": "none"}) is None


def test_changes_are_counted_and_constants_kept(shelf: Database) -> None:
    def fill(connection: Connection) -> list[int]:
        return [FILL.change(connection, {"wanted": name, "full": True}) for name in ("a", "a", "b", "c", "none")]

    assert shelf.write(fill) == [1, 0, 1, 1, 0]
    with shelf.read() as connection:
        assert TWO.all(connection, {}) == [{"name": "a"}, {"name": "b"}]
    whole = {"same": "a", "name": "z", "is_full": False, "mark": b""}
    assert shelf.write(lambda connection: REPLACE.change(connection, whole)) == 1
    assert names(shelf) == ["b", "c", "z"]
    assert [shelf.write(lambda connection: DROP.change(connection, {"wanted": "z"})) for _ in range(2)] == [1, 0]
    assert names(shelf) == ["b", "c"]


def test_a_reading_connection_sees_one_state(shelf: Database) -> None:
    with shelf.read() as connection:
        assert ONE.first(connection, {"wanted": "d"}) is None
        shelf.write(lambda writing: add(writing, "d"))
        assert ONE.first(connection, {"wanted": "d"}) is None
        assert connection.execute(text("SELECT count(*) FROM cups")).scalar() == 3


def test_a_job_that_fails_takes_back_its_own_alone(shelf: Database) -> None:
    def doubled(connection: Connection) -> None:
        add(connection, "half")
        add(connection, "a")

    release, _ = hold(shelf)
    first = shelf.submit(lambda connection: add(connection, "first"))
    failing = shelf.submit(doubled)
    last = shelf.submit(lambda connection: add(connection, "last"))
    release.set()
    assert (first.exception(10), last.exception(10)) == (None, None)
    error: Any = failing.exception(10)
    assert isinstance(error, IntegrityError)
    assert "half" not in str(error)
    assert names(shelf) == ["a", "b", "c", "first", "last"]


def test_alone_it_is_rolled_back_too(shelf: Database) -> None:
    def fails(connection: Connection) -> None:
        add(connection, "gone")
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        shelf.write(fails)
    assert names(shelf) == ["a", "b", "c"]


def test_a_reader_cannot_write(shelf: Database) -> None:
    with shelf.read() as connection, pytest.raises(Exception, match=r"read-?only"):
        add(connection, "sly")
    assert names(shelf) == ["a", "b", "c"]


def test_many_rows_are_inserted_in_their_order_and_all_or_none(shelf: Database) -> None:
    rows = PreparedRows(cups, ("name", "mark"))
    shelf.write(lambda connection: rows.insert(connection, [("x", b"1"), ("y", b"2")]))

    def insert_twice(connection: Connection) -> None:
        rows.insert(connection, [("z", b"3"), ("x", b"4")])

    with pytest.raises(IntegrityError):
        shelf.write(insert_twice)
    assert names(shelf) == ["a", "b", "c", "x", "y"]
    with shelf.read() as connection:
        assert connection.execute(select(cups.c.is_full, cups.c.mark).where(cups.c.name == "y")).one() == (None, b"2")


def test_an_insert_of_some_columns_gives_back_what_it_says(shelf: Database) -> None:
    def fill(connection: Connection) -> list[object]:
        first = NAMED.first(connection, {"name": "d", "is_full": True})
        return [first, TURNS.first(connection, {"name": "e", "full": False}), NAMED.scalar(connection, {"name": "f", "is_full": None})]

    assert shelf.write(fill) == [{"name": "d", "is_full": True}, {"name": "e", "is_full": False}, "f"]
    with shelf.read() as connection:
        marks = connection.execute(select(cups.c.name, cups.c.mark).where(cups.c.name > "c").order_by(cups.c.name)).all()
    assert [tuple(row) for row in marks] == [("d", None), ("e", None), ("f", None)]
