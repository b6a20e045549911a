"""The identity provider, put together."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.routing import Route

from crypto.sealed_values import ValueSealer
from crypto.sm3 import hmac_sm3
from idp import messages, ports
from idp.actions.account_behind import AccountsBehind
from idp.actions.admit_sign_in import SignInDoor
from idp.actions.answer_by_browser import answer_by_browser
from idp.actions.authenticate_client import new_doorkeeper
from idp.actions.choose_signing_key import KeyRing
from idp.actions.client_keys import ClientKeys, ProofDesk
from idp.actions.client_protocol import ClientProtocol
from idp.actions.federation_desk import FederationDesk
from idp.actions.fetch_request import RequestFetcher
from idp.actions.fill_changes import fill_changes
from idp.actions.find_person_behind import find_person_behind
from idp.actions.finish_sign_in import SESSION_ENDED_TOPIC
from idp.actions.follow_desk import FollowDesk
from idp.actions.follow_directory import follow_sources
from idp.actions.grant_proxy import CALLBACK_SECONDS
from idp.actions.import_accounts import run_imports
from idp.actions.issue_ticket import CasProtocol
from idp.actions.issue_token import TokenDesk
from idp.actions.look_into_token import INTROSPECT, LookDesk
from idp.actions.lower_levels import lower_levels
from idp.actions.may_go_on import may_go_on
from idp.actions.name_holders import HolderNames
from idp.actions.number_changes import number_durable_changes
from idp.actions.people_desk import EVENT_TYPES, PeopleDesk
from idp.actions.person_desk import PersonDesk
from idp.actions.push_request import PushDesk
from idp.actions.read_hint import HintReader
from idp.actions.recall_client import ClientMemory
from idp.actions.register_client import ClientDesk
from idp.actions.register_itself import SelfRegistration
from idp.actions.revoke_token import is_withdrawn
from idp.actions.rotate_signing_key import KeyDesk, ensure_signing_keys, signing_key_facts
from idp.actions.source_status import followed_facts
from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.actions.tell_cas_service import CAS_LOGOUT_TOPIC, tell_cas_service
from idp.actions.tell_client_logout import tell_client_logout
from idp.actions.weigh_passwords import weigh_passwords
from idp.api import device_endpoint, introspection_endpoint, pushed_endpoint, token_endpoint, userinfo_endpoint
from idp.api.account_routes import MANAGE as ACCOUNT_MANAGE
from idp.api.account_routes import READ as ACCOUNT_READ
from idp.api.account_routes import add_account_routes
from idp.api.agent_routes import add_agent_routes
from idp.api.cas_client_routes import add_cas_client_routes
from idp.api.cas_endpoints import add_cas_endpoints
from idp.api.change_routes import add_change_routes
from idp.api.client_routes import MANAGE, add_client_routes
from idp.api.federation_routes import DECIDE, add_federation_routes
from idp.api.follow_routes import add_follow_routes
from idp.api.import_routes import add_import_routes
from idp.api.metadata_routes import JWKS_PATH, add_metadata_routes
from idp.api.plain_documents import PATHS, TAGS
from idp.api.registration_routes import add_registration_routes
from idp.api.scim_routes import MANAGE as DIRECTORY_MANAGE
from idp.api.scim_routes import READ as DIRECTORY_READ
from idp.api.scim_routes import add_scim_routes
from idp.api.self_registration_routes import add_self_registration_routes
from idp.api.signing_key_routes import MANAGE as KEY_MANAGE
from idp.api.signing_key_routes import add_signing_key_routes
from idp.connectors.settings import read_upstreams
from idp.connectors.simulator import NAME as SIMULATOR
from idp.connectors.simulator import PATH as SIMULATOR_PATH
from idp.connectors.simulator import simulated_upstream
from idp.credentials.passwords import PasswordPool
from idp.model.clients import TOKENS_PER_MINUTE_DEFAULT
from idp.model.openings import CLOSED, Opened
from idp.model.registrations import TRUST
from idp.pages.cas_pages import add_cas_pages
from idp.pages.device_pages import add_device_pages
from idp.pages.hot_pages import hot_pages
from idp.pages.key_pages import add_key_pages
from idp.pages.session_pages import add_session_pages
from idp.pages.sign_in_pages import Pages, add_sign_in_pages
from idp.pages.simulator_pages import add_simulator_pages
from idp.pages.upstream_pages import add_upstream_pages
from idp.store.accounts import Vault
from idp.store.sealed import SEALED_VALUES
from idp.tables import PREFIX
from idp.tokens.client_certificate import read_door
from idp.tokens.person_tokens import pairwise_key_of
from service_kit.composition import Job, ReadinessCheck, ServiceParts
from service_kit.dpop_nonces import Nonces
from service_kit.json_bodies import JsonRoute
from service_kit.later_keys import LaterKey
from service_kit.migrations import migrate as run_migrations
from service_kit.outbound import Outbound, read_networks
from service_kit.rates import Rates
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from idp.actions.find_person_behind import PersonBehind
    from idp.actions.people_desk import SignInProtocol
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext
    from service_kit.database import Database
    from service_kit.dpop import Proof

__all__ = [
    "CATALOGUE",
    "JWKS_PATH",
    "LATER_KEYS",
    "NAME",
    "SCOPES",
    "SECRETS",
    "SIMULATOR_PATH",
    "accounts_behind",
    "build",
    "client_check",
    "client_desk",
    "federation_desk",
    "follow_desk",
    "holder_names",
    "key_desk",
    "key_ring",
    "migrate",
    "people_desk",
    "person_behind",
    "prepare",
    "sign_in_protocol",
    "standing_check",
]

NAME: Final = "idp"
TOKEN_PATH: Final = token_endpoint.PATH
CLIENT_PATHS: Final = (token_endpoint.PATH, "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/device_authorization")
"""Where clients prove themselves: an assertion may be addressed to any of these."""
CATALOGUE: Final = messages.TEXTS  # importing them enters them into the error catalogue
SCOPES: Final = {
    INTROSPECT: "Ask what access tokens of others are worth, for the resource servers the client is registered for.",
    MANAGE: "Register, change and disable clients that may no more than the caller.",
    KEY_MANAGE: "See the keys that sign tokens, and change them, also at once, which ends every token that they signed.",
    TRUST: "Besides client.manage: let clients ask no consent, or stand for resource servers.",
    DIRECTORY_READ: "Follow and read the whole directory of persons, organisations and agents, personal data included.",
    DECIDE: "See identities of other providers that are in doubt, personal data included, and decide whose they are.",
    DIRECTORY_MANAGE: "Provision persons, organisations and their agents (SCIM), passwords included.",
    ACCOUNT_READ: "See persons, organisations, agents and sessions, personal data included.",
    ACCOUNT_MANAGE: "Create, change and disable them, and issue recovery codes.",
}
PEPPER: Final = "idp-client-secret-pepper"  # names of secrets in the keystore
ROW_MAC_KEY: Final = "idp-row-mac"
PEOPLE_SECRETS: Final = "idp-people"  # seals personal data and finds it
NUMBER_EVERY_SECONDS: Final = 10.0
IMPORT_EVERY_SECONDS: Final = 2.0
FOLLOW_EVERY_SECONDS: Final = 2.0  # how often a process looks whose time has come
SWEEP_EVERY_SECONDS: Final = 600.0
SECRETS: Final = (PEPPER, ROW_MAC_KEY)  # what ``init`` puts into the keystore for this service: 32 random bytes each
LATER_KEYS: Final = (LaterKey(PEOPLE_SECRETS, None, SEALED_VALUES),)
_PER_SECOND: Final = TOKENS_PER_MINUTE_DEFAULT / 60


def migrate(database: Database) -> None:
    """Bring the service's tables to the version of this program."""
    run_migrations(database, PREFIX, "idp.migrations")


