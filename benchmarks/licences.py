"""The licence log and the status lists: durable entries per second, how long until a checkpoint covers one, how large a list is."""

from __future__ import annotations

import random
import statistics
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from licence_vault.log.entries import append_leaves
from licence_vault.log.instance import open_licence_log
from licence_vault.log.leaf import LicenceLeaf
from licence_vault.status.order import ENTRIES
from standards.ietf_status_list import deflate, pack
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.initialise import initialise

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

STEADY_PER_SECOND = 10_000
BATCH = 500  # leaves of one transaction, as issuing in batches makes them
LOOK_SECONDS = 0.002


def _append(leaves: list[LicenceLeaf], connection: Connection) -> None:
    append_leaves(connection, leaves)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_log(folder: Path, entries: int, *, per_second: int | None = None) -> dict[str, Any]:
    """Append ``entries`` leaves durably while the log is running; every batch is one transaction, synced to the disk.

    ``per_second``: no more than so many; None: as many as can be.
    """
    initialise(folder)
    house = open_house(open_deployment(folder))
    context = house.context
    log = open_licence_log(context)
    at = context.clock.now().replace(microsecond=0)
    leaves = [
        LicenceLeaf(
            "issued",
            "11100000000013338W011",
            "11430000006122244L",
            "001",
            at,
            None,
            number % ENTRIES,
            bytes(32),
            number.to_bytes(32, "big"),
        )
        for number in range(entries)
    ]
    appended: list[tuple[float, int]] = []  # when, and how many there were then
    covered: list[tuple[float, int]] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            covered.append((time.perf_counter(), log.head().size))
            time.sleep(LOOK_SECONDS)

    log.start()
    watcher = threading.Thread(target=look)
    watcher.start()
    began, cpu_began = time.perf_counter(), time.process_time()
    for start in range(0, entries, BATCH):
        if per_second is not None:
            time.sleep(max(0.0, began + start / per_second - time.perf_counter()))
        some = leaves[start : start + BATCH]
        context.database.write(partial(_append, some))
        appended.append((time.perf_counter(), start + len(some)))
    appending = time.perf_counter() - began
    while log.head().size < entries:
        time.sleep(LOOK_SECONDS)
    logged, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    time.sleep(2 * LOOK_SECONDS)
    done.set()
    watcher.join()
    covered.append((time.perf_counter(), log.head().size))
    log.stop()
    house.close()
    waits = []
    position = 0
    for when, count in appended:
        while covered[position][1] < count:
            position += 1
        waits.append(max(0.0, covered[position][0] - when))
    return {
        "entries": entries,
        "appends_per_second": round(entries / appending),
        "logged_per_second": round(entries / logged),
        "cpu_microseconds_per_entry": round(1e6 * cpu / entries, 1),  # of all: appending, both trees, tiles, looking
        "checkpoint_seconds": {"median": round(statistics.median(waits), 3), "p99": round(_percentile(waits, 0.99), 3)},
    }


def measure_lists() -> dict[str, Any]:
    """A full list with one in a hundred revoked."""
    chosen = random.Random(1).sample(range(ENTRIES), ENTRIES // 100)
    began = time.perf_counter()
    packed = pack(ENTRIES, 2, ((index, 1) for index in chosen))
    compressed = deflate(packed)
    return {"entries": ENTRIES, "revoked": len(chosen), "bytes": len(compressed), "seconds": round(time.perf_counter() - began, 3)}


def measure(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Both."""
    entries = 20_000 if quick else 200_000
    return {
        "log": measure_log(folder / "licences-most", entries),
        "steady_log": measure_log(folder / "licences-steady", entries // 2, per_second=STEADY_PER_SECOND),
        "status_list": measure_lists(),
    }
