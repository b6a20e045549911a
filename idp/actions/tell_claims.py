"""What a client is told at the userinfo endpoint (OpenID Connect Core 5.3): for a token of ours whose grant stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crypto.jose import check_claims, check_token
from idp.actions.claims_of import claims_of
from idp.actions.person_desk import demand_standing
from idp.actions.prove_key import check_presented, take_presented
from idp.model.registrations import profile_of
from idp.store.grants import find_grant
from idp.tokens.person_tokens import ACCESS_TYPE, GRANT_CLAIM, subject_for
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.actions.person_desk import PersonDesk
    from idp.actions.prove_key import PresentedToken
    from idp.model.grants import PersonGrant
    from idp.model.registrations import Registration

OPENID: Final = "openid"


def read_person_token(desk: PersonDesk, presented: PresentedToken) -> tuple[Mapping[str, Any], PersonGrant]:
    """The claims of an access token of ours that is about a person, and its grant, which stands now.

    TrustError TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REVOKED, DPOP_PROOF_INVALID.
    """
    at = desk.people.clock.now()
    try:
        claims = check_token(presented.token, desk.tokens.ring.verification_keys(), token_type=ACCESS_TYPE).claims
        check_claims(claims, issuer=desk.tokens.issuer, audience=desk.tokens.issuer, at=at)
    except TrustError as error:
        code = "TOKEN_EXPIRED" if error.code == "JWS_EXPIRED" else "TOKEN_INVALID"
        raise TrustError(
            Kind.UNAUTHENTICATED, code, **({} if code == "TOKEN_EXPIRED" else {"reason": "not an access token for this"})
        ) from None
    proof = check_presented(presented, claims, at)
    if proof is not None:
        desk.people.database.write(lambda connection: take_presented(connection, proof))
    with desk.people.database.read() as connection:
        grant = find_grant(connection, str(claims.get(GRANT_CLAIM, "")), desk.mac_key)
        if grant is None:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="no person stands behind it")
        try:
            demand_standing(connection, desk, grant, at)
        except TrustError:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED") from None
    return claims, grant


def tell_claims(desk: PersonDesk, presented: PresentedToken) -> tuple[dict[str, Any], Registration]:
    """The claims, ``sub`` among them, and what the client registered about their form.

    TrustError as ``read_person_token``, SCOPE_MISSING, and TOKEN_REVOKED where the client is not active any more.
    """
    claims, grant = read_person_token(desk, presented)
    scopes = str(claims.get("scope", "")).split(" ")
    if OPENID not in scopes:
        raise TrustError(Kind.FORBIDDEN, "SCOPE_MISSING", scope=OPENID)
    known = desk.tokens.door.memory.present(grant.client_id)
    if known is None or known.registration is None:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED")
    registration = known.registration
    with desk.people.database.read() as connection:
        told = claims_of(
            connection,
            desk.people.vault,
            grant.account_id,
            grant.acting_for,
            scopes,
            grant.claims,
            profile_of(known.client, registration),
            at=desk.people.clock.now(),
        )
    told["sub"] = subject_for(registration, grant.subject_id, desk.pairwise_key)
    if grant.acting_for is not None:
        told["act"] = {"sub": subject_for(registration, grant.account_id, desk.pairwise_key)}
    return told, registration
