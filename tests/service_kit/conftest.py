"""Fixtures for every test of the kit."""

from __future__ import annotations

from tests.postgres import database, database_url
from tests.service_kit.log_setting import audit, clock, make_log
from tests.service_kit.writer_setting import plain, remote

__all__ = ["audit", "clock", "database", "database_url", "make_log", "plain", "remote"]
