"""CAS proxies: a service whose ticket was good gets a proxy-granting ticket at its callback, and by that a proxy ticket for each service it goes on to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from idp.actions.cut_scopes import bounded_acr
from idp.actions.issue_ticket import Validation
from idp.actions.ticket_standing import accepts_all, cas_profile, is_agreed, why_fallen
from idp.model.cas import (
    GRANTING_TICKET_PREFIX,
    IOU_PREFIX,
    PROXY_TICKET_PREFIX,
    TICKET_BYTES,
    TICKET_CHARACTERS_MAX,
    TICKET_SECONDS,
    CasService,
    GrantingTicket,
    IssuedTicket,
    Proxy,
    callback_with,
)
from idp.store.cas import find_service, insert_ticket, keep_ticket
from idp.store.cas_proxies import find_callback, find_granting_ticket, insert_granting_ticket
from idp.store.sign_ins import find_session, note_client
from standards.apereo_cas import INVALID_PROXY_CALLBACK, INVALID_TICKET, UNAUTHORIZED_SERVICE
from standards.errors import TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.outbound import Outbound

CALLBACK_SECONDS: Final = 3.0  # of the whole call: the service waits for its answer meanwhile, and the person for the service
_ANSWER_BYTES: Final = 16 * 1024
_GOOD: Final = 200


def grant_proxy(desk: PeopleDesk, outbound: Outbound, ticket: str, callback: str, found: Validation) -> Validation:
    """Give the callback of a service its proxy-granting ticket (2.5.4). ``found``: what ``validate_ticket`` made of the ticket for that callback.

    Where the call does not come to a 200 the validation fails with INVALID_PROXY_CALLBACK, as 2.5.4 has it, and the service has nothing: the ticket
    was spent before. The granting ticket counts from when it is stored, after the call and with no transaction open meanwhile, if everything it
    rests on still holds then. AUDIT_UNAVAILABLE.
    """
    issued = found.ticket
    if issued is None:
        return found
    # 1. The call: what it tells is worth nothing yet
    granting_ticket, iou = (prefix + secrets.token_hex(TICKET_BYTES) for prefix in (GRANTING_TICKET_PREFIX, IOU_PREFIX))
    called = ""
    try:
        status = outbound.call("GET", callback_with(callback, granting_ticket, iou), answer_bytes=_ANSWER_BYTES).status
        called = "" if status == _GOOD else f"status {status}"
    except TrustError as error:
        called = f"{error.code} {error.facts.get('reason', '')}".strip()
    at, mac_key = desk.clock.now(), desk.vault.mac_key

    # 2. What has ended meanwhile has ended
    def store(connection: Connection) -> Validation:
        mine = find_callback(connection, callback, mac_key)
        session = find_session(connection, desk.vault, issued.session_id)
        reason = called or why_fallen(connection, desk, issued, at)
        if not reason and (mine is None or mine.client_id != issued.client_id):
            reason = "callback"
        desk.audit.record(
            connection,
            at=at,
            actor=f"client:{issued.client_id}",
            action="cas.grant-proxy",
            subject=f"account:{issued.account_id}",
            outcome="refused" if reason else "done",
            facts={"client": issued.client_id, "session": issued.session_id, "callback": callback, "reason": reason},
        )
        if reason or mine is None or session is None:
            return Validation(INVALID_PROXY_CALLBACK if called or reason == "callback" else INVALID_TICKET)
        granted = GrantingTicket(
            client_id=issued.client_id,
            service=issued.service,
            account_id=issued.account_id,
            acting_for=issued.acting_for,
            session_id=issued.session_id,
            acr=issued.acr,
            auth_at=issued.auth_at,
            proxies=(mine, *issued.proxies),
            expires_at=session.expires_at,
        )
        insert_granting_ticket(connection, sm3(granting_ticket.encode()), granted, mac_key)
        keep_ticket(connection, desk.vault, sm3(ticket.encode()), ticket)
        return replace(found, iou=iou)

    return desk.database.write(store)


@dataclass(frozen=True, slots=True)
class ProxyAnswer:
    """``failure``: a code of CAS 3.0.3 2.7.3, empty where there is a ``ticket``."""

    failure: str = ""
    ticket: str = ""

    def __repr__(self) -> str:
        """Without the ticket."""
        return f"ProxyAnswer({self.failure!r})"


def issue_proxy_ticket(desk: PeopleDesk, granting_ticket: str, target: str) -> ProxyAnswer:
    """A proxy ticket for an address, good once and for TICKET_SECONDS (2.7, 3.2.1). Who holds the granting ticket is the proxy, as the protocol has it.

    INVALID_TICKET where the granting ticket is unknown or has ended, UNAUTHORIZED_SERVICE where the target takes none of such people by such
    proxies; which it is stands in the trail. AUDIT_UNAVAILABLE.
    """
    if len(granting_ticket) > TICKET_CHARACTERS_MAX:
        return ProxyAnswer(INVALID_TICKET)
    at, digest, mac_key = desk.clock.now(), sm3(granting_ticket.encode("utf-8", "replace")), desk.vault.mac_key
    # 1. Never issued: nothing is written or recorded, as of a ticket
    with desk.database.read() as connection:
        known = find_granting_ticket(connection, digest, mac_key)
    if known is None:
        return ProxyAnswer(INVALID_TICKET)
    ticket = PROXY_TICKET_PREFIX + secrets.token_hex(TICKET_BYTES)

    def store(connection: Connection, granted: GrantingTicket = known) -> ProxyAnswer:
        # 2. Does what it rests on hold; does the target let such people in by such proxies
        ended = "expired" if at >= granted.expires_at else why_fallen(connection, desk, granted, at)
        service = None if ended else find_service(connection, target, mac_key)
        reason = ended or _why_not_there(connection, desk, granted, service)
        if not reason and service is not None:
            issued = IssuedTicket(
                client_id=service.client_id,
                service=target,
                account_id=granted.account_id,
                acting_for=granted.acting_for,
                session_id=granted.session_id,
                acr=bounded_acr(connection, desk.vault, granted.acr, granted.account_id, at),
                auth_at=granted.auth_at,
                is_fresh=False,
                claims=service.claims,
                expires_at=at + timedelta(seconds=TICKET_SECONDS),
                proxies=granted.proxies,
            )
            insert_ticket(connection, sm3(ticket.encode()), issued, mac_key)
            note_client(connection, granted.session_id, service.client_id, at)
        desk.audit.record(
            connection,
            at=at,
            actor=f"client:{granted.client_id}",
            action="cas.proxy",
            subject=f"account:{granted.account_id}",
            outcome="refused" if reason else "done",
            facts={
                "client": granted.client_id,
                "session": granted.session_id,
                "target": "" if service is None else service.client_id,
                "proxies": _told(granted.proxies),
                "reason": reason,
            },
        )
        if reason:
            return ProxyAnswer(INVALID_TICKET if ended else UNAUTHORIZED_SERVICE)
        return ProxyAnswer("", ticket)

    return desk.database.write(store)


def _told(proxies: tuple[Proxy, ...]) -> str:
    return " ".join(each.callback for each in proxies)


def _why_not_there(connection: Connection, desk: PeopleDesk, granted: GrantingTicket, service: CasService | None) -> str:
    """Why nobody gets to a service by a granting ticket, empty where he does: what its own sign-in would have asked of the person holds here too."""
    mac_key = desk.vault.mac_key
    profile = None if service is None else cas_profile(connection, service.client_id, mac_key)
    if service is None or profile is None:
        return "target"
    if not accepts_all(connection, service.client_id, granted.proxies, mac_key):
        return "not accepted"
    if not profile.serves_who_acts(granted.acting_for):
        return "acting"
    return "" if is_agreed(connection, desk, granted, profile, service.claims) else "consent"
