"""The addresses of signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002 - a plain endpoint's argument
from starlette.routing import Route

from service_kit.composition import public
from standards.errors import Kind, TrustError
from yinxin.console.api_calls import ApiProblem
from yinxin.console.client import SIGNED_IN, SIGNED_OUT
from yinxin.console.console import HOME, SIGN_IN, own_path, problem_of_error
from yinxin.console.forms import read_plain_form

if TYPE_CHECKING:
    from starlette.responses import Response

    from service_kit.page_frame.browser import Browser
    from yinxin.console.console import Console

SIGN_OUT = "/console/sign-out"


def add_pages(console: Console) -> None:
    """Add them."""

    def refused(browser: Browser, problem: ApiProblem, to: str) -> Response:
        return console.frame.answer("sign_in_failed.html", browser, status=problem.status, problem=problem, to=to)

    @public("people begin to sign in here", is_step=True)
    async def begin(request: Request) -> Response:
        browser = console.browser(request)
        to = own_path(request.query_params.get("to", "")) or HOME
        try:
            return browser.go(await console.sign_in.begin(browser, to))
        except TrustError as error:
            return refused(browser, problem_of_error(error, browser.language), to)

    @public("the identity provider sends people back here with a code that only this browser can use", is_step=True)
    async def finish(request: Request) -> Response:
        browser = console.browser(request)
        begun = console.sign_in.begun(browser, request.query_params.get("state", ""))
        if begun is None:  # begun in another tab, or long ago
            return refused(browser, problem_of_error(TrustError(Kind.NOT_FOUND, "SIGN_IN_UNKNOWN"), browser.language), HOME)
        if request.query_params.get("iss", console.sign_in.issuer) != console.sign_in.issuer or "code" not in request.query_params:
            return refused(browser, problem_of_error(TrustError(Kind.FORBIDDEN, "SIGN_IN_REFUSED"), browser.language), begun.to)
        try:
            await console.sign_in.finish(browser, begun, request.query_params["code"])
        except ApiProblem as problem:
            return refused(browser, problem, begun.to)
        except TrustError as error:
            return refused(browser, problem_of_error(error, browser.language), begun.to)
        return browser.go(begun.to)

    @public("a form with a token of its browser")
    async def leave(request: Request) -> Response:
        browser = console.browser(request)
        try:
            form = await read_plain_form(request)
            browser.check_token(form.get("csrf"))
        except TrustError as error:
            return refused(browser, problem_of_error(error, browser.language), HOME)
        return browser.go(await console.sign_in.leave(browser))

    @public("says that it is done")
    async def left(request: Request) -> Response:
        browser = console.browser(request)
        switched = browser.switched()
        return switched if switched is not None else console.frame.answer("signed_out.html", browser)

    console.routes += [
        Route(SIGN_IN, begin, methods=["GET"], include_in_schema=False),
        Route(SIGNED_IN, finish, methods=["GET"], include_in_schema=False),
        Route(SIGN_OUT, leave, methods=["POST"], include_in_schema=False),
        Route(SIGNED_OUT, left, methods=["GET"], include_in_schema=False),
    ]