def client_desk(context: ServiceContext) -> ClientDesk:
    """What the administration of clients needs; for the command line too."""
    secret = context.keystore.open_secret
    return ClientDesk(
        database=context.database,
        audit=context.audit,
        clock=context.clock,
        pepper=secret(PEPPER),
        mac_key=secret(ROW_MAC_KEY),
        known_scopes=frozenset(ports.KNOWN_SCOPES.needed(context)()),
        sealer=ValueSealer(secret(PEOPLE_SECRETS)),
        outbound=_outbound(context),
        idempotency=context.idempotency,
        opened=_opened(context),
    )


def _opened(context: ServiceContext) -> Opened:
    return Opened(context.settings.openid.implicit, context.settings.openid.request_uri)


def _outbound(context: ServiceContext, most_seconds: float = float("inf")) -> Outbound:
    stated = context.settings.outbound
    return Outbound(read_networks(stated.networks), timeout_seconds=min(stated.timeout_seconds, most_seconds))


def key_desk(context: ServiceContext) -> KeyDesk:
    """What the rotation of signing keys needs; for the command line too."""
    mac_key = context.keystore.open_secret(ROW_MAC_KEY)
    return KeyDesk(context.database, context.audit, context.clock, context.keystore, mac_key, context.idempotency)


def key_ring(context: ServiceContext) -> KeyRing:
    """The published keys, for verifiers in the same process."""
    return KeyRing(context.database, context.keystore, context.keystore.open_secret(ROW_MAC_KEY))


