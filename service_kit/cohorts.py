"""Work that many requests do alike goes one after another by its step: who is at the same step comes next.

Threads of one interpreter compute one at a time in any case. Left to themselves they take the processor from each other in the middle of
their work, and each finds its caches full of what another one needed. Here they pass it on at the ends of steps, and first to those who are
about to do the same: its code is still where the processor has it at hand.

    with cohorts.step("licence.draw"):
        drawn = draw_pdf(...)

What is done within a step computes for some milliseconds. It waits for nothing (no write, network, device or other lock): that would hold up
everyone else. What also reads from the database says so, and is a step only where that is a file here. Nothing rests on being alone: a turn
that lasts longer than ``PATIENCE_SECONDS`` is given to somebody else, beside whom its owner goes on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS: Final = 0.25  # a step takes five milliseconds; who takes fifty times as long is stuck or has met something monstrous
IN_A_ROW: Final = 32  # of one step before another step's turn comes, whoever arrives meanwhile


class _Comer:
    """Somebody at a step. ``called`` is held until the turn is his."""

    __slots__ = ("called",)

    def __init__(self) -> None:
        self.called = threading.Lock()
        self.called.acquire()


class Cohorts:
    """The turns of one process. All methods may be called by any thread. ``are_reads_quick``: whether reading the database asks no server."""

    def __init__(self, *, are_reads_quick: bool = True, patience_seconds: float = PATIENCE_SECONDS, in_a_row: int = IN_A_ROW) -> None:
        self._are_reads_quick = are_reads_quick
        self._patience_seconds = patience_seconds
        self._in_a_row = in_a_row
        self._guard = threading.Lock()
        self._waiting: dict[str, deque[_Comer]] = {}  # a dict keeps the order in which steps were first come to
        self._owner: _Comer | None = None  # whose turn it is,
        self._since = 0.0  # since when (monotonic seconds),
        self._now = ""  # at which step,
        self._run = 0  # and as which one of it in a row
        self._mine = threading.local()

    @contextmanager
    def step(self, name: str, *, reads: bool = False) -> Iterator[None]:
        """Compute within a step. Steps within a step are part of it. ``name`` is one of a few constants, never anything of a request;
        ``reads``: the database is read within it.
        """
        if getattr(self._mine, "is_within", False) or (reads and not self._are_reads_quick):
            yield
            return
        me = self._come(name)
        self._mine.is_within = True
        try:
            yield
        finally:
            self._mine.is_within = False
            self._go(me)

    def _come(self, name: str) -> _Comer:
        """Wait until it is one's turn."""
        me = _Comer()
        with self._guard:
            queue = self._waiting.setdefault(name, deque())
            if self._owner is None:
                self._give(me, name, 1)
                return me
            queue.append(me)
        while not me.called.acquire(timeout=self._patience_seconds):
            with self._guard:
                is_stuck = time.monotonic() - self._since >= self._patience_seconds
                if is_stuck and me in queue:
                    queue.remove(me)
                    self._give(me, name, 1)
                    return me
        return me

    def _go(self, me: _Comer) -> None:
        """Pass the turn on, where it is still one's own: to the same step, then to the next one round that somebody waits for."""
        with self._guard:
            if self._owner is not me:
                return
            name = self._now if self._waiting[self._now] and self._run < self._in_a_row else self._following()
            queue = self._waiting[name]
            if not queue:
                self._owner = None
                return
            following = queue.popleft()
            self._give(following, name, self._run + 1 if name == self._now else 1)
            following.called.release()

    def _give(self, comer: _Comer, name: str, run: int) -> None:
        self._owner, self._since, self._now, self._run = comer, time.monotonic(), name, run

    def _following(self) -> str:
        """The first step round after the present one that somebody waits for, itself last."""
        names = list(self._waiting)
        place = names.index(self._now) + 1
        return next((name for name in names[place:] + names[:place] if self._waiting[name]), self._now)
