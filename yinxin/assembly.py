"""A deployment opened and put together: for serving, and for the commands that work on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter

import idp.ports
import idp.service
import licence_vault.ports
import licence_vault.service
import seal_service.ports
from crypto.checkpoints import CheckpointSigner
from crypto.cms import TIMESTAMP_RESERVED_BYTES
from crypto.sealed_values import ValueSealer
from crypto.timestamps import TimeStampClient
from idp.actions.acting_people import ActingPeople
from idp.actions.find_clients import is_registered
from licence_vault.ports import COLLECTOR, FIELD_MAP
from seal_service.actions.foresee_use import owner_of
from seal_service.model import SealState
from seal_service.ports import REGIONAL_PLATFORM, STATE_LISTENERS, MakerIdentity
from service_kit.audit import Audit, new_writer_id
from service_kit.blobs import Blobs
from service_kit.clock import SystemClock
from service_kit.composition import Job, ServiceContext, ServiceParts
from service_kit.database import Database
from service_kit.duties import code_older_duties
from service_kit.idempotency import Idempotency
from service_kit.log_tree import LogTree
from service_kit.migrations import migrate_kit
from service_kit.one_use import DPOP_PLACE, use_once
from service_kit.outbound import Outbound, read_networks
from service_kit.outbox import Outbox, calls_at_once
from service_kit.process_marks import ProcessMark
from service_kit.roles import code_older_roles
from service_kit.structured_logs import LinesOfTurn
from service_kit.tables import audit as audit_table
from service_kit.transparency_log import TransparencyLog
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, EVENT_TOPIC, DeliveryDesk
from service_kit.webhooks.subscriptions import SubscriptionDesk
from standards import gbt33560_oids as oids
from yinxin import audit_api, holders_api, links, pages_api, roles_api, system_api, system_names_api, webhooks_api
from yinxin.access_gate import Gatekeeper, admit_token
from yinxin.apart_links import RemoteDirectory, RemoteSealer
from yinxin.app import Application, Composition
from yinxin.console import service as console_service
from yinxin.deployment import (
    AUDIT_MAC_KEY,
    BLOBS,
    CA,
    LOG,
    LOG_KEY,
    LOG_NAME,
    RUN,
    WEBHOOK_KEY,
    WEBHOOK_SECRETS_KEY,
    Deployment,
    open_deployment,
)
from yinxin.duties import CONSOLE_CLIENT, scopes_at_pages
from yinxin.file_verdicts import HouseJudge
from yinxin.front_page import pages as front_page
from yinxin.help.help_pages import HelpDesk
from yinxin.help.help_pages import make_router as make_help_router
from yinxin.holder_links import HouseDirectory
from yinxin.house_checks import house_checks
from yinxin.house_sweep import sweep_house
from yinxin.licence_links import RESERVED_FILES, HouseReadiness, HouseSealer, HouseVerifier, house_pictures, may_hold_seals
from yinxin.pki import service as pki_service
from yinxin.pki.actions.issue_certificate import RegisterDesk
from yinxin.pki.authorities import MAKER, Authorities, open_authorities
from yinxin.process_metrics import process_metrics
from yinxin.record_check import check_records
from yinxin.regional_collector import open_collector
from yinxin.regional_exchange import open_exchange
from yinxin.regional_platform import open_region
from yinxin.scope_texts import SCOPE_TEXTS
from yinxin.verification_page import service as verification_page
from yinxin.version import program_version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sqlalchemy import Connection

    from service_kit.composition import Links
    from service_kit.dpop import Proof
    from service_kit.settings import Settings

CLOCK_FLOOR_FILE: Final = "clock-floor"
TREE_NAME: Final = "sm3"
SWEEP_EVERY_SECONDS: Final = 3600.0
FURTHER_CONNECTIONS: Final = 8  # for the event loop's gate, the log, the outbox and the periodic jobs, which are no request threads


@dataclass(frozen=True, slots=True)
class House:
    """Everything of one process, ready to use; nothing of it is running yet."""

    deployment: Deployment
    context: ServiceContext
    register: RegisterDesk
    authorities: Authorities
    clock: SystemClock

    def close(self) -> None:
        """Finish what is being written, and let go of the database and of the mark that this process lives."""
        self.context.database.close()
        self.context.mark.release()


def choose_provider(settings: Settings) -> None:
    """Hand the settings' choice of the SM2 provider to where it is made (crypto/providers): once per process, before its first use."""
    for variable, value in (("YINXIN_SM2_PROVIDER", settings.sm2_provider), ("YINXIN_LIBCRYPTO_PATH", settings.libcrypto_path)):
        if value:
            os.environ[variable] = value


