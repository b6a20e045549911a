"""What ends with what: a sign-in that was passed on with the grant it came from, a grant with the client that serves such people no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions import exchange_token, sweep_sign_in_rows
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.model.people import AccountKind
from idp.model.registrations import Registration
from idp.model.tickets import TICKET_TYPE
from idp.store.grants import sweep_grants
from tests.idp.people import Browser
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.idp.test_token_exchange import EXCHANGE, HOUSING, TAXES, clients, exchange, signed_in, ticket_for  # noqa: F401 - a fixture among them

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


@pytest.mark.clause("RFC 7009 2.1")
def test_attack_what_was_exchanged_for_a_token_does_not_outlive_it(clients: Clients) -> None:  # noqa: F811 - the fixture
    """However far it went; what it came from itself, and what else came of that (a sign-in by a ticket, too), goes on."""
    clients.add(
        Registration("sees", grant_types=(EXCHANGE,)), "token.introspect", "seal.read", audiences=(HOUSING, TAXES, clients.town.desk.issuer)
    )

    def is_active(token: str) -> bool:
        return bool(clients.http.post("/oauth2/introspect", data={"token": token}, auth=("sees", clients.secrets["sees"])).json()["active"])

    def revoke(client: str, token: str) -> None:
        assert clients.http.post("/oauth2/revoke", data={"token": token}, auth=(client, clients.secrets[client])).status_code == 200

    def given(client: str, token: str, **form: str) -> str:
        answer = exchange(clients, client, token, **form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    first = signed_in(clients)["access_token"]
    beside = given("housing", first, resource=TAXES)
    second = given("housing", first, resource=TAXES)
    narrowed = given("housing", second, scope="seal.read", resource=HOUSING)
    third = given("taxes", second)
    landed = exchange(
        clients, "people", given("portal", first, requested_token_type=TICKET_TYPE, audience="people", scope="seal.read"), TICKET_TYPE
    )
    waiting = given("portal", first, requested_token_type=TICKET_TYPE, audience="people", scope="seal.read")
    of_ticket = landed.json()["access_token"]
    behind = (first, beside, second, narrowed, third, of_ticket)
    assert [is_active(each) for each in behind] == [True] * 6
    # What one client narrowed for itself ends alone
    revoke("housing", narrowed)
    assert [is_active(each) for each in behind] == [True, True, True, False, True, True]
    revoke("housing", second)
    assert [is_active(each) for each in behind] == [True, True, False, False, False, True]
    assert refused(exchange(clients, "taxes", second))[2] == "EXCHANGE_REFUSED"
    # An exchanged token opens nothing that the person let its holder's caller alone have
    assert clients.userinfo(beside).status_code == 401
    revoke("portal", first)
    assert [is_active(each) for each in behind] == [False] * 6
    assert refused(exchange(clients, "people", waiting, kind=TICKET_TYPE))[2] == "GRANT_ENDED"


def test_an_exchanged_token_from_before_these_had_grants_for_themselves_ends_alone(clients: Clients) -> None:  # noqa: F811 - the fixture
    first = signed_in(clients)["access_token"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange_token, "_of_another", lambda source, _client, _at: {"grant_id": source.grant_id})
        patch.setattr(exchange_token, "insert_grant", lambda *_: None)
        old = exchange(clients, "housing", first, resource=TAXES).json()["access_token"]
    assert clients.read(old, TAXES)["gid"] == clients.read(first, HOUSING)["gid"]
    proof = ("housing", clients.secrets["housing"])
    assert clients.http.post("/oauth2/revoke", data={"token": old}, auth=proof).status_code == 200
    assert refused(exchange(clients, "taxes", old))[2] == "EXCHANGE_REFUSED"
    assert exchange(clients, "housing", first, resource=TAXES).status_code == 200


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


def test_grants_of_which_nothing_can_come_any_more_are_removed(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 - the fixture
    """In turns of one here, what came of another before that: however many hands it went through, and with spent tokens."""
    first = signed_in(clients)["access_token"]
    second = exchange(clients, "housing", first, resource=TAXES).json()["access_token"]
    assert exchange(clients, "taxes", second).status_code == 200
    kept = clients.sign_in(Browser(clients.town.here), "own", scope="openid offline_access")
    newer = clients.token("own", grant_type="refresh_token", refresh_token=kept["refresh_token"]).json()["refresh_token"]
    database = clients.town.desk.database

    def stored() -> tuple[set[str], int]:
        with database.read() as connection:
            found = connection.exec_driver_sql("SELECT client_id, source_id IS NULL FROM idp_grants").all()
            tokens = connection.exec_driver_sql("SELECT count(*) FROM idp_refresh_tokens").scalar()
        return {f"{client}{'' if is_first else ' passed on'}" for client, is_first in found}, int(tokens or 0)

    whole = stored()
    assert whole[0] >= {"portal", "portal passed on", "own"}
    monkeypatch.setattr(sweep_sign_in_rows, "ROWS_AT_ONCE", 1)
    # Of a week ago there are none
    sweep_sign_in_rows.sweep_sign_in_rows(clients.town.desk)
    assert stored() == whole
    # As if all were from before: whoever has a refresh token that lasts goes on
    monkeypatch.setattr(sweep_sign_in_rows, "SESSION_SECONDS", 0)
    monkeypatch.setattr(sweep_sign_in_rows, "SESSION_KEEP_SECONDS", -60)
    sweep_sign_in_rows.sweep_sign_in_rows(clients.town.desk)
    left = stored()
    assert "portal passed on" not in left[0]
    assert "own" in left[0]
    newest = clients.token("own", grant_type="refresh_token", refresh_token=newer)
    assert newest.status_code == 200
    # As if its time were over too
    monkeypatch.setattr(sweep_sign_in_rows, "SESSION_KEEP_SECONDS", -10 * 366 * 86_400)
    sweep_sign_in_rows.sweep_sign_in_rows(clients.town.desk)
    assert stored() == (set(), 0)
    assert refused(clients.token("own", grant_type="refresh_token", refresh_token=newest.json()["refresh_token"]))[0] == 400


def test_codes_are_removed_with_what_they_became(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 - the fixture
    """Until then a second use ends that, however old it is."""
    browser, desk = Browser(clients.town.here), clients.town.desk

    def code(scope: str) -> str:
        browser.authorize("own", scope=scope)
        if browser.heading == "Sign in":
            browser.log_in()
        return browser.returned["code"]

    def stored() -> int:
        with desk.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM idp_codes").scalar() or 0)

    waiting, kept = code("openid"), code("openid offline_access")
    tokens = clients.redeem(kept).json()
    before = stored()
    assert before >= 2
    monkeypatch.setattr(sweep_sign_in_rows, "ROWS_AT_ONCE", 1)
    sweep_sign_in_rows.sweep_sign_in_rows(desk)
    assert stored() == before, "of a week ago there are none"
    # As if all were from before: what a refresh token lasts for is here still
    monkeypatch.setattr(sweep_sign_in_rows, "SESSION_SECONDS", 0)
    monkeypatch.setattr(sweep_sign_in_rows, "SESSION_KEEP_SECONDS", -120)
    sweep_sign_in_rows.sweep_sign_in_rows(desk)
    assert stored() < before
    assert refused(clients.redeem(waiting))[2] == "CODE_INVALID"
    assert refused(clients.redeem(kept))[2] == "CODE_REUSED"
    assert clients.userinfo(tokens["access_token"]).status_code == 401
    # As if its time were over too
    monkeypatch.setattr(sweep_sign_in_rows, "SESSION_KEEP_SECONDS", -10 * 366 * 86_400)
    sweep_sign_in_rows.sweep_sign_in_rows(desk)
    assert stored() == 0


def test_a_grant_stays_as_long_as_something_that_came_of_it(clients: Clients) -> None:  # noqa: F811 - the fixture
    """Its end would not reach that otherwise."""
    first = signed_in(clients)["access_token"]
    exchange(clients, "housing", first, resource=TAXES)
    desk = clients.town.desk
    young = desk.clock.now() + timedelta(days=4000)
    source = clients.read(first, HOUSING)["gid"]
    family = "SELECT count(*) FROM idp_grants WHERE grant_id = ? OR source_id = ?"

    def left() -> int:
        with desk.database.read() as connection:
            return int(connection.exec_driver_sql(family, (source, source)).scalar() or 0)

    def sweep() -> int:
        return desk.database.write(lambda connection: sweep_grants(connection, young, 1000))

    assert left() == 2
    sweep()
    assert left() == 1
    with desk.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_grants WHERE grant_id = ?", (source,)).scalar() == 1
    sweep()
    assert left() == 0
