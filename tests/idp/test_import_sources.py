"""Whose word an import is: who may use a source's name, and whom another's word lets in again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions import import_accounts, import_sources
from idp.actions.hold_account import demand_may_enable
from idp.actions.import_accounts import run_imports
from idp.actions.import_sources import give_source
from idp.actions.manage_accounts import AccountChange, change_account, change_account_status
from idp.actions.provision_account import source_identifier
from idp.credentials.passwords import hash_password
from idp.model.imports import ImportForm
from idp.model.people import AccountKind, AccountStatus, IdentifierKind
from idp.store.credentials import list_credentials
from service_kit.audit import list_entries_since
from service_kit.migrations import migrate_kit
from standards.errors import TrustError
from tests.deployments import make_deployment
from tests.idp.test_alerts import events
from tests.idp.test_changes import bearer
from tests.idp.test_imports import account, run, town_fixture  # noqa: F401 - a fixture
from tests.postgres import postgres_url
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.idp.people import Town


def test_attack_a_client_takes_the_name_of_anothers_source(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of an import counts as the word of who brought the account: under another's name it set login names and passwords of that one's people."""
    clients = {name: bearer(town, name, "directory.manage") for name in ("hra", "hrb", "hrc")}

    def send(client: str, source: str, row: dict[str, str], query: str = "") -> tuple[int, str]:
        headers = {**clients[client], "content-type": "application/x-ndjson"}
        answer = town.here.http.post(
            f"/v1/account-imports?source={source}{query}", headers=headers, content=json.dumps(row, ensure_ascii=False).encode()
        )
        while run_imports(town.desk):
            pass
        return answer.status_code, answer.json().get("code", "")

    foreign, taken = (403, "ACCOUNT_FOREIGN"), {"source_id": "1", "name": "王样例"}
    stolen = {**taken, "login": "stolen", "password_hash": hash_password("stolen by another 7").decode(), "status": "disabled"}
    # 1. Who only tries has claimed nothing; who imports first has
    assert send("hrb", "theirs", taken, "&dry_run=true") == (202, "")
    assert send("hra", "theirs", taken) == (202, "")
    for query in ("", "&dry_run=true"):
        assert send("hrb", "theirs", stolen, query) == foreign
    whose = account(town, "theirs", "1")
    assert whose is not None
    assert (whose.identifier(IdentifierKind.LOGIN), whose.status) == (None, "active")
    with town.desk.database.read() as connection:
        assert list_credentials(connection, town.desk.vault, whose.account_id) == ()
    entry = json.loads(town.audited("import.refuse")[-1])
    assert (entry["actor"], entry["subject"], entry["facts"]["source"]) == ("client:hrb", "import-source:theirs", "import:theirs")
    # 2. The operator may use every name, and what he alone has used is no client's; he hands it over, and takes it back
    assert run(town, "theirs", "source_id,name\n1,王样例\n") == [("unchanged", "", "")]
    assert run(town, "by-hand", "source_id,name\n1,王样例\n") == [("created", "", "")]
    assert send("hrb", "by-hand", stolen) == foreign
    give_source(town.desk, "by-hand", "hrb", is_given=True, actor="operator:test")
    assert send("hrb", "by-hand", taken) == (202, "")
    give_source(town.desk, "theirs", "hrc", is_given=True, actor="operator:test")
    assert [send(each, "theirs", taken) for each in ("hrc", "hra", "hrb")] == [(202, ""), (202, ""), foreign]
    give_source(town.desk, "theirs", "hra", is_given=False, actor="operator:test")
    assert [send(each, "theirs", taken) for each in ("hrc", "hra", "hrb")] == [(202, ""), foreign, foreign]
    give_source(town.desk, "theirs", "hrc", is_given=False, actor="operator:test")
    assert send("hrc", "theirs", taken) == send("hrb", "theirs", taken) == foreign
    with pytest.raises(TrustError, match="CLIENT_NOT_FOUND"):
        give_source(town.desk, "theirs", "nobody", is_given=True, actor="operator:test")
    # 3. Of a name from before there were claims: the client of the newest import, also once the operator gives it to another besides
    monkeypatch.setattr("idp.actions.import_accounts.demand_source", lambda *_, **__: None)
    assert [send(each, old, taken) for old in ("old", "older") for each in ("hrb", "hra")] == [(202, "")] * 4
    monkeypatch.undo()
    assert send("hrb", "old", taken) == foreign
    give_source(town.desk, "older", "hrc", is_given=True, actor="operator:test")
    assert [send(each, old, taken) for old in ("old", "older") for each in ("hra", "hrb")] == [(202, ""), foreign] * 2


