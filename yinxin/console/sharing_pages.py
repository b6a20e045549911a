"""Which systems may use licences of others, of which type, by what right and how far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from licence_vault.uses import ShareRight, UseMode
from yinxin.console.api_calls import UNREACHABLE, ApiProblem
from yinxin.console.licence_pages import published_types
from yinxin.console.seal_words import names_of
from yinxin.console.work_words import show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.api_calls import ApiAnswer
    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

ADMIN: Final = "licence.admin"
SHARING: Final = "/console/licence-sharing"
SHOWN: Final = 50
MODES: Final = tuple(mode.value for mode in UseMode if mode is not UseMode.OWN)
RIGHTS: Final = tuple(right.value for right in ShareRight)


def add_pages(console: Console) -> None:
    """Add them."""
    console.menu("licences", "share_nav", SHARING, ADMIN, icon="arrow")

    @console.page(SHARING, needs=ADMIN)
    async def list_permissions(visit: Visit) -> Response:
        client = visit.query("client")
        found = (await visit.api.get("/v1/licence-sharing", client=client or None, after=visit.query("after"), limit=SHOWN)).body
        permissions = found["permissions"]
        return show(
            visit,
            "licence_sharing.html",
            permissions=permissions,
            next_after=found["next_after"],
            shown_client=client,
            types={each["code"]: each["name"] for each in await published_types(visit)},
            names=await names_of(visit, [each["given_by"] for each in permissions]),
        )

    @console.page(f"{SHARING}/edit", methods=("GET", "POST"), needs=ADMIN)
    async def permit(visit: Visit) -> Response:
        if visit.request.method == "GET":
            client, type_code = visit.query("client"), visit.query("type")
            if client and type_code:
                found = await visit.api.get(_path(client, type_code))
                return await _form(visit, found.body, etag=found.etag)
            return await _form(visit, {"client": client, "type": "", "modes": ["consented"], "rights": ["verify"], "reason": ""})
        form = await visit.form()
        body = {"modes": list(form.all("modes")), "rights": list(form.all("rights")), "reason": form.get("reason")}
        client, type_code, etag = form.get("client"), form.get("type"), form.get("etag")
        try:
            known = None if etag else await _known(visit, client, type_code)
            if known is not None:  # it is changed where one sees how far it goes
                told = ApiProblem(409, "LICENCE_SHARING_KNOWN", visit.t("share_known"), "", visit.t("share_known_help"))
                return await _form(visit, known.body, etag=known.etag, problem=told)
            await visit.api.put(_path(client, type_code), json=body, if_match=etag or None)
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return await _form(visit, {"client": client, "type": type_code, **body}, etag=etag, problem=problem)
        return visit.go(f"{SHARING}?client={quote(client, safe='')}", notice="share_saved")

    @console.page(f"{SHARING}/withdraw", methods=("POST",), needs=ADMIN)
    async def withdraw(visit: Visit) -> Response:
        form = await visit.form()
        await visit.api.delete(_path(form.get("client"), form.get("type")))
        return visit.go(SHARING, notice="share_withdrawn")


async def _known(visit: Visit, client: str, type_code: str) -> ApiAnswer | None:
    """What this system is permitted with this type already."""
    try:
        return await visit.api.get(_path(client, type_code))
    except ApiProblem as problem:
        if problem.is_signed_out or problem.status == UNREACHABLE:
            raise
        return None


async def _form(visit: Visit, given: dict[str, Any], *, etag: str = "", problem: ApiProblem | None = None) -> Response:
    types = await published_types(visit)
    if given["type"] and given["type"] not in {each["code"] for each in types}:  # one that is published no more
        types = [*types, {"code": given["type"], "name": given["type"]}]
    return show(visit, "licence_sharing_edit.html", given=given, etag=etag, types=types, modes=MODES, rights=RIGHTS, problem=problem)


def _path(client: str, type_code: str) -> str:
    """Of a permission. A blank stands where nothing is named: no system and no type is called so, and the API refuses it."""
    return f"/v1/licence-sharing/{quote(client or ' ', safe='')}/{quote(type_code or ' ', safe='')}"
