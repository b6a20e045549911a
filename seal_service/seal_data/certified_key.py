"""A certificate out of a seal, and what its key shows: signature values, and the path to a trust anchor in one role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.path import validate_path
from crypto.report import Outcome, Step, Verdict, failed, not_checked, passed, verdict_of
from crypto.signatures import SignatureCheck, remember_decided, verify_signature
from crypto.trust_list import Purpose
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.gbt35275_cms import signature_from_raw
from standards.gbt38540_seal.certificate_frame import CertificateFrame, read_certificate_frame
from standards.gbt38540_seal.versions import V1
from standards.rfc5280_algorithms import algorithm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.revocation import RevocationEvidence
    from crypto.trust_list import TrustList

MAKER: Final = "maker"
SIGNER: Final = "signer"
_OF_V1: Final = frozenset({oids.RSA, oids.SHA1_WITH_RSA, oids.SHA256_WITH_RSA})  # GM/T 0031-2014 allows RSA with SHA-1 and SHA-256
_PURPOSES: Final = {MAKER: Purpose.SEAL_MAKER, SIGNER: Purpose.DOCUMENT}


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """``certificate`` is None where it breaks the rules of certificates, ``frame`` where even its key cannot be found."""

    certificate: Certificate | None
    frame: CertificateFrame | None
    problem: str | None

    @property
    def subject_text(self) -> str | None:
        """The subject, where it can be read."""
        return None if self.certificate is None else self.certificate.subject_text


def open_certificate(certificate_der: bytes) -> CertifiedKey:
    """What can be read of a certificate. Never raises."""
    try:
        certificate = Certificate.from_der(certificate_der)
    except MalformedError as error:
        try:
            return CertifiedKey(None, read_certificate_frame(certificate_der), error.code)
        except MalformedError:
            return CertifiedKey(None, None, error.code)
    return CertifiedKey(certificate, CertificateFrame(certificate.spki_der, certificate.not_before, certificate.not_after), None)


REMEMBERED_SEALS: Final = 64  # makers' values over seals: one seal comes back with every document it is used on
REMEMBERED_BYTES: Final = 65_536  # the memory of them stays under 4 MB

_check_seal_value = remember_decided(verify_signature, REMEMBERED_SEALS)


def check_value(
    key: CertifiedKey,
    oid: str,
    message: bytes,
    value: bytes,
    version: int,
    clause: str,
    codes: tuple[str, str],
    role: str,
    *,
    is_remembered: bool = False,
) -> tuple[bool | None, Step]:
    """The step on a signature value over ``message``, with ``codes`` for good and bad; True, False, or None where it is undecided.

    Versions 4 and 5 know SM2 with SM3 alone. What verifies only with a weak algorithm is undecided. ``is_remembered``: the answer depends on
    these bytes alone, so the same bytes are checked once.
    """
    good, bad = codes
    if oid not in oids.SM2_SIGNATURE_OIDS and not (version == V1 and oid in _OF_V1):
        return None, not_checked("SIG_ALGORITHM_UNSUPPORTED", clause, algorithm=oid, role=role)
    if key.frame is None:
        return None, not_checked("CMS_CERTIFICATE_UNREADABLE", clause, reason=key.problem, role=role)
    signature = value
    if oid in oids.SM2_SIGNATURE_OIDS:
        signature = signature_from_raw(value) or value
    digest_oid = oids.SHA1 if oid == oids.RSA else None  # the bare key identifier, of the time of SHA-1: at best weak
    if is_remembered and digest_oid is None and len(message) <= REMEMBERED_BYTES:
        check = _check_seal_value(key.frame.spki_der, algorithm(oid), message, signature)
    else:
        check = verify_signature(key.frame.spki_der, algorithm(oid), message, signature, digest_oid=digest_oid)
    if check is SignatureCheck.GOOD:
        return True, passed(good, clause, role=role)
    if check is SignatureCheck.BAD:
        return False, failed(bad, clause, role=role)
    code = "SIG_ALGORITHM_WEAK" if check is SignatureCheck.WEAK else "SIG_ALGORITHM_UNSUPPORTED"
    return None, not_checked(code, clause, algorithm=oid, role=role)


@dataclass(frozen=True, slots=True)
class PathFindings:
    """The steps on a certificate in its role. ``undone_at``: since when it is not good any more that was good at the moment, by revocation or because
    the trust in its anchor was ended; None where it still is.
    """

    steps: tuple[Step, ...]
    trusted: bool | None
    undone_at: datetime | None = None


def check_path(
    key: CertifiedKey,
    role: str,
    trust: TrustList,
    at: datetime,
    *,
    now: datetime,
    clause: str,
    intermediates: Sequence[Certificate],
    evidence: RevocationEvidence,
    revoked_until: datetime | None = None,
    must_hold_now: bool = False,
    is_proven: bool = False,
) -> PathFindings:
    """Chain, validity, revocation and key usage at the moment ``at``.

    ``revoked_until``: a revocation up to this later moment counts as one before. ``must_hold_now`` is the literal rule of the older texts:
    expired or revoked since is a failure too. ``is_proven``: a time-stamp proves ``at``; where it is only claimed, a stolen key could have
    been dated back, and evidence must reach until now.
    """
    if key.certificate is None:
        steps = [not_checked("CMS_CERTIFICATE_UNREADABLE", clause, reason=key.problem, role=role)]
        if key.frame is not None and not key.frame.not_before <= at <= key.frame.not_after:
            steps.append(failed("CERT_NOT_VALID_AT_TIME", clause, role=role, at=at.isoformat()))
        return PathFindings(tuple(steps), False if verdict_of(steps) is Verdict.INVALID else None)
    path = validate_path(
        key.certificate,
        intermediates=intermediates,
        trust=trust,
        purpose=_PURPOSES[role],
        at=at,
        evidence=evidence,
        now=now,
        is_proven=is_proven,
    )
    steps = [_in_role(step, role, revoked_until, must_hold_now=must_hold_now) for step in path.steps]
    trusted = {Verdict.VALID: True, Verdict.INVALID: False}.get(verdict_of(steps))
    ends = [datetime.fromisoformat(str(step.facts["revoked_at"])) for step in steps if step.code == "CERT_REVOKED_AFTER"]
    until = None if path.anchor is None else path.anchor.trusted_until
    return PathFindings(tuple(steps), trusted, min([*ends, *([until] if until is not None and until < now else [])], default=None))


def _in_role(step: Step, role: str, revoked_until: datetime | None, *, must_hold_now: bool) -> Step:
    facts = {**step.facts, "role": role}
    is_later = step.code == "CERT_REVOKED_AFTER"
    if is_later and revoked_until is not None and datetime.fromisoformat(str(step.facts["revoked_at"])) <= revoked_until:
        return failed("CERT_REVOKED_BEFORE", step.clause, **facts)
    if must_hold_now and step.code in {"CERT_REVOKED_AFTER", "CERT_EXPIRED_AFTER"}:
        return replace(step, outcome=Outcome.FAIL, facts=facts)
    return replace(step, facts=facts)