def test_a_client_is_shown_the_imports_of_its_own_sources_alone(town: Town) -> None:
    path = "/v1/account-imports"
    clients = {name: bearer(town, name, "directory.manage") for name in ("seen-a", "seen_a", "seen-b")}
    everything = bearer(town, "sees-all", "directory.manage", "account.read")

    def send(client: str, source: str, query: str = "") -> str:
        headers = {**clients[client], "content-type": "text/csv"}
        answer = town.here.http.post(f"{path}?source={source}{query}", headers=headers, content="source_id,name\n1,测试所见\n")
        assert answer.status_code == 202, answer.text
        return str(answer.json()["import_id"])

    def shown(headers: dict[str, str]) -> set[str]:
        listed = {each["import_id"] for each in town.here.http.get(path, headers=headers).json()["imports"]}
        for each in made:
            for below in ("", "/rows"):
                answer = town.here.http.get(f"{path}/{each}{below}", headers=headers)
                assert (answer.status_code == 200) is (each in listed)
                assert answer.status_code == 200 or answer.json()["code"] == "IMPORT_NOT_FOUND"
        return listed & made

    first, trial, other = send("seen-a", "shown-a"), send("seen-a", "shown-free", "&dry_run=true"), send("seen-b", "shown-b")
    by_hand = import_accounts.receive_import(
        town.desk, "shown-a", b"source_id,name\n1,x\n", ImportForm.CSV, is_dry_run=False, actor="operator:test"
    ).import_id
    made = {first, trial, other, by_hand}
    assert shown(clients["seen-a"]) == {first, trial, by_hand}
    assert shown(clients["seen_a"]) == set()  # an underscore is no pattern
    assert shown(clients["seen-b"]) == {other}
    assert shown(everything) == made
    # What the operator gives and takes it sees no more; what it sent itself it does
    give_source(town.desk, "shown-a", "seen-b", is_given=True, actor="operator:test")
    give_source(town.desk, "shown-a", "seen-a", is_given=False, actor="operator:test")
    assert shown(clients["seen-b"]) == {first, by_hand, other}
    assert shown(clients["seen-a"]) == {first, trial}
    while run_imports(town.desk):
        pass


def test_a_password_that_is_taken_over_is_told_of(town: Town) -> None:
    bearer(town, "notified", "account.read")
    row = json.dumps({"source_id": "1", "name": "测试告知", "password_hash": hash_password("told to the person 7").decode()})
    assert run(town, "tells", row, form=ImportForm.JSON_LINES) == [("created", "", "")]
    found = account(town, "tells", "1")
    assert found is not None
    told = [json.loads(each["body"])["data"] for each in events(town) if each["type"] == "account.sign-in-alert"]
    assert [each["what"] for each in told if each["account_id"] == found.account_id] == ["password set"]


def test_an_import_lets_nobody_in_whom_its_own_operator_or_another_source_disabled(town: Town) -> None:
    """By hand he has the name under which he runs imports."""
    own, active = "operator:test", "source_id,name,status\n1,测试停用,active\n"
    assert run(town, "by-one", active) == [("created", "", "")]
    known = account(town, "by-one", "1")
    assert known is not None
    account_id = known.account_id
    change_account_status(town.desk, account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor=own)
    assert run(town, "by-one", active) == [("refused", "ACCOUNT_HELD", "")]
    change_account_status(town.desk, account_id, AccountKind.PERSON, AccountStatus.ACTIVE, actor=own)
    both = (*known.identifiers, source_identifier("import:by-two", "1"))
    change_account(town.desk, account_id, AccountKind.PERSON, AccountChange(identifiers=both), actor=own)
    for disables, revives in (("by-one", "by-two"), ("by-two", "by-one")):
        assert run(town, disables, "source_id,name,status\n1,测试停用,disabled\n") == [("changed", "", "")]
        assert run(town, revives, active) == [("refused", "ACCOUNT_HELD", "")]
        assert run(town, disables, active) == [("changed", "", "")]


