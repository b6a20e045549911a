"""The migrations make exactly the tables that the code works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import licence_vault.copy_tables
import licence_vault.foreign_tables
import licence_vault.report_tables
import licence_vault.tables
import licence_vault.use_tables  # noqa: F401 - they enter their tables into the metadata
from licence_vault.log_tables import PREFIX, metadata
from service_kit.database import Database
from service_kit.migrations import differences, migrate

if TYPE_CHECKING:
    from pathlib import Path


def test_the_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}", 2)
    try:
        migrate(database, PREFIX, "licence_vault.migrations")
        assert differences(database, PREFIX, metadata) == []
    finally:
        database.close()
