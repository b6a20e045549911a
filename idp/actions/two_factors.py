"""Whose sign-ins count by two factors alone: accounts that are marked so, and those that administer this deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit.callers import PERSON_PREFIX
from service_kit.roles import role_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.model.grants import PersonGrant
    from idp.model.people import Account, AccountStanding


def needs_two(connection: Connection, account: Account | AccountStanding) -> bool:
    """Whether an account signs in by two factors alone at this moment. ROW_ALTERED for a role that was written past the program."""
    return account.needs_two_factors or role_of(connection, PERSON_PREFIX + account.account_id) is not None


def lacks_two(connection: Connection, account: Account | AccountStanding, grant: PersonGrant) -> bool:
    """Whether a grant came of a sign-in by one factor and its account needs two by now: appointed or marked since. ROW_ALTERED."""
    return not grant.has_two and needs_two(connection, account)
