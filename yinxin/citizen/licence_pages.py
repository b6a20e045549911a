"""My licences as cards, and one of them: masked until its holder asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yinxin.citizen.own_things import today, told_uses, waiting_showings
from yinxin.citizen.wording import read_card
from yinxin.mongolian_words import in_mongolian

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit

_USES_SHOWN: Final = 3


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my")
    async def show_licences(visit: Visit) -> Response:
        page = (await visit.api.get("/v1/my/licences", before=visit.query("before"))).body
        cards = [read_card(each, today()) for each in page["licences"]]
        return visit.render(
            "licences.html",
            cards=sorted(cards, key=lambda each: not each.is_in_force),
            next_before=page["next_before"],
            waiting=await waiting_showings(visit),
            heading=in_mongolian("my_licences"),
        )

    @pages.page("/my/licences/{licence_id}")
    async def show_licence(visit: Visit, licence_id: str) -> Response:
        is_whole = visit.query("whole") == "yes"
        found = await visit.api.get(f"/v1/my/licences/{licence_id}", masked="" if is_whole else "true")
        card = read_card(found.body, today())
        word = in_mongolian("valid" if card.is_in_force else "expired" if card.state == "expired" else "invalid")
        uses = (await visit.api.get("/v1/my/licence-uses", licence=licence_id, limit=_USES_SHOWN)).body["uses"]
        return visit.render("licence.html", card=card, is_whole=is_whole, word=word, uses=await told_uses(visit, uses, [card]))
