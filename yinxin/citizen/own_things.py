"""What several pages ask the API for in the person's name: licences, what systems are called, showings that wait, uses as sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from standards.gbt7408_times import CHINA
from yinxin.citizen.wording import Card, ToldUse, read_card, read_time, tell_officer, tell_use, write_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

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
        each["officer_line"] = tell_officer(each["officer"], visit.language)
        each["until"] = write_time(read_time(each["ends_at"]))
    return sorted(found, key=lambda each: not each["is_asked"])


async def told_uses(visit: Visit, uses: list[dict[str, Any]], cards: list[Card]) -> list[ToldUse]:
    """Lines of the access log as sentences. ``cards``: of the person's licences, for their names."""
    systems = await names_of_systems(visit, (each["client"] for each in uses))
    licences = {each.id: each.name for each in cards}
    return [tell_use(each, visit.t, licences=licences, systems=systems, language=visit.language) for each in uses]
