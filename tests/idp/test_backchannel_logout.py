"""Clients hear that a session has ended, by a notice they can check, and by no other way than the operator allows."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.actions.end_session import end_all_sessions, end_session
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.model.clients import ClientStatus
from idp.model.people import AccountKind
from idp.model.registrations import EXCHANGE, Registration
from idp.model.tickets import TICKET_TYPE
from idp.tokens.exchange import ACCESS_TOKEN_TYPE
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.service_kit.receivers import Receiver, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class World(Clients):
    """Clients that are told."""

    rp: Receiver

    def ended(self, *clients: str) -> dict[str, Any]:
        """A session in which these clients signed somebody in, ended by an administrator; what the clients got, by client."""
        browser = Browser(self.town.here)
        tokens = [self.sign_in(browser, client) for client in clients]
        self.rp.received.clear()
        session = json.loads(jws.extract_compact(tokens[0]["id_token"].encode()).payload)["sid"]
        end_session(self.town.desk, session, actor="test")
        self.deliver()
        return {
            client: (json.loads(jws.extract_compact(got["id_token"].encode()).payload), got)
            for client, got in zip(clients, tokens, strict=True)
        }

    def deliver(self) -> None:
        (logouts,) = self.town.here.house.context.outbox.beside
        while logouts.run_once():
            pass

    def notices(self) -> dict[str, dict[str, Any]]:
        """The notices that came, checked by a library of others, by client."""
        keys = KeySet.import_key_set(self.http.get("/oauth2/jwks").json())
        found = {}
        for each in self.rp.received:
            token = parse_qs(each.body.decode())["logout_token"][0]
            assert jws.extract_compact(token.encode()).headers()["typ"] == "logout+jwt"
            claims = jwt.decode(token, keys, algorithms=["ES256", "RS256"]).claims
            found[claims["aud"]] = claims
        return found

    def recorded(self, action: str) -> list[dict[str, Any]]:
        with self.town.here.house.context.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT entry FROM kit_audit WHERE action = ? ORDER BY position", (action,)).all()
        return [json.loads(bytes(row[0])) for row in rows]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = make_deployment(tmp_path_factory.mktemp("told") / "deployment", **{"outbound.networks": ["127.0.0.0/8"]})
    with receiver() as rp, served_here(folder) as here:
        here.house.context.outbox.stop()  # delivered by the tests themselves, when they look
        found = World(settle(here, Registered()))
        found.rp = rp
        found.town.person()
        told = replace(BASE, backchannel_logout_uri=rp.url)
        found.add(replace(told, client_id="one"))
        found.add(replace(told, client_id="two", id_token_signed_response_alg="RS256", subject_type="pairwise"))
        found.add(replace(BASE, client_id="deaf"))
        found.add(replace(BASE, client_id="sends", grant_types=("authorization_code", EXCHANGE)))
        found.add(Registration("lands", grant_types=(EXCHANGE,), is_own=True, backchannel_logout_uri=rp.url))
        found.add(replace(BASE, client_id="inner", backchannel_logout_uri="https://10.255.0.1/logout"))
        yield found


@pytest.mark.clause("OIDC BackChannel 2.4")
def test_every_client_of_a_session_is_told_by_its_own_notice(world: World) -> None:
    world.rp.status = 200
    sessions = world.ended("one", "two", "deaf")
    notices = world.notices()
    assert set(notices) == {"one", "two"}
    for client, claims in notices.items():
        identity = sessions[client][0]
        assert (claims["iss"], claims["sub"], claims["sid"]) == (identity["iss"], identity["sub"], identity["sid"])
        assert claims["events"] == {EVENT: {}}
        assert 0 < claims["exp"] - claims["iat"] <= 120
        assert "nonce" not in claims
    assert notices["one"]["sub"] != notices["two"]["sub"], "each by the name it knows"
    assert notices["one"]["jti"] != notices["two"]["jti"]
    assert world.rp.received[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert [each["outcome"] for each in world.recorded("logout.tell")][-2:] == ["done", "done"]


def test_who_was_sent_on_by_a_ticket_is_signed_out_where_he_landed_too(world: World) -> None:
    world.rp.status = 200
    first = world.sign_in(None, "sends", scope="openid")
    shown = {"grant_type": EXCHANGE, "subject_token": first["access_token"], "subject_token_type": ACCESS_TOKEN_TYPE}
    ticket = world.token("sends", **shown, requested_token_type=TICKET_TYPE, audience="lands").json()["access_token"]
    landed = world.token("lands", grant_type=EXCHANGE, subject_token=ticket, subject_token_type=TICKET_TYPE).json()
    identity = json.loads(jws.extract_compact(landed["id_token"].encode()).payload)
    world.rp.received.clear()
    end_all_sessions(world.town.desk, identity["sub"], actor="test")
    world.deliver()
    notice = world.notices()["lands"]
    assert (notice["sub"], notice["sid"]) == (identity["sub"], identity["sid"])


@pytest.mark.parametrize("client", ["one", "two"])
def test_who_switched_in_a_session_is_signed_out_under_each_name_the_client_knows(world: World, client: str) -> None:
    """The person who acted for an organisation and then for himself: a client that goes by ``sub`` must end both."""
    world.rp.status = 200
    town, login = world.town, f"switches-{client}"
    person = town.person(login).account_id
    firm = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id
    grant_agent(town.desk, firm, person, actor="test")
    browser = Browser(town.here)
    browser.authorize(client)
    browser.log_in(login)
    browser.submit("acting", acting_for=firm)
    told = []
    for acting_for in ("", firm, ""):
        identity = world.redeem(browser.returned["code"], client).json()["id_token"]
        told.append(json.loads(jws.extract_compact(identity.encode()).payload))
        browser.go("/switch")
        browser.send("POST", "/switch", data={"csrf": browser.csrf, "acting_for": acting_for})
        browser.authorize(client)
    assert len({each["sid"] for each in told}) == 1
    world.rp.received.clear()
    end_all_sessions(town.desk, person, actor="test")
    world.deliver()
    notices = [
        json.loads(jws.extract_compact(parse_qs(each.body.decode())["logout_token"][0].encode()).payload) for each in world.rp.received
    ]
    assert len(notices) == len({each["jti"] for each in notices}) == 2
    assert {(each["sub"], each["sid"]) for each in notices} == {(each["sub"], each["sid"]) for each in told}
    assert len({each["sub"] for each in notices}) == 2
    assert len({each["facts"]["notice"] for each in world.recorded("logout.notice")[-2:]}) == 2


def test_tokens_of_the_session_have_ended_by_then(world: World) -> None:
    world.rp.status = 200
    _, tokens = world.ended("one")["one"]
    answer = world.token("one", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


def test_a_notice_is_no_id_token_and_an_id_token_no_notice(world: World) -> None:
    world.rp.status = 200
    sessions = world.ended("one")
    notice = parse_qs(world.rp.received[0].body.decode())["logout_token"][0]
    answer = world.http.get("/logout", params={"id_token_hint": notice, "post_logout_redirect_uri": "https://rp.example/bye"})
    assert "rp.example" not in answer.headers.get("location", ""), "nobody is sent on by a notice"
    assert jws.extract_compact(sessions["one"][1]["id_token"].encode()).headers()["typ"] == "JWT"


def test_a_client_that_fails_is_told_again_with_the_same_id_and_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_kit.outbox.FIRST_RETRY_SECONDS", 0.0)
    monkeypatch.setattr("service_kit.outbox.LONGEST_RETRY_SECONDS", 0.0)
    world.rp.status = 503
    world.ended("one", "two")
    ids = {
        json.loads(jws.extract_compact(parse_qs(each.body.decode())["logout_token"][0].encode()).payload)["jti"]
        for each in world.rp.received
    }
    assert len(world.rp.received) == 16, "eight attempts each, and then no more"
    assert len(ids) == 2
    assert [(each["outcome"], each["facts"]["answer"]) for each in world.recorded("logout.tell")][-2:] == [("failed", "status 503")] * 2


@pytest.mark.parametrize("status", [400, 302])
def test_a_client_that_refuses_is_not_asked_again(world: World, status: int) -> None:
    world.rp.status, world.rp.location = status, "https://evil.example/" if status == 302 else None
    world.ended("one")
    assert len(world.rp.received) == 1
    assert world.recorded("logout.tell")[-1]["outcome"] == "failed"
    world.rp.location = None


@pytest.mark.clause("RFC 9700 4.16")
def test_an_address_that_is_not_allowed_is_not_called(world: World) -> None:
    world.ended("inner")
    last = world.recorded("logout.tell")[-1]
    assert (last["outcome"], last["facts"]["answer"]) == ("failed", "address-not-allowed")


def test_a_client_that_was_disabled_hears_nothing_and_the_trail_says_so(world: World) -> None:
    world.rp.status = 200
    context = world.town.here.house.context
    clients = idp.service.client_desk(context)
    browser = Browser(world.town.here)
    tokens = world.sign_in(browser, "one")
    session = json.loads(jws.extract_compact(tokens["id_token"].encode()).payload)["sid"]
    world.rp.received.clear()
    change_client_status(clients, "one", ClientStatus.DISABLED, actor="test")
    end_session(world.town.desk, session, actor="test")
    world.deliver()
    change_client_status(clients, "one", ClientStatus.ACTIVE, actor="test")
    assert world.rp.received == []
    last = world.recorded("logout.tell")[-1]
    assert (last["subject"], last["outcome"], last["facts"]["session"], last["facts"]["answer"]) == (
        "client:one",
        "failed",
        session,
        "disabled",
    )


def test_a_client_that_does_not_answer_holds_up_nothing_but_logouts(tmp_path: Path) -> None:
    """News for webhooks and what seals wait for went through the same thread, five seconds behind each sign-out of a client that hung."""
    arrived = threading.Event()
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        served_here(make_deployment(tmp_path / "deployment", services=["idp"], **{"outbound.networks": ["127.0.0.0/8"]})) as here,
    ):
        world = World(settle(here, Registered()))
        world.town.person()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/logout"
        world.add(replace(BASE, client_id="silent", backchannel_logout_uri=address))
        tokens = world.sign_in(Browser(here), "silent")
        outbox = here.house.context.outbox
        outbox.add_handlers({"test-probe": lambda message: arrived.set()})
        end_session(world.town.desk, json.loads(jws.extract_compact(tokens["id_token"].encode()).payload)["sid"], actor="test")
        silent.settimeout(10)
        caller, _ = silent.accept()  # the call has begun, and there will be no answer
        at = here.house.context.clock.now()
        here.house.context.database.write(lambda connection: outbox.put(connection, topic="test-probe", payload={}, at=at))
        is_free = arrived.wait(3)
        caller.close()
        world.town.desk.pool.close()
    assert is_free


def test_a_client_that_never_redeemed_its_code_hears_nothing(world: World) -> None:
    world.rp.status = 200
    browser = Browser(world.town.here)
    tokens = world.sign_in(browser, "deaf")
    browser.authorize("one")
    assert "code" in browser.returned
    world.rp.received.clear()
    end_session(world.town.desk, json.loads(jws.extract_compact(tokens["id_token"].encode()).payload)["sid"], actor="test")
    world.deliver()
    assert world.rp.received == []
