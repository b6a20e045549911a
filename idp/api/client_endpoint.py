"""Endpoints where clients prove who they are and send a form, as plain ASGI: reading the call, and answering in the form of RFC 6749 5.2."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from idp.errors import oauth_members, request_malformed
from idp.tokens.client_certificate import CertificateDoor, shown_certificate
from idp.tokens.request import FORM_BYTES_MAX, read_token_request
from service_kit import dpop_nonces
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from idp.actions.authenticate_client import Doorkeeper
    from idp.tokens.request import TokenRequest

STATUS: Final = {
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""RFC 6749 5.2 wants 400 for all else."""
HEADERS: Final = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"pragma", b"no-cache")]  # RFC 6749 5.1
NO_CERTIFICATES: Final = CertificateDoor()
_RETRY_SECONDS: Final = 5  # for outages whose end nobody knows


class BodyAbandonedError(Exception):
    """The caller went away before the body was complete: there is nobody to answer."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body, never holding more than ``limit`` bytes and one part. TOKEN_REQUEST_TOO_LARGE, BodyAbandonedError."""
    message = await receive()
    if message["type"] != "http.request":
        raise BodyAbandonedError
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        if len(body) > limit:
            break
        message = await receive()
        if message["type"] != "http.request":
            raise BodyAbandonedError
        body += message.get("body", b"")
    if len(body) > limit:
        raise TrustError(Kind.TOO_LARGE, "TOKEN_REQUEST_TOO_LARGE", limit_bytes=limit)
    return body


def certificates_of(door: Doorkeeper) -> CertificateDoor:
    """How a proxy in front shows certificates of clients."""
    return NO_CERTIFICATES if door.proofs is None else door.proofs.certificates


async def read_call(
    scope: Scope,
    receive: Receive,
    *,
    limit: int = FORM_BYTES_MAX,
    has_grant: bool = True,
    certificates: CertificateDoor = NO_CERTIFICATES,
) -> tuple[TokenRequest, str]:
    """The call, and the address it comes from. TrustError with a code of ``idp.errors.OAUTH_ERRORS``, BodyAbandonedError."""
    authorization: bytes | None = None
    proof: bytes | None = None
    content_type = b""
    count = proofs = 0
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
            count += 1
        elif name == b"content-type":
            content_type = value
        elif name == b"dpop":
            proof = value
            proofs += 1
    body = await read_body(receive, limit)
    if count > 1:
        raise request_malformed(found="more than one Authorization header")
    if proofs > 1:
        raise TrustError(Kind.UNACCEPTABLE, "DPOP_PROOF_INVALID", reason="more than one proof")
    address = scope.get("client")
    peer = address[0] if address else "local"
    request = read_token_request(content_type, authorization, body, proof, has_grant=has_grant, limit=limit)
    if certificates.header:
        request = replace(request, certificate=shown_certificate(certificates, scope["headers"], peer))
    return request, peer


@public("clients come here to authenticate")
class ClientEndpoint:
    """An endpoint as an ASGI application. ``work``: the call and its sender's address -> the body of the answer, JSON."""

    def __init__(
        self,
        work: Callable[[TokenRequest, str], Awaitable[bytes]],
        *,
        status: HTTPStatus = HTTPStatus.OK,
        limit: int = FORM_BYTES_MAX,
        certificates: CertificateDoor = NO_CERTIFICATES,
    ) -> None:
        self._certificates = certificates
        self._work = work
        self._status = status
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await send_answer(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", [(b"allow", b"POST")])
            return
        try:
            request, peer = await read_call(scope, receive, limit=self._limit, has_grant=False, certificates=self._certificates)
            answer = await self._work(request, peer)
        except BodyAbandonedError:
            return
        except TrustError as error:
            await send_error(send, error)
            return
        await send_answer(send, self._status, answer, HEADERS)


async def send_error(send: Send, error: TrustError) -> None:
    """Answer with an error of RFC 6749 5.2 and our stable code beside it."""
    status = STATUS.get(error.kind, HTTPStatus.BAD_REQUEST)
    headers = list(HEADERS)
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Basic realm="yinxin", charset="UTF-8"'))  # RFC 9110 15.5.2 wants a challenge with every 401
    if error.code == dpop_nonces.CODE:
        headers.append((b"dpop-nonce", str(error.facts[dpop_nonces.FACT]).encode("ascii")))
    if error.kind in {Kind.TOO_MANY, Kind.UNAVAILABLE}:
        headers.append((b"retry-after", b"%d" % int(error.facts.get("retry_after_seconds") or _RETRY_SECONDS)))
    await send_answer(send, status, json.dumps(oauth_members(error), separators=(",", ":")).encode(), headers)


async def send_answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Send an answer whole."""
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
