"""Pages in the shared frame: templates of one package, texts of one table, and the frame's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from service_kit.page_frame.assets import ASSETS
from service_kit.page_frame.browser import CONTENT_SECURITY_POLICY, CSRF_FIELD
from service_kit.page_frame.texts import TEXTS as FRAME_TEXTS
from service_kit.problems import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from service_kit.page_frame.browser import Browser

Texts = dict[str, tuple[str, str]]


class PageFrame:
    """Templates and texts of one package. ``texts``: key -> (Chinese, English); a template that asks for one that is missing fails."""

    def __init__(self, loader_package: str, texts: Mapping[str, tuple[str, str]], *, is_demo: bool = False) -> None:
        self.texts: Texts = {**FRAME_TEXTS}
        self.is_demo = is_demo
        self.add_texts(texts)
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(loader_package), PackageLoader("service_kit.page_frame")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = ASSETS.url

    def add_texts(self, texts: Mapping[str, tuple[str, str]]) -> None:
        """Take further texts. A key that says something else already is a mistake (ValueError), except that a package may rename the frame's."""
        for key, pair in texts.items():
            if key in self.texts and self.texts[key] != pair and key not in FRAME_TEXTS:
                raise ValueError(f"two texts are called {key}")
            self.texts[key] = pair

    def text(self, key: str, /, language: str, **facts: object) -> str:
        """What a key says. ``facts`` fill its braces."""
        said = self.texts[key][LANGUAGES.index(language)]
        return said.format(**facts) if facts else said

    def render(self, template: str, browser: Browser, /, **values: Any) -> str:
        """The page's HTML. Templates see ``t``, ``language``, ``hidden()`` (the hidden fields of each form) and what is passed."""
        language = browser.language
        return self._environment.get_template(template).render(
            {
                "t": partial(self.text, language=language),
                "has_text": self.texts.__contains__,
                "language": language,
                "is_large": browser.is_large,
                "is_demo": self.is_demo,
                "path": browser.request.url.path,
                "address": lambda **changes: browser.address(changes),
                "hidden": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, browser.token()),
                "can_switch": browser.request.method == "GET",
                "problem": None,
                "notice": "",
                "script": "",
                **values,
            }
        )

    def answer(
        self, template: str, browser: Browser, /, *, status: int = 200, policy: str = CONTENT_SECURITY_POLICY, **values: Any
    ) -> Response:
        """The page as an answer with its headers and cookies."""
        headers = {
            "content-security-policy": policy,
            "cache-control": "no-store",
            "content-language": "zh-CN" if browser.language == "zh" else "en",
        }
        return browser.with_cookies(HTMLResponse(self.render(template, browser, **values), status, headers=headers))
