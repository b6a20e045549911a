"""Who used my licences, in plain sentences: who, why, by what right, when and until when; refused tries too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yinxin.citizen.licence_pages import names_of_systems, own_cards
from yinxin.citizen.wording import ToldUse, tell_use

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.citizen.pages import CitizenPages
    from yinxin.citizen.wording import Card
    from yinxin.console.visit import Visit


async def told_uses(visit: Visit, uses: list[dict[str, Any]], cards: list[Card]) -> list[ToldUse]:
    """Lines of the access log as sentences. ``cards``: of the person's licences, for their names."""
    systems = await names_of_systems(visit, (each["client"] for each in uses))
    licences = {each.id: each.name for each in cards}
    return [
        tell_use(each, visit.t, subject=visit.person.subject, licences=licences, systems=systems, language=visit.language) for each in uses
    ]


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my/uses")
    async def show_uses(visit: Visit) -> Response:
        has_own = visit.query("own") == "yes"
        page = (await visit.api.get("/v1/my/licence-uses", before=visit.query("before"), own="true" if has_own else "")).body
        told = await told_uses(visit, page["uses"], await own_cards(visit) if page["uses"] else [])
        return visit.render("uses.html", uses=told, has_own=has_own, next_before=page["next_before"], is_first=not visit.query("before"))
