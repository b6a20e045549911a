"""``GET`` and ``POST /oauth2/userinfo`` (OpenID Connect Core 5.3) as plain ASGI: JSON, or a signed JWT for clients that registered one."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from starlette.requests import Request

from idp.actions.person_desk import choose_signing
from idp.actions.prove_key import PresentedToken
from idp.actions.tell_claims import tell_claims
from idp.api.client_endpoint import NO_CERTIFICATES, BodyAbandonedError, certificates_of, read_body, send_answer
from idp.errors import bearer_challenge, facts_told, request_malformed
from idp.model.registrations import sm2_form_of
from idp.tokens.client_certificate import CertificateDoor, shown_certificate
from idp.tokens.person_tokens import ID_TYPE
from idp.tokens.request import FORM_BYTES_MAX, FORM_TYPE, read_form
from service_kit import dpop_nonces
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from idp.actions.person_desk import PersonDesk

PATH: Final = "/oauth2/userinfo"
METHODS: Final = ("GET", "POST")
_NO_STORE: Final = (b"cache-control", b"no-store")
_STATUS: Final = {Kind.UNAUTHENTICATED: 401, Kind.FORBIDDEN: 403, Kind.MALFORMED: 400, Kind.TOO_LARGE: 413, Kind.UNAVAILABLE: 503}


async def read_presented(request: Request, issuer: str, certificates: CertificateDoor = NO_CERTIFICATES) -> PresentedToken:
    """The token in the only Authorization header, with the only proof beside it, or in the form of a POST (RFC 6750 2.2), never in the address.

    TOKEN_MISSING, TOKEN_INVALID, DPOP_PROOF_INVALID, BEARER_METHODS_BOTH, and those of reading a form.
    """
    given = request.headers.getlist("authorization")
    posted = ""
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip().lower().encode() == FORM_TYPE:
        try:
            posted = read_form(await read_body(request.receive, FORM_BYTES_MAX)).get("access_token", "")
        except BodyAbandonedError:
            raise request_malformed(found="half a body") from None
    if posted and given:
        raise TrustError(Kind.MALFORMED, "BEARER_METHODS_BOTH")
    if posted:
        return PresentedToken(posted, True, None, request.method, issuer + PATH, _certificate(request, certificates))
    if not given:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_MISSING")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() not in {"bearer", "dpop"} or not token or " " in token:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="scheme")
    proofs = request.headers.getlist("dpop")
    if len(proofs) > 1:
        raise TrustError(Kind.UNAUTHENTICATED, "DPOP_PROOF_INVALID", reason="more than one proof")
    proof = proofs[0] if proofs else None
    return PresentedToken(token, scheme.lower() == "bearer", proof, request.method, issuer + PATH, _certificate(request, certificates))


def _certificate(request: Request, certificates: CertificateDoor) -> str | None:
    shown = shown_certificate(certificates, request.headers.raw, request.client.host if request.client else "")
    return None if shown is None else shown.digest


@public("the endpoint reads the token by itself: a person's, with the grant it hangs on", is_step=True)
class UserinfoEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, desk: PersonDesk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in METHODS:
            await send_answer(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", [(b"allow", ", ".join(METHODS).encode())])
            return
        try:
            body, media_type = await self._answer(Request(scope, receive))
            await send_answer(send, HTTPStatus.OK, body, [(b"content-type", media_type), _NO_STORE])
        except TrustError as error:
            word, challenge = bearer_challenge(error)
            headers = [(b"content-type", b"application/json"), _NO_STORE, (b"www-authenticate", challenge.encode("latin-1"))]
            if error.code == dpop_nonces.CODE:
                headers.append((b"dpop-nonce", str(error.facts[dpop_nonces.FACT]).encode("ascii")))
            await send_answer(send, _STATUS.get(error.kind, 401), _json({"error": word, "code": error.code, **facts_told(error)}), headers)

    async def _answer(self, request: Request) -> tuple[bytes, bytes]:
        desk = self._desk
        presented = await read_presented(request, desk.tokens.issuer, certificates_of(desk.tokens.door))
        if presented.proof is None and desk.people.database.is_sqlite:
            # A few rows by their keys from a file here: handing that to a thread would cost more than doing it. A proof is written down
            told, registration = tell_claims(desk, presented)
        else:
            told, registration = await anyio.to_thread.run_sync(partial(tell_claims, desk, presented))
        algorithm = registration.userinfo_signed_response_alg
        if not algorithm:
            return _json(told), b"application/json"
        signing = await choose_signing(desk, algorithm, desk.people.clock.now(), sm2_form_of(registration))
        signed = signing.sign(ID_TYPE, {**told, "iss": desk.tokens.issuer, "aud": registration.client_id})
        return signed.encode(), b"application/jwt"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _documented(operation: str) -> dict[str, Any]:
    return {
        "operationId": operation,
        "tags": ["identity"],
        "summary": "What the person has let the client know",
        "description": "OpenID Connect Core 5.3. Authorization: Bearer (DPoP for a token bound to a key, with a proof) with a token that has "
        "the scope openid; a POST may carry a token that is not bound as access_token in its form instead (RFC 6750 2.2).",
        "security": [{}],
        "responses": {
            "200": {
                "description": "The claims, as JSON or as a signed JWT.",
                "content": {
                    "application/json": {"schema": {"type": "object"}, "example": {"sub": "pe_0123456789abcdef", "name": "测试甲"}}
                },
            },
            "400": {"description": "The token came in two ways, or the form cannot be read."},
            "401": {"description": "The token is missing, expired, or what it hangs on has ended; see WWW-Authenticate."},
            "403": {"description": "The token has not the scope openid."},
        },
    }


OPENAPI: Final[dict[str, Any]] = {PATH: {"get": _documented("userinfo"), "post": _documented("userinfo_by_post")}}
