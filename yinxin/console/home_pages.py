"""The first page: what waits for me."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yinxin.console.api_calls import ApiProblem
from yinxin.console.application_pages import APPLICATIONS
from yinxin.console.console import HOME
from yinxin.console.seal_pages import MY_POWERS, SEALS, SEES_ALL
from yinxin.console.seal_words import SOON_DAYS, application_title, days_left, words_for
from yinxin.duties import DUTIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

SHOWN_MAX: Final = 5
LOOKED_AT: Final = 100
SEALS_ASKED: Final = 200  # in one answer of the API


@dataclass(frozen=True, slots=True)
class Todo:
    """One kind of things that wait. ``lines``: address, what it is, which state, when it ends."""

    key: str
    lines: Sequence[tuple[str, str, str, str | None]]
    more: str = ""


async def _applications(visit: Visit, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await visit.api.get("/v1/seal-applications", state=state, limit=LOOKED_AT)).body["applications"]
    return [each for each in found if each["applied_by"] != visit.person.holder]


async def _seals(visit: Visit, state: str, *, of: str = "mine") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await visit.api.get("/v1/seals", state=state, of=of, limit=LOOKED_AT)).body["seals"]
    return found


async def _all_seals_in_use(visit: Visit) -> list[dict[str, Any]]:
    """All of this person's: that one of them ends soon is not told of the first hundred alone."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = (await visit.api.get("/v1/seals", state="active", of="mine", after=after, limit=SEALS_ASKED)).body
        found += page["seals"]
        after = page["next_after"]
    return found


def _of_applications(key: str, found: list[dict[str, Any]], state: str) -> Todo:
    lines = [(f"{APPLICATIONS}/{each['id']}", application_title(each), each["state"], None) for each in found[:SHOWN_MAX]]
    return Todo(key, lines, f"{APPLICATIONS}?state={state}" if len(found) > SHOWN_MAX else "")


def _of_seals(key: str, found: list[dict[str, Any]], more: str) -> Todo:
    lines = [(f"{SEALS}/{each['id']}", each["name"], each["state"], each["valid_until"]) for each in found[:SHOWN_MAX]]
    return Todo(key, lines, more if len(found) > SHOWN_MAX else "")


async def todos_of(visit: Visit) -> list[Todo]:
    """What waits for this person, as far as seals go."""
    todos = []
    if visit.may("seal.review"):
        todos.append(_of_applications("todo_review", await _applications(visit, "applied"), "applied"))
    if visit.may("seal.make"):
        todos += [
            _of_applications("todo_make", await _applications(visit, "reviewed"), "reviewed"),
            _of_seals("todo_issue", await _seals(visit, "filed", of="all"), f"{SEALS}?of=all&state=filed"),
        ]
    if visit.may("seal.use"):
        todos.append(_of_seals("todo_activate", await _seals(visit, "issued"), f"{SEALS}?state=issued"))
    if visit.may(*MY_POWERS):
        in_use = await _all_seals_in_use(visit)
        ending = [each for each in in_use if (left := days_left(each["valid_until"])) is not None and left <= SOON_DAYS]
        todos.append(_of_seals("todo_expiring", ending, SEALS))
    if visit.may("seal.manage"):
        of = "all" if visit.may("seal.secure") else "mine"
        todos.append(_of_seals("todo_frozen", await _seals(visit, "frozen", of=of), f"{SEALS}?of={of}&state=frozen"))
    return todos


async def other_todos(visit: Visit) -> list[Todo]:
    """What waits for those who work with types of licences, identities in doubt, and the deployment itself."""
    todos = []
    if visit.may("licence.review"):
        found = (await visit.api.get("/v1/licence-types", state="in_review", limit=LOOKED_AT)).body["types"]
        lines = [
            (f"/console/licence-types/{each['code']}/{each['version']}", each["name"], each["state"], None) for each in found[:SHOWN_MAX]
        ]
        todos.append(Todo("todo_types", lines, "/console/licence-types" if len(found) > SHOWN_MAX else ""))
    if visit.may("identity.decide"):
        found = (await visit.api.get("/v1/identity-conflicts", limit=SHOWN_MAX + 1)).body["conflicts"]
        lines = [
            (f"/console/federation/conflicts/{each['conflict_id']}", f"{each['name']} · {each['upstream']}", "in-doubt", None)
            for each in found[:SHOWN_MAX]
        ]
        todos.append(Todo("todo_doubts", lines, "/console/federation" if len(found) > SHOWN_MAX else ""))
    if visit.may("system.read"):
        found = [each for each in (await visit.api.get("/v1/system/findings")).body["findings"] if each["status"] != "ok"]
        lines = [("/console/system", each["message"], f"finding-{each['status']}", None) for each in found[:SHOWN_MAX]]
        todos.append(Todo("todo_findings", lines, "/console/system" if len(found) > SHOWN_MAX else ""))
    return todos


async def _as_far_as_known(visit: Visit, look: Callable[[Visit], Awaitable[list[Todo]]]) -> list[Todo]:
    """What waits, or nothing where its service does not answer or does not run here: the first page comes all the same."""
    try:
        return await look(visit)
    except ApiProblem as problem:
        if problem.is_signed_out:
            raise
        return []


def add_pages(console: Console) -> None:
    """Add it."""
    console.menu("home", "nav_home", HOME, icon="home")

    @console.page(HOME)
    async def show_home(visit: Visit) -> Response:
        me = (await visit.api.get("/v1/me")).body
        if not me["duties"] and not me["role"] and not me["powers"]:
            return visit.render("home_nothing.html", me=me)
        seals = (await _seals(visit, "active"))[:SHOWN_MAX] if visit.may(*MY_POWERS) else []
        duties = [DUTIES[name] for name in me["duties"] if name in DUTIES]
        return visit.render(
            "home.html",
            me=me,
            todos=[todo for todo in (*await _as_far_as_known(visit, todos_of), *await _as_far_as_known(visit, other_todos)) if todo.lines],
            seals=seals,
            duties=[each.title_zh if visit.language == "zh" else each.title_en for each in duties],
            sees_all=visit.may(*SEES_ALL),
            **words_for(visit),
        )
