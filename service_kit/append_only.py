"""Triggers that make a log table append-only for everyone who uses the database by its own rules.

They stop mistakes and plain SQL; whoever may drop triggers is caught by the MACs and by the tree.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

_LOG_COLUMNS: Final = ("position", "entry_id", "entry")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
MESSAGE: Final = "append-only: entries are never changed or removed"


def protect_log_table(connection: Connection, table: str, further_columns: Sequence[str] = ()) -> None:
    """Refuse UPDATE of an entry's columns, a second setting of ``log_index``, and DELETE. For migrations, after the table is made."""
    for name in (table, *further_columns):
        if not _NAME.fullmatch(name):
            raise ValueError(name)
    columns = ", ".join((*_LOG_COLUMNS, *further_columns))
    if connection.dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        statements = [
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OF {columns} ON {table} {refuse}",
            f"CREATE TRIGGER {table}_index_once BEFORE UPDATE OF log_index ON {table} WHEN OLD.log_index IS NOT NULL {refuse}",
            f"CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} {refuse}",
        ]
    else:
        call = f"EXECUTE FUNCTION {table}_refuse()"
        statements = [
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW {call}",
            f"CREATE TRIGGER {table}_index_once BEFORE UPDATE OF log_index ON {table} FOR EACH ROW WHEN (OLD.log_index IS NOT NULL) {call}",
            f"CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} FOR EACH ROW {call}",
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}",
        ]
    for statement in statements:
        connection.exec_driver_sql(statement)


def protect_rows(connection: Connection, table: str) -> None:
    """Refuse UPDATE and DELETE of any row of a table that is a record. For migrations, after the table is made."""
    if not _NAME.fullmatch(table):
        raise ValueError(table)
    if connection.dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        statements = [
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} {refuse}",
        ]
    else:
        call = f"EXECUTE FUNCTION {table}_refuse()"
        statements = [
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}",
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}",
        ]
    for statement in statements:
        connection.exec_driver_sql(statement)
