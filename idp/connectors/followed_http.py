"""How a followed directory is called: with a token of its own token endpoint, through the one guarded way out, one bounded answer at a time."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from crypto.jose import TokenSigner, thumbprint, verification_key
from idp.connectors.followed import answer_invalid
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.jose import VerificationKey
    from crypto.signer import Signer
    from idp.model.follow import FollowedSource
    from service_kit.bounded_calls import Answer
    from service_kit.outbound import Outbound

ANSWER_BYTES: Final = 8 * 1024 * 1024  # a page of a few hundred resources takes under one
TOKEN_BYTES: Final = 64 * 1024
TOKEN_CHARACTERS_MAX: Final = 16 * 1024
TOKEN_SPARED_SECONDS: Final = 30.0  # before its end a token is taken anew
ASSERTION_SECONDS: Final = 60
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class SourceCaller:
    """One turn's calls of one source. ``signer``: of the client's key, where it has one. ``alive``: called before each call."""

    source: FollowedSource
    outbound: Outbound
    now: Callable[[], datetime]
    signer: Signer | None = None
    alive: Callable[[], None] = lambda: None
    _token: str = ""
    _until: float = field(default=0.0)

    def get(self, path: str, accept: str, *, also: tuple[int, ...] = ()) -> tuple[int, dict[str, Any], Answer]:
        """Status, JSON object and answer of a GET below the base address. A status other than 200 and those in ``also`` is SOURCE_UNREACHABLE."""
        answer = self._ask(path, accept)
        if answer.status == HTTPStatus.UNAUTHORIZED and self.source.token_address:
            self._until = 0.0
            answer = self._ask(path, accept)
        if answer.status != HTTPStatus.OK and answer.status not in also:
            raise _unreachable(status=answer.status)
        return answer.status, read_object(answer.body) if answer.status == HTTPStatus.OK else {}, answer

    def _ask(self, path: str, accept: str) -> Answer:
        token = self._bearer()
        headers = {"accept": accept, **({"authorization": f"Bearer {token}"} if token else {})}
        return self._call("GET", self.source.base_url + path, headers, b"", ANSWER_BYTES)

    def _call(self, method: str, url: str, headers: dict[str, str], content: bytes, answer_bytes: int) -> Answer:
        self.alive()
        try:
            return self.outbound.call(method, url, headers=headers, content=content, answer_bytes=answer_bytes)
        except TrustError as error:
            raise _unreachable(reason=str(error.facts.get("reason", error.code))) from None

    def _bearer(self) -> str:
        source = self.source
        if not source.token_address:
            return source.client_secret
        if time.monotonic() >= self._until:
            self._token, lasts = self._fetch_token()
            self._until = time.monotonic() + lasts - TOKEN_SPARED_SECONDS
        return self._token

    def _fetch_token(self) -> tuple[str, int]:
        """A new token by client credentials (RFC 6749 4.4), and for how many seconds it is."""
        source = self.source
        form = {"grant_type": "client_credentials", **({"scope": source.scope} if source.scope else {})}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self.signer is not None:
            form |= {
                "client_id": source.client_id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self._assertion(self.signer),
            }
        else:
            named = f"{quote_plus(source.client_id)}:{quote_plus(source.client_secret)}"
            headers["authorization"] = "Basic " + base64.b64encode(named.encode()).decode()
        answer = self._call("POST", source.token_address, headers, urlencode(form).encode(), TOKEN_BYTES)
        if answer.status != HTTPStatus.OK:
            raise _unreachable(reason="no token", status=answer.status)
        told = read_object(answer.body)
        token, lasts = told.get("access_token"), told.get("expires_in", 0)
        if not isinstance(token, str) or not 0 < len(token) <= TOKEN_CHARACTERS_MAX or not token.isascii() or not token.isprintable():
            raise answer_invalid("token")
        return token, lasts if type(lasts) is int else 0

    def _assertion(self, signer: Signer) -> str:
        """RFC 7523 3, addressed to the token endpoint alone."""
        at, client = int(self.now().timestamp()), self.source.client_id
        claims = {"iss": client, "sub": client, "aud": self.source.token_address, "iat": at, "exp": at + ASSERTION_SECONDS}
        key_id = thumbprint(public_key(signer))
        return TokenSigner(signer, key_id=key_id, token_type="JWT").sign({**claims, "jti": secrets.token_urlsafe(24)})  # noqa: S106 - a type


def public_key(signer: Signer) -> VerificationKey:
    """What the source has to know of the client's key."""
    return verification_key(signer.public_spki_der)


def _unreachable(**facts: str | int) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "SOURCE_UNREACHABLE", **facts)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, read strictly. SOURCE_ANSWER_INVALID."""
    try:
        return read_strict_object(body)
    except StrictJsonError:
        raise answer_invalid("json") from None


def member(found: dict[str, Any], name: str, kind: type) -> Any:
    """A member of the kind it must be. SOURCE_ANSWER_INVALID."""
    value = found.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise answer_invalid(name)
    return value
