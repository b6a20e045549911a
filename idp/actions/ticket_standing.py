"""Whether what a CAS ticket rests on still holds: session, account, the grant of an agent, client and registration, what the person agreed to, and
everybody it came through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.actions.claims_of import asked_claims
from idp.actions.cut_scopes import may_act
from idp.actions.sign_in_row import lives
from idp.actions.two_factors import needs_two
from idp.model.cas import IssuedTicket, is_within
from idp.model.clients import ClientStatus
from idp.model.people import AccountStatus
from idp.model.registrations import profile_of
from idp.model.requests import ClientProfile
from idp.model.sign_in import are_two
from idp.store.accounts import account_standing, find_account
from idp.store.cas import find_service
from idp.store.cas_proxies import find_callback, list_accepted
from idp.store.clients import find_client
from idp.store.registrations import find_registration
from idp.store.sign_ins import find_consent, find_session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.cas import GrantingTicket, Proxy

_SCOPES: Final = ("openid",)  # what every sign-in by CAS asks for beside the claims of its service


def cas_profile(connection: Connection, client_id: str, mac_key: bytes) -> ClientProfile | None:
    """What may be known of a client; None where it is unknown or disabled."""
    found = find_client(connection, client_id, mac_key)
    if found is None or found[0].status is not ClientStatus.ACTIVE:
        return None
    registration = find_registration(connection, client_id, mac_key)
    return ClientProfile(client_id, found[0].name) if registration is None else profile_of(found[0], registration)


def why_fallen(connection: Connection, desk: PeopleDesk, held: IssuedTicket | GrantingTicket, at: datetime) -> str:
    """What does not hold any more of what a ticket rests on: session and its factors, account, agent, client, for whom it is there (acting), consent or
    proxy; empty where all does. ROW_ALTERED.
    """
    mac_key = desk.vault.mac_key
    session = find_session(connection, desk.vault, held.session_id)
    holder = account_standing(connection, desk.vault, held.account_id)
    if session is None or holder is None or not lives(session, holder, at):
        return "session"
    if needs_two(connection, holder, held.acting_for) and not are_two(session.methods):
        return "two factors"
    subject = find_account(connection, desk.vault, held.user)
    if subject is None or subject.status is not AccountStatus.ACTIVE:
        return "account"
    if not may_act(connection, desk.vault, held.account_id, held.acting_for, at):
        return "agent"
    registered = find_service(connection, held.service, mac_key)
    profile = cas_profile(connection, held.client_id, mac_key)
    if profile is None or registered is None or registered.client_id != held.client_id:
        return "client"
    if not profile.serves_who_acts(held.acting_for):
        return "acting"
    if not is_agreed(connection, desk, held, profile, held.claims if isinstance(held, IssuedTicket) else ()):
        return "consent"
    return "" if _leads_here(connection, desk, held) else "proxy"


def is_agreed(
    connection: Connection, desk: PeopleDesk, held: IssuedTicket | GrantingTicket, profile: ClientProfile, claims: Iterable[str] = ()
) -> bool:
    """Whether the person behind a ticket has agreed, and has not taken it back, that a client knows him and these claims; True where it asks nobody."""
    if profile.is_own:
        return True
    scopes, agreed = find_consent(connection, desk.vault, held.account_id, held.acting_for, profile.client_id, purpose=profile.purpose)
    asked = asked_claims(_SCOPES, {"userinfo": dict.fromkeys(claims)}, "userinfo", profile)
    return asked <= agreed and scopes.issuperset(_SCOPES)


def _leads_here(connection: Connection, desk: PeopleDesk, held: IssuedTicket | GrantingTicket) -> bool:
    """Whether everybody a ticket came through is a proxy still, and whoever took it on from them accepts them still."""
    mac_key = desk.vault.mac_key
    takers = [each.client_id for each in held.proxies]
    taken = [held.proxies[place + 1 :] for place in range(len(takers))]
    if isinstance(held, IssuedTicket):  # where a granting ticket is, its holder is the first of the proxies
        takers, taken = [held.client_id, *takers], [held.proxies, *taken]
    stand = all(_stands(connection, desk, held, each) for each in held.proxies)
    return stand and all(accepts_all(connection, taker, those, mac_key) for taker, those in zip(takers, taken, strict=True))


def accepts_all(connection: Connection, client_id: str, proxies: tuple[Proxy, ...], mac_key: bytes) -> bool:
    """Whether a client lets everybody in a chain come to it in a person's name: each of them could have used what he was given otherwise."""
    accepted = list_accepted(connection, client_id, mac_key) if proxies else ()
    return all(is_within(each.callback, accepted) for each in proxies)


def _stands(connection: Connection, desk: PeopleDesk, held: IssuedTicket | GrantingTicket, proxy: Proxy) -> bool:
    """Whether a proxy is one still: its client is active and still agreed to, and the callback its own."""
    mac_key = desk.vault.mac_key
    profile = cas_profile(connection, proxy.client_id, mac_key)
    if profile is None or not is_agreed(connection, desk, held, profile):
        return False
    return find_callback(connection, proxy.callback, mac_key) == proxy
