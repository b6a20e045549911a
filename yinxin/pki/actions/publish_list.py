"""Publish a revocation list: number and content are fixed in one transaction, then it is signed, then it is there for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.authority import RevokedCertificate
from service_kit.durable_files import PUBLIC_MODE, write_durably
from yinxin.pki import store
from yinxin.pki.model import LIST_VALIDITY, RevocationListRecord, is_renewal_due

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from crypto.authority import CertificateAuthority
    from yinxin.pki.actions.issue_certificate import RegisterDesk
    from yinxin.pki.model import CertificateRecord


def publish_list(desk: RegisterDesk, authority: CertificateAuthority, issuer: str, *, actor: str) -> RevocationListRecord:
    """A new list of everything that an issuer (``root`` or ``issuing``) has revoked. AUDIT_UNAVAILABLE, or what signing raises."""
    at = desk.clock.now().replace(microsecond=0)
    next_update = at + LIST_VALIDITY[issuer]

    # 1. The number, and what is revoked as of now, in one transaction: a higher number never knows less
    def reserve(connection: Connection) -> tuple[int, list[CertificateRecord]]:
        revoked = store.revoked_certificates(connection, issuer)
        number = store.reserve_list(connection, issuer, at, next_update, len(revoked))
        _note(desk, connection, issuer, number, len(revoked), actor, "intended")
        return number, revoked

    number, revoked = desk.database.write(reserve)
    # 2. Signed. Entries are kept for ever, so the list may say that it also speaks of expired certificates.
    crl_der = authority.issue_crl(
        [RevokedCertificate(each.serial, (each.revoked_at or at).replace(microsecond=0), each.reason or "unspecified") for each in revoked],
        this_update=at,
        next_update=next_update,
        number=number,
        expired_since=authority.certificate.not_before,
    )

    # 3. Published: in the database for every process, as a file for static servers and for `verify --trust`
    def finish(connection: Connection) -> RevocationListRecord | None:
        store.finish_list(connection, issuer, number, crl_der)
        _note(desk, connection, issuer, number, len(revoked), actor, "done")
        return store.load_newest_list(connection, issuer)

    newest = desk.database.write(finish)
    if newest is not None and newest.number == number:
        _write_file(desk, newest)
    return RevocationListRecord(issuer, number, crl_der, at, next_update, len(revoked))


def renew_list(desk: RegisterDesk, authority: CertificateAuthority, issuer: str, *, actor: str) -> RevocationListRecord | None:
    """A new list where it is due; None where the newest one names all that are revoked and still has more than half of its time.

    So a revocation whose process ended before its list was signed or written gets it here.
    """
    with desk.database.read() as connection:
        newest = store.load_newest_list(connection, issuer)
        revoked = store.count_revoked(connection, issuer)
    if newest is None or is_renewal_due(newest, revoked, desk.clock.now()):
        return publish_list(desk, authority, issuer, actor=actor)
    if not _is_file_of(desk, newest):
        _write_file(desk, newest)
    return None


def _path(desk: RegisterDesk, issuer: str) -> Path:
    return desk.lists / f"{issuer}.crl"


def _write_file(desk: RegisterDesk, published: RevocationListRecord) -> None:
    write_durably(_path(desk, published.issuer), published.crl_der, mode=PUBLIC_MODE)


def _is_file_of(desk: RegisterDesk, published: RevocationListRecord) -> bool:
    try:
        with _path(desk, published.issuer).open("rb") as file:
            return file.read(len(published.crl_der) + 1) == published.crl_der
    except FileNotFoundError:
        return False


def _note(desk: RegisterDesk, connection: Connection, issuer: str, number: int, entries: int, actor: str, outcome: str) -> None:
    desk.audit.record(
        connection,
        at=desk.clock.now(),
        actor=actor,
        action="revocation-list.publish",
        subject=f"revocation-list:{issuer}",
        outcome=outcome,
        facts={"number": number, "entries": entries},
    )
