"""Bulk imports: every row's outcome, trial runs that change nothing, interruption, races, and what a file must not be able to do."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions import import_accounts
from idp.actions.import_accounts import receive_import, run_imports
from idp.actions.manage_accounts import change_account_status
from idp.actions.set_credentials import remove_credential
from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.model import imports as model
from idp.model.imports import FILE_BYTES_MAX, ROW_BYTES_MAX, Import, ImportForm, read_rows
from idp.model.people import AccountKind, AccountStatus, IdentifierKind
from idp.store.accounts import account_id_by, find_account, list_evidence
from idp.store.credentials import list_credentials
from idp.store.imports import count_outcomes, list_rows, load_import
from service_kit.roles import Role, appoint
from standards.errors import Kind, TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, Town, settle
from tests.idp.test_changes import bearer
from tests.idp.test_people_store import resident_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.model.people import Account

NUMBERS = [resident_number(f"9900001990030{index}".ljust(17, "7")) for index in range(1000, 1006)]


@pytest.fixture(scope="module", name="town")
def town_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("idp.service.IMPORT_EVERY_SECONDS", 3600.0)  # the tests run imports themselves
        with served_here(make_deployment(tmp_path_factory.mktemp("imports") / "deployment", services=["idp"])) as here:
            made = settle(here, Registered())
            yield made
            made.desk.pool.close()


def receive(town: Town, source: str, text: str, *, dry: bool = False, form: ImportForm = ImportForm.CSV) -> Import:
    return receive_import(town.desk, source, text.encode(), form, is_dry_run=dry, actor="operator:test")


def run(town: Town, source: str, text: str, *, dry: bool = False, form: ImportForm = ImportForm.CSV) -> list[tuple[str, str, str]]:
    """Outcome, code and field of each row."""
    made = receive(town, source, text, dry=dry, form=form)
    while run_imports(town.desk):
        pass
    with town.desk.database.read() as connection:
        assert load_import(connection, town.desk.vault, made.import_id).state == "finished"
        rows = list_rows(connection, made.import_id, outcome=None, after=0, count=999)
    return [(each.outcome.value, each.code, each.field) for each in rows]


def account(town: Town, source: str, source_id: str) -> Account | None:
    with town.desk.database.read() as connection:
        found = account_id_by(connection, town.desk.vault, IdentifierKind.UPSTREAM, f"import:{source}|{source_id}")
        return None if found is None else find_account(connection, town.desk.vault, found)


def accounts(town: Town) -> int:
    with town.desk.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM idp_accounts").scalar_one())


def test_created_changed_unchanged_refused_and_the_trial_says_the_same(town: Town) -> None:
    first = (
        "source_id,kind,name,login,resident_id,credit_code,mobile,area,level,status,sex,organisation_type\r\n"
        f"1,person,测试甲,imp1,{NUMBERS[0]},,138 0000 0001,150700,2,,2,\r\n"
        f"2,,测试乙,imp2,{NUMBERS[1]},,,,,disabled,,\r\n"
        "3,organisation,测试有限公司,,,12990000YX0000008K,,150700,,,,1\r\n"
        "\r\n"
        f"4,person,测试丙,imp1,,,,,,,,\r\n"
        f"4,person,测试丙,,,,,,,,,\r\n"
        f"5,person,测试丁,,{NUMBERS[1]},,,,,,,\r\n"
        "6,person,测试戊,,123,,,,,,,\r\n"
        "7,person\r\n"
        "8,robot,测试,,,,,,,,,\r\n"
        ",person,测试,,,,,,,,,\r\n"
        "9,person,,,,,,,,,,\r\n"
        "10,person,测试,,,,,,3,,,\r\n"
        "11,person,测试,,,12990000YX0000008K,,,,,,\r\n"
        "12,person,测试,,,,,,,closed,,\r\n"
        "13,person,测试,,,,,,,,,1\r\n"
    )
    expected = [
        ("created", "", ""),
        ("created", "", ""),
        ("created", "", ""),
        ("refused", "IMPORT_ROW_REPEATED", "login"),
        ("created", "", ""),
        ("refused", "IMPORT_ROW_REPEATED", "resident_id"),
        ("refused", "ACCOUNT_FIELD_INVALID", "identifiers.resident_id"),
        ("refused", "IMPORT_ROW_UNREADABLE", ""),
        ("refused", "ACCOUNT_FIELD_INVALID", "kind"),
        ("refused", "ACCOUNT_FIELD_INVALID", "source_id"),
        ("refused", "ACCOUNT_FIELD_INVALID", "name"),
        ("refused", "ACCOUNT_FIELD_INVALID", "level"),
        ("refused", "IMPORT_ROW_REPEATED", "credit_code"),
        ("refused", "ACCOUNT_FIELD_INVALID", "status"),
        ("refused", "ACCOUNT_FIELD_INVALID", "organisation_type"),
    ]
    before = accounts(town)
    assert run(town, "hr", first, dry=True) == expected
    assert accounts(town) == before
    assert account(town, "hr", "1") is None
    assert run(town, "hr", first) == expected
    assert accounts(town) == before + 4
    jia, yi, firm = (account(town, "hr", each) for each in "123")
    assert jia
    assert yi
    assert firm
    assert (jia.level, jia.area, jia.status, jia.origin, jia.attributes) == (2, "150700", "active", "import:hr", {"sex": "2"})
    assert (yi.status, yi.level, firm.kind) == ("disabled", 0, AccountKind.ORGANISATION)
    with town.desk.database.read() as connection:
        assert [(each.method, each.source) for each in list_evidence(connection, town.desk.vault, jia.account_id)] == [("import", "hr")]
    # The next state of the source: columns that are not there leave what is, empty ones remove it
    second = "source_id,kind,name,login,mobile,status\n1,person,测试甲,imp1,,\n2,person,测试乙二,imp2,13900000002,active\n3,organisation,测试有限公司,,,\n1,organisation,x,,,\n"
    expected = [("changed", "", ""), ("changed", "", ""), ("unchanged", "", ""), ("refused", "IMPORT_ROW_REPEATED", "source_id")]
    assert run(town, "hr", second, dry=True) == expected
    assert run(town, "hr", second) == expected
    jia, yi = account(town, "hr", "1"), account(town, "hr", "2")
    assert jia
    assert yi
    assert {each.kind.value for each in jia.identifiers} == {"login", "resident_id", "upstream"}
    assert (jia.area, yi.name, yi.status) == ("150700", "测试乙二", "active")
    assert run(town, "hr", "source_id,kind,name\n1,organisation,测试甲\n") == [("refused", "ACCOUNT_FIELD_INVALID", "kind")]
    finished = next(each for each in map(json.loads, town.audited("import.finish")) if each["facts"]["source"] == "hr")
    assert (finished["facts"]["dry_run"], finished["facts"]["created"], finished["facts"]["refused"]) == (True, 4, 11)


def test_json_lines_and_hashes_that_are_replaced_at_their_first_use(town: Town) -> None:
    salt, password = b"0123456789abcdef", "correct horse 8"
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000)

    def text(data: bytes) -> str:
        return b64encode(data).decode().rstrip("=").replace("+", ".")

    kept = f"$pbkdf2-sha256$1000${text(salt)}${text(made)}"
    lines = [
        {"source_id": "a", "name": "测试甲", "login": "legacy", "password_hash": kept},
        {"source_id": "b", "name": "测试乙", "password_hash": "$md5$x"},
        {"source_id": "c", "name": "测试丙", "kind": "organisation", "password_hash": kept},
    ]
    told = run(town, "old", "\n".join(json.dumps(each, ensure_ascii=False) for each in lines) + "\n", form=ImportForm.JSON_LINES)
    assert told == [
        ("created", "", ""),
        ("refused", "CREDENTIAL_UNUSABLE", "password_hash"),
        ("refused", "ACCOUNT_FIELD_INVALID", "password_hash"),
    ]
    browser = Browser(town.here)
    browser.go("/sessions")
    browser.log_in("legacy", password)
    assert browser.path == "/sessions"
    found = account(town, "old", "a")
    assert found
    with town.desk.database.read() as connection:
        credential = list_credentials(connection, town.desk.vault, found.account_id)[0]
    assert credential.value.startswith(b"$argon2id$")
    # Imported again: the password that the person has by now stays
    assert run(town, "old", json.dumps(lines[0]), form=ImportForm.JSON_LINES) == [("unchanged", "", "")]
    assert run(town, "old", '{"source_id":"d","name":"测试丁","login":"later"}', form=ImportForm.JSON_LINES) == [("created", "", "")]
    assert run(town, "old", json.dumps({"source_id": "d", "name": "测试丁", "password_hash": kept}), form=ImportForm.JSON_LINES) == [
        ("changed", "", "")
    ]
    # A password that was taken away, as where it was stolen, does not come back with the file of the next night
    remove_credential(town.desk, found.account_id, credential.credential_id, actor="test")
    assert run(town, "old", json.dumps(lines[0]), form=ImportForm.JSON_LINES) == [("unchanged", "", "")]
    with town.desk.database.read() as connection:
        assert list_credentials(connection, town.desk.vault, found.account_id) == ()
    for path in town.here.folder.rglob("*"):
        if path.is_file():
            assert kept.encode() not in path.read_bytes()


def test_attack_a_file_cannot_take_accounts_over(town: Town) -> None:
    """Never joined by number, login or telephone; nothing proven is renamed; no administrator is touched; a source speaks for itself."""
    person = town.person("victim", name="测试甲", level=3)
    rows = "source_id,name,login,mobile\nx,测试乙,victim,\ny,测试乙,,13800000000\n"
    assert run(town, "evil", rows) == [("refused", "IDENTIFIER_TAKEN", "login"), ("created", "", "")]
    other = account(town, "evil", "y")
    assert other is not None
    assert other.account_id != person.account_id
    assert run(town, "first", f"source_id,name,resident_id,level\np,测试甲,{NUMBERS[3]},2\n") == [("created", "", "")]
    assert run(town, "first", "source_id,name\np,测试乙\n") == [("refused", "ACCOUNT_PROVEN", "")]
    assert run(town, "second", f"source_id,name,resident_id\np,测试甲,{NUMBERS[3]}\n") == [("refused", "IDENTIFIER_TAKEN", "resident_id")]
    assert run(town, "first", "source_id,name\nq|z,测试\n") == [("created", "", "")]
    boss = account(town, "first", "q|z")
    assert boss is not None
    at = town.desk.clock.now()
    town.desk.database.write(
        lambda connection: appoint(
            connection,
            town.desk.audit,
            f"person:{boss.account_id}",
            Role.AUDIT,
            is_bound=lambda *_: False,
            actor="test",
            reason="test",
            at=at,
        )
    )
    assert run(town, "first", "source_id,name,status\nq|z,测试,disabled\n") == [("refused", "ACCOUNT_PROTECTED", "")]


def test_an_import_lets_nobody_in_whom_somebody_else_disabled(town: Town) -> None:
    assert run(town, "holds", "source_id,name,status\n1,测试停用,disabled\n") == [("created", "", "")]
    assert run(town, "holds", "source_id,name,status\n1,测试停用,active\n") == [("changed", "", "")], "what it disabled itself"
    with town.desk.database.read() as connection:
        account_id = account_id_by(connection, town.desk.vault, IdentifierKind.UPSTREAM, "import:holds|1")
    assert account_id is not None
    change_account_status(town.desk, account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="client:console for pe_officer")
    assert run(town, "holds", "source_id,name,status\n1,测试停用,active\n") == [("refused", "ACCOUNT_HELD", "")]
    assert run(town, "holds", "source_id,name,status\n1,测试停用,\n") == [("unchanged", "", "")]


def test_it_goes_on_after_an_interruption_and_with_several_processes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "source_id,name\n" + "".join(f"{index},测试{index}\n" for index in range(90))
    made = receive(town, "big", text)
    before = accounts(town)
    real, calls = import_accounts.apply_row, [0]

    def dies(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] > 40:
            raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(import_accounts, "apply_row", dies)
        with pytest.raises(TrustError, match="AUDIT_UNAVAILABLE"):
            run_imports(town.desk)
        assert calls == [64], "whoever hears that the turn ended meets none of its rows under way"
    with town.desk.database.read() as connection:
        counts = count_outcomes(connection, made.import_id)
    assert (counts["created"], counts["waiting"]) == (40, 50)
    assert run_imports(town.desk) == 0  # leased by the one that died
    town.desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_imports SET lease_until = 0"))
    monkeypatch.setattr(import_accounts, "ROWS_PER_TURN", 32)

    def worker(_: int) -> int:
        done = 0
        while True:
            done += run_imports(town.desk)
            with town.desk.database.read() as connection:
                if load_import(connection, town.desk.vault, made.import_id).state == "finished":
                    return done

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(worker, range(3))) == 50
    with town.desk.database.read() as connection:
        counts = count_outcomes(connection, made.import_id)
        sealed = connection.exec_driver_sql("SELECT count(*) FROM idp_import_rows WHERE row_sealed IS NOT NULL").scalar_one()
    assert (counts["created"], counts["waiting"], accounts(town) - before, sealed) == (90, 0, 90, 0)
    # Two who deal with the same rows, because a lease ran out: each row counts once
    made = receive(town, "twice", text)

    def careless(_: int) -> None:
        while import_accounts._run(town.desk, made.import_id):
            pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(careless, range(2)))
    assert accounts(town) - before == 180
    with town.desk.database.read() as connection:
        assert count_outcomes(connection, made.import_id)["created"] == 90


@pytest.mark.parametrize(
    ("data", "form", "encoding", "code"),
    [
        (b"", ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b"source_id,name\n", ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b"name\nx\n", ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b"source_id,name,role\n1,x,admin\n", ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b"source_id,source_id\n1,1\n", ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b'source_id,name\n1,"x"y\n', ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b'source_id,name\n1,"' + b"x" * 200_000 + b'"\n', ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b"source_id,name\n1,\xff\n", ImportForm.CSV, "utf-8", "IMPORT_UNREADABLE"),
        (b"source_id,name\n1,x\n", ImportForm.CSV, "utf-16", "IMPORT_UNREADABLE"),
        (b"\n\n", ImportForm.JSON_LINES, "utf-8", "IMPORT_UNREADABLE"),
        (b" " * (FILE_BYTES_MAX + 1), ImportForm.JSON_LINES, "utf-8", "IMPORT_TOO_LARGE"),
        (b"source_id\n" + b"1\n" * 4, ImportForm.CSV, "utf-8", "IMPORT_TOO_LARGE"),
    ],
)
def test_attack_files_that_are_none(data: bytes, form: ImportForm, encoding: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "ROWS_MAX", 3)
    with pytest.raises(TrustError, match=code):
        list(read_rows(data, form, encoding))


def test_rows_as_they_are_read() -> None:
    csv = '\ufeffSource_ID, name \r\n 1 ,"测,试"\r\n2\r\n3,' + "x" * ROW_BYTES_MAX + "\r\n"
    assert [each.fields for each in read_rows(csv.encode(), ImportForm.CSV)] == [{"source_id": "1", "name": "测,试"}, None, None]
    assert [each.fields for each in read_rows("source_id,name\n1,测试".encode("gb18030"), ImportForm.CSV, "gb18030")] == [
        {"source_id": "1", "name": "测试"}
    ]
    lines = [
        '{"source_id":" 1 "}',
        "[]",
        '{"source_id":1}',
        '{"role":"x"}',
        '{"source_id":"\\ud800"}',
        '{"source_id":"1","source_id":"2"}',
        "{",
        "[" * 5000,
        '"' + "x" * ROW_BYTES_MAX,
    ]
    read = list(read_rows("\n".join(lines).encode(), ImportForm.JSON_LINES))
    assert [each.fields for each in read] == [{"source_id": "1"}, *[None] * 8]
    assert repr(read[0]) == "FileRow(1)"


def test_over_http(town: Town) -> None:
    headers = bearer(town, "importer", "directory.manage")
    http = town.here.http
    path = "/v1/account-imports"

    def post(text: str, query: str = "source=web", kind: str = "text/csv") -> Any:
        return http.post(
            f"{path}?{query}", headers={**headers, "content-type": kind}, content=text.encode("gb18030" if "GB" in kind else "utf-8")
        )

    answer = post("source_id,name\n1,测试\n2,\n", kind="text/csv; charset=GB18030")
    made = answer.json()
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{path}/{made['import_id']}"
    assert (made["state"], made["rows"], made["counts"]["waiting"], made["created_by"]) == ("running", 2, 2, "client:importer")
    run_imports(town.desk)
    shown = http.get(f"{path}/{made['import_id']}", headers=headers).json()
    assert (shown["state"], shown["counts"]["created"], shown["counts"]["refused"]) == ("finished", 1, 1)
    assert shown["finished_at"] is not None
    assert shown == http.get(path, headers=headers).json()["imports"][0]
    rows = http.get(f"{path}/{made['import_id']}/rows?limit=1", headers=headers).json()
    assert (rows["rows"][0]["outcome"], rows["next_after"]) == ("created", 1)
    rest = http.get(f"{path}/{made['import_id']}/rows?outcome=refused&after=1", headers=headers).json()
    assert rest["rows"] == [{"number": 2, "outcome": "refused", "code": "ACCOUNT_FIELD_INVALID", "field": "name", "account_id": None}]
    dry = post('{"source_id":"2","name":"测试"}', "source=web&dry_run=true", "application/x-ndjson").json()
    assert dry["dry_run"] is True
    run_imports(town.desk)
    assert account(town, "web", "2") is None
    for text, query, kind, status, code in (
        ("source_id\n1\n", "source=Web", "text/csv", 422, "IMPORT_UNREADABLE"),
        ("source_id\n1\n", "source=web", "application/json", 422, "IMPORT_UNREADABLE"),
        (" " * (FILE_BYTES_MAX + 1), "source=web", "text/csv", 413, "IMPORT_TOO_LARGE"),
    ):
        refused = post(text, query, kind)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    for below in ("", "/rows"):
        assert http.get(f"{path}/im_none{below}", headers=headers).json()["code"] == "IMPORT_NOT_FOUND"


def test_what_was_never_received_whole_is_forgotten(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE")

    with monkeypatch.context() as patched:
        patched.setattr(import_accounts, "set_state", dies)
        with pytest.raises(TrustError, match="DATABASE_UNAVAILABLE"):
            receive(town, "lost", "source_id,name\n1,x\n")
    assert run_imports(town.desk) == 0
    monkeypatch.setattr("idp.actions.sweep_sign_in_rows.SIGN_IN_KEEP_SECONDS", -60)
    sweep_sign_in_rows(town.desk)
    with town.desk.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_imports WHERE source = 'lost'").scalar_one() == 0
