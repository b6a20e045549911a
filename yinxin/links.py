"""Which services exist, what they are called and which scopes they ask for: it stands here and nowhere else. And how a process comes by what is known
elsewhere (keys of tokens, standing of callers, time-stamps): in the same process, or over HTTP to the one configured address.

What fills which port is decided in ``yinxin/assembly.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Final

import idp.ports
import idp.service
import licence_vault.service
import seal_service.service
from crypto.jose import JWKS_BYTES, read_jwks
from crypto.sm3 import hmac_sm3
from idp.actions.find_clients import is_active
from idp.api.client_routes import MANAGE as CLIENT_MANAGE
from idp.tokens.client_certificate import read_door, shown_certificate
from service_kit.callers import CallerVerifier, FetchedKeys
from service_kit.composition import Job
from service_kit.dpop_nonces import Nonces
from service_kit.duties import duties_of
from standards.errors import Kind, TrustError
from yinxin import audit_api, duties, messages, roles_api, system_api, webhooks_api
from yinxin.deployment import AUDIT_MAC_KEY
from yinxin.service_client import Place, ServiceCaller, read_secret_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from crypto.jose import VerificationKey
    from idp.ports import SubjectHash
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext, ServiceParts
    from service_kit.database import Database
    from service_kit.dpop import Proof
    from service_kit.named_blobs import BlobPlace
    from service_kit.settings import Settings

    Keys = Mapping[str, VerificationKey]


@dataclass(frozen=True, slots=True)
class Service:
    """A service package's ``service`` module, as far as the composition needs it."""

    scopes: Mapping[str, str]
    migrate: Callable[[Database], None]
    build: Callable[[ServiceContext], ServiceParts]
    blob_places: Sequence[BlobPlace] = ()


SERVICES: Final = {
    idp.service.NAME: Service(idp.service.SCOPES, idp.service.migrate, idp.service.build),
    seal_service.service.NAME: Service(
        seal_service.service.SCOPES, seal_service.service.migrate, seal_service.service.build, seal_service.service.BLOB_PLACES
    ),
    licence_vault.service.NAME: Service(
        licence_vault.service.SCOPES, licence_vault.service.migrate, licence_vault.service.build, licence_vault.service.BLOB_PLACES
    ),
}
CATALOGUE: Final = (
    messages.TEXTS,
    licence_vault.service.CATALOGUE,
)  # importing enters every code into the catalogue
LOCAL_KEYS_KEPT_SECONDS: Final = 1.0
REMOTE_KEYS_KEPT_SECONDS: Final = 60.0
REFRESH_EVERY_SECONDS: Final = 2.0  # how often a process looks whether its keys are due; fetching has its own pace
FETCH_SECONDS: Final = 5.0
_VISIBLE: Final = re.compile(r"[!-~]{1,128}")
TOKEN_BYTES: Final = 256 * 1024  # a time-stamp token with its authority's chain takes under 10 kB


def is_bound(connection: Connection, holder: str) -> bool:
    """Whether a holder has an office in some service that no administrator may have."""
    return seal_service.service.holds_any_power(connection, holder) or bool(duties_of(connection, holder))


def known_scopes() -> dict[str, str]:
    """Every scope of every service, with a sentence each, wherever the service runs."""
    scopes = {**audit_api.SCOPES, **roles_api.SCOPES, **webhooks_api.SCOPES, **duties.SCOPES, **system_api.SCOPES}
    for service in SERVICES.values():
        scopes.update(service.scopes)
    return scopes


def blob_places() -> tuple[BlobPlace, ...]:
    """Where rows of any service name blobs, wherever it runs: what is in this database is in this folder."""
    return tuple(place for service in SERVICES.values() for place in service.blob_places)


def services_of(settings: Settings) -> tuple[str, ...]:
    """The services this process runs; all of them where none is named. SERVICE_UNKNOWN names the one that does not exist, here or in ``service_urls``;
    SETTING_INVALID where one is said to be at two places.
    """
    chosen = settings.services or tuple(SERVICES)
    elsewhere = [entry.partition("=")[0].strip() for entry in settings.service_urls]
    for name in (*chosen, *elsewhere):
        if name not in SERVICES:
            raise TrustError(Kind.UNACCEPTABLE, "SERVICE_UNKNOWN", name=name, expected=", ".join(SERVICES))
    if len(set(elsewhere)) != len(elsewhere):
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="service_urls", expected="each service once")
    return tuple(name for name in SERVICES if name in chosen)


