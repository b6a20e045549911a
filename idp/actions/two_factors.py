"""Whose sign-ins count by two factors alone: accounts that are marked so, those that administer this deployment, and whoever acts for one that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit.callers import PERSON_PREFIX
from service_kit.roles import role_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.model.grants import PersonGrant
    from idp.model.people import Account, AccountStanding


def needs_two(connection: Connection, account: Account | AccountStanding, acting_for: str | None) -> bool:
    """Whether an account signs in by two factors alone at this moment, to act for itself (None) or for an organisation. ROW_ALTERED for a role that
    was written past the program.
    """
    if account.needs_two_factors or administers(connection, account.account_id):
        return True
    return acting_for is not None and administers(connection, acting_for)


def administers(connection: Connection, account_id: str) -> bool:
    """Whether an account has a role of administrator. ROW_ALTERED for one that was written past the program."""
    return role_of(connection, PERSON_PREFIX + account_id) is not None


def lacks_two(connection: Connection, account: Account | AccountStanding, grant: PersonGrant) -> bool:
    """Whether a grant came of a sign-in by one factor and needs two by now: its account was appointed or marked since, or whom it acts for was
    appointed. ROW_ALTERED.
    """
    return not grant.has_two and needs_two(connection, account, grant.acting_for)
