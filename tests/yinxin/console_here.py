"""The console's pages in this process, opened in the name of a client with some scopes: what the pages do, without the way of signing in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import idp.service
from crypto.sealed_values import ValueSealer
from crypto.sm3 import hmac_sm3
from idp.actions.register_client import NewClient, register_client
from yinxin.console.sessions import SessionDesk, Tokens, begin_session
from yinxin.deployment import WEBHOOK_SECRETS_KEY

if TYPE_CHECKING:
    import httpx

    from tests.deployments import Here

HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')
GIVEN = {
    "holder_name": "张三（示例）",
    "holder_code": "11010519491231002X",
    "holder_code_type": "111",
    "field.KZ_address": "示例路1号",
    "forms": "pdf",
}
"""The form of a licence of the test's type, but for its days."""
ONCE = re.compile(r'name="once" value="([^"]+)"')


@dataclass
class Pages:
    """A browser that is signed in. ``token``: what the pages call the API with."""

    here: Here
    token: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, status: int = 200, *, language: str = "en") -> httpx.Response:
        return self._call("GET", path, status, language=language)

    def post(self, path: str, data: dict[str, Any] | None = None, *, status: int = 303, at: str = "", **what: Any) -> httpx.Response:
        """Send a form of the page ``at`` (the address itself where none is named)."""
        page = self.get(at or path).text
        given = {"csrf": HIDDEN.search(page)[1], **({"once": found[1]} if (found := ONCE.search(page)) else {})}  # type: ignore[index]
        return self._call("POST", path, status, data={**given, **(data or {})}, **what)

    def follow(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])

    def _call(self, method: str, path: str, status: int, *, language: str = "en", **what: Any) -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.here.http.request(method, path, headers={"cookie": cookies, "accept-language": language}, **what)
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        assert answer.status_code == status, (path, answer.status_code, told(answer.text))
        return answer


def told(html: str) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<main")[2] or html).split())[:3000]


def open_pages(here: Here, client_id: str, *scopes: str) -> Pages:
    """Pages for somebody with these scopes."""
    context = here.house.context
    new = NewClient(client_id, tuple(scopes), client_id=client_id, tokens_per_minute=6000)
    _, secret = register_client(idp.service.client_desk(context), new, actor="operator:test")
    answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)).json()
    sealer = ValueSealer(hmac_sm3(context.keystore.open_secret(WEBHOOK_SECRETS_KEY), b"yinxin console v1"))
    until = int(context.clock.now().timestamp()) + 3000
    tokens = Tokens(answer["access_token"], "", "", until, tuple(scopes), client_id, "王示例")
    cookie = begin_session(SessionDesk(context.database, context.clock, sealer), tokens)
    return Pages(here, answer["access_token"], {"yinxin-console": cookie})
