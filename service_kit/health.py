"""Whether this process lives (``/livez``) and whether it can do its work now (``/readyz``).

Alive means that the event loop answers: nothing else is asked, so that a missing database does not make an orchestrator restart
what restarting cannot mend. Ready means that every check passed; each is run with a time limit, and its facts are shown only where
they hold no secrets (the checks see to that).
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from service_kit.database import Database

CHECK_SECONDS: Final = 5.0
KEEP_SECONDS: Final = 1.0  # a poller in a hurry does not become a load
Facts = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's outcome. ``code`` is the error's where it failed."""

    name: str
    ready: bool
    facts: Mapping[str, str | int | float | bool | None]
    code: str | None
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """All outcomes together."""

    ready: bool
    checks: tuple[CheckResult, ...]

    @property
    def status(self) -> int:
        """The HTTP status: 200 or 503."""
        return 200 if self.ready else 503

    def body(self) -> bytes:
        """As JSON."""
        checks = [
            {
                "name": c.name,
                "ready": c.ready,
                "milliseconds": c.milliseconds,
                **({"code": c.code} if c.code else {}),
                "facts": dict(c.facts),
            }
            for c in self.checks
        ]
        return json.dumps({"ready": self.ready, "checks": checks}, ensure_ascii=False).encode()


def livez() -> bytes:
    """The answer of a living process."""
    return b'{"alive":true}'


class ReadinessProbe:
    """Runs the checks. ``checks``: name and function; the function returns facts, TrustError means not ready."""

    def __init__(self, checks: Sequence[tuple[str, Callable[[], Facts]]], *, check_seconds: float = CHECK_SECONDS) -> None:
        self._checks = tuple(checks)
        self._check_seconds = check_seconds
        self._last: tuple[float, Readiness] | None = None
        self._pool: ThreadPoolExecutor | None = None

    def readyz(self) -> Readiness:
        """Run every check (or give the result of a moment ago). Blocks: call it in a thread."""
        if self._last is not None and time.monotonic() - self._last[0] < KEEP_SECONDS:
            return self._last[1]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._checks)), thread_name_prefix="readiness")
        began = [(name, time.monotonic(), self._pool.submit(check)) for name, check in self._checks]
        results = []
        for name, start, future in began:
            facts: Facts = {}
            code = None
            try:
                facts = future.result(timeout=max(0.0, start + self._check_seconds - time.monotonic()))
            except TrustError as error:
                code, facts = error.code, dict(error.facts)
            except FutureTimeoutError:
                code = "CHECK_TOO_SLOW"
            except Exception as error:  # noqa: BLE001 # edge: a check that breaks is a check that failed
                code, facts = "INTERNAL", {"error": type(error).__name__}
            results.append(CheckResult(name, code is None, facts, code, int((time.monotonic() - start) * 1000)))
        readiness = Readiness(all(r.ready for r in results), tuple(results))
        self._last = (time.monotonic(), readiness)
        return readiness


def database_check(database: Database) -> Callable[[], Facts]:
    """A check that the database can be read and takes durable writes."""
    asked = "SELECT 1" if database.is_sqlite else "SHOW transaction_read_only"

    def check() -> Facts:
        with database.read() as connection:
            connection.execute(text("SELECT 1"))
        if database.write(lambda connection: connection.execute(text(asked)).scalar()) == "on":
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="read-only")
        return {"waiting_jobs": database.waiting_jobs}

    return check
