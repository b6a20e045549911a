"""Token exchange (RFC 8693): a service that was called with a person's token calls another on his behalf, with less than it was given.

The new token names the client that acts in ``act``, carries no right the old one had not, ends no later, and ends with it: where the person signs out,
or the old one is revoked. For that a client gets a grant for the token it exchanged for another's, which came of the one behind that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from crypto.jose import check_token
from crypto.jwt_claims import check_claims
from idp.actions.cut_scopes import acr_now, agent_scopes
from idp.actions.issue_trust_ticket import issue_trust_ticket
from idp.actions.person_desk import choose_signings, demand_standing, demand_unchanged
from idp.actions.prove_key import take_proof
from idp.actions.redeem_trust_ticket import redeem_trust_ticket
from idp.actions.revoke_token import is_withdrawn
from idp.model.clients import TOKEN_SECONDS
from idp.model.grants import new_grant_id
from idp.model.registrations import sign_in_of
from idp.model.tickets import TICKET_TYPE
from idp.store.grants import find_grant, insert_grant
from idp.tokens.exchange import ACCESS_TOKEN_TYPE, act_of, actors_in, read_exchange, refused
from idp.tokens.person_tokens import ACCESS_TYPE, GRANT_CLAIM, access_claims
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import Binding, PersonGrant
    from idp.model.registrations import Registration
    from idp.tokens.exchange import ExchangeRequest
    from idp.tokens.request import TokenRequest


@dataclass(frozen=True, slots=True)
class Presented:
    """A person's token that a client shows for exchange, found right and meant for it."""

    claims: Mapping[str, Any]
    grant: PersonGrant

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the token allows."""
        return tuple(str(self.claims.get("scope", "")).split())


async def exchange_token(
    desk: PersonDesk, request: TokenRequest, known: KnownClient, registration: Registration, binding: Binding
) -> bytes:
    """The body of the answer (RFC 8693 2.2.1).

    TrustError EXCHANGE_REFUSED, GRANT_ENDED, SCOPE_NOT_GRANTED, RESOURCE_NOT_GRANTED, TICKET_INVALID, TICKET_REUSED, and those of issuing.
    """
    wanted = read_exchange(request.form)
    if wanted.subject_type == TICKET_TYPE:
        return await redeem_trust_ticket(desk, wanted, known, registration, binding)
    at = desk.people.clock.now()
    shown = await anyio.to_thread.run_sync(read_shown, desk, wanted, known, registration, at)
    if wanted.wanted_type == TICKET_TYPE:
        _demand_own(shown, known.client.client_id)
        return await issue_trust_ticket(desk, wanted, known, shown.grant, shown.scopes, binding, at)
    return await _exchange(desk, wanted, known, registration, binding, shown, at)


def read_shown(desk: PersonDesk, wanted: ExchangeRequest, known: KnownClient, registration: Registration, at: datetime) -> Presented:
    """The person's token, if it was issued to this client or sent to it as a resource server. EXCHANGE_REFUSED. Blocks."""
    try:
        checked = check_token(wanted.subject_token, desk.tokens.ring.verification_keys(), token_type=ACCESS_TYPE)
        claims = checked.claims
        audience = claims.get("aud")
        if not isinstance(audience, str):
            raise refused("subject_token")
        check_claims(claims, issuer=desk.tokens.issuer, audience=audience, at=at, leeway_seconds=0)
    except TrustError:
        raise refused("subject_token") from None
    # Whoever merely got hold of a token that was meant for others gets nothing for it
    if claims.get("client_id") != known.client.client_id and audience not in registration.serves:
        raise refused("not meant for this client")
    grant_id = str(claims.get(GRANT_CLAIM, ""))
    with desk.people.database.read() as connection:
        grant = find_grant(connection, grant_id, desk.mac_key)
    if is_withdrawn(desk.people.database, str(claims.get("jti", "")), grant_id, checked.key.key_id, desk.mac_key):
        raise refused("revoked")
    if grant is None:
        raise refused("no person stands behind it")
    if desk.tokens.door.memory.present(grant.client_id) is None:
        raise refused("the client it was issued to")
    return Presented(claims, grant)


