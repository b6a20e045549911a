"""Seals that were made elsewhere, as they were handed in: the row is there before the key is, and before the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, insert, or_, select, update

from seal_service.model import ApplicationState, KeyCustody, SealImport
from seal_service.store.seals import read_chain
from seal_service.tables import applications, imports, seals
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_OPEN = (ApplicationState.APPLIED.value, ApplicationState.REVIEWED.value)
_GIVEN_UP = (ApplicationState.REJECTED.value, ApplicationState.WITHDRAWN.value)


def _import(row: RowMapping) -> SealImport:
    return SealImport(
        application_id=row["application_id"],
        code=row["code"],
        seal_digest=row["seal_digest"],
        custody=KeyCustody(row["custody"]),
        key_id=row["key_id"],
        seal_data_der=row["seal_data_der"],
        certificates_der=read_chain(row["certificates_der"]),
        verdict=row["verdict"],
        steps_json=row["steps_json"],
        checked_at=read_time(row["checked_at"]),
        owner=row["owner"],
        begun_at=read_time(row["begun_at"]),
        claim_digest=row["claim_digest"],
        is_key_destroyed=bool(row["is_key_destroyed"]),
        is_given_up=bool(row["is_given_up"]),
    )


def insert_import(conn: Connection, handed_in: SealImport) -> None:
    """What was handed in."""
    conn.execute(
        insert(imports),
        {
            "application_id": handed_in.application_id,
            "code": handed_in.code,
            "seal_digest": handed_in.seal_digest,
            "custody": handed_in.custody.value,
            "key_id": handed_in.key_id,
            "seal_data_der": handed_in.seal_data_der,
            "certificates_der": b"".join(handed_in.certificates_der),
            "verdict": handed_in.verdict,
            "steps_json": handed_in.steps_json,
            "checked_at": write_time(handed_in.checked_at),
            "owner": handed_in.owner,
            "begun_at": write_time(handed_in.begun_at),
            "claim_digest": handed_in.claim_digest,
            "is_key_destroyed": handed_in.is_key_destroyed,
            "is_given_up": handed_in.is_given_up,
        },
    )


def load_import(conn: Connection, application_id: str, *, is_locked: bool = False) -> SealImport | None:
    """What was handed in with an application; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(imports).where(imports.c.application_id == application_id)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _import(row)


def has_open_import(conn: Connection, code: str, seal_digest: str) -> bool:
    """Whether the seal with this code, or this very seal, is being applied for already, or just being taken in."""
    open_one = select(applications.c.id).where(applications.c.id == imports.c.application_id, applications.c.state.in_(_OPEN))
    taken_in = ~exists(select(applications.c.id).where(applications.c.id == imports.c.application_id))
    is_same = or_(imports.c.seal_digest == seal_digest, and_(imports.c.code == code, imports.c.code != ""))
    condition = and_(is_same, or_(exists(open_one), taken_in))
    return conn.execute(select(imports.c.application_id).where(condition).limit(1)).first() is not None


def find_kept_code(conn: Connection, seal_digest: str) -> str | None:
    """The code under which this very seal is kept already; None where it is not."""
    statement = (
        select(seals.c.code)
        .join(imports, imports.c.application_id == seals.c.application_id)
        .where(imports.c.seal_digest == seal_digest)
        .limit(1)
    )
    return conn.execute(statement).scalar_one_or_none()


def update_findings(conn: Connection, application_id: str, *, verdict: str, steps_json: str, at: datetime) -> None:
    """Record what was found out anew."""
    conn.execute(
        update(imports)
        .where(imports.c.application_id == application_id)
        .values(verdict=verdict, steps_json=steps_json, checked_at=write_time(at))
    )


def give_up_import(conn: Connection, application_id: str) -> None:
    """Record that what was handed in becomes no application any more."""
    conn.execute(update(imports).where(imports.c.application_id == application_id).values(is_given_up=True))


def delete_import(conn: Connection, application_id: str) -> bool:
    """Forget what was handed in and given up; False where somebody else has."""
    is_it = and_(imports.c.application_id == application_id, imports.c.is_given_up.is_(True))
    return conn.execute(delete(imports).where(is_it)).rowcount == 1


def update_import_key_destroyed(conn: Connection, application_id: str) -> None:
    """Record that the key that came along is gone."""
    conn.execute(update(imports).where(imports.c.application_id == application_id).values(is_key_destroyed=True))


def list_imports_without_application(conn: Connection, *, limit: int) -> list[SealImport]:
    """What was handed in and has no application yet: its taking in is under way, or was cut off."""
    is_without = ~exists(select(applications.c.id).where(applications.c.id == imports.c.application_id))
    return [_import(row) for row in conn.execute(select(imports).where(is_without).limit(limit)).mappings()]


def list_imports_with_key_to_destroy(conn: Connection, *, limit: int) -> list[SealImport]:
    """What was rejected or withdrawn, and whose key is still here."""
    given_up = exists(select(applications.c.id).where(applications.c.id == imports.c.application_id, applications.c.state.in_(_GIVEN_UP)))
    has_key = and_(imports.c.custody == KeyCustody.KEYSTORE.value, imports.c.is_key_destroyed.is_(False))
    return [_import(row) for row in conn.execute(select(imports).where(has_key, given_up).limit(limit)).mappings()]
