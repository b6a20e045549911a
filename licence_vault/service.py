"""The licence vault, put together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, cast

from fastapi import APIRouter
from sqlalchemy import select

from licence_vault import (  # noqa: F401 - importing the words of the rules enters them
    copy_messages,
    credential_messages,
    definition_messages,
    messages,
    report_messages,
    rule_messages,
    use_messages,
    wallets,
)
from licence_vault.actions.credential_desk import ensure_credential_keys
from licence_vault.actions.issuing_means import IssuingMeans, Seals, wait_for_proof
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.actions.query_foreign_licence import ExchangeDesk
from licence_vault.actions.record_event import EVENT_TYPES
from licence_vault.actions.report_desk import ReportDesk
from licence_vault.actions.use_desk import UseDesk
from licence_vault.api.batch_routes import add_batch_routes
from licence_vault.api.code_routes import add_code_routes
from licence_vault.api.copy_routes import TAG as COPY_TAG
from licence_vault.api.copy_routes import add_copy_routes
from licence_vault.api.foreign_routes import add_foreign_routes
from licence_vault.api.import_archive_routes import add_import_archive_routes
from licence_vault.api.import_routes import add_import_routes
from licence_vault.api.issuer_routes import add_issuer_routes
from licence_vault.api.licence_routes import add_licence_routes
from licence_vault.api.log_routes import add_log_routes
from licence_vault.api.my_licence_routes import add_my_licence_routes
from licence_vault.api.report_routes import add_report_routes
from licence_vault.api.share_routes import ShareDesk, add_share_routes
from licence_vault.api.sharing_routes import add_sharing_routes
from licence_vault.api.showing_routes import TAG as SHOWING_TAG
from licence_vault.api.showing_routes import add_showing_routes
from licence_vault.api.status_routes import add_status_routes
from licence_vault.api.type_routes import add_type_routes
from licence_vault.api.use_code_routes import add_use_code_routes
from licence_vault.content_vault import SECRET_NAME, ContentVault
from licence_vault.jobs import exchange_jobs_of, jobs_of, readiness_of, report_jobs_of, witness_desk
from licence_vault.log.instance import KEYS as LOG_KEYS
from licence_vault.log.instance import open_licence_log, trusted_logs
from licence_vault.log_tables import PREFIX, status_allotments, status_editions
from licence_vault.log_tables import log as leaves
from licence_vault.model import SCOPES as LICENCE_SCOPES
from licence_vault.ports import CALLERS, COLLECTOR, FIELD_MAP, FOREIGN, HOLDERS, JUDGE, PICTURES, SEALER
from licence_vault.report_tables import reports
from licence_vault.status.prompt_lists import PromptPublisher
from licence_vault.status.register import ORDER_KEY
from licence_vault.status.tokens import KEYS as STATUS_KEYS
from licence_vault.store import code_older_sharing
from licence_vault.store.named_blobs import BLOB_PLACES
from licence_vault.tables import licence_keys
from licence_vault.uses import SCOPES as USE_SCOPES
from service_kit.composition import ServiceParts
from service_kit.json_bodies import JsonRoute
from service_kit.later_keys import LaterKey
from service_kit.migrations import migrate as run_migrations

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.reporting.field_map import FieldMap
    from service_kit.audit import Audit
    from service_kit.composition import ServiceContext
    from service_kit.database import Database
    from service_kit.transparency_log import TransparencyLog

__all__ = [
    "BLOB_PLACES",
    "CATALOGUE",
    "LATER_KEYS",
    "NAME",
    "SCOPES",
    "TOLD_TO_THE_REGION",
    "build",
    "code_older_rows",
    "ensure_credential_keys",
    "migrate",
    "witness_desk",
]

NAME: Final = "licence_vault"
CATALOGUE: Final = (
    *messages.TEXTS,
    *use_messages.TEXTS,
    *copy_messages.TEXTS,
    *credential_messages.TEXTS,
    *report_messages.TEXTS,
)  # importing them enters them into the error catalogue
SCOPES: Final = {**LICENCE_SCOPES, **USE_SCOPES, **wallets.SCOPES}
LATER_KEYS: Final = (
    *(LaterKey(name, algorithm, (select(leaves.c.position),)) for name, algorithm in LOG_KEYS.items()),
    *(LaterKey(name, algorithm, (select(status_editions.c.number),)) for name, algorithm in STATUS_KEYS.items()),
    LaterKey(ORDER_KEY, None, (select(status_allotments.c.position),)),
    LaterKey(SECRET_NAME, None, (select(licence_keys.c.licence_id),)),
    *(LaterKey(name, None) for name in wallets.SECRETS),
)
"""Keys of the log's checkpoints and of the status lists, and secrets: of a deployment from before there were licences."""
TOLD_TO_THE_REGION: Final = select(reports.c.number).where(reports.c.sent_at.is_not(None))
"""Rows where there are licences of which the region's collector was told, with a signature of the deployment."""


