"""Give numbers to the changes that have become durable: before the feed is read, and now and then."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from idp.store.changes import has_waiting, number_changes

if TYPE_CHECKING:
    from service_kit.database import Database

_AT_ONCE: Final = 2000
_TURNS_MAX: Final = 20  # a reader does not number for ever where others write all the time


def number_durable_changes(database: Database) -> int:
    """How many numbers were given. Several processes may do it: of two at once one waits for the other."""
    given = 0
    for _ in range(_TURNS_MAX):
        with database.read() as connection:
            if not has_waiting(connection):
                break
        given += database.write(partial(number_changes, most=_AT_ONCE))
    return given
