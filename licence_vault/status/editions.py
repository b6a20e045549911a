"""The published editions of status lists. Works in the caller's transaction and commits nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from licence_vault.log_tables import status_editions, status_values
from licence_vault.status.frames import cwt_of_frame, frame_of_cwt, frame_of_jwt, jwt_of_frame
from licence_vault.status.tokens import StatusTokens

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def _newest(connection: Connection, list_number: int, at_seconds: int, *, is_signed: bool) -> Any | None:
    """The row of the newest edition of a list that is of that time or before. Nearly always it is the last one, which is there at once; looked for by its
    time, it would be found among all that the list ever had.
    """
    of_list = [_COLUMNS.list_number == list_number, *([_COLUMNS.jwt_es256.is_not(None)] if is_signed else [])]
    last = connection.execute(select(status_editions).where(*of_list).order_by(_COLUMNS.number.desc()).limit(1)).first()
    if last is None or last.published_seconds <= at_seconds:
        return last
    number = connection.execute(select(func.max(_COLUMNS.number)).where(*of_list, _COLUMNS.published_seconds <= at_seconds)).scalar()
    return connection.execute(select(status_editions).where(*of_list, _COLUMNS.number == number)).first()


def newest_edition(connection: Connection, list_number: int, at_seconds: int) -> Edition | None:
    """The newest edition of a list that is of that time or before, signed or not."""
    found = _newest(connection, list_number, at_seconds, is_signed=False)
    return None if found is None else _edition(found)


def count_expired_lists(connection: Connection, list_numbers: Iterable[int], at_seconds: int) -> int:
    """How many of these lists say nothing any more: the newest edition that is signed, and of that time or before, has expired."""
    newest = [_newest(connection, number, at_seconds, is_signed=True) for number in list_numbers]
    return sum(each is not None and each.expires_seconds <= at_seconds for each in newest)


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


def count_editions_after(connection: Connection, list_numbers: Iterable[int], at_seconds: int) -> int:
    """How many editions of these lists say that they are of a later time."""
    later = [select(func.count()).where(_COLUMNS.list_number == number, _COLUMNS.published_seconds > at_seconds) for number in list_numbers]
    return sum(int(connection.execute(each).scalar_one()) for each in later)


def edition_at(connection: Connection, list_number: int, at_seconds: int) -> tuple[Edition, bool] | None:
    """The signed edition that was the newest at a time, and whether another has followed; None where there was none."""
    found = _newest(connection, list_number, at_seconds, is_signed=True)
    return None if found is None else (_edition(found), newest_signed_number(connection, list_number) > found.number)


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
