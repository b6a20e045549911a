"""Who is calling: OAuth 2.0 access tokens as JWT (RFC 9068), checked against the issuer's published keys, sent by their bearer
(RFC 6750) or, where a token is bound to a key, with a proof that the sender holds it (DPoP, RFC 9449).
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import check_token
from crypto.jwt_claims import check_claims
from service_kit.dpop import check_proof
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from crypto.jose import VerificationKey
    from service_kit.clock import Clock
    from service_kit.dpop import Proof

LEEWAY_SECONDS: Final = 5  # clocks of one deployment
CACHE_TOKENS: Final = 4096  # about 2 MB
SCOPES: Final = 64
NAME_CHARACTERS: Final = 200
REFRESH_SECONDS: Final = 10.0  # after a failed fetch; a dead issuer is not asked by every request
OUTAGE_SECONDS: Final = (
    3600.0  # how long keys count that could not be fetched anew; tokens live minutes, so a longer outage ends calls anyway
)
PERSON_PREFIX: Final = "person:"  # in front of a person's subject, where rights are kept by holder; a client's id has no colon
NATURAL_PREFIXES: Final = ("pe_", "pw_")  # how the issuer's names of natural persons begin in ``act``; no client's id does
PAIRWISE: Final = "pw_"  # what begins a name that one sector of clients knows somebody by
PAIRWISE_PREFIX: Final = PERSON_PREFIX + PAIRWISE
ACTORS: Final = 6  # how many may act one for the other
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - RFC 9068 2.1


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and with which rights. ``subject`` is the client itself where no person stands behind the call. ``bound_to``: the
    thumbprint of the key that the token is bound to, empty for a token that anyone who has it may send. ``grant_id``: what a person's token
    hangs on, as the issuer names it (claim ``gid``). ``certificate``: SHA-256 (base64url) of the client certificate it is bound to.
    ``acting``: the natural person who acts for ``subject``, an organisation, as the token names him (RFC 8693 4.1); empty: nobody does.
    ``known_as``: the natural person behind it all by the directory's own name, where that is in this process; empty where it is not.
    ``key_id``: the issuer's key that signed the token, for who can ask whether that key counts still; empty where there was no token.
    """

    client_id: str
    subject: str
    scopes: frozenset[str]
    token_id: str = ""
    bound_to: str = ""
    grant_id: str = ""
    certificate: str = ""
    acting: str = ""
    known_as: str = ""
    key_id: str = ""

    @property
    def actor(self) -> str:
        """How the audit trail names this caller: the client, for whom, and by which human where that is somebody else or has another name."""
        if self.subject == self.client_id:
            return f"client:{self.client_id}"
        human = self.known_as or self.acting or self.subject
        return f"client:{self.client_id} for {self.subject}" + (f" by {human}" if human != self.subject else "")

    @property
    def holder(self) -> str:
        """Under which name rights of this caller are kept: the person's where one stands behind the call, else the client's own.

        So what a system may do is not what every person may do through it, and a person keeps his rights whatever system he comes by.
        """
        return self.client_id if self.subject == self.client_id else PERSON_PREFIX + self.subject

    @property
    def human(self) -> str:
        """Who it is where two must differ: the natural person, whichever organisation he acts for and whatever name his client is told."""
        return self.client_id if self.subject == self.client_id else PERSON_PREFIX + (self.known_as or self.acting or self.subject)

    @property
    def claimant(self) -> str:
        """Whose idempotency keys this caller's are (``claimant_of``)."""
        return claimant_of(self.client_id, self.holder)


def human_in(actor: str) -> str:
    """``Caller.human`` of the caller that the audit trail names so (``Caller.actor``)."""
    client, _, person = actor.partition(" for ")
    subject, _, human = person.partition(" by ")
    return PERSON_PREFIX + (human or subject) if person else client.removeprefix("client:")


def holder_in(actor: str) -> str:
    """``Caller.holder`` of the caller that the audit trail names so (``Caller.actor``)."""
    client, _, person = actor.partition(" for ")
    return PERSON_PREFIX + person.partition(" by ")[0] if person else client.removeprefix("client:")


def client_in(actor: str) -> str:
    """``Caller.client_id`` of the caller that the audit trail names so (``Caller.actor``)."""
    return actor.partition(" for ")[0].removeprefix("client:")


