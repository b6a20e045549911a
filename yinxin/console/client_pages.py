"""Connecting systems: clients and their secrets, and the first calls as code to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yinxin.console.api_calls import ApiProblem
from yinxin.console.client_texts import TEXTS
from yinxin.console.code_samples import SampleCall, samples_of, token_samples
from yinxin.console.work_words import show
from yinxin.scope_texts import SCOPE_TEXTS

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

MANAGE: Final = "client.manage"
CLIENTS: Final = "/console/clients"
SHOWN: Final = 100
OVERLAP_SECONDS: Final = 86_400
PERSONS_OWN: Final = frozenset({"licence.own", "me.read"})  # of people who are signed in, never of a system by itself
FIRST_CALLS: Final = {
    "seal.use": SampleCall(
        "POST",
        "/v1/seals/SEAL_ID/signatures",
        fields=(("placement", '{"page": -1, "x_mm": 150, "y_mm": 60}'),),
        file=("document", "document.pdf"),
        saves_as="sealed.pdf",
        idempotency_key="order-2026-0001",
    ),
    "licence.issue": SampleCall(
        "POST",
        "/v1/licences",
        body={
            "type": "TYPE_CODE",
            "issuer": "ISSUER_CODE",
            "holders": [{"name": "张示例", "code": "HOLDER_CODE", "code_type": "111"}],
            "fields": {},
            "valid_from": "2026-12-01",
            "valid_to": None,
        },
        idempotency_key="licence-2026-0001",
    ),
    "licence.use": SampleCall("POST", "/v1/licence-use-codes/redeem", body={"code": "USE_CODE", "purpose": "办理样例事项"}),
    "webhook.manage": SampleCall(
        "POST", "/v1/webhooks", body={"url": "https://department.example.org/hooks/yinxin", "types": ["*"], "description": "department"}
    ),
    "audit.read": SampleCall("GET", "/v1/audit/entries?limit=10"),
    "seal.read": SampleCall("GET", "/v1/seals"),
}
"""The first call that somebody with a scope wants to make, in the order of how often that is."""


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("clients", "conn_nav", CLIENTS, MANAGE, icon="client")

    @console.page(CLIENTS, needs=MANAGE)
    async def list_clients(visit: Visit) -> Response:
        found = (await visit.api.get("/v1/clients", after=visit.query("after"), limit=SHOWN)).body
        return show(visit, "clients.html", clients=found["clients"], next_after=found["next_after"])

    @console.page(f"{CLIENTS}/new", methods=("GET", "POST"), needs=MANAGE)
    async def register(visit: Visit) -> Response:
        if visit.request.method == "GET":
            return show(visit, "client_new.html", scopes_offered=_offered(visit), given={"name": "", "client_id": ""}, chosen=())
        form = await visit.form()
        given = {name: form.get(name) for name in ("name", "client_id")}
        chosen = form.all("scopes")
        try:
            made = await visit.api.post("/v1/clients", json={**given, "scopes": list(chosen)})
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "client_new.html", scopes_offered=_offered(visit), given=given, chosen=chosen, problem=problem)
        # The secret is shown this once, in the answer itself: no address leads to it. A form that is sent again meets CLIENT_EXISTS
        return _client(visit, made.body, secret=made.body["client_secret"])

    @console.page(f"{CLIENTS}/{{client_id}}", needs=MANAGE)
    async def show_client(visit: Visit, client_id: str) -> Response:
        return _client(visit, (await visit.api.get(f"/v1/clients/{client_id}")).body)

    @console.page(f"{CLIENTS}/{{client_id}}/secret", methods=("POST",), needs=MANAGE)
    async def replace_secret(visit: Visit, client_id: str) -> Response:
        form = await visit.form()
        overlap = OVERLAP_SECONDS if form.is_set("overlap") else 0
        made = await visit.api.post(f"/v1/clients/{client_id}/secret", json={"overlap_seconds": overlap})
        return _client(visit, made.body, secret=made.body["client_secret"])

    for verb, notice in (("disable", "conn_disabled"), ("enable", "conn_enabled")):
        _add_switch(console, verb, notice)


def _add_switch(console: Console, verb: str, notice: str) -> None:
    @console.page(f"{CLIENTS}/{{client_id}}/{verb}", methods=("POST",), needs=MANAGE)
    async def switch(visit: Visit, client_id: str) -> Response:
        await visit.api.post(f"/v1/clients/{client_id}/{verb}")
        return visit.go(f"{CLIENTS}/{client_id}", notice=notice)


def _offered(visit: Visit) -> list[tuple[str, str]]:
    """Scopes that the person holds, with what they allow: nobody passes on what he does not hold himself."""
    place = 0 if visit.language == "zh" else 1
    return [(scope, SCOPE_TEXTS[scope][place]) for scope in sorted(visit.scopes) if scope in SCOPE_TEXTS and scope not in PERSONS_OWN]


def _client(visit: Visit, client: dict[str, object], *, secret: str = "") -> Response:
    base_url = str(visit.api.client.base_url)
    held = client["scopes"] if isinstance(client["scopes"], list) else []
    call = next((call for scope, call in FIRST_CALLS.items() if scope in held), None)
    place = 0 if visit.language == "zh" else 1
    return show(
        visit,
        "client.html",
        client=client,
        secret=secret,
        scope_words={scope: SCOPE_TEXTS[scope][place] for scope in held if scope in SCOPE_TEXTS},
        token_code=token_samples(base_url, str(client["client_id"]), secret or "SECRET"),
        call_code=() if call is None else samples_of(base_url, call),
    )
