"""Bounds on what hostile input may cost, in processor seconds that mean the same on a slow, shared or traced machine.

A bound guards against cost that grows out of hand (by the square of the input, say), which overshoots it a hundredfold; it is no benchmark.
So each is stretched by how much slower than the machine it was set on this one is at that moment, never shrunk.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

YARDSTICK_SECONDS: Final = 0.010  # what the yardstick takes on two quiet cores of the machine the bounds were set on


def _yardstick() -> float:
    """Processor seconds of a fixed piece of work of the interpreter."""
    started = time.process_time()
    found: dict[bytes, int] = {}
    for i in range(40_000):
        found[i.to_bytes(4, "big")] = i * i % 977
    assert len(found) == 40_000
    return time.process_time() - started


def slowness() -> float:
    """How many times slower than the machine the bounds were set on this one is just now; never less than 1."""
    return max(_yardstick(), YARDSTICK_SECONDS) / YARDSTICK_SECONDS


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """The enclosed work costs at most so many processor seconds of this process, on the machine of the yardstick."""
    before = slowness()
    started = time.process_time()
    yield
    taken = time.process_time() - started
    allowed = seconds * max(before, slowness())
    assert taken < allowed, f"{taken:.2f} s of processor time, {allowed:.2f} s allowed"
