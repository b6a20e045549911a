"""Licences at the console: finding them, issuing them by a form made from their type, their life, their history, who used them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import anyio

from licence_vault.life import LICENCE_LIFE, LicenceState
from licence_vault.uses import ANYBODY, REASONS_BY_ITSELF
from standards.errors import TrustError
from standards.gbt7408_times import CHINA
from standards.gbt36903_metadata import HOLDER_CODE_TYPES
from yinxin.code_pictures import inline_code
from yinxin.console.api_calls import ApiProblem
from yinxin.console.code_samples import SampleCall, samples_of
from yinxin.console.console import problem_of_error
from yinxin.console.licence_forms import (
    HOLDERS_MAX,
    ORGANISATION_CODE,
    PERSON_CODE,
    change_of,
    first_values,
    items_by_block,
    order_of,
    read_values,
    values_of,
)
from yinxin.console.licence_rules import told_of_form
from yinxin.console.licence_texts import TEXTS
from yinxin.console.work_words import handed_on, show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.api_calls import ApiAnswer
    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

READ: Final = "licence.read"
ISSUE: Final = "licence.issue"
OFFER: Final = "licence.credential"
LICENCES: Final = "/console/licences"
SHOWN: Final = 50
TYPES_ASKED: Final = 200  # in one answer of the API
LOG_PENDING: Final = "LICENCE_LOG_PENDING"
WAITS: Final = 10
WAIT_SECONDS: Final = 0.2
SEARCHED: Final = ("issuer", "type", "state", "number", "holder_code", "holder_code_type")
SUCCESSIONS: Final = {step.verb for step in LICENCE_LIFE if step.verb is not None and step.needs_successor}
PLAIN: Final = {step.verb for step in LICENCE_LIFE if step.verb is not None and not step.needs_successor}
ENDED: Final = ("replaced", "cancelled", "revoked", "withdrawn")
_RESIDENT: Final = re.compile(r"[0-9]{17}[0-9Xx]")  # GB 11643; a credit code has letters among its first characters
_CREDIT_CODE: Final = re.compile(r"[0-9A-Za-z]{18}")  # GB 32100
SEVERE: Final = ("cancel", "revoke", "withdraw", "suspend", "erase")


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("licences", "lic_nav", LICENCES, READ, icon="licence")

    @console.page(LICENCES, needs=READ)
    async def list_licences(visit: Visit) -> Response:
        asked = {name: visit.query(name) for name in SEARCHED}
        code_type = code_type_of(asked["holder_code"], asked["holder_code_type"])
        issuers = await own_issuers(visit)
        found: dict[str, Any] = {"licences": [], "next_after": None}
        if issuers and code_type is not None:
            asked_api = asked | {"holder_code_type": code_type, "newest_first": "true", "after": visit.query("after")}
            found = (await visit.api.get("/v1/licences", **asked_api, limit=SHOWN)).body
        return show(
            visit,
            "licences.html",
            licences=[each | {"stands": standing_of(each)} for each in found["licences"]],
            next_after=found["next_after"],
            asked=asked,
            code_types=named_code_types(visit),
            lacks_type=code_type is None,
            issuers=issuers,
            types={each["code"]: each["name"] for each in await published_types(visit)},
            states=[each.value for each in LicenceState if each is not LicenceState.DRAFT],
        )

    @console.page(f"{LICENCES}/new", methods=("GET", "POST"), needs=ISSUE)
    async def issue(visit: Visit) -> Response:
        issuers, types = await own_issuers(visit), await published_types(visit)
        wanted = visit.query("type")
        chosen = next((each for each in types if each["code"] == wanted), None)
        if chosen is None:
            return show(visit, "licence_choose.html", issuers=issuers, types=types)
        issuer = visit.query("issuer") or (issuers[0]["code"] if issuers else "")
        definition = await definition_of(visit, chosen["code"], chosen["version"])
        common = {"definition": definition, "issuer": issuer, "issuers": issuers, "arrival": {"transferred_from": "", "reason": ""}}
        if visit.request.method == "GET":
            return _form(visit, "licence_issue.html", first_values(definition), common)
        form = await visit.form()
        values = read_values(form, definition)
        common["arrival"] = arrival = {name: form.get(name) for name in ("transferred_from", "reason")}
        if form.is_set("add_holder"):
            values["holders"] = [*values["holders"], {**values["holders"][-1], "name": "", "code": ""}][:HOLDERS_MAX]
            return _form(visit, "licence_issue.html", values, common)
        try:
            order = order_of(values, chosen["code"], issuer)
        except TrustError as error:
            return _form(visit, "licence_issue.html", values, common, problem=problem_of_error(error, visit.language))
        try:
            if arrival["transferred_from"]:
                made = await _once_logged(
                    visit, "/v1/licences/transferred-in", json=order | arrival, idempotency_key=f"console-{form.once}"
                )
            else:
                made = await visit.api.post("/v1/licences", json=order, idempotency_key=f"console-{form.once}")
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return _form(visit, "licence_issue.html", values, common, problem=problem)
        return visit.go(f"{LICENCES}/{made.body['id']}", notice="lic_issued")

    @console.page(f"{LICENCES}/{{licence_id}}", needs=READ)
    async def show_licence(visit: Visit, licence_id: str) -> Response:
        found = await visit.api.get(f"/v1/licences/{licence_id}")
        licence = found.body | {"stands": standing_of(found.body)}
        definition = await definition_of(visit, licence["type"], licence["type_version"])
        events = (await visit.api.get(f"/v1/licences/{licence_id}/events")).body["events"]
        state = LicenceState(licence["state"])
        steps = [step for step in LICENCE_LIFE if step.verb is not None and state in step.sources] if visit.may(ISSUE) else []
        call = SampleCall("GET", f"/v1/licences/{licence_id}")
        return show(
            visit,
            "licence.html",
            licence=licence,
            etag=found.etag,
            blocks=items_by_block(definition),
            type_name=definition["name"],
            events=events,
            steps=steps,
            severe=SEVERE,
            can_offer=visit.may(OFFER) and licence["state"] == LicenceState.ISSUED.value,
            can_erase=visit.may(ISSUE) and licence["state"] in ENDED and licence["data"] is not None,
            call_code=samples_of(str(visit.api.client.base_url), call),
            tab="licence",
        )

    @console.page(f"{LICENCES}/{{licence_id}}/uses", needs=READ)
    async def show_uses(visit: Visit, licence_id: str) -> Response:
        licence = (await visit.api.get(f"/v1/licences/{licence_id}")).body
        licence |= {"stands": standing_of(licence)}
        found = (await visit.api.get(f"/v1/licences/{licence_id}/uses", before=visit.query("before"), limit=SHOWN)).body
        return show(
            visit,
            "licence_uses.html",
            licence=licence,
            uses=found["uses"],
            anybody=ANYBODY,
            no_words=REASONS_BY_ITSELF,
            next_before=found["next_before"],
            tab="uses",
        )

    @console.page(f"{LICENCES}/{{licence_id}}/wallet", methods=("POST",), needs=OFFER)
    async def offer(visit: Visit, licence_id: str) -> Response:
        form = await visit.form()
        licence = (await visit.api.get(f"/v1/licences/{licence_id}")).body
        licence |= {"stands": standing_of(licence)}
        order = {"identifier": licence["identifier"], "lanes": list(form.all("lanes")), "tx_code": form.is_set("tx_code")}
        # Shown in the answer itself: no address leads to it, and who asks again has a new one
        made = (await visit.api.post("/v1/licence-credential-offers", json=order)).body
        picture = inline_code(made["credential_offer_uri"])
        return show(visit, "licence_wallet.html", licence=licence, made=made, picture=picture, tab="wallet")

    @console.page(f"{LICENCES}/{{licence_id}}/files/{{form}}", needs=READ)
    async def fetch_file(visit: Visit, licence_id: str, form: str) -> Response:
        kind = "ofd" if form == "ofd" else "pdf"
        return handed_on(await visit.api.get(f"/v1/licences/{licence_id}/files/{kind}"))

    @console.page(f"{LICENCES}/{{licence_id}}/steps/{{verb}}", methods=("GET", "POST"), needs=ISSUE)
    async def take_step(visit: Visit, licence_id: str, verb: str) -> Response:
        if verb in SUCCESSIONS:
            return await _succeed(visit, licence_id, verb)
        if visit.request.method == "GET" or (verb not in PLAIN and verb != "erase"):
            return visit.go(f"{LICENCES}/{licence_id}")
        form = await visit.form()
        path = f"/v1/licences/{licence_id}/{verb}"
        await _once_logged(visit, path, json={"reason": form.get("reason")}, if_match=form.get("etag") or "*")
        return visit.go(f"{LICENCES}/{licence_id}", notice="lic_step_done")


async def _succeed(visit: Visit, licence_id: str, verb: str) -> Response:
    """A new version in place of this one: changed, extended, or the same once more."""
    found = await visit.api.get(f"/v1/licences/{licence_id}")
    licence = found.body
    if licence["data"] is None:
        return visit.go(f"{LICENCES}/{licence_id}")
    definition = await definition_of(visit, licence["type"], licence["type_version"])
    step = next(step for step in LICENCE_LIFE if step.verb == verb)
    common = {"definition": definition, "licence": licence, "verb": verb, "etag": found.etag, "needs_reason": step.is_reason_required}
    if visit.request.method == "GET":
        return _form(visit, "licence_change.html", values_of(licence["data"]), common | {"reason": ""})
    form = await visit.form()
    values = read_values(form, definition) if verb == "change" else values_of(licence["data"])
    if verb == "extend":
        values |= {"valid_to": form.get("valid_to"), "open_ended": form.is_set("open_ended")}
    common["reason"] = form.get("reason")
    if form.is_set("add_holder"):
        values["holders"] = [*values["holders"], {**values["holders"][-1], "name": "", "code": ""}][:HOLDERS_MAX]
        return _form(visit, "licence_change.html", values, common)
    try:
        change = change_of(values, verb, form.get("reason"))
    except TrustError as error:
        return _form(visit, "licence_change.html", values, common, problem=problem_of_error(error, visit.language))
    try:
        made = await _once_logged(
            visit,
            f"/v1/licences/{licence_id}/{verb}",
            json=change,
            if_match=form.get("etag") or "*",
            idempotency_key=f"console-{form.once}",
        )
    except ApiProblem as problem:
        if problem.is_signed_out:
            raise
        return _form(visit, "licence_change.html", values, common, problem=problem)
    return visit.go(f"{LICENCES}/{made.body['id']}", notice="lic_succeeded")


async def _once_logged(visit: Visit, path: str, **what: Any) -> ApiAnswer:
    """A step, which the API takes once the public log has the licence's last event: within a second, for which nobody has to press again."""
    for _ in range(WAITS):
        try:
            return await visit.api.post(path, **what)
        except ApiProblem as problem:
            if problem.code != LOG_PENDING:
                raise
        await anyio.sleep(WAIT_SECONDS)
    return await visit.api.post(path, **what)


