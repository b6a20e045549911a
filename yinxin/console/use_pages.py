"""Using a seal: choose it, hand in a document, put the seal on a picture of its page, seal, and see that it holds."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from starlette.responses import Response

from seal_service.places import LAST_PAGE
from standards.errors import TrustError
from yinxin.console.api_calls import ApiProblem
from yinxin.console.code_samples import SampleCall, samples_of
from yinxin.console.console import problem_of_error
from yinxin.console.seal_orders import (
    EDGES,
    LEVELS,
    OCCURRENCES,
    first_order,
    read_order,
    seal_on,
    size_of_picture,
    slice_on,
    what_is_readable,
)
from yinxin.console.use_texts import TEXTS
from yinxin.console.work_words import exact_time

if TYPE_CHECKING:
    from yinxin.console.console import Console
    from yinxin.console.drafts import Draft, Drafts
    from yinxin.console.seal_orders import Ordered
    from yinxin.console.visit import Visit

USE: Final = "seal.use"
READ: Final = "seal.read"
PICTURE_WIDTH_PX: Final = 1000
LOOK_WIDTH_PX: Final = 100
BATCHES_SHOWN: Final = 5
SEALS_SHOWN: Final = 200
WARNINGS: Final = ("SEAM_SKIPPED", "SEAL_MAY_BE_HIDDEN")  # of the API's Seal-Warnings
USABLE: Final = "active"
SVG_POLICY: Final = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'", "cache-control": "private, max-age=300"}


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("seals", "stamp_nav", "/console/use", USE, icon="seal")
    drafts = console.drafts

    @console.page("/console/use", needs=USE)
    async def choose_seal(visit: Visit) -> Response:
        search, after = visit.query("search"), visit.query("after")
        found = (await visit.api.get("/v1/seals", limit=SEALS_SHOWN, search=search, after=after)).body
        batches = (await visit.api.get("/v1/seal-batches", limit=BATCHES_SHOWN)).body["batches"]
        seals = sorted(found["seals"], key=lambda seal: seal["state"] != USABLE)
        further = {"search": search, "next_after": found["next_after"], "after": after}
        return visit.render("use_choose.html", seals=seals, usable=USABLE, batches=batches, exact=exact_time, **further)

    @console.page("/console/use/{seal_id}", methods=("GET", "POST"), needs=USE)
    async def hand_in(visit: Visit, seal_id: str) -> Response:
        seal = (await visit.api.get(f"/v1/seals/{seal_id}")).body
        if visit.request.method == "GET":
            return visit.render("use_document.html", seal=seal, usable=USABLE, missing=False)
        form = await visit.form()
        chosen = form.file("document")
        if chosen is None or not chosen.content:
            return visit.render("use_document.html", seal=seal, usable=USABLE, status=422, missing=True)
        draft_id = await anyio.to_thread.run_sync(drafts.keep, visit.person.holder, chosen.file_name, chosen.content)
        return visit.go(f"/console/use/{seal_id}/place/{draft_id}")

    @console.page("/console/use/{seal_id}/picture.svg", needs=USE)
    async def show_seal_picture(visit: Visit, seal_id: str) -> Response:
        picture = await visit.api.get(f"/v1/seals/{seal_id}/picture.svg")
        return Response(picture.content, media_type="image/svg+xml", headers=SVG_POLICY)

    @console.page("/console/drafts/{draft_id}/pages/{page}.png", needs=USE)
    async def show_page_picture(visit: Visit, draft_id: str, page: str) -> Response:
        draft = await _open(drafts, visit, draft_id)
        drawn = await _draw(visit, draft, int(page) if page.isdecimal() and len(page) < 7 else 1, PICTURE_WIDTH_PX)
        png = base64.b64decode(drawn["pictures"][0]["png"])
        return Response(png, media_type="image/png", headers={"cache-control": "no-store"})

    @console.page("/console/use/{seal_id}/place/{draft_id}", methods=("GET", "POST"), needs=USE)
    async def place(visit: Visit, seal_id: str, draft_id: str) -> Response:
        seal = (await visit.api.get(f"/v1/seals/{seal_id}")).body
        draft = await _open(drafts, visit, draft_id)
        seal_mm = size_of_picture((await visit.api.get(f"/v1/seals/{seal_id}/picture.svg")).content)
        if visit.request.method == "GET":
            page = visit.query("page")
            drawn = await _draw(visit, draft, int(page) if page.isdecimal() and len(page) < 7 else 1, LOOK_WIDTH_PX)
            return _show(visit, seal, draft, drawn, seal_mm, None)
        # 1. What the person wants
        form = await visit.form()
        try:
            ordered = read_order(form)
        except TrustError as error:
            drawn = await _draw(visit, draft, 1, LOOK_WIDTH_PX)
            refused = problem_of_error(error, visit.language)
            return _show(visit, seal, draft, drawn, seal_mm, None, problem=refused, readable=what_is_readable(form))
        # 2. Only looking: another page, or how it would come out
        goto = form.get("goto")
        if goto or form.is_set("preview"):
            at = int(goto) if goto.isdecimal() and len(goto) < 7 else max(1, ordered.page)
            drawn = await _draw(visit, draft, at, LOOK_WIDTH_PX)
            if ordered.page == LAST_PAGE and not goto and drawn["pages"] > 1:
                drawn = await _draw(visit, draft, drawn["pages"], LOOK_WIDTH_PX)
            return _show(visit, seal, draft, drawn, seal_mm, replace(ordered, page=at) if goto else ordered)
        # 3. Sealing; the same form sent twice is one use
        try:
            sealed = await visit.api.post(
                f"/v1/seals/{seal_id}/signatures",
                files={"document": (draft.name, draft.content)},
                data=ordered.fields(),
                idempotency_key=f"console-{draft_id}-{form.once}",
            )
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            drawn = await _draw(visit, draft, max(1, ordered.page), LOOK_WIDTH_PX)
            return _show(visit, seal, draft, drawn, seal_mm, ordered, problem=problem)
        await anyio.to_thread.run_sync(drafts.forget, visit.person.holder, draft_id)
        told = sealed.headers.get("seal-warnings", "").replace(" ", "")
        return visit.go(f"/console/uses/{sealed.headers['seal-use']}?new=1&told={told}", notice="stamp_sealed")

    @console.page("/console/uses/{use_id}", needs=READ)
    async def show_use(visit: Visit, use_id: str) -> Response:
        use = (await visit.api.get(f"/v1/seal-uses/{use_id}")).body
        report = None
        if use["state"] == "done" and use["kind"] != "digest" and visit.may(USE):
            result = await visit.api.get(f"/v1/seal-uses/{use_id}/result")
            checked = await visit.api.post("/v1/verifications", files={"document": (use_id, result.content)})
            report = checked.body
        seal = (await visit.api.get(f"/v1/seals/{use['seal_id']}")).body
        call = SampleCall(
            "POST",
            f"/v1/seals/{use['seal_id']}/signatures",
            fields=(("placement", '{"page": -1, "x_mm": 150, "y_mm": 60}'),),
            file=("document", "document.pdf"),
            saves_as="sealed.pdf",
            idempotency_key="order-2026-0001",
        )
        samples = samples_of(str(visit.api.client.base_url), call)
        told = [code for code in visit.query("told").split(",") if code in WARNINGS]
        is_new = visit.query("new") == "1"
        return visit.render(
            "use_done.html", use=use, seal=seal, report=report, samples_shown=samples, is_new=is_new, told=told, exact=exact_time
        )

    @console.page("/console/uses/{use_id}/result", needs=USE)
    async def fetch_result(visit: Visit, use_id: str) -> Response:
        result = await visit.api.get(f"/v1/seal-uses/{use_id}/result")
        headers = {name: result.headers[name] for name in ("content-disposition", "content-type") if name in result.headers}
        return Response(result.content, headers={**headers, "cache-control": "no-store"})


async def _open(drafts: Drafts, visit: Visit, draft_id: str) -> Draft:
    return await anyio.to_thread.run_sync(drafts.open, visit.person.holder, draft_id)


async def _draw(visit: Visit, draft: Draft, page: int, width_px: int) -> Any:
    path = f"/v1/documents/page-pictures?first={max(1, page)}&count=1&width_px={width_px}"
    return (await visit.api.post(path, files={"document": (draft.name, draft.content)})).body


def _show(
    visit: Visit,
    seal: dict[str, Any],
    draft: Draft,
    drawn: dict[str, Any],
    seal_mm: tuple[float, float],
    ordered: Ordered | None,
    *,
    problem: ApiProblem | None = None,
    readable: dict[str, Any] | None = None,
) -> Response:
    """The page with the seal where the order puts it. Without an order, where a seal usually stands. ``readable``: of an order that is refused."""
    picture = drawn["pictures"][0]
    page, pages, page_mm = picture["page"], drawn["pages"], (picture["width_mm"], picture["height_mm"])
    told = ordered or replace(first_order(page, pages, page_mm, seal_mm), **(readable or {}))
    return visit.render(
        "use_place.html",
        problem=problem,
        seal=seal,
        draft=draft,
        page=page,
        pages=pages,
        page_mm=page_mm,
        seal_mm=seal_mm,
        ordered=told,
        shown=seal_on(told, page, pages, page_mm, seal_mm),
        slice=slice_on(told, page, pages, page_mm, seal_mm),
        edges=EDGES,
        levels=LEVELS,
        occurrences=OCCURRENCES,
        is_pdf=drawn["media_type"] == "application/pdf",
    )
