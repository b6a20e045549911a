"""The verification page, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.routing import Route

import licence_vault.service
import seal_service.service
from seal_service.actions.publish_status import StatusPublisher
from service_kit.composition import ServiceParts
from service_kit.page_frame.pages import PageFrame
from yinxin.offline_verifier import service as offline_verifier
from yinxin.offline_verifier.build import build_verifier
from yinxin.offline_verifier.trust_bundle import TrustBundles
from yinxin.verification_page import published_status
from yinxin.verification_page.checks import CheckDesk
from yinxin.verification_page.knowledge import Knowledge
from yinxin.verification_page.offline_file import read_offline_file
from yinxin.verification_page.pages import VerificationPages, add_pages
from yinxin.verification_page.published_status import PublishedStatus, status_endpoint
from yinxin.verification_page.samples import Samples
from yinxin.verification_page.static_files import read_static_files
from yinxin.verification_page.texts import SAMPLE_TEXTS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from service_kit.composition import ServiceContext

NAME: Final = "verification_page"
DEMO_FOLDER: Final = "demo"


def build(context: ServiceContext, folder: Path, services: Collection[str]) -> tuple[ServiceParts, ...]:
    """Put it together; nothing where this process has neither seals nor licences. ``folder``: of the deployment; ``services``: of this process."""
    has_seals = seal_service.service.NAME in services
    has_licences = licence_vault.service.NAME in services
    if not has_seals and not has_licences:
        return ()
    published = PublishedStatus(context, has_seals=has_seals, has_licences=has_licences)
    publisher = StatusPublisher(context) if has_seals else None
    bundles = TrustBundles(context, publisher, has_licences)
    router = APIRouter()
    settings = context.settings
    pages = VerificationPages(
        context=context,
        frame=PageFrame("yinxin.verification_page", {**TEXTS, **SAMPLE_TEXTS}, is_demo=settings.demo),
        desk=CheckDesk(context, publisher, has_licences),
        knowledge=Knowledge(bundles, published),
        files=read_static_files(),
        samples=Samples(folder / DEMO_FOLDER if settings.demo else None),
        offline=read_offline_file(build_verifier),
        has_bundle=True,
    )
    add_pages(router, pages)
    route = Route(published_status.PATH, status_endpoint(published), methods=["GET"], name="read_published_version")
    return (
        ServiceParts(name=NAME, router=router, hot_routes=(route,), openapi_paths=published_status.openapi_paths()),
        offline_verifier.build(bundles),
    )
