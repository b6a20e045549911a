"""What was begun by one factor when the account needed no second: it ends with the appointment, or with the mark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import AccountChange, NewAccount, change_account, create_account
from idp.actions.set_credentials import issue_recovery_code, set_totp
from idp.credentials.one_time_codes import STEP_SECONDS, code_at
from idp.model.people import AccountKind
from idp.model.registrations import Registration
from idp.model.tickets import TICKET_TYPE
from idp.tokens.exchange import ACCESS_TOKEN_TYPE
from service_kit.callers import Caller
from service_kit.roles import Role, appoint, dismiss
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.idp.test_token_exchange import EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

SCOPES = "openid offline_access roles.manage"
SERVICE = "https://service.example.org"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("since") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        portal = replace(BASE, client_id="portal", person_scopes=("roles.manage",))
        portal = replace(portal, grant_types=("authorization_code", "refresh_token", EXCHANGE))
        found.add(portal, "roles.manage", audiences=(found.town.desk.issuer, SERVICE))
        found.add(Registration("service", grant_types=(EXCHANGE,), is_own=True, person_scopes=("roles.manage",)), "roles.manage")
        yield found


def signed_in(clients: Clients, login: str, code: str = "", acting_for: str | None = None) -> tuple[str, dict[str, Any]]:
    """The person, made here, and his tokens, which outlive his session. ``acting_for``: whose agent he is made, and for whom he comes."""
    found = clients.town.person(login).account_id
    if acting_for is not None:
        grant_agent(clients.town.desk, acting_for, found, actor="test")
    if code:
        secret = set_totp(clients.town.desk, found, actor="test")
        code = code_at(secret, int(clients.town.desk.clock.now().timestamp()) // STEP_SECONDS)
    browser = Browser(clients.town.here)
    browser.authorize("portal", scope=SCOPES, prompt="login", acr_values="urn:yinxin:loa:3" if code else "")
    browser.log_in(login)
    if code:
        browser.submit("code", code=code)
    if acting_for is not None:
        browser.submit("acting", acting_for=acting_for)
    answer = clients.redeem(browser.returned["code"], "portal")
    assert answer.status_code == 200, answer.text
    return found, answer.json()


def appoint_person(clients: Clients, account_id: str) -> None:
    context = clients.town.here.house.context
    at, holder = context.clock.now(), f"person:{account_id}"
    context.database.write(
        lambda connection: appoint(
            connection, context.audit, holder, Role.SECURITY, is_bound=lambda *_: False, actor="operator:x", reason="test", at=at
        )
    )


def dismiss_person(clients: Clients, account_id: str) -> None:
    context = clients.town.here.house.context
    at, holder = context.clock.now(), f"person:{account_id}"
    context.database.write(lambda connection: dismiss(connection, context.audit, holder, actor="operator:x", reason="test", at=at))


def mark(clients: Clients, account_id: str) -> None:
    change_account(clients.town.desk, account_id, AccountKind.PERSON, AccountChange(needs_two_factors=True), actor="test")


def appoint_other(clients: Clients, token: str, other: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return clients.http.request("PUT", f"/v1/role-holders/person:{other}", json={"role": "audit", "reason": "test"}, headers=headers)


def is_active(clients: Clients, token: str) -> bool:
    answer = clients.http.post("/oauth2/introspect", data={"token": token}, auth=("portal", clients.secrets["portal"]))
    return bool(answer.json()["active"])


def goes_on(clients: Clients, token: str) -> bool:
    """Whether what was asked for with a token is still done when it is over (``standing_check``)."""
    said = clients.read(token, clients.town.desk.issuer)
    return idp.service.standing_check(clients.town.here.house.context)(
        Caller(said["client_id"], said["sub"], frozenset(), said["jti"], grant_id=said["gid"])
    )


@pytest.mark.parametrize("needs", [appoint_person, mark])
def test_attack_a_sign_in_by_one_factor_from_before_two_were_needed(clients: Clients, needs: Any) -> None:
    person, tokens = signed_in(clients, f"one-{needs.__name__}")
    token, refresh = tokens["access_token"], tokens["refresh_token"]
    other = clients.town.person(f"other-{needs.__name__}").account_id
    ticket = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN_TYPE}
    waiting = clients.token("portal", **ticket, requested_token_type=TICKET_TYPE, audience="service").json()["access_token"]
    assert appoint_other(clients, token, other).json()["code"] == "ROLE_MISSING"
    assert is_active(clients, token)
    assert is_active(clients, refresh)
    assert goes_on(clients, token)

    needs(clients, person)
    # 1. What is out counts no more, at every route
    assert appoint_other(clients, token, other).status_code == 401
    assert not clients.is_let_in(tokens)
    assert not is_active(clients, token)
    assert not is_active(clients, refresh)
    assert not goes_on(clients, token)
    assert clients.userinfo(token).status_code == 401
    # 2. Nothing comes of it: no exchanged token, no ticket, nor by the one that waited
    for form in (ticket, {**ticket, "requested_token_type": TICKET_TYPE, "audience": "service"}):
        answer = clients.token("portal", **form)
        assert answer.status_code == 400, answer.text
    redeemed = clients.token("service", grant_type=EXCHANGE, subject_token=waiting, subject_token_type=TICKET_TYPE)
    assert refused(redeemed)[2] == "GRANT_ENDED"
    # 3. The grant ends, on record, and does not come back with the office
    assert refused(clients.token("portal", grant_type="refresh_token", refresh_token=refresh))[2] == "GRANT_ENDED"
    assert '"reason":"two factors needed"' in clients.town.audited("token.refuse")[-1]
    dismiss_person(clients, person)
    change_account(clients.town.desk, person, AccountKind.PERSON, AccountChange(needs_two_factors=False), actor="test")
    assert refused(clients.token("portal", grant_type="refresh_token", refresh_token=refresh))[2] == "GRANT_ENDED"
    assert not is_active(clients, token)


def test_a_sign_in_by_two_factors_goes_on(clients: Clients) -> None:
    person, tokens = signed_in(clients, "two", code="totp")
    other = clients.town.person("other-two").account_id
    appoint_person(clients, person)
    renewed = clients.token("portal", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert renewed.status_code == 200, renewed.text
    assert is_active(clients, renewed.json()["access_token"])
    assert goes_on(clients, renewed.json()["access_token"])
    assert appoint_other(clients, renewed.json()["access_token"], other).status_code == 204


def test_attack_a_sign_in_by_one_factor_for_an_organisation_that_was_appointed_since(clients: Clients) -> None:
    office = clients.town.organisation().account_id
    agent, tokens = signed_in(clients, "agent-one", acting_for=office)
    token, refresh = tokens["access_token"], tokens["refresh_token"]
    other = clients.town.person("other-office").account_id
    ticket = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN_TYPE}
    assert is_active(clients, token)
    assert goes_on(clients, token)

    appoint_person(clients, office)
    # 1. What he began for it by one factor counts no more, at every route, and ends
    assert appoint_other(clients, token, other).status_code == 401
    assert not is_active(clients, token)
    assert not goes_on(clients, token)
    assert clients.token("portal", **ticket).status_code == 400
    assert refused(clients.token("portal", grant_type="refresh_token", refresh_token=refresh))[2] == "GRANT_ENDED"
    # 2. For himself he goes on by one; to act for it he is asked for a second, or told that he has none
    browser = Browser(clients.town.here)
    browser.authorize("portal", scope=SCOPES, prompt="login")
    browser.log_in("agent-one")
    browser.submit("acting", acting_for="")
    assert is_active(clients, clients.redeem(browser.returned["code"], "portal").json()["access_token"])
    browser.authorize("portal", scope=SCOPES, prompt="login")
    browser.log_in("agent-one")
    browser.submit("acting", acting_for=office)
    assert browser.answer.status_code == 403
    assert "must sign in in two ways" in browser.answer.text
    secret = set_totp(clients.town.desk, agent, actor="test")
    browser.authorize("portal", scope=SCOPES, prompt="login")
    browser.log_in("agent-one")
    browser.submit("acting", acting_for=office)
    assert browser.heading == "One more step"
    browser.submit("code", code=code_at(secret, int(clients.town.desk.clock.now().timestamp()) // STEP_SECONDS))
    strong = clients.redeem(browser.returned["code"], "portal").json()
    assert appoint_other(clients, strong["access_token"], other).status_code == 204
    renewed = clients.token("portal", grant_type="refresh_token", refresh_token=strong["refresh_token"])
    assert renewed.status_code == 200, renewed.text
    # 3. A session that shows one factor leads no further for the organisation, without a page neither
    dismiss_person(clients, office)
    browser = Browser(clients.town.here)
    browser.authorize("portal", scope=SCOPES, prompt="login")
    browser.log_in("agent-one")
    browser.submit("acting", acting_for=office)
    assert browser.returned["code"]
    appoint_person(clients, office)
    browser.authorize("portal", scope=SCOPES, prompt="none")
    assert browser.returned["error"] == "login_required"
    browser.authorize("portal", scope=SCOPES)
    assert browser.heading == "One more step"
    dismiss_person(clients, office)


def test_who_came_by_a_recovery_code_signs_in_anew_to_act_for_an_organisation_with_a_role(clients: Clients) -> None:
    town = clients.town
    office = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, "测试机关"), actor="test").account_id
    agent = town.person("agent-recovered").account_id
    grant_agent(town.desk, office, agent, actor="test")
    secret = set_totp(town.desk, agent, actor="test")
    appoint_person(clients, office)
    browser = Browser(town.here)
    browser.authorize("portal", scope=SCOPES)
    browser.go(f"{browser.path}?method=recovery")
    browser.submit("recovery", login="agent-recovered", code=issue_recovery_code(town.desk, agent, actor="test"))
    browser.submit("new-password", password="another horse 8")
    browser.submit("acting", acting_for=office)
    assert browser.heading == "Sign in"  # a recovery code and a one-time code are not two factors
    browser.log_in("agent-recovered", password="another horse 8")
    browser.submit("acting", acting_for=office)
    browser.submit("code", code=code_at(secret, int(town.desk.clock.now().timestamp()) // STEP_SECONDS))
    assert browser.returned["code"]
