"""Fetch a request object from an address that its client registered (OIDC Core 6.2). Blocks: to be called in a thread.

Whoever opens an address of ours makes us call one of the client's, so there is little of it at once: no client's server, slow or many times
asked for, holds up more than its own share of the threads. Where it may lead at all the allow-list of outbound calls says, as for every
address that others gave us; no redirect is followed.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING, Final

from crypto.jose import TOKEN_CHARACTERS, write_base64url
from idp.tokens.request_object import refused
from service_kit.rates import Rates
from standards.errors import TrustError

if TYPE_CHECKING:
    from service_kit.outbound import Outbound

OBJECT_BYTES_MAX: Final = TOKEN_CHARACTERS + 2  # a request object, and the line end that editors put behind it
AT_ONCE_MAX: Final = 4  # fetches under way in one process
AT_ONCE_PER_CLIENT: Final = 2
PER_CLIENT: Final = 60.0  # at once, and as many a second: each is a sign-in that a person begins
FAILED_SECONDS: Final = 5.0  # not more often is an address tried that did not answer
KEPT_MAX: Final = 256  # objects that cannot change, 8 KiB each at most
_OK: Final = 200
_ACCEPT: Final = "application/oauth-authz-req+jwt, application/jwt"


class RequestFetcher:
    """Fetches request objects, each time anew; kept is only what the address itself has the SHA-256 of, for nothing else can come of it."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._lock = threading.Lock()
        self._under_way: list[str] = []
        self._rates = Rates(per_second=PER_CLIENT, burst=PER_CLIENT)
        self._failed: OrderedDict[str, float] = OrderedDict()
        self._kept: OrderedDict[str, str] = OrderedDict()

    def fetch(self, client_id: str, address: str) -> str:
        """The object as it lies there. ``address``: registered, with its fragment. REQUEST_OBJECT_INVALID, whatever the reason."""
        url, _, digest = address.partition("#")
        with self._lock:
            if digest and address in self._kept:
                self._kept.move_to_end(address)
                return self._kept[address]
            self._begin(client_id, url)
        try:
            body = self._call(url)
        finally:
            with self._lock:
                self._under_way.remove(client_id)
        if digest and not hmac.compare_digest(_sha256(body), digest):
            raise refused("hash")
        try:
            text = body.decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError:
            raise refused("form") from None
        if digest:
            with self._lock:
                self._kept[address] = text
                if len(self._kept) > KEPT_MAX:
                    self._kept.popitem(last=False)
        return text

    def _begin(self, client_id: str, url: str) -> None:
        """Under the lock: a place among the few, or a refusal that costs nothing."""
        now = monotonic()
        if now - self._failed.get(url, float("-inf")) < FAILED_SECONDS:
            raise refused("failed a moment ago")
        is_full = len(self._under_way) >= AT_ONCE_MAX or self._under_way.count(client_id) >= AT_ONCE_PER_CLIENT
        if is_full or self._rates.take(client_id, now) > 0:
            raise refused("busy")
        self._under_way.append(client_id)

    def _call(self, url: str) -> bytes:
        try:
            answer = self._outbound.call("GET", url, headers={"accept": _ACCEPT}, answer_bytes=OBJECT_BYTES_MAX)
        except TrustError as error:
            self._note_failed(url)
            raise refused(str(error.facts.get("reason", error.code))) from None
        if answer.status != _OK:  # a redirect too: the address that was registered is the one that counts
            self._note_failed(url)
            raise refused("status")
        return answer.body

    def _note_failed(self, url: str) -> None:
        with self._lock:
            self._failed[url] = monotonic()
            self._failed.move_to_end(url)
            if len(self._failed) > KEPT_MAX:
                self._failed.popitem(last=False)


def _sha256(content: bytes) -> str:
    """In base64url, as the fragment of an address has it."""
    return write_base64url(hashlib.sha256(content).digest())
