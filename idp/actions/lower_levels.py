"""Tell of accounts no more than the evidence behind them is worth by now: evidence that runs out changes an account without anybody's doing.

Every sign-in and every token looks at the evidence itself; the level that is kept with the account is what administrators, SCIM, the facts of
the change feed and whoever follows this directory are told.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from idp.model.people import AccountStatus, level_at
from idp.store.accounts import list_evidence, load_account, update_account
from idp.store.levels import overstated
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk

_AT_ONCE: Final = 200


def lower_levels(desk: PeopleDesk) -> int:
    """How many accounts were lowered, each in a transaction of its own; several processes may do it. ROW_ALTERED at the end, of an edited row: it
    keeps no other from being lowered.
    """
    at, after, lowered = desk.clock.now(), "", 0
    failed: TrustError | None = None
    while True:
        with desk.database.read() as connection:
            found = overstated(connection, at, after=after, count=_AT_ONCE)
        for account_id in found:
            try:
                lowered += desk.database.write(partial(_lower, desk=desk, account_id=account_id, at=at))
            except TrustError as error:
                failed = error
        if len(found) < _AT_ONCE:
            break
        after = found[-1]
    if failed is not None:
        raise failed
    return lowered


def _lower(connection: Connection, desk: PeopleDesk, account_id: str, at: datetime) -> bool:
    present = load_account(connection, desk.vault, account_id)
    level = level_at(list_evidence(connection, desk.vault, account_id), at)
    if present.status is AccountStatus.CLOSED or level >= present.level:  # somebody was faster
        return False
    changed = replace(present, level=level, changed_at=at, version=present.version + 1, uversion=present.uversion + 1)
    update_account(connection, desk.vault, changed)
    desk.audit.record(
        connection,
        at=at,
        actor="service:idp",
        action="account.evidence-expire",
        subject=f"account:{account_id}",
        outcome="done",
        facts={"level": level, "level_before": present.level},
    )
    desk.tell_changed(connection, changed, at)
    return True
