"""The seal service, put together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from sqlalchemy import select
from starlette.routing import Route

from seal_service import jobs, messages, rule_messages  # noqa: F401 - importing the words of the rules enters them
from seal_service.actions.change_seal_state import STATE_TOPIC
from seal_service.actions.file_seal import NOT_CONFIGURED, file_seal, tell_state
from seal_service.actions.publish_news import EVENT_TYPES
from seal_service.actions.publish_status import StatusPublisher
from seal_service.actions.record_making import FILING_TOPIC
from seal_service.actions.seal_batch import TOPIC, seal_item
from seal_service.api import digest_endpoint, sealing_endpoint
from seal_service.api.application_routes import add_application_routes
from seal_service.api.batch_routes import add_batch_routes
from seal_service.api.design_routes import add_design_routes
from seal_service.api.document_page_routes import add_document_page_routes
from seal_service.api.document_routes import add_document_routes
from seal_service.api.import_routes import add_import_routes
from seal_service.api.pdf_routes import add_pdf_routes
from seal_service.api.picture_routes import add_picture_routes
from seal_service.api.power_routes import add_power_routes
from seal_service.api.remote_routes import add_remote_routes
from seal_service.api.seal_routes import add_seal_routes
from seal_service.api.status_routes import add_status_routes
from seal_service.api.supervision_routes import add_supervision_routes
from seal_service.limits import BATCH_ITEMS_AT_ONCE
from seal_service.model import SCOPES
from seal_service.store import held_powers, holds_any_power
from seal_service.store.named_blobs import BLOB_PLACES
from seal_service.tables import PREFIX, seals
from service_kit import fail_points
from service_kit.composition import ServiceParts
from service_kit.json_bodies import JsonRoute
from service_kit.migrations import migrate as run_migrations
from service_kit.outbox import Outbox

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from service_kit.database import Database

__all__ = ["BLOB_PLACES", "CATALOGUE", "NAME", "SCOPES", "TOLD_TO_THE_REGION", "build", "held_powers", "holds_any_power", "migrate"]

NAME: Final = "seal_service"
CATALOGUE: Final = messages.TEXTS  # importing them enters them into the error catalogue
TOLD_TO_THE_REGION: Final = select(seals.c.id).where(seals.c.filing != NOT_CONFIGURED)
"""Rows where there are seals of which the regional platform was told, with a signature of the deployment."""


def migrate(database: Database) -> None:
    """Bring the service's tables to the version of this program."""
    run_migrations(database, PREFIX, "seal_service.migrations")


def build(context: ServiceContext) -> ServiceParts:
    """Put the service together for one process."""
    fail_points.arm_from_environment(is_allowed=context.settings.demo)
    router = APIRouter(route_class=JsonRoute)
    add_seal_routes(router, context)
    publisher = StatusPublisher(context)
    add_document_routes(router, context, publisher)
    add_document_page_routes(router, context)
    add_status_routes(router, context, publisher)
    add_application_routes(router, context)
    add_import_routes(router, context)
    add_power_routes(router, context)
    add_pdf_routes(router, context)
    add_remote_routes(router, context)
    add_batch_routes(router, context)
    add_supervision_routes(router, context)
    add_design_routes(router)
    add_picture_routes(router, context)
    # Batches have a worker of their own, so that filing and news do not wait behind a thousand documents
    batches = Outbox(context.database, context.clock, {TOPIC: partial(seal_item, context)}, batch=BATCH_ITEMS_AT_ONCE)
    return ServiceParts(
        name=NAME,
        router=router,
        hot_routes=(
            Route(digest_endpoint.PATH, digest_endpoint.DigestEndpoint(context), name="sign_digest"),
            Route(sealing_endpoint.PATH, sealing_endpoint.SealingEndpoint(context), name="seal_document"),
        ),
        openapi_paths={**digest_endpoint.openapi_paths(), **sealing_endpoint.openapi_paths()},
        openapi_tags=(
            {"name": "seals", "description": "Seals, their life and who may use them."},
            {"name": "applications", "description": "Applying for seals, review by somebody else, making what was approved."},
            {"name": "powers", "description": "Who manages, uses and audits a seal, and grants with limits."},
            {"name": "sealing", "description": "Using a seal: on a document, or on a digest only."},
            {"name": "seal status", "description": "Whether a seal is in force, for anyone."},
            {"name": "supervision", "description": "What seals were used for, what ends soon, what is out of the ordinary."},
            {"name": "verification", "description": "Verdicts on sealed files, for anyone."},
        ),
        scopes=SCOPES,
        event_types=EVENT_TYPES,
        jobs=jobs.jobs_of(context),
        handlers={FILING_TOPIC: partial(file_seal, context), STATE_TOPIC: partial(tell_state, context)},
        readiness=jobs.readiness_of(context),
        on_start=(*jobs.starts_of(context), batches.start),
        on_stop=(batches.stop,),
    )
