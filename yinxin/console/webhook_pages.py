"""Being told of what happens: addresses of one's own, what was sent to them, and sending it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from yinxin.console.api_calls import ApiProblem
from yinxin.console.webhook_texts import TEXTS
from yinxin.console.work_words import show
from yinxin.duties import CONSOLE_CLIENT

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.forms import ConsoleForm
    from yinxin.console.visit import Visit

MANAGE: Final = "webhook.manage"
HOOKS: Final = "/console/webhooks"
ANY: Final = "*"
STATES: Final = ("pending", "delivered", "given-up")
SHOWN: Final = 50
EVERY_CLIENT: Final = "*"
CLIENTS_OFFERED: Final = 100


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("clients", "hook_nav", HOOKS, MANAGE, icon="arrow")

    @console.page(HOOKS, needs=MANAGE)
    async def list_hooks(visit: Visit) -> Response:
        client = visit.query("client") or EVERY_CLIENT
        found = (await visit.api.get("/v1/webhooks", client=client, after=visit.query("after"), limit=SHOWN)).body
        shown = "" if client == EVERY_CLIENT else client
        return show(
            visit,
            "webhooks.html",
            hooks=found["endpoints"],
            next_after=found["next_after"],
            shown_client=shown,
            clients=await _clients(visit),
        )

    @console.page(f"{HOOKS}/new", methods=("GET", "POST"), needs=MANAGE)
    async def register(visit: Visit) -> Response:
        types = (await visit.api.get("/v1/webhook-event-types")).body["types"]
        if visit.request.method == "GET":
            given = {"url": "", "description": "", "types": [ANY], "active": True, "client": visit.query("client")}
            return show(visit, "webhook_edit.html", types=types, hook=None, given=given, clients=await _clients(visit))
        form = await visit.form()
        given = {**_given(form), "client": form.get("client")}
        if not await visit.is_first(form):  # pressed twice: the address is on the list; its secret was shown once and can be replaced
            return visit.go(HOOKS)
        try:
            made = (await visit.api.post("/v1/webhooks", json=given)).body
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "webhook_edit.html", types=types, hook=None, given=given, problem=problem, clients=await _clients(visit))
        return await _hook(visit, made, secret=made["secret"])  # shown this once, in the answer itself

    @console.page(f"{HOOKS}/{{hook_id}}", needs=MANAGE)
    async def show_hook(visit: Visit, hook_id: str) -> Response:
        return await _hook(visit, (await visit.api.get(f"/v1/webhooks/{hook_id}")).body)

    @console.page(f"{HOOKS}/{{hook_id}}/edit", methods=("GET", "POST"), needs=MANAGE)
    async def change(visit: Visit, hook_id: str) -> Response:
        found = await visit.api.get(f"/v1/webhooks/{hook_id}")
        types = (await visit.api.get("/v1/webhook-event-types")).body["types"]
        if visit.request.method == "GET":
            return show(visit, "webhook_edit.html", types=types, hook=found.body, given=found.body, etag=found.etag)
        form = await visit.form()
        given = _given(form)
        try:
            await visit.api.put(f"/v1/webhooks/{hook_id}", json=given, if_match=form.get("etag") or "*")
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "webhook_edit.html", types=types, hook=found.body, given=given, etag=found.etag, problem=problem)
        return visit.go(f"{HOOKS}/{hook_id}", notice="hook_changed")

    @console.page(f"{HOOKS}/{{hook_id}}/secret", methods=("POST",), needs=MANAGE)
    async def replace_secret(visit: Visit, hook_id: str) -> Response:
        made = (await visit.api.post(f"/v1/webhooks/{hook_id}/secret", if_match="*")).body
        return await _hook(visit, (await visit.api.get(f"/v1/webhooks/{hook_id}")).body, secret=made["secret"])

    @console.page(f"{HOOKS}/{{hook_id}}/remove", methods=("POST",), needs=MANAGE)
    async def remove(visit: Visit, hook_id: str) -> Response:
        await visit.api.delete(f"/v1/webhooks/{hook_id}", if_match="*")
        return visit.go(HOOKS, notice="hook_removed")

    @console.page("/console/deliveries/{delivery_id}", methods=("GET", "POST"), needs=MANAGE)
    async def show_delivery(visit: Visit, delivery_id: str) -> Response:
        if visit.request.method == "POST":
            await visit.api.post(f"/v1/webhook-deliveries/{delivery_id}/resend")
            return visit.go(f"/console/deliveries/{delivery_id}", notice="hook_resent")
        delivery = (await visit.api.get(f"/v1/webhook-deliveries/{delivery_id}")).body
        return show(visit, "webhook_delivery.html", delivery=delivery, body=_readable(delivery["body"]))


async def _clients(visit: Visit) -> list[dict[str, Any]]:
    """The first clients by their ids, to choose from; another one is written."""
    found = (await visit.api.get("/v1/clients", limit=CLIENTS_OFFERED)).body["clients"]
    return [each for each in found if each["status"] == "active" and each["client_id"] != CONSOLE_CLIENT]


async def _hook(visit: Visit, hook: dict[str, Any], *, secret: str = "") -> Response:
    status = visit.query("status")
    found = (
        await visit.api.get(
            f"/v1/webhooks/{hook['id']}/deliveries", before=visit.query("before"), status=status if status in STATES else None, limit=SHOWN
        )
    ).body
    return show(
        visit,
        "webhook.html",
        hook=hook,
        secret=secret,
        deliveries=found["deliveries"],
        next_before=found["next_before"],
        states=STATES,
        shown_state=status,
    )


def _given(form: ConsoleForm) -> dict[str, Any]:
    types = [ANY] if form.is_set("all") else list(form.all("types"))
    return {"url": form.get("url"), "types": types, "description": form.get("description"), "active": form.is_set("active")}


def _readable(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body
