"""CAS proxies: granting tickets at callbacks, proxy tickets at other services, and everything neither must do."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from lxml import etree

import idp.service
from idp.actions import grant_proxy
from idp.actions.change_client_status import change_client_status
from idp.actions.end_session import end_all_sessions, end_session
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import AccountChange, NewAccount, change_account, change_account_status, create_account
from idp.actions.register_cas_services import register_cas_services
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import remove_credential
from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.actions.tell_cas_service import tell_cas_service
from idp.api.cas_endpoints import CALLBACKS_MAX, PROXY_TICKETS_BURST, PROXY_TICKETS_PER_SECOND
from idp.model.cas import CasRegistration
from idp.model.clients import ClientStatus
from idp.model.people import AccountKind, AccountStatus
from idp.model.registrations import CREDENTIALS, Registration
from idp.store.credentials import list_credentials
from idp.store.registrations import put_registration
from idp.store.sign_ins import forget_consents
from service_kit.outbound import Outbound, read_networks
from service_kit.roles import Role, appoint, dismiss
from service_kit.row_values import write_time
from standards import apereo_cas as cas
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, Town, settle
from tests.idp.test_cas import Office, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service_kit.outbox import Message

APP = "https://office.example/app/"
RECORDS = "https://records.example/api/"
ARCHIVE = "https://archive.example/"
ASKING = "https://asking.example/"
CLOSED = "https://closed.example/"
NAMES = {"cas": cas.NAMESPACE}


class Callbacks(ThreadingHTTPServer):
    """Where proxies hear of their granting tickets, with attack knobs: another status, a redirect, something that happens meanwhile."""

    daemon_threads = True

    def __init__(self) -> None:
        self.told: dict[str, str] = {}  # granting ticket by IOU
        self.asked: list[str] = []
        self.status = 200
        self.location = ""
        self.meanwhile: Callable[[], object] = lambda: None
        super().__init__(("127.0.0.1", 0), _Callback)

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Callback(BaseHTTPRequestHandler):
    server: Callbacks

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        given = dict(parse_qsl(urlsplit(self.path).query))
        if {"pgtId", "pgtIou"} <= given.keys():
            self.server.told[given["pgtIou"]] = given["pgtId"]
        self.server.meanwhile()
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("location", self.server.location)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@dataclass
class Departments:
    """Clients that go on to each other: office to records, records to archive; asking wants consent, closed takes nobody."""

    town: Town
    callbacks: Callbacks
    registered: dict[str, CasRegistration] = field(default_factory=dict)

    @property
    def office(self) -> Office:
        return Office(self.town)

    @property
    def clients(self) -> Any:
        return idp.service.client_desk(self.town.here.house.context)

    def register(self, client_id: str, wanted: CasRegistration) -> None:
        register_cas_services(self.clients, client_id, wanted, actor="test")
        self.registered[client_id] = wanted

    def sign_in(self, login: str = "jia", service: str = APP) -> tuple[Browser, str]:
        browser = Browser(self.town.here)
        browser.go("/cas/login", service=service)
        browser.log_in(login)
        return browser, self.office.returned(browser, service)["ticket"]

    def validate(self, ticket: str, service: str, path: str = "p3/proxyValidate", **query: str) -> tuple[str, str, list[str]]:
        """User or failure, the IOU, and the proxies."""
        read = etree.fromstring(self.office.ask(path, ticket=ticket, service=service, **query).content)
        failure = read.find("cas:authenticationFailure", NAMES)
        if failure is not None:
            return failure.get("code"), "", []
        success = read.find("cas:authenticationSuccess", NAMES)
        iou = success.findtext("cas:proxyGrantingTicket", default="", namespaces=NAMES)
        return success.findtext("cas:user", namespaces=NAMES), iou, [each.text for each in success.iterfind("cas:proxies/cas:proxy", NAMES)]

    def granted(self, ticket: str, service: str = APP, callback: str = "/office/pgt") -> str:
        """The granting ticket that comes of a ticket."""
        user, iou, _ = self.validate(ticket, service, pgtUrl=self.callbacks.at(callback))
        assert user.startswith(("pe_", "or_")), user
        return self.callbacks.told[iou]

    def proxy(self, granting_ticket: str, target: str = RECORDS) -> str:
        """A proxy ticket, or the failure."""
        read = etree.fromstring(self.office.ask("proxy", pgt=granting_ticket, targetService=target).content)
        failure = read.find("cas:proxyFailure", NAMES)
        told: str = read.findtext("cas:proxySuccess/cas:proxyTicket", namespaces=NAMES) if failure is None else failure.get("code")
        return told

    def last(self, action: str) -> tuple[str, str]:
        entry = json.loads(self.town.audited(action)[-1])
        return entry["outcome"], entry["facts"]["reason"]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Departments]:
    folder = make_deployment(tmp_path_factory.mktemp("cas") / "deployment", services=["idp"])
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[outbound]\nnetworks = ["127.0.0.1/32"]\n', encoding="utf-8")
    callbacks = Callbacks()
    Thread(target=callbacks.serve_forever, daemon=True).start()
    with served_here(folder) as here:
        found = Departments(settle(here, Registered()), callbacks)
        desk = found.clients
        for name in ("office", "records", "archive", "asking", "closed"):
            register_client(desk, NewClient(name.title(), ("seal.read",), client_id=name), actor="test")
            if name != "asking":
                own = Registration(name, grant_types=(CREDENTIALS,), is_own=True)
                desk.database.write(lambda connection, own=own: put_registration(connection, own, desk.clock.now(), desk.mac_key))
        office, records = callbacks.at("/office/*"), callbacks.at("/records/pgt")
        found.register("office", CasRegistration((APP + "*",), ("name",), (office, "https://office.example/pgt", "http://127.0.0.2:1/x")))
        found.register("records", CasRegistration((RECORDS + "*",), ("name", "level"), (records,), (office, records)))
        found.register("archive", CasRegistration((ARCHIVE,), (), (), (office, records)))
        found.register("asking", CasRegistration((ASKING,), ("phone_number",), (), (office,)))
        found.register("closed", CasRegistration((CLOSED,)))
        found.town.person()
        yield found
        found.town.desk.pool.close()
    callbacks.shutdown()
    callbacks.server_close()


@pytest.fixture(autouse=True)
def quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "there" in request.fixturenames:
        callbacks = request.getfixturevalue("there").callbacks
        callbacks.status, callbacks.location, callbacks.meanwhile = 200, "", lambda: None


@pytest.mark.clause("CAS 3.0.3 2.5.4", "CAS 3.0.3 2.6.2", "CAS 3.0.3 2.7.2", "CAS 3.0.3 3.2.1", "CAS 3.0.3 3.3.1", "CAS 3.0.3 3.4.1")
def test_a_service_goes_on_to_another_and_that_to_a_third(there: Departments) -> None:
    _, ticket = there.sign_in()
    office, records = there.callbacks.at("/office/pgt?a=1"), there.callbacks.at("/records/pgt")
    user, iou, proxies = there.validate(ticket, APP, "p3/serviceValidate", pgtUrl=office)
    assert (user[:3], proxies) == ("pe_", [])
    assert re.fullmatch("PGTIOU-[a-z0-9]{64}", iou)
    assert there.callbacks.asked[-1].startswith("/office/pgt?a=1&pgtId=PGT-"), "its own parameters stay"
    granting_ticket = there.callbacks.told[iou]
    assert there.last("cas.grant-proxy") == ("done", "")
    # One, and another: a granting ticket is not spent
    first, second = (there.proxy(granting_ticket, RECORDS + each) for each in ("a", "b"))
    assert re.fullmatch("PT-[a-z0-9]{64}", first)
    assert first != second
    told = etree.fromstring(there.office.ask("p3/proxyValidate", ticket=first, service=RECORDS + "a").content)
    attributes = told.find("cas:authenticationSuccess/cas:attributes", NAMES)
    found = {etree.QName(each).localname: each.text for each in attributes}
    assert (found["name"], found["level"], found["isFromNewLogin"], found["acr"]) == ("测试甲", "3", "false", "urn:yinxin:loa:2")
    # On from there: the nearest proxy stands first
    onward = there.granted(second, RECORDS + "b", "/records/pgt")
    last = there.proxy(onward, ARCHIVE)
    plain = there.office.ask("proxyValidate", ticket=last, service=ARCHIVE, format="JSON").json()["serviceResponse"]
    assert plain == {"authenticationSuccess": {"user": user, "proxies": [records, office]}}
    last = there.proxy(onward, ARCHIVE)
    assert there.validate(last, ARCHIVE) == (user, "", [records, office])
    as_json = there.office.ask("proxy", pgt=onward, targetService=ARCHIVE, format="JSON").json()
    assert as_json["serviceResponse"]["proxySuccess"]["proxyTicket"].startswith("PT-")
    # What is on disk is none of these
    for path in there.town.here.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [each for each in (granting_ticket, onward, first, second, last) if each.encode() in data]


@pytest.mark.clause("CAS 3.0.3 2.5.3")
def test_attack_a_callback_is_called_only_where_an_administrator_opened_it(there: Departments) -> None:
    called = len(there.callbacks.asked)
    port = there.callbacks.server_port
    for callback in (
        there.callbacks.at("/other/pgt"),
        there.callbacks.at("/records/pgt"),
        there.callbacks.at("/office/../records/pgt"),
        there.callbacks.at("/office/%2e%2e/records/pgt"),
        there.callbacks.at("/office/pgt#x"),
        there.callbacks.at("/office/pgt?pgtId=PGT-mine"),
        there.callbacks.at("/office/pgt?pgtIou"),
        f"http://localhost:{port}/office/pgt",
        f"http://127.1:{port}/office/pgt",
        f"http://x@127.0.0.1:{port}/office/pgt",
        "http://10.0.0.1/office/pgt",
        "https://evil.example/pgt",
        "https://office.example/pgt?x",
        "ftp://office.example/pgt",
        "",
    ):
        _, ticket = there.sign_in()
        assert there.validate(ticket, APP, pgtUrl=callback)[0] == "INVALID_PROXY_CALLBACK", callback
        assert there.validate(ticket, APP)[0] == "INVALID_TICKET"
    _, ticket = there.sign_in(service=CLOSED)
    assert there.validate(ticket, CLOSED, pgtUrl=there.callbacks.at("/office/pgt"))[0] == "UNAUTHORIZED_SERVICE_PROXY"
    _, ticket = there.sign_in()
    assert there.office.ask("validate", ticket=ticket, service=APP, pgtUrl=there.callbacks.at("/office/pgt")).text == "no\n\n"
    assert len(there.callbacks.asked) == called


@pytest.mark.clause("CAS 3.0.3 2.5.4")
def test_attack_a_callback_that_fails_gives_nothing(there: Departments) -> None:
    """Validation fails with it, by the specification; what the callback was told is worth nothing, and the ticket is spent."""
    browser, ticket = there.sign_in()
    for status, location in ((500, ""), (404, ""), (204, ""), (302, there.callbacks.at("/office/other")), (301, "https://evil.example/")):
        there.callbacks.status, there.callbacks.location = status, location
        called = len(there.callbacks.asked)
        assert there.validate(ticket, APP, pgtUrl=there.callbacks.at("/office/pgt"))[:2] == ("INVALID_PROXY_CALLBACK", "")
        assert len(there.callbacks.asked) == called + 1, "no redirect is followed"
        assert there.last("cas.grant-proxy") == ("refused", f"status {status}")
        assert there.proxy(list(there.callbacks.told.values())[-1]) == "INVALID_TICKET"
        assert there.validate(ticket, APP)[0] == "INVALID_TICKET"
        ticket = there.office.ticket(browser, APP)
    # Registered, but in no network that the operator allows; by a name that is none
    for callback, reason in (("http://127.0.0.2:1/x", "OUTBOUND_REFUSED address-not-allowed"), ("https://office.example/pgt", "OUTBOUND_")):
        assert there.validate(ticket, APP, pgtUrl=callback)[0] == "INVALID_PROXY_CALLBACK"
        assert there.last("cas.grant-proxy")[1].startswith(reason)
        ticket = there.office.ticket(browser, APP)


def test_a_service_whose_callback_failed_has_no_session_to_be_told_of(there: Departments) -> None:
    browser, ticket = there.sign_in()
    there.callbacks.status = 500
    there.validate(ticket, APP, pgtUrl=there.callbacks.at("/office/pgt"))
    there.callbacks.status = 200
    good = there.office.ticket(browser, APP)
    there.granted(good)
    messages: list[Message] = []
    session_id = json.loads(there.town.audited("cas.validate")[-1])["facts"]["session"]
    end_session(replace(there.town.desk, outbox=Recorder(messages)), session_id, actor="test")  # type: ignore[arg-type]
    assert len(messages) == 1


def test_attack_callbacks_that_hang_hold_up_nobody(there: Departments) -> None:
    """More of them than are called at once; each has its few seconds, and who wants no granting ticket, or is another client, does not wait for them."""
    browser, plain = there.sign_in()
    other = there.office.ticket(browser, RECORDS)
    tickets = [there.office.ticket(browser, APP) for _ in range(2 * CALLBACKS_MAX + 1)]
    callback, hanging, over = there.callbacks.at("/office/pgt"), Semaphore(0), Event()

    def hang() -> None:
        if there.callbacks.asked[-1].startswith("/office/"):
            hanging.release()
            over.wait(60)

    there.callbacks.meanwhile = hang
    with ThreadPoolExecutor(len(tickets)) as pool:
        waiting = [pool.submit(there.validate, each, APP, pgtUrl=callback) for each in tickets]
        for _ in range(CALLBACKS_MAX):
            assert hanging.acquire(timeout=30)
        assert there.validate(plain, APP)[0].startswith("pe_")
        assert there.granted(other, RECORDS, "/records/pgt").startswith("PGT-")
        assert sum(each.done() for each in waiting) <= CALLBACKS_MAX, "it did not wait for its turn"
        assert {each.result()[0] for each in waiting} == {"INVALID_PROXY_CALLBACK"}
        over.set()
    assert there.last("cas.grant-proxy") == ("refused", "OUTBOUND_FAILED too-slow")


def test_attack_what_ends_while_the_callback_is_called_has_ended(there: Departments) -> None:
    """No transaction is open meanwhile, so it can; and what was told is then worth nothing."""
    person = there.town.person("meanwhile").account_id
    _, ticket = there.sign_in("meanwhile")
    there.callbacks.meanwhile = lambda: end_all_sessions(there.town.desk, person, actor="test")
    assert there.validate(ticket, APP, pgtUrl=there.callbacks.at("/office/pgt"))[0] == "INVALID_TICKET"
    assert there.last("cas.grant-proxy") == ("refused", "session")
    assert there.proxy(list(there.callbacks.told.values())[-1]) == "INVALID_TICKET"
    _, ticket = there.sign_in("meanwhile")
    there.callbacks.meanwhile = lambda: there.register("office", replace(there.registered["office"], proxy_callbacks=()))
    before = there.registered["office"]
    assert there.validate(ticket, APP, pgtUrl=there.callbacks.at("/office/pgt"))[0] == "INVALID_PROXY_CALLBACK"
    there.register("office", before)


@pytest.mark.clause("CAS 3.0.3 2.6", "CAS 3.0.3 3.2.1")
def test_attack_a_proxy_ticket_is_good_once_at_its_target_and_where_proxies_are_taken(there: Departments) -> None:
    _, ticket = there.sign_in()
    granting_ticket = there.granted(ticket)
    for service in (APP, RECORDS, RECORDS + "b", ARCHIVE):
        proxy_ticket = there.proxy(granting_ticket, RECORDS + "a")
        assert there.validate(proxy_ticket, service)[0] == "INVALID_SERVICE"
        assert there.validate(proxy_ticket, RECORDS + "a")[0] == "INVALID_TICKET", "spent"
    for path in ("serviceValidate", "p3/serviceValidate"):
        proxy_ticket = there.proxy(granting_ticket)
        assert there.validate(proxy_ticket, RECORDS, path)[0] == "INVALID_TICKET_SPEC"
        assert there.validate(proxy_ticket, RECORDS)[0] == "INVALID_TICKET", "spent"
    proxy_ticket = there.proxy(granting_ticket)
    assert there.office.ask("validate", ticket=proxy_ticket, service=RECORDS).text == "no\n\n"
    assert there.validate(there.proxy(granting_ticket), RECORDS, renew="true")[0] == "INVALID_TICKET"
    proxy_ticket = there.proxy(granting_ticket)
    assert there.validate(proxy_ticket, RECORDS)[0].startswith("pe_")
    assert there.validate(proxy_ticket, RECORDS)[0] == "INVALID_TICKET"
    # A granting ticket and its IOU are no tickets of a service, and the other way about
    iou = next(each for each, value in there.callbacks.told.items() if value == granting_ticket)
    for other in (granting_ticket, iou):
        assert there.validate(other, APP)[0] == "INVALID_TICKET"
    for other in (iou, ticket, proxy_ticket, there.proxy(granting_ticket), "PGT-" + "0" * 64, "x" * 300, "' OR 1=1 --"):
        assert there.proxy(other) == "INVALID_TICKET"


def test_attack_sixteen_at_once_one_succeeds(there: Departments) -> None:
    browser, ticket = there.sign_in()
    proxy_ticket = there.proxy(there.granted(ticket))
    with ThreadPoolExecutor(16) as pool:
        outcomes = sorted(pool.map(lambda _: there.validate(proxy_ticket, RECORDS)[0][:3], range(16)))
    assert outcomes == ["INV"] * 15 + ["pe_"]
    # And of sixteen that want a granting ticket by one ticket, one callback is called
    ticket, called = there.office.ticket(browser, APP), len(there.callbacks.asked)
    callback = there.callbacks.at("/office/pgt")
    with ThreadPoolExecutor(16) as pool:
        outcomes = sorted(pool.map(lambda _: there.validate(ticket, APP, pgtUrl=callback)[0][:3], range(16)))
    assert (outcomes, len(there.callbacks.asked)) == (["INV"] * 15 + ["pe_"], called + 1)


def test_attack_a_target_that_did_not_say_so_takes_nobody(there: Departments) -> None:
    browser, ticket = there.sign_in()
    granting_ticket = there.granted(ticket)
    for target, reason in (
        (CLOSED, "not accepted"),
        (APP, "not accepted"),
        (ASKING, "consent"),
        ("https://evil.example/", "target"),
        (RECORDS + "../x", "target"),
        (ARCHIVE + "x", "target"),
    ):
        assert there.proxy(granting_ticket, target) == "UNAUTHORIZED_SERVICE", target
        assert there.last("cas.proxy") == ("refused", reason)
    # Agreed to at its own door, the person is taken on to it as well
    browser.go("/cas/login", service=ASKING)
    browser.submit("consent")
    user = there.validate(there.proxy(granting_ticket, ASKING), ASKING)[0]
    assert user.startswith("pe_")
    # What the target says afterwards counts for what was issued before, for each in the chain
    onward = there.granted(there.proxy(granting_ticket), RECORDS, "/records/pgt")
    proxy_ticket, archive = there.proxy(onward, ARCHIVE), there.registered["archive"]
    there.register("archive", replace(archive, accepted_proxies=(there.callbacks.at("/records/pgt"),)))
    assert there.validate(proxy_ticket, ARCHIVE)[0] == "INVALID_TICKET"
    assert there.last("cas.validate") == ("refused", "proxy")
    assert there.proxy(onward, ARCHIVE) == "UNAUTHORIZED_SERVICE", "who came before the last is not accepted"
    there.register("archive", archive)
    assert there.validate(there.proxy(onward, ARCHIVE), ARCHIVE)[0] == user


def test_attack_chains_have_an_end(there: Departments) -> None:
    _, ticket = there.sign_in()
    granting_ticket = there.granted(ticket)
    for _ in range(2):  # records goes on to itself
        granting_ticket = there.granted(there.proxy(granting_ticket), RECORDS, "/records/pgt")
    proxy_ticket = there.proxy(granting_ticket)
    assert there.validate(proxy_ticket, RECORDS, pgtUrl=there.callbacks.at("/records/pgt"))[0] == "UNAUTHORIZED_SERVICE_PROXY"
    assert there.last("cas.validate") == ("refused", "depth")
    assert len(there.validate(there.proxy(granting_ticket), RECORDS)[2]) == 3


def test_attack_a_granting_ticket_ends_with_everything_it_rests_on(there: Departments, monkeypatch: pytest.MonkeyPatch) -> None:
    town, desk = there.town, there.town.desk
    granting_ticket = there.granted(there.sign_in()[1])
    onward = there.granted(there.proxy(granting_ticket), RECORDS, "/records/pgt")

    def falls(reason: str, target: str = ARCHIVE) -> None:
        assert there.proxy(onward, target) == "INVALID_TICKET"
        assert there.last("cas.proxy") == ("refused", reason)

    # 1. A client of the chain, its callback, its service
    for client, reason in (("office", "proxy"), ("records", "client")):
        waiting = there.proxy(onward, ARCHIVE)
        change_client_status(there.clients, client, ClientStatus.DISABLED, actor="test")
        falls(reason)
        assert there.validate(waiting, ARCHIVE)[0] == "INVALID_TICKET"
        change_client_status(there.clients, client, ClientStatus.ACTIVE, actor="test")
        before = there.registered[client]
        there.register(client, replace(before, proxy_callbacks=()))
        falls("proxy")
        there.register(client, replace(before, services=(f"https://{client}.example/moved/*",)))
        if client == "records":
            falls("client")
        there.register(client, before)
    assert there.validate(there.proxy(onward, ARCHIVE), ARCHIVE)[0].startswith("pe_")
    records = there.registered["records"]
    there.register("records", replace(records, accepted_proxies=()))
    falls("proxy")
    there.register("records", records)
    assert there.validate(there.proxy(onward, ARCHIVE), ARCHIVE)[0].startswith("pe_")
    # 2. Sign-out, the end of the account, the end of what was shown
    person = town.person("leaving")
    with desk.database.read() as connection:
        (password,) = list_credentials(connection, desk.vault, person.account_id)
    for end, reason in (
        (lambda: end_all_sessions(desk, person.account_id, actor="test"), "session"),
        (lambda: remove_credential(desk, person.account_id, password.credential_id, actor="test"), "session"),
    ):
        granting_ticket = there.granted(there.sign_in("leaving")[1])
        waiting = there.proxy(granting_ticket)
        end()
        assert there.proxy(granting_ticket) == "INVALID_TICKET"
        assert there.last("cas.proxy") == ("refused", reason)
        assert there.validate(waiting, RECORDS)[0] == "INVALID_TICKET"
    other = town.person("ending")
    granting_ticket = there.granted(there.sign_in("ending")[1])
    change_account_status(desk, other.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert there.proxy(granting_ticket) == "INVALID_TICKET"
    # 3. A second factor that the account needs since then
    marked = town.person("marked")
    granting_ticket = there.granted(there.sign_in("marked")[1])
    waiting = there.proxy(granting_ticket)
    change_account(desk, marked.account_id, AccountKind.PERSON, AccountChange(needs_two_factors=True), actor="test")
    assert there.proxy(granting_ticket) == "INVALID_TICKET"
    assert there.last("cas.proxy") == ("refused", "two factors")
    assert there.validate(waiting, RECORDS)[0] == "INVALID_TICKET"
    # 4. Time, of each ticket
    town.person("late")
    granting_ticket = there.granted(there.sign_in("late")[1])
    with monkeypatch.context() as patched:
        patched.setattr(grant_proxy, "TICKET_SECONDS", 0)
        assert there.validate(there.proxy(granting_ticket), RECORDS)[0] == "INVALID_TICKET"
    sweep_sign_in_rows(desk)
    assert there.proxy(granting_ticket).startswith("PT-"), "swept is what has expired"


def test_attack_a_granting_ticket_for_an_organisation_ends_with_the_office(there: Departments) -> None:
    desk = there.town.desk
    person = there.town.person("agent").account_id
    firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, "测试代理公司"), actor="test").account_id
    agent = grant_agent(desk, firm, person, actor="test")
    browser = Browser(there.town.here)
    browser.go("/cas/login", service=APP)
    browser.log_in("agent")
    browser.submit("acting", acting_for=firm)
    granting_ticket = there.granted(there.office.returned(browser, APP)["ticket"])
    waiting = there.proxy(granting_ticket)
    assert there.validate(there.proxy(granting_ticket), RECORDS)[0] == firm
    persons_only = Registration("records", grant_types=(CREDENTIALS,), is_own=True, acting="person")
    desk.database.write(lambda connection: put_registration(connection, persons_only, desk.clock.now(), desk.vault.mac_key))
    assert there.proxy(granting_ticket) == "UNAUTHORIZED_SERVICE"
    assert there.last("cas.proxy") == ("refused", "acting")
    desk.database.write(
        lambda connection: put_registration(connection, replace(persons_only, acting="any"), desk.clock.now(), desk.vault.mac_key)
    )
    own_alone = replace(persons_only, client_id="office")
    desk.database.write(lambda connection: put_registration(connection, own_alone, desk.clock.now(), desk.vault.mac_key))
    assert there.proxy(granting_ticket) == "INVALID_TICKET", "the proxy itself is there for persons alone by now"
    assert there.last("cas.proxy") == ("refused", "acting")
    desk.database.write(
        lambda connection: put_registration(connection, replace(own_alone, acting="any"), desk.clock.now(), desk.vault.mac_key)
    )
    holder, context = f"person:{firm}", there.town.here.house.context
    given: dict[str, Any] = {"actor": "operator:x", "reason": "test", "at": desk.clock.now()}
    desk.database.write(lambda conn: appoint(conn, context.audit, holder, Role.AUDIT, is_bound=lambda *_: False, **given))
    assert there.proxy(granting_ticket) == "INVALID_TICKET"
    assert there.last("cas.proxy") == ("refused", "two factors")
    desk.database.write(lambda conn: dismiss(conn, context.audit, holder, **given))
    revoke_agent(desk, agent.agent_id, actor="test")
    assert there.proxy(granting_ticket) == "INVALID_TICKET"
    assert there.last("cas.proxy") == ("refused", "agent")
    assert there.validate(waiting, RECORDS)[0] == "INVALID_TICKET"


def test_attack_a_granting_ticket_ends_with_what_the_person_agreed_to(there: Departments) -> None:
    """Of each in the chain that asks: what takes a consent back (``take_back_access``) takes back that it goes on in the person's name."""
    town, desk = there.town, there.town.desk
    person = town.person("agreeing").account_id
    client, service, callback = "guest", "https://guest.example/", there.callbacks.at("/guest/pgt")
    register_client(there.clients, NewClient("Guest", ("seal.read",), client_id=client), actor="test")
    there.register(client, CasRegistration((service,), ("name",), (callback,), (there.callbacks.at("/office/*"),)))
    before = there.registered["records"]
    there.register("records", replace(before, accepted_proxies=(*before.accepted_proxies, callback)))

    def agree() -> str:
        browser = Browser(town.here)
        browser.go("/cas/login", service=service)
        if browser.log_in("agreeing").status_code == 200:  # not agreed yet
            browser.submit("consent")
        return there.office.returned(browser, service)["ticket"]

    def take_back() -> None:
        desk.database.write(lambda connection: forget_consents(connection, person, client))

    # 1. The one that has the granting ticket, what it got by it, and a ticket of its own
    granting_ticket = there.granted(agree(), service, "/guest/pgt")
    onward = there.granted(there.proxy(granting_ticket), RECORDS, "/records/pgt")
    waiting, own = there.proxy(granting_ticket), agree()
    assert there.validate(there.proxy(onward, RECORDS), RECORDS)[0] == person
    take_back()
    assert there.proxy(granting_ticket) == "INVALID_TICKET"
    assert there.last("cas.proxy") == ("refused", "consent")
    assert there.validate(waiting, RECORDS)[0] == "INVALID_TICKET"
    assert there.last("cas.validate") == ("refused", "proxy")
    assert there.proxy(onward, RECORDS) == "INVALID_TICKET"
    assert there.validate(own, service)[0] == "INVALID_TICKET"
    assert there.last("cas.validate") == ("refused", "consent")
    # 2. The one that was come to
    agree()
    granting_ticket = there.granted(there.sign_in("agreeing")[1])
    waiting = there.proxy(granting_ticket, service)
    take_back()
    assert there.validate(waiting, service)[0] == "INVALID_TICKET"
    assert there.proxy(granting_ticket, service) == "UNAUTHORIZED_SERVICE"
    assert there.proxy(granting_ticket).startswith("PT-"), "who asks nobody goes on"
    # 3. While the callback is called
    ticket = agree()
    there.callbacks.meanwhile = take_back
    assert there.validate(ticket, service, pgtUrl=callback)[0] == "INVALID_TICKET"
    assert there.proxy(list(there.callbacks.told.values())[-1]) == "INVALID_TICKET"
    there.register("records", before)


