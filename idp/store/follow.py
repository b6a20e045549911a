"""Rows of directories that are followed, and of what is known of their subjects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update

from idp.directory_tables import followed_sources, followed_subjects
from idp.model.changes import bucket_of
from idp.model.follow import FollowedSource, Noted, NotedOutcome, SourceState, read_source, write_source
from idp.store.rows import check_mac, row_mac
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from idp.store.accounts import Vault

_DECLARED: Final = ("code", "settings_sealed", "created_at", "created_by")


def insert_source(connection: Connection, vault: Vault, source: FollowedSource, at: datetime, actor: str) -> None:
    """Add a source; SOURCE_EXISTS."""
    if connection.execute(select(followed_sources.c.code).where(followed_sources.c.code == source.code)).first() is not None:
        raise TrustError(Kind.CONFLICT, "SOURCE_EXISTS", source=source.code)
    written = json.dumps(write_source(source), ensure_ascii=False).encode()
    row: dict[str, Any] = {
        "code": source.code,
        "settings_sealed": vault.sealer.seal(written, f"idp_followed_sources.settings:{source.code}"),
        "created_at": write_time(at),
        "created_by": actor,
    }
    row["row_mac"] = row_mac(vault.mac_key, followed_sources.name, row)
    begin = {"cursor": "", "lease": "", "lease_until": 0, "next_at": write_time(at), "reconcile_at": None, "failures": 0, "last_error": ""}
    connection.execute(insert(followed_sources), {**row, **begin})


def _source(vault: Vault, row: RowMapping) -> tuple[FollowedSource, SourceState]:
    check_mac(vault.mac_key, followed_sources.name, row["code"], {name: row[name] for name in (*_DECLARED, "row_mac")})
    settings = json.loads(vault.sealer.open(row["settings_sealed"], f"idp_followed_sources.settings:{row['code']}"))
    state = SourceState(
        cursor=row["cursor"],
        lease_until=read_time(row["lease_until"]),
        next_at=read_time(row["next_at"]),
        reconcile_at=read_optional_time(row["reconcile_at"]),
        failures=row["failures"],
        created_at=read_time(row["created_at"]),
        created_by=row["created_by"],
        current_at=read_optional_time(row["current_at"]),
        last_error=row["last_error"],
        report=None if row["report_json"] is None else json.loads(row["report_json"]),
    )
    return read_source(settings), state


def load_source(connection: Connection, vault: Vault, code: str) -> tuple[FollowedSource, SourceState]:
    """A source and how far it is. SOURCE_NOT_FOUND, ROW_ALTERED."""
    row = connection.execute(select(followed_sources).where(followed_sources.c.code == code)).mappings().first()
    if row is None:
        raise TrustError(Kind.NOT_FOUND, "SOURCE_NOT_FOUND", source=code[:40])
    return _source(vault, row)


def list_sources(connection: Connection, vault: Vault) -> list[tuple[FollowedSource, SourceState]]:
    """All of them, by code."""
    rows = connection.execute(select(followed_sources).order_by(followed_sources.c.code)).mappings()
    return [_source(vault, row) for row in rows]


def delete_source(connection: Connection, code: str) -> bool:
    """Forget a source and what is known of its subjects; the accounts that it brought stay. False where there is none."""
    connection.execute(delete(followed_subjects).where(followed_subjects.c.code == code))
    return connection.execute(delete(followed_sources).where(followed_sources.c.code == code)).rowcount == 1


def due_source(connection: Connection, at: datetime) -> str | None:
    """The source that has waited longest for its turn and that nobody follows just now."""
    now = write_time(at)
    is_due = (followed_sources.c.next_at <= now) & (followed_sources.c.lease_until <= now)
    found: str | None = connection.execute(
        select(followed_sources.c.code).where(is_due).order_by(followed_sources.c.next_at).limit(1)
    ).scalar()
    return found


def take_source(connection: Connection, code: str, lease: str, at: datetime, until: datetime) -> bool:
    """Hold a source that nobody holds; False where somebody does."""
    is_free = (followed_sources.c.code == code) & (followed_sources.c.lease_until <= write_time(at))
    values = {"lease": lease, "lease_until": write_time(until)}
    return connection.execute(update(followed_sources).where(is_free).values(values)).rowcount == 1


def move_source(
    connection: Connection, code: str, lease: str, until: datetime, *, before: str | None = None, after: str | None = None
) -> None:
    """Go on holding it, and move its cursor from ``before`` to ``after``. SOURCE_BUSY where another holds it by now, or it stands elsewhere: then
    nothing of the transaction may be kept.
    """
    mine = (followed_sources.c.code == code) & (followed_sources.c.lease == lease)
    if before is not None:
        mine &= followed_sources.c.cursor == before
    values: dict[str, Any] = {"lease_until": write_time(until), **({} if after is None else {"cursor": after})}
    if connection.execute(update(followed_sources).where(mine).values(values)).rowcount != 1:
        raise TrustError(Kind.UNAVAILABLE, "SOURCE_BUSY", source=code)


def let_source_go(connection: Connection, code: str, lease: str, noted: Mapping[str, object]) -> None:
    """Hold it no longer, and note how its turn went. Whoever holds it no longer notes nothing."""
    mine = (followed_sources.c.code == code) & (followed_sources.c.lease == lease)
    connection.execute(update(followed_sources).where(mine).values({"lease": "", "lease_until": 0, **noted}))


def progress(
    *,
    next_at: datetime,
    failures: int,
    last_error: str,
    current_at: datetime | None = None,
    reconcile_at: datetime | None = None,
    report: Mapping[str, Any] | None = None,
) -> dict[str, object]:
    """Columns of how a turn went; what is None stays as it was."""
    found: dict[str, object] = {"next_at": write_time(next_at), "failures": failures, "last_error": last_error}
    found |= {} if current_at is None else {"current_at": write_time(current_at)}
    found |= {} if reconcile_at is None else {"reconcile_at": write_optional_time(reconcile_at)}
    return found | ({} if report is None else {"report_json": json.dumps(report)})


def call_source(connection: Connection, code: str, at: datetime, *, reconcile: bool) -> bool:
    """Let its next turn come at once; False where there is none."""
    values = {"next_at": write_time(at), **({"reconcile_at": write_time(at)} if reconcile else {})}
    return connection.execute(update(followed_sources).where(followed_sources.c.code == code).values(values)).rowcount == 1


# Subjects


def _key(vault: Vault, code: str, subject_id: str) -> bytes:
    return vault.sealer.find(f"{code}|{subject_id}".encode(), "idp.followed-subject")


def _place(code: str) -> str:
    return f"idp_followed_subjects.subject:{code}"


def find_noted(connection: Connection, vault: Vault, code: str, subject_id: str) -> Noted | None:
    """What is known of a subject; None where it was never told of."""
    same = (followed_subjects.c.code == code) & (followed_subjects.c.subject_hash == _key(vault, code, subject_id))
    row = connection.execute(select(followed_subjects).where(same)).mappings().first()
    return None if row is None else _noted(subject_id, row)


def _noted(subject_id: str, row: RowMapping) -> Noted:
    return Noted(subject_id, row["seen"], row["digest"], NotedOutcome(row["outcome"]), row["reason"], row["local_id"])


def put_noted(connection: Connection, vault: Vault, code: str, noted: Noted) -> None:
    """Note it in place of what was known."""
    key = _key(vault, code, noted.subject_id)
    values = {
        "seen": noted.seen,
        "digest": noted.digest,
        "outcome": noted.outcome.value,
        "reason": noted.code,
        "local_id": noted.local_id,
    }
    same = (followed_subjects.c.code == code) & (followed_subjects.c.subject_hash == key)
    if connection.execute(update(followed_subjects).where(same).values(values)).rowcount == 0:
        sealed = vault.sealer.seal(noted.subject_id.encode(), _place(code))
        named = {"code": code, "subject_hash": key, "subject_sealed": sealed, "bucket": bucket_of(noted.subject_id)}
        connection.execute(insert(followed_subjects), {**named, **values})


def noted_of_bucket(connection: Connection, vault: Vault, code: str, bucket: int) -> list[Noted]:
    """All that is known of a bucket, in the order of the subjects' names."""
    same = (followed_subjects.c.code == code) & (followed_subjects.c.bucket == bucket)
    rows = connection.execute(select(followed_subjects).where(same)).mappings()
    found = [_noted(vault.sealer.open(row["subject_sealed"], _place(code)).decode(), row) for row in rows]
    return sorted(found, key=lambda each: each.subject_id)


def count_noted(connection: Connection, code: str) -> dict[str, int]:
    """``outcome`` or, of what was refused, ``refused CODE`` -> how many subjects."""
    column = followed_subjects.c
    wanted = select(column.outcome, column.reason, func.count()).where(column.code == code, column.digest != b"")
    found = connection.execute(wanted.group_by(column.outcome, column.reason).order_by(column.outcome, column.reason))
    return {f"{row[0]} {row[1]}".strip(): row[2] for row in found}
