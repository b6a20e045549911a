"""A real Keycloak: as the upstream of a served deployment, with logout in both directions, and with a deployment behind it as its provider."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from keycloak import KeycloakAdmin

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, Identifier, IdentifierKind
from tests.deployments import Server, free_port, make_deployment, yinxin
from tests.interop.browsers import Person
from tests.interop.keycloak_runner import ADMINISTRATOR, PASSWORD, keycloak
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REALM = "city"
SECRET = "a-secret-of-the-realm-0123456789"
NUMBER = "110101199003070011"  # synthetic
UPSTREAM = """
[[upstream]]
name = "realm"
protocol = "keycloak"
title_en = "The realm"
issuer = "{issuer}"
client_id = "yinxin"
client_secret = "{secret}"
scope = "openid profile"
[upstream.fields]
subject = "sub"
name = "real_name"
id_type = "idtype"
id_number = "idnum"
level = "assurance"
[upstream.levels]
L3 = 3
[upstream.id_types]
1 = "resident_id"
[upstream.linking]
id_types = ["resident_id"]
"""
ATTRIBUTES = ("real_name", "idtype", "idnum", "assurance")


def administrator(url: str, realm: str) -> KeycloakAdmin:
    return KeycloakAdmin(server_url=url, username=ADMINISTRATOR, password=PASSWORD, realm_name=realm, user_realm_name="master")


def mapper(name: str) -> dict[str, Any]:
    config = {"user.attribute": name, "claim.name": name, "id.token.claim": "true", "userinfo.token.claim": "true"}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-attribute-mapper", "config": config}


def make_realm(url: str, base_url: str) -> None:
    """The realm, its client (we), and a person whose attributes come with the tokens."""
    here = f"{base_url}/sign-in/upstream/realm"
    client = {
        "clientId": "yinxin",
        "secret": SECRET,
        "redirectUris": [f"{here}/callback"],
        "protocolMappers": [mapper(name) for name in ATTRIBUTES],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "post.logout.redirect.uris": f"{here}/logged-out",
            "backchannel.logout.url": f"{here}/backchannel-logout",
            "backchannel.logout.session.required": "true",
        },
    }
    probe = {"clientId": "probe", "secret": SECRET, "redirectUris": [f"{base_url}/logout/done"]}
    administrator(url, "master").create_realm({"realm": REALM, "enabled": True, "sslRequired": "none", "clients": [client, probe]})
    here_now = administrator(url, REALM)
    profile = here_now.get_realm_users_profile()
    profile["unmanagedAttributePolicy"] = "ENABLED"
    for each in profile["attributes"]:
        each.pop("required", None)
    here_now.update_realm_users_profile(profile)
    here_now.create_user(
        {
            "username": "jia",
            "enabled": True,
            "attributes": {"real_name": "测试甲", "idtype": "1", "idnum": NUMBER, "assurance": "L3"},
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        }
    )


def make_provider(url: str, base_url: str, folder: Path) -> None:
    """The deployment as an identity provider of the realm."""
    broker = f"{url}/realms/{REALM}/broker/yinxin/endpoint"
    made = yinxin("client", "add", "--name", "Realm", "--id", "realm", "--scope", "seal.read", "--dir", str(folder), "--json")
    secret = json.loads(made.stdout)["client_secret"]
    yinxin("client", "sign-in", "realm", "--redirect-uri", broker, "--own", "--dir", str(folder))
    there = administrator(url, REALM)
    metadata = httpx.get(f"{base_url}/.well-known/openid-configuration", timeout=20).json()
    config = {
        "issuer": metadata["issuer"],
        "authorizationUrl": metadata["authorization_endpoint"],
        "tokenUrl": metadata["token_endpoint"],
        "userInfoUrl": metadata["userinfo_endpoint"],
        "jwksUrl": metadata["jwks_uri"],
        "useJwksUrl": "true",
        "validateSignature": "true",
        "clientId": "realm",
        "clientSecret": secret,
        "clientAuthMethod": "client_secret_basic",
        "defaultScope": "openid profile",
        "pkceEnabled": "true",
        "pkceMethod": "S256",
        "syncMode": "FORCE",
    }
    there.create_idp({"alias": "yinxin", "providerId": "oidc", "enabled": True, "config": config})


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder: Path = make_deployment(tmp_path_factory.mktemp("keycloak") / "deployment")
    own, port = free_port(), free_port()
    with keycloak(folder.parent, port) as url:
        issuer = f"{url}/realms/{REALM}"
        with (folder / "settings.toml").open("a", encoding="utf-8") as out:
            out.write('\n[outbound]\nnetworks = ["127.0.0.0/8"]\ntimeout_seconds = 20\n')
        (folder / "upstreams.toml").write_text(UPSTREAM.format(issuer=issuer, secret=SECRET), encoding="utf-8")
        with Server(folder, own) as server:
            make_realm(url, server.url)
            make_provider(url, server.url, folder)
            yield server, url


def add_person(folder: Path, login: str) -> str:
    """An account of the deployment, straight through its actions; returns its id."""
    house = open_house(open_deployment(folder))
    desk = idp.service.people_desk(house.context)
    try:
        made = create_account(
            desk, NewAccount(AccountKind.PERSON, "测试乙", (Identifier(IdentifierKind.LOGIN, login),)), actor="operator:test"
        )
        set_password(desk, made.account_id, PASSWORD, actor="operator:test")
    finally:
        desk.pool.close()
        house.close()
    return made.account_id


@pytest.fixture
def people() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def sign_in(person: Person) -> None:
    person.leave_for("realm")
    if f"/realms/{REALM}/" in person.at:
        person.submit(username="jia", password=PASSWORD)
    assert person.at == f"{person.base_url}/links", person.page.text


def test_in_by_keycloak_and_out_at_both(realm: tuple[Server, str], people: ExitStack) -> None:
    server, _ = realm
    person = Person(server.url, people)
    sign_in(person)
    assert "测试甲" in person.page.text
    assert "Linked" in person.page.text
    person.go("/logout")
    person.submit()
    assert f"/realms/{REALM}/protocol/openid-connect/logout" in person.at
    person.submit(confirmLogout="Logout")
    assert person.at == f"{server.url}/logout/done"
    person.leave_for("realm")
    assert 'name="password"' in person.page.text  # the realm has forgotten, too


@pytest.mark.clause("OIDC Back-Channel Logout 2.5")
def test_out_at_keycloak_is_out_here(realm: tuple[Server, str], people: ExitStack) -> None:
    server, url = realm
    person = Person(server.url, people)
    sign_in(person)
    assert person.is_signed_in
    there = administrator(url, REALM)
    jia = there.get_user_id("jia")
    assert jia is not None
    there.user_logout(jia)
    assert not person.is_signed_in


def test_a_deployment_is_the_provider_of_a_realm(realm: tuple[Server, str], people: ExitStack) -> None:
    server, url = realm
    there = administrator(url, REALM)
    yi = add_person(server.folder, "yier")
    person = Person(server.url, people)
    asked = {
        "client_id": "probe",
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": f"{server.url}/logout/done",
        "kc_idp_hint": "yinxin",
    }
    person.page = person.http.get(f"{url}/realms/{REALM}/protocol/openid-connect/auth?{urlencode(asked)}")
    assert person.at.startswith(server.url), person.page.text
    person.submit(login="yier", password=PASSWORD)
    assert person.at.startswith(f"{server.url}/logout/done?"), (person.at, person.page.text)
    code = parse_qs(urlsplit(person.at).query)["code"][0]
    tokens = httpx.post(
        f"{url}/realms/{REALM}/protocol/openid-connect/token",
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"]},
        auth=("probe", SECRET),
        timeout=30,
    )
    assert tokens.status_code == 200, tokens.text
    # The realm knows the person by the subject that the deployment gave, and by name
    (user,) = there.get_users({"idpAlias": "yinxin", "idpUserId": yi})
    (known,) = there.get_user_social_logins(user["id"])
    assert (known["identityProvider"], known["userId"]) == ("yinxin", yi)


def test_a_realm_follows_the_directory_and_knows_who_comes(realm: tuple[Server, str], tmp_path: Path) -> None:
    """Pushed before, a person's first sign-in through the deployment finds the user that is there."""
    server, url = realm
    there = administrator(url, REALM)
    there.create_client(
        {
            "clientId": "sync",
            "secret": SECRET,
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "publicClient": False,
        },
        skip_exists=True,
    )
    own, management = there.get_client_id("sync"), there.get_client_id("realm-management")
    assert own is not None
    assert management is not None
    account = there.get_client_service_account_user(own)["id"]
    roles = [each for each in there.get_client_roles(management) if each["name"] in {"manage-users", "manage-realm", "view-users"}]
    there.assign_client_role(account, management, roles)
    (tmp_path / "secret").write_text(SECRET)
    bing = add_person(server.folder, "bing")
    arguments = ["keycloak", "push", "--dir", str(server.folder), "--url", url, "--realm", REALM, "--client", "sync", "--json"]
    arguments += ["--secret-file", str(tmp_path / "secret"), "--provider", "yinxin"]
    done = json.loads(yinxin(*arguments).stdout)
    assert done["persons"] >= 1
    users = {each["username"]: each for each in there.get_users({"briefRepresentation": False}) if each["username"].startswith("pe_")}
    assert users[bing]["enabled"]
    assert {each["userId"] for each in there.get_user_social_logins(users[bing]["id"])} == {bing}
    assert json.loads(yinxin(*arguments).stdout)["changes"] == 0
