"""Rows of accounts, credentials, sign-ins and sessions: on both databases, sealed, and unalterable past the program."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from crypto.sealed_values import ValueSealer
from idp.model.people import (
    Account,
    AccountKind,
    AccountStatus,
    Agent,
    AgentRole,
    Credential,
    CredentialKind,
    Evidence,
    Identifier,
    IdentifierKind,
    level_at,
    new_id,
    normalise_identifier,
    with_status,
)
from idp.model.requests import AuthorizationRequest
from idp.model.sign_in import Session, begin_sign_in
from idp.store import accounts, credentials, person_grants, sign_ins
from idp.store.accounts import Vault
from standards.errors import TrustError
from tests.idp.databases import database, database_url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.database import Database

AT = datetime(2026, 11, 28, 1, 2, 3, 456789, tzinfo=UTC)
VAULT = Vault(ValueSealer(bytes(range(32))), b"m" * 32)


def resident_number(body: str) -> str:
    from standards.gb11643_resident_id import compute_check_character

    return body + compute_check_character(body)


def person(name: str = "测试甲", **fields: object) -> Account:
    given: dict[str, object] = {
        "account_id": new_id("pe_"),
        "kind": AccountKind.PERSON,
        "status": AccountStatus.ACTIVE,
        "name": name,
        "area": "150700",
        "level": 2,
        "origin": "operator",
        "created_at": AT,
        "created_by": "test",
        "changed_at": AT,
        "attributes": {"address": "演示路 1 号"},
    }
    return Account(**{**given, **fields})  # type: ignore[arg-type]


@pytest.fixture
def people(database: Database) -> Database:  # noqa: F811
    return database


def test_an_account_comes_back_as_it_was_and_lies_sealed(people: Database) -> None:
    number = resident_number("99000019900307123")
    made = person(identifiers=(Identifier(IdentifierKind.LOGIN, "jia"), Identifier(IdentifierKind.RESIDENT_ID, number, AT)))
    people.write(lambda conn: accounts.insert_account(conn, VAULT, made))
    with people.read() as conn:
        assert accounts.find_account(conn, VAULT, made.account_id) == made
        assert accounts.account_id_by(conn, VAULT, IdentifierKind.RESIDENT_ID, number) == made.account_id
        assert accounts.account_id_by(conn, VAULT, IdentifierKind.LOGIN, number) is None
        rows = [*conn.execute(text("SELECT * FROM idp_accounts")), *conn.execute(text("SELECT * FROM idp_account_identifiers"))]
    raw = b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for row in rows for v in row)
    assert "测试甲".encode() not in raw
    assert number.encode() not in raw
    assert "演示路".encode() not in raw


def test_an_identifier_belongs_to_one_account_but_a_telephone_to_several(people: Database) -> None:
    first = person(identifiers=(Identifier(IdentifierKind.LOGIN, "jia"), Identifier(IdentifierKind.MOBILE, "13800000000")))
    people.write(lambda conn: accounts.insert_account(conn, VAULT, first))
    second = person(identifiers=(Identifier(IdentifierKind.MOBILE, "13800000000"),))
    people.write(lambda conn: accounts.insert_account(conn, VAULT, second))
    third = person(identifiers=(Identifier(IdentifierKind.LOGIN, "jia"),))
    with pytest.raises(TrustError, match="IDENTIFIER_TAKEN"):
        people.write(lambda conn: accounts.insert_account(conn, VAULT, third))
    with people.read() as conn:
        assert accounts.find_account(conn, VAULT, third.account_id) is None  # nothing of it stayed


def test_changes_race_and_only_one_wins(people: Database) -> None:
    made = person()
    people.write(lambda conn: accounts.insert_account(conn, VAULT, made))
    off = with_status(made, AccountStatus.DISABLED, AT)
    people.write(lambda conn: accounts.update_account(conn, VAULT, off))
    with pytest.raises(TrustError, match="ACCOUNT_CHANGED"):
        people.write(lambda conn: accounts.update_account(conn, VAULT, with_status(made, AccountStatus.CLOSED, AT)))
    with pytest.raises(TrustError, match="ACCOUNT_STATUS_CONFLICT"):
        with_status(off, AccountStatus.DISABLED, AT)
    assert off.uversion == 2


def test_a_row_written_past_the_program_is_refused(people: Database) -> None:
    made = person(level=1)
    grant = Agent(new_id("ag_"), "or_x", made.account_id, AgentRole.AGENT, ("tax",), AT, None, "operator:test", AT)
    key = Credential(new_id("cr_"), made.account_id, CredentialKind.PASSKEY, b"data", "key", AT, find_hash=b"h" * 32)

    def store(conn: object) -> None:
        accounts.insert_account(conn, VAULT, made)  # type: ignore[arg-type]
        accounts.insert_agent(conn, VAULT, grant)  # type: ignore[arg-type]
        accounts.insert_evidence(conn, VAULT, made.account_id, Evidence("ev_1", "counter", "hall", 1, AT))  # type: ignore[arg-type]
        credentials.put_credential(conn, VAULT, key)  # type: ignore[arg-type]

    people.write(store)
    for change, read in (
        ("UPDATE idp_accounts SET level = 4", lambda conn: accounts.find_account(conn, VAULT, made.account_id)),
        ("UPDATE idp_agents SET scopes = ''", lambda conn: accounts.load_agent(conn, VAULT, grant.agent_id)),
        ("UPDATE idp_evidence SET level = 4", lambda conn: accounts.list_evidence(conn, VAULT, made.account_id)),
        ("UPDATE idp_credentials SET counter = 9", lambda conn: credentials.credential_by_hash(conn, VAULT, b"h" * 32)),
    ):
        people.write(lambda conn, change=change: conn.execute(text(change)))  # type: ignore[misc]
        with people.read() as conn, pytest.raises(TrustError, match="ROW_ALTERED"):
            read(conn)


def test_two_grants_of_one_person_cannot_stand_at_once(people: Database) -> None:
    def grant() -> Agent:
        return Agent(new_id("ag_"), "or_x", "pe_y", AgentRole.AGENT, (), AT, AT + timedelta(days=1), "operator:test", AT)

    first, second = grant(), grant()
    people.write(lambda conn: accounts.insert_agent(conn, VAULT, first))
    with pytest.raises(TrustError, match="AGENT_EXISTS"):
        people.write(lambda conn: accounts.insert_agent(conn, VAULT, second))
    ended = replace(first, revoked_at=AT, revoked_by="operator:test", version=2)
    people.write(lambda conn: accounts.update_agent(conn, VAULT, ended))
    people.write(lambda conn: accounts.insert_agent(conn, VAULT, second))
    assert first.is_valid_at(AT)
    assert not first.is_valid_at(AT + timedelta(days=1))
    assert not ended.is_valid_at(AT)


def test_a_grant_is_found_however_many_were_revoked_before(people: Database) -> None:
    past = [
        Agent(f"ag_{number:03}", "or_x", "pe_y", AgentRole.AGENT, (), AT, None, "operator:test", AT, AT, f"operator:{number}")
        for number in range(201)
    ]
    last = Agent("ag_z", "or_x", "pe_y", AgentRole.AGENT, (), AT, None, "operator:test", AT + timedelta(seconds=1))

    def add(conn: Connection) -> None:
        for each in (*past, last):
            accounts.insert_agent(conn, VAULT, each)

    people.write(add)
    with people.read() as conn:
        assert person_grants.grants_of_person(conn, VAULT, "pe_y") == (last,)
        assert person_grants.grants_of_person(conn, VAULT, "pe_y", "or_x") == (last,)
        assert person_grants.grants_of_person(conn, VAULT, "pe_y", "or_z") == ()
        assert person_grants.newest_grant(conn, VAULT, "pe_y", "or_x") == last
        assert person_grants.newest_grant(conn, VAULT, "pe_z", "or_x") is None
        assert len(accounts.list_agents(conn, VAULT, person_id="pe_y", count=300)) == 202


def test_a_sign_in_and_a_session_come_back_as_they_were(people: Database) -> None:
    request = AuthorizationRequest(
        "portal", "https://rp.example/cb", scopes=("openid",), claims={"id_token": {"acr": None}}, raw_digest=b"\1"
    )
    row = replace(begin_sign_in("si_1", b"b" * 32, request, AT), auth_at=AT, methods=("password",), organisations=("or_1",))
    session = Session("se_1", b"c" * 32, "pe_1", None, 2, ("password", "totp"), "Firefox", AT, AT, AT, AT + timedelta(hours=1))
    people.write(lambda conn: sign_ins.insert_sign_in(conn, VAULT, row))
    people.write(lambda conn: sign_ins.insert_session(conn, VAULT, session))
    with people.read() as conn:
        assert sign_ins.find_sign_in(conn, VAULT, "si_1") == row
        assert sign_ins.session_by_cookie(conn, VAULT, b"c" * 32) == session
        assert sign_ins.find_session(conn, VAULT, "se_2") is None
        assert sign_ins.find_sign_in(conn, VAULT, "si_1") is sign_ins.find_sign_in(conn, VAULT, "si_1"), "opened once"
    changed = replace(row, account_id="pe_1", version=2)
    people.write(lambda conn: sign_ins.update_sign_in(conn, VAULT, changed))
    with pytest.raises(TrustError, match="SIGN_IN_OVERTAKEN"):
        people.write(lambda conn: sign_ins.update_sign_in(conn, VAULT, changed))
    with people.read() as conn:
        assert sign_ins.find_sign_in(conn, VAULT, "si_1") == changed, "remembered or not, it is the row as it stands"
    assert session.is_alive_at(AT)
    assert not session.is_alive_at(AT + timedelta(hours=1))


@pytest.mark.parametrize(
    ("column", "value"), [("browser_hash", bytes(32)), ("version", 2), ("sign_in_id", "si_2"), ("row_sealed", bytes(64))]
)
def test_attack_a_sign_in_that_was_opened_before_and_written_past_the_program(
    people: Database, column: str, value: bytes | int | str
) -> None:
    row = begin_sign_in("si_1", b"b" * 32, None, AT)
    people.write(lambda conn: sign_ins.insert_sign_in(conn, VAULT, row))
    with people.read() as conn:
        assert sign_ins.find_sign_in(conn, VAULT, "si_1") == row
    people.write(lambda conn: conn.execute(text(f"UPDATE idp_sign_ins SET {column} = :value"), {"value": value}))
    with people.read() as conn, pytest.raises(TrustError, match="SEALED_VALUE_DAMAGED"):
        sign_ins.find_sign_in(conn, VAULT, "si_2" if value == "si_2" else "si_1")


def test_sign_ins_are_remembered_in_bounds(people: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ins, "REMEMBERED_MAX", 3)
    vault = replace(VAULT, read_sign_ins=OrderedDict())
    rows = [begin_sign_in(f"si_{number}", b"b" * 32, None, AT) for number in range(5)]
    for row in rows:
        people.write(lambda conn, row=row: sign_ins.insert_sign_in(conn, vault, row))  # type: ignore[misc]
    with people.read() as conn:
        assert [sign_ins.find_sign_in(conn, vault, row.sign_in_id) for row in (*rows, *rows)] == [*rows, *rows]
    assert len(vault.read_sign_ins) == 3


def test_evidence_adds_up_to_the_strongest_that_holds() -> None:
    old = Evidence("1", "face", "region", 3, AT, AT + timedelta(days=1))
    new = Evidence("2", "sms", "own", 1, AT)
    assert level_at((), AT) == 0
    assert level_at((old, new), AT) == 3
    assert level_at((old, new), AT + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        (IdentifierKind.RESIDENT_ID, " " + resident_number("99000019900307123").lower(), resident_number("99000019900307123")),
        (IdentifierKind.CREDIT_CODE, "12990000yx0000008k", "12990000YX0000008K"),
        (IdentifierKind.LOGIN, "Jia.Yi", "jia.yi"),
        (IdentifierKind.MOBILE, "138 0000-0000", "13800000000"),
        (IdentifierKind.MAIL, "A@Example.org", "a@example.org"),
        (IdentifierKind.PASSPORT, "e1234", "E1234"),
        (IdentifierKind.PASSPORT, " ｇ１２３４５６７８", "G12345678"),  # wide letters and digits are the same ones
        (IdentifierKind.PASSPORT, "gı2", "Gı2"),  # and no other letter is made one: two numbers would be one
        (IdentifierKind.PERMIT, "ß1", "ß1"),
    ],
)
def test_identifiers_are_compared_in_one_form(kind: IdentifierKind, typed: str, kept: str) -> None:
    assert normalise_identifier(kind, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (IdentifierKind.RESIDENT_ID, "990000199003071231"),
        (IdentifierKind.CREDIT_CODE, "12990000YX0000008L"),
        (IdentifierKind.LOGIN, "a b c"),
        (IdentifierKind.MOBILE, "none"),
        (IdentifierKind.MAIL, "a@b@c"),
        (IdentifierKind.PASSPORT, ""),
    ],
)
def test_a_wrong_identifier_is_refused_without_being_told(kind: IdentifierKind, typed: str) -> None:
    with pytest.raises(TrustError) as caught:
        normalise_identifier(kind, typed)
    assert caught.value.code == "ACCOUNT_FIELD_INVALID"
    assert not typed or typed not in str(caught.value.facts)
