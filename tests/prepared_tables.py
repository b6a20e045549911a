"""SQLite files with the tables of this program in them, migrated once per process and copied for each test."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from service_kit.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def _template(migrations: tuple[Callable[[Database], None], ...]) -> Path:
    path = Path(mkdtemp(prefix="yinxin-tables-")) / "template.sqlite3"
    database = Database(f"sqlite:///{path}", 2)
    try:
        for migrate in migrations:
            migrate(database)
    finally:
        database.close()
    assert [each.name for each in path.parent.glob("template.sqlite3*")] == [path.name], "closed, it is one file"
    return path


def prepare_tables(path: Path, *migrations: Callable[[Database], None]) -> str:
    """Put a database that these functions have migrated into a new file; its URL."""
    assert not path.exists()
    shutil.copyfile(_template(migrations), path)
    return f"sqlite:///{path}"
