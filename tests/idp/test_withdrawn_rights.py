"""What was taken back, or has run out, is in nothing that is handed out afterwards, whatever it was opened with and however it is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import NewAccount, add_evidence, create_account, remove_evidence
from idp.actions.rotate_secret import rotate_secret
from idp.actions.rotate_signing_key import replace_signing_key
from idp.model.clients import ClientStatus
from idp.model.people import AccountKind, Evidence, level_at
from idp.model.registrations import DEVICE, Registration
from idp.model.tickets import TICKET_TYPE
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, CHALLENGE, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.idp.test_token_exchange import EXCHANGE, exchange

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("withdrawn") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        base = replace(BASE, grant_types=("authorization_code", "refresh_token", EXCHANGE), person_scopes=("seal.read", "seal.use"))
        found.add(base)
        found.add(replace(base, client_id="next"))
        found.add(
            Registration("house", grant_types=(EXCHANGE,), serves=(here.house.context.settings.base_url,), person_scopes=("seal.read",))
        )
        yield found


def acr(clients: Clients, answer: dict[str, Any], token: str = "access_token") -> int:
    audience = "own" if token == "id_token" else clients.town.desk.issuer
    return int(clients.read(answer[token], audience)["acr"][-1])


def refreshed(clients: Clients, tokens: dict[str, Any]) -> dict[str, Any]:
    answer = clients.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("how", ["removed", "expired"])
def test_a_level_whose_evidence_is_gone_is_in_no_further_token(clients: Clients, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter's word that was taken back must not live on for as long as somebody refreshes."""
    desk, login = clients.town.desk, f"proven-{how}"
    person = clients.town.person(login, level=1)
    at = desk.clock.now()
    item = Evidence(f"ev_more-{how}", "counter", "Demo hall", 3, at, at + timedelta(hours=1))
    add_evidence(desk, person.account_id, AccountKind.PERSON, item, actor="test")
    browser = Browser(clients.town.here)
    browser.authorize("own", scope="openid offline_access")
    browser.log_in(login)
    tokens = clients.redeem(browser.returned["code"]).json()
    assert acr(clients, tokens) == acr(clients, tokens, "id_token") == 2, "a password is worth no more"
    browser.authorize("own", scope="openid offline_access")
    code = browser.returned["code"]
    ticket = exchange(clients, "own", tokens["access_token"], requested_token_type=TICKET_TYPE, audience="next").json()["access_token"]
    if how == "removed":
        remove_evidence(desk, person.account_id, AccountKind.PERSON, item.evidence_id, actor="test")
    else:
        later = at + timedelta(hours=1)
        monkeypatch.setattr("idp.actions.cut_scopes.level_at", lambda evidence, _: level_at(evidence, later))
    exchanged = exchange(clients, "own", tokens["access_token"]).json()
    assert acr(clients, exchanged) == 1
    fresh = refreshed(clients, tokens)
    assert acr(clients, fresh) == acr(clients, fresh, "id_token") == 1
    assert acr(clients, clients.redeem(code).json()) == 1
    assert acr(clients, exchange(clients, "next", ticket, kind=TICKET_TYPE).json()) == 1
    # What is proven better afterwards makes no old sign-in a better one than it was
    monkeypatch.undo()
    add_evidence(desk, person.account_id, AccountKind.PERSON, replace(item, evidence_id=f"ev_again-{how}", level=4), actor="test")
    assert acr(clients, refreshed(clients, fresh)) == 2


def test_no_token_of_an_agent_counts_beyond_the_end_of_his_grant(clients: Clients) -> None:
    """The end is known when the token is made: every API, also one that runs elsewhere, must see it in the token itself."""
    town, desk = clients.town, clients.town.desk
    person = town.person("temporary").account_id
    firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id
    until = desk.clock.now() + timedelta(seconds=90)
    grant_agent(desk, firm, person, valid_until=until, actor="test")
    browser = Browser(town.here)
    browser.authorize("own", scope="openid seal.read offline_access")
    browser.log_in("temporary")
    browser.submit("acting", acting_for=firm)
    tokens = clients.redeem(browser.returned["code"]).json()
    ticket = exchange(clients, "own", tokens["access_token"], requested_token_type=TICKET_TYPE, audience="next").json()["access_token"]
    answers = [
        tokens,
        refreshed(clients, tokens),
        exchange(clients, "own", tokens["access_token"]).json(),
        exchange(clients, "next", ticket, kind=TICKET_TYPE).json(),
    ]
    for answer in answers:
        said = clients.read(answer["access_token"], desk.issuer)
        assert said["sub"] == firm
        assert said["exp"] == said["iat"] + answer["expires_in"] <= until.timestamp()
    # For himself, and under a grant without an end, it is the usual time
    browser.go("/switch")
    browser.send("POST", "/switch", data={"csrf": browser.csrf, "acting_for": ""})
    browser.authorize("own")
    assert clients.redeem(browser.returned["code"]).json()["expires_in"] == 600


