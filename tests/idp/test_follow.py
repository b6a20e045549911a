"""A directory that follows another Yinxin: what comes, what does not, and that nothing echoes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from idp.actions.decide_conflict import decide_conflict
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import AccountChange, NewAccount, add_evidence, change_account, change_account_status, create_account
from idp.actions.source_status import followed_facts
from idp.model.federation import ConflictState
from idp.model.people import AccountKind, AccountStatus, AgentRole, Evidence, Identifier, IdentifierKind
from idp.store.accounts import list_agents, list_evidence, load_account
from idp.store.federation import list_conflicts
from standards.errors import TrustError
from tests.idp.following import Towns, person, served_towns
from tests.idp.test_people_store import resident_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idp.model.federation import Conflict
    from idp.model.people import Account
    from tests.idp.people import Town

NUMBERS = [resident_number(f"9900001990040{index}".ljust(17, "7")) for index in range(1000, 1006)]


@pytest.fixture(params=["sqlite", "postgresql"])
def towns(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Towns]:
    with served_towns(tmp_path, "a", "b", database=request.param) as made:
        yield made


def change(town: Town, account: Account, **fields: object) -> Account:
    return change_account(town.desk, account.account_id, account.kind, AccountChange(**fields), actor="test")  # type: ignore[arg-type]


def end(town: Town, account: Account, status: AccountStatus) -> None:
    change_account_status(town.desk, account.account_id, account.kind, status, actor="test")


def conflicts(town: Town) -> list[Conflict]:
    with town.desk.database.read() as connection:
        return list(list_conflicts(connection, town.desk.vault, state=ConflictState.OPEN, after="", count=99))


def present(town: Town, account: Account) -> Account:
    with town.desk.database.read() as connection:
        return load_account(connection, town.desk.vault, account.account_id)


def prove(town: Town, account: Account, level: int = 3) -> None:
    evidence = Evidence(f"ev_{account.account_id[3:20]}", "counter", "hall", level, town.desk.clock.now())
    add_evidence(town.desk, account.account_id, account.kind, evidence, actor="test")


def test_what_changes_there_comes_here_and_is_only_claimed(towns: Towns) -> None:
    jia = person(towns["a"], "测试甲", "jia", number=NUMBERS[0], sex="2")
    change(
        towns["a"],
        jia,
        identifiers=(
            Identifier(IdentifierKind.LOGIN, "jia"),
            Identifier(IdentifierKind.RESIDENT_ID, NUMBERS[0], towns["a"].desk.clock.now()),
            Identifier(IdentifierKind.MOBILE, "13800000001"),
        ),
    )
    prove(towns["a"], jia, 4)
    firm = towns["a"].organisation()
    code = towns.follow("b", "a")
    assert towns.pull("b", code) == {"created": 2}
    there = towns.found("b", code, jia.account_id)
    assert there is not None
    assert (there.name, there.area, there.attributes, there.level) == ("测试甲", "150700", {"sex": "2"}, 0)
    assert there.origin == "follow:a"
    assert there.created_by == "source:a"
    assert {each.kind: (each.value, each.verified_at) for each in there.identifiers if each.kind is not IdentifierKind.UPSTREAM} == {
        IdentifierKind.LOGIN: ("jia", None),
        IdentifierKind.RESIDENT_ID: (NUMBERS[0], None),
        IdentifierKind.MOBILE: ("13800000001", None),
    }
    with towns["b"].desk.database.read() as connection:
        assert list_evidence(connection, towns["b"].desk.vault, there.account_id) == ()
    company = towns.found("b", code, firm.account_id)
    assert company is not None
    assert company.name == firm.name
    # Nothing new costs one question, and changes nothing
    towns.wire.paths.clear()
    assert towns.pull("b", code) == {}
    assert [path.partition("?")[0] for path in towns.wire.paths] == ["/oauth2/token", "/v1/account-changes"]
    # A change, a state, an end
    change(towns["a"], jia, area="150702", attributes={})
    end(towns["a"], jia, AccountStatus.DISABLED)
    assert towns.pull("b", code) == {"changed": 1}
    there = present(towns["b"], there)
    assert (there.status, there.area, there.attributes) == (AccountStatus.DISABLED, "150702", {})
    end(towns["a"], jia, AccountStatus.ACTIVE)
    assert towns.pull("b", code) == {"changed": 1}
    assert present(towns["b"], there).status is AccountStatus.ACTIVE
    end(towns["a"], jia, AccountStatus.CLOSED)
    assert towns.pull("b", code) == {"changed": 1}
    assert present(towns["b"], there).status is AccountStatus.CLOSED
    assert towns.noted("b", code) == {"applied": 2}
    assert all('"actor":"source:a"' in each for each in towns["b"].audited("account.closed"))
    report = towns.turn("b", code, reconcile=True).report
    assert report is not None
    assert (report["differing"], report["missing_there"], report["known"]) == (0, 0, {"applied": 2})
    assert report["there"] == {"organisation active": 1, "person closed": 1}
    facts = followed_facts(towns.desk("b"))
    assert facts["sources"] == 1
    assert facts["a_last_error"] == ""
    assert isinstance(facts["a_lag_seconds"], int)
    assert facts["a_lag_seconds"] < 60


def test_only_what_is_asked_for_is_taken(towns: Towns) -> None:
    near, far = person(towns["a"], "测试甲", "jia"), person(towns["a"], "测试乙", "yiyi", area="110000")
    towns["a"].organisation()
    prove(towns["a"], near, 4)
    code = towns.follow("b", "a", kinds=["person"], areas=["1507"], believed_level=1, fields={"login": "", "address": "area"})
    assert towns.pull("b", code) == {"created": 1, "waiting": 2}
    there = towns.found("b", code, near.account_id)
    assert there is not None
    assert there.identifier(IdentifierKind.LOGIN) is None
    assert there.attributes == {"address": "150700"}
    assert there.level == 1
    with towns["b"].desk.database.read() as connection:
        ((evidence),) = list_evidence(connection, towns["b"].desk.vault, there.account_id)
    assert (evidence.method, evidence.source, evidence.level) == ("import", "a", 1)
    assert towns.found("b", code, far.account_id) is None
    change(towns["a"], near, area="110000")
    assert towns.pull("b", code) == {"changed": 1}, "whoever is known is followed wherever he goes"
    change(towns["a"], far, area="150700")
    assert towns.pull("b", code) == {"created": 1}
    assert towns.noted("b", code) == {"applied": 2, "passed": 1}


def test_two_that_follow_each_other_do_not_echo(towns: Towns) -> None:
    people = [person(towns["a"], f"测试{number}") for number in range(3)]  # nothing but a name: nothing else would stop an echo
    theirs = person(towns["b"], "别处")
    at_b, at_a = towns.follow("b", "a"), towns.follow("a", "b")
    for _ in range(4):
        towns.pull("b", at_b)
        towns.pull("a", at_a)
    assert towns.accounts("a") == towns.accounts("b") == 4
    change(towns["a"], people[0], name="改名")
    change(towns["b"], theirs, name="也改名")
    before = None
    for _ in range(4):
        towns.pull("b", at_b)
        towns.pull("a", at_a)
        heads = [_head(towns[name]) for name in "ab"]
        assert before in {None, tuple(heads)}, "it comes to rest"
        before = tuple(heads)
    mirrored, back = towns.found("b", at_b, people[0].account_id), towns.found("a", at_a, theirs.account_id)
    assert mirrored is not None
    assert back is not None
    assert (mirrored.name, back.name) == ("改名", "也改名")
    assert towns.found("a", at_a, mirrored.account_id) is None
    for name, code in (("a", at_a), ("b", at_b)):
        report = towns.turn(name, code, reconcile=True).report
        assert report is not None
        assert report["differing"] == 0
        assert report["known"] == {"applied": 3 if name == "b" else 1, "passed": 1 if name == "b" else 3}


def _head(town: Town) -> int:
    with town.desk.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM idp_changes").scalar_one())


def test_three_in_a_circle_do_not_echo_either(tmp_path: Path) -> None:
    with served_towns(tmp_path, "a", "b", "c") as towns:
        made = {name: person(towns[name], f"测试{name}") for name in "abc"}
        codes = {here: towns.follow(here, there) for here, there in (("b", "a"), ("c", "b"), ("a", "c"))}
        for _ in range(5):
            for here in "bca":
                towns.pull(here, codes[here])
        assert [towns.accounts(name) for name in "abc"] == [2, 2, 2], "each tells what is its own"
        assert towns.found("b", "a", made["a"].account_id) is not None
        heads = None
        for _ in range(3):
            for here in "bca":
                towns.pull(here, codes[here])
            now = [_head(towns[name]) for name in "abc"]
            assert heads in {None, tuple(now)}
            heads = tuple(now)


def test_what_is_somebody_elses_already_waits_for_a_decision(towns: Towns) -> None:
    mine = person(towns["b"], "测试甲", number=NUMBERS[0])
    other = person(towns["b"], "测试乙", "yiyi")
    same, namesake = person(towns["a"], "测试甲", number=NUMBERS[0]), person(towns["a"], "另一人", "yiyi", number=NUMBERS[1])
    code = towns.follow("b", "a")
    assert towns.pull("b", code) == {"refused": 2}
    assert towns.noted("b", code) == {"refused IDENTIFIER_TAKEN": 2}
    assert towns.accounts("b") == 2
    by_subject = {each.subject: each for each in conflicts(towns["b"])}
    assert (by_subject[same.account_id].doubt, by_subject[same.account_id].account_id) == ("not_trusted", mine.account_id)
    assert (by_subject[namesake.account_id].doubt, by_subject[namesake.account_id].account_id) == ("login_taken", other.account_id)
    assert {each.upstream for each in by_subject.values()} == {"follow:a"}
    report = towns.turn("b", code, reconcile=True).report
    assert report is not None
    assert report["refused"] == 2, "tried again, and once more in doubt"
    assert [each.tries for each in conflicts(towns["b"])] == [2, 2]
    decide_conflict(
        towns["b"].desk, by_subject[same.account_id].conflict_id, ConflictState.LINKED, account_id="", reason="papers", actor="test"
    )
    decide_conflict(
        towns["b"].desk, by_subject[namesake.account_id].conflict_id, ConflictState.SEPARATED, account_id="", reason="papers", actor="test"
    )
    assert not any("linked" in each for each in towns["b"].audited("account.sign-in-alert")), "no way in has come about"
    report = towns.turn("b", code, reconcile=True).report
    assert report is not None
    assert report["known"] == {"applied": 2}
    joined, apart = towns.found("b", code, same.account_id), towns.found("b", code, namesake.account_id)
    assert joined is not None
    assert apart is not None
    assert joined.account_id == mine.account_id
    assert apart.origin == "follow:a"
    assert apart.identifier(IdentifierKind.LOGIN) is None, "that is somebody else's"
    assert apart.id_number is not None
    assert apart.id_number.value == NUMBERS[1]
    # The end of what was only joined takes the access; of what the source brought it is the end
    end(towns["a"], same, AccountStatus.CLOSED)
    end(towns["a"], namesake, AccountStatus.CLOSED)
    assert towns.pull("b", code) == {"changed": 2}
    assert present(towns["b"], joined).status is AccountStatus.DISABLED
    assert present(towns["b"], apart).status is AccountStatus.CLOSED


def test_who_is_proven_here_keeps_name_and_number_and_loses_access_all_the_same(towns: Towns) -> None:
    jia = person(towns["a"], "测试甲", "jia", number=NUMBERS[0])
    code = towns.follow("b", "a")
    towns.pull("b", code)
    there = towns.found("b", code, jia.account_id)
    assert there is not None
    prove(towns["b"], there)
    change(towns["a"], jia, name="别人", attributes={"address": "别处"})
    assert towns.pull("b", code) == {"refused": 1}
    assert (present(towns["b"], there).name, present(towns["b"], there).attributes) == ("测试甲", {})
    ((conflict),) = conflicts(towns["b"])
    assert (conflict.doubt, conflict.account_id, conflict.name) == ("name_differs", there.account_id, "别人")
    end(towns["a"], jia, AccountStatus.DISABLED)
    assert towns.pull("b", code) == {"refused": 1}
    now = present(towns["b"], there)
    assert (now.name, now.status) == ("测试甲", AccountStatus.DISABLED)
    end(towns["a"], jia, AccountStatus.ACTIVE)
    assert towns.pull("b", code) == {"refused": 1}
    assert present(towns["b"], there).status is AccountStatus.DISABLED, "in again only with the doubt decided"
    change(towns["a"], jia, name="测试甲")
    assert towns.pull("b", code) == {"changed": 1}
    assert present(towns["b"], there).status is AccountStatus.ACTIVE


def test_who_is_disabled_here_already_is_held_by_the_source_too_and_it_alone_does_not_let_him_in(towns: Towns) -> None:
    jia, yi = person(towns["a"], "测试甲", "jia", number=NUMBERS[0]), person(towns["a"], "测试乙", "yier")
    code = towns.follow("b", "a")
    towns.pull("b", code)
    for each, is_in_doubt in ((jia, True), (yi, False)):
        there = towns.found("b", code, each.account_id)
        assert there is not None
        if is_in_doubt:
            prove(towns["b"], there)
            change(towns["a"], each, name="别人")
            towns.pull("b", code)
        change_account_status(towns["b"].desk, there.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
        end(towns["a"], each, AccountStatus.DISABLED)
        towns.pull("b", code)
        last = json.loads(towns["b"].audited("account.disabled")[-1])
        assert (last["subject"], last["facts"]["source"]) == (f"account:{there.account_id}", "follow:a"), is_in_doubt
        towns.turn("b", code, reconcile=True)
        assert json.loads(towns["b"].audited("account.disabled")[-1]) == last, "once"
        change(towns["a"], each, name=each.name)
        end(towns["a"], each, AccountStatus.ACTIVE)
        assert towns.pull("b", code) == {"refused": 1}
        assert present(towns["b"], there).status is AccountStatus.DISABLED
    # Of one that was closed here nobody says that it is disabled
    closed = towns.found("b", code, jia.account_id)
    assert closed is not None
    end(towns["b"], closed, AccountStatus.ACTIVE)
    end(towns["b"], closed, AccountStatus.CLOSED)
    disabled = towns["b"].audited("account.disabled")
    change(towns["a"], jia, name="又一人")
    end(towns["a"], jia, AccountStatus.DISABLED)
    towns.pull("b", code)
    assert towns["b"].audited("account.disabled") == disabled


def test_agents_of_what_the_source_brought(towns: Towns) -> None:
    jia, yi, firm = person(towns["a"], "测试甲"), person(towns["a"], "测试乙"), towns["a"].organisation()
    code = towns.follow("b", "a", kinds=["person", "organisation", "agent"])
    until = towns["a"].desk.clock.now() + timedelta(days=3)
    grant = grant_agent(towns["a"].desk, firm.account_id, jia.account_id, scopes=("seal.use",), valid_until=until, actor="test")
    grant_agent(towns["a"].desk, firm.account_id, yi.account_id, role=AgentRole.REPRESENTATIVE, actor="test")
    assert towns.pull("b", code) == {"created": 4, "waiting": 1}
    there, company = towns.found("b", code, jia.account_id), towns.found("b", code, firm.account_id)
    assert there is not None
    assert company is not None

    def agents() -> list[tuple[str, tuple[str, ...], bool]]:
        with towns["b"].desk.database.read() as connection:
            found = list_agents(connection, towns["b"].desk.vault, organisation_id=company.account_id, count=99)
        return [(each.person_id, each.scopes, each.revoked_at is None) for each in found]

    assert agents() == [(there.account_id, ("seal.use",), True)]
    revoke_agent(towns["a"].desk, grant.agent_id, actor="test")
    assert towns.pull("b", code) == {"changed": 1}
    assert agents() == [(there.account_id, ("seal.use",), False)]
    # What the source ended it grants again; whom somebody here dismissed it does not
    grant_agent(towns["a"].desk, firm.account_id, jia.account_id, actor="test")
    assert towns.pull("b", code) == {"created": 1}
    with towns["b"].desk.database.read() as connection:
        standing = [
            each
            for each in list_agents(connection, towns["b"].desk.vault, organisation_id=company.account_id, count=99)
            if each.revoked_at is None
        ]
    revoke_agent(towns["b"].desk, standing[0].agent_id, actor="client:console for pe_officer")
    with towns["a"].desk.database.read() as connection:
        told = [
            each for each in list_agents(connection, towns["a"].desk.vault, person_id=jia.account_id, count=9) if each.revoked_at is None
        ]
    revoke_agent(towns["a"].desk, told[0].agent_id, actor="test")
    grant_agent(towns["a"].desk, firm.account_id, jia.account_id, scopes=("seal.read",), actor="test")
    towns.pull("b", code)
    assert {each[2] for each in agents()} == {False}
    assert there.account_id in towns["b"].audited("agent.refuse")[-1]


def test_it_goes_on_from_what_the_reconciliation_names_where_the_cursor_is_refused(towns: Towns) -> None:
    jia = person(towns["a"], "测试甲")
    code = towns.follow("b", "a")
    towns.pull("b", code)
    change(towns["a"], jia, area="110000")
    person(towns["a"], "测试乙")
    with_other_feed = "0" * 16 + "-7"
    towns["b"].desk.database.write(
        lambda connection: connection.execute(text("UPDATE idp_followed_sources SET cursor = :place"), {"place": with_other_feed})
    )
    done = towns.turn("b", code)
    assert done.report is not None
    assert (done.report["differing"], done.report["known"]) == (2, {"applied": 2})
    assert towns.state("b", code).cursor.endswith("-3")
    assert '"differing":2' in towns["b"].audited("source.reconcile")[0]
    assert towns.pull("b", code) == {}


def test_a_source_that_was_removed_and_added_finds_its_own_again(towns: Towns) -> None:
    from idp.actions.follow_desk import remove_source

    jia = person(towns["a"], "测试甲", "jia")
    code = towns.follow("b", "a")
    towns.pull("b", code)
    remove_source(towns.desk("b"), code, actor="test")
    with pytest.raises(TrustError) as refused:
        towns.turn("b", code)
    assert refused.value.code == "SOURCE_NOT_FOUND"
    assert towns.found("b", code, jia.account_id) is not None
    with pytest.raises(TrustError) as refused:
        remove_source(towns.desk("b"), code, actor="test")
    assert refused.value.code == "SOURCE_NOT_FOUND"
    _again(towns, code)
    assert towns.pull("b", "a") == {"unchanged": 1}
    assert towns.noted("b", "a") == {"applied": 1}


def _again(towns: Towns, code: str) -> None:
    import idp.service
    from idp.actions.follow_desk import add_source
    from idp.actions.register_client import NewClient, register_client
    from idp.model.follow import read_source

    _, secret = register_client(
        idp.service.client_desk(towns["a"].here.house.context), NewClient("x", ("directory.read",), client_id="again"), actor="test"
    )
    stated = {"code": code, "protocol": "feed", "base_url": "https://a.example", "client_id": "again", "client_secret": secret}
    add_source(towns.desk("b"), read_source(stated), actor="test")
    with pytest.raises(TrustError) as refused:
        add_source(towns.desk("b"), read_source(stated), actor="test")
    assert refused.value.code == "SOURCE_EXISTS"


def test_organisations_keep_what_persons_have_not(towns: Towns) -> None:
    code = towns.follow("b", "a", kinds=["organisation"])
    wanted = NewAccount(AccountKind.ORGANISATION, "测试有限公司", (), {"organisation_type": "1", "address": "路 1 号"})
    firm = create_account(towns["a"].desk, wanted, actor="test")
    assert towns.pull("b", code) == {"created": 1}
    there = towns.found("b", code, firm.account_id)
    assert there is not None
    assert there.attributes == {"organisation_type": "1", "address": "路 1 号"}
