"""Licences that are being shown. One scan, one agreement, one look: each by conditional update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update

from licence_vault.copy_tables import showings
from licence_vault.showings import Showing, ShowingState
from licence_vault.uses import UseMode
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping

_TIMES: Final = ("opened_at", "ends_at")
_OVER: Final = (ShowingState.SEEN.value, ShowingState.ENDED.value)


def insert_showing(conn: Connection, showing: Showing) -> None:
    """A showing that begins."""
    values: dict[str, Any] = {name: getattr(showing, name) for name in Showing.__slots__ if name != "client"}
    values |= {name: write_time(values[name]) for name in _TIMES}
    conn.execute(insert(showings), values | {"mode": showing.mode.value, "state": showing.state.value, "client_id": showing.client})


def load_showing(conn: Connection, showing_id: str, *, is_locked: bool = False) -> Showing | None:
    """A showing by its id. ``is_locked``: nobody changes it until the commit."""
    wanted = select(showings).where(showings.c.id == showing_id)
    row = conn.execute(wanted.with_for_update() if is_locked else wanted).mappings().first()
    return None if row is None else _showing(row)


def list_showings(conn: Connection, account: str, at: datetime, *, limit: int) -> list[Showing]:
    """Those of a person that are not over, the one begun last first."""
    wanted = select(showings).where(_living(account, at)).order_by(showings.c.opened_at.desc(), showings.c.id.desc()).limit(limit)
    return [_showing(row) for row in conn.execute(wanted).mappings()]


def _living(account: str, at: datetime) -> ColumnElement[bool]:
    return (showings.c.account == account) & (showings.c.ends_at > write_time(at)) & showings.c.state.not_in(_OVER)


def _showing(row: RowMapping) -> Showing:
    values: dict[str, Any] = dict(row)
    values |= {name: read_time(values[name]) for name in _TIMES}
    values |= {"mode": UseMode(values["mode"]), "state": ShowingState(values["state"]), "client": values.pop("client_id")}
    return Showing(**values)


def count_showings(conn: Connection, account: str, at: datetime) -> int:
    """How many of a person are not over."""
    return int(conn.execute(select(func.count()).select_from(showings).where(_living(account, at))).scalar_one())


def move_showing(conn: Connection, before: Showing, after: Showing) -> bool:
    """Change what can change of it; False where it is not any more as it was read."""
    held = (showings.c.id == before.id) & (showings.c.revision == before.revision)
    values = {
        "state": after.state.value,
        "tries_left": after.tries_left,
        "client_id": after.client,
        "reason": after.reason,
        "officer_sealed": after.officer_sealed,
        "power_client": after.power_client,
        "power_grant": after.power_grant,
        "revision": before.revision + 1,
    }
    return conn.execute(update(showings).where(held).values(**values)).rowcount == 1


def delete_showings(conn: Connection, before: datetime) -> int:
    """Forget those that were over before then; how many."""
    return conn.execute(delete(showings).where(showings.c.ends_at < write_time(before))).rowcount