def test_whom_two_sources_disabled_neither_lets_in_without_the_other(town: Town) -> None:
    """Whoever disabled him second was not on record: the first let him in again, and his word was undone."""
    active, disabled = (f"source_id,name,status\n1,测试两处,{status}\n" for status in ("active", "disabled"))
    assert run(town, "both-one", active) == [("created", "", "")]
    known = account(town, "both-one", "1")
    assert known is not None
    both = (*known.identifiers, source_identifier("import:both-two", "1"))
    change_account(town.desk, known.account_id, AccountKind.PERSON, AccountChange(identifiers=both), actor="operator:test")
    assert run(town, "both-one", disabled) == [("changed", "", "")]
    for _ in range(2):
        assert run(town, "both-two", disabled) == [("unchanged", "", "")]
    with town.desk.database.read() as connection:
        entries = list_entries_since(connection, f"account:{known.account_id}", "account.disabled", since="account.active")
    assert [entry.facts["source"] for entry in entries] == ["import:both-one", "import:both-two"]
    for source in ("both-one", "both-two"):
        assert run(town, source, active) == [("refused", "ACCOUNT_HELD", "")]
    change_account_status(town.desk, known.account_id, AccountKind.PERSON, AccountStatus.ACTIVE, actor="operator:test")
    assert run(town, "both-two", disabled) == [("changed", "", "")]
    assert run(town, "both-two", active) == [("changed", "", "")], "what was before he was let in counts no more"


@pytest.mark.parametrize(
    ("actor", "lets_in"), [("client:hr", True), ("source:hr", True), ("client:other", False), ("operator:test", False)]
)
def test_of_a_disabling_from_before_sources_were_on_record_the_actor_counts(town: Town, actor: str, *, lets_in: bool) -> None:
    by = actor if actor != "client:other" else "client:hr"

    def store(connection: Connection) -> None:
        town.desk.audit.record(
            connection, at=town.desk.clock.now(), actor=actor, action="account.disabled", subject=f"account:before-{actor}", outcome="done"
        )

    town.desk.database.write(store)
    with town.desk.database.read() as connection:
        if lets_in:
            demand_may_enable(connection, f"before-{actor}", "import:hr", by)
        else:
            with pytest.raises(TrustError, match="ACCOUNT_HELD"):
                demand_may_enable(connection, f"before-{actor}", "import:hr", by)


def test_of_two_clients_that_import_first_at_one_moment_by_two_processes_one_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL, where both run: neither sees the other's claim until it is refused, and run again behind it."""
    claim, meeting, met = import_sources._record, Barrier(2, timeout=30), count()

    def both_have_looked(*given: Any) -> None:
        if next(met) < meeting.parties:
            meeting.wait()
        claim(*given)

    make_deployment(tmp_path / "d", services=["idp"], database_url=postgres_url())
    houses = [open_house(open_deployment(tmp_path / "d")) for _ in range(2)]
    try:
        migrate_kit(houses[0].context.database)
        idp.service.migrate(houses[0].context.database)
        desks = {name: idp.service.people_desk(house.context) for name, house in zip(("first", "second"), houses, strict=True)}
        monkeypatch.setattr(import_sources, "_record", both_have_looked)

        def send(client: str) -> str:
            import_of_one = partial(import_accounts.receive_import, desks[client], "hr", b"source_id,name\n1,x\n", ImportForm.CSV)
            try:
                return import_of_one(is_dry_run=False, actor=f"client:{client}", client_id=client).state.value
            except TrustError as error:
                return error.code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(send, desks)) == ["ACCOUNT_FOREIGN", "running"]
        with desks["first"].database.read() as connection:
            assert len(tuple(desks["first"].audit.own_entries(connection, "import-source:hr", ("source.claim",)))) == 1
    finally:
        for desk in desks.values():
            desk.pool.close()
        for house in houses:
            house.close()
