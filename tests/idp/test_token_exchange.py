"""Token exchange (RFC 8693) and trust tickets on the same engine: on behalf of a person, with less, for a moment, and never for a thief."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import idp.ports
import idp.service
from idp.actions.end_session import end_all_sessions
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.person_desk import demand_standing
from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.model.people import AccountKind, AgentRole
from idp.model.registrations import Registration, check_registration
from idp.model.tickets import TICKET_PREFIX, TICKET_SECONDS, TICKET_TYPE
from idp.store.grants import find_grant
from idp.tokens.exchange import ACCESS_TOKEN_TYPE, ACTORS_MAX, act_of, actors_in, read_exchange
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
HOUSING, TAXES = "https://housing.example.org", "https://taxes.example.org"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("exchange") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        portal = replace(BASE, client_id="portal", grant_types=("authorization_code", EXCHANGE), person_scopes=("seal.read", "seal.use"))
        found.add(portal, "seal.read", "seal.use", audiences=(found.town.desk.issuer, HOUSING))
        service = Registration("housing", grant_types=(EXCHANGE,), serves=(HOUSING,), is_own=True, person_scopes=("seal.read",))
        found.add(service, "seal.read", audiences=(TAXES, HOUSING))
        found.add(replace(service, client_id="taxes", serves=(TAXES,)), "seal.read", audiences=(HOUSING,))
        found.add(replace(service, client_id="nosy", serves=()), "seal.read", audiences=(HOUSING, TAXES))
        found.add(
            replace(service, client_id="foreign", serves=(), is_own=False, subject_type="pairwise", redirect_uris=("https://f.example/cb",))
        )
        both = ("authorization_code", EXCHANGE)
        agreed = replace(BASE, client_id="agreed", is_own=False, subject_type="pairwise", grant_types=(*both, "refresh_token"))
        found.add(replace(agreed, person_scopes=("seal.read", "seal.use")))
        found.add(replace(service, client_id="people", serves=(), acting="person"))
        found.add(replace(service, client_id="firms", serves=(), acting="organisation"))
        found.add(BASE)
        yield found


def exchange(clients: Clients, client: str, token: str, /, kind: str = ACCESS_TOKEN_TYPE, **form: str) -> httpx.Response:
    return clients.token(client, **{"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": kind, **form})


def signed_in(clients: Clients, browser: Browser | None = None, **query: str) -> dict[str, Any]:
    return clients.sign_in(browser, "portal", **{"scope": "openid profile seal.read", "resource": HOUSING, **query})


def ticket_for(clients: Clients, target: str, token: str, **form: str) -> httpx.Response:
    return exchange(clients, "portal", token, requested_token_type=TICKET_TYPE, audience=target, **form)


@pytest.mark.clause("RFC 8693 2.1", "RFC 8693 2.2.1", "RFC 8693 4.1")
def test_a_service_calls_another_on_behalf_of_a_person_with_less(clients: Clients) -> None:
    first = signed_in(clients)
    answer = exchange(clients, "housing", first["access_token"], resource=TAXES, scope="seal.read")
    assert answer.status_code == 200, answer.text
    second = answer.json()
    assert (second["issued_token_type"], second["token_type"], second["scope"]) == (ACCESS_TOKEN_TYPE, "Bearer", "seal.read")
    assert "refresh_token" not in second
    person = clients.read(first["access_token"], HOUSING)
    said = clients.read(second["access_token"], TAXES)
    assert (said["sub"], said["client_id"], said["act"]) == (person["sub"], "housing", {"sub": "housing"})
    assert said["exp"] <= person["exp"]
    assert (said["acr"], said["auth_time"]) == (person["acr"], person["auth_time"])
    with clients.town.desk.database.read() as connection:
        behind = find_grant(connection, said["gid"], idp.service.client_desk(clients.town.here.house.context).mac_key)
    assert behind is not None
    assert (behind.source_id, behind.client_id, behind.holder_id) == (person["gid"], "portal", "housing")
    assert (behind.scopes, behind.audience) == (("seal.read",), TAXES)
    # and that one a third, the chain growing inwards
    third = exchange(clients, "taxes", second["access_token"]).json()
    said = clients.read(third["access_token"], HOUSING)
    assert said["act"] == {"sub": "taxes", "act": {"sub": "housing"}}
    assert third["scope"] == "seal.read", "nothing comes back that was left out on the way"
    assert any('"actors":"taxes housing"' in entry for entry in clients.town.audited("token.exchange"))
    # a client narrows a token of its own without acting for anybody
    own = exchange(clients, "portal", first["access_token"], scope="seal.read").json()
    assert "act" not in clients.read(own["access_token"], clients.town.desk.issuer)


@pytest.mark.clause("RFC 8693 2.2.2", "RFC 8693 5")
def test_attack_tokens_that_were_meant_for_others_and_more_than_was_given(clients: Clients) -> None:
    token = signed_in(clients)["access_token"]
    assert refused(exchange(clients, "nosy", token, resource=TAXES))[:2] == (400, "invalid_request")
    assert refused(exchange(clients, "taxes", token))[2] == "EXCHANGE_REFUSED"
    assert refused(exchange(clients, "housing", token, resource="https://other.example"))[1] == "invalid_target"
    for scope in ("seal.use", "seal.read seal.use", "client.manage", "phone", "email seal.read"):
        assert refused(exchange(clients, "housing", token, resource=TAXES, scope=scope))[1] == "invalid_scope"
    assert refused(exchange(clients, "own", token))[1] == "unauthorized_client"
    head, body, signature = token.split(".")
    for broken in ("", "x", f"{head}.{body}.", f"{head}.{body}.{'A' * 86}", f"e30.{body}.{signature}", token + "A"):
        assert refused(exchange(clients, "housing", broken))[1] == "invalid_request"
    own = clients.sign_in(None, "own", scope="openid")
    assert refused(exchange(clients, "housing", own["id_token"]))[2] == "EXCHANGE_REFUSED", "an ID token is no access token"
    assert refused(exchange(clients, "housing", own["refresh_token"]))[2] == "EXCHANGE_REFUSED"


@pytest.mark.parametrize(
    "form",
    [
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token_type": ""},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"requested_token_type": TICKET_TYPE},
        {"audience": "taxes"},
        {"actor_token": "x"},
        {"actor_token_type": ACCESS_TOKEN_TYPE},
    ],
)
def test_kinds_of_exchange_that_do_not_exist(form: dict[str, str]) -> None:
    with pytest.raises(TrustError):
        read_exchange({"subject_token": "x", "subject_token_type": ACCESS_TOKEN_TYPE, **form})
    with pytest.raises(TrustError):
        read_exchange({"subject_token": "x", "subject_token_type": TICKET_TYPE, "requested_token_type": TICKET_TYPE, "audience": "x"})


def test_chains_of_actors_are_bounded_and_read_strictly() -> None:
    assert act_of((), None) is None
    assert act_of(("b", "a"), {"sub": "p"}) == {"sub": "b", "act": {"sub": "a", "act": {"sub": "p"}}}
    assert actors_in({"act": {"sub": "b", "act": {"sub": "p"}}}, person_last=True) == ("b",)
    assert actors_in({}, person_last=True) == ()
    with pytest.raises(TrustError):
        act_of(("x",) * (ACTORS_MAX + 1), None)
    deep: dict[str, Any] = {"sub": "x"}
    for _ in range(50):
        deep = {"sub": "x", "act": deep}
    for act in (deep, "x", {"sub": 7}, {}, {"sub": "x", "act": []}):
        with pytest.raises(TrustError):
            actors_in({"act": act}, person_last=False)


def test_what_a_client_serves_is_checked() -> None:
    for wrong in (("no address",), (HOUSING + "#x",), (HOUSING,) * 17):
        with pytest.raises(TrustError, match="serves"):
            check_registration(Registration("housing", grant_types=(EXCHANGE,), serves=wrong))
    with pytest.raises(TrustError, match="serves"):
        check_registration(replace(BASE, token_endpoint_auth_method="none", serves=(HOUSING,)))


def test_what_hangs_on_a_session_ends_with_it(clients: Clients) -> None:
    first = signed_in(clients)
    ticket = ticket_for(clients, "taxes", first["access_token"]).json()["access_token"]
    redeemed = exchange(clients, "taxes", ticket_for(clients, "taxes", first["access_token"]).json()["access_token"], kind=TICKET_TYPE)
    account = clients.read(first["access_token"], HOUSING)["sub"]
    end_all_sessions(clients.town.desk, account, actor="test")
    assert refused(exchange(clients, "housing", first["access_token"], resource=TAXES))[2] == "EXCHANGE_REFUSED"
    assert refused(ticket_for(clients, "taxes", first["access_token"]))[2] == "EXCHANGE_REFUSED"
    before = len(clients.town.audited("ticket.refuse"))
    assert refused(exchange(clients, "taxes", ticket, kind=TICKET_TYPE))[2] == "GRANT_ENDED"
    (entry,) = clients.town.audited("ticket.refuse")[before:]
    assert "stands no more" in entry, "who redeems it too late is on record as well"
    assert "taxes" in entry
    assert clients.userinfo(redeemed.json()["access_token"]).status_code == 401


def test_a_ticket_takes_a_person_from_one_application_to_another(clients: Clients) -> None:
    first = signed_in(clients)
    answer = ticket_for(clients, "taxes", first["access_token"])
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert (given["issued_token_type"], given["token_type"], given["expires_in"]) == (TICKET_TYPE, "N_A", TICKET_SECONDS)
    ticket = given["access_token"]
    assert ticket.startswith(TICKET_PREFIX)
    assert "." not in ticket, "a reference, no data"
    assert clients.userinfo(ticket).status_code == 401
    redeemed = exchange(clients, "taxes", ticket, kind=TICKET_TYPE)
    assert redeemed.status_code == 200, redeemed.text
    tokens = redeemed.json()
    assert tokens["issued_token_type"] == ACCESS_TOKEN_TYPE
    told, source = clients.read(tokens["id_token"], "taxes"), clients.read(first["id_token"], "portal")
    assert (told["sub"], told["acr"], told["sid"], told["auth_time"]) == tuple(source[name] for name in ("sub", "acr", "sid", "auth_time"))
    assert clients.userinfo(tokens["access_token"]).json()["name"] == "测试甲"
    for action in ("ticket.issue", "token.issue"):
        assert any("taxes" in entry for entry in clients.town.audited(action))


def test_attack_a_ticket_used_twice_ends_what_it_gave(clients: Clients) -> None:
    ticket = ticket_for(clients, "taxes", signed_in(clients)["access_token"]).json()["access_token"]
    tokens = exchange(clients, "taxes", ticket, kind=TICKET_TYPE).json()
    assert clients.userinfo(tokens["access_token"]).status_code == 200
    assert refused(exchange(clients, "taxes", ticket, kind=TICKET_TYPE)) == (400, "invalid_grant", "TICKET_REUSED")
    assert clients.userinfo(tokens["access_token"]).status_code == 401
    assert any("used before" in entry for entry in clients.town.audited("ticket.refuse"))


def test_of_sixteen_at_once_one_redeems(clients: Clients) -> None:
    ticket = ticket_for(clients, "taxes", signed_in(clients)["access_token"]).json()["access_token"]
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: exchange(clients, "taxes", ticket, kind=TICKET_TYPE).status_code, range(16)))
    assert sorted(statuses) == [200] + [400] * 15


def test_a_ticket_of_which_no_scope_is_left_is_refused_on_record_and_unspent(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application it is for has its scopes from what the person holds (``ports.SCOPE_LIMITS``), and he lost them since."""
    ticket = ticket_for(clients, "taxes", signed_in(clients)["access_token"], scope="seal.read").json()["access_token"]
    limits = idp.ports.SCOPE_LIMITS.of(clients.town.here.house.context)
    assert isinstance(limits, dict)
    before = len(clients.town.audited("ticket.refuse"))
    with monkeypatch.context() as patch:
        patch.setitem(limits, "taxes", lambda connection, holder, *, human, has_two: frozenset())
        answer = exchange(clients, "taxes", ticket, kind=TICKET_TYPE)
        assert refused(answer)[1:] == ("invalid_scope", "SCOPE_NOT_GRANTED")
    (entry,) = clients.town.audited("ticket.refuse")[before:]
    assert "no scope is left" in entry
    assert exchange(clients, "taxes", ticket, kind=TICKET_TYPE).json()["scope"] == "seal.read", "what was undone did not spend it"


