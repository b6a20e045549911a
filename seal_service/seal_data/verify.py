"""Verifying seals and sealing values by the steps of GM/T 0031-2014, GB/T 38540-2020 and GM/T 0031-2025. Pure; never raises.

All steps run. The result has three parts, as the field's interfaces give it: the seal by itself, its published status, and the document.
Times are judged by a time-stamp that may be relied on, else by what the signer claims; "expired by now" is told apart from "expired when
used". Any failure is invalid, any mandatory step that could not be decided is indeterminate, and neither an unknown issuer nor an unknown
revocation is ever valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.digests import digest
from crypto.report import Step, Verdict, failed, not_checked, passed, verdict_of, warned
from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from seal_service.seal_data.certified_key import SIGNER, check_path, check_value, open_certificate
from seal_service.seal_data.document_checks import Original, check_data_hash, check_membership
from seal_service.seal_data.seal_checks import examine_seal, quirk_steps
from seal_service.seal_data.setting import Setting, signature_clause
from seal_service.seal_data.status_checks import check_status
from seal_service.seal_data.time_checks import SigningTime, find_signing_time
from standards import gbt33560_oids as oids
from standards.gbt38540_seal.versions import V1

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList
    from standards.gbt38540_seal.values import SealData, SealSignature


@dataclass(frozen=True, slots=True)
class SealResult:
    """What was found out about a seal; None where it cannot be known.

    ``cryptographically_valid``: the maker's signature value verifies. ``trusted``: the maker's certificate leads to an anchor for making
    seals. ``maker_certificate`` is None where it breaks the rules of certificates.
    """

    seal_steps: tuple[Step, ...]
    status_steps: tuple[Step, ...]
    cryptographically_valid: bool | None
    trusted: bool | None
    maker: str | None
    maker_certificate: Certificate | None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Both parts."""
        return self.seal_steps + self.status_steps

    @property
    def verdict(self) -> Verdict:
        """The overall rule over the steps."""
        return verdict_of(self.steps)


