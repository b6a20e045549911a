"""Licences, their keys, holders and files."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, bindparam, column, delete, func, insert, or_, select, text, update

from licence_vault.model import ABANDONED_REVISION, LicenceState
from licence_vault.register import LicenceFile, LicenceRecord
from licence_vault.store.days import read_day, write_day
from licence_vault.tables import files, holders, licence_keys, licences
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

_DIGEST_BYTES: Final = 32
_NEXT_SERIAL: Final = Prepared(
    text(
        "INSERT INTO licence_series (issuer_code, type_code, series, last_serial) VALUES (:issuer_code, :type_code, :series, 1) "
        "ON CONFLICT (issuer_code, type_code, series) DO UPDATE SET last_serial = licence_series.last_serial + 1 RETURNING last_serial"
    ).columns(column("last_serial", BigInteger))
)

_STEP_ON: Final = text(
    "INSERT INTO licence_series (issuer_code, type_code, series, last_serial) VALUES (:issuer_code, :type_code, :series, :serial) "
    "ON CONFLICT (issuer_code, type_code, series) DO UPDATE SET last_serial = excluded.last_serial "
    "WHERE licence_series.last_serial < excluded.last_serial"
)
_INSERT: Final = Prepared(insert(licences))
_INSERT_KEY: Final = Prepared(insert(licence_keys))
_INSERT_HOLDER: Final = Prepared(insert(holders))
_INSERT_FILE: Final = Prepared(insert(files))
_BY_ID: Final = select(licences).where(licences.c.id == bindparam("licence_id"))
_LOAD: Final = Prepared(_BY_ID)
_LOAD_LOCKED: Final = Prepared(_BY_ID.with_for_update())
_LOAD_KEY: Final = Prepared(select(licence_keys.c.key_sealed).where(licence_keys.c.licence_id == bindparam("licence")))
_PRINTED: Final = Prepared(
    select(licences.c.id)
    .where(
        licences.c.issuer_code == bindparam("issuer"),
        licences.c.type_code == bindparam("type"),
        licences.c.number_digest == bindparam("digest"),
        licences.c.root_id != bindparam("except_root"),
    )
    .limit(1)
)
_MOVE: Final = Prepared(
    update(licences)
    .where(licences.c.id == bindparam("licence_id"), licences.c.revision == bindparam("was_revision"))
    .values(
        state=bindparam("new_state"),
        state_reason=bindparam("reason"),
        state_at=bindparam("moved_at"),
        revision=bindparam("new_revision"),
        last_entry_id=bindparam("entry_id"),
        successor_id=bindparam("new_successor_id"),
        lease_until=None,
    )
    .returning(licences)
)
ABANDONED: Final = (licences.c.state == LicenceState.CANCELLED.value) & or_(
    licences.c.revision == ABANDONED_REVISION, (licences.c.revision == ABANDONED_REVISION + 1) & licences.c.data_sealed.is_(None)
)
"""Of a draft that was given up, see ``LicenceRecord.is_abandoned``."""


def read_licence_row(row: RowMapping | Mapping[str, Any]) -> LicenceRecord:
    """A row of the table as the rest of the program knows it."""
    values: dict[str, Any] = dict(row)
    for name in ("issued_on", "valid_from", "valid_to"):
        values[name] = read_day(values[name])
    for name in ("made_at", "state_at"):
        values[name] = read_time(values[name])
    lease = values["lease_until"]
    values |= {"state": LicenceState(values["state"]), "lease_until": None if lease is None else read_time(lease)}
    return LicenceRecord(**values)


def take_next_serial(conn: Connection, issuer_code: str, type_code: str, series: str) -> int:
    """The next running number of a series, from 1; unique under concurrency because the counter row is locked by the update."""
    return int(_NEXT_SERIAL.scalar(conn, {"issuer_code": issuer_code, "type_code": type_code, "series": series}))


def step_series_on(conn: Connection, issuer_code: str, type_code: str, series: str, serial: int) -> None:
    """A series goes on behind ``serial``, where it is not there already."""
    values = {"issuer_code": issuer_code, "type_code": type_code, "series": series, "serial": serial}
    conn.execute(_STEP_ON, values)


def insert_licence(conn: Connection, record: LicenceRecord, *, key_sealed: bytes, holder_digests: Sequence[bytes]) -> None:
    """A new licence with its key and what its holders are found by."""
    values = {name: getattr(record, name) for name in LicenceRecord.__slots__}
    values |= {name: write_day(values[name]) for name in ("issued_on", "valid_from", "valid_to")}
    values |= {name: write_time(values[name]) for name in ("made_at", "state_at")}
    lease = record.lease_until
    values |= {"state": record.state.value, "lease_until": None if lease is None else write_time(lease)}
    _INSERT.change(conn, values)
    _INSERT_KEY.change(conn, {"licence_id": record.id, "key_sealed": key_sealed})
    for at, digest in enumerate(holder_digests):
        _INSERT_HOLDER.change(conn, {"licence_id": record.id, "position": at, "code_digest": digest})


def load_licence(conn: Connection, licence_id: str, *, is_locked: bool = False) -> LicenceRecord | None:
    """One licence; ``is_locked`` keeps others from changing it until this transaction ends."""
    row = (_LOAD_LOCKED if is_locked else _LOAD).first(conn, {"licence_id": licence_id})
    return None if row is None else read_licence_row(row)


def load_licence_of_identifier(conn: Connection, identifier: str) -> LicenceRecord | None:
    """The licence of a number (GB/T 36904)."""
    row = conn.execute(select(licences).where(licences.c.identifier == identifier)).mappings().one_or_none()
    return None if row is None else read_licence_row(row)


def is_received(conn: Connection, identifier: str) -> bool:
    """Whether a licence was issued in place of the one of this number, transferred out."""
    return conn.execute(select(licences.c.id).where(licences.c.transferred_from == identifier)).first() is not None


def free_numbers(conn: Connection, licence_id: str) -> None:
    """What was given up is issued in no other's place, and keeps its printed number from nobody: nothing finds it by that any more."""
    freed = {"transferred_from": None, "number_digest": secrets.token_bytes(_DIGEST_BYTES)}
    conn.execute(update(licences).where(licences.c.id == licence_id).values(freed))