def test_attack_tickets_of_others_old_ones_and_after_a_change(clients: Clients) -> None:
    token = signed_in(clients)["access_token"]

    def new() -> str:
        return str(ticket_for(clients, "taxes", token).json()["access_token"])

    ticket = new()
    assert refused(exchange(clients, "housing", ticket, kind=TICKET_TYPE))[2] == "TICKET_INVALID", "another application's"
    assert refused(exchange(clients, "portal", ticket, kind=TICKET_TYPE))[2] == "TICKET_INVALID", "also not who asked for it"
    assert refused(exchange(clients, "taxes", TICKET_PREFIX + "x", kind=TICKET_TYPE))[2] == "TICKET_INVALID"
    assert refused(exchange(clients, "taxes", ticket, kind=TICKET_TYPE, resource="https://other.example"))[1] == "invalid_target"
    real = type(clients.town.here.house.clock)
    later = clients.town.desk.clock.now() + timedelta(seconds=TICKET_SECONDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real, "now", lambda _self: later)
        assert refused(exchange(clients, "taxes", ticket, kind=TICKET_TYPE))[2] == "TICKET_INVALID"
    assert exchange(clients, "taxes", ticket, kind=TICKET_TYPE).status_code == 200, "refusals have not spent it"
    # The application changed meanwhile: other keys, other rules
    ticket = new()
    clients.set(Registration("taxes", grant_types=(EXCHANGE,), serves=(TAXES,), is_own=True, purpose="New", person_scopes=("seal.read",)))
    assert refused(exchange(clients, "taxes", ticket, kind=TICKET_TYPE))[2] == "TICKET_INVALID"
    # A row edited past the program
    ticket = new()
    edit = "UPDATE idp_trust_tickets SET scopes = 'openid phone' WHERE spent_at IS NULL"
    clients.town.desk.database.write(lambda connection: connection.exec_driver_sql(edit))
    assert exchange(clients, "taxes", ticket, kind=TICKET_TYPE).status_code == 503
    reasons = " ".join(clients.town.audited("ticket.refuse"))
    assert all(reason in reasons for reason in ("unknown or another's", "expired", "the client has changed", "a resource that is not"))


