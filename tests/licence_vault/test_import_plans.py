"""Who holds which imported licence is found along indexes, however many were taken over: the database is asked for its plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from licence_vault import service
from licence_vault.store.imports import _held_by
from licence_vault.tables import imports
from tests.postgres import database, database_url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from service_kit.database import Database


def test_what_one_holds_is_found_by_the_indexes_of_holders(database: Database) -> None:  # noqa: F811
    service.migrate(database)
    query = select(imports).where(_held_by({b"h" * 32})).order_by(imports.c.id).limit(50)
    with database.read() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of tables without rows nothing else would be used
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        found = "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain}{compiled}"))
    assert "ix_licence_imports_holder_digest" in found
    assert "ix_licence_import_holders_holder_digest" in found
    assert "SCAN licence_imports" not in found
