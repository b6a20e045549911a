"""Sources that lie, stall, repeat themselves or lead elsewhere, and two processes at once: what is here stays right."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.follow_desk import remove_source
from idp.actions.follow_directory import follow_source, follow_sources
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import AccountChange, change_account, change_account_status
from idp.model.changes import facts_digest
from idp.model.follow import back_off_seconds, read_source
from idp.model.people import AccountStatus, IdentifierKind
from idp.store.accounts import list_agents
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.idp.following import Towns, person, served_towns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idp.model.people import Account
    from service_kit.bounded_calls import Answer

FACTS = "/v1/account-facts/"
CHANGES = "/v1/account-changes"
ENTRIES = "/v1/account-reconciliation/"


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Towns]:
    with served_towns(tmp_path_factory.mktemp("lies"), "a", "b") as made:
        yield made


@pytest.fixture(autouse=True)
def honest(towns: Towns) -> Iterator[None]:
    yield
    towns.wire.tamper = lambda _, answer: answer


_CODES = iter(f"s{number}" for number in range(999))


@pytest.fixture
def code(towns: Towns) -> Iterator[str]:
    """A source that has been followed up to now."""
    made = towns.follow("b", "a", next(_CODES), reconcile_hours=0)
    towns.pull("b", made)
    yield made
    remove_source(towns.desk("b"), made, actor="test")


def lie(path: str, change: Callable[[Any], Any]) -> Callable[[str, Answer], Answer]:
    """Answers of an address, changed as JSON."""

    def tamper(asked: str, answer: Answer) -> Answer:
        if not asked.startswith(path) or answer.status != 200:
            return answer
        return replace(answer, body=json.dumps(change(json.loads(answer.body)), ensure_ascii=False).encode())

    return tamper


def renamed(towns: Towns, account: Account, name: str) -> None:
    change_account(towns["a"].desk, account.account_id, account.kind, AccountChange(name=name), actor="test")


def resealed(facts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Facts with something else in them and the digest that belongs to that."""
    told = {**facts, "facts": {**facts["facts"], **changed}}
    return {**told, "digest": facts_digest(bytes.fromhex(told["salt"]), told["facts"]).hex()}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("digest", lambda told: {**told, "facts": {**told["facts"], "name": "假名"}}),
        ("digest", lambda told: {**told, "digest": "0" * 64}),
        ("digest", lambda told: {**told, "salt": "00" * 16 + told["salt"][:32]}),
        ("digest", lambda told: resealed(told, name="假名")),
        ("subject", lambda told: resealed(told, account_id="pe_" + "a" * 24)),
        ("subject", lambda told: resealed(told, kind="organisation")),
        ("version", lambda told: {**resealed(told, name="旧名"), "version": told["version"] - 1}),
        ("salt", lambda told: {**told, "salt": "zz"}),
        ("digest", lambda told: resealed(told, identifiers=[{"kind": "login", "value": "root"}])),
        ("identifiers", lambda told: resealed(told, identifiers=["root"])),
    ],
)
def test_facts_that_are_not_what_was_announced_are_not_taken(towns: Towns, code: str, field: str, change: Any) -> None:
    jia = person(towns["a"], "测试甲", area="150700")
    renamed(towns, jia, "测试乙")
    towns.wire.tamper = lie(FACTS, change)
    done = towns.pull("b", code)
    assert done == {"refused": 1}
    assert towns.found("b", code, jia.account_id) is None
    assert towns.noted("b", code)["refused SOURCE_FACTS_WRONG"] == 1
    assert f'"field":"{field}"' in towns["b"].audited("source.refuse")[-1]
    # It is not lost: once the source says what is so, a reconciliation brings it
    towns.wire.tamper = lambda _, answer: answer
    assert towns.pull("b", code) == {}
    towns.turn("b", code, reconcile=True)
    found = towns.found("b", code, jia.account_id)
    assert found is not None
    assert found.name == "测试乙"


def test_facts_of_another_are_not_taken(towns: Towns, code: str) -> None:
    jia, yi = person(towns["a"], "测试甲"), person(towns["a"], "测试乙")
    with_bearer = towns.desk("b").open(_source(towns, code), lambda: None)
    told: dict[str, Answer] = {}
    towns.wire.tamper = told.setdefault
    with_bearer.fetch(yi.account_id)
    towns.wire.tamper = lambda path, answer: told[FACTS + yi.account_id] if path == FACTS + jia.account_id else answer
    assert towns.pull("b", code) == {"created": 1, "refused": 1}
    assert towns.found("b", code, jia.account_id) is None
    assert towns.found("b", code, yi.account_id) is not None


