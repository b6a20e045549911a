"""Counters, gauges and histograms in the Prometheus text format (version 0.0.4), without a client library.

Names and label values are constants of the program or route templates, never what a caller sent: so the number of series is bounded.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final, TypeVar

from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SERIES: Final = 2000  # per metric; beyond it labels are joined under "other", so that a mistake cannot eat the memory
Labels = tuple[str, ...]


class Counter:
    """Only grows."""

    kind = "counter"

    def __init__(self, name: str, description: str, labels: Sequence[str] = ()) -> None:
        self.name, self.description, self.labels = name, description, tuple(labels)
        self._values: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, *values: str, amount: float = 1) -> None:
        """Count, for one value of each label."""
        with self._lock:
            key = _bounded(self._values, values)
            self._values[key] = self._values.get(key, 0.0) + amount

    def lines(self) -> list[str]:
        """The samples."""
        return [f"{self.name}{_written(self.labels, key)} {_number(value)}" for key, value in sorted(self._values.items())]


class Reading:
    """A value that is kept elsewhere and asked for when it is read; ``kind``: ``gauge``, or ``counter`` where it only grows. A source that fails
    leaves its sample out.
    """

    def __init__(self, name: str, description: str, source: Callable[[], float], kind: str) -> None:
        self.name, self.description, self.kind, self._source = name, description, kind, source

    def lines(self) -> list[str]:
        """The sample, or nothing."""
        try:
            return [f"{self.name} {_number(float(self._source()))}"]
        except TrustError:
            return []


class Histogram:
    """How often a value fell into which bucket."""

    kind = "histogram"

    def __init__(self, name: str, description: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS_BUCKETS) -> None:
        self.name, self.description, self.labels = name, description, tuple(labels)
        self._buckets = tuple(buckets)
        self._values: dict[Labels, list[float]] = {}
        self._lock = threading.Lock()

    def observe(self, value: float, *values: str) -> None:
        """Enter one value."""
        with self._lock:
            key = _bounded(self._values, values)
            counts = self._values.get(key)
            if counts is None:
                counts = self._values[key] = [0.0] * (len(self._buckets) + 2)  # buckets, more, sum
            counts[bisect_left(self._buckets, value)] += 1
            counts[-1] += value

    def lines(self) -> list[str]:
        """The cumulative buckets, the sum and the count."""
        written = []
        for key, counts in sorted(self._values.items()):
            total = 0.0
            for bound, count in zip((*map(_number, self._buckets), "+Inf"), counts[:-1], strict=True):
                total += count
                written.append(f"{self.name}_bucket{_written((*self.labels, 'le'), (*key, bound))} {_number(total)}")
            written += [
                f"{self.name}_sum{_written(self.labels, key)} {_number(counts[-1])}",
                f"{self.name}_count{_written(self.labels, key)} {_number(total)}",
            ]
        return written


Metric = TypeVar("Metric", Counter, Reading, Histogram)


class Metrics:
    """All metrics of one process."""

    def __init__(self) -> None:
        self._metrics: dict[str, Counter | Reading | Histogram] = {}

    def counter(self, name: str, description: str, labels: Sequence[str] = ()) -> Counter:
        """A new counter."""
        return self._added(Counter(name, description, labels))

    def reading(self, name: str, description: str, source: Callable[[], float], *, kind: str = "gauge") -> Reading:
        """A value kept elsewhere: ``kind`` ``gauge`` or, where it only grows, ``counter``."""
        return self._added(Reading(name, description, source, kind))

    def histogram(self, name: str, description: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS_BUCKETS) -> Histogram:
        """A new histogram."""
        return self._added(Histogram(name, description, labels, buckets))

    def _added(self, metric: Metric) -> Metric:
        if metric.name in self._metrics:
            raise ValueError(f"{metric.name} exists")
        self._metrics[metric.name] = metric
        return metric

    def text(self) -> str:
        """The whole exposition."""
        lines: list[str] = []
        for metric in self._metrics.values():
            lines += [f"# HELP {metric.name} {_escaped(metric.description)}", f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        return "\n".join(lines) + "\n"


def _bounded(known: dict[Labels, Any], values: Labels) -> Labels:
    return values if values in known or len(known) < SERIES else ("other",) * len(values)


def _written(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{n}="{_escaped(v)}"' for n, v in zip(names, values, strict=True)) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
