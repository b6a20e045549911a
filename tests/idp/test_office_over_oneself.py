"""Who keeps accounts keeps those of others: nobody raises, changes or proves himself, or becomes an organisation's agent by his own hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.model.federation import Conflict, ConflictState, Doubt
from idp.model.people import AccountKind, new_id
from idp.store.accounts import list_evidence
from idp.store.credentials import list_credentials
from idp.store.federation import insert_conflict
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

SCOPES = ("account.manage", "account.read")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("office") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.add(replace(BASE, person_scopes=SCOPES))
        found.add(replace(BASE, client_id="pair", person_scopes=SCOPES, subject_type="pairwise"))
        yield found


@pytest.mark.parametrize("client", ["own", "pair"])
def test_attack_nobody_keeps_his_own_account(clients: Clients, client: str) -> None:
    """Whatever name the client is told, and also where he comes as an organisation."""
    town, login = clients.town, f"keeper-{client}"
    me, other = town.person(login).account_id, town.person(f"other-{client}").account_id
    firm = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id
    browser = Browser(town.here)

    def come(acting_for: str | None = None) -> dict[str, str]:
        browser.authorize(client, scope="openid " + " ".join(SCOPES), prompt="login")
        browser.log_in(login)
        if acting_for is not None:
            browser.submit("acting", acting_for=acting_for)
        return {"authorization": "Bearer " + clients.redeem(browser.returned["code"], client).json()["access_token"]}

    def keep(headers: dict[str, str], account_id: str) -> list[httpx.Response]:
        path = f"/v1/accounts/{account_id}"
        with town.desk.database.read() as connection:
            (password,) = list_credentials(connection, town.desk.vault, account_id)[:1]
            evidence = list_evidence(connection, town.desk.vault, account_id)[0]
        asked: list[tuple[str, str, Any]] = [
            ("PATCH", path, {"area": "150700"}),
            ("POST", f"{path}/evidence", {"method": "counter", "source": "Demo hall", "level": 4}),
            ("POST", f"{path}/recovery-code", None),
            ("POST", f"/v1/organisations/{firm}/agents", {"person_id": account_id, "role": "representative"}),
            ("PUT", f"{path}/provisioning-clients/own", None),
            ("DELETE", f"{path}/provisioning-clients/own", None),
            ("DELETE", f"{path}/evidence/{evidence.evidence_id}", None),
            ("DELETE", f"{path}/credentials/{password.credential_id}", None),
            ("PUT", f"{path}/status", {"status": "disabled"}),
        ]
        return [clients.http.request(method, path, json=body, headers=headers) for method, path, body in asked]

    headers = come()
    assert [(answer.status_code, answer.json()["code"]) for answer in keep(headers, me)] == [(403, "ACCOUNT_OF_ONE_SELF")] * 9
    assert [answer.status_code for answer in keep(headers, other)] == [200, 201, 200, 201, 200, 200, 200, 204, 200]
    grant_agent(town.desk, firm, me, actor="test")
    headers = come(firm)
    assert {answer.json()["code"] for answer in keep(headers, me)} == {"ACCOUNT_OF_ONE_SELF"}
    answer = clients.http.request("PATCH", f"/v1/organisations/{firm}", json={"area": "150700"}, headers=headers)
    assert answer.json()["code"] == "ACCOUNT_OF_ONE_SELF", "nor the organisation as which he comes"
    assert clients.http.request("GET", f"/v1/accounts/{me}", headers=headers).json()["level"] == 3


def test_attack_nobody_decides_that_an_identity_in_doubt_is_himself(clients: Clients) -> None:
    town = clients.town
    desk = town.desk
    clients.add(replace(BASE, client_id="decides", person_scopes=("identity.decide",)))
    me, other = town.person("decider").account_id, town.person("decided").account_id
    browser = Browser(town.here)
    browser.authorize("decides", scope="openid identity.decide")
    browser.log_in("decider")
    headers = {"authorization": "Bearer " + clients.redeem(browser.returned["code"], "decides").json()["access_token"]}

    def decide(about: str, decision: str = "link", **more: str) -> tuple[int, str]:
        at = desk.clock.now()
        conflict = Conflict(
            new_id("ic_"), "region", new_id("u"), Doubt.NOT_TRUSTED, about, "person", "测试甲", "", "", 2, ConflictState.OPEN, at, at
        )
        desk.database.write(lambda connection: insert_conflict(connection, desk.vault, conflict))
        body = {"decision": decision, "reason": "seen", **more}
        answer = clients.http.post(f"/v1/identity-conflicts/{conflict.conflict_id}/decision", json=body, headers=headers)
        return answer.status_code, answer.json().get("code", "")

    assert decide(me) == decide(other, account_id=me) == (403, "ACCOUNT_OF_ONE_SELF")
    assert decide(other) == decide(me, "reject") == (200, "")