def _source(towns: Towns, code: str) -> Any:
    from idp.store.follow import load_source

    with towns["b"].desk.database.read() as connection:
        return load_source(connection, towns["b"].desk.vault, code)[0]


def test_an_old_change_told_again_changes_nothing(towns: Towns, code: str) -> None:
    jia = person(towns["a"], "第一")
    kept: dict[str, Answer] = {}

    def keep(path: str, answer: Answer) -> Answer:
        if path.startswith(FACTS):
            kept["facts"] = answer
        if path.startswith(CHANGES) and json.loads(answer.body).get("changes"):
            kept["page"] = answer
        return answer

    towns.wire.tamper = keep
    assert towns.pull("b", code) == {"created": 1}
    renamed(towns, jia, "第二")
    towns.wire.tamper = lambda _, answer: answer
    assert towns.pull("b", code) == {"changed": 1}
    # The first page again, under the next number
    old = json.loads(kept["page"].body)

    def replay(path: str, answer: Answer) -> Answer:
        if path.startswith(FACTS):
            return kept["facts"]
        told = json.loads(answer.body)
        if answer.status == 200 and path.startswith(CHANGES) and not told["changes"]:
            feed, _, number = told["next"].partition("-")
            change = {**old["changes"][0], "position": int(number) + 1}
            told = {"changes": [change], "next": f"{feed}-{int(number) + 1}", "has_more": False}
            return replace(answer, body=json.dumps(told).encode())
        return answer

    towns.wire.tamper = replay
    cursor = towns.state("b", code).cursor
    assert towns.pull("b", code) == {}
    found = towns.found("b", code, jia.account_id)
    assert found is not None
    assert found.name == "第二"
    towns["b"].desk.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET cursor = ? WHERE code = ?", (cursor, code))
    )

    # Under a number and version that are new, with the facts of then
    def forge(path: str, answer: Answer) -> Answer:
        made = replay(path, answer)
        if path.startswith(CHANGES):
            told = json.loads(made.body)
            told["changes"] = [{**each, "version": 99} for each in told["changes"]]
            return replace(made, body=json.dumps(told).encode())
        return made

    towns.wire.tamper = forge
    assert towns.pull("b", code) == {"refused": 1}
    found = towns.found("b", code, jia.account_id)
    assert found is not None
    assert found.name == "第二"


@pytest.mark.parametrize(
    ("what", "path", "change"),
    [
        ("next", CHANGES, lambda told: {**told, "changes": [], "has_more": True}),
        ("next", CHANGES, lambda told: {**told, "next": "0" * 16 + "-1"}),
        ("next", CHANGES, lambda told: {**told, "next": told["next"] + "0"}),
        ("cursor", CHANGES, lambda told: {**told, "next": "x"}),
        ("position", CHANGES, lambda told: {**told, "changes": [{**each, "position": 1} for each in told["changes"]]}),
        ("version", CHANGES, lambda told: {**told, "changes": [{**each, "version": 0} for each in told["changes"]]}),
        ("version", CHANGES, lambda told: {**told, "changes": [{**each, "version": True} for each in told["changes"]]}),
        ("version", CHANGES, lambda told: {**told, "changes": [{**each, "version": 2**53} for each in told["changes"]]}),
        ("subject_id", CHANGES, lambda told: {**told, "changes": [{**each, "subject_id": "../../x"} for each in told["changes"]]}),
        ("digest", CHANGES, lambda told: {**told, "changes": [{**each, "digest": "x"} for each in told["changes"]]}),
        ("next", CHANGES, lambda told: {**told, "changes": told["changes"] * 201}),
        ("changes", CHANGES, lambda told: {**told, "changes": {}}),
        ("has_more", CHANGES, lambda told: {**told, "has_more": 1}),
        ("json", CHANGES, lambda _: [1]),
        ("token", "/oauth2/token", lambda told: {**told, "access_token": "a\r\nb"}),
        ("facts", FACTS, lambda told: {**told, "facts": []}),
    ],
)
def test_what_is_no_answer_stops_the_turn_and_moves_nothing(towns: Towns, code: str, what: str, path: str, change: Any) -> None:
    person(towns["a"], "测试甲")
    before = towns.state("b", code)
    towns.wire.tamper = lie(path, change)
    with pytest.raises(TrustError) as refused:
        towns.turn("b", code)
    assert (refused.value.code, refused.value.facts["what"]) == ("SOURCE_ANSWER_INVALID", what)
    after = towns.state("b", code)
    assert (after.cursor, after.failures, after.last_error) == (before.cursor, 1, "SOURCE_ANSWER_INVALID")
    towns.wire.tamper = lambda _, answer: answer
    assert towns.pull("b", code) == {"created": 1}
    assert towns.state("b", code).failures == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda told: {**told, "next_after": told["entries"][-1]["subject_id"] if told["entries"] else "x"},
        lambda told: {"entries": told["entries"], "next": None},
        lambda told: {**told, "entries": told["entries"] * 2},
        lambda told: {**told, "entries": [{**each, "subject_id": "pe_" + "a" * 24} for each in told["entries"]]},
        lambda told: {**told, "entries": ["x"]},
    ],
)
def test_a_bucket_without_end_is_none(towns: Towns, code: str, change: Any) -> None:
    person(towns["a"], "测试甲")
    towns.wire.tamper = lie(ENTRIES, change)
    with pytest.raises(TrustError) as refused:
        towns.turn("b", code, reconcile=True)
    assert refused.value.code == "SOURCE_ANSWER_INVALID"


