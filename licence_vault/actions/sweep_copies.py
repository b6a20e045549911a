"""Go on with annotated copies that were begun and never ended, and forget addresses and showings whose time is long over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.finish_copy import finish_copy
from licence_vault.limits import COPIES_PER_SWEEP, COPY_LEASE_SECONDS, DOWNLOAD_SECONDS, SHOWING_SECONDS
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.copies import CopyRecord


def sweep_copies(means: IssuingMeans) -> dict[str, int]:
    """Make or abandon them; how many were made, and how many were not (they come again, or were abandoned). Safe in every worker."""
    context = means.context
    now = context.clock.now()
    with context.database.read() as conn:
        unmade = store.list_unmade_copies(conn, now, limit=COPIES_PER_SWEEP)
    done = {"made": 0, "left": 0}
    for copy in unmade:
        until = context.clock.now() + timedelta(seconds=COPY_LEASE_SECONDS)
        if _take_over(means, copy, until):
            try:
                finish_copy(means, replace(copy, lease_until=until))
                done["made"] += 1
            except TrustError:  # its cause is in the access log where it was abandoned; else it comes again
                done["left"] += 1
    context.database.write(lambda conn: _forget(conn, now))
    return done


def _forget(conn: Connection, now: datetime) -> None:
    store.delete_downloads(conn, now - timedelta(seconds=DOWNLOAD_SECONDS))
    store.delete_showings(conn, now - timedelta(seconds=SHOWING_SECONDS))  # what was done with them stands in the access log


def _take_over(means: IssuingMeans, copy: CopyRecord, until: datetime) -> bool:
    return means.context.database.write(lambda conn: store.lease_copy(conn, copy, until))
