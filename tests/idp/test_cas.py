"""CAS from the browser and from the service: sign-in, validation, logout, and everything a ticket must not do."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

import idp.service
from idp.actions import issue_ticket
from idp.actions.change_client_status import change_client_status
from idp.actions.end_session import end_all_sessions, end_session
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import NewAccount, change_account_status, create_account, remove_evidence
from idp.actions.register_cas_services import register_cas_services
from idp.actions.register_client import NewClient, register_client
from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.actions.tell_cas_service import ATTEMPTS_MAX, CAS_LOGOUT_TOPIC, tell_cas_service
from idp.model.cas import CasRegistration, entries_for
from idp.model.clients import ClientStatus
from idp.model.people import AccountKind, AccountStatus
from idp.model.registrations import CREDENTIALS, Registration
from idp.store.accounts import update_agent
from idp.store.registrations import put_registration
from service_kit.outbound import Outbound, read_networks
from service_kit.outbox import Message
from service_kit.row_values import write_time
from standards import apereo_cas as cas
from standards.errors import Kind, TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, Town, settle
from tests.idp.test_changes import bearer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import httpx

    from idp.model.people import Agent

APP = "https://office.example/app/"
OTHER = "https://other.example/login"


@dataclass
class Office:
    """Two department systems: ``office`` belongs to the deployment, ``other`` asks people first."""

    town: Town

    @property
    def desk(self) -> Any:
        return self.town.desk

    def ticket(self, browser: Browser, service: str = APP + "start?x=1", **query: str) -> str:
        browser.go("/cas/login", service=service, **query)
        if browser.heading == "Sign in":
            browser.log_in()
        return self.returned(browser, service)["ticket"]

    @staticmethod
    def returned(browser: Browser, service: str) -> dict[str, str]:
        assert browser.answer.status_code == 303, browser.answer.text
        location = browser.answer.headers["location"]
        assert location.startswith(service), location
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def ask(self, path: str, **query: str) -> httpx.Response:
        answer = self.town.here.http.get("/cas/" + path, params=query)
        assert answer.status_code == 200
        return answer

    def validate(self, ticket: str, service: str = APP + "start?x=1", **query: str) -> tuple[str, dict[str, str]]:
        """The user and attributes, or the failure code."""
        read = etree.fromstring(self.ask("p3/serviceValidate", ticket=ticket, service=service, **query).content)
        names = {"cas": cas.NAMESPACE}
        failure = read.find("cas:authenticationFailure", names)
        if failure is not None:
            return failure.get("code"), {}
        told = read.find("cas:authenticationSuccess/cas:attributes", names)
        user = read.findtext("cas:authenticationSuccess/cas:user", namespaces=names)
        return user, {etree.QName(each).localname: each.text for each in told}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with served_here(make_deployment(tmp_path_factory.mktemp("cas") / "deployment", services=["idp"])) as here:
        town = settle(here, Registered())
        desk = idp.service.client_desk(here.house.context)
        for name in ("office", "other"):
            register_client(desk, NewClient(name.title(), ("seal.read",), client_id=name), actor="test")
        own = Registration("office", grant_types=(CREDENTIALS,), is_own=True)
        desk.database.write(lambda connection: put_registration(connection, own, desk.clock.now(), desk.mac_key))
        register_cas_services(
            desk, "office", CasRegistration((APP + "*", "http://127.0.0.1/cb"), ("name", "level", "phone_number")), actor="test"
        )
        register_cas_services(desk, "other", CasRegistration((OTHER,), ("name",)), actor="test")
        town.person()
        yield Office(town)
        town.desk.pool.close()


@pytest.mark.clause("CAS 3.0.3 2.1.1", "CAS 3.0.3 2.2.4", "CAS 3.0.3 2.5.2")
def test_a_service_signs_people_in(office: Office) -> None:
    browser = Browser(office.town.here)
    service = APP + "start?x=1"
    browser.go("/cas/login", service=service)
    assert browser.heading == "Sign in"
    assert "Office" in browser.answer.text
    browser.log_in()
    assert browser.answer.headers["location"].startswith(service + "&ticket=ST-")
    user, told = office.validate(office.returned(browser, service)["ticket"])
    assert user.startswith("pe_")
    assert {name: told[name] for name in ("name", "level", "phone_number", "isFromNewLogin", "acr")} == {
        "name": "测试甲",
        "level": "3",
        "phone_number": "13800000000",
        "isFromNewLogin": "true",
        "acr": "urn:yinxin:loa:2",
    }
    assert set(told) == {
        "name",
        "level",
        "phone_number",
        "isFromNewLogin",
        "acr",
        "authenticationDate",
        "longTermAuthenticationRequestTokenUsed",
    }
    # Again, by the session; the older forms of validation; by form
    assert office.ask("validate", ticket=office.ticket(browser), service=service).text == f"yes\n{user}\n"
    plain = office.ask("serviceValidate", ticket=office.ticket(browser), service=service)
    assert plain.headers["content-type"].startswith("application/xml")
    assert b"attributes" not in plain.content
    # Clients that would take proxy tickets too ask elsewhere, and are answered the same
    for path, has_attributes in (("proxyValidate", False), ("p3/proxyValidate", True)):
        proxied = office.ask(path, ticket=office.ticket(browser), service=service)
        assert (b"cas:attributes" in proxied.content, b"authenticationSuccess" in proxied.content) == (has_attributes, True)
    assert b"INVALID_TICKET" in office.ask("proxyValidate", ticket="PT-" + "x" * 64, service=service).content
    told_json = office.ask("p3/serviceValidate", ticket=office.ticket(browser), service=service, format="json")
    success = told_json.json()["serviceResponse"]["authenticationSuccess"]
    assert (success["user"], success["attributes"]["isFromNewLogin"], success["attributes"]["name"]) == (user, [False], ["测试甲"])
    browser.go("/cas/login", service=service, method="POST")
    assert f'action="{service}"'.replace("&", "&amp;") in browser.answer.text
    assert 'name="ticket" value="ST-' in browser.answer.text
    assert "form-action 'self' https://office.example;" in browser.answer.headers["content-security-policy"]
    # Nothing in particular: one's own page
    browser.go("/cas/login")
    assert browser.path == "/sessions"


def test_evidence_taken_back_after_the_ticket_counts_in_no_answer(office: Office) -> None:
    browser = Browser(office.town.here)
    person = office.town.person("proven")
    browser.go("/cas/login", service=APP)
    browser.log_in("proven")
    ticket = office.returned(browser, APP)["ticket"]
    remove_evidence(office.desk, person.account_id, AccountKind.PERSON, "ev_proven", actor="test")
    _, told = office.validate(ticket, APP)
    assert (told["acr"], told["level"]) == ("urn:yinxin:loa:0", "0")


def test_another_service_asks_and_is_told_no_more_than_it_said(office: Office) -> None:
    browser = Browser(office.town.here)
    browser.go("/cas/login", service=OTHER)
    browser.log_in()
    assert browser.heading == "Your consent"
    assert "Telephone" not in browser.answer.text
    browser.submit("cancel")
    assert browser.answer.status_code == 403
    assert "SIGN_IN_REFUSED" in browser.answer.text
    browser.go("/cas/login", service=OTHER)
    browser.log_in()
    browser.submit("consent")
    _, told = office.validate(office.returned(browser, OTHER)["ticket"], OTHER)
    assert "phone_number" not in told
    assert told["name"] == "测试甲"


@pytest.mark.clause("CAS 3.0.3 2.1.1")
def test_renew_and_gateway(office: Office) -> None:
    browser = Browser(office.town.here)
    service = APP
    browser.go("/cas/login", service=service, gateway="true")
    assert office.returned(browser, service) == {}
    assert browser.answer.headers["location"] == service
    office.ticket(browser, service)
    assert office.ticket(browser, service, gateway="true").startswith("ST-")
    assert office.validate(office.ticket(browser, service), service, renew="true")[0] == "INVALID_TICKET"
    browser.go("/cas/login", service=service, renew="true", gateway="true")
    assert browser.heading == "Sign in"
    browser.log_in()
    assert office.validate(office.returned(browser, service)["ticket"], service, renew="true")[0].startswith("pe_")
    assert office.ticket(browser, service, renew="false").startswith("ST-")


def test_for_an_organisation(office: Office) -> None:
    town = office.town
    person, firm = town.person("agent"), town.organisation()
    grant_agent(town.desk, firm.account_id, person.account_id, actor="test")
    browser = Browser(town.here)
    browser.go("/cas/login", service=APP)
    browser.log_in("agent")
    browser.submit("acting", acting_for=firm.account_id)
    user, told = office.validate(office.returned(browser, APP)["ticket"], APP)
    assert (user, told["actor"], told["name"]) == (firm.account_id, person.account_id, "测试有限公司")
    # Set to be for persons alone since the ticket was issued
    browser.go("/cas/login", service=APP)
    ticket = office.returned(browser, APP)["ticket"]
    own = Registration("office", grant_types=(CREDENTIALS,), is_own=True)

    def put(registration: Registration) -> None:
        town.desk.database.write(
            lambda connection: put_registration(connection, registration, town.desk.clock.now(), town.desk.vault.mac_key)
        )

    put(replace(own, acting="person"))
    answer = office.validate(ticket, APP)
    put(own)
    assert answer[0] == "INVALID_TICKET"
    assert json.loads(town.audited("cas.validate")[-1])["facts"]["reason"] == "acting"


@pytest.mark.clause("CAS 3.0.3 3.1.1", "CAS 3.0.3 3.7")
def test_attack_a_ticket_is_good_once_and_for_its_service(office: Office) -> None:
    browser = Browser(office.town.here)
    ticket = office.ticket(browser)
    assert re.fullmatch("ST-[A-Za-z0-9-]{32,253}", ticket)  # 3.7: nothing else, and clients hold to it
    assert office.validate(ticket)[0].startswith("pe_")
    assert office.validate(ticket)[0] == "INVALID_TICKET"
    # A failed attempt spends it too
    for foreign in (OTHER, APP + "start?x=2", APP + "start", APP.upper()):
        ticket = office.ticket(browser)
        assert office.validate(ticket, foreign)[0] == "INVALID_SERVICE"
        assert office.validate(ticket)[0] == "INVALID_TICKET"
    for ticket in ("ST-" + "x" * 43, "x" * 300, "\ud7ff", "' OR 1=1 --"):
        assert office.validate(ticket)[0] == "INVALID_TICKET"
    reasons = [json.loads(entry)["facts"]["reason"] for entry in office.town.audited("cas.validate")]
    assert {"service", "spent", ""} <= set(reasons)


def test_attack_sixteen_at_once_one_succeeds(office: Office) -> None:
    ticket = office.ticket(Browser(office.town.here))
    with ThreadPoolExecutor(16) as pool:
        outcomes = sorted(pool.map(lambda _: office.validate(ticket)[0][:3], range(16)))
    assert outcomes == ["INV"] * 15 + ["pe_"]


def test_attack_a_ticket_ends_with_its_time_session_account_and_client(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    town, service = office.town, APP
    desk = town.desk
    clients = idp.service.client_desk(town.here.house.context)
    # 1. Time
    with monkeypatch.context() as patched:
        patched.setattr(issue_ticket, "TICKET_SECONDS", 0)
        assert office.validate(office.ticket(Browser(town.here), service), service)[0] == "INVALID_TICKET"
    # 2. Client, registration
    browser = Browser(town.here)
    tickets = [office.ticket(browser, service) for _ in range(4)]
    change_client_status(clients, "office", ClientStatus.DISABLED, actor="test")
    assert office.validate(tickets[0], service)[0] == "INVALID_TICKET"
    browser.go("/cas/login", service=service)
    assert "AUTHORIZATION_REFUSED" in browser.answer.text
    change_client_status(clients, "office", ClientStatus.ACTIVE, actor="test")
    before = ("https://office.example/app/*", "http://127.0.0.1/cb")
    register_cas_services(clients, "office", CasRegistration((OTHER + "2",)), actor="test")
    assert office.validate(tickets[1], service)[0] == "INVALID_TICKET"
    register_cas_services(clients, "office", CasRegistration(before, ("name", "level", "phone_number")), actor="test")
    # 3. Session
    person = town.person("short")
    mine = Browser(town.here)
    mine.go("/cas/login", service=service)
    mine.log_in("short")
    ticket = office.returned(mine, service)["ticket"]
    end_all_sessions(desk, person.account_id, actor="test")
    assert office.validate(ticket, service)[0] == "INVALID_TICKET"
    # 4. Account
    mine.go("/cas/login", service=service)
    mine.log_in("short")
    ticket = office.returned(mine, service)["ticket"]
    change_account_status(desk, person.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert office.validate(ticket, service)[0] == "INVALID_TICKET"


def test_attack_a_ticket_for_an_organisation_ends_with_the_office(office: Office) -> None:
    """The person is still signed in: but for the organisation he acts no more, revoked or by the end that the grant had from the beginning."""
    town, desk = office.town, office.desk
    person = town.person("ended").account_id
    firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, "测试离任公司"), actor="test").account_id
    browser = Browser(town.here)

    def act(valid_until: datetime | None = None) -> tuple[Agent, str]:
        agent = grant_agent(desk, firm, person, valid_until=valid_until, actor="test")
        browser.go("/cas/login", service=APP, renew="true")
        browser.log_in("ended")
        browser.submit("acting", acting_for=firm)
        return agent, office.returned(browser, APP)["ticket"]

    agent, ticket = act()
    assert office.validate(ticket, APP)[0] == firm
    revoke_agent(desk, agent.agent_id, actor="test")
    agent, ticket = act()
    revoke_agent(desk, agent.agent_id, actor="test")
    assert office.validate(ticket, APP)[0] == "INVALID_TICKET"
    agent, ticket = act(desk.clock.now() + timedelta(hours=1))
    over = replace(agent, valid_until=desk.clock.now(), version=agent.version + 1)  # the hour is over
    desk.database.write(lambda connection: update_agent(connection, desk.vault, over))
    assert office.validate(ticket, APP)[0] == "INVALID_TICKET"
    assert json.loads(town.audited("cas.validate")[-1])["facts"]["reason"] == "agent"


@pytest.mark.parametrize(
    "service",
    [
        "https://evil.example/",
        "https://office.example.evil.example/app/",
        "https://office.example@evil.example/app/",
        "https://office.example:444/app/",
        "https://OFFICE.example/app/",
        "http://office.example/app/",
        "https://office.example/apps",
        "https://office.example/app",
        "https://office.example/app/../other",
        "https://office.example/app/%2e%2e/other",
        "https://office.example/app/..%2fother",
        "https://office.example/app/%252e%252e/other",
        "https://office.example/app/..;/other",
        "https://office.example/app/\\..\\other",
        "https://office.example/app/x#fragment",
        "https://office.example./app/",
        "https://office.example%2f.evil.example/app/",
        "//office.example/app/",
        "/app/",
        "javascript:alert(1)//https://office.example/app/",
        "data:text/html,x",
        "https://office.example/app/" + "x" * 600,
        "https://office.example/app/" + "y/" * 40,
        "https://office.example/app/*\n",
        "https://other.example/login/",
        "https://other.example/login?x",
        "http://127.0.0.1/cb/",
    ],
)
def test_attack_nobody_is_sent_to_an_address_that_is_not_registered(office: Office, service: str) -> None:
    browser = Browser(office.town.here)
    for query in ({}, {"gateway": "true"}, {"renew": "true"}, {"method": "POST"}):
        browser.go("/cas/login", service=service, **query)
        assert (browser.answer.status_code, "location" in browser.answer.headers) == (422, False)
        assert "AUTHORIZATION_REFUSED" in browser.answer.text


def test_attack_parameters_given_twice(office: Office) -> None:
    browser = Browser(office.town.here)
    browser.go(f"/cas/login?service={APP}&service={APP}x")
    assert browser.answer.status_code == 422
    ticket = office.ticket(browser, APP)
    http = office.town.here.http
    assert b"INVALID_REQUEST" in http.get(f"/cas/serviceValidate?ticket={ticket}&service={APP}&service={APP}").content
    for query in ({"ticket": "ST-unknown"}, {"service": APP}, {"service": APP, "ticket": ""}, {}):
        assert b"INVALID_REQUEST" in office.ask("serviceValidate", **query).content
    assert office.ask("validate", service=APP).text == "no\n\n"
    assert office.validate(ticket, APP)[0] == "INVALID_TICKET", "spent by the first"


@pytest.mark.clause("CAS 3.0.3 3.1.1")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"pgtUrl": "https://office.example/pgt"}, "UNAUTHORIZED_SERVICE_PROXY"),
        ({"pgtUrl": ""}, "UNAUTHORIZED_SERVICE_PROXY"),
        ({"service": ""}, "INVALID_REQUEST"),
        ({"service": OTHER}, "INVALID_SERVICE"),
    ],
)
@pytest.mark.parametrize("path", ["serviceValidate", "p3/serviceValidate", "proxyValidate", "p3/proxyValidate"])
def test_attack_every_attempt_to_validate_spends_a_ticket(office: Office, path: str, query: dict[str, str], code: str) -> None:
    """Also one that could not succeed: whoever found a ticket must not be able to try how it is taken, and then take it."""
    ticket = office.ticket(Browser(office.town.here), APP)
    proxied = office.ask(path, **{"ticket": ticket, "service": APP, "format": "JSON", **query}).json()
    assert proxied["serviceResponse"]["authenticationFailure"]["code"] == code
    assert office.validate(ticket, APP)[0] == "INVALID_TICKET"
    last = json.loads(office.town.audited("cas.validate")[-1])
    assert (last["outcome"], last["facts"]["reason"]) == ("refused", "spent")
    before = json.loads(office.town.audited("cas.validate")[-2])
    assert (before["outcome"], before["facts"]["reason"]) == ("refused", "service" if code == "INVALID_SERVICE" else code)


def test_attack_markup_in_attributes(office: Office) -> None:
    town = office.town
    name = "</cas:name></cas:attributes><cas:user>pe_admin</cas:user>"
    town.person("markup", name=name)
    browser = Browser(town.here)
    browser.go("/cas/login", service=APP)
    browser.log_in("markup")
    user, told = office.validate(office.returned(browser, APP)["ticket"], APP)
    assert user != "pe_admin"
    assert told["name"] == name


def test_attack_edited_rows_give_nothing(office: Office) -> None:
    browser = Browser(office.town.here)
    ticket = office.ticket(browser, APP)
    database = office.desk.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_cas_tickets SET client_id = 'other'"))
    assert office.town.here.http.get("/cas/serviceValidate", params={"ticket": ticket, "service": APP}).status_code == 503
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_cas_tickets SET client_id = 'office'"))
    assert office.validate(ticket, APP)[0].startswith("pe_")
    for path in office.town.here.folder.rglob("*"):
        if path.is_file():
            assert ticket.encode() not in path.read_bytes()


class Receiver(BaseHTTPRequestHandler):
    """A service that is told of logouts."""

    told: list[str]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.told.append(parse_qs(body)["logoutRequest"][0])
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.mark.clause("CAS 3.0.3 2.3.3")
def test_single_logout(office: Office) -> None:
    told: list[str] = []
    handler = type("Handler", (Receiver,), {"told": told})
    server = HTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    town, desk = office.town, office.desk
    try:
        service = f"http://127.0.0.1:{server.server_port}/app/"
        clients = idp.service.client_desk(town.here.house.context)
        register_client(clients, NewClient("Hall", ("seal.read",), client_id="hall"), actor="test")
        own = Registration("hall", grant_types=(CREDENTIALS,), is_own=True)
        desk.database.write(lambda connection: put_registration(connection, own, desk.clock.now(), clients.mac_key))
        register_cas_services(clients, "hall", CasRegistration((service + "*",)), actor="test")
        browser = Browser(town.here)
        ticket = office.ticket(browser, service)
        user, _ = office.validate(ticket, service)
        office.ticket(browser, service)  # never validated: nobody has a session by it
        messages: list[Message] = []
        outbox = replace(desk, outbox=Recorder(messages))
        session_id = json.loads(town.audited("cas.validate")[-1])["facts"]["session"]
        end_session(outbox, session_id, actor="test")
        assert [each.topic for each in messages] == [CAS_LOGOUT_TOPIC]
        assert ticket not in str(messages)
        # 1. Sent
        allowed = Outbound(read_networks(["127.0.0.0/8"]))
        tell_cas_service(desk, allowed, messages[0])
        read = etree.fromstring(told[0].encode())
        assert read.findtext(f"{{{cas.SAML_PROTOCOL}}}SessionIndex") == ticket
        assert read.findtext(f"{{{cas.SAML_ASSERTION}}}NameID") == user
        # 2. Refused by the service, by the operator's allow-list; no answer at all is tried again, not for ever
        Receiver.status = 500
        tell_cas_service(desk, allowed, messages[0])
        tell_cas_service(desk, Outbound(()), messages[0])

        class Silent:
            def call(self, *_: object, **__: object) -> None:
                raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED")

        silent: Any = Silent()
        with pytest.raises(TrustError, match="OUTBOUND_FAILED"):
            tell_cas_service(desk, silent, messages[0])
        tell_cas_service(desk, silent, replace(messages[0], attempt=ATTEMPTS_MAX))
        entries = [json.loads(entry) for entry in town.audited("cas.logout")]
        assert [(each["outcome"], each["facts"]["answer"]) for each in entries] == [
            ("done", "200"),
            ("failed", "500"),
            ("failed", "OUTBOUND_REFUSED"),
            ("failed", "OUTBOUND_FAILED"),
        ]
        # An address that is the service's no more is told of nobody; nor is a service whose client is disabled
        register_cas_services(clients, "hall", CasRegistration((service + "moved/*",)), actor="test")
        tell_cas_service(desk, allowed, messages[0])
        register_cas_services(clients, "hall", CasRegistration((service + "*",)), actor="test")
        change_client_status(clients, "hall", ClientStatus.DISABLED, actor="test")
        tell_cas_service(desk, allowed, messages[0])
        change_client_status(clients, "hall", ClientStatus.ACTIVE, actor="test")
        assert len(told) == 2
        assert [json.loads(each)["facts"]["answer"] for each in town.audited("cas.logout")][4:] == ["not registered any more"] * 2
        # 3. Swept: nothing is told any more
        long_ago = write_time(desk.clock.now() - timedelta(days=30))
        desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_cas_tickets SET expires_at = ?", (long_ago,)))
        sweep_sign_in_rows(desk)
        tell_cas_service(desk, allowed, messages[0])
        assert len(told) == 2
    finally:
        Receiver.status = 200
        server.shutdown()
        server.server_close()


class Recorder:
    """An outbox that only remembers."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def put(self, _connection: object, *, topic: str, payload: dict[str, Any], at: object) -> str:
        del at
        if topic == CAS_LOGOUT_TOPIC:
            self._messages.append(Message(f"m{len(self._messages)}", topic, payload, 1))
        return ""


