"""Verifying a file at the console: the verdict in a sentence, what was checked, and pictures of what was changed after sealing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yinxin.console.api_calls import ApiProblem
from yinxin.console.check_texts import TEXTS
from yinxin.console.work_words import instant_of, show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

CHECKS: Final = "/console/verify"
HOLDER_FIELDS: Final = ("holder_name", "holder_code")  # nothing in either: nobody is asked about


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("checks", "check_nav", CHECKS, icon="verify")

    @console.page(CHECKS, methods=("GET", "POST"))
    async def verify(visit: Visit) -> Response:
        if visit.request.method == "GET":
            return show(visit, "check.html", report=None, changes=None, missing=False, name="")
        form = await visit.form()
        part = form.file("document")
        if part is None or not part.content:
            return show(visit, "check.html", report=None, changes=None, missing=True, name="", status=422)
        files = {"document": (part.file_name, part.content)}
        at = instant_of(form.get("at"), end_of_day=True) if form.get("at") else None
        asked = {name: form.values.get(name, [""])[0] for name in HOLDER_FIELDS}  # as they were typed, blanks too
        given = ({"at": at} if at else {}) | (asked if any(asked.values()) else {})
        try:
            report = (await visit.api.post("/v1/verifications", files=files, data=given)).body
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return show(visit, "check.html", report=None, changes=None, missing=False, name=part.file_name, problem=problem)
        return show(visit, "check.html", report=report, changes=await _changes(visit, report, files), missing=False, name=part.file_name)


async def _changes(visit: Visit, report: dict[str, Any], files: dict[str, Any]) -> dict[str, Any] | None:
    """What was changed after sealing, of a document that was; None where nothing was, or nothing can be shown of it."""
    if not report["tampered"]:
        return None
    try:
        found: dict[str, Any] = (await visit.api.post("/v1/verifications/changes", files=files)).body
    except ApiProblem as problem:  # an OFD, or one whose sealed revision is lost: the verdict stands without pictures
        if problem.is_signed_out:
            raise
        return None
    return found