def _demand_own(shown: Presented, client_id: str) -> None:
    """Raise EXCHANGE_REFUSED unless the token was issued to this client, of what a person let it have himself (docs/explanation/decisions/0016).

    A ticket is a sign-in at another application, which lasts as long as the session: whoever merely serves calls sends nobody on, also not by
    way of what he exchanged for himself.
    """
    if {shown.claims.get("client_id"), shown.grant.client_id, shown.grant.holder_id} != {client_id}:
        raise refused("no sign-in at this client")


async def _exchange(
    desk: PersonDesk,
    wanted: ExchangeRequest,
    known: KnownClient,
    registration: Registration,
    binding: Binding,
    shown: Presented,
    at: datetime,
) -> bytes:
    client = known.client
    if not registration.serves_who_acts(shown.grant.acting_for):
        raise refused("the person acts for somebody this client does not serve")
    # 1. Never more than the token allows, nor than the client may have
    may = sign_in_of(client, registration)
    asked = shown.scopes if wanted.scope is None else tuple(dict.fromkeys(wanted.scope.split(" ")))
    scopes = tuple(each for each in asked if each in may.scopes) if wanted.scope is None else asked
    if not scopes or not set(scopes) <= set(shown.scopes) & set(may.scopes):
        raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
    audience = wanted.resource or (client.audiences[0] if client.audiences else desk.tokens.issuer)
    if audience not in (client.audiences or (desk.tokens.issuer,)):
        raise TrustError(Kind.UNACCEPTABLE, "RESOURCE_NOT_GRANTED")
    # 2. Who acts for whom
    actors = actors_in(shown.claims, person_last=shown.grant.acting_for is not None)
    if shown.claims.get("client_id") != client.client_id:
        actors = (client.client_id, *actors)
    is_own = shown.grant.client_id == client.client_id
    granted = replace(
        shown.grant,
        **({} if is_own else _of_another(shown.grant, client.client_id, at)),
        scopes=scopes,
        audience=audience,
        dpop_jkt=binding.dpop_jkt,
        certificate_digest=binding.certificate_digest,
    )
    seconds = min(TOKEN_SECONDS, shown.claims["exp"] - int(at.timestamp()))
    claims = access_claims(
        replace(granted, client_id=client.client_id),
        registration,
        issuer=desk.tokens.issuer,
        issued_at_seconds=int(at.timestamp()),
        token_id="",
        pairwise_key=desk.pairwise_key,
    )
    act = act_of(actors, claims.pop("act", None))
    if act is not None:
        claims["act"] = act
    claims["exp"] = claims["iat"] + seconds
    signings = await choose_signings(desk, registration, at)

    # 3. On record, if everything still stands
    def store(connection: Connection) -> tuple[str, str]:
        take_proof(connection, binding)
        grant = find_grant(connection, shown.grant.grant_id, desk.mac_key)
        if grant is None:
            raise TrustError(Kind.UNACCEPTABLE, "GRANT_ENDED")
        demand_standing(connection, desk, grant, at)
        if agent_scopes(connection, desk.people.vault, grant.account_id, grant.acting_for, scopes, at) != scopes:
            raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
        demand_unchanged(connection, desk, known, signings)
        if not is_own:
            insert_grant(connection, granted, desk.mac_key)
        token_id = desk.people.audit.record(
            connection,
            at=at,
            actor=f"client:{client.client_id}",
            action="token.exchange",
            subject=f"account:{grant.account_id}",
            outcome="done",
            facts={
                "token": str(shown.claims.get("jti", "")),
                "from": str(shown.claims.get("client_id", "")),
                "grant": granted.grant_id,
                "scope": " ".join(scopes),
                "audience": audience,
                "actors": " ".join(actors),
                "key": signings.access.key.key_id,
            },
        )
        return token_id, acr_now(connection, desk.people.vault, grant, at)

    claims["jti"], claims["acr"] = await desk.people.database.awrite(store)
    # 4. Sign and hand out
    answer = {
        "access_token": signings.access.sign(ACCESS_TYPE, claims),
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "DPoP" if binding.dpop_jkt else "Bearer",
        "expires_in": seconds,
        "scope": " ".join(scopes),
    }
    return json.dumps(answer, separators=(",", ":")).encode()


def _of_another(source: PersonGrant, client_id: str, at: datetime) -> dict[str, Any]:
    """What is another in the grant behind a token that was exchanged for another client's: it stays that one's, whom the person let have it, so that it
    opens nothing that rests on his leave to the client that holds the token.
    """
    return {"grant_id": new_grant_id(), "source_id": source.grant_id, "exchanged_by": client_id, "created_at": at}
