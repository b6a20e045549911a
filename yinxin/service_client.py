"""Calls of the services that run elsewhere (``service_urls``), as a client of theirs with its own token. Off unless ``[service_client] id`` is set.

An answer that is none of theirs, and everything that says "later", is SERVICE_UNAVAILABLE: whoever calls keeps what he has and tries again. What
they refuse for good comes back with their own code.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote_plus, urlencode

from service_kit.bounded_calls import call_once
from service_kit.problems import STATUS
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from service_kit.bounded_calls import Answer
    from service_kit.settings import ServiceClient

TOKEN_BYTES: Final = 64 * 1024
SECRET_BYTES: Final = 1024
FAILED_SECONDS: Final = 2.0  # so long nobody asks again where no token was given: who waited hears so at once
TOKEN_SPARED_SECONDS: Final = 30.0  # before its end a token is taken anew: a call may last
PROBLEM_BYTES: Final = 64 * 1024
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,63}")
_KINDS: Final = {status: kind for kind, status in STATUS.items()}
_LATER: Final = {
    Kind.UNAUTHENTICATED,
    Kind.TOO_MANY,
    Kind.UNAVAILABLE,
}  # the first: our own credential is not right now, which is nothing against the request


class Call(Protocol):
    """One HTTP request, one answer, as ``service_kit.bounded_calls.call_once``."""

    def __call__(
        self, method: str, url: str, *, timeout_seconds: float, answer_bytes: int, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """TrustError OUTBOUND_FAILED where none comes."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A service that runs elsewhere. ``url``: its ``base_url``, which tokens for it name as their audience."""

    service: str
    url: str


@dataclass
class ServiceCaller:
    """One process's side. ``token_url``: of the identity provider; ``read_secret``: the client's own, read again for each token."""

    settings: ServiceClient
    token_url: str
    read_secret: Callable[[], str]
    call: Call = call_once
    now: Callable[[], float] = time.monotonic
    _tokens: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, place: Place, path: str, scope: str, content: bytes, *, content_type: str, answer_bytes: int) -> Answer:
        """The answer 200 of a service; a token that does not count any more is taken anew, once.

        Raises TrustError SERVICE_UNAVAILABLE, or what the service refuses with.
        """
        ask = partial(self._ask, place.service, place.url + path, content, content_type, max(answer_bytes, PROBLEM_BYTES))
        token = self._token(place, scope)
        answer = ask(token)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            with self._lock:
                if self._tokens.get((place.url, scope), ("", 0.0))[0] == token:  # another call may have taken a new one already
                    del self._tokens[place.url, scope]
            answer = ask(self._token(place, scope))
        if answer.status != HTTPStatus.OK:
            raise _refusal(place.service, answer)
        return answer

    def _ask(self, service: str, url: str, content: bytes, content_type: str, answer_bytes: int, token: str) -> Answer:
        headers = {"authorization": f"Bearer {token}", "content-type": content_type, "accept": "*/*"}
        try:
            return self.call(
                "POST", url, timeout_seconds=self.settings.timeout_seconds, answer_bytes=answer_bytes, headers=headers, content=content
            )
        except TrustError as error:
            raise service_unavailable(service, str(error.facts.get("reason", error.code))) from None

    def _token(self, place: Place, scope: str) -> str:
        """A token for a scope at this place (RFC 8707), as long as it lasts. One call asks for it; who waits shares what comes, a failure too."""
        with self._lock:
            known, until = self._tokens.get((place.url, scope), ("", 0.0))
            if self.now() < until:
                if not known:
                    raise service_unavailable(place.service, "no token a moment ago")
                return known
            try:
                token, lasts = self._fetch_token(place, scope)
            except TrustError:
                self._tokens[place.url, scope] = "", self.now() + FAILED_SECONDS
                raise
            self._tokens[place.url, scope] = token, self.now() + lasts - TOKEN_SPARED_SECONDS
            return token

    def _fetch_token(self, place: Place, scope: str) -> tuple[str, int]:
        """A new token, and for how many seconds it is."""
        form = urlencode({"grant_type": "client_credentials", "scope": scope, "resource": place.url}).encode()
        named = f"{quote_plus(self.settings.id)}:{quote_plus(self.read_secret())}"
        headers = {
            "authorization": "Basic " + base64.b64encode(named.encode()).decode(),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        try:
            answer = self.call(
                "POST",
                self.token_url,
                timeout_seconds=self.settings.timeout_seconds,
                answer_bytes=TOKEN_BYTES,
                headers=headers,
                content=form,
            )
        except TrustError as error:
            raise service_unavailable(place.service, str(error.facts.get("reason", error.code))) from None
        told = _read_object(answer.body) if answer.status == HTTPStatus.OK else {}
        token, lasts = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or type(lasts) is not int:
            raise service_unavailable(place.service, f"no token, status {answer.status}")
        return token, lasts


def read_secret_file(path: Path) -> str:
    """A client's secret. SETTING_INVALID where there is none that only the owner can read."""
    try:
        is_open = path.stat().st_mode & 0o077
        with path.open("rb") as file:
            secret = file.read(SECRET_BYTES + 1).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise _secret_refused(type(error).__name__) from None
    if is_open or not secret or len(secret) > SECRET_BYTES:
        raise _secret_refused("readable by others" if is_open else "size")
    return secret


def _secret_refused(found: str) -> TrustError:
    expected = "a file in the folder, mode 0600, with the secret"
    return TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="service_client.secret_file", expected=expected, found=found)


def service_unavailable(service: str, reason: str) -> TrustError:
    """A service that runs elsewhere gives no answer of its own now."""
    return TrustError(Kind.UNAVAILABLE, "SERVICE_UNAVAILABLE", service=service, reason=reason)


def _refusal(service: str, answer: Answer) -> TrustError:
    code, kind = _read_object(answer.body[:PROBLEM_BYTES]).get("code"), _KINDS.get(answer.status)
    if kind is None or kind in _LATER or not isinstance(code, str) or not _CODE.fullmatch(code):
        return service_unavailable(service, f"status {answer.status}")
    return TrustError(kind, code, service=service)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        return read_strict_object(body)
    except StrictJsonError:
        return {}
