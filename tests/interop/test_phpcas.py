"""A client nobody here wrote: phpCAS goes on to another phpCAS in a person's name, and validates by SAML 1.1."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_cas_services import register_cas_services
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import set_password
from idp.model.cas import CasRegistration
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind
from idp.model.registrations import CREDENTIALS, Registration
from idp.store.registrations import put_registration
from tests.deployments import Server, free_port, make_deployment
from tests.idp.people import PASSWORD, Browser
from tests.optional import need
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk

LIBRARY = Path("/usr/share/php/CAS.php")
WAIT_SECONDS = 60.0
# The library knows servers under https alone, and takes granting tickets under https alone: here both stand on a loopback address without it
BEGIN = """<?php
require 'CAS.php';
function at(string $name): string { return getenv($name); }
function plainly(): void {
    $server = new ReflectionProperty('CAS_Client', '_server');
    $server->setAccessible(true);
    $known = $server->getValue(phpCAS::getCasClient());
    $known['base_url'] = at('PROVIDER') . '/cas/';
    $server->setValue(phpCAS::getCasClient(), $known);
    phpCAS::setNoCasServerValidation();
    phpCAS::setNoClearTicketsFromUrl();
}
"""
PAGES = {
    "office.php": """
phpCAS::proxy(CAS_VERSION_3_0, '127.0.0.1', 443, '/cas', at('OFFICE'));
plainly();
phpCAS::setFixedCallbackURL(at('OFFICE') . '/pgt.php');
phpCAS::setPGTStorageFile(at('STORE'));
phpCAS::forceAuthentication();
phpCAS::serviceWeb(at('RECORDS') . '/records.php', $code, $output);
echo json_encode(['user' => phpCAS::getUser(), 'name' => phpCAS::getAttribute('name'), 'code' => $code, 'records' => $output]);
""",
    "pgt.php": """
$_SERVER['HTTPS'] = 'on';
phpCAS::proxy(CAS_VERSION_3_0, '127.0.0.1', 443, '/cas', str_replace('http:', 'https:', at('OFFICE')));
plainly();
phpCAS::setPGTStorageFile(at('STORE'));
phpCAS::forceAuthentication();
""",
    "records.php": """
phpCAS::client(CAS_VERSION_3_0, '127.0.0.1', 443, '/cas', at('RECORDS'));
plainly();
phpCAS::allowProxyChain(new CAS_ProxyChain([at('OFFICE') . '/pgt.php']));
phpCAS::forceAuthentication();
echo json_encode(['user' => phpCAS::getUser(), 'level' => phpCAS::getAttribute('level'), 'proxies' => phpCAS::getCasClient()->getProxies()]);
""",
    "saml.php": """
phpCAS::client(SAML_VERSION_1_1, '127.0.0.1', 443, '/cas', at('OFFICE'));
plainly();
phpCAS::forceAuthentication();
echo json_encode(['user' => phpCAS::getUser(), 'attributes' => phpCAS::getAttributes()]);
""",
}


@dataclass
class Town:
    """A provider and two departments, all real processes."""

    provider: str
    office: str
    records: str
    account_id: str


@dataclass
class There:
    """A provider at an address, as ``Browser`` wants it."""

    http: httpx.Client


@contextmanager
def php(place: Path, port: int, environment: dict[str, str]) -> Iterator[None]:
    """PHP's own server. It needs several workers: what calls us for a validation is called back by us meanwhile."""
    options = ("-d", "display_errors=0", "-d", f"session.save_path={place / 'sessions'}", "-d", "include_path=/usr/share/php")
    with (place / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            ["php", *options, "-S", f"127.0.0.1:{port}", "-t", str(place / "pages")],
            env={**os.environ, **environment, "PHP_CLI_SERVER_WORKERS": "4"},
            stderr=log,
            stdout=log,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/nothing", timeout=5)
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)


