"""A redirect address that its client has registered no more gets no code from the next moment on, whatever had begun before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

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
