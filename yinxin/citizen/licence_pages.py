"""My licences as cards, and one of them: masked until its holder asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from standards.gbt7408_times import CHINA
from yinxin.citizen.wording import Card, read_card, tell_officer, write_time
from yinxin.mongolian_words import in_mongolian

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from starlette.responses import Response

    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit

_SCANNED: Final = "scanned"
_PAGES_MAX: Final = 10  # of licences whose names a page asks for; beyond, the log names older ones without


def today() -> date:
    """The day it is where licences begin and end."""
    return datetime.now(UTC).astimezone(CHINA).date()


async def own_cards(visit: Visit) -> list[Card]:
    """The person's licences, masked, newest first."""
    cards: list[Card] = []
    before: str | None = None
    for _ in range(_PAGES_MAX):
        page = (await visit.api.get("/v1/my/licences", before=before)).body
        cards += [read_card(each, today()) for each in page["licences"]]
        before = page["next_before"]
        if before is None:
            break
    return cards


async def names_of_systems(visit: Visit, clients: Iterable[str | None]) -> dict[str, str]:
    """What systems are called, by identifier; one that is not registered here keeps its identifier."""
    asked = sorted({each for each in clients if each})
    if not asked:
        return {}
    found = (await visit.api.get("/v1/my/systems", client=asked)).body["systems"]
    return {each: each for each in asked} | {each["client"]: each["name"] for each in found}


async def waiting_showings(visit: Visit) -> list[dict[str, Any]]:
    """Showings that are not over, those first that wait for an answer, each with who asks (``who``, empty where nobody scanned yet)."""
    found: list[dict[str, Any]] = (await visit.api.get("/v1/my/showings")).body["showings"]
    names = await names_of_systems(visit, (each["client"] for each in found))
    for each in found:
        each["who"] = names.get(each["client"] or "", "")
        each["is_asked"] = each["state"] == _SCANNED
        each["officer_line"] = tell_officer(each["officer"])
        each["until"] = write_time(datetime.fromisoformat(each["ends_at"]))
    return sorted(found, key=lambda each: not each["is_asked"])


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
        return visit.render("licence.html", card=card, is_whole=is_whole, word=word)
