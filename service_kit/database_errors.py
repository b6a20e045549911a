"""What a database error means: try again, the database is not there, the outcome is unknown, or simply the job's own fault."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from standards.errors import Kind, TrustError

# https://www.sqlite.org/rescode.html; the low byte is the primary code
_SQLITE_TRANSIENT: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "disk full",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "not a database",
    sqlite3.SQLITE_NOMEM: "out of memory",
    sqlite3.SQLITE_PERM: "not permitted",
}
# https://www.postgresql.org/docs/15/errcodes-appendix.html
_PG_TRANSIENT: Final = frozenset({"40001", "40P01", "55P03"})
_PG_UNAVAILABLE_CLASSES: Final = {"08": "connection lost", "53": "out of resources", "57": "shut down", "58": "system error"}
_SQLITE_PRIMARY: Final = 0xFF


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _is_operational(error: BaseException) -> bool:
    """The driver's OperationalError or InterfaceError, by name so that psycopg need not be installed for SQLite."""
    return any(cls.__name__ in {"OperationalError", "InterfaceError"} for cls in type(error).__mro__)


def is_transient(error: BaseException) -> bool:
    """True where the whole transaction was refused and may simply be run again: busy, serialisation failure, deadlock."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", None) or 0) & _SQLITE_PRIMARY in _SQLITE_TRANSIENT
    return getattr(cause, "sqlstate", None) in _PG_TRANSIENT


def is_connection_lost(error: BaseException) -> bool:
    """True where the server or the connection went away (PostgreSQL only; a file does not)."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error) or not _is_operational(cause):
        return False
    state = getattr(cause, "sqlstate", None)
    return state is None or state[:2] in {"08", "57"}


def unavailable_reason(error: BaseException) -> str | None:
    """In a few words why the database cannot serve now, or None where the error is the statement's own."""
    if isinstance(error, PoolTimeoutError):
        return "no free connection"
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _SQLITE_UNAVAILABLE.get((getattr(cause, "sqlite_errorcode", None) or 0) & _SQLITE_PRIMARY)
    if not _is_operational(cause):
        return None
    state = getattr(cause, "sqlstate", None)
    return "connection lost" if state is None else _PG_UNAVAILABLE_CLASSES.get(state[:2])


def as_trust_error(error: BaseException) -> BaseException:
    """The error a caller gets: TrustError DATABASE_UNAVAILABLE where waiting may help, else the error itself."""
    reason = unavailable_reason(error)
    return error if reason is None else TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason=reason)
