"""Whose word holds an account that is disabled: of everybody who disabled it since it was last active, as the audit trail has it.

A directory lets in again whom it disabled, and nobody whom somebody else disabled as well: his word would be undone without him. Two directories
of which each has disabled an account therefore wait for an administrator, whose enabling ends all holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.model.people import AccountStatus
from service_kit.audit import list_entries_since
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.audit import AuditEntry

_DISABLED = f"account.{AccountStatus.DISABLED.value}"
_ACTIVE = f"account.{AccountStatus.ACTIVE.value}"


def hold_in(connection: Connection, desk: PeopleDesk, account_id: str, actor: str, at: datetime, *, source: str) -> bool:
    """Put on record, within a write job, that an account which is disabled already is disabled by this word too; False where it is on record.
    ``source``: whose word it is, such as ``import:hr``; empty: somebody's own decision.
    """
    if any(entry.facts.get("source") == source for entry in _holds(connection, account_id)):
        return False
    facts: dict[str, str | int | bool | None] = {"sessions_ended": 0, "source": source}
    desk.audit.record(connection, at=at, actor=actor, action=_DISABLED, subject=f"account:{account_id}", outcome="done", facts=facts)
    return True


def demand_may_enable(connection: Connection, account_id: str, source: str, actor: str) -> None:
    """Raise ACCOUNT_HELD where anything else than this source's word disabled the account, alone or as well."""
    if not all(_is_own(entry, source, actor) for entry in _holds(connection, account_id)):
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_HELD")


def _is_own(entry: AuditEntry, source: str, actor: str) -> bool:
    said = entry.facts.get("source")
    if said is None:  # from before sources were on record: by who did it, for whomever; an operator's hand and his imports have one name
        return entry.actor.partition(" ")[0] == actor.partition(" ")[0] and not actor.startswith("operator:")
    return said == source


def _holds(connection: Connection, account_id: str) -> list[AuditEntry]:
    return list_entries_since(connection, f"account:{account_id}", _DISABLED, since=_ACTIVE)
