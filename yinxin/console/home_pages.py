"""The first page: what waits for me."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yinxin.console.console import HOME

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit


def add_pages(console: Console) -> None:
    """Add it."""
    console.menu("home", "nav_home", HOME, icon="home")

    @console.page(HOME)
    async def show_home(visit: Visit) -> Response:
        me = (await visit.api.get("/v1/me")).body
        if not me["duties"] and not me["role"] and not me["powers"]:
            return visit.render("home_nothing.html", me=me)
        return visit.render("home.html", me=me)
