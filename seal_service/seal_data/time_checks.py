"""When something was sealed: the time-stamp that proves it, else what the signer claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crypto.digests import digest
from crypto.report import Outcome, Step, failed, not_checked, passed, warned
from crypto.timestamp_tokens import examine_token
from seal_service.seal_data.setting import CLOCK_TOLERANCE, signature_clause

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.timestamp_tokens import TokenFindings
    from seal_service.seal_data.setting import Setting
    from standards.gbt38540_seal.values import SealSignature


@dataclass(frozen=True, slots=True)
class TokenTime:
    """``proven_at`` only where the token may be relied on; ``stated_at`` whatever it says."""

    proven_at: datetime | None
    stated_at: datetime | None
    steps: tuple[Step, ...]


def check_token(token_der: bytes, stamped: bytes, setting: Setting, clause: str) -> TokenTime:
    """A time-stamp over ``stamped``. What is wrong with it fails; an authority that is not known to be trusted leaves it undecided."""
    found = examine_token(token_der, lambda oid: digest(oid, stamped), setting.trust, setting.now, setting.evidence)
    return TokenTime(found.gen_at if found.is_proof else None, found.gen_at, _condensed(found, clause))


def _condensed(found: TokenFindings, clause: str) -> tuple[Step, ...]:
    """One step on the token, after its warnings."""
    stated = None if found.gen_at is None else found.gen_at.isoformat()
    warnings = [replace(step, facts={**step.facts, "role": "time-stamp"}) for step in found.steps if step.outcome is Outcome.WARN]
    if found.is_proof:
        return (*warnings, passed("TS_OK", clause, gen_at=stated))
    if found.imprint_matches is False:
        return (*warnings, failed("TS_IMPRINT_BAD", clause, gen_at=stated))
    for step in found.steps:
        if step.outcome is Outcome.FAIL:
            code = "TS_TSA_CERT_BAD" if step.facts.get("role") == "time-stamp" else "TS_BAD"
            return (*warnings, failed(code, clause, gen_at=stated, reason=step.code))
    cause = next(step for step in found.steps if step.outcome is Outcome.NOT_CHECKED)
    return (*warnings, not_checked("TS_UNTRUSTED", clause, gen_at=stated, reason=cause.code))


@dataclass(frozen=True, slots=True)
class SigningTime:
    """``at`` is what everything is judged by: the proven time, else the claimed one, else that of verification; never after the latter."""

    at: datetime
    claimed_at: datetime | None
    proven_at: datetime | None
    steps: tuple[Step, ...]


def find_signing_time(signature: SealSignature, setting: Setting, enclosed_at: datetime | None = None) -> SigningTime:
    """The time of sealing and the steps on it; that nothing proves it is for the caller to say, who knows what hangs on it.

    ``enclosed_at``: a time-stamp that may be relied on is over something that holds this sealing value.
    """
    clause = signature_clause(signature.version, "h")
    steps: list[Step] = []
    proven: list[datetime] = [] if enclosed_at is None else [enclosed_at]
    claimed = signature.time_info_at
    if signature.time_info_token is not None:
        token = _check_inner_token(signature.time_info_token, signature, setting)
        steps.extend(token.steps)
        claimed = token.stated_at
        proven += [token.proven_at] if token.proven_at is not None else []
    if signature.time_stamp_der is not None:
        token = check_token(signature.time_stamp_der, signature.signature, setting, clause)
        steps.extend(token.steps)
        proven += [token.proven_at] if token.proven_at is not None else []
    proven_at = min(proven, default=None)
    if claimed is not None and claimed - setting.now > CLOCK_TOLERANCE:
        steps.append(not_checked("SIG_TIME_IN_FUTURE", clause, claimed_at=claimed.isoformat(), at=setting.now.isoformat()))
    if claimed is not None and proven_at is not None and claimed - proven_at > CLOCK_TOLERANCE:
        steps.append(warned("SIG_TIME_AFTER_TIMESTAMP", clause, claimed_at=claimed.isoformat(), gen_at=proven_at.isoformat()))
    return SigningTime(min(proven_at or claimed or setting.now, setting.now), claimed, proven_at, tuple(steps))


def _check_inner_token(token_der: bytes, signature: SealSignature, setting: Setting) -> TokenTime:
    """The token in timeInfo of version 1. The text does not say what it stamps: dataHash, or its digest; anything else is undecided."""
    clause = signature_clause(signature.version, "d")
    imprints: tuple[Callable[[str], bytes], ...] = (lambda _: signature.data_hash, lambda oid: digest(oid, signature.data_hash))
    readings = [examine_token(token_der, imprint, setting.trust, setting.now, setting.evidence) for imprint in imprints]
    found = next((reading for reading in readings if reading.imprint_matches), readings[0])
    steps = tuple(
        replace(step, outcome=Outcome.NOT_CHECKED) if step.code == "TS_IMPRINT_BAD" else step for step in _condensed(found, clause)
    )
    return TokenTime(found.gen_at if found.is_proof else None, found.gen_at, steps)
