"""The change feed: complete and in order whoever writes, on both databases; digests that anyone can compute; two directories compared."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

import idp.service
from crypto.sm3 import sm3
from idp.actions.fill_changes import fill_changes
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import AccountChange, NewAccount, add_evidence, change_account, change_account_status, create_account
from idp.actions.number_changes import number_durable_changes
from idp.actions.register_client import NewClient, register_client
from idp.model.changes import Entry, bucket_digest, bucket_of, compare_entries
from idp.model.people import AccountKind, AccountStatus, Agent, AgentRole, Evidence, new_id
from idp.store import accounts, changes, directory
from idp.tables import metadata
from service_kit.database import Database
from service_kit.migrations import differences
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.databases import database, database_url  # noqa: F401 - fixtures
from tests.idp.people import Registered, Town, settle
from tests.idp.test_people_store import AT, VAULT, person

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def people(database: Database) -> Database:  # noqa: F811
    return database


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with served_here(make_deployment(tmp_path_factory.mktemp("changes") / "deployment", services=["idp"])) as here:
        made = settle(here, Registered())
        yield made
        made.desk.pool.close()


def bearer(town: Town, client_id: str, *scopes: str) -> dict[str, str]:
    _, secret = register_client(
        idp.service.client_desk(town.here.house.context), NewClient(client_id, scopes, client_id=client_id), actor="test"
    )
    token = town.here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)).json()
    return {"authorization": "Bearer " + token["access_token"]}


def get(town: Town, headers: dict[str, str], path: str, **query: Any) -> dict[str, Any]:
    answer = town.here.http.get(path, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_tables_are_as_the_migration_makes_them(people: Database) -> None:
    assert differences(people, "idp", metadata) == []


def test_writers_at_once_leave_no_gap_and_no_reader_skips_one(people: Database) -> None:
    """Three processes' worth of writers and a reader that follows: numbers are 1..n, and what was read never misses an earlier one."""
    others = [Database(str(people.url.render_as_string(hide_password=False)), pool_size=2) for _ in range(2)]
    writers = [people, *others]
    per_writer = 12
    seen: list[int] = []

    def write(number: int) -> None:
        for index in range(per_writer):
            made = person(f"测试{number}-{index}")
            writers[number].write(partial(accounts.insert_account, vault=VAULT, account=made))
            failing = replace(made, version=9)
            with pytest.raises(TrustError, match="ACCOUNT_CHANGED"):
                writers[number].write(partial(accounts.update_account, vault=VAULT, account=failing))

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(write, number) for number in range(3)]
        while not all(each.done() for each in running) or len(seen) < per_writer * 3:
            for each in running:
                if each.done():
                    each.result()
            number_durable_changes(others[len(seen) % 2])
            with people.read() as conn:
                seen += [each.position for each in changes.list_changes(conn, after=seen[-1] if seen else 0, count=5)]
    for other in others:
        other.close()
    assert seen == list(range(1, per_writer * 3 + 1))
    with people.read() as conn:
        assert changes.read_head(conn)[1] == len(seen)
        assert sum(count for _, _, count in changes.count_states(conn)) == len(seen)


def test_what_was_there_before_is_entered_once(people: Database) -> None:
    made = person()
    grant = Agent(new_id("ag_"), "or_1", made.account_id, AgentRole.AGENT, (), AT, None, "test", AT)
    people.write(partial(accounts.insert_account, vault=VAULT, account=made))
    people.write(partial(accounts.insert_agent, vault=VAULT, agent=grant))
    number_durable_changes(people)
    with people.read() as conn:
        before = {each.state.subject_id: each.state.digest for each in changes.list_changes(conn, after=0, count=9)}

    def forget(conn: Any) -> None:
        for statement in (
            "DELETE FROM idp_changes",
            "DELETE FROM idp_change_states",
            "DELETE FROM idp_change_counts",
            "UPDATE idp_change_head SET is_filled = false",
        ):
            conn.execute(text(statement))

    people.write(forget)
    assert fill_changes(people, VAULT) == 2
    assert fill_changes(people, VAULT) == 0
    assert number_durable_changes(people) == 2
    with people.read() as conn:
        after = changes.list_changes(conn, after=0, count=9)
    assert {each.state.subject_id: each.state.digest for each in after} == before
    assert [each.position for each in after] == [3, 4]


