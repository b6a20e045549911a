"""Clients nobody here wrote: Apache lets people in by our tickets (mod_auth_cas, by CAS and by SAML 1.1) and our codes (mod_auth_openidc), and out when
they leave.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_cas_services import register_cas_services
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import set_password
from idp.actions.set_registration import set_registration
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

MODULES = Path("/usr/lib/apache2/modules")
WAIT_SECONDS = 60.0
CONFIGURATION = """
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{saml_port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_cas_module {modules}/mod_auth_cas.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
User www-data
Group www-data
DocumentRoot {folder}/pages
CASVersion 2
CASLoginURL {provider}/cas/login
CASValidateURL {provider}/cas/p3/serviceValidate
CASRootProxiedAs http://127.0.0.1:{port}
CASCookiePath {folder}/cookies/
CASSSOEnabled On
CASDebug On
OIDCProviderMetadataURL {provider}/.well-known/openid-configuration
OIDCClientID hall
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/hall/back
OIDCCryptoPassphrase apache-keeps-its-sessions
OIDCScope "openid profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCDefaultURL http://127.0.0.1:{port}/hall/index.html
LogLevel debug
<Location /office>
  AuthType CAS
  CASScope /office
  CASAuthNHeader X-Remote-User
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
  Header set X-Level "expr=%{{req:CAS-level}}"
</Location>
<Location /hall>
  AuthType openid-connect
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
  Header set X-Name "expr=%{{req:OIDC_CLAIM_name}}"
  Header set X-Level "expr=%{{req:OIDC_CLAIM_acr}}"
</Location>
<VirtualHost 127.0.0.1:{saml_port}>
  CASValidateURL {provider}/cas/samlValidate
  CASValidateSAML On
  CASRootProxiedAs http://127.0.0.1:{saml_port}
</VirtualHost>
"""


@dataclass
class There:
    """A provider at an address, as ``Browser`` wants it."""

    http: httpx.Client


@dataclass
class Town:
    """A provider and a department's server, both real processes."""

    provider: str
    office: str
    by_saml: str
    account_id: str
    folder: Path


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    apache = shutil.which("apache2", path="/usr/sbin:/usr/bin")
    need("Apache", apache, "install apache2")
    need("mod_auth_cas", (MODULES / "mod_auth_cas.so").is_file(), "install libapache2-mod-auth-cas")
    need("mod_auth_openidc", (MODULES / "mod_auth_openidc.so").is_file(), "install libapache2-mod-auth-openidc")
    ports = free_port(), free_port(), free_port()
    provider, office, by_saml = (f"http://127.0.0.1:{port}" for port in ports)
    folder = make_deployment(tmp_path_factory.mktemp("cas") / "deployment", base_url=provider)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[outbound]\nnetworks = ["127.0.0.0/8"]\n', encoding="utf-8")
    house = open_house(open_deployment(folder))
    clients, people = idp.service.client_desk(house.context), idp.service.people_desk(house.context)
    register_client(clients, NewClient("Office", ("seal.read",), client_id="office"), actor="test")
    own = Registration("office", grant_types=(CREDENTIALS,), is_own=True)
    house.context.database.write(lambda connection: put_registration(connection, own, clients.clock.now(), clients.mac_key))
    register_cas_services(clients, "office", CasRegistration((f"{office}/office/*", f"{by_saml}/office/*"), ("level",)), actor="test")
    _, secret = register_client(clients, NewClient("Hall", ("seal.read",), client_id="hall"), actor="test")
    hall = Registration(
        "hall",
        redirect_uris=(f"{office}/hall/back",),
        post_logout_redirect_uris=(f"{office}/bye.html",),
        backchannel_logout_uri=f"{office}/hall/back?logout=backchannel",
        is_own=True,
    )
    set_registration(clients, hall, actor="test")
    evidence = (Evidence("ev_1", "counter", "Demo hall", 3, clients.clock.now()),)
    wanted = NewAccount(AccountKind.PERSON, "测试甲", (Identifier(IdentifierKind.LOGIN, "jia"),), evidence=evidence)
    person = create_account(people, wanted, actor="test")
    set_password(people, person.account_id, PASSWORD, actor="test")
    people.pool.close()
    house.close()
    place = Path(tempfile.mkdtemp(prefix="yinxin-apache-"))
    place.chmod(0o755)
    for page in ("office/index.html", "hall/index.html", "bye.html"):
        (place / "pages" / page).parent.mkdir(parents=True, exist_ok=True)
        (place / "pages" / page).write_text("inside", encoding="utf-8")
    (place / "cookies").mkdir()
    (place / "cookies").chmod(0o777)
    (place / "apache.conf").write_text(
        CONFIGURATION.format(folder=place, port=ports[1], saml_port=ports[2], modules=MODULES, provider=provider, secret=secret),
        encoding="utf-8",
    )
    with Server(folder, ports[0]):
        process = subprocess.Popen([str(apache), "-f", str(place / "apache.conf"), "-DFOREGROUND"], stderr=subprocess.DEVNULL)
        try:
            wait_for((place / "pid").exists)
            yield Town(provider, office, by_saml, person.account_id, place)
        finally:
            process.terminate()
            process.wait(timeout=30)
            shutil.rmtree(place, ignore_errors=True)


def wait_for(is_so: object) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.clause("CAS 3.0.3 2.5.2", "CAS 3.0.3 2.3.3", "CAS 3.0.3 4.2")
@pytest.mark.parametrize("way", ["office", "by_saml"])
def test_apache_lets_people_in_and_out(town: Town, way: str) -> None:
    office = getattr(town, way)
    with httpx.Client(base_url=town.provider, timeout=30) as to_provider, httpx.Client(base_url=office, timeout=30) as to_office:
        browser = Browser(There(to_provider))  # type: ignore[arg-type]
        # 1. The department sends the browser here, and gets it back with a ticket
        sent = to_office.get("/office/index.html")
        assert sent.status_code == 302
        assert sent.headers["location"].startswith(town.provider + "/cas/login?service=")
        browser.go(sent.headers["location"].removeprefix(town.provider))
        browser.log_in()
        assert browser.answer.status_code == 303
        back = to_office.get(browser.answer.headers["location"], follow_redirects=True)
        assert (back.status_code, back.text) == (200, "inside"), (town.folder / "error.log").read_text(encoding="utf-8")[-4000:]
        assert (back.headers["x-user"], back.headers["x-level"]) == (town.account_id, "3")
        assert "ticket" not in str(back.url)
        # 2. The ticket opens nothing a second time
        stranger = httpx.get(browser.answer.headers["location"], timeout=30)
        assert stranger.status_code in {302, 401, 403}
        assert stranger.text != "inside"
        # 3. Signing out here ends the department's session
        assert to_office.get("/office/index.html").status_code == 200
        browser.go("/logout")
        browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
        wait_for(lambda: to_office.get("/office/index.html").status_code == 302)


@pytest.mark.clause("OIDC Core 3.1", "RFC 7636 4", "OIDC RPInitiated 2", "OIDC BackChannel 2.5")
def test_apache_signs_people_in_by_code(town: Town) -> None:
    with httpx.Client(base_url=town.provider, timeout=30) as to_provider, httpx.Client(base_url=town.office, timeout=30) as to_hall:
        browser = Browser(There(to_provider))  # type: ignore[arg-type]

        def come_in() -> httpx.Response:
            """From the door to the provider and back with a code."""
            sent = to_hall.get("/hall/index.html")
            assert (sent.status_code, "code_challenge_method=S256" in sent.headers["location"]) == (302, True)
            browser.go(sent.headers["location"].removeprefix(town.provider))
            if "password" in browser.answer.text:
                browser.log_in()
            return to_hall.get(browser.answer.headers["location"], follow_redirects=True)

        # 1. In by a code, with what ID token and userinfo say
        inside = come_in()
        assert (inside.status_code, inside.text) == (200, "inside"), (town.folder / "error.log").read_text(encoding="utf-8")[-4000:]
        assert (inside.headers["x-user"], inside.headers["x-level"]) == (town.account_id, "urn:yinxin:loa:2")  # by a password alone
        assert dict(inside.headers.raw)[b"X-Name"].decode() == "测试甲"
        assert httpx.get(str(browser.answer.headers["location"]), timeout=30).text != "inside", "a code without the state of its browser"
        # 2. Signing out at the provider ends Apache's session (back channel)
        browser.go("/logout")
        browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
        wait_for(lambda: to_hall.get("/hall/index.html").status_code == 302)
        # 3. Signing out at Apache ends the provider's session, and the person comes back to where the client registered
        come_in()
        left = to_hall.get("/hall/back", params={"logout": f"{town.office}/bye.html"})
        assert left.headers["location"].startswith(f"{town.provider}/logout?id_token_hint=")
        browser.go(left.headers["location"].removeprefix(town.provider))
        assert browser.answer.headers["location"] == f"{town.office}/bye.html"
        assert to_hall.get("/hall/index.html").status_code == 302
        browser.go(to_hall.get("/hall/index.html").headers["location"].removeprefix(town.provider))
        assert "password" in browser.answer.text
