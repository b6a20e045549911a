"""Enter what it costs to compare with each password that was there before that was entered: by it no refusal is answered sooner (``show_password``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.store import credentials

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk

_AT_ONCE: Final = 200  # rows per transaction: nobody waits long for the writer


def weigh_passwords(desk: PeopleDesk) -> int:
    """How many were entered. Goes on where an earlier run ended; several processes may do it."""
    entered, after = 0, ""

    def weigh(connection: Connection) -> tuple[int, str | None]:
        return credentials.weigh_passwords(connection, desk.vault, after=after, most=_AT_ONCE)

    last: str | None = ""
    while last is not None:
        after = last
        count, last = desk.database.write(weigh)
        entered += count
    return entered
