"""Types of licences: what they ask for, and the way from a draft to being published by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from licence_vault.life import TYPE_LIFE, TypeState
from standards.errors import TrustError
from standards.rfc7493_i_json import StrictJsonError, read_json
from yinxin.console.api_calls import ApiProblem
from yinxin.console.licence_forms import items_by_block
from yinxin.console.work_words import handed_on, show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

READ: Final = "licence.read"
DEFINE: Final = "licence.define"
REVIEW: Final = "licence.review"
TYPES: Final = "/console/licence-types"
STEP_SCOPES: Final = {"submit": DEFINE, "publish": REVIEW, "reject": REVIEW, "retire": REVIEW}
SHOWN: Final = 100


def add_pages(console: Console) -> None:
    """Add them."""
    console.menu("licences", "lict_nav", TYPES, READ, icon="paper")

    @console.page(TYPES, needs=READ)
    async def list_types(visit: Visit) -> Response:
        found = (await visit.api.get("/v1/licence-types", after=visit.query("after"), limit=SHOWN)).body
        return show(visit, "licence_types.html", types=found["types"], next_after=found["next_after"])

    @console.page(f"{TYPES}/new", methods=("GET", "POST"), needs=DEFINE)
    async def take_type(visit: Visit) -> Response:
        starters = (await visit.api.get("/v1/licence-type-starters")).body["types"]
        if visit.request.method == "GET":
            return show(visit, "licence_type_new.html", starters=starters)
        form = await visit.form()
        part = form.file("file")
        try:
            if part is not None:
                whole: Any = read_json(part.content)
            else:
                whole = next((each for each in starters if each["code"] == form.get("starter")), {})
        except StrictJsonError:
            whole = {}
        except TrustError as error:
            return show(visit, "licence_type_new.html", starters=starters, problem=ApiProblem(422, error.code, "", facts=error.facts))
        if not await visit.is_first(form):  # pressed twice: one draft is enough
            return visit.go(TYPES, notice="lict_sent_before")
        try:
            made = (await visit.api.post("/v1/licence-types", json=whole if isinstance(whole, dict) else {})).body
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "licence_type_new.html", starters=starters, problem=problem)
        return visit.go(f"{TYPES}/{made['code']}/{made['version']}", notice="lict_imported")

    @console.page(f"{TYPES}/{{code}}/{{number}}", needs=READ)
    async def show_type(visit: Visit, code: str, number: str) -> Response:
        found = await visit.api.get(f"/v1/licence-types/{code}/versions/{number}")
        told = found.body
        state = TypeState(told["state"])
        steps = [step for step in TYPE_LIFE if state in step.sources and visit.may(STEP_SCOPES[step.verb])]
        definition = {"numbering": "", **told["definition"]}
        blocks = items_by_block(definition)
        return show(visit, "licence_type.html", told=told, etag=found.etag, definition=definition, blocks=blocks, steps=steps)

    @console.page(f"{TYPES}/{{code}}/{{number}}/file.json", needs=READ)
    async def export_type(visit: Visit, code: str, number: str) -> Response:
        return handed_on(await visit.api.get(f"/v1/licence-types/{code}/versions/{number}/file"), name=f"{code}-{number}.json")

    @console.page(f"{TYPES}/{{code}}/{{number}}/steps/{{verb}}", methods=("POST",), needs=(DEFINE, REVIEW))
    async def take_step(visit: Visit, code: str, number: str, verb: str) -> Response:
        if verb in STEP_SCOPES:
            form = await visit.form()
            path = f"/v1/licence-types/{code}/versions/{number}/{verb}"
            await visit.api.post(path, json={"reason": form.get("reason")}, if_match=form.get("etag") or "*")
        return visit.go(f"{TYPES}/{code}/{number}", notice="lict_step_done")
