"""Verifying a signature as a whole: what its bytes show, its time-stamp, and the signer's certificate at the right time.

The relevant time for the certificate path is that of a time-stamp which verifies and is trusted; else the time the signer claims,
with the warning that nobody else vouches for it; else the time of verification. A claimed time does not make old evidence fresh: what
shows that the certificate was not revoked must reach until the verification. A time-stamp that is present but cannot be relied on
never makes a signature valid: it proves nothing, and the step says so as "not checked".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from crypto.cms_examination import SIGNED_ONLY, Demands, examine
from crypto.digests import digest
from crypto.path import validate_path
from crypto.report import Outcome, Step, Verdict, not_checked, passed, verdict_of, warned
from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from crypto.timestamp_tokens import CLAUSE as TIMESTAMP_CLAUSE
from crypto.timestamp_tokens import CLOCK_TOLERANCE_SECONDS, TokenFindings, examine_token
from crypto.trust_list import Purpose
from standards import gbt33560_oids as oids

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import Anchor, TrustList
    from standards.rfc5652_cms import Attribute, SignerInfo

MAX_TIMESTAMPS: Final = 4  # one is usual; each costs two or more signature verifications
_TIME: Final = "ETSI EN 319 102-1 5.2.8"
_UNSIGNED: Final = "RFC 5652 5.3"

# Validation material and archive time-stamps of CAdES: they add evidence for later and change nothing about this signature
_HARMLESS_UNSIGNED: Final = frozenset(
    {
        "1.2.840.113549.1.9.16.2.21",  # complete-certificate-references
        "1.2.840.113549.1.9.16.2.22",  # complete-revocation-references
        "1.2.840.113549.1.9.16.2.23",  # certificate-values
        "1.2.840.113549.1.9.16.2.24",  # revocation-values
        "1.2.840.113549.1.9.16.2.48",  # archive-time-stamp-v2
        "0.4.0.1733.2.4",  # archive-time-stamp-v3
        oids.SES_SIGNATURE_ATTRIBUTE,  # a sealing value binds only where it is signed; beside the signature it says nothing
    }
)


@dataclass(frozen=True, slots=True)
class CmsResult:
    """What was found out; ``None`` where it cannot be known.

    ``cryptographically_valid``: the signature value verifies with the key of the certificate. ``document_intact``: the signed digest is
    that of the content (False where it is not). ``trusted``: the signer's certificate leads to an anchor for this purpose.
    ``signed_at`` is the time claimed by the signer, else that of the time-stamp; ``timestamp_at`` only a time that may be relied on.
    ``certificates`` and ``signed_attributes`` are all those inside, as they stand there.
    """

    cryptographically_valid: bool | None
    document_intact: bool | None
    trusted: bool | None
    signer: str | None
    signer_certificate: Certificate | None
    signed_at: datetime | None
    timestamp_at: datetime | None
    steps: tuple[Step, ...]
    chain: tuple[Certificate, ...] = ()
    content_type: str | None = None
    encapsulated: bytes | None = None
    certificates: tuple[Certificate, ...] = ()
    signed_attributes: tuple[Attribute, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The overall rule over the steps."""
        return verdict_of(self.steps)


def verify_signed_data(
    cms_der: bytes,
    *,
    content_digest: Callable[[str], bytes] | None,
    trust: TrustList,
    at: datetime,
    purpose: Purpose = Purpose.DOCUMENT,
    evidence: RevocationEvidence = NO_EVIDENCE,
    require_signed_attributes: bool = True,
    allow_encapsulated: bool = False,
    content: Callable[[], bytes] | None = None,
    claimed_at: datetime | None = None,
    proven_by: datetime | None = None,
) -> CmsResult:
    """Verify one SignedData of either dialect. Never raises on hostile input.

    ``cms_der`` without padding behind it (:func:`standards.rfc5652_cms.encoded_length`). ``content_digest`` gives the digest of the
    detached content by OID; ``content`` its bytes, needed only for signatures without signed attributes. With ``allow_encapsulated``
    the content may stand inside, and is checked beside a detached one. ``at`` (aware) is the time of verification.
    ``claimed_at`` is a claim about the time from outside the CMS that the signature covers (``/M`` of a PDF signature). ``proven_by``:
    when a time-stamp over the whole signature shows that it existed (a document time-stamp of PDF; ETSI EN 319 102-1, 5.6.2).
    """
    found = examine(
        cms_der,
        Demands(
            content_digest=content_digest,
            content=content,
            require_signed_attributes=require_signed_attributes,
            allow_encapsulated=allow_encapsulated,
        ),
    )
    if found.signed is None or found.signer is None:
        return CmsResult(None, None, None, None, None, None, None, tuple(found.steps))
    steps = found.steps
    merged = evidence + RevocationEvidence(found.crls, found.ocsp_responses)
    claimed = found.signing_at or claimed_at
    timestamp_at = _check_timestamps(found.signer, trust, at, merged, steps, proven_by)
    if claimed is not None and claimed - at > timedelta(seconds=CLOCK_TOLERANCE_SECONDS):
        steps.append(not_checked("SIG_TIME_IN_FUTURE", _TIME, claimed_at=claimed.isoformat(), at=at.isoformat()))
    if claimed is not None and timestamp_at is not None and claimed - timestamp_at > timedelta(seconds=CLOCK_TOLERANCE_SECONDS):
        steps.append(warned("SIG_TIME_AFTER_TIMESTAMP", _TIME, claimed_at=claimed.isoformat(), gen_at=timestamp_at.isoformat()))
    trusted: bool | None = None
    chain: tuple[Certificate, ...] = ()
    undone_later = False
    if found.certificate is not None:
        validate = partial(validate_path, found.certificate, intermediates=found.certificates, trust=trust, purpose=purpose)
        path = None
        if timestamp_at is None and proven_by is not None:
            # Shown to exist by a moment at which all was well is as good as a time-stamp of its own; where it was not, nothing is lost
            path = validate(at=proven_by, evidence=merged, now=at)
            timestamp_at = proven_by if path.trusted else None
        if path is None or timestamp_at is None:
            judged_at = min(timestamp_at or claimed or at, at)
            path = validate(at=judged_at, evidence=merged, now=at, is_proven=timestamp_at is not None)
        chain = path.chain
        time_stated = timestamp_at is not None or claimed is not None
        path_steps = tuple(_undecided(step, anchored=path.anchor is not None, time_stated=time_stated) for step in path.steps)
        undone_later = timestamp_at is None and (
            _is_withdrawn(path.anchor, at) or any(step.code == "CERT_REVOKED_AFTER" for step in path_steps)
        )
        trusted = None if undone_later else {Verdict.VALID: True, Verdict.INVALID: False}.get(verdict_of(path_steps))
        steps.extend(path_steps)
    if timestamp_at is None:
        # A thief of the key can claim any time, so an unproven time carries a signature past neither a revocation nor the end of trust
        unproven = not_checked if undone_later else warned
        steps.append(unproven("SIG_TIME_UNPROVEN", _TIME, claimed_at=claimed.isoformat() if claimed is not None else None))
    return CmsResult(
        cryptographically_valid=found.cryptographically_valid,
        document_intact=found.document_intact,
        trusted=trusted,
        signer=found.certificate.subject_text if found.certificate is not None else None,
        signer_certificate=found.certificate,
        signed_at=claimed or timestamp_at,
        timestamp_at=timestamp_at,
        steps=tuple(steps),
        chain=chain,
        content_type=found.signed.content_type,
        encapsulated=found.signed.content,
        certificates=found.certificates,
        signed_attributes=tuple(found.signer.signed_attributes or ()),
    )


