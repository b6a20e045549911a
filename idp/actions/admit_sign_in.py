"""Whether one more sign-in may be begun: each is a sealed row that anybody can have written by opening an address."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from idp.limits import (
    SIGN_INS_COUNTED_SECONDS,
    SIGN_INS_KEPT_MAX,
    SIGN_INS_PER_PEER,
    SIGN_INS_PER_PEER_PER_SECOND,
    SIGN_INS_RETRY_SECONDS,
)
from idp.store.sign_ins import count_sign_ins
from service_kit.rates import Rates
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection


class SignInDoor:
    """Lets sign-ins in, by address and in all. One per process: addresses are counted in memory, rows in the database, now and then."""

    def __init__(self, *, most: int = SIGN_INS_KEPT_MAX, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._lock = threading.Lock()
        self._rates = Rates(per_second=SIGN_INS_PER_PEER_PER_SECOND, burst=SIGN_INS_PER_PEER)
        self._kept = 0
        self._counted_at = -math.inf

    def admit(self, connection: Connection, peer: str) -> None:
        """Within the job that stores a sign-in: SIGN_INS_TOO_MANY for an address that begins too many, SIGN_IN_BUSY where too many are kept.

        Between two counts every sign-in of this process is added, so that it never goes further over the limit than other processes let it.
        """
        with self._lock:
            now = self._now()
            wait = self._rates.take(peer, now)
            if wait > 0:
                raise TrustError(Kind.TOO_MANY, "SIGN_INS_TOO_MANY", retry_after_seconds=math.ceil(wait))
            if now - self._counted_at >= SIGN_INS_COUNTED_SECONDS:
                self._kept, self._counted_at = count_sign_ins(connection, self._most), now
            if self._kept >= self._most:
                raise TrustError(Kind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds=SIGN_INS_RETRY_SECONDS)
            self._kept += 1
