"""Issue a certificate: first the row, then the signature, then the result. What was asked for is on record whatever happens between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.authority import Profile, random_serial
from crypto.certificate_requests import SubjectRequest, read_proven_request
from service_kit import fail_points
from standards.errors import Kind, TrustError
from standards.gbt20518_certificate import check_profile, is_sm2_certificate
from standards.rfc5280_names import name_text
from yinxin.pki import store
from yinxin.pki.authorities import ISSUING, ROOT
from yinxin.pki.model import BACKDATED, VALIDITY, CertificateRecord, CertificateState

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from crypto.authority import CertificateAuthority
    from crypto.certificates import Certificate
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database


@dataclass(frozen=True, slots=True)
class RegisterDesk:
    """What the register needs. ``lists``: the folder into which revocation lists are also written as files."""

    database: Database
    audit: Audit
    clock: Clock
    lists: Path


def issue_certificate(
    desk: RegisterDesk,
    authority: CertificateAuthority,
    request: SubjectRequest | bytes,
    profile: Profile,
    *,
    issuer: str = ISSUING,
    actor: str,
    until: datetime | None = None,
) -> Certificate:
    """A new certificate. ``request``: name and key that the caller vouches for, or a PKCS #10 request (DER) that proves itself.
    ``until``: an earlier end than is usual (aware UTC).

    TrustError CSR_SIGNATURE_BAD, CERTIFICATE_PROFILE_BAD, CA_VALIDITY_EXCEEDED, CA_NOT_ALLOWED, AUDIT_UNAVAILABLE,
    CERTIFICATE_STATE_CONFLICT (it took so long that it was given up).
    """
    # 1. What is asked for, by whom it is proven
    asked = read_proven_request(request) if isinstance(request, bytes) else request
    if profile is Profile.ISSUING_CA and issuer != ROOT:
        raise TrustError(Kind.UNACCEPTABLE, "CA_NOT_ALLOWED", profile=profile.value)
    at = desk.clock.now()
    own = authority.certificate
    not_before = max(own.not_before, (at - BACKDATED).replace(microsecond=0))
    not_after = min(
        own.not_after, (at + VALIDITY[profile]).replace(microsecond=0), *(() if until is None else (until.replace(microsecond=0),))
    )
    record = CertificateRecord(
        serial=random_serial(),
        issuer=issuer,
        profile=profile.value,
        subject=name_text(asked.subject_der),
        state=CertificateState.ISSUING,
        certificate_der=None,
        requested_at=at,
        requested_by=actor,
        not_after=not_after,
        revoked_at=None,
        reason=None,
    )

    # 2. On record before it is signed
    def intend(connection: Connection) -> None:
        store.insert_certificate(connection, record, asked.spki_der)
        _note(desk, connection, record, actor, "intended")

    desk.database.write(intend)
    fail_points.reach("issue-certificate.intended")

    # 3. Signed, with no transaction open, and looked at as a stranger would
    certificate = authority.issue(asked, profile, serial=record.serial, not_before=not_before, not_after=not_after)
    deviations = check_profile(certificate.fields) if is_sm2_certificate(certificate.fields) else ()
    if deviations:
        raise TrustError(Kind.UNACCEPTABLE, "CERTIFICATE_PROFILE_BAD", serial=record.serial_hex, rule=deviations[0].name)
    fail_points.reach("issue-certificate.signed")

    # 4. The result
    def finish(connection: Connection) -> None:
        if not store.finish_certificate(connection, record.serial, certificate.der):
            raise TrustError(Kind.CONFLICT, "CERTIFICATE_STATE_CONFLICT", serial=record.serial_hex)
        _note(desk, connection, record, actor, "done")

    desk.database.write(finish)
    return certificate


def _note(desk: RegisterDesk, connection: Connection, record: CertificateRecord, actor: str, outcome: str) -> None:
    desk.audit.record(
        connection,
        at=desk.clock.now(),
        actor=actor,
        action="certificate.issue",
        subject=f"certificate:{record.serial_hex}",
        outcome=outcome,
        facts={"subject": record.subject, "profile": record.profile, "issuer": record.issuer},
    )