def prepare(context: ServiceContext) -> None:
    """What must exist before the first request; once per deployment, before the worker processes start."""
    ensure_signing_keys(key_desk(context), actor="service:idp")


def client_check(context: ServiceContext) -> Callable[[Caller], bool]:
    """Whether client and token count now, for the gates of the same process: tokens end with their client, their grant, their key, or by revocation."""
    mac_key = context.keystore.open_secret(ROW_MAC_KEY)
    memory = ClientMemory(context.database, mac_key)
    return lambda caller: (
        memory.is_active(caller.client_id) and not is_withdrawn(context.database, caller.token_id, caller.grant_id, caller.key_id, mac_key)
    )


def person_behind(context: ServiceContext, caller: Caller, at: datetime) -> PersonBehind | None:
    """Who is behind a person's access token, for services of the same process; None where nobody is who counts at ``at``."""
    return find_person_behind(context.database, _vault(context), context.keystore.open_secret(ROW_MAC_KEY), caller, at)


def accounts_behind(context: ServiceContext) -> Callable[[Caller], str]:
    """Which natural person's account is behind a caller's token, for the gates of the same process; empty where none is."""
    return AccountsBehind(context.database, context.keystore.open_secret(ROW_MAC_KEY)).find


def standing_check(context: ServiceContext) -> Callable[[Caller], bool]:
    """Whether client and person may still act, for what is done after the request was answered (``may_go_on``): tokens are over by then."""
    memory, vault = ClientMemory(context.database, context.keystore.open_secret(ROW_MAC_KEY)), _vault(context)
    return lambda caller: memory.is_active(caller.client_id) and may_go_on(context.database, vault, caller, context.clock.now())


def holder_names(context: ServiceContext) -> HolderNames:
    """What holders of rights are called, for pages of the same process."""
    return HolderNames(context.database, _vault(context), context.keystore.open_secret(ROW_MAC_KEY))


def nonces_of(context: ServiceContext) -> Nonces:
    """The nonces of proofs of possession. Their key is derived, so that an older deployment needs no new secret."""
    key = hmac_sm3(context.keystore.open_secret(ROW_MAC_KEY), b"yinxin dpop nonces v1")
    return Nonces(key, context.settings.dpop.nonces)


def nonce_check(context: ServiceContext) -> Callable[[Caller, Proof], None]:
    """Demands nonces at the gates of the same process; DPOP_NONCE_NEEDED."""
    memory, nonces = ClientMemory(context.database, context.keystore.open_secret(ROW_MAC_KEY)), nonces_of(context)

    def demand(caller: Caller, proof: Proof) -> None:
        known = memory.present(caller.client_id)
        is_strict = known is not None and known.registration is not None and known.registration.is_fapi
        nonces.demand(proof, context.clock.now(), is_strict=is_strict)

    return demand


