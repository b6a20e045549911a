"""Whoever gives rights gives none to himself: not to the system that asks or that he comes by, nor to an organisation that he may act for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import set_totp
from idp.credentials.one_time_codes import STEP_SECONDS, code_at
from idp.model.people import AccountKind
from service_kit.roles import Role, appoint
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.licence_vault.issuing_here import ISSUER
from tests.licence_vault.type_files import AUTHORITY, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

TYPE = f"{AUTHORITY}993"
SHARING = {"modes": ["consented", "duty"], "rights": ["query"], "reason": "数据共享协议（示例）"}
DENIED = (403, "LICENCE_RIGHT_OF_ONE_SELF")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """A deployment with an authority and a published type; two portals by which registrars and security administrators come."""
    scopes = ("licence.admin", "roles.manage", "roles.read")
    with served_here(make_deployment(tmp_path_factory.mktemp("oneself") / "deployment")) as here:
        found = Clients(settle(here, Registered()))
        found.add(replace(BASE, client_id="portal", person_scopes=scopes))
        found.add(replace(BASE, client_id="pair", person_scopes=scopes, subject_type="pairwise"))
        author, chief = bearer(found, "cl_author", "licence.define"), bearer(found, "cl_chief", "licence.review", "licence.admin")
        whole = type_file(code=TYPE, sharing={"modes": SHARING["modes"], "shown_masked": []})
        made = found.http.post("/v1/licence-types", json=whole, headers=author)
        assert made.status_code == 201
        for step, who in (("submit", author), ("publish", chief)):
            headers = {**who, "if-match": made.headers["etag"]}
            made = found.http.post(f"/v1/licence-types/{TYPE}/versions/1/{step}", json={}, headers=headers)
            assert made.status_code == 200
        entered = {"name": "示例市市场监督管理局", "area_code": "150700"}
        assert found.http.request("PUT", f"/v1/licence-issuers/{ISSUER}", json=entered, headers=chief).status_code == 200
        yield found


def bearer(clients: Clients, client_id: str, *scopes: str) -> dict[str, str]:
    """The headers of a system."""
    desk = idp.service.client_desk(clients.town.here.house.context)
    _, secret = register_client(desk, NewClient(client_id, scopes, client_id=client_id), actor="operator:test")
    token = clients.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)).json()
    return {"authorization": "Bearer " + token["access_token"]}


def permit(clients: Clients, headers: dict[str, str], client_id: str) -> tuple[int, str]:
    return told(clients.http.request("PUT", f"/v1/licence-sharing/{client_id}/{TYPE}", json=SHARING, headers=headers))


def enter(clients: Clients, headers: dict[str, str], holder: str) -> tuple[int, str]:
    return told(clients.http.request("PUT", f"/v1/licence-issuers/{ISSUER}/members/{holder}", headers=headers))


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


def come(
    clients: Clients, client: str, login: str, scopes: str, acting_for: str | None = None, secret: bytes | None = None
) -> dict[str, str]:
    """The headers of a person who comes by a portal. ``secret``: of his one-time codes, where he needs two factors."""
    browser = Browser(clients.town.here)
    browser.authorize(client, scope=f"openid {scopes}", prompt="login")
    browser.log_in(login)
    if secret is not None:
        browser.submit("code", code=code_at(secret, int(clients.town.desk.clock.now().timestamp()) // STEP_SECONDS))
    if acting_for is not None:
        browser.submit("acting", acting_for=acting_for)
    return {"authorization": "Bearer " + clients.redeem(browser.returned["code"], client).json()["access_token"]}


def test_attack_a_system_permits_itself(clients: Clients) -> None:
    both, chief = bearer(clients, "cl_both", "licence.admin", "licence.use", "licence.issue"), bearer(clients, "cl_second", "licence.admin")
    assert permit(clients, both, "cl_both") == DENIED
    assert enter(clients, both, "cl_both") == DENIED
    for path in (f"/v1/licence-sharing/cl_both/{TYPE}", f"/v1/licence-issuers/{ISSUER}"):
        shown = clients.http.get(path, headers=chief)
        assert shown.status_code == 404 or "cl_both" not in shown.json()["members"]
    # Another one's permission it can neither change in its own favour; somebody else gives it, and it may give it up
    assert permit(clients, chief, "cl_both") == (200, "")
    assert enter(clients, chief, "cl_both") == (204, "")
    assert permit(clients, both, "cl_both") == DENIED
    assert permit(clients, both, "cl_second") == (200, "")
    assert told(clients.http.request("DELETE", f"/v1/licence-sharing/cl_both/{TYPE}", headers=both)) == (204, "")
    assert told(clients.http.request("DELETE", f"/v1/licence-issuers/{ISSUER}/members/cl_both", headers=both)) == (204, "")
    chinese = clients.http.request(
        "PUT", f"/v1/licence-sharing/cl_both/{TYPE}", json=SHARING, headers=both | {"accept-language": "zh-CN"}
    ).json()
    assert chinese["title"] == "不得为本人办理"


@pytest.mark.parametrize("client", ["portal", "pair"])
def test_attack_a_person_enters_himself_by_whatever_name(clients: Clients, client: str) -> None:
    town, login = clients.town, f"registrar-{client}"
    me, other = town.person(login).account_id, town.person(f"colleague-{client}").account_id
    firm, elsewhere = (
        create_account(town.desk, NewAccount(AccountKind.ORGANISATION, name), actor="test").account_id for name in ("甲局", "乙局")
    )
    grant_agent(town.desk, firm, me, actor="test")
    for headers in (come(clients, client, login, "licence.admin", ""), come(clients, client, login, "licence.admin", firm)):
        for holder in (f"person:{me}", f"person:{firm}", client):
            assert enter(clients, headers, holder) == DENIED, holder
        assert permit(clients, headers, client) == DENIED, "the system that has his token could have sent it"
        assert enter(clients, headers, f"person:{other}") == (204, "")
        assert enter(clients, headers, f"person:{elsewhere}") == (204, "")
    assert permit(clients, headers, "cl_author") == (200, "")


def test_attack_a_security_administrator_gives_duties_and_roles_to_the_organisation_he_acts_for(clients: Clients) -> None:
    town = clients.town
    me = town.person("guard").account_id
    firm, elsewhere = (
        create_account(town.desk, NewAccount(AccountKind.ORGANISATION, name), actor="test").account_id for name in ("丙局", "丁局")
    )
    grant_agent(town.desk, firm, me, actor="test")
    secret = set_totp(town.desk, me, actor="test")
    context = town.here.house.context
    given: dict[str, Any] = {"is_bound": lambda *_: False, "actor": "operator:test", "reason": "x", "at": context.clock.now()}
    context.database.write(lambda conn: appoint(conn, context.audit, f"person:{me}", Role.SECURITY, **given))
    headers = come(clients, "portal", "guard", "roles.manage", "", secret)
    for holder, expected in ((firm, (403, "ROLE_OF_ONE_SELF")), (me, (403, "ROLE_OF_ONE_SELF")), (elsewhere, (204, ""))):
        duty = clients.http.request("PUT", f"/v1/duty-holders/person:{holder}/developer", json={"reason": "x"}, headers=headers)
        assert told(duty) == expected, holder
    role = clients.http.request("PUT", f"/v1/role-holders/person:{firm}", json={"role": "audit", "reason": "x"}, headers=headers)
    assert told(role) == (403, "ROLE_OF_ONE_SELF")
