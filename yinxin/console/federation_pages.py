"""Whose word is taken on who people are, identities in doubt, the feed that other directories follow, and reports of licences to the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yinxin.console.api_calls import ApiProblem
from yinxin.console.federation_texts import TEXTS
from yinxin.console.work_words import show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

DECIDE: Final = "identity.decide"
REPORT: Final = "licence.report"
FEDERATION: Final = "/console/federation"
REPORTING: Final = "/console/reporting"
DECISIONS: Final = ("link", "separate", "reject")
CONFLICT_STATES: Final = ("open", "linked", "separated", "rejected")
REPORT_STATES: Final = ("", "waiting", "sent", "dead")
SHOWN: Final = 50


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("system", "fed_nav", FEDERATION, DECIDE, icon="person")
    console.menu("system", "rep_nav", REPORTING, REPORT, icon="licence")

    @console.page(FEDERATION, needs=DECIDE)
    async def show_federation(visit: Visit) -> Response:
        told = (await visit.api.get("/v1/identity-federation")).body
        state = visit.query("state") if visit.query("state") in CONFLICT_STATES else CONFLICT_STATES[0]
        found = (await visit.api.get("/v1/identity-conflicts", state=state, after=visit.query("after"), limit=SHOWN)).body
        return show(
            visit,
            "federation.html",
            told=told,
            conflicts=found["conflicts"],
            next_after=found["next_after"],
            state=state,
            states=CONFLICT_STATES,
            zh=visit.language == "zh",
        )

    @console.page(f"{FEDERATION}/conflicts/{{conflict_id}}", methods=("GET", "POST"), needs=DECIDE)
    async def decide(visit: Visit, conflict_id: str) -> Response:
        conflict = (await visit.api.get(f"/v1/identity-conflicts/{conflict_id}")).body
        if visit.request.method == "GET":
            return show(
                visit, "conflict.html", conflict=conflict, given={"decision": "", "account_id": "", "reason": ""}, decisions=DECISIONS
            )
        form = await visit.form()
        given = {name: form.get(name) for name in ("decision", "account_id", "reason")}
        if given["decision"] != DECISIONS[0]:
            given["account_id"] = ""
        try:
            await visit.api.post(f"/v1/identity-conflicts/{conflict_id}/decision", json=given)
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "conflict.html", conflict=conflict, given=given, decisions=DECISIONS, problem=problem)
        return visit.go(FEDERATION, notice="fed_decided")

    @console.page(REPORTING, methods=("GET", "POST"), needs=REPORT)
    async def show_reporting(visit: Visit) -> Response:
        told = (await visit.api.get("/v1/licence-reporting")).body
        state = visit.query("state") if visit.query("state") in REPORT_STATES else ""
        reports = (await visit.api.get("/v1/licence-reports", state=state, after=visit.query("after"), limit=SHOWN)).body
        values = {"told": told, "reports": reports["reports"], "next_after": reports["next_after"], "state": state, "states": REPORT_STATES}
        if visit.request.method == "GET":
            return show(visit, "reporting.html", compared=None, **values)
        form = await visit.form()
        try:
            compared = (await visit.api.post("/v1/licence-reconciliations", json={"repair": form.is_set("repair")})).body
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "reporting.html", compared=None, problem=problem, **values)
        return show(visit, "reporting.html", compared=compared, **values)

    @console.page(f"{REPORTING}/{{number}}/retry", methods=("POST",), needs=REPORT)
    async def retry(visit: Visit, number: str) -> Response:
        form = await visit.form()
        await visit.api.post(
            f"/v1/licence-reports/{number}/retry", json={"reason": form.get("reason"), "replacing": form.is_set("replacing")}
        )
        return visit.go(REPORTING, notice="rep_retried")
