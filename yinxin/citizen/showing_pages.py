"""Showing a licence: the code on the screen, the question who may see it, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from yinxin.citizen.own_things import names_of_systems, today
from yinxin.citizen.plain_problems import tell_plainly
from yinxin.citizen.wording import read_card, tell_officer, write_time
from yinxin.code_pictures import draw_code
from yinxin.console.api_calls import ApiProblem
from yinxin.mongolian_words import in_mongolian

if TYPE_CHECKING:
    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit

NO_STORE: Final = {"cache-control": "no-store"}
_CONFLICT: Final = frozenset({409, 412})  # somebody, or time, was quicker than the form


async def _page(visit: Visit, showing_id: str, problem: ApiProblem | None = None) -> Response:
    found = await visit.api.get(f"/v1/my/showings/{showing_id}")
    showing: dict[str, Any] = found.body
    names = await names_of_systems(visit, [showing["client"]])
    licence = (await visit.api.get(f"/v1/my/licences/{showing['licence']}", masked="true")).body
    step = "ended" if showing["is_over"] and showing["state"] != "seen" else showing["state"]
    return visit.render(
        "showing.html",
        problem=None if problem is None else tell_plainly(visit, problem),
        showing=showing,
        step=step,
        seen=found.etag,
        card=read_card(licence, today()),
        who=names.get(showing["client"] or "", ""),
        officer=tell_officer(showing["officer"], visit.language),
        until=write_time(datetime.fromisoformat(showing["ends_at"])),
        heading=in_mongolian("show"),
    )


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my/licences/{licence_id}/show", ("POST",))
    async def begin_showing(visit: Visit, licence_id: str) -> Response:
        if not await visit.is_first(await visit.form()):  # pressed twice: the showing that was begun
            present = (await visit.api.get("/v1/my/showings")).body["showings"]
            begun_before = next((each["id"] for each in present if each["licence"] == licence_id), None)
            return visit.go("/my" if begun_before is None else f"/my/showings/{begun_before}")
        begun = await visit.api.post("/v1/my/showings", json={"licence": licence_id})
        return visit.go(f"/my/showings/{begun.body['id']}")

    @pages.page("/my/showings/{showing_id}")
    async def show_showing(visit: Visit, showing_id: str) -> Response:
        return await _page(visit, showing_id)

    @pages.page("/my/showings/{showing_id}/code.svg")
    async def show_code(visit: Visit, showing_id: str) -> Response:
        code = (await visit.api.get(f"/v1/my/showings/{showing_id}")).body["code"]
        if code is None:
            return Response(status_code=404, headers=NO_STORE)
        return Response(draw_code(code), media_type="image/svg+xml", headers=NO_STORE)

    @pages.page("/my/showings/{showing_id}/state")
    async def tell_state(visit: Visit, showing_id: str) -> Response:
        found = (await visit.api.get(f"/v1/my/showings/{showing_id}")).body
        told = {name: found[name] for name in ("state", "is_over", "code", "code_seconds")}
        return JSONResponse(told, headers=NO_STORE)

    @pages.page("/my/showings/{showing_id}/agree", ("POST",))
    async def agree(visit: Visit, showing_id: str) -> Response:
        form = await visit.form()
        try:
            await visit.api.post(f"/v1/my/showings/{showing_id}/agree", if_match=form.get("seen") or '"0"')
        except ApiProblem as problem:
            if problem.status not in _CONFLICT:
                raise
            return await _page(visit, showing_id, problem)
        return visit.go(f"/my/showings/{showing_id}")

    @pages.page("/my/showings/{showing_id}/end", ("POST",))
    async def end(visit: Visit, showing_id: str) -> Response:
        try:
            await visit.api.post(f"/v1/my/showings/{showing_id}/end")
        except ApiProblem as problem:
            if problem.status not in _CONFLICT:
                raise
            return await _page(visit, showing_id, problem)
        return visit.go(f"/my/showings/{showing_id}", notice="notice_ended")
