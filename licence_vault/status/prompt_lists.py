"""Publishes status lists at once when a licence's status changes, so that whoever looks at a verification page sees it within two seconds.

The periodic job stays what it was and publishes what this one leaves: where changes come all day long, editions are made no more often than it
makes them, since every edition is kept.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from licence_vault.status.news import NEWS
from service_kit.rates import Rates
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from licence_vault.status.news import StatusNews

EDITIONS_AT_ONCE: Final = 30  # half a minute of a clerk's work, one edition a second
EDITIONS_PER_SECOND: Final = 0.2  # afterwards: as often as the periodic job
SECOND: Final = 1.0  # two editions never bear the same second: what was changed within one goes into the next
LISTEN_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
_KEY: Final = "lists"
_log = logging.getLogger(__name__)


class PromptPublisher:
    """A thread of this process. ``publish``: publishes what is due, and may be called at any time."""

    def __init__(
        self, publish: Callable[[], object], news: StatusNews = NEWS, *, pause: Callable[[threading.Event], bool] | None = None
    ) -> None:
        self._publish = publish
        self._news = news
        self._pause = pause or (lambda stopping: stopping.wait(SECOND))
        self._rates = Rates(per_second=EDITIONS_PER_SECOND, burst=EDITIONS_AT_ONCE)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="licence-prompt-lists", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is under way."""
        self._stopping.set()
        self._news.wake()
        self._thread.join(STOP_SECONDS)

    def _serve(self) -> None:
        seen = self._news.count
        while not self._stopping.is_set():
            heard = self._news.wait(seen, LISTEN_SECONDS)
            if heard != seen and not self._stopping.is_set():
                seen = heard
                self.publish_now()

    def publish_now(self) -> None:
        """Now, and once more in the next second for what came in the second of the last edition."""
        for turn in range(2):
            if turn and self._pause(self._stopping):
                return
            if self._rates.take(_KEY, time.monotonic()):
                return  # the periodic job does it
            try:
                self._publish()
            except TrustError as error:
                _log.warning("status lists not published", extra={"facts": {"code": error.code, **error.facts}})
            except Exception:  # noqa: BLE001 # edge: of the thread; a fault is logged with its trace, and the next change is published again
                _log.exception("status lists not published")
