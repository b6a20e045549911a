"""Issuing authorities: what is known of them, with which seal they issue, and who acts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from yinxin.console.api_calls import ApiProblem
from yinxin.console.registrar_texts import TEXTS
from yinxin.console.seal_words import holder_named, names_of
from yinxin.console.work_words import show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.forms import ConsoleForm
    from yinxin.console.visit import Visit

ADMIN: Final = "licence.admin"
AUTHORITIES: Final = "/console/licence-authorities"
SHOWN: Final = 50
NOT_FOUND: Final = 404
CHANGED_MEANWHILE: Final = 412
FIELDS: Final = ("name", "area_code", "seal_id")


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("licences", "auth_nav", AUTHORITIES, ADMIN, icon="seal")

    @console.page(AUTHORITIES, needs=ADMIN)
    async def list_authorities(visit: Visit) -> Response:
        found = (await visit.api.get("/v1/licence-issuers", after=visit.query("after"), limit=SHOWN)).body
        return show(visit, "authorities.html", authorities=found["issuers"], next_after=found["next_after"])

    @console.page(f"{AUTHORITIES}/new", methods=("GET", "POST"), needs=ADMIN)
    async def enter(visit: Visit) -> Response:
        if visit.request.method == "GET":
            return show(visit, "authority_new.html", given=dict.fromkeys(("code", *FIELDS), ""))
        form = await visit.form()
        code = form.get("code").upper()
        try:
            if await _is_known(visit, code):  # it is changed on its own page, where one sees what is known of it
                known = ApiProblem(409, "LICENCE_ISSUER_KNOWN", visit.t("auth_known"), "", visit.t("auth_known_help"))
                return await _authority(visit, code, known)
            await visit.api.put(_path(code), json=_given(form))
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "authority_new.html", given={"code": code, **_given(form)}, problem=problem)
        return visit.go(f"{AUTHORITIES}/{quote(code, safe='')}", notice="auth_saved")

    @console.page(f"{AUTHORITIES}/{{code}}", needs=ADMIN)
    async def show_authority(visit: Visit, code: str) -> Response:
        return await _authority(visit, code)

    @console.page(f"{AUTHORITIES}/{{code}}", methods=("POST",), needs=ADMIN)
    async def change(visit: Visit, code: str) -> Response:
        form = await visit.form()
        what, notice = form.get("what"), "auth_saved"
        try:
            if what == "give":
                holder = await holder_named(visit, form.get("holder"))
                await visit.api.put(f"{_path(code)}/members/{quote(holder, safe='')}")
                notice = "auth_member_given"
            elif what == "take":
                await visit.api.delete(f"{_path(code)}/members/{quote(form.get('holder'), safe='')}")
                notice = "auth_member_taken"
            else:
                await visit.api.put(_path(code), json=_given(form), if_match=form.get("etag") or "*")
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            is_kept = what == "change" and problem.status != CHANGED_MEANWHILE
            return await _authority(visit, code, problem, typed=_given(form) | {"etag": form.get("etag")} if is_kept else None)
        return visit.go(f"{AUTHORITIES}/{quote(code, safe='')}", notice=notice)


async def _authority(visit: Visit, code: str, problem: ApiProblem | None = None, typed: dict[str, str] | None = None) -> Response:
    """One authority. ``typed``: a change of it that was refused, with the version that it was made from."""
    found = await visit.api.get(_path(code))
    names = await names_of(visit, found.body["members"])
    given = {"etag": found.etag, **found.body} | (typed or {})
    return show(visit, "authority.html", authority=found.body, given=given, names=names, problem=problem)


async def _is_known(visit: Visit, code: str) -> bool:
    try:
        await visit.api.get(_path(code))
    except ApiProblem as problem:
        if problem.status != NOT_FOUND:
            raise
        return False
    return True


def _path(code: str) -> str:
    return f"/v1/licence-issuers/{quote(code, safe='')}"


def _given(form: ConsoleForm) -> dict[str, str]:
    return {name: form.get(name) for name in FIELDS}
