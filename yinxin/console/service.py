"""The console, put together: its sessions, its pages, and the application whose API it calls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import httpx
from fastapi import APIRouter

from crypto.sealed_values import ValueSealer
from crypto.sm3 import hmac_sm3
from service_kit.composition import Job, ServiceParts
from service_kit.migrations import migrate as run_migrations
from service_kit.page_frame.assets import ASSETS
from service_kit.page_frame.pages import PageFrame
from yinxin.citizen import pages as citizen_pages
from yinxin.console import (
    application_pages,
    design_pages,
    duty_pages,
    home_pages,
    messages,
    seal_pages,
    seal_rights_pages,
    sign_in_pages,
    work,
)
from yinxin.console.client import console_secret
from yinxin.console.console import Console
from yinxin.console.drafts import Drafts
from yinxin.console.duty_texts import TEXTS as DUTY_TEXTS
from yinxin.console.seal_texts import TEXTS as SEAL_TEXTS
from yinxin.console.sessions import SessionDesk, sweep_sessions
from yinxin.console.sign_in import SignIn
from yinxin.console.tables import PREFIX
from yinxin.console.texts import TEXTS
from yinxin.deployment import RUN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service_kit.composition import ServiceContext
    from service_kit.database import Database

NAME: Final = "console"
DRAFTS: Final = "console-drafts"
CATALOGUE: Final = messages.TEXTS  # importing them enters them into the error catalogue
SWEEP_EVERY_SECONDS: Final = 600.0
CALL_SECONDS: Final = 120.0  # the frame ends what takes longer on its own
PAGES: Final = (
    sign_in_pages.add_pages,
    home_pages.add_pages,
    seal_pages.add_pages,
    seal_rights_pages.add_pages,
    application_pages.add_pages,
    design_pages.add_pages,
    duty_pages.add_pages,
    *work.PAGES,
    citizen_pages.add_pages,
)
"""What adds the pages, in the order of the menu's entries."""


def migrate(database: Database) -> None:
    """Bring the sessions' table to the version of this program."""
    run_migrations(database, PREFIX, "yinxin.console.migrations")


class OwnApplication:
    """The application of this process, known once it is put together: the pages are part of it."""

    def __init__(self) -> None:
        self.application: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a call of the API to it."""
        if self.application is None:
            raise RuntimeError("the pages are called before the application is put together")
        await self.application(scope, receive, send)


def build(context: ServiceContext, own: OwnApplication) -> ServiceParts:
    """The parts for the composition. ``own``: given the application afterwards."""
    settings = context.settings
    secret = console_secret(context)
    sealer = ValueSealer(secret)
    inside = httpx.ASGITransport(own, raise_app_exceptions=False, client=("127.0.0.1", 0))
    house = httpx.AsyncClient(transport=inside, base_url=settings.base_url, timeout=CALL_SECONDS)
    calls = house if not settings.console.api_url else httpx.AsyncClient(base_url=settings.console.api_url, timeout=CALL_SECONDS)
    desk = SessionDesk(context.database, context.clock, sealer)
    ASSETS.add_package("yinxin.console")
    console = Console(
        frame=PageFrame("yinxin.console", {**TEXTS, **SEAL_TEXTS, **DUTY_TEXTS}, is_demo=settings.demo),
        sign_in=SignIn(context, desk, secret, house),
        sealer=sealer,
        is_secure=settings.base_url.startswith("https://"),
        calls=calls,
        drafts=Drafts(settings.dir / RUN / DRAFTS, ValueSealer(hmac_sm3(secret, b"yinxin console drafts v1"))),
    )
    for add_pages in PAGES:
        add_pages(console)
    router = APIRouter()
    router.routes.extend(console.routes)
    jobs = (
        Job("console-sweep", SWEEP_EVERY_SECONDS, partial(sweep_sessions, desk)),
        Job("console-drafts-sweep", SWEEP_EVERY_SECONDS, console.drafts.sweep),
    )
    return ServiceParts(name=NAME, router=router, jobs=jobs)