def _vault(context: ServiceContext) -> Vault:
    secret = context.keystore.open_secret
    own = ports.SUBJECT_HASH.of(context)
    return Vault(ValueSealer(secret(PEOPLE_SECRETS)), secret(ROW_MAC_KEY), own)


def people_desk(context: ServiceContext) -> PeopleDesk:
    """What everything about people needs; for the command line too. Its pool of threads is closed by ``close``."""
    return PeopleDesk(
        database=context.database,
        audit=context.audit,
        clock=context.clock,
        outbox=context.outbox,
        vault=_vault(context),
        pool=PasswordPool(),
        idempotency=context.idempotency,
        issuer=context.settings.base_url,
        trust=context.trust,  # whose certificates count at sign-in
        tells_clients=True,
    )


def federation_desk(context: ServiceContext, people: PeopleDesk) -> FederationDesk:
    """Sign-in at other providers, as the deployment's file describes them. CONNECTOR_SETTING_INVALID names what is wrong in it."""
    settings, path = context.settings, context.settings.dir / context.settings.upstreams
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, ValueError):
        raise TrustError(Kind.UNACCEPTABLE, "CONNECTOR_SETTING_INVALID", setting="file") from None
    upstreams = read_upstreams(text, settings.base_url)
    if settings.demo:
        upstreams.setdefault(SIMULATOR, simulated_upstream(people.vault.sealer, settings.base_url)[1])
    return FederationDesk(people, upstreams, _outbound(context))


def follow_desk(context: ServiceContext, people: PeopleDesk) -> FollowDesk:
    """What following other directories needs; for the command line too."""
    return FollowDesk(people, _outbound(context), context.keystore)


def _checks(clients: ClientDesk, keys: KeyDesk, following: FollowDesk) -> tuple[ReadinessCheck, ...]:
    signing = ReadinessCheck("idp_signing_key", partial(signing_key_facts, keys))
    followed = ReadinessCheck("idp_followed_sources", partial(followed_facts, following))
    front = ReadinessCheck("idp_front_channel", lambda: asdict(clients.opened))  # of a closed deployment there is nothing to say
    return (signing, followed, front) if clients.opened != CLOSED else (signing, followed)


def sign_in_protocol(context: ServiceContext) -> SignInProtocol:
    """How clients send people here, as the pages see it."""
    return _client_protocol(context)


def _client_protocol(context: ServiceContext) -> ClientProtocol:
    mac_key, ring = context.keystore.open_secret(ROW_MAC_KEY), key_ring(context)
    memory, outbound = ClientMemory(context.database, mac_key), _outbound(context)
    pairwise_key, opened = pairwise_key_of(mac_key), _opened(context)
    hints = HintReader(ring, context.settings.base_url, memory, pairwise_key)
    keys, fetcher = ClientKeys(outbound), RequestFetcher(outbound)
    return ClientProtocol(context.database, _vault(context), memory, hints, keys, mac_key, pairwise_key, opened, fetcher)


