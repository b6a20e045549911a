"""Verifying the signatures of a PDF: each one on its own, all its steps, and what happened to the document after it.

Pure: bytes, trust list and time in, report out. Nothing is valid that is not shown: a damaged or encrypted document, an unknown kind
of signature, or a comparison that would cost too much is undecided, and says so.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from crypto.report import Outcome, Report, SignatureReport, Step, Verdict, failed, not_checked, passed, verdict_of, warned, worst
from seal_service.pdf.active_content import find_active_content
from seal_service.pdf.byte_ranges import CLAUSE, Coverage, RangeDigests, check_tail, open_signed_revision, read_coverage
from seal_service.pdf.changes import DOC_MDP, FIELDS
from seal_service.pdf.cross_references import IN_FILE
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.form_changes import is_shown
from seal_service.pdf.limits import DEFAULT, PdfLimits
from seal_service.pdf.modifications import Modifications, SignedRevision, compare_with_final
from seal_service.pdf.permissions import Permissions, read_permissions
from seal_service.pdf.sealing_checks import Setting
from seal_service.pdf.signature_value import KINDS, TIMESTAMP_FILTER, UNKNOWN_KIND, undecided, verify_value
from seal_service.pdf.unattached import find_unattached
from seal_service.pdf.validation_data import read_validation_data
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.cms_verification import CmsResult
    from crypto.trust_list import TrustList
    from seal_service.pdf.form_fields import SignatureField
    from seal_service.seal_data.status_list import OpenedStatusList

_FILE: Final = "ISO 32000-1 7.5"
_ENCRYPTION: Final = "ISO 32000-1 7.6"
_FIELD: Final = "ISO 32000-1 12.7.4.5"
_LONG_TERM: Final = "ETSI EN 319 102-1 5.6.2"


@dataclasses.dataclass(frozen=True, slots=True)
class ExaminedPdf:
    """A verdict with the document it is on and what each of its signed fields covers, as they were read for it; ``document`` is None where it
    could not be read.
    """

    report: Report
    document: PdfDocument | None
    coverages: tuple[tuple[SignatureField, Coverage], ...] = ()


@dataclasses.dataclass(slots=True)
class _Signature:
    """One signed field on its way through the checks."""

    view: PdfDocument  # where the field was found: the final document, or the revision it was removed after
    field: SignatureField
    value: dict[str, object]
    coverage: Coverage
    permissions: Permissions
    steps: list[Step] = dataclasses.field(default_factory=list)
    signed: PdfDocument | None = None
    modifications: Modifications | None = None
    kind: str = UNKNOWN_KIND
    result: CmsResult = dataclasses.field(default_factory=undecided)
    is_tampered: bool | None = None
    is_removed: bool = False

    @property
    def sub_filter(self) -> str:
        """The kind of signature the dictionary states; empty where it cannot be read."""
        try:
            return str(self.view.resolve(self.value.get("SubFilter")))
        except MalformedError:
            return ""


def verify_pdf(
    data: bytes,
    trust: TrustList,
    at: datetime,
    *,
    limits: PdfLimits = DEFAULT,
    status: Sequence[OpenedStatusList] = (),
    strict: bool = False,
) -> Report:
    """Verify every signature of a PDF under ``trust`` as of ``at`` (aware UTC). Never raises.

    ``status`` from :func:`~seal_service.seal_data.status_list.open_status_lists` and ``strict`` are for the seals of GB/T 38540 inside.
    A file without signatures is indeterminate with ``PDF_NOT_SIGNED``; one that cannot be read with ``PDF_UNREADABLE``.
    """
    return examine_pdf(data, trust, at, limits=limits, status=status, strict=strict).report


def examine_pdf(
    data: bytes,
    trust: TrustList,
    at: datetime,
    *,
    limits: PdfLimits = DEFAULT,
    status: Sequence[OpenedStatusList] = (),
    strict: bool = False,
) -> ExaminedPdf:
    """As :func:`verify_pdf`, for those who go on reading what was verified."""
    try:
        return _verify(data, Setting(trust, at, status=status, strict=strict), limits)
    except TrustError as error:
        reason = error.code
    except Exception as error:  # noqa: BLE001 - the edge at which a verifier never raises: unknown trouble is "not decided"
        reason = type(error).__name__
    return ExaminedPdf(Report(Verdict.INDETERMINATE, None, (), (not_checked("PDF_UNREADABLE", _FILE, reason=reason),)), None)


def _verify(data: bytes, setting: Setting, limits: PdfLimits) -> ExaminedPdf:
    document = PdfDocument.open(data, limits=limits)
    steps: list[Step] = []
    if document.recovered:
        steps.append(not_checked("PDF_RECOVERED", _FILE))
    if document.is_encrypted:
        steps.append(not_checked("PDF_ENCRYPTED", _ENCRYPTION))
    if document.header_offset:
        # Readers disagree whether offsets count from the file's start or from the header, and rebuild what they cannot follow
        steps.append(not_checked("PDF_HEADER_OFFSET", "ISO 32000-1 7.5.2", offset=document.header_offset))
    signatures = [
        _Signature(document, each, each.value_dict or {}, read_coverage(document, each), Permissions())
        for each in _signed_fields(document, steps)
    ]
    coverages = tuple((each.field, each.coverage) for each in signatures)
    steps.extend(find_active_content(document))
    _add_removed(document, signatures, steps)
    if not signatures:
        return ExaminedPdf(Report(Verdict.INDETERMINATE, None, (), (not_checked("PDF_NOT_SIGNED", CLAUSE), *steps)), document)
    if all(signature.sub_filter == TIMESTAMP_FILTER for signature in signatures):
        steps.append(not_checked("PDF_NOT_SIGNED", CLAUSE, timestamps=len(signatures)))  # an authority stamps whatever it is sent
    signatures.sort(key=lambda each: each.coverage.ranges[-1][1] if each.coverage.ranges else 0)
    for signature in signatures:
        signature.permissions = _read_permissions(signature)
    _check_together(document, signatures)
    for signature in signatures:
        _open_revision(document, signature)
    _compare(document, signatures)
    stamped = [each.signed for each in reversed(signatures) if each.sub_filter == TIMESTAMP_FILTER and each.signed is not None]
    trust, evidence = read_validation_data([*stamped, document], setting.trust)
    digests = RangeDigests(data, [each.coverage.ranges[0][1] for each in signatures if each.coverage.ranges])
    _check_values(signatures, digests, dataclasses.replace(setting, trust=trust, evidence=evidence))
    _check_pictures(document, signatures)
    reports = [_report(document, signature) for signature in signatures]
    tampered = {signature.is_tampered for signature in signatures}
    verdicts = [report.verdict for report in reports] + ([verdict_of(steps)] if steps else [])
    is_tampered = True if True in tampered else None if None in tampered else False
    return ExaminedPdf(Report(worst(verdicts), is_tampered, tuple(reports), tuple(steps)), document, coverages)


def _signed_fields(document: PdfDocument, steps: list[Step]) -> list[SignatureField]:
    fields = [each for each in document.signature_fields() if each.value_dict is not None]
    if document.unreadable_fields:
        steps.append(not_checked("PDF_FIELD_UNREADABLE", _FIELD, count=document.unreadable_fields))
    most = document.budget.limits.signatures
    if len(fields) > most:
        steps.append(not_checked("PDF_TOO_MANY_SIGNATURES", _FIELD, found=len(fields), limit=most))
    return fields[:most]


def _read_permissions(signature: _Signature) -> Permissions:
    try:
        return read_permissions(signature.view, signature.value, signature.field.field_dict)
    except MalformedError as error:
        signature.steps.append(not_checked("PDF_PERMISSIONS_UNREADABLE", DOC_MDP, reason=error.code))
        return Permissions(1)


def _add_removed(document: PdfDocument, signatures: list[_Signature], steps: list[Step]) -> None:
    """Signatures that a later revision took away are examined too, unless a later signer signed the document without them.

    A time-stamp is no signer: whoever removes a signature can have the rest stamped.
    """
    positions = [each.coverage.position for each in signatures if each.coverage.position is not None]
    positions += _positions_beyond(document)
    for item in find_unattached(document, positions):
        steps.append(warned("PDF_SIGNATURE_UNATTACHED", _FIELD, offset=item.offset))
        if item.field is None or item.coverage is None or item.revision is None or item.coverage.end is None:
            continue
        signers = [each for each in signatures if each.sub_filter != TIMESTAMP_FILTER]
        if any(each.coverage.end is not None and each.coverage.end > item.coverage.end for each in signers):
            continue
        removed = _Signature(item.revision, item.field, item.field.value_dict or {}, item.coverage, Permissions())
        removed.steps.append(failed("PDF_SIGNATURE_REMOVED", _FIELD, field=item.field.name))
        removed.is_removed = True
        signatures.append(removed)


def _positions_beyond(document: PdfDocument) -> list[int]:
    """Where the values stand that are too many to be examined: they are not removed for that."""
    fields = [each for each in document.signature_fields() if each.value_dict is not None][document.budget.limits.signatures :]
    found = []
    for ref in [each.value_ref or each.ref for each in fields]:
        with suppress(MalformedError):  # where it stands is not known then: it may be called unattached
            entry = None if ref is None else document.entry(ref.number)
            found += [entry.at] if entry is not None and entry.kind == IN_FILE else []
    return found


def _check_together(document: PdfDocument, signatures: list[_Signature]) -> None:
    """Rules between signatures, which are in the order of their ends: no overlap, one field per value, one certification and first."""
    values = [each.coverage.position for each in signatures if each.coverage.position is not None and not each.is_removed]
    certified = False
    reach = 0
    for index, signature in enumerate(signatures):
        coverage = signature.coverage
        if coverage.position is not None and values.count(coverage.position) > 1:
            signature.steps.append(failed("PDF_SIGNATURE_SHARED", _FIELD, field=signature.field.name))
        if coverage.gap is not None and coverage.end is not None:
            if coverage.gap[0] < reach:
                signature.steps.append(failed("PDF_BYTERANGE_OVERLAP", CLAUSE, gap=coverage.gap[0], other_end=reach))
            reach = max(reach, coverage.end)
        if signature.permissions.is_certification:
            earlier = [each for each in signatures[:index] if each.sub_filter != TIMESTAMP_FILTER]
            if certified:
                signature.steps.append(failed("PDF_CERTIFICATION_SECOND", DOC_MDP, field=signature.field.name))
            elif earlier:
                signature.steps.append(failed("PDF_CERTIFICATION_NOT_FIRST", DOC_MDP, field=signature.field.name))
            certified = True
            if _certification_named(document) != signature.field.value_ref:
                signature.steps.append(warned("PDF_CERTIFICATION_UNREFERENCED", DOC_MDP, field=signature.field.name))


def _certification_named(document: PdfDocument) -> object:
    try:
        return (document.resolve_dictionary(document.root.get("Perms")) or {}).get("DocMDP")
    except MalformedError:
        return None


def _open_revision(document: PdfDocument, signature: _Signature) -> None:
    """See the document as it was signed, and find the very same signature in it."""
    if signature.is_removed:
        signature.signed = signature.view
        return
    signature.signed, steps = open_signed_revision(document, signature.coverage)
    signature.steps += steps
    signed = signature.signed
    if signed is None or signed is document:
        return
    try:
        same = [
            each for each in signed.signature_fields() if each.ref == signature.field.ref and each.value_ref == signature.field.value_ref
        ]
        ref = signature.field.value_ref or signature.field.ref
        unmoved = ref is not None and signed.place(ref.number) == document.place(ref.number)
    except MalformedError as error:
        signature.steps.append(failed("PDF_REVISION_INCOMPLETE", _FILE, end=signature.coverage.end, reason=error.code))
        signature.signed = None
        return
    if not same:
        signature.steps.append(failed("PDF_SIGNATURE_SPOOFED", _FIELD, field=signature.field.name))
        signature.is_tampered = True
    elif not unmoved:
        signature.steps.append(failed("PDF_SIGNATURE_DICTIONARY_CHANGED", _FIELD, field=signature.field.name))
        signature.is_tampered = True


def _compare(document: PdfDocument, signatures: list[_Signature]) -> None:
    """What changed after each signature that covers a complete revision, under what it and the earlier ones forbid."""
    later: list[tuple[_Signature, SignedRevision]] = []
    together = Permissions()
    for signature in signatures:
        if signature.signed is None:
            continue  # it covers no revision, so nobody can have come after it
        together = together.together(signature.permissions)
        if signature.signed is document:
            signature.modifications = Modifications((), is_tampered=False)
        else:
            later.append((signature, SignedRevision(signature.signed, together)))
    for (signature, _), outcome in zip(later, compare_with_final([revision for _, revision in later], document), strict=True):
        signature.modifications = outcome


def _check_values(signatures: list[_Signature], digests: RangeDigests, setting: Setting) -> None:
    """From the last to the first: a document time-stamp that may be relied on shows that everything before it existed at its time.

    So a certificate that expired since, or a time-stamp authority that was given up, is judged as of then, with what was known then.
    """
    proofs: list[tuple[int, datetime]] = []  # up to which byte, and when it existed
    for signature in reversed(signatures):
        end = signature.coverage.end
        proven_by = min((known for reach, known in proofs if end is not None and end <= reach), default=None)
        known_by = dataclasses.replace(setting, proven_by=proven_by)
        try:
            signature.kind, signature.result = verify_value(signature.view, signature.value, signature.coverage, digests, known_by)
        except TrustError as error:
            signature.kind = KINDS.get(signature.sub_filter, UNKNOWN_KIND)
            signature.result = undecided(not_checked("PDF_VALUE_NOT_CHECKED", CLAUSE, reason=error.code))
        if proven_by is not None:
            signature.steps.append(passed("PDF_EXISTENCE_PROVEN", _LONG_TERM, proven_by=proven_by.isoformat()))
        result, coverage = signature.result, signature.coverage
        is_sound = all(step.outcome is not Outcome.FAIL for step in (*coverage.steps, *signature.steps))
        if signature.sub_filter != TIMESTAMP_FILTER or signature.is_removed or not is_sound or not result.document_intact:
            continue
        if result.timestamp_at is not None and coverage.gap is not None and end is not None:
            proofs.append((coverage.gap[0], result.timestamp_at))


def _check_pictures(document: PdfDocument, signatures: list[_Signature]) -> None:
    """What a later field shows, a signature must answer for: a value that is no signature over this file makes it a pasted note."""
    for forged in signatures:
        field = forged.field
        if forged.is_removed or _is_signature(forged) or not _is_shown(forged):
            continue
        step = failed("PDF_ANNOTATION_CHANGED", FIELDS, object=field.ref.number if field.ref else 0, path=field.name, reason="no signature")
        for signature in signatures:
            known, modifications = signature.signed, signature.modifications
            if known is None or known is document or modifications is None or signature is forged:
                continue
            if not any(each.ref == field.ref and each.value_dict is not None for each in known.signature_fields()):
                others = tuple(each for each in modifications.steps if each.outcome is not Outcome.PASS)
                signature.modifications = Modifications((*others, step), is_tampered=True)


def _is_signature(signature: _Signature) -> bool:
    """Whether a value may be a signature over this file, by anybody; a kind that is not known here may."""
    result = signature.result
    if signature.coverage.gap is None or result.cryptographically_valid is False or result.document_intact is False:
        return False
    return result.signer_certificate is not None or all(step.outcome is not Outcome.FAIL for step in result.steps)


def _is_shown(signature: _Signature) -> bool:
    try:
        return is_shown(signature.view, [widget for _, widget in signature.field.widgets])
    except MalformedError:
        return True  # another reader may well understand it


def _report(document: PdfDocument, signature: _Signature) -> SignatureReport:
    coverage, modifications, result = signature.coverage, signature.modifications, signature.result
    steps = [*coverage.steps, *signature.steps]
    if coverage.gap is not None and not any(step.code == "PDF_BYTERANGE_OVERLAP" for step in steps):
        steps.append(passed("PDF_BYTERANGE_OK", CLAUSE))
    if signature.signed is not None and coverage.end is not None:
        steps.extend(check_tail(document, coverage.end))
    steps.extend(modifications.steps if modifications is not None else ())
    steps.extend(result.steps)
    uncovered = any(step.code == "PDF_REVISION_UNCOVERED" for step in steps)
    changed = modifications.is_tampered if modifications is not None else None
    removed = signature.is_removed and result.document_intact is True  # its bytes show that it was there, and right
    wrapped = coverage.is_wrapped and result.document_intact is True  # what was signed is there, with objects pushed in between
    if signature.is_tampered or result.document_intact is False or changed or uncovered or removed or wrapped:
        signature.is_tampered = True
    elif result.document_intact is None or changed is None or coverage.gap is None:
        signature.is_tampered = None
    else:
        signature.is_tampered = False
    return SignatureReport(
        name=signature.field.name,
        kind=signature.kind,
        verdict=verdict_of(steps),
        cryptographically_valid=result.cryptographically_valid,
        document_intact=False if signature.is_tampered else None if signature.is_tampered is None else result.document_intact,
        trusted=result.trusted,
        signer=result.signer,
        signed_at=result.signed_at,
        steps=tuple(steps),
        signer_certificate_der=None if result.signer_certificate is None else result.signer_certificate.der,
        is_shown=_is_shown(signature),
    )
