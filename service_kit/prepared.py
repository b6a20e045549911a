"""Statements of every request, compiled once: with SQLite they run on the driver itself.

Building, compiling and reading through the Core costs three times what SQLite needs for a row found by its key. A ``Prepared`` statement is
written as any other and sees the same transaction, errors and column types; with PostgreSQL it is executed as any other.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Boolean, Delete, Insert, Select, TextualSelect, Update, insert
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection, Dialect

BEFORE_STATEMENT: Final = "yinxin-before-statement"
"""Key of ``Connection.info``: what whoever holds this connection must do before a statement (the writer its savepoints, a reader its snapshot)."""
_DRIVER: Final = "yinxin-driver"
"""Key of ``Connection.info``, which lives as long as the driver's connection: that connection."""


class Prepared:
    """One statement with bound parameters, of texts, numbers, bytes and truth values. An insert names every column of its table, or those in
    ``columns`` where the database fills in the others, and may return some; an update without values of its own (``is_whole_row``) sets them all.
    """

    __slots__ = ("_booleans", "_columns", "_constants", "_names", "_order", "_sql", "_whole", "statement")

    def __init__(
        self, statement: Select[Any] | TextualSelect | Insert | Update | Delete, *, is_whole_row: bool = False, columns: Sequence[str] = ()
    ) -> None:
        self._whole = is_whole_row or isinstance(statement, Insert)
        self._columns = tuple(columns)
        self.statement = statement
        self._sql = ""
        self._order: tuple[str, ...] = ()
        self._constants: Mapping[str, Any] = {}
        returned = list(statement.selected_columns if isinstance(statement, Select | TextualSelect) else statement.exported_columns)
        self._names: Sequence[str] = [str(column.key) for column in returned]
        self._booleans: Sequence[str] = [str(column.key) for column in returned if isinstance(column.type, Boolean)]

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row by the names of its columns, None where there is none."""
        if connection.dialect.name != "sqlite":
            row = connection.execute(self.statement, parameters).mappings().first()
            return None if row is None else dict(row)
        found = self._run(connection, parameters, _fetch_one)
        return None if found is None else self._row(found)

    def all(self, connection: Connection, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every row by the names of its columns."""
        if connection.dialect.name != "sqlite":
            return [dict(row) for row in connection.execute(self.statement, parameters).mappings()]
        return [self._row(found) for found in self._run(connection, parameters, _fetch_all)]

    def scalar(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """The first column of the first row, None where there is none."""
        row = self.first(connection, parameters)
        return None if row is None else row[self._names[0]]

    def change(self, connection: Connection, parameters: Mapping[str, Any]) -> int:
        """Insert, update or delete; how many rows an update changed or a deletion took."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self.statement, parameters).rowcount
        changed: int = self._run(connection, parameters, _count)
        return changed

    def _row(self, found: tuple[Any, ...]) -> dict[str, Any]:
        row = dict(zip(self._names, found, strict=True))
        for name in self._booleans:
            row[name] = None if row[name] is None else bool(row[name])
        return row

    def _run(self, connection: Connection, parameters: Mapping[str, Any], read: Callable[[sqlite3.Cursor], Any]) -> Any:
        if not self._sql:
            self._compile(connection.dialect)
        constants = self._constants
        values = [parameters[name] if name in parameters else constants[name] for name in self._order]
        return _run_on_driver(connection, self._sql, values, read)

    def _compile(self, dialect: Dialect) -> None:
        statement = self.statement
        keys = None
        if self._whole and isinstance(statement, Insert | Update):
            keys = list(self._columns or (column.key for column in statement.table.columns))
        compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
        # What no caller gives is a constant of the statement; a parameter that is neither has no value and is a KeyError above
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._order = tuple(compiled.positiontup)
        self._sql = str(compiled)


class PreparedRows:
    """An insert of many rows that all give the same columns of a table; the others have what the table says."""

    __slots__ = ("_names", "_sql", "_table")

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._table = table
        self._names = tuple(names)
        columns, marks = ", ".join(table.c[name].name for name in names), ", ".join("?" * len(names))
        self._sql = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 - names of the table's own

    def insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, each with its values in the order of the names, in the order given."""
        if connection.dialect.name != "sqlite":
            connection.execute(insert(self._table), [dict(zip(self._names, row, strict=True)) for row in rows])
            return
        driver = _driver_in_transaction(connection)
        try:
            driver.executemany(self._sql, rows)
        except sqlite3.Error as error:
            raise _hidden(connection, self._sql, error) from error


def execute_text(connection: Connection, sql: str, values: Sequence[Any]) -> None:
    """Run a statement in the driver's own words, without result, in the transaction of the connection."""
    if connection.dialect.name == "sqlite":
        _run_on_driver(connection, sql, values, _count)
    else:
        connection.exec_driver_sql(sql, tuple(values))


def _run_on_driver(connection: Connection, sql: str, values: Sequence[Any], read: Callable[[sqlite3.Cursor], Any]) -> Any:
    driver = _driver_in_transaction(connection)
    try:
        return read(driver.execute(sql, values))
    except sqlite3.Error as error:
        raise _hidden(connection, sql, error) from error


def _driver_in_transaction(connection: Connection) -> Any:
    """The driver's connection, in the transaction of the connection: the writer's or a reader's, begun past SQLAlchemy, or one that begins now."""
    info = connection.info
    before = info.get(BEFORE_STATEMENT)
    if before is not None:
        before()
    elif not connection.in_transaction():
        connection.begin()
    driver = info.get(_DRIVER)
    if driver is None:
        driver = info[_DRIVER] = connection.connection.driver_connection
    return driver


def _hidden(connection: Connection, sql: str, error: sqlite3.Error) -> Any:
    return DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect)


def _fetch_one(cursor: sqlite3.Cursor) -> Any:
    found = cursor.fetchone()
    cursor.close()
    return found


def _fetch_all(cursor: sqlite3.Cursor) -> Any:
    return cursor.fetchall()


def _count(cursor: sqlite3.Cursor) -> int:
    return cursor.rowcount
