"""Fixtures for every test of the kit."""

from __future__ import annotations

from tests.postgres import database, database_url

__all__ = ["database", "database_url"]
