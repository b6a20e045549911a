"""What a person's tokens may carry now: within what his client may ask for, what he lets it have and, where he acts for an organisation, what that
granted him.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.model.people import AccountStatus, level_at
from idp.model.registrations import OFFLINE, SIGN_IN_SCOPES, sign_in_of
from idp.model.requests import acr_of, level_of
from idp.store.accounts import account_status, list_evidence
from idp.store.person_grants import grants_of_person
from idp.store.sign_ins import find_consent
from service_kit.callers import PERSON_PREFIX
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.recall_client import KnownClient
    from idp.model.grants import PersonGrant
    from idp.model.people import Agent
    from idp.model.registrations import Registration
    from idp.ports import ScopeLimit
    from idp.store.accounts import Vault


def cut_scopes(
    connection: Connection,
    vault: Vault,
    grant: PersonGrant,
    known: KnownClient,
    registration: Registration,
    at: datetime,
    limits: Mapping[str, ScopeLimit],
) -> PersonGrant:
    """The grant with the scopes that all allow, at the level that is proven now (``acr_now``), and with the end of the agent's. ``limits``: see ``ports.SCOPE_LIMITS``. SCOPE_NOT_GRANTED where some were asked for and none is left,
    GRANT_ENDED where the client is for persons, or for organisations, alone by now and this is the other.
    """
    if not registration.serves_who_acts(grant.acting_for):
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_ENDED")  # as the person would hear at signing in: the client does not serve such
    may = sign_in_of(known.client, registration).scopes
    scopes = agent_scopes(connection, vault, grant.account_id, grant.acting_for, (each for each in grant.scopes if each in may), at)
    limit = limits.get(grant.client_id)
    if limit is not None:
        holder, human = (PERSON_PREFIX + each for each in (grant.acting_for or grant.account_id, grant.account_id))
        held = limit(connection, holder, human=human, has_two=grant.has_two)
        scopes = tuple(each for each in scopes if each in SIGN_IN_SCOPES or each in held)
    if grant.scopes and not scopes:
        raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
    return replace(grant, scopes=scopes, acr=acr_now(connection, vault, grant, at), ends_at=_ends_at(connection, vault, grant, at))


def cut_to_agreed(connection: Connection, vault: Vault, grant: PersonGrant, registration: Registration) -> PersonGrant:
    """A grant that is about to begin, with the scopes that the person lets its client have at this moment: what waited to be redeemed does not bring
    back what he has taken back since, nor what the page did not show him. All of them where nobody is asked. GRANT_ENDED where none is left.
    """
    if registration.is_own:
        return grant
    agreed, _ = find_consent(connection, vault, grant.account_id, grant.acting_for, grant.client_id)
    scopes = tuple(each for each in grant.scopes if each in agreed)
    if grant.scopes and not scopes:
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_ENDED")
    return replace(grant, scopes=scopes, is_offline=grant.is_offline and OFFLINE in scopes)


def _ends_at(connection: Connection, vault: Vault, grant: PersonGrant, at: datetime) -> datetime | None:
    """When its holder stops being the agent of the organisation that it acts for; None where that has no end, or he acts for himself."""
    if grant.acting_for is None:
        return None
    ends = [each.valid_until for each in _standing(connection, vault, grant.account_id, grant.acting_for, at)]
    return None if None in ends else max((each for each in ends if each is not None), default=None)


def acr_now(connection: Connection, vault: Vault, grant: PersonGrant, at: datetime) -> str:
    """The level of the sign-in behind a grant, bounded by what is proven of the person at this moment: evidence that was taken back or has expired
    counts no more in what is handed out from then on, and what was added since makes no old sign-in a better one.
    """
    return bounded_acr(connection, vault, grant.acr, grant.account_id, at)


def bounded_acr(connection: Connection, vault: Vault, acr: str, account_id: str, at: datetime) -> str:
    """A level as it was at the sign-in, no higher than what is proven of the person at this moment (``acr_now``)."""
    level = level_of(acr)
    return acr if not level else acr_of(min(level, level_at(list_evidence(connection, vault, account_id), at)))


def agent_scopes(
    connection: Connection, vault: Vault, person_id: str, organisation_id: str | None, scopes: Iterable[str], at: datetime
) -> tuple[str, ...]:
    """Of these scopes those that a person has in the capacity in which he comes, in their order. Scopes of signing in are everybody's."""
    if organisation_id is None:
        return tuple(scopes)
    standing = _standing(connection, vault, person_id, organisation_id, at)
    return tuple(each for each in scopes if _has(standing, each))


def still_represents(connection: Connection, vault: Vault, grant: PersonGrant, at: datetime) -> bool:
    """Whether the organisation that a grant acts for is active, and its holder still its agent for all that the grant carries. True for himself."""
    return may_act(connection, vault, grant.account_id, grant.acting_for, at, grant.scopes)


def may_act(
    connection: Connection, vault: Vault, person_id: str, organisation_id: str | None, at: datetime, scopes: Iterable[str] = ()
) -> bool:
    """Whether an organisation is active and the person now its agent, for all of these scopes. True where he acts for nobody else."""
    if organisation_id is None:
        return True
    if account_status(connection, vault, organisation_id) is not AccountStatus.ACTIVE:
        return False
    standing = _standing(connection, vault, person_id, organisation_id, at)
    return bool(standing) and all(_has(standing, each) for each in scopes)


def _standing(connection: Connection, vault: Vault, person_id: str, organisation_id: str, at: datetime) -> list[Agent]:
    return [each for each in grants_of_person(connection, vault, person_id, organisation_id) if each.is_valid_at(at)]


def _has(standing: list[Agent], scope: str) -> bool:
    return scope in SIGN_IN_SCOPES or any(agent.may(scope) for agent in standing)