def enter(registration: Registration, clients: ClientDesk, connection: Connection) -> None:
    put_registration(connection, registration, clients.clock.now(), clients.mac_key)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    need("php", shutil.which("php"), "install php-cli, php-curl and php-xml")
    need("phpCAS", LIBRARY.is_file(), "install php-cas")
    ports = free_port(), free_port(), free_port()
    provider, office, records = (f"http://127.0.0.1:{port}" for port in ports)
    folder = make_deployment(tmp_path_factory.mktemp("phpcas") / "deployment", base_url=provider)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[outbound]\nnetworks = ["127.0.0.0/8"]\n', encoding="utf-8")
    house = open_house(open_deployment(folder))
    clients, people = idp.service.client_desk(house.context), idp.service.people_desk(house.context)
    for name, wanted in (
        ("office", CasRegistration((f"{office}/*",), ("name",), (f"{office}/pgt.php",))),
        ("records", CasRegistration((f"{records}/*",), ("level",), (), (f"{office}/pgt.php",))),
    ):
        register_client(clients, NewClient(name.title(), ("seal.read",), client_id=name), actor="test")
        own = Registration(name, grant_types=(CREDENTIALS,), is_own=True)
        house.context.database.write(partial(enter, own, clients))
        register_cas_services(clients, name, wanted, actor="test")
    evidence = (Evidence("ev_1", "counter", "Demo hall", 3, clients.clock.now()),)
    wanted_account = NewAccount(AccountKind.PERSON, "测试甲", (Identifier(IdentifierKind.LOGIN, "jia"),), evidence=evidence)
    person = create_account(people, wanted_account, actor="test")
    set_password(people, person.account_id, PASSWORD, actor="test")
    people.pool.close()
    house.close()
    place = tmp_path_factory.mktemp("php")
    for name in ("pages", "sessions", "store"):
        (place / name).mkdir()
    for name, text in PAGES.items():
        (place / "pages" / name).write_text(BEGIN + text, encoding="utf-8")
    environment = {"PROVIDER": provider, "OFFICE": office, "RECORDS": records, "STORE": str(place / "store")}
    with ExitStack() as running:
        running.enter_context(Server(folder, ports[0]))
        for port in ports[1:]:
            running.enter_context(php(place, port, environment))
        yield Town(provider, office, records, person.account_id)


def come_in(town: Town, page: str) -> dict[str, Any]:
    """From the department to the provider and back with a ticket; what the page says then."""
    with httpx.Client(base_url=town.provider, timeout=30) as to_provider, httpx.Client(base_url=town.office, timeout=30) as to_office:
        browser = Browser(There(to_provider))  # type: ignore[arg-type]
        sent = to_office.get(page)
        assert sent.headers["location"].startswith(town.provider + "/cas/login?service="), (sent.status_code, sent.text)
        browser.go(sent.headers["location"].removeprefix(town.provider))
        browser.log_in()
        back = to_office.get(browser.answer.headers["location"])
        assert back.status_code == 200, back.text
        found: dict[str, Any] = json.loads(back.text)
        assert httpx.get(browser.answer.headers["location"], timeout=30).text != back.text, "the ticket opens nothing a second time"
        return found


@pytest.mark.clause("CAS 3.0.3 2.5.4", "CAS 3.0.3 2.7", "CAS 3.0.3 2.9")
def test_one_department_goes_on_to_another(town: Town) -> None:
    found = come_in(town, "/office.php")
    assert (found["user"], found["name"], found["code"]) == (town.account_id, "测试甲", 0)
    assert json.loads(found["records"]) == {"user": town.account_id, "level": "3", "proxies": [f"{town.office}/pgt.php"]}


@pytest.mark.clause("CAS 3.0.3 4.2")
def test_a_department_validates_by_saml(town: Town) -> None:
    found = come_in(town, "/saml.php")
    assert (found["user"], found["attributes"]["name"]) == (town.account_id, "测试甲")
