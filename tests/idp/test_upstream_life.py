"""What comes after signing in through another provider: linking, decisions, agents."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.grant_agent import revoke_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import set_password, set_totp
from idp.credentials.one_time_codes import code_at
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from idp.store.accounts import account_id_by, list_agents, load_account
from idp.store.person_grants import grants_of_person
from idp.store.sign_ins import living_sessions, update_session
from service_kit.roles import Role, appoint
from standards.gb32100_credit_code import compute_check_character
from tests.idp.people import PASSWORD, Browser, Town
from tests.idp.upstream_town import (  # noqa: F401 - fixtures
    account_by,
    back,
    conflicts,
    fresh_fixture,
    numbers,
    resident,
    sign_in,
    someone,
    there_fixture,
    town_fixture,
)

if TYPE_CHECKING:
    import httpx
    from sqlalchemy import Connection

    from tests.fakes.upstream import Upstream

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def bearer(town: Town) -> dict[str, str]:
    desk = idp.service.client_desk(town.here.house.context)
    name = f"decider-{len(town.audited('client.register'))}"
    _, secret = register_client(desk, NewClient("Decider", ("identity.decide",), client_id=name), actor="test")
    answer = town.here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(name, secret))
    return {"authorization": "Bearer " + answer.json()["access_token"]}


def newest(town: Town, headers: dict[str, str]) -> dict[str, Any]:
    page = town.here.http.get("/v1/identity-conflicts", headers=headers).json()["conflicts"]
    found: dict[str, Any] = max(page, key=lambda each: each["last_at"])
    return found


def all_conflicts(town: Town, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.here.http.get("/v1/identity-conflicts", headers=headers).json()["conflicts"]
    return found


def company_of(town: Town) -> str:
    """The id of the one organisation, which another test may have made."""
    with town.desk.database.read() as connection:
        found = account_id_by(connection, town.desk.vault, IdentifierKind.CREDIT_CODE, "12990000YX0000008K")
    return found or town.organisation().account_id


def decide(town: Town, headers: dict[str, str], conflict_id: str, decision: str, **more: str) -> httpx.Response:
    body = {"decision": decision, "reason": "seen at the counter", **more}
    return town.here.http.post(f"/v1/identity-conflicts/{conflict_id}/decision", headers=headers, json=body)


def test_an_administrator_decides_that_it_is_the_same(town: Town, there: Upstream) -> None:
    said = someone(name="测试乙")
    known = resident(said, town=town, login="married")
    for _ in range(2):
        assert sign_in(town, there, said).answer.status_code == 409
    headers = bearer(town)
    found = next(
        each
        for each in town.here.http.get("/v1/identity-conflicts", headers=headers).json()["conflicts"]
        if each["account_id"] == known.account_id
    )
    assert (found["doubt"], found["tries"], found["state"], found["name"]) == ("name_differs", 2, "open", "测试乙")
    assert found["id_number"] == "…" + said["idnum"][-4:]
    one = town.here.http.get(f"/v1/identity-conflicts/{found['conflict_id']}", headers=headers)
    assert one.json() == found
    assert one.headers["cache-control"] == "no-store"
    # Rejected it stays out, and is not asked again
    assert decide(town, headers, found["conflict_id"], "reject").json()["state"] == "rejected"
    assert sign_in(town, there, said).answer.status_code == 409
    # Linked after all
    done = decide(town, headers, found["conflict_id"], "link")
    assert (done.status_code, done.json()["state"], done.json()["account_id"]) == (200, "linked", known.account_id)
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id == known.account_id
    assert decide(town, headers, found["conflict_id"], "reject").json()["code"] == "CONFLICT_DECIDED"
    entry = json.loads(town.audited("identity-conflict.decide")[-1])
    assert entry["actor"].startswith("client:decider")
    assert said["idnum"] not in json.dumps(entry)


def test_or_that_it_is_somebody_else(town: Town, there: Upstream) -> None:
    said = someone(name="测试乙")
    known = resident(said, town=town, login="namesake")
    assert sign_in(town, there, said).answer.status_code == 409
    headers = bearer(town)
    open_ones = town.here.http.get("/v1/identity-conflicts", headers=headers).json()["conflicts"]
    found = next(each for each in open_ones if each["account_id"] == known.account_id)
    done = decide(town, headers, found["conflict_id"], "separate").json()
    assert done["state"] == "separated"
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id == done["account_id"] != known.account_id
    assert account_by(town, "region", said["sub"]).id_number is None


def test_a_subject_that_was_handed_on_gets_an_account_of_its_own(town: Town, there: Upstream) -> None:
    said, next_one = someone(), someone()
    assert sign_in(town, there, said).returned["code"]
    first = town.protocol.issued[-1].account_id
    told = {**said, "idnum": next_one["idnum"], "name": "测试丙"}
    assert sign_in(town, there, told).answer.status_code == 409
    headers = bearer(town)
    open_ones = town.here.http.get("/v1/identity-conflicts", headers=headers).json()["conflicts"]
    found = next(each for each in open_ones if each["account_id"] == first)
    assert decide(town, headers, found["conflict_id"], "link").json()["code"] == "CONFLICT_DECISION_IMPOSSIBLE"
    assert decide(town, headers, found["conflict_id"], "separate").status_code == 200
    assert account_by(town, "region", said["sub"]).account_id != first
    assert len(town.audited("account.unlink")) == 1
    assert sign_in(town, there, told).returned["code"]
    assert town.protocol.issued[-1].account_id != first


def test_decisions_that_cannot_be(town: Town, there: Upstream) -> None:
    said = someone(name="测试乙")
    resident(said, town=town, login="cannot")
    headers = bearer(town)
    before = {each["conflict_id"] for each in all_conflicts(town, headers)}
    assert sign_in(town, there, said).answer.status_code == 409
    (conflict,) = {each["conflict_id"] for each in all_conflicts(town, headers)} - before
    for account in ("pe_" + "a" * 24, company_of(town)):
        assert decide(town, headers, conflict, "link", account_id=account).json()["code"] == "CONFLICT_DECISION_IMPOSSIBLE"
    assert decide(town, headers, conflict, "perhaps").status_code == 422
    assert decide(town, headers, "ic_nothing", "reject").json()["code"] == "CONFLICT_NOT_FOUND"
    page = town.here.http.get("/v1/identity-conflicts?limit=1", headers=headers).json()
    assert len(page["conflicts"]) == 1
    if page["next_after"]:
        further = town.here.http.get(f"/v1/identity-conflicts?after={page['next_after']}", headers=headers).json()["conflicts"]
        assert page["next_after"] not in {each["conflict_id"] for each in further}


def signed_in(town: Town, login: str) -> Browser:
    browser = Browser(town.here)
    browser.go("/links")
    browser.log_in(login)
    assert browser.heading == "Linked sign-ins"
    return browser


def link(town: Town, there: Upstream, browser: Browser, said: dict[str, Any], name: str = "region") -> None:
    there.record = said
    browser.send("POST", "/links", data={"csrf": browser.csrf, "upstream": name})
    assert browser.answer.status_code == 303, browser.answer.text
    back(there, browser, browser.answer.headers["location"], name)


def test_who_is_signed_in_links_an_account_and_uses_it(town: Town, there: Upstream) -> None:
    """Also out of a doubt: an account that only claims its number is proven by its owner, signed in on both sides."""
    said = someone()
    known = resident(said, verified=False, town=town, login="claims")
    set_password(town.desk, known.account_id, PASSWORD, actor="test")
    assert sign_in(town, there, said).answer.status_code == 409
    browser = signed_in(town, "claims")
    link(town, there, browser, said)
    assert browser.heading == "Linked sign-ins"
    assert "Linked" in browser.answer.text
    account = account_by(town, "region", said["sub"])
    assert account.account_id == known.account_id
    assert account.id_number is not None
    assert account.id_number.verified_at is not None
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id == known.account_id


def test_what_nobody_may_link(town: Town, there: Upstream) -> None:
    person = town.person("links")
    stranger, other_name = someone(), someone(name="测试乙")
    assert sign_in(town, there, stranger).returned["code"]  # has an account already
    numbered = someone()
    resident(numbered, town=town, login="has-number")
    for said in (stranger, other_name, numbered):
        browser = signed_in(town, "links")
        link(town, there, browser, said)
        assert browser.answer.status_code == 409
        assert browser.heading == "Linked sign-ins"
    with town.desk.database.read() as connection:
        now = load_account(connection, town.desk.vault, person.account_id)
    assert now.identifier(IdentifierKind.UPSTREAM) is None
    assert sign_in(town, there, stranger).returned["code"]  # and keeps it: a try to link it locks nobody out


def test_links_are_made_on_purpose_and_soon_after_signing_in(town: Town, there: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    town.person("purpose")
    browser = signed_in(town, "purpose")
    browser.send("POST", "/links", data={"csrf": "x", "upstream": "region"})
    assert browser.answer.status_code == 403
    browser.go("/links")
    browser.send("POST", "/links", data={"csrf": browser.csrf, "upstream": "nobody"})
    assert browser.answer.status_code == 404
    browser.go("/links?lang=zh")
    assert browser.heading == "关联登录"
    there.record = someone()
    browser.send("POST", "/links", data={"csrf": browser.csrf, "upstream": "region"})
    sent_to = browser.answer.headers["location"]
    out = Browser(town.here)
    out.cookies = dict(browser.cookies)
    out.go("/logout")
    out.send("POST", "/logout", data={"csrf": out.csrf, "confirm": "yes"})
    back(there, browser, sent_to)  # the session has ended meanwhile
    assert browser.answer.status_code == 404
    again = signed_in(town, "purpose")
    later = town.desk.clock.now() + timedelta(seconds=301)
    monkeypatch.setattr(type(town.desk.clock), "now", lambda _clock: later)
    again.send("POST", "/links", data={"csrf": again.csrf, "upstream": "region"})
    assert again.answer.status_code == 403
    assert "Sign in again first" in again.answer.text


def test_a_password_alone_links_nothing_to_an_account_with_two_factors(town: Town, there: Upstream) -> None:
    account = town.person("factors")
    secret = set_totp(town.desk, account.account_id, actor="test")
    browser = Browser(town.here)
    browser.go("/links")
    browser.log_in("factors")
    assert browser.heading == "One more step"
    browser.submit("code", code=code_at(secret, int(town.desk.clock.now().timestamp()) // 30))
    assert browser.heading == "Linked sign-ins"
    token = browser.csrf
    link(town, there, browser, someone())
    assert "Linked" in browser.answer.text
    # A session of the password alone, good for the portal, with the token of the form that this browser was shown before
    del browser.cookies["yinxin-session"]
    browser.authorize("own")
    browser.log_in("factors")
    assert browser.returned["code"]
    browser.send("POST", "/links", data={"csrf": token, "upstream": "region"})
    assert browser.answer.status_code == 403
    assert "Sign in again first" in browser.answer.text
    browser.go("/links")
    assert browser.heading == "One more step"


def test_the_rule_for_a_new_way_in_holds_when_the_browser_comes_back(town: Town, there: Upstream) -> None:
    account = town.person("returns")
    browser = signed_in(town, "returns")
    there.record = said = someone()
    browser.send("POST", "/links", data={"csrf": browser.csrf, "upstream": "region"})
    sent_to = browser.answer.headers["location"]
    # Meanwhile the session's sign-in has become too old, as far as the row says
    desk = town.desk

    def age(connection: Connection) -> None:
        (session,) = living_sessions(connection, desk.vault, account.account_id, desk.clock.now())
        old = replace(session, auth_at=session.auth_at - timedelta(seconds=301), version=session.version + 1)
        update_session(connection, desk.vault, old)

    desk.database.write(age)
    back(there, browser, sent_to)
    assert browser.answer.status_code == 403
    assert "Sign in again first" in browser.answer.text
    with desk.database.read() as connection:
        assert account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, f"@region|{said['sub']}") is None


def test_a_namesake_puts_no_number_in_the_place_of_another(town: Town, there: Upstream) -> None:
    known = resident(someone(), verified=False, town=town, login="namesakes")
    set_password(town.desk, known.account_id, PASSWORD, actor="test")
    browser = signed_in(town, "namesakes")
    link(town, there, browser, someone())  # the same name, and another number, proven over there
    assert browser.answer.status_code == 409
    with town.desk.database.read() as connection:
        assert load_account(connection, town.desk.vault, known.account_id).version == known.version


# Agents


def grants(town: Town, person_id: str) -> list[tuple[str, bool]]:
    with town.desk.database.read() as connection:
        return [
            (each.organisation_id, each.revoked_at is None)
            for each in list_agents(connection, town.desk.vault, person_id=person_id, count=100)
        ]


def test_organisations_a_person_acts_for_come_and_go_with_what_the_upstream_says(
    town: Town,
    there: Upstream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firm = {"id": "o-1", "title": "测试一公司", "code": ""}
    said = someone(firms=[firm, {"id": "o-2", "title": "测试二公司", "code": ""}])
    browser = sign_in(town, there, said)
    assert browser.heading == "For whom do you act?"
    assert "测试一公司" in browser.answer.text
    person = account_by(town, "region", said["sub"]).account_id
    one, two = (account_by(town, "region", each).account_id for each in ("o-1", "o-2"))
    assert sorted(grants(town, person)) == sorted([(one, True), (two, True)])
    # One is no longer named; what somebody here has ended is not brought back
    said = {**said, "firms": [firm]}
    sign_in(town, there, said)
    assert sorted(grants(town, person)) == sorted([(one, True), (two, False)])
    with town.desk.database.read() as connection:
        (standing,) = grants_of_person(connection, town.desk.vault, person)
    assert standing.granted_by == "upstream:region"
    assert standing.valid_until is not None
    later = town.desk.clock.now() + timedelta(seconds=3000)
    with monkeypatch.context() as patch:
        patch.setattr(type(town.desk.clock), "now", lambda _clock: later)
        patch.setattr("tests.fakes.upstream.AT", later)
        sign_in(town, there, said)
    assert len(town.audited("agent.renew")) == 1
    revoke_agent(town.desk, standing.agent_id, actor="operator:test")
    sign_in(town, there, said)
    assert (one, False) in grants(town, person)
    assert (one, True) not in grants(town, person)
    # An upstream that is not believed about this grants nothing
    other = someone(firms=[firm])
    assert sign_in(town, there, other, "other").returned["code"]
    assert grants(town, account_by(town, "other", other["sub"]).account_id) == []


def test_attack_an_upstream_makes_nobody_the_agent_of_an_organisation_with_a_role_nor_an_administrator_of_any(
    town: Town, there: Upstream
) -> None:
    names = ("o-role", "o-plain")
    firms = [{"id": each, "title": f"测试{each}公司", "code": ""} for each in names]
    sign_in(town, there, someone(firms=firms))  # brings the organisations
    bureau, plain = (account_by(town, "region", each).account_id for each in names)
    context = town.here.house.context

    def make(holder: str) -> None:
        given: dict[str, Any] = {"is_bound": lambda *_: False, "actor": "operator:x", "reason": "test", "at": context.clock.now()}
        context.database.write(lambda connection: appoint(connection, context.audit, f"person:{holder}", Role.AUDIT, **given))

    make(bureau)
    said = someone(firms=firms)
    sign_in(town, there, said)
    agent = account_by(town, "region", said["sub"]).account_id
    assert grants(town, agent) == [(plain, True)]
    said = someone()
    sign_in(town, there, said)
    guard = account_by(town, "region", said["sub"]).account_id
    make(guard)
    sign_in(town, there, {**said, "firms": firms})
    assert grants(town, guard) == []


def credit_code() -> str:
    body = f"12990000YX9{next(numbers):06d}"  # none of those that the town's own organisations have
    return body + compute_check_character(body)


@pytest.mark.parametrize(
    ("verified", "level", "name", "said_level", "doubt"),
    [
        (True, 3, "测试甲公司", "L2", None),
        (False, 3, "测试甲公司", "L2", "number_claimed"),
        (True, 1, "测试甲公司", "L2", "account_unproven"),
        (True, 3, "别的公司", "L2", "name_differs"),
        (True, 3, "测试甲公司", "L1", "not_trusted"),
    ],
)
def test_an_organisation_is_no_more_taken_over_than_a_person(
    town: Town,
    there: Upstream,
    *,
    verified: bool,
    level: int,
    name: str,
    said_level: str,
    doubt: str | None,
) -> None:
    at, code = town.desk.clock.now(), credit_code()
    proof = (Evidence(new_id("ev_"), "counter", "Demo hall", level, at),)
    number = Identifier(IdentifierKind.CREDIT_CODE, code, at if verified else None)
    firm = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, name, (number,), evidence=proof), actor="test")
    said = someone(firms=[{"id": f"o-{code}", "title": "测试甲公司", "code": code}], lv=said_level)
    before = len(conflicts(town))
    browser = sign_in(town, there, said)
    person = account_by(town, "region", said["sub"]).account_id
    assert grants(town, person) == ([] if doubt else [(firm.account_id, True)])
    assert conflicts(town)[before:] == ([doubt] if doubt else [])
    assert browser.heading == "For whom do you act?" or browser.returned["code"]