def test_logout_asks_first_and_leads_back_to_registered_services_alone(office: Office) -> None:
    browser = Browser(office.town.here)
    office.ticket(browser, APP)
    browser.go("/cas/logout", service="https://evil.example/")
    assert "evil.example" not in browser.answer.text
    assert "yinxin-session" in browser.cookies
    browser.go("/cas/logout", service=APP + "bye")
    assert browser.heading == "Sign out?"
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', browser.answer.text))
    browser.send("POST", "/logout", data=fields | {"confirm": "yes"})
    assert browser.answer.headers["location"] == APP + "bye"
    browser.go("/cas/login", service=APP, gateway="true")
    assert browser.answer.headers["location"] == APP


def test_services_are_registered_over_http(office: Office) -> None:
    headers = bearer(office.town, "keeper", "client.manage")
    http = office.town.here.http
    path = "/v1/clients/keeper/cas-services"
    nothing: dict[str, list[str]] = {"services": [], "claims": [], "proxy_callbacks": [], "accepted_proxies": []}
    assert http.get(path, headers=headers).json() == nothing
    wanted = {"services": ["https://keeper.example/", "https://keeper.example/a/*"], "claims": ["name"]}
    assert http.request("PUT", path, headers=headers, json=wanted).json() == nothing | wanted, "closed unless it is opened"
    wanted |= {"proxy_callbacks": ["https://keeper.example/pgt"], "accepted_proxies": ["https://hall.example/pgt/*"]}
    assert http.request("PUT", path, headers=headers, json=wanted).json() == wanted
    assert http.get(path, headers=headers).json() == wanted
    for changed, code in (
        ({"services": [APP + "*"]}, "CAS_SERVICE_TAKEN"),
        ({"services": ["https://keeper.example/*/x"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://keeper.example*"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://keeper.example/?x=/*"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["http://keeper.example/"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://k.example/"] * 2}, "CLIENT_FIELD_INVALID"),
        ({"services": [], "claims": ["verified_claims"]}, "CLIENT_FIELD_INVALID"),
        ({"services": [], "claims": ["password"]}, "CLIENT_FIELD_INVALID"),
        ({"services": [], "proxy_callbacks": ["https://keeper.example/pgt"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://k.example/"], "proxy_callbacks": ["http://10.0.0.1/pgt"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://k.example/"], "accepted_proxies": ["https://*.example/pgt"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://k.example/"], "proxy_callbacks": ["https://k.example/pgt?pgtId=PGT-mine"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://k.example/"], "accepted_proxies": ["https://k.example/pgt?a&pgt%49ou"]}, "CLIENT_FIELD_INVALID"),
        ({"services": ["https://k.example/"], "accepted_proxies": ["*"]}, "CLIENT_FIELD_INVALID"),
    ):
        assert http.request("PUT", path, headers=headers, json=changed).json()["code"] == code, changed
    assert http.get(path, headers=headers).json() == wanted
    assert http.get("/v1/clients/nobody/cas-services", headers=headers).json()["code"] == "CLIENT_NOT_FOUND"
    told = json.loads(office.town.audited("client.set-cas-services")[-1])
    assert (told["actor"], told["facts"]["claims"]) == ("client:keeper", "name")


def test_folders_of_an_address() -> None:
    assert entries_for("https://a.example/x/y?z=/q/") == (
        "https://a.example/x/y?z=/q/",
        "https://a.example/*",
        "https://a.example/x/*",
    )
    assert entries_for("https://a.example") == ("https://a.example",)
    assert entries_for("https://a.example/../x") == ()