def claimant_of(client_id: str, holder: str) -> str:
    """In whose name an idempotency key is claimed: a client's for one person are not those for another, nor another client's for the same.

    So nobody is answered with what another was answered, and nobody's key is in another's way.
    """
    return client_id if holder in {"", client_id} else f"{client_id} {holder}"


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, where the call itself is over or there was none: ``holder`` as rights are kept by, ``actor`` as the audit trail names him,
    ``human`` as two who must differ are told apart (``Caller.human``; empty: by the holder), ``client_id``: through which client, empty where
    that is he himself.
    """

    holder: str
    actor: str
    human: str = ""
    client_id: str = ""

    @property
    def claimant(self) -> str:
        """Whose idempotency keys his are (``claimant_of``)."""
        return claimant_of(self.client_id or self.holder, self.holder)


def person_of(caller: Caller) -> Person:
    """The caller as one who acts."""
    return Person(caller.holder, caller.actor, caller.human, caller.client_id)


def may_be_one(one: Person | Caller, holder: str, human: str = "") -> bool:
    """Whether somebody may be the one who acted before, as ``holder`` and ``human`` keep him (empty: not known, from before it was kept).

    A name that one sector of clients knows somebody by tells him apart from nobody: two of them, or one beside a name of the directory, may be one person.
    """
    now, before = one.human or one.holder, human or holder
    if one.holder == holder or now in {holder, before}:
        return True
    names = (now, before)
    return all(each.startswith(PERSON_PREFIX) for each in names) and any(each.startswith(PAIRWISE_PREFIX) for each in names)


def require(caller: Caller, scope: str) -> None:
    """TrustError SCOPE_MISSING (forbidden) unless the caller's token carries ``scope``."""
    if scope not in caller.scopes:
        raise TrustError(Kind.FORBIDDEN, "SCOPE_MISSING", scope=scope)


def _token_in(authorization: str | None, wanted_scheme: str) -> str:
    if not authorization:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_MISSING")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != wanted_scheme or not token or " " in token:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="scheme")
    return token


def read_confirmation(claims: Mapping[str, Any]) -> tuple[str, str]:
    """What a token is bound to (RFC 7800): a key's thumbprint (RFC 9449 6.1) and a certificate's SHA-256 (RFC 8705 3.1), empty for none.

    TOKEN_INVALID for a binding of a kind that cannot be checked here: it is none to pass over.
    """
    if "cnf" not in claims:
        return "", ""
    confirmation = claims["cnf"]
    if isinstance(confirmation, dict) and confirmation and set(confirmation) <= {"jkt", "x5t#S256"}:
        stated = list(confirmation.values())
        if all(isinstance(each, str) and 0 < len(each) <= NAME_CHARACTERS for each in stated):
            return confirmation.get("jkt", ""), confirmation.get("x5t#S256", "")
    raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="cnf")


def read_acting(claims: Mapping[str, Any]) -> str:
    """The natural person who acts for an organisation: the innermost actor, where that is no client (RFC 8693 4.1). TOKEN_INVALID."""
    inner, innermost, depth = claims.get("act"), "", 0
    while inner is not None:
        subject = inner.get("sub") if isinstance(inner, dict) else None
        if not isinstance(subject, str) or not 0 < len(subject) <= NAME_CHARACTERS or depth >= ACTORS:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="act")
        inner, innermost, depth = inner.get("act"), subject, depth + 1
    return innermost if innermost.startswith(NATURAL_PREFIXES) else ""


def demand_certificate(bound_to: str, shown: str | None) -> None:
    """Raise TOKEN_INVALID unless the certificate of the connection (SHA-256, base64url) is the one a token is bound to, where it is to one."""
    if bound_to and not hmac.compare_digest(bound_to.encode("utf-8", "replace"), (shown or "").encode()):
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="bound to another certificate")


