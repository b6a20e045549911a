"""The demonstration's simulated upstream: the whole way through it, and that it exists nowhere else."""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.connectors.simulator import MISBEHAVIOURS, PATH, PERSONS, SLOW_SECONDS
from idp.model.requests import ClientProfile
from idp.pages import simulator_pages
from service_kit.bounded_calls import Answer
from service_kit.outbound import TIMEOUT_SECONDS
from standards.gb11643_resident_id import read_resident_id
from standards.gb32100_credit_code import read_credit_code
from tests.deployments import HttpHere, make_deployment, served_here
from tests.idp.people import Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Loop:
    """Calls to the deployment itself, without a socket."""

    here: HttpHere | None = None

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def call(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"", **_: object) -> Answer:
        assert Loop.here is not None
        came = Loop.here.request(method, url.removeprefix("http://127.0.0.1:8600"), headers=dict(headers or {}), content=content)
        return Answer(came.status_code, dict(came.headers), came.content)


@pytest.fixture(scope="module", name="town")
def town_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    protocol = Registered({"own": ClientProfile("own", "Own portal", is_own=True)})
    folder = make_deployment(tmp_path_factory.mktemp("simulator") / "deployment", demo=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
        patch.setattr(idp.service, "Outbound", Loop)
        with served_here(folder) as here:
            Loop.here = here.http
            yield settle(here, protocol)


def to_simulator(town: Town) -> Browser:
    browser = Browser(town.here)
    browser.authorize("own")
    found = re.search(r'href="(/sign-in/[^"]+/upstream/simulator)"', browser.answer.text)
    assert found
    browser.send("GET", found[1])
    browser.send("GET", local(browser.answer.headers["location"]))
    assert browser.heading == "Simulated upstream"
    return browser


def local(address: str) -> str:
    assert address.startswith("http://127.0.0.1:8600/")
    return address.removeprefix("http://127.0.0.1:8600")


def choose(browser: Browser, subject: str, misbehaviour: str = "") -> str:
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', browser.answer.text))
    browser.send("POST", f"{PATH}/authorize", data={**fields, "subject": subject, "misbehaviour": misbehaviour})
    back = local(browser.answer.headers["location"])
    browser.go(back)
    return back


def test_each_person_of_the_simulator_can_come(town: Town) -> None:
    for subject, person in PERSONS.items():
        browser = to_simulator(town)
        assert "nobody here exists" in browser.answer.text
        assert "Demonstration" in browser.answer.text
        choose(browser, subject)
        if "organizations" in person:
            assert browser.heading == "For whom do you act?"
            browser.submit("acting", acting_for="")
        assert browser.returned["code"]
        assert town.protocol.issued[-1].acr == f"urn:yinxin:loa:{person['level'][1]}"
        if "idnum" in person:
            (read_resident_id if person["usertype"] == "1" else read_credit_code)(person["idnum"])


@pytest.mark.parametrize("misbehaviour", [each for each in MISBEHAVIOURS[1:] if each not in {"state", "broken", "slow"}])
def test_each_misbehaviour_ends_in_a_refusal(town: Town, misbehaviour: str) -> None:
    browser = to_simulator(town)
    choose(browser, "sim-2", misbehaviour)
    assert browser.answer.status_code == 401
    assert browser.heading == "Sign in"
    assert "Answer of the upstream not accepted" in browser.answer.text


def test_an_answer_to_another_sign_in_and_a_provider_that_is_out_of_order(town: Town) -> None:
    browser = to_simulator(town)
    choose(browser, "sim-2", "state")
    assert (browser.answer.status_code, "SIGN_IN_UNKNOWN" in browser.answer.text) == (404, True)
    browser = to_simulator(town)
    choose(browser, "sim-2", "broken")
    assert (browser.answer.status_code, browser.heading) == (503, "Sign in")


def test_it_is_as_slow_as_it_was_asked_to_be(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes of slow providers is tested with calls that give up; those here wait."""
    monkeypatch.setattr(simulator_pages, "SLOW_SECONDS", 0.3)
    browser, began = to_simulator(town), time.monotonic()
    choose(browser, "sim-2", "slow")
    assert time.monotonic() - began >= 0.3
    assert SLOW_SECONDS > 2 * TIMEOUT_SECONDS


def test_signing_out_goes_by_the_simulator(town: Town) -> None:
    browser = to_simulator(town)
    choose(browser, "sim-2")
    browser.go("/logout")
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
    browser.send("GET", local(browser.answer.headers["location"]))
    browser.follow()
    assert browser.heading == "You are signed out"


def test_what_the_simulator_refuses(town: Town) -> None:
    browser = to_simulator(town)
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', browser.answer.text))
    for wrong in ({"subject": "nobody"}, {"misbehaviour": "explode"}, {"redirect_uri": "https://evil.example/"}, {"csrf": "x"}):
        browser.send("POST", f"{PATH}/authorize", data={**fields, "subject": "sim-2", "misbehaviour": "", **wrong})
        assert browser.answer.status_code in {403, 422}
    browser.send("GET", f"{PATH}/authorize?client_id=other")
    assert browser.answer.status_code == 422
    http = town.here.http
    metadata: dict[str, Any] = http.get(f"{PATH}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == f"http://127.0.0.1:8600{PATH}"
    assert len(http.get(f"{PATH}/jwks").json()["keys"]) == 1
    assert http.post(f"{PATH}/token", data={"code": "x"}).status_code == 400
    secret = base64.b64encode(b"yinxin-demo:" + town.desk.vault.sealer.find(b"client secret", "idp.simulator").hex().encode()).decode()
    for data in ({"code": "x"}, {"code": "%%%"}, {}):
        assert http.post(f"{PATH}/token", data=data, headers={"authorization": f"Basic {secret}"}).status_code == 400
    assert http.post(f"{PATH}/token", data={"code": "x" * 20_000}).status_code == 422
    assert http.get(f"{PATH}/userinfo", headers={"authorization": "Bearer x"}).status_code == 401


def test_outside_of_demonstrations_there_is_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    with served_here(make_deployment(tmp_path_factory.mktemp("real") / "deployment", services=["idp"])) as here:
        for path in ("authorize", "jwks", ".well-known/openid-configuration"):
            assert here.http.get(f"{PATH}/{path}").status_code == 404
        browser = Browser(here)
        browser.go("/links")
        assert browser.heading == "Sign in"
        assert "upstream" not in browser.answer.text
