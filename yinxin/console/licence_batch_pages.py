"""Issuing many licences from a file: every row checked first, issued while one watches, with a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from licence_vault.rule_messages import place_in
from service_kit.csv_tables import MARK, write_rows
from yinxin.console.api_calls import ApiProblem
from yinxin.console.licence_pages import definition_of, own_issuers, published_types
from yinxin.console.work_words import show

if TYPE_CHECKING:
    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

ISSUE: Final = "licence.issue"
BATCHES: Final = "/console/licence-batches"
ENDED: Final = ("done", "cancelled")
FORMATS: Final = ("csv", "xlsx", "json")
BATCHES_SHOWN: Final = 10
ROWS_SHOWN: Final = 200
ROWS_REPORTED: Final = 1000
REPORT_COLUMNS: Final = ("licb_problem_row", "lic_state", "licb_licence", "licb_problem_code", "licb_problem_place", "licb_problem_rule")


def add_pages(console: Console) -> None:
    """Add them."""

    @console.page(BATCHES, methods=("GET", "POST"), needs=ISSUE, kept=("type",))
    async def open_batch(visit: Visit) -> Response:
        issuers, types = await own_issuers(visit), await published_types(visit)
        batches = (await visit.api.get("/v1/licence-batches", limit=BATCHES_SHOWN, issuer=visit.query("issuer"))).body["batches"]
        common: dict[str, Any] = {"issuers": issuers, "types": types, "batches": batches}
        given = {"type": visit.query("type"), "issuer": "", "forms": ["pdf"]}
        if visit.request.method == "GET":
            return show(visit, "licence_batch.html", given=given, tried=None, missing=False, **common)
        form = await visit.form()
        part = form.file("file")
        given = {"type": form.get("type"), "issuer": form.get("issuer"), "forms": list(form.all("forms")) or ["pdf"]}
        if part is None or not part.content or not given["type"]:
            return show(visit, "licence_batch.html", given=given, tried=None, missing=True, status=422, **common)
        what: dict[str, Any] = {
            "files": {"file": (part.file_name, part.content)},
            "data": {
                "type": given["type"],
                "issuer": given["issuer"],
                "format": kind_of(part.file_name),
                "forms": ",".join(given["forms"]),
            },
        }
        try:
            tried = (await visit.api.post("/v1/licence-batches/dry-run", **what)).body
            tried["problems"] = [_told(visit, each) for each in tried["problems"]]
            if form.is_set("try") or tried["problems"]:  # with a row that is wrong, nothing is begun unasked
                return show(visit, "licence_batch.html", given=given, tried=tried, missing=False, **common)
            if not await visit.is_first(form):  # pressed twice: the batch is among one's own
                return visit.go(BATCHES, notice="licb_sent_before")
            batch_id = (await visit.api.post("/v1/licence-batches", **what)).body["id"]
            await visit.api.post(f"/v1/licence-batches/{batch_id}/start")
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "licence_batch.html", given=given, tried=None, missing=False, problem=problem, **common)
        return visit.go(f"{BATCHES}/{batch_id}", notice="licb_started")

    @console.page(f"{BATCHES}/template.csv", needs=ISSUE)
    async def fetch_template(visit: Visit) -> Response:
        chosen = next((each for each in await published_types(visit) if each["code"] == visit.query("type")), None)
        definition = None if chosen is None else await definition_of(visit, chosen["code"], chosen["version"])
        return report_file([template_columns(definition)], "template.csv")

    @console.page(f"{BATCHES}/{{batch_id}}", methods=("GET", "POST"), needs=ISSUE)
    async def watch(visit: Visit, batch_id: str) -> Response:
        if visit.request.method == "POST":
            await visit.api.post(f"/v1/licence-batches/{batch_id}/cancel")
            return visit.go(f"{BATCHES}/{batch_id}", notice="batch_cancelled")
        batch = (await visit.api.get(f"/v1/licence-batches/{batch_id}")).body
        rows = (await visit.api.get(f"/v1/licence-batches/{batch_id}/rows", after=visit.query("after"), limit=ROWS_SHOWN)).body
        told = [_told(visit, each) for each in rows["rows"]]
        return show(visit, "licence_batch_watch.html", batch=batch, rows=told, next_after=rows["next_after"], ended=ENDED)

    @console.page(f"{BATCHES}/{{batch_id}}/progress.json", needs=ISSUE)
    async def tell_progress(visit: Visit, batch_id: str) -> Response:
        batch = (await visit.api.get(f"/v1/licence-batches/{batch_id}")).body
        ready = batch["total"] - batch["waiting"]
        told = {
            "ready": ready,
            "total": batch["total"],
            "words": visit.t("batch_progress", ready=ready, total=batch["total"]),
            "ended": batch["state"] in ENDED,
        }
        return JSONResponse(told, headers={"cache-control": "no-store"})

    @console.page(f"{BATCHES}/{{batch_id}}/report.csv", needs=ISSUE)
    async def fetch_report(visit: Visit, batch_id: str) -> Response:
        lines, after = [[visit.t(each) for each in REPORT_COLUMNS]], 0
        while True:
            found = (await visit.api.get(f"/v1/licence-batches/{batch_id}/rows", after=after, limit=ROWS_REPORTED)).body
            for each in (_told(visit, row) for row in found["rows"]):
                state = visit.t(f"licb_row_{each['state']}")
                lines.append([str(each["number"]), state, *(each[name] or "" for name in ("licence", "code", "place", "rule"))])
            if found["next_after"] is None:
                return report_file(lines, f"{batch_id}.csv")
            after = found["next_after"]


def _told(visit: Visit, row: dict[str, Any]) -> dict[str, Any]:
    """A row with the place and the rule as its reader calls them."""
    return row | {"place": place_in(visit.language, row["place"]), "rule": row["told"]}


def kind_of(file_name: str) -> str:
    """What a file of rows is, by the end of its name."""
    kind = file_name.rpartition(".")[2].lower()
    return kind if kind in FORMATS else "csv"


def template_columns(definition: dict[str, Any] | None) -> list[str]:
    """The columns of a file for a type, None for any; that of the printed number where the type leaves it to the authority."""
    usual = ["holder_name", "holder_code", "holder_code_type", "valid_from", "valid_to"]
    if definition is None:
        return usual
    return [*usual, *([] if definition["numbering"] else ["number"]), *(item["key"] for item in definition["items"])]


def report_file(lines: list[list[str]], name: str) -> Response:
    """Lines as a file that spreadsheets open."""
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(MARK + write_rows(lines), media_type="text/csv; charset=utf-8", headers=headers)
