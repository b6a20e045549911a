"""/cas/login and /cas/logout: the same sign-in, the same question before signing out, for services that speak CAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations

from idp.pages.session_pages import SESSIONS, begin_logout
from idp.pages.sign_in_pages import begin_authorization
from idp.pages.ways_out import if_registered, service_way
from service_kit.composition import public
from standards.errors import TrustError

if TYPE_CHECKING:
    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit

LOGIN: Final = "/cas/login"
LOGOUT: Final = "/cas/logout"


def _logout(pages: Pages, visit: Visit) -> Response:
    """Where a registered service is named, the way back leads there; anything else is passed over (2.3.1)."""
    address = visit.request.query_params.get("service", "")
    return begin_logout(pages, visit, if_registered(pages, service_way(pages, address)), None)


def add_cas_pages(router: APIRouter, pages: Pages) -> None:
    """Add them to the service's router."""
    hidden: Any = {"include_in_schema": False}

    @router.get(LOGIN, **hidden)
    @public("people come here to sign in to services that speak CAS", is_step=True)
    async def login(request: Request) -> Response:
        visit = pages.visit(request)
        pairs = request.query_params.multi_items()
        if not request.query_params.get("service"):  # 2.1.1: signs in to nothing in particular
            return visit.go(SESSIONS)
        return await begin_authorization(pages, visit, pages.cas, pairs, is_post=False)

    @router.get(LOGOUT, **hidden)
    @public("people sign out here; nothing ends without their yes", is_step=True)
    async def logout(request: Request) -> Response:
        visit = pages.visit(request)
        try:
            return await anyio.to_thread.run_sync(_logout, pages, visit)
        except TrustError as error:
            return visit.error(error)
