"""A private PostgreSQL for the tests, and the fixtures that run a test on both databases.

One cluster per test session, in a folder of its own, reachable by a socket in that folder only; made when the first test asks for it.
Use ``database_url`` for a fresh empty database (the test runs twice: SQLite, PostgreSQL), ``database`` for one with the kit's tables.

    from tests.postgres import database, database_url  # noqa: F401 - fixtures
"""

from __future__ import annotations

import atexit
import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from service_kit.database import Database
from service_kit.migrations import migrate_kit
from tests.optional import need
from tests.prepared_tables import prepare_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_numbers = count(1)


def _programs() -> Path | None:
    """The folder of the newest installed server programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: somebody else then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return "nobody"


class Cluster:
    """A running server. ``url(name)`` creates a database."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="yinxin-pg-"))
        self.user = _server_user()
        self.programs = programs
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        self.role = self.user or getpass.getuser()
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C", "-U", self.role, "--no-sync")
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=200 -c log_min_messages=fatal"
        self._run("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options, "start")
        atexit.register(self.stop)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments], user=self.user, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def url(self, copy_of: str = "") -> str:
        """The URL of a new database: empty, or a copy of the one at this URL, which nobody has open."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        template = ["-T", urlsplit(copy_of).path.removeprefix("/")] if copy_of else []
        self._run("createdb", "-h", str(self.folder), "-U", self.role, *template, name)
        return f"postgresql://{self.role}@/{name}?host={self.folder}"

    def stop(self) -> None:
        """End the server and remove its folder."""
        subprocess.run(
            [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop"],
            user=self.user,
            cwd="/",
            capture_output=True,
            check=False,
        )
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def _cluster(programs: Path) -> Cluster:
    return Cluster(programs)


def postgres_url(copy_of: str = "") -> str:
    """The URL of a new database on the session's cluster, or a skip. ``copy_of``: as of :meth:`Cluster.url`."""
    programs = _programs()
    need("PostgreSQL", programs, "install postgresql (server programs)")
    assert programs is not None
    return _cluster(programs).url(copy_of)


@cache
def _with_tables(migrations: tuple[Callable[[Database], None], ...]) -> str:
    """The URL of a database that these functions have migrated, once per process, for copies of it."""
    url = postgres_url()
    database = Database(url, 1)
    try:
        for migrate in migrations:
            migrate(database)
    finally:
        database.close()
    return url


def migrated_url(kind: str, folder: Path, *migrations: Callable[[Database], None]) -> str:
    """A fresh database of either kind that these functions have migrated."""
    if kind == "sqlite":
        return prepare_tables(folder / "test.sqlite3", *migrations)
    return postgres_url(_with_tables(migrations))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on either kind of server: empty, or with the kit's tables where ``database`` is asked for as well."""
    if "database" in request.fixturenames:
        return migrated_url(request.param, tmp_path, migrate_kit)
    return f"sqlite:///{tmp_path / 'test.sqlite3'}" if request.param == "sqlite" else postgres_url()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the kit's tables."""
    made = Database(database_url, pool_size=4)
    yield made
    made.close()
