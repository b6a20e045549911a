"""A page in place of a problem document for who mistypes an address in a browser. Programs hear what they always heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service_kit.page_frame.browser import Browser
from service_kit.page_frame.pages import PageFrame
from service_kit.web_errors import METHOD_NOT_ALLOWED, answer_http_exception, problem_response
from standards.errors import TrustError
from yinxin.front_page.pages import PACKAGE
from yinxin.front_page.texts import TEXTS

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from service_kit.settings import Settings

NOT_FOUND: Final = 404
FOR_PROGRAMS: Final = frozenset(
    {
        ".well-known",
        "ca",
        "cas",
        "licences",
        "livez",
        "metrics",
        "oauth2",
        "ocsp",
        "openapi.json",
        "readyz",
        "scim",
        "static",
        "trust-bundle",
        "tsa",
        "v1",
    }
)
"""How addresses of interfaces begin. Not every program asks for JSON: the HTTP client of Java accepts text/html first unless it is told otherwise."""


def install_lost_pages(application: FastAPI, settings: Settings) -> None:
    """Answer browsers at addresses that are no interface's with a page where nothing is served (404), or not by this method (405)."""
    frame = PageFrame(PACKAGE, TEXTS, is_demo=settings.demo)
    is_secure = settings.base_url.startswith("https://")

    def shown(request: Request, problem: Response) -> Response:
        if not is_for_people(request):
            return problem
        # Neither switches nor links to the address itself: what somebody made up may lead elsewhere (`//other.example`)
        page = frame.answer(
            "lost.html",
            Browser(request, is_secure),
            status=problem.status_code,
            can_switch=False,
            told="lost_method" if problem.status_code == METHOD_NOT_ALLOWED else "lost_help",
        )
        if "allow" in problem.headers:
            page.headers["allow"] = problem.headers["allow"]
        return page

    async def answer_unrouted(request: Request, error: Any) -> Response:
        return shown(request, await answer_http_exception(request, error))

    async def answer_trust_error(request: Request, error: Any) -> Response:
        problem = problem_response(request, error)
        return shown(request, problem) if error.code == "ROUTE_UNKNOWN" else problem

    application.add_exception_handler(NOT_FOUND, answer_unrouted)
    application.add_exception_handler(METHOD_NOT_ALLOWED, answer_unrouted)
    application.add_exception_handler(TrustError, answer_trust_error)


def is_for_people(request: Request) -> bool:
    """Whether a browser shows the answer to somebody: it asks for a page, and not at an interface."""
    asked = request.headers.get("accept", "").lower().split(",")
    begins = request.url.path.lstrip("/").partition("/")[0]
    return begins not in FOR_PROGRAMS and any(each.partition(";")[0].strip() == "text/html" for each in asked)