def list_holder_digests(conn: Connection, licence_id: str) -> list[bytes]:
    """What the holders of a licence are found by."""
    return list(conn.execute(select(holders.c.code_digest).where(holders.c.licence_id == licence_id)).scalars())


def is_printed_number_taken(conn: Connection, issuer_code: str, type_code: str, number_digest: bytes, *, except_root: str) -> bool:
    """Whether another licence of the issuer and type, besides the versions of one chain, has the printed number."""
    wanted = {"issuer": issuer_code, "type": type_code, "digest": number_digest, "except_root": except_root}
    return _PRINTED.first(conn, wanted) is not None


def next_licence_version(conn: Connection, root_id: str) -> int:
    """The number of the next version of a chain."""
    return int(conn.execute(select(func.max(licences.c.version)).where(licences.c.root_id == root_id)).scalar() or 0) + 1


def list_licences(
    conn: Connection,
    *,
    issuer_codes: Collection[str],
    type_code: str | None,
    state: LicenceState | None,
    number_digest: bytes | None,
    holder_digests: Collection[bytes] | None,
    after: str,
    limit: int,
    is_newest_first: bool = False,
) -> list[LicenceRecord]:
    """Licences of these issuers, newest last or first, behind the id ``after``; from the beginning where that is empty."""
    statement = licences_query(
        issuer_codes=issuer_codes,
        type_code=type_code,
        state=state,
        number_digest=number_digest,
        holder_digests=holder_digests,
        after=after,
        is_newest_first=is_newest_first,
    )
    return [read_licence_row(row) for row in conn.execute(statement.limit(limit)).mappings()]


def licences_query(
    *,
    issuer_codes: Collection[str],
    type_code: str | None,
    state: LicenceState | None,
    number_digest: bytes | None,
    holder_digests: Collection[bytes] | None,
    after: str,
    is_newest_first: bool = False,
) -> Select[Any]:
    """What ``list_licences`` asks."""
    statement = select(licences)
    if after:
        statement = statement.where(licences.c.id < after if is_newest_first else licences.c.id > after)
    issuer: ColumnElement[str] = licences.c.issuer_code
    if holder_digests is not None:
        of_holder = select(holders.c.licence_id).where(holders.c.code_digest.in_(holder_digests))
        statement = statement.where(licences.c.id.in_(of_holder))
    if number_digest is not None:
        statement = statement.where(licences.c.number_digest == number_digest)
    if holder_digests is not None or number_digest is not None:
        issuer = issuer.concat("")  # so that no index of issuers is gone through, which has millions where a holder or number has few
    statement = statement.where(issuer.in_(issuer_codes))
    if type_code is not None:
        statement = statement.where(licences.c.type_code == type_code)
    if state is not None:
        statement = statement.where(licences.c.state == state.value)
    return statement.order_by(licences.c.id.desc() if is_newest_first else licences.c.id)


