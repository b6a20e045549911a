"""Comparing two ways of doing one thing: alternate them in one run, take medians of CPU time, check every result."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def pin_to_one_core() -> None:
    """Keep this process on the first core it may use, so that both sides of a ratio have the same one."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def cpu_ms(job: Callable[[], Any], repeat: int) -> float:
    """CPU time of one call in milliseconds, averaged over ``repeat`` calls in a row."""
    begin = time.process_time()
    for _ in range(repeat):
        job()
    return (time.process_time() - begin) * 1000 / repeat


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int = 7, our_repeat: int = 20, their_repeat: int = 3
) -> dict[str, float]:
    """Medians of both in milliseconds and ``ratio`` = theirs / ours, alternating within each round."""
    ours(), theirs()
    our_times, their_times = [], []
    for _ in range(rounds):
        our_times.append(cpu_ms(ours, our_repeat))
        their_times.append(cpu_ms(theirs, their_repeat))
    our_median, their_median = statistics.median(our_times), statistics.median(their_times)
    return {"ours_ms": round(our_median, 3), "theirs_ms": round(their_median, 3), "ratio": round(their_median / our_median, 2)}
