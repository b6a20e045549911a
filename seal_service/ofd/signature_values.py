"""The value of one OFD signature: a sealing value (GB/T 38540, GM/T 0031) or SignedData (GB/T 35275, RFC 5652) over ``Signature.xml``.

Writers fill ``Type="Sign"`` in several ways, and all of them bind the same thing: the content is the digest of ``Signature.xml``, that
digest as Base64 text, the file itself, or stands outside and is named by its digest. Which one it is, the bytes say.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.cms import verify_signed_data
from crypto.digests import digest
from crypto.report import Step, failed, not_checked, passed, warned
from crypto.sm3 import sm3
from seal_service.seal_data.seal_file import Content, content_of
from seal_service.seal_data.verify import verify_seal_signature
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.gbt32918_sm2 import read_signature as read_sm2_signature
from standards.gbt33190_ofd.locations import resolve
from standards.gbt33190_ofd.signatures import SEAL, SIGN
from standards.gbt38540_seal.quirks import time_in_text
from standards.gbt38540_seal.read import read_seal_signature

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.cms_verification import CmsResult
    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList
    from standards.gbt38540_seal.values import SealSignature

SEAL_KIND: Final = "ofd-seal"
SIGN_KIND: Final = "ofd-sign"
VALUE: Final = "GB/T 33190-2016 18.2"
DATA: Final = "GM/T 0099-2020 7.2"
_RAW_BYTES: Final = 64
_TIMES_DIFFER: Final = timedelta(hours=9)  # local time written as UTC differs by eight hours, and clocks by some minutes


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which trust, as of when (aware UTC), against which published states of seals, and whether by the letter."""

    trust: TrustList
    at: datetime
    status: Sequence[OpenedStatusList] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ValueResult:
    """What was found out about a value; None where it cannot be known.

    ``cryptographically_valid`` takes in that the value is over this very ``Signature.xml``; ``is_bound`` is False where it is over other
    bytes. ``seal_raw`` is the seal inside, ``property_info`` what it says it protects, ``method`` its signature algorithm.
    """

    kind: str
    steps: tuple[Step, ...]
    cryptographically_valid: bool | None = None
    is_bound: bool | None = None
    trusted: bool | None = None
    signer: str | None = None
    signed_at: datetime | None = None
    seal_raw: bytes | None = None
    property_info: str | None = None
    method: str | None = None
    signer_certificate: Certificate | None = None


def kind_of(stated: str | None) -> str:
    """The kind of report for a stated type, where the value itself does not tell; a seal by default (18.1)."""
    return SIGN_KIND if (stated or SEAL).lower() == SIGN.lower() else SEAL_KIND


def verify_value(value: bytes, stated: str | None, original: bytes, stated_time: str, setting: Setting) -> ValueResult:
    """Verify a signature value over ``original``, the bytes of ``Signature.xml``. Never raises on hostile input."""
    content = content_of(value)
    if content is Content.SIGNATURE:
        result = _verify_seal(value, original, setting)
    elif content is Content.SIGNED_DATA:
        result = verify_signed(value, original, setting, claimed_at=time_in_text(stated_time))
    elif _is_bare(value):
        step = not_checked("SIGNER_CERT_ABSENT", VALUE, size_bytes=len(value))
        return ValueResult(SIGN_KIND, (*_type_steps(stated, SIGN_KIND), step), signed_at=time_in_text(stated_time))
    else:
        return ValueResult(kind_of(stated), (failed("SIGNED_VALUE_UNREADABLE", VALUE, size_bytes=len(value)),))
    return replace(result, steps=(*_type_steps(stated, result.kind), *result.steps))


def _type_steps(stated: str | None, kind: str) -> list[Step]:
    """A value without a seal where a seal is stated is less than was promised; the other way round it is more."""
    if stated is None or stated == (SIGN if kind == SIGN_KIND else SEAL):
        return []
    if stated.lower() in {SIGN.lower(), SEAL.lower()} and (kind == SEAL_KIND or kind_of(stated) == SIGN_KIND):
        return [warned("OFD_TYPE_DISAGREES", VALUE, stated=stated, found=kind)]
    return [not_checked("OFD_TYPE_DISAGREES", VALUE, stated=stated[:40], found=kind)]


def _is_bare(value: bytes) -> bool:
    """Whether the value is nothing but the numbers of an SM2 signature."""
    if len(value) == _RAW_BYTES:
        return True
    try:
        read_sm2_signature(value)
    except MalformedError:
        return False
    return True


