"""Redeem a trust ticket, server to server: who the person is, how well that is known, and the session it belongs to.

A ticket that comes back a second time ends what the first use gave, as a code does. Every refusal is on record.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from idp.actions.person_desk import choose_signings, demand_standing, write_answer
from idp.actions.prove_key import take_proof
from idp.actions.store_grant import Stored, store_grant
from idp.model.grants import PersonGrant, new_grant_id
from idp.store.grants import end_grant, find_grant
from idp.store.sign_ins import note_client
from idp.store.tickets import find_ticket, spend_ticket
from idp.tokens.exchange import ACCESS_TOKEN_TYPE
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import Binding
    from idp.model.registrations import Registration
    from idp.model.tickets import TrustTicket
    from idp.tokens.exchange import ExchangeRequest

_REASONS: Final = {
    "GRANT_ENDED": "the sign-in, account or consent stands no more",
    "SCOPE_NOT_GRANTED": "no scope is left",
    "RESOURCE_NOT_GRANTED": "a resource that is not the client's",
}
"""Refusals that are raised, by code, as the record tells them."""


async def redeem_trust_ticket(
    desk: PersonDesk, wanted: ExchangeRequest, known: KnownClient, registration: Registration, binding: Binding
) -> bytes:
    """The body of the answer: an access token and, with ``openid``, an ID token.

    TICKET_INVALID, TICKET_REUSED, GRANT_ENDED, SCOPE_NOT_GRANTED, RESOURCE_NOT_GRANTED.
    """
    client, at = known.client, desk.people.clock.now()
    audience = wanted.resource or desk.tokens.issuer
    if audience not in (desk.tokens.issuer, *client.audiences):
        await _record_refusal(desk, known, "RESOURCE_NOT_GRANTED", at)
        raise TrustError(Kind.UNACCEPTABLE, "RESOURCE_NOT_GRANTED")
    digest = sm3(wanted.subject_token.encode("utf-8", "replace"))
    signings = await choose_signings(desk, registration, at)

    def store(connection: Connection) -> Stored | TrustError:
        take_proof(connection, binding)
        # 1. Is it this client's, unspent, in time, and is the client what it was
        ticket = find_ticket(connection, digest, desk.mac_key)
        if ticket is None or ticket.target_id != client.client_id:
            return _refuse(connection, desk, known, "unknown or another's", at)
        if ticket.is_spent:
            return _refuse_reuse(connection, desk, known, ticket, at)
        if at >= ticket.expires_at:
            return _refuse(connection, desk, known, "expired", at)
        if not hmac.compare_digest(ticket.target_mac, known.row_mac):
            return _refuse(connection, desk, known, "the client has changed", at)
        # 2. Does the sign-in it rests on still stand
        source = find_grant(connection, ticket.grant_id, desk.mac_key)
        if source is None:
            return _refuse(connection, desk, known, "its grant has gone", at)
        demand_standing(connection, desk, source, at)
        # 3. Spent by exactly one; a grant of the target's own, in the same session and with its source, so that signing out and revoking end both
        grant = _grant(source, ticket, client.client_id, audience, binding, at)
        if not spend_ticket(connection, digest, grant.grant_id, at, desk.mac_key):
            return _refuse(connection, desk, known, "spent meanwhile", at)
        note_client(connection, grant.session_id, client.client_id, at)
        return store_grant(
            connection,
            desk,
            known,
            registration,
            signings,
            grant,
            by="trust ticket",
            refresh_token=None,
            at=at,
            issued_by=ticket.issued_by,
        )

    try:
        stored = await desk.people.database.awrite(store)
    except TrustError as error:
        # What was written is undone, the ticket unspent again: the refusal stands on its own
        if error.code in _REASONS:
            await _record_refusal(desk, known, error.code, at)
        raise
    if isinstance(stored, TrustError):
        raise stored
    return write_answer(
        desk,
        registration,
        stored.grant,
        signings,
        token_id=stored.token_id,
        at=at,
        wanted=stored.wanted,
        refresh_token=None,
        issued_token_type=ACCESS_TOKEN_TYPE,
    )


def _grant(source: PersonGrant, ticket: TrustTicket, client_id: str, audience: str, binding: Binding, at: datetime) -> PersonGrant:
    return PersonGrant(
        grant_id=new_grant_id(),
        client_id=client_id,
        account_id=source.account_id,
        acting_for=source.acting_for,
        session_id=source.session_id,
        scopes=ticket.scopes,
        audience=audience,
        acr=source.acr,
        amr=source.amr,
        auth_at=source.auth_at,
        nonce=None,
        created_at=at,
        dpop_jkt=binding.dpop_jkt,
        certificate_digest=binding.certificate_digest,
        source_id=source.grant_id,
    )


async def _record_refusal(desk: PersonDesk, known: KnownClient, code: str, at: datetime) -> None:
    def record(connection: Connection) -> None:
        _refuse(connection, desk, known, _REASONS[code], at)

    await desk.people.database.awrite(record)


def _refuse(
    connection: Connection, desk: PersonDesk, known: KnownClient, reason: str, at: datetime, **facts: str | int | None
) -> TrustError:
    """The record of a refusal, which stays, and the error to be raised once it is durable."""
    subject = f"client:{known.client.client_id}"
    desk.people.audit.record(
        connection,
        at=at,
        actor=subject,
        action="ticket.refuse",
        subject=subject,
        outcome="refused",
        facts={"reason": reason, **facts},
    )
    return TrustError(Kind.UNACCEPTABLE, "TICKET_INVALID")


def _refuse_reuse(connection: Connection, desk: PersonDesk, known: KnownClient, ticket: TrustTicket, at: datetime) -> TrustError:
    ended = 0 if ticket.became is None else end_grant(connection, ticket.became, at, "trust ticket reused", desk.mac_key)
    _refuse(connection, desk, known, "used before", at, grant=ticket.became, grants_ended=ended, issued_by=ticket.issued_by)
    return TrustError(Kind.UNACCEPTABLE, "TICKET_REUSED")
