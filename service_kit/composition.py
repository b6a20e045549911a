"""What a service is given when it is put together, and what it hands back.

Each service package has ``service.py`` with one function, ``build(context: ServiceContext) -> ServiceParts``. The composition
(``yinxin``) calls it once per process, after the database is migrated and before the first request, and mounts what comes back.
``build`` opens nothing and starts nothing: no thread, no connection, no file held open.

Access to HTTP operations is denied by default. Every endpoint function carries exactly one declaration:

    @router.post("/v1/things")
    @needs("thing.manage")                     # a bearer token with this scope, checked before the endpoint is entered
    def create_thing(request: Request, ...):
        caller = caller_of(request)

    @router.get("/.well-known/jwks.json")
    @public("verifiers fetch it without signing in")
    def read_keys(): ...

The declaration is the enforcement: the composition wraps each route in a gate made from it, and refuses to start with a route that
has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from crypto.cms import TIMESTAMP_RESERVED_BYTES
from service_kit.process_marks import FOLDER_NAME, ProcessMark
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import HTTPConnection
    from starlette.routing import BaseRoute, Router

    from crypto.authority import Profile
    from crypto.certificates import Certificate
    from crypto.keystore import Keystore
    from crypto.trust_list import TrustList
    from service_kit.audit import Audit
    from service_kit.blobs import Blobs
    from service_kit.callers import Caller
    from service_kit.clock import Clock
    from service_kit.cohorts import Cohorts
    from service_kit.database import Database
    from service_kit.idempotency import Idempotency
    from service_kit.outbox import Outbox
    from service_kit.settings import Settings
    from service_kit.transparency_log import TransparencyLog

Facts = dict[str, str | int | float | bool | None]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Port = TypeVar("Port")

_ACCESS = "_declared_access"
CALLER_STATE = "caller"  # request.state.caller, set by the gate


@dataclass(frozen=True, slots=True)
class Access:
    """What an operation asks of its caller: a scope, or (``scope`` None) nothing, for the stated reason. ``is_step``: see ``public``."""

    scope: str | None
    reason: str = ""
    is_step: bool = False


def needs(scope: str) -> Callable[[Endpoint], Endpoint]:
    """Declare that an endpoint may be entered only by a caller whose access token carries ``scope``."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ACCESS, Access(scope))
        return endpoint

    return declare