@dataclass(frozen=True, slots=True)
class SealSignatureResult:
    """What was found out about a sealing value; None where it cannot be known.

    ``cryptographically_valid``: the maker's signature, the signer's signature and, where the original is at hand, the data hash verify, and
    the signer is in the seal. ``document_intact``: the sealed digest is that of the original. ``trusted``: maker and signer both lead to an
    anchor. ``signed_at`` is the claimed time, else the time-stamp's; ``timestamp_at`` only a time that may be relied on.
    """

    seal_steps: tuple[Step, ...]
    status_steps: tuple[Step, ...]
    document_steps: tuple[Step, ...]
    cryptographically_valid: bool | None
    document_intact: bool | None
    trusted: bool | None
    signer: str | None
    signer_certificate: Certificate | None
    signed_at: datetime | None
    timestamp_at: datetime | None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The three parts in order."""
        return self.seal_steps + self.status_steps + self.document_steps

    @property
    def verdict(self) -> Verdict:
        """The overall rule over all steps."""
        return verdict_of(self.steps)


def verify_seal(
    seal: SealData,
    trust: TrustList,
    at: datetime,
    *,
    now: datetime | None = None,
    status: Sequence[OpenedStatusList] = (),
    strict: bool = False,
    intermediates: Sequence[Certificate] = (),
    evidence: RevocationEvidence = NO_EVIDENCE,
) -> SealResult:
    """Verify a seal.

    Without ``now`` the seal is judged alone as of ``at`` (aware UTC). With it, ``at`` is the time the seal was used, and ``now`` the time of
    verification. ``status`` from :func:`~seal_service.seal_data.status_list.open_status_lists`; ``strict``: see :class:`Setting`.
    """
    setting = Setting(trust, at if now is None else now, strict, tuple(intermediates), evidence)
    used_at = None if now is None else min(at, now)
    found = examine_seal(seal, setting, used_at, None)
    steps = list(found.steps)
    if used_at is not None:
        steps.append(_validity_when_used(seal, used_at, "e", seal.version))
    status_steps = check_status(seal, status, used_at or at, is_proven=False, is_alone=used_at is None, strict=strict)
    return SealResult(
        seal_steps=tuple(steps),
        status_steps=status_steps,
        cryptographically_valid=found.value_is_good,
        trusted=found.path.trusted,
        maker=found.maker.subject_text,
        maker_certificate=found.maker.certificate,
    )


def verify_seal_signature(
    signature: SealSignature,
    *,
    trust: TrustList,
    at: datetime,
    data_digest: Callable[[str], bytes] | bytes | None = None,
    data: bytes | None = None,
    status: Sequence[OpenedStatusList] = (),
    strict: bool = False,
    intermediates: Sequence[Certificate] = (),
    evidence: RevocationEvidence = NO_EVIDENCE,
    enclosed_at: datetime | None = None,
) -> SealSignatureResult:
    """Verify a sealing value as of ``at`` (aware UTC).

    The original: ``data`` its bytes (in OFD those of Signature.xml), or ``data_digest``, its digest by OID or its SM3 alone. Only with
    ``data`` the variant of dataHash with the signer's identity can be recognised. Neither leaves the document undecided.
    ``enclosed_at``: the time of a reliable time-stamp over a signature that holds this value as a signed part of it.
    """
    setting = Setting(trust, at, strict, tuple(intermediates), evidence)
    version = signature.version
    signer = open_certificate(signature.signer_certificate_der)
    time = find_signing_time(signature, setting, enclosed_at)
    seal = examine_seal(signature.seal, setting, time.at, time.proven_at)

    steps = quirk_steps((quirk for quirk in signature.quirks if quirk not in signature.seal.quirks), signature_clause(version, "a"))
    steps += _versions(signature)
    value_is_good, step = check_value(
        signer,
        signature.signature_algorithm_oid,
        signature.to_be_signed,
        signature.signature,
        version,
        signature_clause(version, "b"),
        ("SIG_VALUE_OK", "SIG_VALUE_BAD"),
        SIGNER,
    )
    steps.append(step)
    is_member, step = check_membership(signature, signer)
    steps.append(step)
    steps.append(_validity_when_used(signature.seal, time.at, "d", version))
    path = check_path(
        signer,
        SIGNER,
        trust,
        time.at,
        now=at,
        clause=signature_clause(version, "e"),
        intermediates=setting.intermediates,
        evidence=evidence,
        is_proven=time.proven_at is not None,
    )
    steps += path.steps
    hash_is_good, step = check_data_hash(signature, _original(data_digest, data), signer)
    steps.append(step)
    found_of_original = () if data is None and data_digest is None else (hash_is_good,)
    steps += time.steps
    steps += _unproven(time, version, is_undone=path.undone_at is not None)
    return SealSignatureResult(
        seal_steps=seal.steps,
        status_steps=check_status(signature.seal, status, time.at, is_proven=time.proven_at is not None, is_alone=False, strict=strict),
        document_steps=tuple(steps),
        cryptographically_valid=_together(seal.value_is_good, value_is_good, is_member, *found_of_original),
        document_intact=False if hash_is_good is False else True if hash_is_good and value_is_good else None,
        trusted=_together(path.trusted, seal.path.trusted),
        signer=signer.subject_text,
        signer_certificate=signer.certificate,
        signed_at=time.claimed_at or time.proven_at,
        timestamp_at=time.proven_at,
    )


def _original(data_digest: Callable[[str], bytes] | bytes | None, data: bytes | None) -> Original:
    if data is not None:
        return Original(lambda oid: digest(oid, data), data)
    if isinstance(data_digest, bytes):
        return Original(lambda oid: data_digest if oid == oids.SM3 else b"", None)
    return Original(data_digest, None)


def _versions(signature: SealSignature) -> list[Step]:
    """The form, the number in TBS_Sign and the embedded seal must be of one version; numbers of version 1 mean nothing."""
    clause = signature_clause(signature.version, "a")
    seal = signature.seal
    if seal.version != signature.version or (signature.version != V1 and signature.stated_version != seal.header_version):
        return [failed("SES_VERSION_MISMATCH", clause, stated=signature.stated_version, seal=seal.header_version)]
    return [passed("SES_FORMAT_OK", clause, version=signature.version)]


def _validity_when_used(seal: SealData, used_at: datetime, letter: str, version: int) -> Step:
    clause = signature_clause(version, letter)
    facts = {
        "at": used_at.isoformat(),
        "valid_from": seal.property.valid_from.isoformat(),
        "valid_until": seal.property.valid_until.isoformat(),
    }
    if used_at < seal.property.valid_from:
        return failed("SEAL_NOT_YET_VALID", clause, **facts)
    if used_at > seal.property.valid_until:
        return failed("SEAL_EXPIRED_AT_SIGNING", clause, **facts)
    return passed("SEAL_TIME_OK", clause, **facts)


def _unproven(time: SigningTime, version: int, *, is_undone: bool) -> list[Step]:
    """A thief of the key can claim any time, so an unproven time carries a signature past neither a revocation nor the end of trust."""
    if time.proven_at is not None:
        return []
    unproven = not_checked if is_undone else warned
    claimed = None if time.claimed_at is None else time.claimed_at.isoformat()
    return [unproven("SIG_TIME_UNPROVEN", signature_clause(version, "h"), claimed_at=claimed)]


def _together(*findings: bool | None) -> bool | None:
    """False where any is, None where any is open, else True."""
    if False in findings:
        return False
    return None if None in findings else True