def build(context: ServiceContext) -> ServiceParts:
    """Put the service together for one process."""
    desk, ring = client_desk(context), key_ring(context)
    memory = ClientMemory(context.database, desk.mac_key)
    settings, outbound, shown, issuer = context.settings, desk.outbound, context.settings.client_certificates, context.settings.base_url
    proofs = ProofDesk(
        context.database,
        ClientKeys(outbound),
        desk.sealer,
        (issuer, *(issuer + path for path in CLIENT_PATHS)),
        read_door(shown.header, shown.verified_header, shown.peers),
    )
    door = new_doorkeeper(context.database, context.audit, context.clock, memory, desk.pepper, proofs)
    rates, router = Rates(per_second=_PER_SECOND, burst=_PER_SECOND), APIRouter(route_class=JsonRoute)
    tokens = TokenDesk(door=door, ring=ring, issuer=issuer, tokens=rates, nonces=nonces_of(context))
    scopes, clock, has_certificates = sorted(desk.known_scopes), context.clock, bool(shown.header)
    add_metadata_routes(router, ring=ring, clock=clock, issuer=issuer, scopes=scopes, has_certificates=has_certificates, opened=desk.opened)
    add_signing_key_routes(router, key_desk(context), ring)
    for add_for_clients in (add_client_routes, add_registration_routes, add_cas_client_routes):
        add_for_clients(router, desk)
    add_self_registration_routes(router, SelfRegistration(desk, outbound, issuer))
    people, is_secure = people_desk(context), settings.base_url.startswith("https://")
    limits = ports.SCOPE_LIMITS.of(context) or {}
    persons = PersonDesk(tokens, people, desk.mac_key, pairwise_key_of(desk.mac_key), limits)
    protocol, federation = sign_in_protocol(context), federation_desk(context, people)
    hints = HintReader(ring, issuer, memory, persons.pairwise_key)
    scope_texts = ports.SCOPE_TEXTS.of(context) or {}
    cas, front = CasProtocol(people), partial(answer_by_browser, persons, desk.opened)
    pages = Pages(people, protocol, federation, is_secure, settings.demo, SignInDoor(), hints.read, cas, front, scope_texts)
    for add_directory in (add_change_routes, add_scim_routes, add_import_routes, add_account_routes, add_agent_routes):
        add_directory(router, people)
    add_cas_endpoints(router, people, _outbound(context, CALLBACK_SECONDS))
    add_federation_routes(router, federation)
    add_follow_routes(router, following := follow_desk(context, people))
    add_upstream_pages(router, pages)
    if settings.demo:
        add_simulator_pages(router, pages, simulated_upstream(people.vault.sealer, settings.base_url)[0])
    logout = {
        CAS_LOGOUT_TOPIC: partial(tell_cas_service, people, federation.outbound),
        SESSION_ENDED_TOPIC: partial(tell_client_logout, persons, outbound),
    }
    context.outbox.add_callers(logout, timeout_seconds=settings.outbound.timeout_seconds)
    for add_pages in (add_key_pages, add_sign_in_pages, add_session_pages, add_device_pages, add_cas_pages):
        add_pages(router, pages)

    return ServiceParts(
        name=NAME,
        router=router,
        hot_routes=(
            Route(token_endpoint.PATH, token_endpoint.TokenEndpoint(tokens, persons), name="issue_token"),
            device_endpoint.device_route(persons),
            pushed_endpoint.push_route(PushDesk(persons, _client_protocol(context))),
            Route(userinfo_endpoint.PATH, userinfo_endpoint.UserinfoEndpoint(persons), methods=userinfo_endpoint.METHODS, name="userinfo"),
            *hot_pages(pages),
            *introspection_endpoint.introspection_routes(LookDesk(persons)),
        ),
        openapi_paths=PATHS,
        openapi_tags=TAGS,
        scopes=SCOPES,
        readiness=_checks(desk, key_desk(context), following),
        event_types=EVENT_TYPES,
        jobs=(
            Job("number-changes", NUMBER_EVERY_SECONDS, partial(number_durable_changes, context.database)),
            Job("account-imports", IMPORT_EVERY_SECONDS, partial(run_imports, people)),
            Job("password-costs", SWEEP_EVERY_SECONDS, partial(weigh_passwords, people)),
            Job("followed-sources", FOLLOW_EVERY_SECONDS, partial(follow_sources, following)),
            Job("lasting-levels", SWEEP_EVERY_SECONDS, partial(lower_levels, people)),
            Job("sign-in-sweep", SWEEP_EVERY_SECONDS, partial(sweep_sign_in_rows, people)),
        ),
        # A deployment from before there were other algorithms has a key for access tokens alone
        on_start=(
            partial(ensure_signing_keys, key_desk(context), actor="service:idp"),
            partial(fill_changes, context.database, people.vault),
        ),
        on_stop=(people.pool.close,),
    )
