"""Databases of both kinds with the tables of the identity provider in them.

from tests.idp.databases import database, database_url  # noqa: F401 - fixtures
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import idp.service
from service_kit.migrations import migrate_kit
from tests.postgres import database, migrated_url

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["database", "database_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh one."""
    return migrated_url(request.param, tmp_path, migrate_kit, idp.service.migrate)