def url_of(settings: Settings, service: str) -> str | None:
    """Where a service is that does not run here, by ``service_urls``; None where nothing is said."""
    for entry in settings.service_urls:
        name, _, url = entry.partition("=")
        if name.strip() == service:
            return url.strip().rstrip("/")
    return None


def service_caller_of(settings: Settings) -> ServiceCaller | None:
    """Who calls services elsewhere; None where the settings name no client for it."""
    if not settings.service_client.id:
        return None
    path = settings.dir / settings.service_client.secret_file
    return ServiceCaller(settings.service_client, issuer_of(settings) + idp.service.TOKEN_PATH, partial(read_secret_file, path))


def apart_place_of(settings: Settings, service: str) -> Place | None:
    """Where a service is called that does not run here; None where it does, or nothing is said of it."""
    url = None if service in services_of(settings) else url_of(settings, service)
    return None if url is None else Place(service, url)


def issuer_of(settings: Settings) -> str:
    """Whose access tokens count: this deployment's own, or those of the identity provider named in ``service_urls``."""
    if idp.service.NAME in services_of(settings):
        return settings.base_url
    url = url_of(settings, idp.service.NAME)
    if url is None:
        raise TrustError(Kind.UNACCEPTABLE, "SERVICE_URL_MISSING", name=idp.service.NAME)
    return url


class BackgroundKeys:
    """The issuer's keys, fetched outside of any request: a slow issuer holds up nobody."""

    def __init__(self, source: Callable[[], Keys]) -> None:
        self._source = source
        self._keys: Keys = {}

    def refresh(self) -> None:
        """Fetch where it is due. KEYS_UNAVAILABLE while there are none, or none any more."""
        try:
            self._keys = self._source()
        except TrustError:
            self._keys = {}  # the source itself bridges outages, as far as that may go
            raise

    def __call__(self) -> Keys:
        """The keys of the last fetch; KEYS_UNAVAILABLE before the first that succeeded."""
        if not self._keys:
            raise TrustError(Kind.UNAVAILABLE, "KEYS_UNAVAILABLE")
        return self._keys


def fetch_keys(url: str) -> Keys:
    """Fetch a JWK set from the configured address: no redirects, bounded in time and size. KEYS_UNAVAILABLE, or what is wrong with it."""
    from service_kit.bounded_calls import call_once

    try:
        answer = call_once("GET", url, timeout_seconds=FETCH_SECONDS, answer_bytes=JWKS_BYTES, headers={"accept": "application/json"})
    except TrustError as error:
        raise TrustError(Kind.UNAVAILABLE, "KEYS_UNAVAILABLE", **error.facts) from None
    if answer.status != HTTPStatus.OK:
        raise TrustError(Kind.UNAVAILABLE, "KEYS_UNAVAILABLE", status=answer.status)
    return read_jwks(answer.body)


def subject_hash_of(settings: Settings) -> SubjectHash | None:
    """A site's own subject hash, tried once; None for the usual one. SETTING_INVALID where it is not there or is none."""
    if not settings.subject_hash:
        return None
    module, _, name = settings.subject_hash.partition(":")
    expected = "package.module:name of a subject hash (idp/ports.py)"
    try:
        own: SubjectHash = getattr(import_module(module), name)
        made = (own("resident_id", "110101199003070003", "示例"), own.method)
    except Exception as error:  # noqa: BLE001 # edge: somebody else's code
        raise TrustError(
            Kind.UNACCEPTABLE, "SETTING_INVALID", name="subject_hash", expected=expected, reason=type(error).__name__
        ) from None
    if any(not isinstance(each, str) or _VISIBLE.fullmatch(each) is None for each in made):
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="subject_hash", expected=expected, reason="1 to 128 visible characters")
    return own


def callers_of(context: ServiceContext) -> tuple[CallerVerifier, tuple[Job, ...]]:
    """Who checks access tokens here, and the periodic work that keeps it supplied with keys."""
    settings = context.settings
    issuer = issuer_of(settings)
    jobs: tuple[Job, ...] = ()
    keys: Callable[[], Keys]
    if idp.service.NAME in services_of(settings):
        ring = idp.service.key_ring(context)

        def read_keys() -> Keys:
            ring.forget()  # what is remembered is remembered in one place: a new key is known here within LOCAL_KEYS_KEPT_SECONDS
            return read_jwks(ring.public_set(context.clock.now()))

        keys = FetchedKeys(read_keys, keep_seconds=LOCAL_KEYS_KEPT_SECONDS)
    else:
        jwks_url = issuer + idp.service.JWKS_PATH
        background = BackgroundKeys(FetchedKeys(lambda: fetch_keys(jwks_url), keep_seconds=REMOTE_KEYS_KEPT_SECONDS))
        jobs = (Job("issuer-keys", REFRESH_EVERY_SECONDS, background.refresh),)
        keys = background
    return CallerVerifier(issuer=issuer, audience=settings.base_url, keys=keys, clock=context.clock), jobs


