"""Issue a trust ticket: an application sends a person who is signed in on to another one (in the manner of C0112).

The ticket is a random reference without any data. It is bound to the client that may redeem it and to the keys and rules that client has
now, counts once, and for a minute. The person must have agreed to what the other is told, or both belong to this deployment.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from crypto.sm3 import sm3
from idp.actions.person_desk import demand_standing
from idp.actions.prove_key import take_proof
from idp.model.registrations import EXCHANGE, sign_in_of
from idp.model.tickets import TICKET_SECONDS, TICKET_TYPE, TrustTicket, new_ticket
from idp.store.grants import find_grant
from idp.store.sign_ins import find_consent
from idp.store.tickets import insert_ticket
from idp.tokens.exchange import refused
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import Binding, PersonGrant
    from idp.tokens.exchange import ExchangeRequest


async def issue_trust_ticket(
    desk: PersonDesk,
    wanted: ExchangeRequest,
    known: KnownClient,
    source: PersonGrant,
    source_scopes: tuple[str, ...],
    binding: Binding,
    at: datetime,
) -> bytes:
    """The body of the answer, with the ticket in the place RFC 8693 2.2.1 has for it. EXCHANGE_REFUSED, SCOPE_NOT_GRANTED, GRANT_ENDED."""
    # 1. For whom: a client that redeems tickets and may be told of such people
    target = await anyio.to_thread.run_sync(desk.tokens.door.memory.present, wanted.audience or "")
    registration = None if target is None else target.registration
    if target is None or registration is None or EXCHANGE not in registration.grant_types or target.client == known.client:
        raise refused("audience")
    if not registration.serves_who_acts(source.acting_for):
        raise refused("the person acts for somebody the audience does not serve")
    # 2. What it may be told
    may = set(sign_in_of(target.client, registration).scopes) & set(source_scopes)
    asked = tuple(dict.fromkeys(wanted.scope.split(" "))) if wanted.scope else tuple(each for each in source_scopes if each in may)
    if not asked or not set(asked) <= may:
        raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
    ticket = new_ticket()
    stands_for = TrustTicket(
        issued_by=known.client.client_id,
        target_id=target.client.client_id,
        target_mac=target.row_mac,
        grant_id=source.grant_id,
        scopes=asked,
        expires_at=at + timedelta(seconds=TICKET_SECONDS),
    )

    # 3. Stored and on record, if the sign-in it rests on still stands
    def store(connection: Connection) -> None:
        take_proof(connection, binding)
        grant = find_grant(connection, source.grant_id, desk.mac_key)
        if grant is None:
            raise TrustError(Kind.UNACCEPTABLE, "GRANT_ENDED")
        demand_standing(
            connection, desk, replace(grant, is_offline=False), at
        )  # a person who is there, not a right that outlived his visit
        client_id, purpose = target.client.client_id, registration.purpose
        agreed, _ = find_consent(connection, desk.people.vault, grant.account_id, grant.acting_for, client_id, purpose=purpose)
        if not registration.is_own and not set(asked) <= agreed:
            raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
        desk.tokens.door.memory.demand_unchanged(connection, known)
        desk.tokens.door.memory.demand_unchanged(connection, target)
        insert_ticket(connection, sm3(ticket.encode()), stands_for, desk.mac_key)
        desk.people.audit.record(
            connection,
            at=at,
            actor=f"client:{known.client.client_id}",
            action="ticket.issue",
            subject=f"account:{grant.account_id}",
            outcome="done",
            facts={"target": target.client.client_id, "grant": grant.grant_id, "scope": " ".join(asked), "session": grant.session_id},
        )

    await desk.people.database.awrite(store)
    answer: dict[str, Any] = {
        "access_token": ticket,
        "issued_token_type": TICKET_TYPE,
        "token_type": "N_A",  # RFC 8693 2.2.1: it is no access token
        "expires_in": TICKET_SECONDS,
        "scope": " ".join(asked),
    }
    return json.dumps(answer, separators=(",", ":")).encode()
