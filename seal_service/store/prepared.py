"""Statements of the hot path, compiled once per database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, CursorResult, Executable


class Prepared:
    """A statement without result of the hot path: compiled once per database, run past what SQLAlchemy does for each execution.

    For a SELECT its own cache is better: it also keeps what is known of the columns.
    """

    def __init__(self, statement: Executable, columns: Collection[str] | None = None) -> None:
        """``columns``: of an INSERT, those that are given."""
        self._statement: Any = statement
        self._columns = columns
        self._compiled: dict[str, tuple[str, dict[str, Any], list[str] | None]] = {}

    def run(self, conn: Connection, values: dict[str, Any]) -> CursorResult[Any]:
        """Run it. Values are given as the driver takes them: bytes, text, integers, true and false."""
        compiled = self._compiled.get(conn.dialect.name)
        if compiled is None:
            made = self._statement.compile(dialect=conn.dialect, column_keys=self._columns)
            compiled = self._compiled[conn.dialect.name] = (str(made), made.params, made.positiontup)
        sql, constants, order = compiled
        given = {**constants, **values}
        return conn.exec_driver_sql(sql, given if order is None else tuple([given[name] for name in order]))
