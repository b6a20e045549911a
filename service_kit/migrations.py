"""Bring the tables of one component to the version of this program (Alembic).

A component is a prefix (``kit``, ``idp``, ...): its tables begin with it and its version stands in ``<prefix>_alembic``, so that each
service can have a database of its own or share one. Its scripts are a package with a folder ``versions``. All steps of a component are
one transaction; processes that start at the same time wait for each other.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import visitors

from service_kit.database_errors import as_trust_error
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import MetaData, Select
    from sqlalchemy.engine import Connection

    from service_kit.database import Database

KIT: Final = "kit"
_ADVISORY_LOCK: Final = 0x59494E58  # any number, the same for every process of ours


def migrate(database: Database, name: str, script_package: str) -> None:
    """Run what is missing. ``name``: the component's prefix; ``script_package``: such as ``idp.migrations``.

    Raises TrustError DATABASE_TOO_NEW where a newer program has already changed the tables, DATABASE_UNAVAILABLE.
    """
    script = _scripts(script_package)
    with _translated(), database.engine.connect() as connection, _one_at_a_time(connection):
        context = MigrationContext.configure(
            connection,
            opts={"version_table": f"{name}_alembic", "fn": lambda revision, _context: script._upgrade_revs("head", revision)},  # noqa: SLF001 - as alembic.command.upgrade does
        )
        present = context.get_current_revision()
        if present is not None and present not in {each.revision for each in script.walk_revisions()}:
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_TOO_NEW", component=name, found=present)
        if present != script.get_current_head():
            with Operations.context(context):
                context.run_migrations()


def migrate_kit(database: Database) -> None:
    """The kit's own tables."""
    migrate(database, KIT, "service_kit.kit_migrations")


def is_current(database: Database, name: str, script_package: str) -> bool:
    """True where nothing is missing; for readiness."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": f"{name}_alembic"})
        return context.get_current_revision() == _scripts(script_package).get_current_head()


def are_there(connection: Connection, statement: Select[Any]) -> bool:
    """Whether a database, which may be of an older version, has every table and column that ``statement`` names."""
    look = inspect(connection)
    wanted: dict[str, set[str]] = {}
    for element in visitors.iterate(statement):
        if isinstance(element, Column):
            wanted.setdefault(element.table.name, set()).add(element.name)
    return all(look.has_table(table) and names <= {each["name"] for each in look.get_columns(table)} for table, names in wanted.items())


def differences(database: Database, name: str, metadata: MetaData) -> list[object]:
    """What Alembic would still change so that the component's tables are as ``metadata`` says; for tests. Empty is right."""

    def own(_object: object, object_name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:  # noqa: FBT001 - Alembic's call
        return kind != "table" or ((object_name or "").startswith(f"{name}_") and object_name != f"{name}_alembic")

    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": own, "compare_type": True, "compare_server_default": False, "version_table": f"{name}_alembic"},
        )
        return list(compare_metadata(context, metadata))


def _scripts(script_package: str) -> ScriptDirectory:
    package = import_module(script_package)
    config = Config()
    config.set_main_option("script_location", str(Path(next(iter(package.__path__)))).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        translated = as_trust_error(error)
        if translated is error:
            raise
        raise translated from error


@contextmanager
def _one_at_a_time(connection: Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        # who waited for the lock must see what the one before has made, not the state from before he waited
        connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # a large table takes as long as it takes: cut off after a minute it would be so at every start
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
        yield
