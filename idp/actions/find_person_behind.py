"""Who is behind a person's access token, for services of the same process: what he proved, and whom he acts for, as of now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.actions.person_desk import has_standing
from idp.model.people import AccountKind, AccountStatus, level_at
from idp.model.requests import level_of
from idp.store.accounts import list_evidence, load_account
from idp.store.grants import find_grant
from idp.store.person_grants import grants_of_person

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.model.people import Account, Agent, Identifier
    from idp.store.accounts import Vault
    from service_kit.callers import Caller
    from service_kit.database import Database


@dataclass(frozen=True, slots=True)
class Proven:
    """An account with the identifiers that were verified, and how well: bounded by its evidence and by how the person signed in."""

    account_id: str
    identifiers: tuple[Identifier, ...]
    level: int


@dataclass(frozen=True, slots=True)
class Represented:
    """An organisation that the person acts for, and by which grant."""

    organisation: Proven
    agent: Agent


@dataclass(frozen=True, slots=True)
class PersonBehind:
    """The person; ``own`` is None where he signed in for an organisation, and ``represented`` is that one alone then."""

    account_id: str
    own: Proven | None
    represented: tuple[Represented, ...]


def find_person_behind(database: Database, vault: Vault, mac_key: bytes, caller: Caller, at: datetime) -> PersonBehind | None:
    """None where no person is behind the call, or his grant, session, account or agency does not stand at ``at``. ROW_ALTERED."""
    if not caller.grant_id:
        return None
    with database.read() as connection:
        # 1. The grant that the token hangs on, of this very client.
        grant = find_grant(connection, caller.grant_id, mac_key)
        if grant is None or grant.client_id != caller.client_id or not has_standing(connection, vault, grant, at):
            return None
        signed_in = level_of(grant.acr) or 0

        # 2. For whom he came: for one organisation, or for himself, and then for all that he acts for.
        agents = [each for each in grants_of_person(connection, vault, grant.account_id, grant.acting_for or "") if each.is_valid_at(at)]
        person = load_account(connection, vault, grant.account_id, AccountKind.PERSON)
        represented = []
        for agent in agents:
            organisation = load_account(connection, vault, agent.organisation_id, AccountKind.ORGANISATION)
            if organisation.status is AccountStatus.ACTIVE:
                represented.append(Represented(_proven(connection, vault, organisation, signed_in, at), agent))
        own = _proven(connection, vault, person, signed_in, at) if grant.acting_for is None else None
    return PersonBehind(grant.account_id, own, tuple(represented))


def _proven(connection: Connection, vault: Vault, account: Account, signed_in: int, at: datetime) -> Proven:
    verified = tuple(each for each in account.identifiers if each.verified_at is not None)
    return Proven(account.account_id, verified, min(signed_in, level_at(list_evidence(connection, vault, account.account_id), at)))
