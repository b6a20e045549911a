"""Licences of other regions that are kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, select, text

from licence_vault.foreign import KeptLicence
from licence_vault.foreign_tables import foreign
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection


_REPLACE: Final = text(
    "INSERT INTO licence_foreign (region, identifier, asked_by, id, key_sealed, content_sealed, fetched_at) "
    "VALUES (:region, :identifier, :asked_by, :id, :key_sealed, :content_sealed, :fetched_at) "
    "ON CONFLICT (region, identifier, asked_by) DO UPDATE SET id = excluded.id, key_sealed = excluded.key_sealed, "
    "content_sealed = excluded.content_sealed, fetched_at = excluded.fetched_at"
)


def load_kept(conn: Connection, region: str, identifier: str, asked_by: str) -> KeptLicence | None:
    """What was fetched of a licence last for somebody."""
    row = conn.execute(select(foreign).where(_which(region, identifier, asked_by))).mappings().one_or_none()
    return None if row is None else KeptLicence(**(dict(row) | {"fetched_at": read_time(row["fetched_at"])}))


def replace_kept(conn: Connection, kept: KeptLicence) -> None:
    """Keep it in place of what was kept before."""
    values = {name: getattr(kept, name) for name in KeptLicence.__slots__}
    conn.execute(_REPLACE, values | {"fetched_at": write_time(kept.fetched_at)})


def delete_kept(conn: Connection, region: str, identifier: str, asked_by: str) -> None:
    """Keep nothing of it for him."""
    conn.execute(delete(foreign).where(_which(region, identifier, asked_by)))


def _which(region: str, identifier: str, asked_by: str) -> ColumnElement[bool]:
    return and_(foreign.c.region == region, foreign.c.identifier == identifier, foreign.c.asked_by == asked_by)


def sweep_kept(conn: Connection, before: datetime) -> int:
    """Remove what was fetched before a time; how many."""
    return conn.execute(delete(foreign).where(foreign.c.fetched_at < write_time(before))).rowcount
