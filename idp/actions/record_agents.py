"""For whom a person acts by the word of an upstream: grants that hold as long as it says so, and never longer than configured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from idp.actions.grant_agent import note_grant
from idp.actions.join_identity import join_identity
from idp.actions.two_factors import administers
from idp.model.people import AccountKind, AccountStatus, Agent, AgentRole, new_id
from idp.store.accounts import insert_agent, update_agent
from idp.store.person_grants import grants_of_person, newest_grant

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.connectors.settings import LinkingRules
    from idp.model.people import Account
    from idp.model.requests import Identity

_RENEW_SHARE: Final = 2  # a grant is renewed when less than half of its time is left: not at every sign-in


def record_agents(connection: Connection, desk: PeopleDesk, rules: LinkingRules, identity: Identity, person: Account, at: datetime) -> None:
    """Grant, renew and end what the upstream says of a person, within a write job. What others granted or ended stays as they left it."""
    if rules.agent_seconds == 0 or person.kind is not AccountKind.PERSON:
        return
    actor = f"upstream:{identity.upstream}"
    present = grants_of_person(connection, desk.vault, person.account_id)
    named: set[str] = set()
    for said in identity.agent_of:
        # 1. The organisation, found by the same rules as a person; one in doubt, or that may not be acted for, is passed over
        organisation = join_identity(connection, desk, rules, said, at).account
        if organisation is None or organisation.status is not AccountStatus.ACTIVE or organisation.kind is not AccountKind.ORGANISATION:
            continue
        named.add(organisation.account_id)
        # 2. Its grant
        standing = next((each for each in present if each.organisation_id == organisation.account_id), None)
        if administers(connection, person.account_id) or administers(connection, organisation.account_id):
            continue  # who administers here is not for an upstream to say (``protect_administrators``): what it said before runs out
        until = at + timedelta(seconds=rules.agent_seconds)
        if standing is not None:
            is_ours = standing.granted_by == actor and standing.valid_until is not None
            if (
                is_ours
                and standing.valid_until is not None
                and (until - standing.valid_until).total_seconds() > (rules.agent_seconds / _RENEW_SHARE)
            ):
                renewed = replace(standing, valid_until=until, version=standing.version + 1)
                update_agent(connection, desk.vault, renewed)
                note_grant(connection, desk, renewed, "agent.renew", at, actor)
            continue
        newest = newest_grant(connection, desk.vault, person.account_id, organisation.account_id)
        if newest is not None and newest.revoked_by != actor:  # somebody here has ended it: the upstream cannot bring it back
            continue
        agent = Agent(new_id("ag_"), organisation.account_id, person.account_id, AgentRole.AGENT, (), at, until, actor, at)
        insert_agent(connection, desk.vault, agent)
        note_grant(connection, desk, agent, "agent.grant", at, actor)
    # 3. What it no longer says
    for each in present:
        if each.granted_by == actor and each.organisation_id not in named:
            ended = replace(each, revoked_at=at, revoked_by=actor, version=each.version + 1)
            update_agent(connection, desk.vault, ended)
            note_grant(connection, desk, ended, "agent.revoke", at, actor)