def test_who_may_be_sent_where_and_told_what(clients: Clients) -> None:
    token = signed_in(clients)["access_token"]
    assert refused(ticket_for(clients, "nobody", token))[2] == "EXCHANGE_REFUSED"
    assert refused(ticket_for(clients, "own", token))[2] == "EXCHANGE_REFUSED", "it does not redeem tickets"
    assert refused(ticket_for(clients, "portal", token))[2] == "EXCHANGE_REFUSED", "itself"
    assert refused(ticket_for(clients, "firms", token))[2] == "EXCHANGE_REFUSED", "it serves organisations"
    assert ticket_for(clients, "people", token).status_code == 200
    assert refused(ticket_for(clients, "taxes", token, scope="openid phone"))[1] == "invalid_scope"
    assert refused(ticket_for(clients, "foreign", token))[1] == "invalid_scope", "the person has not agreed"
    assert ticket_for(clients, "taxes", token, scope="openid").json()["scope"] == "openid"


@pytest.mark.clause("RFC 8693 5")
def test_attack_whoever_is_only_called_with_a_token_sends_its_person_nowhere(clients: Clients) -> None:
    """A ticket would make of a call a sign-in at another application, for as long as the session lasts and without ``act``."""
    token = signed_in(clients)["access_token"]
    wanted = {"requested_token_type": TICKET_TYPE, "audience": "people"}
    assert refused(exchange(clients, "housing", token, **wanted)) == (400, "invalid_request", "EXCHANGE_REFUSED")
    exchanged = exchange(clients, "housing", token, resource=TAXES).json()["access_token"]
    own = exchange(clients, "housing", token, resource=HOUSING).json()["access_token"]
    for client, shown in (("taxes", exchanged), ("housing", exchanged), ("housing", own)):
        assert refused(exchange(clients, client, shown, **wanted))[2] == "EXCHANGE_REFUSED", "also not by way of an exchange"
    # Also not the application he signed in at, with what another exchanged and then sent to it
    both = replace(BASE, client_id="both", grant_types=("authorization_code", EXCHANGE), person_scopes=("seal.read",), serves=(TAXES,))
    clients.add(both, audiences=(HOUSING,))
    came_back = exchange(
        clients, "housing", clients.sign_in(None, "both", scope="openid seal.read", resource=HOUSING)["access_token"], resource=TAXES
    )
    assert refused(exchange(clients, "both", came_back.json()["access_token"], **wanted))[2] == "EXCHANGE_REFUSED"
    # Who signed him in does, with a narrowed token too; and so does who redeemed a ticket for him
    narrowed = exchange(clients, "portal", token, scope="seal.read").json()["access_token"]
    landed = exchange(clients, "taxes", ticket_for(clients, "taxes", narrowed).json()["access_token"], kind=TICKET_TYPE).json()
    assert exchange(clients, "taxes", landed["access_token"], **wanted).status_code == 200


