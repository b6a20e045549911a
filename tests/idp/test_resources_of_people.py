"""Resource indicators (RFC 8707) of tokens about people: a token is for what the person was asked for, or there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idp.model.registrations import DEVICE
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS, OTHER = "https://records.example", "https://other.example"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("resources") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(replace(BASE, grant_types=(*BASE.grant_types, DEVICE)), audiences=(RECORDS, OTHER))
        yield found


def code(clients: Clients, **query: str) -> str:
    browser = Browser(clients.town.here)
    browser.authorize("own", **query)
    browser.log_in()
    return browser.returned["code"]


@pytest.mark.clause("RFC 8707 2.2")
@pytest.mark.parametrize("asked", [{}, {"resource": RECORDS}])
def test_attack_no_token_for_another_resource_than_was_asked_for(clients: Clients, asked: dict[str, str]) -> None:
    own = asked.get("resource", clients.town.desk.issuer)
    for_code = code(clients, **asked)
    for other in {OTHER, RECORDS, clients.town.desk.issuer, "no address"} - {own}:
        refused = clients.redeem(for_code, resource=other)
        assert (refused.status_code, refused.json()["error"], refused.json()["code"]) == (400, "invalid_target", "RESOURCE_NOT_GRANTED")
    # Nothing was spent by that
    tokens = clients.redeem(for_code, resource=own).json()
    assert clients.read(tokens["access_token"], own)["aud"] == own
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert clients.token("own", **form, resource=OTHER).json()["error"] == "invalid_target"
    tokens = clients.token("own", **form, resource=own).json()
    assert clients.read(tokens["access_token"], own)["aud"] == own
    tokens = clients.token("own", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert clients.read(tokens["access_token"], own)["aud"] == own


@pytest.mark.clause("RFC 8707 2.2")
def test_attack_no_token_of_a_device_for_another_resource(clients: Clients) -> None:
    http = clients.http
    begun = http.post("/oauth2/device_authorization", data={"scope": "openid"}, auth=("own", clients.secrets["own"])).json()
    browser = Browser(clients.town.here)
    browser.go("/device")
    browser.submit("device", user_code=begun["user_code"])
    browser.submit("confirm", user_code=begun["user_code"])
    browser.log_in()
    form = {"grant_type": DEVICE, "device_code": begun["device_code"]}
    assert clients.token("own", **form, resource=RECORDS).json()["error"] == "invalid_target"
    assert clients.token("own", **form, resource=clients.town.desk.issuer).status_code == 200
