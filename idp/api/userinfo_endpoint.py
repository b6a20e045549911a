"""``GET`` and ``POST /oauth2/userinfo`` (OpenID Connect Core 5.3): JSON, or a signed JWT for clients that registered one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from idp.actions.person_desk import choose_signing
from idp.actions.prove_key import PresentedToken
from idp.actions.tell_claims import tell_claims
from idp.errors import bearer_challenge
from idp.tokens.person_tokens import ID_TYPE
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from idp.actions.person_desk import PersonDesk

PATH: Final = "/oauth2/userinfo"
_NO_STORE: Final = {"cache-control": "no-store"}
_STATUS: Final = {Kind.UNAUTHENTICATED: 401, Kind.FORBIDDEN: 403, Kind.MALFORMED: 400, Kind.UNAVAILABLE: 503}


def read_presented(request: Request, issuer: str) -> PresentedToken:
    """The token in the only Authorization header, with the only proof beside it; TOKEN_MISSING, TOKEN_INVALID, DPOP_PROOF_INVALID."""
    given = request.headers.getlist("authorization")
    if not given:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_MISSING")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() not in {"bearer", "dpop"} or not token or " " in token:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="scheme")
    proofs = request.headers.getlist("dpop")
    if len(proofs) > 1:
        raise TrustError(Kind.UNAUTHENTICATED, "DPOP_PROOF_INVALID", reason="more than one proof")
    proof = proofs[0] if proofs else None
    return PresentedToken(token, scheme.lower() == "bearer", proof, request.method, issuer + PATH)


def add_userinfo_routes(router: APIRouter, desk: PersonDesk) -> None:
    """Add them to the service's router."""

    @public("the endpoint reads the token by itself: a person's, with the grant it hangs on")
    async def tell(request: Request) -> Response:
        try:
            told, registration = await anyio.to_thread.run_sync(partial(tell_claims, desk, read_presented(request, desk.tokens.issuer)))
            algorithm = registration.userinfo_signed_response_alg
            if not algorithm:
                return JSONResponse(told, headers=_NO_STORE)
            signing = await choose_signing(desk, algorithm, desk.people.clock.now())
            signed = signing.sign(ID_TYPE, {**told, "iss": desk.tokens.issuer, "aud": registration.client_id})
            return Response(signed, media_type="application/jwt", headers=_NO_STORE)
        except TrustError as error:
            word, challenge = bearer_challenge(error)
            headers = {**_NO_STORE, "www-authenticate": challenge}
            return JSONResponse({"error": word, "code": error.code}, _STATUS.get(error.kind, 401), headers)

    documented: Any = {
        "summary": "What the person has let the client know",
        "description": "OpenID Connect Core 5.3. Authorization: Bearer (DPoP for a token bound to a key, with a proof) "
        "with a token that has the scope openid.",
        "tags": ["identity"],
        "response_class": Response,
        "responses": {
            200: {
                "description": "The claims, as JSON or as a signed JWT.",
                "content": {
                    "application/json": {"schema": {"type": "object"}, "example": {"sub": "pe_0123456789abcdef", "name": "测试甲"}}
                },
            },
            401: {"description": "The token is missing, expired, or what it hangs on has ended; see WWW-Authenticate."},
            403: {"description": "The token has not the scope openid."},
        },
    }
    router.get(PATH, name="userinfo", **documented)(tell)
    router.post(PATH, name="userinfo_by_post", **documented)(tell)