def test_a_service_ends_the_token_it_was_given_in_exchange_and_no_other(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    clients.town.person("exchanged")
    browser.authorize("own", scope="openid seal.read")
    browser.log_in("exchanged")
    tokens = clients.redeem(browser.returned["code"]).json()
    first, second = (exchange(clients, "house", tokens["access_token"]).json() for _ in range(2))
    derived = exchange(clients, "house", first["access_token"]).json()

    def revoke(client: str, token: str) -> tuple[int, str]:
        answer = clients.http.post("/oauth2/revoke", data={"token": token}, auth=(client, clients.secrets[client]))
        return answer.status_code, answer.json().get("code", "")

    assert revoke("next", first["access_token"]) == (400, "TOKEN_OF_ANOTHER")
    assert revoke("house", tokens["access_token"]) == (400, "TOKEN_OF_ANOTHER")
    assert revoke("house", tokens["refresh_token"]) == (400, "TOKEN_OF_ANOTHER")
    assert all(clients.is_let_in(each) for each in (first, derived))
    assert revoke("house", first["access_token"]) == (200, "")
    assert not clients.is_let_in(first)
    assert exchange(clients, "house", first["access_token"]).json()["code"] == "EXCHANGE_REFUSED"
    assert not clients.is_let_in(derived), "it came of the one that ended"
    assert all(clients.is_let_in(each) for each in (tokens, second))
    assert clients.town.audited("token.revoke")
    # Who was given the first of them ends them all
    assert revoke("own", tokens["access_token"]) == (200, "")
    assert not any(clients.is_let_in(each) for each in (tokens, second))


@pytest.mark.parametrize("how", ["secret", "method", "status"])
@pytest.mark.parametrize("path", ["revoke", "introspect", "par", "device_authorization"])
def test_attack_what_a_client_proved_itself_with_counts_nowhere_any_more(clients: Clients, path: str, how: str) -> None:
    """A process remembers the rows of clients; that another one replaced the secret it must find out also where it issues no token."""
    name = f"{how}-{path.replace('_', '-')}"
    grants = ("client_credentials", "authorization_code", DEVICE)
    clients.add(replace(BASE, client_id=name, grant_types=grants))
    old = (name, clients.secrets[name])
    assert clients.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=old).status_code == 200, (
        "now it is remembered"
    )
    form = {"token": "x", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    if how == "secret":
        rotate_secret(clients.desk, name, overlap_seconds=0, actor="test")
    elif how == "method":
        clients.set(replace(BASE, client_id=name, grant_types=grants, token_endpoint_auth_method="client_secret_post"))
    else:
        change_client_status(clients.desk, name, ClientStatus.DISABLED, actor="test")
    for _ in range(2):
        assert refused(clients.http.post(f"/oauth2/{path}", data=form, auth=old)) == (401, "invalid_client", "CLIENT_AUTH_FAILED")


def test_attack_nobody_has_agreed_to_what_the_page_did_not_show(clients: Clients) -> None:
    """An agent is shown what he can give. What his organisation grants him afterwards is a new question."""
    town, desk = clients.town, clients.town.desk
    clients.add(replace(BASE, client_id="asks", is_own=False, person_scopes=("seal.read", "seal.use")))
    person = town.person("agrees").account_id
    firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id
    narrow = grant_agent(desk, firm, person, scopes=("seal.read",), actor="test")
    browser = Browser(town.here)
    asked = "openid seal.read seal.use"
    browser.authorize("asks", scope=asked)
    browser.log_in("agrees")
    browser.submit("acting", acting_for=firm)
    assert "see your seals" in browser.answer.text
    assert "seal documents" not in browser.answer.text
    browser.submit("consent")
    assert clients.redeem(browser.returned["code"], "asks").json()["scope"] == "openid seal.read"
    browser.authorize("asks", scope=asked, prompt="none")
    assert browser.returned["code"], "what was agreed to is not asked again"
    revoke_agent(desk, narrow.agent_id, actor="test")
    grant_agent(desk, firm, person, scopes=("seal.read", "seal.use"), actor="test")
    browser.authorize("asks", scope=asked, prompt="none")
    assert browser.returned["error"] == "consent_required"
    browser.authorize("asks", scope=asked)
    assert "seal documents" in browser.answer.text
    browser.submit("consent")
    assert clients.redeem(browser.returned["code"], "asks").json()["scope"] == asked


def test_attack_what_a_withdrawn_key_signed_for_a_person_counts_nowhere(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Userinfo, exchange, introspection, the gate of APIs, and an ID token as a hint; while this process remembers the keys of before."""
    monkeypatch.setattr("idp.actions.choose_signing_key.KEY_RING_MAX_AGE_SECONDS", 3600.0)
    clients.town.person("forged")
    browser = Browser(clients.town.here)
    browser.authorize("own", scope="openid seal.read")
    browser.log_in("forged")
    tokens = clients.redeem(browser.returned["code"]).json()
    access, id_token = tokens["access_token"], tokens["id_token"]

    def is_active() -> bool:
        return bool(clients.http.post("/oauth2/introspect", data={"token": access}, auth=("own", clients.secrets["own"])).json()["active"])

    def hinted() -> str:
        browser.authorize("own", prompt="none", id_token_hint=id_token)
        return str(browser.returned.get("error", "code"))

    assert clients.userinfo(access).status_code == 200
    assert exchange(clients, "own", access).status_code == 200
    assert is_active()
    assert clients.is_let_in(tokens)
    assert hinted() == "code"
    replace_signing_key(idp.service.key_desk(clients.town.here.house.context), actor="another process")
    assert (clients.userinfo(access).status_code, clients.userinfo(access).json()["code"]) == (401, "TOKEN_INVALID")
    assert exchange(clients, "own", access).json()["code"] == "EXCHANGE_REFUSED"
    assert not is_active()
    assert not clients.is_let_in(tokens)
    assert hinted() != "code", "a hint of nobody's"
    # The person himself has lost nothing: what hangs on no signature goes on
    browser.authorize("own", scope="openid seal.read")
    assert clients.redeem(browser.returned["code"]).status_code == 200
