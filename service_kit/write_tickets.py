"""A write job on its way through the writer, and how its caller is told: a waiting thread, a future, or an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    import threading
    from collections.abc import Callable
    from concurrent.futures import Future

    from sqlalchemy.engine import Connection


class Ticket:
    """One job on its way, and how its caller is told."""

    __slots__ = ("asyncio_future", "error", "future", "job", "loop", "value", "waiting")

    def __init__(self, job: Callable[[Connection], Any]) -> None:
        self.job = job
        self.value: Any = None
        self.error: BaseException | None = None
        self.waiting: threading.Lock | None = None
        self.future: Future[Any] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.asyncio_future: asyncio.Future[Any] | None = None


def tell(batch: list[Ticket]) -> None:
    """Wake every caller; those of one event loop by a single call, because waking a loop costs a system call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Ticket]] = {}
    for ticket in batch:
        if ticket.waiting is not None:
            ticket.waiting.release()
        elif ticket.loop is not None:
            by_loop.setdefault(ticket.loop, []).append(ticket)
        elif ticket.future is not None and ticket.future.set_running_or_notify_cancel():
            if ticket.error is None:
                ticket.future.set_result(ticket.value)
            else:
                ticket.future.set_exception(ticket.error)
    for loop, tickets in by_loop.items():
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(_settle, tickets)
            except RuntimeError:  # closed in this moment: nobody waits any more
                continue


def _settle(tickets: list[Ticket]) -> None:
    for ticket in tickets:
        future = ticket.asyncio_future
        if future is not None and not future.done():
            if ticket.error is None:
                future.set_result(ticket.value)
            else:
                future.set_exception(ticket.error)
