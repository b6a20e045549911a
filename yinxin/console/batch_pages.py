"""Many documents sealed alike: handed in together, watched, fetched together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from standards.errors import TrustError
from yinxin.console.api_calls import ApiProblem
from yinxin.console.batch_texts import TEXTS
from yinxin.console.console import problem_of_error
from yinxin.console.seal_orders import EDGES, LEVELS, OCCURRENCES, Ordered, read_order, what_is_readable
from yinxin.console.work_words import handed_on, show

if TYPE_CHECKING:
    from service_kit.multipart import FilePart
    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

USE: Final = "seal.use"
FIRST: Final = Ordered(page=-1, x_mm=150.0, y_mm=60.0)
OPEN: Final = "open"
ENDED: Final = ("done", "cancelled")
ITEMS_SHOWN: Final = 200
_ZIP: Final = b"PK\x03\x04"


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)

    @console.page("/console/use/{seal_id}/batch", methods=("GET", "POST"), needs=USE)
    async def open_batch(visit: Visit, seal_id: str) -> Response:
        seal = (await visit.api.get(f"/v1/seals/{seal_id}")).body
        choices: dict[str, Any] = {"edges": EDGES, "levels": LEVELS, "occurrences": OCCURRENCES}
        if visit.request.method == "GET":
            return show(visit, "batch_open.html", seal=seal, ordered=FIRST, missing=False, **choices)
        form = await visit.form()
        chosen = form.files("documents")
        try:
            ordered = read_order(form)
        except TrustError as error:
            problem = problem_of_error(error, visit.language)
            readable = replace(FIRST, **what_is_readable(form))
            return show(visit, "batch_open.html", seal=seal, ordered=readable, missing=False, problem=problem, **choices)
        if not chosen:
            return show(visit, "batch_open.html", seal=seal, ordered=ordered, missing=True, status=422, **choices)
        path = f"/v1/seals/{seal_id}/batches"
        batch_id, is_new = "", False
        try:
            opened = (await visit.api.post(path, json=_order(ordered), idempotency_key=f"console-{form.once}")).body
            batch_id, is_new = opened["id"], opened["state"] == OPEN
            for number, part in enumerate(chosen):
                await _add(visit, f"{path}/{batch_id}", part, f"console-{form.once}-{number}")
            await visit.api.post(f"{path}/{batch_id}/start")
        except ApiProblem as problem:
            # All of them or none: half a batch would be sealed by surprise later. One that runs already came with this form before
            if is_new and not problem.is_signed_out:
                await visit.api.post(f"{path}/{batch_id}/cancel")
            if problem.is_signed_out:
                raise
            return show(visit, "batch_open.html", seal=seal, ordered=ordered, missing=False, problem=problem, **choices)
        return visit.go(f"/console/batches/{seal_id}/{batch_id}", notice="batch_started")

    @console.page("/console/batches/{seal_id}/{batch_id}", methods=("GET", "POST"), needs=USE)
    async def watch_batch(visit: Visit, seal_id: str, batch_id: str) -> Response:
        path = f"/v1/seals/{seal_id}/batches/{batch_id}"
        if visit.request.method == "POST":
            await visit.api.post(f"{path}/cancel")
            return visit.go(f"/console/batches/{seal_id}/{batch_id}", notice="batch_cancelled")
        batch = (await visit.api.get(path)).body
        items = (await visit.api.get(f"{path}/items", after=visit.query("after"), limit=ITEMS_SHOWN)).body
        seal = (await visit.api.get(f"/v1/seals/{seal_id}")).body
        return show(visit, "batch_watch.html", seal=seal, batch=batch, items=items["items"], next_after=items["next_after"], ended=ENDED)

    @console.page("/console/batches/{seal_id}/{batch_id}/progress.json", needs=USE)
    async def tell_progress(visit: Visit, seal_id: str, batch_id: str) -> Response:
        batch = (await visit.api.get(f"/v1/seals/{seal_id}/batches/{batch_id}")).body
        ready = batch["total"] - batch["waiting"]
        words = visit.t("batch_progress", ready=ready, total=batch["total"])
        return JSONResponse(
            {"ready": ready, "total": batch["total"], "words": words, "ended": batch["state"] in ENDED},
            headers={"cache-control": "no-store"},
        )

    @console.page("/console/batches/{seal_id}/{batch_id}/results.zip", needs=USE)
    async def fetch_results(visit: Visit, seal_id: str, batch_id: str) -> Response:
        return handed_on(await visit.api.get(f"/v1/seals/{seal_id}/batches/{batch_id}/results", after=visit.query("after")))


def _order(ordered: Ordered) -> dict[str, Any]:
    order = {name: value for name, value in ordered.fields().items() if name != "placement"}
    placement = ordered.placement()
    return {**order, "placement": placement} if placement else order


async def _add(visit: Visit, path: str, part: FilePart, key: str) -> None:
    """One file of the form. An OFD is a ZIP archive too: by its name it is a document."""
    is_archive = part.content[:4] == _ZIP and not part.file_name.lower().endswith(".ofd")
    kind, field = ("archives", "archive") if is_archive else ("documents", "document")
    await visit.api.post(f"{path}/{kind}", files={field: (part.file_name, part.content)}, idempotency_key=key)
