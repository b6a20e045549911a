"""Work that many requests do alike goes one after another by its step: who is at the same step comes next.

Threads of one interpreter compute one at a time in any case. Left to themselves they take the processor from each other in the middle of
their work, and each finds its caches full of what another one needed. Here they pass it on at the ends of steps, and first to those who are
about to do the same: its code is still where the processor has it at hand.

    with cohorts.step("document.draw"):
        drawn = draw(...)

What is done within a step computes for some milliseconds. It waits for nothing (no commit, network, device or other lock): that would hold up
everyone else. What also reads from the database says so, and is a step only where that is a file here. Nothing rests on being alone: a turn
that lasts longer than ``PATIENCE_SECONDS`` is given to somebody else, beside whom its owner goes on.

Turns only help where those who take them are the ones who compute. Where others do too (who verify, read or sign in beside them), all who take
turns together get no more of the interpreter than each of the others. So turns are measured: where they take far longer than they compute, and others of
this process compute meanwhile, everybody comes through without one for a while. A turn that lasts long because another process has the processor, or
another machine the host, says nothing about turns.

The writer of the database (``group_commit``) has its turn among them, so that it is not stopped at each statement by those who compute, nor they
by it.
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

MEASURED: Final = 64  # turns that are looked at together: of fewer, now and then most fall into the work of a few others
CROWDED: Final = 2.0  # times as long as was computed, and others computed for the rest of it: they are as many as those who take turns
OPEN_SECONDS: Final = 20.0  # for which nobody waits then: so many slow turns in so long are a small part


class _Comer:
    """Somebody at a step. ``called`` is held until the turn is his; ``due``: by which turn it must be, where he is in a hurry."""

    __slots__ = ("called", "due")

    def __init__(self, due: int = 0) -> None:
        self.called = threading.Lock()
        self.called.acquire()
        self.due = due


class Cohorts:
    """The turns of one process. All methods may be called by any thread. ``are_reads_quick``: whether reading the database asks no server."""

    def __init__(
        self,
        *,
        are_reads_quick: bool = True,
        patience_seconds: float = PATIENCE_SECONDS,
        in_a_row: int = IN_A_ROW,
        crowded: float = CROWDED,
    ) -> None:
        self._are_reads_quick = are_reads_quick
        self._crowded = crowded
        self._patience_seconds = patience_seconds
        self._in_a_row = in_a_row
        self._guard = threading.Lock()
        self._waiting: dict[str, deque[_Comer]] = {}  # a dict keeps the order in which steps were first come to
        self._hurried: deque[_Comer] = deque()
        self._owner: _Comer | None = None  # whose turn it is,
        self._since = 0.0  # since when (monotonic seconds),
        self._turns = 0  # as which one of all,
        self._now = ""  # at which step,
        self._run = 0  # and as which one of it in a row
        self._measured = 0  # turns since they were looked at last: for how many seconds
        self._lasted = self._computed = self._all_computed = 0.0  # they lasted, their owners computed, the whole process computed
        self._open_until = 0.0  # monotonic seconds
        self._mine = threading.local()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._guard:
            return len(self._hurried) + sum(map(len, self._waiting.values()))

    @property
    def is_open(self) -> bool:
        """Whether nobody waits for a turn now, because others compute."""
        return time.monotonic() < self._open_until

    @contextmanager
    def step(self, name: str, *, reads: bool = False) -> Iterator[None]:
        """Compute within a step. Steps within a step are part of it. ``name`` is one of a few constants, never anything of a request;
        ``reads``: the database is read within it.
        """
        if getattr(self._mine, "is_within", False) or (reads and not self._are_reads_quick) or self.is_open:
            yield
            return
        me = self._come(name)
        self._mine.is_within = True
        began, computed, all_computed = time.monotonic(), time.thread_time(), time.process_time()
        try:
            yield
        finally:
            self._mine.is_within = False
            self._measure(time.monotonic() - began, time.thread_time() - computed, time.process_time() - all_computed)
            self._go(me)

    @contextmanager
    def soon(self, turns: int) -> Iterator[None]:
        """Compute with the database for all the others, in a step of no name: so many turns of others come first at most."""
        if not self._are_reads_quick or self.is_open:
            yield
            return
        me = self._come(None, turns)
        try:
            yield
        finally:
            self._go(me)

    def _come(self, name: str | None, turns: int = 0) -> _Comer:
        """Wait until it is one's turn."""
        with self._guard:
            me = _Comer(self._turns + turns)
            queue = self._hurried if name is None else self._waiting.setdefault(name, deque())
            if self._owner is None:
                self._give(me, name)
                return me
            queue.append(me)
        while not me.called.acquire(timeout=self._patience_seconds):
            with self._guard:
                is_stuck = time.monotonic() - self._since >= self._patience_seconds
                if is_stuck and me in queue:
                    queue.remove(me)
                    self._give(me, name)
                    return me
        return me

    def _measure(self, lasted: float, computed: float, all_computed: float) -> None:
        """Note a turn: how long it lasted, and its owner and the whole process computed meanwhile (seconds). After some of them, let everybody
        through where others of this process computed for most of the time.
        """
        with self._guard:
            self._measured += 1
            self._lasted += lasted
            self._computed += computed
            self._all_computed += all_computed
            if self._measured < MEASURED:
                return
            is_crowded = min(self._lasted, self._all_computed) > self._crowded * self._computed
            self._measured, self._lasted, self._computed, self._all_computed = 0, 0.0, 0.0, 0.0
            if not is_crowded:
                return
            self._open_until = time.monotonic() + OPEN_SECONDS
            self._owner = None
            for queue in (self._hurried, *self._waiting.values()):
                while queue:
                    queue.popleft().called.release()

    def _go(self, me: _Comer) -> None:
        """Pass the turn on, where it is still one's own: to who is in a hurry and due, else to the same step, then to the next one round that
        somebody waits for, at last to who is in a hurry and not due yet.
        """
        with self._guard:
            if self._owner is not me:
                return
            name = None if self._hurried and self._hurried[0].due <= self._turns else self._following()
            queue = self._hurried if name is None else self._waiting[name]
            if not queue:
                self._owner = None
                return
            following = queue.popleft()
            self._give(following, name)
            following.called.release()

    def _give(self, comer: _Comer, name: str | None) -> None:
        self._owner, self._since = comer, time.monotonic()
        self._turns += 1
        if name is not None:
            self._run = self._run + 1 if name == self._now else 1
            self._now = name

    def _following(self) -> str | None:
        """The present step while its run lasts, else the first one round after it that somebody waits for, itself last; None for none."""
        if self._run < self._in_a_row and self._waiting.get(self._now):
            return self._now
        names = list(self._waiting)
        place = names.index(self._now) + 1 if self._now else 0
        return next((name for name in names[place:] + names[:place] if self._waiting[name]), None)
