"""CAS service tickets: issued at the end of a sign-in as a code is, validated once by the service they were issued for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3
from idp.actions.claims_of import claims_of
from idp.actions.cut_scopes import bounded_acr
from idp.actions.ticket_standing import cas_profile, why_fallen
from idp.model.cas import PROXIES_MAX, TICKET_BYTES, TICKET_CHARACTERS_MAX, TICKET_PREFIX, TICKET_SECONDS, IssuedTicket, is_callback
from idp.model.requests import AuthorizationRequest
from idp.store.cas import find_service, find_ticket, insert_ticket, keep_ticket, spend_ticket
from idp.store.cas_proxies import find_callback, list_callbacks
from idp.tokens.authorization_request import RefusedAuthorization
from service_kit.row_values import read_time, write_time
from standards.apereo_cas import INVALID_PROXY_CALLBACK, INVALID_SERVICE, INVALID_TICKET, INVALID_TICKET_SPEC, UNAUTHORIZED_SERVICE_PROXY
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.requests import Authentication, ClientProfile

_PLACE = "userinfo"
_TOLD: Final = {
    "service": INVALID_SERVICE,
    "proxied": INVALID_TICKET_SPEC,
    UNAUTHORIZED_SERVICE_PROXY: UNAUTHORIZED_SERVICE_PROXY,
    "depth": UNAUTHORIZED_SERVICE_PROXY,
    "callback": INVALID_PROXY_CALLBACK,
}


def _is_set(value: str | None) -> bool:
    """Whether a flag of CAS is set: it is there and not the word false (2.1.1: the value does not matter, true is recommended)."""
    return value is not None and value.lower() != "false"


class CasProtocol:
    """How department systems that speak CAS send people here (``people_desk.SignInProtocol``)."""

    def __init__(self, desk: PeopleDesk) -> None:
        self._desk = desk

    def read_request(self, pairs: Sequence[tuple[str, str]], at: datetime) -> AuthorizationRequest | RefusedAuthorization:
        """The parameters of /cas/login as a request. A service that nobody has registered is told on a page, never sent to."""
        given = dict(pairs)
        if len(given) != len(pairs):
            return RefusedAuthorization("invalid_request", "a parameter is given more than once")
        address = given.get("service", "")
        mac_key = self._desk.vault.mac_key
        with self._desk.database.read() as connection:
            service = find_service(connection, address, mac_key)
        if service is None or self.profile(service.client_id) is None:
            return RefusedAuthorization("unauthorized_client", "the service is not registered")
        renews, is_gateway = _is_set(given.get("renew")), _is_set(given.get("gateway"))
        return AuthorizationRequest(
            client_id=service.client_id,
            redirect_uri=address,
            response_mode="cas_post" if given.get("method", "").upper() == "POST" else "cas",
            state=str(write_time(at)),  # when the sign-in began: what was shown before came of a session
            scopes=("openid",),
            claims={_PLACE: dict.fromkeys(service.claims)},
            prompt=("login",) if renews else ("none",) if is_gateway else (),  # 2.1.1: renew goes before gateway
            raw_digest=sm3(address.encode()),
        )

    def profile(self, client_id: str) -> ClientProfile | None:
        """What sign-in may know of a client; None where it is unknown or disabled."""
        with self._desk.database.read() as connection:
            return cas_profile(connection, client_id, self._desk.vault.mac_key)

    def leads_to(self, connection: Connection, request: AuthorizationRequest) -> bool:
        """Whether the service is the client's, and the client active, as this job sees it."""
        service = find_service(connection, request.redirect_uri, self._desk.vault.mac_key)
        is_its_own = service is not None and service.client_id == request.client_id
        return is_its_own and cas_profile(connection, request.client_id, self._desk.vault.mac_key) is not None

    def is_meant(self, request: AuthorizationRequest, account_id: str, acting_for: str | None) -> bool:
        """CAS names nobody."""
        del request, account_id, acting_for
        return True

    def issue_code(
        self, connection: Connection, request: AuthorizationRequest, who: Authentication, granted_scopes: tuple[str, ...], at: datetime
    ) -> str:
        """A new ticket, 256 random bits; only its digest is stored. It lives for TICKET_SECONDS. Characters: 3.7 allows no underscore.

        AUTHORIZATION_REFUSED where the service is not registered any more: the sign-in may have taken half an hour.
        """
        del granted_scopes
        if not self.leads_to(connection, request):
            raise TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error="unauthorized_client")
        ticket = TICKET_PREFIX + secrets.token_hex(TICKET_BYTES)
        issued = IssuedTicket(
            client_id=request.client_id,
            service=request.redirect_uri,
            account_id=who.account_id,
            acting_for=who.acting_for,
            session_id=who.session_id,
            acr=who.acr,
            auth_at=who.auth_time,
            is_fresh=who.auth_time >= read_time(int(request.state or 0)),
            claims=tuple(request.claims.get(_PLACE, ())),
            expires_at=at + timedelta(seconds=TICKET_SECONDS),
        )
        insert_ticket(connection, sm3(ticket.encode()), issued, self._desk.vault.mac_key)
        return ticket


