"""Let a person act for an organisation, and end it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.model.people import AccountKind, Agent, AgentRole, check_agent_scopes, field_invalid, new_id
from idp.store.accounts import insert_agent, load_account, load_agent, update_agent
from idp.store.grants import end_grants_of_agent
from idp.store.person_grants import newest_grant

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.idempotency import Once


def grant_agent(
    desk: PeopleDesk,
    organisation_id: str,
    person_id: str,
    *,
    role: AgentRole = AgentRole.AGENT,
    scopes: tuple[str, ...] = (),
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    actor: str,
    once: Once | None = None,
) -> Agent:
    """A grant, in force from ``valid_from`` (now where missing). Where ``once`` says that the same request made one before: that one, as it stands.

    ACCOUNT_NOT_FOUND, AGENT_EXISTS, ACCOUNT_FIELD_INVALID, IDEMPOTENCY_*.
    """
    check_agent_scopes(scopes)
    at = desk.clock.now()
    begins = valid_from or at
    if valid_until is not None and valid_until <= max(begins, at):
        raise field_invalid("valid_until", "a time to come, after valid_from")
    agent = Agent(new_id("ag_"), organisation_id, person_id, role, scopes, begins, valid_until, actor, at)

    def store(connection: Connection) -> Agent:
        made = desk.idempotency.once(connection, once, reference=agent.agent_id, at=at)
        if made is not None:
            return load_agent(connection, desk.vault, made)
        grant_in(connection, desk, agent)
        return agent

    return desk.database.write(store)


def grant_in(connection: Connection, desk: PeopleDesk, agent: Agent) -> None:
    """A grant, its record and its news, within a write job. ACCOUNT_NOT_FOUND, AGENT_EXISTS."""
    load_account(connection, desk.vault, agent.organisation_id, AccountKind.ORGANISATION)
    load_account(connection, desk.vault, agent.person_id, AccountKind.PERSON)
    insert_agent(connection, desk.vault, agent)
    note_grant(connection, desk, agent, "agent.grant", agent.granted_at, agent.granted_by)


def may_grant(connection: Connection, desk: PeopleDesk, organisation_id: str, person_id: str, actor: str, at: datetime) -> bool:
    """Whether a directory may make a person an organisation's agent, within a write job: not whom somebody else dismissed, which goes on record."""
    newest = newest_grant(connection, desk.vault, person_id, organisation_id)
    if newest is None or newest.revoked_by is None or newest.revoked_by.partition(" ")[0] == actor.partition(" ")[0]:
        return True  # for whomever the client did it
    facts = {"agent": newest.agent_id, "person": person_id, "reason": "revoked by somebody else"}
    desk.audit.record(
        connection, at=at, actor=actor, action="agent.refuse", subject=f"account:{organisation_id}", outcome="refused", facts=facts
    )
    return False


def revoke_agent(desk: PeopleDesk, agent_id: str, *, actor: str) -> Agent:
    """End a grant at once; ended already, it stays as it was. AGENT_NOT_FOUND."""
    at = desk.clock.now()
    return desk.database.write(lambda connection: revoke_in(connection, desk, agent_id, actor, at))


def revoke_in(connection: Connection, desk: PeopleDesk, agent_id: str, actor: str, at: datetime) -> Agent:
    """As ``revoke_agent``, within a write job."""
    present = load_agent(connection, desk.vault, agent_id)
    if present.revoked_at is not None:
        return present
    ended = replace(present, revoked_at=at, revoked_by=actor, version=present.version + 1)
    update_agent(connection, desk.vault, ended)
    note_grant(connection, desk, ended, "agent.revoke", at, actor)
    return ended


def note_grant(connection: Connection, desk: PeopleDesk, agent: Agent, action: str, at: datetime, actor: str) -> None:
    """The record of what happened to a grant (``agent.grant``, ``agent.renew``, ``agent.revoke``) and the news of it.

    With a revoked one end the tokens that the person holds for the organisation, at every API's next call.
    """
    if agent.revoked_at is not None:
        end_grants_of_agent(connection, agent.person_id, agent.organisation_id, at, desk.vault.mac_key)
    facts = {"agent": agent.agent_id, "person": agent.person_id, "role": agent.role.value, "scopes": " ".join(agent.scopes)}
    desk.audit.record(
        connection, at=at, actor=actor, action=action, subject=f"account:{agent.organisation_id}", outcome="done", facts=facts
    )
    told: dict[str, str | int] = {"agent_id": agent.agent_id, "organisation_id": agent.organisation_id, "person_id": agent.person_id}
    desk.tell(connection, "agent.granted" if agent.revoked_at is None else "agent.revoked", told, at)
