"""What the published status is made from: the steps of every seal's life, and the editions that were replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, select, update

from seal_service.model import EditionState
from seal_service.tables import editions, history, seals, status_number
from service_kit.row_values import read_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_NUMBER: Final = select(status_number.c.number)
_COUNT_ON: Final = update(status_number).values(number=status_number.c.number + bindparam("changes"))


class ChangeCounter:
    """Counts the acts about any seal, in the transactions that record them: rows handed over with ``Database.defer``.

    The one row is touched last of all, so that nobody waits for it long. Of two transactions the later to commit counts on from the
    other, whatever the order in which they began; the positions of acts are given out before that and can be passed by.
    """

    def write_rows(self, connection: Connection, rows: Sequence[str]) -> None:
        """Count all acts of a batch at once."""
        connection.execute(_COUNT_ON, {"changes": len(rows)})

    def rows_committed(self) -> None:
        """Nothing is kept here."""

    def rows_undone(self) -> None:
        """Nothing is kept here."""


CHANGES: Final = ChangeCounter()


def read_number(conn: Connection) -> int:
    """How many acts there were about any seal. Whoever reads the same number reads the same states."""
    return int(conn.execute(_NUMBER).scalar_one())


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
