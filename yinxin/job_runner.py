"""Periodic work of one process: a thread for each job, ended in good order."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service_kit.composition import Job
    from service_kit.metrics import Metrics

STOP_SECONDS: Final = 10.0  # how long a running turn may take to end at shutdown
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobTurn:
    """A periodic job and its last turn in this process. ``outcome`` (``done``, ``failed``, ``broken``) and ``began_at`` are None before the first."""

    name: str
    every_seconds: float
    began_at: datetime | None = None
    outcome: str | None = None
    milliseconds: int | None = None


def first_wait(job: Job) -> float:
    """Seconds until its first turn: a random part of its interval, so that the workers of a deployment do not move in step."""
    return job.every_seconds * random.random()  # noqa: S311 - spreads processes apart, no secret


class JobRunner:
    """Runs each job at its interval."""

    def __init__(self, jobs: Sequence[Job], metrics: Metrics | None = None) -> None:
        self._jobs = tuple(jobs)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._turns: dict[str, JobTurn] = {job.name: JobTurn(job.name, job.every_seconds) for job in self._jobs}
        self._runs = metrics.counter("jobs_total", "Turns of periodic jobs by outcome", ("job", "outcome")) if metrics else None

    def start(self) -> None:
        """Start every job's thread."""
        for job in self._jobs:
            thread = threading.Thread(target=self._serve, args=(job, first_wait(job)), name=f"job-{job.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def turns(self) -> tuple[JobTurn, ...]:
        """Every job with its last turn, in the order of names."""
        return tuple(self._turns[name] for name in sorted(self._turns))

    def stop(self) -> None:
        """Let running turns end, begin no other."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _serve(self, job: Job, begins_after: float) -> None:
        if self._stopping.wait(begins_after):
            return
        while True:
            began_at, began = datetime.now(UTC), time.monotonic()
            outcome = self.run_once(job)
            self._turns[job.name] = JobTurn(job.name, job.every_seconds, began_at, outcome, int((time.monotonic() - began) * 1000))
            if self._runs is not None:
                self._runs.add(job.name, outcome)
            if self._stopping.wait(job.every_seconds):
                return

    @staticmethod
    def run_once(job: Job) -> str:
        """One turn: ``done``, ``failed`` for a known trouble (it comes again), ``broken`` for a fault of the program."""
        try:
            job.run()
        except TrustError as error:
            _log.warning("job failed", extra={"facts": {"job": job.name, "code": error.code, **error.facts}})
            return "failed"
        except Exception:  # noqa: BLE001 # edge: of the job's thread; a fault is logged with its trace and the next turn tries again
            _log.exception("job broken", extra={"facts": {"job": job.name}})
            return "broken"
        return "done"
