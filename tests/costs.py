"""Bounds on what hostile input may cost: memory, and processor seconds that mean the same on a slow, shared or traced machine.

A bound guards against cost that grows out of hand (by the square of the input, say), which overshoots it a hundredfold; it is no benchmark.
So each is stretched by how much slower than the machine it was set on this one is at that moment, never shrunk.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
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


_RESET_PEAK: Final = "5"  # proc(5), clear_refs


def _memory(name: str) -> int:
    """Kibibytes of this process: ``VmRSS`` now, ``VmHWM`` at most since the peak was reset."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


class PeakMemory:
    """How much more memory than at its making this process has had at some moment since.

    The largest memory of a process (``ru_maxrss``) would not do: a process inherits it from the one that started it, and keeps that of earlier
    work, so that what stays below is not seen.
    """

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
        self._before = _memory("VmRSS")

    def mebibytes(self) -> float:
        """By now."""
        return (_memory("VmHWM") - self._before) / 1024


@contextmanager
def at_most_memory(mebibytes: int) -> Iterator[None]:
    """The enclosed work takes at no moment so much more memory than there was in use before it."""
    peak = PeakMemory()
    yield
    grown = peak.mebibytes()
    assert grown < mebibytes, f"{grown:.0f} MiB more, {mebibytes} allowed"
