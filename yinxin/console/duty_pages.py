"""Who administers what and who has which duty; the security administrator gives and takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from service_kit.roles import Role
from yinxin.console.api_calls import ApiProblem
from yinxin.console.seal_words import Entered, holder_named, names_of, words_for

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.forms import ConsoleForm
    from yinxin.console.visit import Visit

DUTIES: Final = "/console/duties"
PAGE_SIZE: Final = 100
APPOINTED_HERE: Final = (Role.SYSTEM, Role.AUDIT)


async def _show(visit: Visit, problem: ApiProblem | None = None, form: ConsoleForm | None = None) -> Response:
    roles = (await visit.api.get("/v1/role-holders", limit=PAGE_SIZE)).body["role_holders"]
    found = (await visit.api.get("/v1/duty-holders", after=visit.query("after"), limit=PAGE_SIZE)).body
    return visit.render(
        "duties.html",
        problem=problem,
        entered=Entered({} if form is None else {name: values[0] for name, values in form.values.items()}),
        roles=[(role.value, [each for each in roles if each["role"] == role]) for role in Role],
        duties=found["duties"],
        holders=[(duty, [each for each in found["duty_holders"] if each["duty"] == duty["name"]]) for duty in found["duties"]],
        next_after=found["next_after"],
        names=await names_of(visit, [each["holder"] for each in (*roles, *found["duty_holders"])]),
        may_manage=visit.may("roles.manage"),
        appointed_here=[role.value for role in APPOINTED_HERE],
        **words_for(visit),
    )


def add_pages(console: Console) -> None:
    """Add them."""
    console.menu("system", "nav_duties", DUTIES, "roles.read", icon="person")

    @console.page(DUTIES, needs="roles.read")
    async def show_duties(visit: Visit) -> Response:
        return await _show(visit)

    @console.page(DUTIES, methods=("POST",), needs="roles.manage")
    async def change(visit: Visit) -> Response:
        form = await visit.form()
        reason = {"reason": form.get("reason")}
        try:
            holder = quote(await holder_named(visit, form.get("holder")), safe="")
            duty = quote(form.get("duty"), safe="")
            if form.get("what") == "give":
                await visit.api.put(f"/v1/duty-holders/{holder}/{duty}", json=reason)
            elif form.get("what") == "take":
                await visit.api.post(f"/v1/duty-holders/{holder}/{duty}/take", json=reason)
            elif form.get("what") == "appoint":
                await visit.api.put(f"/v1/role-holders/{holder}", json={"role": form.get("role"), **reason})
            else:
                await visit.api.post(f"/v1/role-holders/{holder}/dismiss", json=reason)
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return await _show(visit, problem, form)
        return visit.go(DUTIES, notice="notice_given" if form.get("what") in {"give", "appoint"} else "notice_taken_back")
