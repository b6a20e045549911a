"""Whether what somebody asked for may still be done for him when his request, his token and perhaps his session are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.cut_scopes import still_represents
from idp.actions.two_factors import lacks_two
from idp.model.grants import SIGNED_OUT
from idp.model.people import AccountStatus
from idp.store.accounts import account_standing, account_status
from idp.store.grants import find_grant

if TYPE_CHECKING:
    from datetime import datetime

    from idp.store.accounts import Vault
    from service_kit.callers import Caller
    from service_kit.database import Database


def may_go_on(database: Database, vault: Vault, caller: Caller, at: datetime) -> bool:
    """True for a client of its own. For a person: his account is active, and so is the organisation's that he acts for, and he still may;
    and he signed in by two factors where his account needs them by now.

    That he signed out, or that his tokens ran out, ends nothing; that his grant was ended for any other reason does, for good. Who is
    known neither by his grant nor by his subject is nobody. ROW_ALTERED for an edited row.
    """
    if caller.subject == caller.client_id:
        return True
    with database.read() as connection:
        grant = find_grant(connection, caller.grant_id, vault.mac_key) if caller.grant_id else None
        if grant is None:
            return account_status(connection, vault, caller.subject) is AccountStatus.ACTIVE
        if grant.client_id != caller.client_id or (grant.ended_at is not None and grant.ended_why not in SIGNED_OUT):
            return False
        standing = account_standing(connection, vault, grant.account_id)
        if standing is None or standing.status is not AccountStatus.ACTIVE or lacks_two(connection, standing, grant):
            return False
        return still_represents(connection, vault, grant, at)
