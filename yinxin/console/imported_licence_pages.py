"""Licences of older repositories: what could be verified of each, taking over rows, attaching files one by one and from an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from licence_vault import limits
from licence_vault.rule_messages import place_in
from yinxin.console.api_calls import ApiProblem
from yinxin.console.forms import FILE_BYTES_MAX
from yinxin.console.imported_licence_texts import TEXTS
from yinxin.console.licence_batch_pages import kind_of, report_file, template_columns
from yinxin.console.licence_pages import code_type_of, definition_of, named_code_types, newest_types, own_issuers, published_types
from yinxin.console.work_words import handed_on, show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

READ: Final = "licence.read"
ISSUE: Final = "licence.issue"
API: Final = "/v1/imported-licences"
IMPORTED: Final = "/console/imported-licences"
SHOWN: Final = 50
SEARCHED: Final = ("issuer", "number", "holder_code", "holder_code_type")
OUTCOMES: Final = ("refused", "not_matched", "not_reached", "replaced", "attached", "unchanged")
"""Of files of an archive, those first that somebody has to look at."""
MEGABYTE: Final = 1024 * 1024
UPLOAD_MEGABYTES: Final = min(FILE_BYTES_MAX, limits.BATCH_FILE_BYTES, limits.IMPORT_ARCHIVE_BYTES) // MEGABYTE
CHOSEN: Final = ("type", "issuer")
FILE_MEGABYTES: Final = min(FILE_BYTES_MAX, limits.IMPORT_FILE_BYTES) // MEGABYTE


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)

    @console.page(IMPORTED, needs=READ)
    async def list_imported(visit: Visit) -> Response:
        asked = {name: visit.query(name) for name in SEARCHED}
        issuers = await own_issuers(visit)
        found: dict[str, Any] = {"imported": [], "next_after": None}
        code_type = code_type_of(asked["holder_code"], asked["holder_code_type"])
        if issuers and code_type is not None:
            found = (await visit.api.get(API, **asked | {"holder_code_type": code_type}, after=visit.query("after"), limit=SHOWN)).body
        return show(
            visit,
            "imported_licences.html",
            imported=[_marked(visit, each) for each in found["imported"]],
            next_after=found["next_after"],
            asked=asked,
            code_types=named_code_types(visit),
            lacks_type=code_type is None,
            issuers=issuers,
            types=await _names_of_types(visit),
        )

    @console.page(f"{IMPORTED}/rows", methods=("GET", "POST"), needs=ISSUE, kept=CHOSEN)
    async def take_over(visit: Visit) -> Response:
        common: dict[str, Any] = {"issuers": await own_issuers(visit), "types": await published_types(visit), "megabytes": UPLOAD_MEGABYTES}
        return await _send_form(visit, "imported_rows.html", "file", common)

    @console.page(f"{IMPORTED}/rows/template.csv", needs=ISSUE)
    async def fetch_import_template(visit: Visit) -> Response:
        chosen = next((each for each in await published_types(visit) if each["code"] == visit.query("type")), None)
        definition = None if chosen is None else await definition_of(visit, chosen["code"], chosen["version"])
        columns = (each for each in template_columns(definition) if each != "number")
        return report_file([["identifier", "number", *columns]], "template.csv")

    @console.page(f"{IMPORTED}/files", methods=("GET", "POST"), needs=ISSUE, kept=CHOSEN)
    async def attach_many(visit: Visit) -> Response:
        names = await _names_of_types(visit)
        types = [{"code": code, "name": name} for code, name in names.items()]
        common: dict[str, Any] = {
            "issuers": await own_issuers(visit),
            "types": types,
            "megabytes": UPLOAD_MEGABYTES,
            "files_max": limits.IMPORT_ARCHIVE_FILES,
            "outcomes": OUTCOMES,
        }
        return await _send_form(visit, "imported_files.html", "archive", common)

    @console.page(f"{IMPORTED}/{{import_id}}", needs=READ)
    async def show_imported(visit: Visit, import_id: str) -> Response:
        return await _one(visit, import_id)

    @console.page(f"{IMPORTED}/{{import_id}}", methods=("POST",), needs=ISSUE)
    async def attach_one(visit: Visit, import_id: str) -> Response:
        part = (await visit.form()).file("file")
        if part is None:
            return await _one(visit, import_id, missing=True, status=422)
        try:
            await visit.api.put(f"{API}/{import_id}/file", files={"file": (part.file_name, part.content)})
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return await _one(visit, import_id, problem=problem)
        return visit.go(f"{IMPORTED}/{import_id}", notice="imp_attached")

    @console.page(f"{IMPORTED}/{{import_id}}/file", needs=READ)
    async def fetch_imported_file(visit: Visit, import_id: str) -> Response:
        return handed_on(await visit.api.get(f"{API}/{import_id}/file"))


async def _one(visit: Visit, import_id: str, *, missing: bool = False, status: int = 200, problem: ApiProblem | None = None) -> Response:
    imported = (await visit.api.get(f"{API}/{import_id}")).body
    issuers = {each["code"]: each["name"] for each in await own_issuers(visit)}
    return show(
        visit,
        "imported_licence.html",
        status=status,
        problem=problem,
        imported=_marked(visit, imported),
        issuer_name=issuers.get(imported["issuer"], ""),
        type_name=(await _names_of_types(visit)).get(imported["type"], ""),
        missing=missing,
        megabytes=FILE_MEGABYTES,
    )


async def _send_form(visit: Visit, template: str, name: str, common: dict[str, Any]) -> Response:
    """A form of a file for an authority and a type, and what the API says came of it. ``name``: of the file: rows, or an archive."""
    if visit.request.method == "GET":
        given = {"type": visit.query("type"), "issuer": visit.query("issuer")}
        return show(visit, template, given=given, report=None, missing=False, **common)
    form = await visit.form()
    part, given = form.file(name), {"type": form.get("type"), "issuer": form.get("issuer")}
    if part is None or not given["type"]:
        return show(visit, template, given=given, report=None, missing=True, status=422, **common)
    files = {name: (part.file_name, part.content)}
    try:
        if name == "archive":
            report = (await visit.api.post(f"{API}/files", files=files, data=given)).body
            report["entries"].sort(key=lambda each: OUTCOMES.index(each["outcome"]))
        else:
            report = (await visit.api.post(API, files=files, data={**given, "format": kind_of(part.file_name)})).body
    except ApiProblem as problem:
        if problem.is_signed_out:
            raise
        return show(visit, template, given=given, report=None, missing=False, problem=problem, **common)
    return show(visit, template, given=given, report=report, missing=False, **common)


def _marked(visit: Visit, imported: dict[str, Any]) -> dict[str, Any]:
    """With the place of a broken rule as its reader calls it, and a seal that nobody looked for told apart from one that is not there."""
    marks = imported["marks"]
    seal = "no-file" if imported["file_form"] is None and marks["seal"] == "absent" else marks["seal"]
    return imported | {"marks": marks | {"seal": seal, "content_place": place_in(visit.language, marks["content_place"])}}


async def _names_of_types(visit: Visit) -> dict[str, str]:
    """By code, of types that are published or were: older licences may be of a type that nobody issues any more."""
    retired, published = await newest_types(visit, "retired"), await published_types(visit)
    return {each["code"]: each["name"] for each in (*retired, *published)}
