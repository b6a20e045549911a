"""What applications keep without the person there: told on his own page, outlives every session, and ends when he takes it back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idp.actions.end_session import end_all_sessions
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.model.people import AccountKind
from idp.model.registrations import DEVICE
from idp.model.tickets import TICKET_TYPE
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.idp.test_devices import begin, poll, sign_in_for
from tests.idp.test_token_exchange import EXCHANGE, exchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

OFFLINE = "openid profile offline_access"


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.town.person("bing", name="测试丙")
        grants = (*BASE.grant_types, DEVICE, EXCHANGE)
        for name in ("calendar", "reader"):
            found.add(replace(BASE, client_id=name, is_own=False, grant_types=grants, person_scopes=("seal.read", "seal.use")))
        found.add(replace(BASE, client_id="portal", grant_types=grants))
        yield found


def let_keep(clients: Clients, browser: Browser, client: str, scope: str = OFFLINE, login: str = "jia") -> dict[str, str]:
    browser.authorize(client, scope=scope, prompt="consent")
    if browser.heading == "Sign in":
        browser.log_in(login)
    browser.submit("consent")
    return dict(clients.redeem(browser.returned["code"], client).json())


def refresh(clients: Clients, client: str, tokens: dict[str, str]) -> httpx.Response:
    return clients.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def take_back(browser: Browser, client: str) -> None:
    browser.go("/sessions")
    browser.send("POST", "/sessions/take-back", data={"csrf": browser.csrf, "client": client})
    assert browser.answer.headers["location"] == "/sessions"
    browser.go("/sessions")


def test_what_outlives_the_sessions_is_told_and_can_be_taken_back(clients: Clients) -> None:
    browser, other = Browser(clients.town.here), Browser(clients.town.here)
    kept = let_keep(clients, other, "calendar")
    within = let_keep(clients, other, "reader", "openid profile")
    browser.go("/sessions")
    browser.log_in()
    # 1. The page says so, before anything ends: with the name of the application alone, and not of one that ends with its session
    assert "Applications that may go on without you" in browser.answer.text
    assert "Ending sessions or signing out does not stop them" in browser.answer.text
    assert 'value="calendar"' in browser.answer.text
    assert 'value="reader"' not in browser.answer.text
    # 2. All other sessions end: what hangs on them too, and the other is there still and can be seen
    browser.submit("end-others")
    assert refresh(clients, "reader", within).json()["error"] == "invalid_grant"
    kept = refresh(clients, "calendar", kept).json()
    browser.go("/sessions")
    assert 'value="calendar"' in browser.answer.text
    # 3. Taken back: refresh and access tokens count no more, with the very next request, and the consent behind them is gone
    assert clients.userinfo(kept["access_token"]).status_code == 200
    take_back(browser, "calendar")
    assert "Applications that may go on without you" not in browser.answer.text
    assert refresh(clients, "calendar", kept).json()["error"] == "invalid_grant"
    assert clients.userinfo(kept["access_token"]).status_code == 401
    browser.authorize("calendar", scope="openid profile")
    assert browser.heading == "Your consent"
    assert [json.loads(entry)["facts"] for entry in clients.town.audited("access.take-back")] == [{"client": "calendar", "grants": 1}]


def test_attack_nobody_takes_back_what_others_gave(clients: Clients) -> None:
    his = let_keep(clients, Browser(clients.town.here), "calendar")
    hers = let_keep(clients, Browser(clients.town.here), "calendar", login="bing")
    browser = Browser(clients.town.here)
    browser.go("/sessions")
    browser.log_in("bing")
    for client in ("reader", "nobody", ""):
        take_back(browser, client)
        assert 'value="calendar"' in browser.answer.text
    assert clients.town.audited("access.take-back") == []
    browser.send("POST", "/sessions/take-back", data={"csrf": "x", "client": "calendar"})
    assert browser.answer.status_code == 403
    take_back(browser, "calendar")
    assert refresh(clients, "calendar", hers).json()["error"] == "invalid_grant"
    assert refresh(clients, "calendar", his).status_code == 200


def test_attack_a_grant_written_past_the_program_hides_no_other_and_ends(clients: Clients) -> None:
    let_keep(clients, Browser(clients.town.here), "calendar")
    kept = let_keep(clients, Browser(clients.town.here), "reader")
    clients.town.desk.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_grants SET created_at = created_at - 1 WHERE client_id = 'calendar'")
    )
    browser = Browser(clients.town.here)
    browser.go("/sessions")
    browser.log_in()
    for client in ("calendar", "reader"):
        assert f'value="{client}"' in browser.answer.text
    take_back(browser, "reader")
    take_back(browser, "calendar")
    assert "may go on without you" not in browser.answer.text
    assert refresh(clients, "reader", kept).json()["error"] == "invalid_grant"


def test_attack_an_application_goes_on_in_no_open_session_with_what_was_taken_back(clients: Clients) -> None:
    browser, other = Browser(clients.town.here), Browser(clients.town.here)
    beside = let_keep(clients, other, "reader", "openid seal.use")
    here = let_keep(clients, browser, "calendar", "openid seal.use")
    there = let_keep(clients, other, "calendar", "openid profile seal.use")
    let_keep(clients, browser, "calendar", "openid offline_access")
    take_back(browser, "calendar")
    for tokens in (here, there):
        assert not clients.is_let_in(tokens)
        assert refused(refresh(clients, "calendar", tokens)) == (400, "invalid_grant", "GRANT_ENDED")
    assert refresh(clients, "reader", beside).status_code == 200
    assert json.loads(clients.town.audited("access.take-back")[0])["facts"] == {"client": "calendar", "grants": 3}


def waiting(clients: Clients, browser: Browser, scope: str) -> tuple[str, str, str]:
    """What an application was let have and has not fetched yet: a code, the code of a device, a trust ticket."""
    browser.authorize("calendar", scope=scope)
    code = browser.returned["code"]
    device = begin(clients, "calendar", scope=scope)
    assert sign_in_for(clients, device["user_code"], browser).heading == "The device is connected"
    portal = clients.sign_in(browser, "portal", scope="openid profile")["access_token"]
    ticket = exchange(clients, "portal", portal, requested_token_type=TICKET_TYPE, audience="calendar").json()["access_token"]
    return code, device["device_code"], ticket


def test_attack_what_waits_to_be_redeemed_does_not_bring_back_what_was_taken_back(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    let_keep(clients, browser, "calendar")
    code, device, ticket = waiting(clients, browser, OFFLINE)
    take_back(browser, "calendar")
    ended = (400, "invalid_grant", "GRANT_ENDED")
    assert refused(clients.redeem(code, "calendar")) == ended
    assert refused(poll(clients, device, "calendar")) == ended
    assert refused(exchange(clients, "calendar", ticket, kind=TICKET_TYPE)) == ended
    # Where he has let it have less since, it gets that, and only while he is there
    let_keep(clients, browser, "calendar")
    code, device, ticket = waiting(clients, browser, OFFLINE)
    take_back(browser, "calendar")
    let_keep(clients, browser, "calendar", "openid")
    tokens = clients.redeem(code, "calendar").json()
    assert tokens["scope"] == "openid"
    assert poll(clients, device, "calendar").json()["scope"] == "openid"
    assert exchange(clients, "calendar", ticket, kind=TICKET_TYPE).json()["scope"] == "openid"
    account_id = str(json.loads(clients.town.audited("access.take-back")[0])["actor"]).removeprefix("account:")
    end_all_sessions(clients.town.desk, account_id, actor="test")
    assert refused(refresh(clients, "calendar", tokens)) == ended


def test_attack_an_office_that_grows_after_the_yes_grows_no_device(clients: Clients) -> None:
    """An agent is shown what he can give. What his organisation grants him before the device asks is a new question."""
    desk, asked = clients.town.desk, "openid seal.read seal.use"
    person = clients.town.person("ding", name="测试丁").account_id
    firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id
    narrow = grant_agent(desk, firm, person, scopes=("seal.read",), actor="test")
    device = begin(clients, "calendar", scope=asked)
    browser = Browser(clients.town.here)
    browser.go("/device")
    browser.submit("device", user_code=device["user_code"])
    browser.submit("confirm")
    browser.log_in("ding")
    browser.submit("acting", acting_for=firm)
    assert "see your seals" in browser.answer.text
    assert "seal documents" not in browser.answer.text
    browser.submit("consent")
    revoke_agent(desk, narrow.agent_id, actor="test")
    grant_agent(desk, firm, person, scopes=("seal.read", "seal.use"), actor="test")
    assert poll(clients, device["device_code"], "calendar").json()["scope"] == "openid seal.read"
