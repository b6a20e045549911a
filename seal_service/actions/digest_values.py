"""What a digest is sealed with: a CMS, the sealing value of GB/T 38540, or both in one; and what our own verifier says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.cms import verify_signed_data
from crypto.report import Outcome, Verdict, failed
from seal_service.errors import field_unacceptable, seal_not_usable
from seal_service.pdf.sealing_checks import Sealed, Setting, add_seal
from seal_service.pdf.sealing_value import PROPERTY_INFO_BYTES_MAX, Profile, SealingRound, ValueOrder, first_round
from seal_service.seal_data.verify import verify_seal_signature
from seal_service.verify import status_lists_of
from standards.gbt33560_oids import SM3
from standards.gbt38540_seal.read import read_seal_signature
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.report import Step
    from crypto.signatures import SignatureAlgorithm
    from crypto.trust_list import TrustList
    from seal_service.model import Seal

CMS_PROFILE: Final = "cms"  # the default: a CMS that states its time
PROFILES: Final = (CMS_PROFILE, *(profile.value for profile in Profile))
_RANGE: Final = re.compile(r"/ByteRange ?\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_NO_RANGE: Final = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class DigestForm:
    """The form of the value. ``profile`` None: a CMS with its signing time inside. ``property_info``: of a profile with a seal, what of the
    original is protected, as the sealing value states it: of a PDF ``/ByteRange[a b c d]``, of other documents a path or a name.
    """

    profile: Profile | None = None
    property_info: str = ""

    @property
    def has_seal(self) -> bool:
        """Whether a sealing value of GB/T 38540 is part of it."""
        return self.profile is not None and self.profile.has_seal

    @property
    def wishes(self) -> tuple[bytes, ...]:
        """What distinguishes it in a repeated request; nothing for the default."""
        return () if self.profile is None else (self.profile.value.encode(), self.property_info.encode())


PLAIN: Final = DigestForm()


def read_digest_form(profile: object, property_info: object) -> DigestForm:
    """The form that a request names. Raises TrustError FIELD_UNACCEPTABLE."""
    if profile not in PROFILES:
        raise field_unacceptable("profile", " | ".join(PROFILES))
    form = DigestForm(None if profile == CMS_PROFILE else Profile(str(profile)))
    if not form.has_seal:
        if property_info != "":
            raise field_unacceptable("property_info", "only with a sealing value")
        return form
    if not isinstance(property_info, str) or not is_plain_text(property_info) or not property_info.isascii():
        raise field_unacceptable("property_info", "one line of ASCII")
    if not 1 <= len(property_info) <= PROPERTY_INFO_BYTES_MAX:
        raise field_unacceptable("property_info", f"1 to {PROPERTY_INFO_BYTES_MAX} characters")
    if form.profile is Profile.PADES_SES and _RANGE.fullmatch(property_info) is None:
        raise field_unacceptable("property_info", "/ByteRange[a b c d] of the signature dictionary")
    return DigestForm(form.profile, property_info)


def begin_value(seal: Seal, digest: bytes, form: DigestForm, *, algorithm: SignatureAlgorithm, at: datetime) -> SealingRound:
    """The first signature that is wanted. Raises TrustError SEAL_NOT_ACTIVE, SEAL_WITHOUT_SEAL_DATA, SEAL_NOT_VALID_AT_SIGNING."""
    if seal.certificate_der is None:
        raise seal_not_usable(seal.id, seal.state)
    return first_round(
        ValueOrder(
            profile=form.profile or Profile.PADES,
            content_digest=digest,
            property_info=form.property_info,
            certificate=Certificate.from_der(seal.certificate_der),
            chain=tuple(Certificate.from_der(der) for der in seal.chain_der),
            algorithm=algorithm,
            signed_at=at,
            seal_data_der=seal.seal_data_der,
            states_time=form.profile is None,
        )
    )


def find_faults(value_der: bytes, digest: bytes, form: DigestForm, trust: TrustList, *, signed_at: datetime, at: datetime) -> str | None:
    """Why our own verifier does not call a value over ``digest`` valid: codes with blanks between them; None where it does.

    ``signed_at``: the time of sealing, which a PDF states in /M; ``at``: now.
    """
    steps = _judge(value_der, digest, form, trust, signed_at=signed_at, at=at)
    if steps is None:
        return None
    return " ".join(step.code for step in steps if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED})


def _judge(
    value_der: bytes, digest: bytes, form: DigestForm, trust: TrustList, *, signed_at: datetime, at: datetime
) -> Sequence[Step] | None:
    status = status_lists_of(trust, at)
    if form.profile is Profile.SES:
        value = verify_seal_signature(read_seal_signature(value_der), trust=trust, at=at, data_digest=digest, status=status)
        return None if value.verdict is Verdict.VALID else value.steps
    claimed_at = None if form.profile is None else signed_at
    cms = verify_signed_data(value_der, content_digest=lambda _oid: digest, trust=trust, at=at, claimed_at=claimed_at)
    if form.has_seal:
        named = _RANGE.search(form.property_info)
        byte_range = _NO_RANGE if named is None else (int(named[1]), int(named[2]), int(named[3]), int(named[4]))
        sealed = Sealed(lambda oid: digest if oid == SM3 else b"", lambda: b"", byte_range, signed_at)
        both = add_seal(cms, sealed, Setting(trust, at, status=status))
        if both is None:
            return (failed("PDF_SES_ATTRIBUTE_BAD", "own rule"),)
        cms = both
    return None if cms.verdict is Verdict.VALID else cms.steps