def _form(visit: Visit, template: str, values: dict[str, Any], common: dict[str, Any], *, problem: ApiProblem | None = None) -> Response:
    code_types = named_code_types(visit)
    blocks = items_by_block(common["definition"])
    if problem is not None:
        problem = told_of_form(problem, visit.language, common["definition"])
    return show(visit, template, problem=problem, values=values, blocks=blocks, code_types=code_types, holders_max=HOLDERS_MAX, **common)


async def own_issuers(visit: Visit) -> list[dict[str, Any]]:
    """The authorities that the person acts for."""
    found: list[dict[str, Any]] = (await visit.api.get("/v1/my-licence-issuers", limit=100)).body["issuers"]
    return found


def standing_of(licence: dict[str, Any]) -> str:
    """The state of a licence as it is told: what is issued counts on its days alone, in China, also before the job that notes their end has come by."""
    if licence["state"] != LicenceState.ISSUED.value:
        return str(licence["state"])
    today = f"{datetime.now(CHINA):%Y-%m-%d}"
    if today < licence["valid_from"]:
        return "not_yet"
    return LicenceState.EXPIRED.value if licence["valid_to"] and licence["valid_to"] < today else LicenceState.ISSUED.value


def code_type_of(holder_code: str, said: str) -> str | None:
    """Of which kind a holder's number is that somebody looks for (GB/T 36903, annex A): what he says, or what its form says. Empty where he looks for
    none, None where it must be said: numbers are found by kind, and another kind finds nothing.
    """
    if not holder_code or said in HOLDER_CODE_TYPES:
        return said if holder_code else ""
    if _RESIDENT.fullmatch(holder_code):
        return PERSON_CODE
    return ORGANISATION_CODE if _CREDIT_CODE.fullmatch(holder_code) else None


def named_code_types(visit: Visit) -> list[tuple[str, str]]:
    """Kinds of numbers with their names."""
    zh = visit.language == "zh"
    return [(code, each.name_zh if zh else each.name_en) for code, each in HOLDER_CODE_TYPES.items()]


async def published_types(visit: Visit) -> list[dict[str, Any]]:
    """The newest published version of each type."""
    return await newest_types(visit, "published")


async def newest_types(visit: Visit, state: str) -> list[dict[str, Any]]:
    """The newest version of each type among those in this state."""
    newest: dict[str, dict[str, Any]] = {}
    after: str | None = ""
    while after is not None:  # a city has more types than one answer holds
        found = (await visit.api.get("/v1/licence-types", state=state, after=after, limit=TYPES_ASKED)).body
        for each in found["types"]:
            if each["code"] not in newest or each["version"] > newest[each["code"]]["version"]:
                newest[each["code"]] = each
        after = found["next_after"]
    return list(newest.values())


async def definition_of(visit: Visit, code: str, number: int | str) -> dict[str, Any]:
    """What a version of a type says."""
    found = (await visit.api.get(f"/v1/licence-types/{code}/versions/{number}")).body
    return {"numbering": "", **found["definition"]}
