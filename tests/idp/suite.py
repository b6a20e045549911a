"""The client of the OpenID conformance suite, as our own tests of its modules play it: with a browser, in either response mode."""

from __future__ import annotations

import html
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, BYE, Clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

BYE_WITH_QUERY = "https://rp.example/bye?from=city"
SUITE = replace(
    BASE,
    client_id="suite",
    is_pkce_required=False,  # the Basic plan sends no challenge
    post_logout_redirect_uris=(BYE, BYE_WITH_QUERY),
    redirect_uris=(CALLBACK, CALLBACK + "?dummy1=lorem"),
)


@dataclass
class Module:
    """The client of the suite, in one response mode, with a browser that may be signed in."""

    clients: Clients
    mode: str
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.clients.town.here)

    def ask(self, client: str = "suite", method: str = "GET", /, **changes: str) -> Module:
        """Open the authorization endpoint; an empty value leaves a parameter out."""
        given = {"client_id": client, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "s", "nonce": "n"}
        given |= {"response_mode": self.mode} | changes
        sent = {name: value for name, value in given.items() if value}
        if method == "POST":
            self.browser.send("POST", "/authorize", data=sent)
            self.browser.follow()
        else:
            self.browser.go("/authorize", **sent)
        return self

    def log_in(self, login: str = "jia") -> Module:
        assert self.browser.heading == "Sign in", self.browser.answer.text
        self.browser.log_in(login)
        return self

    @property
    def returned(self) -> dict[str, str]:
        """What came to the redirect address, in the way that was asked for."""
        answer = self.browser.answer
        if self.mode == "query":
            return self.browser.returned
        assert answer.status_code == 200, answer.text
        assert f'method="post" action="{CALLBACK}' in html.unescape(answer.text)
        return {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text)}

    def redeem(self, client: str = "suite", /, **changes: str) -> dict[str, Any]:
        came = self.returned
        assert (came["state"], came["iss"]) == ("s", self.clients.town.desk.issuer)
        form = {"grant_type": "authorization_code", "code": came["code"], "redirect_uri": CALLBACK, **changes}
        answer = self.clients.token(client, **form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def id_token(self, tokens: dict[str, Any]) -> dict[str, Any]:
        return self.clients.read(tokens["id_token"], "suite")


@contextmanager
def served_suite(folder: Path) -> Iterator[Clients]:
    """A deployment with two people and the clients of the suite."""
    with served_here(make_deployment(folder, services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.town.person("bing", name="测试丙")
        found.add(SUITE)
        found.add(replace(SUITE, client_id="suite-post", token_endpoint_auth_method="client_secret_post"))
        found.add(replace(SUITE, client_id="asking", is_own=False, purpose="To fill in your application"))
        yield found


def moving(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """What moves the deployment's clock on."""
    clock = type(clients.town.here.house.clock)
    now = clock.now

    def move(seconds: int) -> None:
        monkeypatch.setattr(clock, "now", lambda self: now(self) + timedelta(seconds=seconds))

    return move
