"""The value of one PDF signature by its /SubFilter (ISO 32000-1 12.8.3, ETSI EN 319 142-1 5): what the cryptography says.

Every kind that occurs in files is named. Only CMS signatures, sealing values of GB/T 38540 and document time-stamps can become valid; the
old kinds rest on SHA-1. A sealing value is known by its content: no standard registers a /SubFilter for it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.cms_verification import CmsResult, verify_signed_data
from crypto.report import failed, not_checked, passed, warned
from crypto.signatures import SignatureCheck, verify_signature
from crypto.timestamps import verify_token
from crypto.trust_list import Purpose
from seal_service.pdf.byte_ranges import CLAUSE
from seal_service.pdf.sealing_checks import BOTH_KIND, SES_KIND, Sealed, Setting, add_seal, verify_seal_alone
from seal_service.pdf.syntax import PdfString
from seal_service.seal_data.seal_file import Content, content_of
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier
from standards.rfc5652_cms import encoded_length

if TYPE_CHECKING:
    from crypto.report import Step
    from seal_service.pdf.byte_ranges import Coverage, RangeDigests
    from seal_service.pdf.document import PdfDocument

CMS_FILTERS: Final = frozenset({"ETSI.CAdES.detached", "adbe.pkcs7.detached"})
TIMESTAMP_FILTER: Final = "ETSI.RFC3161"
KINDS: Final = {
    "ETSI.CAdES.detached": "pdf-cms",
    "adbe.pkcs7.detached": "pdf-cms",
    TIMESTAMP_FILTER: "pdf-timestamp",
    "adbe.pkcs7.sha1": "pdf-pkcs7-sha1",
    "adbe.x509.rsa_sha1": "pdf-x509-rsa-sha1",
}
UNKNOWN_KIND: Final = "pdf-unknown"
_PRIVATE: Final = frozenset({"GM.SM2"})  # seen in files, with a content whose rules are not published
_OLD: Final = "ISO 32000-2 12.8.3"
_DATE: Final = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(?:(\d\d)'?)?)?")


def verify_value(
    document: PdfDocument, value: dict[str, object], coverage: Coverage, digests: RangeDigests, setting: Setting
) -> tuple[str, CmsResult]:
    """The kind of the signature value in /Contents and what verifying it over the covered bytes shows. Never raises on hostile input."""
    sub_filter = document.resolve(value.get("SubFilter"))
    stated = str(sub_filter)[:60]
    kind = KINDS.get(str(sub_filter), UNKNOWN_KIND)
    if coverage.contents is None or not coverage.ranges:
        return kind, undecided(not_checked("PDF_VALUE_NOT_CHECKED", CLAUSE, sub_filter=stated))
    is_seal = kind != "pdf-timestamp" and content_of(coverage.contents) is Content.SIGNATURE
    if kind == UNKNOWN_KIND and not is_seal:
        code = "PDF_SUBFILTER_PRIVATE" if stated in _PRIVATE else "PDF_SUBFILTER_UNKNOWN"
        return kind, undecided(not_checked(code, CLAUSE, sub_filter=stated))
    if kind == "pdf-x509-rsa-sha1" and not is_seal:
        return kind, _verify_bare_rsa(document, value, coverage)
    steps: list[Step] = []
    try:
        length = encoded_length(coverage.contents)
    except MalformedError as error:
        return kind, undecided(failed("PDF_CONTENTS_UNREADABLE", CLAUSE, reason=error.code))
    if any(coverage.contents[length:]):
        steps.append(failed("PDF_CONTENTS_PADDING", CLAUSE, count=len(coverage.contents) - length))
    value_der = coverage.contents[:length]
    ranges = coverage.ranges
    # Where the ranges break a rule, which is a step of its own, no text of a sealing value can name them rightly
    gap, end = coverage.gap or (0, 0), coverage.end or 0
    sealed = Sealed(
        digest=lambda oid: digests.digest(oid, ranges),
        content=lambda: _joined(document.data, ranges),
        byte_range=(0, gap[0], gap[1], end - gap[1]),
        claimed_at=read_date(document.resolve(value.get("M"))),
    )
    if is_seal:
        if kind != UNKNOWN_KIND:
            steps.append(warned("PDF_SUBFILTER_DISAGREES", CLAUSE, sub_filter=stated))
        kind, result = SES_KIND, verify_seal_alone(value_der, sealed, setting)
    elif kind == "pdf-timestamp":
        result = verify_token(value_der, sealed.digest, setting.trust, setting.at, setting.evidence, proven_by=setting.proven_by)
    elif kind == "pdf-pkcs7-sha1":
        result = _verify_sha1(value_der, coverage, digests, setting)
    else:
        result = _verify_cms(value_der, sealed, setting)
        together = add_seal(result, sealed, setting)
        if together is not None:
            kind, result = BOTH_KIND, together
    return kind, replace(result, steps=(*steps, *result.steps)) if steps else result


def _verify_cms(value_der: bytes, sealed: Sealed, setting: Setting) -> CmsResult:
    return verify_signed_data(
        value_der,
        content_digest=sealed.digest,
        content=sealed.content,
        trust=setting.trust,
        at=setting.at,
        purpose=Purpose.DOCUMENT,
        evidence=setting.evidence,
        claimed_at=sealed.claimed_at,
        proven_by=setting.proven_by,
    )


def undecided(*steps: Step) -> CmsResult:
    """The result where nothing can be known."""
    return CmsResult(None, None, None, None, None, None, None, steps)


def _joined(data: bytes, ranges: tuple[tuple[int, int], ...]) -> bytes:
    view = memoryview(data)
    return b"".join(view[start:end] for start, end in ranges)


def _verify_sha1(cms_der: bytes, coverage: Coverage, digests: RangeDigests, setting: Setting) -> CmsResult:
    """adbe.pkcs7.sha1: the CMS carries the SHA-1 digest of the ranges as its content. Never better than undecided."""
    result = verify_signed_data(
        cms_der,
        content_digest=None,
        trust=setting.trust,
        at=setting.at,
        evidence=setting.evidence,
        allow_encapsulated=True,
        require_signed_attributes=False,
    )
    steps = [not_checked("PDF_SUBFILTER_OLD", _OLD, sub_filter="adbe.pkcs7.sha1"), *result.steps]
    matches = result.encapsulated == digests.digest(oids.SHA1, coverage.ranges)
    if not matches:
        steps.append(failed("CMS_DIGEST_MISMATCH", CLAUSE, digest=oids.SHA1))
    return replace(result, document_intact=None if matches else False, steps=tuple(steps))


def _verify_bare_rsa(document: PdfDocument, value: dict[str, object], coverage: Coverage) -> CmsResult:
    """adbe.x509.rsa_sha1: a bare RSA value with the certificate in /Cert. Never better than undecided."""
    old = not_checked("PDF_SUBFILTER_OLD", _OLD, sub_filter="adbe.x509.rsa_sha1")
    encoded = document.resolve(value.get("Cert"))
    if isinstance(encoded, list) and encoded:
        encoded = document.resolve(encoded[0])
    try:
        contents = coverage.contents or b""
        signature = der.read_node(contents).expect(der.OCTET_STRING).value
        certificate = Certificate.from_der(bytes(encoded) if isinstance(encoded, PdfString) else b"")
    except MalformedError as error:
        return undecided(old, failed("PDF_CONTENTS_UNREADABLE", CLAUSE, reason=error.code))
    algorithm = AlgorithmIdentifier(oids.SHA1_WITH_RSA, der.null(), der.sequence(der.oid(oids.SHA1_WITH_RSA), der.null()))
    check = verify_signature(certificate.spki_der, algorithm, _joined(document.data, coverage.ranges), signature)
    good = {SignatureCheck.GOOD: True, SignatureCheck.WEAK: True, SignatureCheck.BAD: False}.get(check)
    steps = {
        True: (old, passed("SIG_VALUE_OK", CLAUSE)),
        False: (old, failed("SIG_VALUE_BAD", CLAUSE)),
        None: (old, not_checked("SIG_ALGORITHM_UNSUPPORTED", CLAUSE, algorithm=oids.SHA1_WITH_RSA)),
    }[good]
    claimed = read_date(document.resolve(value.get("M")))
    return CmsResult(good, None if good is not False else False, None, certificate.subject_text, certificate, claimed, None, steps)


def read_date(value: object) -> datetime | None:
    """A PDF date string (ISO 32000-1 7.9.4) as aware UTC; one without offset is read as UTC. None when it is no date."""
    if not isinstance(value, PdfString):
        return None
    match = _DATE.match(value.decode("latin-1"))
    if match is None:
        return None
    parts = [int(part) if part else default for part, default in zip(match.groups()[:6], (0, 1, 1, 0, 0, 0), strict=True)]
    hours, minutes = int(match[9] or 0), int(match[10] or 0)
    sign = -1 if match[8] == "-" else 1
    try:
        zone = timezone(sign * timedelta(hours=hours, minutes=minutes))
        return datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
