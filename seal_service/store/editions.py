"""Editions: every making of a seal with its key, its certificate and its SESeal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, insert, select, update

from seal_service.model import Edition, EditionState
from seal_service.tables import editions
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


def _edition(row: RowMapping) -> Edition:
    return Edition(
        seal_id=row["seal_id"],
        edition=row["edition"],
        state=EditionState(row["state"]),
        key_id=row["key_id"],
        owner=row["owner"],
        begun_at=read_time(row["begun_at"]),
        name=row["name"],
        organisation=row["organisation"],
        purpose=row["purpose"],
        application_id=row["application_id"],
        request_der=row["request_der"],
        certificate_der=row["certificate_der"],
        seal_data_der=row["seal_data_der"],
        made_at=read_optional_time(row["made_at"]),
        retired_at=read_optional_time(row["retired_at"]),
        is_key_destroyed=bool(row["is_key_destroyed"]),
        is_certificate_revoked=bool(row["is_certificate_revoked"]),
        key_left_with=row["key_left_with"],
    )


def insert_edition(conn: Connection, edition: Edition) -> None:
    """A new edition, in whatever state it says."""
    conn.execute(
        insert(editions),
        {
            "seal_id": edition.seal_id,
            "edition": edition.edition,
            "state": edition.state.value,
            "key_id": edition.key_id,
            "owner": edition.owner,
            "begun_at": write_time(edition.begun_at),
            "name": edition.name,
            "organisation": edition.organisation,
            "purpose": edition.purpose,
            "application_id": edition.application_id,
            "request_der": edition.request_der,
            "certificate_der": edition.certificate_der,
            "seal_data_der": edition.seal_data_der,
            "made_at": write_optional_time(edition.made_at),
            "retired_at": write_optional_time(edition.retired_at),
            "is_key_destroyed": edition.is_key_destroyed,
            "is_certificate_revoked": edition.is_certificate_revoked,
            "key_left_with": edition.key_left_with,
        },
    )


def load_edition(conn: Connection, seal_id: str, edition: int) -> Edition | None:
    """One edition."""
    statement = select(editions).where(and_(editions.c.seal_id == seal_id, editions.c.edition == edition))
    row = conn.execute(statement).mappings().one_or_none()
    return None if row is None else _edition(row)


def list_editions(conn: Connection, seal_id: str) -> list[Edition]:
    """All editions of a seal, the first one first."""
    statement = select(editions).where(editions.c.seal_id == seal_id).order_by(editions.c.edition)
    return [_edition(row) for row in conn.execute(statement).mappings()]


def next_edition(conn: Connection, seal_id: str) -> int:
    """The number of the edition after the last one, be that made or abandoned."""
    found = conn.execute(select(func.max(editions.c.edition)).where(editions.c.seal_id == seal_id)).scalar()
    return 1 + (found or 0)


def finish_edition(conn: Connection, seal_id: str, edition: int, *, certificate_der: bytes, seal_data_der: bytes, at: datetime) -> bool:
    """Record what was made; False where the edition is not being made any more. The editions before it are retired."""
    is_it = and_(editions.c.seal_id == seal_id, editions.c.edition == edition, editions.c.state == EditionState.MAKING.value)
    values = {"certificate_der": certificate_der, "seal_data_der": seal_data_der, "made_at": write_time(at)}
    if conn.execute(update(editions).where(is_it).values(state=EditionState.MADE.value, **values)).rowcount == 0:
        return False
    conn.execute(
        update(editions)
        .where(and_(editions.c.seal_id == seal_id, editions.c.edition < edition, editions.c.retired_at.is_(None)))
        .values(retired_at=write_time(at))
    )
    return True


def abandon_edition(conn: Connection, seal_id: str, edition: int, *, at: datetime) -> bool:
    """Give up an edition that is being made; False where it has ended already."""
    is_it = and_(editions.c.seal_id == seal_id, editions.c.edition == edition, editions.c.state == EditionState.MAKING.value)
    return conn.execute(update(editions).where(is_it).values(state=EditionState.ABANDONED.value, retired_at=write_time(at))).rowcount > 0


def update_edition_request(conn: Connection, seal_id: str, edition: int, request_der: bytes) -> bool:
    """Record the request for a certificate; False where the edition is not being made any more."""
    is_it = and_(editions.c.seal_id == seal_id, editions.c.edition == edition, editions.c.state == EditionState.MAKING.value)
    return conn.execute(update(editions).where(is_it).values(request_der=request_der)).rowcount > 0


def load_waiting_edition(conn: Connection, seal_id: str) -> Edition | None:
    """The edition of a seal that waits for the certificate of an outside authority."""
    condition = and_(editions.c.seal_id == seal_id, editions.c.state == EditionState.MAKING.value, editions.c.request_der.is_not(None))
    row = conn.execute(select(editions).where(condition)).mappings().one_or_none()
    return None if row is None else _edition(row)


def update_edition_revoked(conn: Connection, seal_id: str, edition: int) -> None:
    """Record that the certificate of an edition is revoked."""
    is_it = and_(editions.c.seal_id == seal_id, editions.c.edition == edition)
    conn.execute(update(editions).where(is_it).values(is_certificate_revoked=True))


def update_edition_key_destroyed(conn: Connection, seal_id: str, edition: int) -> None:
    """Record that the key of an edition is gone."""
    is_it = and_(editions.c.seal_id == seal_id, editions.c.edition == edition)
    conn.execute(update(editions).where(is_it).values(is_key_destroyed=True))


def update_edition_key_left(conn: Connection, seal_id: str, edition: int, keeper: str) -> None:
    """Record that the key of an edition is over and left with ``keeper``."""
    is_it = and_(editions.c.seal_id == seal_id, editions.c.edition == edition)
    conn.execute(update(editions).where(is_it).values(key_left_with=keeper))


def list_keys_left(conn: Connection, keeper: str, *, limit: int) -> list[str]:
    """The names of keys that are over and left with ``keeper``."""
    statement = select(editions.c.key_id).where(editions.c.key_left_with == keeper).order_by(editions.c.key_id).limit(limit)
    return list(conn.execute(statement).scalars())


def list_editions_in_making(conn: Connection, *, limit: int) -> list[Edition]:
    """Editions whose making has begun and has no end yet, but for those that wait for a certificate; the oldest first."""
    condition = and_(editions.c.state == EditionState.MAKING.value, editions.c.request_der.is_(None))
    statement = select(editions).where(condition).order_by(editions.c.begun_at).limit(limit)
    return [_edition(row) for row in conn.execute(statement).mappings()]


def list_editions_with_key_to_destroy(conn: Connection, *, limit: int) -> list[Edition]:
    """Retired editions whose key is not gone yet, where it is not left with somebody else."""
    condition = and_(editions.c.retired_at.is_not(None), editions.c.is_key_destroyed.is_(False), editions.c.key_left_with.is_(None))
    statement = select(editions).where(condition).order_by(editions.c.seal_id, editions.c.edition).limit(limit)
    return [_edition(row) for row in conn.execute(statement).mappings()]


def list_editions_with_certificate_to_revoke(conn: Connection, *, limit: int) -> list[Edition]:
    """Retired editions whose key is left with its keeper and whose certificate was not seen to since: those that were retired before that was done."""
    condition = and_(
        editions.c.key_left_with.is_not(None),
        editions.c.retired_at.is_not(None),
        editions.c.certificate_der.is_not(None),
        editions.c.is_certificate_revoked.is_(False),
    )
    statement = select(editions).where(condition).order_by(editions.c.seal_id, editions.c.edition).limit(limit)
    return [_edition(row) for row in conn.execute(statement).mappings()]
