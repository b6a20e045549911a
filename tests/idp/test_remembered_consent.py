"""A consent that is remembered: for the claims and the purpose it was given for, in the capacity it was given in, and for nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.set_credentials import set_totp
from idp.model.registrations import EXCHANGE
from idp.model.tickets import TICKET_TYPE
from idp.tokens.exchange import ACCESS_TOKEN_TYPE
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.idp.test_sign_in_flow import now_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idp.model.people import Account

OFFICE = replace(BASE, client_id="office", is_own=False, purpose="To fill in your application", allowed_claims=("name",))
SCOPE = "openid profile phone identity"


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.add(BASE)
        found.add(OFFICE)
        yield found


@pytest.fixture(name="jia")
def person_fixture(clients: Clients) -> Account:
    return clients.town.person()


def agree(clients: Clients, browser: Browser, scope: str = SCOPE, **query: str) -> dict[str, Any]:
    """Tokens of the office, for which the person was asked."""
    browser.authorize("office", scope=scope, **query)
    if browser.heading == "Sign in":
        browser.log_in()
    assert browser.heading == "Your consent"
    browser.submit("consent")
    return dict(clients.redeem(browser.returned["code"], "office").json())


def said(browser: Browser) -> dict[str, str]:
    """The fields of the form by which the person agrees to the present page."""
    form = browser.answer.text.partition('/consent">')[2].partition("</form>")[0]
    return dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', form))


def told(clients: Clients, tokens: dict[str, Any]) -> set[str]:
    answer = clients.userinfo(tokens["access_token"])
    assert answer.status_code == 200, answer.text
    return set(answer.json())


def test_attack_a_client_that_may_learn_more_learns_what_was_agreed_to(clients: Clients, jia: Account) -> None:
    browser = Browser(clients.town.here)
    tokens = agree(clients, browser, claims=json.dumps({"id_token": {"name": None, "phone_number": None}}))
    assert told(clients, tokens) == {"sub", "name"}
    # 1. An administrator lets the office learn all that its scopes name: nobody has agreed to that
    clients.set(replace(OFFICE, allowed_claims=()))
    assert told(clients, tokens) == {"sub", "name"}
    tokens = dict(clients.token("office", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json())
    assert told(clients, tokens) == {"sub", "name"}
    said = clients.read(tokens["id_token"], "office")
    assert (said["name"], said.get("phone_number")) == (jia.name, None)
    # 2. Once the person has agreed, the same tokens tell it
    further = agree(clients, browser)
    assert told(clients, further) == told(clients, tokens) > {"sub", "name", "phone_number", "level"}


def test_attack_a_client_that_is_no_longer_our_own_learns_nothing_unasked(clients: Clients, jia: Account) -> None:
    browser = Browser(clients.town.here)
    tokens = clients.sign_in(browser, "own")
    assert "name" in told(clients, tokens)
    clients.set(replace(BASE, is_own=False))
    assert clients.userinfo(tokens["access_token"]).json() == {"sub": jia.account_id}
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "consent_required"


def test_attack_a_consent_to_one_purpose_is_none_to_another(clients: Clients, jia: Account) -> None:
    clients.set(replace(BASE, grant_types=(*BASE.grant_types, EXCHANGE)))
    office = replace(OFFICE, grant_types=(*BASE.grant_types, EXCHANGE))
    clients.set(office)
    browser = Browser(clients.town.here)
    agree(clients, browser)
    browser.authorize("office", scope=SCOPE, prompt="none")
    assert browser.returned["code"]
    tokens = clients.sign_in(browser, "own")
    kinds = {"subject_token_type": ACCESS_TOKEN_TYPE, "requested_token_type": TICKET_TYPE, "audience": "office", "scope": "openid profile"}
    wanted = {"grant_type": EXCHANGE, "subject_token": tokens["access_token"], **kinds}
    assert clients.token("own", **wanted).status_code == 200
    # 1. The office wants the data for something else: neither in the background, nor sent on by another, nor without a word
    clients.set(replace(office, purpose="To send you offers"))
    browser.authorize("office", scope=SCOPE, prompt="none")
    assert browser.returned["error"] == "consent_required"
    assert clients.token("own", **wanted).json()["code"] == "SCOPE_NOT_GRANTED"
    # 2. The person is asked, and sees what for
    browser.authorize("office", scope=SCOPE)
    assert "To send you offers" in browser.answer.text
    browser.submit("consent")
    assert browser.returned["code"]
    assert clients.token("own", **wanted).status_code == 200
    del jia


def test_a_further_consent_takes_nothing_from_one_before(clients: Clients, jia: Account) -> None:
    clients.set(replace(OFFICE, allowed_claims=()))
    browser = Browser(clients.town.here)
    first = agree(clients, browser, "openid profile")
    before = told(clients, first)
    second = agree(clients, browser, "openid phone")
    assert "phone_number" in told(clients, second)
    assert told(clients, first) == before
    browser.authorize("office", scope="openid profile phone", prompt="none")
    assert browser.returned["code"]
    del jia


def test_attack_a_consent_for_an_organisation_is_none_for_oneself(clients: Clients, jia: Account) -> None:
    town = clients.town
    agent = grant_agent(town.desk, town.organisation().account_id, jia.account_id, actor="test")
    browser = Browser(town.here)
    browser.authorize("office", scope=SCOPE)
    browser.log_in()
    assert browser.heading == "For whom do you act?"
    browser.submit("acting", acting_for=agent.organisation_id)
    assert browser.heading == "Your consent"
    # The organisation takes its leave back between the button and the page that comes next
    page = browser.path
    browser.send("POST", f"{page}/consent", data=said(browser))
    assert browser.answer.status_code == 303
    revoke_agent(town.desk, agent.agent_id, actor="test")
    browser.follow()
    assert browser.heading == "Your consent"
    browser.submit("consent")
    tokens = clients.redeem(browser.returned["code"], "office").json()
    assert clients.userinfo(tokens["access_token"]).json() == {"sub": jia.account_id, "name": jia.name}


@pytest.mark.parametrize(
    "other",
    [{"purpose": "To send you offers"}, {"allowed_claims": ("name", "phone_number", "id_number")}, {"tos_uri": "https://rp.example/terms"}],
    ids=["purpose", "claims", "terms"],
)
def test_attack_nobody_agrees_to_what_the_page_did_not_say(clients: Clients, jia: Account, other: dict[str, Any]) -> None:
    """The client becomes another between the page and the button, and once more between the button and the code."""
    browser = Browser(clients.town.here)
    browser.authorize("office", scope=SCOPE)
    browser.log_in()
    clients.set(replace(OFFICE, **other))
    browser.submit("consent")
    assert (browser.answer.status_code, browser.heading) == (409, "Your consent")
    assert "Something else is asked by now" in browser.answer.text
    place = browser.path.rpartition("/")[0]
    browser.send("POST", f"{place}/consent", data=said(browser))
    clients.set(replace(OFFICE, purpose="Something else again"))
    browser.follow()
    assert (browser.heading, "Something else again" in browser.answer.text) == ("Your consent", True)
    browser.send("POST", f"{place}/consent", data={name: value for name, value in said(browser).items() if name != "shown"})
    assert browser.answer.status_code == 409, "a yes to nothing"
    browser.submit("consent")
    assert told(clients, dict(clients.redeem(browser.returned["code"], "office").json())) == {"sub", "name"}
    del jia


def test_attack_a_yes_on_one_persons_page_is_none_of_another(clients: Clients, jia: Account) -> None:
    """Two windows of a browser that two persons share show one sign-in."""
    other = clients.town.person("yier", name="测试乙")
    browser = Browser(clients.town.here)
    browser.authorize("office", scope=SCOPE)
    browser.log_in()
    place, of_the_first = browser.path, said(browser)
    browser.send("POST", f"{place}/account", data={"csrf": browser.csrf, "another": "yes"})
    browser.follow()
    browser.log_in("yier")
    assert (browser.heading, "测试乙" in browser.answer.text) == ("Your consent", True)
    browser.send("POST", f"{place}/consent", data=of_the_first)
    assert browser.answer.status_code == 409
    browser.submit("consent")
    tokens = clients.redeem(browser.returned["code"], "office").json()
    assert clients.userinfo(tokens["access_token"]).json()["sub"] == other.account_id
    del jia


def test_attack_a_remembered_consent_of_an_organisation_is_none_for_oneself(clients: Clients, jia: Account) -> None:
    town = clients.town
    agent = grant_agent(town.desk, town.organisation().account_id, jia.account_id, actor="test")
    secret = set_totp(town.desk, jia.account_id, actor="test")
    browser = Browser(town.here)
    browser.authorize("office", scope=SCOPE)
    browser.log_in()
    browser.submit("acting", acting_for=agent.organisation_id)
    browser.submit("consent")
    assert browser.returned["code"]
    # The office asks for more than a password; while the person looks for his telephone the organisation takes its leave back
    browser.authorize("office", scope=SCOPE, acr_values="urn:yinxin:loa:3")
    assert browser.heading == "One more step"
    revoke_agent(town.desk, agent.agent_id, actor="test")
    browser.submit("code", code=now_code(town, secret))
    assert browser.heading == "Your consent"
    assert jia.name in browser.answer.text