def _verify_seal(value: bytes, original: bytes, setting: Setting) -> ValueResult:
    try:
        signature = read_seal_signature(value)
    except MalformedError as error:
        return ValueResult(SEAL_KIND, (failed("SES_MALFORMED", VALUE, **error.facts),))
    found = verify_seal_signature(
        signature, trust=setting.trust, at=setting.at, data=original, status=setting.status, strict=setting.strict
    )
    return ValueResult(
        kind=SEAL_KIND,
        steps=found.steps,
        cryptographically_valid=found.cryptographically_valid,
        is_bound=found.document_intact,
        trusted=found.trusted,
        signer=found.signer,
        signed_at=found.signed_at,
        seal_raw=signature.seal_raw,
        property_info=_property_text(signature),
        method=signature.signature_algorithm_oid,
        signer_certificate=found.signer_certificate,
    )


def _property_text(signature: SealSignature) -> str:
    return signature.property_info.strip("\x00 \t\r\n")


def verify_signed(value: bytes, original: bytes, setting: Setting, *, claimed_at: datetime | None) -> ValueResult:
    """Verify SignedData over ``original`` in any of the forms in use."""

    def run(content: bytes | None) -> CmsResult:
        return verify_signed_data(
            value,
            content_digest=None if content is None else lambda oid: digest(oid, content),
            content=None if content is None else lambda: content,
            trust=setting.trust,
            at=setting.at,
            require_signed_attributes=False,
            allow_encapsulated=True,
            claimed_at=claimed_at,
        )

    result = run(None)
    steps: tuple[Step, ...] = ()
    if result.content_type is None:
        is_bound = None  # it could not be read at all
    elif result.encapsulated is not None:
        is_bound, steps = _compare(result.encapsulated, original)
    else:
        result, steps = run(original), ()
        if not (result.cryptographically_valid and result.document_intact):
            of_digest = run(sm3(original))
            if of_digest.cryptographically_valid and of_digest.document_intact:
                result, steps = of_digest, (warned("OFD_SIGN_FORM_VARIANT", DATA, form="digest of the digest"),)
        is_bound = result.document_intact
    valid = result.cryptographically_valid
    return ValueResult(
        kind=SIGN_KIND,
        steps=(*steps, *result.steps),
        cryptographically_valid=False if valid is not None and is_bound is False else valid,
        is_bound=is_bound if valid or is_bound is False else None,
        trusted=result.trusted,
        signer=result.signer,
        signed_at=result.signed_at,
        signer_certificate=result.signer_certificate,
    )


def _compare(content: bytes, original: bytes) -> tuple[bool, tuple[Step, ...]]:
    """Whether the content inside the value is this original, or its digest in one of the forms in use."""
    expected = digest(oids.SM3, original)
    if content in {expected, original}:
        return True, (passed("DATA_HASH_OK", DATA),)
    if b"".join(content.split()) == base64.b64encode(expected):
        return True, (warned("OFD_SIGN_FORM_VARIANT", DATA, form="Base64"),)
    return False, (failed("DATA_HASH_BAD", DATA),)


def check_statements(result: ValueResult, signature_path: str, method: str, stated_time: str) -> list[Step]:
    """What the value and ``Signature.xml`` say twice should be the same: the place, the algorithm, the time."""
    steps: list[Step] = []
    step = _check_property(result.property_info, signature_path)
    if step is not None:
        steps.append(step)
    if result.method is not None and method != result.method and not {method, result.method} <= oids.SM2_SIGNATURE_OIDS:
        steps.append(warned("OFD_METHOD_DISAGREES", VALUE, stated=method[:60], found=result.method))
    stated_at = time_in_text(stated_time)
    if stated_at is not None and result.signed_at is not None and abs(stated_at - result.signed_at) > _TIMES_DIFFER:
        steps.append(
            warned("OFD_TIME_DISAGREES", VALUE, stated=stated_at.isoformat(timespec="seconds"), found=result.signed_at.isoformat())
        )
    return steps


def _check_property(stated: str | None, signature_path: str) -> Step | None:
    """The text of propertyInfo names ``Signature.xml`` by its path. One vendor writes JSON, which says nothing we could compare."""
    if stated is None or not stated.lower().endswith(".xml"):
        return None
    try:
        named = resolve("", stated)
    except MalformedError:
        named = ""
    if named == signature_path:
        return passed("OFD_PROPERTY_OK", VALUE)
    if named and f"/{signature_path}".lower().endswith(f"/{named}".lower()):
        return warned("OFD_PROPERTY_DISAGREES", VALUE, stated=stated[:120], found=signature_path)
    return not_checked("OFD_PROPERTY_DISAGREES", VALUE, stated=stated[:120], found=signature_path)
