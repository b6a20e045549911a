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
_PG_TIMED_OUT: Final = "57014"  # a statement that took longer than statement_timeout, or that an operator cancelled: the connection stays
_PG_IDLE: Final = "25P03"  # the server ended the session: idle_in_transaction_session_timeout
_PG_STANDBY: Final = (
    "0A000"  # what is serializable is not supported by a server that has not been promoted; we ask for nothing else that is not
)
_PG_NO_WRITES: Final = "25006"
_PG_READ_ONLY: Final = frozenset({_PG_STANDBY, _PG_NO_WRITES})
_PG_UNAVAILABLE: Final = {
    **dict.fromkeys(_PG_TRANSIENT, "busy"),
    _PG_TIMED_OUT: "timed out",
    _PG_IDLE: "connection lost",
    _PG_STANDBY: "standby",
    _PG_NO_WRITES: "read-only",
    "42501": "not permitted",
    "53100": "disk full",
    "53200": "out of memory",
    "53300": "too many connections",
}
_PG_UNAVAILABLE_CLASSES: Final = {"08": "connection lost", "53": "out of resources", "57": "shut down", "58": "system error"}
_SQLITE_PRIMARY: Final = 0xFF
WORDS_CHARACTERS: Final = 500


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
    if isinstance(cause, sqlite3.Error):
        return False
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return _is_operational(cause)
    return state == _PG_IDLE or (state[:2] in {"08", "57"} and state != _PG_TIMED_OUT)


def is_read_only(error: BaseException) -> bool:
    """True where the session may not write (PostgreSQL): it was told so, or its server is a standby. Another session may reach another server."""
    return getattr(_cause(error), "sqlstate", None) in _PG_READ_ONLY


def unavailable_reason(error: BaseException) -> str | None:
    """In a few words why the database cannot serve now, or None where the error is the statement's own."""
    if isinstance(error, PoolTimeoutError):
        return "no free connection"
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _SQLITE_UNAVAILABLE.get((getattr(cause, "sqlite_errorcode", None) or 0) & _SQLITE_PRIMARY)
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return "connection lost" if _is_operational(cause) else None
    return _PG_UNAVAILABLE.get(state) or _PG_UNAVAILABLE_CLASSES.get(state[:2])


def words_of_driver(error: BaseException | None) -> str | None:
    """What the driver says of a connection that was refused or lost: nothing else tells a wrong password from a server that is not there.

    One line without a password; None where no such error is among the causes. It names host, port, database and role, so that it is for the log
    and for whoever runs a command, never for callers.
    """
    while error is not None:
        cause = _cause(error)
        if not isinstance(cause, sqlite3.Error) and _is_operational(cause) and getattr(cause, "sqlstate", None) is None:
            return " ".join(str(cause).split())[:WORDS_CHARACTERS]
        error = error.__cause__
    return None


def with_words_of_driver(error: TrustError) -> TrustError:
    """``error`` as whoever runs a command may see it: with what the driver said as the fact ``driver``, where it said something."""
    words = words_of_driver(error.__cause__)
    return error if words is None else TrustError(error.kind, error.code, **{**error.facts, "driver": words})


def _is_zero_byte(error: BaseException) -> bool:
    """Whether the driver does not send a text because of a zero byte, which PostgreSQL has in no text; SQLite takes it, and finds nothing by it."""
    cause = _cause(error)
    return type(cause).__name__ == "DataError" and getattr(cause, "sqlstate", None) is None and "NUL (0x00)" in str(cause)


def as_trust_error(error: BaseException) -> BaseException:
    """The error a caller gets: TrustError DATABASE_UNAVAILABLE where waiting may help, TEXT_NOT_UNICODE over a zero byte, else the error itself."""
    if _is_zero_byte(error):
        return TrustError(Kind.MALFORMED, "TEXT_NOT_UNICODE")
    reason = unavailable_reason(error)
    return error if reason is None else TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason=reason)
