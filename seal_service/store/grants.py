"""Grants: within which limits somebody may use a seal, and how much of them is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, exists, func, insert, or_, select, update

from seal_service.model import Grant, Power, SealState
from seal_service.store.seals import Standing
from seal_service.tables import grants, powers, seals, uses
from service_kit.prepared import Prepared
from service_kit.row_values import read_list, read_optional_time, read_time, write_list, write_optional_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

# A grant counts only together with the power it details
_COUNTS: Final = and_(
    grants.c.seal_id == bindparam("seal_id"),
    grants.c.holder == bindparam("holder_name"),
    grants.c.revoked_at.is_(None),
    exists().where(and_(powers.c.seal_id == grants.c.seal_id, powers.c.holder == grants.c.holder, powers.c.power == Power.USE.value)),
)
# Version and state of a seal and whether somebody may use it at all, for Database.look: asked before a document is even read
SEEN_QUERY: Final = (
    f"SELECT s.version, s.state, EXISTS (SELECT 1 FROM {grants.name} AS g JOIN {powers.name} AS p "  # noqa: S608 - our own tables' names
    f"ON p.seal_id = g.seal_id AND p.holder = g.holder AND p.power = '{Power.USE.value}' "
    f"WHERE g.seal_id = s.id AND g.holder = :holder_name AND g.revoked_at IS NULL) FROM {seals.name} AS s WHERE s.id = :seal_id"
)
_STANDING: Final = select(grants).where(_COUNTS).order_by(grants.c.id)
_RIGHT: Final = (
    select(seals.c.state.label("seal_state"), seals.c.version.label("seal_version"), seals.c.valid_until.label("seal_valid_until"), grants)
    .select_from(seals.outerjoin(grants, _COUNTS))
    .where(seals.c.id == bindparam("seal_id"))
    .order_by(grants.c.id)
    .with_for_update(read=True, of=seals)
)
_READ_RIGHT: Final = Prepared(_RIGHT)
_TAKE_ONE: Final = (
    update(grants)
    .where(
        and_(
            grants.c.id == bindparam("grant_id"),
            grants.c.revoked_at.is_(None),
            or_(grants.c.uses_max.is_(None), grants.c.used < grants.c.uses_max),
        )
    )
    .values(used=grants.c.used + 1)
)
_GIVE_ONE_BACK: Final = (
    update(grants)
    .where(
        and_(
            grants.c.uses_max.is_not(None),
            grants.c.used > 0,
            grants.c.id == select(uses.c.grant_id).where(uses.c.id == bindparam("use_id")).scalar_subquery(),
        )
    )
    .values(used=grants.c.used - 1)
)


def _grant(row: RowMapping | dict[str, Any]) -> Grant:
    return Grant(
        id=row["id"],
        seal_id=row["seal_id"],
        holder=row["holder"],
        granted_by=row["granted_by"],
        granted_at=read_time(row["granted_at"]),
        via_client=row["via_client"],
        forms=frozenset(row["forms"].split()),
        document_types=frozenset(read_list(row["document_types"])),
        uses_max=row["uses_max"],
        used=row["used"],
        valid_from=read_optional_time(row["valid_from"]),
        valid_until=read_optional_time(row["valid_until"]),
        from_minute=row["from_minute"],
        until_minute=row["until_minute"],
        offset_minutes=row["offset_minutes"],
        revoked_by=row["revoked_by"],
        revoked_at=read_optional_time(row["revoked_at"]),
        revoked_reason=row["revoked_reason"],
        version=row["version"],
    )


def insert_grant(conn: Connection, grant: Grant) -> None:
    """A new grant."""
    conn.execute(
        insert(grants),
        {
            "id": grant.id,
            "seal_id": grant.seal_id,
            "holder": grant.holder,
            "granted_by": grant.granted_by,
            "granted_at": write_time(grant.granted_at),
            "via_client": grant.via_client,
            "forms": " ".join(sorted(grant.forms)),
            "document_types": write_list(sorted(grant.document_types)),
            "uses_max": grant.uses_max,
            "used": grant.used,
            "valid_from": write_optional_time(grant.valid_from),
            "valid_until": write_optional_time(grant.valid_until),
            "from_minute": grant.from_minute,
            "until_minute": grant.until_minute,
            "offset_minutes": grant.offset_minutes,
            "version": grant.version,
        },
    )


def load_grant(conn: Connection, grant_id: str, *, is_locked: bool = False) -> Grant | None:
    """One grant; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(grants).where(grants.c.id == grant_id)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _grant(row)


