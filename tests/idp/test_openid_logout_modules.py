"""The modules of the OpenID suite's plan for RP-initiated logout, by their names."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.idp.people import Browser
from tests.idp.suite import BYE_WITH_QUERY, Module, moving, served_suite
from tests.idp.test_code_flow import BYE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.idp.test_code_flow import Clients


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_suite(tmp_path_factory.mktemp("modules") / "deployment") as found:
        yield found


@pytest.fixture
def later(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Move the deployment's clock on."""
    return moving(clients, monkeypatch)


@dataclass
class Leaving:
    """A signed-in browser whose client asks to sign it out."""

    module: Module
    tokens: dict[str, Any]

    def leave(self, method: str = "GET", /, **parameters: str) -> httpx.Response:
        sent = {name: value for name, value in parameters.items() if value}
        browser = self.module.browser
        if method == "POST":
            return browser.send("POST", "/logout", data=sent)
        return browser.send("GET", str(httpx.URL("/logout", params=sent)))

    @property
    def is_signed_in(self) -> bool:
        return "code" in self.module.ask(prompt="none").returned


@pytest.fixture
def leaving(clients: Clients) -> Leaving:
    module = Module(clients, "query")
    return Leaving(module, module.ask().log_in().redeem())


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(clients: Clients) -> None:
    said = clients.http.get("/.well-known/openid-configuration").json()
    assert said["end_session_endpoint"] == clients.town.desk.issuer + "/logout"


@pytest.mark.clause("OIDC RPInitiated 2", "OIDC RPInitiated 3")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_oidcc_rp_initiated_logout(leaving: Leaving, method: str) -> None:
    answer = leaving.leave(method, id_token_hint=leaving.tokens["id_token"], post_logout_redirect_uri=BYE, state="x y&z")
    assert answer.headers["location"] == BYE + "?state=x+y%26z"
    assert not leaving.is_signed_in
    assert leaving.module.clients.userinfo(leaving.tokens["access_token"]).status_code == 401


def test_oidcc_rp_initiated_logout_expired_hint(leaving: Leaving, later: Callable[[int], None]) -> None:
    later(3600)
    answer = leaving.leave(id_token_hint=leaving.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert answer.headers["location"] == BYE


@pytest.mark.clause("OIDC RPInitiated 4")
@pytest.mark.parametrize("address", ["https://evil.example/", BYE + "/more", BYE + "?foo=bar", "javascript:alert(1)"])
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(leaving: Leaving, address: str) -> None:
    answer = leaving.leave(id_token_hint=leaving.tokens["id_token"], post_logout_redirect_uri=address, state="s")
    assert (answer.status_code, leaving.module.browser.heading) == (200, "Sign out?")
    assert leaving.is_signed_in, "a request that is not as its client meant it ends nothing without the person's yes"
    browser = leaving.module.browser
    leaving.leave(id_token_hint=leaving.tokens["id_token"], post_logout_redirect_uri=address, state="s")
    assert address not in browser.answer.text
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
    assert browser.answer.headers["location"] == "/logout/done"
    assert not leaving.is_signed_in


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(leaving: Leaving) -> None:
    answer = leaving.leave(id_token_hint=leaving.tokens["id_token"], post_logout_redirect_uri=BYE_WITH_QUERY, state="s")
    assert answer.headers["location"] == BYE_WITH_QUERY + "&state=s"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda token: token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"), id="modified-id-token-hint"),
        pytest.param(lambda _: "not a token", id="bad-id-token-hint"),
        pytest.param(lambda _: "", id="no-id-token-hint"),
    ],
)
def test_oidcc_rp_initiated_logout_hints_that_prove_nothing(leaving: Leaving, damage: Callable[[str], str]) -> None:
    answer = leaving.leave(id_token_hint=damage(leaving.tokens["id_token"]), post_logout_redirect_uri=BYE, state="s")
    assert answer.status_code == 200
    assert leaving.module.browser.heading == "Sign out?"
    assert leaving.is_signed_in, "nothing ends without the person's yes"
    leaving.leave(id_token_hint=damage(leaving.tokens["id_token"]), post_logout_redirect_uri=BYE)
    browser = leaving.module.browser
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
    assert browser.answer.headers["location"] == "/logout/done"
    assert not leaving.is_signed_in


@pytest.mark.parametrize("state", ["", "only-state"], ids=["oidcc-rp-initiated-logout-no-params", "oidcc-rp-initiated-logout-only-state"])
def test_oidcc_rp_initiated_logout_without_anything(leaving: Leaving, state: str) -> None:
    assert leaving.leave(state=state).status_code == 200
    assert leaving.module.browser.heading == "Sign out?"
    assert leaving.is_signed_in


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(leaving: Leaving) -> None:
    assert leaving.leave(id_token_hint=leaving.tokens["id_token"]).headers["location"] == "/logout/done"
    assert not leaving.is_signed_in


def test_oidcc_rp_initiated_logout_no_state(leaving: Leaving) -> None:
    answer = leaving.leave(id_token_hint=leaving.tokens["id_token"], post_logout_redirect_uri=BYE)
    assert answer.headers["location"] == BYE


def test_the_hint_of_another_client_names_no_address(leaving: Leaving) -> None:
    answer = leaving.leave(id_token_hint=leaving.tokens["id_token"], client_id="asking", post_logout_redirect_uri=BYE)
    assert answer.headers.get("location", "") != BYE
    payload = leaving.tokens["id_token"].split(".")[1]
    assert json.loads(urlsafe_b64decode(payload + "=="))["aud"] == "suite"


@pytest.mark.clause("OIDC RPInitiated 2")
@pytest.mark.parametrize("client", ["asking", "nobody"])
def test_attack_the_hint_of_another_client_ends_nothing_without_the_persons_yes(leaving: Leaving, client: str) -> None:
    answer = leaving.leave(id_token_hint=leaving.tokens["id_token"], client_id=client)
    assert (answer.status_code, leaving.module.browser.heading) == (200, "Sign out?")
    assert leaving.is_signed_in
    leaving.leave(id_token_hint=leaving.tokens["id_token"], client_id="suite")
    assert not leaving.is_signed_in


def test_attack_a_sign_out_by_a_form_of_the_clients_site_ends_what_it_is_about(leaving: Leaving) -> None:
    """Browsers send no cookies of ours along with such a POST: it is looked at again where they do, and nobody is sent off believing himself signed out."""
    asked = {"id_token_hint": leaving.tokens["id_token"], "client_id": "suite", "post_logout_redirect_uri": BYE, "state": "x y&z"}
    browser, without = leaving.module.browser, Browser(leaving.module.clients.town.here)
    answer = without.send("POST", "/logout", data={**asked, "confirm": "", "lang": "zh"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (303, False)
    assert answer.headers["location"] == "/logout?" + str(httpx.QueryParams(asked))
    assert leaving.module.clients.userinfo(leaving.tokens["access_token"]).status_code == 200
    assert browser.send("GET", answer.headers["location"]).headers["location"] == BYE + "?state=x+y%26z"
    assert not leaving.is_signed_in
    # A form of ours that comes without cookies is still none of ours; who is signed in nowhere goes where he would have gone
    assert without.send("POST", "/logout", data={**asked, "confirm": "yes", "csrf": "x"}).status_code == 403
    assert without.send("GET", answer.headers["location"]).headers["location"] == BYE + "?state=x+y%26z"
