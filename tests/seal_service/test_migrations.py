"""The migrations make exactly the tables that the code works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.tables import PREFIX, metadata
from service_kit.database import Database
from service_kit.migrations import differences, is_current, migrate

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = "seal_service.migrations"


def test_the_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}", 2)
    try:
        migrate(database, PREFIX, SCRIPTS)
        migrate(database, PREFIX, SCRIPTS)
        assert is_current(database, PREFIX, SCRIPTS)
        assert differences(database, PREFIX, metadata) == []
    finally:
        database.close()
