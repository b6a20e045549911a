"""Somebody at the pages of a deployment in this process: cookies, forms and their tokens as a browser keeps them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from tests.browser.people import PASSWORD
from tests.deployments import HttpHere

if TYPE_CHECKING:
    import httpx

    from tests.deployments import Here

HOPS_MAX = 12


class Surfer:
    """One browser. ``page``: the last answer."""

    def __init__(self, here: Here, language: str = "zh-CN") -> None:
        self._base_url = here.house.context.settings.base_url
        self.http = HttpHere(here.application, self._base_url)
        self._language = language
        self.page: httpx.Response

    def __enter__(self) -> Surfer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.http.close()

    @property
    def text(self) -> str:
        """The page as read, with entities resolved."""
        return html.unescape(self.page.text)

    @property
    def at(self) -> str:
        """Where the page is."""
        return str(self.page.url).removeprefix(self._base_url)

    def get(self, path: str, *, follow: bool = True, **arguments: Any) -> httpx.Response:
        self.page = self.http.get(path, headers={"accept-language": self._language}, **arguments)
        for _ in range(HOPS_MAX):
            if not follow or not self.page.is_redirect:
                return self.page
            self.page = self.http.get(self.page.headers["location"], headers={"accept-language": self._language})
        raise AssertionError("it goes round and round")

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.page.text)
        return found[1] if found else ""

    def once(self) -> str:
        found = re.search(r'name="once" value="([^"]+)"', self.page.text)
        return found[1] if found else ""

    def post(self, path: str, fields: dict[str, Any] | None = None, *, follow: bool = True, **arguments: Any) -> httpx.Response:
        """A form of the present page."""
        data = {"csrf": self.csrf(), "once": self.once(), **(fields or {})}
        headers = {"accept-language": self._language, **arguments.pop("headers", {})}
        self.page = self.http.post(path, data=data, headers=headers, **arguments)
        if follow and self.page.is_redirect:
            self.get(self.page.headers["location"])
        return self.page

    def sign_in(self, login: str, password: str = PASSWORD, to: str = "/console", code: str = "") -> Surfer:
        self.get(to)
        action = re.search(r'action="([^"]+/password)"', self.page.text)
        assert action, self.page.text
        self.post(action[1], {"login": login, "password": password})
        if code:
            self.post(action[1].replace("/password", "/code"), {"code": code})
        return self