def migrate_all(database: Database) -> None:
    """Bring all tables to the version of this program; safe in several processes at once."""
    migrate_kit(database)
    pki_service.migrate(database)
    console_service.migrate(database)
    for service in links.SERVICES.values():
        service.migrate(database)


def code_older_rows(context: ServiceContext) -> None:
    """Give rows that give rights, and are from before such rows had codes, theirs, where the audit trail proves them. After ``migrate_all``."""

    def work(connection: Connection) -> None:
        code_older_roles(connection, context.audit)
        code_older_duties(connection, context.audit)
        licence_vault.service.code_older_rows(connection, context.audit)

    context.database.write(work)


def open_log(deployment: Deployment, database: Database, clock: SystemClock) -> TransparencyLog:
    """The log of the audit trail: one SM3 tree, checkpoints signed with SM2."""
    settings = deployment.settings
    origin = settings.logs.origin
    tree = LogTree(TREE_NAME, origin, oids.SM3, (CheckpointSigner(origin, deployment.keystore.signer(LOG_KEY)),))
    return TransparencyLog(
        database,
        LOG_NAME,
        audit_table,
        deployment.dir / LOG,
        (tree,),
        clock,
        anchor_folders=tuple(deployment.dir / Path(path) for path in settings.logs.anchor_paths),
        interval_seconds=settings.logs.interval_seconds,
    )


def open_house(deployment: Deployment) -> House:
    """Open database, trail, log and authorities of a finished deployment. What is wrong with one of them is raised as TrustError."""
    settings = deployment.settings
    choose_provider(settings)
    clock = SystemClock(deployment.dir / RUN / CLOCK_FLOOR_FILE)
    platform = open_region(settings.region, deployment.dir, deployment.keystore.signer(WEBHOOK_KEY), clock, tuple(SealState))
    collector = open_collector(settings.collector, deployment.dir, deployment.keystore.signer(WEBHOOK_KEY), clock)
    exchange = open_exchange(settings.exchange, deployment.dir, deployment.keystore.signer(WEBHOOK_KEY), clock)
    database = Database(settings.database_url, settings.threads + FURTHER_CONNECTIONS, queue_limit=settings.limits.write_queue)
    audit = Audit(database, deployment.keystore.open_secret(AUDIT_MAC_KEY), new_writer_id())
    authorities = open_authorities(deployment)
    register = RegisterDesk(database, audit, clock, deployment.dir / CA)
    trust = pki_service.OwnTrust(database, authorities, None if settings.trust_path is None else deployment.dir / Path(settings.trust_path))
    context = ServiceContext(
        settings=settings,
        database=database,
        audit=audit,
        log=open_log(deployment, database, clock),
        blobs=Blobs(deployment.dir / BLOBS),
        clock=clock,
        keystore=deployment.keystore,
        outbox=Outbox(database, clock),
        idempotency=Idempotency(ProcessMark(deployment.dir / RUN, audit.writer_id)),
        issuer=pki_service.Issuer(register, authorities),
        time_stamp=_time_stamp_of(settings, authorities, clock, trust),
        time_stamp_bytes=authorities.time_stamps.token_bytes_max if settings.time_stamps.url is None else TIMESTAMP_RESERVED_BYTES,
        trust=trust,
        links={
            **idp.ports.KNOWN_SCOPES.filled(links.known_scopes),
            **idp.ports.SCOPE_TEXTS.filled(SCOPE_TEXTS),
            **idp.ports.SUBJECT_HASH.filled(links.subject_hash_of(settings)),
            **idp.ports.SCOPE_LIMITS.filled({CONSOLE_CLIENT: scopes_at_pages}),
            **seal_service.ports.SEAL_MAKER.filled(MakerIdentity(authorities.certificates[MAKER], authorities.maker)),
            **({} if platform is None else REGIONAL_PLATFORM.filled(platform) | STATE_LISTENERS.filled((platform.tell_state,))),
            **({} if collector is None else COLLECTOR.filled(collector) | FIELD_MAP.filled(collector.fields)),
            **({} if exchange is None else licence_vault.ports.FOREIGN.filled(exchange)),
        },
    )
    check = links.standing_check_of(context)
    if check is not None:
        standing = {**seal_service.ports.CALLER_CHECK.filled(check), **licence_vault.ports.STANDING.filled(check)}
        context = replace(context, links={**context.links, **standing})
    links_of_licences = {
        **_sealer_of(context),
        **licence_vault.ports.JUDGE.filled(HouseJudge()),
        **licence_vault.ports.PICTURES.filled(house_pictures),
        **seal_service.ports.FILE_VERIFIER.filled(HouseVerifier(context)),
        **seal_service.ports.RESERVED_FILES.filled(RESERVED_FILES),
        **_directory_of(context),
        **_people_of(context),
    }
    context = replace(context, links={**context.links, **links_of_licences})
    return House(deployment, context, register, authorities, clock)


