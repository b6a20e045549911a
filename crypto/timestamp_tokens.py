"""Verifying an RFC 3161 time-stamp token (GB/T 20520): its form, its imprint, its signature, and the authority's certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from crypto import digests
from crypto.cms_examination import Demands, examine
from crypto.path import validate_path
from crypto.report import Outcome, Step, Verdict, failed, not_checked, passed, verdict_of, warned
from crypto.revocation import RevocationEvidence
from crypto.trust_list import Purpose
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.rfc3161_timestamp import read_tst_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList
    from standards.rfc3161_timestamp import TimeStampInfo

CLAUSE: Final = "RFC 3161 2.4.2"
CLOCK_TOLERANCE_SECONDS: Final = 300  # clocks of separate machines; Kerberos and most authorities allow the same
# RFC 3161, 4: after a revocation for one of these reasons tokens made before it stay good; without a stated reason all of them fall.
# "unspecified" would be harmless too, but RFC 5280 advises to write it by leaving the reason out, so the two cannot be told apart.
_HARMLESS_REASONS: Final = frozenset({"affiliationChanged", "superseded", "cessationOfOperation"})


@dataclass(frozen=True, slots=True)
class TokenFindings:
    """What was found out about one token. ``gen_at`` is set whenever TSTInfo could be read, whether or not it may be relied on."""

    steps: tuple[Step, ...]
    info: TimeStampInfo | None
    authority: Certificate | None
    cryptographically_valid: bool | None
    imprint_matches: bool | None
    info_intact: bool | None
    trusted: bool | None

    @property
    def gen_at(self) -> datetime | None:
        """The time the authority states."""
        return self.info.gen_at if self.info is not None else None

    @property
    def is_proof(self) -> bool:
        """Whether the time may be relied on: every step decided and none failed."""
        return self.trusted is True and verdict_of(self.steps) is Verdict.VALID


def examine_token(
    token_der: bytes,
    imprinted: Callable[[str], bytes],
    trust: TrustList,
    at: datetime,
    evidence: RevocationEvidence,
    *,
    proven_by: datetime | None = None,
) -> TokenFindings:
    """Run every check on a token. ``imprinted`` gives the digest, by OID, of what should have been stamped. Never raises.

    ``proven_by``: when a later time-stamp shows this token to have existed; what happens to its authority after that does not touch it.
    """
    demands = Demands(content_digest=None, content_types=frozenset({oids.TST_INFO}), allow_encapsulated=True)
    found = examine(token_der, demands)
    steps = list(found.steps)
    info: TimeStampInfo | None = None
    imprint_matches: bool | None = None
    if found.signed is not None:
        try:
            info = read_tst_info(found.signed.content or b"")
        except MalformedError as error:
            steps.append(failed("TS_BAD", CLAUSE, reason=error.code))
    if info is not None:
        imprint_matches = _check_imprint(info, imprinted, steps)
        if info.gen_at - at > timedelta(seconds=CLOCK_TOLERANCE_SECONDS):
            steps.append(not_checked("TS_TIME_IN_FUTURE", CLAUSE, gen_at=info.gen_at.isoformat(), at=at.isoformat()))
        if info.has_extensions:
            steps.append(warned("TS_EXTENSIONS_IGNORED", CLAUSE))
    trusted: bool | None = None
    if found.certificate is not None and info is not None:
        merged = evidence + RevocationEvidence(found.crls, found.ocsp_responses)
        path = validate_path(
            found.certificate,
            intermediates=found.certificates,
            trust=trust,
            purpose=Purpose.TIMESTAMP,
            at=min(info.gen_at, at),
            evidence=merged,
            now=at,
            is_proven=False,  # the authority's own word; a later revocation may undo it (RFC 3161, 4), so evidence must reach until now
            proven_by=proven_by,
        )
        trusted = path.trusted
        steps.extend(Step(step.code, _outcome(step, proven_by), step.clause, {**step.facts, "role": "time-stamp"}) for step in path.steps)
    if info is not None and verdict_of(steps) is Verdict.VALID:
        steps.append(passed("TS_OK", CLAUSE, gen_at=info.gen_at.isoformat()))
    return TokenFindings(
        tuple(steps), info, found.certificate, found.cryptographically_valid, imprint_matches, found.document_intact, trusted
    )


def _outcome(step: Step, proven_by: datetime | None) -> Outcome:
    """A step of the authority's path; a revocation after the stamp is harmless only for the reasons that RFC 3161, 4 names.

    Or where it came after the token is shown to have existed: RFC 3161, 4 names this way out.
    """
    if step.code != "CERT_REVOKED_AFTER" or step.facts.get("reason") in _HARMLESS_REASONS:
        return step.outcome
    if proven_by is not None and datetime.fromisoformat(str(step.facts["revoked_at"])) > proven_by:
        return step.outcome
    return Outcome.FAIL


def _check_imprint(info: TimeStampInfo, imprinted: Callable[[str], bytes], steps: list[Step]) -> bool | None:
    digest_oid = info.digest.oid
    if not digests.is_known(digest_oid):
        steps.append(not_checked("SIG_ALGORITHM_UNSUPPORTED", CLAUSE, algorithm=digest_oid))
        return None
    if digests.is_weak(digest_oid):
        steps.append(not_checked("SIG_ALGORITHM_WEAK", CLAUSE, algorithm=digest_oid))
    if info.imprint != imprinted(digest_oid):
        steps.append(failed("TS_IMPRINT_BAD", CLAUSE, digest=digest_oid))
        return False
    steps.append(passed("TS_IMPRINT_OK", CLAUSE, digest=digest_oid))
    return True
