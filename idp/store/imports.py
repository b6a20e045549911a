"""Rows of imports and of the rows in them. What a row says lies sealed until it has been dealt with, then it is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from idp.directory_tables import import_rows, imports, source_versions
from idp.model.imports import Import, ImportState, RowOutcome, RowReport
from idp.store.rows import check_mac, row_mac
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from idp.store.accounts import Vault

_PROGRESS = frozenset({"state", "finished_at", "lease_until"})


def _place(import_id: str, number: int) -> str:
    return f"idp_import_rows.row:{import_id}:{number}"


def insert_import(connection: Connection, vault: Vault, made: Import) -> None:
    """Add an import."""
    asked: dict[str, Any] = {
        "import_id": made.import_id,
        "source": made.source,
        "is_dry_run": made.is_dry_run,
        "rows": made.rows,
        "file_digest": made.file_digest,
        "created_at": write_time(made.created_at),
        "created_by": made.created_by,
    }
    mac = row_mac(vault.mac_key, imports.name, asked)
    progress = {"state": made.state.value, "finished_at": write_optional_time(made.finished_at), "lease_until": 0}
    connection.execute(insert(imports), {**asked, **progress, "row_mac": mac})


def _import(vault: Vault, row: RowMapping) -> Import:
    check_mac(vault.mac_key, imports.name, row["import_id"], {name: row[name] for name in row if name not in _PROGRESS})
    return Import(
        import_id=row["import_id"],
        source=row["source"],
        state=ImportState(row["state"]),
        is_dry_run=row["is_dry_run"],
        rows=row["rows"],
        file_digest=row["file_digest"],
        created_at=read_time(row["created_at"]),
        created_by=row["created_by"],
        finished_at=read_optional_time(row["finished_at"]),
    )


def load_import(connection: Connection, vault: Vault, import_id: str) -> Import:
    """An import. IMPORT_NOT_FOUND, ROW_ALTERED."""
    row = connection.execute(select(imports).where(imports.c.import_id == import_id)).mappings().first()
    if row is None:
        raise TrustError(Kind.NOT_FOUND, "IMPORT_NOT_FOUND")
    return _import(vault, row)


def list_imports(connection: Connection, vault: Vault, count: int, *, client_id: str | None, sources: Sequence[str] = ()) -> list[Import]:
    """The newest imports first. ``client_id``: only those that came by this client, or are of one of ``sources``; None: all."""
    wanted = select(imports).order_by(imports.c.created_at.desc(), imports.c.import_id).limit(count)
    if client_id is not None:
        by = f"client:{client_id}"
        for_somebody = imports.c.created_by.startswith(f"{by} ", autoescape=True)
        wanted = wanted.where((imports.c.created_by == by) | for_somebody | imports.c.source.in_(sources))
    return [_import(vault, row) for row in connection.execute(wanted).mappings()]


def list_sources(connection: Connection) -> list[str]:
    """The names under which there is an import that was no trial."""
    wanted = select(imports.c.source).where(~imports.c.is_dry_run).distinct().order_by(imports.c.source)
    return list(connection.execute(wanted).scalars())


def newest_import(connection: Connection, vault: Vault, source: str, *, by: str = "") -> Import | None:
    """The newest import of a source that was no trial, by an actor whose name begins so; None where there is none."""
    asked = (imports.c.source == source) & imports.c.created_by.startswith(by) & ~imports.c.is_dry_run
    wanted = select(imports).where(asked).order_by(imports.c.created_at.desc(), imports.c.import_id.desc()).limit(1)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _import(vault, row)


def set_state(connection: Connection, import_id: str, state: ImportState, at: datetime) -> bool:
    """Go on to a state; False where it is there already."""
    finished = write_time(at) if state is ImportState.FINISHED else None
    same = (imports.c.import_id == import_id) & (imports.c.state != state.value)
    return connection.execute(update(imports).where(same).values(state=state.value, finished_at=finished, lease_until=0)).rowcount == 1


def take_import(connection: Connection, at: datetime, until: datetime) -> str | None:
    """The oldest import that waits for somebody to run it, leased until a time; None where none does."""
    now = write_time(at)
    free = (imports.c.state == ImportState.RUNNING.value) & (imports.c.lease_until <= now)
    found = connection.execute(select(imports.c.import_id).where(free).order_by(imports.c.created_at).limit(1)).scalar()
    if found is not None:
        connection.execute(update(imports).where(imports.c.import_id == found).values(lease_until=write_time(until)))
    return found


def waiting_import(connection: Connection, at: datetime) -> bool:
    """Whether there is one to take."""
    free = (imports.c.state == ImportState.RUNNING.value) & (imports.c.lease_until <= write_time(at))
    return connection.execute(select(imports.c.import_id).where(free).limit(1)).first() is not None


def keep_lease(connection: Connection, import_id: str, until: datetime) -> None:
    """Go on holding it."""
    connection.execute(update(imports).where(imports.c.import_id == import_id).values(lease_until=write_time(until)))


def insert_rows(connection: Connection, vault: Vault, import_id: str, rows: Sequence[tuple[RowReport, dict[str, str] | None]]) -> None:
    """Add rows with what they say."""
    connection.execute(
        insert(import_rows),
        [
            {
                "import_id": import_id,
                "number": report.number,
                "row_sealed": None
                if fields is None
                else vault.sealer.seal(json.dumps(fields, ensure_ascii=False).encode(), _place(import_id, report.number)),
                "outcome": report.outcome.value,
                "code": report.code,
                "field": report.field,
                "account_id": report.account_id,
            }
            for report, fields in rows
        ],
    )


def waiting_rows(connection: Connection, vault: Vault, import_id: str, count: int) -> list[tuple[int, dict[str, str]]]:
    """Rows that have not been dealt with, in their order."""
    waiting = (import_rows.c.import_id == import_id) & (import_rows.c.outcome == RowOutcome.WAITING.value)
    wanted = select(import_rows.c.number, import_rows.c.row_sealed).where(waiting).order_by(import_rows.c.number).limit(count)
    return [
        (row.number, json.loads(vault.sealer.open(row.row_sealed, _place(import_id, row.number)))) for row in connection.execute(wanted)
    ]


def finish_row(connection: Connection, import_id: str, report: RowReport) -> bool:
    """Note what became of a row and forget what it said; False where it had been dealt with before."""
    waiting = (
        (import_rows.c.import_id == import_id)
        & (import_rows.c.number == report.number)
        & (import_rows.c.outcome == RowOutcome.WAITING.value)
    )
    values = {
        "row_sealed": None,
        "outcome": report.outcome.value,
        "code": report.code,
        "field": report.field,
        "account_id": report.account_id,
    }
    return connection.execute(update(import_rows).where(waiting).values(values)).rowcount == 1


def refuse_waiting(connection: Connection, import_id: str, code: str) -> None:
    """Refuse every row that has not been dealt with, and forget what it said."""
    waiting = (import_rows.c.import_id == import_id) & (import_rows.c.outcome == RowOutcome.WAITING.value)
    values = {"row_sealed": None, "outcome": RowOutcome.REFUSED.value, "code": code}
    connection.execute(update(import_rows).where(waiting).values(values))


def count_outcomes(connection: Connection, import_id: str) -> dict[str, int]:
    """How many rows have which outcome."""
    wanted = select(import_rows.c.outcome, func.count()).where(import_rows.c.import_id == import_id).group_by(import_rows.c.outcome)
    found = {each.value: 0 for each in RowOutcome}
    return found | {row[0]: row[1] for row in connection.execute(wanted)}


def list_rows(connection: Connection, import_id: str, *, outcome: RowOutcome | None, after: int, count: int) -> list[RowReport]:
    """Rows behind a number, of one outcome or of all."""
    wanted = select(import_rows).where(import_rows.c.import_id == import_id, import_rows.c.number > after)
    if outcome is not None:
        wanted = wanted.where(import_rows.c.outcome == outcome.value)
    found = connection.execute(wanted.order_by(import_rows.c.number).limit(count))
    return [RowReport(row.number, RowOutcome(row.outcome), row.code, row.field, row.account_id) for row in found]


def sweep_imports(connection: Connection, before: datetime) -> None:
    """Forget what was never received whole, before a time."""
    unfinished = (imports.c.state == ImportState.RECEIVING.value) & (imports.c.created_at < write_time(before))
    old = select(imports.c.import_id).where(unfinished)
    connection.execute(delete(import_rows).where(import_rows.c.import_id.in_(old)))
    connection.execute(delete(imports).where(unfinished))


def take_version(connection: Connection, vault: Vault, source_id: str, version: int) -> bool:
    """Note the source's version of a subject (``source_id``: as ``source_identifier`` writes it); False where it is no newer than the one noted.

    Version 0 is taken always: the source counts anew.
    """
    found = vault.sealer.find(source_id.encode(), "idp.source-version")
    row = source_versions.c.subject_hash == found
    present: int | None = connection.execute(select(source_versions.c.version).where(row)).scalar()
    if present is None:
        connection.execute(insert(source_versions), {"subject_hash": found, "version": version})
        return True
    # Asked where it is written: of two writers at once one is newer
    newer = row if version == 0 else row & (source_versions.c.version < version)
    return connection.execute(update(source_versions).where(newer).values(version=version)).rowcount == 1


def taken_version(connection: Connection, vault: Vault, source_id: str) -> int | None:
    """The version that was taken of a subject last (``source_id`` as in ``take_version``); None where none was."""
    row = source_versions.c.subject_hash == vault.sealer.find(source_id.encode(), "idp.source-version")
    found: int | None = connection.execute(select(source_versions.c.version).where(row)).scalar()
    return found
