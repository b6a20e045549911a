"""Verifying a file at the console: the verdict in a sentence, what was checked, and pictures of what was changed after sealing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from standards.errors import TrustError
from yinxin.console.api_calls import ApiProblem
from yinxin.console.check_texts import TEXTS
from yinxin.console.console import problem_of_error
from yinxin.console.forms import ConsoleForm
from yinxin.console.work_words import LAST_SECOND, instant_of, show

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
        form = ConsoleForm() if visit.request.method == "GET" else await visit.form()
        asked = {name: form.values.get(name, [""])[0] for name in HOLDER_FIELDS}  # as they were typed, blanks too
        typed = asked | {"at": form.get("at")}
        if visit.request.method == "GET":
            return _ask(visit, typed)
        part = form.file("document")
        if part is None or not part.content:
            return _ask(visit, typed, missing=True, status=422)
        files = {"document": (part.file_name, part.content)}
        try:
            at = instant_of("at", form.get("at"), into_day=LAST_SECOND)  # a licence counts to the end of its last day
            given = ({"at": at} if at else {}) | (asked if any(asked.values()) else {})
            report = (await visit.api.post("/v1/verifications", files=files, data=given)).body
        except TrustError as error:
            return _ask(visit, typed, problem=problem_of_error(error, visit.language))
        except ApiProblem as problem:
            if problem.is_signed_out:
                raise
            return _ask(visit, typed, problem=problem)
        return show(visit, "check.html", report=report, changes=await _changes(visit, report, files), name=part.file_name)


def _ask(visit: Visit, typed: dict[str, str], *, missing: bool = False, status: int = 200, problem: ApiProblem | None = None) -> Response:
    """The form, with what was typed; a file has to be chosen again."""
    return show(visit, "check.html", report=None, changes=None, typed=typed, missing=missing, status=status, problem=problem)


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