def list_drafts(conn: Connection, at: datetime, *, limit: int) -> list[LicenceRecord]:
    """Drafts that are nobody's work any more."""
    waiting = (licences.c.state == LicenceState.DRAFT.value) & (licences.c.lease_until <= write_time(at))
    return [
        read_licence_row(row)
        for row in conn.execute(select(licences).where(waiting).order_by(licences.c.lease_until).limit(limit)).mappings()
    ]


def list_over(conn: Connection, states: Collection[LicenceState], today: date, *, limit: int) -> list[LicenceRecord]:
    """Licences in one of these states whose last day lies before ``today``."""
    over = licences.c.state.in_([state.value for state in states]) & (licences.c.valid_to < write_day(today))
    return [
        read_licence_row(row) for row in conn.execute(select(licences).where(over).order_by(licences.c.valid_to).limit(limit)).mappings()
    ]


def move_licence(
    conn: Connection, record: LicenceRecord, *, state: LicenceState, reason: str, at: datetime, entry_id: str, successor_id: str | None
) -> LicenceRecord | None:
    """Move a licence on, and return it as it is then; its revision goes up by one. None where it is not at that revision any more: nothing is
    changed then.
    """
    values = {
        "licence_id": record.id,
        "was_revision": record.revision,
        "new_state": state.value,
        "reason": reason,
        "moved_at": write_time(at),
        "new_revision": record.revision + 1,
        "entry_id": entry_id,
        "new_successor_id": successor_id,
    }
    row = _MOVE.first(conn, values)
    return None if row is None else read_licence_row(row)


def set_successor(conn: Connection, licence_id: str, successor_id: str | None) -> None:
    """Note what is being issued in a licence's place; its revision stays, since nothing in it has changed yet."""
    conn.execute(update(licences).where(licences.c.id == licence_id).values(successor_id=successor_id))


def take_lease(conn: Connection, record: LicenceRecord, until: datetime) -> bool:
    """Take over the issuing of a draft; False where somebody else has done so, or it is none any more."""
    was = None if record.lease_until is None else write_time(record.lease_until)
    held = (licences.c.id == record.id) & (licences.c.state == LicenceState.DRAFT.value) & (licences.c.lease_until == was)
    return conn.execute(update(licences).where(held).values(lease_until=write_time(until))).rowcount == 1


def note_refusal(conn: Connection, record: LicenceRecord) -> None:
    """Our own verifier has refused once more what was sealed of a draft."""
    conn.execute(update(licences).where(licences.c.id == record.id).values(refusals=licences.c.refusals + 1))


def load_key(conn: Connection, licence_id: str) -> bytes | None:
    """The sealed key of a licence; None once it was erased."""
    found: bytes | None = _LOAD_KEY.scalar(conn, {"licence": licence_id})
    return found


def erase_content(conn: Connection, licence_id: str) -> None:
    """Remove the key of a licence and everything sealed under it in the tables, and what its holders are found by."""
    conn.execute(delete(licence_keys).where(licence_keys.c.licence_id == licence_id))
    conn.execute(delete(holders).where(holders.c.licence_id == licence_id))
    conn.execute(update(licences).where(licences.c.id == licence_id).values(data_sealed=None, revision=licences.c.revision + 1))


def insert_file(conn: Connection, file: LicenceFile) -> None:
    """A released file."""
    values = {"licence_id": file.licence_id, "form": file.form, "digest": file.digest, "bytes": file.size_bytes, "blob": file.blob}
    _INSERT_FILE.change(conn, values)


def list_files(conn: Connection, licence_id: str) -> list[LicenceFile]:
    """The files of a licence, by form."""
    rows = conn.execute(select(files).where(files.c.licence_id == licence_id).order_by(files.c.form)).mappings()
    return [LicenceFile(row["licence_id"], row["form"], row["digest"], row["bytes"], row["blob"]) for row in rows]
