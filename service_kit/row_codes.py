"""The codes of rows that give rights: whoever writes such a row past the program gives nothing by it.

A code is HMAC-SM3 over the table's name and every other column, under a key that is derived from that of the audit trail and that the database
itself does not hold. The process that has the trail has the key (``Audit``), and the connections of its database find it: where there is none,
no row counts. A row that was put back whole, as it stood before, has its code of then: that it was taken meanwhile is in the trail alone.
"""

from __future__ import annotations

import hmac
import json
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from crypto.sm3 import hmac_sm3
from service_kit.row_values import LATEST_TIME
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Engine, Table

    from service_kit.database import Database

LONG_SECONDS: Final = 0.1
KEPT_SECONDS: Final = 300
_OPTION: Final = "yinxin_row_key"
_LABEL: Final = b"yinxin codes of rows that give rights v1"
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def hold_row_key(engine: Engine, trail_key: bytes) -> None:
    """Let the connections of an engine make and check codes. ``trail_key``: of the audit trail; the key of rows is derived from it."""
    engine.update_execution_options(**{_OPTION: hmac_sm3(trail_key, _LABEL)})


def coded(connection: Connection, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its code, as it is to be written."""
    return {**row, "row_mac": _code_of(connection, table, row)}


def is_as_written(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Whether the program wrote the row as it stands; one without a code it did not write, nor one with values that it never writes."""
    code = row["row_mac"]
    try:
        return code is not None and hmac.compare_digest(bytes(code), _code_of(connection, table, row))
    except TypeError:  # bytes where a text belongs, as SQLite lets one write
        return False


def check_code(connection: Connection, table: Table, key: str, row: Mapping[str, Any]) -> None:
    """Raise ROW_ALTERED unless the program wrote the row as it stands. ``key``: what the row is called in the error."""
    if not is_as_written(connection, table, row):
        raise TrustError(Kind.UNAVAILABLE, "ROW_ALTERED", table=table.name, row=key)


def count_altered(connection: Connection, table: Table) -> int:
    """How many rows of a table the program did not write as they stand. Reads all of them."""
    return sum(not is_as_written(connection, table, dict(row)) for row in connection.execute(select(table)).mappings())


class AlteredRows:
    """How many rows of some tables the program did not write as they stand, for whoever asks every few seconds: a count that took longer than
    ``LONG_SECONDS`` is given again for ``KEPT_SECONDS``. One thread at a time.
    """

    def __init__(self, database: Database, tables: Sequence[Table]) -> None:
        self._database, self._tables = database, tuple(tables)
        self._kept: tuple[float, int] = (-inf, 0)

    def count(self) -> int:
        """Of all the tables together."""
        until, found = self._kept
        began = monotonic()
        if began < until:
            return found
        with self._database.read() as connection:
            found = sum(count_altered(connection, table) for table in self._tables)
        took = monotonic() - began
        self._kept = (began + took + KEPT_SECONDS if took > LONG_SECONDS else -inf, found)
        return found


def as_shown(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a list can show it, altered ones too: where a value is not of its column's kind, as SQLite lets one write, or no time that there is,
    the kind's empty value stands for it.
    """
    shown = {}
    for column in table.columns:
        value, kind = row[column.name], column.type.python_type
        fits = isinstance(value, kind) and not (kind is int and not 0 <= value <= LATEST_TIME)
        shown[column.name] = value if fits else kind()
    return shown


def _code_of(connection: Connection, table: Table, row: Mapping[str, Any]) -> bytes:
    key = connection.engine.get_execution_options().get(_OPTION)
    if key is None:
        raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE", reason="no trail, no rights")
    return hmac_sm3(key, _encode([table.name, {name: row[name] for name in table.c.keys() if name != "row_mac"}]).encode())  # noqa: SIM118 - without keys() it gives columns
