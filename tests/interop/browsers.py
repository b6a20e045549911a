"""A browser without scripts: follows links and fills in forms, over real sockets, across servers."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx

if TYPE_CHECKING:
    from contextlib import ExitStack


class Person:
    """One person's browser. ``base_url``: of the deployment under test."""

    def __init__(self, base_url: str, stack: ExitStack) -> None:
        client = httpx.Client(follow_redirects=True, timeout=60, headers={"accept-language": "en"})
        client.event_hooks = {"response": [self._trust_loopback]}
        self.http = stack.enter_context(client)
        self.base_url = base_url
        self.page = httpx.Response(200)

    def _trust_loopback(self, _response: httpx.Response) -> None:
        """To browsers loopback is as good as https: cookies marked secure go there."""
        for cookie in self.http.cookies.jar:
            cookie.secure = False

    @property
    def at(self) -> str:
        return str(self.page.url)

    def go(self, path: str) -> None:
        self.page = self.http.get(urljoin(self.base_url, path))

    def submit(self, **fields: str) -> None:
        """Send the first form of the page."""
        found = re.search(r"<form([^>]*)>(.*?)</form>", self.page.text, re.S)
        assert found, self.page.text
        action = re.search(r'action="([^"]+)"', found[1])
        assert action
        hidden = {
            html.unescape(name[1]): html.unescape(value[1])
            for each in re.findall(r"<input[^>]*>", found[2])
            if (name := re.search(r'name="([^"]*)"', each)) and (value := re.search(r'value="([^"]*)"', each))
        }
        self.page = self.http.post(urljoin(self.at, html.unescape(action[1])), data={**hidden, **fields})

    def leave_for(self, upstream: str) -> None:
        """From the sign-in page to another provider's."""
        self.go("/links")
        button = re.search(rf'href="(/sign-in/[^"]+/upstream/{upstream})"', self.page.text)
        assert button, self.page.text
        self.go(button[1])

    @property
    def is_signed_in(self) -> bool:
        self.go("/sessions")
        return "Where you are signed in" in self.page.text
