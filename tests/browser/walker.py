"""Somebody with a browser of his own: walks through pages, and every page is looked at on the way.

No page may have an error in its console, break its content security policy, ask for anything outside the deployment, fail axe (WCAG 2.2 AA) or be
wider than its window. ``YINXIN_SHOTS`` names a folder for pictures of what was seen.
"""

from __future__ import annotations

import base64
import os
import re
import time
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.credentials.one_time_codes import STEP_SECONDS, code_at
from tests.browser.people import PASSWORD

if TYPE_CHECKING:
    from types import TracebackType

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
SHOWN: dict[str, int] = {}  # the last step of which a code was shown, by secret
SEEN: set[tuple[str, int, str]] = set()
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@lru_cache(maxsize=1)
def axe_script() -> str:
    """axe-core, from the package that carries it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


class Walkers:
    """Makes walkers and closes them."""

    def __init__(self, browser: Browser, url: str, accounts: Any = ()) -> None:
        self._browser = browser
        self._accounts: dict[str, dict[str, str]] = {each["login"]: each for each in accounts}
        self._url = url
        self._made: list[Walker] = []

    def __enter__(self) -> Walkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        try:
            wrongs = [wrong for walker in self._made for wrong in walker.wrongs]
            if kind is None:
                assert not wrongs, "\n".join(wrongs)
        finally:
            for walker in self._made:
                walker.context.close()

    def anybody(self, *, narrow: bool = False, dark: bool = False, script: bool = True, language: str = "zh-CN") -> Walker:
        """Somebody who is not signed in."""
        context = self._browser.new_context(
            base_url=self._url,
            viewport=NARROW if narrow else WIDE,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            locale=language,
            service_workers="block",
        )
        walker = Walker(context, self._url, has_script=script)
        self._made.append(walker)
        return walker

    def person(self, login: str, password: str = PASSWORD, *, to: str = "/console", **how: Any) -> Walker:
        """Somebody who signs in at the console: of ``tests.browser.people``, or of the demonstration's own, administrators with two factors."""
        own = self._accounts.get(login, {})
        walker = self.anybody(**how)
        walker.sign_in(login, own.get("password", password), to, own.get("totp_secret", ""))
        return walker


class Walker:
    """One browser window."""

    def __init__(self, context: BrowserContext, url: str, *, has_script: bool) -> None:
        self.context = context
        self.url = url
        self.wrongs: list[str] = []
        self._has_script = has_script
        self.page: Page = context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrongs.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            self.wrongs.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.wrongs.append(f"{self.page.url} asks for {request.url}")

    def sign_in(self, login: str, password: str = PASSWORD, to: str = "/console", totp_secret: str = "") -> None:
        """Through the sign-in pages, as anybody does."""
        self.page.goto(to)
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        if totp_secret:
            # The code of the step after: that of this one may have been shown by another walker, and counts once
            shown = SHOWN.get(totp_secret, 0)
            step = max(int(time.time()) // STEP_SECONDS, shown + 1)
            SHOWN[totp_secret] = step
            self.page.fill("input[name=code]", code_at(base64.b32decode(totp_secret), step))
            self.page.press("input[name=code]", "Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def goto(self, path: str, name: str = "") -> Page:
        """Visit a page and look at it."""
        self.page.goto(path)
        self.look(name)
        return self.page

    def look(self, name: str = "") -> None:
        """Hold the present page to the rules."""
        page = self.page
        if not self._has_script:
            self.shoot(name)
            return
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if wide[0] > wide[1]:
            self.wrongs.append(f"{page.url} is {wide[0]} wide in a window of {wide[1]}")
        kind = (re.sub(r"(?<=/)[a-z]{2}_[0-9a-z]{20,}", "ID", urlsplit(page.url).path), wide[1], page.locator("main").inner_text()[:40])
        if kind in SEEN:  # once for each page in each size: what it says differs, how it is built does not
            self.shoot(name)
            return
        SEEN.add(kind)
        # Not through the page's own policy: the tool is no part of the page
        page.evaluate(axe_script())
        found = page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", list(RULES)
        )
        for each in found["violations"]:
            self.wrongs.append(f"{page.url}: {each['id']}: {[node['target'] for node in each['nodes']][:4]}")
        self.shoot(name)

    def shoot(self, name: str) -> None:
        """Keep a picture, where somebody wants to look."""
        folder = os.environ.get("YINXIN_SHOTS")
        if folder and name:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def press(self, text: str) -> None:
        """Press a button by its words and wait for the next page."""
        self.follow(self.page.get_by_role("button", name=text, exact=True).first)

    def follow(self, where: Locator) -> None:
        """Click what leads elsewhere and be there: a state asked for after the click may still be that of the page before."""
        with self.page.expect_navigation(wait_until="load"):
            where.click()
