"""Exchange an authorization code for tokens (RFC 6749 4.1.3, RFC 7636, OpenID Connect Core 3.1.3).

The grant, its refresh token and the audit row are durable before anything is signed. A code that comes back a second time ends the grant
it became, with all tokens of it (RFC 6749 4.1.2): that must stay on record, so it is committed before the refusal is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from idp.actions.issue_code import redeem_code
from idp.actions.person_desk import choose_signings, demand_resource, write_answer
from idp.actions.prove_key import take_proof
from idp.actions.store_grant import Stored, store_grant
from idp.model.grants import PersonGrant, new_grant_id, new_refresh_token
from idp.model.registrations import REFRESH
from idp.store.codes import grant_of_code
from idp.store.grants import end_grant
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.codes import IssuedCode
    from idp.model.grants import Binding
    from idp.model.registrations import Registration
    from idp.tokens.request import TokenRequest


async def exchange_code(desk: PersonDesk, request: TokenRequest, known: KnownClient, registration: Registration, binding: Binding) -> bytes:
    """The body of the answer. TrustError CODE_INVALID, CODE_REUSED, GRANT_ENDED, RESOURCE_NOT_GRANTED, TOKEN_PARAMETER_MISSING, and those of issuing."""
    code = request.form.get("code")
    if not code:
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="code")
    client, at = known.client, desk.people.clock.now()
    signings = await choose_signings(desk, registration, at)
    refresh_token = new_refresh_token() if REFRESH in registration.grant_types else None

    # 1. One transaction: the code is spent, the grant stands, the refresh token is known, all of it on record
    def store(connection: Connection) -> Stored | None:
        take_proof(connection, binding)
        grant_id = new_grant_id()
        try:
            issued = redeem_code(
                connection,
                code,
                client_id=client.client_id,
                redirect_uri=request.form.get("redirect_uri"),
                verifier=request.form.get("code_verifier"),
                dpop_jkt=binding.dpop_jkt,
                at=at,
                mac_key=desk.mac_key,
                grant_id=grant_id,
            )
        except TrustError as error:
            if error.code == "CODE_REUSED":
                _end_what_it_became(connection, desk, known, code)
                return None
            raise
        if not registration.answers_at(issued.redirect_uri):  # taken away since, perhaps because it is in the wrong hands
            raise TrustError(Kind.UNACCEPTABLE, "CODE_INVALID")
        grant = grant_of(desk, grant_id, issued, binding)
        demand_resource(request, grant.audience)
        return store_grant(
            connection,
            desk,
            known,
            registration,
            signings,
            grant,
            by="authorization_code",
            refresh_token=refresh_token,
            at=at,
        )

    issued = await desk.people.database.awrite(store)
    if issued is None:
        raise TrustError(Kind.UNACCEPTABLE, "CODE_REUSED")

    # 2. Sign and hand out
    return write_answer(
        desk, registration, issued.grant, signings, token_id=issued.token_id, at=at, wanted=issued.wanted, refresh_token=refresh_token
    )


def grant_of(desk: PersonDesk, grant_id: str, issued: IssuedCode, binding: Binding) -> PersonGrant:
    """What a code stands for, as a grant that is not stored yet."""
    return PersonGrant(
        grant_id=grant_id,
        client_id=issued.client_id,
        account_id=issued.account_id,
        acting_for=issued.acting_for,
        session_id=issued.session_id,
        scopes=issued.scopes,
        audience=issued.resource or desk.tokens.issuer,
        acr=issued.acr,
        amr=issued.amr,
        auth_at=issued.auth_at,
        nonce=issued.nonce,
        created_at=desk.people.clock.now(),
        is_offline="offline_access" in issued.scopes,
        dpop_jkt=binding.dpop_jkt,
        certificate_digest=binding.certificate_digest,
        claims=issued.claims,
    )


def _end_what_it_became(connection: Connection, desk: PersonDesk, known: KnownClient, code: str) -> None:
    grant_id, at = grant_of_code(connection, sm3(code.encode("utf-8", "replace"))), desk.people.clock.now()
    ended = 0 if grant_id is None else end_grant(connection, grant_id, at, "code reused", desk.mac_key)
    desk.people.audit.record(
        connection,
        at=at,
        actor=f"client:{known.client.client_id}",
        action="token.refuse",
        subject=f"client:{known.client.client_id}",
        outcome="refused",
        facts={"reason": "code reused", "grant": grant_id, "grants_ended": ended},
    )
