"""Let a person act for an organisation, and end it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.actions.protect_administrators import check_changed_by
from idp.actions.two_factors import administers
from idp.model.people import AccountKind, AccountStatus, Agent, AgentRole, check_agent_scopes, field_invalid, new_id
from idp.store.accounts import account_status, insert_agent, load_account, load_agent, update_agent
from idp.store.grants import end_grants_of_agent
from idp.store.person_grants import newest_grant
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.callers import Caller
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
    by: Caller | None = None,
) -> Agent:
    """A grant, in force from ``valid_from`` (now where missing). Where ``once`` says that the same request made one before: that one, as it stands.

    ``by``: who calls, None: the operator. Nobody who merely manages accounts lets somebody act for an organisation that administers this deployment,
    and so gives the role on, nor an administrator for any: he who guards would have no say over that organisation any more.
    ACCOUNT_NOT_FOUND, ACCOUNT_STATUS_CONFLICT (one of the two is closed), ACCOUNT_PROTECTED, AGENT_EXISTS, ACCOUNT_FIELD_INVALID, IDEMPOTENCY_*.
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
        check_changed_by(connection, organisation_id, by)
        check_changed_by(connection, person_id, by)
        for account_id in (organisation_id, person_id):
            if account_status(connection, desk.vault, account_id) is AccountStatus.CLOSED:
                raise TrustError(Kind.CONFLICT, "ACCOUNT_STATUS_CONFLICT", status=AccountStatus.CLOSED.value)
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
    """Whether a directory may make a person an organisation's agent, within a write job: neither where one of the two administers this
    deployment nor whom somebody else dismissed. Either goes on record.
    """
    newest = newest_grant(connection, desk.vault, person_id, organisation_id)
    facts: dict[str, str]
    if administers(connection, person_id) or administers(connection, organisation_id):
        facts = {"person": person_id, "reason": "administrator"}
    elif newest is None or newest.revoked_by is None or newest.revoked_by.partition(" ")[0] == actor.partition(" ")[0]:
        return True  # for whomever the client did it
    else:
        facts = {"agent": newest.agent_id, "person": person_id, "reason": "revoked by somebody else"}
    desk.audit.record(
        connection, at=at, actor=actor, action="agent.refuse", subject=f"account:{organisation_id}", outcome="refused", facts=facts
    )
    return False


def revoke_agent(desk: PeopleDesk, agent_id: str, *, actor: str, by: Caller | None = None) -> Agent:
    """End a grant at once; ended already, it stays as it was. ``by``: who calls, None: the operator; ACCOUNT_PROTECTED where the role of an organisation
    would be taken from who exercises it. AGENT_NOT_FOUND.
    """
    at = desk.clock.now()

    def end(connection: Connection) -> Agent:
        check_changed_by(connection, load_agent(connection, desk.vault, agent_id).organisation_id, by)
        return revoke_in(connection, desk, agent_id, actor, at)

    return desk.database.write(end)


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
