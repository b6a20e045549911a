"""Accounts that administer this deployment: who looks after accounts, or brings them from elsewhere, does not thereby say who administers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit.callers import PERSON_PREFIX
from service_kit.roles import may_manage, role_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller


def check_open(connection: Connection, account_id: str, by: Caller | None = None) -> None:
    """Raise ACCOUNT_PROTECTED where an account administers this deployment, unless ``by`` may take that office from it (``may_manage``).

    In the transaction of the change: who is appointed meanwhile is protected. ``by`` None: another directory, which may take no office.
    """
    holder = PERSON_PREFIX + account_id
    if role_of(connection, holder) is not None and (by is None or not may_manage(connection, by, holder)):
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_PROTECTED")