def change_rows(there: Departments, statement: str) -> None:
    there.town.desk.database.write(lambda connection: connection.exec_driver_sql(statement))


def test_attack_edited_rows_give_nothing(there: Departments) -> None:
    granting_ticket = there.granted(there.sign_in()[1])
    http = there.town.here.http
    for table, change, back in (
        (
            "idp_cas_granting_tickets",
            "client_id = 'records' WHERE client_id = 'office'",
            "client_id = 'office' WHERE client_id = 'records'",
        ),
        (
            "idp_cas_accepted_proxies",
            "client_id = 'closed' WHERE client_id = 'archive'",
            "client_id = 'archive' WHERE client_id = 'closed'",
        ),
        ("idp_cas_callbacks", "client_id = 'closed' WHERE client_id = 'office'", "client_id = 'office' WHERE client_id = 'closed'"),
    ):
        change_rows(there, f"UPDATE {table} SET {change}")
        target = CLOSED if table.endswith("proxies") else RECORDS
        assert http.get("/cas/proxy", params={"pgt": granting_ticket, "targetService": target}).status_code == 503, table
        change_rows(there, f"UPDATE {table} SET {back}")
    assert there.proxy(granting_ticket).startswith("PT-")


@pytest.mark.clause("CAS 3.0.3 2.7.3")
def test_malformed_requests(there: Departments) -> None:
    granting_ticket = there.granted(there.sign_in()[1])
    http = there.town.here.http
    for query in (
        "",
        f"?pgt={granting_ticket}",
        f"?targetService={RECORDS}",
        f"?pgt={granting_ticket}&targetService={RECORDS}&targetService={ARCHIVE}",
    ):
        assert b'proxyFailure code="INVALID_REQUEST"' in http.get("/cas/proxy" + query).content
    told = there.office.ask("proxy", pgt="PGT-x", targetService=RECORDS, format="JSON").json()
    assert told["serviceResponse"]["proxyFailure"]["code"] == "INVALID_TICKET"


