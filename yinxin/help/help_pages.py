"""The routes of ``/help`` and ``/docs``. Nothing on these pages is fetched from anywhere else, and every page works without scripts but the
one that tries the API.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import RedirectResponse

from service_kit.composition import public
from service_kit.page_frame.assets import ASSETS
from service_kit.page_frame.browser import Browser
from service_kit.page_frame.pages import PageFrame
from service_kit.problem_catalogue import all_texts, text_of
from service_kit.problems import LANGUAGES
from standards.errors import Kind, TrustError
from yinxin.help import search
from yinxin.help.contents import SECTIONS
from yinxin.help.library import INDEX, Library, folder_of_pages
from yinxin.help.rendering import ROOT, Rendered, linked, render
from yinxin.help.test_results import MATRIX, with_results
from yinxin.help.texts import TEXTS

if TYPE_CHECKING:
    from yinxin.help.library import Page

DOCUMENTATION: Final = public("documentation")
FIRST_CALL: Final = "tutorials/first-call"
_DAY: Final = {"cache-control": "public, max-age=86400"}
_API_FILES: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}  # of the package fastapi-offline
ASSETS.add_package("yinxin.help")


class HelpDesk:
    """The pages of one process."""

    def __init__(self, *, is_demo: bool, is_secure: bool) -> None:
        self.library = Library(folder_of_pages())
        self.frame = PageFrame("yinxin.help", TEXTS, is_demo=is_demo)
        self.is_secure = is_secure
        self.rendered = lru_cache(maxsize=256)(self._rendered)
        self.passages = lru_cache(maxsize=len(LANGUAGES))(self._passages)

    def _rendered(self, page: Page, language: str) -> Rendered:
        shown = with_results(page.text, self.library.test_results, language) if page.name == MATRIX else page.text
        return render(page, shown)

    def _passages(self, language: str) -> tuple[search.Passage, ...]:
        pages = (page for page in self.library.all_pages(language) if page.name != MATRIX)
        return (*(each for page in pages for each in search.passages_of(page)), *search.passages_of_codes(all_texts(), language))

    def browser(self, request: Request) -> Browser:
        """The request as pages see it."""
        return Browser(request, self.is_secure)

    def answer(self, browser: Browser, template: str, title: str, *, status: int = 200, **values: Any) -> Response:
        """A page in the reader's language, unless the reader is just changing it."""
        switched = browser.switched()
        if switched is not None:
            return switched
        language = browser.language
        values = {
            "current": "",
            "query": "",
            "other": LANGUAGES[1 - LANGUAGES.index(language)],
            "sections": [(section, self.library.groups(section, language)) for section in SECTIONS],
            **values,
        }
        return self.frame.answer(template, browser, status=status, title=title, **values)


def make_router(desk: HelpDesk) -> APIRouter:
    """The routes, for the composition to mount."""
    router = APIRouter(include_in_schema=False)

    @router.get(ROOT)
    @DOCUMENTATION
    def read_start(request: Request) -> Response:
        return _page(desk, request, INDEX)

    @router.get(f"{ROOT}/search")
    @DOCUMENTATION
    def search_pages(request: Request, q: str = "") -> Response:
        return _found(desk, request, q[: search.QUERY_CHARACTERS].strip(), 200)

    @router.get(f"{ROOT}/errors")
    @DOCUMENTATION
    def list_codes(request: Request) -> Response:
        browser = desk.browser(request)
        return desk.answer(browser, "errors.html", desk.frame.text("errors", browser.language), codes=all_texts())

    @router.get(f"{ROOT}/errors/{{code}}")
    @DOCUMENTATION
    def read_code(request: Request, code: str) -> Response:
        problem = text_of(code)
        if problem is None:
            return _nothing(desk, request, code)
        browser = desk.browser(request)
        told = {each: (Markup(linked(problem.cause(each))), Markup(linked(problem.remedy(each)))) for each in LANGUAGES}  # noqa: S704 - `linked` escapes
        return desk.answer(browser, "error.html", code, problem_text=problem, told=told)

    @router.get("/problems")
    @DOCUMENTATION
    def list_problems() -> Response:
        return RedirectResponse(f"{ROOT}/errors", 302)

    @router.get("/problems/{code}")
    @DOCUMENTATION
    def read_problem(code: str) -> Response:
        if text_of(code) is None:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        return RedirectResponse(f"{ROOT}/errors/{code}", 302)

    @router.get(f"{ROOT}/images/{{name}}")
    @DOCUMENTATION
    def read_picture(name: str) -> Response:
        picture = desk.library.picture(name)
        if picture is None:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        return Response(picture, media_type="image/png", headers=_DAY)

    @router.get(f"{ROOT}/{{name:path}}")
    @DOCUMENTATION
    def read_page(request: Request, name: str) -> Response:
        return _page(desk, request, name)

    @router.get("/docs")
    @DOCUMENTATION
    def read_api(request: Request) -> Response:
        browser = desk.browser(request)
        first = desk.library.find(FIRST_CALL, browser.language)
        return desk.answer(browser, "api.html", desk.frame.text("api_title", browser.language), first_call=first.title if first else "")

    @router.get("/docs/static/{name}")
    @DOCUMENTATION
    def read_api_file(name: str) -> Response:
        if name not in _API_FILES:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        return Response(files("fastapi_offline").joinpath("static", name).read_bytes(), media_type=_API_FILES[name], headers=_DAY)

    return router


def _page(desk: HelpDesk, request: Request, name: str) -> Response:
    browser = desk.browser(request)
    language = browser.language
    page = desk.library.find(name, language)
    if page is None:
        return _nothing(desk, request, name.rpartition("/")[2])
    rendered = desk.rendered(page, language)
    note = "" if page.language == language else desk.frame.text("only_english" if page.language == "en" else "only_chinese", language)
    return desk.answer(
        browser,
        "page.html",
        page.title,
        current=page.name,
        text_language="zh-CN" if page.language == "zh" else "en",
        note=note,
        html=Markup(rendered.html),  # noqa: S704 - rendered from CommonMark without HTML
        outline=rendered.outline,
    )


def _nothing(desk: HelpDesk, request: Request, wanted: str) -> Response:
    """No such page: what is nearest to it by the words of its address."""
    query = " ".join(wanted[: search.QUERY_CHARACTERS].replace("-", " ").replace("_", " ").split())
    return _found(desk, request, query, 404)


def _found(desk: HelpDesk, request: Request, query: str, status: int) -> Response:
    browser = desk.browser(request)
    found = search.find(query, desk.passages(browser.language))
    title = desk.frame.text("search", browser.language)
    return desk.answer(browser, "search.html", title, status=status, query=query, found=found)