def test_with_the_persons_consent_and_under_another_name(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    token = signed_in(clients, browser)["access_token"]
    browser.authorize("agreed", scope="openid profile")
    browser.submit("consent")
    answer = ticket_for(clients, "agreed", token, scope="openid profile")
    tokens = exchange(clients, "agreed", answer.json()["access_token"], kind=TICKET_TYPE).json()
    assert clients.read(tokens["id_token"], "agreed")["sub"].startswith("pw_")


def test_an_agents_tokens_carry_what_the_organisation_granted_him_and_a_representatives_all(clients: Clients) -> None:
    """At the code, at refreshing, in exchange and by ticket; and the page of consent says no more than he can give."""
    town, asked = clients.town, "openid seal.read seal.use"
    firm, led = (create_account(town.desk, NewAccount(AccountKind.ORGANISATION, "测试公司"), actor="test").account_id for _ in range(2))
    person = town.person("wuji").account_id
    grant_agent(town.desk, firm, person, scopes=("seal.read",), actor="test")
    grant_agent(town.desk, led, person, role=AgentRole.REPRESENTATIVE, scopes=("seal.read",), actor="test")
    browser = Browser(town.here)

    def act(client: str, scope: str, firm: str = firm) -> Browser:
        browser.authorize(client, scope=scope, prompt="login")
        browser.log_in("wuji")
        browser.submit("acting", acting_for=firm)
        return browser

    assert "see your seals" in act("agreed", asked).answer.text
    assert "seal documents" not in browser.answer.text
    browser.submit("consent")
    tokens = clients.redeem(browser.returned["code"], "agreed").json()
    assert tokens["scope"] == "openid seal.read"
    fresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert refused(clients.token("agreed", **fresh, scope="openid seal.use"))[2] == "SCOPE_NOT_GRANTED"
    assert clients.token("agreed", **fresh).json()["scope"] == "openid seal.read"
    assert refused(clients.redeem(act("portal", "seal.use").returned["code"], "portal"))[2] == "SCOPE_NOT_GRANTED", "nothing is left"
    shown = clients.redeem(act("portal", asked).returned["code"], "portal").json()["access_token"]
    assert exchange(clients, "portal", shown).json()["scope"] == "openid seal.read"
    assert refused(ticket_for(clients, "taxes", shown, scope="seal.use"))[2] == "SCOPE_NOT_GRANTED"
    # A grant that carries more, as one written before this was kept, stands no longer
    with town.desk.database.read() as connection:
        keys = idp.service.client_desk(town.here.house.context).mac_key
        grant = find_grant(connection, clients.read(shown, town.desk.issuer)["gid"], keys)
        assert grant is not None
        desk = SimpleNamespace(people=town.desk)
        demand_standing(connection, desk, grant, town.desk.clock.now())  # type: ignore[arg-type]
        with pytest.raises(TrustError, match="GRANT_ENDED"):
            demand_standing(connection, desk, replace(grant, scopes=("seal.use",)), town.desk.clock.now())  # type: ignore[arg-type]
    assert clients.redeem(act("portal", asked, led).returned["code"], "portal").json()["scope"] == asked


def test_who_acts_for_an_organisation_is_named_innermost(clients: Clients) -> None:
    town = clients.town
    firm = town.organisation()
    browser = Browser(town.here)
    person = town.person("yier").account_id
    agent = grant_agent(town.desk, firm.account_id, person, actor="test")
    browser.authorize("portal", scope="openid seal.read", resource=HOUSING)
    browser.log_in("yier")
    browser.submit("acting", acting_for=firm.account_id)
    token = clients.redeem(browser.returned["code"], "portal").json()["access_token"]
    said = clients.read(exchange(clients, "housing", token, resource=TAXES).json()["access_token"], TAXES)
    assert said["sub"] == firm.account_id
    assert said["act"] == {"sub": "housing", "act": {"sub": person}}
    assert refused(ticket_for(clients, "people", token))[2] == "EXCHANGE_REFUSED"
    for name, kind in (("persons", "person"), ("offices", "organisation")):
        clients.add(
            Registration(name, grant_types=(EXCHANGE,), serves=(HOUSING,), is_own=True, acting=kind, person_scopes=("seal.read",)),  # type: ignore[arg-type]
            "seal.read",
            audiences=(HOUSING,),
        )
    assert refused(exchange(clients, "persons", token))[2] == "EXCHANGE_REFUSED", "it is for persons alone"
    assert exchange(clients, "offices", token).status_code == 200
    assert refused(exchange(clients, "offices", signed_in(clients)["access_token"]))[2] == "EXCHANGE_REFUSED"
    redeemed = exchange(clients, "firms", ticket_for(clients, "firms", token).json()["access_token"], kind=TICKET_TYPE).json()
    assert clients.read(redeemed["id_token"], "firms")["act"] == {"sub": person}
    # With the office end the tokens, also those that came of a ticket
    waiting = ticket_for(clients, "firms", token).json()["access_token"]
    assert clients.userinfo(redeemed["access_token"]).status_code == 200
    own = clients.read(token, HOUSING)["gid"]
    revoke_agent(town.desk, agent.agent_id, actor="test")
    with town.desk.database.read() as connection:  # what every API's gate goes by
        row = connection.exec_driver_sql("SELECT ended_at, ended_why FROM idp_grants WHERE grant_id = ?", (own,)).one()
        others = "SELECT count(*) FROM idp_grants WHERE ended_why = 'agent revoked' AND account_id <> ?"
        assert connection.exec_driver_sql(others, (person,)).scalar() == 0
    assert row.ended_at is not None
    assert row.ended_why == "agent revoked"
    assert clients.userinfo(redeemed["access_token"]).status_code == 401
    assert refused(exchange(clients, "housing", token, resource=TAXES))[2] == "EXCHANGE_REFUSED"
    assert refused(exchange(clients, "firms", waiting, kind=TICKET_TYPE))[2] == "GRANT_ENDED"
    assert refused(ticket_for(clients, "firms", token))[2] == "EXCHANGE_REFUSED"


def test_old_tickets_are_swept(clients: Clients) -> None:
    ticket_for(clients, "taxes", signed_in(clients)["access_token"])
    database = clients.town.desk.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_trust_tickets SET expires_at = 1"))
    sweep_sign_in_rows(clients.town.desk)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_trust_tickets").scalar() == 0
