"""Go on with what was begun and never ended: drafts whose process died, or that had to wait for something."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.finish_issue import finish_issue
from licence_vault.limits import DRAFTS_PER_SWEEP, ISSUING_LEASE_SECONDS
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord


def sweep_issues(means: IssuingMeans) -> dict[str, int]:
    """Release or abandon them; how many were released, and how many were not (they come again, or were abandoned). Safe in every worker."""
    context = means.context
    with context.database.read() as conn:
        drafts = store.list_drafts(conn, context.clock.now(), limit=DRAFTS_PER_SWEEP)
    done = {"released": 0, "left": 0}
    for draft in drafts:
        until = context.clock.now() + timedelta(seconds=ISSUING_LEASE_SECONDS)
        if _take_over(means, draft, until):
            try:
                finish_issue(means, replace(draft, lease_until=until))
                done["released"] += 1
            except TrustError:  # its cause is in the history where it was abandoned; else it comes again
                done["left"] += 1
    return done


def _take_over(means: IssuingMeans, draft: LicenceRecord, until: datetime) -> bool:
    return means.context.database.write(lambda conn: store.take_lease(conn, draft, until))
