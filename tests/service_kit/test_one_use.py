"""Values that count once, whoever tries and however many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from service_kit.one_use import sweep_used_values, use_once

if TYPE_CHECKING:
    from service_kit.database import Database

AT = datetime(2026, 11, 28, 7, tzinfo=UTC)


def test_one_of_sixteen_at_once_and_nobody_later(database: Database) -> None:
    def take(_: int) -> bool:
        return database.write(lambda connection: use_once(connection, "dpop", "key id", AT))

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(take, range(16))) == [False] * 15 + [True]
    assert take(0) is False


def test_places_and_values_do_not_touch_and_are_forgotten_in_their_time(database: Database) -> None:
    def take(place: str, value: str, seconds: int = 0) -> bool:
        return database.write(lambda connection: use_once(connection, place, value, AT + timedelta(seconds=seconds)))

    assert all([take("dpop", "a"), take("dpop", "b", 60), take("other", "a", 60), take("dpop\0", "a", 60)])
    assert database.write(lambda connection: sweep_used_values(connection, AT + timedelta(seconds=30))) == 1
    assert take("dpop", "a")
    assert not take("dpop", "b")
