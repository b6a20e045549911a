"""Answer strangers with something signed: time-stamps and certificate status. Recorded before it is signed, like everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from crypto.authority import RevokedCertificate
from standards.errors import MalformedError
from standards.rfc3161_timestamp import read_request as read_time_stamp_request
from standards.rfc6960_ocsp import read_ocsp_request
from yinxin.pki import store
from yinxin.pki.authorities import ISSUING
from yinxin.pki.model import OCSP_VALIDITY, CertificateState, write_serial

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yinxin.pki.actions.issue_certificate import RegisterDesk
    from yinxin.pki.authorities import Authorities
    from yinxin.pki.model import CertificateRecord

NAMED_IN_AUDIT: Final = 8  # serial numbers of one OCSP request that the audit entry names


def answer_time_stamp(desk: RegisterDesk, authorities: Authorities, request_der: bytes, *, actor: str) -> bytes:
    """The TimeStampResp (RFC 3161, DER), also for a request that is refused. AUDIT_UNAVAILABLE, CLOCK_BEHIND."""
    at = desk.clock.now()
    try:
        request = read_time_stamp_request(request_der)
    except MalformedError:
        return authorities.time_stamps.respond(request_der, at)  # a refusal, which is not signed

    def record(connection: Connection) -> None:
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="time-stamp.issue",
            subject="authority:tsa",
            outcome="done",
            facts={"digest_oid": request.digest.oid, "imprint": request.imprint.hex()},
        )

    desk.database.write(record)
    return authorities.time_stamps.respond(request_der, at)


def answer_status(desk: RegisterDesk, authorities: Authorities, request_der: bytes, *, actor: str) -> bytes:
    """The OCSP response (RFC 6960, DER), also for a request that cannot be read. AUDIT_UNAVAILABLE, CLOCK_BEHIND."""
    at = desk.clock.now()
    try:
        asked = [each.serial for each in read_ocsp_request(request_der).certificate_ids]
    except MalformedError:
        asked = []

    # What is answered is what stands in the database in the transaction of the record: a revocation holds from its commit on
    def look_up(connection: Connection) -> dict[int, CertificateRecord]:
        found = {serial: record for serial in asked if (record := store.find_certificate(connection, serial)) is not None}
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="status.answer",
            subject="authority:ocsp",
            outcome="done",
            facts={"count": len(asked), "serials": " ".join(write_serial(serial) for serial in asked[:NAMED_IN_AUDIT])},
        )
        return found

    known = desk.database.write(look_up) if asked else {}

    def status_of(serial: int) -> RevokedCertificate | Literal["good", "unknown"]:
        record = known.get(serial)
        if record is None or record.issuer != ISSUING or record.state is CertificateState.ISSUING:
            return "unknown"
        if record.revoked_at is not None:
            return RevokedCertificate(serial, record.revoked_at.replace(microsecond=0), record.reason or "unspecified")
        return "good"

    now = at.replace(microsecond=0)
    return authorities.responder.respond(
        request_der,
        status_of,
        this_update=now,
        next_update=now + OCSP_VALIDITY,
        archive_cutoff=authorities.certificates[ISSUING].not_before,
    )
