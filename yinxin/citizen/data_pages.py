"""Everything that is held on me, to take away; and where the keys of my sign-in are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from yinxin.citizen.showing_pages import NO_STORE

if TYPE_CHECKING:
    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit

FILE_NAME: Final = "my-licence-data.ndjson"


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my/data")
    async def show_data(visit: Visit) -> Response:
        return visit.render("data.html")

    @pages.page("/my/data/everything")
    async def get_data(visit: Visit) -> Response:
        found = await visit.api.get("/v1/my/licence-data")
        headers = NO_STORE | {"content-disposition": f'attachment; filename="{FILE_NAME}"'}
        return Response(found.content, media_type="application/x-ndjson", headers=headers)

    @pages.page("/my/account")
    async def show_account(visit: Visit) -> Response:
        return visit.render("account.html")
