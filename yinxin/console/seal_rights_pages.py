"""Who may do what with one seal: grants within limits, the three powers, its uses and its makings."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from seal_service.life import ENDED
from standards.errors import Kind, TrustError
from yinxin.console.api_calls import ApiProblem
from yinxin.console.console import problem_of_error
from yinxin.console.seal_pages import PAGE_SIZE, SEALS, load_seal
from yinxin.console.seal_words import Entered, holder_named, names_of, words_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.forms import ConsoleForm
    from yinxin.console.visit import Visit

_COUNT: Final = re.compile(r"[0-9]{1,9}")
FORMS: Final = ("pdf", "ofd", "digest")
POWERS: Final = ("manage", "use", "audit")


def standing_of(grant: Mapping[str, Any], at: datetime) -> str:
    """Whether a grant lets its holder use the seal at this time, or why not: the hours of the day aside, which it names itself."""
    if grant["revoked_at"]:
        return "revoked"
    if grant["valid_until"] and at >= datetime.fromisoformat(grant["valid_until"]):
        return "over"
    if grant["uses_max"] is not None and grant["used"] >= grant["uses_max"]:
        return "used_up"
    return "not_yet" if grant["valid_from"] and at < datetime.fromisoformat(grant["valid_from"]) else "standing"


async def _show_grants(visit: Visit, seal_id: str, problem: ApiProblem | None = None, form: ConsoleForm | None = None) -> Response:
    entered = {} if form is None else {name: values[0] for name, values in form.values.items()}
    seal = await load_seal(visit, seal_id)
    found = (await visit.api.get(f"/v1/seals/{seal['id']}/grants", after=visit.query("after"), limit=PAGE_SIZE)).body
    is_over = seal["state"] in ENDED  # then no grant lets anybody do anything, and none is given any more
    return visit.render(
        "seal_grants.html",
        problem=problem,
        seal=seal,
        grants=[each | {"standing": standing_of(each, datetime.now(UTC))} for each in found["grants"]],
        next_after=found["next_after"],
        names=await names_of(visit, [each["holder"] for each in found["grants"]]),
        is_over=is_over,
        may_grant="manage" in seal["mine"] and visit.may("seal.manage"),
        entered=Entered(entered),
        ticked=() if form is None else form.all("forms"),
        forms=FORMS,
        tab="grants",
        **words_for(visit),
    )


async def _read_grant(visit: Visit, form: ConsoleForm) -> dict[str, Any]:
    """What the API takes, of what the form says: a limit that cannot be read is refused, not left out. Days are Beijing's. Raises ApiProblem."""
    body: dict[str, Any] = {"holder": await holder_named(visit, form.get("holder")), "reason": form.get("reason")}
    body["forms"] = list(form.all("forms"))
    body["document_types"] = list(form.lines("document_types"))
    uses_max = form.get("uses_max")
    if uses_max:
        if _COUNT.fullmatch(uses_max) is None:
            error = TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="uses_max", rule="a whole number")
            raise problem_of_error(error, visit.language)
        body["uses_max"] = int(uses_max)
    if form.get("valid_from"):
        body["valid_from"] = f"{form.get('valid_from')}T00:00:00+08:00"
    if form.get("valid_until"):
        body["valid_until"] = f"{form.get('valid_until')}T23:59:59+08:00"
    body["hours"] = form.get("hours")
    body["via_client"] = form.get("via_client")
    return body


def add_pages(console: Console) -> None:
    """Add them."""

    @console.page(SEALS + "/{seal_id}/grants", needs="seal.read")
    async def show_grants(visit: Visit, seal_id: str) -> Response:
        return await _show_grants(visit, seal_id)

    @console.page(SEALS + "/{seal_id}/grants", methods=("POST",), needs="seal.manage")
    async def give_grant(visit: Visit, seal_id: str) -> Response:
        form = await visit.form()
        try:
            body = await _read_grant(visit, form)
            await visit.api.post(f"/v1/seals/{quote(seal_id, safe='')}/grants", json=body, idempotency_key=form.once)
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return await _show_grants(visit, seal_id, problem, form)
        return visit.go(visit.request.url.path, notice="notice_granted")

    @console.page(SEALS + "/{seal_id}/grants/{grant_id}/revoke", methods=("POST",), needs="seal.manage")
    async def take_grant(visit: Visit, seal_id: str, grant_id: str) -> Response:
        form = await visit.form()
        path = f"/v1/seal-grants/{quote(grant_id, safe='')}"
        version = (await visit.api.get(path)).etag
        await visit.api.post(f"{path}/revoke", json={"reason": form.get("reason"), "papers": []}, if_match=version)
        return visit.go(f"{SEALS}/{quote(seal_id, safe='')}/grants", notice="notice_taken_back")

    @console.page(SEALS + "/{seal_id}/powers", needs="seal.read")
    async def show_powers(visit: Visit, seal_id: str) -> Response:
        return await _show_powers(visit, seal_id)

    @console.page(SEALS + "/{seal_id}/powers", methods=("POST",), needs="seal.secure")
    async def change_power(visit: Visit, seal_id: str) -> Response:
        form = await visit.form()
        power = form.get("power")
        try:
            holder = await holder_named(visit, form.get("holder"))
            path = f"/v1/seals/{quote(seal_id, safe='')}/powers/{quote(power, safe='')}/{quote(holder, safe='')}"
            if form.is_set("take"):
                await visit.api.post(f"{path}/take-back", json={"reason": form.get("reason")})
            else:
                await visit.api.put(path, json={"reason": form.get("reason")})
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return await _show_powers(visit, seal_id, problem, None if form.is_set("take") else form)
        return visit.go(visit.request.url.path, notice="notice_taken_back" if form.is_set("take") else "notice_step_done")

    @console.page(SEALS + "/{seal_id}/uses", needs="seal.read")
    async def show_uses(visit: Visit, seal_id: str) -> Response:
        seal = await load_seal(visit, seal_id)
        found = (await visit.api.get(f"/v1/seals/{seal['id']}/uses", after=visit.query("after"), limit=PAGE_SIZE)).body
        return visit.render("seal_uses.html", seal=seal, uses=found["uses"], next_after=found["next_after"], tab="uses", **words_for(visit))

    @console.page(SEALS + "/{seal_id}/editions", needs="seal.read")
    async def show_editions(visit: Visit, seal_id: str) -> Response:
        seal = await load_seal(visit, seal_id)
        found = (await visit.api.get(f"/v1/seals/{seal['id']}/editions")).body
        return visit.render("seal_editions.html", seal=seal, editions=found["editions"], tab="editions", **words_for(visit))


async def _show_powers(visit: Visit, seal_id: str, problem: ApiProblem | None = None, form: ConsoleForm | None = None) -> Response:
    seal = await load_seal(visit, seal_id)
    return visit.render(
        "seal_powers.html",
        problem=problem,
        seal=seal,
        held=[(power, [each for each in seal["powers"] if each["power"] == power]) for power in POWERS],
        names=await names_of(visit, [each["holder"] for each in seal["powers"]]),
        may_give=visit.may("seal.secure"),
        entered=Entered({} if form is None else {name: values[0] for name, values in form.values.items()}),
        tab="powers",
        **words_for(visit),
    )