def accounts_of(context: ServiceContext) -> Callable[[Caller], str] | None:
    """Which natural person is behind a token; None where the identity provider runs elsewhere, and only its tokens say something."""
    return idp.service.accounts_behind(context) if idp.service.NAME in services_of(context.settings) else None


def client_check_of(context: ServiceContext) -> Callable[[Caller], bool] | None:
    """Whether a client may still act and its token counts, where this process can know: the identity provider runs in it."""
    return idp.service.client_check(context) if idp.service.NAME in services_of(context.settings) else None


def holder_check_of(context: ServiceContext) -> Callable[[Connection, str], bool] | None:
    """Whether there is a client or account of this name of rights; None where clients and people are kept elsewhere, and nobody here can say."""
    return idp.service.holder_names(context).knows if idp.service.NAME in services_of(context.settings) else None


def standing_check_of(context: ServiceContext) -> Callable[[Caller], bool] | None:
    """Whether client and person may still act, for what is done later; None where this process cannot know."""
    return idp.service.standing_check(context) if idp.service.NAME in services_of(context.settings) else None


def webhooks_for_others_of(context: ServiceContext) -> tuple[str, Callable[[Connection, str], bool]]:
    """Which scope lets a caller look after endpoints of other clients, and whether there is such a client. Where clients are kept elsewhere nobody may."""
    if idp.service.NAME not in services_of(context.settings):
        return "", lambda _connection, _name: False
    return CLIENT_MANAGE, partial(is_active, idp.service.client_desk(context))


def webhook_listeners_of(context: ServiceContext) -> Callable[[Connection, str], bool]:
    """Whether a client may be told what happens: not one that was disabled, nor one whose row was edited. Where clients are kept elsewhere all may."""
    if idp.service.NAME not in services_of(context.settings):
        return lambda _connection, _name: True
    desk = idp.service.client_desk(context)

    def is_told(connection: Connection, name: str) -> bool:
        try:
            return is_active(desk, connection, name)
        except TrustError as error:
            if error.code != "ROW_ALTERED":  # else the health check tells it; nobody is told by what somebody wrote into the table
                raise
            return False

    return is_told


def nonce_check_of(context: ServiceContext) -> Callable[[Caller, Proof], None]:
    """Demands nonces in proofs of possession. Of clients of a profile only where the identity provider, which knows them, runs here."""
    if idp.service.NAME in services_of(context.settings):
        return idp.service.nonce_check(context)
    nonces = Nonces(hmac_sm3(context.keystore.open_secret(AUDIT_MAC_KEY), b"yinxin dpop nonces v1"), context.settings.dpop.nonces)
    return lambda _caller, proof: nonces.demand(proof, context.clock.now(), is_strict=False)


def certificates_of(settings: Settings) -> Callable[[Iterable[tuple[bytes, bytes]], str], str | None] | None:
    """What shows client certificates here: headers and the peer's address -> SHA-256 of the certificate; None where nothing may."""
    shown = settings.client_certificates
    if not shown.header:
        return None
    door = read_door(shown.header, shown.verified_header, shown.peers)

    def read(headers: Iterable[tuple[bytes, bytes]], peer: str) -> str | None:
        certificate = shown_certificate(door, headers, peer)
        return None if certificate is None else certificate.digest

    return read


def time_stamp_over_http(url: str, timeout_seconds: float) -> Callable[[bytes], bytes]:
    """The transport of a time-stamp client: a request (DER) to the configured authority, its response back. TIME_STAMP_UNAVAILABLE."""
    from service_kit.bounded_calls import call_once

    headers = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}

    def send(request_der: bytes) -> bytes:
        try:
            answer = call_once("POST", url, timeout_seconds=timeout_seconds, answer_bytes=TOKEN_BYTES, headers=headers, content=request_der)
        except TrustError as error:
            raise TrustError(Kind.UNAVAILABLE, "TIME_STAMP_UNAVAILABLE", **error.facts) from None
        if answer.status != HTTPStatus.OK:
            raise TrustError(Kind.UNAVAILABLE, "TIME_STAMP_UNAVAILABLE", status=answer.status)
        return answer.body

    return send


def load_catalogue() -> None:
    """Enter every code of the house into the error catalogue: importing this module has done it; the call says why it is imported."""
