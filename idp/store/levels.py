"""Accounts of which more is told than the evidence behind them is worth by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from idp.model.people import AccountStatus
from idp.tables import accounts, evidence
from service_kit.row_values import write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def overstated(connection: Connection, at: datetime, *, after: str, count: int) -> list[str]:
    """The accounts, not closed, whose level is that of evidence that has run out by ``at``, while none that lasts is worth as much: in the order of
    their ids, those behind ``after``.
    """
    now, other = write_time(at), evidence.alias()
    of_account = other.c.account_id == accounts.c.account_id
    is_as_high = other.c.level >= accounts.c.level
    has_run_out = select(other.c.evidence_id).where(of_account, is_as_high, other.c.expires_at <= now)
    lasts = select(other.c.evidence_id).where(of_account, is_as_high, other.c.expires_at.is_(None) | (other.c.expires_at > now))
    # First whose evidence has run out at all: of a million accounts hardly any, which is ten times quicker than to ask each account
    candidates = select(evidence.c.account_id).where(evidence.c.expires_at <= now, evidence.c.account_id > after)
    found = (
        select(accounts.c.account_id)
        .where(accounts.c.account_id.in_(candidates), accounts.c.level > 0, accounts.c.status != AccountStatus.CLOSED.value)
        .where(has_run_out.exists(), ~lasts.exists())
        .order_by(accounts.c.account_id)
        .limit(count)
    )
    return list(connection.execute(found).scalars())
