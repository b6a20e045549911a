"""How often one address may ask: at what is open to whoever comes, or checks him only by what a call says itself."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from service_kit.rates import Rates, one_address
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request


def too_busy(retry_after_seconds: int) -> TrustError:
    """One address has asked as often as it may."""
    return TrustError(Kind.TOO_MANY, "TOO_BUSY", retry_after_seconds=retry_after_seconds)


def peer_of(request: Request) -> str:
    """The address that a request comes from, as it is counted."""
    return one_address(request.client.host) if request.client else "local"


class PeerRates:
    """Counted in the event loop: ``per_minute`` refill, as many at once. ``refuse``: seconds to wait in, the refusal out."""

    def __init__(self, per_minute: int, refuse: Callable[[int], TrustError] = too_busy) -> None:
        self._rates = Rates(per_second=per_minute / 60, burst=per_minute)
        self._refuse = refuse

    def take(self, request: Request) -> None:
        """One more, or what ``refuse`` gives is raised."""
        wait = self._rates.take(peer_of(request), time.monotonic())
        if wait > 0:
            raise self._refuse(math.ceil(wait))