def test_no_source_touches_an_administrator(towns: Towns, code: str) -> None:
    jia = person(towns["a"], "测试甲", "boss")
    towns.pull("b", code)
    there = towns.found("b", code, jia.account_id)
    assert there is not None
    desk = towns["b"].desk

    def make(connection: Any) -> None:
        holder, at = f"person:{there.account_id}", desk.clock.now()
        appoint(connection, desk.audit, holder, Role.SECURITY, actor="test", reason="test", at=at, is_bound=lambda *_: False)

    desk.database.write(make)
    renamed(towns, jia, "篡改")
    assert towns.pull("b", code) == {"refused": 1}
    for status in (AccountStatus.DISABLED, AccountStatus.CLOSED):
        change_account_status(towns["a"].desk, jia.account_id, jia.kind, status, actor="test")
        assert towns.pull("b", code) == {"refused": 1}
    found = towns.found("b", code, jia.account_id)
    assert found is not None
    assert (found.name, found.status) == ("测试甲", AccountStatus.ACTIVE)
    assert towns.noted("b", code)["refused ACCOUNT_PROTECTED"] == 1


def test_attack_a_source_names_and_ends_no_agents_of_an_organisation_with_a_role(towns: Towns) -> None:
    jia, yi, firm = person(towns["a"], "测试甲"), person(towns["a"], "测试乙"), towns["a"].organisation()
    standing = grant_agent(towns["a"].desk, firm.account_id, jia.account_id, actor="test")
    code = towns.follow("b", "a", kinds=["person", "organisation", "agent"])
    towns.pull("b", code)
    there, company = towns.found("b", code, jia.account_id), towns.found("b", code, firm.account_id)
    assert there is not None
    assert company is not None
    desk = towns["b"].desk
    given: dict[str, Any] = {"actor": "test", "reason": "test", "at": desk.clock.now(), "is_bound": lambda *_: False}
    desk.database.write(lambda connection: appoint(connection, desk.audit, f"person:{company.account_id}", Role.SECURITY, **given))
    grant_agent(towns["a"].desk, firm.account_id, yi.account_id, actor="test")
    revoke_agent(towns["a"].desk, standing.agent_id, actor="test")
    towns.pull("b", code)
    with desk.database.read() as connection:
        found = list_agents(connection, desk.vault, organisation_id=company.account_id, count=9)
    assert [(each.person_id, each.revoked_at) for each in found] == [(there.account_id, None)]


