"""Rows in bulk into a SQLite database, past SQLAlchemy: what millions of synthetic people and licences are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection, Table

_ROWS_AT_ONCE: Final = 10_000
_CACHE_KIB: Final = 2_000_000


def insert_in_bulk(
    connection: Connection, tables: Sequence[Table], count: int, make: Callable[[], Sequence[Iterable[tuple[Any, ...]]]]
) -> None:
    """Within a write job: ``count`` times what ``make`` gives, rows for each of ``tables`` with values in the order of its columns.

    Indexes that only find are made anew at the end, which sorts each of them once.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    names = ", ".join(f"'{table.name}'" for table in tables)
    indexes = driver.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"
    ).fetchall()
    for name, _ in indexes:
        driver.execute(f"DROP INDEX {name}")
    statements = [
        f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES ({', '.join('?' * len(table.columns))})" for table in tables
    ]
    for begin in range(0, count, _ROWS_AT_ONCE):
        made = [make() for _ in range(min(_ROWS_AT_ONCE, count - begin))]
        for statement, groups in zip(statements, zip(*made, strict=True), strict=True):
            driver.executemany(statement, [row for group in groups for row in group])
    for _, sql in indexes:
        driver.execute(sql)
