"""Who used my licences, in plain sentences: who, why, by what right, when and until when; refused tries too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yinxin.citizen.own_things import own_cards, told_uses

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my/uses")
    async def show_uses(visit: Visit) -> Response:
        has_own = visit.query("own") == "yes"
        wish = {"before": visit.query("before"), "licence": visit.query("licence"), "own": "true" if has_own else ""}
        page = (await visit.api.get("/v1/my/licence-uses", **wish)).body
        told = await told_uses(visit, page["uses"], await own_cards(visit) if page["uses"] else [])
        return visit.render("uses.html", uses=told, has_own=has_own, next_before=page["next_before"], is_first=not wish["before"])
