"""Was a certificate revoked at a moment? Revocation lists (RFC 5280, 6.3) and OCSP responses (RFC 6960), passed in as bytes.

What counts as showing "good at ``at``": a validly signed statement, in scope, that was fresh at that moment (issued before, next update
after) or issued after it, provided the issuer still listed the certificate then: once it has expired, its entry may have been dropped
(RFC 5280, 3.3), unless the issuer says that it keeps such entries. Everything else is stale, undecidable or missing, never good.
A statement that the certificate *is* revoked counts however old it is, unless it was only on hold and a newer one shows it good. One that
could not be checked (an algorithm that is not ours to judge, a responder whose own standing is not known) decides nothing, but where it is newer
than what shows the certificate good, the question stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from crypto.ocsp_responses import examine_ocsp
from crypto.revocation_lists import examine_crl
from crypto.revocation_statements import Says, Statement

if TYPE_CHECKING:
    from crypto.certificates import Certificate

MAX_EVIDENCE: Final = 512  # lists and responses looked at for one certificate; a long-term archive document carries a few dozen
CLOCK_SKEW: Final = timedelta(minutes=5)  # evidence may be dated this much after our own clock


class RevocationStatus(StrEnum):
    """What is known. STALE: there was evidence, but too old. UNDECIDABLE: there was evidence that may not be relied on."""

    GOOD = "good"
    REVOKED = "revoked"
    STALE = "stale"
    MISSING = "missing"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class RevocationEvidence:
    """DER of revocation lists and OCSP responses, and responders trusted by decision for answering about anybody's certificates."""

    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    responders: tuple[Certificate, ...] = ()

    def __add__(self, other: RevocationEvidence) -> RevocationEvidence:
        return RevocationEvidence(self.crls + other.crls, self.ocsp + other.ocsp, self.responders + other.responders)


NO_EVIDENCE: Final = RevocationEvidence()


@dataclass(frozen=True, slots=True)
class RevocationResult:
    """The status, with the moment and reason of a revocation, and which kind of evidence decided; ``this_update`` is its date (aware UTC)."""

    status: RevocationStatus
    revoked_at: datetime | None = None
    reason: str | None = None
    source: str | None = None
    this_update: datetime | None = None


def check_revocation(
    certificate: Certificate,
    issuer: Certificate,
    evidence: RevocationEvidence,
    at: datetime,
    *,
    now: datetime | None = None,
    nonce: bytes | None = None,
) -> RevocationResult:
    """What the evidence says about ``certificate`` (issued by ``issuer``) at the moment ``at``. Never raises on hostile evidence.

    ``now``: evidence dated later than this is not believed. ``nonce``: OCSP responses must carry it. More than :data:`MAX_EVIDENCE` pieces
    are refused as undecidable rather than read.
    """
    if len(evidence.crls) + len(evidence.ocsp) > MAX_EVIDENCE:
        return RevocationResult(RevocationStatus.UNDECIDABLE, reason="too-much-evidence")
    examined = [examine_crl(crl, certificate, issuer) for crl in evidence.crls]
    examined += [
        examine_ocsp(response, certificate, issuer, crls=evidence.crls, responders=evidence.responders, nonce=nonce)
        for response in evidence.ocsp
    ]
    statements = [statement for statement in examined if isinstance(statement, Statement)]
    ignored = next((piece.reason for piece in examined if not isinstance(piece, Statement) and piece.reason != "other-issuer"), None)
    return _decide(statements, certificate, at, now) or RevocationResult(RevocationStatus.MISSING, reason=ignored)


def _decide(statements: list[Statement], certificate: Certificate, at: datetime, now: datetime | None) -> RevocationResult | None:
    weighed = [(_weigh(statement, certificate, at, now), statement) for statement in statements]
    good = max((s for (status, _), s in weighed if status is RevocationStatus.GOOD), key=lambda s: s.this_update, default=None)
    revoked = [s for s in statements if s.says is Says.REVOKED and not _is_lifted(s, good)]
    if revoked:
        first = min(revoked, key=_revocation_time)
        return RevocationResult(RevocationStatus.REVOKED, first.revoked_at, first.reason, first.source, first.this_update)
    alleged = next((s for s in statements if s.alleges_revoked and (good is None or s.this_update > good.this_update)), None)
    if alleged is not None:  # what is newer and could not be checked may be true: what was good before says nothing against it
        return RevocationResult(RevocationStatus.UNDECIDABLE, reason=alleged.reason, source=alleged.source, this_update=alleged.this_update)
    if good is not None:
        return RevocationResult(RevocationStatus.GOOD, source=good.source, this_update=good.this_update)
    for wanted in (RevocationStatus.UNDECIDABLE, RevocationStatus.STALE):
        for (status, reason), statement in weighed:
            if status is wanted:
                return RevocationResult(wanted, reason=reason, source=statement.source, this_update=statement.this_update)
    return None


def _revocation_time(statement: Statement) -> datetime:
    return statement.this_update if statement.revoked_at is None else statement.revoked_at


def _is_lifted(revoked: Statement, good: Statement | None) -> bool:
    """A hold ends when a newer statement shows the certificate good again (RFC 5280, 5.3.1)."""
    return revoked.reason == "certificateHold" and good is not None and good.this_update > revoked.this_update


def _weigh(statement: Statement, certificate: Certificate, at: datetime, now: datetime | None) -> tuple[RevocationStatus, str | None]:
    if statement.says is not Says.GOOD:
        return RevocationStatus.UNDECIDABLE, statement.reason
    if now is not None and statement.this_update - now > CLOCK_SKEW:
        return RevocationStatus.UNDECIDABLE, "dated-in-the-future"
    if statement.next_update is not None and statement.next_update < statement.this_update:
        return RevocationStatus.UNDECIDABLE, "next-update-before-this-update"
    if statement.this_update < at and (statement.next_update is None or statement.next_update < at):
        return RevocationStatus.STALE, "stale"
    kept = statement.keeps_expired_since
    if statement.this_update > certificate.not_after and (kept is None or kept > certificate.not_after):
        return RevocationStatus.STALE, "issued-after-the-certificate-expired"
    return RevocationStatus.GOOD, None
