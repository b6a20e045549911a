"""The pages that every sign-in goes through, as plain ASGI: the framework's routing and parameters would cost as much as the pages themselves."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from idp.pages.session_pages import SESSIONS, show_sessions
from idp.pages.sign_in_pages import AUTHORIZE_PATH, AuthorizationEndpoint, show_sign_in, take_secret
from service_kit.composition import public
from service_kit.web_errors import CALLER_GONE, METHOD_NOT_ALLOWED, problem_response
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit

SIGN_IN_PATH: Final = "/sign-in/{sign_in_id}"


class PageEndpoint:
    """One page or form as an ASGI application, of one method; others hear 405. Who opens the address of a form itself, as by a reload of what it
    answered, comes to its page.
    """

    def __init__(self, pages: Pages, method: str, answer: Callable[[Pages, Visit], Awaitable[Response]]) -> None:
        self._pages = pages
        self._method = method
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if (scope["method"], self._method) == ("GET", "POST"):
            answer: Response = RedirectResponse(request.url.path.rpartition("/")[0], HTTPStatus.SEE_OTHER)
        elif scope["method"] != self._method:
            refusal = TrustError(Kind.NOT_FOUND, "METHOD_NOT_ALLOWED")
            answer = problem_response(request, refusal, status=METHOD_NOT_ALLOWED, further_headers={"Allow": self._method})
        else:
            try:
                answer = await self._answer(self._pages, self._pages.visit(request))
            except ClientDisconnect:
                answer = Response(status_code=CALLER_GONE)  # as the framework's routes have it: nobody reads it
        await answer(scope, receive, send)


def hot_pages(pages: Pages) -> tuple[Route, ...]:
    """The routes of them."""
    form = public("the form of a sign-in; it carries a token of its browser")
    steps = (
        (
            "GET",
            SESSIONS,
            public("people look where they are signed in; who is not, signs in first", is_step=True),
            show_sessions,
            "show_sessions",
        ),
        ("GET", SIGN_IN_PATH, public("people sign in here; the row is bound to their browser", is_step=True), show_sign_in, "show_sign_in"),
        ("POST", f"{SIGN_IN_PATH}/password", form, take_secret, "show_password"),
        ("POST", f"{SIGN_IN_PATH}/recovery", form, partial(take_secret, is_recovery=True), "show_recovery_code"),
    )
    return (
        Route(AUTHORIZE_PATH, AuthorizationEndpoint(pages), methods=("GET", "POST"), name="authorize"),
        *(
            Route(path, declare(PageEndpoint(pages, method, answer)), methods=(method,), name=name)
            for method, path, declare, answer, name in steps
        ),
    )