def test_the_feed_tells_every_change_and_nothing_personal(town: Town) -> None:
    headers = bearer(town, "follower", "directory.read")
    start = get(town, headers, "/v1/account-changes")["next"]
    human, firm = town.person("feed", name="测试丙"), town.organisation()
    change_account(town.desk, human.account_id, AccountKind.PERSON, AccountChange(area="150702"), actor="test")
    item = Evidence(new_id("ev_"), "face", "Demo hall", 3, town.desk.clock.now())
    add_evidence(town.desk, human.account_id, AccountKind.PERSON, item, actor="test")
    grant = grant_agent(town.desk, firm.account_id, human.account_id, scopes=("tax",), actor="test")
    revoke_agent(town.desk, grant.agent_id, actor="test")
    change_account_status(town.desk, human.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    first = get(town, headers, "/v1/account-changes", after=start, limit=3)
    assert first["has_more"] is True
    rest = get(town, headers, "/v1/account-changes", after=first["next"])
    assert rest["has_more"] is False
    told = [*first["changes"], *rest["changes"]]
    assert [(each["subject_id"], each["status"], each["version"]) for each in told] == [
        (human.account_id, "active", 1),
        (firm.account_id, "active", 1),
        (human.account_id, "active", 2),
        (human.account_id, "active", 3),
        (grant.agent_id, "active", 1),
        (grant.agent_id, "revoked", 2),
        (human.account_id, "disabled", 4),
    ]
    numbers = [each["position"] for each in told]
    assert numbers == list(range(numbers[0], numbers[0] + 7))
    assert get(town, headers, "/v1/account-changes", after=rest["next"]) == {"changes": [], "next": rest["next"], "has_more": False}
    assert "测试" not in json.dumps([first, rest], ensure_ascii=False)
    # The digest of the newest change is that of the facts, computed as anyone would
    for subject, kind in ((human.account_id, "person"), (firm.account_id, "organisation"), (grant.agent_id, "agent")):
        facts = get(town, headers, f"/v1/account-facts/{subject}")
        newest = [each for each in told if each["subject_id"] == subject][-1]
        canonical = json.dumps(facts["facts"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        assert sm3(bytes.fromhex(facts["salt"]) + canonical).hex() == newest["digest"] == facts["digest"]
        assert (facts["version"], facts["facts"]["kind"]) == (newest["version"], kind)


def test_attack_cursors_of_elsewhere_and_callers_without_the_scope(town: Town) -> None:
    headers = bearer(town, "cursor", "directory.read")
    feed_id, _, last = get(town, headers, "/v1/account-changes")["next"].partition("-")
    for cursor in (f"{feed_id}-{int(last) + 1}", f"{'0' * 16}-0", "1", f"{feed_id}--1", f"{feed_id}-01", f"{feed_id}-٣"):
        answer = town.here.http.get("/v1/account-changes", headers=headers, params={"after": cursor})
        assert (answer.status_code, answer.json()["code"]) == (409, "CHANGE_CURSOR_UNKNOWN"), cursor
    assert town.here.http.get("/v1/account-facts/pe_none", headers=headers).json()["code"] == "ACCOUNT_NOT_FOUND"
    other = bearer(town, "stranger", "client.manage")
    for path in ("/v1/account-changes", "/v1/account-facts/pe_1", "/v1/account-reconciliation", "/v1/account-reconciliation/0"):
        assert town.here.http.get(path, headers=other).json()["code"] == "SCOPE_MISSING"


def test_two_directories_find_where_they_differ(town: Town) -> None:
    headers = bearer(town, "mirror", "directory.read")
    human = town.person("mirrored", password=None)
    whole = get(town, headers, "/v1/account-reconciliation")
    mirror: dict[str, Entry] = {}
    cursor = ""
    while True:
        page = get(town, headers, "/v1/account-changes", after=cursor, limit=4)
        mirror |= {each["subject_id"]: Entry(each["subject_id"], each["version"], each["digest"]) for each in page["changes"]}
        cursor = page["next"]
        if not page["has_more"]:
            break
    # 1. A mirror that followed the feed has the same buckets
    assert cursor == whole["cursor"]
    assert sum(each["count"] for each in whole["counts"]) == len(mirror)
    accounts = [each for each in whole["counts"] if each["kind"] != "agent"]
    assert sum(each["count"] for each in whole["areas"]) == sum(each["count"] for each in accounts)
    there = {each["bucket"]: each["digest"] for each in whole["buckets"]}
    assert {number: bucket_digest(e for e in mirror.values() if bucket_of(e.subject_id) == number) for number in there} == there
    # 2. It misses a change, lost one and has one too many: the buckets say which, the comparison says what
    change_account(town.desk, human.account_id, AccountKind.PERSON, AccountChange(area="150703"), actor="test")
    number = bucket_of(human.account_id)
    now = {each["bucket"]: each["digest"] for each in get(town, headers, "/v1/account-reconciliation")["buckets"]}
    assert [bucket for bucket in now if now[bucket] != there.get(bucket)] == [number]
    page = get(town, headers, f"/v1/account-reconciliation/{number}", limit=1)
    assert page["entries"][0]["subject_id"] in mirror
    theirs = [{"subject_id": "pe_ghost", "version": 1, "digest": "0" * 64}]
    theirs += [
        {"subject_id": each.subject_id, "version": each.version, "digest": each.digest}
        for each in mirror.values()
        if each.subject_id == human.account_id
    ]
    answer = town.here.http.post(f"/v1/account-reconciliation/{number}", headers=headers, json={"entries": theirs}).json()
    assert answer["missing_here"] == ["pe_ghost"]
    assert answer["differing"] == [{"subject_id": human.account_id, "version_here": 2, "version_there": 1}]
    others = sorted(each for each in mirror if bucket_of(each) == number and each != human.account_id)
    assert answer["missing_there"] == others


def test_accounts_are_counted_by_area(town: Town) -> None:
    headers = bearer(town, "counter", "directory.read")

    def counted() -> set[tuple[str, str, str, int]]:
        areas = get(town, headers, "/v1/account-reconciliation")["areas"]
        return {(each["area"], each["kind"], each["status"], each["count"]) for each in areas if each["area"] in {"150781", "150782"}}

    made = [
        create_account(town.desk, NewAccount(kind, "测试满洲里", area=area), actor="test")
        for kind, area in ((AccountKind.PERSON, "150781"), (AccountKind.PERSON, "150781"), (AccountKind.ORGANISATION, "150781"))
    ]
    assert counted() == {("150781", "person", "active", 2), ("150781", "organisation", "active", 1)}
    change_account(town.desk, made[0].account_id, AccountKind.PERSON, AccountChange(area="150782"), actor="test")
    change_account_status(town.desk, made[1].account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert counted() == {("150782", "person", "active", 1), ("150781", "person", "disabled", 1), ("150781", "organisation", "active", 1)}


def test_comparison_is_by_version_and_digest() -> None:
    here = [Entry("a", 1, "x"), Entry("b", 1, "x"), Entry("c", 2, "x")]
    there = [Entry("b", 1, "y"), Entry("c", 2, "x"), Entry("d", 1, "x")]
    found = compare_entries(here, there)
    assert (found.missing_here, found.missing_there, found.differing) == (("d",), ("a",), (("b", 1, 1),))
    assert bucket_digest(reversed(here)) == bucket_digest(here) != bucket_digest(there)


def test_digests_cannot_be_guessed_from_the_database(people: Database) -> None:
    """The salt stands nowhere: who reads all tables and knows the whole name still cannot tell whether he guessed right."""
    made = person("测试甲")
    people.write(lambda conn: accounts.insert_account(conn, VAULT, made))
    from idp.model.changes import account_facts, facts_digest

    with people.read() as conn:
        found = changes.find_state(conn, made.account_id)
        columns = [
            bytes(value) for row in conn.execute(text("SELECT * FROM idp_change_states")).all() for value in row if isinstance(value, bytes)
        ]
    assert found is not None
    assert facts_digest(changes.subject_salt(VAULT.sealer, made.account_id), account_facts(made)) == found[2]
    assert changes.subject_salt(VAULT.sealer, made.account_id) not in columns
    assert facts_digest(b"", account_facts(made)) != found[2]
    later = replace(made, changed_at=AT + timedelta(1), version=2, uversion=2)
    people.write(lambda conn: accounts.update_account(conn, VAULT, later))
    number_durable_changes(people)
    with people.read() as conn:
        assert [each.state.digest for each in changes.list_changes(conn, after=0, count=9)] == [found[2]] * 2


def test_counts_follow_every_change(people: Database) -> None:
    many = [person(f"测试{index}") for index in range(3)]
    for each in many:
        people.write(partial(accounts.insert_account, vault=VAULT, account=each))
    changed = replace(many[0], status=AccountStatus.DISABLED, version=2, uversion=2)
    people.write(partial(accounts.update_account, vault=VAULT, account=changed))
    failing = replace(many[1], status=AccountStatus.CLOSED, version=7)
    with pytest.raises(TrustError, match="ACCOUNT_CHANGED"):
        people.write(partial(accounts.update_account, vault=VAULT, account=failing))
    people.write(partial(accounts.update_account, vault=VAULT, account=replace(changed, version=3, uversion=3)))
    with people.read() as conn:
        assert changes.count_states(conn) == [("person", "active", 2), ("person", "disabled", 1)]
        assert directory.count_in_directory(conn, AccountKind.PERSON) == 3
        assert directory.count_in_directory(conn, AccountKind.PERSON, prefix="pe_", is_active=False) == 1
        assert directory.count_in_directory(conn, AccountKind.PERSON, prefix=many[1].account_id[:20], is_active=True) == 1
        assert directory.count_in_directory(conn, AccountKind.ORGANISATION, prefix="or_") == 0
    assert number_durable_changes(people) == 5
    with people.read() as conn:  # counted, as before while they waited
        assert changes.count_states(conn) == [("person", "active", 2), ("person", "disabled", 1)]
