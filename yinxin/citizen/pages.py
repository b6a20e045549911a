"""The citizen's pages put together: their own templates and texts in the common frame, behind the console's session."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from licence_vault.uses import SCOPE_OWN
from service_kit.page_frame.assets import ASSETS
from service_kit.page_frame.pages import PageFrame
from standards.errors import Kind, TrustError
from yinxin.citizen import copy_pages, data_pages, licence_pages, showing_pages, trust_pages, use_pages
from yinxin.citizen.plain_problems import tell_plainly
from yinxin.citizen.texts import TEXTS
from yinxin.console.api_calls import ApiProblem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

    Endpoint = Callable[..., Awaitable[Response]]

PACKAGE: Final = "yinxin.citizen"
_ID: Final = re.compile(r"[a-z]{2}_[0-9a-f]{24}")
_NOT_KNOWN: Final = "LICENCE_HOLDER_UNKNOWN"
ASSETS.add_package(PACKAGE)


class CitizenPages:
    """Registers pages of this package: for who may see what is his own, with a page of its own for who is not verified yet."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._frame = PageFrame(PACKAGE, TEXTS, is_demo=console.frame.is_demo)

    def page(self, path: str, methods: Sequence[str] = ("GET",)) -> Callable[[Endpoint], Endpoint]:
        """As ``Console.page``."""

        def register(endpoint: Endpoint) -> Endpoint:
            @wraps(endpoint)
            async def answer(visit: Visit, **parts: Any) -> Response:
                if not all(_ID.fullmatch(each) for each in parts.values()):  # they become parts of the API's addresses
                    raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
                try:
                    return await endpoint(visit, **parts)
                except ApiProblem as problem:
                    if problem.code != _NOT_KNOWN:
                        raise tell_plainly(visit, problem) from None
                    return visit.render("unknown.html")

            return self._console.page(path, methods, needs=SCOPE_OWN, frame=self._frame)(answer)

        return register


def add_pages(console: Console) -> None:
    """All of them."""
    pages = CitizenPages(console)
    for part in (licence_pages, showing_pages, use_pages, trust_pages, copy_pages, data_pages):
        part.add_pages(pages)
