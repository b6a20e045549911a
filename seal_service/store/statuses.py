"""What the published status is made from: the steps of every seal's life, and the editions that were replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from seal_service.model import EditionState
from seal_service.tables import editions, history, seals
from service_kit.row_values import read_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection


def newest_position(conn: Connection) -> int:
    """The position of the newest act of any seal; 0 before the first. It grows with every act."""
    return int(conn.execute(select(func.max(history.c.position))).scalar_one() or 0)


def walk_steps(conn: Connection) -> Iterator[tuple[str, str, str, str, datetime]]:
    """Every step of every seal that was ever made, seal by seal in the order of time: seal id, code, act, state reached, when."""
    statement = (
        select(history.c.seal_id, seals.c.code, history.c.act, history.c.to_state, history.c.at)
        .join(seals, seals.c.id == history.c.seal_id)
        .where(and_(history.c.from_state != history.c.to_state, seals.c.seal_data_der.is_not(None)))
        .order_by(history.c.seal_id, history.c.position)
    )
    for seal_id, code, act, state, at in conn.execute(statement):
        yield seal_id, code, act, state, read_time(at)


def list_steps_of_code(conn: Connection, code: str) -> list[tuple[str, str, datetime]]:
    """The steps of the seal with this code: act, state reached, when; empty where there is none."""
    statement = (
        select(history.c.act, history.c.to_state, history.c.at)
        .join(seals, seals.c.id == history.c.seal_id)
        .where(and_(history.c.from_state != history.c.to_state, seals.c.code == code, seals.c.seal_data_der.is_not(None)))
        .order_by(history.c.position)
    )
    return [(act, state, read_time(at)) for act, state, at in conn.execute(statement)]


def walk_retired_editions(conn: Connection) -> Iterator[tuple[str, bytes, datetime]]:
    """The SESeals that were replaced by a later making: seal id, DER, since when."""
    statement = select(editions.c.seal_id, editions.c.seal_data_der, editions.c.retired_at).where(
        and_(editions.c.state == EditionState.MADE.value, editions.c.retired_at.is_not(None), editions.c.seal_data_der.is_not(None))
    )
    for seal_id, seal_data_der, at in conn.execute(statement):
        yield seal_id, seal_data_der, read_time(at)
