"""New tokens for a refresh token (RFC 6749 6), which is good once: one that comes back a second time ends the whole family (RFC 9700 4.14.2).

Under the FAPI 2.0 profile tokens are bound to their sender and the refresh token stays the same, as that profile wants (5.3.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crypto.sm3 import sm3
from idp.actions.cut_scopes import cut_scopes
from idp.actions.person_desk import choose_signings, claims_in_id_token, demand_resource, demand_standing, demand_unchanged, write_answer
from idp.actions.prove_key import take_proof
from idp.actions.store_grant import record_tokens
from idp.actions.two_factors import lacks_two
from idp.model.grants import GRANT_SECONDS, new_refresh_token
from idp.store.accounts import account_standing
from idp.store.grants import end_grant, find_grant, find_refresh_token, insert_refresh_token, spend_refresh_token
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import Binding, PersonGrant
    from idp.model.registrations import Registration
    from idp.tokens.request import TokenRequest


@dataclass(frozen=True, slots=True)
class _Renewed:
    grant: PersonGrant
    scopes: tuple[str, ...]
    token_id: str
    wanted: dict[str, Any]


async def refresh_token(desk: PersonDesk, request: TokenRequest, known: KnownClient, registration: Registration, binding: Binding) -> bytes:
    """The body of the answer. TrustError REFRESH_INVALID, REFRESH_REUSED, GRANT_ENDED, RESOURCE_NOT_GRANTED, SCOPE_NOT_GRANTED, and those of issuing."""
    given = request.form.get("refresh_token")
    if not given:
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="refresh_token")
    at, digest = desk.people.clock.now(), sm3(given.encode("utf-8", "replace"))
    signings = await choose_signings(desk, registration, at)
    follower = given if registration.is_fapi else new_refresh_token()

    def store(connection: Connection) -> _Renewed | TrustError:
        take_proof(connection, binding)
        # 1. Whose it is, and whether it is good for this client and sender now
        found = find_refresh_token(connection, digest, desk.mac_key)
        grant = None if found is None else find_grant(connection, found[0], desk.mac_key)
        if found is None or grant is None or grant.client_id != known.client.client_id:
            raise TrustError(Kind.UNACCEPTABLE, "REFRESH_INVALID")
        if (grant.dpop_jkt, grant.certificate_digest) != (binding.dpop_jkt, binding.certificate_digest) and not _may_change(
            registration, grant
        ):
            raise TrustError(Kind.UNACCEPTABLE, "REFRESH_INVALID")
        _, expires_at, is_spent = found
        if is_spent:
            return _end_family(connection, desk, grant, at, "REFRESH_REUSED", "refresh token reused")
        if at >= expires_at:
            raise TrustError(Kind.UNACCEPTABLE, "REFRESH_INVALID")
        demand_resource(request, grant.audience)
        account = account_standing(connection, desk.people.vault, grant.account_id)
        if account is not None and grant.ended_at is None and lacks_two(connection, account, grant):
            # For good: once the role is taken again, the sign-in from before it must not be one that goes on
            return _end_family(connection, desk, grant, at, "GRANT_ENDED", "two factors needed")
        demand_standing(connection, desk, grant, at)
        standing = cut_scopes(connection, desk.people.vault, grant, known, registration, at, desk.scope_limits)
        scopes = _narrowed(standing.scopes, request.scope)

        # 2. Spent by exactly one, its follower stored, on record
        if not registration.is_fapi:
            if not spend_refresh_token(connection, digest, at, desk.mac_key):
                return _end_family(connection, desk, grant, at, "REFRESH_REUSED", "refresh token reused")
            insert_refresh_token(
                connection, sm3(follower.encode()), grant.grant_id, at, at + timedelta(seconds=GRANT_SECONDS), desk.mac_key
            )
        demand_unchanged(connection, desk, known, signings)
        token_id = record_tokens(connection, desk, grant, signings, by="refresh_token", scopes=scopes, at=at)
        bound = replace(standing, scopes=grant.scopes, dpop_jkt=binding.dpop_jkt, certificate_digest=binding.certificate_digest)
        return _Renewed(bound, scopes, token_id, claims_in_id_token(connection, desk, grant, known.client, registration))

    renewed = await desk.people.database.awrite(store)
    if isinstance(renewed, TrustError):
        raise renewed
    return write_answer(
        desk,
        registration,
        renewed.grant,
        signings,
        token_id=renewed.token_id,
        at=at,
        wanted=renewed.wanted,
        refresh_token=follower,
        is_refreshed=True,
        scopes=renewed.scopes,
    )


def _may_change(registration: Registration, grant: PersonGrant) -> bool:
    """RFC 9449 5: of a confidential client the refresh token is bound to the client, not to the key of the first request; FAPI 2.0 adds nothing."""
    return not registration.is_public and grant.certificate_digest is None


def _narrowed(granted: tuple[str, ...], wanted: str | None) -> tuple[str, ...]:
    """What was asked for again, never more than is granted (RFC 6749 6)."""
    if wanted is None:
        return granted
    scopes = tuple(wanted.split(" "))
    if not set(scopes) <= set(granted):
        raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
    return tuple(scope for scope in granted if scope in scopes)


def _end_family(connection: Connection, desk: PersonDesk, grant: PersonGrant, at: datetime, code: str, why: str) -> TrustError:
    """End the grant, on record; what is to be answered once that is durable."""
    ended = end_grant(connection, grant.grant_id, at, why, desk.mac_key)
    desk.people.audit.record(
        connection,
        at=at,
        actor=f"client:{grant.client_id}",
        action="token.refuse",
        subject=f"account:{grant.account_id}",
        outcome="refused",
        facts={"reason": why, "grant": grant.grant_id, "grants_ended": ended},
    )
    return TrustError(Kind.UNACCEPTABLE, code)
