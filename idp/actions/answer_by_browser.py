"""Tokens that go to a client by way of the browser (OIDC Core 3.2.2.5): where the operator has opened that, for clients that registered it.

They come of a code that never leaves this process: minted in the transaction that finished the sign-in, and redeemed here as the token endpoint
redeems one, so that the same rules hold of who may get what, and grant and audit row are durable before anything is signed. There is no refresh
token, and the access token counts for half as long as others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from anyio import from_thread

from crypto.sm2_form import SM2_FORM
from idp.actions.choose_signing_key import SigningKeyChangedError
from idp.actions.claims_of import SCOPE_CLAIMS
from idp.actions.exchange_code import grant_of
from idp.actions.issue_code import redeem_code
from idp.actions.issue_token import DECISIONS_MAX, take_turn
from idp.actions.person_desk import Signing, Signings, claims_in_id_token
from idp.actions.recall_client import ClientChangedError
from idp.actions.store_grant import Stored, store_grant
from idp.model.clients import ACCESS_TOKEN_ALGORITHM, SIGNING_ALGORITHMS
from idp.model.grants import Binding, new_grant_id
from idp.model.openings import BOTH_TYPE, FRONT_TOKEN_SECONDS, ID_TOKEN_TYPE
from idp.model.redirects import is_among
from idp.model.registrations import IMPLICIT, sign_in_of, sm2_form_of
from idp.tokens.person_tokens import ACCESS_TYPE, ID_TYPE, Issuance, access_claims, id_claims, token_seconds
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.sm2_form import Sm2Form
    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import PersonGrant
    from idp.model.openings import Opened
    from idp.model.registrations import Registration
    from idp.model.requests import AuthorizationRequest

_NOTHING: Final = Binding()


def answer_by_browser(desk: PersonDesk, opened: Opened, request: AuthorizationRequest, code: str) -> dict[str, str]:
    """The fields of the answer. ``code``: of this very sign-in. Blocks: to be called in a thread of the event loop's.

    TrustError AUTHORIZATION_REFUSED for a client that has not registered this any more, RATE_EXCEEDED, CODE_INVALID, GRANT_ENDED,
    SCOPE_NOT_GRANTED, JWS_ALGORITHM_UNSUPPORTED, and codes of kind unavailable.
    """
    for _ in range(DECISIONS_MAX):
        try:
            return _decide_and_issue(desk, opened, request, code)
        except ClientChangedError:
            desk.tokens.door.memory.forget(request.client_id)
        except SigningKeyChangedError:
            desk.tokens.ring.forget()
    raise TrustError(Kind.UNAVAILABLE, "TOKEN_DECISION_OVERTAKEN", attempts=DECISIONS_MAX)


def _decide_and_issue(desk: PersonDesk, opened: Opened, request: AuthorizationRequest, code: str) -> dict[str, str]:
    people, tokens = desk.people, desk.tokens
    at = people.clock.now()
    # 1. Whether this client may have this here, as of now: the sign-in may have taken half an hour
    known = tokens.door.memory.present(request.client_id)
    registration = None if known is None else known.registration
    if known is None or registration is None or not _may_have(known, registration, opened, request):
        raise TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error="unauthorized_client")
    from_thread.run_sync(take_turn, tokens, known.client)  # the rates of clients belong to the event loop
    identity = _signing(desk, registration.id_token_signed_response_alg, at, sm2_form_of(registration))
    signings = Signings(_signing(desk, ACCESS_TOKEN_ALGORITHM, at), identity)

    # 2. One transaction: the code is spent, the grant stands, all of it on record
    def store(connection: Connection) -> tuple[Stored, dict[str, Any]]:
        grant_id = new_grant_id()
        issued = redeem_code(
            connection,
            code,
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            verifier=None,
            dpop_jkt=None,
            at=at,
            mac_key=desk.mac_key,
            grant_id=grant_id,
        )
        grant = grant_of(desk, grant_id, issued, _NOTHING)
        stored = store_grant(
            connection,
            desk,
            known,
            registration,
            signings,
            grant,
            by=IMPLICIT,
            refresh_token=None,
            at=at,
            response_type=request.response_type,
        )
        if request.response_type != ID_TOKEN_TYPE:
            return stored, stored.wanted
        return stored, claims_in_id_token(connection, desk, _with_all_in_id_token(stored.grant), known.client, registration)

    stored, wanted = people.database.write(store)
    # 3. Sign and hand out
    return _signed(desk, registration, signings, stored, wanted, request.response_type, int(at.timestamp()))


def _may_have(known: KnownClient, registration: Registration, opened: Opened, request: AuthorizationRequest) -> bool:
    may = sign_in_of(known.client, registration, opened)
    return request.response_type in may.response_types and is_among(request.redirect_uri, may.redirect_uris, is_public=may.is_public)


def _signing(desk: PersonDesk, algorithm: str, at: datetime, sm2: Sm2Form = SM2_FORM) -> Signing:
    if algorithm not in SIGNING_ALGORITHMS:
        raise TrustError(Kind.UNACCEPTABLE, "JWS_ALGORITHM_UNSUPPORTED", algorithm=algorithm)
    return Signing(*desk.tokens.ring.signing_here(at, algorithm), sm2)


def _with_all_in_id_token(grant: PersonGrant) -> PersonGrant:
    """Without an access token nobody can ask userinfo, so the claims of the scopes stand in the ID token (OIDC Core 5.4): of those it was granted."""
    asked = grant.claims.get("id_token")
    names = sorted(name for scope in grant.scopes for name in SCOPE_CLAIMS.get(scope, ()))
    return replace(grant, claims={"id_token": {**dict.fromkeys(names), **(asked if isinstance(asked, dict) else {})}})


def _signed(
    desk: PersonDesk,
    registration: Registration,
    signings: Signings,
    stored: Stored,
    wanted: dict[str, Any],
    response_type: str,
    issued_at_seconds: int,
) -> dict[str, str]:
    setting: Issuance = {"issuer": desk.tokens.issuer, "issued_at_seconds": issued_at_seconds, "pairwise_key": desk.pairwise_key}
    fields: dict[str, str] = {}
    access_token = None
    if response_type == BOTH_TYPE:
        soon = stored.grant.created_at + timedelta(seconds=FRONT_TOKEN_SECONDS)
        grant = replace(stored.grant, ends_at=min(soon, stored.grant.ends_at or soon))
        access_token = signings.access.sign(ACCESS_TYPE, access_claims(grant, registration, token_id=stored.token_id, **setting))
        seconds, scope = token_seconds(grant, issued_at_seconds), " ".join(grant.scopes)
        fields = {"access_token": access_token, "token_type": "Bearer", "expires_in": str(seconds), "scope": scope}
    claims = id_claims(stored.grant, registration, access_token=access_token, wanted=wanted, **setting)
    return {**fields, "id_token": signings.identity.sign(ID_TYPE, claims)}
