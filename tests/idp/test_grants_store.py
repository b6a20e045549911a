"""Rows of grants and tokens: which of them end with what, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import text

import idp.service
from idp.model.grants import PersonGrant
from idp.model.people import Agent, AgentRole
from idp.store import accounts, grants
from idp.store.rows import row_mac
from tests.idp.test_people_store import AT, VAULT
from tests.postgres import database, database_url  # noqa: F401 - fixtures

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


def as_before(connection: Connection) -> None:
    """Make the rows what they were before there were columns for whom they are and how long: nulls, outside the MAC."""
    for row in connection.execute(text("SELECT * FROM idp_grants")).mappings().all():
        names = ("grant_id", "client_id", "account_id", "session_id", "grant_json", "created_at")
        values = {"mac": row_mac(KEY, "idp_grants", {name: row[name] for name in names}), "id": row["grant_id"]}
        connection.execute(text("UPDATE idp_grants SET is_offline = NULL, acting_for = NULL, row_mac = :mac WHERE grant_id = :id"), values)


@pytest.fixture(params=["new", "from before"])
def people(request: pytest.FixtureRequest, database: Database) -> Database:  # noqa: F811
    idp.service.migrate(database)

    def add(connection: Connection) -> None:
        for person in ("pe_1", "pe_2"):
            accounts.insert_agent(connection, VAULT, Agent(f"ag_{person}", FIRM, person, AgentRole.AGENT, (), AT, None, "test", AT))
        for each in ALL:
            grants.insert_grant(connection, each, KEY)
        if request.param == "from before":
            as_before(connection)

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


@pytest.mark.parametrize(("end", "expected"), ENDINGS, ids=["session", "agent", "organisation", "account", "account but one session"])
def test_what_ends_is_what_the_grant_is_and_not_what_its_client_wrote(people: Database, end: Ending, expected: set[str]) -> None:
    assert people.write(end) == len(expected)
    with people.read() as connection:
        found = [grants.find_grant(connection, each.grant_id, KEY) for each in ALL]
    assert {each.grant_id for each in found if each is not None and each.ended_at is not None} == expected
    assert [each for each in found if each is not None and each.ended_at is None] == [each for each in ALL if each.grant_id not in expected]
    assert people.write(end) == 0
