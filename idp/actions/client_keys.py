"""The keys and shared secrets of clients that prove themselves by signing: as registered, or fetched from the address they registered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from crypto.jose import JWKS_BYTES, JwsAlgorithm, read_jwk, read_jwks
from idp.store.client_secrets import list_secrets
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crypto.jose import VerificationKey
    from crypto.sealed_values import ValueSealer
    from idp.model.registrations import Registration
    from idp.tokens.client_certificate import CertificateDoor
    from service_kit.database import Database
    from service_kit.outbound import Outbound

KEEP_SECONDS: Final = 300.0  # how long a fetched set counts; a client withdraws a key by taking it from its set
AGAIN_SECONDS: Final = 1.0  # not more often is a set fetched anew because a key is missing in it; wrong assertions are counted besides
FAILED_SECONDS: Final = 5.0  # not more often is an address tried that did not answer
WAITING_MAX: Final = 4  # requests of one client that may wait for its key set; a server that hangs must not take all threads
SETS_MAX: Final = 1_000
_OK: Final = 200


@dataclass(slots=True)
class _Fetched:
    """What is known of one address, and who is fetching it. Times are monotonic seconds."""

    at: float = float("-inf")
    keys: Mapping[str, VerificationKey] = field(default_factory=dict)
    failed_at: float = float("-inf")
    waiting: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class ClientKeys:
    """The public keys of clients. Blocks where it must fetch: to be called in a thread. One client's server holds up no other client."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._sets: dict[str, _Fetched] = {}
        self._lock = threading.Lock()

    def of(self, registration: Registration, *, missing: bool = False) -> Mapping[str, VerificationKey]:
        """By names of our own; a key that says neither RS256 nor PS256 is there for both. ``missing``: what is remembered lacks a key, so fetch anew where that is not too soon.

        CLIENT_KEYS_UNAVAILABLE where the set cannot be fetched or read. Keys that we do not use are passed over.
        """
        if not registration.jwks_uri:
            return _registered(registration)
        keep_seconds = AGAIN_SECONDS if missing else KEEP_SECONDS
        with self._lock:
            if registration.jwks_uri not in self._sets and len(self._sets) >= SETS_MAX:
                self._sets.clear()
            known = self._sets.setdefault(registration.jwks_uri, _Fetched())
            if monotonic() - known.at < keep_seconds:
                return known.keys
            if known.waiting >= WAITING_MAX:
                raise _unavailable("busy")
            known.waiting += 1
        try:
            with known.lock:  # who waited finds what the first one fetched
                if monotonic() - known.at < keep_seconds:
                    return known.keys
                if monotonic() - known.failed_at < FAILED_SECONDS:
                    raise _unavailable("failed a moment ago")
                known.keys = self._fetch(registration.jwks_uri, known)
                known.at = monotonic()
                return known.keys
        finally:
            with self._lock:
                known.waiting -= 1

    def _fetch(self, address: str, known: _Fetched) -> Mapping[str, VerificationKey]:
        try:
            answer = self._outbound.call("GET", address, headers={"accept": "application/json"}, answer_bytes=JWKS_BYTES)
            if answer.status != _OK:
                raise _unavailable("status")
            return _with_both_uses(read_jwks(answer.body), read_jwks(answer.body, rsa_without_alg=JwsAlgorithm.PS256))
        except TrustError as error:
            known.failed_at = monotonic()
            raise _unavailable(str(error.facts.get("reason", error.code))) from None


def _registered(registration: Registration) -> dict[str, VerificationKey]:
    keys: dict[str, VerificationKey] = {}
    for_pss: dict[str, VerificationKey] = {}
    for position, members in enumerate(registration.jwks):
        name = members.get("kid") or f"#{position}"  # a key needs no name where it is the only one of its kind
        stated = {**{each: value for each, value in members.items() if each != "alg" or value}, "kid": name}
        try:
            keys[name] = read_jwk(stated)
            for_pss[name] = read_jwk(stated, rsa_without_alg=JwsAlgorithm.PS256)
        except TrustError:
            continue
    return _with_both_uses(keys, for_pss)


def _with_both_uses(keys: Mapping[str, VerificationKey], for_pss: Mapping[str, VerificationKey]) -> dict[str, VerificationKey]:
    """Common libraries publish RSA keys without saying what for: such a key stands for RS256, and again for PS256 under a name no ``kid`` has."""
    return {**keys, **{f"{name}\0PS256": key for name, key in for_pss.items() if key.algorithm != keys[name].algorithm}}


def _unavailable(reason: str) -> TrustError:
    return TrustError(Kind.UNAUTHENTICATED, "CLIENT_KEYS_UNAVAILABLE", reason=reason)


@dataclass(frozen=True, slots=True)
class ProofDesk:
    """What the ways to prove oneself beyond a secret need. ``addresses``: by what names an assertion may call us, the issuer first."""

    database: Database
    keys: ClientKeys
    sealer: ValueSealer = field(repr=False)
    addresses: tuple[str, ...]
    certificates: CertificateDoor

    def secrets_of(self, client_id: str) -> list[str]:
        """The secrets that are kept for checking HMACs with, of which the client's row says whether they count. Blocks."""
        with self.database.read() as connection:
            return list_secrets(connection, self.sealer, client_id)
