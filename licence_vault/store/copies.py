"""Annotated copies, and the one-off addresses they are fetched from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from licence_vault.copies import CopyRecord, CopyState
from licence_vault.copy_tables import copies, downloads
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_TIMES = ("made_at", "until", "lease_until")


@dataclass(frozen=True, slots=True)
class Download:
    """A one-off address. ``client`` None: whoever has it may use it."""

    copy_id: str
    client: str | None
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None


def _copy(row: RowMapping) -> CopyRecord:
    values: dict[str, Any] = dict(row)
    values |= {name: read_time(values[name]) for name in _TIMES}
    values |= {"state": CopyState(values["state"]), "size_bytes": values.pop("bytes")}
    return CopyRecord(**values)


def insert_copy(conn: Connection, record: CopyRecord) -> None:
    """A copy that is about to be made."""
    values: dict[str, Any] = {name: getattr(record, name) for name in CopyRecord.__slots__ if name != "size_bytes"}
    values |= {name: write_time(values[name]) for name in _TIMES}
    conn.execute(insert(copies), values | {"state": record.state.value, "bytes": record.size_bytes})


def load_copy(conn: Connection, copy_id: str, *, is_locked: bool = False) -> CopyRecord | None:
    """A copy by its id. ``is_locked``: nobody changes it until the commit."""
    wanted = select(copies).where(copies.c.id == copy_id)
    row = conn.execute(wanted.with_for_update() if is_locked else wanted).mappings().first()
    return None if row is None else _copy(row)


def list_copies(conn: Connection, licence_id: str, *, before: str | None, limit: int) -> list[CopyRecord]:
    """Copies of a licence, newest first, from behind the id ``before``."""
    wanted = select(copies).where(copies.c.licence_id == licence_id)
    if before is not None:
        wanted = wanted.where(copies.c.id < before)
    return [_copy(row) for row in conn.execute(wanted.order_by(copies.c.id.desc()).limit(limit)).mappings()]


def list_unmade_copies(conn: Connection, at: datetime, *, limit: int) -> list[CopyRecord]:
    """Copies whose making is nobody's work any more."""
    held = (copies.c.state == CopyState.MAKING.value) & (copies.c.lease_until <= write_time(at))
    return [_copy(row) for row in conn.execute(select(copies).where(held).order_by(copies.c.id).limit(limit)).mappings()]


def lease_copy(conn: Connection, record: CopyRecord, until: datetime) -> bool:
    """Take over the making of a copy; False where somebody else has done so, or it has ended."""
    held = (
        (copies.c.id == record.id) & (copies.c.state == CopyState.MAKING.value) & (copies.c.lease_until == write_time(record.lease_until))
    )
    return conn.execute(update(copies).where(held).values(lease_until=write_time(until))).rowcount == 1


def end_copy(
    conn: Connection,
    copy_id: str,
    state: CopyState,
    *,
    file_digest: bytes | None = None,
    size_bytes: int = 0,
    blob: str | None = None,
    refusal: str = "",
) -> None:
    """Its making is over, one way or the other."""
    held = (copies.c.id == copy_id) & (copies.c.state == CopyState.MAKING.value)
    values = {"state": state.value, "file_digest": file_digest, "bytes": size_bytes, "blob": blob, "refusal": refusal}
    conn.execute(update(copies).where(held).values(**values))


def erase_copies(conn: Connection, licence_id: str) -> None:
    """Remove what was sealed under a licence's key in the tables of its copies, and the addresses of those."""
    own = select(copies.c.id).where(copies.c.licence_id == licence_id)
    conn.execute(delete(downloads).where(downloads.c.copy_id.in_(own)))
    conn.execute(update(copies).where(copies.c.licence_id == licence_id).values(note_sealed=None))


def insert_download(conn: Connection, token_digest: bytes, download: Download) -> None:
    """A fresh address."""
    values = {"token_digest": token_digest, "copy_id": download.copy_id, "client_id": download.client}
    conn.execute(insert(downloads), values | {"made_at": write_time(download.made_at), "expires_at": write_time(download.expires_at)})


def load_download(conn: Connection, token_digest: bytes) -> Download | None:
    """An address by the digest of its token."""
    row = conn.execute(select(downloads).where(downloads.c.token_digest == token_digest)).mappings().first()
    if row is None:
        return None
    used_at = None if row["used_at"] is None else read_time(row["used_at"])
    return Download(row["copy_id"], row["client_id"], read_time(row["made_at"]), read_time(row["expires_at"]), used_at)


def use_download(conn: Connection, token_digest: bytes, at: datetime) -> bool:
    """Use it up; False where somebody was faster. Of several at once one succeeds."""
    fresh = (downloads.c.token_digest == token_digest) & downloads.c.used_at.is_(None)
    return conn.execute(update(downloads).where(fresh).values(used_at=write_time(at))).rowcount == 1


def delete_downloads(conn: Connection, before: datetime) -> int:
    """Forget addresses that were over before then; how many."""
    return conn.execute(delete(downloads).where(downloads.c.expires_at < write_time(before))).rowcount
