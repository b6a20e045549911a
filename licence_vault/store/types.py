"""Licence types and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, bindparam, func, insert, select, update

from licence_vault.limits import DEFINITIONS_KEPT
from licence_vault.model import TypeState
from licence_vault.register import TypeVersion
from licence_vault.tables import types
from service_kit.prepared import Prepared
from service_kit.row_values import read_list, read_time, write_list, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, RowMapping

_ONE: Final = select(types).where(types.c.code == bindparam("type"), types.c.version == bindparam("number"))
_LOAD: Final = Prepared(_ONE)
_LOAD_LOCKED: Final = Prepared(_ONE.with_for_update())
_PUBLISHED: Final = select(types).where(types.c.code == bindparam("type"), types.c.state == TypeState.PUBLISHED.value)
_LOAD_PUBLISHED: Final = Prepared(_PUBLISHED)
_FIND: Final = Prepared(_ONE.with_only_columns(types.c.version, types.c.revision))
_FIND_PUBLISHED: Final = Prepared(_PUBLISHED.with_only_columns(types.c.version, types.c.revision))
_kept: Final[WeakKeyDictionary[Engine, dict[tuple[str, int, int], TypeVersion]]] = WeakKeyDictionary()
_LOAD_PUBLISHED_LOCKED: Final = Prepared(_PUBLISHED.with_for_update())


def _version(row: RowMapping | Mapping[str, Any]) -> TypeVersion:
    return TypeVersion(
        code=row["code"],
        version=row["version"],
        state=TypeState(row["state"]),
        name=row["name"],
        file=row["definition"].encode(),
        authors=read_list(row["authors"]),
        reviewed_by=row["reviewed_by"],
        reason=row["reason"],
        revision=row["revision"],
        written_at=read_time(row["written_at"]),
        state_at=read_time(row["state_at"]),
    )


def _values(version: TypeVersion) -> dict[str, object]:
    return {
        "code": version.code,
        "version": version.version,
        "state": version.state.value,
        "name": version.name,
        "definition": version.file.decode(),
        "authors": write_list(version.authors),
        "reviewed_by": version.reviewed_by,
        "reason": version.reason,
        "revision": version.revision,
        "written_at": write_time(version.written_at),
        "state_at": write_time(version.state_at),
    }


def insert_type(conn: Connection, version: TypeVersion) -> None:
    """A new version of a type."""
    conn.execute(insert(types), _values(version))


def update_type(conn: Connection, version: TypeVersion) -> None:
    """Everything of a version; the caller has it locked."""
    conn.execute(update(types).where(types.c.code == version.code, types.c.version == version.version).values(_values(version)))


def load_type(conn: Connection, code: str, version: int, *, is_locked: bool = False) -> TypeVersion | None:
    """One version; ``is_locked`` keeps others from changing it until this transaction ends."""
    row = (_LOAD_LOCKED if is_locked else _LOAD).first(conn, {"type": code, "number": version})
    return None if row is None else _version(row)


def load_published_type(conn: Connection, code: str, *, is_locked: bool = False) -> TypeVersion | None:
    """The version that licences are issued by."""
    row = (_LOAD_PUBLISHED_LOCKED if is_locked else _LOAD_PUBLISHED).first(conn, {"type": code})
    return None if row is None else _version(row)


def recall_type(conn: Connection, code: str, version: int) -> TypeVersion | None:
    """As ``load_type``, on a connection of ``Database.read``: definitions are long, and one of the same revision was read before."""
    return _recall(conn, code, _FIND.first(conn, {"type": code, "number": version}))


def recall_published_type(conn: Connection, code: str) -> TypeVersion | None:
    """As ``load_published_type``, on a connection of ``Database.read``."""
    return _recall(conn, code, _FIND_PUBLISHED.first(conn, {"type": code}))


def find_published_type(conn: Connection, code: str) -> int | None:
    """The number of the version that licences are issued by."""
    found = _FIND_PUBLISHED.first(conn, {"type": code})
    return None if found is None else int(found["version"])


def _recall(conn: Connection, code: str, mark: Mapping[str, Any] | None) -> TypeVersion | None:
    if mark is None:
        return None
    kept, key = _kept.setdefault(conn.engine, {}), (code, mark["version"], mark["revision"])
    found = kept.get(key)
    if found is None:
        found = load_type(conn, code, mark["version"])
        if found is not None:
            if len(kept) >= DEFINITIONS_KEPT:
                kept.clear()
            kept[key] = found
    return found


def load_open_type(conn: Connection, code: str) -> TypeVersion | None:
    """The version that is being worked on."""
    statement = select(types).where(types.c.code == code, types.c.state.in_([TypeState.DRAFT.value, TypeState.IN_REVIEW.value]))
    row = conn.execute(statement).mappings().one_or_none()
    return None if row is None else _version(row)


def next_type_version(conn: Connection, code: str) -> int:
    """The number of the next version, from 1."""
    return int(conn.execute(select(func.max(types.c.version)).where(types.c.code == code)).scalar() or 0) + 1


def list_types(conn: Connection, *, state: TypeState | None, after: tuple[str, int], limit: int) -> list[TypeVersion]:
    """Versions by code and number, behind ``after``."""
    code, version = after
    statement = (
        select(types)
        .where((types.c.code > code) | ((types.c.code == code) & (types.c.version > version)))
        .order_by(types.c.code, types.c.version)
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(types.c.state == state.value)
    return [_version(row) for row in conn.execute(statement).mappings()]
