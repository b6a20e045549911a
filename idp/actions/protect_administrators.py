"""Accounts that administer this deployment: who looks after accounts, or brings them from elsewhere, does not thereby say who administers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit.callers import PERSON_PREFIX
from service_kit.roles import may_manage, role_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller


def check_open(connection: Connection, account_id: str) -> None:
    """Raise ACCOUNT_PROTECTED where an account administers this deployment: another directory takes no office from it.

    In the transaction of the change, as below: who is appointed meanwhile is protected.
    """
    if role_of(connection, PERSON_PREFIX + account_id) is not None:
        raise _protected()


def check_changed_by(connection: Connection, account_id: str, by: Caller | None) -> None:
    """The same for who calls, unless he may take that office from it (``may_manage``). ``by`` None: the operator, who makes administrators."""
    holder = PERSON_PREFIX + account_id
    if by is not None and role_of(connection, holder) is not None and not may_manage(connection, by, holder):
        raise _protected()


def _protected() -> TrustError:
    return TrustError(Kind.FORBIDDEN, "ACCOUNT_PROTECTED")
