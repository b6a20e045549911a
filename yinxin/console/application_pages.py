"""Applications: filling one in, reviewing it side by side, carrying it out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.responses import Response

from seal_service.life import APPLICATION_LIFE, OPEN_APPLICATIONS, SEAL_TYPES, ApplicationState
from seal_service.pictures.design import default_design, write_design
from standards.errors import TrustError
from standards.rfc7493_i_json import StrictJsonError, read_json, read_strict_object
from yinxin.console.api_calls import ApiProblem
from yinxin.console.design_pages import DESIGN_MEMBERS, DESIGNER, preview, read_design_form
from yinxin.console.papers import PAPER_BYTES_MAX, hand_in_papers
from yinxin.console.seal_pages import PAGE_SIZE, SEALS, SVG_POLICY, load_seal
from yinxin.console.seal_words import Entered, holder_in, holders_named, names_of, words_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yinxin.console.console import Console
    from yinxin.console.forms import ConsoleForm
    from yinxin.console.visit import Visit

APPLICATIONS: Final = "/console/applications"
KINDS: Final = ("new", "change", "renew", "cancel")
SEES: Final = ("seal.apply", "seal.review", "seal.make")
ABOUT_A_SEAL: Final = frozenset({"change", "renew", "cancel"})
POWERS: Final = ("managers", "users", "auditors")
_TEXTS: Final = ("organisation", "credit_code", "name", "purpose", "type_code", "division", "name_mongolian", "name_romanised")
_COMPARED: Final = ("organisation", "credit_code", "name", "name_mongolian", "purpose", "type_code", "picture_width_mm")


async def _read_application(visit: Visit, form: ConsoleForm, kind: str) -> dict[str, Any]:
    """What the API takes, of what the form says. Raises ApiProblem."""
    body: dict[str, Any] = {"kind": kind, "reason": form.get("reason")}
    if kind != "new":
        body["seal_id"] = form.get("seal_id")
    if kind in {"new", "change"}:
        body |= {name: form.get(name) for name in _TEXTS if form.get(name)}
        if form.get("picture_width_mm"):
            try:
                body["picture_width_mm"] = float(form.get("picture_width_mm"))
            except ValueError:
                raise ApiProblem(
                    422, "FIELD_UNACCEPTABLE", "", facts={"field": "picture_width_mm", "rule": "a number of millimetres"}
                ) from None
        if form.get("design"):
            try:
                body["design"] = read_json(form.get("design"))
            except StrictJsonError:
                raise ApiProblem(422, "FIELD_UNACCEPTABLE", "", facts={"field": "design", "rule": "a design"}) from None
            except TrustError as error:
                raise ApiProblem(422, error.code, "", facts=error.facts) from None
        own = form.file("own_picture")
        if own is not None:
            handed = await visit.api.post(
                "/v1/seal-pictures",
                files={"picture": (own.file_name or "picture", own.content)},
                data={"width_mm": form.get("picture_width_mm") or "42", "paper_removed": "true"},
                idempotency_key=f"{form.once}-picture",
            )
            body["picture"] = handed.body["id"]
            body.pop("design", None)
    if kind == "new":
        for power in POWERS:
            body[power] = await holders_named(visit, form.lines(power))
        body["certificate"] = "external" if form.get("certificate") == "external" else "built-in"
    body["papers"] = await hand_in_papers(visit, form)
    return body


def _design_in(text: str) -> dict[str, Any]:
    """A design as a form carries it; nothing for what is none, which the API refuses when it is applied for."""
    try:
        return read_strict_object(text)
    except StrictJsonError:
        return {}


async def _drawn(visit: Visit, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """The picture of what is applied for, and what rules say; None where it cannot be drawn yet."""
    design = str(wanted.get("design") or "")
    organisation = str(wanted.get("organisation") or "")
    if not design and not organisation:
        return None
    width_mm, type_code = float(wanted["picture_width_mm"] or 42), str(wanted.get("type_code") or "1")
    usual = default_design(organisation, str(wanted.get("purpose") or ""), "", type_code, width_mm)
    read = _design_in(design) if design else write_design(usual)
    order = {name: value for name, value in read.items() if name in DESIGN_MEMBERS}
    try:
        return await preview(visit, {**order, "registered_name": organisation})
    except ApiProblem as problem:
        if problem.is_signed_out:
            raise
        return {"url": "", "warnings": [{"text": problem.title, "source": problem.code}], "width_mm": 0}


def compared(seal: dict[str, Any], application: dict[str, Any]) -> list[tuple[str, Any, Any, bool]]:
    """Line by line: the member, as it is, as applied for, and whether it changes. Empty members of a change stay as they are."""
    lines = []
    for name in _COMPARED:
        is_now, wanted = seal.get(name), application.get(name)
        wanted = wanted or is_now
        lines.append((name, is_now, wanted, wanted != is_now))
    return lines


async def _show_form(
    visit: Visit, kind: str, entered: dict[str, Any], problem: ApiProblem | None = None, form: ConsoleForm | None = None
) -> Response:
    """The form with what was entered. ``form``: that was sent: the files that were chosen for it no browser keeps."""
    chosen = {} if form is None else {name: [part.file_name for part in parts] for name, parts in form.chosen.items()}
    seal = None if kind == "new" else await load_seal(visit, str(entered.get("seal_id", "")))
    drawn = None
    if kind == "new" or (kind == "change" and entered.get("design")):  # else the seal keeps its own, which may be any
        as_is = seal or {}
        wanted: dict[str, Any] = {name: entered.get(name) or as_is.get(name, "") for name in ("organisation", "purpose", "type_code")}
        try:
            wanted["picture_width_mm"] = float(entered.get("picture_width_mm") or as_is.get("picture_width_mm") or 42)
        except ValueError:
            wanted["picture_width_mm"] = 42.0
        drawn = await _drawn(visit, {**wanted, "design": entered.get("design", "")})
    return visit.render(
        "apply.html",
        problem=problem,
        kind=kind,
        seal=seal,
        entered=Entered(entered),
        chosen=chosen,
        drawn=drawn,
        seal_types=SEAL_TYPES,
        powers=POWERS,
        designer=DESIGNER,
        **words_for(visit),
    )


async def _show_again(visit: Visit, arrived: Mapping[str, str], problem: ApiProblem) -> Response:
    """The form with what had arrived of one that could not be read to its end: a file of it is too large."""
    return await _show_form(visit, arrived["kind"] if arrived.get("kind") in KINDS else "new", dict(arrived), problem)


def add_pages(console: Console) -> None:
    """Add them."""
    console.menu("seals", "nav_applications", APPLICATIONS, SEES, icon="audit")

    @console.page(APPLICATIONS, needs=SEES)
    async def list_applications(visit: Visit) -> Response:
        state, search = visit.query("state"), visit.query("search")
        state = state if state in set(ApplicationState) else ""
        found = await visit.api.get("/v1/seal-applications", state=state, search=search, after=visit.query("after"), limit=PAGE_SIZE)
        applications = found.body["applications"]
        return visit.render(
            "applications.html",
            applications=applications,
            next_after=found.body["next_after"],
            names=await names_of(visit, [each["applied_by"] for each in applications]),
            state=state,
            search=search,
            states=[each.value for each in ApplicationState],
            **words_for(visit),
        )

    @console.page(APPLICATIONS + "/new", needs="seal.apply")
    async def begin(visit: Visit) -> Response:
        kind = visit.query("kind", "new")
        kind = kind if kind in KINDS else "new"
        seal_id = visit.query("seal")
        if kind != "new" and not seal_id:
            return visit.go(SEALS)
        first = {"picture_width_mm": "42", "type_code": "1"} if kind == "new" else {}  # of a change what is empty stays as it is
        return await _show_form(visit, kind, {"seal_id": seal_id, **first})

    @console.page(APPLICATIONS + "/new", methods=("POST",), needs="seal.apply", again=_show_again)
    async def apply(visit: Visit) -> Response:
        form = await visit.form(file_bytes_max=PAPER_BYTES_MAX)
        kind = form.get("kind") if form.get("kind") in KINDS else "new"
        entered: dict[str, Any] = {name: values[0] for name, values in form.values.items()}
        if form.is_set("from_designer"):
            design = {name: value for name, value in read_design_form(entered).items() if name in DESIGN_MEMBERS}
            named = entered.get("registered_name") or entered.get("name", "")
            entered = {
                "organisation": named,
                "purpose": entered.get("purpose", ""),
                "picture_width_mm": entered.get("width_mm", ""),
                "design": json.dumps(design, ensure_ascii=False),
                "type_code": "1",
            }
            return await _show_form(visit, "new", entered)
        if form.is_set("preview"):
            return await _show_form(visit, kind, entered, form=form)
        try:
            body = await _read_application(visit, form, kind)
            made = await visit.api.post("/v1/seal-applications", json=body, idempotency_key=form.once)
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return await _show_form(visit, kind, entered, problem, form)
        return visit.go(f"{APPLICATIONS}/{made.body['id']}", notice="notice_applied")

    @console.page(APPLICATIONS + "/{application_id}", needs=SEES)
    async def show_application(visit: Visit, application_id: str) -> Response:
        answer = await visit.api.get(f"/v1/seal-applications/{quote(application_id, safe='')}")
        application = answer.body
        timeline = (await visit.api.get(f"/v1/seal-applications/{application['id']}/timeline")).body
        acts = [{**act, "holder": holder_in(act["by"])} for act in timeline["acts"]]
        seal = None
        if application["seal_id"]:
            try:
                seal = (await visit.api.get(f"/v1/seals/{application['seal_id']}")).body
            except ApiProblem as problem:  # who applied need not know of the seal
                if problem.is_signed_out:
                    raise
        is_own = application["applied_by"] == visit.person.holder
        holders = [application["applied_by"], application["reviewed_by"], *(each for power in POWERS for each in application[power])]
        # Once it is decided and done, the seal as it is now is no measure of what was asked for then
        present = seal if application["kind"] in ABOUT_A_SEAL and application["state"] in OPEN_APPLICATIONS else None
        shows_picture = application["kind"] in {"new", "change"}
        checked = None
        keeps_design = application["kind"] == "change" and not application["own_picture"] and not application["design"]
        if shows_picture and not application["own_picture"] and not keeps_design:
            as_is = (seal or {}) if application["kind"] in ABOUT_A_SEAL else {}
            wanted = {name: application[name] or as_is.get(name) for name in ("organisation", "purpose", "type_code", "picture_width_mm")}
            checked = await _drawn(visit, {**wanted, "design": application["design"]})
        return visit.render(
            "application.html",
            application=application,
            etag=answer.etag,
            acts=acts,
            seal=seal,
            present=present,
            says_people=application["kind"] not in ABOUT_A_SEAL,
            lines=compared(present, application) if present is not None else [],
            shows_picture=shows_picture,
            keeps_design=keeps_design,
            checked=checked,
            names=await names_of(visit, [*holders, *(act["holder"] for act in acts)]),
            powers=POWERS,
            is_own=is_own,
            steps=[
                step
                for step in APPLICATION_LIFE
                if step.verb is not None
                and application["state"] in step.sources
                and step.scope in visit.scopes
                and (is_own if step.verb == "withdraw" else not is_own)
            ],
            may_make=application["state"] in {"reviewed", "being-carried-out"} and visit.may("seal.make"),
            **words_for(visit),
        )

    @console.page(APPLICATIONS + "/{application_id}/picture.svg", needs=SEES)
    async def show_picture(visit: Visit, application_id: str) -> Response:
        answer = await visit.api.get(f"/v1/seal-applications/{quote(application_id, safe='')}/picture.svg")
        headers = {"content-security-policy": SVG_POLICY, "cache-control": "no-store"}
        return Response(answer.content, media_type="image/svg+xml", headers=headers)

    @console.page(APPLICATIONS + "/{application_id}/steps/{verb}", methods=("POST",), needs=SEES)
    async def take_step(visit: Visit, application_id: str, verb: str) -> Response:
        form = await visit.form()
        path = f"/v1/seal-applications/{quote(application_id, safe='')}/{quote(verb, safe='')}"
        if verb == "make":
            order: dict[str, Any] = {"certificate_request": form.get("certificate_request")}
            if form.get("data_version") in {"4", "5"}:
                order["data_version"] = int(form.get("data_version"))
            made = await visit.api.post(path, json=order, if_match=form.get("version"))
            return visit.go(f"{SEALS}/{made.body['id']}", notice="notice_made")
        await visit.api.post(path, json={"reason": form.get("reason"), "papers": []}, if_match=form.get("version"))
        return visit.go(f"{APPLICATIONS}/{quote(application_id, safe='')}", notice="notice_step_done")

    @console.page(APPLICATIONS + "/papers/{paper_id}", needs="seal.read")
    async def fetch_paper(visit: Visit, paper_id: str) -> Response:
        answer = await visit.api.get(f"/v1/seal-papers/{quote(paper_id, safe='')}")
        headers = {
            "content-disposition": answer.headers["content-disposition"],
            "cache-control": "no-store",
            "content-security-policy": "sandbox",
        }
        return Response(answer.content, media_type="application/octet-stream", headers=headers)