class CallerVerifier:
    """Checks access tokens of one issuer for one audience.

    ``keys`` returns the issuer's present verification keys by ``kid``; it may fetch and must cache by itself. Tokens found right are
    remembered by their SHA-256 until they expire: the same token costs its signature check once, and nothing remembered can be
    turned back into a token. A remembered token is forgotten when its key is withdrawn.
    """

    def __init__(self, *, issuer: str, audience: str, keys: Callable[[], Mapping[str, VerificationKey]], clock: Clock) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[Caller, float, VerificationKey]] = OrderedDict()
        self._lock = threading.Lock()

    def verify_header(self, authorization: str | None, *, certificate: str | None = None) -> Caller:
        """The caller named by an ``Authorization: Bearer`` header; TrustError TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED.

        A token that is bound to a key is refused: who copied it must not be able to use it by calling it another kind (RFC 9449 7.2).
        ``certificate``: SHA-256 (base64url) of the one shown on this connection; a token bound to another is refused (RFC 8705 3).
        """
        caller = self.verify(_token_in(authorization, "bearer"))
        if caller.bound_to:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="bound to a key")
        demand_certificate(caller.certificate, certificate)
        return caller

    def verify_bound(
        self, authorization: str | None, proof: str | None, *, method: str, url: str, certificate: str | None = None
    ) -> tuple[Caller, Proof]:
        """The caller named by an ``Authorization: DPoP`` header, with the proof, which is still to be taken once.

        ``proof``: the value of the only ``DPoP`` header. ``url``: of the request, without query. TrustError TOKEN_MISSING, TOKEN_INVALID,
        TOKEN_EXPIRED or DPOP_PROOF_INVALID.
        """
        token = _token_in(authorization, "dpop")
        caller = self.verify(token)
        if not caller.bound_to:  # RFC 9449 7.1: without the binding a proof proves nothing
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="not bound to a key")
        demand_certificate(caller.certificate, certificate)
        at = self._clock.now()
        return caller, check_proof(proof or "", method=method, url=url, at=at, access_token=token, bound_to=caller.bound_to)

    def verify(self, token: str) -> Caller:
        """The caller a token names, whoever sent it; TrustError TOKEN_INVALID or TOKEN_EXPIRED."""
        at = self._clock.now()
        now = at.timestamp()
        keys = self._keys()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None and known[1] > now and keys.get(known[2].key_id) == known[2]:
            return known[0]
        caller, expires, key = self._check(token, keys, at)
        with self._lock:
            self._known[digest] = (caller, expires, key)
            while len(self._known) > CACHE_TOKENS:
                self._known.popitem(last=False)
        return caller

    def _check(self, token: str, keys: Mapping[str, VerificationKey], at: datetime) -> tuple[Caller, float, VerificationKey]:
        try:
            checked = check_token(token, keys, token_type=TOKEN_TYPE)
            claims = checked.claims
            check_claims(claims, issuer=self._issuer, audience=self._audience, at=at, leeway_seconds=LEEWAY_SECONDS)
        except TrustError as error:
            if error.code == "JWS_EXPIRED":
                raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_EXPIRED") from None
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason=error.facts.get("reason", "key")) from None
        for name in ("client_id", "sub", "jti"):  # RFC 9068 2.2: demanded
            value = claims.get(name)
            if not isinstance(value, str) or not 0 < len(value) <= NAME_CHARACTERS:
                raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason=name)
        if "iat" not in claims:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="iat")
        scope = claims.get("scope", "")
        if not isinstance(scope, str) or scope.count(" ") >= SCOPES:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="scope")
        grant_id = claims.get("gid", "")
        if not isinstance(grant_id, str) or len(grant_id) > NAME_CHARACTERS:
            raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="gid")
        key, certificate = read_confirmation(claims)
        acting = read_acting(claims)
        caller = Caller(
            client_id=claims["client_id"],
            subject=claims["sub"],
            scopes=frozenset(scope.split()),
            token_id=claims["jti"],
            bound_to=key,
            grant_id=grant_id,
            certificate=certificate,
            acting=acting,
            key_id=checked.key.key_id,
        )
        return caller, float(claims["exp"]), checked.key


class FetchedKeys:
    """A source of keys for CallerVerifier that fetches a JWK Set by ``fetch`` and keeps it for ``keep_seconds``.

    Where fetching fails the keys at hand are used on, for OUTAGE_SECONDS at most: a key that was withdrawn must not live on because
    nobody could ask. Without any, TrustError KEYS_UNAVAILABLE.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, VerificationKey]], *, keep_seconds: float = 300.0) -> None:
        self._fetch = fetch
        self._keep_seconds = keep_seconds
        self._keys: Mapping[str, VerificationKey] = {}
        self._next = float("-inf")
        self._fetched_at_seconds = float("-inf")
        self._lock = threading.Lock()

    def __call__(self) -> Mapping[str, VerificationKey]:
        """The keys; fetched anew where the time is up."""
        if time.monotonic() < self._next and self._keys:
            return self._keys
        with self._lock:
            if time.monotonic() >= self._next:
                try:
                    fetched = self._fetch()
                except (TrustError, OSError):
                    self._next = time.monotonic() + REFRESH_SECONDS
                    if time.monotonic() - self._fetched_at_seconds > OUTAGE_SECONDS:
                        self._keys = {}
                else:
                    # a key that is unchanged stays the same object, so that remembered tokens stay known
                    self._keys = {k: self._keys[k] if self._keys.get(k) == v else v for k, v in fetched.items()}
                    self._fetched_at_seconds = time.monotonic()
                    self._next = self._fetched_at_seconds + self._keep_seconds
        if not self._keys:
            raise TrustError(Kind.UNAVAILABLE, "KEYS_UNAVAILABLE")
        return self._keys
