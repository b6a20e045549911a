"""Time, passed in: aware UTC, and never earlier than a time already used.

``SystemClock`` holds a floor: the latest time this deployment has issued, kept in a small file. Where the machine's clock is set
back, issued times stand still at the floor (I10); where it is behind by more than the tolerance, the clock refuses, because
something is wrong with the machine and what it would sign would carry a false time.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from crypto.durable_files import make_folder
from service_kit.durable_files import write_durably
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOLERANCE_SECONDS: Final = 60.0  # what a time daemon may correct in one step without anyone having to look
FLOOR_EVERY_SECONDS: Final = 5.0  # how much of the floor a crash may lose


def in_utc(at: datetime, refuse: Callable[[str], Exception]) -> datetime:
    """A time that somebody stated, in UTC. Raises what ``refuse`` makes of the rule it breaks: it has no zone, or lies at one of the
    calendar's ends, where UTC has no such time.
    """
    if at.utcoffset() is None:
        raise refuse("a time with its zone (RFC 3339)")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise refuse("a time that UTC has") from None


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Aware UTC, never earlier than before. TrustError CLOCK_BEHIND (unavailable) where time cannot be trusted."""
        ...


class SystemClock:
    """The machine's clock with a floor kept in ``floor_path`` (None: in memory only)."""

    def __init__(self, floor_path: Path | None = None, *, tolerance_seconds: float = TOLERANCE_SECONDS) -> None:
        self._path = floor_path
        self._tolerance = timedelta(seconds=tolerance_seconds)
        self._floor = _read_floor(floor_path)
        self._stored = self._floor
        self._lock = threading.Lock()
        self.held_back = 0
        """How often the machine's time was behind the floor when it was asked for (``clock_held_back_total``): worth an alarm where it grows."""
        self.unsaved: OSError | None = None
        """Why the floor could not be kept the last time, such as a full disk; None where it was. For readiness."""

    def now(self) -> datetime:
        """The machine's time, or the floor where that is later."""
        floor = self._floor  # before the machine's time: another thread may raise it meanwhile, and that is no clock that went back
        present = datetime.now(UTC)
        if present >= floor:
            self._floor = max(present, self._floor)
            if self._path is not None and present - self._stored >= timedelta(seconds=FLOOR_EVERY_SECONDS):
                self.save_floor()
            return present
        self.held_back += 1
        if floor - present > self._tolerance:
            raise TrustError(Kind.UNAVAILABLE, "CLOCK_BEHIND", behind_seconds=int((floor - present).total_seconds()))
        return floor

    def save_floor(self) -> None:
        """Keep the floor over a restart. Another process of the deployment may have stored a later one: that stays.

        Where the disk does not take it, time goes on by the floor in memory, so that what needs no disk goes on (verifying), and ``unsaved`` says so.
        """
        if self._path is None:
            return
        with self._lock:
            self._stored = self._floor  # tried again when as much time has passed
            try:
                self._stored = self._floor = max(self._floor, _read_floor(self._path))
                make_folder(self._path.parent)
                write_durably(self._path, self._floor.isoformat().encode("ascii"), sync=False)
            except OSError as error:
                self.unsaved = error
            else:
                self.unsaved = None


def _read_floor(path: Path | None) -> datetime:
    beginning = datetime(2000, 1, 1, tzinfo=UTC)
    if path is None or not path.exists():
        return beginning
    try:
        stored = datetime.fromisoformat(path.read_text(encoding="ascii"))
    except ValueError:
        raise TrustError(Kind.UNAVAILABLE, "CLOCK_FLOOR_UNREADABLE", file=os.fspath(path.name)) from None
    if stored.tzinfo is None:
        raise TrustError(Kind.UNAVAILABLE, "CLOCK_FLOOR_UNREADABLE", file=os.fspath(path.name))
    return max(beginning, stored.astimezone(UTC))
