"""Carry a sealed PDF on: what shows its certificates good today, and a document time-stamp over all of it (PAdES B-LTA)."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict
from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from crypto.sm3 import sm3
from seal_service.actions.record_use import VOIDED_BY_FAILURE
from seal_service.errors import document_not_extendable, document_tampered, own_check_failed, time_stamp_not_configured
from seal_service.pdf.long_term import make_long_term
from seal_service.verify import PDF, media_type_of, verify_file
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from seal_service.actions.record_use import User
    from service_kit.composition import ServiceContext

ACTION: Final = "document.extend"


@dataclass(frozen=True, slots=True)
class ExtendedDocument:
    """The document, which begins with the one handed in byte for byte, and the audit entry of its extension."""

    content: bytes
    audit_id: str


def extend_document(
    context: ServiceContext, user: User, document: bytes, *, evidence: RevocationEvidence = NO_EVIDENCE
) -> ExtendedDocument:
    """Extend a sealed PDF that is valid today. ``evidence``: revocation lists and OCSP responses beside those of the deployment.

    Raises TrustError: TIME_STAMP_*, DOCUMENT_TAMPERED, DOCUMENT_NOT_EXTENDABLE (not a PDF, not sealed, or not valid now), PDF_*,
    AUDIT_UNAVAILABLE, SEAL_SELF_CHECK_FAILED.
    """
    # 1. Only what is valid today is worth carrying on: a time-stamp over a doubtful document would make nothing of it better.
    if context.time_stamp is None:
        raise time_stamp_not_configured()
    trust = context.trust()
    trust = replace(trust, crls=trust.crls + evidence.crls, ocsp=trust.ocsp + evidence.ocsp)
    if media_type_of(document) != PDF:
        raise document_not_extendable("no PDF")
    report = verify_file(document, trust, context.clock.now())
    if report.tampered:
        raise document_tampered()
    if report.verdict is not Verdict.VALID:
        raise document_not_extendable(report.verdict.value)

    # 2. The intent, on record before the authority signs.
    digest = sm3(document).hex()
    _record(context, user, digest, "intended")

    with _voided_if_failing(context, user, digest):
        # 3. The revisions, with no transaction open, and what our own verifier says of the whole.
        extended = make_long_term(document, trust=trust, at=context.clock.now(), stamp=context.time_stamp)
        checked = verify_file(extended, trust, context.clock.now())
        if checked.verdict is not Verdict.VALID:
            raise own_check_failed("", "DOCUMENT_TIME_STAMP")

        # 4. The result is on record before it leaves.
        audit_id = _record(context, user, digest, "done", result=sm3(extended).hex(), bytes=len(extended))
    return ExtendedDocument(extended, audit_id)


@contextmanager
def _voided_if_failing(context: ServiceContext, user: User, digest: str) -> Iterator[None]:
    """Whatever ends the block ends the intent on record too, and goes on its way."""
    try:
        yield
    except BaseException as error:  # edge: no intent of a living process is left open
        with suppress(TrustError):  # the cause matters more than that it could not be recorded
            _record(context, user, digest, "voided", reason=error.code if isinstance(error, TrustError) else VOIDED_BY_FAILURE)
        raise


def _record(context: ServiceContext, user: User, digest: str, outcome: str, **facts: str | int) -> str:
    def record(conn: Connection) -> str:
        return context.audit.record(
            conn,
            at=context.clock.now(),
            actor=user.actor,
            action=ACTION,
            subject=f"document:{digest}",
            outcome=outcome,
            facts=dict(facts),
        )

    return context.database.write(record)
