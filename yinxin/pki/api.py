"""The authority's HTTP addresses: certificates and revocation lists to fetch, OCSP and time-stamps to ask. For strangers, hence public.

Relying parties' software speaks these protocols without tokens. What signing costs is bounded per peer address instead.
"""

from __future__ import annotations

from base64 import b64decode
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from service_kit.composition import public
from service_kit.rates import Rates, one_address
from standards.errors import Kind, TrustError
from yinxin.pki import store
from yinxin.pki.actions.answer_requests import answer_status, answer_time_stamp
from yinxin.pki.authorities import ISSUING, NAMES, ROOT, certificate_path, crl_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from yinxin.pki.actions.issue_certificate import RegisterDesk
    from yinxin.pki.authorities import Authorities

REQUEST_BYTES_MAX: Final = 64 * 1024  # 100 OCSP certificate ids take 12 kB, a time-stamp request 100 bytes
ANSWERS_PER_PEER: Final = 200.0  # signed answers for one address at once
ANSWERS_PER_PEER_PER_SECOND: Final = 50.0
LIST_CACHE_SECONDS: Final = 300
SHORT_REQUEST_CHARACTERS: Final = 1024  # whoever keeps to the standard puts no more than 255 bytes into the address
ShortRequest = Annotated[
    str,
    Path(
        max_length=SHORT_REQUEST_CHARACTERS,
        description="The request (DER) in Base64, written for an address: `/` as `%2F`, `+` as `%2B`, `=` as `%3D`.",
    ),
]
_TAGS: Final[list[Any]] = ["certificates"]


def make_router(desk: RegisterDesk, authorities: Authorities) -> APIRouter:
    """The routes, for the composition to mount."""
    router = APIRouter(tags=_TAGS)
    rates = Rates(per_second=ANSWERS_PER_PEER_PER_SECOND, burst=ANSWERS_PER_PEER)

    for name in NAMES:
        router.get(
            certificate_path(name), name=f"read_{name}_certificate", **_binary(f"The {name} certificate (DER).", "application/pkix-cert")
        )(_certificate(authorities, name))
    for issuer in (ISSUING, ROOT):
        router.get(
            crl_path(issuer), name=f"read_{issuer}_list", **_binary(f"The {issuer} authority's list (DER).", "application/pkix-crl")
        )(_list(desk, issuer))

    def take_turn(request: Request) -> str:
        peer = request.client.host if request.client else "local"
        wait = rates.take(one_address(peer), monotonic())
        if wait > 0:
            raise TrustError(Kind.TOO_MANY, "RATE_EXCEEDED", retry_after_seconds=int(wait) + 1)
        return peer

    async def answered(asked_der: bytes, peer: str, media_type: str, respond: Callable[..., bytes]) -> Response:
        response_der = await run_in_threadpool(respond, desk, authorities, asked_der, actor=f"peer:{peer}")
        return Response(response_der, media_type=media_type, headers={"cache-control": "no-store"})

    async def answer(request: Request, expected: str, media_type: str, respond: Callable[..., bytes]) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != expected:
            raise TrustError(Kind.UNACCEPTABLE, "MEDIA_TYPE_UNSUPPORTED", expected=expected)
        peer = take_turn(request)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > REQUEST_BYTES_MAX:
                raise TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit=REQUEST_BYTES_MAX)
        return await answered(body, peer, media_type, respond)

    @router.post(
        "/ocsp", summary="Is a certificate revoked (RFC 6960)", **_exchange("application/ocsp-request", "application/ocsp-response")
    )
    @public("relying parties ask without an account")
    async def read_status(request: Request) -> Response:
        return await answer(request, "application/ocsp-request", "application/ocsp-response", answer_status)

    short = _binary("The response (DER), also to a request that cannot be read.", "application/ocsp-response")

    @router.get("/ocsp/{asked:path}", **short | {"summary": "The same for a short request (RFC 6960, A.1)"})
    @public("relying parties ask without an account; Java and Windows put short requests into the address")
    async def read_short_status(request: Request, asked: ShortRequest) -> Response:
        peer = take_turn(request)
        try:
            asked_der = b64decode(asked, validate=True)
        except ValueError:
            asked_der = b""  # which is no request: malformedRequest
        return await answered(asked_der, peer, "application/ocsp-response", answer_status)

    @router.post("/tsa", summary="A time-stamp (RFC 3161)", **_exchange("application/timestamp-query", "application/timestamp-reply"))
    @public("RFC 3161 clients know no bearer tokens; bounded per peer")
    async def issue_time_stamp(request: Request) -> Response:
        return await answer(request, "application/timestamp-query", "application/timestamp-reply", answer_time_stamp)

    return router


def _certificate(authorities: Authorities, name: str) -> Callable[[], Awaitable[Response]]:
    content = authorities.certificates[name].der

    @public("whoever verifies needs it")
    async def read_certificate() -> Response:
        return Response(content, media_type="application/pkix-cert", headers={"cache-control": "public, max-age=3600"})

    return read_certificate


def _list(desk: RegisterDesk, issuer: str) -> Callable[[], Response]:
    @public("whoever verifies needs it")
    def read_list() -> Response:
        with desk.database.read() as connection:
            newest = store.load_newest_list(connection, issuer)
        if newest is None:
            raise TrustError(Kind.UNAVAILABLE, "REVOCATION_LIST_MISSING", issuer=issuer)
        headers = {"cache-control": f"public, max-age={LIST_CACHE_SECONDS}"}
        return Response(newest.crl_der, media_type="application/pkix-crl", headers=headers)

    return read_list


def _binary(description: str, media_type: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "string", "contentMediaType": media_type}}}
    return {"summary": description, "response_class": Response, "responses": {200: {"description": description, "content": content}}}


def _exchange(request_type: str, response_type: str) -> dict[str, Any]:
    answered = _binary("The response (DER).", response_type)
    schema = {"type": "string", "contentMediaType": request_type}
    answered["openapi_extra"] = {"requestBody": {"required": True, "content": {request_type: {"schema": schema}}}}
    del answered["summary"]
    return answered
