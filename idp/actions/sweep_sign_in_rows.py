"""Remove rows whose time is over: sign-ins, sessions, codes, grants, counts of attempts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from idp.limits import FAILURE_WINDOW_SECONDS, LOCK_SECONDS, SESSION_KEEP_SECONDS, SIGN_IN_KEEP_SECONDS
from idp.model.sign_in import SESSION_SECONDS, SIGN_IN_SECONDS
from idp.store.cas import sweep_tickets
from idp.store.cas_proxies import sweep_granting_tickets
from idp.store.codes import sweep_codes
from idp.store.credentials import sweep_attempts, sweep_challenges
from idp.store.devices import sweep_devices
from idp.store.federation import sweep_trips
from idp.store.grants import sweep_grants
from idp.store.imports import sweep_imports
from idp.store.pushed import sweep_pushed
from idp.store.sign_ins import sweep_sessions, sweep_sign_ins
from idp.store.tickets import sweep_tickets as sweep_trust_tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk

ROWS_AT_ONCE: Final = 500
"""In one transaction: the first time there may be millions, and whoever writes meanwhile waits for no more than that."""


def sweep_sign_in_rows(desk: PeopleDesk) -> tuple[int, int]:
    """How many sign-ins and sessions were removed. Idempotent: several processes may do it."""
    at = desk.clock.now()

    def store(connection: Connection) -> tuple[int, int]:
        sweep_attempts(connection, at - timedelta(seconds=FAILURE_WINDOW_SECONDS + LOCK_SECONDS))
        sweep_imports(connection, at - timedelta(seconds=SIGN_IN_KEEP_SECONDS))
        sweep_tickets(connection, at - timedelta(seconds=SESSION_SECONDS + SESSION_KEEP_SECONDS))
        sweep_granting_tickets(connection, at)
        sweep_trips(connection, at)
        sweep_challenges(connection, at)
        sweep_pushed(connection, at - timedelta(seconds=SIGN_IN_SECONDS))  # a sign-in that began in time may still have to answer it
        sweep_trust_tickets(connection, at - timedelta(seconds=SESSION_SECONDS))
        sweep_devices(connection, at - timedelta(seconds=SIGN_IN_KEEP_SECONDS))
        gone = sweep_sign_ins(connection, at - timedelta(seconds=SIGN_IN_KEEP_SECONDS))
        return gone, sweep_sessions(connection, at - timedelta(seconds=SESSION_KEEP_SECONDS))

    swept = desk.database.write(store)
    over = at - timedelta(seconds=SESSION_SECONDS + SESSION_KEEP_SECONDS)
    for sweep in (sweep_grants, sweep_codes):  # a code stays as long as what it became
        while desk.database.write(partial(sweep, before=over, limit=ROWS_AT_ONCE)) == ROWS_AT_ONCE:
            continue
    return swept
