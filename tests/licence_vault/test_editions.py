"""Which edition of a status list counts at a time: as a plain reading of all of them says, and at once however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, insert

from licence_vault.log_tables import status_editions
from licence_vault.status import editions
from tests.costs import at_most
from tests.untraced import untraced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

VALIDITY = 100
MANY = 3000


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as opened:
        status_editions.create(opened)
        yield opened
    engine.dispose()


def enter(connection: Connection, list_number: int, published: Sequence[tuple[int, bool]]) -> None:
    """Editions of a list from number 1: the time each was published, and whether it was signed."""
    frames = dict.fromkeys(("jwt_es256", "jwt_sm2"), ".") | dict.fromkeys(("cwt_es256", "cwt_sm2"), b"")
    rows = [
        {
            "list_number": list_number, "number": number, "published_seconds": at, "expires_seconds": at + VALIDITY, "size": 1, "bits": 2,
            "compressed": bytes(2000), "digest": bytes(32), "entry_id": "x", **(frames if is_signed else dict.fromkeys(frames)),
        }
        for number, (at, is_signed) in enumerate(published, 1)
    ]  # fmt: skip
    connection.execute(insert(status_editions), rows)


def test_the_highest_number_of_the_time_or_before_counts(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a clock was ahead for a moment, and where one waits for its tokens or never got them."""
    monkeypatch.setattr(editions, "_edition", lambda row: row)
    histories = {
        1: [(10, True), (20, True), (30, True)],
        2: [(10, True), (500, True), (20, True), (30, False)],
        3: [(10, False), (300, True), (20, False), (25, True), (310, False)],
        4: [(10, False)],
        5: [],
    }
    for number, published in histories.items():
        if published:
            enter(connection, number, published)

    def newest(number: int, at: int, *, is_signed: bool) -> int | None:
        known = enumerate(histories[number], 1)
        return max((each for each, (then, has) in known if then <= at and (has or not is_signed)), default=None)

    for at in (0, 9, 10, 19, 20, 24, 25, 30, 125, 131, 299, 300, 310, 499, 500, 600, 700):
        for number, published in histories.items():
            found, signed = editions.newest_edition(connection, number, at), editions.edition_at(connection, number, at)
            assert (found.number if found else None) == newest(number, at, is_signed=False), (number, at)
            expected = newest(number, at, is_signed=True)
            last = newest(number, 10**6, is_signed=True)
            assert (None if signed is None else (signed[0].number, signed[1])) == (expected and (expected, last != expected)), (number, at)
            over = expected is not None and published[expected - 1][0] + VALIDITY <= at
            assert editions.count_expired_lists(connection, [number], at) == over, (number, at)
            assert editions.count_editions_after(connection, [number], at) == sum(then > at for then, _ in published)
        each = [editions.count_expired_lists(connection, [number], at) for number in histories]
        assert editions.count_expired_lists(connection, histories, at) == sum(each)


@untraced()
def test_what_counts_now_is_found_at_once_among_many(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Editions are kept, and each revocation makes one: who fetches the list, publishes it or asks for readiness must not go through them all."""
    monkeypatch.setattr(editions, "_edition", lambda row: row)
    enter(connection, 1, [(at, True) for at in range(MANY)])
    with at_most(0.4):
        for _ in range(100):
            assert editions.edition_at(connection, 1, MANY)[0].number == editions.newest_edition(connection, 1, MANY).number == MANY  # type: ignore[index,union-attr]
            assert editions.count_expired_lists(connection, [1], MANY) == editions.count_editions_after(connection, [1], MANY) == 0
