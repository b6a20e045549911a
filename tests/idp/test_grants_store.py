"""Rows of grants and tokens: which of them end with what, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import text

from idp.actions.acting_people import ActingPeople
from idp.model.cas import IssuedTicket
from idp.model.codes import IssuedCode
from idp.model.grants import PersonGrant
from idp.model.people import Account, AccountKind, AccountStatus, Agent, AgentRole, new_id
from idp.model.tickets import TrustTicket
from idp.store import accounts, cas, codes, grants, sign_ins, tickets
from idp.store.rows import row_mac
from standards.errors import TrustError
from tests.idp.databases import database, database_url  # noqa: F401 - fixtures
from tests.idp.test_people_store import AT, VAULT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.database import Database

KEY: Final = VAULT.mac_key
SESSION: Final = "se_1"
FIRM: Final = "or_x"


def grant(grant_id: str, **fields: Any) -> PersonGrant:
    made = PersonGrant(
        grant_id, "own", "pe_1", None, SESSION, ("openid",), "https://rp.example", "urn:yinxin:loa:2", ("pwd",), AT, None, AT
    )
    return replace(made, **fields)


WISHES: Final[dict[str, Any]] = {"userinfo": {"name": {"is_offline": True}, "given": {"acting_for": FIRM}}}
"""A claims parameter in which a client says what a grant might say of itself."""
ALL: Final = (
    grant("gr_plain"),
    grant("gr_wishes", claims=WISHES),
    grant("gr_offline", is_offline=True),
    grant("gr_firm", acting_for=FIRM),
    grant("gr_other", session_id="se_2"),
    grant("gr_foreign", account_id="pe_2", session_id="se_3", acting_for=FIRM, is_offline=True),
)
LATER: Final = AT + timedelta(minutes=1)
CODE: Final = IssuedCode(
    "own", "https://rp.example/cb", "pe_1", None, SESSION, "urn:yinxin:loa:2", ("pwd",), AT, ("openid",), None, None, None, None, LATER
)
TICKET: Final = TrustTicket("own", "shop", b"m" * 32, "gr_plain", ("openid",), LATER)
SERVICE_TICKET: Final = IssuedTicket("own", "https://rp.example/cas", "pe_1", None, SESSION, "urn:yinxin:loa:2", AT, True, (), LATER)


def as_before(connection: Connection) -> None:
    """Make the rows what they were before there were columns for whom they are and how long: nulls, outside the MAC."""
    for row in connection.execute(text("SELECT * FROM idp_grants")).mappings().all():
        names = ("grant_id", "client_id", "account_id", "session_id", "grant_json", "created_at")
        values = {"mac": row_mac(KEY, "idp_grants", {name: row[name] for name in names}), "id": row["grant_id"]}
        connection.execute(text("UPDATE idp_grants SET is_offline = NULL, acting_for = NULL, row_mac = :mac WHERE grant_id = :id"), values)


@pytest.fixture
def people(database: Database) -> Database:  # noqa: F811

    def add(connection: Connection) -> None:
        for person in ("pe_1", "pe_2"):
            accounts.insert_agent(connection, VAULT, Agent(f"ag_{person}", FIRM, person, AgentRole.AGENT, (), AT, None, "test", AT))
        for each in ALL:
            grants.insert_grant(connection, each, KEY)

    database.write(add)
    return database


Ending = Callable[["Connection"], int]
ENDINGS: Final[list[tuple[Ending, set[str]]]] = [
    (lambda c: grants.end_grants_of_session(c, SESSION, AT, KEY), {"gr_plain", "gr_wishes", "gr_firm"}),
    (lambda c: grants.end_grants_of_agent(c, "pe_1", FIRM, AT, KEY), {"gr_firm"}),
    (lambda c: grants.end_grants_of_organisation(c, FIRM, AT, KEY), {"gr_firm", "gr_foreign"}),
    (
        lambda c: grants.end_grants_of_account(c, "pe_1", AT, KEY, why="test"),
        {"gr_plain", "gr_wishes", "gr_offline", "gr_firm", "gr_other"},
    ),
    (lambda c: grants.end_grants_of_account(c, "pe_1", AT, KEY, why="test", but=SESSION), {"gr_other"}),
]


class UndoError(Exception):
    """Ends a job of which nothing is to be kept."""


def test_what_ends_is_what_the_grant_is_and_not_what_its_client_wrote(people: Database) -> None:
    def look(connection: Connection, end: Ending, expected: set[str], *, is_old: bool) -> None:
        if is_old:
            as_before(connection)
        assert end(connection) == len(expected)
        found = [grants.find_grant(connection, each.grant_id, KEY) for each in ALL]
        assert {each.grant_id for each in found if each is not None and each.ended_at is not None} == expected
        assert [each for each in found if each is not None and each.ended_at is None] == [
            each for each in ALL if each.grant_id not in expected
        ]
        assert end(connection) == 0
        raise UndoError

    for end, expected in ENDINGS:
        with pytest.raises(UndoError):
            people.write(partial(look, end=end, expected=expected, is_old=False))
        with pytest.raises(UndoError):
            people.write(partial(look, end=end, expected=expected, is_old=True))


def test_attack_what_came_of_a_grant_ends_with_it_and_is_cut_off_from_it_by_nobody(people: Database) -> None:
    def spread(connection: Connection) -> None:
        for child, source in (("gr_child", "gr_offline"), ("gr_grandchild", "gr_child"), ("gr_plains", "gr_plain")):
            grants.insert_grant(connection, grant(child, client_id="shop", source_id=source), KEY)
        assert grants.find_grant(connection, "gr_child", KEY).source_id == "gr_offline"  # type: ignore[union-attr]

    def take_back(connection: Connection) -> None:
        assert grants.end_offline_grants(connection, "pe_1", "own", AT, KEY) == 3
        found = {each: grants.find_grant(connection, each, KEY) for each in ("gr_offline", "gr_child", "gr_grandchild", "gr_plains")}
        assert {each for each, one in found.items() if one is not None and one.ended_why == "taken back"} == set(found) - {"gr_plains"}
        raise UndoError

    people.write(spread)
    with pytest.raises(UndoError):
        people.write(take_back)
    people.write(lambda connection: connection.execute(text("UPDATE idp_grants SET source_id = NULL WHERE grant_id = 'gr_child'")))
    with people.read() as connection, pytest.raises(TrustError, match="ROW_ALTERED"):
        grants.find_grant(connection, "gr_child", KEY)


def test_attack_one_row_written_past_the_program_keeps_nothing_from_ending(people: Database) -> None:
    """Whoever can write one row must not be able to keep a stolen account from being disabled."""

    def spoil_and_end(connection: Connection) -> None:
        connection.execute(text("UPDATE idp_grants SET client_id = 'thief' WHERE grant_id = 'gr_plain'"))
        assert grants.end_grants_of_account(connection, "pe_1", AT, KEY, why="test") == 5
        assert grants.end_grants_of_account(connection, "pe_1", AT, KEY, why="test") == 0
        assert grants.find_grant(connection, "gr_offline", KEY).ended_at == AT  # type: ignore[union-attr]
        with pytest.raises(TrustError, match="ROW_ALTERED"):  # it is no more believed than before
            grants.find_grant(connection, "gr_plain", KEY)
        raise UndoError

    with pytest.raises(UndoError):
        people.write(spoil_and_end)


def test_attack_an_end_is_not_taken_back_past_the_program(people: Database) -> None:
    def spend(connection: Connection) -> None:
        grants.insert_refresh_token(connection, b"r" * 32, "gr_plain", AT, AT + timedelta(days=1), KEY)
        codes.insert_code(connection, b"c" * 32, CODE, KEY)
        tickets.insert_ticket(connection, b"t" * 32, TICKET, KEY)
        cas.insert_ticket(connection, b"s" * 32, SERVICE_TICKET, KEY)
        assert grants.end_grant(connection, "gr_plain", AT, "revoked", KEY)
        assert grants.spend_refresh_token(connection, b"r" * 32, AT, KEY)
        assert codes.spend_code(connection, b"c" * 32, AT, KEY, "gr_plain")
        assert tickets.spend_ticket(connection, b"t" * 32, "gr_plain", AT, KEY)
        assert cas.spend_ticket(connection, b"s" * 32, AT, KEY)
        # Once, and only what there is
        assert not grants.end_grant(connection, "gr_plain", AT, "revoked", KEY)
        assert not grants.end_grant(connection, "gr_none", AT, "revoked", KEY)
        for digest in (b"r" * 32, b"n" * 32):
            assert not grants.spend_refresh_token(connection, digest, AT, KEY)
        for digest in (b"c" * 32, b"n" * 32):
            assert not codes.spend_code(connection, digest, AT, KEY)
        assert not tickets.spend_ticket(connection, b"t" * 32, "gr_plain", AT, KEY)
        assert not cas.spend_ticket(connection, b"s" * 32, AT, KEY)

    people.write(spend)
    reads: tuple[Callable[[Connection], object], ...] = (
        lambda c: grants.find_grant(c, "gr_plain", KEY),
        lambda c: grants.find_refresh_token(c, b"r" * 32, KEY),
        lambda c: codes.find_code(c, b"c" * 32, KEY),
        lambda c: tickets.find_ticket(c, b"t" * 32, KEY),
        lambda c: cas.find_ticket(c, b"s" * 32, KEY),
    )
    with people.read() as connection:
        for read in reads:
            assert read(connection) is not None
    assert not grants.is_living(people, "gr_plain", KEY)
    assert not grants.is_living(people, "gr_none", KEY)
    assert grants.is_living(people, "gr_offline", KEY)
    for change in (
        "idp_grants SET ended_at = NULL, ended_why = '' WHERE grant_id = 'gr_plain'",
        "idp_refresh_tokens SET spent_at = NULL",
        "idp_codes SET spent_at = NULL, grant_id = NULL",
        "idp_trust_tickets SET spent_at = NULL, became = NULL",
        "idp_cas_tickets SET spent_at = NULL",
    ):
        people.write(lambda connection, change=change: connection.execute(text(f"UPDATE {change}")))  # type: ignore[misc]
    for read in (*reads, lambda _: grants.is_living(people, "gr_plain", KEY)):
        with people.read() as connection, pytest.raises(TrustError, match="ROW_ALTERED"):
            read(connection)


def test_what_ended_before_ends_were_part_of_the_code_stays_ended(people: Database) -> None:
    def end(connection: Connection) -> None:
        connection.execute(text("UPDATE idp_grants SET ended_at = 1, ended_why = 'revoked' WHERE grant_id = 'gr_plain'"))

    people.write(end)
    with people.read() as connection:
        found = grants.find_grant(connection, "gr_plain", KEY)
    assert found is not None
    assert found.ended_why == "revoked"
    assert not grants.is_living(people, "gr_plain", KEY)
    # A right is not made that way
    people.write(lambda connection: connection.execute(text("UPDATE idp_grants SET session_id = 'se_9' WHERE grant_id = 'gr_plain'")))
    with people.read() as connection, pytest.raises(TrustError, match="ROW_ALTERED"):
        grants.find_grant(connection, "gr_plain", KEY)


def test_attack_a_consent_is_written_by_the_program_or_is_none(people: Database) -> None:
    def put(connection: Connection, *scopes: str) -> None:
        sign_ins.put_consent(
            connection, VAULT, new_id("co_"), "pe_1", None, "shop", purpose="p", scopes=frozenset(scopes), claims=frozenset({"name"}), at=AT
        )

    def had() -> frozenset[str]:
        with people.read() as connection:
            return sign_ins.find_consent(connection, VAULT, "pe_1", None, "shop")[0]

    assert had() == frozenset()
    people.write(lambda connection: put(connection, "openid"))
    people.write(lambda connection: put(connection, "openid", "profile"))
    assert had() == {"openid", "profile"}
    people.write(lambda connection: connection.execute(text("UPDATE idp_consents SET scopes = 'openid identity'")))
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        had()
    people.write(lambda connection: connection.execute(text("UPDATE idp_consents SET row_mac = NULL")))
    assert had() == frozenset()
    people.write(lambda connection: put(connection, "openid"))
    assert had() == {"openid"}


def test_who_may_act_for_an_organisation_is_told_as_of_then(people: Database) -> None:
    town = ActingPeople(VAULT)
    agents = (
        Agent("ag_a", "or_a", "pe_a", AgentRole.AGENT, (), AT, None, "test", AT),
        Agent("ag_b", "or_a", "pe_b", AgentRole.AGENT, (), AT, LATER, "test", AT),
        Agent("ag_c", "or_a", "pe_c", AgentRole.AGENT, (), AT, None, "test", AT, revoked_at=AT, revoked_by="test"),
        Agent("ag_d", "or_b", "pe_a", AgentRole.REPRESENTATIVE, (), AT, None, "test", AT),
    )
    for agent in agents:
        people.write(partial(accounts.insert_agent, vault=VAULT, agent=agent))
    with people.read() as connection:
        assert town.people_of(connection, "person:or_a", AT) == {"person:pe_a", "person:pe_b"}
        assert town.people_of(connection, "person:or_a", LATER) == {"person:pe_a"}
        assert town.people_of(connection, "cl_or_a", AT) == town.people_of(connection, "person:pe_a", AT) == frozenset()
        assert town.may_act(connection, "person:pe_a", "person:or_b", AT)
        for person, holder in (
            ("person:pe_b", "person:or_b"),
            ("person:pe_c", "person:or_a"),
            ("pe_a", "person:or_b"),
            ("person:pe_a", "or_b"),
        ):
            assert not town.may_act(connection, person, holder, AT)
        assert not town.may_act(connection, "person:pe_b", "person:or_a", LATER)


@pytest.mark.parametrize("needs", ["role", "mark"])
def test_a_grant_by_one_factor_lives_only_while_its_account_needs_no_second(people: Database, needs: str) -> None:
    def make(connection: Connection) -> None:
        person = Account("pe_1", AccountKind.PERSON, AccountStatus.ACTIVE, "测试甲", "", 0, "test", AT, "test", AT)
        accounts.insert_account(connection, VAULT, person)
        grants.insert_grant(connection, grant("gr_two", amr=("pwd", "otp", "mfa")), KEY)

    people.write(make)
    assert [grants.is_living(people, each, KEY) for each in ("gr_plain", "gr_two", "gr_foreign")] == [True, True, True]
    change = (
        "INSERT INTO kit_role_holders (holder, role, appointed_by, appointed_at, reason) VALUES ('person:pe_1', 'audit', 'test', 1, 'test')"
        if needs == "role"
        else "UPDATE idp_accounts SET needs_two_factors = TRUE WHERE account_id = 'pe_1'"
    )
    people.write(lambda connection: connection.exec_driver_sql(change))
    assert [grants.is_living(people, each, KEY) for each in ("gr_plain", "gr_two", "gr_foreign")] == [False, True, True]


@pytest.mark.parametrize("is_from_before", [False, True])
def test_a_grant_by_one_factor_for_an_organisation_lives_only_while_that_has_no_role(people: Database, *, is_from_before: bool) -> None:
    people.write(lambda connection: grants.insert_grant(connection, grant("gr_two", acting_for=FIRM, amr=("pwd", "otp", "mfa")), KEY))
    if is_from_before:
        people.write(as_before)
    names = ("gr_firm", "gr_foreign", "gr_two", "gr_plain")
    assert [grants.is_living(people, each, KEY) for each in names] == [True, True, True, True]
    appoint = "INSERT INTO kit_role_holders (holder, role, appointed_by, appointed_at, reason) VALUES (:holder, 'audit', 'test', 1, 'test')"
    people.write(lambda connection: connection.execute(text(appoint), {"holder": f"person:{FIRM}"}))
    assert [grants.is_living(people, each, KEY) for each in names] == [False, False, True, True]