def _sealer_of(context: ServiceContext) -> Links:
    """Who seals licences: the seal service elsewhere where the settings say where and as whom, else the one of this process. Whose seals they are, and
    whether they can be used, is known where they are kept.
    """
    place, caller = links.apart_place_of(context.settings, seal_service.service.NAME), links.service_caller_of(context.settings)
    sealer = HouseSealer(context) if place is None or caller is None else RemoteSealer(caller, place)
    filled = licence_vault.ports.SEALER.filled(sealer)
    if seal_service.service.NAME in links.services_of(context.settings):
        filled |= licence_vault.ports.SEAL_OWNERS.filled(owner_of) | licence_vault.ports.SEAL_READINESS.filled(HouseReadiness(context))
    return filled


def _directory_of(context: ServiceContext) -> Links:
    """Who knows holders: the identity provider of this process, or the one elsewhere; none where neither can be asked."""
    if idp.service.NAME in links.services_of(context.settings):
        return licence_vault.ports.HOLDERS.filled(HouseDirectory(context))
    place, caller = links.apart_place_of(context.settings, idp.service.NAME), links.service_caller_of(context.settings)
    return {} if place is None or caller is None else licence_vault.ports.HOLDERS.filled(RemoteDirectory(caller, place))


def _people_of(context: ServiceContext) -> Links:
    """Which systems and people there are and who acts for an organisation, where this process knows them."""
    knows = links.holder_check_of(context)
    if knows is None:
        return {}
    people = ActingPeople(idp.service.people_desk(context).vault)
    return {
        **seal_service.ports.HOLDER_CHECK.filled(partial(may_hold_seals, knows)),
        **seal_service.ports.ACTING_PEOPLE.filled(people),
        **licence_vault.ports.ACTING_PEOPLE.filled(people),
        **licence_vault.ports.CLIENTS.filled(partial(is_registered, idp.service.client_desk(context))),
    }


def _time_stamp_of(
    settings: Settings, authorities: Authorities, clock: SystemClock, trust: pki_service.OwnTrust
) -> Callable[[bytes], bytes]:
    url = settings.time_stamps.url
    if url is None:  # the authority in this process: no network, one signature
        return lambda data: authorities.time_stamps.stamp(data, clock.now())
    send = links.time_stamp_over_http(url, settings.time_stamps.timeout_seconds)
    # Trust and revocation as they are when the token comes: a client made once would go by the lists of its beginning
    return lambda data: TimeStampClient(send, trust(), now=clock.now).stamp(data)


def compose(house: House) -> Application:
    """The HTTP application of this process, with the services that its settings name."""
    context = house.context
    settings = context.settings
    callers, key_jobs = links.callers_of(context)

    def use_proof(proof: Proof) -> Awaitable[bool]:
        return context.database.awrite(lambda connection: use_once(connection, DPOP_PLACE, proof.once, proof.used_until_at))

    keeper = Gatekeeper(
        callers,
        links.client_check_of(context),
        may_block=not context.database.is_sqlite,
        use_once=use_proof,
        base_url=settings.base_url,
        certificate_of=links.certificates_of(settings),
        demand_nonce=links.nonce_check_of(context),
        account_of=links.accounts_of(context),
    )
    context = replace(context, links={**context.links, **licence_vault.ports.CALLERS.filled(partial(admit_token, keeper))})
    parts = [pki_service.build(house.register, house.authorities), _audit_parts(house), _roles_parts(context), _help_parts(settings)]
    parts += [links.SERVICES[name].build(context) for name in links.services_of(settings)]
    if {idp.service.NAME, licence_vault.service.NAME} <= set(
        links.services_of(settings)
    ):  # both know of holders, so their systems have names
        parts.append(ServiceParts(name="system-names", router=system_names_api.make_router(context)))
    checking = verification_page.build(context, house.deployment.dir, links.services_of(settings))
    parts += [*checking, front_page.build(settings, links.services_of(settings), has_verification=bool(checking))]
    parts.append(_webhook_parts(house, {name: text for part in parts for name, text in part.event_types.items()}))
    own = console_service.OwnApplication()
    parts.append(pages_api.build())
    if idp.service.NAME in links.services_of(settings):  # who signs people in elsewhere has the pages there
        parts += [holders_api.build(context), console_service.build(context, own)]
    parts.append(ServiceParts(name="system", router=APIRouter(), openapi_tags=(system_api.TAG,), scopes=system_api.SCOPES))
    for part in parts:
        context.outbox.add_handlers(part.handlers)

    application = own.application = Application(
        Composition(
            settings=settings,
            version=program_version(),
            parts=parts,
            keeper=keeper,
            token_url=links.issuer_of(settings) + idp.service.TOKEN_PATH,
            checks=house_checks(context),
            jobs=(*key_jobs, Job("house-sweep", SWEEP_EVERY_SECONDS, partial(sweep_house, context))),
            on_start=(context.log.start, context.outbox.start),
            on_stop=(context.outbox.stop, context.log.stop, house.clock.save_floor, house.close),
            system=partial(system_api.make_router, house),
            metrics=process_metrics(context.database, context.outbox, house.clock),
            write_access=LinesOfTurn().add if settings.log_level.upper() in {"INFO", "DEBUG"} else None,
        )
    )
    return application