def public(reason: str, *, is_step: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Declare that anyone may enter an endpoint, and why that is right.

    ``is_step``: its GET is a step of something, such as a sign-in, uses up what its address carries, or gives what is one person's. All others answer HEAD as
    well (RFC 9110 9.3.2); these do not: scanners of mail and checkers of links send one to every address that they find.
    """

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ACCESS, Access(None, reason, is_step))
        return endpoint

    return declare


def access_of(endpoint: object) -> Access | None:
    """The declaration of an endpoint, or None where its author made none (the composition refuses to start then)."""
    found = getattr(endpoint, _ACCESS, None)
    return found if isinstance(found, Access) else None


@runtime_checkable
class Bounded(Protocol):
    """An endpoint of which only so much may be under way at once."""

    def demand_place(self, method: str) -> None:
        """Raise TrustError where a request of this method would find no place. Asked before the caller is: refusing must cost next to nothing."""
        ...


def caller_of(request: HTTPConnection) -> Caller:
    """Who is calling, as the gate established it. Only in endpoints declared with ``needs``."""
    caller: Caller | None = getattr(request.state, CALLER_STATE, None)
    if caller is None:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_MISSING")
    return caller


class CertificateIssuer(Protocol):
    """The deployment's issuing authority, as far as a service needs it. Every issue is recorded before it is signed."""

    def issue(self, *, common_name: str, organisation: str, spki_der: bytes, profile: Profile, actor: str) -> Certificate:
        """Issue a certificate for a public key (SubjectPublicKeyInfo, DER). Opens its own transactions: never call it within one."""
        ...

    def chain(self) -> tuple[Certificate, ...]:
        """The issuing certificate and what stands above it, root last."""
        ...

    def revoke(self, serial: int, *, reason: str, actor: str) -> None:
        """Revoke a certificate (``reason``: RFC 5280 5.3.1 name, such as ``keyCompromise``). Its own transaction.

        One that is revoked already stays so, and that is no failure. TrustError CERTIFICATE_UNKNOWN.
        """
        ...


@dataclass(frozen=True, slots=True)
class Link(Generic[Port]):
    """What a service needs of another: it stands in the service's ``ports.py``, with the type of what fills it; the composition fills it."""

    name: str

    def filled(self, port: Port) -> dict[Link[Any], object]:
        """The entry of ``ServiceContext.links`` that fills it."""
        return {self: port}

    def of(self, context: ServiceContext) -> Port | None:
        """What fills it; None where nothing does."""
        return cast("Port | None", context.links.get(self))

    def needed(self, context: ServiceContext) -> Port:
        """What fills it, where the service cannot do without: KeyError says that it was put together wrong."""
        return cast("Port", context.links[self])


Links = Mapping[Link[Any], object]


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What the composition gives to every service. All of it is ready to use and shared by the services of one process.

    ``time_stamp``: the signature value in, an RFC 3161 time-stamp token (DER) out; None where the deployment has no authority
    configured; may raise TrustError(UNAVAILABLE). ``time_stamp_bytes``: how long its tokens get at most. ``trust``: the deployment's own
    trust list with its current revocation lists, cheap to call for each request. ``links``: what one service needs of another
    (filled by ``yinxin/assembly.py``), to be read by :class:`Link`.
    """

    settings: Settings
    database: Database
    audit: Audit
    log: TransparencyLog
    blobs: Blobs
    clock: Clock
    keystore: Keystore
    outbox: Outbox
    idempotency: Idempotency
    issuer: CertificateIssuer
    time_stamp: Callable[[bytes], bytes] | None
    trust: Callable[[], TrustList]
    links: Links = field(default_factory=dict)
    time_stamp_bytes: int = TIMESTAMP_RESERVED_BYTES

    @property
    def mark(self) -> ProcessMark:
        """By which others know that this process lives, and it that they do."""
        return ProcessMark(self.settings.dir / FOLDER_NAME, self.audit.writer_id)

    @property
    def cohorts(self) -> Cohorts:
        """In which what many requests compute alike takes turns: those among which the database's writer has its own."""
        return self.database.cohorts


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work. It runs in a thread of every worker process, never twice at once in one process; where only one process of
    the deployment may do it, the job itself takes the lease. A TrustError is logged and the job comes again at its next turn.
    """

    name: str
    every_seconds: float
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """One part of ``/readyz`` and of ``yinxin doctor``. ``run`` returns facts to show (no secrets); TrustError means not ready."""

    name: str
    run: Callable[[], Facts]


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What a service hands back.

    ``router``: a FastAPI APIRouter with its routes directly on it (no nested routers). ``hot_routes``: plain Starlette routes with
    a fixed path or text parameters in it, tried before everything else, described by hand in ``openapi_paths`` (an OpenAPI 3.1 paths object).
    ``scopes``: every scope that its operations ask for, with one sentence each: only these can be granted to a client.
    ``handlers``: outbox handlers by topic. ``event_types``: what it publishes to webhooks
    (service_kit.webhooks.deliveries.publish), with one sentence each. ``on_start`` and ``on_stop`` run once per process around the serving.
    """

    name: str
    router: Router
    hot_routes: Sequence[BaseRoute] = ()
    openapi_paths: Mapping[str, object] = field(default_factory=dict)
    openapi_tags: Sequence[Mapping[str, str]] = ()
    scopes: Mapping[str, str] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    readiness: Sequence[ReadinessCheck] = ()
    handlers: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    event_types: Mapping[str, str] = field(default_factory=dict)
    on_start: Sequence[Callable[[], object]] = ()
    on_stop: Sequence[Callable[[], None]] = ()


def days_left(until: datetime, now: datetime) -> float:
    """Days from ``now`` to ``until`` (both aware UTC), negative when past. For readiness facts."""
    return (until - now).total_seconds() / 86_400