def test_attack_a_granting_ticket_asks_no_more_often_than_it_may(there: Departments) -> None:
    granting_ticket, http = "PGT-" + "1" * 64, there.town.here.http
    query = {"pgt": granting_ticket, "targetService": RECORDS}
    began, answered = time.monotonic(), 0
    while (status := http.get("/cas/proxy", params=query).status_code) == 200 and answered < 20 * PROXY_TICKETS_BURST:
        answered += 1
    assert status == 429
    assert PROXY_TICKETS_BURST <= answered <= PROXY_TICKETS_BURST + PROXY_TICKETS_PER_SECOND * (time.monotonic() - began) + 1
    assert http.get("/cas/proxy", params={**query, "pgt": "PGT-2"}).status_code == 200


@pytest.mark.clause("CAS 3.0.3 2.3.3")
def test_single_logout_reaches_services_that_were_come_to_through_others(there: Departments) -> None:
    town, desk = there.town, there.town.desk
    told: list[tuple[str, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            told.append((self.path, parse_qs(body)["logoutRequest"][0]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    before = there.registered["records"]
    try:
        target = f"http://127.0.0.1:{server.server_port}/records/"
        there.register("records", replace(before, services=(*before.services, target)))
        granting_ticket = there.granted(there.sign_in()[1])
        proxy_ticket = there.proxy(granting_ticket, target)
        user = there.validate(proxy_ticket, target)[0]
        there.proxy(granting_ticket, target)  # never validated: nobody has a session by it
        messages: list[Message] = []
        session_id = json.loads(town.audited("cas.validate")[-1])["facts"]["session"]
        end_session(replace(desk, outbox=Recorder(messages)), session_id, actor="test")  # type: ignore[arg-type]
        assert len(messages) == 2
        allowed = Outbound(read_networks(["127.0.0.1/32"]))
        for message in messages:
            tell_cas_service(desk, Here(allowed, server.server_port), message)  # type: ignore[arg-type]
        ((path, text),) = told
        read = etree.fromstring(text.encode())
        assert (path, read.findtext(f"{{{cas.SAML_PROTOCOL}}}SessionIndex")) == ("/records/", proxy_ticket)
        assert read.findtext(f"{{{cas.SAML_ASSERTION}}}NameID") == user
    finally:
        there.register("records", before)
        server.shutdown()
        server.server_close()


class Here:
    """Outbound calls to one port alone."""

    def __init__(self, outbound: Outbound, port: int) -> None:
        self._outbound, self._port = outbound, port

    def call(self, method: str, url: str, **arguments: Any) -> Any:
        here = urlsplit(url).port == self._port
        return self._outbound.call(method, url, **arguments) if here else Gone()


@dataclass
class Gone:
    """An answer of somebody who is not there."""

    status: int = 410


def test_swept_granting_tickets_are_gone(there: Departments) -> None:
    desk = there.town.desk
    granting_ticket = there.granted(there.sign_in()[1])
    long_ago = write_time(desk.clock.now() - timedelta(days=30))
    desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_cas_granting_tickets SET expires_at = ?", (long_ago,)))
    sweep_sign_in_rows(desk)
    assert there.proxy(granting_ticket) == "INVALID_TICKET"
    with desk.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_cas_granting_tickets").scalar() == 0