def _audit_parts(house: House) -> ServiceParts:
    check = partial(check_records, house.context, house.deployment.keystore.open_secret(AUDIT_MAC_KEY))
    return ServiceParts(
        name="audit",
        router=audit_api.make_router(house.context, check),
        openapi_tags=({"name": "audit", "description": "The audit trail and the proofs of its log."},),
        scopes=audit_api.SCOPES,
    )


def webhook_desks(house: House, event_types: Mapping[str, str]) -> tuple[SubscriptionDesk, DeliveryDesk]:
    """Who administers endpoints, and who delivers to them."""
    context = house.context
    settings = context.settings.outbound
    keystore = house.deployment.keystore
    sealer = ValueSealer(keystore.open_secret(WEBHOOK_SECRETS_KEY))
    outbound = Outbound(read_networks(settings.networks), timeout_seconds=settings.timeout_seconds)
    sign, is_told = keystore.signer(WEBHOOK_KEY).sign, links.webhook_listeners_of(context)
    deliveries = DeliveryDesk(context.database, context.audit, context.clock, context.outbox, outbound, sealer, sign, is_told)
    subscriptions = SubscriptionDesk(
        context.database,
        context.audit,
        context.clock,
        context.outbox,
        outbound,
        sealer,
        event_types,
        context.idempotency,
        *links.webhooks_for_others_of(context),
    )
    return subscriptions, deliveries


def _webhook_parts(house: House, event_types: dict[str, str]) -> ServiceParts:
    """Webhooks: fanned out by the common outbox, delivered by a worker of their own, so that a slow receiver holds up nothing else."""
    context = house.context
    desk, deliveries = webhook_desks(house, event_types)
    worker = Outbox(
        context.database,
        context.clock,
        {DELIVERY_TOPIC: deliveries.deliver},
        batch=calls_at_once(context.settings.outbound.timeout_seconds),
    )
    return ServiceParts(
        name="webhooks",
        router=webhooks_api.make_router(desk, house.deployment.keystore.signer(WEBHOOK_KEY).public_spki_der),
        openapi_tags=({"name": "webhooks", "description": "Being told what happened: signed messages to addresses of one's own."},),
        scopes=webhooks_api.SCOPES,
        handlers={EVENT_TOPIC: deliveries.fan_out},
        jobs=(Job("webhook-sweep", SWEEP_EVERY_SECONDS, deliveries.sweep),),
        on_start=(worker.start,),
        on_stop=(worker.stop,),
    )


def _help_parts(settings: Settings) -> ServiceParts:
    desk = HelpDesk(is_demo=settings.demo, is_secure=settings.base_url.startswith("https://"))
    return ServiceParts(name="help", router=make_help_router(desk))


def _roles_parts(context: ServiceContext) -> ServiceParts:
    return ServiceParts(
        name="roles",
        router=roles_api.make_router(context, links.is_bound, links.holder_check_of(context)),
        openapi_tags=({"name": "roles", "description": "The system, security and audit administrators."},),
        scopes=roles_api.SCOPES,
    )


def open_application(folder: Path) -> tuple[House, Application]:
    """The application of a deployment's folder, as a worker process serves it."""
    house = open_house(open_deployment(folder))
    return house, compose(house)
