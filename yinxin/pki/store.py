"""Rows of the register: read and written inside the caller's transaction. Nothing here commits, nothing here decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, insert, select, update

from service_kit.row_values import read_time, write_time
from standards.errors import Kind, TrustError
from yinxin.pki.model import TRANSITIONS, CertificateRecord, CertificateState, RevocationListRecord, read_serial, write_serial
from yinxin.pki.tables import certificates, revocation_lists

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from service_kit.database import Database

_NEWEST_NUMBER: Final = select(func.max(revocation_lists.c.number)).where(
    revocation_lists.c.issuer == bindparam("wanted"), revocation_lists.c.crl_der.is_not(None)
)
_NEWEST_NUMBERS: Final = (
    f"SELECT (SELECT max(number) FROM {revocation_lists.name} WHERE issuer = :first AND crl_der IS NOT NULL),"  # noqa: S608 - the table's own name
    f" (SELECT max(number) FROM {revocation_lists.name} WHERE issuer = :second AND crl_der IS NOT NULL)"
)


def _record(row: RowMapping) -> CertificateRecord:
    return CertificateRecord(
        serial=read_serial(row["serial"]),
        issuer=row["issuer"],
        profile=row["profile"],
        subject=row["subject"],
        state=CertificateState(row["state"]),
        certificate_der=row["certificate_der"],
        requested_at=read_time(row["requested_at"]),
        requested_by=row["requested_by"],
        not_after=read_time(row["not_after"]),
        revoked_at=None if row["revoked_at"] is None else read_time(row["revoked_at"]),
        reason=row["reason"],
    )


def insert_certificate(connection: Connection, record: CertificateRecord, spki_der: bytes) -> None:
    """Add a row."""
    connection.execute(
        insert(certificates),
        {
            "serial": record.serial_hex,
            "issuer": record.issuer,
            "profile": record.profile,
            "subject": record.subject,
            "state": record.state.value,
            "spki_der": spki_der,
            "certificate_der": record.certificate_der,
            "requested_at": write_time(record.requested_at),
            "requested_by": record.requested_by,
            "not_after": write_time(record.not_after),
        },
    )


def load_certificate(connection: Connection, serial: int) -> CertificateRecord:
    """A row; CERTIFICATE_UNKNOWN where there is none."""
    found = find_certificate(connection, serial)
    if found is None:
        raise TrustError(Kind.NOT_FOUND, "CERTIFICATE_UNKNOWN", serial=write_serial(serial))
    return found


def find_certificate(connection: Connection, serial: int) -> CertificateRecord | None:
    """A row, or None."""
    row = connection.execute(select(certificates).where(certificates.c.serial == write_serial(serial))).mappings().first()
    return None if row is None else _record(row)


def newest_of_key(connection: Connection, spki_der: bytes) -> CertificateRecord | None:
    """The newest certificate that was signed for a key, and is not revoked; None where there is none."""
    is_one = (certificates.c.spki_der == spki_der, certificates.c.state == CertificateState.ISSUED.value)
    row = connection.execute(select(certificates).where(*is_one).order_by(certificates.c.requested_at.desc()).limit(1)).mappings().first()
    return None if row is None else _record(row)


def list_certificates(connection: Connection, *, limit: int) -> list[CertificateRecord]:
    """The newest rows first."""
    rows = connection.execute(select(certificates).order_by(certificates.c.requested_at.desc()).limit(limit)).mappings()
    return [_record(row) for row in rows]


def finish_certificate(connection: Connection, serial: int, certificate_der: bytes) -> bool:
    """Set what was signed; False where the row has been given up meanwhile."""
    changed = connection.execute(
        update(certificates)
        .where(certificates.c.serial == write_serial(serial), certificates.c.state == CertificateState.ISSUING.value)
        .values(certificate_der=certificate_der, state=CertificateState.ISSUED.value)
    )
    return changed.rowcount == 1


def set_revoked(connection: Connection, serial: int, at: datetime, reason: str) -> bool:
    """Mark as revoked; False where it is already, and stays as it was."""
    sources = [state.value for state, following in TRANSITIONS.items() if CertificateState.REVOKED in following]
    changed = connection.execute(
        update(certificates)
        .where(certificates.c.serial == write_serial(serial), certificates.c.state.in_(sources))
        .values(state=CertificateState.REVOKED.value, revoked_at=write_time(at), reason=reason)
    )
    return changed.rowcount == 1


def revoked_certificates(connection: Connection, issuer: str) -> list[CertificateRecord]:
    """Every revoked certificate of an issuer, the expired ones too, in order of revocation."""
    rows = connection.execute(
        select(certificates)
        .where(certificates.c.issuer == issuer, certificates.c.state == CertificateState.REVOKED.value)
        .order_by(certificates.c.revoked_at, certificates.c.serial)
    ).mappings()
    return [_record(row) for row in rows]


def count_revoked(connection: Connection, issuer: str) -> int:
    """How many certificates of an issuer are revoked."""
    is_one = (certificates.c.issuer == issuer, certificates.c.state == CertificateState.REVOKED.value)
    return int(connection.execute(select(func.count()).select_from(certificates).where(*is_one)).scalar_one())


def unfinished_certificates(connection: Connection, before: datetime) -> list[CertificateRecord]:
    """Rows whose signature was due before a time and never came."""
    rows = connection.execute(
        select(certificates).where(certificates.c.state == CertificateState.ISSUING.value, certificates.c.requested_at < write_time(before))
    ).mappings()
    return [_record(row) for row in rows]


# Revocation lists


def reserve_list(connection: Connection, issuer: str, this_update: datetime, next_update: datetime, entries: int) -> int:
    """The number of the next list, taken in the transaction that also reads what is revoked: a higher number never knows less."""
    last = connection.execute(select(func.max(revocation_lists.c.number)).where(revocation_lists.c.issuer == issuer)).scalar()
    number = int(last or 0) + 1
    connection.execute(
        insert(revocation_lists),
        {
            "issuer": issuer,
            "number": number,
            "this_update_at": write_time(this_update),
            "next_update_at": write_time(next_update),
            "entries": entries,
        },
    )
    return number


def finish_list(connection: Connection, issuer: str, number: int, crl_der: bytes) -> None:
    """Set what was signed."""
    connection.execute(
        update(revocation_lists).where(revocation_lists.c.issuer == issuer, revocation_lists.c.number == number).values(crl_der=crl_der)
    )


def newest_list_number(connection: Connection, issuer: str) -> int | None:
    """The number of the newest signed list."""
    number: int | None = connection.execute(_NEWEST_NUMBER, {"wanted": issuer}).scalar()
    return number


def look_at_newest_numbers(database: Database, first: str, second: str) -> tuple[int | None, int | None]:
    """The same of two issuers as of now, for who asks with every request."""
    numbers = database.look(_NEWEST_NUMBERS, {"first": first, "second": second})
    return (None, None) if numbers is None else (numbers[0], numbers[1])


def load_newest_list(connection: Connection, issuer: str) -> RevocationListRecord | None:
    """The newest signed list, or None before the first."""
    row = (
        connection.execute(
            select(revocation_lists)
            .where(revocation_lists.c.issuer == issuer, revocation_lists.c.crl_der.is_not(None))
            .order_by(revocation_lists.c.number.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    return RevocationListRecord(
        row["issuer"], row["number"], row["crl_der"], read_time(row["this_update_at"]), read_time(row["next_update_at"]), row["entries"]
    )
