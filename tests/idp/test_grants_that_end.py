"""What ends with what: a sign-in that was passed on with the grant it came from, a grant with the client that serves such people no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.model.people import AccountKind
from idp.model.registrations import Registration
from idp.model.tickets import TICKET_TYPE
from tests.idp.people import Browser
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.idp.test_token_exchange import EXCHANGE, HOUSING, clients, exchange, signed_in, ticket_for  # noqa: F401 - a fixture among them

if TYPE_CHECKING:
    import httpx


def test_attack_what_came_of_a_ticket_does_not_outlive_the_grant_it_came_from(clients: Clients) -> None:  # noqa: F811 - the fixture
    """Revoked by the client, or by a code that comes twice: through however many hands the sign-in went on, and a ticket that waits is worth nothing."""
    both = ("authorization_code", EXCHANGE)
    clients.add(Registration("chain", grant_types=both, is_own=True, redirect_uris=("https://chain.example/cb",)))

    def passed_on(first: dict[str, Any]) -> tuple[str, str, str]:
        second = exchange(
            clients, "chain", ticket_for(clients, "chain", first["access_token"], scope="openid").json()["access_token"], TICKET_TYPE
        )
        further = exchange(clients, "chain", second.json()["access_token"], requested_token_type=TICKET_TYPE, audience="people")
        third = exchange(clients, "people", further.json()["access_token"], kind=TICKET_TYPE)
        assert third.status_code == 200, third.text
        waiting = ticket_for(clients, "taxes", first["access_token"]).json()["access_token"]
        return second.json()["access_token"], third.json()["access_token"], waiting

    def end_by_revocation(first: dict[str, Any], _: str) -> None:
        proof = ("portal", clients.secrets["portal"])
        assert clients.http.post("/oauth2/revoke", data={"token": first["access_token"]}, auth=proof).status_code == 200

    def end_by_reuse(_: dict[str, Any], code: str) -> None:
        assert refused(clients.redeem(code, "portal", resource=HOUSING))[2] == "CODE_REUSED"

    for end in (end_by_revocation, end_by_reuse):
        browser = Browser(clients.town.here)
        browser.authorize("portal", scope="openid profile seal.read", resource=HOUSING)
        browser.log_in()
        code = browser.returned["code"]
        first = clients.redeem(code, "portal", resource=HOUSING).json()
        second, third, waiting = passed_on(first)
        untouched = exchange(
            clients, "taxes", ticket_for(clients, "taxes", signed_in(clients)["access_token"]).json()["access_token"], TICKET_TYPE
        )
        assert [clients.userinfo(each).status_code for each in (second, third)] == [200, 200]
        end(first, code)
        assert [clients.userinfo(each).status_code for each in (second, third)] == [401, 401]
        assert refused(exchange(clients, "taxes", waiting, kind=TICKET_TYPE))[2] == "GRANT_ENDED"
        assert clients.userinfo(untouched.json()["access_token"]).status_code == 200
        # The browser's session is the person's own: it goes on
        browser.authorize("portal", scope="openid profile seal.read", resource=HOUSING)
        assert "code" in browser.returned
    assert any('"ended":3' in entry for entry in clients.town.audited("token.revoke"))
    assert any('"grants_ended":3' in entry for entry in clients.town.audited("token.refuse"))


def test_a_client_that_is_for_persons_by_now_gets_nothing_more_for_organisations(clients: Clients) -> None:  # noqa: F811 - the fixture
    """Whatever began before: what it has of him who acts for himself goes on."""
    town, registered = clients.town, replace(BASE, client_id="either", is_own=True)
    clients.add(registered)
    firm = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id
    grant_agent(town.desk, firm, town.person("dingsan").account_id, actor="test")
    got = {}
    for acting_for in (firm, ""):
        browser = Browser(town.here)
        browser.authorize("either")
        browser.log_in("dingsan")
        browser.submit("acting", acting_for=acting_for)
        got[acting_for] = (clients.redeem(browser.returned["code"], "either").json(), browser)

    def fresh(acting_for: str) -> httpx.Response:
        answer = clients.token("either", grant_type="refresh_token", refresh_token=got[acting_for][0]["refresh_token"])
        if answer.status_code == 200:
            got[acting_for] = (answer.json(), got[acting_for][1])
        return answer

    assert (fresh(firm).status_code, fresh("").status_code) == (200, 200)
    got[firm][1].authorize("either", prompt="none")
    code = got[firm][1].returned["code"]
    clients.set(replace(registered, acting="person"))
    assert refused(fresh(firm)) == (400, "invalid_grant", "GRANT_ENDED")
    assert refused(clients.redeem(code, "either"))[2] == "GRANT_ENDED"
    assert fresh("").status_code == 200
    clients.set(replace(registered, acting="organisation"))
    assert refused(fresh(""))[2] == "GRANT_ENDED"
    assert fresh(firm).status_code == 200