def test_a_source_gets_nobodys_password_and_no_way_in(towns: Towns, code: str) -> None:
    """Columns that an import may have and that no source fills; names of other upstreams in its facts are not taken over."""
    jia = person(towns["a"], "测试甲")
    towns.wire.tamper = lie(
        FACTS,
        lambda told: {
            **resealed(
                told,
                password_hash="$argon2id$x",
                identifiers=[{"kind": "upstream", "value": "@region|4711"}, {"kind": "login", "value": "jia-x"}],
                level=4,
            ),
            "version": 7,
        },
    )
    assert towns.pull("b", code) == {"created": 1}
    found = towns.found("b", code, jia.account_id)
    assert found is not None
    assert found.level == 0
    assert {each.value for each in found.identifiers if each.kind is IdentifierKind.UPSTREAM} == {f"follow:{code}|{jia.account_id}"}
    with pytest.raises(TrustError):
        read_source(
            {"code": "x", "protocol": "feed", "base_url": "https://a.example", "client_id": "x", "fields": {"password_hash": "name"}}
        )


def test_who_lost_his_hold_keeps_nothing_of_what_he_did(towns: Towns, code: str) -> None:
    """A process that was held up for so long that another took over: its transaction goes with its hold."""
    jia = person(towns["a"], "测试甲")

    def take_over(path: str, answer: Answer) -> Answer:
        if path.startswith(FACTS):
            towns["b"].desk.database.write(
                lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET lease = 'other' WHERE code = ?", (code,))
            )
        return answer

    towns.wire.tamper = take_over
    with pytest.raises(TrustError) as refused:
        towns.turn("b", code)
    assert refused.value.code == "SOURCE_BUSY"
    assert towns.found("b", code, jia.account_id) is None
    assert jia.account_id not in str(towns.noted("b", code))
    with pytest.raises(TrustError) as refused:
        towns.turn("b", code)
    assert refused.value.code == "SOURCE_BUSY", "the other holds it"
    towns["b"].desk.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET lease_until = 0 WHERE code = ?", (code,))
    )
    towns.wire.tamper = lambda _, answer: answer
    assert towns.pull("b", code) == {"created": 1}


def test_two_at_once_do_nothing_twice(towns: Towns, code: str) -> None:
    for number in range(12):
        person(towns["a"], f"测试{number}")
    outcomes: list[object] = []

    def run() -> None:
        try:
            outcomes.append(towns.turn("b", code).counts["created"])
        except TrustError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    created = [each for each in outcomes if isinstance(each, int)]
    assert sum(created) == 12 or (created == [12] and "SOURCE_BUSY" in outcomes)
    assert towns.pull("b", code) == {}


def test_it_waits_longer_after_each_failure_and_the_job_goes_on_with_others(towns: Towns, code: str) -> None:
    assert [back_off_seconds(60, failures, 0) for failures in (1, 2, 3, 9, 99)] == [120, 240, 480, 3600, 3600]
    assert back_off_seconds(60, 1, 1) == 60, "up to half of it is left to chance"
    assert back_off_seconds(86_400, 5, 0) == 86_400
    other = towns.follow("b", "a", next(_CODES))
    desk = towns["b"].desk
    desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET next_at = 9000000000000000"))
    desk.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_followed_sources SET next_at = 0 WHERE code IN (?, ?)", (code, other))
    )

    def fail_one(path: str, answer: Answer) -> Answer:
        return answer if not path.startswith(CHANGES) or "after=&" in path else replace(answer, status=503)

    towns.wire.tamper = fail_one
    with pytest.raises(TrustError) as refused:
        follow_sources(towns.desk("b"))
    assert refused.value.code == "SOURCE_UNREACHABLE"
    state = towns.state("b", code)
    now = desk.clock.now()
    assert (state.failures, state.last_error) == (1, "SOURCE_UNREACHABLE")
    assert now + timedelta(seconds=50) < state.next_at < now + timedelta(seconds=121)
    assert towns.state("b", other).failures == 0 or towns.state("b", other).cursor, "the other had its turn"
    # A turn that has no time left keeps what it did, and comes again at once
    for number in range(3):
        person(towns["a"], f"测试{number}")
    towns.wire.tamper = lambda _, answer: answer
    done = follow_source(towns.desk("b"), code, ends=0.0)
    assert not done.is_current
    assert towns.state("b", code).next_at <= desk.clock.now()
    towns.turn("b", code)
    assert towns.turn("b", code).is_current


def test_the_secret_lies_sealed(towns: Towns, code: str, tmp_path: Path) -> None:
    del tmp_path
    secret = _source(towns, code).client_secret
    assert secret
    assert secret not in repr(_source(towns, code))
    folder = towns["b"].here.folder
    for file in folder.glob("yinxin.sqlite3*"):
        assert secret.encode() not in file.read_bytes()
