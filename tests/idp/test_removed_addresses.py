"""An address that its client has registered no more gets nothing, no code, no refusal and nobody who signs out, from the next moment on, whatever had begun before."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idp.actions.change_client_status import change_client_status
from idp.actions.register_cas_services import register_cas_services
from idp.model.cas import CasRegistration
from idp.model.clients import ClientStatus
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(BASE)
        yield found


MOVED = replace(BASE, redirect_uris=("https://rp.example/moved",))


def test_attack_a_sign_in_under_way_does_not_lead_to_an_address_taken_away(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("own")
    clients.set(MOVED)
    browser.log_in()
    assert (browser.answer.status_code, browser.heading) == (422, "This cannot go on")
    assert "location" not in browser.answer.headers
    assert "AUTHORIZATION_REFUSED" in browser.answer.text
    with clients.town.desk.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_codes").scalar_one() == 0
    browser.authorize("own", redirect_uri="https://rp.example/moved")
    browser.log_in()
    assert browser.answer.headers["location"].startswith("https://rp.example/moved?code=")


def test_attack_a_code_that_went_to_an_address_taken_away_is_worth_nothing(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("own")
    browser.log_in()
    code = browser.returned["code"]
    clients.set(MOVED)
    refused = clients.redeem(code)
    assert (refused.status_code, refused.json()["code"]) == (400, "CODE_INVALID")
    clients.set(BASE)
    again = clients.redeem(code)
    assert again.status_code == 200, again.text


@pytest.mark.clause("RFC 6749 4.1.2.1", "RFC 9700 4.11")
def test_attack_a_refusal_goes_to_no_address_taken_away(clients: Clients) -> None:
    """Who lost an address must not be sent people by a sign-in that began before: also not with an error, and whatever ends it."""
    cancels, waits = Browser(clients.town.here), Browser(clients.town.here)
    cancels.authorize("own")
    waits.authorize("own", prompt="none")
    assert waits.returned["error"] == "login_required"
    waits.authorize("own")
    clients.set(MOVED)
    cancels.submit("cancel")
    assert (cancels.answer.status_code, cancels.heading) == (422, "This cannot go on")
    assert "location" not in cancels.answer.headers
    cancels.follow()
    assert "location" not in cancels.go(cancels.path.rpartition("/")[0]).headers, "nor when the page is loaded again"
    # The address comes back, and with it the answer
    clients.set(BASE)
    waits.submit("cancel")
    assert waits.returned["error"] == "access_denied"


def test_attack_signing_out_leads_to_no_address_taken_away(clients: Clients) -> None:
    registered = replace(BASE, post_logout_redirect_uris=("https://rp.example/bye",))
    for is_taken_away in (False, True):
        clients.set(registered)
        browser = Browser(clients.town.here)
        clients.sign_in(browser)
        browser.go("/logout", client_id="own", post_logout_redirect_uri="https://rp.example/bye", state="x")
        fields = dict(re.findall(r'name="(target[a-z_]*)" value="([^"]*)"', browser.answer.text))
        if is_taken_away:
            clients.set(replace(BASE, post_logout_redirect_uris=()))
        browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes", **fields})
        assert browser.answer.headers["location"] == ("/logout/done" if is_taken_away else "https://rp.example/bye?state=x")


def test_attack_a_service_of_cas_that_is_registered_no_more_gets_nobody(clients: Clients) -> None:
    app = "https://office.example/app"
    register_cas_services(clients.desk, "own", CasRegistration((app,), ()), actor="test")
    under_way, asks_to_leave = Browser(clients.town.here), Browser(clients.town.here)
    under_way.go("/cas/login", service=app)
    under_way.log_in()
    assert under_way.answer.headers["location"].startswith(app + "?ticket=ST-")
    asks_to_leave.go("/cas/login", service=app)
    signed_in, leaving = Browser(clients.town.here), under_way
    signed_in.go("/cas/login", service=app)
    leaving.go("/cas/logout", service=app)
    fields = dict(re.findall(r'name="(target[a-z_]*)" value="([^"]*)"', leaving.answer.text))
    register_cas_services(clients.desk, "own", CasRegistration(("https://office.example/moved",), ()), actor="test")
    signed_in.log_in()
    assert (signed_in.answer.status_code, signed_in.heading) == (422, "This cannot go on")
    assert "location" not in signed_in.answer.headers
    asks_to_leave.submit("cancel")
    assert "location" not in asks_to_leave.answer.headers
    leaving.send("POST", "/logout", data={"csrf": leaving.csrf, "confirm": "yes", **fields})
    assert leaving.answer.headers["location"] == "/logout/done"


def test_attack_a_client_that_was_disabled_gets_nobody_back(clients: Clients) -> None:
    """Neither with a code nor with a refusal, whatever had begun before; and as before once it is let in again."""
    cancels, signs_in = Browser(clients.town.here), Browser(clients.town.here)
    for each in (cancels, signs_in):
        each.authorize("own")
    change_client_status(clients.desk, "own", ClientStatus.DISABLED, actor="test")
    cancels.submit("cancel")
    signs_in.log_in()
    for each in (cancels, signs_in):
        assert (each.answer.status_code, each.heading) == (404, "This cannot go on")
        assert "location" not in each.answer.headers
    change_client_status(clients.desk, "own", ClientStatus.ACTIVE, actor="test")
    again = Browser(clients.town.here)
    again.authorize("own")
    again.submit("cancel")
    assert again.returned["error"] == "access_denied"
