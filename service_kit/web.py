"""The frame around every request: a pure ASGI application, because every request pays for it.

It gives each request an id, refuses what is too large before anything is read into memory, ends what takes too long, turns every
error, also one that no route ever saw, into a problem document, sets the headers that browsers need to be told, counts, and writes
one access line without query string, headers or body.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from datetime import UTC, datetime
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, Final

from service_kit.problems import DEFAULT_LANGUAGE, language_of, problem_of
from service_kit.structured_logs import request_id_now
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence

    from service_kit.metrics import Metrics
    from service_kit.problems import Problem
    from service_kit.settings import Limits

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_errors = logging.getLogger("yinxin.errors")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_OWN_NAMES: Final = frozenset(name for name, _ in (*SECURITY_HEADERS, STRICT_TRANSPORT))
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_STATUS: Final = {"HEADERS_TOO_LARGE": 431}  # RFC 6585 5: the one status that no kind stands for
_LENGTH_DIGITS: Final = 15
_PATH_CHARACTERS: Final = 300
UNLOGGED: Final = "is_unlogged"
"""Set in a request's ``state`` by what is asked every second by every open page: its "unchanged" (304) is counted and writes no line."""
_UNCHANGED: Final = 304
_JUST_CLOSED: Final = 499  # the caller went away; nginx's number, used in the log only


class WebFrame:
    """Wraps an ASGI application.

    ``secure``: the deployment is reached by https, so browsers may be told to insist on it. ``write_access``: takes one line of JSON
    with its newline per request, such as ``structured_logs.LinesOfTurn.add``; None writes no access log.
    """

    def __init__(
        self,
        application: Application,
        limits: Limits,
        metrics: Metrics | None = None,
        *,
        secure: bool = False,
        write_access: Callable[[bytes], object] | None = None,
    ) -> None:
        self._application = application
        self._body_bytes = limits.body_bytes
        self._header_count = limits.header_count
        self._header_bytes = limits.header_bytes
        self._seconds = limits.request_seconds
        self._headers = (*SECURITY_HEADERS, STRICT_TRANSPORT) if secure else SECURITY_HEADERS
        self._requests = metrics.counter("http_requests_total", "Requests by method and status", ("method", "status")) if metrics else None
        self._durations = metrics.histogram("http_request_seconds", "Time to the end of the answer", ("method",)) if metrics else None
        self._write_access = write_access
        self._id_head, self._id_next = os.urandom(6).hex(), 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (or hand on what is none: lifespan, websockets)."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        began = time.perf_counter()
        request_id, language, refusal = self._look_at(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        token = request_id_now.set(request_id)
        status = received = 0
        too_large: TrustError | None = None
        refused = False
        limit = asyncio.timeout(self._seconds)
        own_headers = [*self._headers, (b"x-request-id", request_id.encode("ascii"))]

        async def limited_receive() -> Message:
            nonlocal received, too_large
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._body_bytes:
                    too_large = TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit=self._body_bytes)
                    raise too_large
            return message

        async def marked_send(message: Message) -> None:
            nonlocal status
            if too_large is not None and not refused:
                return  # the framework took the broken reading for a malformed body; the right answer follows below
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                named = {name for name, _ in given} & _OWN_NAMES  # a page with scripts states its own policy
                given += own_headers if not named else [pair for pair in own_headers if pair[0] not in named]
                message["headers"] = given
            await send(message)

        try:
            if refusal is not None:
                raise refusal
            async with limit:
                await self._application(scope, limited_receive, marked_send)
            if too_large is not None:
                raise too_large
        except Exception as error:  # noqa: BLE001 # edge: the outermost frame; nothing may leave it but an answer
            shown: Exception = too_large or error
            if isinstance(shown, TimeoutError) and limit.expired():
                shown = TrustError(Kind.UNAVAILABLE, "REQUEST_TIMEOUT", seconds=self._seconds)
            if not isinstance(shown, TrustError):
                _errors.error("request failed", exc_info=error, extra={"facts": {"method": scope["method"], "path": scope["path"]}})
            if not status:
                refused = True
                await _send_problem(
                    problem_of(shown, language=language, request_id=request_id, status=_OTHER_STATUS.get(_code(shown))), marked_send
                )
        finally:
            request_id_now.reset(token)
            self._note(scope, status, received, time.perf_counter() - began, request_id)

    def _look_at(self, headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, str, TrustError | None]:
        """Request id, language, and a refusal where the head of the request alone is reason enough."""
        request_id = language = ""
        size = 0
        refusal: TrustError | None = None
        for name, value in headers:
            size += len(name) + len(value)
            if name == b"content-length":
                if not value.isdigit() or len(value) > _LENGTH_DIGITS:
                    refusal = TrustError(Kind.MALFORMED, "HEADERS_MALFORMED", header="Content-Length")
                elif int(value) > self._body_bytes:
                    refusal = TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit=self._body_bytes)
            elif name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                request_id = value.decode("ascii")
            elif name == b"accept-language":
                language = value.decode("latin-1")
        if len(headers) > self._header_count or size > self._header_bytes:
            refusal = TrustError(Kind.TOO_LARGE, "HEADERS_TOO_LARGE", count=self._header_count, bytes=self._header_bytes)
        if not request_id:
            self._id_next += 1
            request_id = f"{self._id_head}{self._id_next:08x}"
        return request_id, language_of(language) if refusal or language else DEFAULT_LANGUAGE, refusal

    def _note(self, scope: Mapping[str, Any], status: int, received: int, seconds: float, request_id: str) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        if self._requests is not None and self._durations is not None:
            self._requests.add(method, str(status or _JUST_CLOSED))
            self._durations.observe(seconds, method)
        is_worth_a_line = status != _UNCHANGED or not scope["state"].get(UNLOGGED)
        if self._write_access is not None and is_worth_a_line:
            client = scope.get("client")
            line = (
                f'{{"at":"{datetime.now(UTC).isoformat(timespec="milliseconds")[:23]}Z","level":"info","logger":"yinxin.access",'
                f'"method":{quote(scope["method"])},"path":{quote(scope["path"][:_PATH_CHARACTERS])},"status":{status or _JUST_CLOSED},'
                f'"received":{received},"ms":{seconds * 1000:.2f},"client":{quote(client[0] if client else "")},"request_id":"{request_id}"}}\n'
            )
            self._write_access(line.encode("utf-8", "backslashreplace"))


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, TrustError) else ""


async def _send_problem(problem: Problem, send: Send) -> None:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1", "replace")) for name, value in problem.headers]
    headers.append((b"connection", b"close"))  # what is left of the body is not read
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.body})
