"""A server of SCIM 2.0 that is followed: another deployment's, by index and by cursor, with and without filters; and what goes wrong there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions import follow_directory
from idp.actions.manage_accounts import AccountChange, change_account, change_account_status
from idp.actions.provision_account import Wanted, provision_account, reprovision_account
from idp.connectors import followed_scim
from idp.model.people import AccountKind, AccountStatus, IdentifierKind
from idp.store.directory import standing_agents
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.idp.following import Towns, person, served_towns
from tests.idp.test_people_store import resident_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idp.model.people import Account
    from service_kit.bounded_calls import Answer

NUMBER = resident_number("99000019900307771")
USERS, GROUPS, CONFIG = "/scim/v2/Users", "/scim/v2/Groups", "/scim/v2/ServiceProviderConfig"


@pytest.fixture
def towns(tmp_path: Path) -> Iterator[Towns]:
    with served_towns(tmp_path, "a", "b") as made:
        yield made


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_scim, "PAGE", 2)


def follow(towns: Towns, **further: Any) -> str:
    stated = {"protocol": "scim", "base_url": "https://a.example/scim/v2", "token_url": "https://a.example/oauth2/token", **further}
    return towns.follow("b", "a", "hr", **stated)


def tampered(path: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[str, Answer], Answer]:
    def tamper(asked: str, answer: Answer) -> Answer:
        if not asked.startswith(path) or answer.status != 200:
            return answer
        return replace(answer, body=json.dumps(change(json.loads(answer.body)), ensure_ascii=False).encode())

    return tamper


def unable(**told: Any) -> Callable[[str, Answer], Answer]:
    """Of a server that says it can less."""
    return tampered(CONFIG, lambda config: {**config, **told})


def present(towns: Towns, code: str, account: Account) -> Account:
    collection = "Users" if account.kind is AccountKind.PERSON else "Groups"
    found = towns.found("b", code, f"{collection}/{account.account_id}")
    assert found is not None
    return found


def changed(towns: Towns, account: Account, **fields: Any) -> None:
    change_account(towns["a"].desk, account.account_id, account.kind, AccountChange(**fields), actor="test")


@pytest.mark.parametrize(
    "able",
    [
        {},
        {"pagination": {"cursor": False}},
        {"filter": {"supported": False}},
        {"filter": {"supported": False}, "pagination": None},
    ],
)
def test_users_and_groups_come_and_follow(towns: Towns, able: dict[str, Any]) -> None:
    people = [person(towns["a"], f"测试{number}", f"user{number}", sex="2") for number in range(5)]
    numbered = person(towns["a"], "没有登录名", number=NUMBER)
    wanted = Wanted(AccountKind.ORGANISATION, "测试有限公司", "scim:x", members=frozenset({people[0].account_id}))
    firm = provision_account(towns["a"].desk, wanted, actor="test")
    towns.wire.tamper = unable(**able)
    code = follow(towns, kinds=["person", "organisation", "agent"], believed_level=2)
    assert towns.pull("b", code) == {"created": 7}
    first = present(towns, code, people[0])
    assert (first.name, first.area, first.attributes, first.origin) == ("测试0", "150700", {"sex": "2"}, "follow:hr")
    login = first.identifier(IdentifierKind.LOGIN)
    assert login is not None
    assert login.value == "user0"
    mine = present(towns, code, numbered)
    assert mine.identifier(IdentifierKind.LOGIN) is None, "an id is no login name"
    assert mine.id_number is not None
    assert (mine.id_number.value, mine.id_number.verified_at) == (NUMBER, None)

    def members() -> set[str]:
        with towns["b"].desk.database.read() as connection:
            desk = towns["b"].desk
            found = standing_agents(connection, desk.vault, organisation_id=present(towns, code, firm).account_id)
        return {each.person_id for each in found}

    assert members() == {first.account_id}
    assert towns.pull("b", code) == {}, "told again, it is known"
    # A change; then disabled; then gone
    changed(towns, people[1], name="改名", area="110000")
    assert towns.pull("b", code) == {"changed": 1}
    assert (present(towns, code, people[1]).name, present(towns, code, people[1]).area) == ("改名", "110000")
    changed(towns, people[1], name="又改名")  # within the same second: by its digest it is another
    assert towns.pull("b", code) == {"changed": 1}
    change_account_status(towns["a"].desk, people[2].account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert towns.pull("b", code) == {"changed": 1}
    assert present(towns, code, people[2]).status is AccountStatus.DISABLED
    change_account_status(towns["a"].desk, people[3].account_id, AccountKind.PERSON, AccountStatus.CLOSED, actor="test")
    assert towns.pull("b", code) == {}, "no pass tells of what is not there"
    done = towns.turn("b", code, reconcile=True)
    assert done.report is not None
    assert (done.report["ended"], done.report["missing_there"], done.report["differing"]) == (1, 0, 0)
    assert done.report["known"] == {"applied": 6}
    assert present(towns, code, people[3]).status is AccountStatus.DISABLED
    assert towns.accounts("b") == 7


def test_a_filter_that_is_refused_is_done_without(towns: Towns) -> None:
    jia = person(towns["a"], "测试甲")
    code = follow(towns)
    towns.pull("b", code)
    changed(towns, jia, name="改名")

    def refuse(path: str, answer: Answer) -> Answer:
        return replace(answer, status=400, body=b'{"scimType":"tooMany"}') if "filter=" in path else answer

    towns.wire.tamper = refuse
    assert towns.pull("b", code) == {"changed": 1}
    assert any("filter=meta.lastModified" in path for path in towns.wire.paths)


def test_two_that_follow_each_other_by_scim_do_not_echo(towns: Towns) -> None:
    """With nothing but names, so that nothing else would stop an echo."""
    jia = person(towns["a"], "测试甲")
    theirs = person(towns["b"], "别处")
    at_b = follow(towns)
    at_a = towns.follow("a", "b", "city", protocol="scim", base_url="https://b.example/scim/v2", token_url="https://b.example/oauth2/token")
    for _ in range(4):
        towns.pull("b", at_b)
        towns.pull("a", at_a)
    assert towns.accounts("a") == towns.accounts("b") == 2
    mirrored = present(towns, at_b, jia)
    assert mirrored.name == "测试甲"
    shown = towns.found("a", at_a, f"Users/{theirs.account_id}")
    assert shown is not None


def test_a_clock_that_is_wrong_there_loses_nothing(towns: Towns) -> None:
    """Resources from the future, and one whose time went back: the first do not keep others from being heard, the second is an older word."""
    jia, yi = person(towns["a"], "测试甲"), person(towns["a"], "测试乙")
    code = follow(towns)
    times = {jia.account_id: "2099-01-01T00:00:00Z"}

    def shift(told: dict[str, Any]) -> dict[str, Any]:
        for each in told.get("Resources", []):
            if each["id"] in times:
                each["meta"]["lastModified"] = times[each["id"]]
        return told

    towns.wire.tamper = tampered(USERS, shift)
    assert towns.pull("b", code) == {"created": 2}
    changed(towns, yi, name="改名")
    assert towns.pull("b", code) == {"changed": 1}
    soon = f"{datetime.now(UTC) + timedelta(seconds=200):%Y-%m-%dT%H:%M:%SZ}"
    times[yi.account_id] = soon
    changed(towns, yi, name="第三")
    assert towns.pull("b", code) == {"changed": 1}
    times[yi.account_id] = "2001-01-01T00:00:00Z"
    changed(towns, yi, name="旧的")
    assert towns.pull("b", code) == {"refused": 1}
    assert present(towns, code, yi).name == "第三"
    times.clear()
    for wrong in ("nonsense", None, "2026-01-01T00:00:00"):
        times[jia.account_id] = wrong  # type: ignore[assignment]
        assert towns.turn("b", code).is_current


def test_a_listing_that_forgets_half_ends_nobody(towns: Towns, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [person(towns["a"], f"测试{number}") for number in range(4)]
    monkeypatch.setattr(follow_directory, "ENDS_MIN", 1)
    code = follow(towns)
    towns.pull("b", code)

    def forget(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "Resources": [], "totalResults": 0, "nextCursor": None}

    # Still there by name: asked for one by one, nobody is gone
    towns.wire.tamper = tampered(USERS + "?", lambda told: {**told, "Resources": told.get("Resources", [])[1:]})
    report = towns.turn("b", code, reconcile=True).report
    assert report is not None
    assert report["ended"] == 0
    assert {present(towns, code, each).status for each in people} == {AccountStatus.ACTIVE}
    # Really gone, but so many at once that an operator has to say so
    for each in people:
        change_account_status(towns["a"].desk, each.account_id, AccountKind.PERSON, AccountStatus.CLOSED, actor="test")
    towns.wire.tamper = tampered(USERS + "?", forget)
    report = towns.turn("b", code, reconcile=True).report
    assert report is not None
    assert (report["ended"], report["missing_there"]) == (0, 4)
    assert {present(towns, code, each).status for each in people} == {AccountStatus.ACTIVE}
    report = towns.turn("b", code, reconcile=True, accepts_ends=True).report
    assert report is not None
    assert (report["ended"], report["missing_there"]) == (4, 0)
    assert {present(towns, code, each).status for each in people} == {AccountStatus.DISABLED}


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("nextCursor", lambda told: {**told, "nextCursor": 1}),
        ("Resources", lambda told: {**told, "Resources": "x"}),
        ("Resources", lambda told: {**told, "Resources": [1]}),
        ("Resources", lambda told: {**told, "Resources": told["Resources"] * 50}),
        ("id", lambda told: {**told, "Resources": [{**each, "id": "x" * 300} for each in told["Resources"]]}),
        ("id", lambda told: {**told, "Resources": [{**each, "id": None} for each in told["Resources"]]}),
        ("cursor", lambda told: {**told, "nextCursor": "x" * 3000}),
    ],
)
def test_what_is_no_listing_stops_the_turn(towns: Towns, what: str, change: Any) -> None:
    person(towns["a"], "测试甲")
    code = follow(towns)
    towns.wire.tamper = tampered(USERS, change)
    with pytest.raises(TrustError) as refused:
        towns.turn("b", code)
    assert (refused.value.code, refused.value.facts) == ("SOURCE_ANSWER_INVALID", {"what": what})
    assert towns.state("b", code).cursor == ""


def test_pages_without_end(towns: Towns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_scim, "RESOURCES_MAX", 10)
    person(towns["a"], "测试甲")
    code = follow(towns)
    count = iter(range(10_000))

    def one_cursor(path: str, answer: Answer) -> Answer:
        made = tampered(USERS, lambda told: {**told, "nextCursor": f"c{next(count)}"})(path, answer)
        if path.startswith(USERS) and answer.status != 200:  # the server does not know the cursor; the liar does
            body = {"totalResults": 1, "Resources": [{"id": f"u{next(count)}"}], "nextCursor": f"c{next(count)}"}
            return replace(made, status=200, body=json.dumps(body).encode())
        return made

    towns.wire.tamper = one_cursor
    for reconcile in (False, True):
        with pytest.raises(TrustError) as refused:
            towns.turn("b", code, reconcile=reconcile)
        assert refused.value.facts == {"what": "endless"}


def test_a_cursor_that_has_expired_leads_to_a_reconciliation(towns: Towns) -> None:
    for number in range(3):
        person(towns["a"], f"测试{number}")
    code = follow(towns)
    place = json.dumps({"since": "", "began": "", "collection": 0, "place": "expired", "seen": 2})
    towns["b"].desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET cursor = ?", (place,)))
    towns.wire.tamper = lambda path, answer: replace(answer, status=400) if "cursor=expired" in path else answer
    done = towns.turn("b", code)
    assert done.report is not None
    assert done.report["known"] == {"applied": 3}
    towns["b"].desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET cursor = 'x'"))
    assert towns.turn("b", code).report is not None


def test_a_foreign_server_without_our_extensions(towns: Towns) -> None:
    """Family and given name, a bearer token that is simply given, no Groups, no configuration that can be read."""
    users = [
        {"id": "7", "userName": "ann.test", "name": {"familyName": "Test", "givenName": "Ann"}, "active": True, "externalId": "x"},
        {"id": "8", "userName": "wang", "name": {"familyName": "王", "givenName": "测试"}, "emails": [{"value": "a@x.example"}, {"value": "b@x.example", "primary": True}]},
        {"id": "9", "userName": "only.login"},
    ]  # fmt: skip

    def answer(path: str, told: Answer) -> Answer:
        if path.startswith("/foreign/Users"):
            return replace(told, status=200, headers={}, body=json.dumps({"totalResults": 3, "Resources": users}).encode())
        return replace(told, status=404, body=b"{}")

    towns.wire.tamper = answer
    from idp.actions.follow_desk import add_source
    from idp.model.follow import read_source

    stated = {"code": "foreign", "protocol": "scim", "base_url": "https://a.example/foreign", "client_secret": "given-token"}
    add_source(towns.desk("b"), read_source(stated), actor="test")
    assert towns.pull("b", "foreign") == {"created": 3}
    names = [towns.found("b", "foreign", f"Users/{number}") for number in (7, 8, 9)]
    assert [each.name for each in names if each] == ["Ann Test", "王测试", "only.login"]
    assert names[1] is not None
    mail = names[1].identifier(IdentifierKind.MAIL)
    assert mail is not None
    assert mail.value == "b@x.example"
    assert towns.pull("b", "foreign") == {}


def test_an_organisation_is_disabled_although_an_administrator_acts_for_it(towns: Towns) -> None:
    """His agency is left alone; that must not keep the rest of what is told of the organisation from coming through."""
    town, desk = towns["a"], towns["b"].desk
    boss, clerk = (person(town, f"测试{each}", f"acts-{each}") for each in ("boss", "clerk"))
    both = frozenset({boss.account_id, clerk.account_id})
    firm = provision_account(town.desk, Wanted(AccountKind.ORGANISATION, "测试有限公司", "scim:x", members=frozenset()), actor="test")
    code = follow(towns, kinds=["person", "organisation", "agent"])
    assert towns.pull("b", code) == {"created": 3}
    given: dict[str, Any] = {"is_bound": lambda *_: False, "actor": "test", "reason": "test", "at": desk.clock.now()}
    holder = f"person:{present(towns, code, boss).account_id}"
    desk.database.write(lambda connection: appoint(connection, desk.audit, holder, Role.SECURITY, **given))
    wanted = Wanted(AccountKind.ORGANISATION, "测试有限公司", "scim:x", members=both, is_active=False)
    reprovision_account(town.desk, firm.account_id, wanted, actor="test")
    assert towns.pull("b", code) == {"changed": 1}
    assert present(towns, code, firm).status is AccountStatus.DISABLED
    with desk.database.read() as connection:
        found = standing_agents(connection, desk.vault, organisation_id=present(towns, code, firm).account_id)
    assert [each.person_id for each in found] == [present(towns, code, clerk).account_id], "an administrator is made nobody's agent"
    assert any(present(towns, code, boss).account_id in each for each in towns["b"].audited("agent.refuse"))


def test_a_group_of_too_many_members_is_refused_for_itself(towns: Towns, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended every turn at its place, so that nobody at all was followed any more."""
    town = towns["a"]
    people = [person(town, f"测试{each}", f"many-{each}") for each in range(3)]
    crowd = frozenset(each.account_id for each in people)
    big = provision_account(town.desk, Wanted(AccountKind.ORGANISATION, "测试大公司", "scim:x", members=crowd), actor="test")
    small = provision_account(town.desk, Wanted(AccountKind.ORGANISATION, "测试小公司", "scim:x", members=frozenset()), actor="test")
    monkeypatch.setattr(followed_scim, "MEMBERS_MAX", 2)
    code = follow(towns)
    assert towns.pull("b", code) == {"created": 4, "refused": 1}
    assert towns.noted("b", code)["refused SOURCE_FACTS_WRONG"] == 1
    assert towns.found("b", code, f"Groups/{big.account_id}") is None
    changed(towns, people[0], name="改名")
    assert towns.pull("b", code) == {"changed": 1}, "and once: it is told as it was"
    done = towns.turn("b", code, reconcile=True)
    assert (done.report or {})["missing_there"] == 0
    assert present(towns, code, small).status is AccountStatus.ACTIVE
    fewer = Wanted(AccountKind.ORGANISATION, "测试大公司", "scim:x", members=frozenset({people[0].account_id}))
    reprovision_account(town.desk, big.account_id, fewer, actor="test")
    assert towns.pull("b", code) == {"created": 1}
