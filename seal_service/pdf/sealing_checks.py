"""The sealing value of GB/T 38540 in a PDF signature: alone in /Contents, or as a signed attribute of the CMS; and whether both agree.

A field with both is one act in two languages. Whoever reads only one of them must not see another signer, another time or another document
than whoever reads the other: any disagreement is a failure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.cms_verification import CmsResult
from crypto.report import Step, failed, not_checked, passed, warned
from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.setting import CLOCK_TOLERANCE
from seal_service.seal_data.verify import SealSignatureResult, verify_seal_signature
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.gbt38540_seal.read import read_seal_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList
    from standards.gbt38540_seal.values import SealSignature

SES_KIND: Final = "pdf-ses"
BOTH_KIND: Final = "pdf-cms+ses"
_FORM: Final = "GB/T 38540-2020 format"
_AGREEMENT: Final = "docs/reference/ses-in-pdf.md 3"
_RANGE: Final = re.compile(r"\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which trust, as of when (aware UTC), with which evidence, against which published states of seals, whether by the letter.

    ``proven_by``: when a document time-stamp over the signature shows that it existed.
    """

    trust: TrustList
    at: datetime
    evidence: RevocationEvidence = NO_EVIDENCE
    status: Sequence[OpenedStatusList] = ()
    strict: bool = False
    proven_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a value in a PDF is over. ``digest`` by OID, ``content`` the bytes themselves, ``claimed_at`` the time in /M."""

    digest: Callable[[str], bytes]
    content: Callable[[], bytes]
    byte_range: tuple[int, int, int, int]
    claimed_at: datetime | None


def verify_seal_alone(value_der: bytes, sealed: Sealed, setting: Setting) -> CmsResult:
    """A sealing value as the whole of /Contents, in the form that the other kinds of value have too."""
    try:
        signature = read_seal_signature(value_der)
    except MalformedError as error:
        step = failed("SES_MALFORMED", _FORM, **{"reason": error.code, **error.facts})
        return CmsResult(None, None, None, None, None, None, None, (step,))
    found = _verify(signature, sealed, setting)
    steps = [*found.steps, *_check_range(signature, sealed)]
    claimed = sealed.claimed_at
    if claimed is not None and found.signed_at is not None and abs(claimed - found.signed_at) > CLOCK_TOLERANCE:
        # /M is covered by the sealing value, so its signer wrote both; other makers write local time as UTC
        steps.append(warned("PDF_SES_TIME_DISAGREES", _AGREEMENT, stated=claimed.isoformat(), found=found.signed_at.isoformat()))
    return CmsResult(
        cryptographically_valid=found.cryptographically_valid,
        document_intact=found.document_intact,
        trusted=found.trusted,
        signer=found.signer,
        signer_certificate=found.signer_certificate,
        signed_at=found.signed_at or claimed,
        timestamp_at=found.timestamp_at,
        steps=tuple(steps),
    )


def _verify(signature: SealSignature, sealed: Sealed, setting: Setting, cms: CmsResult | None = None) -> SealSignatureResult:
    def run(data: bytes | None) -> SealSignatureResult:
        return verify_seal_signature(
            signature,
            trust=setting.trust,
            at=setting.at,
            data_digest=None if data is not None else sealed.digest,
            data=data,
            status=setting.status,
            strict=setting.strict,
            intermediates=() if cms is None else cms.certificates,
            evidence=setting.evidence,
            enclosed_at=_proven_alone(signature, setting) if cms is None else cms.timestamp_at,
        )

    found = run(None)
    if found.document_intact is False and cms is None:
        found = run(sealed.content())  # only the bytes show the variant with the signer's identity
    return found


def _proven_alone(signature: SealSignature, setting: Setting) -> datetime | None:
    """When a document time-stamp shows the value to have existed; one that came after seal or certificate had ended says nothing of before."""
    signer = open_certificate(signature.signer_certificate_der).certificate
    ends = [signature.seal.property.valid_until, *([signer.not_after] if signer is not None else [])]
    return setting.proven_by if setting.proven_by is not None and setting.proven_by <= min(ends) else None


def add_seal(cms: CmsResult, sealed: Sealed, setting: Setting) -> CmsResult | None:
    """A CMS together with the sealing value among its signed attributes; None where it has none."""
    attributes = [each for each in cms.signed_attributes if each.oid == oids.SES_SIGNATURE_ATTRIBUTE]
    if not attributes:
        return None
    values = [value for attribute in attributes for value in attribute.values]
    if len(values) != 1:
        return _with(cms, None, failed("PDF_SES_ATTRIBUTE_BAD", _AGREEMENT, reason="VALUES", found=len(values)))
    try:
        signature = read_seal_signature(values[0])
    except MalformedError as error:
        return _with(cms, None, failed("PDF_SES_ATTRIBUTE_BAD", _AGREEMENT, **{"reason": error.code, **error.facts}))
    found = _verify(signature, sealed, setting, cms)
    return _with(cms, found, *found.steps, *_check_agreement(cms, found, signature, sealed))


def _check_agreement(cms: CmsResult, found: SealSignatureResult, signature: SealSignature, sealed: Sealed) -> list[Step]:
    """The same signer, the same time, the same bytes in both."""
    steps = _check_range(signature, sealed, must_hold=True)
    if cms.signer_certificate is None:
        steps.append(not_checked("PDF_SES_SIGNER_DISAGREES", _AGREEMENT))
    elif cms.signer_certificate.der != signature.signer_certificate_der:
        steps.append(failed("PDF_SES_SIGNER_DISAGREES", _AGREEMENT, cms=cms.signer, ses=found.signer))
    claimed = cms.signed_at
    if claimed is None or signature.time_info_at is None:
        steps.append(not_checked("PDF_SES_TIME_DISAGREES", _AGREEMENT))
    elif abs(claimed - signature.time_info_at) > CLOCK_TOLERANCE:
        stated, inside = claimed.isoformat(), signature.time_info_at.isoformat()
        steps.append(failed("PDF_SES_TIME_DISAGREES", _AGREEMENT, stated=stated, found=inside))
    if not steps:
        steps.append(passed("PDF_SES_AGREES", _AGREEMENT))
    return steps


def _check_range(signature: SealSignature, sealed: Sealed, *, must_hold: bool = False) -> list[Step]:
    """A range that propertyInfo names must be the one of the signature. The texts of other makers may name none: nothing is said then."""
    named = _RANGE.search(signature.property_info)
    if named is None or tuple(int(number) for number in named.groups()) == sealed.byte_range:
        return []
    wrong = failed if must_hold else not_checked
    stated, actual = signature.property_info[:120], " ".join(map(str, sealed.byte_range))
    return [wrong("PDF_SES_RANGE_DISAGREES", _AGREEMENT, stated=stated, found=actual)]


def _with(cms: CmsResult, found: SealSignatureResult | None, *steps: Step) -> CmsResult:
    """Both findings as one: good only where both are.

    A sealing value over other bytes is wrong, but no sign of a change after signing as long as the CMS is over these.
    """
    intact = found is not None and found.document_intact is True
    return replace(
        cms,
        cryptographically_valid=_together({cms.cryptographically_valid, None if found is None else found.cryptographically_valid}),
        document_intact=cms.document_intact if intact or cms.document_intact is False else None,
        trusted=_together({cms.trusted, None if found is None else found.trusted}),
        steps=(*cms.steps, *steps),
    )


def _together(findings: set[bool | None]) -> bool | None:
    return False if False in findings else None if None in findings else True
