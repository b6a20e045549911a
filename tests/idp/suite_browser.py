"""The browser of the OpenID conformance suite, as its documentation describes the ``browser`` section of a configuration: without scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

if TYPE_CHECKING:
    from tests.deployments import Here


@dataclass
class Form:
    """A form of a page; ``has_button``: whether anything in it can be pressed."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    has_button: bool = False


class Page(HTMLParser):
    """What such a browser sees of a page: its forms and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._is_inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.forms.append(Form(given["action"]))
            self._is_inside = True
        elif tag == "input" and self._is_inside:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button" and self._is_inside:
            self.forms[-1].has_button = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())


class StepsError(AssertionError):
    """The steps do not fit the pages."""


def _fits(pattern: str, url: str) -> bool:
    return fnmatchcase(url, re.sub(r"([\[?])", r"[\1]", pattern))  # only the star is anything else than itself


@dataclass
class SuiteBrowser:
    """One module's browser: its cookies, where it is, what came back to the suite, and which page was kept in place of a screenshot."""

    here: Here
    base_url: str
    entries: list[dict[str, Any]]
    cookies: dict[str, str] = field(default_factory=dict)
    url: str = ""
    page: Page = field(default_factory=lambda: Page(""))
    came: dict[str, str] = field(default_factory=dict)
    by_post: bool = False
    kept: list[str] = field(default_factory=list)
    visits: dict[int, int] = field(default_factory=dict)

    def open(self, path: str, method: str = "GET", placeholder: bool = False, **query: str) -> SuiteBrowser:
        """Open an address, as the suite does, and do what the entry for it says. ``placeholder``: whether the module waits for a screenshot."""
        url = f"{self.base_url}{path}?{urlencode(query)}"
        self.came, self.kept = {}, []
        for number, entry in enumerate(self.entries):
            limit = entry.get("match-limit")
            if not _fits(entry["match"], url) or (limit is not None and self.visits.get(number, 0) >= limit):
                continue
            self.visits[number] = self.visits.get(number, 0) + 1
            self._go(method, url.partition("?")[0] if method == "POST" else url, query if method == "POST" else None)
            for task in entry["tasks"]:
                self._do(task, placeholder=placeholder)
            return self
        raise StepsError(f"nothing to do at {url}")

    def _do(self, task: dict[str, Any], *, placeholder: bool) -> None:
        if not _fits(task.get("match", "*"), self.url):
            if not task.get("optional"):
                raise StepsError(f"{task['task']}: at {self.url}: {self.page.text}")
            return
        for name, kind, target, *rest in task.get("commands", []):
            if name == "wait":
                self._wait(kind, target, rest, placeholder=placeholder)
            elif name == "text":
                forms = [form for form in self.page.forms if target in form.fields]
                if forms:
                    forms[0].fields[target] = rest[0]
                elif rest[1:] != ["optional"]:
                    raise StepsError(f"{task['task']}: no field {target}")
            else:
                self._click(target, is_optional=rest == ["optional"])

    def _wait(self, kind: str, target: str, rest: list[Any], *, placeholder: bool) -> None:
        if kind == "id":
            assert (target, self.base_url not in self.url) == ("submission_complete", True), self.url
            return
        assert (kind, target) == ("xpath", "//*")
        _, pattern, action = rest
        if not re.search(pattern, self.page.text):
            raise StepsError(f"no {pattern} on {self.page.text}")
        if placeholder:
            self.kept.append(self.page.text)
        elif action != "update-image-placeholder-optional":
            raise StepsError("nothing waits for a screenshot")

    def _click(self, target: str, *, is_optional: bool) -> None:
        found = re.fullmatch(r"form(?:\[action\$='([^']+)'\])? button", target)
        assert found, target
        forms = [form for form in self.page.forms if form.has_button and form.action.endswith(found[1] or "")]
        if forms:
            self._go("POST", urljoin(self.url, forms[0].action), forms[0].fields)
        elif not is_optional:
            raise StepsError(f"nothing to press at {self.url}")

    def _go(self, method: str, url: str, form: dict[str, str] | None = None) -> None:
        self.url = url
        if not url.startswith(self.base_url + "/"):  # back at the suite
            self.by_post = method == "POST"
            self.came = dict(form or {}) if self.by_post else {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            return None
        headers = {"accept-language": "en-US", "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        path = url.removeprefix(self.base_url)
        sent = (
            {} if form is None else {"content": urlencode(form), "headers": headers | {"content-type": "application/x-www-form-urlencoded"}}
        )
        answer = self.here.http.request(method, path, **{"headers": headers, **sent})
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status_code == 303:
            return self._go("GET", urljoin(url, answer.headers["location"]))
        self.page = Page(answer.text)
        return None