@dataclass(frozen=True, slots=True)
class Validation:
    """``failure``: a code of CAS 3.0.3 2.5.3, empty where the ticket was good. ``claims``: what the service may be told. Personal data. ``iou``: of the
    proxy-granting ticket that its callback was given, empty where none was asked for.
    """

    failure: str = ""
    ticket: IssuedTicket | None = None
    claims: dict[str, Any] | None = None
    iou: str = ""

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Validation({self.failure!r})"


def validate_ticket(
    desk: PeopleDesk,
    ticket: str,
    service: str,
    *,
    must_be_fresh: bool,
    failure: str = "",
    takes_proxied: bool = False,
    callback: str | None = None,
) -> Validation:
    """Validate a ticket, once: whatever comes of it, it is spent (3.1.1). ``must_be_fresh``: ``renew`` was asked for. ``takes_proxied``: proxy tickets
    too. ``callback``: where a proxy-granting ticket is wanted; the ticket is kept only once that has one (``grant_proxy``).

    What is wrong is told by its own code where it is the service, the kind of ticket or the callback, as INVALID_TICKET in every other case.
    ``failure``: what is wrong with the request itself, which is told and spends the ticket like anything else; empty: nothing. AUDIT_UNAVAILABLE.
    """
    if len(ticket) > TICKET_CHARACTERS_MAX:
        return Validation(failure or INVALID_TICKET)
    at, digest, mac_key = desk.clock.now(), sm3(ticket.encode("utf-8", "replace")), desk.vault.mac_key

    # 1. Never issued: nothing is known, nothing is written or recorded, so that nobody fills the trail or the writer's queue with guesses
    with desk.database.read() as connection:
        known = find_ticket(connection, digest, mac_key)
    if known is None:
        return Validation(failure or INVALID_TICKET)

    def store(connection: Connection, issued: IssuedTicket = known) -> Validation:
        # 2. Spent by this attempt, or by one before
        reason = "" if spend_ticket(connection, digest, at, mac_key) else "spent"
        # 3. Is it this service's, now; does what it rests on still hold
        if not reason and failure:
            reason = failure
        elif not reason and issued.service != service:
            reason = "service"
        elif not reason and issued.proxies and not takes_proxied:
            reason = "proxied"
        elif not reason and at >= issued.expires_at:
            reason = "expired"
        elif not reason and must_be_fresh and not issued.is_fresh:
            reason = "renew"
        reason = reason or why_fallen(connection, desk, issued, at)
        if not reason and callback is not None:
            reason = _why_no_proxy(connection, issued, callback, mac_key)
        profile = cas_profile(connection, issued.client_id, mac_key)
        facts: dict[str, str | int | bool | None] = {"client": issued.client_id, "session": issued.session_id, "reason": reason}
        if issued.proxies:
            facts["proxies"] = " ".join(each.callback for each in issued.proxies)
        desk.audit.record(
            connection,
            at=at,
            actor=f"client:{issued.client_id}",
            action="cas.validate",
            subject=f"account:{issued.account_id}",
            outcome="refused" if reason else "done",
            facts=facts,
        )
        if reason or profile is None:
            return Validation(failure or _TOLD.get(reason, INVALID_TICKET))
        # 4. What it may be told; the ticket is kept, because the service knows its session by it
        if callback is None:
            keep_ticket(connection, desk.vault, digest, ticket)
        asked = {_PLACE: dict.fromkeys(issued.claims)}
        told = claims_of(connection, desk.vault, issued.account_id, issued.acting_for, (), asked, profile, at=at)
        # What was taken back since the ticket was issued counts in nothing that is told now
        acr = bounded_acr(connection, desk.vault, issued.acr, issued.account_id, at)
        return Validation("", replace(issued, acr=acr), told)

    return desk.database.write(store)


def _why_no_proxy(connection: Connection, issued: IssuedTicket, callback: str, mac_key: bytes) -> str:
    """Why the service of a ticket gets no proxy-granting ticket at an address, empty where it may."""
    if not list_callbacks(connection, issued.client_id, mac_key):
        return UNAUTHORIZED_SERVICE_PROXY
    found = find_callback(connection, callback, mac_key) if is_callback(callback) else None
    if found is None or found.client_id != issued.client_id:
        return "callback"
    return "depth" if len(issued.proxies) >= PROXIES_MAX else ""
