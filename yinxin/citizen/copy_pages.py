"""Annotated copies of a licence: which were made, for whom, why and until when; a new one, and their files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from licence_vault import limits
from yinxin.citizen.own_things import today
from yinxin.citizen.plain_problems import tell_plainly
from yinxin.citizen.showing_pages import NO_STORE
from yinxin.citizen.wording import end_of_day, read_card, read_time, write_time
from yinxin.console.api_calls import ApiProblem
from yinxin.console.forms import ConsoleForm

if TYPE_CHECKING:
    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit

_USUAL_DAYS: Final = limits.COPY_DAYS
_DAYS_MAX: Final = limits.COPY_DAYS_MAX - 1  # the last second of the last day counts too
_FORMS: Final = ("pdf", "ofd")


def _listed(copy: dict[str, Any]) -> dict[str, Any]:
    until = read_time(copy["until"])
    return copy | {
        "made_at": write_time(read_time(copy["made_at"])),
        "until": write_time(until),
        "is_over": until < datetime.now(UTC),
    }


async def _page(visit: Visit, licence_id: str, problem: ApiProblem | None = None, form: ConsoleForm | None = None) -> Response:
    card = read_card((await visit.api.get(f"/v1/my/licences/{licence_id}", masked="true")).body, today())
    found = (await visit.api.get(f"/v1/my/licences/{licence_id}/copies")).body["copies"]
    return visit.render(
        "copies.html",
        problem=None if problem is None else tell_plainly(visit, problem),
        asked=form or ConsoleForm(),
        card=card,
        copies=[_listed(each) for each in found],
        forms=_FORMS,
        first_day=today().isoformat(),
        usual_day=(today() + timedelta(days=_USUAL_DAYS)).isoformat(),
        last_day=(today() + timedelta(days=_DAYS_MAX)).isoformat(),
    )


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my/licences/{licence_id}/copies")
    async def show_copies(visit: Visit, licence_id: str) -> Response:
        return await _page(visit, licence_id)

    @pages.page("/my/licences/{licence_id}/copies/new", ("POST",))
    async def make_copy(visit: Visit, licence_id: str) -> Response:
        form = await visit.form()
        wish = {name: form.get(name) for name in ("form", "made_by", "reason")} | {"until": end_of_day(form.get("until"))}
        try:
            await visit.api.post(f"/v1/my/licences/{licence_id}/copies", json=wish, idempotency_key=form.once or None)
        except ApiProblem as problem:
            return await _page(visit, licence_id, problem, form)
        return visit.go(f"/my/licences/{licence_id}/copies", notice="notice_copied")

    @pages.page("/my/licences/{licence_id}/copies/{copy_id}/file")
    async def get_copy(visit: Visit, licence_id: str, copy_id: str) -> Response:
        found = await visit.api.get(f"/v1/my/licences/{licence_id}/copies/{copy_id}/file")
        kept = {name: found.headers[name] for name in ("content-type", "content-disposition")}
        return Response(found.content, headers=NO_STORE | kept)