def migrate(database: Database) -> None:
    """Bring the service's tables to the version of this program."""
    run_migrations(database, PREFIX, "licence_vault.migrations")


def code_older_rows(connection: Connection, audit: Audit) -> None:
    """Give permissions from before they had codes theirs, where the audit trail proves them. Within a write job."""
    code_older_sharing(connection, audit)


def means_of(context: ServiceContext, log: TransparencyLog) -> IssuingMeans:
    """What licences are issued with here. Without the links to a sealer and a judge everything works but issuing."""
    sealer, judge = SEALER.of(context), JUDGE.of(context)
    return IssuingMeans(
        context=context,
        contents=ContentVault(context.keystore.open_secret(SECRET_NAME)),
        order_key=context.keystore.open_secret(ORDER_KEY),
        seals=None if sealer is None or judge is None else Seals(sealer, judge),
        await_proof=partial(wait_for_proof, log, context.cohorts),
        logs=trusted_logs(context),
        pictures=PICTURES.of(context),
    )


def use_desk_of(context: ServiceContext, contents: ContentVault) -> UseDesk:
    """What licences are used with. Without the link to a directory nobody is known as a holder, and what holders do is refused."""
    return UseDesk(context, contents, HOLDERS.of(context))


def report_desk_of(means: IssuingMeans) -> ReportDesk | None:
    """Who reports to the region; None where the settings name no collector."""
    collector = COLLECTOR.of(means.context)
    if collector is None:
        return None
    return ReportDesk(means.context, means.contents, collector, cast("FieldMap", FIELD_MAP.needed(means.context)))


def exchange_desk_of(means: IssuingMeans) -> ExchangeDesk | None:
    """Who asks other regions; None where the settings name no exchange, or nothing here could verify what they give."""
    regions, judge = FOREIGN.of(means.context), JUDGE.of(means.context)
    return None if regions is None or judge is None else ExchangeDesk(means.context, means.contents, regions, judge)


def build(context: ServiceContext) -> ServiceParts:
    """Put the service together for one process."""
    log = open_licence_log(context)
    means = means_of(context, log)
    router = APIRouter(route_class=JsonRoute)
    wallet_jobs = wallets.add_wallet_routes(router, context, means.contents)
    add_log_routes(router, context, log)
    add_status_routes(router, context, log)
    add_code_routes(router, context)
    add_issuer_routes(router, context)
    add_type_routes(router, context)
    add_licence_routes(router, means)
    add_batch_routes(router, means)
    add_import_routes(router, means)
    add_import_archive_routes(router, means)
    add_sharing_routes(router, context)
    desk = use_desk_of(context, means.contents)
    add_use_code_routes(router, desk)
    add_my_licence_routes(router, desk)
    add_copy_routes(router, means, desk)
    add_showing_routes(router, desk)
    judge = None if means.seals is None else means.seals.judge
    add_share_routes(router, ShareDesk(desk, CALLERS.of(context), judge, means))
    prompt = PromptPublisher(partial(publish_status_lists, context))
    reporting, exchange = report_desk_of(means), exchange_desk_of(means)
    add_report_routes(router, context, reporting)
    add_foreign_routes(router, exchange)
    return ServiceParts(
        name=NAME,
        router=router,
        openapi_tags=(
            {
                "name": "licence types",
                "description": "Licence types: written, reviewed by a second person, imported and exported as one file.",
            },
            {"name": "licence issuers", "description": "Issuing authorities, their seals and who acts for them."},
            {"name": "licences", "description": "Issuing licences one by one and in batches, their files, their life."},
            {"name": "licence sharing", "description": "Which system may use licences of others, of which type, and how."},
            {"name": "licence use", "description": "Use codes in three modes, and what holders see of every use."},
            COPY_TAG,
            SHOWING_TAG,
            {"name": "my licences", "description": "A holder's own licences, every use of them, and all that is held on one person."},
            {"name": "licence share", "description": "The share interface in the shape of GB/T 36906."},
            {"name": "licence log", "description": "The public log of licences: files, receipts, counts."},
            {"name": "licence status", "description": "Status lists: whether a licence is in force."},
            {"name": "licence reports", "description": "What the region is told of licences, and whether it has it as we do."},
            {"name": "foreign licences", "description": "Licences of other regions, asked for and verified here."},
            *wallets.TAGS,
        ),
        scopes=SCOPES,
        event_types={**EVENT_TYPES, **wallets.EVENT_TYPES},
        jobs=(*jobs_of(context, log, means), *wallet_jobs, *report_jobs_of(reporting), *exchange_jobs_of(exchange)),
        readiness=readiness_of(context, log),
        on_start=(log.start, prompt.start),
        on_stop=(prompt.stop, log.stop),
    )
