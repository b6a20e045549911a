"""What a client is told at the userinfo endpoint (OpenID Connect Core 5.3): for a token of ours whose grant stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crypto.jose import check_token
from crypto.jwt_claims import check_claims
from idp.actions.claims_of import agreed_claims, claims_of
from idp.actions.person_desk import demand_standing
from idp.actions.prove_key import check_presented, take_presented
from idp.model.registrations import profile_of
from idp.store.grants import find_grant
from idp.tokens.person_tokens import ACCESS_TYPE, GRANT_CLAIM, subject_for
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.actions.person_desk import PersonDesk
    from idp.actions.prove_key import PresentedToken
    from idp.model.registrations import Registration

OPENID: Final = "openid"


def _claims_in(desk: PersonDesk, presented: PresentedToken, at: datetime) -> Mapping[str, Any]:
    """The claims of an access token of ours, with its proof taken. TOKEN_INVALID, TOKEN_EXPIRED, DPOP_PROOF_INVALID, DPOP_NONCE_NEEDED."""
    try:
        checked = check_token(presented.token, desk.tokens.ring.verification_keys(), token_type=ACCESS_TYPE)
        claims = checked.claims
        check_claims(claims, issuer=desk.tokens.issuer, audience=desk.tokens.issuer, at=at)
    except TrustError as error:
        code = "TOKEN_EXPIRED" if error.code == "JWS_EXPIRED" else "TOKEN_INVALID"
        raise TrustError(
            Kind.UNAUTHENTICATED, code, **({} if code == "TOKEN_EXPIRED" else {"reason": "not an access token for this"})
        ) from None
    if not desk.tokens.ring.stands(checked.key.key_id):
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="its key has been withdrawn")
    proof = check_presented(presented, claims, at)
    if proof is not None:
        known = desk.tokens.door.memory.present(str(claims.get("client_id", "")))
        is_strict = known is not None and known.registration is not None and known.registration.is_fapi
        desk.tokens.nonces.demand(proof, at, is_strict=is_strict)
        desk.people.database.write(lambda connection: take_presented(connection, proof))
    return claims


def tell_claims(desk: PersonDesk, presented: PresentedToken) -> tuple[dict[str, Any], Registration]:
    """The claims, ``sub`` among them, and what the client registered about their form.

    TrustError TOKEN_INVALID, TOKEN_EXPIRED, DPOP_PROOF_INVALID, SCOPE_MISSING, and TOKEN_REVOKED where the grant behind the token has
    ended or the client is not active any more.
    """
    at = desk.people.clock.now()
    claims = _claims_in(desk, presented, at)
    scopes = str(claims.get("scope", "")).split(" ")
    known = desk.tokens.door.memory.present(str(claims.get("client_id", "")))  # before the read: a thread holds one connection at a time
    # One state of the database for whether the grant stands and for what is told
    with desk.people.database.read() as connection:
        grant = find_grant(connection, str(claims.get(GRANT_CLAIM, "")), desk.mac_key)
        if grant is None:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="no person stands behind it")
        try:
            demand_standing(connection, desk, grant, at)
        except TrustError:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED") from None
        if OPENID not in scopes:
            raise TrustError(Kind.FORBIDDEN, "SCOPE_MISSING", scope=OPENID)
        if known is None or known.registration is None or known.client.client_id != grant.client_id:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED")
        registration = known.registration
        profile = profile_of(known.client, registration)
        told = claims_of(
            connection,
            desk.people.vault,
            grant.account_id,
            grant.acting_for,
            scopes,
            grant.claims,
            profile,
            at=at,
            agreed=agreed_claims(connection, desk.people.vault, grant.account_id, grant.acting_for, profile),
        )
    told["sub"] = subject_for(registration, grant.subject_id, desk.pairwise_key)
    if grant.acting_for is not None:
        told["act"] = {"sub": subject_for(registration, grant.account_id, desk.pairwise_key)}
    return told, registration
