"""Where pages are registered: each behind the session of who is signed in, each with the scope without which it makes no sense."""

from __future__ import annotations

import re
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import anyio.to_thread
from starlette.routing import Route

from service_kit.admission import Admission
from service_kit.composition import public
from service_kit.page_frame.browser import NOTICE_COOKIE, Browser
from service_kit.problem_catalogue import text_of
from service_kit.problems import LANGUAGES, STATUS
from standards.errors import Kind, TrustError
from yinxin.console.api_calls import ApiCalls, ApiProblem
from yinxin.console.forms import RETRY_AFTER_SECONDS, UPLOAD_BYTES, UPLOADS_AT_ONCE, brings_files
from yinxin.console.sign_in import BEGUN_SECONDS
from yinxin.console.visit import NOT_DONE, Person, Visit
from yinxin.scope_texts import SCOPE_TEXTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import httpx
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from crypto.sealed_values import ValueSealer
    from service_kit.admission import Held
    from service_kit.page_frame.pages import PageFrame
    from yinxin.console.drafts import Drafts
    from yinxin.console.sessions import Session
    from yinxin.console.sign_in import SignIn

    Again = Callable[[Visit, Mapping[str, str], ApiProblem], Awaitable[Response]]

HOME: Final = "/console"
SIGN_IN: Final = "/console/sign-in"
BY_SESSION: Final = "people who are signed in here; a page asks the API in their name"
"""The reason of every page behind a session: what a person may do is decided by the API that the page calls."""
SECTIONS: Final = ("home", "seals", "licences", "checks", "audit", "clients", "system")
AGAIN_COOKIE: Final = "yinxin-console-again"
AGAIN_SECONDS: Final = 60
_READING: Final = frozenset({"GET", "HEAD"})
_FORBIDDEN: Final = 403
_PART: Final = re.compile(
    r"[A-Za-z0-9_-]+(?:[.:][A-Za-z0-9_-]+)*"
)  # identifiers, numbers of versions and names of rights: nothing that leads elsewhere


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One entry of the menu. ``key``: of its text; shown to whom one of ``needs`` is granted, to everybody where it is empty."""

    section: str
    key: str
    path: str
    needs: tuple[str, ...] = ()
    icon: str = ""


def _uploads() -> Admission:
    return Admission(places=UPLOADS_AT_ONCE, bytes_max=UPLOAD_BYTES, retry_after_seconds=RETRY_AFTER_SECONDS)


@dataclass(slots=True)
class Console:
    """The pages of one process. ``calls``: the client of the API; ``sign_in``: sessions and their tokens. ``is_secure``: reached by https.
    ``drafts``: documents that are about to be sealed. ``uploads``: how much may arrive at once in forms with files, and how many are worked on.
    """

    frame: PageFrame
    sign_in: SignIn
    sealer: ValueSealer
    is_secure: bool
    calls: httpx.AsyncClient
    drafts: Drafts
    uploads: Admission = field(default_factory=_uploads)
    routes: list[BaseRoute] = field(default_factory=list)
    entries: list[MenuEntry] = field(default_factory=list)

    def page(
        self,
        path: str,
        methods: Sequence[str] = ("GET",),
        needs: str | Sequence[str] | None = None,
        *,
        frame: PageFrame | None = None,
        kept: Sequence[str] = (),
        again: Again | None = None,
    ) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
        """Register ``async def endpoint(visit, **path)``. ``needs``: one of these scopes; ``frame``: other templates than the console's.
        ``kept``: fields of its form that its address takes, too: the way back from a refusal leads there with what was chosen.
        ``again``: shows its form with what arrived of one whose files are refused on the way.
        """
        wanted = (needs,) if isinstance(needs, str) else tuple(needs or ())

        def register(endpoint: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
            @public(BY_SESSION)
            async def answer(request: Request) -> Response:
                return await self._answer(request, endpoint, wanted, frame or self.frame, kept, again)

            self.routes.append(
                Route(path, answer, methods=list(methods), include_in_schema=False, name=getattr(endpoint, "__name__", path))
            )
            return endpoint

        return register

    def menu(self, section: str, key: str, path: str, needs: str | Sequence[str] = (), *, icon: str = "") -> None:
        """Enter a page into the menu."""
        if section not in SECTIONS:
            raise ValueError(section)
        self.entries.append(MenuEntry(section, key, path, (needs,) if isinstance(needs, str) else tuple(needs), icon or section))

    def menu_for(self, scopes: Iterable[str]) -> list[tuple[str, list[MenuEntry]]]:
        """The sections that have something for who carries these scopes."""
        held = frozenset(scopes)
        shown = [entry for entry in self.entries if not entry.needs or held.intersection(entry.needs)]
        sections = [(section, [entry for entry in shown if entry.section == section]) for section in SECTIONS]
        return [(section, entries) for section, entries in sections if entries]

    def browser(self, request: Request) -> Browser:
        """The request as pages see it."""
        return Browser(request, self.is_secure, self.sealer)

    async def _answer(
        self,
        request: Request,
        endpoint: Callable[..., Awaitable[Response]],
        needs: tuple[str, ...],
        frame: PageFrame,
        kept: Sequence[str],
        again: Again | None,
    ) -> Response:
        browser = self.browser(request)
        # 1. Language and size of type are anybody's to choose
        if request.method in _READING:
            switched = browser.switched()
            if switched is not None:
                return switched
        # 2. Who is it
        session = await anyio.to_thread.run_sync(self.sign_in.session_of, browser)
        if session is None:
            return self.to_sign_in(browser)
        visit = self._visit(browser, frame, session)
        # 3. The page; a sign-in that ended meanwhile begins again
        try:
            if needs and not visit.may(*needs):  # before the form: of who may not send it nothing is read
                told = [SCOPE_TEXTS.get(scope, (scope, scope))[LANGUAGES.index(visit.language)] for scope in needs]
                return visit.render("no_access.html", status=_FORBIDDEN, wanted=list(zip(needs, told, strict=True)))
            with self._holding(visit) as held:  # until the page is done with what was sent
                if request.method not in _READING:
                    await visit.form(held=held)
                if not all(_PART.fullmatch(part) for part in request.path_params.values()):  # they become parts of the API's addresses
                    raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
                return await endpoint(visit, **request.path_params)
        except ApiProblem as problem:
            if not problem.is_signed_out:
                return self.refuse(visit, problem, kept)
            await anyio.to_thread.run_sync(self.sign_in.forget, browser, session)
            if browser.cookie(AGAIN_COOKIE):  # it has just been signed in: going round would not end
                error = TrustError(Kind.UNAVAILABLE, "SIGNED_OUT_AGAIN")
                return self.frame.answer(
                    "sign_in_failed.html", browser, status=503, problem=problem_of_error(error, browser.language), to=HOME
                )
            browser.set_cookie(AGAIN_COOKIE, "1", seconds=AGAIN_SECONDS)
            return self.to_sign_in(browser)
        except TrustError as error:
            refused = problem_of_error(error, visit.language)
            if again is not None and visit.is_form_ours():
                with suppress(ApiProblem):  # what the form is about cannot be shown now: the refusal is told alone
                    return await again(visit, visit.arrived.fields, refused)
            return self.refuse(visit, refused, kept)

    def _holding(self, visit: Visit) -> AbstractContextManager[Held | None]:
        """What the files of a form are counted by: one person has one share of what may arrive at once. TOO_BUSY."""
        is_upload = visit.request.method not in _READING and brings_files(visit.request)
        return self.uploads.take(visit.person.holder) if is_upload else nullcontext()

    def _visit(self, browser: Browser, frame: PageFrame, session: Session) -> Visit:
        present = [session]

        async def token() -> str:
            present[0] = await self.sign_in.renewed(present[0])
            return present[0].tokens.access

        tokens = session.tokens
        api = ApiCalls(self.calls, token, browser.language, getattr(browser.request.state, "request_id", ""))
        return Visit(self, browser, frame, Person(tokens.subject, tokens.name), frozenset(tokens.scopes), api)

    def to_sign_in(self, browser: Browser) -> Response:
        """Sign in first, and come back to this page; a form that was sent leads back to the page it belongs to."""
        request = browser.request
        there = request.url.path if request.method == "GET" else self._page_of(request.url.path)
        if request.method == "GET" and request.url.query:
            there += f"?{request.url.query}"
        elif request.method not in _READING:
            browser.set_cookie(NOTICE_COOKIE, NOT_DONE, seconds=BEGUN_SECONDS)
        return browser.go(f"{SIGN_IN}?to={quote(there, safe='')}")

    def _page_of(self, path: str) -> str:
        """The page that a form was sent from, by where it was sent to: that address, or the nearest above it that is a page."""
        while path and not self._has_page(path):
            path = path.rpartition("/")[0]
        return path or HOME

    def _has_page(self, path: str) -> bool:
        return any(isinstance(route, Route) and "GET" in (route.methods or ()) and route.path_regex.match(path) for route in self.routes)

    def refuse(self, visit: Visit, problem: ApiProblem, kept: Sequence[str] = ()) -> Response:
        """The page that tells a problem, with a way back. ``kept``: as in ``page``."""
        is_form, arrived = visit.request.method != "GET", visit.arrived.fields
        path = self._page_of(visit.request.url.path)
        chosen = urlencode({name: arrived[name] for name in kept if _PART.fullmatch(arrived.get(name, ""))})
        there = f"{path}?{chosen}" if chosen else path
        back = there if is_form else visit.request.headers.get("referer", "")
        return visit.render("problem.html", problem=problem, back=own_path(back) or HOME)


def own_path(address: str) -> str:
    """The path of an address on this site, empty for any other: where somebody is sent back to is never up to others."""
    if "://" in address and not address.startswith("/"):  # in a path it is a value of its query
        address = "/" + address.partition("://")[2].partition("/")[2]
    is_own = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable() and "\\" not in address
    return address if is_own and len(address) <= 500 else ""


def problem_of_error(error: TrustError, language: str) -> ApiProblem:
    """What went wrong on this side of the API, told like what goes wrong behind it."""
    text = text_of(error.code)
    told = (text.title(language), text.cause(language), text.remedy(language)) if text else (error.code, "", "")
    return ApiProblem(STATUS[error.kind], error.code, *told, dict(error.facts))
