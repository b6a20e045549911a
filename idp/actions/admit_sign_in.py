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
from service_kit.rates import Rates, one_address
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

    def look(self, peer: str) -> None:
        """Before anything is written: whether this address would be refused by what is known now. SIGN_INS_TOO_MANY, SIGN_IN_BUSY.

        So whoever floods waits in no queue where others wait. Takes nothing, and counts nothing.
        """
        with self._lock:
            now = self._now()
            self._demand(self._rates.wait_seconds(one_address(peer), now))
            if self._kept >= self._most and now - self._counted_at < SIGN_INS_COUNTED_SECONDS:
                raise _busy()

    def admit(self, connection: Connection, peer: str) -> None:
        """Within the job that stores a sign-in: SIGN_INS_TOO_MANY for an address that begins too many, SIGN_IN_BUSY where too many are kept.

        Between two counts every sign-in of this process is added, so that it never goes further over the limit than other processes let it.
        """
        with self._lock:
            now = self._now()
            self._demand(self._rates.take(one_address(peer), now))
            if now - self._counted_at >= SIGN_INS_COUNTED_SECONDS:
                self._kept, self._counted_at = count_sign_ins(connection, self._most), now
            if self._kept >= self._most:
                raise _busy()
            self._kept += 1

    def leave(self, peer: str) -> None:
        """Before a browser goes to another provider: that, too, writes a row, and one for the audit trail, for whoever opens an address, and one sign-in
        may do it again and again. Counted with the sign-ins that the address begins. SIGN_INS_TOO_MANY.
        """
        with self._lock:
            self._demand(self._rates.take(one_address(peer), self._now()))

    @staticmethod
    def _demand(wait_seconds: float) -> None:
        if wait_seconds > 0:
            raise TrustError(Kind.TOO_MANY, "SIGN_INS_TOO_MANY", retry_after_seconds=math.ceil(wait_seconds))


def _busy() -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds=SIGN_INS_RETRY_SECONDS)
