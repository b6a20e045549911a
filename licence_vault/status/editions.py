"""The published editions of status lists. Works in the caller's transaction and commits nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from licence_vault.log_tables import status_editions, status_values
from licence_vault.status.frames import cwt_of_frame, frame_of_cwt, frame_of_jwt, jwt_of_frame
from licence_vault.status.tokens import StatusTokens

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COLUMNS = status_editions.c


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition. Times: seconds since 1970 UTC. ``digest``: SM3 of the packed bytes. ``tokens``: None while they are being signed."""

    list_number: int
    number: int
    published_seconds: int
    expires_seconds: int
    size: int
    bits: int
    compressed: bytes
    digest: bytes
    entry_id: str
    tokens: StatusTokens | None


def insert_edition(connection: Connection, edition: Edition) -> None:
    """Store a new edition, without tokens."""
    names = ("list_number", "number", "published_seconds", "expires_seconds", "size", "bits", "compressed", "digest", "entry_id")
    connection.execute(insert(status_editions), {name: getattr(edition, name) for name in names})


def set_tokens(connection: Connection, edition: Edition, tokens: StatusTokens) -> bool:
    """Add the tokens; False where another process has done it, whose tokens then stay."""
    done = connection.execute(
        update(status_editions)
        .where(_COLUMNS.list_number == edition.list_number, _COLUMNS.number == edition.number, _COLUMNS.jwt_es256.is_(None))
        .values(
            jwt_es256=frame_of_jwt(tokens.jwt_es256, edition.compressed),
            jwt_sm2=frame_of_jwt(tokens.jwt_sm2, edition.compressed),
            cwt_es256=frame_of_cwt(tokens.cwt_es256, edition.compressed),
            cwt_sm2=frame_of_cwt(tokens.cwt_sm2, edition.compressed),
        )
    )
    return done.rowcount == 1


def newest_edition(connection: Connection, list_number: int, at_seconds: int) -> Edition | None:
    """The newest edition of a list that is of that time or before, signed or not."""
    found = connection.execute(
        select(status_editions)
        .where(_COLUMNS.list_number == list_number, _COLUMNS.published_seconds <= at_seconds)
        .order_by(_COLUMNS.number.desc())
        .limit(1)
    ).first()
    return None if found is None else _edition(found)


def count_expired_lists(connection: Connection, at_seconds: int) -> int:
    """Of how many lists every edition that is signed, and of that time or before, has expired: none of them says anything any more."""
    ends = (
        select(func.max(_COLUMNS.expires_seconds).label("ends"))
        .where(_COLUMNS.jwt_sm2.is_not(None), _COLUMNS.published_seconds <= at_seconds)
        .group_by(_COLUMNS.list_number)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(ends).where(ends.c.ends <= at_seconds)).scalar() or 0)


def newest_number(connection: Connection, list_number: int) -> int:
    """The number of the newest edition, 0 where there is none."""
    return int(connection.execute(select(func.max(_COLUMNS.number)).where(_COLUMNS.list_number == list_number)).scalar() or 0)


def newest_signed_number(connection: Connection, list_number: int) -> int:
    """The number of the newest edition that can be fetched, 0 where there is none. Reads one row of the index."""
    found = connection.execute(
        select(_COLUMNS.number)
        .where(_COLUMNS.list_number == list_number, _COLUMNS.jwt_es256.is_not(None))
        .order_by(_COLUMNS.number.desc())
        .limit(1)
    ).scalar()
    return int(found or 0)


def count_editions_after(connection: Connection, at_seconds: int) -> int:
    """How many editions say that they are of a later time."""
    return int(connection.execute(select(func.count()).where(_COLUMNS.published_seconds > at_seconds)).scalar_one())


def edition_at(connection: Connection, list_number: int, at_seconds: int) -> tuple[Edition, bool] | None:
    """The signed edition that was the newest at a time, and whether another has followed; None where there was none."""
    signed = (_COLUMNS.list_number == list_number, _COLUMNS.jwt_es256.is_not(None))
    found = connection.execute(
        select(status_editions).where(*signed, _COLUMNS.published_seconds <= at_seconds).order_by(_COLUMNS.number.desc()).limit(1)
    ).first()
    if found is None:
        return None
    later = connection.execute(select(func.max(_COLUMNS.number)).where(*signed)).scalar_one()
    return _edition(found), later > found.number


def changed_since(connection: Connection, list_number: int, at_microseconds: int) -> bool:
    """Whether anything of the list was changed at that time or later."""
    columns = status_values.c
    wanted = select(columns.changed_at).where(columns.list_number == list_number, columns.changed_at >= at_microseconds).limit(1)
    return connection.execute(wanted).first() is not None


def _edition(row: Any) -> Edition:
    tokens = None
    if row.jwt_es256 is not None:
        tokens = StatusTokens(
            jwt_of_frame(row.jwt_es256, row.compressed),
            jwt_of_frame(row.jwt_sm2, row.compressed),
            cwt_of_frame(row.cwt_es256, row.compressed),
            cwt_of_frame(row.cwt_sm2, row.compressed),
        )
    return Edition(
        row.list_number,
        row.number,
        row.published_seconds,
        row.expires_seconds,
        row.size,
        row.bits,
        row.compressed,
        row.digest,
        row.entry_id,
        tokens,
    )
