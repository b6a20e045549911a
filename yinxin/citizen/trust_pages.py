"""Consents, each for one use, and entrustments, each until a day: given here, and ended here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from licence_vault import limits
from standards.icao9303_document_numbers import number_as_printed
from yinxin.citizen.own_things import names_of_systems, own_cards, today, told_uses
from yinxin.citizen.plain_problems import tell_plainly
from yinxin.citizen.wording import end_of_day, read_card, read_time, write_time
from yinxin.code_pictures import inline_code
from yinxin.console.api_calls import ApiProblem
from yinxin.console.forms import ConsoleForm

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.citizen.pages import CitizenPages
    from yinxin.console.visit import Visit

CODE_TYPES: Final = ("111", "414")
ENTRUSTMENT_DAYS: Final = limits.ENTRUSTMENT_DAYS - 1  # the last second of the last day counts too
_USUAL_DAYS: Final = 30
_LISTED: Final = 200
_SHOWN: Final = 5
_CONSENTED: Final = frozenset({"consented", "entrusted"})


def _standing(entrustment: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    until = read_time(entrustment["until"])
    is_over = until <= datetime.now(UTC)
    state = "ended" if entrustment["ended_at"] is not None else "over" if is_over else "standing"
    return {
        "id": entrustment["id"],
        "type": names.get(entrustment["type"], entrustment["type"]),
        "reason": entrustment["reason"],
        "given": write_time(read_time(entrustment["given_at"])),
        "until": write_time(until),
        "state": state,
    }


async def _page(visit: Visit, problem: ApiProblem | None = None, form: ConsoleForm | None = None) -> Response:
    cards = await own_cards(visit)
    types = {each.type: each.name for each in cards}
    given = (await visit.api.get("/v1/my/licence-entrustments")).body
    listed = (await visit.api.get("/v1/my/received-entrustments", limit=_LISTED)).body
    received = listed["entrustments"]
    entrusted = {each["id"]: read_card(each, today()) for one in received for each in one["licences"]}
    entrusted = {place: each for place, each in entrusted.items() if each.is_in_force and all(place != own.id for own in cards)}
    uses = (await visit.api.get("/v1/my/licence-uses", limit=_LISTED)).body["uses"]
    consents = [each for each in uses if each["action"] == "code_granted" and each["mode"] in _CONSENTED][:_SHOWN]
    return visit.render(
        "trust.html",
        problem=None if problem is None else tell_plainly(visit, problem),
        asked=form or ConsoleForm(),
        cards=[each for each in cards if each.is_in_force],
        entrusted=list(entrusted.values()),
        received=[_standing(each, {card.type: card.name for card in entrusted.values()}) for each in received],
        has_more=listed["next_before"] is not None or any(each["has_more"] for each in received),
        types=types,
        code_types=CODE_TYPES,
        entrustments=[_standing(each, types) for each in given["entrustments"]],
        has_past=given["next_before"] is not None,
        consents=await told_uses(visit, consents, cards),
        first_day=today().isoformat(),
        usual_day=(today() + timedelta(days=_USUAL_DAYS)).isoformat(),
        last_day=(today() + timedelta(days=ENTRUSTMENT_DAYS)).isoformat(),
    )


def add_pages(pages: CitizenPages) -> None:
    """Add them."""

    @pages.page("/my/trust")
    async def show_trust(visit: Visit) -> Response:
        return await _page(visit)

    @pages.page("/my/consents", ("POST",))
    async def consent(visit: Visit) -> Response:
        form = await visit.form()
        wish = {"licence": form.get("licence"), "client": form.get("client"), "purpose": form.get("purpose")}
        if not await visit.is_first(form):  # pressed twice: the code was shown once, and one consent is enough
            return visit.go("/my/trust", notice="notice_sent_before")
        try:
            given = (await visit.api.post("/v1/my/use-consents", json=wish)).body
        except ApiProblem as problem:
            return await _page(visit, problem, form)
        # The code is kept nowhere that it could be shown from again, so this one form is answered with a page
        names = await names_of_systems(visit, [given["client"]])
        return visit.render(
            "consented.html",
            code=given["code"],
            who=names[given["client"]],
            purpose=given["purpose"],
            until=write_time(read_time(given["expires_at"])),
            picture=inline_code(given["code"]),
        )

    @pages.page("/my/entrustments", ("POST",))
    async def entrust(visit: Visit) -> Response:
        form = await visit.form()
        code_type, code = form.get("code_type"), form.get("code")
        wish = {
            # Many type the X of an identity number small, and the letters of a passport
            "agent": {"code_type": code_type, "code": number_as_printed(code)},
            "type": form.get("type"),
            "until": end_of_day(form.get("until")),
            "reason": form.get("reason"),
        }
        if not await visit.is_first(form):
            return visit.go("/my/trust", notice="notice_sent_before")
        try:
            await visit.api.post("/v1/my/licence-entrustments", json=wish)
        except ApiProblem as problem:
            return await _page(visit, problem, form)
        return visit.go("/my/trust", notice="notice_entrusted")

    @pages.page("/my/entrustments/{entrustment_id}/end", ("POST",))
    async def end_entrustment(visit: Visit, entrustment_id: str) -> Response:
        await visit.api.delete(f"/v1/my/licence-entrustments/{entrustment_id}")
        return visit.go("/my/trust", notice="notice_entrustment_ended")
