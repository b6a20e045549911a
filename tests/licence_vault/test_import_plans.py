"""Imported licences are found along indexes, however many were taken over: the database is asked for its plans."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from licence_vault import service
from licence_vault.store.imports import _held_by, _named
from licence_vault.tables import imports
from tests.postgres import database, database_url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from sqlalchemy import Select

    from service_kit.database import Database


def test_what_one_holds_is_found_by_the_indexes_of_holders(database: Database) -> None:  # noqa: F811
    found = plan(database, select(imports).where(_held_by({b"h" * 32})).order_by(imports.c.id).limit(50))
    assert "ix_licence_imports_holder_digest" in found
    assert "ix_licence_import_holders_holder_digest" in found
    assert "SCAN licence_imports" not in found


def test_what_the_files_of_an_archive_belong_to_is_found_by_the_indexes_of_issuers(database: Database) -> None:  # noqa: F811
    for column, values in (
        (imports.c.id, ["li_1", "li_2"]),
        (imports.c.identifier, ["1", "2"]),
        (imports.c.number_digest, [b"n" * 32, b"m" * 32]),
    ):
        found = plan(database, _named("issuer", "type", column, values))
        assert re.search("ux_licence_imports_printed|ix_licence_imports_issuer_code_id|licence_imports_1|pk_licence_imports", found), found
        assert "SCAN licence_imports" not in found


def plan(database: Database, query: Select[Any]) -> str:  # noqa: F811
    service.migrate(database)
    with database.read() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of tables without rows nothing else would be used
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        return "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain}{compiled}"))