def list_standing_grants(conn: Connection, seal_id: str, holder: str) -> list[Grant]:
    """Somebody's grants that are not revoked; none where he does not hold the power to use the seal."""
    return [_grant(row) for row in conn.execute(_STANDING, {"seal_id": seal_id, "holder_name": holder}).mappings()]


def load_right(conn: Connection, seal_id: str, holder: str) -> tuple[Standing, list[Grant]] | None:
    """How a seal stands, held as it is until this transaction ends, and somebody's grants that count. None: there is no such seal.

    One statement, because every use of a seal begins with it.
    """
    rows = _READ_RIGHT.all(conn, {"seal_id": seal_id, "holder_name": holder})
    if not rows:
        return None
    first = rows[0]
    standing = Standing(SealState(first["seal_state"]), first["seal_version"], read_optional_time(first["seal_valid_until"]))
    return standing, [_grant(row) for row in rows if row["id"] is not None]


def list_grants(conn: Connection, seal_id: str) -> list[str]:
    """Who may use a seal."""
    condition = and_(grants.c.seal_id == seal_id, grants.c.revoked_at.is_(None))
    return list(conn.execute(select(grants.c.holder).where(condition).distinct().order_by(grants.c.holder)).scalars())


def count_grants(conn: Connection, seal_id: str) -> int:
    """How many grants of a seal are not revoked, however many of them are of one holder, whether they still cover anything or not."""
    condition = and_(grants.c.seal_id == seal_id, grants.c.revoked_at.is_(None))
    return int(conn.execute(select(func.count()).select_from(grants).where(condition)).scalar_one())


def list_grants_of_seal(conn: Connection, seal_id: str, *, after: str, limit: int, holder: str | None = None) -> list[Grant]:
    """Grants of a seal (of one holder, or all), the revoked ones too, in the order of their ids, those behind ``after`` only."""
    conditions = [grants.c.seal_id == seal_id, grants.c.id > after]
    if holder is not None:
        conditions.append(grants.c.holder == holder)
    statement = select(grants).where(and_(*conditions)).order_by(grants.c.id).limit(limit)
    return [_grant(row) for row in conn.execute(statement).mappings()]


def is_granted(conn: Connection, seal_id: str, holder: str) -> bool:
    """Whether somebody may use a seal at all."""
    return conn.execute(_STANDING, {"seal_id": seal_id, "holder_name": holder}).first() is not None


def revoke_grant(conn: Connection, grant_id: str, *, by: str, at: datetime, reason: str) -> bool:
    """Take a grant back; False where that was done before."""
    return (
        conn.execute(
            update(grants)
            .where(and_(grants.c.id == grant_id, grants.c.revoked_at.is_(None)))
            .values(revoked_by=by, revoked_at=write_time(at), revoked_reason=reason, version=grants.c.version + 1)
        ).rowcount
        > 0
    )


def take_one_use(conn: Connection, grant_id: str) -> bool:
    """Count one use of a grant; False where none is left or it was taken back: the database decides, whoever else counts."""
    return conn.execute(_TAKE_ONE, {"grant_id": grant_id}).rowcount > 0


def give_one_use_back(conn: Connection, use_id: str) -> None:
    """A use that released nothing does not count."""
    conn.execute(_GIVE_ONE_BACK, {"use_id": use_id})
