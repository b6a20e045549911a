"""What is to be forgotten is forgotten within the hour, however much of it there is."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from service_kit.blobs import INCOMING_KEPT_SECONDS
from service_kit.row_values import write_time
from service_kit.sweeping import SWEEP_ROWS
from service_kit.tables import idempotency, outbox, used_values, webhook_deliveries, webhook_endpoints
from yinxin.console.tables import sessions
from yinxin.job_runner import JobRunner

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection

    from tests.deployments import Here

MANY = 2 * SWEEP_ROWS + 300  # of a busy hour
STILL = 3  # whose time is not over
YEAR = 365 * 86_400_000_000  # microseconds
ENDS: tuple[Column[Any], ...] = (
    idempotency.c.expires_at,
    used_values.c.used_until_at,
    outbox.c.done_at,
    sessions.c.expires_at,
    webhook_deliveries.c.finished_at,
)
JOBS = {"house-sweep", "webhook-sweep", "console-sweep"}


def values_of(column: Column[Any], place: int) -> object:
    """Anything that the column takes, another one in each row."""
    if column.name == "endpoint_id":
        return "test"
    kind = column.type.python_type
    return f"test-{place}" if kind is str else f"test-{place}".encode() if kind is bytes else 0


def store_many(connection: Connection, now: int) -> None:
    ours = {each.name: values_of(each, 0) for each in webhook_endpoints.c}
    connection.execute(insert(webhook_endpoints), ours)
    for end in ENDS:
        columns = [each for each in end.table.c if not each.nullable and each.name != "position"]
        rows = [{each.name: values_of(each, place) for each in columns} for place in range(MANY + STILL)]
        for place, row in enumerate(rows):
            row[end.name] = now - YEAR if place < MANY else now + YEAR
        connection.execute(insert(end.table), rows)


def test_all_of_it_goes_and_nothing_else(here: Here) -> None:
    database, now = here.house.context.database, write_time(here.house.clock.now())
    database.write(lambda connection: store_many(connection, now))

    def count(end: Column[Any], *, is_over: bool) -> int:
        time_is = end < now if is_over else end > now + YEAR // 2
        with database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(end.table).where(time_is)).scalar_one())

    assert [count(end, is_over=True) for end in ENDS] == [MANY] * len(ENDS)
    for job in here.application._runner._jobs:
        if job.name in JOBS:
            assert JobRunner.run_once(job) == "done", job.name
    assert {end.table.name: count(end, is_over=True) for end in ENDS} == {end.table.name: 0 for end in ENDS}
    assert [count(end, is_over=False) for end in ENDS] == [STILL] * len(ENDS)


def test_documents_that_were_not_received_whole_go(here: Here) -> None:
    """Of a process that was killed meanwhile; what somebody receives now stays."""
    blobs = here.house.context.blobs
    digest = blobs.put(b"whole")
    incoming = here.folder / "blobs" / "incoming"
    (incoming / "dead").write_bytes(b"half a document")
    (incoming / "living").write_bytes(b"half another")
    at = time.time() - INCOMING_KEPT_SECONDS - 60
    os.utime(incoming / "dead", (at, at))
    [job] = [each for each in here.application._runner._jobs if each.name == "house-sweep"]
    assert JobRunner.run_once(job) == "done"
    assert [each.name for each in incoming.iterdir()] == ["living"]
    assert blobs.get(digest) == b"whole"
