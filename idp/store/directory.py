"""Pages and searches of the directory as provisioning clients ask for them. Closed accounts are not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from idp.model.people import ID_PREFIX, AccountKind, AccountStatus, AgentRole
from idp.store.accounts import identifier_hash, is_named, list_agents
from idp.store.changes import count_states
from idp.tables import account_identifiers, accounts

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from idp.model.people import Agent, Identifier
    from idp.store.accounts import Vault

_AGENTS_AT_ONCE = 200


def _conditions(kind: AccountKind, *, prefix: str, is_active: bool | None) -> list[ColumnElement[bool]]:
    found = [accounts.c.kind == kind.value]
    if is_active is None:
        found.append(accounts.c.status != AccountStatus.CLOSED.value)
    else:
        found.append(accounts.c.status == (AccountStatus.ACTIVE if is_active else AccountStatus.DISABLED).value)
    if prefix:  # ids are ASCII, so that what begins with it lies between it and it with a character beyond
        found += [accounts.c.account_id >= prefix, accounts.c.account_id < prefix + "~"]
    return found


def count_in_directory(connection: Connection, kind: AccountKind, *, prefix: str = "", is_active: bool | None = None) -> int:
    """How many accounts there are, of a state and with an id that begins with ``prefix``; without one, from the counts that are kept."""
    if ID_PREFIX[kind].startswith(prefix):
        wanted_states = (
            (AccountStatus.ACTIVE, AccountStatus.DISABLED)
            if is_active is None
            else (AccountStatus.ACTIVE if is_active else AccountStatus.DISABLED,)
        )
        return sum(count for each, status, count in count_states(connection) if each == kind.value and status in wanted_states)
    wanted = select(func.count()).select_from(accounts).where(*_conditions(kind, prefix=prefix, is_active=is_active))
    found: int = connection.execute(wanted).scalar_one()
    return found


def ids_in_directory(
    connection: Connection,
    kind: AccountKind,
    *,
    prefix: str = "",
    is_active: bool | None = None,
    after: str = "",
    skipped: int = 0,
    count: int,
) -> list[str]:
    """Their ids in order: those behind ``after``, or after as many as are ``skipped``."""
    query = ids_query(kind, prefix=prefix, is_active=is_active, after=after, skipped=skipped, count=count)
    return list(connection.execute(query).scalars())


def ids_query(kind: AccountKind, *, prefix: str = "", is_active: bool | None = None, after: str, skipped: int, count: int) -> Select[str]:
    """The query behind a page. It goes along an index (a test asks the databases)."""
    wanted = select(accounts.c.account_id).where(*_conditions(kind, prefix=prefix, is_active=is_active), accounts.c.account_id > after)
    return wanted.order_by(accounts.c.account_id).offset(skipped).limit(count)


def ids_by_identifier(connection: Connection, vault: Vault, identifier: Identifier, count: int) -> list[str]:
    """The accounts that have a (normalised) identifier, of any kind and state."""
    found = account_identifiers.c.find_hash == identifier_hash(vault, identifier.kind, identifier.value)
    return list(connection.execute(select(account_identifiers.c.account_id).where(found).limit(count)).scalars())


def ids_by_name(connection: Connection, vault: Vault, name: str, count: int) -> list[str]:
    """The accounts of a whole name; blanks and case do not count."""
    return list(connection.execute(select(accounts.c.account_id).where(is_named(vault, name)).limit(count)).scalars())


def standing_agents(connection: Connection, vault: Vault, *, organisation_id: str = "", person_id: str = "") -> list[Agent]:
    """All agents of an organisation (or all grants of a person) not revoked, expired ones too; representatives are left out."""
    found: list[Agent] = []
    after = ""
    while True:
        page = list_agents(connection, vault, organisation_id=organisation_id, person_id=person_id, after=after, count=_AGENTS_AT_ONCE)
        found += [each for each in page if each.role is AgentRole.AGENT and each.revoked_at is None]
        if len(page) < _AGENTS_AT_ONCE:
            return found
        after = page[-1].agent_id