def _is_withdrawn(anchor: Anchor | None, at: datetime) -> bool:
    """Whether trust in the anchor has been ended by decision before the verification."""
    return anchor is not None and anchor.trusted_until is not None and anchor.trusted_until < at


def _undecided(step: Step, *, anchored: bool, time_stated: bool) -> Step:
    """A certificate outside its validity fails only where that is known.

    Under no anchor nothing in the certificate is proven, its validity neither; and where nobody states a time of signing, a certificate
    that has expired by now may well have been valid then.
    """
    if step.code == "CERT_NOT_VALID_AT_TIME" and (not anchored or (not time_stated and step.facts.get("reason") == "expired")):
        return replace(step, outcome=Outcome.NOT_CHECKED)
    return step


def _check_timestamps(
    signer: SignerInfo,
    trust: TrustList,
    at: datetime,
    evidence: RevocationEvidence,
    steps: list[Step],
    proven_by: datetime | None,
) -> datetime | None:
    """The earliest time among the signature's time-stamps, if every one of them may be relied on; one bad one spoils the proof."""
    tokens: list[bytes] = []
    for attribute in signer.unsigned_attributes:
        if attribute.oid == oids.SIGNATURE_TIME_STAMP:
            tokens.extend(attribute.values or (b"",))
        elif attribute.oid in _HARMLESS_UNSIGNED:
            steps.append(warned("CMS_UNSIGNED_ATTRIBUTE_IGNORED", _UNSIGNED, attribute=attribute.oid))
        elif attribute.oid not in SIGNED_ONLY:
            steps.append(not_checked("CMS_UNSIGNED_ATTRIBUTE_UNKNOWN", _UNSIGNED, attribute=attribute.oid))
    if len(tokens) > MAX_TIMESTAMPS:
        steps.append(not_checked("TS_TOO_MANY", TIMESTAMP_CLAUSE, found=len(tokens), limit=MAX_TIMESTAMPS))
        return None
    times: list[datetime] = []
    sound = True
    for token in tokens:
        stamp = examine_token(token, lambda digest_oid: digest(digest_oid, signer.signature), trust, at, evidence, proven_by=proven_by)
        steps.extend(_condense(stamp))
        sound = sound and stamp.is_proof
        if stamp.gen_at is not None:
            times.append(stamp.gen_at)
    return min(times) if sound and times else None


def _condense(stamp: TokenFindings) -> list[Step]:
    """One step on a token, after its warnings. What fails in a token leaves the signature's own time undecided, no more than that."""
    stated = stamp.gen_at.isoformat() if stamp.gen_at is not None else None
    steps = [replace(step, facts={**step.facts, "role": "time-stamp"}) for step in stamp.steps if step.outcome is Outcome.WARN]
    if stamp.is_proof:
        return [*steps, passed("TS_OK", TIMESTAMP_CLAUSE, gen_at=stated)]
    if stamp.imprint_matches is False:
        return [*steps, not_checked("TS_IMPRINT_BAD", TIMESTAMP_CLAUSE, gen_at=stated)]
    bad = [step for step in stamp.steps if step.outcome is Outcome.FAIL] or [
        step for step in stamp.steps if step.outcome is Outcome.NOT_CHECKED
    ]
    cause = bad[0]
    of_path = cause.facts.get("role") == "time-stamp"
    if of_path:
        code = "TS_TSA_CERT_BAD" if cause.outcome is Outcome.FAIL else "TS_UNTRUSTED"
    else:
        code = "TS_BAD"
    return [*steps, not_checked(code, TIMESTAMP_CLAUSE, gen_at=stated, reason=cause.code)]
