"""Revoke a certificate, and publish the list that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yinxin.pki import store
from yinxin.pki.actions.publish_list import publish_list, renew_list
from yinxin.pki.model import ABANDONED_AFTER, check_reason

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import Connection

    from yinxin.pki.actions.issue_certificate import RegisterDesk
    from yinxin.pki.authorities import Authorities
    from yinxin.pki.model import CertificateRecord

ABANDONED_REASON: Final = "cessationOfOperation"


def revoke_certificate(desk: RegisterDesk, authorities: Authorities, serial: int, *, reason: str, actor: str) -> CertificateRecord:
    """Revoke; OCSP says so at once, the new list as soon as this returns. One that is revoked already stays so, as of then and for the
    reason of then, and is on a list when this returns: whoever does not know whether his revocation was done does it again.

    TrustError CERTIFICATE_UNKNOWN, REVOCATION_REASON_UNKNOWN, AUDIT_UNAVAILABLE.
    """
    check_reason(reason)
    at = desk.clock.now()

    def revoke(connection: Connection) -> tuple[CertificateRecord, bool]:
        record = store.load_certificate(connection, serial)
        is_new = store.set_revoked(connection, serial, at, reason)
        if is_new:
            desk.audit.record(
                connection,
                at=at,
                actor=actor,
                action="certificate.revoke",
                subject=f"certificate:{record.serial_hex}",
                outcome="done",
                facts={"reason": reason},
            )
        return store.load_certificate(connection, serial), is_new

    revoked, is_new = desk.database.write(revoke)
    publish = publish_list if is_new else renew_list
    publish(desk, authorities.by_name(revoked.issuer), revoked.issuer, actor=actor)
    return revoked


def give_up_unfinished(desk: RegisterDesk, authorities: Authorities, *, actor: str, after: timedelta = ABANDONED_AFTER) -> int:
    """Revoke what was to be signed and never was finished: perhaps it was signed, and nobody knows who has it. Returns how many."""
    at = desk.clock.now()

    def sweep(connection: Connection) -> set[str]:
        issuers = set()
        for record in store.unfinished_certificates(connection, at - after):
            store.set_revoked(connection, record.serial, at, ABANDONED_REASON)
            desk.audit.record(
                connection,
                at=at,
                actor=actor,
                action="certificate.issue",
                subject=f"certificate:{record.serial_hex}",
                outcome="voided",
                facts={"reason": ABANDONED_REASON},
            )
            issuers.add(record.issuer)
        return issuers

    with desk.database.read() as connection:
        count = len(store.unfinished_certificates(connection, at - after))
    if count:
        for issuer in sorted(desk.database.write(sweep)):
            publish_list(desk, authorities.by_name(issuer), issuer, actor=actor)
    return count
