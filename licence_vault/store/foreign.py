"""Licences of other regions that are kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, insert, not_, select, text

from licence_vault.foreign import KeptLicence
from licence_vault.foreign_tables import foreign, foreign_holders
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, Table

_KEY: Final = ("region", "identifier", "asked_by")
_REPLACE: Final = text(
    "INSERT INTO licence_foreign (region, identifier, asked_by, id, key_sealed, content_sealed, fetched_at) "
    "VALUES (:region, :identifier, :asked_by, :id, :key_sealed, :content_sealed, :fetched_at) "
    "ON CONFLICT (region, identifier, asked_by) DO UPDATE SET id = excluded.id, key_sealed = excluded.key_sealed, "
    "content_sealed = excluded.content_sealed, fetched_at = excluded.fetched_at"
)


def load_kept(conn: Connection, region: str, identifier: str, asked_by: str, *, since: datetime) -> KeptLicence | None:
    """What was fetched of a licence last for somebody, from ``since`` (aware UTC) on."""
    statement = select(foreign).where(_which(foreign, region, identifier, asked_by), _is_kept(since))
    row = conn.execute(statement).mappings().one_or_none()
    return None if row is None else _kept(row)


def list_kept_of_holders(conn: Connection, subjects: Collection[bytes], *, since: datetime, limit: int) -> list[KeptLicence]:
    """What was fetched from ``since`` (aware UTC) on, for anybody, of licences that any of these (keyed hashes) holds, by id."""
    kept = foreign.alias()
    is_its_holder = and_(*(foreign_holders.c[name] == kept.c[name] for name in _KEY))
    held = select(kept.c.id).join(foreign_holders, is_its_holder).where(foreign_holders.c.holder_digest.in_(subjects))
    statement = select(foreign).where(foreign.c.id.in_(held), _is_kept(since)).order_by(foreign.c.id).limit(limit)
    return [_kept(row) for row in conn.execute(statement).mappings()]


def replace_kept(conn: Connection, kept: KeptLicence, holders: Collection[bytes]) -> None:
    """Keep it in place of what was kept before, found by each of ``holders`` (keyed hashes, 32 bytes)."""
    values = {name: getattr(kept, name) for name in KeptLicence.__slots__}
    conn.execute(_REPLACE, values | {"fetched_at": write_time(kept.fetched_at)})
    conn.execute(delete(foreign_holders).where(_which(foreign_holders, kept.region, kept.identifier, kept.asked_by)))
    which = {name: values[name] for name in _KEY}
    conn.execute(insert(foreign_holders), [which | {"holder_digest": each} for each in sorted(set(holders))])


def delete_kept(conn: Connection, region: str, identifier: str, asked_by: str) -> None:
    """Keep nothing of it for him."""
    conn.execute(delete(foreign).where(_which(foreign, region, identifier, asked_by)))


def sweep_kept(conn: Connection, before: datetime) -> int:
    """Remove what was fetched before a time; how many."""
    return conn.execute(delete(foreign).where(not_(_is_kept(before)))).rowcount


def _kept(row: RowMapping) -> KeptLicence:
    return KeptLicence(**(dict(row) | {"fetched_at": read_time(row["fetched_at"])}))


def _is_kept(since: datetime) -> ColumnElement[bool]:
    return foreign.c.fetched_at >= write_time(since)


def _which(table: Table, region: str, identifier: str, asked_by: str) -> ColumnElement[bool]:
    return and_(table.c.region == region, table.c.identifier == identifier, table.c.asked_by == asked_by)
