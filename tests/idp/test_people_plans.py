"""With many accounts every page and every look-up goes along an index: the databases are asked for their plans."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, text

from idp.directory_tables import cas_callbacks, cas_granting_tickets, cas_services, cas_tickets, change_states, changes, import_rows
from idp.model.people import AccountKind, Identifier, IdentifierKind
from idp.store import accounts as store
from idp.store import changes as change_rows
from idp.store import directory
from idp.store.accounts import search_query
from idp.tables import account_identifiers, accounts, agents, attempts, credentials, evidence, sessions, sign_ins
from service_kit.prepared import Prepared
from tests.idp.databases import database, database_url  # noqa: F401 - fixtures
from tests.idp.test_people_store import VAULT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.database import Database

ROWS = 8_000
BIG = frozenset({accounts.name, account_identifiers.name})


def fill(connection: Connection) -> None:
    def account(number: int) -> dict[str, Any]:
        return {
            "account_id": f"pe_{number:024d}",
            "kind": "person" if number % 10 else "organisation",
            "status": "active",
            "name_sealed": b"n" * 40,
            "name_hash": os.urandom(32),
            "attributes_sealed": b"a" * 40,
            "area": f"1507{number % 100:02d}",
            "level": number % 5,
            "origin": "import",
            "needs_two_factors": False,
            "created_at": number,
            "created_by": "test",
            "changed_at": number,
            "version": 1,
            "uversion": 1,
            "row_mac": b"m" * 32,
        }

    def identifier(number: int) -> dict[str, Any]:
        found = os.urandom(32)
        return {"account_id": f"pe_{number:024d}", "kind": "login", "find_hash": found, "exclusive_hash": found, "value_sealed": b"v" * 40}

    connection.execute(insert(accounts), [account(number) for number in range(ROWS)])
    connection.execute(insert(account_identifiers), [identifier(number) for number in range(ROWS)])


def plan(connection: Connection, query: Any, parameters: dict[str, Any], *, is_sqlite: bool) -> str:
    compiled = (query.statement if isinstance(query, Prepared) else query).compile(connection)
    values = {**compiled.params, **parameters}
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    if is_sqlite:
        rows = connection.exec_driver_sql(explain + str(compiled), tuple(values[name] for name in compiled.positiontup or ()))
    else:
        rows = connection.exec_driver_sql(explain + str(compiled), values)
    return "\n".join(" ".join(map(str, row)) for row in rows)


def test_pages_and_look_ups_use_indexes(database: Database) -> None:  # noqa: F811
    database.write(fill)
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execute(text("ANALYZE idp_accounts"))
            connection.execute(text("ANALYZE idp_account_identifiers"))
    login = Identifier(IdentifierKind.LOGIN, "jia")
    page = {"after": f"pe_{ROWS // 2:024d}", "count": 51}
    queries: dict[str, tuple[Any, dict[str, Any]]] = {
        "a page": (search_query(VAULT, kind=AccountKind.PERSON), page),
        "the rarer kind": (search_query(VAULT, kind=AccountKind.ORGANISATION), page),
        "by name": (search_query(VAULT, kind=AccountKind.PERSON, name="测试"), page),
        "by a name in two spellings": (search_query(VAULT, kind=AccountKind.PERSON, name="Ünal"), page),
        "by identifier": (search_query(VAULT, kind=AccountKind.PERSON, identifier=login), page),
        "signing in": (store._EXCLUSIVE, {"hash": b"h" * 32}),
        "one account": (store._ACCOUNT, {"wanted": "pe_x"}),
        "its identifiers": (store._IDENTIFIERS, {"wanted": "pe_x"}),
        "its evidence": (store._EVIDENCE, {"wanted": "pe_x"}),
        "changes to be numbered": (change_rows._WAITING.order_by(changes.c.row_id).limit(9), {}),
        "a page of the directory": (directory.ids_query(AccountKind.PERSON, after=f"pe_{ROWS // 2:024d}", skipped=0, count=51), {}),
        "a beginning of ids": (directory.ids_query(AccountKind.PERSON, prefix="pe_00", is_active=True, after="", skipped=9, count=51), {}),
    }
    with database.read() as connection:
        for name, (query, parameters) in queries.items():
            found = plan(connection, query, parameters, is_sqlite=database.is_sqlite)
            if database.is_sqlite:
                assert "SCAN idp_" not in found, (name, found)
                assert "ix_idp_accounts_kind" not in found or not name.startswith("by "), (name, found)
                assert "TEMP B-TREE" not in found or name in {"its evidence", "by a name in two spellings"}, (name, found)
            else:
                assert not [table for table in BIG if f"Seq Scan on {table}" in found], (name, found)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (change_states, ("bucket", "subject_id")),
        (cas_services, ("client_id",)),
        (cas_tickets, ("session_id",)),
        (cas_tickets, ("expires_at",)),
        (cas_callbacks, ("client_id",)),
        (cas_granting_tickets, ("expires_at",)),
        (import_rows, ("import_id", "outcome", "number")),
        (changes, ("row_id",)),
        (evidence, ("account_id",)),
        (agents, ("organisation_id",)),
        (agents, ("person_id",)),
        (credentials, ("account_id",)),
        (sessions, ("account_id",)),
        (sessions, ("expires_at",)),
        (sign_ins, ("expires_at",)),
        (attempts, ("last_at",)),
    ],
)
def test_what_is_looked_for_has_an_index(table: Any, columns: tuple[str, ...]) -> None:
    assert any(tuple(column.name for column in index.columns)[: len(columns)] == columns for index in table.indexes)
