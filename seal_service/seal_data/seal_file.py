"""Seals (``.esl``) and sealing values (``.dat``) as files by themselves: bytes, trust list and time in, report out; never raises."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from crypto.cms import verify_signed_data
from crypto.report import Report, SignatureReport, Step, failed, not_checked, verdict_of
from seal_service.seal_data.verify import verify_seal, verify_seal_signature
from standards import x690_der as der
from standards.errors import TrustError
from standards.gbt35275_cms import OUTER_TYPES
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import HEADER_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList

SEAL_KIND: Final = "ses-seal"
SIGNATURE_KIND: Final = "ses-signature"
SIGNED_DATA_KIND: Final = "gbt35275-signature"
_FORM: Final = "GB/T 38540-2020 format"
_DEEPEST: Final = 4  # SESeal, SES_SealInfo, SES_Header, ID
_SIGNED_DATA_TYPES: Final = frozenset(der.oid(oid)[2:] for oid in OUTER_TYPES)
_NO_ORIGINAL: Final = "GB/T 38540-2020 sealing verification g"


class Content(StrEnum):
    """What a file of seal data begins as."""

    SEAL = "seal"
    SIGNATURE = "signature"
    SIGNED_DATA = "signed-data"


def content_of(data: bytes) -> Content | None:
    """What the first elements say it is, None for anything else. Says nothing about whether the rest can be read.

    A seal begins with SES_SealInfo whose header says ``ES``, a sealing value with TBS_Sign whose first element is a number, and a
    ``Type="Sign"`` value of OFD with the type of SignedData.
    """
    offset, tags = 0, b""
    while len(tags) < _DEEPEST and offset + 2 <= len(data):
        tags += data[offset : offset + 1]
        if not data[offset] & 0x20:
            break
        octets = data[offset + 1]
        offset += 2 + (octets & 0x7F if octets > 0x80 else 0)
    first = data[offset + 2 : offset + 2 + data[offset + 1]] if offset + 2 <= len(data) else b""  # the content of the first value
    if tags[:3] == bytes([der.SEQUENCE] * 3) and first == HEADER_ID.encode():
        return Content.SEAL
    if tags == bytes([der.SEQUENCE, der.SEQUENCE, der.INTEGER]):
        return Content.SIGNATURE
    if tags == bytes([der.SEQUENCE, der.OBJECT_IDENTIFIER]) and first in _SIGNED_DATA_TYPES:
        return Content.SIGNED_DATA
    return None


def is_seal_data(data: bytes) -> bool:
    """Whether :func:`verify_seal_data` has something to say about this content. A bare SEQUENCE of numbers is not enough."""
    found = content_of(data)
    return found in {Content.SEAL, Content.SIGNED_DATA} or (found is Content.SIGNATURE and b"\x16\x02ES" in data[:128])


def verify_seal_data(data: bytes, trust: TrustList, at: datetime, *, status: Sequence[OpenedStatusList] = ()) -> Report:
    """Verify a seal or a sealing value, whichever the content is."""
    return (verify_esl if content_of(data) is Content.SEAL else verify_ses_value)(data, trust, at, status=status)


def verify_esl(data: bytes, trust: TrustList, at: datetime, *, status: Sequence[OpenedStatusList] = (), strict: bool = False) -> Report:
    """Verify a seal alone as of ``at`` (aware UTC). The one entry is named ``seal``; nothing is said about any document."""

    def run() -> SignatureReport:
        seal = read_seal(data)
        found = verify_seal(seal, trust, at, status=status, strict=strict)
        return SignatureReport(
            name="seal",
            kind=SEAL_KIND,
            verdict=found.verdict,
            cryptographically_valid=found.cryptographically_valid,
            document_intact=None,
            trusted=found.trusted,
            signer=found.maker,
            signed_at=seal.property.created_at,
            steps=found.steps,
        )

    return _reported("seal", SEAL_KIND, run)


def verify_ses_value(
    data: bytes, trust: TrustList, at: datetime, *, status: Sequence[OpenedStatusList] = (), strict: bool = False
) -> Report:
    """Verify a sealing value alone as of ``at`` (aware UTC): SES_Signature, or the SignedData of a ``Type="Sign"`` value.

    The one entry is named ``signature``. Without its document it is at best indeterminate, and ``document_intact`` stays None.
    """
    if content_of(data) is Content.SIGNED_DATA:
        return _reported("signature", SIGNED_DATA_KIND, lambda: _signed_data(data, trust, at))

    def run() -> SignatureReport:
        found = verify_seal_signature(read_seal_signature(data), trust=trust, at=at, status=status, strict=strict)
        return SignatureReport(
            name="signature",
            kind=SIGNATURE_KIND,
            verdict=found.verdict,
            cryptographically_valid=found.cryptographically_valid,
            document_intact=None,
            trusted=found.trusted,
            signer=found.signer,
            signed_at=found.signed_at,
            steps=found.steps,
        )

    return _reported("signature", SIGNATURE_KIND, run)


def _signed_data(data: bytes, trust: TrustList, at: datetime) -> SignatureReport:
    found = verify_signed_data(data, content_digest=None, trust=trust, at=at, require_signed_attributes=False, allow_encapsulated=True)
    steps = (*found.steps, not_checked("DATA_MISSING", _NO_ORIGINAL))
    return SignatureReport(
        name="signature",
        kind=SIGNED_DATA_KIND,
        verdict=verdict_of(steps),
        cryptographically_valid=found.cryptographically_valid,
        document_intact=None,
        trusted=found.trusted,
        signer=found.signer,
        signed_at=found.signed_at,
        steps=steps,
    )


def _reported(name: str, kind: str, run: Callable[[], SignatureReport]) -> Report:
    try:
        found = run()
    except TrustError as error:
        found = _unreadable(name, kind, failed("SES_MALFORMED", _FORM, **{"reason": error.code, **error.facts}))
    except Exception as error:  # noqa: BLE001 # edge: a verifier never raises; unknown trouble is "not decided"
        found = _unreadable(name, kind, not_checked("SES_MALFORMED", _FORM, reason=type(error).__name__))
    return Report(found.verdict, None, (found,))


def _unreadable(name: str, kind: str, step: Step) -> SignatureReport:
    return SignatureReport(name, kind, verdict_of((step,)), None, None, None, None, None, (step,))
