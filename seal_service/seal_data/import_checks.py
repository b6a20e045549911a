"""Whether a seal that was made elsewhere may be kept and used here. Pure; never raises; unknown is never good.

The steps are those on the seal (see :mod:`~seal_service.seal_data.verify`) and those on its own certificate. A seal whose time is over is
judged as of its last moment, so that it can be archived for what was sealed with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.report import Outcome, Step, Verdict, failed, passed, verdict_of, warned
from crypto.revocation import NO_EVIDENCE
from seal_service.seal_data.certified_key import SIGNER, CertifiedKey, check_path, open_certificate
from seal_service.seal_data.make import is_listed_der
from seal_service.seal_data.setting import signature_clause
from seal_service.seal_data.verify import verify_seal
from standards.gbt38540_seal.versions import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList
    from standards.gbt38540_seal.values import SealData


@dataclass(frozen=True, slots=True)
class ImportFindings:
    """What was found out about a seal and its certificate. ``is_usable``: it may seal documents that our own verifier calls valid."""

    steps: tuple[Step, ...]
    is_usable: bool

    @property
    def verdict(self) -> Verdict:
        """The overall rule over the steps."""
        return verdict_of(self.steps)

    @property
    def unverified(self) -> tuple[str, ...]:
        """The codes of what could not be decided, each once."""
        return tuple(dict.fromkeys(step.code for step in self.steps if step.outcome is Outcome.NOT_CHECKED))

    @property
    def failures(self) -> tuple[str, ...]:
        """The codes of what is wrong, each once."""
        return tuple(dict.fromkeys(step.code for step in self.steps if step.outcome is Outcome.FAIL))


def examine_import(
    seal: SealData,
    certificate_der: bytes,
    intermediates: Sequence[Certificate],
    trust: TrustList,
    at: datetime,
    *,
    status: Sequence[OpenedStatusList] = (),
) -> ImportFindings:
    """Every step on ``seal`` for its certificate as of ``at`` (aware UTC). ``intermediates`` came along with it.

    To be usable it must be valid without them: whoever verifies a sealed document has no more than the trust list and the document.
    """
    key = open_certificate(certificate_der)
    steps = _steps(seal, certificate_der, key, intermediates, trust, at, status)
    is_current = seal.property.valid_from <= at <= end_of(seal, key)
    alone = verdict_of(_steps(seal, certificate_der, key, (), trust, at, status)) if intermediates else verdict_of(steps)
    return ImportFindings(steps, is_current and seal.version in WRITTEN and alone is Verdict.VALID)


def end_of(seal: SealData, key: CertifiedKey) -> datetime:
    """Until when both hold, aware UTC; the seal alone where nothing of its certificate can be read."""
    return seal.property.valid_until if key.frame is None else min(seal.property.valid_until, key.frame.not_after)


def _steps(
    seal: SealData,
    certificate_der: bytes,
    key: CertifiedKey,
    intermediates: Sequence[Certificate],
    trust: TrustList,
    at: datetime,
    status: Sequence[OpenedStatusList],
) -> tuple[Step, ...]:
    steps = list(verify_seal(seal, trust, at, status=status, intermediates=intermediates).steps)
    clause = signature_clause(seal.version, "c")
    listed = len(seal.property.certificates) + len(seal.property.certificate_digests)
    steps.append(
        passed("SIGNER_IN_SEAL", clause)
        if is_listed_der(seal, certificate_der)
        else failed("SIGNER_NOT_IN_SEAL", clause, certificates=listed)
    )
    path = check_path(
        key,
        SIGNER,
        trust,
        min(at, end_of(seal, key)),
        now=at,
        clause=signature_clause(seal.version, "e"),
        intermediates=intermediates,
        evidence=NO_EVIDENCE,
    )
    steps += path.steps
    if seal.version not in WRITTEN:
        steps.append(warned("SEAL_VERSION_READ_ONLY", clause, version=seal.version))
    return tuple(steps)
